//! What the working side of a job does, one behaviour a story.

use super::*;
use crate::{
    compute::{Entry, Program, Trust, wire::LIMITS_MAX},
    identity::SimKeys,
};

const JOB: JobId = 3;

fn owner() -> IonId {
    IonId::from_bytes([1; 32])
}

fn binary() -> Vec<u8> {
    vec![9; 300_000]
}

fn module() -> ModuleHash {
    *blake3::hash(&binary()).as_bytes()
}

fn step(worker: &mut Worker, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    worker.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

fn say(worker: &mut Worker, ms: u64, message: Message) -> Vec<Effect> {
    step(worker, ms, Input::Said(owner(), message))
}

fn offer(worker: &mut Worker) -> Vec<Effect> {
    offer_for(worker, None)
}

/// Of a job of this owner, and its name there, if it is not the coordinator's.
fn offer_for(worker: &mut Worker, of: Option<Key>) -> Vec<Effect> {
    let program = Program {
        name: "test".to_owned(),
        entry: Entry::Command { arguments: vec![], environment: vec![], stdin: true },
        limits: Limits { wall_ms_max: 1_000, ..LIMITS_MAX },
        lane: Lane::Automatic,
        trust: Trust::Once,
    };
    let module_bytes = binary().len() as u64;
    let (module, of) = (module(), of.map(Box::new));
    say(worker, 1, Message::Offer { job: JOB, of, program, module, module_bytes })
}

fn block(worker: &mut Worker, bytes: &[u8], from: usize, to: usize) -> Vec<Effect> {
    let (offset, bytes) = (from as u64, bytes[from..to].to_vec());
    say(worker, 2, Message::Block { module: module(), offset, bytes })
}

/// A worker that lends so many guest workers and has the job's module.
fn ready(workers: u16) -> Worker {
    ready_for(workers, None)
}

fn ready_for(workers: u16, of: Option<Key>) -> Worker {
    let mut worker = Worker::new(Arc::new(SimKeys::of(IonId::from_bytes([2; 32]))), 1_000);
    step(&mut worker, 0, Input::Lend(workers));
    offer_for(&mut worker, of);
    let binary = binary();
    block(&mut worker, &binary, 0, 1 << 18);
    block(&mut worker, &binary, 1 << 18, binary.len());
    worker
}

fn tasks(worker: &mut Worker, ms: u64, numbers: std::ops::Range<u64>) -> Vec<Effect> {
    let tasks = numbers.map(|task| (task, crate::compute::Input::new())).collect();
    say(worker, ms, Message::Tasks { job: JOB, tasks })
}

fn runs(effects: &[Effect]) -> Vec<u64> {
    let runs = effects.iter().filter_map(|effect| match effect {
        Effect::Run { run, .. } => Some(*run),
        _ => None,
    });
    runs.collect()
}

fn said(effects: &[Effect]) -> Vec<&Message> {
    let said = effects.iter().filter_map(|effect| match effect {
        Effect::Send(_, message) => Some(message),
        _ => None,
    });
    said.collect()
}

fn pulled(effects: &[Effect]) -> Option<u32> {
    said(effects).into_iter().find_map(|message| match message {
        Message::Pull { tasks, .. } => Some(*tasks),
        _ => None,
    })
}

fn returned(effects: &[Effect]) -> Vec<u64> {
    let back = said(effects).into_iter().filter_map(|message| match message {
        Message::Return { tasks, .. } => Some(tasks.clone()),
        _ => None,
    });
    back.flatten().collect()
}

fn done(worker: &mut Worker, ms: u64, run: u64) -> Vec<Effect> {
    ended(worker, ms, run, 1)
}

/// So many guests of a run ended.
fn ended(worker: &mut Worker, ms: u64, run: u64, guests: usize) -> Vec<Effect> {
    step(worker, ms, Input::Done { run, reports: vec![Report::default(); guests] })
}

/// Runs that began, each with the number of its guests.
fn sizes(effects: &[Effect]) -> Vec<(u64, usize)> {
    let sizes = effects.iter().filter_map(|effect| match effect {
        Effect::Run { run, calls, .. } => Some((*run, calls.len())),
        _ => None,
    });
    sizes.collect()
}

/// A worker whose one guest worker was given the short tasks 2 and 3 at once, at this
/// millisecond, with two more in hand; and their run.
fn hurried(ms: u64) -> (Worker, u64) {
    let mut worker = ready(1);
    let first = runs(&tasks(&mut worker, ms, 0..2))[0];
    let second = runs(&done(&mut worker, ms, first))[0];
    done(&mut worker, ms, second);
    let begun = sizes(&tasks(&mut worker, ms, 2..6));
    assert_eq!((begun.len(), begun[0].1), (1, 2), "the first two went one by one");
    (worker, begun[0].0)
}

fn results(effects: &[Effect]) -> Vec<(u64, Option<Stop>)> {
    let results = said(effects).into_iter().filter_map(|message| match message {
        Message::Results { results, .. } => Some(results.clone()),
        _ => None,
    });
    results.flatten().map(|(task, report)| (task, report.stop)).collect()
}

#[test]
fn a_module_is_fetched_piece_by_piece_and_then_work_is_asked_for() {
    let mut worker = Worker::new(Arc::new(SimKeys::of(IonId::from_bytes([2; 32]))), 1_000);
    step(&mut worker, 0, Input::Lend(2));
    let want = |offset| Message::WantBlock { module: module(), offset };
    assert_eq!(said(&offer(&mut worker)), [&want(0)]);
    let binary = binary();
    assert_eq!(said(&block(&mut worker, &binary, 0, 1 << 18)), [&want(1 << 18)]);
    let last = block(&mut worker, &binary, 1 << 18, binary.len());
    assert!(
        matches!(&last[0], Effect::Keep(hash, bytes) if *hash == module() && **bytes == binary)
    );
    assert_eq!(pulled(&last), Some(4));
}

#[test]
fn a_module_with_a_wrong_hash_is_an_offence_and_never_kept() {
    let mut worker = Worker::new(Arc::new(SimKeys::of(IonId::from_bytes([2; 32]))), 1_000);
    step(&mut worker, 0, Input::Lend(2));
    offer(&mut worker);
    let mut wrong = binary();
    wrong[5] ^= 1;
    block(&mut worker, &wrong, 0, 1 << 18);
    let last = block(&mut worker, &wrong, 1 << 18, wrong.len());
    assert_eq!(last, [Effect::Offence(owner())]);
    assert!(!worker.has_jobs());
}

#[test]
fn a_piece_that_does_not_come_is_asked_for_again() {
    let mut worker = Worker::new(Arc::new(SimKeys::of(IonId::from_bytes([2; 32]))), 1_000);
    step(&mut worker, 0, Input::Lend(1));
    offer(&mut worker);
    assert_eq!(step(&mut worker, ASK_AGAIN_MS, Input::Tick), []);
    assert_eq!(said(&step(&mut worker, ASK_AGAIN_MS + 1, Input::Tick)).len(), 1);
}

#[test]
fn as_many_guests_run_as_are_lent() {
    let mut worker = ready(2);
    let started = runs(&tasks(&mut worker, 3, 0..4));
    assert_eq!((started.len(), worker.busy()), (2, 2));
    assert_eq!(runs(&done(&mut worker, 4, started[0])).len(), 1);
}

/// Gives a worker a job of another owner and module, ready to run, with so many tasks.
fn also(worker: &mut Worker, owner: u8, job: JobId, tasks: u64) {
    let owner = IonId::from_bytes([owner; 32]);
    let program = Program {
        name: "other".to_owned(),
        entry: Entry::Command { arguments: vec![], environment: vec![], stdin: true },
        limits: LIMITS_MAX,
        lane: Lane::Fast,
        trust: Trust::Once,
    };
    let module_bytes = binary().len() as u64;
    let tasks = (0..tasks).map(|task| (task, crate::compute::Input::new())).collect();
    for message in [
        Message::Offer { job, of: None, program, module: module(), module_bytes },
        Message::Tasks { job, tasks },
    ] {
        step(worker, 3, Input::Said(owner, message));
    }
}

/// Whose job is served when one guest after the other ends.
fn served(worker: &mut Worker, runs: usize) -> Vec<JobId> {
    let mut served = Vec::new();
    while served.len() < runs {
        let (run, key) =
            worker.running.iter().map(|(run, one)| (*run, one.key)).next().expect("busy");
        served.push(key.1);
        done(worker, 4, run);
    }
    served
}

#[test]
fn owners_share_evenly_whatever_the_number_of_their_jobs() {
    let mut worker = ready(1);
    tasks(&mut worker, 3, 0..2);
    for job in 10..16 {
        also(&mut worker, 2, job, 1);
    }
    also(&mut worker, 3, 9, 2);
    let order = served(&mut worker, 6);
    assert_eq!(order, [JOB, 10, 9, JOB, 11, 9]);
}

#[test]
fn the_jobs_of_one_owner_take_turns() {
    let mut worker = ready(1);
    also(&mut worker, 2, 10, 2);
    also(&mut worker, 2, 11, 2);
    assert_eq!(served(&mut worker, 4), [10, 11, 10, 11]);
}

#[test]
fn long_tasks_of_one_owner_leave_the_other_its_part() {
    let mut worker = ready(2);
    also(&mut worker, 2, 10, 4);
    assert_eq!(worker.busy(), 2);
    let held: Vec<u64> = worker.running.keys().copied().collect();
    also(&mut worker, 3, 9, 4);
    // One of the two ends; from then on the other owner has that guest worker.
    let mut run = runs(&done(&mut worker, 1_000, held[0]))[0];
    for second in 2..5 {
        assert_eq!(worker.running[&run].key.1, 9);
        run = runs(&done(&mut worker, second * 1_000, run))[0];
    }
}

#[test]
fn a_pause_ends_guests_and_puts_everything_back() {
    let mut worker = ready(2);
    tasks(&mut worker, 3, 0..4);
    let effects = step(&mut worker, 4, Input::Lend(0));
    let kills = effects.iter().filter(|effect| matches!(effect, Effect::Kill(_))).count();
    assert_eq!((kills, returned(&effects)), (2, vec![0, 1, 2, 3]));
    assert_eq!(worker.busy(), 0);
}

/// They were on their way when the user paused.
#[test]
fn what_comes_during_a_pause_is_put_back() {
    let mut worker = ready(2);
    step(&mut worker, 4, Input::Lend(0));
    let effects = tasks(&mut worker, 5, 4..6);
    assert_eq!((runs(&effects), returned(&effects)), (vec![], vec![4, 5]));
}

#[test]
fn what_was_not_asked_for_is_put_back() {
    let mut worker = ready(1);
    assert_eq!(returned(&tasks(&mut worker, 3, 0..4)), [2, 3]);
}

#[test]
fn inputs_in_hand_are_bounded_in_bytes() {
    let mut worker = ready(64);
    let large = || crate::compute::Input::from(vec![0; HELD_BYTES_MAX / 4 + 1]);
    let effects = say(
        &mut worker,
        3,
        Message::Tasks { job: JOB, tasks: (0..6).map(|task| (task, large())).collect() },
    );
    assert_eq!(returned(&effects), [3, 4, 5]);
}

#[test]
fn tasks_of_an_unknown_job_are_put_back() {
    let mut worker = Worker::new(Arc::new(SimKeys::of(IonId::from_bytes([2; 32]))), 1_000);
    assert_eq!(returned(&tasks(&mut worker, 1, 0..2)), [0, 1]);
}

#[test]
fn running_dry_doubles_the_batch() {
    let mut worker = ready(1);
    let first = runs(&tasks(&mut worker, 3, 0..2));
    let second = runs(&done(&mut worker, 10, first[0]));
    // Nothing is in hand now although two were asked for.
    assert_eq!(pulled(&done(&mut worker, 20, second[0])), Some(4));
}

#[test]
fn results_go_when_all_is_done_or_some_are_old() {
    let mut worker = ready(1);
    let first = runs(&tasks(&mut worker, 1_000, 0..2))[0];
    tasks(&mut worker, 1_000, 2..3);
    let sent = done(&mut worker, 1_001, first);
    assert!(matches!(said(&sent)[0], Message::Results { results, .. } if results.len() == 1));
    let rest = runs(&sent)[0];
    let second = ended(&mut worker, 1_002, rest, 1);
    assert!(!said(&second).iter().any(|one| matches!(one, Message::Results { .. })));
    let third = ended(&mut worker, 1_003, rest, 1);
    assert!(matches!(said(&third)[0], Message::Results { results, .. } if results.len() == 2));
}

#[test]
fn leases_in_hand_are_renewed() {
    let mut worker = ready(1);
    tasks(&mut worker, 3, 0..2);
    let effects = step(&mut worker, HOLD_MS, Input::Tick);
    assert!(said(&effects).contains(&&Message::Holding { job: JOB, tasks: vec![0, 1] }));
}

#[test]
fn a_guest_that_outstays_its_deadline_is_ended_from_outside() {
    let mut worker = ready(1);
    let run = runs(&tasks(&mut worker, 1_000, 0..1))[0];
    assert!(!step(&mut worker, 2_000 + GRACE_MS, Input::Tick).contains(&Effect::Kill(run)));
    let late = step(&mut worker, 2_001 + GRACE_MS, Input::Tick);
    assert!(late.contains(&Effect::Kill(run)));
    let is_deadline = |message: &&Message| match message {
        Message::Results { results, .. } => {
            matches!(results[0].1.stop, Some(Stop::Deadline { wall_ms_max: 1_000 }))
        }
        _ => false,
    };
    assert!(said(&late).iter().any(is_deadline));
    let too_late = done(&mut worker, 9_000, run);
    assert!(!said(&too_late).iter().any(is_deadline) && worker.tasks_done() == 1);
}

#[test]
fn a_lost_owner_leaves_nothing_running() {
    let mut worker = ready(1);
    let run = runs(&tasks(&mut worker, 3, 0..2))[0];
    assert_eq!(step(&mut worker, 4, Input::Lost(owner())), [Effect::Kill(run)]);
    assert!(!worker.has_jobs());
}

#[test]
fn what_only_workers_say_is_an_offence() {
    let mut worker = ready(1);
    let effects = say(&mut worker, 3, Message::Pull { job: JOB, tasks: 1 });
    assert!(effects.contains(&Effect::Offence(owner())));
}

#[test]
fn short_tasks_go_several_at_once_and_long_ones_do_not() {
    let (mut worker, run) = hurried(10);
    assert_eq!(sizes(&ended(&mut worker, 10, run, 1)), [], "the other one is at work");
    let next = sizes(&ended(&mut worker, 1_000, run, 1));
    assert_eq!(next, [(run + 1, 1)], "they took long");
}

#[test]
fn no_guest_worker_has_more_at_once_than_its_equal_part() {
    let (mut worker, run) = hurried(10);
    step(&mut worker, 10, Input::Lend(2));
    assert_eq!(sizes(&ended(&mut worker, 10, run, 2)), [(run + 2, 1)]);
}

#[test]
fn what_breaks_a_run_ends_the_task_at_work_alone() {
    let (mut worker, run) = hurried(10);
    ended(&mut worker, 40, run, 1);
    let stop = Stop::WorkerLost { reason: "it died".to_owned() };
    let effects = step(&mut worker, 80, Input::Broke { run, stop: stop.clone() });
    assert_eq!(results(&effects), [(3, Some(stop))]);
    let (mut worker, run) = hurried(10);
    let stop = Stop::WorkerLost { reason: "it died".to_owned() };
    let effects = step(&mut worker, 40, Input::Broke { run, stop: stop.clone() });
    assert_eq!(results(&effects), [(2, Some(stop))]);
    let again: Vec<u64> =
        worker.running[&runs(&effects)[0]].tasks.iter().map(|one| one.task).collect();
    assert_eq!(again, [3, 4], "what had not begun is first in line");
}

#[test]
fn tasks_behind_a_long_one_go_to_another_guest_worker() {
    let (mut worker, run) = hurried(10);
    step(&mut worker, 10, Input::Lend(2));
    // Both are busy now.
    let other = runs(&ended(&mut worker, 10, 0, 0));
    assert_eq!((other, worker.busy()), (vec![], 2));
    step(&mut worker, 40, Input::Yielded { run, tasks: 1 });
    let next = runs(&done(&mut worker, 41, run + 1));
    assert_eq!(worker.running[&next[0]].tasks[0].task, 3);
    assert_eq!(worker.running[&run].tasks.len(), 1);
    // The one at work is nobody else's, whatever a guest worker says.
    step(&mut worker, 42, Input::Yielded { run, tasks: usize::MAX });
    assert_eq!(results(&done(&mut worker, 99, run)).last(), Some(&(2, None)));
}

#[test]
fn a_pause_puts_back_what_a_run_has_not_ended() {
    let (mut worker, run) = hurried(10);
    ended(&mut worker, 10, run, 1);
    let effects = step(&mut worker, 11, Input::Lend(0));
    assert_eq!((results(&effects), returned(&effects)), (vec![(2, None)], vec![3, 4, 5]));
    assert!(effects.contains(&Effect::Kill(run)));
}

#[test]
fn each_guest_of_a_run_has_a_deadline_of_its_own() {
    let (mut worker, run) = hurried(1_000);
    ended(&mut worker, 2_000, run, 1);
    assert!(!step(&mut worker, 3_000 + GRACE_MS, Input::Tick).contains(&Effect::Kill(run)));
    let late = step(&mut worker, 3_001 + GRACE_MS, Input::Tick);
    assert!(late.contains(&Effect::Kill(run)));
    assert_eq!(results(&late), [(3, Some(Stop::Deadline { wall_ms_max: 1_000 }))]);
}

#[test]
fn what_ran_is_remembered_with_its_time_though_it_was_put_back() {
    let mut worker = ready(1);
    let first = runs(&tasks(&mut worker, 10, 0..2))[0];
    let stop = Some(Stop::Exit { code: 1 });
    let second = runs(&done(&mut worker, 15, first))[0];
    let reports = vec![Report { fuel: 4, stop, ..Report::default() }];
    step(&mut worker, 22, Input::Done { run: second, reports });
    tasks(&mut worker, 30, 2..3);
    step(&mut worker, 39, Input::Lend(0));
    let rows: Vec<&Row> = worker.log().collect();
    let [row] = rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.of, row.name.as_str()), ((owner(), JOB), "test"));
    assert_eq!((row.succeeded, row.failed, row.fuel), (1, 1, 4));
    assert_eq!(row.ran_ms, 5 + 7 + 9);
    assert_eq!((row.began.as_ms(), row.last.as_ms()), (10, 39));
}

#[test]
fn work_for_a_stand_in_is_remembered_as_the_owners() {
    let of = (IonId::from_bytes([7; 32]), 8);
    let mut worker = ready_for(1, Some(of));
    tasks(&mut worker, 10, 0..1);
    assert_eq!(worker.log().map(|row| row.of).collect::<Vec<_>>(), [of]);
}
