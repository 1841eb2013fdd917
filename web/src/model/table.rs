//! A table as people give it: CSV (RFC 4180) with the columns' names in its first line,
//! of which each further row is a task.
//!
//! Commas, semicolons or tabs may separate the fields: whichever the first line has most
//! of. A row becomes a record with commas, which is its task's input, or a JSON object.
//! Refused, by the line it is in: what is no CSV, a row with more or fewer fields than
//! there are columns, and columns that could not be told apart.

use std::sync::Arc;

use node_core::compute::{
    Input, Inputs,
    csv::{self, Malformed},
    spec::TASKS_MAX,
};

use super::{format, inputs::checked, outcome::quoted};

/// Columns that a sentence names.
const NAMED_MAX: usize = 12;
/// What may stand between fields, and its name.
const SEPARATORS: [(u8, &str); 3] = [(b',', "commas"), (b';', "semicolons"), (b'\t', "tabs")];

/// A table that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The columns' names.
    pub columns: Vec<String>,
    /// What separated the fields, as people say it.
    pub separator: &'static str,
    /// A record of CSV for each row.
    pub rows: Inputs,
}

/// A table as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// What was pasted or typed.
    pub pasted: String,
    /// The name of the file that it is from, if so.
    pub file: Option<String>,
    /// What it was read as, or why it was not.
    pub table: Result<Arc<Table>, String>,
}

impl Default for Given {
    fn default() -> Self {
        Self::pasted(String::new())
    }
}

impl Given {
    /// A text that was pasted.
    pub fn pasted(pasted: String) -> Self {
        let table = Table::read(pasted.as_bytes()).map(Arc::new);
        Self { pasted, file: None, table }
    }

    /// The bytes of a file of that name.
    pub fn file(name: String, bytes: &[u8]) -> Self {
        let table = Table::read(bytes).map(Arc::new);
        Self { pasted: String::new(), file: Some(name), table }
    }

    /// What it was read as, in a sentence; nothing where it was not.
    pub fn about(&self) -> String {
        let Ok(table) = &self.table else { return String::new() };
        self.named(&table.about())
    }

    /// Why a file was not read as a table, if so. What is being typed is not told until
    /// it is to run.
    pub fn mistake(&self) -> Option<String> {
        let why = self.table.as_ref().err().filter(|_| self.file.is_some());
        why.map(|why| self.named(why))
    }

    fn named(&self, words: &str) -> String {
        self.file.as_ref().map_or_else(|| words.to_owned(), |name| format!("{name}: {words}"))
    }
}

impl Table {
    /// Reads a file or a text.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let Ok(text) = str::from_utf8(bytes) else {
            return Err("The table is not text in UTF-8; save it as that.".to_owned());
        };
        let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            let why = "There is no table yet: its first line names the columns, and each line \
                       below it is a task.";
            return Err(why.to_owned());
        }
        let (separator, name) = separator(text);
        let (columns, rest) = csv::record(text, separator).map_err(|why| malformed(1, why))?;
        let columns = named(&columns)?;
        let line = 1 + ends(&text[..text.len() - rest.len()]);
        let rows = rows(rest, separator, columns.len(), line)?;
        Ok(Self { columns, separator: name, rows: checked(Inputs::List(rows))? })
    }

    /// Its size and how it was read.
    fn about(&self) -> String {
        let rows = format::counted(self.rows.len(), "row");
        let columns = format::counted(self.columns.len() as u64, "column");
        match self.columns.len() {
            1 => format!("{rows} of {columns}."),
            _ => format!("{rows} of {columns}, separated by {}.", self.separator),
        }
    }

    /// Its rows as JSON objects.
    pub fn objects(&self) -> Result<Inputs, String> {
        let objects = (0..self.rows.len()).map(|row| Input::from(self.object(row).into_bytes()));
        checked(Inputs::List(objects.collect()))
    }

    /// A row as a JSON object; text that is a number in JSON is one.
    pub fn object(&self, row: u64) -> String {
        let value = |field: &String| if is_number(field) { field.clone() } else { quoted(field) };
        let fields = self.fields(row);
        let pairs = self.columns.iter().zip(&fields);
        let pairs = pairs.map(|(column, field)| [&quoted(column), ": ", &value(field)].concat());
        ["{", &pairs.collect::<Vec<_>>().join(", "), "}"].concat()
    }

    /// The fields of a row; none beyond the last.
    pub fn fields(&self, row: u64) -> Vec<String> {
        let row = self.rows.get(row).unwrap_or_default();
        let read = csv::record(str::from_utf8(&row).unwrap_or_default(), b',');
        read.map(|(fields, _)| fields).unwrap_or_default()
    }

    /// Puts in arguments the numbers of columns where their names stand in braces.
    /// Text with a double quote in it is no name, so that JSON may stand there, and digits
    /// alone are none.
    pub fn numbered(&self, arguments: &[String]) -> Result<Vec<String>, String> {
        arguments.iter().map(|argument| self.numbered_one(argument)).collect()
    }

    fn numbered_one(&self, argument: &str) -> Result<String, String> {
        let (mut done, mut rest) = (String::new(), argument);
        while let Some((before, inside)) = rest.split_once('{') {
            done = done + before + "{";
            rest = inside;
            let end = inside.find(['{', '}']).filter(|end| inside[*end..].starts_with('}'));
            if let Some(end) = end {
                let (name, behind) = inside.split_at(end);
                done += &self.number(name)?;
                rest = behind;
            }
        }
        Ok(done + rest)
    }

    fn number(&self, name: &str) -> Result<String, String> {
        if let Some(at) = self.columns.iter().position(|column| column == name.trim()) {
            return Ok(format!("#{}", at + 1));
        }
        let columns = self.columns.len();
        let is_field = |number: &str| number.parse().is_ok_and(|at| (1..=columns).contains(&at));
        // How often something repeats, in a regular expression.
        let is_count = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
        match name.strip_prefix('#') {
            None if is_count || name.contains('"') => Ok(name.to_owned()),
            Some(number) if is_field(number) => Ok(name.to_owned()),
            _ => Err(format!("There is no column {{{name}}}; there is {}.", self.names())),
        }
    }

    /// The columns' names in braces.
    fn names(&self) -> String {
        let named = self.columns.iter().take(NAMED_MAX).map(|name| format!("{{{name}}}"));
        let more = if self.columns.len() > NAMED_MAX { ", …" } else { "" };
        named.collect::<Vec<_>>().join(", ") + more
    }
}

/// Whichever the first line has most of.
fn separator(text: &str) -> (u8, &'static str) {
    let fields = |separator| match csv::record(text, separator) {
        Ok((fields, _)) => fields.len(),
        Err(Malformed::TooMany) => usize::MAX,
        Err(_) => 0,
    };
    let [first, others @ ..] = SEPARATORS;
    let mut best = (fields(first.0), first);
    for other in others {
        let count = fields(other.0);
        if count > best.0 {
            best = (count, other);
        }
    }
    best.1
}

/// The columns' names, trimmed, if each can be told from the others and from numbers.
fn named(columns: &[String]) -> Result<Vec<String>, String> {
    let columns: Vec<String> = columns.iter().map(|name| name.trim().to_owned()).collect();
    for (at, name) in columns.iter().enumerate() {
        let number = at + 1;
        if name.is_empty() {
            return Err(format!(
                "Line 1 has to name the columns, and column {number} has no name."
            ));
        }
        if is_number(name) || name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!(
                "Line 1 has to name the columns, and column {number} there is \"{name}\", a \
                 number. Put a line of names above."
            ));
        }
        if columns[..at].contains(name) {
            return Err(format!("Line 1 names two columns \"{name}\"."));
        }
    }
    Ok(columns)
}

fn rows(text: &str, separator: u8, columns: usize, mut line: usize) -> Result<Vec<Input>, String> {
    let (mut rows, mut rest) = (Vec::new(), text);
    if rest.is_empty() {
        return Err("The table has no row below its first line; each row is a task.".to_owned());
    }
    while !rest.is_empty() {
        if rows.len() as u64 == TASKS_MAX {
            let most = format::count(TASKS_MAX);
            return Err(format!("Line {line} is one row too many: a job may have {most}."));
        }
        let (fields, behind) = csv::record(rest, separator).map_err(|why| malformed(line, why))?;
        if fields.len() != columns {
            let fields = format::counted(fields.len() as u64, "field");
            let columns = format::counted(columns as u64, "column");
            return Err(format!("Line {line} has {fields}, and line 1 names {columns}."));
        }
        rows.push(Input::from(csv::line(&fields).into_bytes()));
        line += ends(&rest[..rest.len() - behind.len()]);
        rest = behind;
    }
    Ok(rows)
}

/// How many lines end in a text.
fn ends(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn malformed(line: usize, why: Malformed) -> String {
    format!("Line {line} is no CSV: {why}.")
}

/// Whether a text is a number as JSON has them (RFC 8259).
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (text, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole = digits(whole) && (whole == "0" || !whole.starts_with('0'));
    is_whole && digits(part) && digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
