//! Why jobs and tasks wait, as their coordinator tells it.

use super::{super::reputation::SHUNNED_MS, *};
use crate::compute::view::{Supply, TaskView, Waiting};

fn waiting(coordinator: &mut Coordinator, ms: u64) -> Waiting {
    step(coordinator, ms, Input::Tick);
    coordinator.changed(Time::from_ms(ms)).remove(0).waiting
}

/// Of a job that waits for ions.
pub(super) fn supply(coordinator: &mut Coordinator, ms: u64) -> Supply {
    match waiting(coordinator, ms) {
        Waiting::Ions(supply) => supply,
        other => panic!("it waits otherwise: {other:?}"),
    }
}

fn task(coordinator: &Coordinator, ms: u64, task: u64) -> TaskView {
    let name = |ion: &IonId| ion.as_bytes()[0].to_string();
    coordinator.task(Time::from_ms(ms), JOB, task, &name).expect("the job is there")
}

#[test]
fn a_job_without_ions_says_so_and_counts_those_that_come_and_ask() {
    let mut coordinator = with_job(0, 9);
    let alone = Supply { wanted: 1, jobs: 1, ..Supply::default() };
    assert_eq!(supply(&mut coordinator, 1), alone);
    step(&mut coordinator, 2, Input::Linked(ion(1)));
    assert_eq!(supply(&mut coordinator, 3), Supply { ions: 1, ..alone });
    assert_eq!(pull(&mut coordinator, 4, 1, 1), [0]);
    assert_eq!(waiting(&mut coordinator, 5), Waiting::Nothing);
    step(&mut coordinator, 6, Input::Cancel { job: JOB });
    assert_eq!(waiting(&mut coordinator, 7), Waiting::Nothing);
}

#[test]
fn a_pause_is_a_reason_by_itself_and_so_is_one_for_failures() {
    let mut coordinator = with_job(1, 1_000);
    pull(&mut coordinator, 1, 1, 2);
    pause(&mut coordinator, true);
    assert_eq!(waiting(&mut coordinator, 2), Waiting::Held(2));
    let mut coordinator = with_job(1, 1_000);
    assert!(fails(&mut coordinator, 1, VAIN_TASKS));
    assert_eq!(waiting(&mut coordinator, 3), Waiting::Vain(VAIN_TASKS));
}

#[test]
fn what_was_given_back_and_done_elsewhere_stands_before_nobody() {
    let mut coordinator = with_job(1, 9);
    assert_eq!(pull(&mut coordinator, 1, 1, 2), [0, 1]);
    step(&mut coordinator, 2, Input::Lost(ion(1)));
    assert_eq!(task(&coordinator, 3, 5).ahead, 5);
    step(&mut coordinator, 4, Input::Done { job: JOB, span: 0..2 });
    assert_eq!(task(&coordinator, 5, 5).ahead, 3);
    let beyond = coordinator.task(Time::from_ms(6), JOB, 9, &|_| String::new());
    assert_eq!(beyond, None);
}

#[test]
fn other_jobs_that_give_out_tasks_are_counted() {
    let mut coordinator = with_job(1, 9);
    for job in 100..100 + 3 {
        let inputs = Inputs::Range { first: 0, last: 1 };
        let module = *blake3::hash(BINARY).as_bytes();
        step(&mut coordinator, 0, submit(job, program(Trust::Once), module, BINARY.into(), inputs));
    }
    step(&mut coordinator, 1, Input::Hold { job: 100, is_held: true });
    step(&mut coordinator, 1, Input::Cancel { job: 101 });
    assert_eq!(supply(&mut coordinator, 2).jobs, 2);
}

#[test]
fn a_task_that_failed_at_two_ions_waits_for_a_third_and_tells_until_when() {
    let mut coordinator = with_job(3, 1);
    pull(&mut coordinator, 0, 1, 1);
    pull(&mut coordinator, 0, 2, 1);
    result(&mut coordinator, 1_000, 1, 0, lost_worker());
    assert_eq!(task(&coordinator, 1_500, 0).leases[0].ion, "2");
    result(&mut coordinator, 2_000, 2, 0, lost_worker());
    pull(&mut coordinator, 2_500, 1, 1);
    let lacking = supply(&mut coordinator, 3_000);
    assert_eq!((lacking.struck, lacking.ions, lacking.asking), (1, 3, 1));
    assert_eq!(lacking.fails_ms, PATIENCE_MS - 1_000);
    let view = task(&coordinator, 3_000, 0);
    assert_eq!(
        (view.failed_at, view.fails_ms),
        (vec!["1".into(), "2".into()], PATIENCE_MS - 1_000)
    );
    assert!(matches!(view.stop, Some(Stop::WorkerLost { .. })) && !view.has_ended);
    assert!(view.leases.is_empty() && view.returned.is_empty());
    step(&mut coordinator, 2_001 + PATIENCE_MS, Input::Tick);
    assert!(task(&coordinator, 2_002 + PATIENCE_MS, 0).has_ended);
}

#[test]
fn a_lease_tells_since_when_and_when_it_was_heard_of() {
    let mut coordinator = with_job(2, 4);
    assert_eq!(pull(&mut coordinator, 100, 1, 1), [0]);
    say(&mut coordinator, 3_000, 1, Message::Holding { job: JOB, tasks: vec![0] });
    let view = task(&coordinator, 4_000, 0);
    let [lease] = &view.leases[..] else { panic!("{view:?}") };
    assert_eq!((lease.ion.as_str(), lease.since_ms, lease.heard_ms), ("1", 3_900, 1_000));
    assert!(lease.is_kept);
    step(&mut coordinator, 3_001 + LEASE_MS, Input::Tick);
    let view = task(&coordinator, 3_001 + LEASE_MS, 0);
    assert!(!view.leases[0].is_kept, "it fell silent");
}

#[test]
fn a_task_knows_how_many_go_first() {
    let mut coordinator = with_job(2, 10_000);
    assert_eq!(pull(&mut coordinator, 0, 1, 3), [0, 1, 2]);
    let ahead = |coordinator: &Coordinator, number| task(coordinator, 1, number).ahead;
    assert_eq!((ahead(&coordinator, 3), ahead(&coordinator, 9)), (0, 6));
    say(&mut coordinator, 1, 1, Message::Return { job: JOB, tasks: vec![0, 2] });
    let count = [0, 2, 3, 9].map(|number| ahead(&coordinator, number));
    assert_eq!(count, [0, 1, 2, 8], "what came back goes first");
    step(&mut coordinator, 2, Input::Done { job: JOB, span: 5..7 });
    assert_eq!((ahead(&coordinator, 9), task(&coordinator, 3, 5).has_ended), (6, true));
    assert!(!task(&coordinator, 3, WINDOW_TASKS_MAX - 1).is_beyond);
    assert!(task(&coordinator, 3, WINDOW_TASKS_MAX).is_beyond);
}

#[test]
fn a_result_that_is_held_back_names_the_task_it_waits_for() {
    let mut coordinator = with_job(1, 9);
    pull(&mut coordinator, 0, 1, 3);
    result(&mut coordinator, 1, 1, 0, good(b""));
    result(&mut coordinator, 1, 1, 2, good(b""));
    let view = task(&coordinator, 2, 2);
    assert_eq!((view.has_ended, view.first), (true, 1));
    assert!(task(&coordinator, 2, 0).has_ended && !task(&coordinator, 2, 1).has_ended);
}

#[test]
fn a_result_that_another_must_confirm_names_its_ion() {
    let mut coordinator = with_trust(2, 4, Trust::Copies(2));
    assert_eq!(pull(&mut coordinator, 0, 1, 1), [0]);
    result(&mut coordinator, 1, 1, 0, good(b"a"));
    let view = task(&coordinator, 2, 0);
    assert_eq!((view.returned, view.wanted, view.has_ended), (vec!["1".into()], 1, false));
}

#[test]
fn where_results_are_compared_it_tells_who_is_left_out_and_for_how_long() {
    let mut coordinator = with_trust(4, 1, Trust::Copies(2));
    for from in 1..=3 {
        pull(&mut coordinator, 0, from, 1);
        let said: &[u8] = if from == 1 { b"lie" } else { b"right" };
        result(&mut coordinator, 1_000, from, 0, good(said));
    }
    let next = |coordinator: &mut Coordinator, ions: &[u8]| {
        let mut input = |input| step(coordinator, 2_000, input);
        for salt in ions {
            input(Input::Lost(ion(*salt)));
        }
        let inputs = Inputs::Range { first: 0, last: 9 };
        let (module, trust) = (*blake3::hash(BINARY).as_bytes(), Trust::Copies(2));
        input(submit(JOB, program(trust), module, BINARY.into(), inputs));
    };
    next(&mut coordinator, &[3, 4]);
    let lacking = supply(&mut coordinator, 3_000);
    assert_eq!((lacking.ions, lacking.wanted, lacking.shunned), (2, 2, 1));
    assert_eq!(lacking.again_ms, SHUNNED_MS - 2_000);
    let lacking = supply(&mut coordinator, 1_000 + SHUNNED_MS);
    assert_eq!((lacking.ions, lacking.shunned), (2, 0), "it may try again");
    let task = pull(&mut coordinator, 1_001 + SHUNNED_MS, 2, 1)[0];
    let other = returned_as(VERSION + 1, 2, vec![(task, good(b"x"))]);
    say(&mut coordinator, 1_002 + SHUNNED_MS, 2, other);
    assert_eq!(supply(&mut coordinator, 1_003 + SHUNNED_MS).apart, 1);
}
