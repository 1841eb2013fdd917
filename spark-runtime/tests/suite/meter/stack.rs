//! Frames: charged at the entry, given back at every exit.

use spark_runtime::meter::{FRAME_BYTES, STACK, STACK_BYTES_MAX, meter};

use super::{
    End, Guest,
    engines::{Compiler, Stopped, World},
};

const WHOLE: i64 = STACK_BYTES_MAX.cast_signed();

/// How deep a function with a body's parts nests before the stack is exhausted.
fn depth(head: &str, before: &str, after: &str) -> i64 {
    let text = format!(
        r#"(module (global $depth (export "depth") (mut i32) (i32.const 0))
        (func $f (export "f") {head}
            (global.set $depth (i32.add (global.get $depth) (i32.const 1))) {before} (call $f) {after}))"#
    );
    let mut guest = Guest::new(&text);
    assert_eq!(guest.call("f", &[]).unwrap_err(), End::StackExhausted, "{text}");
    assert!(guest.get(STACK) < 0);
    guest.get("depth")
}

#[test]
fn frames_are_charged_by_what_is_in_them() {
    let (whole, frame) = (WHOLE, FRAME_BYTES.cast_signed());
    assert_eq!(depth("", "", ""), whole / frame);
    assert_eq!(depth("(local i32 i64 f32 f64)", "", ""), whole / (frame + 32));
    let (pushes, drops) = ("i32.const 1 ".repeat(19), "drop ".repeat(19));
    assert_eq!(depth("", &pushes, &drops), whole / (frame + 16 * 16));
    let many = "i64 ".repeat(10_000);
    assert_eq!(depth(&format!("(local {many})"), "", ""), whole / (frame + 80_000));
}

#[test]
fn vectors_take_twice_as_much() {
    let text = r#"(module (global $depth (export "depth") (mut i32) (i32.const 0))
        (func $f (export "f") (local v128)
            (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
            (v128.const i64x2 0 0) (call $f) (local.set 0)))"#;
    let mut world = Compiler::default();
    let metered = meter(&wat::parse_str(text).unwrap()).unwrap();
    let instance = world.instantiate(&metered.binary).unwrap();
    world.fill(instance, 1 << 40, 0);
    assert_eq!(world.call(instance, "f", &[]), Err(Stopped::Limit));
    // One local and two operands, each of these for two.
    let depth = world.global(instance, "depth").unwrap().integer();
    assert_eq!(depth, WHOLE / (FRAME_BYTES.cast_signed() + 16 * (1 + 2 * 2)));
}

#[test]
fn every_exit_gives_the_frame_back() {
    for exit in [
        "(i32.const 1) (i32.const 2)",
        "(return (i32.const 1) (i32.const 2))",
        "(i32.const 1) (i32.const 2) (br 0)",
        "(i32.const 1) (i32.const 2) (br_if 0 (i32.const 1)) (drop) (drop) unreachable",
        "(i32.const 1) (i32.const 2) (br_table 0 0 (i32.const 1))",
        "(block (loop (i32.const 9) (br_if 1 (local.get 0)) (drop)
            (return (i32.const 1) (i32.const 2)))) unreachable",
        "(block (loop (block (return (i32.const 1) (i32.const 2))) (br 0))) unreachable",
        "(if (i32.const 1) (then (br 1 (i32.const 1) (i32.const 2)))) unreachable",
        "(return_call $pair (i32.const 1))",
        "(return_call_indirect (type $t) (i32.const 1) (i32.const 0))",
        "(if (i32.const 1) (then (return_call $pair (i32.const 1)))) unreachable",
    ] {
        let text = format!(
            r#"(module (type $t (func (param i32) (result i32 i32)))
            (table funcref (elem $pair)) (func $none)
            (func $pair (type $t) (call $none) (local.get 0) (i32.const 2))
            (func $f (type $t) (call $none) {exit})
            (func (export "f") (result i32) (call $f (i32.const 0)) i32.add))"#
        );
        let mut guest = Guest::new(&text);
        assert_eq!(guest.number("f", &[]), 3, "{exit}");
        assert_eq!(guest.get(STACK), WHOLE, "{exit}");
    }
}

#[test]
fn functions_that_call_nothing_are_not_charged_unless_they_are_large() {
    let text = |locals: usize| {
        format!(
            r#"(module (func $leaf (export "leaf") (local {}) (if (i32.const 0) (then return)))
            (func (export "f") (call $leaf)))"#,
            "i64 ".repeat(locals)
        )
    };
    for (locals, is_charged) in [(0, false), (504, false), (505, true)] {
        let mut guest = Guest::new(&text(locals));
        guest.set(STACK, 0);
        let ended = guest.call("leaf", &[]);
        assert_eq!(ended.is_err(), is_charged, "{locals} locals");
    }
}

#[test]
fn tail_calls_take_no_more_stack() {
    let text = r#"(module (func $f (export "f") (param i32) (result i32)
        (if (local.get 0) (then (call $g) (return_call $f (i32.sub (local.get 0) (i32.const 1)))))
        (i32.const 7)) (func $g))"#;
    let mut guest = Guest::new(text);
    assert_eq!(guest.number("f", &[100_000]), 7);
    assert_eq!(guest.get(STACK), WHOLE);
}

#[test]
fn indirect_and_mutual_recursion_end_alike() {
    let text = r#"(module (table funcref (elem $b))
        (func $a (export "a") (call_indirect (i32.const 0))) (func $b (call $a)))"#;
    let mut guest = Guest::new(text);
    assert_eq!(guest.call("a", &[]).unwrap_err(), End::StackExhausted);
    // Nothing was given back; the next call has the whole stack again.
    guest.set(STACK, WHOLE);
    assert_eq!(guest.call("a", &[]).unwrap_err(), End::StackExhausted);
}
