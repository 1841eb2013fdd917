//! What ran here, and for whom: one row for each job, whoever coordinates it.
//!
//! A row begins with the first task that a guest worker is given, so a job of which
//! nothing ended is there as well. It lives as long as the ion.
//!
//! Bounds: [`LOG_MAX`] jobs; the one that was idle for longest makes room.

use spark_runtime::Report;

use super::jobs::Key;
use crate::platform::Time;

/// Jobs that are remembered.
pub const LOG_MAX: usize = 100;

/// What one job had of this ion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose it is, and its name there.
    pub of: Key,
    /// The program's name.
    pub name: String,
    /// Tasks that ended well here.
    pub succeeded: u64,
    /// Tasks that failed here.
    pub failed: u64,
    /// Fuel that they used.
    pub fuel: u64,
    /// How long guest workers were at it, all together, in milliseconds.
    pub ran_ms: u64,
    /// When its first task here began.
    pub began: Time,
    /// When a task of it began or ended here last.
    pub last: Time,
}

/// All rows, the one that began last at the end.
#[derive(Debug, Default)]
pub(super) struct Log(Vec<Row>);

impl Log {
    /// The latest job is first.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.0.iter().rev()
    }

    /// A task of a job begins.
    pub(super) fn begin(&mut self, now: Time, of: Key, name: &str) {
        if let Some(row) = self.row(of) {
            row.last = now;
            return;
        }
        if self.0.len() >= LOG_MAX {
            let idle = self.0.iter().enumerate().min_by_key(|(_, row)| row.last);
            idle.map(|(place, _)| place).map(|place| self.0.remove(place));
        }
        let (name, began, last) = (name.to_owned(), now, now);
        self.0.push(Row { of, name, succeeded: 0, failed: 0, fuel: 0, ran_ms: 0, began, last });
    }

    /// A task ended.
    pub(super) fn end(&mut self, of: Key, report: &Report) {
        let Some(row) = self.row(of) else { return };
        row.fuel = row.fuel.saturating_add(report.fuel);
        match report.stop {
            None => row.succeeded += 1,
            Some(_) => row.failed += 1,
        }
    }

    /// A guest worker was at it from then until now.
    pub(super) fn ran(&mut self, now: Time, of: Key, since: Time) {
        if let Some(row) = self.row(of) {
            row.ran_ms += now.since_ms(since);
            row.last = now;
        }
    }

    fn row(&mut self, of: Key) -> Option<&mut Row> {
        self.0.iter_mut().rev().find(|row| row.of == of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::IonId;

    fn of(job: usize) -> Key {
        (IonId::from_bytes([1; 32]), job as u64)
    }

    fn jobs(log: &Log) -> Vec<u64> {
        log.rows().map(|row| row.of.1).collect()
    }

    #[test]
    fn the_newest_jobs_are_kept_and_who_works_on_stays() {
        let mut log = Log::default();
        for job in 0..LOG_MAX + 3 {
            log.begin(Time::from_ms(job as u64), of(job), "spark");
            // The first job goes on all the while.
            log.ran(Time::from_ms(job as u64), of(0), Time::from_ms(job as u64));
        }
        let kept = jobs(&log);
        assert_eq!((kept.len(), kept[0]), (LOG_MAX, LOG_MAX as u64 + 2));
        assert_eq!(kept[LOG_MAX - 2..], [4, 0]);
    }

    #[test]
    fn a_job_has_one_row_with_all_that_ran() {
        let mut log = Log::default();
        log.begin(Time::from_ms(5), of(1), "spark");
        log.begin(Time::from_ms(6), of(2), "other");
        log.begin(Time::from_ms(7), of(1), "spark");
        let stop = Some(spark_runtime::Stop::Exit { code: 1 });
        log.end(of(1), &Report { fuel: 3, ..Report::default() });
        log.end(of(1), &Report { fuel: 4, stop, ..Report::default() });
        log.ran(Time::from_ms(17), of(1), Time::from_ms(7));
        log.end(of(3), &Report::default());
        assert_eq!(jobs(&log), [2, 1]);
        let row = log.rows().nth(1).expect("there are two");
        assert_eq!((row.succeeded, row.failed, row.fuel, row.ran_ms), (1, 1, 7, 10));
        assert_eq!((row.began, row.last), (Time::from_ms(5), Time::from_ms(17)));
    }
}
