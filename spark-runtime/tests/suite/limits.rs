//! What a run may use, and mistaken guests; `hostile` has those that mean it.

use spark_runtime::{Call, Lane, Limits, Stop};

use crate::{
    guests::{command, export, run, run_with, runtime, still, ticking},
    host::test,
};

const FOREVER: &str = r#"(module (func (export "f") (loop (br 0))))"#;

fn limits() -> Limits {
    Limits { fuel_max: 100_000_000, ..Limits::default() }
}

#[test]
fn a_loop_ends_by_its_fuel() {
    let report = run_with(FOREVER, &export("f", &[]), &limits(), still);
    assert_eq!(report.stop, Some(Stop::OutOfFuel { fuel_max: 100_000_000 }));
    assert!(report.fuel > 99_999_000 && report.fuel <= 100_000_000, "{}", report.fuel);
}

#[test]
fn a_start_function_runs_first_with_and_without_exports_beside_it() {
    let module = r#"(module
        (global $g (mut i32) (i32.const 1))
        (func $s (global.set $g (i32.const 42)))
        (start $s)
        (func (export "ionosphere:start") (result i32) (i32.const 7))
        (func (export "f") (result i32) (global.get $g)))"#;
    assert_eq!(run(module, &export("f", &[])).values[0].to_string(), "42");
    assert_eq!(run(module, &export("ionosphere:start", &[])).values[0].to_string(), "7");
    let alone = "(module (func $s unreachable) (start $s))";
    let binary = wat::parse_str(alone).unwrap();
    let module = runtime().load(&binary).unwrap();
    assert!(module.inspect().exports.is_empty());
    let report = runtime().run(&module, Lane::Automatic, &export("f", &[]), &limits(), &still());
    assert!(matches!(report.stop, Some(Stop::NoSuchExport { exports, .. }) if exports.is_empty()));
}

#[test]
fn growth_over_the_limit_is_refused_and_a_trap_after_it_is_the_limits() {
    let asks =
        r#"(module (memory 1) (func (export "f") (result i32) (memory.grow (i32.const 1000))))"#;
    let limits = Limits { memory_bytes_max: 10 << 16, ..limits() };
    let report = run_with(asks, &export("f", &[]), &limits, still);
    assert_eq!(report.stop, None);
    assert_eq!(report.values[0].to_string(), "-1");
    assert_eq!(report.memory_bytes_peak, 1 << 16);

    let bomb = r#"(module (memory 1) (func (export "f")
        (loop (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)) (br 0))))"#;
    let report = run_with(bomb, &export("f", &[]), &limits, still);
    assert_eq!(report.stop, Some(Stop::MemoryLimit { bytes_max: 10 << 16 }));
    assert_eq!(report.memory_bytes_peak, 10 << 16);
}

#[test]
fn a_module_that_starts_above_the_memory_limit_does_not_start() {
    for module in [
        r#"(module (memory 65536) (func (export "f")))"#,
        r#"(module (table 4294967295 funcref) (func (export "f")))"#,
        r#"(module (memory 3) (table 10000 funcref) (func (export "f")))"#,
    ] {
        let limits = Limits { memory_bytes_max: 3 << 16, ..limits() };
        let report = run_with(module, &export("f", &[]), &limits, still);
        assert_eq!(report.stop, Some(Stop::MemoryLimit { bytes_max: 3 << 16 }), "{module}");
    }
}

#[test]
fn growth_and_bulk_operations_are_charged_for_their_size() {
    let module = r#"(module (memory 1) (func (export "f")
        (drop (memory.grow (i32.const 1000)))
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 65000000))))"#;
    let report = run_with(module, &export("f", &[]), &limits(), still);
    assert_eq!(report.stop, None);
    assert!(report.fuel > 2_000_000, "{}", report.fuel);
    let little = Limits { fuel_max: 1_500_000, ..limits() };
    let report = run_with(module, &export("f", &[]), &little, still);
    assert_eq!(report.stop, Some(Stop::OutOfFuel { fuel_max: 1_500_000 }));
}

#[test]
fn growth_on_the_edge_of_a_slice_is_counted_once() {
    // Grows by a page, again and again over many slices, so that some growths have to wait for fuel.
    let module = r#"(module (memory 0) (func (export "f") (local $i i32) (local $j i32)
        (loop $grow
            (local.set $j (i32.const 0))
            (loop $spend
                (local.set $j (i32.add (local.get $j) (i32.const 1)))
                (br_if $spend (i32.lt_u (local.get $j) (i32.const 20011))))
            (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $grow (i32.lt_u (local.get $i) (i32.const 800))))))"#;
    let limits = Limits { fuel_max: 10_000_000_000, memory_bytes_max: 800 << 16, ..limits() };
    let report = run_with(module, &export("f", &[]), &limits, still);
    assert_eq!(report.stop, None);
    assert_eq!(report.memory_bytes_peak, 800 << 16);
    assert!(report.fuel > 40_000_000, "{}", report.fuel);
}

#[test]
fn deep_recursion_is_fine() {
    let module = r#"(module (func $f (export "f") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))
            (else (i32.const 0)))))"#;
    assert_eq!(run(module, &export("f", &["5000"])).values[0].to_string(), "5000");
}

#[test]
fn a_flood_of_output_is_cut_at_its_limit() {
    let flood = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\10\00\00\00\e8\03\00\00")
        (func (export "_start") (loop
            (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (br 0))))"#;
    let limits = Limits { output_bytes_max: 2500, ..limits() };
    let report = run_with(flood, &command(&[], ""), &limits, still);
    assert_eq!(report.stop, Some(Stop::OutputLimit { bytes_max: 2500 }));
    assert_eq!(report.stdout.len(), 2500);
}

#[test]
fn a_guest_that_only_calls_the_host_meets_fuel_and_deadline() {
    let calls = "(drop (call $r (i32.const 0) (i32.const 60000000)))".repeat(64);
    let module = format!(
        r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $r (param i32 i32) (result i32)))
        (memory (export "memory") 1000)
        (func (export "_start") {calls}))"#
    );
    let few = Limits { fuel_max: 30_000_000, ..limits() };
    let report = run_with(&module, &command(&[], ""), &few, still);
    assert_eq!(report.stop, Some(Stop::OutOfFuel { fuel_max: 30_000_000 }));
    let clock = || ticking(10);
    let brief = Limits { fuel_max: u64::MAX, wall_ms_max: 25, ..limits() };
    let report = run_with(&module, &command(&[], ""), &brief, clock);
    assert_eq!(report.stop, Some(Stop::Deadline { wall_ms_max: 25 }));
}

#[test]
fn limits_of_nothing_and_of_everything_hold() {
    let module = r#"(module (func (export "f") (result i32) (i32.const 1)))"#;
    let none = Limits { fuel_max: 0, memory_bytes_max: 0, output_bytes_max: 0, wall_ms_max: 0 };
    let report = run_with(module, &export("f", &[]), &none, still);
    assert_eq!(report.stop, Some(Stop::OutOfFuel { fuel_max: 0 }));
    let all = Limits {
        fuel_max: u64::MAX,
        memory_bytes_max: u64::MAX,
        output_bytes_max: u64::MAX,
        wall_ms_max: u64::MAX,
    };
    let report = run_with(module, &export("f", &[]), &all, || ticking(u64::MAX));
    assert_eq!(report.stop, None);
}

#[test]
fn arguments_that_are_too_long_or_would_be_cut_are_refused() {
    let module = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
    let long = "x".repeat(600_000);
    let report = run(module, &command(&[&long, &long], ""));
    assert!(
        matches!(report.stop, Some(Stop::WrongArgument { position: 2, given, .. }) if given.len() < 400)
    );
    let report = run(module, &command(&["a\0b"], ""));
    assert!(matches!(report.stop, Some(Stop::WrongArgument { position: 1, .. })));
    let many = Call::Command {
        arguments: vec![String::new(); 2_000_000],
        environment: Vec::new(),
        stdin: Vec::new(),
        files: Vec::new(),
    };
    assert!(matches!(run(module, &many).stop, Some(Stop::WrongArgument { .. })));
}
