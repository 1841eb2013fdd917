//! Stories of the form.

use super::*;
use crate::model::picture::Format;
use spark_runtime::inspect::Signature;

fn inspection(is_command: bool) -> Inspection {
    let add = Signature {
        name: "add".to_owned(),
        parameters: vec!["i32".to_owned(), "i32".to_owned()],
        results: vec!["i32".to_owned()],
    };
    Inspection {
        bytes: 8,
        is_command,
        exports: vec![add],
        imports: vec![],
        memory_bytes: 0,
        anatomy: vec![],
    }
}

fn function(name: &str) -> SparkEntry {
    SparkEntry::Export(name.to_owned())
}

/// A module that exports what a JSON spark does, and `add`.
fn json_inspection() -> Inspection {
    let mut seen = inspection(false);
    for line in json_spark::lacking(&[]) {
        let (name, rest) = line.split_once('(').expect("it is a signature");
        let parameters = vec!["i32".to_owned(); rest.matches("i32").count() - 1];
        let results = vec!["i32".to_owned()];
        seen.exports.push(Signature { name: name.to_owned(), parameters, results });
    }
    seen
}

fn binary() -> Arc<[u8]> {
    Arc::from([0_u8, 1])
}

fn form() -> Form {
    Form { entry: function("add"), arguments: "{} 1".to_owned(), ..Form::default() }
}

fn mandelbrot() -> Spark {
    Spark {
        name: "mandelbrot".to_owned(),
        title: "Mandelbrot".to_owned(),
        description: String::new(),
        file: "mandelbrot.wasm".to_owned(),
        entry: SparkEntry::Command,
        arguments: vec!["{}".to_owned(), "200".to_owned()],
        stdin: false,
        inputs: SparkInputs::Range { first: 0, last: 199 },
        picture: Some(Rows { format: Format::Bitmap, size_argument: 1, rows_argument: None }),
        sources: Vec::new(),
        translations: Vec::new(),
        of: None,
    }
}

#[test]
fn a_gallery_spark_runs_as_it_comes() {
    let form = Form::of_spark(&mandelbrot());
    let request = form.request(&binary(), &inspection(true)).expect("complete");
    assert_eq!(request.picture, Picture::new(Format::Bitmap, 200, 1, 200));
    assert_eq!(request.inputs, Inputs::Range { first: 0, last: 199 });
    let arguments = vec!["{}".to_owned(), "200".to_owned()];
    assert_eq!(
        request.program.entry,
        Entry::Command { arguments, environment: vec![], stdin: false }
    );
    assert_eq!(request.program.limits, Limits::default());
}

#[test]
fn a_file_is_set_up_by_what_it_exports() {
    let function = Form::of_file("sum.wasm", &inspection(false));
    assert_eq!((function.name.as_str(), function.entry), ("sum", self::function("add")));
    let command = Form::of_file("sum.wasm", &inspection(true));
    assert!(command.stdin && command.entry == SparkEntry::Command);
}

#[test]
fn mistakes_are_told_by_their_field() {
    let cases: [(Form, Field); 10] = [
        (Form { arguments: "'".to_owned(), ..form() }, Field::Arguments),
        (Form { arguments: "1 2 3".to_owned(), ..form() }, Field::Arguments),
        (Form { arguments: String::new(), ..form() }, Field::Arguments),
        (Form { arguments: "{} many".to_owned(), ..form() }, Field::Arguments),
        (Form { arguments: "0.5 {}".to_owned(), ..form() }, Field::Arguments),
        (Form { last: "many".to_owned(), ..form() }, Field::Inputs),
        (Form { entry: function("sub"), ..form() }, Field::Entry),
        (Form { memory_mib: "5000".to_owned(), ..form() }, Field::Memory),
        (Form { seconds: "0".to_owned(), ..form() }, Field::Time),
        (Form { seconds: "601".to_owned(), ..form() }, Field::Time),
    ];
    for (form, field) in cases {
        let mistake = form.request(&binary(), &inspection(false)).expect_err("a mistake");
        assert_eq!(mistake.0, field, "{}", mistake.1);
        assert!(!mistake.1.is_empty());
    }
    let command = Form { entry: SparkEntry::Command, ..form() };
    let mistake = command.request(&binary(), &inspection(false)).expect_err("no command");
    assert_eq!(mistake.0, Field::Entry);
}

#[test]
fn a_wrong_constant_is_told_with_what_to_do() {
    let form = Form { arguments: "{} many".to_owned(), ..form() };
    let (_, told) = form.request(&binary(), &inspection(false)).expect_err("a mistake");
    assert_eq!(
        told,
        "No task could run: argument 2 of `add` must be a whole number of 32 bits (i32), but \
         \"many\" is not. Give a value of that type, or {} where the input is to stand."
    );
}

#[test]
fn a_command_gets_the_variables_of_the_form() {
    let environment = "LEVEL=3\n\n NAME =a = b \n".to_owned();
    let form = Form { environment, ..Form::of_spark(&mandelbrot()) };
    let request = form.request(&binary(), &inspection(true)).expect("complete");
    let Entry::Command { environment, .. } = request.program.entry else { panic!("a command") };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(environment, [pair("LEVEL", "3"), pair("NAME", "a = b ")]);
    for wrong in ["LEVEL", "=3", "A=1\nA=2", "A=\0"] {
        let form = Form { environment: wrong.to_owned(), ..form.clone() };
        let mistake = form.request(&binary(), &inspection(true)).expect_err("a mistake");
        assert_eq!(mistake.0, Field::Environment, "{}", mistake.1);
    }
    // A function has no environment, whatever stands in the field.
    let function = Form { environment: "LEVEL".to_owned(), ..self::form() };
    assert!(function.request(&binary(), &inspection(false)).is_ok());
}

#[test]
fn arguments_are_cut_as_in_a_shell() {
    assert_eq!(
        split(r#" a  "b c" 'd"e' "" "#),
        Ok(vec!["a", "b c", "d\"e", ""].into_iter().map(str::to_owned).collect())
    );
    for arguments in [vec!["a b".to_owned(), "c".to_owned()], vec!["{\"x\": 1}".to_owned()]] {
        assert_eq!(split(&join(&arguments)), Ok(arguments));
    }
}

#[test]
fn an_argument_says_how_many_rows_a_result_has() {
    let rows = Rows { format: Format::Pixmap, size_argument: 1, rows_argument: Some(2) };
    let spark = Spark { picture: Some(rows), ..mandelbrot() };
    let picture = |arguments: &str| {
        let form = Form { arguments: arguments.to_owned(), ..Form::of_spark(&spark) };
        form.request(&binary(), &inspection(true)).expect("complete").picture
    };
    assert_eq!(picture("{} 640 16"), Picture::new(Format::Pixmap, 640, 16, 200));
    for none in ["{} 640", "{} 640 0", "{} 640 few", "{} 640 41", "{} 640 18446744073709551615"] {
        assert_eq!(picture(none), None, "{none}");
    }
}

#[test]
fn a_width_that_is_none_draws_no_picture() {
    let form = Form { arguments: "{} wide".to_owned(), ..Form::of_spark(&mandelbrot()) };
    let request = form.request(&binary(), &inspection(true)).expect("complete");
    assert_eq!(request.picture, None);
}

#[test]
fn the_lane_that_is_chosen_is_asked_for() {
    let lane =
        |form: &Form| form.request(&binary(), &inspection(false)).expect("complete").program.lane;
    let mut form = form();
    assert_eq!(lane(&form), Lane::Automatic);
    for (chosen, key, _) in LANES {
        form.take_lane(key);
        assert_eq!(lane(&form), chosen);
    }
    form.take_lane("none of them");
    assert_eq!(lane(&form), Lane::Interpreter);
}

#[test]
fn a_json_spark_is_set_up_to_run_over_lines() {
    let seen = json_inspection();
    let form = Form::of_file("sum.wasm", &seen);
    assert_eq!((&form.entry, form.kind), (&SparkEntry::Json, Kind::Lines));
    // What stands in fields that it has not is of no matter.
    let (arguments, environment) = ("'".to_owned(), "LEVEL".to_owned());
    let form = Form { lines: "{\"a\": 1}\n[]".to_owned(), arguments, environment, ..form };
    let request = form.request(&binary(), &seen).expect("complete");
    assert_eq!((request.program.entry, request.inputs.len()), (Entry::Json, 2));
    for line in ["{", "1 2", "{\"a\": 01}"] {
        let form = Form { lines: line.to_owned(), ..form.clone() };
        let (field, why) = form.request(&binary(), &seen).expect_err("it is no JSON");
        assert!(field == Field::Inputs && why.contains("not JSON"), "{line}: {why}");
    }
    let mut half = seen.clone();
    half.exports.pop();
    let (field, why) = form.request(&binary(), &half).expect_err("one function is not there");
    assert_eq!(field, Field::Entry);
    assert!(why.ends_with("it lacks: nebulark_ion_spark_deconstruct() → i32."), "{why}");
}

#[test]
fn what_can_be_called_is_offered_in_order() {
    let offered = |seen: &Inspection| -> Vec<SparkEntry> {
        entries(seen).into_iter().map(|(entry, _)| entry).collect()
    };
    assert_eq!(offered(&inspection(true)), [SparkEntry::Command, function("add")]);
    let seen = Inspection { is_command: true, ..json_inspection() };
    assert_eq!(offered(&seen)[..3], [SparkEntry::Json, SparkEntry::Command, function("add")]);
    assert_eq!(entries(&seen)[2].1, "add(i32, i32) → i32");
}

#[test]
fn the_trust_that_is_chosen_is_asked_for() {
    let trust =
        |form: &Form| form.request(&binary(), &inspection(false)).expect("complete").program.trust;
    let mut form = form();
    assert_eq!(trust(&form), Trust::Once);
    for (chosen, key, _) in TRUSTS {
        form.take_trust(key);
        assert_eq!(trust(&form), chosen);
        assert!(chosen.is_sound());
    }
    form.take_trust("none of them");
    assert_eq!(trust(&form), Trust::Adaptive);
}
