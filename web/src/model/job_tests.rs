//! Stories of a job, and results for those of others.

use std::sync::Arc;

use super::*;
use crate::model::{picture::Format, together::Together};
use node_core::{
    compute::{Entry, Inputs, Program},
    node::IonShare,
};
use spark_runtime::{Lane, Limits, Report, Stop};

pub(in crate::model) fn job(tasks: i64, picture: Option<Picture>) -> Job {
    of(tasks, picture.map_or(Together::Concatenate, Together::Picture))
}

fn of(tasks: i64, together: Together) -> Job {
    let program = Program {
        name: "word count.wasm".to_owned(),
        entry: Entry::Command { arguments: vec![], environment: vec![], stdin: true },
        limits: Limits::default(),
        lane: Lane::Automatic,
        trust: Trust::Once,
    };
    let inputs = Inputs::Range { first: 1, last: tasks };
    let (binary, names) = (Arc::from([]), Arc::from([]));
    Job::new(7, Request { program, binary, inputs, names, together, retries: None })
}

pub(in crate::model) fn failed() -> TaskResult {
    let report = Report { stop: Some(Stop::Exit { code: 1 }), ..Report::default() };
    TaskResult { ion: String::new(), report, receipts: vec![] }
}

pub(in crate::model) fn result(text: &str) -> TaskResult {
    let stdout = text.as_bytes().to_vec();
    let report = Report { stdout, ..Report::default() };
    TaskResult { ion: "a".to_owned(), report, receipts: vec![receipt_of(text).into()] }
}

/// As long as a receipt is at least.
fn receipt_of(text: &str) -> Vec<u8> {
    text.repeat(200).into_bytes()
}

#[test]
fn the_file_of_receipts_has_those_of_all_results() {
    let mut job = job(3, None);
    job.take(0, vec![result("a"), result("b")]);
    assert_eq!(
        receipt::unpack(&job.receipts()),
        Ok(vec![receipt_of("a").into(), receipt_of("b").into()])
    );
    assert!(!job.receipts_note().contains("without"), "{}", job.receipts_note());
    job.take(2, vec![TaskResult { receipts: Vec::new(), ..result("c") }]);
    assert!(job.receipts_note().ends_with("1 result without a receipt"));
    assert_eq!(job.receipts_name(), "word-count.receipts");
}

#[test]
fn where_results_are_compared_it_says_what_came_of_it() {
    let mut job = job(3, None);
    assert_eq!(job.checked(), "");
    let by_ion = vec![IonShare {
        id: String::new(),
        name: String::new(),
        is_self: false,
        finished: 1,
        outvoted: 2,
        running: 0,
    }];
    job.update(JobView { trust: Trust::Copies(2), confirmed: 1, by_ion, ..job.view.clone() });
    assert_eq!(job.checked(), "1 result confirmed by several ions; 2 results outvoted.");
}

#[test]
fn results_are_taken_once_and_without_gaps() {
    let mut job = job(4, None);
    job.take(0, vec![result("a"), result("b")]);
    job.take(1, vec![result("b"), result("c")]);
    job.take(9, vec![result("z")]);
    assert_eq!(job.file(), b"abc");
    assert_eq!(job.sha256(), None);
    job.take(3, vec![result("d")]);
    assert_eq!(job.sha256().map(|sum| sum.len()), Some(64));
    assert_eq!(job.file_name(), "word-count.txt");
    assert_eq!(job.json_lines().lines().count(), 4);
}

#[test]
fn a_picture_is_a_file_that_viewers_open() {
    let mut job = job(2, Picture::new(Format::Bitmap, 8, 1, 2));
    job.take(0, vec![result("\u{1}"), result("\u{2}")]);
    assert_eq!(job.file(), b"P4\n8 2\n\x01\x02");
    assert_eq!(job.file_name(), "word-count.pbm");
    assert_eq!(job.bytes(), 9);
    let mut job = self::job(2, Picture::new(Format::Pixmap, 1, 2, 2));
    job.take(0, vec![result("red gr"), result("een bl")]);
    assert_eq!(job.file(), b"P6\n1 4\n255\nred green bl");
    assert_eq!(job.file_name(), "word-count.ppm");
}

#[test]
fn only_a_running_job_is_interrupted() {
    let mut running = job(1, None);
    running.interrupt();
    assert_eq!(running.standing(), Standing::Interrupted);
    running.resume();
    assert_eq!(running.standing(), Standing::Running);
    let mut ended = job(1, None);
    ended.view.state = JobState::Finished;
    ended.interrupt();
    assert_eq!(ended.standing(), Standing::Finished);
    ended.view.failed = 1;
    assert_eq!(ended.standing(), Standing::FinishedWithFailures);
}

#[test]
fn what_succeeded_is_added_up_and_what_failed_is_retried() {
    let mut job = of(4, Together::Sum);
    job.take(0, vec![result("1"), failed(), result("x"), failed()]);
    assert_eq!(
        (job.tally().file().as_str(), job.tally_name()),
        ("1\n", "word-count.sum.txt".to_owned())
    );
    assert_eq!((job.tally().fit(), job.tally().named()[0].0), (1, 2));
    assert_eq!(job.file(), b"1x");
    assert_eq!(job.retries(), 0);
    job.view.state = JobState::Finished;
    assert_eq!(job.retries(), 2);
    let retry = job.retry();
    assert_eq!((retry.inputs.get(1), retry.retries), (Some(b"4".to_vec().into()), Some(7)));
}

#[test]
fn a_cell_at_the_end_has_no_task_that_the_job_has_not() {
    let mut job = job(1_201, None);
    let results = (0..1_201).map(|_| result("a")).collect();
    job.take(0, results);
    let grid = job.grid();
    assert!(grid.tasks_per_cell > 1, "the last cell is not full");
    assert_eq!(job.task_of(&grid, grid.cells.len() - 1), 1_200);
}

#[test]
fn failures_show_in_the_grid() {
    let mut job = job(3, None);
    job.take(0, vec![failed()]);
    assert_eq!(job.grid().cells[0], crate::model::grid::Cell::Failed);
}

#[test]
fn inputs_are_named_by_their_text() {
    assert_eq!(job(3, None).input_text(2), "3");
    assert_eq!(job(3, None).input_text(9), "");
    let mut named = job(3, None);
    named.request.names = Arc::from(["d/a".to_owned()]);
    assert_eq!(named.request.input_name(1), None);
    assert_eq!((named.input_text(0), named.input_text(1)), ("d/a".to_owned(), "2".to_owned()));
}
