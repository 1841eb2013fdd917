//! What a job's results add up to, as they come: sums of columns, how many are the same,
//! sums by word.
//!
//! A result counts as a whole or not at all. One that does not fit is named and counted,
//! and the others go on. Bounds: [`KEYS_MAX`] sums, [`KEY_BYTES_MAX`] for what each is of,
//! [`NAMED_MAX`] results that are named.

use ion_map::{Map, sort_by};
use node_core::compute::csv;

use super::{
    decimal::{DIGITS_MAX, Decimal},
    format,
    together::Together,
};

/// Columns, values or words that are told apart.
pub const KEYS_MAX: usize = 4_096;
/// The longest value or word, in bytes.
pub const KEY_BYTES_MAX: usize = 256;
/// Results that do not fit and are named; others are counted.
pub const NAMED_MAX: usize = 5;
/// Characters that a sentence repeats of what does not fit.
const SHOWN_CHARS_MAX: usize = 40;

/// A column's number, and what is counted in it.
type Key = (usize, String);
type Sums = Map<Key, Decimal>;

/// What results add up to so far.
#[derive(Clone, Debug)]
pub struct Tally {
    how: Together,
    sums: Sums,
    fit: u64,
    unfit: u64,
    named: Vec<(u64, String)>,
}

/// One of the sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is of: a value or a word; a column has none.
    pub name: String,
    /// How much it is.
    pub sum: Decimal,
}

impl Tally {
    /// One of no results yet; it stays empty where nothing is added up.
    pub fn new(how: Together) -> Self {
        Self { how, sums: Sums::new(), fit: 0, unfit: 0, named: Vec::new() }
    }

    /// Adds what a task that succeeded gave.
    pub fn add(&mut self, task: u64, output: &[u8]) {
        if matches!(self.how, Together::Concatenate | Together::Picture(_)) {
            return;
        }
        match self.take(output) {
            Ok(()) => self.fit += 1,
            Err(why) => {
                self.unfit += 1;
                if self.named.len() < NAMED_MAX {
                    self.named.push((task, why));
                }
            }
        }
    }

    /// Results that were added.
    pub fn fit(&self) -> u64 {
        self.fit
    }

    /// Results that do not fit.
    pub fn unfit(&self) -> u64 {
        self.unfit
    }

    /// The first of these: their tasks, and why they do not fit.
    pub fn named(&self) -> &[(u64, String)] {
        &self.named
    }

    /// How many sums there are.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// All sums: columns in their order, others from the largest on.
    pub fn rows(&self) -> Vec<Row> {
        let row = |((_, name), sum): (&Key, &Decimal)| Row { name: name.clone(), sum: *sum };
        let mut rows: Vec<Row> = self.sums.iter().map(row).collect();
        if self.how != Together::Sum {
            sort_by(&mut rows, |one, other| other.sum.cmp(&one.sum));
        }
        rows
    }

    /// All sums as a file: of columns one line, others a table in CSV.
    pub fn file(&self) -> String {
        let rows = self.rows();
        let head = match self.how {
            Together::Count => "result,count\n",
            Together::SumByWord => "word,sum\n",
            _ => {
                let sums: Vec<String> = rows.iter().map(|row| row.sum.to_string()).collect();
                return sums.join(" ") + "\n";
            }
        };
        let lines = rows.into_iter().map(|row| csv::line(&[row.name, row.sum.to_string()]) + "\n");
        lines.fold(head.to_owned(), |file, line| file + &line)
    }

    /// The ending of that file's name.
    pub fn ending(&self) -> &'static str {
        if self.how == Together::Sum { "sum.txt" } else { "counts.csv" }
    }

    fn take(&mut self, output: &[u8]) -> Result<(), String> {
        let here = self.read(output)?;
        let mut totals = Vec::new();
        let mut fresh = 0;
        for (key, number) in &here {
            let known = self.sums.get(key).copied();
            fresh += usize::from(known.is_none());
            totals.push(known.unwrap_or_default().plus(*number).ok_or_else(too_long)?);
        }
        if self.sums.len() + fresh > KEYS_MAX {
            return Err(too_many());
        }
        for (key, total) in here.into_keys().zip(totals) {
            self.sums.insert(key, total);
        }
        Ok(())
    }

    /// What one result adds.
    fn read(&self, output: &[u8]) -> Result<Sums, String> {
        let Ok(text) = str::from_utf8(output) else { return Err("it is no text".to_owned()) };
        let text = text.trim_end_matches(['\n', '\r']);
        let mut here = Sums::new();
        if self.how == Together::Count {
            add(&mut here, 0, text, Decimal::ONE)?;
            return Ok(here);
        }
        // As many columns as the first line had that was added.
        let mut columns = self.sums.len();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if self.how == Together::SumByWord {
                let (word, sum) = line.rsplit_once(char::is_whitespace).unwrap_or(("", line));
                let Some(sum) = Decimal::read(sum).filter(|_| !word.is_empty()) else {
                    return Err(format!("“{}” is no word with a number behind it", shown(line)));
                };
                add(&mut here, 0, word.trim_end(), sum)?;
                continue;
            }
            let mut count = 0;
            let words = line.split(|c: char| c.is_whitespace() || c == ',');
            for word in words.filter(|word| !word.is_empty()) {
                let Some(number) = Decimal::read(word) else {
                    return Err(format!("“{}” is no number", shown(word)));
                };
                add(&mut here, count, "", number)?;
                count += 1;
            }
            if columns > 0 && count != columns {
                let found = format::counted(count as u64, "column");
                return Err(format!("it has {found} where others have {columns}"));
            }
            columns = count;
        }
        Ok(here)
    }
}

fn add(sums: &mut Sums, column: usize, name: &str, number: Decimal) -> Result<(), String> {
    if name.len() > KEY_BYTES_MAX {
        return Err(format!("“{}…” is longer than {KEY_BYTES_MAX} bytes", shown(name)));
    }
    if sums.len() > KEYS_MAX {
        return Err(too_many());
    }
    let sum = sums.entry((column, name.to_owned())).or_default();
    *sum = sum.plus(number).ok_or_else(too_long)?;
    Ok(())
}

fn too_many() -> String {
    format!("with it there are more than {} to tell apart", format::count(KEYS_MAX as u64))
}

fn too_long() -> String {
    format!("the sum would need more than {DIGITS_MAX} digits")
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(how: Together, outputs: &[&str]) -> Tally {
        let mut tally = Tally::new(how);
        for (task, output) in (0..).zip(outputs) {
            tally.add(task, output.as_bytes());
        }
        tally
    }

    fn why(tally: &Tally) -> &str {
        tally.named().first().map_or("", |(_, why)| why)
    }

    #[test]
    fn numbers_are_added_column_by_column() {
        let sums = tally(Together::Sum, &["1 9 34\n", "2,8,44\n", "", "0.5 1 -3\n\n4 0 0\n"]);
        assert_eq!(sums.file(), "7.5 18 75\n");
        assert_eq!((sums.fit(), sums.unfit(), sums.ending()), (4, 0, "sum.txt"));
        let big = tally(Together::Sum, &["18446744073709551616", "1"]);
        assert_eq!(big.file(), "18446744073709551617\n");
    }

    #[test]
    fn a_result_that_does_not_fit_is_named_and_the_others_go_on() {
        let sums = tally(Together::Sum, &["1 2", "5 x", "7", "6 6\n1", "3 4"]);
        assert_eq!(sums.file(), "4 6\n");
        let expected = [
            (1, "“x” is no number".to_owned()),
            (2, "it has 1 column where others have 2".to_owned()),
            (3, "it has 1 column where others have 2".to_owned()),
        ];
        assert_eq!((sums.named(), sums.fit(), sums.unfit()), (&expected[..], 2, 3));
        let mut none = tally(Together::Sum, &["x"; 9]);
        assert_eq!((none.named().len(), none.unfit(), none.rows().len()), (NAMED_MAX, 9, 0));
        none.add(9, &[0xff]);
        assert_eq!(none.unfit(), 10);
    }

    #[test]
    fn a_sum_that_would_be_rounded_is_refused() {
        let sums = tally(Together::Sum, &["1e38 0", "1e38 1", "2 3"]);
        assert!(why(&sums).contains("38 digits"), "{}", why(&sums));
        assert_eq!(sums.file(), "100000000000000000000000000000000000002 3\n");
    }

    #[test]
    fn the_same_results_are_counted_the_most_first() {
        let counts = tally(Together::Count, &["b\n", "a, \"x\"", "b", "c", "", "b\r\n", "c\n"]);
        assert_eq!(counts.file(), "result,count\nb,3\nc,2\n,1\n\"a, \"\"x\"\"\",1\n");
        assert_eq!(counts.ending(), "counts.csv");
    }

    #[test]
    fn numbers_are_added_for_each_word() {
        let sums =
            tally(Together::SumByWord, &["an ion\t2\nspark 1\n", "", "spark 2.5", "7", "a b"]);
        assert_eq!(sums.file(), "word,sum\nspark,3.5\nan ion,2\n");
        assert_eq!((sums.fit(), sums.unfit()), (3, 2));
        assert_eq!(why(&sums), "“7” is no word with a number behind it");
    }

    #[test]
    fn what_is_told_apart_is_bounded() {
        let mut counts = tally(Together::Count, &[&"é".repeat(KEY_BYTES_MAX)]);
        let expected = format!("“{}…” is longer than 256 bytes", "é".repeat(SHOWN_CHARS_MAX));
        assert_eq!(why(&counts), expected);
        for task in 0..KEYS_MAX as u64 + 3 {
            counts.add(task, task.to_string().as_bytes());
        }
        assert_eq!((counts.rows().len(), counts.unfit()), (KEYS_MAX, 4));
        assert!(counts.named()[1].1.contains("more than 4,096"), "{:?}", counts.named());
        // What is known is still counted.
        counts.add(9_999, b"7");
        assert_eq!((counts.rows()[0].name.as_str(), counts.rows()[0].sum.positive()), ("7", 2));
        let words: Vec<String> = (0..=KEYS_MAX).map(|word| format!("w{word} 1")).collect();
        let sums = tally(Together::SumByWord, &[&words.join("\n"), "w1 1"]);
        assert_eq!((sums.fit(), sums.unfit(), sums.file().as_str()), (1, 1, "word,sum\nw1,1\n"));
    }

    #[test]
    fn what_is_not_added_up_is_not_read() {
        let none = tally(Together::Concatenate, &["1", "x"]);
        assert_eq!((none.fit(), none.unfit(), none.rows().len()), (0, 0, 0));
    }
}
