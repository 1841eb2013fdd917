//! What is charged, and that nothing runs uncharged.

use spark_runtime::meter::{FUEL, VERSION, meter};
use wasmi::Val;

use super::{
    End, Guest,
    engines::{Compiler, Number, World},
};

fn body(body: &str) -> String {
    format!(
        r#"(module (memory 4) (data $d "0123456789") (table $t 100 funcref) (elem $e func $g $g $g)
        (func $g) (func (export "f") (param i32 i32) (result i32) (local i32) {body}))"#
    )
}

fn fuel(text: &str, inputs: [i32; 2]) -> i64 {
    Guest::new(&body(text)).fuel_of("f", &inputs)
}

#[test]
fn code_without_branches_costs_the_sum_of_its_operators() {
    let nine = "(local.set 2 (i32.add (local.get 0) (local.get 1)))".repeat(9);
    // Four operators each, and the result.
    assert_eq!(fuel(&format!("{nine} (local.get 2)"), [1, 2]), 37);
    let divisions = "(drop (i32.div_u (i32.const 1) (local.get 1)))".repeat(9);
    assert_eq!(fuel(&format!("{divisions} (i32.const 1)"), [1, 2]), 9 * 11 + 1);
    let roots = "(drop (f64.sqrt (f64.div (f64.const 1) (f64.const 2))))".repeat(9);
    assert_eq!(fuel(&format!("{roots} (i32.const 1)"), [1, 2]), 9 * 15 + 1);
    assert_eq!(fuel("(block (nop) (nop) (block)) (call $g) (i32.const 1)", [0, 0]), 17);
}

#[test]
fn operators_on_vectors_cost_twice() {
    let sums = "(drop (i32x4.add (v128.const i64x2 0 0) (v128.const i64x2 0 0)))".repeat(9);
    let text = format!(r#"(module (func (export "f") {sums}))"#);
    let mut world = Compiler::default();
    let metered = meter(&wat::parse_str(text).unwrap()).unwrap();
    let instance = world.instantiate(&metered.binary).unwrap();
    world.fill(instance, 1000, 0);
    world.call(instance, "f", &[]).unwrap();
    assert_eq!(world.global(instance, FUEL), Some(Number::I64(1000 - 9 * 7)));
}

#[test]
fn small_functions_are_paid_for_by_their_callers() {
    assert_eq!(fuel("(i32.add (local.get 0) (local.get 1))", [1, 2]), 0);
    let calls = r#"(module (func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "f") (result i32) (call $f (call $f (i32.const 1)))))"#;
    assert_eq!(Guest::new(calls).fuel_of("f", &[]), 33);
}

#[test]
fn the_dearer_of_two_short_ways_is_charged() {
    let text = "(if (result i32) (local.get 0)
        (then (i32.add (i32.mul (local.get 0) (local.get 1)) (i32.const 7)))
        (else (i32.const 1)))
        (local.set 2) (i32.add (local.get 2) (i32.mul (local.get 2) (local.get 2)))";
    for inputs in [[0, 0], [1, 0]] {
        assert_eq!(fuel(text, inputs), 2 + 5 + 6);
    }
}

#[test]
fn a_way_that_leaves_early_is_paid_for_by_the_same_charge() {
    let steps = "(local.set 2 (i32.add (local.get 2) (i32.const 3)))".repeat(10);
    let text = format!("(if (local.get 0) (then {steps} (return (local.get 2)))) (i32.const 1)");
    for inputs in [[0, 0], [1, 0]] {
        assert_eq!(fuel(&text, inputs), 2 + 40 + 2);
    }
}

#[test]
fn a_dear_way_that_is_not_taken_is_not_charged() {
    let dear = "(local.set 2 (i32.add (local.get 2) (i32.const 3)))".repeat(100);
    let arm = format!("(if (local.get 0) (then {dear})) (local.get 2)");
    assert_eq!(fuel(&arm, [1, 0]) - fuel(&arm, [0, 0]), 400);
    let cases = dear_cases(&dear, 50);
    assert_eq!(fuel(&cases, [3, 0]), fuel(&cases, [49, 0]));
    assert!(fuel(&cases, [3, 0]) < 500, "{}", fuel(&cases, [3, 0]));
    let early = format!("(br_if 0 (i32.const 9) (local.get 0)) {dear}");
    assert!(fuel(&early, [1, 0]) < 12, "{}", fuel(&early, [1, 0]));
    assert_eq!(fuel(&early, [0, 0]) - fuel(&early, [1, 0]), 400);
}

/// A `br_table` over as many cases, of which each leaves by itself.
fn dear_cases(dear: &str, cases: usize) -> String {
    let labels: Vec<String> = (0..cases).map(|case| case.to_string()).collect();
    let open = "(block ".repeat(cases);
    let close = format!(") {dear} (return (local.get 2))").repeat(cases);
    format!("{open} (br_table {} (local.get 0)) {close} (i32.const 0)", labels.join(" "))
}

#[test]
fn loops_are_charged_each_time_round() {
    let text = "(loop $l
        (local.set 2 (i32.add (local.get 2) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get 2) (local.get 0)))) (local.get 2)";
    // Nine operators, the loop's own among them.
    assert_eq!(fuel(text, [1000, 0]) - fuel(text, [999, 0]), 9);
    let nested = "(loop $o (loop $l
        (local.set 2 (i32.add (local.get 2) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get 2) (local.get 0)))
        (br_if $o (i32.lt_u (local.get 2) (local.get 1))))) (local.get 2)";
    // Each turn of the outer loop begins the inner one: thirteen operators and one.
    assert_eq!(fuel(nested, [0, 1000]) - fuel(nested, [0, 999]), 14);
    assert_eq!(fuel(nested, [1000, 0]) - fuel(nested, [999, 0]), 13);
}

#[test]
fn what_follows_a_loops_head_at_once_is_charged_too() {
    let text = r#"(module (func (export "f") (loop (return))))"#;
    assert_eq!(Guest::new(text).fuel_of("f", &[]), 2);
    let table = r#"(module (func (export "f") (loop (block (br_table 0 1 (i32.const 0))))))"#;
    assert_eq!(Guest::new(table).fuel_of("f", &[]), 4);
}

#[test]
fn no_cycle_runs_without_a_charge() {
    for text in [
        "(loop $l (br $l)) (i32.const 0)",
        "(loop $l (br_if $l (i32.const 1))) (i32.const 0)",
        "(loop $l (br_table $l $l (i32.const 1))) (i32.const 0)",
        "(block (loop $l (block (br_table 0 1 2 (i32.const 1))))) (i32.const 0)",
        "(loop $l (if (i32.const 1) (then (br $l)) (else unreachable))) (i32.const 0)",
        "(loop $l (if (i32.eqz (i32.const 1)) (then) (else (br $l)))) (i32.const 0)",
        "(loop (loop (loop (br 2)))) (i32.const 0)",
        "(loop $a (loop $b (br_if $b (i32.const 0)) (br $a))) (i32.const 0)",
        "(i32.const 0) (loop $l (param i32) (br $l)) unreachable",
    ] {
        assert_runs_out(&body(text));
    }
    for text in [
        r#"(module (func $f (export "f") (param i32 i32) (result i32)
            (return_call $f (local.get 0) (local.get 1))))"#,
        r#"(module (table funcref (elem $f)) (type $t (func (param i32 i32) (result i32)))
            (func $f (export "f") (type $t)
            (return_call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0))))"#,
        r#"(module (func $f (export "f") (param i32 i32) (result i32)
            (loop (call $g) (br 0)) unreachable) (func $g))"#,
    ] {
        assert_runs_out(text);
    }
}

fn assert_runs_out(text: &str) {
    let mut guest = Guest::new(text);
    guest.set(FUEL, 100_000);
    let ended = guest.call("f", &[Val::I32(1), Val::I32(1)]);
    assert_eq!(ended.unwrap_err(), End::OutOfFuel, "{text}");
}

#[test]
fn a_guest_that_was_stopped_can_be_given_more_and_goes_on() {
    let text = body(
        "(loop $l
            (memory.fill (i32.const 0) (local.get 2) (i32.const 700))
            (local.set 2 (i32.add (local.get 2) (call $step (local.get 2))))
            (br_if $l (i32.lt_u (local.get 2) (local.get 0))))
        (i32.xor (local.get 2) (i32.load (i32.const 99))))
        (func $step (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.const 3)) (else (call $g) (i32.const 5)))",
    );
    let mut whole = Guest::new(&text);
    let expected = whole.number("f", &[1000, 0]);
    let used = super::MUCH_FUEL - whole.get(FUEL);
    for slice in [1, 7, 1000] {
        let mut guest = Guest::new(&text);
        guest.set(FUEL, 0);
        guest.refill(slice);
        assert_eq!(guest.number("f", &[1000, 0]), expected);
        // What was given is what was used, and what is left of the last slice.
        assert_eq!(guest.given() - guest.get(FUEL), used);
        assert!(guest.given() / slice > 10);
    }
}

#[test]
fn what_has_a_size_is_charged_by_it_before_it_is_done() {
    let fill = "(memory.fill (i32.const 0) (i32.const 0) (local.get 0)) (i32.const 0)";
    for (bytes, units) in [(0, 0), (1, 1), (64, 1), (65, 2), (262_144, 4096)] {
        assert_eq!(fuel(fill, [bytes, 0]) - fuel(fill, [0, 0]), units, "{bytes}");
    }
    for (operator, units) in [
        ("(memory.copy (i32.const 8) (i32.const 0) (local.get 0))", 1),
        ("(memory.init $d (i32.const 8) (i32.const 0) (local.get 0))", 1),
        ("(table.fill $t (i32.const 8) (ref.null func) (local.get 0))", 3),
        ("(table.copy $t $t (i32.const 8) (i32.const 0) (local.get 0))", 3),
        ("(table.init $t $e (i32.const 8) (i32.const 0) (local.get 0))", 3),
        ("(drop (table.grow $t (ref.null func) (local.get 0)))", 3),
    ] {
        let text = format!("{operator} (i32.const 0)");
        assert_eq!(fuel(&text, [3, 0]) - fuel(&text, [0, 0]), units, "{operator}");
    }
    let mut guest = Guest::new(&body(fill));
    guest.set(FUEL, 4000);
    let outside = guest.call("f", &[Val::I32(-1), Val::I32(0)]);
    assert_eq!(outside.unwrap_err(), End::OutOfFuel);
}

#[test]
fn the_same_bytes_give_the_same_bytes_and_prices_change_with_the_version() {
    let binary = wat::parse_str(body("(loop $l (br_if $l (local.get 0))) (i32.const 1)")).unwrap();
    assert_eq!(meter(&binary), meter(&binary));
    let prices = [
        "(loop $l (drop (f64.add (f64.const 1) (f64.const 2))) (br_if $l (local.get 1))) (i32.const 1)",
        "(if (local.get 0) (then (call $g))) (i32.rem_s (i32.const 1) (local.get 0))",
        "(drop (memory.grow (i32.const 3))) (memory.size)",
    ]
    .map(|text| fuel(text, [1, 0]));
    assert_eq!((VERSION, prices), (2, [7, 28, 3091]));
}
