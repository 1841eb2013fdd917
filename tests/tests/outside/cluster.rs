//! Ions without a browser: a relay and three native ions.

use std::fs;

use ionosphere_tests::{
    MANDELBROT_BYTES, MANDELBROT_SHA256,
    folder::root,
    guests,
    mission::sha256,
    native_ion::NativeIon,
    relay::{Relay, Way},
};
use node_core::{
    compute::{Entry, Inputs, Program, Trust},
    node::{Command, Event, JobId, JobState, JobView},
};
use spark_runtime::{Lane, Limits, Value};

use crate::blocking_turn;

const JOB: JobId = 7;

/// A relay and so many ions that are all linked with each other.
fn cluster(ions: usize) -> (Relay, Vec<NativeIon>) {
    let relay = Relay::start();
    let start = |_| NativeIon::start(relay.http(), 1, None);
    let mut ions: Vec<NativeIon> = (0..ions).map(start).collect();
    let others = ions.len() - 1;
    for ion in &mut ions {
        ion.joined();
        ion.linked_with(others);
    }
    (relay, ions)
}

fn example(name: &str) -> Vec<u8> {
    let file = root().join(format!("examples/{name}/{name}.wasm"));
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn counting(job: JobId, tasks: i64, thousands: u32) -> Command {
    let entry = Entry::Export {
        name: "count".to_owned(),
        arguments: vec!["{}".to_owned(), thousands.to_string()],
    };
    Command::RunJob {
        job,
        program: Program {
            name: "count".to_owned(),
            entry,
            limits: Limits::default(),
            lane: Lane::Automatic,
            trust: Trust::Once,
        },
        binary: guests::count(),
        inputs: Inputs::Range { first: 0, last: tasks - 1 },
        about: String::new(),
    }
}

fn workers_of(view: &JobView) -> usize {
    view.by_ion.iter().filter(|share| share.finished > 0).count()
}

#[test]
fn three_ions_draw_one_picture() {
    let _turn = blocking_turn();
    let (_relay, mut ions) = cluster(3);
    let arguments = ["{}", "200", "50"].map(str::to_owned).into();
    let entry = Entry::Command { arguments, environment: Vec::new(), stdin: false };
    let program = Program {
        name: "mandelbrot".to_owned(),
        entry,
        limits: Limits::default(),
        lane: Lane::Automatic,
        trust: Trust::Once,
    };
    ions[0].post(Command::RunJob {
        job: JOB,
        program,
        binary: example("mandelbrot"),
        inputs: Inputs::Range { first: 0, last: 199 },
        about: String::new(),
    });
    let (view, results) = ions[0].finish(JOB, |_| {});
    assert_eq!((view.state, view.failed), (JobState::Finished, 0), "{view:#?}");
    let mut picture = b"P4\n200 200\n".to_vec();
    picture.extend(results.iter().flat_map(|result| &result.report.stdout));
    assert_eq!(picture.len(), MANDELBROT_BYTES);
    assert_eq!(sha256(&picture), MANDELBROT_SHA256);
}

#[test]
fn an_ion_that_leaves_costs_a_retry_and_no_result() {
    const TASKS: u64 = 120;
    let _turn = blocking_turn();
    let (_relay, mut ions) = cluster(3);
    let mut leaver = ions.pop();
    ions[0].post(counting(JOB, TASKS.cast_signed(), 1_000));
    let (view, results) = ions[0].finish(JOB, |come| {
        if come >= TASKS / 4 {
            leaver = None;
        }
    });
    assert!(leaver.is_none());
    assert_eq!((view.succeeded, view.failed), (TASKS, 0), "{view:#?}");
    assert!(workers_of(&view) >= 2, "one ion did it all: {view:#?}");
    for (task, result) in (0..).zip(&results) {
        assert_eq!(result.report.values, [Value::I32(task)], "task {task}");
    }
}

#[test]
fn ions_that_came_by_tcp_quic_and_websocket_work_together() {
    const TASKS: u64 = 60;
    let _turn = blocking_turn();
    let relay = Relay::start();
    let start = |way| NativeIon::start_with((relay.http(), way), 1, None, None);
    let mut ions = [Way::Tcp, Way::Quic, Way::WebSocket].map(start);
    for ion in &mut ions {
        ion.joined();
        ion.linked_with(2);
    }
    for (job, ion) in (JOB..).zip(&mut ions) {
        ion.post(counting(job, TASKS.cast_signed(), 300));
        let (view, _) = ion.finish(job, |_| {});
        assert_eq!((view.succeeded, view.failed), (TASKS, 0), "{view:#?}");
        assert_eq!(workers_of(&view), 3, "{view:#?}");
    }
}

#[test]
fn ions_in_a_room_hear_each_other_and_see_who_is_there() {
    let _turn = blocking_turn();
    let (_relay, mut ions) = cluster(3);
    let room = || "hall".to_owned();
    let ids: Vec<String> = ions.iter().map(|ion| ion.status().id.clone()).collect();
    // The third only speaks.
    for ion in &mut ions[..2] {
        ion.post(Command::Subscribe { room: room() });
    }
    let is_there = |event: &Event, other: &str, wanted: bool| match event {
        Event::Present { room, ion, is_here } if room == "hall" && ion == other => {
            (*is_here == wanted).then_some(())
        }
        _ => None,
    };
    ions[0].wait_for("the second in the hall", |event| is_there(event, &ids[1], true));
    ions[1].wait_for("the first in the hall", |event| is_there(event, &ids[0], true));
    ions[2].post(Command::Publish { room: room(), bytes: b"hello".to_vec() });
    for ion in &mut ions[..2] {
        ion.wait_for("what the third says", |event| match event {
            Event::Said { ion, bytes, .. } => (*ion == ids[2] && bytes == b"hello").then_some(()),
            _ => None,
        });
    }
    ions[1].post(Command::Unsubscribe { room: room() });
    ions[0].wait_for("the second gone", |event| is_there(event, &ids[1], false));
}

#[test]
fn another_nebula_hears_nothing() {
    let _turn = blocking_turn();
    let (relay, mut ions) = cluster(2);
    let mut other = NativeIon::start(relay.http(), 1, None);
    other.joined();
    other.post(Command::CreateNebula { name: "elsewhere".to_owned() });
    other.wait_for("a nebula of its own", |event| match event {
        Event::Status(status) => {
            let nebula = status.nebula.as_ref()?;
            (!nebula.is_open).then_some(())
        }
        _ => None,
    });
    other.linked_with(0);
    for ion in &mut ions {
        ion.linked_with(1);
    }
    // A job in the old nebula is done by the two that are in it.
    ions[0].post(counting(JOB, 60, 200));
    let (view, results) = ions[0].finish(JOB, |_| {});
    assert_eq!((view.succeeded, results.len()), (60, 60));
    let stranger = &other.status().id;
    assert!(view.by_ion.iter().all(|share| share.id != *stranger), "{view:#?}");
    assert_eq!(other.status().tasks_done, 0);
}
