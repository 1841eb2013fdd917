//! A link or a code as a QR code, drawn as one SVG path.
//!
//! Error correction is the least that the standard has, raised wherever the
//! drawing stays as small: on a screen nothing is torn or stained, and larger
//! squares are read more surely than repaired ones. Bounds: 2,953 bytes.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

/// A code to draw: dark squares of one unit, in a field with the quiet zone
/// that scanners need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Width and height, in squares, quiet zone included.
    pub size: i32,
    /// The `d` of an SVG path that fills the dark squares.
    pub path: String,
}

/// Width of a square that cameras read at arm's length, in CSS pixels.
pub const SQUARE_PX_MIN: i32 = 3;

impl Drawing {
    /// The width and height to draw at, in CSS pixels: whole squares, and no
    /// less than `at_least`.
    pub fn side_px(&self, at_least: i32) -> i32 {
        let square = SQUARE_PX_MIN.max((at_least + self.size - 1) / self.size);
        square * self.size
    }
}

/// Squares left free on every side, as the standard asks.
const QUIET: i32 = 4;

/// Draws a text; `None` where it is too long for any QR code (2,953 bytes).
pub fn draw(text: &str) -> Option<Drawing> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let side = code.size();
    let mut path = String::new();
    for y in 0..side {
        draw_row(&code, y, &mut path);
    }
    Some(Drawing { size: side + 2 * QUIET, path })
}

/// Each run of dark squares becomes one rectangle.
fn draw_row(code: &QrCode, y: i32, path: &mut String) {
    let mut x = 0;
    while x < code.size() {
        let length = (x..code.size()).take_while(|&x| code.get_module(x, y)).count();
        let length = i32::try_from(length).expect("a row has at most 177 squares");
        if length > 0 {
            let (x, y) = (x + QUIET, y + QUIET);
            write!(path, "M{x} {y}h{length}v1h-{length}z").expect("a string takes all text");
        }
        x += length + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners() {
        let drawing = draw("https://example.org/#join=abc").expect("short enough");
        let far = drawing.size - QUIET - 7;
        for corner in [(QUIET, QUIET), (far, QUIET), (QUIET, far)] {
            let edge = format!("M{} {}h7v1h-7z", corner.0, corner.1);
            assert!(drawing.path.contains(&edge), "{corner:?}");
        }
    }

    #[test]
    fn a_pairing_code_is_drawn_so_that_a_phone_shows_and_reads_it() {
        // The widest that a phone of 390 pixels has room for, and the longest code.
        let code: String = ("aB3-_xYz".chars()).cycle().take(1_000).collect();
        let drawing = draw(&code).expect("short enough");
        assert!(drawing.side_px(0) <= 340, "{} squares", drawing.size);
        assert_eq!(drawing.side_px(0), SQUARE_PX_MIN * drawing.size);
        let short = draw("https://example.org/#join=abc").expect("short enough");
        assert!((256..300).contains(&short.side_px(256)), "{}", short.side_px(256));
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        assert_eq!(draw(&"x".repeat(3_000)), None);
    }
}
