//! One tile of a ray-traced picture: spheres on a chequered floor.
//!
//! Arguments: the tile, the picture's width in pixels, and the rows of each tile. A tile
//! is as wide as the picture, whose height is three quarters of its width. Standard output:
//! the tile's pixels row by row, three bytes each, red, green and blue. The tiles one after
//! the other, behind the header `P6\n<width> <height>\n255\n`, are a PPM file.
//!
//! The picture is the same to the bit on every engine: of floats it uses only what IEEE 754
//! rounds in one way, which are the four operations, the square root, and rounding down.

mod scene;
mod trace;
mod vector;

use std::{
    env,
    io::{self, Write},
    ops::Range,
    process::ExitCode,
};

const WIDTH_MAX: u32 = 8_192;
/// A tile of that size has 768 KiB, and the output of a task at most a MiB.
const PIXELS_MAX: u32 = 1 << 18;
const USAGE: &[u8] = b"usage: ray-tracer TILE WIDTH ROWS: whole numbers, WIDTH a multiple of 4 up \
    to 8192, ROWS a divisor of the height, which is three quarters of WIDTH, TILE less than their \
    quotient, and WIDTH times ROWS at most 262144\n";

/// A part of a picture.
struct Tile {
    width: u32,
    height: u32,
    rows: Range<u32>,
}

fn main() -> ExitCode {
    let Some(tile) = read(env::args().skip(1)) else {
        // Nothing more can be said when even this cannot be.
        let _ = io::stderr().write_all(USAGE);
        return ExitCode::FAILURE;
    };
    if io::stdout().write_all(&pixels(tile)).is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Option<Tile> {
    let tile: u32 = arguments.next()?.parse().ok()?;
    let width: u32 = arguments.next()?.parse().ok()?;
    let rows: u32 = arguments.next()?.parse().ok()?;
    let height = width / 4 * 3;
    let is_right = (4..=WIDTH_MAX).contains(&width) && width.is_multiple_of(4);
    let is_cut = (1..=height).contains(&rows) && height.is_multiple_of(rows);
    let is_there = is_right && is_cut && width * rows <= PIXELS_MAX && tile < height / rows;
    (is_there && arguments.next().is_none()).then(|| Tile {
        width,
        height,
        rows: tile * rows..(tile + 1) * rows,
    })
}

fn pixels(Tile { width, height, rows }: Tile) -> Vec<u8> {
    let places = rows.flat_map(|row| (0..width).map(move |column| (column, row)));
    places.flat_map(|(column, row)| trace::pixel(column, row, width, height)).collect()
}
