//! Results of tasks: what each adds to the whole, how it is shown, and the
//! files that can be downloaded.
//!
//! A command adds its standard output as it is; a JSON spark adds its answer, and an
//! exported function its values, on a line of their own; a task that failed adds nothing. A picture
//! is its header and then its rows.

use std::borrow::Cow;

use node_core::node::TaskResult;
use sha2::{Digest, Sha256};
use spark_runtime::Report;

use super::picture::Picture;

/// Characters of one result that a list shows.
pub const SHOWN_CHARS_MAX: usize = 280;

/// Bytes of a result that is no text that a list shows.
const BINARY_BYTES_MAX: usize = 8;

/// What a task adds to the whole; `is_line` says that its output is a line, whether it
/// ends one or not.
pub fn contribution(report: &Report, is_line: bool) -> Cow<'_, [u8]> {
    let mut line = if report.stop.is_some() {
        return Cow::Borrowed(&[]);
    } else if !report.values.is_empty() {
        values(report).into_bytes()
    } else if is_line && !report.stdout.ends_with(b"\n") {
        report.stdout.clone()
    } else {
        return Cow::Borrowed(&report.stdout);
    };
    line.push(b'\n');
    Cow::Owned(line)
}

/// A result in one short text: values, or output, or why it failed.
pub fn shown(report: &Report) -> String {
    if let Some(stop) = &report.stop {
        return stop.to_string();
    }
    if !report.values.is_empty() {
        return values(report);
    }
    shortened(&report.stdout)
}

/// One result as a line of JSON, without its line end: `task`, `ion`, `ok`, and
/// `values`, `output` or `error`. Output that is no text stands under
/// `output_hex`.
pub fn json_line(task: usize, result: &TaskResult) -> String {
    let report = &result.report;
    let mut line = "{".to_owned();
    if let Some(stop) = &report.stop {
        let (name, message) = (quoted(stop.name()), quoted(&stop.to_string()));
        line += &["\"error\":{\"message\":", &message, ",\"name\":", &name, "},"].concat();
    }
    let (fuel, ion, ok) = (report.fuel, quoted(&result.ion), report.stop.is_none());
    line = format!("{line}\"fuel\":{fuel},\"ion\":{ion},\"ok\":{ok},");
    match str::from_utf8(&report.stdout) {
        Ok("") => {}
        Ok(text) => line += &["\"output\":", &quoted(text), ","].concat(),
        Err(_) => line += &["\"output_hex\":\"", &hex(&report.stdout), "\","].concat(),
    }
    line += &["\"task\":", &task.to_string()].concat();
    if !report.values.is_empty() {
        let values: Vec<String> =
            report.values.iter().map(|value| quoted(&value.to_string())).collect();
        line += &[",\"values\":[", &values.join(","), "]"].concat();
    }
    line + "}"
}

/// A text as JSON has it. A library for it would cost every visitor some KiB.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted += "\\n",
            '\0'..' ' => {
                quoted += "\\u00";
                quoted += &hex(&[char as u8]);
            }
            _ => quoted.push(char),
        }
    }
    quoted + "\""
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The whole result as it grows: its length and its SHA-256, without keeping it
/// a second time.
#[derive(Clone, Debug)]
pub struct Whole {
    hasher: Sha256,
    bytes: u64,
}

impl Whole {
    /// An empty one; a picture begins with its header.
    pub fn new(picture: Option<Picture>) -> Self {
        let mut whole = Self { hasher: Sha256::new(), bytes: 0 };
        if let Some(picture) = picture {
            whole.add(&picture.header());
        }
        whole
    }

    /// Adds what a task adds.
    pub fn add(&mut self, part: &[u8]) {
        self.hasher.update(part);
        self.bytes += part.len() as u64;
    }

    /// Its length, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The SHA-256 of all so far, as hexadecimal digits.
    pub fn sha256(&self) -> String {
        hex(&self.hasher.clone().finalize())
    }
}

fn values(report: &Report) -> String {
    let texts: Vec<String> = report.values.iter().map(ToString::to_string).collect();
    texts.join(" ")
}

fn shortened(bytes: &[u8]) -> String {
    let part = &bytes[..bytes.len().min(SHOWN_CHARS_MAX * 4)];
    if part.contains(&0) || part.iter().filter(|byte| !byte.is_ascii()).count() * 3 > part.len() {
        return binary(bytes);
    }
    let text = String::from_utf8_lossy(part);
    let mut kept: String = text.trim_end().chars().take(SHOWN_CHARS_MAX).collect();
    if kept.len() < text.trim_end().len() || part.len() < bytes.len() {
        kept.push('…');
    }
    kept
}

fn binary(bytes: &[u8]) -> String {
    let pairs: Vec<String> =
        bytes.iter().take(BINARY_BYTES_MAX).map(|byte| hex(&[*byte])).collect();
    let start = pairs.join(" ");
    if bytes.len() > BINARY_BYTES_MAX {
        format!("{start} … {} bytes", bytes.len())
    } else {
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::picture::Format;
    use serde_json::json;
    use spark_runtime::{Stop, Value};

    fn output(bytes: &[u8]) -> Report {
        Report { stdout: bytes.to_vec(), ..Report::default() }
    }

    #[test]
    fn the_whole_is_its_parts_in_order() {
        let mut whole = Whole::new(Picture::new(Format::Bitmap, 8, 1, 2));
        let failed = Report { stop: Some(Stop::OutOfFuel { fuel_max: 1 }), ..output(&[9]) };
        for report in [output(&[1]), failed, output(&[2])] {
            whole.add(&contribution(&report, false));
        }
        assert_eq!(whole.sha256(), hex(&Sha256::digest(b"P4\n8 2\n\x01\x02")));
        assert_eq!(whole.bytes(), 9);
    }

    #[test]
    fn values_stand_on_lines() {
        let report = Report { values: vec![Value::I32(-5), Value::I64(7)], ..Report::default() };
        assert_eq!(contribution(&report, false).as_ref(), b"-5 7\n");
        assert_eq!(shown(&report), "-5 7");
    }

    #[test]
    fn answers_of_json_sparks_stand_on_lines() {
        for (output, line) in [("{}", "{}\n"), ("{}\n", "{}\n"), ("", "\n")] {
            let report = output.as_bytes();
            assert_eq!(contribution(&self::output(report), true).as_ref(), line.as_bytes());
            assert_eq!(contribution(&self::output(report), false).as_ref(), report);
        }
    }

    #[test]
    fn what_is_shown_is_bounded_and_readable() {
        assert_eq!(shown(&output(b"hello\n")), "hello");
        assert!(shown(&output(&[b'x'; 10_000])).chars().count() <= SHOWN_CHARS_MAX + 1);
        assert_eq!(shown(&output(&[0, 255, 16])), "00 ff 10");
        let failed = Report { stop: Some(Stop::Exit { code: 3 }), ..Report::default() };
        assert_eq!(shown(&failed), "exit code 3");
    }

    #[test]
    fn json_lines_can_be_read_back() {
        let read = |result: &TaskResult| -> serde_json::Value {
            serde_json::from_str(&json_line(3, result)).expect("our own JSON")
        };
        for text in ["say \"é\"", "a\n\t\0\u{1f}\u{7f}\u{2028}\\n", "\\"] {
            let result = TaskResult {
                ion: text.to_owned(),
                report: output(text.as_bytes()),
                receipts: vec![],
            };
            let line = json!({ "fuel": 0, "ion": text, "ok": true, "output": text, "task": 3 });
            assert_eq!(read(&result), line);
        }
        let values = vec![Value::I32(-5), Value::I64(7)];
        let stop = Some(Stop::Exit { code: 3 });
        let report = Report { values, stop, ..Report::default() };
        let line = read(&TaskResult { ion: String::new(), report, receipts: vec![] });
        assert_eq!(line["values"], json!(["-5", "7"]));
        assert_eq!(line["error"]["message"], json!("exit code 3"));
        assert_eq!(line["ok"], json!(false));
        let binary = TaskResult { ion: String::new(), report: output(&[0xff]), receipts: vec![] };
        assert!(json_line(0, &binary).contains("\"output_hex\":\"ff\""));
    }
}
