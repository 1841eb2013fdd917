//! What a job runs over, as people give it: a range, lines of text, a file cut by
//! lines, a [table](super::table), [files](super::picked), one input, or
//! [another job's results](super::results). Anything that could not run is refused here,
//! before it reaches the ion, with a sentence for the field.

use node_core::compute::{Input, Inputs};

/// The ways to give inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers from a first to a last.
    #[default]
    Range,
    /// One input per line of a text field.
    Lines,
    /// One input per line of a file.
    File,
    /// One input per row of a table.
    Table,
    /// One input per file.
    Files,
    /// One task with one input, which may be empty.
    One,
    /// Another job's results; offered where there are some.
    Results,
}

impl Kind {
    /// Every way, in the order they are offered.
    pub const ALL: [Self; 7] =
        [Self::Range, Self::Lines, Self::File, Self::Table, Self::Files, Self::One, Self::Results];

    /// The name in addresses, tests and gallery files.
    pub fn key(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Lines => "lines",
            Self::File => "file",
            Self::Table => "table",
            Self::Files => "files",
            Self::One => "one",
            Self::Results => "results",
        }
    }

    /// The name people see.
    pub fn label(self) -> &'static str {
        match self {
            Self::Range => "A range",
            Self::Lines => "Lines of text",
            Self::File => "A file, by lines",
            Self::Table => "A table, by rows",
            Self::Files => "Files or a folder",
            Self::One => "One input",
            Self::Results => "Results of a job",
        }
    }
}

/// The largest whole number that page and ion pass without loss.
pub const NUMBER_MAX: i64 = (1 << 53) - 1;

/// Reads a range; both ends belong to it.
pub fn range(first: &str, last: &str) -> Result<Inputs, String> {
    let first = number(first, "first")?;
    let last = number(last, "last")?;
    if last < first {
        return Err(format!("The last number, {last}, is below the first, {first}."));
    }
    checked(Inputs::Range { first, last })
}

/// Cuts text or a file's bytes into lines. Line ends may be `\n` or `\r\n`; an
/// empty last line is no input, empty lines in between are.
pub fn lines(bytes: &[u8]) -> Result<Inputs, String> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if body.is_empty() {
        return Err("There is no line yet; give at least one.".to_owned());
    }
    let cut = body.split(|byte| *byte == b'\n');
    let items = cut.map(|line| Input::from(line.strip_suffix(b"\r").unwrap_or(line)));
    checked(Inputs::List(items.collect()))
}

/// One task, given all of the text.
pub fn one(text: &str) -> Result<Inputs, String> {
    checked(Inputs::List(vec![Input::from(text.as_bytes())]))
}

pub(super) fn checked(inputs: Inputs) -> Result<Inputs, String> {
    match inputs.check() {
        Ok(()) => Ok(inputs),
        Err(error) => Err(format!("This cannot run: {error}.")),
    }
}

fn number(text: &str, which: &str) -> Result<i64, String> {
    let digits: String = text.trim().chars().filter(|c| *c != ',' && *c != '_').collect();
    if digits.is_empty() {
        return Err(format!("The {which} number is missing."));
    }
    match digits.parse::<i64>() {
        Ok(number) if number.unsigned_abs() <= NUMBER_MAX.unsigned_abs() => Ok(number),
        Ok(_) => Err(format!("The {which} number must lie within ±{NUMBER_MAX}.")),
        Err(_) => {
            let shown: String = text.trim().chars().take(24).collect();
            Err(format!("The {which} number must be whole, but \"{shown}\" is not."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node_core::compute::spec::TASKS_MAX;

    #[test]
    fn a_range_is_read_as_people_write_it() {
        assert_eq!(range(" 0 ", "1,000"), Ok(Inputs::Range { first: 0, last: 1_000 }));
        assert_eq!(range("-3", "-3"), Ok(Inputs::Range { first: -3, last: -3 }));
    }

    #[test]
    fn impossible_ranges_say_why() {
        let last = TASKS_MAX.to_string();
        let cases = [
            ("", "5", "missing"),
            ("1", "x", "whole"),
            ("1.5", "2", "whole"),
            ("5", "1", "below"),
            ("0", last.as_str(), "more than"),
            ("0", "9223372036854775807", "within"),
            ("-9223372036854775808", "0", "whole"),
        ];
        for (first, last, word) in cases {
            // The smallest number has no absolute value and must not panic.
            let sentence = range(first, last).expect_err(first);
            let is_named = sentence.contains(word) || sentence.contains("within");
            assert!(is_named, "{first}..{last}: {sentence}");
        }
    }

    #[test]
    fn lines_are_cut_with_either_end() {
        let expected = ["a", "", "b"].map(|line| Input::from(line.as_bytes())).to_vec();
        assert_eq!(lines(b"a\n\nb\n"), Ok(Inputs::List(expected.clone())));
        assert_eq!(lines(b"a\r\n\r\nb"), Ok(Inputs::List(expected)));
        assert!(lines(b"").is_err());
        assert!(lines(b"\n").is_err());
    }

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        let Ok(Inputs::List(items)) = lines(&[0xff, b'\n', 0xfe]) else { panic!("two lines") };
        assert_eq!(items[0].as_ref(), [0xff]);
    }

    #[test]
    fn one_input_may_be_empty() {
        assert_eq!(one("").map(|inputs| inputs.len()), Ok(1));
    }
}
