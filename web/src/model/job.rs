//! A job as the page keeps it: the ion's last word on it, its results in
//! order, and what is needed to run it again.

use node_core::{
    compute::{Trust, receipt},
    node::{JobId, JobState, JobView, Problem, TaskResult, Waiting},
};

use super::{
    format,
    grid::{Counts, Grid},
    outcome::{Whole, contribution, json_line},
    pace::Pace,
    picture::Picture,
    request::Request,
    tally::Tally,
};

/// Jobs that the page keeps; the oldest that ended goes first.
pub const JOBS_MAX: usize = 50;
/// Output that the page keeps for one job, in bytes; beyond it results are
/// counted and hashed, but not kept.
pub const KEPT_BYTES_MAX: usize = 512 << 20;
/// Receipts that the page keeps for one job, in bytes; those of later results are
/// let go.
pub const RECEIPTS_BYTES_MAX: usize = 64 << 20;

/// How a job stands, seen from the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Tasks are open.
    Running,
    /// Tasks are open, and none begins.
    Paused,
    /// Every task ended well.
    Finished,
    /// Every task ended, some of them failed.
    FinishedWithFailures,
    /// The user stopped it.
    Cancelled,
    /// The ion that held it died.
    Interrupted,
    /// The ion did not take it.
    Refused,
}

impl Standing {
    /// The name people see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::FinishedWithFailures => "finished with failures",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::Refused => "refused",
        }
    }
}

/// One job.
#[derive(Clone, Debug)]
pub struct Job {
    /// The ion's last word.
    pub view: JobView,
    /// What was asked for.
    pub request: Request,
    results: Vec<TaskResult>,
    /// Tasks that failed, in order.
    failed: Vec<u64>,
    whole: Whole,
    tally: Tally,
    kept_bytes: usize,
    receipts_bytes: usize,
    /// Results that none is kept of.
    unsigned: u64,
    pace: Pace,
    is_interrupted: bool,
    /// Whether another ion's user submitted it.
    is_others: bool,
    refused: Option<Problem>,
}

impl Job {
    /// A job that was just handed to the ion.
    pub fn new(job: JobId, request: Request) -> Self {
        Self {
            view: first_view(job, &request),
            whole: Whole::new(request.together.picture()),
            tally: Tally::new(request.together),
            request,
            results: Vec::new(),
            failed: Vec::new(),
            kept_bytes: 0,
            receipts_bytes: 0,
            unsigned: 0,
            pace: Pace::default(),
            is_interrupted: false,
            is_others: false,
            refused: None,
        }
    }

    /// A job that the nebula kept; all its results follow.
    pub fn kept(job: JobId, request: Request, is_own: bool) -> Self {
        let mut kept = Self::new(job, request);
        kept.is_others = !is_own;
        kept.view.waiting = Waiting::Reading;
        kept
    }

    /// The ion that was gone is back, and knows it.
    pub fn resume(&mut self) {
        self.is_interrupted = false;
    }

    /// Whether only another ion's user may cancel it.
    pub fn is_others(&self) -> bool {
        self.is_others
    }

    /// Takes the ion's word.
    pub fn update(&mut self, view: JobView) {
        self.pace.note(view.elapsed_ms, view.succeeded + view.failed);
        self.view = view;
    }

    /// Takes results from input `first` on; what was there before is skipped,
    /// and what would leave a gap is refused.
    pub fn take(&mut self, first: u64, results: Vec<TaskResult>) {
        let come = self.results.len() as u64;
        let Some(known) = come.checked_sub(first) else { return };
        let skipped = usize::try_from(known).unwrap_or(usize::MAX);
        for result in results.into_iter().skip(skipped) {
            self.push(result);
        }
    }

    /// The ion is gone; what came stays.
    pub fn interrupt(&mut self) {
        self.is_interrupted |= matches!(self.view.state, JobState::Running | JobState::Paused);
    }

    /// The ion does not take it.
    pub fn refuse(&mut self, problem: Problem) {
        self.refused = Some(problem);
    }

    /// Why the ion did not take it, if so.
    pub fn refusal(&self) -> Option<&Problem> {
        self.refused.as_ref()
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        match self.view.state {
            _ if self.refused.is_some() => Standing::Refused,
            _ if self.is_interrupted => Standing::Interrupted,
            JobState::Running => Standing::Running,
            JobState::Paused => Standing::Paused,
            JobState::Cancelled => Standing::Cancelled,
            JobState::Finished if self.view.failed > 0 => Standing::FinishedWithFailures,
            JobState::Finished => Standing::Finished,
        }
    }

    /// Whether tasks are open.
    pub fn is_open(&self) -> bool {
        matches!(self.standing(), Standing::Running | Standing::Paused)
    }

    /// Results, in the order of the inputs.
    pub fn results(&self) -> &[TaskResult] {
        &self.results
    }

    /// The length of the whole result so far, in bytes.
    pub fn bytes(&self) -> u64 {
        self.whole.bytes()
    }

    /// The SHA-256 of the whole result, once it is complete.
    pub fn sha256(&self) -> Option<String> {
        let is_complete = self.results.len() as u64 == self.view.tasks;
        is_complete.then(|| self.whole.sha256())
    }

    /// Whether some output was too much to keep, so that a download lacks it.
    pub fn is_shortened(&self) -> bool {
        self.kept_bytes > KEPT_BYTES_MAX
    }

    /// Its tasks as cells.
    pub fn grid(&self) -> Grid {
        let ended = self.view.succeeded + self.view.failed;
        let running = if self.is_interrupted { 0 } else { self.view.running };
        let come = self.results.len() as u64;
        let counts = Counts { tasks: self.view.tasks, come, ended, running };
        Grid::lay(counts, &self.failed)
    }

    /// The task of a cell that a person wants to know of: of those that failed the first,
    /// else the first whose result has not come.
    pub fn task_of(&self, grid: &Grid, cell: usize) -> u64 {
        let (first, end) = (grid.first_task(cell), grid.first_task(cell + 1));
        let end = end.min(self.view.tasks);
        let failed = self.failed.partition_point(|task| *task < first);
        let failed = self.failed.get(failed).copied().filter(|task| *task < end);
        let come = self.results.len() as u64;
        failed.unwrap_or(if come < end { come.max(first) } else { first })
    }

    /// Tasks a second: of late while it runs, else over all its time.
    pub fn rate(&self) -> f64 {
        if self.standing() == Standing::Running {
            return self.pace.rate();
        }
        let ended = self.view.succeeded + self.view.failed;
        ended as f64 * 1000.0 / self.view.elapsed_ms.max(1) as f64
    }

    /// How fast it goes.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// The file of all results, in order.
    pub fn file(&self) -> Vec<u8> {
        let header = self.request.together.picture().map(Picture::header).unwrap_or_default();
        self.results.iter().fold(header, |mut file, result| {
            file.extend_from_slice(&contribution(&result.report, self.request.has_lines()));
            file
        })
    }

    /// That file's name.
    pub fn file_name(&self) -> String {
        let picture = self.request.together.picture();
        self.named(picture.map_or("txt", |picture| picture.format.ending()))
    }

    /// All results as lines of JSON, one per task.
    pub fn json_lines(&self) -> String {
        let lines = self.results.iter().enumerate();
        lines.map(|(task, result)| json_line(task, result) + "\n").collect()
    }

    /// The name of the file of [`Self::json_lines`].
    pub fn json_lines_name(&self) -> String {
        self.named("jsonl")
    }

    /// The receipts of all results, as one file.
    pub fn receipts(&self) -> Vec<u8> {
        let receipts = self.results.iter().flat_map(|result| result.receipts.iter().cloned());
        receipt::pack(&receipts.collect::<Vec<_>>())
    }

    /// What that file is, and of how many results it has none: their ions gave none, or
    /// the page keeps no more.
    pub fn receipts_note(&self) -> String {
        let about = "What each ion signed for its results; the page of jobs checks it";
        match self.unsigned {
            0 => about.to_owned(),
            some => format!("{about}. {} without a receipt", format::counted(some, "result")),
        }
    }

    /// The name of the file of [`Self::receipts`].
    pub fn receipts_name(&self) -> String {
        self.named("receipts")
    }

    /// How results were checked, once any was: by how many ions they were confirmed,
    /// and how many were outvoted.
    pub fn checked(&self) -> String {
        let outvoted: u64 = self.view.by_ion.iter().map(|share| share.outvoted).sum();
        match self.view.trust {
            Trust::Once => String::new(),
            _ => format!(
                "{} confirmed by several ions; {} outvoted.",
                format::counted(self.view.confirmed, "result"),
                format::counted(outvoted, "result")
            ),
        }
    }

    /// What its results add up to.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The name of the file of that.
    pub fn tally_name(&self) -> String {
        self.named(self.tally.ending())
    }

    /// How many tasks can be retried: those that failed, once none is open.
    pub fn retries(&self) -> usize {
        let may_go_on = self.is_open() || self.standing() == Standing::Interrupted;
        if may_go_on { 0 } else { self.failed.len() }
    }

    /// What retries them.
    pub fn retry(&self) -> Request {
        self.request.retry(self.view.job, &self.failed)
    }

    /// The name of one input, else its text, shortened, as a list shows it.
    pub fn input_text(&self, task: u64) -> String {
        if let Some(name) = self.request.input_name(task) {
            return name.to_owned();
        }
        let input = self.request.inputs.get(task).unwrap_or_default();
        let text = String::from_utf8_lossy(&input);
        text.chars().take(INPUT_CHARS_MAX).collect()
    }

    fn push(&mut self, mut result: TaskResult) {
        let report = &result.report;
        let output = contribution(report, self.request.has_lines());
        self.whole.add(&output);
        if report.stop.is_none() {
            self.tally.add(self.results.len() as u64, &output);
        }
        let stop_bytes = report.stop.as_ref().map_or(0, |stop| stop.to_string().len());
        self.kept_bytes += report.stdout.len() + report.stderr.len() + stop_bytes;
        if self.kept_bytes > KEPT_BYTES_MAX {
            result.report.stdout = Vec::new();
            result.report.stderr = Vec::new();
        }
        self.receipts_bytes += result.receipts.iter().map(|one| one.len()).sum::<usize>();
        if self.receipts_bytes > RECEIPTS_BYTES_MAX {
            result.receipts = Vec::new();
        }
        self.unsigned += u64::from(result.receipts.is_empty());
        if result.report.stop.is_some() {
            self.failed.push(self.results.len() as u64);
        }
        self.results.push(result);
    }

    /// A file's name with that ending.
    fn named(&self, ending: &str) -> String {
        [&file_stem(&self.view.name), ".", ending].concat()
    }
}

/// Characters of an input that a list shows.
const INPUT_CHARS_MAX: usize = 60;

fn first_view(job: JobId, request: &Request) -> JobView {
    JobView {
        job,
        name: request.program.name.clone(),
        state: JobState::Running,
        tasks: request.inputs.len(),
        succeeded: 0,
        failed: 0,
        running: 0,
        retried: 0,
        trust: request.program.trust,
        confirmed: 0,
        elapsed_ms: 0,
        fuel: 0,
        by_ion: Vec::new(),
        causes: Vec::new(),
        waiting: Waiting::Handed,
    }
}

fn file_stem(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '-' };
    let stem: String = name.trim_end_matches(".wasm").chars().take(60).map(safe).collect();
    if stem.is_empty() { "result".to_owned() } else { stem }
}

#[cfg(test)]
#[path = "job_tests.rs"]
pub(super) mod tests;
