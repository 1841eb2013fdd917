//! Local search: a random trip, and changes of it for as long as one makes it shorter.

use crate::cities::Cities;

/// A segment that Or-opt moves has at most so many cities.
const SEGMENT_MAX: usize = 3;

/// The shortest trip of so many searches, with its length. It begins with the first city,
/// in the direction in which the second of its neighbours comes last.
pub fn best(seed: u64, starts: u32, cities: &Cities) -> (u64, Vec<usize>) {
    let mut random = Random(seed);
    let searches = (0..starts).map(|_| search(&mut random, cities));
    let (length, mut tour) = searches.min().expect("there is a search at least");
    let first = tour.iter().position(|city| *city == 0).expect("a trip has every city");
    tour.rotate_left(first);
    if tour[1] > tour[tour.len() - 1] {
        tour[1..].reverse();
    }
    (length, tour)
}

fn search(random: &mut Random, cities: &Cities) -> (u64, Vec<usize>) {
    let mut trip = Trip { tour: random.order(cities.count()), cities };
    while trip.reverse_segments() | trip.exchange_segments() {}
    (trip.length(), trip.tour)
}

/// A round trip: behind the last city comes the first.
struct Trip<'a> {
    tour: Vec<usize>,
    cities: &'a Cities,
}

impl Trip<'_> {
    fn length(&self) -> u64 {
        (0..self.tour.len()).map(|at| self.leg(at, at + 1)).sum()
    }

    /// From the city at one place to that at another.
    fn leg(&self, from: usize, to: usize) -> u64 {
        let count = self.tour.len();
        self.cities.distance(self.tour[from % count], self.tour[to % count])
    }

    /// 2-opt (Croes, 1958): reverses each segment whose reversal makes the trip shorter;
    /// whether there was one. The first city stays, as a trip has no beginning.
    fn reverse_segments(&mut self) -> bool {
        let mut is_shorter = false;
        for start in 1..self.tour.len() {
            for end in start + 2..=self.tour.len() {
                let removed = self.leg(start - 1, start) + self.leg(end - 1, end);
                let added = self.leg(start - 1, end - 1) + self.leg(start, end);
                if added < removed {
                    self.tour[start..end].reverse();
                    is_shorter = true;
                }
            }
        }
        is_shorter
    }

    /// Or-opt (Or, 1976): exchanges two segments that follow each other, where that makes
    /// the trip shorter; whether there was such a pair. They and the rest of the trip are
    /// three segments of a circle, and to exchange any two of them is the same. So one of
    /// the three is moved, and that is a short one.
    fn exchange_segments(&mut self) -> bool {
        let count = self.tour.len();
        let mut is_shorter = false;
        for start in 1..count {
            for end in start + 2..=count {
                for middle in start + 1..end {
                    let lengths = [middle - start, end - middle, count - (end - start)];
                    if lengths.iter().all(|length| *length > SEGMENT_MAX) {
                        continue;
                    }
                    let legs = |ends: [(usize, usize); 3]| -> u64 {
                        ends.iter().map(|(from, to)| self.leg(*from, *to)).sum()
                    };
                    let (before, last, next) = (start - 1, end - 1, middle - 1);
                    let removed = legs([(before, start), (next, middle), (last, end)]);
                    let added = legs([(before, middle), (last, start), (next, end)]);
                    if added < removed {
                        self.tour[start..end].rotate_left(middle - start);
                        is_shorter = true;
                    }
                }
            }
        }
        is_shorter
    }
}

/// `SplitMix64` (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let state = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^ state >> 31
    }

    /// The numbers below a bound in some order (Fisher and Yates). The remainder's bias is
    /// below one in 2^57.
    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
        order
    }
}
