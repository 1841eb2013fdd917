//! One row of the Mandelbrot set as a packed bitmap.
//!
//! Arguments: the row, the picture's size in pixels, and, if wanted, the number
//! of iterations (50). Standard output: exactly `(size + 7) / 8` bytes, a set
//! bit for each point that stayed inside. The rows of a picture one after the
//! other, behind the header `P4\n<size> <size>\n`, are a PBM file.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

const SIZE_MAX: u32 = 65_536;
const ITERATIONS_MAX: u32 = 1_000_000;
const USAGE: &[u8] =
    b"usage: mandelbrot ROW SIZE [ITERATIONS]: whole numbers, ROW less than SIZE, \
    SIZE from 1 to 65536, ITERATIONS from 1 to 1000000\n";

fn main() -> ExitCode {
    let written = match read(env::args().skip(1)) {
        Some((row, size, iterations)) => io::stdout().write_all(&pixels(row, size, iterations)),
        None => {
            // Nothing more can be said when even this cannot be.
            let _ = io::stderr().write_all(USAGE);
            return ExitCode::FAILURE;
        }
    };
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Option<(u32, u32, u32)> {
    let row = arguments.next()?.parse().ok()?;
    let size = arguments.next()?.parse().ok()?;
    let iterations = arguments.next().map_or(Some(50), |text| text.parse().ok())?;
    let is_right = row < size && size <= SIZE_MAX && (1..=ITERATIONS_MAX).contains(&iterations);
    (is_right && arguments.next().is_none()).then_some((row, size, iterations))
}

fn pixels(row: u32, size: u32, iterations: u32) -> Vec<u8> {
    let scale = 2.0 / f64::from(size);
    let imaginary = f64::from(row) * scale - 1.0;
    let mut bytes = vec![0; size.div_ceil(8) as usize];
    for column in 0..size {
        let real = f64::from(column) * scale - 1.5;
        if stays(real, imaginary, iterations) {
            bytes[column as usize / 8] |= 0x80 >> (column % 8);
        }
    }
    bytes
}

/// Whether `z ← z² + c` stays within a distance of 2 for all iterations. The
/// order of the operations is the benchmarks game's, so that every bit agrees.
fn stays(real: f64, imaginary: f64, iterations: u32) -> bool {
    let (mut x, mut y, mut x2, mut y2) = (0.0, 0.0, 0.0, 0.0);
    for _ in 0..iterations {
        if x2 + y2 > 4.0 {
            return false;
        }
        y = 2.0 * x * y + imaginary;
        x = x2 - y2 + real;
        x2 = x * x;
        y2 = y * y;
    }
    x2 + y2 <= 4.0
}
