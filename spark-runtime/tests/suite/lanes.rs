//! The two lanes beside each other: the same reports, and what differs.

use spark_runtime::{Lane, Limits, Stop, Value, inspect::Signature};

use crate::{
    guests::{command, export, json, run, run_module, run_with, runtime, still},
    host::test,
    modules::{Kind, generated},
};

/// Modules that are generated.
const MODULES: u64 = 200;

/// Examples, and calls of them.
const EXAMPLES: [(&[u8], &[&str], &str); 2] = [
    (include_bytes!("../../../examples/mandelbrot/mandelbrot.wasm"), &["70", "200", "50"], ""),
    (include_bytes!("../../../examples/word-count/word-count.wasm"), &[], "one two\nthree two"),
];

/// Those with exports.
const EXPORTS: [(&[u8], &str, &[&str]); 3] = [
    (include_bytes!("../../../examples/add/add.wasm"), "add", &["2", "-3"]),
    (include_bytes!("../../../examples/empty/empty.wasm"), "empty", &["7"]),
    (include_bytes!("../../../examples/forever/forever.wasm"), "forever", &["0"]),
];

#[test]
fn the_examples_are_reported_alike() {
    let limits = Limits { fuel_max: 30_000_000, ..Limits::default() };
    let commands = EXAMPLES.map(|(binary, arguments, stdin)| (binary, command(arguments, stdin)));
    let exports = EXPORTS.map(|(binary, name, arguments)| (binary, export(name, arguments)));
    for (binary, call) in commands.into_iter().chain(exports) {
        let module = runtime().load(binary).unwrap();
        let report = run_module(&module, &call, &limits, still);
        assert!(report.fuel > 0, "{call:?}");
    }
}

/// The JSON calculator in each of its languages.
const JSON_SPARKS: [&[u8]; 4] = [
    include_bytes!("../../../examples/nebulark/nebulark.wasm"),
    include_bytes!("../../../examples/nebulark/c/nebulark-c.wasm"),
    include_bytes!("../../../examples/nebulark/assemblyscript/nebulark-assemblyscript.wasm"),
    include_bytes!("../../../examples/nebulark/zig/nebulark-zig.wasm"),
];

#[test]
fn json_sparks_of_every_language_are_reported_alike() {
    for (number, binary) in JSON_SPARKS.into_iter().enumerate() {
        let module = runtime().load(binary).unwrap();
        let answer = |input: &str| run_module(&module, &json(input), &Limits::default(), still);
        let report = answer(r#"{"firstAddend": 40, "secondAddend": 2}"#);
        assert_eq!(report.stop, None, "{number}");
        assert_eq!(String::from_utf8_lossy(&report.stdout), r#"{"sum": 42}"#, "{number}");
        let function = "nebulark_ion_spark_ignite".to_owned();
        assert_eq!(answer("[]").stop, Some(Stop::StepFailed { function, returned: 1 }), "{number}");
    }
}

fn is_numeric(signature: &Signature) -> bool {
    let mut kinds = signature.parameters.iter().chain(&signature.results);
    kinds.all(|kind| ["i32", "i64", "f32", "f64"].contains(&kind.as_str()))
}

#[test]
fn generated_modules_are_reported_alike() {
    let limits = Limits { fuel_max: 300_000, memory_bytes_max: 64 << 20, ..Limits::default() };
    let (mut returned, mut trapped, mut starved) = (0, 0, 0);
    for number in 0..MODULES {
        let has_vectors = number.is_multiple_of(3);
        let kind = Kind { has_vectors, has_canonical_nans: false };
        let Ok(module) = runtime().load(&generated(number, kind)) else { continue };
        for signature in module.inspect().exports.iter().filter(|one| is_numeric(one)).take(3) {
            let zeros = vec!["0"; signature.parameters.len()];
            let report = run_module(&module, &export(&signature.name, &zeros), &limits, still);
            match report.stop {
                None => returned += 1,
                Some(Stop::Trap { .. }) => trapped += 1,
                Some(Stop::OutOfFuel { .. }) => starved += 1,
                Some(other) => assert!(other.is_deterministic(), "{number}: {other}"),
            }
        }
    }
    assert!(returned > 50 && trapped > 20 && starved > 10, "{returned} {trapped} {starved}");
}

#[test]
fn frames_of_many_shapes_meet_the_guests_own_limit_before_the_engines() {
    for (locals, operands) in [(0, 0), (1, 40), (40, 1), (500, 0), (0, 400), (1000, 500)] {
        let (locals, pushes) = ("(local f64)".repeat(locals), "(f64.const 1)".repeat(operands));
        let adds = "f64.add ".repeat(operands.saturating_sub(1));
        let drops = if operands > 0 { "drop" } else { "" };
        let text = format!(
            r#"(module (func $f (export "f") {locals} {pushes} (call $f) {adds} {drops}))"#
        );
        let report = run_with(&text, &export("f", &[]), &Limits::default(), still);
        let reason = "call stack exhausted".to_owned();
        assert_eq!(report.stop, Some(Stop::Trap { reason }), "{operands}");
    }
}

#[test]
fn vectors_are_reported_alike() {
    let module = r#"(module (memory 2) (data (i32.const 0) "\01\02\03\04\05\06\07\08\09")
        (func (export "sum") (result i32)
            (i32x4.extract_lane 1 (i32x4.add (v128.load (i32.const 0)) (i32x4.splat (i32.const 1)))))
        (func (export "nan") (result i64)
            (i64x2.extract_lane 1 (f64x2.sqrt (f64x2.splat (f64.const -1)))))
        (func (export "bits") (result i32)
            (i32x4.extract_lane 2 (f32x4.abs (v128.const i32x4 0 0 0xffa12345 0))))
        (func (export "far") (param i32) (result i32) (local v128)
            (local.set 1 (v128.load (i32.const 0)))
            (v128.store8_lane offset=70000 3 (i32.mul (local.get 0) (i32.const 3)) (local.get 1))
            (v128.store16_lane offset=70001 2 (i32.mul (local.get 0) (i32.const 3)) (local.get 1))
            (v128.store32_lane offset=70003 0 (i32.mul (local.get 0) (i32.const 3)) (local.get 1))
            (i32.load (i32.const 70003)))
        (func (export "last") (result i32)
            (i8x16.extract_lane_u 0 (v128.load (i32.const 131057)))))"#;
    for (name, value) in [
        ("sum", Value::I32(0x0807_0606)),
        ("nan", Value::I64(0x7ff8 << 48)),
        ("bits", Value::I32(0x7fa1_2345)),
    ] {
        assert_eq!(run(module, &export(name, &[])).values, [value], "{name}");
    }
    let values = run(module, &export("far", &["1"])).values;
    assert_eq!(values, [Value::I32(0x0106_0504)]);
    let reason = "out of bounds access to memory or a table".to_owned();
    assert_eq!(run(module, &export("last", &[])).stop, Some(Stop::Trap { reason }));
}

#[test]
fn vectors_whose_results_depend_on_the_machine_run_in_no_lane() {
    let text = r#"(module (func (export "f") (param v128) (result i32)
        (i32x4.extract_lane 0 (i32x4.relaxed_trunc_f32x4_s (local.get 0)))))"#;
    let refused = runtime().load(&wat::parse_str(text).unwrap()).err();
    assert!(matches!(refused, Some(Stop::NotAModule { .. })));
}

#[test]
fn every_lane_that_is_named_is_there_under_test() {
    let module = runtime().load(EXPORTS[0].0).unwrap();
    for lane in [Lane::Automatic, Lane::Interpreter, Lane::Fast] {
        assert_eq!(module.compile(lane), Ok(()), "{lane:?}");
    }
}
