//! Counts how many of a chunk's random points lie in a quarter of a disc.
//!
//! Arguments: the chunk, the points of each chunk, and the seed. Standard output: the
//! count, on a line. Of all points of the unit square a share of π/4 lies inside, so
//! that four times the sum of all counts, divided by the number of points, is near π.
//!
//! A point is computed from its index and the seed alone, by one step of `SplitMix64`
//! (Steele, Lea and Flood, 2014), which makes it a generator that counts. So it does not
//! matter who draws a point, nor in which chunk: the sum is the same whatever the split.
//! Counts are whole numbers, whose sum does not depend on its order as that of floats does.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

const POINTS_MAX: u64 = 1_000_000_000;
const USAGE: &[u8] = b"usage: monte-carlo CHUNK POINTS SEED: whole numbers, CHUNK below 2^32, \
    POINTS from 1 to 1000000000, SEED below 2^64\n";

/// What the steps of `SplitMix64` are apart: 2^64 divided by the golden ratio, made odd.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn main() -> ExitCode {
    let Some((chunk, points, seed)) = read(env::args().skip(1)) else {
        // Nothing more can be said when even this cannot be.
        let _ = io::stderr().write_all(USAGE);
        return ExitCode::FAILURE;
    };
    let written = writeln!(io::stdout(), "{}", hits(chunk, points, seed));
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Option<(u32, u64, u64)> {
    let chunk = arguments.next()?.parse().ok()?;
    let points = arguments.next()?.parse().ok()?;
    let seed = arguments.next()?.parse().ok()?;
    let is_right = (1..=POINTS_MAX).contains(&points) && arguments.next().is_none();
    is_right.then_some((chunk, points, seed))
}

/// How many of a chunk's points are inside.
fn hits(chunk: u32, points: u64, seed: u64) -> u64 {
    // Seeds that are close to each other are to have nothing in common.
    let origin = mixed(seed);
    // Less than 2^62: a chunk's number has 32 bits, and a chunk less than 2^30 points.
    let first = u64::from(chunk) * points;
    let indices = first..first + points;
    let is_hit = |index: &u64| is_inside(mixed(origin.wrapping_add(index.wrapping_mul(STEP))));
    indices.filter(is_hit).count() as u64
}

/// Two coordinates of 31 bits each from the upper half and the lower, so that the
/// squares of both fit into 64 bits.
fn is_inside(random: u64) -> bool {
    let (x, y) = (random >> 33, random >> 1 & 0x7fff_ffff);
    x * x + y * y < 1 << 62
}

/// What `SplitMix64` makes of its state.
fn mixed(state: u64) -> u64 {
    let state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}
