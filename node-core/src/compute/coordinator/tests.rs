//! What the owner's side of a job does, one behaviour a story.

use spark_runtime::{Lane, Limits, Stop};

use super::*;
use crate::{
    compute::{
        Entry, Inputs, Program, Trust,
        receipt::{Hash, Terms, call_hash, input_hash},
        wire::LIMITS_MAX,
    },
    identity::SimKeys,
};

mod receipts;
mod trust;
mod why;

const JOB: JobId = 7;
/// Whose job it is: none of those that work.
const OWN: u8 = 99;

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

fn step(coordinator: &mut Coordinator, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    coordinator.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

fn say(coordinator: &mut Coordinator, ms: u64, from: u8, message: Message) -> Vec<Effect> {
    step(coordinator, ms, Input::Said(ion(from), message))
}

const BINARY: &[u8] = &[1; 1_000];

fn program(trust: Trust) -> Program {
    Program {
        name: "test".to_owned(),
        entry: Entry::Command { arguments: vec![], environment: vec![], stdin: true },
        limits: Limits { output_bytes_max: 100, wall_ms_max: 1_000, ..LIMITS_MAX },
        lane: Lane::Automatic,
        trust,
    }
}

/// Results as an ion sends and signs them.
fn returned(from: u8, results: Vec<(u64, Report)>) -> Message {
    returned_as(VERSION, from, results)
}

fn returned_as(version: u32, from: u8, results: Vec<(u64, Report)>) -> Message {
    let module = Hash::new(*blake3::hash(BINARY).as_bytes());
    let terms = Terms { module, call: call_hash(&program(Trust::Once)), owner: ion(OWN), job: JOB };
    let input = |task: u64| input_hash(task.to_string().as_bytes());
    let parts = results.iter().map(|(task, report)| (*task, input(*task), report));
    let signed = Some(terms.sign_as(version, &SimKeys::of(ion(from)), 5, parts));
    Message::Results { job: JOB, results, signed }
}

fn submit(
    job: JobId,
    program: Program,
    module: ModuleHash,
    binary: Arc<[u8]>,
    inputs: Inputs,
) -> Input {
    let parts = Parts { program, module, binary, inputs: inputs.into(), about: String::new() };
    let name = JobName { job, owner: ion(OWN) };
    Input::Submit { job, parts, name, done: Spans::default() }
}

/// A coordinator with a job of so many tasks, and ions 1 to `ions` linked.
fn with_job(ions: u8, tasks: i64) -> Coordinator {
    with_trust(ions, tasks, Trust::Once)
}

fn with_trust(ions: u8, tasks: i64, trust: Trust) -> Coordinator {
    let mut coordinator = Coordinator::new(Arc::new(SimKeys::of(ion(OWN))), 1);
    for salt in 1..=ions {
        step(&mut coordinator, 0, Input::Linked(ion(salt)));
    }
    let inputs = Inputs::Range { first: 0, last: tasks - 1 };
    let binary: Arc<[u8]> = BINARY.into();
    let module = *blake3::hash(&binary).as_bytes();
    let program = program(trust);
    step(&mut coordinator, 0, submit(JOB, program, module, binary, inputs));
    coordinator
}

fn pull(coordinator: &mut Coordinator, ms: u64, from: u8, tasks: u32) -> Vec<u64> {
    given(&say(coordinator, ms, from, Message::Pull { job: JOB, tasks }), from)
}

/// The tasks that an ion is given.
fn given(effects: &[Effect], to: u8) -> Vec<u64> {
    let tasks = effects.iter().filter_map(|effect| match effect {
        Effect::Send(other, Message::Tasks { tasks, .. }) if *other == ion(to) => Some(tasks),
        _ => None,
    });
    tasks.flatten().map(|(task, _)| *task).collect()
}

fn good(output: &[u8]) -> Report {
    Report { stdout: output.to_vec(), ..Report::default() }
}

fn lost_worker() -> Report {
    let stop = Some(Stop::WorkerLost { reason: "gone".to_owned() });
    Report { stop, ..Report::default() }
}

fn result(
    coordinator: &mut Coordinator,
    ms: u64,
    from: u8,
    task: u64,
    report: Report,
) -> Vec<Effect> {
    say(coordinator, ms, from, returned(from, vec![(task, report)]))
}

/// What the user is told: the first task, and how many.
fn told(effects: &[Effect]) -> Vec<(u64, usize)> {
    let results = effects.iter().filter_map(|effect| match effect {
        Effect::Results { first, results, .. } => Some((*first, results.len())),
        _ => None,
    });
    results.collect()
}

#[test]
fn a_job_is_offered_to_whoever_is_there_and_whoever_comes() {
    let mut coordinator = with_job(1, 10);
    let effects = step(&mut coordinator, 1, Input::Linked(ion(2)));
    assert!(matches!(effects[..], [Effect::Send(to, Message::Offer { .. })] if to == ion(2)));
}

#[test]
fn an_ion_gets_half_of_its_equal_share_at_most() {
    let mut coordinator = with_job(2, 100);
    assert_eq!(pull(&mut coordinator, 1, 1, 200).len(), 25);
    assert_eq!(pull(&mut coordinator, 1, 2, 200).len(), 19);
    assert_eq!(pull(&mut coordinator, 1, 1, 3).len(), 3);
}

#[test]
fn results_are_told_in_order_and_once() {
    let mut coordinator = with_job(1, 4);
    assert_eq!(pull(&mut coordinator, 1, 1, 4), [0, 1]);
    assert_eq!(told(&result(&mut coordinator, 2, 1, 1, good(b"b"))), []);
    assert_eq!(told(&result(&mut coordinator, 3, 1, 0, good(b"a"))), [(0, 2)]);
    assert_eq!(told(&result(&mut coordinator, 4, 1, 0, good(b"again"))), []);
}

#[test]
fn a_lease_that_nobody_renews_lapses_and_the_first_result_counts() {
    let mut coordinator = with_job(2, 2);
    assert_eq!(pull(&mut coordinator, 0, 1, 1), [0]);
    assert_eq!(pull(&mut coordinator, 0, 2, 2), [1]);
    say(&mut coordinator, 9_000, 2, Message::Holding { job: JOB, tasks: vec![1] });
    let effects = step(&mut coordinator, LEASE_MS + 1, Input::Tick);
    assert_eq!(given(&effects, 2), [0], "it is given to who waits for work");
    let late = result(&mut coordinator, LEASE_MS + 2, 1, 0, good(b"late"));
    assert_eq!(told(&late), [(0, 1)], "it is there, so nobody has to wait for another");
    let second = result(&mut coordinator, LEASE_MS + 3, 2, 0, good(b"again"));
    assert_eq!(told(&second), []);
    assert_eq!(told(&result(&mut coordinator, LEASE_MS + 4, 2, 1, good(b"b"))), [(1, 1)]);
}

fn state(coordinator: &mut Coordinator) -> Option<JobState> {
    coordinator.changed(Time::from_ms(9)).first().map(|view| view.state)
}

fn pause(coordinator: &mut Coordinator, is_held: bool) -> Vec<Effect> {
    step(coordinator, 5, Input::Hold { job: JOB, is_held })
}

#[test]
fn a_job_that_is_held_gives_out_nothing_until_it_goes_on() {
    let mut coordinator = with_job(1, 8);
    assert_eq!(pull(&mut coordinator, 1, 1, 1), [0]);
    pause(&mut coordinator, true);
    assert_eq!(state(&mut coordinator), Some(JobState::Paused));
    assert!(pull(&mut coordinator, 6, 1, 2).is_empty());
    assert_eq!(told(&result(&mut coordinator, 7, 1, 0, good(b"a"))), [(0, 1)]);
    let word = say(&mut coordinator, 8, 1, Message::Pull { job: JOB, tasks: 2 });
    assert_eq!(word, [Effect::Send(ion(1), Message::Withdraw { job: JOB })]);
    assert_eq!(step(&mut coordinator, 8, Input::Linked(ion(2))), []);
    let effects = pause(&mut coordinator, false);
    let offered = |to: u8| {
        let is_offer = |one: &Effect| matches!(one, Effect::Send(ion, Message::Offer { .. }) if *ion == self::ion(to));
        effects.iter().any(is_offer)
    };
    assert!(offered(1) && offered(2), "whoever forgot it is told: {effects:?}");
    assert_eq!(state(&mut coordinator), Some(JobState::Running));
    assert_eq!(pull(&mut coordinator, 9, 1, 2), [1, 2]);
}

#[test]
fn a_job_that_fails_on_every_input_is_held_once() {
    let mut coordinator = with_job(1, 1_000);
    let stop = Some(Stop::Trap { reason: "unreachable".to_owned() });
    let bad = Report { stop, ..Report::default() };
    let next = |coordinator: &mut Coordinator| -> Option<bool> {
        let task = *pull(coordinator, 1, 1, 1).first()?;
        let effects = result(coordinator, 2, 1, task, bad.clone());
        Some(effects.contains(&Effect::Held(JOB)))
    };
    for task in 1..=VAIN_TASKS {
        assert_eq!(next(&mut coordinator), Some(task == VAIN_TASKS), "task {task}");
    }
    assert_eq!(next(&mut coordinator), None);
    pause(&mut coordinator, false);
    assert!((0..VAIN_TASKS).all(|_| next(&mut coordinator) == Some(false)));
}

/// Lets an ion fail at so many tasks; whether the job is held then.
fn fails(coordinator: &mut Coordinator, from: u8, tasks: u64) -> bool {
    let stop = Some(Stop::Trap { reason: "unreachable".to_owned() });
    let bad = Report { stop, ..Report::default() };
    let mut one = || {
        let task = pull(coordinator, 1, from, 1)[0];
        result(coordinator, 2, from, task, bad.clone()).contains(&Effect::Held(JOB))
    };
    (0..tasks).any(|_| one())
}

#[test]
fn one_ion_of_several_that_fails_holds_nobodys_job() {
    let mut coordinator = with_job(3, 1_000);
    assert!(!fails(&mut coordinator, 1, 2 * VAIN_TASKS));
    assert!(fails(&mut coordinator, 2, 1));
}

#[test]
fn a_job_that_others_began_is_not_held_for_what_fails_later() {
    let mut coordinator = with_job(1, 1_000);
    let inputs = Inputs::Range { first: 0, last: 999 };
    let begun =
        submit(JOB, program(Trust::Once), *blake3::hash(BINARY).as_bytes(), BINARY.into(), inputs);
    let Input::Submit { job, parts, name, .. } = begun else { panic!("it is a job") };
    let done = std::iter::once(0..500).collect();
    step(&mut coordinator, 1, Input::Submit { job, parts, name, done });
    assert!(!fails(&mut coordinator, 1, 2 * VAIN_TASKS));
}

#[test]
fn a_late_result_counts_though_nobody_else_was_there_to_try() {
    let mut coordinator = with_job(1, 1);
    pull(&mut coordinator, 0, 1, 1);
    step(&mut coordinator, LEASE_MS + 1, Input::Tick);
    let late = result(&mut coordinator, LEASE_MS + 2, 1, 0, good(b"late"));
    assert_eq!(told(&late), [(0, 1)]);
    let view = &coordinator.changed(Time::from_ms(LEASE_MS + 3))[0];
    assert_eq!((view.state, view.running), (JobState::Finished, 0));
}

#[test]
fn whoever_has_waited_longest_is_served_first() {
    let mut coordinator = with_job(3, 1);
    assert_eq!(pull(&mut coordinator, 0, 1, 1), [0]);
    // The one that asks again keeps its place.
    for (ms, asks) in [(1, 3), (2, 2), (3, 3)] {
        assert!(pull(&mut coordinator, ms, asks, 1).is_empty());
    }
    let effects = step(&mut coordinator, 4, Input::Lost(ion(1)));
    assert_eq!((given(&effects, 3), given(&effects, 2)), (vec![0], vec![]));
}

#[test]
fn a_result_of_an_ion_that_never_had_the_task_is_ignored() {
    let mut coordinator = with_job(2, 2);
    pull(&mut coordinator, 0, 1, 1);
    assert_eq!(told(&result(&mut coordinator, 1, 2, 0, good(b"made up"))), []);
    step(&mut coordinator, 2, Input::Lost(ion(1)));
    step(&mut coordinator, 3, Input::Linked(ion(1)));
    assert_eq!(told(&result(&mut coordinator, 4, 1, 0, good(b"it left"))), []);
}

/// Lets an ion say that it still has a task, every few seconds up to a time.
fn hold(coordinator: &mut Coordinator, from: u8, task: u64, until_ms: u64) -> Vec<Effect> {
    let mut effects = Vec::new();
    for ms in (0..=until_ms).step_by(3_000).chain([until_ms]) {
        say(coordinator, ms, from, Message::Holding { job: JOB, tasks: vec![task] });
        effects.extend(step(coordinator, ms, Input::Tick));
    }
    effects
}

/// The longest that one ion keeps a task of [`with_job`] from others.
const KEPT_MS: u64 = 1_000 + OVERDUE_MS;

#[test]
fn whoever_says_for_ever_that_it_has_a_task_stalls_nobody() {
    let mut coordinator = with_job(2, 1);
    assert_eq!(pull(&mut coordinator, 0, 1, 1), [0]);
    assert!(pull(&mut coordinator, 0, 2, 1).is_empty());
    assert!(given(&hold(&mut coordinator, 1, 0, KEPT_MS), 2).is_empty());
    let effects = hold(&mut coordinator, 1, 0, KEPT_MS + 1);
    assert_eq!((given(&effects, 1), given(&effects, 2)), (vec![], vec![0]));
    assert_eq!(told(&result(&mut coordinator, KEPT_MS + 2, 2, 0, good(b"done"))), [(0, 1)]);
}

#[test]
fn a_slow_ion_may_still_be_the_first() {
    let mut coordinator = with_job(2, 1);
    pull(&mut coordinator, 0, 1, 1);
    pull(&mut coordinator, 0, 2, 1);
    hold(&mut coordinator, 1, 0, KEPT_MS + 1);
    assert_eq!(told(&result(&mut coordinator, KEPT_MS + 2, 1, 0, good(b"slow"))), [(0, 1)]);
    assert_eq!(told(&result(&mut coordinator, KEPT_MS + 3, 2, 0, good(b"again"))), []);
}

#[test]
fn a_task_is_not_given_up_while_a_slow_ion_has_it() {
    let mut coordinator = with_job(2, 1);
    pull(&mut coordinator, 0, 1, 1);
    pull(&mut coordinator, 0, 2, 1);
    hold(&mut coordinator, 1, 0, KEPT_MS + 1);
    assert_eq!(told(&result(&mut coordinator, KEPT_MS + 2, 2, 0, lost_worker())), []);
    let late = step(&mut coordinator, KEPT_MS + 3 + PATIENCE_MS, Input::Tick);
    assert_eq!((told(&late), given(&late, 2)), (vec![(0, 1)], vec![]), "now it is silent, too");
}

#[test]
fn whoever_was_overtaken_gets_less_until_it_gives_a_result() {
    let mut coordinator = with_job(2, 100);
    let stuck = pull(&mut coordinator, 0, 1, 8);
    assert_eq!(stuck.len(), 8);
    assert_eq!(pull(&mut coordinator, 0, 2, 1), [8]);
    result(&mut coordinator, 0, 2, 8, good(b""));
    for ms in (0..=KEPT_MS).step_by(3_000).chain([KEPT_MS + 1]) {
        say(&mut coordinator, ms, 1, Message::Holding { job: JOB, tasks: stuck.clone() });
        step(&mut coordinator, ms, Input::Tick);
    }
    let again = pull(&mut coordinator, KEPT_MS + 2, 2, 8);
    assert!(stuck.iter().all(|task| again.contains(task)), "{again:?}");
    let results = again.iter().map(|task| (*task, good(b""))).collect();
    say(&mut coordinator, KEPT_MS + 3, 2, returned(2, results));
    let one = pull(&mut coordinator, KEPT_MS + 4, 1, 8);
    assert_eq!(one.len(), 1);
    result(&mut coordinator, KEPT_MS + 5, 1, one[0], good(b""));
    assert_eq!(pull(&mut coordinator, KEPT_MS + 6, 1, 8).len(), 8);
}

#[test]
fn leases_of_one_task_are_bounded() {
    let ions = u8::try_from(LEASES_PER_TASK_MAX).expect("it is small") + 2;
    let mut coordinator = with_job(ions, 1);
    let mut ms = 0;
    for from in 1..=ions {
        assert_eq!(pull(&mut coordinator, ms, from, 1), [0]);
        ms += LEASE_MS + 1;
        step(&mut coordinator, ms, Input::Tick);
    }
    assert_eq!(told(&result(&mut coordinator, ms, 1, 0, good(b"forgotten"))), []);
    assert_eq!(told(&result(&mut coordinator, ms, ions, 0, good(b"known"))), [(0, 1)]);
}

#[test]
fn what_a_lost_ion_held_goes_to_others() {
    let mut coordinator = with_job(2, 1);
    assert_eq!(pull(&mut coordinator, 0, 1, 1), [0]);
    assert!(pull(&mut coordinator, 0, 2, 1).is_empty());
    assert_eq!(given(&step(&mut coordinator, 1, Input::Lost(ion(1))), 2), [0]);
}

#[test]
fn what_is_put_back_goes_to_others() {
    let mut coordinator = with_job(2, 1);
    pull(&mut coordinator, 0, 1, 1);
    pull(&mut coordinator, 0, 2, 1);
    let back = say(&mut coordinator, 1, 1, Message::Return { job: JOB, tasks: vec![0] });
    assert_eq!((given(&back, 1), given(&back, 2)), (vec![], vec![0]));
}

#[test]
fn a_stop_that_may_not_repeat_is_tried_on_another_ion() {
    let mut coordinator = with_job(3, 1);
    for from in 1..=3 {
        pull(&mut coordinator, 0, from, 1);
    }
    let second = result(&mut coordinator, 1, 1, 0, lost_worker());
    assert_eq!((told(&second), given(&second, 1), given(&second, 2)), (vec![], vec![], vec![0]));
    let third = result(&mut coordinator, 2, 2, 0, lost_worker());
    assert_eq!(given(&third, 3), [0]);
    assert_eq!(told(&result(&mut coordinator, 3, 3, 0, lost_worker())), [(0, 1)]);
}

#[test]
fn a_stop_that_repeats_everywhere_is_final() {
    let mut coordinator = with_job(2, 1);
    pull(&mut coordinator, 0, 1, 1);
    let stop = Some(Stop::Trap { reason: "unreachable".to_owned() });
    let effects = result(&mut coordinator, 1, 1, 0, Report { stop, ..Report::default() });
    assert_eq!(told(&effects), [(0, 1)]);
}

#[test]
fn a_task_fails_when_its_last_untried_ion_leaves() {
    let mut coordinator = with_job(2, 1);
    pull(&mut coordinator, 0, 1, 1);
    assert_eq!(told(&result(&mut coordinator, 1, 1, 0, lost_worker())), []);
    assert!(pull(&mut coordinator, 2, 1, 1).is_empty());
    assert_eq!(told(&step(&mut coordinator, 3, Input::Lost(ion(2)))), [(0, 1)]);
}

#[test]
fn a_task_does_not_wait_for_an_ion_that_asks_for_nothing() {
    let mut coordinator = with_job(2, 1);
    pull(&mut coordinator, 0, 1, 1);
    result(&mut coordinator, 1, 1, 0, lost_worker());
    assert_eq!(told(&step(&mut coordinator, 1 + PATIENCE_MS, Input::Tick)), []);
    assert_eq!(told(&step(&mut coordinator, 2 + PATIENCE_MS, Input::Tick)), [(0, 1)]);
}

#[test]
fn a_report_over_its_limits_is_an_offence_and_another_ion_tries() {
    let files = Report { files: vec![0; 100], ..good(&[0]) };
    for report in [good(&[0; 101]), files] {
        let mut coordinator = with_job(2, 1);
        pull(&mut coordinator, 0, 1, 1);
        pull(&mut coordinator, 0, 2, 1);
        let effects = result(&mut coordinator, 1, 1, 0, report);
        assert!(effects.contains(&Effect::Offence(ion(1))));
        assert_eq!((told(&effects), given(&effects, 2)), (vec![], vec![0]));
    }
}

#[test]
fn only_who_is_linked_is_heard() {
    let mut coordinator = with_job(1, 1);
    assert_eq!(say(&mut coordinator, 1, 9, Message::Pull { job: JOB, tasks: 1 }), []);
}

#[test]
fn a_worker_that_missed_the_end_is_told_again() {
    let mut coordinator = with_job(1, 1);
    step(&mut coordinator, 1, Input::Cancel { job: JOB });
    let withdraw = [Effect::Send(ion(1), Message::Withdraw { job: JOB })];
    assert_eq!(say(&mut coordinator, 2, 1, Message::Pull { job: JOB, tasks: 1 }), withdraw);
    let module = *blake3::hash(&[1; 1_000]).as_bytes();
    assert_eq!(say(&mut coordinator, 3, 1, Message::WantBlock { module, offset: 0 }), withdraw);
}

#[test]
fn at_most_a_window_of_tasks_waits_for_the_first_one() {
    let mut coordinator = with_job(1, 100_000);
    let mut out = pull(&mut coordinator, 1, 1, 256);
    let mut seen = 0;
    while seen < out.len() {
        // All but the first come back at once, and more is asked for.
        let back: Vec<_> = out[seen..].iter().filter(|task| **task != 0).collect();
        let results = back.into_iter().map(|task| (*task, good(b""))).collect();
        seen = out.len();
        out.extend(given(&say(&mut coordinator, 1, 1, returned(1, results)), 1));
        out.extend(pull(&mut coordinator, 1, 1, 256));
    }
    assert_eq!(out.iter().max(), Some(&(WINDOW_TASKS_MAX - 1)));
}
