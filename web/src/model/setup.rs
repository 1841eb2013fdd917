//! Setting up a job: what stands in the form, and the request that it makes.
//! Every mistake is told by the field it is in, before anything runs.

mod again;
mod preview;

use std::sync::Arc;

use ion_codec::from_json;
use node_core::compute::{
    Entry, Inputs, Program, Trust,
    wire::{LIMITS_MAX, check_environment},
};
use serde::de::IgnoredAny;
use spark_runtime::{
    Call, Lane, Limits,
    inspect::{Inspection, Signature},
    json_spark,
};

use super::{
    gallery::{Rows, Spark, SparkEntry, SparkInputs},
    inputs::{self, Kind},
    picked::Picked,
    request::Request,
    results::Results,
    table::Given,
    together::Together,
};

pub use preview::Preview;

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The function or command.
    Entry,
    /// The arguments.
    Arguments,
    /// The environment variables.
    Environment,
    /// What to run over.
    Inputs,
    /// The fuel limit.
    Fuel,
    /// The memory limit.
    Memory,
    /// The time limit.
    Time,
}

/// What stands in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The spark's name, as people see it.
    pub name: String,
    /// What is called.
    pub entry: SparkEntry,
    /// Arguments on one line, quoted where they hold spaces.
    pub arguments: String,
    /// Environment variables of a command, `NAME=value` on a line each.
    pub environment: String,
    /// Whether each input goes to standard input.
    pub stdin: bool,
    /// The way inputs are given.
    pub kind: Kind,
    /// First number of the range.
    pub first: String,
    /// Last number of the range.
    pub last: String,
    /// Lines of text.
    pub lines: String,
    /// The one input.
    pub one: String,
    /// The file's name and bytes.
    pub file: Option<(String, Arc<[u8]>)>,
    /// The table.
    pub table: Given,
    /// The files that are an input each.
    pub files: Option<Arc<Picked>>,
    /// Another job's results.
    pub results: Option<Arc<Results>>,
    /// How many of them make one input.
    pub each: usize,
    /// Fuel a task may use, in millions.
    pub fuel_millions: String,
    /// Memory a task may use, in MiB.
    pub memory_mib: String,
    /// Time a task may take, in seconds.
    pub seconds: String,
    /// What runs each task.
    pub lane: Lane,
    /// What it takes for a result to count.
    pub trust: Trust,
    /// What becomes of results together.
    pub together: Together<Rows>,
}

impl Default for Form {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            name: String::new(),
            entry: SparkEntry::Command,
            arguments: String::new(),
            environment: String::new(),
            stdin: false,
            kind: Kind::Range,
            first: "0".to_owned(),
            last: "99".to_owned(),
            lines: String::new(),
            one: String::new(),
            file: None,
            table: Given::default(),
            files: None,
            results: None,
            each: 1,
            fuel_millions: (limits.fuel_max / MILLION).to_string(),
            memory_mib: (limits.memory_bytes_max >> 20).to_string(),
            seconds: (limits.wall_ms_max / 1000).to_string(),
            lane: Lane::Automatic,
            trust: Trust::Once,
            together: Together::Concatenate,
        }
    }
}

/// What can be chosen of something: a value, its key and what it says.
pub type Choice<T> = (T, &'static str, &'static str);

/// The chosen one of that key, if there is such a one.
pub fn chosen<T: Copy>(choices: &[Choice<T>], key: &str) -> Option<T> {
    choices.iter().find(|(_, known, _)| *known == key).map(|(one, ..)| *one)
}

/// What can be chosen to run tasks.
pub const LANES: [Choice<Lane>; 3] = [
    (Lane::Automatic, "automatic", "The fastest"),
    (Lane::Fast, "fast", "Browser's engine"),
    (Lane::Interpreter, "interpreter", "Interpreter"),
];

/// What a result can be asked to take before it counts.
pub const TRUSTS: [Choice<Trust>; 4] = [
    (Trust::Once, "once", "One ion is enough"),
    (Trust::Copies(2), "two", "Two must agree"),
    (Trust::Copies(3), "three", "Three must agree"),
    (Trust::Adaptive, "adaptive", "Adaptive: two, until trust is earned"),
];

const MILLION: u64 = 1_000_000;
/// The most fuel that ions grant, in millions.
pub const FUEL_MILLIONS_MAX: u64 = LIMITS_MAX.fuel_max / MILLION;
/// The most memory that ions grant, in MiB.
pub const MEMORY_MIB_MAX: u64 = LIMITS_MAX.memory_bytes_max >> 20;
/// The longest that ions let a task run, in seconds.
pub const SECONDS_MAX: u64 = LIMITS_MAX.wall_ms_max / 1000;

impl Form {
    /// The form as a gallery spark sets it.
    pub fn of_spark(spark: &Spark) -> Self {
        let mut form = Self {
            name: spark.title.clone(),
            entry: spark.entry.clone(),
            arguments: join(&spark.arguments),
            stdin: spark.stdin,
            kind: spark.inputs.kind(),
            together: spark.together,
            ..Self::default()
        };
        form.take_inputs(&spark.inputs);
        form
    }

    /// The form for a file, as far as its inspection tells: a JSON spark and a command
    /// take lines, the latter as standard input, a function takes its arguments.
    pub fn of_file(name: &str, inspection: &Inspection) -> Self {
        let entry = entries(inspection).into_iter().next();
        let entry = entry.map_or(SparkEntry::Command, |(entry, _)| entry);
        let is_function = matches!(entry, SparkEntry::Export(_));
        let kind = if is_function { Kind::Range } else { Kind::Lines };
        let stdin = entry == SparkEntry::Command;
        let name = name.trim_end_matches(".wasm").to_owned();
        Self { name, entry, stdin, kind, ..Self::default() }
    }

    /// The request that the form makes, or the first mistake in it.
    pub fn request(
        &self,
        binary: &Arc<[u8]>,
        inspection: &Inspection,
    ) -> Result<Request, (Field, String)> {
        let arguments = self.arguments()?;
        let inputs = self.inputs().map_err(|why| (Field::Inputs, why))?;
        let limits = self.limits()?;
        let together = self.together.told(|rows| rows.picture(&arguments, inputs.len()));
        let entry = self.entry(arguments)?;
        check_entry(&entry, &inputs, inspection)?;
        let program =
            Program { name: self.name.clone(), entry, limits, lane: self.lane, trust: self.trust };
        let names = self.picked().map(|picked| Arc::clone(&picked.names)).unwrap_or_default();
        let binary = Arc::clone(binary);
        Ok(Request { program, binary, inputs, names, together, retries: None })
    }

    /// The same with another job's results as its inputs.
    #[must_use]
    pub fn over(self, results: Arc<Results>) -> Self {
        Self { results: Some(results), kind: Kind::Results, ..self }
    }

    /// How many tasks the form makes, if its inputs can be read.
    pub fn tasks(&self) -> Option<u64> {
        match self.kind {
            Kind::Table => self.table.table.as_ref().ok().map(|table| table.rows.len()),
            Kind::Files => self.picked().map(|picked| picked.inputs.len() as u64),
            Kind::Results => self.results.as_ref()?.count(self.each).ok(),
            _ => self.inputs().ok().map(|inputs| inputs.len()),
        }
    }

    /// The files that count, if files do.
    fn picked(&self) -> Option<&Picked> {
        self.files.as_deref().filter(|_| self.kind == Kind::Files)
    }

    /// The arguments as tasks have them: without names of columns.
    fn arguments(&self) -> Result<Vec<String>, (Field, String)> {
        if self.entry == SparkEntry::Json {
            return Ok(Vec::new());
        }
        let arguments = split(&self.arguments);
        let arguments = match (self.kind, &self.table.table) {
            (Kind::Table, Ok(table)) => arguments.and_then(|some| table.numbered(&some)),
            _ => arguments,
        };
        arguments.map_err(|why| (Field::Arguments, why))
    }

    fn take_inputs(&mut self, inputs: &SparkInputs) {
        match inputs {
            SparkInputs::Range { first, last } => {
                self.first = first.to_string();
                self.last = last.to_string();
            }
            SparkInputs::Lines(lines) => self.lines = lines.join("\n"),
            SparkInputs::One(text) => self.one.clone_from(text),
        }
    }

    fn entry(&self, arguments: Vec<String>) -> Result<Entry, (Field, String)> {
        Ok(match &self.entry {
            SparkEntry::Export(name) => Entry::Export { name: name.clone(), arguments },
            SparkEntry::Json => Entry::Json,
            SparkEntry::Command => {
                let environment =
                    variables(&self.environment).map_err(|why| (Field::Environment, why))?;
                Entry::Command { arguments, environment, stdin: self.stdin }
            }
        })
    }

    fn inputs(&self) -> Result<Inputs, String> {
        match self.kind {
            Kind::Range => inputs::range(&self.first, &self.last),
            Kind::Lines => inputs::lines(self.lines.as_bytes()),
            Kind::One => inputs::one(&self.one),
            Kind::File => match &self.file {
                Some((_, bytes)) => inputs::lines(bytes),
                None => Err("Choose the file first.".to_owned()),
            },
            Kind::Table => {
                let table = self.table.table.as_ref().map_err(Clone::clone)?;
                let is_json = self.entry == SparkEntry::Json;
                if is_json { table.objects() } else { Ok(table.rows.clone()) }
            }
            Kind::Files => match self.picked() {
                Some(picked) => inputs::checked(Inputs::List(picked.inputs.clone())),
                None => Err("Choose files or a folder first.".to_owned()),
            },
            Kind::Results => match &self.results {
                Some(results) => results.inputs(self.each),
                None => Err("There are no results of another job here.".to_owned()),
            },
        }
    }

    fn limits(&self) -> Result<Limits, (Field, String)> {
        let fuel = limit(Field::Fuel, &self.fuel_millions, FUEL_MILLIONS_MAX)?;
        let memory = limit(Field::Memory, &self.memory_mib, MEMORY_MIB_MAX)?;
        let seconds = limit(Field::Time, &self.seconds, SECONDS_MAX)?;
        Ok(Limits {
            fuel_max: fuel * MILLION,
            memory_bytes_max: memory << 20,
            wall_ms_max: seconds * 1000,
            ..Limits::default()
        })
    }
}

/// Looks at the first task only: what is wrong with its arguments' number is
/// wrong with all that come by range, and with most that come by line.
fn check_entry(
    entry: &Entry,
    inputs: &Inputs,
    inspection: &Inspection,
) -> Result<(), (Field, String)> {
    let first = inputs.get(0).unwrap_or_default();
    let name = match entry {
        Entry::Export { name, .. } => name,
        Entry::Json => return check_json(&first, inspection),
        Entry::Command { .. } => {
            let why = "This module is no command: it exports no `_start`. Choose a function.";
            return if inspection.is_command {
                Ok(())
            } else {
                Err((Field::Entry, why.to_owned()))
            };
        }
    };
    let Some(signature) = inspection.exports.iter().find(|export| export.name == *name) else {
        return Err((Field::Entry, format!("The module exports no function `{name}`.")));
    };
    match entry.bind(&first) {
        Err(stop) => Err((Field::Inputs, format!("The first task cannot run: {stop}."))),
        Ok(Call::Export { arguments, .. }) if arguments.len() != signature.parameters.len() => {
            let (wanted, given) = (signature.parameters.len(), arguments.len());
            let why = format!(
                "`{name}` takes {wanted} arguments, and the first task would give {given}. \
                 Name each, with {{}} for the input, or put them all into the input."
            );
            Err((Field::Arguments, why))
        }
        Ok(_) => check_constants(entry, signature),
    }
}

/// Whether a JSON spark can be given its first input.
fn check_json(first: &[u8], inspection: &Inspection) -> Result<(), (Field, String)> {
    json_spark::check(&inspection.exports)
        .map_err(|stop| (Field::Entry, format!("No task could run: {stop}.")))?;
    from_json::<IgnoredAny>(first).map(drop).map_err(|_| {
        let why = "The first input is not JSON. Each line has to be JSON by itself, such as \
                   {\"firstAddend\": 1, \"secondAddend\": 2}.";
        (Field::Inputs, why.to_owned())
    })
}

/// What can be called of a module, in the order in which it is offered, and what people
/// read of each.
pub fn entries(inspection: &Inspection) -> Vec<(SparkEntry, String)> {
    let json = (SparkEntry::Json, "JSON spark (nine functions)".to_owned());
    let command = (SparkEntry::Command, "the command".to_owned());
    let functions = functions(inspection);
    let functions =
        functions.map(|export| (SparkEntry::Export(export.name.clone()), export.to_string()));
    let json = inspection.is_json_spark().then_some(json);
    json.into_iter().chain(inspection.is_command.then_some(command)).chain(functions).collect()
}

/// Functions that are meant to be called: compilers mark their own with `__`.
pub fn functions(inspection: &Inspection) -> impl Iterator<Item = &Signature> {
    inspection.exports.iter().filter(|export| !export.name.starts_with("__"))
}

/// What is wrong with an argument for every task alike.
fn check_constants(entry: &Entry, signature: &Signature) -> Result<(), (Field, String)> {
    entry.check_arguments(signature).map_err(|stop| {
        let remedy = "Give a value of that type, or {} where the input is to stand.";
        (Field::Arguments, format!("No task could run: {stop}. {remedy}"))
    })
}

/// Reads `NAME=value` lines; empty ones are skipped, and a value may hold
/// anything but a line's end.
pub fn variables(lines: &str) -> Result<Vec<(String, String)>, String> {
    let mut environment = Vec::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let Some((name, value)) = line.split_once('=') else {
            return Err(format!(
                "\"{}\" has no equals sign. Write NAME=value, one on each line.",
                line.chars().take(SHOWN_CHARS_MAX).collect::<String>()
            ));
        };
        environment.push((name.trim().to_owned(), value.to_owned()));
    }
    check_environment(&environment)
        .map_err(|why| format!("These cannot be given to a task: {why}."))?;
    Ok(environment)
}

/// How much of a wrong line a sentence repeats, in characters.
const SHOWN_CHARS_MAX: usize = 40;

fn limit(field: Field, text: &str, most: u64) -> Result<u64, (Field, String)> {
    match text.trim().replace(',', "").parse::<u64>() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err((field, format!("A whole number from 1 to {most} is needed."))),
    }
}

/// Cuts a line into arguments at spaces; single or double quotes hold them
/// together.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                current.get_or_insert_default();
            }
            None if c.is_whitespace() => arguments.extend(current.take()),
            _ => current.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(format!("A quote {open} is opened and not closed."));
    }
    arguments.extend(current);
    Ok(arguments)
}

fn join(arguments: &[String]) -> String {
    let quoted = |argument: &String| match argument {
        plain if !plain.is_empty() && !plain.contains([' ', '\t', '"', '\'']) => plain.clone(),
        quoted if quoted.contains('"') => format!("'{quoted}'"),
        other => format!("\"{other}\""),
    };
    arguments.iter().map(quoted).collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
#[path = "setup_tests.rs"]
mod tests;
