//! Results that are rows of a bitmap: the P4 form of the Netpbm format, one
//! bit a pixel, set bits black, rows padded to whole bytes.

/// The widest and highest picture that is drawn, in pixels.
pub const SIDE_MAX: u32 = 8_192;

/// The size of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Picture {
    /// A picture within the bounds; `None` beyond them.
    pub fn new(width: u64, height: u64) -> Option<Self> {
        let side = |pixels: u64| u32::try_from(pixels).ok().filter(|p| (1..=SIDE_MAX).contains(p));
        Some(Self { width: side(width)?, height: side(height)? })
    }

    /// As it stands beside a job that the nebula keeps.
    pub fn about(self) -> String {
        format!("picture {} {}", self.width, self.height)
    }

    /// The same read again; `None` where it is none.
    pub fn of_about(about: &str) -> Option<Self> {
        let (width, height) = about.strip_prefix("picture ")?.split_once(' ')?;
        Self::new(width.parse().ok()?, height.parse().ok()?)
    }

    /// What stands before the rows in a file.
    pub fn header(self) -> Vec<u8> {
        format!("P4\n{} {}\n", self.width, self.height).into_bytes()
    }

    /// Bytes in one row.
    pub fn row_bytes(self) -> usize {
        self.width.div_ceil(8) as usize
    }

    /// One row as RGBA pixels, black on white; bits that are missing stay
    /// transparent, and those beyond the width are left out.
    pub fn row_pixels(self, row: &[u8]) -> Vec<u8> {
        let mut pixels = Vec::with_capacity(self.width as usize * 4);
        for x in 0..self.width as usize {
            let colour = match row.get(x / 8) {
                None => [0; 4],
                Some(byte) if byte >> (7 - x % 8) & 1 == 1 => [0, 0, 0, 255],
                Some(_) => [255; 4],
            };
            pixels.extend_from_slice(&colour);
        }
        pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_job_is_the_same_picture() {
        let picture = Picture::new(200, 7).expect("small");
        assert_eq!(Picture::of_about(&picture.about()), Some(picture));
        for none in ["", "picture", "picture 0 5", "picture 5", "picture 5 99999999"] {
            assert_eq!(Picture::of_about(none), None, "{none}");
        }
    }

    #[test]
    fn a_picture_of_200_has_the_size_that_is_known() {
        let picture = Picture::new(200, 200).expect("small");
        assert_eq!(picture.header(), b"P4\n200 200\n");
        assert_eq!(picture.header().len() + picture.row_bytes() * 200, 5_011);
    }

    #[test]
    fn bits_become_pixels() {
        let picture = Picture::new(10, 1).expect("small");
        let pixels = picture.row_pixels(&[0b1000_0001, 0b0100_0000]);
        let black: Vec<usize> = (0..10).filter(|x| pixels[x * 4] == 0).collect();
        assert_eq!(black, [0, 7, 9]);
        assert_eq!(pixels.len(), 40);
    }

    #[test]
    fn short_rows_end_transparent() {
        let picture = Picture::new(16, 1).expect("small");
        assert_eq!(picture.row_pixels(&[0xff])[8 * 4..][..4], [0; 4]);
    }

    #[test]
    fn absurd_sizes_are_no_picture() {
        assert_eq!(Picture::new(0, 1), None);
        assert_eq!(Picture::new(u64::MAX, 1), None);
    }
}
