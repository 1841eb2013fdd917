//! Decimal numbers, added without loss: the sum is the same on every ion.
//!
//! A number has some 38 digits at most, those behind the point included: what fits in 127
//! bits. What has more, or would have as a sum, is refused rather than rounded.

use std::{
    cmp::Ordering,
    fmt::{self, Display, Formatter},
};

/// Digits of a number, those behind the point included.
pub const DIGITS_MAX: u32 = 38;

/// A decimal number: a whole number of units, of which ten to the power of `places`
/// make one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal {
    units: i128,
    places: u32,
}

impl Decimal {
    /// One.
    pub const ONE: Self = Self { units: 1, places: 0 };

    /// Reads a number such as `-12`, `+0.5`, `.5` or `1.5e-7`; `None` where it is none, or
    /// too long.
    pub fn read(text: &str) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            None => (text, 0),
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        };
        let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && part.is_empty() {
            return None;
        }
        let part = part.trim_end_matches('0');
        let mut units = 0_i128;
        for byte in whole.bytes().chain(part.bytes()) {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
            units = units.checked_mul(10)?.checked_add(digit.into())?;
        }
        let units = if number.starts_with('-') { -units } else { units };
        let places = i32::try_from(part.len()).ok()?.checked_sub(exponent)?;
        Self { units, places: 0 }.moved(places)
    }

    /// Both together; `None` where that has too many digits.
    pub fn plus(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places);
        let units = self.units_of(places)?.checked_add(other.units_of(places)?)?;
        Self { units, places: 0 }.moved(i32::try_from(places).ok()?)
    }

    /// The whole part, as far as it is positive: how long a bar is.
    pub fn positive(self) -> u64 {
        let whole = power(self.places).map_or(0, |power| self.units / power);
        u64::try_from(whole.max(0)).unwrap_or(u64::MAX)
    }

    /// With the point so many places further left, without zeros at the end.
    fn moved(mut self, places: i32) -> Option<Self> {
        if self.units == 0 {
            return Some(Self::default());
        }
        let mut places = places;
        while places > 0 && self.units % 10 == 0 {
            (self.units, places) = (self.units / 10, places - 1);
        }
        if places < 0 {
            self.units = self.units.checked_mul(power(places.unsigned_abs())?)?;
        }
        self.places = u32::try_from(places.max(0)).ok()?;
        (self.places <= DIGITS_MAX).then_some(self)
    }

    fn units_of(self, places: u32) -> Option<i128> {
        self.units.checked_mul(power(places - self.places)?)
    }
}

/// Ten to that power.
fn power(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By whole parts first: to the same number of places not all can be brought.
impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.places == other.places {
            return self.units.cmp(&other.units);
        }
        let whole = |one: &Self| power(one.places).map_or(0, |power| one.units.div_euclid(power));
        // Below one, each of them can.
        let part = |one: &Self| {
            let part = power(one.places).map_or(0, |power| one.units.rem_euclid(power));
            Self { units: part, places: one.places }.units_of(DIGITS_MAX)
        };
        whole(self).cmp(&whole(other)).then_with(|| part(self).cmp(&part(other)))
    }
}

impl Display for Decimal {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let digits = self.units.unsigned_abs().to_string();
        let places = self.places as usize;
        if self.units < 0 {
            out.write_str("-")?;
        }
        let zeros = "0".repeat((places + 1).saturating_sub(digits.len()));
        let digits = zeros + &digits;
        let (whole, part) = digits.split_at(digits.len() - places);
        out.write_str(whole)?;
        if part.is_empty() {
            return Ok(());
        }
        out.write_str(".")?;
        out.write_str(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Decimal {
        Decimal::read(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn numbers_are_read_and_shown_without_zeros_that_say_nothing() {
        let cases = [
            ("0", "0"),
            ("-0", "0"),
            ("+7", "7"),
            ("007", "7"),
            ("1.50", "1.5"),
            ("-0.05", "-0.05"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1.5e3", "1500"),
            ("1500E-4", "0.15"),
            ("-1e-7", "-0.0000001"),
            ("0e999", "0"),
            ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
        ];
        for (text, shown) in cases {
            assert_eq!(read(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_long_is_none() {
        let none = [
            "",
            "-",
            ".",
            "+-1",
            "1,5",
            "0x8",
            "1e",
            "1e1.5",
            "inf",
            "NaN",
            "é",
            "1 2",
            "1.2.3",
            "1e39",
            "1e-39",
            "1e2147483648",
            "1e-2147483648",
            "0.1e-2147483647",
        ];
        for text in none {
            assert_eq!(Decimal::read(text), None, "{text}");
        }
        assert_eq!(Decimal::read(&"9".repeat(39)), None);
    }

    #[test]
    fn sums_are_exact() {
        let sum = |numbers: &[&str]| {
            numbers.iter().try_fold(Decimal::default(), |sum, text| sum.plus(read(text)))
        };
        assert_eq!(sum(&["0.1", "0.2"]), Some(read("0.3")));
        assert_eq!(sum(&["9007199254740993", "1"]), Some(read("9007199254740994")));
        assert_eq!(sum(&["0.5", "-0.5", "1e-20"]), Some(read("1e-20")));
        assert_eq!(sum(&["0.75", "0.25"]).map(|one| one.to_string()), Some("1".to_owned()));
        assert_eq!(sum(&["1e38", "1e38"]), None);
        assert_eq!(sum(&["1e30", "1e-30"]), None);
    }

    #[test]
    fn they_are_in_order_even_where_they_cannot_be_added() {
        let ascending = [
            "-1e38", "-2", "-1.5", "-1e-38", "0", "1e-38", "0.1", "0.2", "1", "1.01", "10", "1e38",
        ];
        for (at, one) in ascending.iter().enumerate() {
            for (place, other) in ascending.iter().enumerate() {
                assert_eq!(read(one).cmp(&read(other)), at.cmp(&place), "{one} {other}");
            }
        }
        assert_eq!(
            ["-3", "0.9", "12.5", "1e38"].map(|one| read(one).positive()),
            [0, 0, 12, u64::MAX]
        );
    }
}
