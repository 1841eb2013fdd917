//! Why a job or a task waits, or failed: the ion's facts in one sentence, and what to do.
//!
//! The ion tells figures; all words about them stand here.

use node_core::{
    compute::{
        coordinator::{LEASE_MS, WINDOW_TASKS_MAX},
        worker::{HOLD_MS, JOBS_PER_OWNER_MAX},
    },
    node::{JobState, LeaseView, Supply, TaskView, Waiting},
};
use spark_runtime::Stop;

use super::{
    format::{self, count, counted, duration},
    grid::Grid,
    job::Job,
};

/// Why a job does not move on; empty while it does.
pub fn waiting(waiting: &Waiting, state: JobState) -> String {
    match waiting {
        Waiting::Nothing => String::new(),
        Waiting::Handed => "handing it to the ion of this tab".to_owned(),
        Waiting::Reading => "what the nebula keeps of it is being read".to_owned(),
        Waiting::Held(0) => "no task is given out until it is resumed".to_owned(),
        Waiting::Held(out) => format!(
            "{} still in hand may end; no other is given out until it is resumed",
            counted(*out, "task")
        ),
        Waiting::Vain(failed) => format!(
            "all {} that ended failed; is it the right spark for these inputs? See why tasks \
             failed, then resume or cancel it",
            counted(*failed, "task")
        ),
        Waiting::Elsewhere(ion) if state == JobState::Paused => {
            format!("{ion} can resume it")
        }
        Waiting::Elsewhere(ion) => {
            format!("{ion} coordinates it, and writes results down every few seconds")
        }
        Waiting::Ions(supply) => lacking(supply),
    }
}

/// What is lacking of ions; the first that holds says it.
fn lacking(supply: &Supply) -> String {
    let Supply { ions, paused, wanted, asking, struck, .. } = *supply;
    let able = ions.saturating_sub(supply.shunned + supply.apart);
    if ions == 0 {
        return "the ion of this tab is still starting; its tasks begin then".to_owned();
    }
    if wanted > 1 && able < wanted {
        return disagreeing(supply, able);
    }
    let others = others(supply);
    if asking > 0 && struck > 0 {
        let when = seconds(supply.fails_ms);
        return format!(
            "the tasks that are left failed at every ion that asks for work, and the first fails \
             for good in {when} unless another ion begins it: {others}"
        );
    }
    if asking > 0 && wanted > 1 {
        return format!(
            "every ion that asks for work has tried the tasks that are left, and too few of them \
             agree: {others}"
        );
    }
    if asking > 0 {
        return "the ions that ask for tasks are given some in a moment".to_owned();
    }
    if paused >= ions {
        return format!("no ion lends a worker: {others}");
    }
    if supply.jobs > JOBS_PER_OWNER_MAX as u64 {
        let jobs = counted(supply.jobs, "job");
        return format!(
            "{jobs} of this ion are open, and others work for {JOBS_PER_OWNER_MAX} of one owner \
             at a time: it begins when one ends; pause or cancel one to let it go first"
        );
    }
    let (lending, ions) = (count(ions - paused), counted(ions, "ion"));
    format!(
        "no ion has asked for its tasks yet: {lending} of {ions} fetch the spark first, or end \
         other work; to have more, {others}"
    )
}

fn disagreeing(supply: &Supply, able: u64) -> String {
    let missing = counted(supply.wanted - able, "more ion");
    let wanted = supply.wanted;
    let able = count(able);
    let mut why = vec![format!(
        "{wanted} ions must return the same result, and {able} can: invite {missing}"
    )];
    if supply.shunned > 0 {
        let whose = counted(supply.shunned, "ion");
        let when = seconds(supply.again_ms);
        why.push(format!("{whose} returned something else before, and may try again in {when}"));
    }
    if supply.apart > 0 {
        let whose = counted(supply.apart, "ion");
        why.push(format!("{whose} of another version cannot be compared: reload its page"));
    }
    why.join("; ")
}

/// Who else could work.
fn others(supply: &Supply) -> String {
    match supply.paused {
        0 => "invite another ion".to_owned(),
        _ if supply.is_self_paused => "this tab is paused; resume it, or invite others".to_owned(),
        1 => "1 ion is paused; resume it, or invite others".to_owned(),
        some => format!("{} are paused; resume one, or invite others", counted(some, "ion")),
    }
}

/// A cell that a person points at.
pub struct Pointed<'a> {
    /// The job.
    pub job: &'a Job,
    /// Its tasks as cells.
    pub grid: &'a Grid,
    /// Which of them.
    pub cell: usize,
    /// What the ion told last of a task of any job.
    pub told: Option<&'a TaskView>,
    /// What people call an ion of an id.
    pub name: &'a dyn Fn(&str) -> String,
}

impl Pointed<'_> {
    /// How its task stands, as far as the page knows.
    pub fn detail(&self) -> String {
        let Some(state) = self.grid.cells.get(self.cell) else { return "\u{a0}".to_owned() };
        let task = self.job.task_of(self.grid, self.cell);
        self.ended(task).unwrap_or_else(|| {
            format!("Task {}: {}. Enter, or a click, asks why.", count(task), state.name())
        })
    }

    /// Why the task waits that was asked about last, or how it ended; empty where that
    /// stands there already.
    pub fn answer(&self) -> String {
        let told = self.told.filter(|view| view.job == self.job.view.job);
        let Some(view) = told else { return String::new() };
        match self.ended(view.task) {
            Some(_) if self.job.task_of(self.grid, self.cell) == view.task => String::new(),
            Some(words) => words,
            None => task(self.job, view),
        }
    }

    /// How a task ended, if the page has its result.
    fn ended(&self, task: u64) -> Option<String> {
        let result = self.job.results().get(usize::try_from(task).ok()?)?;
        let fuel = format::fuel(result.report.fuel);
        let number = count(task);
        let (word, end) = match &result.report.stop {
            None => ("done", String::new()),
            Some(stop) => ("failed", format!(", {stop}. {}", remedy(stop))),
        };
        Some(format!("Task {number}: {word} by {}, {fuel} fuel{end}", (self.name)(&result.ion)))
    }
}

/// Why a task waits whose result the page has not.
fn task(job: &Job, view: &TaskView) -> String {
    let number = count(view.task);
    if job.is_open() && !view.is_known {
        return format!("Task {number}: the ion has not taken the job yet; ask again in a moment.");
    }
    if !job.is_open() {
        let standing = job.standing().name();
        return format!(
            "Task {number}: no result; the job was {standing}. Run it again to have it."
        );
    }
    // What it waits for itself says more than what the job does.
    let says_more = view.has_ended || view.stop.is_some() || !view.coordinator.is_empty();
    let why = waiting(&job.view.waiting, job.view.state);
    let more = match why.as_str() {
        "" => why,
        _ if says_more => String::new(),
        _ => format!(" The job waits: {why}."),
    };
    format!("Task {number}: {}.{more}", open(view))
}

/// Where a task without a result stands.
fn open(view: &TaskView) -> String {
    if !view.coordinator.is_empty() {
        let whose = format!("{} coordinates the job", view.coordinator);
        return if view.has_ended {
            format!("ended, and its result is being read; {whose}")
        } else {
            format!("has no result that the nebula keeps; {whose}, and knows more of it")
        };
    }
    if view.has_ended {
        return format!("ended; its result is told once task {} has one", count(view.first));
    }
    let mut parts = Vec::new();
    if let Some(stop) = &view.stop {
        let times = counted(view.failed_at.len() as u64, "ion");
        parts.push(format!("failed at {times} ({}), last with {stop}", list(&view.failed_at)));
    }
    if !view.returned.is_empty() {
        parts.push(returned(view));
    }
    parts.extend(view.leases.iter().map(lent));
    if view.leases.is_empty() && view.returned.is_empty() {
        parts.push(turn(view));
    }
    parts.join("; ")
}

fn returned(view: &TaskView) -> String {
    let who = list(&view.returned);
    match view.wanted {
        0 => format!("{who} returned a result, which counts once a later one is confirmed"),
        more => format!(
            "{who} returned a result, and {} must return the same before it counts",
            counted(more, "more ion")
        ),
    }
}

fn lent(lease: &LeaseView) -> String {
    let LeaseView { ion, since_ms, heard_ms, .. } = lease;
    let since = format!("{ion} has had it for {}", duration(*since_ms));
    if !lease.is_kept {
        return format!("{since}, too long or in silence, so that another may try as well");
    }
    let heard = duration(*heard_ms);
    if *heard_ms > HOLD_MS + 1_000 {
        let left = seconds(LEASE_MS.saturating_sub(*heard_ms));
        return format!("{since}, and was last heard of {heard} ago: it goes to another in {left}");
    }
    format!("{since}, and last said so {heard} ago")
}

fn turn(view: &TaskView) -> String {
    match view {
        TaskView { stop: Some(_), fails_ms: 0, .. } => {
            "it goes to an ion that has not tried it, once one has ended other tasks".to_owned()
        }
        TaskView { stop: Some(_), .. } => format!(
            "it fails for good in {} unless another ion begins it: resume or invite one",
            seconds(view.fails_ms)
        ),
        TaskView { is_beyond: true, .. } => format!(
            "waits until task {} has ended, as results are told in order and at most {} tasks \
             wait for one",
            count(view.first),
            count(WINDOW_TASKS_MAX)
        ),
        TaskView { ahead: 0, .. } => "is next to be given out".to_owned(),
        TaskView { ahead: tasks, .. } => {
            format!("waits for its turn behind {}", counted(*tasks, "task"))
        }
    }
}

/// What to do about a task that failed for good.
fn remedy(stop: &Stop) -> &'static str {
    match stop {
        Stop::OutOfFuel { .. } => "Run it again with more fuel, or with less to do for each input.",
        Stop::Deadline { .. } => "Run it again with more time, or with less to do for each input.",
        Stop::MemoryLimit { .. } => "Run it again with more memory, or with smaller inputs.",
        Stop::OutputLimit { .. } => "Let it write less for each input.",
        Stop::WrongArgument { .. } | Stop::WrongArgumentCount { .. } => {
            "Correct the input or the arguments, and run it again."
        }
        Stop::WorkerLost { .. } => {
            "Run it again; if it happens again, with less memory or on other ions."
        }
        Stop::Trap { .. } | Stop::Exit { .. } | Stop::StepFailed { .. } => {
            "The spark itself gave up: see what it wrote, and whether the input is right for it."
        }
        _ => "See whether it is the right spark, called in the right way.",
    }
}

fn list(names: &[String]) -> String {
    names.join(", ")
}

/// A time to come, in whole seconds.
fn seconds(ms: u64) -> String {
    format!("{} s", ms.div_ceil(1_000))
}

#[cfg(test)]
mod tests;
