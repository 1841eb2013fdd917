//! The worker that answers an ion, and its wire.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use spark_runtime::{
    Call, Clock, Lane, Limits, Stop, Value,
    wire::{FromGuest, ToGuest, decode, encode},
    worker::{MODULES_MAX, TELL_BYTES, TELL_MS, Tell, Worker, YIELD_MS},
};

use crate::{
    guests::{export, still},
    host::test,
};

fn load(name: u8, text: &str) -> ToGuest {
    ToGuest::Load { module: [name; 32], binary: wat::parse_str(text).unwrap() }
}

fn constant(name: u8) -> ToGuest {
    load(name, &format!(r#"(module (func (export "f") (result i32) (i32.const {name})))"#))
}

fn run(name: u8, calls: Vec<Call>) -> ToGuest {
    let limits = Limits::default();
    ToGuest::Run { run: 9, module: [name; 32], lane: Lane::Automatic, calls, limits }
}

/// What a worker says to a request.
fn answers(worker: &mut Worker, request: &ToGuest, clock: &Clock) -> Vec<FromGuest> {
    let said = Rc::new(RefCell::new(Vec::new()));
    let heard = said.clone();
    let tell: Tell = Rc::new(move |answer| {
        assert_eq!(decode::<FromGuest>(&encode(&answer)), Some(answer.clone()));
        heard.borrow_mut().push(answer);
    });
    worker.handle(decode(&encode(request)).unwrap(), clock, &tell);
    said.take()
}

fn stop(worker: &mut Worker, name: u8) -> Option<Stop> {
    match &answers(worker, &run(name, vec![export("f", &[])]), &still())[..] {
        [FromGuest::Done { run: 9, reports }] if reports.len() == 1 => reports[0].stop.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_loaded_module_runs_and_an_unknown_one_is_answered() {
    let mut worker = Worker::new();
    assert_eq!(answers(&mut worker, &constant(5), &still()), []);
    let said = answers(&mut worker, &run(5, vec![export("f", &[])]), &still());
    let [FromGuest::Done { run: 9, reports }] = &said[..] else { panic!("{said:?}") };
    assert_eq!(reports[0].values, [Value::I32(5)]);
    assert!(matches!(stop(&mut worker, 6), Some(Stop::WorkerLost { .. })));
}

#[test]
fn the_module_unused_for_longest_makes_room() {
    let mut worker = Worker::new();
    for name in (0..).take(MODULES_MAX) {
        answers(&mut worker, &constant(name), &still());
    }
    assert_eq!(stop(&mut worker, 0), None);
    answers(&mut worker, &constant(100), &still());
    assert!(matches!(stop(&mut worker, 1), Some(Stop::WorkerLost { .. })));
    for name in [0, 2, 100] {
        assert_eq!(stop(&mut worker, name), None, "{name}");
    }
}

#[test]
fn what_is_no_module_is_told_at_each_run() {
    let mut worker = Worker::new();
    let load = ToGuest::Load { module: [1; 32], binary: b"text".to_vec() };
    answers(&mut worker, &load, &still());
    assert!(matches!(stop(&mut worker, 1), Some(Stop::NotAModule { .. })));
    let inspect = ToGuest::Inspect { run: 3, binary: b"text".to_vec() };
    let said = answers(&mut worker, &inspect, &still());
    assert!(matches!(
        &said[..],
        [FromGuest::Inspected { run: 3, result: Err(Stop::NotAModule { .. }) }]
    ));
}

/// How many calls ended, or were not made, with each answer.
fn steps(said: &[FromGuest]) -> Vec<(&str, usize)> {
    let step = |answer: &FromGuest| match answer {
        FromGuest::Done { run: 9, reports } => {
            assert!(reports.iter().all(|report| report.stop.is_none()), "{reports:?}");
            ("ended", reports.len())
        }
        FromGuest::Yielded { run: 9, calls } => ("left", *calls),
        other => panic!("{other:?}"),
    };
    said.iter().map(step).collect()
}

/// A clock that goes on by so many milliseconds with each look.
fn ticking(step_ms: u64) -> Clock {
    let now_ms = Cell::new(0);
    Rc::new(move || now_ms.replace(now_ms.get() + step_ms))
}

/// A module whose `f` spends so many slices of fuel.
fn busy(name: u8) -> ToGuest {
    load(
        name,
        r#"(module (func (export "f") (param i32)
            (loop $again
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (br_if $again (i32.gt_s (local.get 0) (i32.const 0))))))"#,
    )
}

#[test]
fn calls_that_come_together_are_answered_together() {
    let mut worker = Worker::new();
    answers(&mut worker, &constant(5), &still());
    let request = run(5, vec![export("f", &[]); 7]);
    assert_eq!(steps(&answers(&mut worker, &request, &still())), [("ended", 7)]);
}

#[test]
fn reports_do_not_wait_for_long_nor_with_much_output() {
    let mut worker = Worker::new();
    answers(&mut worker, &constant(5), &still());
    // Each look at the clock takes a third of the time that reports may wait.
    let said = answers(&mut worker, &run(5, vec![export("f", &[]); 7]), &ticking(TELL_MS / 3));
    let ended = steps(&said);
    assert!(ended.len() > 2, "{ended:?}");
    assert_eq!(ended.iter().map(|(_, calls)| calls).sum::<usize>(), 7);
    let half = TELL_BYTES / 2;
    let text = format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 16)
            (data (i32.const 0) "\10\00\00\00") (data (i32.const 4) "\{:02x}\{:02x}\{:02x}\00")
            (func (export "f")
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#,
        half & 255,
        half >> 8 & 255,
        half >> 16 & 255,
    );
    answers(&mut worker, &load(6, &text), &still());
    let said = answers(&mut worker, &run(6, vec![export("f", &[]); 5]), &still());
    assert_eq!(steps(&said), [("ended", 2), ("ended", 2), ("ended", 1)]);
}

#[test]
fn a_long_call_has_the_earlier_ones_told_and_leaves_the_later_ones() {
    let mut worker = Worker::new();
    answers(&mut worker, &busy(5), &still());
    let short = export("f", &["1"]);
    let long = export("f", &["10000000"]);
    let calls = vec![short.clone(), short.clone(), long, short.clone(), short];
    // Short calls look at the clock a few times only, the long one again and again.
    let said = answers(&mut worker, &run(5, calls), &ticking(YIELD_MS / 20));
    let steps = steps(&said);
    let yielded = steps.iter().position(|(what, _)| *what == "left").expect("it leaves some");
    let before: usize = steps[..yielded].iter().map(|(_, calls)| calls).sum();
    assert_eq!((before, steps[yielded].1, &steps[yielded + 1..]), (2, 2, &[("ended", 1)][..]));
}

#[test]
fn no_guest_sees_what_the_one_before_it_left_in_memory() {
    let mut worker = Worker::new();
    let text = r#"(module
        (memory (export "memory") 2 9)
        (data (i32.const 8) "\05")
        (func (export "f") (param $pages i32) (result i32 i32 i32)
            (i32.load (i32.const 8)) (i32.load (i32.const 70000)) (memory.size)
            (i32.store (i32.const 8) (i32.const 77))
            (i32.store (i32.const 70000) (i32.const 78))
            (drop (memory.grow (local.get $pages)))))"#;
    answers(&mut worker, &load(5, text), &still());
    let calls = ["0", "0", "3", "0", "0"].map(|pages| export("f", &[pages]));
    let said = answers(&mut worker, &run(5, calls.to_vec()), &still());
    let [FromGuest::Done { reports, .. }] = &said[..] else { panic!("{said:?}") };
    for report in reports {
        assert_eq!(report.values, [Value::I32(5), Value::I32(0), Value::I32(2)], "{reports:?}");
    }
    let peaks = reports.iter().map(|report| report.memory_bytes_peak >> 16);
    assert_eq!(peaks.collect::<Vec<_>>(), [2, 2, 5, 2, 2]);
}

#[test]
fn bytes_that_are_no_message_are_told_apart() {
    assert_eq!(decode::<ToGuest>(b""), None);
    assert_eq!(decode::<ToGuest>(&encode(&FromGuest::Ready)), None);
    let whole = encode(&constant(1));
    for length in 0..whole.len() {
        assert_eq!(decode::<ToGuest>(&whole[..length]), None);
    }
}
