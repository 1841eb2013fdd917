//! What whole jobs of examples answer, against what is known of their answers.

use spark_runtime::{Limits, Module};

use super::{file, load};
use crate::guests::{command, run_module, still};

/// What a command writes that succeeds.
fn output(module: &Module, arguments: &[&str]) -> Vec<u8> {
    let report = run_module(module, &command(arguments, ""), &Limits::default(), still);
    assert_eq!(report.stop, None, "{arguments:?}");
    report.stdout
}

/// The same as text.
fn text(module: &Module, arguments: &[&str]) -> String {
    String::from_utf8(output(module, arguments)).expect("it writes text")
}

#[test]
fn the_points_inside_are_as_many_whatever_the_split() {
    let module = load("monte-carlo");
    let sum = |chunks: u32, points: &str| -> u32 {
        let count = |chunk: u32| text(&module, &[&chunk.to_string(), points, "1"]);
        (0..chunks).map(|chunk| count(chunk).trim_end().parse::<u32>().expect("a count")).sum()
    };
    assert_eq!(sum(10, "1000"), 7_869);
    assert_eq!(sum(100, "100"), 7_869);
    assert_eq!(sum(1, "10000"), 7_869);
}

#[test]
fn the_tiles_are_one_picture_however_it_is_cut() {
    let module = load("ray-tracer");
    for rows in [1, 16, 48] {
        let tiles = (0..48 / rows).map(|tile: u32| {
            let tile = output(&module, &[&tile.to_string(), "64", &rows.to_string()]);
            assert_eq!(tile.len(), 64 * 3 * rows as usize);
            tile
        });
        let picture = [b"P6\n64 48\n255\n".to_vec(), tiles.flatten().collect()].concat();
        assert!(picture == file("ray-tracer/expected.ppm"), "with tiles of {rows}");
    }
}

#[test]
fn the_best_trip_of_all_seeds_is_the_shortest_there_is() {
    let capitals = String::from_utf8(file("travelling-salesman/src/capitals.txt")).unwrap();
    let cities: Vec<(&str, i32, i32)> = capitals.lines().map(city).collect();
    let module = load("travelling-salesman");
    let lengths = (0..100).map(|seed: u32| {
        let line = text(&module, &[&seed.to_string(), "1"]);
        let (length, names) = line.trim_end().split_once(' ').expect("a length and a trip");
        let trip: Vec<&str> = names.split(' ').collect();
        let is_visited = |city: &(&str, i32, i32)| trip.contains(&city.0);
        assert!(trip.len() == cities.len() && cities.iter().all(is_visited), "{line}");
        assert_eq!(length.parse(), Ok(trip_length(&cities, &trip)), "{line}");
        trip_length(&cities, &trip)
    });
    let lengths: Vec<u32> = lengths.collect();
    let shortest = shortest_trip(&cities);
    assert_eq!(lengths.iter().min(), Some(&shortest));
    assert_eq!(lengths.iter().filter(|length| **length > shortest).count(), 10);
}

fn city(line: &str) -> (&str, i32, i32) {
    let (name, place) = line.split_once(',').expect("a name and a place");
    let (x, y) = place.split_once(',').expect("two coordinates");
    (name, x.parse().expect("a number"), y.parse().expect("a number"))
}

fn trip_length(cities: &[(&str, i32, i32)], trip: &[&str]) -> u32 {
    let place = |name: &str| cities.iter().find(|city| city.0 == name).expect("it is a city");
    let next = trip.iter().cycle().skip(1);
    trip.iter().zip(next).map(|(from, to)| distance(place(from), place(to))).sum()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole")]
fn distance(from: &(&str, i32, i32), to: &(&str, i32, i32)) -> u32 {
    f64::from(from.1 - to.1).hypot(f64::from(from.2 - to.2)).round() as u32
}

/// The length of the shortest round trip, by dynamic programming over all sets of cities
/// (Held and Karp, 1962).
fn shortest_trip(cities: &[(&str, i32, i32)]) -> u32 {
    let (home, others) = cities.split_last().expect("there are cities");
    let count = others.len();
    // Of each set, the shortest way from home through all of it to each of its cities.
    let mut ways = vec![u32::MAX; count << count];
    for (at, city) in others.iter().enumerate() {
        ways[count * (1 << at) + at] = distance(home, city);
    }
    let between: Vec<Vec<u32>> =
        others.iter().map(|from| others.iter().map(|to| distance(from, to)).collect()).collect();
    for set in 1..1_usize << count {
        for last in (0..count).filter(|last| set >> last & 1 == 1) {
            let way = ways[count * set + last];
            for next in (0..count).filter(|next| set >> next & 1 == 0) {
                let longer = &mut ways[count * (set | 1 << next) + next];
                *longer = (*longer).min(way + between[last][next]);
            }
        }
    }
    let all = &ways[count * ((1 << count) - 1)..];
    all.iter().zip(others).map(|(way, city)| way + distance(city, home)).min().expect("some")
}
