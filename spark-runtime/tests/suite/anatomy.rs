//! What a module is made of.

use spark_runtime::{
    anatomy::{Anatomy, LISTED_MAX, Named, Section},
    wire::decode,
};

use crate::{guests::runtime, host::test};

fn anatomy(text: &str) -> Anatomy {
    let binary = wat::parse_str(text).unwrap();
    decode(&runtime().inspect(&binary).unwrap().anatomy).unwrap()
}

fn rows(rows: &[(&str, &str)]) -> Vec<Named> {
    let row = |(name, kind): &(&str, &str)| Named { name: (*name).into(), kind: (*kind).into() };
    rows.iter().map(row).collect()
}

#[test]
fn sections_imports_exports_and_limits_are_listed() {
    let seen = anatomy(
        r#"(module
        (import "env" "log" (func (param i32 i64)))
        (import "env" "base" (global i32))
        (memory (export "memory") 1 4)
        (table (export "table") 2 2 funcref)
        (table 3 funcref)
        (global (export "count") (mut i64) (i64.const 0))
        (global (export "pi") f64 (f64.const 3))
        (func (export "add") (param i32 f32) (result f64) (f64.const 0))
        (func (export "nothing"))
        (data (i32.const 0) "abc") (data (i32.const 9) "d")
        (@custom "note" (after data) "12345"))"#,
    );
    assert_eq!(seen.imports, rows(&[("env.log", "(i32, i64)"), ("env.base", "constant i32")]));
    let expected = [
        ("memory", "memory of 1 to 4 pages of 64 KiB"),
        ("table", "table of 2 funcref"),
        ("count", "variable i64"),
        ("pi", "constant f64"),
        ("add", "(i32, f32) → f64"),
        ("nothing", "()"),
    ];
    assert_eq!(seen.exports, rows(&expected));
    assert_eq!(seen.memories, ["memory of 1 to 4 pages of 64 KiB"]);
    assert_eq!(seen.tables, ["table of 2 funcref", "table of 3 or more funcref"]);
    let sections: Vec<(&str, Option<u32>)> =
        seen.sections.iter().map(|section| (&*section.name, section.items)).collect();
    let expected = [
        ("types", Some(3)),
        ("imports", Some(2)),
        ("functions", Some(2)),
        ("tables", Some(2)),
        ("memories", Some(1)),
        ("globals", Some(2)),
        ("exports", Some(6)),
        ("code", Some(2)),
        ("data", Some(2)),
        ("note", None),
    ];
    assert_eq!(sections, expected);
    let data = Section { name: "data".to_owned(), bytes: 15, items: Some(2) };
    assert!(seen.sections.contains(&data), "{:?}", seen.sections);
    assert_eq!(seen.left_out, 0);
}

#[test]
fn features_are_told_by_what_needs_them() {
    for (text, features) in [
        ("(module (func (result i32) (i32.const 1)))", &[][..]),
        (r#"(module (global (export "g") (mut i32) (i32.const 0)))"#, &["mutable globals"]),
        (
            "(module (func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0))))",
            &["saturating conversions"],
        ),
        (
            "(module (func (param i32) (result i32) (i32.extend8_s (local.get 0))))",
            &["sign extension"],
        ),
        ("(module (func (result i32 i32) (i32.const 1) (i32.const 2)))", &["multiple values"]),
        (
            "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
            &["bulk memory"],
        ),
        ("(module (func (param externref)))", &["reference types"]),
        ("(module (func (local externref)))", &["reference types"]),
        (
            "(module (type $t (func)) (table 1 funcref) (table $b 1 funcref)
                (func (call_indirect $b (type $t) (i32.const 0))))",
            &["reference types"],
        ),
        ("(module (func (param v128)))", &["vectors"]),
        ("(module (func (local v128)))", &["vectors"]),
        ("(module (func (drop (i32.const 1)) (block (param) (nop))))", &[]),
        ("(module (func (i32.const 1) (block (param i32) (drop))))", &["multiple values"]),
        ("(module (func $f (return_call $f)))", &["tail calls"]),
        ("(module (global i32 (i32.add (i32.const 1) (i32.const 2))))", &["extended constants"]),
        (
            "(module (func $f (param v128 i32) (result i32)
                (return_call $f (local.get 0) (i32.extend8_s (local.get 1)))))",
            &["sign extension", "vectors", "tail calls"],
        ),
    ] {
        assert_eq!(anatomy(text).features, features, "{text}");
    }
}

#[test]
fn long_lists_and_names_are_cut() {
    let exports = (0..LISTED_MAX + 7)
        .map(|number| format!(r#"(export "{number}{}" (func $f))"#, "n".repeat(200)));
    let exports = exports.collect::<Vec<_>>().concat();
    let seen = anatomy(&format!("(module (func $f) {exports})"));
    assert_eq!((seen.exports.len(), seen.left_out), (LISTED_MAX, 7));
    assert!(seen.exports.iter().all(|export| export.name.chars().count() <= 81));
}
