//! Every cause has its sentence, and every sentence what to do.

use std::sync::Arc;

use node_core::{
    compute::{Entry, Inputs, Program, Trust},
    node::JobView,
};
use spark_runtime::{Lane, Limits, Report};

use super::*;
use crate::model::{request::Request, together::Together};
use node_core::node::TaskResult;

fn said(supply: Supply) -> String {
    waiting(&Waiting::Ions(supply), JobState::Running)
}

/// Three ions are there, and one is enough.
const THREE: Supply = Supply {
    ions: 3,
    paused: 0,
    is_self_paused: false,
    wanted: 1,
    shunned: 0,
    again_ms: 0,
    apart: 0,
    asking: 0,
    struck: 0,
    fails_ms: 0,
    jobs: 1,
};

#[test]
fn a_job_that_moves_on_has_no_reason_to_wait() {
    assert_eq!(waiting(&Waiting::Nothing, JobState::Running), "");
}

#[test]
fn a_job_waits_for_ions_that_ask() {
    let starting = said(Supply { ions: 0, ..THREE });
    assert!(starting.contains("still starting"), "{starting}");
    let fetching = said(THREE);
    assert!(fetching.starts_with("no ion has asked for its tasks yet: 3 of 3 ions"), "{fetching}");
    assert!(fetching.ends_with("to have more, invite another ion"), "{fetching}");
    let some = said(Supply { paused: 2, is_self_paused: true, ..THREE });
    assert!(some.contains("1 of 3 ions"), "{some}");
    assert!(some.ends_with("this tab is paused; resume it, or invite others"));
}

#[test]
fn a_job_waits_for_a_worker_to_be_lent() {
    let alone = said(Supply { ions: 1, paused: 1, is_self_paused: true, ..THREE });
    let remedy = "this tab is paused; resume it, or invite others";
    assert_eq!(alone, format!("no ion lends a worker: {remedy}"));
}

#[test]
fn a_job_waits_behind_other_jobs_of_its_owner() {
    let last = said(Supply { jobs: 17, ..THREE });
    assert!(last.starts_with("17 jobs of this ion are open, and others work for 16"), "{last}");
    assert!(last.contains("pause or cancel one"), "{last}");
    assert!(!said(Supply { jobs: 16, ..THREE }).contains("16"), "these all have room");
}

#[test]
fn a_job_waits_for_ions_that_agree() {
    let few = said(Supply { wanted: 5, ..THREE });
    assert_eq!(few, "5 ions must return the same result, and 3 can: invite 2 more ions");
    let out = said(Supply { wanted: 3, shunned: 1, again_ms: 41_200, apart: 1, ..THREE });
    assert!(out.contains("and 1 can: invite 2 more ions"), "{out}");
    assert!(out.contains("1 ion returned something else before, and may try again in 42 s"));
    assert!(out.ends_with("1 ion of another version cannot be compared: reload its page"), "{out}");
    let tried = said(Supply { wanted: 3, asking: 3, ..THREE });
    assert!(tried.contains("too few of them agree: invite another ion"), "{tried}");
}

#[test]
fn a_job_waits_for_another_ion_to_try_what_failed() {
    let last = said(Supply { asking: 2, struck: 1, fails_ms: 7_001, paused: 1, ..THREE });
    let expected = "the tasks that are left failed at every ion that asks for work, and the first \
                    fails for good in 8 s unless another ion begins it: 1 ion is paused; resume \
                    it, or invite others";
    assert_eq!(last, expected);
    let all = said(Supply { asking: 3, struck: 4, ..THREE });
    assert!(all.contains("the first fails for good in 0 s"), "{all}");
}

#[test]
fn a_job_waits_for_its_user_or_for_another_ion() {
    let of = |why: &Waiting| waiting(why, JobState::Running);
    assert!(of(&Waiting::Held(0)).contains("until it is resumed"));
    assert!(of(&Waiting::Held(2)).starts_with("2 tasks still in hand may end"));
    let vain = of(&Waiting::Vain(100));
    assert!(vain.contains("all 100 tasks") && vain.contains("resume or cancel it"), "{vain}");
    let other = Waiting::Elsewhere("bold-otter".to_owned());
    assert!(of(&other).starts_with("bold-otter coordinates it"), "{}", of(&other));
    assert_eq!(waiting(&other, JobState::Paused), "bold-otter can resume it");
    for why in [Waiting::Handed, Waiting::Reading] {
        assert!(!of(&why).is_empty());
    }
}

fn job() -> Job {
    let program = Program {
        name: "count".to_owned(),
        entry: Entry::Json,
        limits: Limits::default(),
        lane: Lane::Automatic,
        trust: Trust::Once,
    };
    let inputs = Inputs::Range { first: 0, last: 1_999 };
    let names = Arc::from([]);
    let (binary, together) = (Arc::from([]), Together::Concatenate);
    let request = Request { program, binary, inputs, names, together, retries: None };
    let mut job = Job::new(7, request);
    job.update(JobView { waiting: Waiting::Nothing, ..job.view.clone() });
    job
}

fn of_five(view: TaskView) -> TaskView {
    TaskView { job: 7, task: 5, is_known: true, ..view }
}

fn about(view: TaskView) -> String {
    task(&job(), &of_five(view))
}

/// What stands beside a cell, and what the ion's answer is in words.
fn told(job: &Job, cell: usize, told: Option<&TaskView>) -> (String, String) {
    let grid = job.grid();
    let pointed = Pointed { job, grid: &grid, cell, told, name: &str::to_uppercase };
    (pointed.detail(), pointed.answer())
}

fn lease(since_ms: u64, heard_ms: u64, is_kept: bool) -> TaskView {
    let lease = LeaseView { ion: "bold-otter".to_owned(), since_ms, heard_ms, is_kept };
    TaskView { leases: vec![lease], ..TaskView::default() }
}

#[test]
fn a_task_waits_for_its_turn() {
    assert_eq!(about(TaskView::default()), "Task 5: is next to be given out.");
    let one = about(TaskView { ahead: 1, ..TaskView::default() });
    assert_eq!(one, "Task 5: waits for its turn behind 1 task.");
    let many = about(TaskView { ahead: 1_200, ..TaskView::default() });
    assert_eq!(many, "Task 5: waits for its turn behind 1,200 tasks.");
    let beyond = about(TaskView { ahead: 9, is_beyond: true, first: 3, ..TaskView::default() });
    assert!(beyond.starts_with("Task 5: waits until task 3 has ended"), "{beyond}");
}

#[test]
fn a_task_in_hand_names_its_ion_and_when_it_was_heard_of() {
    let fresh = about(lease(4_200, 1_100, true));
    assert_eq!(fresh, "Task 5: bold-otter has had it for 4.2 s, and last said so 1.1 s ago.");
    let silent = about(lease(9_000, 6_500, true));
    assert!(silent.ends_with("heard of 6.5 s ago: it goes to another in 4 s."), "{silent}");
    let late = about(lease(90_000, 1_000, false));
    assert!(late.ends_with("so that another may try as well."), "{late}");
}

#[test]
fn a_task_that_failed_tells_where_and_how_and_until_when_it_waits() {
    let failed_at = vec!["a".to_owned(), "b".to_owned()];
    let stop = Some(Stop::Deadline { wall_ms_max: 1_000 });
    let view = TaskView { failed_at, stop, fails_ms: 7_900, ..TaskView::default() };
    let expected = "Task 5: failed at 2 ions (a, b), last with deadline: still running after 1000 \
                    ms; it fails for good in 8 s unless another ion begins it: resume or invite \
                    one.";
    assert_eq!(about(view.clone()), expected);
    let third = about(TaskView { leases: lease(500, 500, true).leases, ..view });
    assert!(third.contains("failed at 2 ions") && third.contains("bold-otter has had it"));
    assert!(!third.contains("for good"), "{third}");
}

#[test]
fn a_task_that_others_must_confirm_says_by_how_many() {
    let returned = vec!["a".to_owned()];
    let view = TaskView { returned, wanted: 1, ..TaskView::default() };
    let more = about(view.clone());
    assert_eq!(
        more,
        "Task 5: a returned a result, and 1 more ion must return the same before it counts."
    );
    assert!(about(TaskView { wanted: 0, ..view }).contains("once a later one is confirmed"));
}

#[test]
fn what_ended_elsewhere_or_early_says_so() {
    let early = about(TaskView { has_ended: true, first: 2, ..TaskView::default() });
    assert_eq!(early, "Task 5: ended; its result is told once task 2 has one.");
    let coordinator = "bold-otter".to_owned();
    let other = about(TaskView { coordinator, ..TaskView::default() });
    assert!(other.contains("bold-otter coordinates the job, and knows more"), "{other}");
}

#[test]
fn a_task_tells_what_its_job_waits_for() {
    let mut job = job();
    let lacking = Waiting::Ions(Supply { ions: 1, paused: 1, is_self_paused: true, ..THREE });
    job.update(JobView { waiting: lacking, ..job.view.clone() });
    let told = task(&job, &of_five(TaskView::default()));
    assert!(told.contains("is next to be given out. The job waits: no ion lends"), "{told}");
    job.update(JobView { state: JobState::Cancelled, ..job.view.clone() });
    let ended = task(&job, &of_five(TaskView::default()));
    assert!(ended.contains("the job was cancelled. Run it again"), "{ended}");
}

#[test]
fn a_result_tells_its_ion_and_a_failure_what_to_do() {
    let mut job = job();
    let stop = Some(Stop::OutOfFuel { fuel_max: 5 });
    let reports = [Report { fuel: 7, ..Report::default() }, Report { stop, ..Report::default() }];
    let result = |report| TaskResult { ion: "a".to_owned(), report, receipts: Vec::new() };
    job.take(0, reports.map(result).into());
    let failed = told(&job, 0, None).0;
    assert!(failed.starts_with("Task 1: failed by A, 0 fuel, out of fuel after 5 units."));
    assert!(failed.ends_with("Run it again with more fuel, or with less to do for each input."));
    let first = TaskView { task: 0, ..of_five(TaskView::default()) };
    assert_eq!(told(&job, 0, Some(&first)).1, "Task 0: done by A, 7 fuel");
    let second = TaskView { task: 1, ..first };
    assert_eq!(told(&job, 0, Some(&second)).1, "", "it stands there already");
}

#[test]
fn an_answer_stands_beside_its_own_job_only() {
    let five = of_five(TaskView::default());
    let waits = "Task 4: waiting. Enter, or a click, asks why.".to_owned();
    assert_eq!(told(&job(), 1, None), (waits.clone(), String::new()));
    assert_eq!(told(&job(), 1, Some(&five)).1, "Task 5: is next to be given out.");
    let other = TaskView { job: 8, ..five };
    assert_eq!(told(&job(), 1, Some(&other)), (waits, String::new()));
}

#[test]
fn a_cell_of_several_tasks_stands_for_the_one_that_needs_looking_at() {
    let mut job = job();
    let stop = Some(Stop::Exit { code: 1 });
    let result = |stop| TaskResult {
        ion: "a".to_owned(),
        report: Report { stop, ..Report::default() },
        receipts: Vec::new(),
    };
    job.take(0, vec![result(None), result(None), result(stop), result(None), result(None)]);
    let grid = job.grid();
    assert_eq!(grid.tasks_per_cell, 4);
    assert_eq!([0, 1, 2].map(|cell| job.task_of(&grid, cell)), [2, 5, 8]);
}
