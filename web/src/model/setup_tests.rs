//! Stories of the form.

use super::*;
use crate::model::{
    job::tests::{job, result},
    picture::{Format, Picture},
};
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
        together: Together::Picture(Rows {
            format: Format::Bitmap,
            size_argument: 1,
            rows_argument: None,
        }),
        sources: Vec::new(),
        translations: Vec::new(),
        of: None,
    }
}

#[test]
fn a_gallery_spark_runs_as_it_comes() {
    let form = Form::of_spark(&mandelbrot());
    let request = form.request(&binary(), &inspection(true)).expect("complete");
    assert_eq!(request.together.picture(), Picture::new(Format::Bitmap, 200, 1, 200));
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
    let spark = Spark { together: Together::Picture(rows), ..mandelbrot() };
    let picture = |arguments: &str| {
        let form = Form { arguments: arguments.to_owned(), ..Form::of_spark(&spark) };
        form.request(&binary(), &inspection(true)).expect("complete").together.picture()
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
    assert_eq!(request.together, Together::Concatenate);
}

#[test]
fn what_is_chosen_is_asked_for() {
    for (lane, key, _) in LANES {
        assert_eq!(chosen(&LANES, key), Some(lane));
    }
    assert_eq!(chosen(&LANES, "none of them"), None);
    for (trust, key, _) in TRUSTS {
        assert_eq!(chosen(&TRUSTS, key), Some(trust));
        assert!(trust.is_sound());
        let lane = Lane::Interpreter;
        let form = Form { lane, trust, together: Together::Count, ..form() };
        let request = form.request(&binary(), &inspection(false)).expect("complete");
        assert_eq!((request.program.lane, request.program.trust), (lane, trust));
        assert_eq!(request.together, Together::Count);
    }
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

/// The form of `add` over a table, or a file of it.
fn over_table(table: &str, arguments: &str) -> Form {
    let table = Given::pasted(table.to_owned());
    Form { kind: Kind::Table, table, arguments: arguments.to_owned(), ..form() }
}

const SUMS: &str = "first;second\n1;2\n3;4\n5;x\n7;8";

#[test]
fn a_table_runs_a_task_for_each_row() {
    let form = over_table(SUMS, "{first} {second}");
    let request = form.request(&binary(), &inspection(false)).expect("complete");
    let row = |row| request.inputs.get(row).expect("it is there");
    assert_eq!((request.inputs.len(), form.tasks()), (4, Some(4)));
    let Ok(Call::Export { arguments, .. }) = request.program.entry.bind(&row(1)) else {
        panic!("a function")
    };
    assert_eq!((arguments, row(1).as_ref()), (vec!["3".into(), "4".into()], &b"3,4"[..]));
}

#[test]
fn mistakes_in_a_table_are_told_by_their_field() {
    let cases = [
        (over_table("", "{first} 1"), Field::Inputs, "no table yet"),
        (over_table("a\n1\n2,3", "{} 1"), Field::Inputs, "Line 3 has 2 fields"),
        (over_table(SUMS, "{frist} 1"), Field::Arguments, "there is {first}, {second}."),
        (over_table(SUMS, "{#1} {#3}"), Field::Arguments, "no column {#3}"),
        (over_table(SUMS, "{#1} {#2} {#2}"), Field::Arguments, "takes 2 arguments"),
        (over_table(SUMS, "{#1} many"), Field::Arguments, "many"),
    ];
    for (form, field, words) in cases {
        let (told_at, why) = form.request(&binary(), &inspection(false)).expect_err(words);
        assert!(told_at == field && why.contains(words), "{why}");
    }
    // Elsewhere a name in braces is text, and a number a field.
    let form = Form { arguments: "{frist} {#1}".to_owned(), ..Form::of_spark(&mandelbrot()) };
    assert!(form.request(&binary(), &inspection(true)).is_ok());
}

#[test]
fn a_json_spark_takes_rows_as_objects() {
    let form = Form { entry: SparkEntry::Json, ..over_table(SUMS, "{frist}") };
    let request = form.request(&binary(), &json_inspection()).expect("complete");
    assert_eq!(
        request.inputs.get(2).expect("it is there").as_ref(),
        b"{\"first\": 5, \"second\": \"x\"}"
    );
}

#[test]
fn the_first_rows_of_a_table_show_what_they_make() {
    let shown = |form: &Form| form.preview().expect("there is a table");
    let form = over_table(SUMS, "{second} 'a {first}'");
    let preview = shown(&form);
    assert_eq!(preview.head, ["first", "second", "Arguments"]);
    assert_eq!(
        preview.rows,
        [["1", "2", "2 \"a 1\""], ["3", "4", "4 \"a 3\""], ["5", "x", "x \"a 5\""]]
    );
    let wrong = shown(&over_table(SUMS, "{frist}"));
    assert_eq!((wrong.head.len(), wrong.rows[0].len()), (2, 2));
    assert!(wrong.mistake.is_some_and(|why| why.contains("{frist}")));
    let last = |form: &Form| {
        let preview = shown(form);
        [preview.head.last().cloned(), preview.rows[0].last().cloned()]
            .map(Option::unwrap_or_default)
    };
    let json = Form { entry: SparkEntry::Json, ..form.clone() };
    assert_eq!(last(&json), ["Input", "{\"first\": 1, \"second\": 2}"]);
    let command =
        Form { entry: SparkEntry::Command, stdin: true, arguments: String::new(), ..form.clone() };
    assert_eq!(last(&command), ["Standard input", "1,2"]);
    assert_eq!(Form { kind: Kind::Lines, ..form }.preview(), None);
    let wide =
        shown(&over_table(&format!("a,b,c,d,e,f\n{},2,3,4,5,6", "x".repeat(25)), "{#6} {f}"));
    assert_eq!(wide.head, ["a", "b", "c", "d", "e", "…", "Arguments"]);
    assert_eq!(wide.rows[0][0], format!("{}…", "x".repeat(24)));
    assert_eq!(wide.rows[0][6], "6 6");
}

#[test]
fn files_are_an_input_each_and_keep_their_names() {
    let command = Form { entry: SparkEntry::Command, kind: Kind::Files, ..Form::default() };
    let (field, _) = command.request(&binary(), &inspection(true)).expect_err("none is chosen");
    assert_eq!((field, command.tasks()), (Field::Inputs, None));
    let names: Arc<[String]> = Arc::from(["d/a".to_owned(), "d/b".to_owned()]);
    let inputs = [&b"one"[..], b"two"].map(node_core::compute::Input::from).to_vec();
    let picked = Picked { names: Arc::clone(&names), inputs: inputs.clone(), hidden: 0 };
    let form = Form { files: Some(Arc::new(picked)), ..command };
    let request = form.request(&binary(), &inspection(true)).expect("complete");
    assert_eq!((request.inputs, form.tasks()), (Inputs::List(inputs), Some(2)));
    assert_eq!(request.names, names);
    // Of other inputs these are not the names.
    let range = Form { kind: Kind::Range, ..form };
    let request = range.request(&binary(), &inspection(true)).expect("complete");
    assert_eq!(request.names.len(), 0);
}

#[test]
fn results_of_a_job_are_inputs_so_many_each() {
    let mut job = job(3, None);
    job.take(0, ["1 2", "3 4", "5 6\n"].map(result).to_vec());
    let results = Arc::new(Results::of(&job).expect("some"));
    let form = Form { arguments: String::new(), ..form() }.over(results);
    let request = form.request(&binary(), &inspection(false)).expect("complete");
    assert_eq!((request.inputs.len(), form.tasks()), (3, Some(3)));
    assert_eq!(request.inputs.get(2).expect("it is there").as_ref(), b"5 6");
    let form = Form { each: 10, entry: SparkEntry::Command, ..form };
    let request = form.request(&binary(), &inspection(true)).expect("complete");
    assert_eq!((request.inputs.len(), form.tasks()), (1, Some(1)));
    assert_eq!(request.inputs.get(0).expect("it is there").as_ref(), b"1 2\n3 4\n5 6");
    let none = Form { results: None, ..form };
    let (field, _) = none.request(&binary(), &inspection(true)).expect_err("there are none");
    assert_eq!((field, none.tasks()), (Field::Inputs, None));
}

#[test]
fn the_form_of_a_job_that_was_has_its_settings_and_no_inputs() {
    let environment = "LEVEL=3\nNAME=a = b".to_owned();
    let given = [
        (Form { environment, trust: Trust::Adaptive, ..Form::of_spark(&mandelbrot()) }, true),
        (Form { lane: Lane::Fast, seconds: "7".to_owned(), ..form() }, false),
        (Form { entry: SparkEntry::Json, ..over_table(SUMS, "") }, false),
    ];
    for (given, is_command) in given {
        let seen = Inspection { is_command, ..json_inspection() };
        let request = given.request(&binary(), &seen).expect("complete");
        let again = Form::of_request(&request);
        let (field, why) = again.request(&binary(), &seen).expect_err("it has no inputs");
        assert_eq!(field, Field::Inputs, "{why}");
        let is_range = again.kind == Kind::Range;
        assert_eq!(is_range, matches!(request.inputs, Inputs::Range { .. }));
        // With the same inputs it is the same request.
        let (first, last, table) = (given.first, given.last, given.table);
        let again = Form { kind: given.kind, first, last, table, ..again };
        assert_eq!(again.request(&binary(), &seen), Ok(request));
    }
    let names = Arc::from(["a".to_owned()]);
    let inputs = Inputs::List(vec![node_core::compute::Input::new()]);
    let request = form().request(&binary(), &inspection(false)).expect("complete");
    let request = Request { inputs, names, ..request };
    assert_eq!(Form::of_request(&request).kind, Kind::Files);
}
