//! As much of JSON (RFC 8259) as a calculator needs: every text is read, but
//! what is not a whole number or an object is only told apart.

/// How deep arrays and objects may nest.
const DEPTH_MAX: usize = 64;

/// A JSON value.
pub enum Value {
    /// A number without fraction or exponent that fits.
    Integer(i64),
    /// Names and values, in the order they came.
    Object(Vec<(String, Value)>),
    /// Anything else.
    Other,
}

/// Reads a text that is one JSON value; `None` when it is not.
pub fn parse(text: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(text).ok()?.as_bytes();
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    (reader.at == text.len()).then_some(value)
}

/// `{"name": number}` and a new line.
pub fn object(name: &str, number: i64) -> String {
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    loop {
        digits.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push(b'-');
    }
    let number: String = digits.iter().rev().map(|digit| char::from(*digit)).collect();
    ["{\"", name, "\": ", &number, "}\n"].concat()
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// A value and the white space around it.
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.space();
        let value = match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(|_| Value::Other),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }?;
        self.space();
        Some(value)
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut members = Vec::new();
        self.take(b'{')?;
        self.space();
        if self.take(b'}').is_some() {
            return Some(Value::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.take(b':')?;
            members.push((name, self.value(depth + 1)?));
            if self.take(b',').is_none() {
                self.take(b'}')?;
                return Some(Value::Object(members));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.take(b'[')?;
        self.space();
        if self.take(b']').is_some() {
            return Some(Value::Other);
        }
        loop {
            self.value(depth + 1)?;
            if self.take(b',').is_none() {
                self.take(b']')?;
                return Some(Value::Other);
            }
        }
    }

    /// A string. Escapes are checked, and kept as they stand but for those of ASCII.
    fn string(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut bytes = Vec::new();
        loop {
            let byte = self.next()?;
            match byte {
                b'"' => return String::from_utf8(bytes).ok(),
                b'\\' => self.escape(&mut bytes)?,
                0..0x20 => return None,
                byte => bytes.push(byte),
            }
        }
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        let escaped = self.next()?;
        match escaped {
            b'"' | b'\\' | b'/' => bytes.push(escaped),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4)?;
                self.at += 4;
                let text = std::str::from_utf8(digits).ok()?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                match u32::from_str_radix(text, 16).ok()? {
                    code @ 0..0x80 => bytes.push(code as u8),
                    _ => bytes.extend([b"\\u", digits].concat()),
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        let _ = self.take(b'-');
        let first = self.at;
        let digits = self.digits()?;
        if digits > 1 && self.text[first] == b'0' {
            return None;
        }
        let mut is_integer = true;
        if self.take(b'.').is_some() {
            is_integer = false;
            self.digits()?;
        }
        if self.take(b'e').or_else(|| self.take(b'E')).is_some() {
            is_integer = false;
            let _ = self.take(b'+').or_else(|| self.take(b'-'));
            self.digits()?;
        }
        let text = std::str::from_utf8(&self.text[start..self.at]).ok()?;
        Some(text.parse().ok().filter(|_| is_integer).map_or(Value::Other, Value::Integer))
    }

    /// At least one digit; returns how many.
    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(self.at - start)
    }

    fn word(&mut self, word: &[u8]) -> Option<Value> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())?;
        Some(Value::Other)
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}
