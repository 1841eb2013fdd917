//! Files that are picked as inputs, each for one task: which of them, in which order,
//! and which cannot be.
//!
//! Left out are hidden files: those whose name, or that of a folder below the picked one,
//! begins with a dot. Refused are a file that a task may not get, and too many or too
//! much together.

use std::sync::Arc;

use ion_map::sort_by;
use node_core::compute::{
    Input,
    spec::{INPUTS_BYTES_MAX, TASKS_MAX},
    wire::INPUT_BYTES_MAX,
};

use super::format;

/// What is to be read of files that were picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Which, by their place among all, in the order of their paths.
    pub order: Vec<usize>,
    /// Hidden ones that are left out.
    pub hidden: u64,
}

/// How far the reading of files is; only what was begun last counts.
#[derive(Debug, Default)]
pub struct Reading {
    turn: u64,
    /// Files that were read.
    pub done: u64,
    /// Files that are to be read; none where nothing is under way.
    pub total: u64,
}

impl Reading {
    /// Begins to read so many; the number of this reading.
    pub fn begin(&mut self, total: u64) -> u64 {
        *self = Self { turn: self.turn + 1, done: 0, total };
        self.turn
    }

    /// Whether that reading still goes on.
    pub fn is(&self, turn: u64) -> bool {
        self.turn == turn
    }

    /// One more was read; whether that reading still goes on.
    pub fn step(&mut self, turn: u64) -> bool {
        self.done += u64::from(self.is(turn));
        self.is(turn)
    }

    /// Nothing is to be read any more.
    pub fn stop(&mut self) {
        self.begin(0);
    }
}

/// Files that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// Their paths.
    pub names: Arc<[String]>,
    /// Their bytes, in the same order.
    pub inputs: Vec<Input>,
    /// Hidden ones that were left out.
    pub hidden: u64,
}

impl Plan {
    /// What is to be read of files with those paths and sizes in bytes.
    pub fn of(files: &[(String, u64)]) -> Result<Self, String> {
        let mut order: Vec<usize> =
            (0..files.len()).filter(|at| !is_hidden(&files[*at].0)).collect();
        sort_by(&mut order, |one, other| files[*one].0.cmp(&files[*other].0));
        let hidden = (files.len() - order.len()) as u64;
        if order.is_empty() {
            return Err(match hidden {
                0 => "There is no file in it.".to_owned(),
                _ => format!(
                    "There is nothing but {} in it.",
                    format::counted(hidden, "hidden file")
                ),
            });
        }
        if order.len() as u64 > TASKS_MAX {
            let (files, most) = (format::count(order.len() as u64), format::count(TASKS_MAX));
            return Err(format!("{files} files are more than the {most} tasks of a job."));
        }
        let chosen = || order.iter().map(|at| &files[*at]);
        if let Some((path, bytes)) = chosen().find(|(_, bytes)| *bytes > INPUT_BYTES_MAX as u64) {
            let (bytes, most) = (format::count(*bytes), format::count(INPUT_BYTES_MAX as u64));
            return Err(format!("{path} has {bytes} bytes; a task may get {most}."));
        }
        let bytes: u64 = chosen().map(|(_, bytes)| bytes).sum();
        if bytes > INPUTS_BYTES_MAX as u64 {
            let (bytes, most) = (format::count(bytes), format::count(INPUTS_BYTES_MAX as u64));
            return Err(format!("The files have {bytes} bytes together; a job may have {most}."));
        }
        Ok(Self { order, hidden })
    }
}

impl Picked {
    /// How many, how large, and how many were left out.
    pub fn about(&self) -> String {
        let bytes = self.inputs.iter().map(|input| input.len() as u64).sum();
        let files = format::counted(self.inputs.len() as u64, "file");
        let hidden = match self.hidden {
            0 => String::new(),
            some => format!("; {} left out", format::counted(some, "hidden file")),
        };
        format!("{files}, {}{hidden}", format::bytes(bytes))
    }
}

/// Whether a name on the way to a file is hidden; the folder that was picked may be.
fn is_hidden(path: &str) -> bool {
    let below = path.split_once('/').map_or(path, |(_, below)| below);
    below.split('/').any(|name| name.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(files: &[(&str, u64)]) -> Result<Plan, String> {
        let files: Vec<_> =
            files.iter().map(|(path, bytes)| ((*path).to_owned(), *bytes)).collect();
        Plan::of(&files)
    }

    #[test]
    fn files_are_read_in_the_order_of_their_paths_without_hidden_ones() {
        let files = [("d/b", 2), ("d/.c", 9), ("d/a/z", 1), ("d/.git/x", 9), ("d/a.", 3)];
        let expected = Plan { order: vec![4, 2, 0], hidden: 2 };
        assert_eq!(plan(&files), Ok(expected));
        assert_eq!(plan(&[(".d/b", 1)]).map(|plan| plan.hidden), Ok(0));
        assert_eq!(plan(&[(".b", 1), ("a", 1)]).map(|plan| plan.order), Ok(vec![1]));
    }

    #[test]
    fn what_no_task_could_get_is_refused_by_its_name() {
        let task = INPUT_BYTES_MAX as u64;
        let whole = vec![("a", task); INPUTS_BYTES_MAX / INPUT_BYTES_MAX];
        assert!(plan(&whole).is_ok());
        let over = [&whole[..], &[("b", 1)]].concat();
        let many = vec![("a", 0); usize::try_from(TASKS_MAX).unwrap_or(0) + 1];
        let cases = [
            (&[][..], "There is no file in it."),
            (&[(".a", 1)], "nothing but 1 hidden file"),
            (&[("x", 1), ("d/big", task + 1)], "d/big has 262,145 bytes; a task may get 262,144."),
            (&over, "The files have 67,108,865 bytes together; a job may have 67,108,864."),
            (&many, "1,000,001 files are more than the 1,000,000 tasks"),
        ];
        for (files, words) in cases {
            let why = plan(files).expect_err(words);
            assert!(why.contains(words), "{why}");
        }
        assert!(plan(&[("a", 1), (".big", task + 1)]).is_ok());
    }

    #[test]
    fn only_what_was_begun_last_is_read() {
        let mut reading = Reading::default();
        let first = reading.begin(2);
        assert!(reading.step(first) && reading.done == 1);
        let second = reading.begin(3);
        assert!(!reading.step(first));
        assert_eq!((reading.done, reading.total), (0, 3));
        assert!(reading.step(second));
        reading.stop();
        assert!(!reading.step(second));
        assert_eq!((reading.done, reading.total), (0, 0));
    }

    #[test]
    fn what_was_read_says_how_much_it_is() {
        let inputs = vec![Input::from(vec![0; 1_024]), Input::new()];
        let picked = Picked { names: Arc::from([]), inputs, hidden: 0 };
        assert_eq!(picked.about(), "2 files, 1.0 KiB");
        let some = Picked { hidden: 2, ..picked };
        assert_eq!(some.about(), "2 files, 1.0 KiB; 2 hidden files left out");
    }
}
