//! A fuzzer: valid modules, changed at random, are loaded and run. Whatever
//! they are, they end in a report.

use std::{cell::Cell, fs, path::PathBuf};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use spark_runtime::{Call, Lane, Limits, Module, Runtime};

use crate::guests::{command, export, still};

/// Modules that use much of what there is.
const SEEDS: [&str; 3] = [
    r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1 4)
        (data (i32.const 0) "\10\00\00\00\06\00\00\00........hello\n")
        (func (export "_start")
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#,
    r#"(module
        (type $t (func (param i32) (result i32)))
        (table 4 8 funcref) (elem (i32.const 0) $f $g)
        (memory 1) (data $d "abc")
        (global $x (mut i64) (i64.const 7))
        (func $f (type $t) (i32.mul (local.get 0) (i32.const 3)))
        (func $g (type $t) (if (result i32) (local.get 0)
            (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 9))))
        (func $s (global.set $x (i64.const 1)) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3)))
        (start $s)
        (func (export "f") (result i32) (local $i i32)
            (loop $l
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (i32.store (local.get $i) (call_indirect (type $t) (local.get $i) (i32.and (local.get $i) (i32.const 1))))
                (drop (table.grow (ref.null func) (i32.const 1)))
                (br_if $l (i32.lt_u (local.get $i) (i32.const 20))))
            (block $a (block $b (br_table $a $b (local.get $i))))
            (memory.grow (i32.const 1))))"#,
    r#"(module (func (export "f") (result f64) (local f64 f32 i64)
        (local.set 0 (f64.div (f64.const 1) (f64.const 3)))
        (f64.add (f64.promote_f32 (f32.demote_f64 (local.get 0))) (f64.convert_i64_s (i64.trunc_sat_f64_s (local.get 0))))))"#,
];

/// Mutants that every test run tries.
const CASES_MIN: u32 = 3000;

/// Each mutant: which seed, and what to write where.
fn edits() -> impl Strategy<Value = (usize, Vec<(prop::sample::Index, u8)>)> {
    let edit =
        (any::<prop::sample::Index>(), prop_oneof![any::<u8>(), 0..8_u8, Just(0x7f), Just(0x80)]);
    (0..SEEDS.len() + 1, prop::collection::vec(edit, 1..4))
}

fn seeds() -> Vec<Vec<u8>> {
    let example =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/word-count/word-count.wasm");
    let mut seeds: Vec<Vec<u8>> = SEEDS.iter().map(|text| wat::parse_str(text).unwrap()).collect();
    seeds.push(fs::read(example).unwrap());
    seeds
}

#[test]
fn a_changed_module_never_does_more_than_end() {
    let seeds = seeds();
    let runtime = Runtime::new();
    let limits = Limits {
        fuel_max: 2_000_000,
        memory_bytes_max: 8 << 20,
        output_bytes_max: 4096,
        wall_ms_max: 10_000,
    };
    let run = |module: &Module, call: &Call| {
        runtime.run(module, Lane::Interpreter, call, &limits, &still())
    };
    let (tried, loaded, ended_well) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = Config::default();
    // More on demand: PROPTEST_CASES=100000.
    let cases = config.cases.max(CASES_MIN);
    let config = Config { cases, failure_persistence: None, ..config };
    TestRunner::new(config)
        .run(&edits(), |(seed, edits)| {
            let mut binary = seeds[seed].clone();
            for (at, byte) in edits {
                let at = at.index(binary.len());
                binary[at] = byte;
            }
            tried.set(tried.get() + 1);
            if let Ok(module) = runtime.load(&binary) {
                loaded.set(loaded.get() + 1);
                for call in [command(&[], "in"), export("f", &[])] {
                    let report = run(&module, &call);
                    prop_assert!(report.fuel <= limits.fuel_max);
                    prop_assert!(report.stdout.len() + report.stderr.len() <= 4096);
                    prop_assert!(report.memory_bytes_peak <= limits.memory_bytes_max);
                    prop_assert_eq!(&report, &run(&module, &call));
                    ended_well.set(ended_well.get() + i32::from(report.stop.is_none()));
                }
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    println!(
        "{} mutants, {} got past loading, {} runs ended well",
        tried.get(),
        loaded.get(),
        ended_well.get()
    );
    assert!(loaded.get() * 10 > tried.get(), "too few mutants got past loading: {}", loaded.get());
}
