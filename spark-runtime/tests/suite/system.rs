//! What a guest finds outside itself, and what it cannot break there.

use spark_runtime::{Call, Report, Stop};

use crate::{
    guests::{command, export, run},
    host::test,
};

/// A command around a body, with the functions and data that tests need.
fn guest(body: &str) -> String {
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fdstat (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        ;; Ends with a code that says which errno came.
        (func $expect (param i32 i32)
            (if (i32.ne (local.get 0) (local.get 1)) (then (call $exit (i32.add (i32.const 1000) (local.get 0))))))
        ;; Writes a range to standard output.
        (func $out (param i32 i32)
            (i32.store (i32.const 0) (local.get 0))
            (i32.store (i32.const 4) (local.get 1))
            (call $expect (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0)))
        (func (export "_start") {body}))"#
    )
}

fn run_body(body: &str) -> Report {
    run(&guest(body), &command(&["one", "zwei ü"], "input"))
}

/// Runs a body and expects it to end well.
fn output(body: &str) -> Vec<u8> {
    let report = run_body(body);
    assert_eq!(report.stop, None, "{body}");
    report.stdout
}

#[test]
fn exit_codes_are_told_and_nought_is_success() {
    assert_eq!(run_body("(call $exit (i32.const 0)) unreachable").stop, None);
    assert_eq!(run_body("(call $exit (i32.const 3))").stop, Some(Stop::Exit { code: 3 }));
    assert_eq!(run_body("(call $exit (i32.const -1))").stop, Some(Stop::Exit { code: -1 }));
}

#[test]
fn standard_input_is_read_to_its_end() {
    let body = r"
        (i32.store (i32.const 16) (i32.const 100)) (i32.store (i32.const 20) (i32.const 3))
        (i32.store (i32.const 24) (i32.const 200)) (i32.store (i32.const 28) (i32.const 50))
        (call $expect (call $read (i32.const 0) (i32.const 16) (i32.const 2) (i32.const 32)) (i32.const 0))
        (call $out (i32.const 100) (i32.const 3))
        (call $out (i32.const 200) (i32.sub (i32.load (i32.const 32)) (i32.const 3)))
        (call $expect (call $read (i32.const 0) (i32.const 16) (i32.const 2) (i32.const 32)) (i32.const 0))
        (call $expect (i32.load (i32.const 32)) (i32.const 0))";
    assert_eq!(output(body), b"input");
}

#[test]
fn arguments_and_environment_arrive() {
    let body = r"
        (call $expect (call $args_sizes (i32.const 100) (i32.const 104)) (i32.const 0))
        (call $expect (call $args (i32.const 200) (i32.const 300)) (i32.const 0))
        (call $out (i32.const 300) (i32.load (i32.const 104)))";
    assert_eq!(output(body), "spark\0one\0zwei ü\0".as_bytes());
    let call = Call::Command {
        arguments: Vec::new(),
        environment: vec![("NAME".into(), "a=b".into())],
        stdin: Vec::new(),
        files: Vec::new(),
    };
    let body = r"(call $expect (call $environ (i32.const 200) (i32.const 300)) (i32.const 0))
        (call $out (i32.load (i32.const 200)) (i32.const 9))";
    assert_eq!(run(&guest(body), &call).stdout, b"NAME=a=b\0");
}

#[test]
fn what_is_not_there_answers_with_an_error_number() {
    for (call, errno) in [
        ("(call $prestat (i32.const 3) (i32.const 0))", 8),
        ("(call $seek (i32.const 1) (i64.const 0) (i32.const 0) (i32.const 0))", 70),
        ("(call $seek (i32.const 5) (i64.const 0) (i32.const 0) (i32.const 0))", 8),
        ("(call $close (i32.const 3))", 8),
        ("(call $read (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 8))", 8),
        ("(call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8))", 8),
        ("(call $write (i32.const -1) (i32.const 0) (i32.const 0) (i32.const 8))", 8),
        (
            "(call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) \
             (i64.const 0) (i32.const 0) (i32.const 0))",
            8,
        ),
        ("(call $time (i32.const 9) (i64.const 0) (i32.const 0))", 28),
        ("(call $poll (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))", 28),
        ("(call $poll (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0))", 28),
        ("(call $write (i32.const 1) (i32.const 0) (i32.const 1025) (i32.const 8))", 28),
    ] {
        output(&format!("(call $expect {call} (i32.const {errno}))"));
    }
    output(
        "(call $expect (call $close (i32.const 1)) (i32.const 0)) (call $expect (call $close (i32.const 1)) (i32.const 8))",
    );
}

#[test]
fn pointers_outside_the_memory_are_a_fault() {
    for call in [
        "(call $write (i32.const 1) (i32.const 65533) (i32.const 1) (i32.const 8))",
        "(call $write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 8))",
        "(call $write (i32.const 1) (i32.const -1) (i32.const 2) (i32.const 8))",
        "(call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 65533))",
        "(call $read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1))",
        "(call $args (i32.const 65530) (i32.const 0))",
        "(call $args (i32.const 0) (i32.const 65530))",
        "(call $args (i32.const -4) (i32.const 0))",
        "(call $args_sizes (i32.const 0) (i32.const -1))",
        "(call $random (i32.const 1) (i32.const 65536))",
        "(call $random (i32.const -1) (i32.const -1))",
        "(call $time (i32.const 0) (i64.const 0) (i32.const 65529))",
        "(call $fdstat (i32.const 0) (i32.const 65520))",
        "(call $poll (i32.const 65500) (i32.const 0) (i32.const 1) (i32.const 8))",
        "(call $poll (i32.const 0) (i32.const -9) (i32.const 1) (i32.const 8))",
    ] {
        output(&format!("(call $expect {call} (i32.const 21))"));
    }
    // The second buffer lies outside: nothing of the first is written either.
    let body = r"
        (i32.store (i32.const 16) (i32.const 100)) (i32.store (i32.const 20) (i32.const 3))
        (i32.store (i32.const 24) (i32.const 65535)) (i32.store (i32.const 28) (i32.const 2))
        (call $expect (call $write (i32.const 1) (i32.const 16) (i32.const 2) (i32.const 8)) (i32.const 21))
        (call $expect (call $read (i32.const 0) (i32.const 16) (i32.const 2) (i32.const 8)) (i32.const 21))";
    assert_eq!(output(body), b"");
}

#[test]
fn random_bytes_are_the_calls_own() {
    let body = "(call $expect (call $random (i32.const 100) (i32.const 9000)) (i32.const 0))
        (call $out (i32.const 100) (i32.const 9000))";
    let bytes = output(body);
    assert_eq!(bytes, output(body));
    assert_ne!(bytes[..4096], bytes[4096..8192]);
    let other = run(&guest(body), &command(&["two"], "input"));
    assert_ne!(bytes, other.stdout);
}

#[test]
fn time_is_virtual_and_sleeping_moves_it() {
    // Sleeps for an hour: the clock says so, and it takes no time.
    let body = r"
        (call $expect (call $time (i32.const 1) (i64.const 0) (i32.const 400)) (i32.const 0))
        (i64.store (i32.const 500) (i64.const 77))
        (i64.store (i32.const 524) (i64.const 3600000000000))
        (i32.store (i32.const 516) (i32.const 1))
        (call $expect (call $poll (i32.const 500) (i32.const 600) (i32.const 1) (i32.const 700)) (i32.const 0))
        (call $expect (i32.load (i32.const 700)) (i32.const 1))
        (call $expect (i32.wrap_i64 (i64.load (i32.const 600))) (i32.const 77))
        (call $expect (call $time (i32.const 1) (i64.const 0) (i32.const 408)) (i32.const 0))
        (call $out (i32.const 400) (i32.const 16))";
    let bytes = output(body);
    let time = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let slept = time(8) - time(0);
    assert!((3_600_000_000_000..3_600_000_100_000).contains(&slept), "{slept}");
    assert_eq!(bytes, output(body));
}

#[test]
fn a_ready_stream_ends_a_wait_before_any_clock() {
    let body = r"
        (i64.store (i32.const 524) (i64.const 1000))
        (i64.store (i32.const 548) (i64.const 5)) (i32.store8 (i32.const 556) (i32.const 1))
        (i32.store (i32.const 564) (i32.const 0))
        (call $expect (call $poll (i32.const 500) (i32.const 600) (i32.const 2) (i32.const 700)) (i32.const 0))
        (call $expect (i32.load (i32.const 700)) (i32.const 1))
        (call $expect (i32.load (i32.const 600)) (i32.const 5))";
    output(body);
}

#[test]
fn calling_the_system_without_a_memory_is_a_trap() {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "args_get" (func $f (param i32 i32) (result i32)))
        (func (export "f") (drop (call $f (i32.const 0) (i32.const 0))))
        (export "direct" (func $f)))"#;
    for call in [export("f", &[]), export("direct", &["0", "0"])] {
        assert!(
            matches!(run(module, &call).stop, Some(Stop::Trap { reason }) if reason.contains("memory"))
        );
    }
}

#[test]
fn a_library_is_initialized_before_its_functions() {
    let module = r#"(module (global $g (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $g (i32.const 5)))
        (func (export "f") (result i32) (global.get $g)))"#;
    assert_eq!(run(module, &export("f", &[])).values[0].to_string(), "5");
}
