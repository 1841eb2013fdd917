//! What giving out a task and taking its result costs the ion that coordinates a job: the
//! very machine that tabs run, with many ions that answer at once.

use std::{sync::Arc, time::Instant};

use node_core::{
    compute::{
        Entry, Inputs, JobName, Program, Trust,
        coordinator::{Coordinator, Effect, Input},
        spans::Spans,
        spec::Parts,
        wire::Message,
    },
    identity::{IonId, Keys, SimKeys},
    platform::Time,
};
use sha2::{Digest, Sha256};
use spark_runtime::{Lane, Limits, Report};

use super::Found;

const RUNS: usize = 3;
const TASKS: u64 = 1_000_000;
const JOB: u64 = 1;
/// What an ion asks for at a time.
const PULL: u32 = 64;
/// Between two rounds in which every ion returns what it had and asks for more, in
/// milliseconds of virtual time.
const ROUND_MS: u64 = 100;

/// `scheduler-1000`: microseconds for a task of a million, with a thousand ions that pull
/// all at once. `scheduler-growth`: by the same with a hundred ions.
pub(super) fn measure() -> Found {
    let (mut many, mut growth) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let [few, all] = [100, 1_000].map(cost_us);
        eprintln!("  a task costs {few:.2} µs with 100 ions, {all:.2} with 1,000");
        many.push(all);
        growth.push(all / few);
    }
    vec![("scheduler-1000", many), ("scheduler-growth", growth)]
}

/// Runs a whole job; what one of its tasks cost in microseconds.
fn cost_us(ions: u64) -> f64 {
    let ion = |number: u64| IonId::from_bytes(Sha256::digest(number.to_le_bytes()).into());
    let keys = SimKeys::of(ion(0));
    let name = JobName { job: JOB, owner: keys.own() };
    let mut coordinator = Coordinator::new(Arc::new(keys), 1);
    let ions: Vec<IonId> = (1..=ions).map(ion).collect();
    let mut effects = Vec::new();
    for one in &ions {
        coordinator.handle(Time::ZERO, Input::Linked(*one), &mut effects);
    }
    let submit = Input::Submit { job: JOB, parts: parts(), name, done: Spans::default() };
    coordinator.handle(Time::ZERO, submit, &mut effects);
    let mut results: Vec<Vec<(u64, Report)>> = vec![Vec::new(); ions.len()];
    let (mut told, mut now_ms, mut spent) = (0, 0, std::time::Duration::ZERO);
    while told < TASKS {
        now_ms += ROUND_MS;
        let now = Time::from_ms(now_ms);
        for (one, results) in ions.iter().zip(&mut results) {
            let results = std::mem::take(results);
            let returned = Message::Results { job: JOB, results, signed: None };
            let begin = Instant::now();
            coordinator.handle(now, Input::Said(*one, returned), &mut effects);
            let pull = Message::Pull { job: JOB, tasks: PULL };
            coordinator.handle(now, Input::Said(*one, pull), &mut effects);
            spent += begin.elapsed();
        }
        let begin = Instant::now();
        coordinator.handle(now, Input::Tick, &mut effects);
        coordinator.changed(now);
        spent += begin.elapsed();
        for effect in effects.drain(..) {
            match effect {
                Effect::Results { results, .. } => told += results.len() as u64,
                Effect::Send(to, Message::Tasks { tasks, .. }) => {
                    let place = ions.iter().position(|ion| *ion == to).expect("it is linked");
                    results[place].extend(tasks.iter().map(|(task, _)| (*task, Report::default())));
                }
                _ => {}
            }
        }
        assert!(now_ms < TASKS, "the job does not end");
    }
    spent.as_secs_f64() * 1e6 / TASKS as f64
}

fn parts() -> Parts {
    let binary: Arc<[u8]> = b"any".as_slice().into();
    let entry = Entry::Export { name: "empty".to_owned(), arguments: Vec::new() };
    Parts {
        program: Program {
            name: "empty".to_owned(),
            entry,
            limits: Limits::default(),
            lane: Lane::Automatic,
            trust: Trust::Once,
        },
        module: Sha256::digest(&binary).into(),
        binary,
        inputs: Inputs::Range { first: 1, last: TASKS.cast_signed() }.into(),
        about: String::new(),
    }
}
