//! JSON sparks: the order of the nine calls, what passes through them, and each way in
//! which a module may not keep to them.

use spark_runtime::{
    Call, Limits, Report, Stop,
    json_spark::{PREFIX, lacking},
};

use crate::{
    guests::{json, run, run_with, runtime, still, ticking},
    host::test,
};

/// Each of the nine with its parameters, and what it does in [`recorder`].
const FUNCTIONS: [(&str, &str, &str); 9] = [
    ("construct", "", r"(call $log (i32.const 99)) (i32.const 0)"),
    (
        "input_set_length",
        "(param i32)",
        r"(call $log (i32.const 108)) (call $log (local.get 0)) (i32.const 0)",
    ),
    (
        "input_set",
        "(param i32 i32)",
        r"(call $log (i32.add (i32.const 48) (local.get 0))) (call $log (local.get 1))
           (i32.const 0)",
    ),
    ("open", "", r"(call $log (i32.const 111)) (i32.const 0)"),
    ("ignite", "", r"(call $log (i32.const 105)) (i32.const 0)"),
    ("close", "", r"(call $log (i32.const 120)) (i32.const 0)"),
    ("output_get_length", "", r"(call $log (i32.const 110)) (i32.const 12)"),
    (
        "output_get",
        "(param i32)",
        r"(call $log (i32.const 103)) (call $log (i32.add (i32.const 48) (local.get 0)))
           (i32.load8_u offset=512 (local.get 0))",
    ),
    ("deconstruct", "", r"(call $log (i32.const 100)) (call $print) (i32.const 0)"),
];

/// What [`recorder`] answers, and how that is encoded.
const ANSWER: (&str, &str) = (r#"{"sum":3}"#, "eyJzdW0iOjN9");

/// A JSON spark that writes down every call, prints that last, and answers
/// [`ANSWER`]. Functions that are named do what stands there instead.
fn recorder(changes: &[(&str, &str)]) -> String {
    let functions = FUNCTIONS.map(|(name, parameters, body)| {
        let change = changes.iter().find(|(changed, _)| *changed == name);
        let body = change.map_or(body, |(_, instead)| instead);
        format!(r#"(func (export "{PREFIX}{name}") {parameters} (result i32) {body})"#)
    });
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 512) "{}")
        (global $at (mut i32) (i32.const 1024))
        (func $log (param i32)
            (i32.store8 (global.get $at) (local.get 0))
            (global.set $at (i32.add (global.get $at) (i32.const 1))))
        (func $print
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.sub (global.get $at) (i32.const 1024)))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
        (func $start (call $log (i32.const 83)))
        (start $start)
        (func (export "_initialize") (call $log (i32.const 73)))
        {})"#,
        ANSWER.1,
        functions.join("\n")
    )
}

/// A JSON spark that answers what it is given, of up to a MiB.
fn echo() -> String {
    let functions = FUNCTIONS.map(|(name, parameters, _)| {
        let body = match name {
            "input_set_length" => "(global.set $length (local.get 0)) (i32.const 0)",
            "input_set" => "(i32.store8 (local.get 0) (local.get 1)) (i32.const 0)",
            "output_get_length" => "(global.get $length)",
            "output_get" => "(i32.load8_u (local.get 0))",
            _ => "(i32.const 0)",
        };
        format!(r#"(func (export "{PREFIX}{name}") {parameters} (result i32) {body})"#)
    });
    let functions = functions.join("\n");
    format!("(module (memory 32) (global $length (mut i32) (i32.const 0)) {functions})")
}

fn function(name: &str) -> String {
    format!("{PREFIX}{name}")
}

fn stop_of(changes: &[(&str, &str)]) -> Option<Stop> {
    run(&recorder(changes), &json("1")).stop
}

#[test]
fn the_nine_are_called_in_order_after_the_modules_own_start() {
    let report = run(&recorder(&[]), &json("{}"));
    assert_eq!(report.stop, None);
    assert_eq!(String::from_utf8(report.stdout).unwrap(), ANSWER.0);
    // "e30=" is the base64 of "{}". What is printed stands on standard error.
    let expected = "SIcl\u{4}0e13203=oixng0g1g2g3g4g5g6g7g8g9g:g;d";
    assert_eq!(String::from_utf8(report.stderr).unwrap(), expected);
    assert_eq!(report.values, []);
}

#[test]
fn a_step_that_fails_is_the_last_and_is_named() {
    let steps = ["construct", "input_set_length", "input_set", "open", "ignite", "close"];
    for (number, step) in steps.into_iter().enumerate() {
        // Whatever would come after it traps.
        let mut changes = vec![(step, "(i32.const -7)")];
        let later = FUNCTIONS.iter().map(|(name, ..)| *name);
        changes.extend(later.skip(number + 1).map(|name| (name, "unreachable")));
        let stop = Stop::StepFailed { function: function(step), returned: -7 };
        assert_eq!(stop_of(&changes), Some(stop), "{step}");
    }
}

#[test]
fn a_spark_that_fails_at_its_end_has_answered() {
    let report = run(&recorder(&[("deconstruct", "(i32.const 1)")]), &json("1"));
    let stop = Stop::StepFailed { function: function("deconstruct"), returned: 1 };
    assert_eq!(report.stop, Some(stop));
    assert_eq!(report.stdout, ANSWER.0.as_bytes());
}

#[test]
fn what_is_no_length_no_byte_or_no_base64_is_named() {
    let (length, get) = (function("output_get_length"), function("output_get"));
    let end = ("deconstruct", "unreachable");
    let stop = Stop::NotALength { function: length, returned: -1 };
    let no_get = ("output_get", "unreachable");
    assert_eq!(stop_of(&[("output_get_length", "(i32.const -1)"), no_get, end]), Some(stop));
    for returned in [-1, 256, i32::MIN] {
        let body = format!(
            "(select (i32.const {returned}) (i32.const 65) (i32.eq (local.get 0) (i32.const 2)))"
        );
        let stop = Stop::NotAByte { function: get.clone(), index: 2, returned };
        assert_eq!(stop_of(&[("output_get", &body), end]), Some(stop));
    }
    for (byte, index) in [(0, 0), (10, 0), (45, 0), (61, 0), (95, 0), (255, 0)] {
        let body = format!("(i32.const {byte})");
        let stop = Stop::NotBase64 { function: get.clone(), index };
        assert_eq!(stop_of(&[("output_get", &body), end]), Some(stop), "{byte}");
    }
    // Cut where no group of four ends.
    let stop = Stop::NotBase64 { function: get, index: 8 };
    assert_eq!(stop_of(&[("output_get_length", "(i32.const 11)"), end]), Some(stop));
}

#[test]
fn a_trap_and_an_exit_end_a_spark_before_its_answer() {
    let trapped = run(&recorder(&[("close", "unreachable")]), &json("1"));
    assert!(matches!(trapped.stop, Some(Stop::Trap { .. })));
    for code in [0, 3] {
        let body = format!("(call $exit (i32.const {code})) (i32.const 0)");
        let exited = run(&recorder(&[("ignite", &body)]), &json("1"));
        assert_eq!((exited.stop, exited.stdout), (Some(Stop::Exit { code }), Vec::new()));
    }
}

#[test]
fn any_text_passes_both_ways() {
    let text = "{\"key\": \"é – 𝄞\"}";
    for length in (0..=text.len()).filter(|length| text.is_char_boundary(*length)) {
        let report = run(&echo(), &json(&text[..length]));
        assert_eq!(report.stop, None);
        assert_eq!(String::from_utf8(report.stdout).unwrap(), text[..length]);
    }
    let long = "[1]".repeat(20_000);
    assert_eq!(run(&echo(), &json(&long)).stdout, long.as_bytes());
}

#[test]
fn an_input_that_is_no_text_is_refused() {
    let report = run(&echo(), &Call::Json { input: b"{\xff}".to_vec() });
    assert!(
        matches!(&report.stop, Some(Stop::WrongArgument { name, .. }) if name == "JSON spark"),
        "{:?}",
        report.stop
    );
    assert_eq!(report.fuel, 0);
}

fn echoed(limits: &Limits) -> Report {
    run_with(&echo(), &json("[1, 2, 3, 4]"), limits, still)
}

#[test]
fn an_answer_may_be_as_long_as_the_limit_and_no_longer() {
    for (output_bytes_max, is_enough) in [(12, true), (11, false), (0, false)] {
        let report = echoed(&Limits { output_bytes_max, ..Limits::default() });
        let stop = Stop::OutputLimit { bytes_max: output_bytes_max };
        assert_eq!(report.stop, (!is_enough).then_some(stop));
    }
    // What is promised to be longer is not read, and what was printed counts.
    let long =
        recorder(&[("output_get_length", "(i32.const 0x7fffffff)"), ("output_get", "unreachable")]);
    let stop = Stop::OutputLimit { bytes_max: Limits::default().output_bytes_max };
    assert_eq!(run(&long, &json("1")).stop, Some(stop));
    let limits = Limits { output_bytes_max: 20, ..Limits::default() };
    let printed = recorder(&[("close", "(call $print) (i32.const 0)")]);
    let stop = run_with(&printed, &json("1"), &limits, still).stop;
    assert_eq!(stop, Some(Stop::OutputLimit { bytes_max: 20 }));
}

#[test]
fn every_call_costs_fuel_and_looks_at_the_clock() {
    let fuel = |length| run(&echo(), &json(&"1".repeat(length))).fuel;
    // Four calls in and four out for three bytes, of sixteen units and what they do.
    assert!(fuel(3) - fuel(0) >= 8 * 16);
    assert_eq!(fuel(6) - fuel(3), fuel(3) - fuel(0));
    let limits = Limits { fuel_max: fuel(6) - 1, ..Limits::default() };
    let stop = run_with(&echo(), &json("111111"), &limits, still).stop;
    assert_eq!(stop, Some(Stop::OutOfFuel { fuel_max: limits.fuel_max }));
    let long = json(&"1".repeat(300_000));
    let limits = Limits { wall_ms_max: 50, ..Limits::default() };
    let stop = run_with(&echo(), &long, &limits, || ticking(20)).stop;
    assert_eq!(stop, Some(Stop::Deadline { wall_ms_max: 50 }));
}

#[test]
fn a_module_that_has_some_of_the_nine_says_which_it_lacks() {
    let inspect = |text: &str| runtime().inspect(&wat::parse_str(text).unwrap()).unwrap();
    let whole = inspect(&echo());
    assert!(whole.is_json_spark());
    assert_eq!(whole.lacks_of_json_spark(), [""; 0]);
    let none = inspect(r#"(module (func (export "add")))"#);
    assert!(!none.is_json_spark());
    assert_eq!(none.lacks_of_json_spark(), [""; 0]);
    assert_eq!(lacking(&none.exports).len(), 9);
    for (name, parameters, _) in FUNCTIONS {
        let whole = echo();
        let there = format!(r#"(export "{PREFIX}{name}")"#);
        let types = ["", "i32", "i32, i32"][parameters.matches("i32").count()];
        let wanted = format!("{PREFIX}{name}({types}) → i32");
        let without = whole.replace(&there, "");
        let other = whole.replace(&there, "").replace(
            "(module",
            &format!(
                r#"(module (func (export "{PREFIX}{name}") (param i64) (result i32) (i32.const 0))"#
            ),
        );
        for text in [without, other] {
            let seen = inspect(&text);
            assert!(!seen.is_json_spark());
            assert_eq!(seen.lacks_of_json_spark(), std::slice::from_ref(&wanted));
            let stop = run(&text, &json("1")).stop;
            assert_eq!(stop, Some(Stop::NotAJsonSpark { lacking: vec![wanted.clone()] }));
        }
    }
}
