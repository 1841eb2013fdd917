//! A link or a code as a QR code: drawn as one SVG path, and read from a picture.
//!
//! Error correction is the least that the standard has, raised wherever the
//! drawing stays as small: on a screen nothing is torn or stained, and larger
//! squares are read more surely than repaired ones. Bounds: 2,953 bytes,
//! [`PICTURE_PX_MAX`] for a picture.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};
use rqrr::PreparedImage;

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

/// Pixels of a picture that is looked at, at most.
pub const PICTURE_PX_MAX: usize = 1 << 21;

/// The text of the first code in a picture that is one; its pixels come row by row, in
/// red, green, blue and opacity. `None` for a picture that has none, is too large or is
/// not as wide as it is said to be.
pub fn read(width: usize, pixels: &[u8]) -> Option<String> {
    let (pixels, rest) = pixels.as_chunks::<4>();
    let is_whole = width > 0 && rest.is_empty() && pixels.len().is_multiple_of(width);
    if !is_whole || pixels.is_empty() || pixels.len() > PICTURE_PX_MAX {
        return None;
    }
    // About how bright people see it (Rec. 601).
    let grey = |[red, green, blue, _]: [u8; 4]| {
        let sum = 2 * u16::from(red) + 5 * u16::from(green) + u16::from(blue);
        u8::try_from(sum / 8).unwrap_or(u8::MAX)
    };
    let height = pixels.len() / width;
    let mut picture =
        PreparedImage::prepare_from_greyscale(width, height, |x, y| grey(pixels[y * width + x]));
    let codes = picture.detect_grids();
    codes.iter().find_map(|code| code.decode().ok()).map(|(_, text)| text)
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

    /// A picture of a code, so many pixels a square, on a grey wall.
    fn photographed(text: &str, square: usize) -> (usize, Vec<u8>) {
        let code = QrCode::encode_text(text, QrCodeEcc::Low).expect("short enough");
        let quiet = usize::try_from(QUIET).expect("it is four");
        let side = usize::try_from(code.size()).expect("it has a size") + 2 * quiet;
        let width = side * square + 60;
        let mut pixels = Vec::new();
        for y in 0..width {
            for x in 0..width {
                let at = |place: usize| place.checked_sub(30).map(|place| place / square);
                let inside = at(x).zip(at(y)).filter(|(x, y)| *x < side && *y < side);
                let module = |place: usize| i32::try_from(place).expect("few") - QUIET;
                let grey = match inside {
                    Some((x, y)) if code.get_module(module(x), module(y)) => 40,
                    Some(_) => 220,
                    None => 128,
                };
                pixels.extend([grey, grey, grey, 255]);
            }
        }
        (width, pixels)
    }

    #[test]
    fn what_is_drawn_is_read() {
        let long: String = ("aB3-_xYz".chars()).cycle().take(1_000).collect();
        for text in ["https://example.org/#join=abc", &long] {
            let (width, pixels) = photographed(text, 4);
            assert_eq!(read(width, &pixels).as_deref(), Some(text));
        }
    }

    #[test]
    fn pictures_of_nothing_and_of_no_size_have_no_code() {
        assert_eq!(read(64, &[128; 64 * 64 * 4]), None);
        for (width, bytes) in [(0, 0), (0, 16), (3, 16), (4, 15), (1, 4 * PICTURE_PX_MAX + 4)] {
            assert_eq!(read(width, &vec![0; bytes]), None, "{width}, {bytes}");
        }
        let (width, pixels) = photographed("torn", 4);
        assert_eq!(read(width, &pixels[..pixels.len() / 2 / width * width]), None);
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        assert_eq!(draw(&"x".repeat(3_000)), None);
    }
}
