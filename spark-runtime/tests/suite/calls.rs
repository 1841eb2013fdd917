//! Loading, looking at, and calling modules; each mistake by name.

use spark_runtime::{
    Lane, Limits, Module, Runtime, Stop, Value,
    meter::{FUNCTIONS_MAX, MODULE_BYTES_MAX},
};

use crate::{
    guests::{command, export, run, runtime, still},
    host::test,
};

const NUMBERS: &str = r#"(module
    (func (export "i32") (param i32) (result i32) (local.get 0))
    (func (export "i64") (param i64) (result i64) (local.get 0))
    (func (export "f32") (param f32) (result f32) (local.get 0))
    (func (export "f64") (param f64) (result f64) (local.get 0))
    (func (export "swap") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))
    (global (export "g") i32 (i32.const 1)))"#;

fn load(text: &str) -> Result<Module, Stop> {
    runtime().load(&wat::parse_str(text).unwrap())
}

#[test]
fn numbers_are_read_as_the_parameters_type() {
    for (name, text, shown) in [
        ("i32", "-2147483648", "-2147483648"),
        ("i32", "4294967295", "-1"),
        ("i32", "0xffffffff", "-1"),
        ("i32", "-0x80000000", "-2147483648"),
        ("i32", " +7 ", "7"),
        ("i64", "18446744073709551615", "-1"),
        ("i64", "-9223372036854775808", "-9223372036854775808"),
        ("f32", "1.5", "1.5"),
        ("f32", "0.1", "0.1"),
        ("f64", "-1e300", &format!("{}", -1e300)),
        ("f64", "inf", "inf"),
        ("f64", "nan", "NaN"),
    ] {
        let report = run(NUMBERS, &export(name, &[text]));
        assert_eq!(report.stop, None, "{name}({text})");
        assert_eq!(report.values[0].to_string(), shown, "{name}({text})");
    }
    let report = run(NUMBERS, &export("swap", &["3", "0.5"]));
    assert_eq!(report.values, [Value::F64(0.5f64.to_bits()), Value::I32(3)]);
}

#[test]
fn arguments_of_the_wrong_type_are_refused_with_their_place() {
    for (name, text) in [
        ("i32", ""),
        ("i32", "1.0"),
        ("i32", "4294967296"),
        ("i32", "-2147483649"),
        ("i32", "0x"),
        ("i32", "--1"),
        ("i32", "-+1"),
        ("i32", "٣"),
        ("i64", "18446744073709551616"),
        ("i64", "-9223372036854775809"),
        ("f32", "1,5"),
        ("f64", "one"),
    ] {
        let stop = run(NUMBERS, &export(name, &[text])).stop;
        let Some(Stop::WrongArgument { position: 1, given, .. }) = &stop else {
            panic!("{name}({text}) ended with {stop:?}")
        };
        assert_eq!(given, text);
    }
    let stop = run(NUMBERS, &export("swap", &["3", "x"])).stop;
    assert!(matches!(stop, Some(Stop::WrongArgument { position: 2, .. })));
}

#[test]
fn a_wrong_number_of_arguments_is_refused() {
    let stop = run(NUMBERS, &export("i32", &["1", "2"])).stop;
    assert_eq!(stop, Some(Stop::WrongArgumentCount { name: "i32".into(), expected: 1, given: 2 }));
}

#[test]
fn what_has_no_text_form_is_refused_by_type() {
    for kind in ["externref", "v128"] {
        let module = format!(r#"(module (func (export "f") (param {kind})))"#);
        let stop = run(&module, &export("f", &["1"])).stop;
        assert_eq!(stop, Some(Stop::UnsupportedType { name: "f".into(), kind: kind.into() }));
    }
}

#[test]
fn an_export_that_is_not_there_is_refused_with_those_that_are() {
    for name in ["add", "g"] {
        let Some(Stop::NoSuchExport { name: asked, exports }) =
            run(NUMBERS, &export(name, &[])).stop
        else {
            panic!("{name} was found")
        };
        assert_eq!(asked, name);
        assert_eq!(exports, ["f32", "f64", "i32", "i64", "swap"]);
    }
    let stop = run(NUMBERS, &command(&[], "")).stop;
    assert!(matches!(stop, Some(Stop::NoSuchExport { name, .. }) if name == "_start"));
}

#[test]
fn imports_that_are_not_offered_are_refused_by_name() {
    for (import, module, name) in [
        (r#"(import "env" "abort" (func))"#, "env", "abort"),
        (
            r#"(import "wasi_snapshot_preview1" "fd_fly" (func))"#,
            "wasi_snapshot_preview1",
            "fd_fly",
        ),
        (
            r#"(import "wasi_snapshot_preview1" "fd_close" (func (param i64)))"#,
            "wasi_snapshot_preview1",
            "fd_close",
        ),
        (r#"(import "js" "memory" (memory 1))"#, "js", "memory"),
        (r#"(import "js" "g" (global i32))"#, "js", "g"),
        (r#"(import "js" "t" (table 1 funcref))"#, "js", "t"),
    ] {
        let text = format!(r#"(module {import} (func (export "f")))"#);
        let stop = run(&text, &export("f", &[])).stop;
        assert_eq!(
            stop,
            Some(Stop::ImportNotOffered { module: module.into(), name: name.into() }),
            "{import}"
        );
    }
}

#[test]
fn an_inspection_says_what_a_module_is() {
    let module = load(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
        (import "env" "log" (func (param i32)))
        (memory (export "memory") 3)
        (func (export "_start"))
        (func (export "add") (param i32 i64) (result f32) (f32.const 0)))"#,
    )
    .unwrap()
    .inspect();
    assert!(module.is_command);
    assert_eq!(module.memory_bytes, 3 << 16);
    assert_eq!(module.exports.len(), 1);
    assert_eq!(
        (module.exports[0].name.as_str(), module.exports[0].results[0].as_str()),
        ("add", "f32")
    );
    assert_eq!(module.exports[0].parameters, ["i32", "i64"]);
    let imports: Vec<_> =
        module.imports.iter().map(|import| (import.name.as_str(), import.offered)).collect();
    assert_eq!(imports, [("log", false), ("fd_close", true)]);
}

#[test]
fn bytes_that_are_no_module_are_refused_with_a_reason() {
    let valid = wat::parse_str(NUMBERS).unwrap();
    let mut refused: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"\0asm".to_vec(),
        b"\x89PNG\r\n\x1a\n".to_vec(),
        b"(module)".to_vec(),
        b"\0asm\x02\0\0\0".to_vec(),
        b"\0asm\x0d\0\x01\0".to_vec(),
        vec![0; MODULE_BYTES_MAX + 1],
    ];
    refused.extend(
        (1..valid.len()).filter(|length| *length != 8).map(|length| valid[..length].to_vec()),
    );
    let mut accepted = 0;
    for bytes in &refused {
        match runtime().load(bytes) {
            Err(Stop::NotAModule { reason }) => assert!(!reason.is_empty()),
            Err(other) => panic!("{other:?}"),
            // A module cut between two sections may still be one.
            Ok(_) => accepted += 1,
        }
    }
    assert!(accepted <= 4, "{accepted} cut modules were taken");
}

#[test]
fn what_is_not_deterministic_or_not_bounded_is_refused() {
    let many = "(func)".repeat(FUNCTIONS_MAX as usize + 1);
    let wide = "i32 ".repeat(65);
    for text in [
        r#"(module (func (export "f") (param v128) (result v128)
            (i32x4.relaxed_trunc_f32x4_s (local.get 0))))"#
            .to_owned(),
        r"(module (memory i64 1))".to_owned(),
        r"(module (memory 1) (memory 1))".to_owned(),
        r"(module (memory 1 1 shared))".to_owned(),
        r#"(module (tag) (export "t" (tag 0)))"#.to_owned(),
        format!("(module {many})"),
        format!("(module (func (param {wide})))"),
    ] {
        assert!(
            matches!(load(&text), Err(Stop::NotAModule { .. })),
            "{}",
            &text[..text.len().min(80)]
        );
    }
}

#[test]
fn code_after_a_functions_end_is_refused() {
    let binary = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x06\x01\x04\0\x0b\x01\x0b";
    assert!(matches!(runtime().load(binary), Err(Stop::NotAModule { .. })));
    let binary = b"\0asm\x01\0\0\0\x01\x05\x01\x60\x01\x7f\0\x03\x02\x01\0\x0a\x08\x01\x06\0\x0b\x20\0\x1a\x0b";
    assert!(matches!(runtime().load(binary), Err(Stop::NotAModule { .. })));
}

#[test]
fn code_that_would_take_long_to_translate_is_refused() {
    let wide = "i32 ".repeat(64);
    let zeros = "i32.const 0 ".repeat(64);
    let drops = "drop ".repeat(64);
    let looped = |text: &str| {
        format!(
            "(module (type $t (func (param {wide}) (result {wide})))
            (func $f (type $t) unreachable) (func {zeros} {text} {drops}))"
        )
    };
    for part in ["loop (type $t) end ", "call $f ", "block (type $t) i32.const 0 br_if 0 end "] {
        assert!(load(&looped(part)).is_ok(), "{part}");
        let stop = load(&looped(&part.repeat(260_000))).err();
        let Some(Stop::NotAModule { reason }) = stop else { panic!("{part} was taken") };
        assert!(reason.contains("copies"), "{reason}");
    }
    let nested = |depth: usize| {
        let mut body = [0x02, 0x40].repeat(depth);
        body.extend(vec![0x0b; depth]);
        wat::parse_str("(module (func nop))").map(|mut module| {
            // The code section is the last: two bytes of head, one function.
            let code = module.iter().rposition(|byte| *byte == 10).unwrap();
            module.truncate(code + 1);
            let leb = |number: usize| {
                let number = u32::try_from(number).unwrap();
                [0, 7, 14]
                    .map(|shift| (number >> shift & 0x7f) as u8 | if shift < 14 { 0x80 } else { 0 })
            };
            module.extend(leb(body.len() + 6));
            module.push(1);
            module.extend(leb(body.len() + 2));
            module.push(0);
            module.extend(&body);
            module.push(0x0b);
            module
        })
    };
    assert_eq!(runtime().load(&nested(50_000).unwrap()).err(), None);
    let stop = runtime().load(&nested(50_001).unwrap()).err();
    assert!(matches!(stop, Some(Stop::NotAModule { reason }) if reason.contains("nested")));
}

#[test]
fn locals_are_bounded_over_all_functions() {
    // Functions of 30,000 locals each, in seven bytes apiece.
    let leb = |number: u16| [(number & 0x7f) as u8 | 0x80, (number >> 7 & 0x7f) as u8];
    let module = |functions: u16| {
        let mut binary = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03".to_vec();
        binary.extend([leb(functions + 2), leb(functions)].concat());
        binary.extend(vec![0; usize::from(functions)]);
        binary.push(10);
        binary.extend([leb(functions * 7 + 2), leb(functions)].concat());
        binary.extend([6, 1, 0xb0, 0xea, 0x01, 0x7f, 0x0b].repeat(usize::from(functions)));
        binary
    };
    assert_eq!(runtime().load(&module(133)).err(), None);
    let Err(Stop::NotAModule { reason }) = runtime().load(&module(134)) else {
        panic!("134 were taken")
    };
    assert!(reason.contains("locals"), "{reason}");
}

#[test]
fn nan_has_one_form() {
    let module = r#"(module
        (func (export "f64") (param f64 f64) (result i64) (i64.reinterpret_f64 (f64.div (local.get 0) (local.get 1))))
        (func (export "f32") (param f32) (result i32) (i32.reinterpret_f32 (f32.sqrt (local.get 0))))
        (func (export "kept") (result i32) (i32.reinterpret_f32 (f32.reinterpret_i32 (i32.const 0xffc12345)))))"#;
    let bits = |name, arguments: &[&str]| run(module, &export(name, arguments)).values[0];
    assert_eq!(bits("f64", &["0", "0"]), Value::I64(0x7ff8 << 48));
    assert_eq!(bits("f64", &["inf", "-inf"]), Value::I64(0x7ff8 << 48));
    assert_eq!(bits("f32", &["-1"]), Value::I32(0x7fc0_0000));
    assert_eq!(bits("kept", &[]), Value::I32(0xffc1_2345_u32.cast_signed()));
}

#[test]
fn traps_are_told_by_names_that_no_engine_chose() {
    let module = r#"(module (memory 1) (table 2 funcref) (type $t (func)) (data $d "x") (elem $e func $typed)
        (func $typed (param i32)) (elem (i32.const 1) $typed)
        (func (export "unreachable") unreachable)
        (func (export "divide") (drop (i32.div_s (i32.const 1) (i32.const 0))))
        (func (export "remainder") (drop (i64.rem_u (i64.const 1) (i64.const 0))))
        (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
        (func (export "nan") (drop (i32.trunc_f32_s (f32.const nan))))
        (func (export "large") (drop (i64.trunc_f64_u (f64.const 1e300))))
        (func (export "load") (drop (i32.load (i32.const 65536))))
        (func (export "fill") (memory.fill (i32.const 65535) (i32.const 0) (i32.const 2)))
        (func (export "init") (memory.init $d (i32.const 0) (i32.const 1) (i32.const 1)))
        (func (export "elements") (table.init $e (i32.const 2) (i32.const 0) (i32.const 1)))
        (func (export "get") (drop (table.get (i32.const 2))))
        (func (export "null") (call_indirect (type $t) (i32.const 0)))
        (func (export "type") (call_indirect (type $t) (i32.const 1)))
        (func (export "outside") (call_indirect (type $t) (i32.const 9))))"#;
    let outside = "out of bounds access to memory or a table";
    let no_integer = "integer overflow or invalid conversion to integer";
    let no_callee = "indirect call of no function or of one of another type";
    for (name, expected) in [
        ("unreachable", "wasm `unreachable` instruction executed"),
        ("divide", "integer divide by zero"),
        ("remainder", "integer divide by zero"),
        ("overflow", no_integer),
        ("nan", no_integer),
        ("large", no_integer),
        ("load", outside),
        ("fill", outside),
        ("init", outside),
        ("elements", outside),
        ("get", outside),
        ("null", no_callee),
        ("type", no_callee),
        ("outside", outside),
    ] {
        let stop = run(module, &export(name, &[])).stop;
        assert_eq!(stop, Some(Stop::Trap { reason: expected.into() }), "{name}");
    }
    for module in [
        r#"(module (memory 1) (data (i32.const 65536) "x") (func (export "f")))"#,
        r#"(module (table 1 funcref) (func $f) (elem (i32.const 1) $f) (func (export "f")))"#,
    ] {
        let stop = run(module, &export("f", &[])).stop;
        assert_eq!(stop, Some(Stop::Trap { reason: outside.into() }), "{module}");
    }
}

#[test]
fn a_float_that_is_no_number_leaves_a_guest_in_one_form() {
    let module = r#"(module
        (func (export "f32") (result f32) (f32.reinterpret_i32 (i32.const 0xffa12345)))
        (func (export "f64") (result f64) (f64.reinterpret_i64 (i64.const 0xfff4000000000001)))
        (func (export "in") (param f64) (result i64) (i64.reinterpret_f64 (local.get 0))))"#;
    assert_eq!(run(module, &export("f32", &[])).values, [Value::F32(0x7fc0_0000)]);
    assert_eq!(run(module, &export("f64", &[])).values, [Value::F64(0x7ff8 << 48)]);
    for text in ["nan", "-nan"] {
        assert_eq!(
            run(module, &export("in", &[text])).values,
            [Value::I64(0x7ff8 << 48)],
            "{text}"
        );
    }
}

#[test]
fn each_run_has_an_instance_of_its_own_and_costs_the_same() {
    let binary = wat::parse_str(
        r#"(module (global $g (mut i32) (i32.const 0))
            (func (export "f") (result i32)
                (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))"#,
    )
    .unwrap();
    let runtime = Runtime::new();
    let module = runtime.load(&binary).unwrap();
    let once =
        || runtime.run(&module, Lane::Automatic, &export("f", &[]), &Limits::default(), &still());
    let first = once();
    assert_eq!(first.values, [Value::I32(1)]);
    assert!(first.fuel > 0);
    assert_eq!(first, once());
}
