//! Where ions stand on the map. A place, once taken, is kept as long as its
//! ion is there; a newcomer takes, of a few places that its id names, the one
//! farthest from everybody.

use std::collections::BTreeMap;

/// Ions that are drawn, this one aside; the others are only counted.
pub const IONS_MAX: usize = 48;
/// Ions whose names are written beside them.
pub const NAMES_MAX: usize = 16;

const CANDIDATES: u64 = 32;

/// A place, as shares of the map's width and height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// From the left, 0 to 1.
    pub x: f64,
    /// From the top, 0 to 1.
    pub y: f64,
}

/// The middle, where this ion stands.
pub const MIDDLE: Place = Place { x: 0.5, y: 0.5 };

/// Who stands where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    places: BTreeMap<String, Place>,
}

impl Map {
    /// Forgets ions that left and places those that came.
    pub fn settle<'a>(&mut self, ids: impl Iterator<Item = &'a str> + Clone) {
        let present: Vec<&str> = ids.take(IONS_MAX).collect();
        self.places.retain(|id, _| present.contains(&id.as_str()));
        for id in present {
            if !self.places.contains_key(id) {
                let place = self.choose(id);
                self.places.insert(id.to_owned(), place);
            }
        }
    }

    /// Where an ion stands; `None` if it is not drawn.
    pub fn place(&self, id: &str) -> Option<Place> {
        self.places.get(id).copied()
    }

    fn choose(&self, id: &str) -> Place {
        let seed = hash(id);
        let mut best = (candidate(seed, 0), -1.0);
        for number in 0..CANDIDATES {
            let place = candidate(seed, number);
            let room = self.room(place);
            if room > best.1 {
                best = (place, room);
            }
        }
        best.0
    }

    /// The distance from the nearest neighbour, the middle being one.
    fn room(&self, place: Place) -> f64 {
        let others = self.places.values().chain([&MIDDLE]);
        others.map(|other| distance(place, *other)).fold(f64::INFINITY, f64::min)
    }
}

fn distance(one: Place, other: Place) -> f64 {
    // Names are wide, so nearness counts more from top to bottom.
    ((one.x - other.x) * 1.0).hypot((one.y - other.y) * 1.3)
}

fn candidate(seed: u64, number: u64) -> Place {
    let bits = mix(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let share = |bits: u64| (bits & 0xffff) as f64 / 65_535.0;
    Place { x: 0.12 + 0.76 * share(bits), y: 0.12 + 0.72 * share(bits >> 16) }
}

/// FNV-1a, which spreads ids that differ in one letter.
fn hash(text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The finaliser of `SplitMix64`.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("ion-{number}")).collect()
    }

    fn settle(map: &mut Map, ids: &[String]) {
        map.settle(ids.iter().map(String::as_str));
    }

    #[test]
    fn who_stays_does_not_move() {
        let mut map = Map::default();
        settle(&mut map, &names(5));
        let before = map.place("ion-3");
        settle(&mut map, &names(12));
        settle(&mut map, &names(4));
        assert_eq!(map.place("ion-3"), before);
        assert_eq!(map.place("ion-4"), None);
    }

    #[test]
    fn ions_keep_apart_and_inside() {
        let mut map = Map::default();
        settle(&mut map, &names(10));
        let places: Vec<Place> = map.places.values().copied().collect();
        for (at, place) in places.iter().enumerate() {
            assert!((0.1..0.9).contains(&place.x) && (0.1..0.9).contains(&place.y));
            assert!(distance(*place, MIDDLE) > 0.1);
            assert!(places[..at].iter().all(|other| distance(*place, *other) > 0.08));
        }
    }

    #[test]
    fn only_so_many_are_drawn() {
        let mut map = Map::default();
        settle(&mut map, &names(IONS_MAX + 9));
        assert_eq!(map.places.len(), IONS_MAX);
    }
}
