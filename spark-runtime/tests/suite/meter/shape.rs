//! The metered module's shape: what it exports, what moves, what is refused.

use spark_runtime::meter::{
    Error, FLAGS, FUEL, FUNCTION_LOCALS_MAX, MEMORY, RESERVED, ROOM, STACK, START, meter,
};
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

use super::Guest;

fn refused(text: &str) -> Error {
    meter(&wat::parse_str(text).unwrap()).expect_err(text)
}

#[test]
fn it_exports_its_gauges_and_imports_one_function() {
    let text = r#"(module (import "a" "b" (func)) (memory 1) (func $s) (start $s)
        (@custom "name" "x") (func (export "f")) (global (export "g") i32 (i32.const 1)))"#;
    let metered = meter(&wat::parse_str(text).unwrap()).unwrap();
    assert!(metered.has_start);
    assert_eq!((metered.memory_bytes, metered.table_elements), (1 << 16, 0));
    let (mut exports, mut imports) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(&metered.binary) {
        match payload.unwrap() {
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.unwrap();
                    exports.push((export.name, export.kind));
                }
            }
            Payload::ImportSection(section) => {
                for import in section {
                    let import = import.unwrap();
                    assert!(matches!(import.ty, TypeRef::Func(_)));
                    imports.push((import.module, import.name));
                }
            }
            Payload::StartSection { .. } => panic!("it is left out"),
            Payload::CustomSection(section) => {
                assert_eq!(section.name(), "metadata.code.branch_hint");
            }
            _ => {}
        }
    }
    assert_eq!(imports, [("a", "b"), (RESERVED, "limit")]);
    let global = ExternalKind::Global;
    let added = [FUEL, STACK, ROOM, FLAGS].map(|name| (name, global));
    assert_eq!(exports[..2], [("f", ExternalKind::Func), ("g", global)]);
    assert_eq!(exports[2..6], added);
    assert_eq!(exports[6..], [(MEMORY, ExternalKind::Memory), (START, ExternalKind::Func)]);
}

#[test]
fn functions_keep_their_meaning_wherever_they_are_named() {
    let text = r#"(module
        (type $t (func (result i32)))
        (table $a 2 funcref) (table $b funcref (elem $two))
        (elem (table $a) (i32.const 0) func $one)
        (elem (table $a) (i32.const 1) funcref (ref.func $two))
        (elem $passive funcref (ref.func $one) (ref.null func)) (elem declare func $one)
        (global $g funcref (ref.func $two)) (global $seven (mut i32) (i32.const 0))
        (func $one (type $t) (i32.const 1)) (func $two (type $t) (i32.const 2))
        (func $s (global.set $seven (i32.const 7))) (start $s)
        (func (export "direct") (result i32) (call $two))
        (func (export "tail") (result i32) (return_call $two))
        (func (export "a") (param i32) (result i32) (call_indirect $a (type $t) (local.get 0)))
        (func (export "b") (result i32) (call_indirect $b (type $t) (i32.const 0)))
        (func (export "global") (result i32)
            (table.set $a (i32.const 0) (global.get $g)) (call_indirect $a (type $t) (i32.const 0)))
        (func (export "passive") (result i32)
            (table.init $a $passive (i32.const 1) (i32.const 0) (i32.const 1))
            (call_indirect $a (type $t) (i32.const 1)))
        (func (export "reference") (result i32)
            (table.set $b (i32.const 0) (ref.func $one)) (call_indirect $b (type $t) (i32.const 0)))
        (func (export "dead") (result i32) (return (i32.const 8)) (call $two))
        (func (export "started") (result i32) (global.get $seven))
        (export "two" (func $two)))"#;
    let mut guest = Guest::new(text);
    for (name, inputs, expected) in [
        ("direct", &[][..], 2),
        ("tail", &[], 2),
        ("a", &[0], 1),
        ("a", &[1], 2),
        ("b", &[], 2),
        ("global", &[], 2),
        ("passive", &[], 1),
        ("reference", &[], 1),
        ("dead", &[], 8),
        ("started", &[], 7),
        ("two", &[], 2),
    ] {
        assert_eq!(guest.number(name, inputs), expected, "{name}");
    }
}

#[test]
fn reserved_names_are_refused_where_they_stand() {
    for (text, name) in [
        (r#"(module (import "ionosphere:meter" "limit" (func)))"#, "ionosphere:meter"),
        (r#"(module (import "ionosphere:meter2" "x" (global i32)))"#, "ionosphere:meter2"),
        (r#"(module (func (export "ionosphere:meter/start")))"#, START),
        (r#"(module (memory (export "ionosphere:meter/memory") 1))"#, MEMORY),
    ] {
        let Error::ReservedName { name: found, offset } = refused(text) else { panic!("{text}") };
        assert_eq!(found, name);
        assert!(offset > 8, "{offset}");
    }
    let free =
        r#"(module (import "a" "ionosphere:meter" (func)) (func (export "ionosphere:start")))"#;
    assert!(meter(&wat::parse_str(free).unwrap()).is_ok());
}

#[test]
fn what_is_not_the_same_everywhere_is_refused_by_name() {
    for (text, word) in [
        ("(module (memory i64 1))", "memory64"),
        ("(module (table i64 1 funcref))", "memory64"),
        ("(module (memory 1) (memory 1))", "memories"),
        ("(module (memory 1 1 shared))", "threads"),
        ("(module (func (drop (i32.atomic.load (i32.const 0)))) (memory 1))", "threads"),
        ("(module (tag))", "exceptions"),
        ("(module (type (struct)))", "gc"),
        ("(module (func (param (ref null 0))))", "types"),
        ("(module (func (drop (ref.i31 (i32.const 1)))))", "gc"),
        (
            "(module (func (param v128) (result v128)
                (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))))",
            "relaxed",
        ),
        ("(module (memory 1 (pagesize 1)))", "page size"),
        (
            "(module (func (param i64) (result i64 i64)
            (i64.mul_wide_u (local.get 0) (local.get 0))))",
            "wide",
        ),
    ] {
        let error = refused(text);
        assert!(error.to_string().contains(word), "{text}: {error}");
        assert!(matches!(error, Error::Invalid { offset: 8.., .. } | Error::TooMany { .. }));
    }
}

#[test]
fn locals_that_are_added_count() {
    let text = |locals: usize| {
        format!(
            "(module (func (local {}) (f64.store (i32.const 0) (f64.sqrt (f64.const 2)))) (memory 1))",
            "f64 ".repeat(locals)
        )
    };
    let most = usize::try_from(FUNCTION_LOCALS_MAX).unwrap();
    assert!(meter(&wat::parse_str(text(most - 1)).unwrap()).is_ok());
    let Error::TooMany { what, count, max } = refused(&text(most)) else { panic!() };
    assert_eq!((what, count, max), ("locals in a function", 50_001, FUNCTION_LOCALS_MAX));
}

/// A module of one function of no parameters, with bytes for its code.
fn of_code(code: &[u8]) -> Vec<u8> {
    let mut binary = wat::parse_str("(module (func))").unwrap();
    // The code section is the last: its number, its length, one function.
    binary.truncate(binary.iter().rposition(|byte| *byte == 10).unwrap() + 1);
    let leb = |number: usize| {
        let byte = |shift: usize| (number >> shift).to_le_bytes()[0] | 0x80;
        [byte(0), byte(7), byte(14), byte(21) & 0x7f]
    };
    binary.extend(leb(code.len() + 7));
    binary.push(1);
    binary.extend(leb(code.len() + 2));
    binary.push(0);
    binary.extend(code);
    binary.push(0x0b);
    binary
}

#[test]
fn code_that_metering_would_make_much_larger_is_refused() {
    // `f32.const 0`, then square roots whose bits are read; `loop`, `end`.
    let root = [&[0x43, 0, 0, 0, 0][..], &[0x91, 0x8c].repeat(1_000_001), &[0x1a]].concat();
    let copies = [0x03, 0x40, 0x0b].repeat(1_000_001);
    for (code, what) in [(root, "changes in a function"), (copies, "changes in a function")] {
        let Err(Error::TooMany { what: found, .. }) = meter(&of_code(&code)) else { panic!() };
        assert_eq!(found, what);
    }
    let Err(Error::TooMany { what, .. }) = meter(&of_code(&vec![0x01; 7_654_321])) else {
        panic!()
    };
    assert_eq!(what, "bytes in a function");
    assert!(meter(&of_code(&vec![0x01; 7_000_000])).is_ok());
    // Half as many roots make less than a million changes, and far more code.
    let roots = [&[0x43, 0, 0, 0, 0][..], &[0x91, 0x8c].repeat(600_000), &[0x1a]].concat();
    let Err(Error::TooMany { what, .. }) = meter(&of_code(&roots)) else { panic!() };
    assert_eq!(what, "bytes in a metered function");
}

#[test]
fn numbers_that_are_encoded_at_length_are_read_as_they_are() {
    // `call 1`, with the number in five bytes, and an export's name length in two.
    let mut binary = b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x03\x02\0\0".to_vec();
    binary.extend(b"\x07\x06\x01\x81\x00f\0\0");
    binary.extend(b"\x0a\x0f\x02\x08\0\x10\x81\x80\x80\x80\0\x0b\x04\0\x41\x2a\x0b");
    assert_eq!(Guest::loaded(&binary).number("f", &[]), 42);
}

#[test]
fn a_condition_that_compares_with_nought_chooses_what_it_says() {
    // What wasmi 2.0.0 gets wrong by itself.
    for (condition, expected) in [
        ("(i32.eqz (local.get 1))", [1, 9]),
        ("(i32.eq (local.get 1) (i32.const 0))", [1, 9]),
        ("(i32.ne (local.get 1) (i32.const 0))", [9, 1]),
        ("(i32.eqz (i32.eqz (local.get 1)))", [9, 1]),
    ] {
        let text = format!(
            r#"(module (func (export "f") (param i32 i32) (result i32)
                (i32.clz (local.get 0))
                (select (i32.const 1) (i32.const 9) {condition}) (local.set 0) drop (local.get 0))
            (func (export "g") (param i32 i32) (result i32)
                (i32.clz (local.get 0))
                (select (result i32) (i32.const 1) (i32.const 9) {condition})
                (local.set 0) drop (local.get 0)))"#
        );
        let mut guest = Guest::new(&text);
        for (value, expected) in [0, 5].into_iter().zip(expected) {
            for name in ["f", "g"] {
                assert_eq!(guest.number(name, &[3, value]), expected, "{condition} of {value}");
            }
        }
    }
}

#[test]
fn what_is_hinted_to_be_rare_is_a_call_of_the_host() {
    let text = r#"(module (import "a" "b" (func)) (func) (func (export "f") (local i32)
        (loop $l (call 0) (call 1) (br_if $l (local.get 0)))))"#;
    let metered = meter(&wat::parse_str(text).unwrap()).unwrap().binary;
    let (mut hints, mut bodies) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(&metered) {
        match payload.unwrap() {
            Payload::CustomSection(section) => {
                assert!(bodies.is_empty(), "hints come before the code");
                hints = section.data().to_vec();
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.range()),
            _ => {}
        }
    }
    // One function, the second that is defined: its entry and its loop.
    assert_eq!(hints[..3], [1, 3, 2]);
    for hint in hints[3..].chunks(3) {
        assert_eq!(hint[1..], [1, 0]);
        let at = bodies[1].start + usize::from(hint[0]);
        // `if`, and a call of the import that was added.
        assert_eq!(metered[at..at + 5], [0x04, 0x40, 0x10, 0x01, 0x0b]);
    }
}
