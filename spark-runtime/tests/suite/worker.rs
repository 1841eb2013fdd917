//! The worker that answers an ion, and its wire.

use spark_runtime::{
    Call, Lane, Limits, Stop, Value,
    wire::{FromGuest, ToGuest, decode, encode},
    worker::{MODULES_MAX, Worker},
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

fn run(worker: &mut Worker, name: u8, call: Call) -> FromGuest {
    let request = ToGuest::Run {
        run: 9,
        module: [name; 32],
        lane: Lane::Automatic,
        call,
        limits: Limits::default(),
    };
    let request = decode(&encode(&request)).unwrap();
    let answer = worker.handle(request, &still()).unwrap();
    assert_eq!(decode::<FromGuest>(&encode(&answer)), Some(answer.clone()));
    answer
}

fn stop(worker: &mut Worker, name: u8) -> Option<Stop> {
    match run(worker, name, export("f", &[])) {
        FromGuest::Done { run: 9, report } => report.stop,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_loaded_module_runs_and_an_unknown_one_is_answered() {
    let mut worker = Worker::new();
    assert_eq!(worker.handle(constant(5), &still()), None);
    let FromGuest::Done { run: 9, report } = run(&mut worker, 5, export("f", &[])) else {
        panic!()
    };
    assert_eq!(report.values, [Value::I32(5)]);
    assert!(matches!(stop(&mut worker, 6), Some(Stop::WorkerLost { .. })));
}

#[test]
fn the_module_unused_for_longest_makes_room() {
    let mut worker = Worker::new();
    for name in (0..).take(MODULES_MAX) {
        worker.handle(constant(name), &still());
    }
    assert_eq!(stop(&mut worker, 0), None);
    worker.handle(constant(100), &still());
    assert!(matches!(stop(&mut worker, 1), Some(Stop::WorkerLost { .. })));
    for name in [0, 2, 100] {
        assert_eq!(stop(&mut worker, name), None, "{name}");
    }
}

#[test]
fn what_is_no_module_is_told_at_each_run() {
    let mut worker = Worker::new();
    worker.handle(ToGuest::Load { module: [1; 32], binary: b"text".to_vec() }, &still());
    assert!(matches!(stop(&mut worker, 1), Some(Stop::NotAModule { .. })));
    let answer = worker.handle(ToGuest::Inspect { run: 3, binary: b"text".to_vec() }, &still());
    assert!(matches!(
        answer,
        Some(FromGuest::Inspected { run: 3, result: Err(Stop::NotAModule { .. }) })
    ));
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
