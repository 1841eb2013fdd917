//! A link as a QR code, drawn as one SVG path.

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

/// Squares left free on every side, as the standard asks.
const QUIET: i32 = 4;

/// Draws a text; `None` where it is too long for any QR code (2,953 bytes).
pub fn draw(text: &str) -> Option<Drawing> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let side = code.size();
    let rows = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    let mut path = String::new();
    for (x, y) in rows.filter(|&(x, y)| code.get_module(x, y)) {
        let (x, y) = (x + QUIET, y + QUIET);
        write!(path, "M{x} {y}h1v1h-1z").expect("a string takes all text");
    }
    Some(Drawing { size: side + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners() {
        let drawing = draw("https://example.org/#join=abc").expect("short enough");
        let far = drawing.size - QUIET - 7;
        for corner in [(QUIET, QUIET), (far, QUIET), (QUIET, far)] {
            let square = format!("M{} {}h1v1h-1z", corner.0, corner.1);
            assert!(drawing.path.contains(&square), "{corner:?}");
        }
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        assert_eq!(draw(&"x".repeat(3_000)), None);
    }
}
