//! What a job is: a module, a way to call it, and inputs, none of which change
//! once the job runs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use spark_runtime::{Call, Lane, Limits, Stop, inspect::Signature, wire::ModuleHash};

use super::{Trust, csv, wire::INPUT_BYTES_MAX};

/// How each input becomes a call. In an argument `{}` stands for the input's text, and
/// `{#1}`, `{#2}` and so on for its fields, where it is one record of [`csv`].
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

/// Arguments after their placeholders are filled, in bytes.
pub const FILLED_BYTES_MAX: usize = 512 << 10;

impl Entry {
    /// The call that an input makes. The error is what its task fails with: an argument
    /// needs the input's text and it is not UTF-8, or too long, or needs a field of it
    /// and it is not CSV, or has not as many.
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
                let constant = |text: &String| placeholder(text).is_none();
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

/// The first placeholder of an argument: what stands before it, its number, which is
/// empty for the whole input, and what follows it. A number has a `#` before it: `{2}`
/// alone is how often something repeats, in a regular expression.
pub fn placeholder(argument: &str) -> Option<(&str, &str, &str)> {
    argument.match_indices('{').find_map(|(open, _)| {
        let (inside, behind) = argument[open + 1..].split_once('}')?;
        let number = inside.strip_prefix('#').unwrap_or_default();
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (is_number || inside.is_empty()).then_some((&argument[..open], number, behind))
    })
}

fn fill(arguments: &[String], input: &[u8], name: &str) -> Result<Vec<String>, Stop> {
    if arguments.iter().all(|argument| placeholder(argument).is_none()) {
        return Ok(arguments.to_vec());
    }
    let text = text(input, name)?;
    let mut fields = Vec::new();
    let mut bytes_left = FILLED_BYTES_MAX;
    let fill = |(at, argument): (usize, &String)| {
        let (mut filled, mut rest) = (String::new(), argument.as_str());
        while let Some((before, number, behind)) = placeholder(rest) {
            let value = match number {
                "" => text,
                _ => field(&mut fields, text, number)
                    .map_err(|expected| unfit(name, at + 1, &expected, &rest[before.len()..]))?,
            };
            bytes_left = bytes_left
                .checked_sub(value.len())
                .ok_or_else(|| unfit(name, at + 1, "shorter once the input is filled in", text))?;
            filled = filled + before + value;
            rest = behind;
        }
        Ok(filled + rest)
    };
    arguments.iter().enumerate().map(fill).collect()
}

/// The field of that number, the first being 1; `fields` are read once. The error is
/// what the argument would have to be.
fn field<'a>(fields: &'a mut Vec<String>, text: &str, number: &str) -> Result<&'a str, String> {
    if fields.is_empty() {
        *fields = match csv::record(text, b',') {
            Ok((fields, "")) => fields,
            Ok(_) => return Err("a field of an input of one line of CSV".to_owned()),
            Err(why) => return Err(format!("a field of an input in CSV ({why})")),
        };
    }
    let place = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let field = place.and_then(|place| fields.get(place));
    field.map(String::as_str).ok_or_else(|| match fields.len() {
        1 => "{#1}, for the input has one field".to_owned(),
        count => format!("from {{#1}} to {{#{count}}}, for the input has {count} fields"),
    })
}

fn text<'a>(input: &'a [u8], name: &str) -> Result<&'a str, Stop> {
    let lossy = |_| unfit(name, 1, "text (UTF-8)", &String::from_utf8_lossy(input));
    str::from_utf8(input).map_err(lossy)
}

fn unfit(name: &str, position: usize, expected: &str, given: &str) -> Stop {
    Stop::WrongArgument {
        name: name.to_owned(),
        position,
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

    fn filled(arguments: &[&str], input: &str) -> Result<Vec<String>, String> {
        match command(arguments, false).bind(input.as_bytes()) {
            Ok(Call::Command { arguments, .. }) => Ok(arguments),
            other => Err(other.expect_err("it is a command").to_string()),
        }
    }

    #[test]
    fn numbers_stand_for_the_fields_of_an_input() {
        let input = "a,\"b, \"\"c\"\"\",{#1}\r\n";
        let given = ["{#2}", "-{#1}{#1}{#3}{", "{}", "{x} {#-1} {#1 } {{#1}} {#}", "1{2}{2,3}"];
        let expected = ["b, \"c\"", "-aa{#1}{", input, "{x} {#-1} {#1 } {a} {#}", "1{2}{2,3}"];
        assert_eq!(filled(&given, input), Ok(expected.map(str::to_owned).to_vec()));
        let export = Entry::Export { name: "add".to_owned(), arguments: vec!["{#2}".to_owned()] };
        let Ok(Call::Export { arguments, .. }) = export.bind(b"1,2") else { panic!() };
        assert_eq!(arguments, ["2"]);
    }

    #[test]
    fn a_field_that_is_not_there_fails_its_task_with_the_reason() {
        let wrong = |argument: &str, input: &str| filled(&["1", argument], input).expect_err(input);
        let said = "argument 2 of `_start` must be from {#1} to {#2}, for the input has 2 fields, \
                    but \"{#3}\" is not";
        assert_eq!(wrong("a{#3}", "1,2"), said);
        for number in ["{#0}", "{#99999999999999999999999}"] {
            assert!(wrong(number, "1").contains("has one field"), "{number}");
        }
        assert!(wrong("{#1}", "\"a").contains("opened and not closed"));
        assert!(wrong("{#1}", "a\nb").contains("one line"));
        // Nobody asks for a field of it.
        assert_eq!(filled(&["{}"], "\"a"), Ok(vec!["\"a".to_owned()]));
        assert!(command(&["{#1}"], false).bind(&[0xff]).is_err());
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
        for right in [&[][..], &["{}", "0.5"], &["-0x10", "{}"], &["{}", "{#2}"], &["1{}", "nan"]] {
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
        let entry = command(&[&"{#1}".repeat(8_000)], false);
        assert!(entry.bind(&[b'x'; 64]).is_ok());
        assert!(entry.bind(&[b'x'; 1_000]).is_err());
    }
}
