//! Looks for a short round trip through cities, by local search from random beginnings.
//!
//! Arguments: the seed, how often to begin, and, if wanted, the cities, each as
//! `name,x,y` with whole coordinates; without any, 18 capitals of Europe, in kilometres.
//! Standard output: a line with the trip's length and its cities.
//!
//! Distances are Euclidean and rounded to the nearest whole number, so that lengths are
//! sums of whole numbers. A search ends where no move of the neighbourhood is shorter,
//! which need not be the shortest trip there is; other seeds end elsewhere.

mod cities;
mod search;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use cities::Cities;

const STARTS_MAX: u32 = 10_000;
const USAGE: &[u8] = b"usage: travelling-salesman SEED STARTS [NAME,X,Y]...: whole numbers, \
    SEED below 2^64, STARTS from 1 to 10000, X and Y below 1000000; no cities, or 4 to 100\n";

fn main() -> ExitCode {
    let Some((seed, starts, cities)) = read(env::args().skip(1)) else {
        // Nothing more can be said when even this cannot be.
        let _ = io::stderr().write_all(USAGE);
        return ExitCode::FAILURE;
    };
    let (length, tour) = search::best(seed, starts, &cities);
    let names: Vec<&str> = tour.iter().map(|city| cities.name(*city)).collect();
    let written = writeln!(io::stdout(), "{length} {}", names.join(" "));
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Option<(u64, u32, Cities)> {
    let seed = arguments.next()?.parse().ok()?;
    let starts = arguments.next()?.parse().ok()?;
    let given: Vec<String> = arguments.collect();
    let cities = if given.is_empty() { Cities::capitals() } else { Cities::read(&given) }?;
    (1..=STARTS_MAX).contains(&starts).then_some((seed, starts, cities))
}
