//! The first rows of a table, and what the form makes of each.

use node_core::compute::Entry;
use spark_runtime::Call;

use super::{Form, join};
use crate::model::{inputs::Kind, table::Table};

/// Rows that are shown.
const ROWS_MAX: u64 = 3;
/// Columns that are shown.
const COLUMNS_MAX: usize = 5;
/// Characters of a field, and of what a row makes, that are shown.
const SHOWN_CHARS_MAX: (usize, usize) = (24, 80);

/// What is shown of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Above each column; above the last, what the rows make.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// Why it cannot be said what rows make; that column is not there then.
    pub mistake: Option<String>,
}

impl Form {
    /// What is to be shown of the table, if there is one and it is what counts.
    pub fn preview(&self) -> Option<Preview> {
        let is_counted = self.kind == Kind::Table;
        let table = self.table.table.as_ref().ok().filter(|_| is_counted)?;
        let entry = self.arguments().and_then(|arguments| self.entry(arguments));
        let mut head = cells(&table.columns);
        head.extend(entry.as_ref().ok().map(|entry| title(entry).to_owned()));
        let row = |row| {
            let mut cells = cells(&table.fields(row));
            cells.extend(entry.as_ref().ok().map(|entry| made(entry, table, row)));
            cells
        };
        let rows = (0..table.rows.len().min(ROWS_MAX)).map(row).collect();
        Some(Preview { head, rows, mistake: entry.err().map(|(_, why)| why) })
    }
}

fn cells(fields: &[String]) -> Vec<String> {
    let shown = fields.iter().take(COLUMNS_MAX).map(|field| cut(field, SHOWN_CHARS_MAX.0));
    let more = (fields.len() > COLUMNS_MAX).then(|| "…".to_owned());
    shown.chain(more).collect()
}

/// What a row makes, by its name.
fn title(entry: &Entry) -> &'static str {
    match entry {
        Entry::Json => "Input",
        Entry::Command { stdin: true, arguments, .. } if arguments.is_empty() => "Standard input",
        Entry::Command { .. } | Entry::Export { .. } => "Arguments",
    }
}

fn made(entry: &Entry, table: &Table, row: u64) -> String {
    let input = table.rows.get(row).unwrap_or_default();
    let made = match entry.bind(&input) {
        Err(stop) => stop.to_string(),
        Ok(Call::Json { .. }) => table.object(row),
        Ok(Call::Command { arguments, stdin, .. }) if arguments.is_empty() => {
            String::from_utf8_lossy(&stdin).into_owned()
        }
        Ok(Call::Command { arguments, .. } | Call::Export { arguments, .. }) => join(&arguments),
    };
    cut(&made, SHOWN_CHARS_MAX.1)
}

fn cut(text: &str, chars: usize) -> String {
    let mut cut: String = text.chars().take(chars).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
