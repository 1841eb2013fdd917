//! Figures as people read them: units always, few digits, thousands apart.

/// A count with thousands apart: `12,345`.
pub fn count(number: u64) -> String {
    apart(&number.to_string())
}

/// A decimal number with the thousands of its whole part apart: `-12,345.5`.
pub fn apart(number: &str) -> String {
    let (sign, digits) = number.split_at(usize::from(number.starts_with('-')));
    let (digits, part) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    [sign, &text, part].concat()
}

/// A count with its noun, which takes an `s` unless there is one: `3 tasks`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// Bytes in binary units, with one decimal below ten: `4.9 KiB`.
pub fn bytes(number: u64) -> String {
    scaled(number, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"])
}

/// A part of so many bytes, the unit once where both have it: `310 of 900 MiB`.
pub fn part(part: u64, whole: u64) -> String {
    let (part, whole) = (bytes(part), bytes(whole));
    match (part.split_once(' '), whole.split_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number} of {whole}"),
        _ => format!("{part} of {whole}"),
    }
}

/// Fuel in decimal units: `2.1 G`.
pub fn fuel(units: u64) -> String {
    scaled(units, 1000.0, &["", "k", "M", "G", "T", "P", "E"]).trim_end().to_owned()
}

/// A length of time: `820 ms`, `4.2 s`, `2 min 05 s`, `1 h 20 min`.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..10_000 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600_000..86_400_000 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// How long ago, in words that do not change every second: `just now`, `4 min ago`.
pub fn ago(milliseconds: u64) -> String {
    let minutes = milliseconds / 60_000;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1440 => format!("{} h ago", minutes / 60),
        _ => format!("{} d ago", minutes / 1440),
    }
}

/// Tasks a second, with as many digits as mean something: `0.42/s`, `12.3/s`.
pub fn rate(per_second: f64) -> String {
    match per_second {
        rate if rate < 1.0 => format!("{rate:.2}/s"),
        rate if rate < 100.0 => format!("{rate:.1}/s"),
        rate => format!("{rate:.0}/s"),
    }
}

/// The first and last characters of an id, enough to tell two apart.
pub fn short_id(id: &str) -> String {
    let characters: Vec<char> = id.chars().collect();
    if characters.len() <= SHORT_ID_CHARS_MAX {
        return id.to_owned();
    }
    let tail: String = characters[characters.len() - 6..].iter().collect();
    let head: String = characters[..4].iter().collect();
    format!("{head}…{tail}")
}

/// A share of a whole, from 0 to 100; nothing of nothing is 0.
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * (part.min(whole) as f64) / whole as f64 }
}

/// Ids up to this length are shown whole.
const SHORT_ID_CHARS_MAX: usize = 12;

fn scaled(number: u64, step: f64, units: &[&str]) -> String {
    let mut value = number as f64;
    let mut unit = 0;
    while value >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && value < 10.0);
    format!("{value:.decimals$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
        assert_eq!(
            ["-123", "-1234.56789", "0.1234"].map(apart),
            ["-123", "-1,234.56789", "0.1234"]
        );
        assert_eq!(counted(1, "ion"), "1 ion");
        assert_eq!(counted(2, "ion"), "2 ions");
    }

    #[test]
    fn sizes_and_fuel_have_units() {
        assert_eq!(bytes(5_011), "4.9 KiB");
        assert_eq!(bytes(12), "12 B");
        assert_eq!(bytes(64 << 20), "64 MiB");
        assert_eq!(part(310 << 20, 900 << 20), "310 of 900 MiB");
        assert_eq!(part(12, 64 << 20), "12 B of 64 MiB");
        assert_eq!(fuel(2_100_000_000), "2.1 G");
        assert_eq!(fuel(7), "7");
    }

    #[test]
    fn times_grow_coarser_with_length() {
        assert_eq!(duration(820), "820 ms");
        assert_eq!(duration(4_250), "4.2 s");
        assert_eq!(duration(125_000), "2 min 05 s");
        assert_eq!(duration(4_800_000), "1 h 20 min");
        assert_eq!(ago(3_000), "just now");
        assert_eq!(ago(240_000), "4 min ago");
    }

    #[test]
    fn ids_are_shortened_at_both_ends() {
        assert_eq!(short_id("12D3KooWAbCdEf"), "12D3…AbCdEf");
        assert_eq!(short_id("short"), "short");
    }

    #[test]
    fn shares_of_nothing_are_nothing() {
        assert!(percent(0, 0).abs() < f64::EPSILON);
        assert!((percent(1, 4) - 25.0).abs() < f64::EPSILON);
    }
}
