//! Jobs that compare results.

use super::{super::reputation::SHUNNED_MS, why::supply, *};
use crate::compute::{
    trust::{TRUSTED_AFTER, UNCHECKED_MAX},
    view::JobView,
};

const TWO: Trust = Trust::Copies(2);

/// What was told: each task with what it printed.
fn outputs(effects: &[Effect]) -> Vec<(u64, Vec<u8>)> {
    let mut outputs = Vec::new();
    for effect in effects {
        if let Effect::Results { first, results, .. } = effect {
            let texts = results.iter().map(|done| done.report.stdout.clone());
            outputs.extend((*first..).zip(texts));
        }
    }
    outputs
}

/// The ions of a job take turns: each asks for so many tasks, and returns what
/// `answer` says, until nobody is given any. Gives what was told, and how many
/// tasks ran.
fn work(
    coordinator: &mut Coordinator,
    ions: std::ops::RangeInclusive<u8>,
    batch: u32,
    answer: impl Fn(u8, u64) -> Report,
) -> (Vec<(u64, Vec<u8>)>, usize) {
    let (mut told, mut runs, mut idle) = (Vec::new(), 0, 0);
    let mut held: Vec<(u8, u64)> = Vec::new();
    let mut heard = |effects: &[Effect], held: &mut Vec<(u8, u64)>| {
        told.extend(outputs(effects));
        for from in ions.clone() {
            held.extend(given(effects, from).into_iter().map(|task| (from, task)));
        }
    };
    while idle < 3 {
        let before = runs;
        for from in ions.clone() {
            let pull = Message::Pull { job: JOB, tasks: batch };
            heard(&say(coordinator, 1, from, pull), &mut held);
            let mine = held.extract_if(.., |(ion, _)| *ion == from);
            let results: Vec<_> = mine.map(|(_, task)| (task, answer(from, task))).collect();
            runs += results.len();
            heard(&say(coordinator, 1, from, returned(from, results)), &mut held);
        }
        idle = if runs == before { idle + 1 } else { 0 };
    }
    (told, runs)
}

fn right(task: u64) -> Report {
    good(&task.to_le_bytes())
}

fn all(tasks: u64) -> Vec<(u64, Vec<u8>)> {
    (0..tasks).map(|task| (task, task.to_le_bytes().to_vec())).collect()
}

fn view(coordinator: &mut Coordinator) -> JobView {
    step(coordinator, 1, Input::Tick);
    coordinator.changed(Time::from_ms(1)).remove(0)
}

#[test]
fn a_result_counts_when_two_ions_returned_it() {
    let mut coordinator = with_trust(3, 1, TWO);
    assert_eq!(pull(&mut coordinator, 0, 1, 1), [0]);
    assert_eq!(pull(&mut coordinator, 0, 2, 1), [0], "a copy goes to another at once");
    assert!(pull(&mut coordinator, 0, 3, 1).is_empty(), "and no third one");
    assert_eq!(told(&result(&mut coordinator, 1, 1, 0, good(b"a"))), []);
    assert_eq!(told(&result(&mut coordinator, 1, 1, 0, good(b"a"))), [], "once an ion");
    assert_eq!(told(&result(&mut coordinator, 2, 2, 0, good(b"a"))), [(0, 1)]);
    assert_eq!(view(&mut coordinator).confirmed, 1);
}

#[test]
fn whoever_is_outvoted_is_shunned() {
    let mut coordinator = with_trust(3, 10, TWO);
    for from in 1..=3 {
        pull(&mut coordinator, 0, from, 1);
    }
    // Ion 3 has the first copy of task 1, and gets the third one of task 0.
    result(&mut coordinator, 1, 1, 0, good(b"a"));
    pull(&mut coordinator, 1, 3, 1);
    assert_eq!(told(&result(&mut coordinator, 2, 2, 0, good(b"b"))), []);
    let third = pull(&mut coordinator, 2, 3, 1);
    assert_eq!(third, [0]);
    let effects = result(&mut coordinator, 3, 3, 0, good(b"a"));
    assert_eq!(outputs(&effects), [(0, b"a".to_vec())]);
    assert!(pull(&mut coordinator, 4, 2, 1).is_empty());
    let lies: Vec<u64> = view(&mut coordinator).by_ion.iter().map(|share| share.outvoted).collect();
    assert_eq!(lies.iter().sum::<u64>(), 1);
    let later = say(&mut coordinator, 3 + SHUNNED_MS, 2, Message::Pull { job: JOB, tasks: 1 });
    assert_eq!(given(&later, 2).len(), 1);
}

#[test]
fn anything_that_differs_is_another_result() {
    let trap = Some(Stop::Trap { reason: "unreachable".to_owned() });
    let reports = [
        good(b"a"),
        good(b"b"),
        Report { stderr: b"a".to_vec(), ..good(b"a") },
        Report { fuel: 1, ..good(b"a") },
        Report { stop: Some(Stop::Exit { code: 1 }), ..good(b"a") },
        Report { stop: trap, ..good(b"a") },
    ];
    for (place, one) in reports.iter().enumerate() {
        for (other_place, other) in reports.iter().enumerate() {
            let mut coordinator = with_trust(2, 1, TWO);
            pull(&mut coordinator, 0, 1, 1);
            pull(&mut coordinator, 0, 2, 1);
            result(&mut coordinator, 1, 1, 0, one.clone());
            let effects = result(&mut coordinator, 1, 2, 0, other.clone());
            assert_eq!(!told(&effects).is_empty(), place == other_place, "{one:?} {other:?}");
        }
    }
}

#[test]
fn with_too_few_ions_a_job_waits_and_says_so() {
    let mut coordinator = with_trust(1, 10, Trust::Copies(3));
    assert_eq!(work(&mut coordinator, 1..=1, 4, |_, task| right(task)), (vec![], 10));
    let lacking = supply(&mut coordinator, 1);
    assert_eq!((lacking.wanted, lacking.ions), (3, 1));
    for salt in 2..=3 {
        step(&mut coordinator, 1, Input::Linked(ion(salt)));
    }
    assert_eq!(work(&mut coordinator, 1..=3, 4, |_, task| right(task)), (all(10), 20));
}

#[test]
fn a_copy_that_is_lost_goes_to_another() {
    let mut coordinator = with_trust(3, 1, TWO);
    pull(&mut coordinator, 0, 1, 1);
    pull(&mut coordinator, 0, 2, 1);
    pull(&mut coordinator, 0, 3, 1);
    result(&mut coordinator, 1, 1, 0, good(b"a"));
    assert_eq!(given(&step(&mut coordinator, 2, Input::Lost(ion(2))), 3), [0]);
    assert_eq!(told(&result(&mut coordinator, 3, 3, 0, good(b"a"))), [(0, 1)]);
}

#[test]
fn results_of_one_task_that_all_differ_end_in_a_failure() {
    let mut coordinator = with_trust(20, 1, TWO);
    let (told, runs) = work(&mut coordinator, 1..=20, 1, |from, _| good(&[from]));
    assert_eq!((told.len(), runs), (1, 8));
    let view = view(&mut coordinator);
    assert_eq!((view.failed, view.by_ion.iter().map(|share| share.outvoted).sum()), (1, 0));
    assert!(view.causes[0].reason.contains("8 different results"), "{:?}", view.causes);
}

#[test]
fn a_mishap_is_no_lie_and_another_tries() {
    let mut coordinator = with_trust(3, 1, TWO);
    for from in 1..=3 {
        pull(&mut coordinator, 0, from, 1);
    }
    result(&mut coordinator, 1, 1, 0, good(b"a"));
    assert_eq!(given(&result(&mut coordinator, 1, 2, 0, lost_worker()), 3), [0]);
    assert_eq!(told(&result(&mut coordinator, 2, 3, 0, good(b"a"))), [(0, 1)]);
    assert!(view(&mut coordinator).by_ion.iter().all(|share| share.outvoted == 0));
}

#[test]
fn workers_are_not_told_how_far_they_are_believed() {
    let mut coordinator = with_trust(1, 1, TWO);
    let effects = step(&mut coordinator, 1, Input::Linked(ion(2)));
    let [Effect::Send(_, Message::Offer { program, .. })] = &effects[..] else { panic!() };
    assert_eq!(program.trust, Trust::Once);
}

#[test]
fn two_copies_run_twice_and_liars_cost_little() {
    let mut coordinator = with_trust(10, 1_000, TWO);
    let lie = |from, task| if from <= 2 { good(&[from, 0, 1]) } else { right(task) };
    let (told, runs) = work(&mut coordinator, 1..=10, 4, lie);
    assert_eq!(told, all(1_000));
    assert!((2_000..2_050).contains(&runs), "{runs}");
}

#[test]
fn once_ions_are_trusted_few_results_are_checked() {
    let mut coordinator = with_trust(10, 2_000, Trust::Adaptive);
    let (told, runs) = work(&mut coordinator, 1..=10, 4, |_, task| right(task));
    assert_eq!(told, all(2_000));
    assert!((2_100..2_500).contains(&runs), "{runs}");
    let confirmed = usize::try_from(view(&mut coordinator).confirmed).unwrap();
    assert_eq!(runs, 2_000 + confirmed);
}

/// Ion 1 works well until it is trusted, and lies in everything from then on.
#[test]
fn nothing_counts_that_an_ion_returned_since_its_last_good_check() {
    for from_task in [50, 100, 200, 500] {
        let mut coordinator = with_trust(6, 1_000, Trust::Adaptive);
        let lie =
            |from, task| if from == 1 && task >= from_task { good(b"x") } else { right(task) };
        let (told, _) = work(&mut coordinator, 1..=6, 3, lie);
        assert_eq!(told, all(1_000), "{from_task}");
        let view = view(&mut coordinator);
        let liar = view.by_ion.iter().find(|share| share.id == ion(1).to_string()).unwrap();
        assert!(liar.outvoted > 0 && liar.finished > u64::from(TRUSTED_AFTER), "{liar:?}");
    }
}

#[test]
fn results_on_trust_wait_for_a_check_that_comes_for_sure() {
    let mut coordinator = with_trust(2, 10_000, Trust::Adaptive);
    let until = 2 * u64::from(TRUSTED_AFTER);
    let mut earned = 0;
    while earned < until {
        for from in [1, 2] {
            for task in pull(&mut coordinator, 1, from, 1) {
                result(&mut coordinator, 1, from, task, right(task));
                earned += 1;
            }
        }
    }
    // Ion 2 stands still; ion 1 goes on by itself.
    let mut first_open = None;
    for _ in 0..=2 * UNCHECKED_MAX {
        for task in pull(&mut coordinator, 1, 1, 1) {
            let effects = result(&mut coordinator, 1, 1, task, right(task));
            assert_eq!(told(&effects), []);
            first_open = first_open.or(Some(task));
        }
    }
    let checks = pull(&mut coordinator, 1, 2, 10);
    assert!(checks.len() >= 2, "{checks:?}");
    let results = checks.iter().map(|task| (*task, right(*task))).collect();
    let effects = say(&mut coordinator, 1, 2, returned(2, results));
    assert_eq!(told(&effects).first().map(|(first, _)| *first), first_open);
}

#[test]
fn the_last_results_of_a_job_are_checked_too() {
    let mut coordinator = with_trust(3, 400, Trust::Adaptive);
    let lie = |from, task| if from == 1 && task >= 300 { good(b"x") } else { right(task) };
    let (told, _) = work(&mut coordinator, 1..=3, 3, lie);
    assert_eq!(told, all(400));
    let state = view(&mut coordinator).state;
    assert_eq!(state, JobState::Finished);
}

#[test]
fn a_check_that_cannot_be_made_keeps_no_result_back() {
    let mut coordinator = with_trust(4, 200, Trust::Adaptive);
    // From task 100 on only ion 1 can do the work at all.
    let answer = |from, task| if from == 1 || task < 100 { right(task) } else { lost_worker() };
    let (told, _) = work(&mut coordinator, 1..=4, 2, answer);
    assert_eq!(told.len(), 200);
}
