//! Results that are rows of a picture, in two forms of Netpbm: P4 has one bit a pixel,
//! set bits black, rows padded to whole bytes; P6 has a byte each of red, green and blue.
//!
//! Each result is as many whole rows as every other. So all results in order, behind a
//! header, are a file that viewers open.

use serde::Deserialize;

/// The widest and highest picture that is drawn, in pixels.
pub const SIDE_MAX: u32 = 8_192;

/// How pixels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Format {
    /// One bit each.
    #[serde(rename = "pbm-rows")]
    Bitmap,
    /// Three bytes each.
    #[serde(rename = "ppm-rows")]
    Pixmap,
}

impl Format {
    /// The ending of a file.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Bitmap => "pbm",
            Self::Pixmap => "ppm",
        }
    }
}

/// What the results of a job are drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// How pixels are written.
    pub format: Format,
    /// Pixels in a row.
    pub width: u32,
    /// Rows in all results.
    pub height: u32,
    /// Rows in each result.
    pub rows: u32,
}

impl Picture {
    /// A picture within the bounds, of so many results with so many rows each; `None`
    /// beyond the bounds.
    pub fn new(format: Format, width: u64, rows: u64, results: u64) -> Option<Self> {
        let side = |pixels: u64| u32::try_from(pixels).ok().filter(|p| (1..=SIDE_MAX).contains(p));
        let height = side(rows.checked_mul(results)?)?;
        Some(Self { format, width: side(width)?, height, rows: side(rows)? })
    }

    /// As it stands beside a job that the nebula keeps.
    pub fn about(self) -> String {
        let Self { format, width, height, rows } = self;
        format!("picture {width} {} {rows} {}", height / rows, format.ending())
    }

    /// The same read again; `None` where it is none. A bitmap whose results are a row each
    /// may stand there without the last two words.
    pub fn of_about(about: &str) -> Option<Self> {
        let mut words = about.strip_prefix("picture ")?.split(' ');
        let (width, results) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let rows = words.next().map_or(Some(1), |rows| rows.parse().ok())?;
        let format = match words.next() {
            None | Some("pbm") => Format::Bitmap,
            Some("ppm") => Format::Pixmap,
            Some(_) => return None,
        };
        Self::new(format, width, rows, results)
    }

    /// What stands before the rows in a file.
    pub fn header(self) -> Vec<u8> {
        let (number, depth) = match self.format {
            Format::Bitmap => (4, ""),
            Format::Pixmap => (6, "255\n"),
        };
        format!("P{number}\n{} {}\n{depth}", self.width, self.height).into_bytes()
    }

    /// Bytes in one row.
    pub fn row_bytes(self) -> usize {
        match self.format {
            Format::Bitmap => self.width.div_ceil(8) as usize,
            Format::Pixmap => self.width as usize * 3,
        }
    }

    /// The rows that a result has, as RGBA pixels: what is missing of the last stays
    /// transparent, and what is beyond a row's width or the result's rows is left out.
    pub fn pixels(self, result: &[u8]) -> Vec<u8> {
        let mut pixels = Vec::new();
        for row in result.chunks(self.row_bytes()).take(self.rows as usize) {
            for x in 0..self.width as usize {
                pixels.extend_from_slice(&self.pixel(row, x));
            }
        }
        pixels
    }

    fn pixel(self, row: &[u8], x: usize) -> [u8; 4] {
        match self.format {
            Format::Bitmap => match row.get(x / 8) {
                None => [0; 4],
                Some(byte) if byte >> (7 - x % 8) & 1 == 1 => [0, 0, 0, 255],
                Some(_) => [255; 4],
            },
            Format::Pixmap => match row.get(x * 3..x * 3 + 3) {
                Some(&[red, green, blue]) => [red, green, blue, 255],
                _ => [0; 4],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitmap(width: u64, height: u64) -> Picture {
        Picture::new(Format::Bitmap, width, 1, height).expect("small")
    }

    fn pixmap(width: u64, rows: u64, results: u64) -> Picture {
        Picture::new(Format::Pixmap, width, rows, results).expect("small")
    }

    #[test]
    fn what_stands_beside_a_job_is_the_same_picture() {
        for picture in [bitmap(200, 7), pixmap(640, 16, 30), pixmap(1, 1, 8_192)] {
            assert_eq!(Picture::of_about(&picture.about()), Some(picture));
        }
        assert_eq!(Picture::of_about("picture 200 7"), Some(bitmap(200, 7)));
        let none = ["", "picture", "picture 0 5", "picture 5", "picture 5 99999999"];
        let wrong = ["picture 5 5 0 ppm", "picture 5 5 x", "picture 5 5 1 png", "picture 5 2 -1"];
        for none in none.into_iter().chain(wrong) {
            assert_eq!(Picture::of_about(none), None, "{none}");
        }
    }

    #[test]
    fn a_picture_of_200_has_the_size_that_is_known() {
        let picture = bitmap(200, 200);
        assert_eq!(picture.header(), b"P4\n200 200\n");
        assert_eq!(picture.header().len() + picture.row_bytes() * 200, 5_011);
    }

    #[test]
    fn colours_have_a_header_of_their_own() {
        let picture = pixmap(640, 16, 30);
        assert_eq!(picture.header(), b"P6\n640 480\n255\n");
        assert_eq!((picture.row_bytes(), picture.format.ending()), (1_920, "ppm"));
    }

    #[test]
    fn bits_become_pixels() {
        let pixels = bitmap(10, 1).pixels(&[0b1000_0001, 0b0100_0000]);
        let black: Vec<usize> = (0..10).filter(|x| pixels[x * 4] == 0).collect();
        assert_eq!(black, [0, 7, 9]);
        assert_eq!(pixels.len(), 40);
    }

    #[test]
    fn colours_become_pixels_row_by_row() {
        let pixels = pixmap(2, 2, 1).pixels(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(pixels, [1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255]);
    }

    #[test]
    fn short_rows_end_transparent() {
        assert_eq!(bitmap(16, 1).pixels(&[0xff])[8 * 4..], [0; 32]);
        assert_eq!(pixmap(2, 2, 1).pixels(&[9; 4]), [9, 9, 9, 255, 0, 0, 0, 0]);
        assert!(pixmap(2, 2, 1).pixels(&[]).is_empty());
    }

    #[test]
    fn a_result_has_no_more_rows_than_it_may() {
        assert_eq!(bitmap(8, 2).pixels(&[0; 1_000]).len(), 8 * 4);
        assert_eq!(pixmap(2, 3, 2).pixels(&[0; 1_000]).len(), 3 * 2 * 4);
    }

    #[test]
    fn absurd_sizes_are_no_picture() {
        let wrong = [(0, 1, 1), (1, 0, 1), (1, 1, 0), (u64::MAX, 1, 1), (1, (1 << 63) + 1, 2)];
        for (width, rows, results) in wrong.into_iter().chain([(1, 4_097, 2), (8_193, 1, 1)]) {
            let picture = Picture::new(Format::Pixmap, width, rows, results);
            assert_eq!(picture, None, "{width} {rows} {results}");
        }
    }
}
