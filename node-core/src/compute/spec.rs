//! What a job is: a module, a way to call it, and inputs, none of which change
//! once the job runs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use spark_runtime::{Call, Lane, Limits, Stop, inspect::Signature, wire::ModuleHash};

use super::{Trust, wire::INPUT_BYTES_MAX};

/// How each input becomes a call. `{}` in an argument stands for the input's
/// text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// An exported function. With no arguments given, the input's words
    /// (separated by spaces or commas) are the arguments.
    Export {
        /// The export's name.
        name: String,
        /// Arguments, as text.
        arguments: Vec<String>,
    },
    /// A WASI command.
    Command {
        /// Arguments after the program's name.
        arguments: Vec<String>,
        /// Environment variables, names and values, the same for every task.
        #[serde(default)]
        environment: Vec<(String, String)>,
        /// Whether the input is given as standard input.
        stdin: bool,
    },
    /// A JSON spark, which is given the input.
    Json,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The name people see.
    pub name: String,
    /// How each input becomes a call.
    pub entry: Entry,
    /// How far each task may go.
    pub limits: Limits,
    /// What is to run each task. Left out where it is automatic: so an ion of before
    /// there were lanes reads all else, and one that says nothing means this.
    #[serde(default, skip_serializing_if = "is_automatic")]
    pub lane: Lane,
    /// What it takes for a result to count. Left out where it is once, as above.
    #[serde(default, skip_serializing_if = "Trust::is_once")]
    pub trust: Trust,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde hands over")]
fn is_automatic(lane: &Lane) -> bool {
    *lane == Lane::Automatic
}

/// What to run it over: one task per input, numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inputs {
    /// The integers from `first` to `last`, both included, as decimal text.
    Range {
        /// The first.
        first: i64,
        /// The last.
        last: i64,
    },
    /// One task per item.
    List(Vec<Input>),
}

/// All of a job that was checked.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What to run.
    pub program: Program,
    /// The binary's hash.
    pub module: ModuleHash,
    /// The binary.
    pub binary: Arc<[u8]>,
    /// What to run it over.
    pub inputs: Arc<Inputs>,
    /// What its owner's page has to know of it again, at most
    /// [`ABOUT_BYTES_MAX`](crate::records::ABOUT_BYTES_MAX).
    pub about: String,
}

/// The bytes that one task is given.
pub type Input = serde_bytes::ByteBuf;

/// Tasks in one job.
pub const TASKS_MAX: u64 = 1_000_000;
/// All inputs of one job together, in bytes.
pub const INPUTS_BYTES_MAX: usize = 64 << 20;

impl Inputs {
    /// How many tasks they make.
    pub fn len(&self) -> u64 {
        match self {
            Self::Range { first, last } if last < first => 0,
            Self::Range { first, last } => last.abs_diff(*first).saturating_add(1),
            Self::List(items) => items.len() as u64,
        }
    }

    /// Whether they make no task.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The input of one task; `None` beyond the last.
    pub fn get(&self, task: u64) -> Option<Input> {
        if task >= self.len() {
            return None;
        }
        match self {
            Self::Range { first, .. } => {
                let number = i128::from(*first) + i128::from(task);
                Some(Input::from(number.to_string().into_bytes()))
            }
            Self::List(items) => items.get(usize::try_from(task).ok()?).cloned(),
        }
    }

    /// Checks them against the limits.
    pub fn check(&self) -> Result<(), InputsError> {
        let tasks = self.len();
        if tasks == 0 {
            return Err(InputsError::Empty);
        }
        if tasks > TASKS_MAX {
            return Err(InputsError::TooMany { tasks });
        }
        let Self::List(items) = self else { return Ok(()) };
        if let Some(task) = items.iter().position(|item| item.len() > INPUT_BYTES_MAX) {
            return Err(InputsError::TooLarge { task: task + 1, bytes: items[task].len() });
        }
        let bytes = items.iter().map(|item| item.len()).sum();
        if bytes > INPUTS_BYTES_MAX {
            return Err(InputsError::TooMuch { bytes });
        }
        Ok(())
    }
}

/// Why inputs are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputsError {
    /// There is none.
    #[error("there is no input")]
    Empty,
    /// More than [`TASKS_MAX`].
    #[error("{tasks} inputs are more than the {TASKS_MAX} that one job may have")]
    TooMany {
        /// How many.
        tasks: u64,
    },
    /// One is larger than a task may get.
    #[error("input {task} has {bytes} bytes; a task may get {INPUT_BYTES_MAX}")]
    TooLarge {
        /// Which, counted from 1.
        task: usize,
        /// Its length.
        bytes: usize,
    },
    /// All together are larger than a job may have.
    #[error("the inputs have {bytes} bytes together; a job may have {INPUTS_BYTES_MAX}")]
    TooMuch {
        /// Their length.
        bytes: usize,
    },
}

/// Stands for the input's text in an argument.
const PLACEHOLDER: &str = "{}";

/// Arguments after their placeholders are filled, in bytes.
pub const FILLED_BYTES_MAX: usize = 512 << 10;

impl Entry {
    /// The call that an input makes. The error is what its task fails with:
    /// an argument needs the input's text and it is not UTF-8, or too long.
    pub fn bind(&self, input: &[u8]) -> Result<Call, Stop> {
        match self {
            Self::Export { name, arguments } if arguments.is_empty() => {
                let words = text(input, name)?.split(|c: char| c.is_whitespace() || c == ',');
                let arguments = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
                Ok(Call::Export { name: name.clone(), arguments })
            }
            Self::Export { name, arguments } => {
                Ok(Call::Export { name: name.clone(), arguments: fill(arguments, input, name)? })
            }
            Self::Command { arguments, environment, stdin } => Ok(Call::Command {
                arguments: fill(arguments, input, "_start")?,
                environment: environment.clone(),
                stdin: if *stdin { input.to_vec() } else { Vec::new() },
                files: Vec::new(),
            }),
            Self::Json => Ok(Call::Json { input: input.to_vec() }),
        }
    }
}

impl Entry {
    /// What is wrong with the arguments for every task alike: their number, or
    /// the type of one that has no placeholder. Arguments that are all taken
    /// from the input are the input's affair.
    pub fn check_arguments(&self, signature: &Signature) -> Result<(), Stop> {
        match self {
            Self::Export { arguments, .. } if !arguments.is_empty() => {
                let constant = |text: &String| !text.contains(PLACEHOLDER);
                let known: Vec<Option<&str>> = arguments
                    .iter()
                    .map(|text| Some(text.as_str()).filter(|_| constant(text)))
                    .collect();
                signature.check(&known)
            }
            Self::Export { .. } | Self::Command { .. } | Self::Json => Ok(()),
        }
    }
}

fn fill(arguments: &[String], input: &[u8], name: &str) -> Result<Vec<String>, Stop> {
    let places: usize = arguments.iter().map(|one| one.matches(PLACEHOLDER).count()).sum();
    if places == 0 {
        return Ok(arguments.to_vec());
    }
    let text = text(input, name)?;
    if places.saturating_mul(text.len()) > FILLED_BYTES_MAX {
        return Err(unfit(name, "shorter once the input is filled in", text));
    }
    Ok(arguments.iter().map(|argument| argument.replace(PLACEHOLDER, text)).collect())
}

fn text<'a>(input: &'a [u8], name: &str) -> Result<&'a str, Stop> {
    str::from_utf8(input).map_err(|_| unfit(name, "text (UTF-8)", &String::from_utf8_lossy(input)))
}

fn unfit(name: &str, expected: &str, given: &str) -> Stop {
    Stop::WrongArgument {
        name: name.to_owned(),
        position: 1,
        expected: expected.to_owned(),
        given: given.chars().take(32).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_includes_both_ends() {
        let range = Inputs::Range { first: -1, last: 1 };
        let all: Vec<Input> = (0..range.len()).filter_map(|task| range.get(task)).collect();
        assert_eq!(all, ["-1", "0", "1"].map(|text| Input::from(text.as_bytes())));
        assert_eq!(range.get(3), None);
    }

    #[test]
    fn absurd_ranges_are_refused_not_counted() {
        let all = Inputs::Range { first: i64::MIN, last: i64::MAX };
        assert_eq!(all.check(), Err(InputsError::TooMany { tasks: u64::MAX }));
        assert_eq!(Inputs::Range { first: 1, last: 0 }.check(), Err(InputsError::Empty));
    }

    #[test]
    fn a_large_input_is_named() {
        let list = Inputs::List(vec![Input::new(), Input::from(vec![0; INPUT_BYTES_MAX + 1])]);
        let error = InputsError::TooLarge { task: 2, bytes: INPUT_BYTES_MAX + 1 };
        assert_eq!(list.check(), Err(error));
    }

    #[test]
    fn an_export_takes_the_words_of_its_input() {
        let entry = Entry::Export { name: "add".to_owned(), arguments: vec![] };
        let call = Call::Export {
            name: "add".to_owned(),
            arguments: vec!["3".to_owned(), "-4".to_owned()],
        };
        assert_eq!(entry.bind(b" 3, -4\n"), Ok(call));
        assert!(matches!(entry.bind(&[0xff]), Err(Stop::WrongArgument { .. })));
    }

    fn command(arguments: &[&str], stdin: bool) -> Entry {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Entry::Command { arguments, environment: vec![], stdin }
    }

    #[test]
    fn a_command_takes_its_input_where_it_asks_for_it() {
        let row = command(&["{}", "200"], false);
        let Ok(Call::Command { arguments, stdin, .. }) = row.bind(b"7") else { panic!() };
        assert_eq!((arguments, stdin), (vec!["7".to_owned(), "200".to_owned()], vec![]));
        let piped = command(&[], true);
        let Ok(Call::Command { stdin, .. }) = piped.bind(&[0xff]) else { panic!() };
        assert_eq!(stdin, [0xff]);
    }

    #[test]
    fn every_task_finds_the_same_environment() {
        let environment = vec![("LEVEL".to_owned(), "{}".to_owned())];
        let entry = Entry::Command { arguments: vec![], environment, stdin: false };
        for input in [b"1", b"2"] {
            let Ok(Call::Command { environment, .. }) = entry.bind(input) else { panic!() };
            assert_eq!(environment, [("LEVEL".to_owned(), "{}".to_owned())]);
        }
    }

    #[test]
    fn a_json_spark_takes_its_input_as_it_is() {
        let input = b" {\"a\": [1, 2]} ".to_vec();
        assert_eq!(Entry::Json.bind(&input), Ok(Call::Json { input }));
    }

    #[test]
    fn what_is_wrong_for_every_task_is_known_before_the_first() {
        let signature = Signature {
            name: "add".to_owned(),
            parameters: vec!["i32".to_owned(), "f64".to_owned()],
            results: vec![],
        };
        let check = |arguments: &[&str]| {
            let arguments = arguments.iter().map(ToString::to_string).collect();
            Entry::Export { name: "add".to_owned(), arguments }.check_arguments(&signature)
        };
        for right in [&[][..], &["{}", "0.5"], &["-0x10", "{}"], &["{}", "{}"], &["1{}", "nan"]] {
            assert_eq!(check(right), Ok(()), "{right:?}");
        }
        assert!(matches!(check(&["{}", "many"]), Err(Stop::WrongArgument { position: 2, .. })));
        assert!(matches!(check(&["0.5", "1"]), Err(Stop::WrongArgument { position: 1, .. })));
        assert!(matches!(check(&["{}"]), Err(Stop::WrongArgumentCount { given: 1, .. })));
    }

    #[test]
    fn placeholders_cannot_multiply_an_input_without_bound() {
        let entry = command(&[&"{}".repeat(8_000)], false);
        assert!(entry.bind(&[b'x'; 64]).is_ok());
        assert!(entry.bind(&[b'x'; 1_000]).is_err());
    }
}
