//! Where a rumour is kept, by its name: one look at a table, and one at the rumour.
//!
//! Names are looked up for everything that any neighbour announces, which is most
//! of what a broadcast does: in an ordered map each look goes through a dozen places
//! that are far apart in memory. This is a table with linear probing; nobody goes
//! through it, so its order shows nowhere. Places are salted, for authors may choose
//! among names.
//!
//! Bounds: four places for each number that it may hold, of twelve bytes; it
//! doubles when half of them are taken. It limits nothing itself.

use super::wire::Id;

/// Places of a table with few names.
const PLACES_MIN: usize = 64;
/// Spreads bits upwards: 2^64 over the golden ratio.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbers of rumours by their names. What is equal in its lower half cannot be
/// told apart, so no two numbers may be further apart than that.
#[derive(Debug)]
pub(super) struct Names {
    salt: u64,
    /// A power of two.
    places: Vec<Option<Place>>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// Of the name's hash; its lower bits say where it belongs.
    tag: u32,
    number: u32,
}

/// The half of a number by which it is known here.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
pub(super) const fn lower(number: u64) -> u32 {
    number as u32
}

impl Names {
    /// Of no rumour. The salt is to be random.
    pub(super) fn new(salt: u64) -> Self {
        Self { salt, places: vec![None; PLACES_MIN], len: 0 }
    }

    /// How many.
    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The number of a name, by its lower half: the one of which `is_it` says so, as
    /// hashes may be equal.
    pub(super) fn find(&self, id: &Id, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.seek(id, is_it).and_then(|at| self.places[at]).map(|place| place.number)
    }

    /// Takes a name that is not known.
    pub(super) fn insert(&mut self, id: &Id, number: u64) {
        self.len += 1;
        if self.len * 2 > self.places.len() {
            self.grow();
        }
        self.put(Place { tag: self.tag(id), number: lower(number) });
    }

    /// Forgets a name, if it is there with that number.
    pub(super) fn remove(&mut self, id: &Id, number: u64) {
        let Some(mut free) = self.seek(id, |known| known == lower(number)) else { return };
        self.len -= 1;
        self.places[free] = None;
        // Whoever stands behind, and had to give way, moves up.
        let mut at = self.after(free);
        while let Some(place) = self.places[at] {
            let home = self.home(place.tag);
            if self.distance(home, at) >= self.distance(free, at) {
                self.places[free] = self.places[at].take();
                free = at;
            }
            at = self.after(at);
        }
    }

    fn seek(&self, id: &Id, is_it: impl Fn(u32) -> bool) -> Option<usize> {
        let tag = self.tag(id);
        let mut at = self.home(tag);
        loop {
            let place = self.places[at]?;
            if place.tag == tag && is_it(place.number) {
                return Some(at);
            }
            at = self.after(at);
        }
    }

    fn put(&mut self, place: Place) {
        let mut at = self.home(place.tag);
        while self.places[at].is_some() {
            at = self.after(at);
        }
        self.places[at] = Some(place);
    }

    fn grow(&mut self) {
        let wider = vec![None; self.places.len() * 2];
        let known = std::mem::replace(&mut self.places, wider);
        known.into_iter().flatten().for_each(|place| self.put(place));
    }

    fn tag(&self, id: &Id) -> u32 {
        let [first, second] = [0, 8].map(|at| {
            u64::from_le_bytes(id.0[at..at + 8].try_into().expect("a name has 16 bytes"))
        });
        let mixed = (first ^ self.salt).wrapping_mul(ODD);
        lower((mixed ^ mixed >> 32 ^ second).wrapping_mul(ODD) >> 32)
    }

    fn home(&self, tag: u32) -> usize {
        tag as usize & (self.places.len() - 1)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }

    /// Steps from one place to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::platform::sim::Rng;

    fn id(number: u64) -> Id {
        Id::of(&number.to_le_bytes())
    }

    #[test]
    fn it_knows_what_a_map_knows() {
        let (mut names, mut map) = (Names::new(7), BTreeMap::new());
        let mut rng = Rng::new(1);
        // Numbers pass the end of their lower half.
        let first = u64::from(u32::MAX) - 1_000;
        for step in 0..20_000 {
            let name = rng.below(3_000);
            if let Some(number) = map.remove(&name) {
                names.remove(&id(name), number);
            } else {
                names.insert(&id(name), first + step);
                map.insert(name, first + step);
            }
            let asked = rng.below(3_000);
            let known = map.get(&asked).map(|number| lower(*number));
            assert_eq!(names.find(&id(asked), |number| Some(number) == known), known);
        }
        assert_eq!(names.len(), map.len());
        assert!(names.places.len() <= 8_192);
    }

    #[test]
    fn names_of_one_place_are_told_apart() {
        let mut names = Names::new(7);
        let home = names.home(names.tag(&id(0)));
        let alike = |number: &u64| names.home(names.tag(&id(*number))) == home;
        let same: Vec<u64> = (0..10_000).filter(alike).take(20).collect();
        for number in &same {
            names.insert(&id(*number), *number);
        }
        for gone in &same {
            names.remove(&id(*gone), *gone);
            for number in &same {
                let found = names.find(&id(*number), |one| one == lower(*number)).is_some();
                assert_eq!(found, number > gone);
            }
        }
    }
}
