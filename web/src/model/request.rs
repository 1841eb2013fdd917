//! What was asked for, all of which is needed to run it again.

use std::sync::Arc;

use node_core::{
    compute::{Entry, Inputs, Program},
    node::{Command, JobId},
};

use super::together::Together;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to run.
    pub program: Program,
    /// Its binary.
    pub binary: Arc<[u8]>,
    /// What to run it over.
    pub inputs: Inputs,
    /// The names of the inputs, where they are files; this page alone has them.
    pub names: Arc<[String]>,
    /// What becomes of its results together.
    pub together: Together,
    /// The job of the same ion whose failed tasks these are.
    pub retries: Option<JobId>,
}

/// What stands before the name of the job that is retried.
const RETRIES: &str = "retries ";

impl Request {
    /// The command that runs it as that job.
    pub fn command(&self, job: JobId) -> Command {
        Command::RunJob {
            job,
            program: self.program.clone(),
            binary: self.binary.to_vec(),
            inputs: self.inputs.clone(),
            about: self.about(),
        }
    }

    /// What stands beside the job that the nebula keeps: what becomes of its results,
    /// and on a line of its own which job it retries.
    fn about(&self) -> String {
        let retries = self.retries.map(|job| format!("\n{RETRIES}{job:013x}"));
        self.together.about() + &retries.unwrap_or_default()
    }

    /// The same read again; what is not known is left out.
    pub fn of_about(about: &str) -> (Together, Option<JobId>) {
        let (together, rest) = about.split_once('\n').unwrap_or((about, ""));
        let job = rest.strip_prefix(RETRIES);
        let job = job.and_then(|job| JobId::from_str_radix(job, 16).ok());
        (Together::of_about(together), job)
    }

    /// The name of one input, where it has one.
    pub fn input_name(&self, task: u64) -> Option<&str> {
        self.names.get(usize::try_from(task).ok()?).map(String::as_str)
    }

    /// The same over the inputs of those tasks of that job alone. The rows that are
    /// missing of a picture are none by themselves.
    #[must_use]
    pub fn retry(&self, job: JobId, tasks: &[u64]) -> Self {
        let inputs = tasks.iter().filter_map(|task| self.inputs.get(*task)).collect();
        let names = tasks.iter().filter_map(|task| self.input_name(*task).map(str::to_owned));
        let is_picture = self.together.picture().is_some();
        Self {
            program: self.program.clone(),
            binary: Arc::clone(&self.binary),
            inputs: Inputs::List(inputs),
            names: names.collect(),
            together: if is_picture { Together::Concatenate } else { self.together },
            retries: Some(job),
        }
    }

    /// Whether each output is a line by itself: what JSON sparks answer is.
    pub(super) fn has_lines(&self) -> bool {
        self.program.entry == Entry::Json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::picture::{Format, Picture};
    use node_core::{
        compute::{Input, Trust},
        records::ABOUT_BYTES_MAX,
    };
    use spark_runtime::{Lane, Limits};

    fn request(inputs: Inputs) -> Request {
        let entry = Entry::Command { arguments: vec![], environment: vec![], stdin: true };
        let (limits, lane, trust) = (Limits::default(), Lane::Automatic, Trust::Once);
        Request {
            program: Program { name: "a".to_owned(), entry, limits, lane, trust },
            binary: Arc::from([]),
            inputs,
            names: Arc::from([]),
            together: Together::Sum,
            retries: None,
        }
    }

    #[test]
    fn what_stands_beside_a_job_is_read_again() {
        let picture = Picture::new(Format::Pixmap, 640, 16, 30).map(Together::Picture);
        for together in [Together::Concatenate, Together::Count, picture.expect("small")] {
            for retries in [None, Some(0), Some(0x1f_2e3d), Some(u64::MAX)] {
                let range = Inputs::Range { first: 1, last: 2 };
                let about = Request { together, retries, ..request(range) }.about();
                assert_eq!(Request::of_about(&about), (together, retries), "{about}");
                assert!(about.len() <= ABOUT_BYTES_MAX);
            }
        }
        assert_eq!(request(Inputs::Range { first: 1, last: 2 }).about(), "sum");
        for wrong in ["sum\nretries", "sum\nretries x", "sum\nof 1", "sum\n"] {
            assert_eq!(Request::of_about(wrong), (Together::Sum, None), "{wrong}");
        }
    }

    #[test]
    fn a_retry_runs_over_the_failed_inputs_with_their_names() {
        let retried = request(Inputs::Range { first: 5, last: 9 }).retry(7, &[1, 4]);
        let inputs = ["6", "9"].map(|text| Input::from(text.as_bytes())).to_vec();
        assert_eq!(retried.inputs, Inputs::List(inputs.clone()));
        assert_eq!((retried.retries, retried.together), (Some(7), Together::Sum));
        assert_eq!(retried.names.len(), 0);
        let paths = ["d/a", "d/b"].map(str::to_owned);
        let named = Request { names: Arc::from(paths), ..request(Inputs::List(inputs)) };
        let retried = named.retry(7, &[1]);
        assert_eq!((retried.inputs.len(), &*retried.names), (1, &["d/b".to_owned()][..]));
        let picture = Picture::new(Format::Bitmap, 8, 1, 2).expect("small");
        let drawn = Request { together: Together::Picture(picture), ..named };
        assert_eq!(drawn.retry(7, &[0]).together, Together::Concatenate);
    }
}
