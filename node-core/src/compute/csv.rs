//! Records of comma-separated values, as RFC 4180 has them, read one at a time.
//!
//! A line ends with LF or CRLF; another separator than the comma may stand between
//! fields. Refused is what that RFC does not have, each by its name: a quote in a field
//! that does not begin with one, and one that is not closed. Bound: [`FIELDS_MAX`].

/// Fields in one record.
pub const FIELDS_MAX: usize = 1_024;

/// Why a text is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The text ends within quotes.
    #[error("a quote is opened and not closed")]
    Unclosed,
    /// A quote in a field without quotes, or something behind a field's last quote.
    #[error(
        "a quote stands where none may: a field is in quotes as a whole, and doubles those within"
    )]
    Stray,
    /// More than [`FIELDS_MAX`].
    #[error("it has more than {FIELDS_MAX} fields")]
    TooMany,
}

/// Reads the first record of a text: its fields, of which there is at least one, and
/// what follows its line end. The separator is an ASCII character.
pub fn record(text: &str, separator: u8) -> Result<(Vec<String>, &str), Malformed> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, behind) = field(rest, separator)?;
        if fields.len() == FIELDS_MAX {
            return Err(Malformed::TooMany);
        }
        fields.push(field);
        rest = match behind.as_bytes().first() {
            Some(byte) if *byte == separator => &behind[1..],
            _ => return Ok((fields, without_end(behind))),
        };
    }
}

/// The record of those fields, with commas, without a line end.
pub fn line(fields: &[String]) -> String {
    let mut line = String::new();
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        if field.contains(['"', ',', '\n', '\r']) {
            line.push('"');
            line += &field.replace('"', "\"\"");
            line.push('"');
        } else {
            line += field;
        }
    }
    line
}

/// The first field, and what follows it: a separator, a line end, or nothing.
fn field(text: &str, separator: u8) -> Result<(String, &str), Malformed> {
    if let Some(inside) = text.strip_prefix('"') {
        return quoted(inside, separator);
    }
    let ends = |byte: u8| byte == separator || byte == b'\n' || byte == b'"';
    let end = text.bytes().position(ends).unwrap_or(text.len());
    let (mut field, mut behind) = text.split_at(end);
    if behind.starts_with('"') {
        return Err(Malformed::Stray);
    }
    if behind.starts_with('\n') && field.ends_with('\r') {
        (field, behind) = text.split_at(end - 1);
    }
    Ok((field.to_owned(), behind))
}

fn quoted(inside: &str, separator: u8) -> Result<(String, &str), Malformed> {
    let (mut field, mut rest) = (String::new(), inside);
    loop {
        let (part, behind) = rest.split_once('"').ok_or(Malformed::Unclosed)?;
        field += part;
        match behind.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None if behind.is_empty()
                || behind.as_bytes()[0] == separator
                || without_end(behind).len() < behind.len() =>
            {
                return Ok((field, behind));
            }
            None => return Err(Malformed::Stray),
        }
    }
}

fn without_end(text: &str) -> &str {
    text.strip_prefix('\r').unwrap_or(text).strip_prefix('\n').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut text: &str, separator: u8) -> Result<Vec<Vec<String>>, Malformed> {
        let mut records = Vec::new();
        while !text.is_empty() {
            let (fields, rest) = record(text, separator)?;
            records.push(fields);
            text = rest;
        }
        Ok(records)
    }

    #[test]
    fn records_are_read_as_the_rfc_has_them() {
        let text = "a,\"b \"\"c\"\",\r\n d\", \r\n,\"\"\ne\r";
        let records = [vec!["a", "b \"c\",\r\n d", " "], vec!["", ""], vec!["e\r"]];
        let records = records.map(|fields| fields.into_iter().map(str::to_owned).collect());
        assert_eq!(all(text, b','), Ok(records.to_vec()));
        assert_eq!(all("ä;,\t\"ö\"\n", b'\t'), Ok(vec![vec!["ä;,".into(), "ö".into()]]));
        assert_eq!(record("", b','), Ok((vec![String::new()], "")));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for fields in [vec![""], vec!["a", ""], vec!["1,5", "a\nb", "\"", "c\r", " d "]] {
            let fields: Vec<String> = fields.into_iter().map(str::to_owned).collect();
            assert_eq!(record(&line(&fields), b','), Ok((fields, "")));
        }
        assert_eq!(line(&["a b".to_owned(), "\"".to_owned()]), "a b,\"\"\"\"");
    }

    #[test]
    fn what_is_no_csv_has_a_name() {
        for text in ["\"", "a,\"b", "\"a\"\""] {
            assert_eq!(record(text, b','), Err(Malformed::Unclosed), "{text}");
        }
        for text in ["a\"", "a\"b\",c", "\"a\"b", "\"a\" ,b", "\"a\"\rb"] {
            assert_eq!(record(text, b','), Err(Malformed::Stray), "{text}");
        }
        assert!(record(&",".repeat(FIELDS_MAX - 1), b',').is_ok());
        assert_eq!(record(&",".repeat(FIELDS_MAX), b','), Err(Malformed::TooMany));
    }
}
