//! What came of one job's tasks, counted.
//!
//! Bounds: [`CAUSES_MAX`] causes of failure, and one for all others of each kind.

use ion_map::Map;
use spark_runtime::Report;

use crate::compute::{CAUSES_MAX, view::Cause};

/// The counts of one job.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Tasks that ended well.
    pub(crate) succeeded: u64,
    /// Tasks that failed for good.
    pub(crate) failed: u64,
    /// Fuel used by all results that count.
    pub(crate) fuel: u64,
    /// Per cause, how many tasks failed so, and the first of them.
    causes: Map<String, (u64, u64)>,
}

impl Tally {
    /// Counts the result of a task.
    pub(crate) fn count(&mut self, task: u64, report: &Report) {
        self.fuel = self.fuel.saturating_add(report.fuel);
        let Some(stop) = &report.stop else {
            self.succeeded += 1;
            return;
        };
        self.failed += 1;
        let reason = stop.to_string();
        let is_known = self.causes.contains_key(&reason);
        let reason = if is_known || self.causes.len() < CAUSES_MAX {
            reason
        } else {
            format!("other causes, such as: {}", stop.name())
        };
        let cause = self.causes.entry(reason).or_insert((0, task));
        *cause = (cause.0 + 1, cause.1.min(task));
    }

    /// Causes of failure, most frequent first.
    pub(crate) fn causes(&self) -> Vec<Cause> {
        let mut causes: Vec<Cause> = self
            .causes
            .iter()
            .map(|(reason, (count, first))| Cause {
                reason: reason.clone(),
                count: *count,
                first_task: *first,
            })
            .collect();
        ion_map::sort_by_key(&mut causes, |cause| std::cmp::Reverse(cause.count));
        causes.truncate(CAUSES_MAX);
        causes
    }
}
