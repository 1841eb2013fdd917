//! Hostile modules: each ends by its own name, in both lanes of one worker, and the
//! next spark runs there.
//!
//! Those that would go on for ever are ended by fuel, and by the deadline: between two
//! looks at the clock a guest uses a slice of fuel and what one call costs, and when
//! the clock has said that it is over, nobody looks at it again.

mod system;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use spark_runtime::{
    Call, Clock, Lane, Limits, Report, SLICE_FUEL, Stop, Value,
    meter::{FUNCTION_BYTES_MAX, FUNCTION_LOCALS_MAX, FUNCTIONS_MAX, TABLE_ELEMENTS_MAX},
    wire::{FromGuest, ToGuest, decode, encode},
    worker::{Tell, Worker},
};

use crate::{
    guests::{export, still},
    host::test,
};

/// What guests here may use, in units of fuel.
const FUEL_MAX: u64 = 35_000_000;
/// More than any single call in these modules costs.
const CALL_FUEL_MAX: u64 = 10_000_000;
const MEMORY_BYTES_MAX: u64 = 4 << 20;
const WALL_MS_MAX: u64 = 25;

fn limits() -> Limits {
    Limits {
        fuel_max: FUEL_MAX,
        memory_bytes_max: MEMORY_BYTES_MAX,
        output_bytes_max: 10_000,
        wall_ms_max: 60_000,
    }
}

/// A worker, and what it is told over its wire.
struct Ion(Worker);

impl Ion {
    fn load(&mut self, name: u8, binary: &[u8]) {
        let load = ToGuest::Load { module: [name; 32], binary: binary.to_vec() };
        assert_eq!(self.tell(&load, &still()), []);
    }

    fn run(&mut self, name: u8, lane: Lane, call: &Call, limits: Limits, clock: &Clock) -> Report {
        let calls = vec![call.clone()];
        let request = ToGuest::Run { run: 1, module: [name; 32], lane, calls, limits };
        match self.tell(&request, clock).as_mut_slice() {
            [FromGuest::Done { run: 1, reports }] if reports.len() == 1 => reports.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn tell(&mut self, request: &ToGuest, clock: &Clock) -> Vec<FromGuest> {
        let said = Rc::new(RefCell::new(Vec::new()));
        let heard = said.clone();
        let tell: Tell =
            Rc::new(move |answer| heard.borrow_mut().push(decode(&encode(&answer)).unwrap()));
        self.0.handle(decode(&encode(request)).unwrap(), clock, &tell);
        said.take()
    }
}

/// Runs a hostile module in each lane of a worker, and an honest one after it.
fn end(binary: &[u8], call: &Call, limits: Limits, clock: impl Fn() -> Clock) -> Report {
    let honest = wat::parse_str(r#"(module (func (export "f") (result i32) (i32.const 42)))"#);
    let mut ion = Ion(Worker::new());
    ion.load(1, binary);
    ion.load(2, &honest.unwrap());
    let [interpreted, fast] = [Lane::Interpreter, Lane::Fast].map(|lane| {
        let report = ion.run(1, lane, call, limits, &clock());
        let next = ion.run(2, lane, &export("f", &[]), Limits::default(), &still());
        assert_eq!((next.stop, next.values), (None, vec![Value::I32(42)]), "{lane:?}");
        report
    });
    assert_eq!(interpreted, fast, "the interpreter, then the fast lane");
    assert!(fast.fuel <= limits.fuel_max && fast.memory_bytes_peak <= limits.memory_bytes_max);
    fast
}

/// How a module ends that exports `f`.
fn stop(text: &str) -> Option<Stop> {
    end(&wat::parse_str(text).unwrap(), &export("f", &[]), limits(), still).stop
}

/// Why a module is refused.
fn refusal(binary: &[u8]) -> String {
    match end(binary, &export("f", &[]), limits(), still).stop {
        Some(Stop::NotAModule { reason }) => reason,
        other => panic!("it was not refused: {other:?}"),
    }
}

fn trap(reason: &str) -> Stop {
    Stop::Trap { reason: reason.to_owned() }
}

const MEMORY_LIMIT: Option<Stop> = Some(Stop::MemoryLimit { bytes_max: MEMORY_BYTES_MAX });

/// Expects a guest that never ends to end by its fuel, and by its deadline.
fn endless(text: &str, call: &Call) {
    let binary = wat::parse_str(text).unwrap();
    let report = end(&binary, call, limits(), still);
    assert_eq!(report.stop, Some(Stop::OutOfFuel { fuel_max: FUEL_MAX }));
    // The clock goes on by ten milliseconds at each look: 10 when it starts, the
    // deadline is met at the fourth.
    let looks: Rc<Cell<u64>> = Rc::default();
    let clock = || {
        let looks = looks.clone();
        looks.set(0);
        Rc::new(move || {
            looks.set(looks.get() + 1);
            looks.get() * 10
        }) as Clock
    };
    let brief = Limits { fuel_max: u64::MAX, wall_ms_max: WALL_MS_MAX, ..limits() };
    let report = end(&binary, call, brief, clock);
    assert_eq!(report.stop, Some(Stop::Deadline { wall_ms_max: WALL_MS_MAX }));
    assert_eq!(looks.get(), 4);
    // Two looks gave a slice each, before the one that ended it.
    let most = 2 * (SLICE_FUEL + CALL_FUEL_MAX);
    assert!(report.fuel <= most, "{} units, at most {most}", report.fuel);
}

#[test]
fn an_endless_loop() {
    endless(r#"(module (func (export "f") (loop (br 0))))"#, &export("f", &[]));
}

#[test]
fn an_endless_loop_before_the_call() {
    let text = r#"(module (func $s (loop (br 0))) (start $s) (func (export "f")))"#;
    endless(text, &export("f", &[]));
}

#[test]
fn an_endless_loop_over_a_table_of_branches() {
    let text = r#"(module (func (export "f") (param i32) (loop $a (loop $b
        (br_table $a $b $a (local.tee 0 (i32.add (local.get 0) (i32.const 1))))))))"#;
    endless(text, &export("f", &["0"]));
}

#[test]
fn endless_tail_calls() {
    let text = r#"(module (func $f (export "f") (return_call $g)) (func $g (return_call $f)))"#;
    endless(text, &export("f", &[]));
}

#[test]
fn endless_recursion() {
    let text = r#"(module (func $f (export "f") (call $f)))"#;
    assert_eq!(stop(text), Some(trap("call stack exhausted")));
}

#[test]
fn endless_recursion_through_a_table() {
    let text = r#"(module (table 1 funcref) (elem (i32.const 0) $f) (type $t (func))
        (func $f (export "f") (call_indirect (type $t) (i32.const 0))))"#;
    assert_eq!(stop(text), Some(trap("call stack exhausted")));
}

#[test]
fn endless_recursion_with_vast_frames() {
    let text =
        format!(r#"(module (func $f (export "f") {} (call $f)))"#, "(local i64)".repeat(10_000));
    assert_eq!(stop(&text), Some(trap("call stack exhausted")));
}

#[test]
fn recursion_that_doubles_at_each_level() {
    let text = r#"(module (func $f (export "f") (param i32)
        (if (local.get 0) (then
            (call $f (i32.sub (local.get 0) (i32.const 1)))
            (call $f (i32.sub (local.get 0) (i32.const 1)))))))"#;
    endless(text, &export("f", &["1000"]));
}

#[test]
fn memory_that_grows_page_by_page() {
    let text = r#"(module (memory 1) (func (export "f")
        (loop (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)) (br 0))))"#;
    assert_eq!(stop(text), MEMORY_LIMIT);
}

#[test]
fn memory_that_grows_to_all_there_can_be() {
    let text = r#"(module (memory 1) (func (export "f")
        (if (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)) (then unreachable))))"#;
    assert_eq!(stop(text), MEMORY_LIMIT);
}

#[test]
fn memory_that_is_asked_for_again_and_again() {
    let text = r#"(module (memory 1)
        (func (export "f") (loop (drop (memory.grow (i32.const 65535))) (br 0))))"#;
    endless(text, &export("f", &[]));
}

#[test]
fn a_table_that_grows() {
    let text = r#"(module (table 1 funcref) (func (export "f") (loop
        (if (i32.eq (table.grow (ref.null func) (i32.const 9999)) (i32.const -1)) (then unreachable))
        (br 0))))"#;
    assert_eq!(stop(text), MEMORY_LIMIT);
}

#[test]
fn a_memory_that_begins_too_large() {
    assert_eq!(stop(r#"(module (memory 65536) (func (export "f")))"#), MEMORY_LIMIT);
}

#[test]
fn tables_that_begin_too_large() {
    assert_eq!(stop(r#"(module (table 4294967295 funcref) (func (export "f")))"#), MEMORY_LIMIT);
    let tables = format!("(table {} funcref)", TABLE_ELEMENTS_MAX / 10).repeat(10);
    assert_eq!(stop(&format!(r#"(module {tables} (func (export "f")))"#)), MEMORY_LIMIT);
}

#[test]
fn memory_that_is_filled_for_ever() {
    let text = r#"(module (memory 60) (func (export "f") (loop
        (memory.fill (i32.const 0) (i32.const 7) (i32.const 3900000)) (br 0))))"#;
    endless(text, &export("f", &[]));
}

#[test]
fn memory_that_is_copied_for_ever() {
    let text = r#"(module (memory 60) (func (export "f") (loop
        (memory.copy (i32.const 1) (i32.const 0) (i32.const 3900000)) (br 0))))"#;
    endless(text, &export("f", &[]));
}

#[test]
fn a_table_that_is_filled_for_ever() {
    let text = r#"(module (table 100000 funcref) (func (export "f") (loop
        (table.fill (i32.const 0) (ref.null func) (i32.const 100000))
        (table.copy (i32.const 1) (i32.const 0) (i32.const 99999)) (br 0))))"#;
    endless(text, &export("f", &[]));
}

#[test]
fn a_giant_function() {
    let nothing = "nop ".repeat(usize::try_from(FUNCTION_BYTES_MAX).unwrap());
    let binary = wat::parse_str(format!(r#"(module (func (export "f") {nothing}))"#)).unwrap();
    let reason = refusal(&binary);
    assert!(reason.contains("bytes"), "{reason}");
}

#[test]
fn a_crowd_of_functions() {
    let functions = "(func)".repeat(FUNCTIONS_MAX as usize);
    let binary = wat::parse_str(format!(r#"(module {functions} (func (export "f")))"#)).unwrap();
    let reason = refusal(&binary);
    assert!(reason.contains("functions"), "{reason}");
}

#[test]
fn a_crowd_of_locals() {
    // One function, and a declaration that says how many in five bytes.
    let count = u32::try_from(FUNCTION_LOCALS_MAX).unwrap() + 1;
    let leb = |shift: u32, more: u8| (count >> shift & 0x7f) as u8 | more;
    let mut binary =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0".to_vec();
    binary.extend([10, 8, 1, 6, 1, leb(0, 0x80), leb(7, 0x80), leb(14, 0), 0x7f, 0x0b]);
    let reason = refusal(&binary);
    assert!(reason.contains("locals"), "{reason}");
}

#[test]
fn blocks_nested_without_end() {
    let depth = 50_001;
    let length = |bytes: usize| {
        let bytes = u32::try_from(bytes).unwrap();
        [0, 7, 14].map(|shift| (bytes >> shift & 0x7f) as u8 | if shift < 14 { 0x80 } else { 0 })
    };
    let body = [vec![0], [2, 0x40].repeat(depth), vec![0x0b; depth + 1]].concat();
    let mut binary =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a".to_vec();
    binary.extend(length(body.len() + 4));
    binary.push(1);
    binary.extend(length(body.len()));
    binary.extend(body);
    let reason = refusal(&binary);
    assert!(reason.contains("nested"), "{reason}");
}

#[test]
fn bytes_that_are_malformed() {
    let valid = wat::parse_str(r#"(module (memory 1) (func (export "f") (loop (br 0))))"#).unwrap();
    // A version, a section's length, its order, a type, and a number, none of which can be.
    let long = [b"\0asm\x01\0\0\0\x01".as_slice(), &[0xff; 9]].concat();
    let twice = [&valid[..], &valid[8..]].concat();
    let wrong = |at: usize, byte: u8| {
        let mut bytes = valid.clone();
        bytes[at] = byte;
        bytes
    };
    let cut = valid[..valid.len() - 1].to_vec();
    for bytes in [long, twice, wrong(4, 2), wrong(9, 0x7f), wrong(11, 0x7f), cut] {
        assert!(!refusal(&bytes).is_empty());
    }
}

#[test]
fn code_that_its_types_do_not_allow() {
    for body in
        ["i32.add", "(i64.const 1) (i32.const 1) i32.add", "(call 9)", "(local.get 3)", "(br 7)"]
    {
        // The assembler does not check types.
        let text = format!(r#"(module (func (export "f") (result i32) {body}))"#);
        if let Ok(binary) = wat::parse_str(text) {
            assert!(!refusal(&binary).is_empty(), "{body}");
        }
    }
}

#[test]
fn imports_that_nobody_offers() {
    for (module, name) in
        [("env", "system"), ("ionosphere", "limit"), ("wasi_snapshot_preview1", "proc_exec")]
    {
        let text = format!(r#"(module (import "{module}" "{name}" (func)) (func (export "f")))"#);
        let stop = stop(&text);
        let is_named =
            matches!(&stop, Some(Stop::ImportNotOffered { name: told, .. }) if told == name);
        assert!(is_named || matches!(stop, Some(Stop::NotAModule { .. })), "{stop:?}");
    }
}

#[test]
fn a_memory_that_is_none() {
    let import =
        r#"(import "wasi_snapshot_preview1" "random_get" (func $r (param i32 i32) (result i32)))"#;
    for memory in ["", "(memory 1)", r#"(global (export "memory") i32 (i32.const 0))"#] {
        let text = format!(
            r#"(module {import} {memory} (func (export "f") (drop (call $r (i32.const 0) (i32.const 9)))))"#
        );
        let reason = "the module calls WASI but exports no memory named `memory`";
        assert_eq!(stop(&text), Some(trap(reason)), "{memory}");
    }
}

#[test]
fn the_clock_is_looked_at_by_time_and_not_by_fuel() {
    // Slow: 40 ms between two looks, so that slices become short; then fast.
    for (by_ms, looks_max, fuel_max) in [(40, 26, 9_000_000), (0, 20, FUEL_MAX)] {
        let looks: Rc<Cell<u64>> = Rc::default();
        let clock = || {
            let looks = looks.clone();
            looks.set(0);
            Rc::new(move || {
                looks.set(looks.get() + 1);
                looks.get() * by_ms
            }) as Clock
        };
        let limits = Limits { wall_ms_max: 1000, ..limits() };
        let text = r#"(module (func (export "f") (loop (br 0))))"#;
        let report = end(&wat::parse_str(text).unwrap(), &export("f", &[]), limits, clock);
        assert!(looks.get() <= looks_max, "{}", looks.get());
        assert!(report.fuel <= fuel_max, "{}", report.fuel);
    }
}

#[test]
fn an_end_that_others_come_after() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "f") (call $exit (i32.const 77)) (loop (br 0))))"#;
    assert_eq!(stop(text), Some(Stop::Exit { code: 77 }));
}
