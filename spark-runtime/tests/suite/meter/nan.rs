//! A NaN that arithmetic makes has one form; bits that are only moved stay.

use spark_runtime::meter::meter;

use super::engines::{Compiler, Interpreter, Number, World};

const CANONICAL_F32: u32 = 0x7fc0_0000;
const CANONICAL_F64: u64 = 0x7ff8 << 48;
/// NaNs with signs and payloads, quiet and signalling.
const F32: [u32; 5] = [0x7fc0_0000, 0xffc0_0000, 0x7fc0_1234, 0xffa0_0001, 0x7f80_0001];
const F64: [u64; 4] = [0x7ff8 << 48, 0xfff8 << 48, 0xfff8_0000_0000_1234, 0x7ff0_0000_0000_0001];

/// What a function of no parameters returns, in each of the engines.
fn results(text: &str) -> [Number; 2] {
    [result::<Interpreter>(text), result::<Compiler>(text)]
}

fn result<W: World>(text: &str) -> Number {
    let mut world = W::default();
    let metered = meter(&wat::parse_str(text).unwrap()).unwrap();
    let instance = world.instantiate(&metered.binary).unwrap();
    world.fill(instance, 1 << 40, 1 << 30);
    world.call(instance, "f", &[]).unwrap()[0]
}

/// The bits of an expression of a float type, read in each of the ways there are.
fn bits(kind: &str, expression: &str) -> Vec<Number> {
    let (integer, float) = if kind == "f32" { ("i32", "f32") } else { ("i64", "f64") };
    let read = |body: &str| {
        results(&format!(
            r#"(module (memory 1) (global $g (mut {float}) ({float}.const 0))
            (func $same (param {float}) (result {float}) (local.get 0))
            (func (export "f") (result {integer}) (local $x {float}) {body}))"#
        ))
    };
    [
        format!("({integer}.reinterpret_{float} {expression})"),
        format!("({float}.store (i32.const 8) {expression}) ({integer}.load (i32.const 8))"),
        format!("(local.set $x {expression}) ({integer}.reinterpret_{float} (local.get $x))"),
        format!("(global.set $g {expression}) ({integer}.reinterpret_{float} (global.get $g))"),
        format!("({integer}.reinterpret_{float} (call $same {expression}))"),
        format!("({integer}.reinterpret_{float} (block (result {float}) (br 0 {expression})))"),
        format!("({integer}.reinterpret_{float} (select {expression} {expression} (i32.const 1)))"),
        format!(
            "({integer}.reinterpret_{float} (if (result {float}) (i32.const 0)
            (then ({float}.const 1)) (else {expression})))"
        ),
    ]
    .iter()
    .flat_map(|body| read(body))
    .collect()
}

fn assert_canonical(kind: &str, expression: &str) {
    let canonical =
        if kind == "f32" { Number::I32(CANONICAL_F32) } else { Number::I64(CANONICAL_F64) };
    for got in bits(kind, expression) {
        assert_eq!(got, canonical, "{expression}");
    }
}

#[test]
fn arithmetic_makes_the_canonical_nan() {
    for operator in ["add", "sub", "mul", "div", "min", "max"] {
        for nan in F32 {
            let nan = format!("(f32.reinterpret_i32 (i32.const {nan}))");
            assert_canonical("f32", &format!("(f32.{operator} {nan} (f32.const 1))"));
            assert_canonical("f32", &format!("(f32.{operator} (f32.const 1) {nan})"));
        }
        for nan in F64 {
            let nan = format!("(f64.reinterpret_i64 (i64.const {nan}))");
            assert_canonical("f64", &format!("(f64.{operator} {nan} (f64.const 1))"));
            assert_canonical("f64", &format!("(f64.{operator} (f64.const 1) {nan})"));
        }
    }
    for operator in ["sqrt", "ceil", "floor", "trunc", "nearest"] {
        let nan = format!("(f32.reinterpret_i32 (i32.const {}))", F32[3]);
        assert_canonical("f32", &format!("(f32.{operator} {nan})"));
        assert_canonical("f64", &format!("(f64.{operator} (f64.promote_f32 {nan}))"));
    }
    for nan in F64 {
        let nan = format!("(f64.reinterpret_i64 (i64.const {nan}))");
        assert_canonical("f32", &format!("(f32.demote_f64 {nan})"));
    }
    for nan in F32 {
        let nan = format!("(f32.reinterpret_i32 (i32.const {nan}))");
        assert_canonical("f64", &format!("(f64.promote_f32 {nan})"));
    }
    // Made of numbers, where a processor's own NaN is often negative.
    for made in ["(f64.div (f64.const 0) (f64.const 0))", "(f64.sqrt (f64.const -1))"] {
        assert_canonical("f64", made);
    }
}

#[test]
fn arithmetic_on_arithmetic_is_made_canonical_at_its_end() {
    for expression in [
        "(f64.add (f64.mul (f64.const 0) (f64.const inf)) (f64.const 1))",
        "(f64.add (f64.const 1) (f64.mul (f64.const 0) (f64.const inf)))",
        "(f64.min (f64.sqrt (f64.const -1)) (f64.div (f64.const 0) (f64.const 0)))",
        "(f64.promote_f32 (f32.demote_f64 (f64.sub (f64.const inf) (f64.const inf))))",
        // What reads bits in between gets the canonical ones.
        "(f64.copysign (f64.sqrt (f64.const -1)) (f64.const 1))",
        "(f64.neg (f64.neg (f64.sqrt (f64.const -1))))",
        "(f64.abs (f64.sqrt (f64.const -1)))",
    ] {
        assert_canonical("f64", expression);
    }
    let negated = "(f64.neg (f64.sqrt (f64.const -1)))";
    assert!(bits("f64", negated).iter().all(|got| *got == Number::I64(0xfff8 << 48)));
    let under = r#"(module (func (export "f") (result i64)
        (f64.sqrt (f64.const -1)) (call $one) (drop) (i64.reinterpret_f64))
        (func $one (result i32) (i32.const 1)))"#;
    assert_eq!(results(under), [Number::I64(CANONICAL_F64); 2]);
}

#[test]
fn a_local_holds_any_nan_only_while_nothing_reads_its_bits() {
    let made = "(f64.sqrt (f64.const -1))";
    let read = "(i64.reinterpret_f64 (local.get 0))";
    for body in [
        format!("(local.set 0 {made}) {read}"),
        format!("(drop (local.tee 0 {made})) {read}"),
        // Copies of copies, in the order against the reading.
        format!(
            "(loop $l (local.set 0 (local.get 1)) (local.set 1 (local.get 2))
                (local.set 2 {made}) (local.set 3 (f64.add (local.get 3) (f64.const 1)))
                (br_if $l (f64.lt (local.get 3) (f64.const 4)))) {read}"
        ),
        format!("(local.set 0 (local.tee 1 (local.tee 2 {made}))) {read}"),
        format!("(local.set 1 {made}) (i64.reinterpret_f64 (f64.mul (local.get 1) (local.get 1)))"),
        // The local is set to something else before its operand is read.
        format!(
            "(local.set 0 {made}) (local.get 0) (local.set 0 (f64.const 1)) i64.reinterpret_f64"
        ),
        format!(
            "(local.set 0 {made}) (f64.store (i32.const 0) (local.get 0)) (i64.load (i32.const 0))"
        ),
        format!(
            "(local.set 0 {made})
            (i64.reinterpret_f64 (select (local.get 0) (f64.const 1) (i32.const 1)))"
        ),
    ] {
        let text = format!(
            r#"(module (memory 1)
            (func (export "f") (result i64) (local f64 f64 f64 f64) {body}))"#
        );
        assert_eq!(results(&text), [Number::I64(CANONICAL_F64); 2], "{body}");
    }
    let metered = |body: &str| {
        let text = format!("(module (func (local f64 f64) {body}))");
        meter(&wat::parse_str(text).unwrap()).unwrap().binary.len()
    };
    // Made canonical in the second only, where the local's bits are read.
    let sum = "(local.set 0 (f64.sqrt (local.get 0))) (drop (f64.add (local.get 0) (local.get 1)))";
    let negative = "(local.set 0 (f64.sqrt (local.get 0))) (drop (f64.neg (local.get 0))) (nop)";
    assert!(metered(sum) + 10 < metered(negative));
}

#[test]
fn moved_bits_stay_as_they_are() {
    for nan in F32 {
        let text = format!("(f32.reinterpret_i32 (i32.const {nan}))");
        let sign = nan & 1 << 31;
        for (expression, expected) in [
            (text.clone(), nan),
            (format!("(f32.neg {text})"), nan ^ 1 << 31),
            (format!("(f32.abs {text})"), nan ^ sign),
            (format!("(f32.copysign (f32.const 1) {text})"), 1f32.to_bits() | sign),
        ] {
            let got = bits("f32", &expression);
            assert!(got.iter().all(|got| *got == Number::I32(expected)), "{expression}: {got:x?}");
        }
    }
    for nan in F64 {
        let text = format!(
            "(block (result f64)
                (i64.store (i32.const 16) (i64.const {nan})) (f64.load (i32.const 16)))"
        );
        assert!(bits("f64", &text).iter().all(|got| *got == Number::I64(nan)), "{text}");
    }
}

/// A vector; only the compiler has vectors.
fn lanes(expression: &str) -> u128 {
    let text = format!(r#"(module (func (export "f") (result v128) {expression}))"#);
    match result::<Compiler>(&text) {
        Number::V128(bits) => bits,
        other => panic!("{other:?}"),
    }
}

#[test]
fn lanes_of_vectors_are_made_canonical_each_by_itself() {
    let (one, nan) = (u128::from(1f32.to_bits()), u128::from(CANONICAL_F32));
    let mixed = "(v128.const i32x4 0x3f800000 0xffc01234 0x7f800001 0x3f800000)";
    let unit = "(v128.const f32x4 1 1 1 1)";
    let expected = one | nan << 32 | nan << 64 | one << 96;
    for operator in ["mul", "div", "min", "max"] {
        assert_eq!(lanes(&format!("(f32x4.{operator} {mixed} {unit})")), expected, "{operator}");
    }
    for operator in ["sqrt", "ceil", "floor", "trunc", "nearest"] {
        assert_eq!(lanes(&format!("(f32x4.{operator} {mixed})")), expected, "{operator}");
    }
    let mixed = "(v128.const i64x2 0x3ff0000000000000 0xfff8000000001234)";
    let unit = "(v128.const f64x2 1 1)";
    let expected = u128::from(1f64.to_bits()) | u128::from(CANONICAL_F64) << 64;
    for operator in ["mul", "div", "min", "max"] {
        assert_eq!(lanes(&format!("(f64x2.{operator} {mixed} {unit})")), expected, "{operator}");
    }
    for operator in ["sqrt", "ceil", "floor", "trunc", "nearest"] {
        assert_eq!(lanes(&format!("(f64x2.{operator} {mixed})")), expected, "{operator}");
    }
    let double = u128::from(CANONICAL_F64);
    let promoted = "(f64x2.promote_low_f32x4 (v128.const i32x4 0xffc01234 0x7fa00001 0 0))";
    assert_eq!(lanes(promoted), double | double << 64);
    let demoted =
        "(f32x4.demote_f64x2_zero (v128.const i64x2 0xfff8000000001234 0x7ff4000000000000))";
    assert_eq!(lanes(demoted), nan | nan << 32);
}

#[test]
fn a_vector_that_is_read_in_another_shape_is_canonical_before() {
    // As doubles, lanes of canonical NaNs are 2.247e307; other payloads are other numbers.
    let nans = "(f32x4.sqrt (v128.const f32x4 -1 -1 -1 -1))";
    let pair = u128::from(CANONICAL_F32) << 32 | u128::from(CANONICAL_F32);
    let double = f64::from_bits(u64::try_from(pair).unwrap());
    let sum = u128::from((double + 0.0).to_bits());
    assert_eq!(lanes(&format!("(f64x2.add {nans} (v128.const f64x2 0 0))")), sum | sum << 64);
    assert_eq!(lanes(&format!("(v128.xor {nans} {nans})")), 0);
    assert_eq!(lanes(&format!("(v128.or {nans} (v128.const i64x2 0 0))")), pair | pair << 64);
    // These choose an operand, bits and all.
    let payload = "(v128.const i32x4 0xffc01234 0xffc01234 0xffc01234 0xffc01234)";
    let word = 0xffc0_1234_u128;
    let kept = word | word << 32 | word << 64 | word << 96;
    assert_eq!(lanes(&format!("(f32x4.pmin {payload} (v128.const f32x4 1 1 1 1))")), kept);
}
