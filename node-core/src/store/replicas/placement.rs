//! Who should hold what, by weighted rendezvous hashing (Thaler and
//! Ravishankar, "Using name-based mappings to increase hit rates", 1998; the
//! weights after Schindelhauer and Schomaker, 2005).
//!
//! Ion and part are hashed to a number `h` between 0 and 1; the ions with the
//! least `-ln(h) / capacity` are named. So an ion is named first with a
//! probability that is its share of all capacity, whatever others come and go.
//! The logarithm is computed in integers, so that every machine names the same.
//!
//! Which copies beyond the goal are given up is decided by the hash alone: what an
//! ion offers is its own word, and who claimed to hold everything and to offer
//! without end would be the first that keeps each part, so that a goal's number of
//! liars emptied the store. So the holders that the hash names first keep theirs,
//! whatever others offer: liars fewer than the goal cost no part its last copy; as
//! many as the goal, beside as many true holders, do where the hash names all of
//! them first, one part of 20 at a goal of three.

use ion_map::{Map, Set};

use serde::{Deserialize, Serialize};

use super::{GOAL_MAX, Part};
use crate::identity::IonId;

/// Bits after the point of a logarithm.
const FRACTION_BITS: u32 = 32;
/// The key of the hash; another one would place everything anew.
const CONTEXT: &str = "ionosphere 2026-11 placement";

/// What an ion offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The space that it gives, used or not, in MiB; 0 holds nothing.
    pub capacity_mib: u32,
    /// Whether it has room for more than it holds.
    pub has_room: bool,
    /// Whether it is about to leave: what it holds does not count.
    #[serde(default)]
    pub is_leaving: bool,
}

/// All ions that offer something, in the order in which they are named.
pub fn rank(part: &Part, ions: &Map<IonId, Offer>) -> Vec<IonId> {
    let offering = ions.iter().filter(|(_, offer)| offer.capacity_mib > 0);
    order(part, offering.map(|(ion, offer)| (*ion, offer.capacity_mib)))
}

/// Who should hold a part: of those that do, the first by hash, at most as many
/// as the goal says; and where these are fewer, the first by rank with room of
/// those that do not, and so many extra. Only the ions given count as holders.
pub fn wanted(
    part: &Part,
    ions: &Map<IonId, Offer>,
    holders: &Set<IonId>,
    goal: usize,
    extra: usize,
) -> Vec<IonId> {
    let goal = goal.min(GOAL_MAX);
    let holding: Vec<IonId> =
        holders.iter().filter(|ion| ions.contains_key(ion)).copied().collect();
    if holding.len() == goal {
        return holding;
    }
    let offering = holding.iter().filter(|ion| ions[ion].capacity_mib > 0);
    let mut named = order(part, offering.map(|ion| (*ion, 1)));
    named.truncate(goal);
    let missing = goal.saturating_sub(holding.len());
    if missing > 0 {
        let order = rank(part, ions);
        let others = order.into_iter().filter(|ion| !holders.contains(ion) && ions[ion].has_room);
        named.extend(others.take(missing + extra));
    }
    named
}

/// Ions with their weights in the order in which a part's hash names them.
fn order(part: &Part, ions: impl Iterator<Item = (IonId, u32)>) -> Vec<IonId> {
    let hasher = hasher(part);
    let mut order: Vec<_> = ions.map(|(ion, weight)| (cost(&hasher, &ion, weight), ion)).collect();
    ion_map::sort(&mut order);
    order.into_iter().map(|(_, ion)| ion).collect()
}

/// What hashes any ion together with this part.
fn hasher(part: &Part) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&part.file.to_bytes());
    hasher.update(&part.number.to_le_bytes());
    hasher
}

fn cost(hasher: &blake3::Hasher, ion: &IonId, weight: u32) -> u128 {
    let mut hasher = hasher.clone();
    hasher.update(ion.as_bytes());
    let hash = hasher.finalize();
    let number = u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash is longer"));
    (u128::from(minus_log2(number)) << 64) / u128::from(weight)
}

/// `-log2((number + 1) / 2^64)`, with 32 bits after the point, rounded down or
/// up by less than two of the last. The base does not matter to the order.
fn minus_log2(number: u64) -> u64 {
    // Between 1 and 2, with 63 bits after the point, times a power of two.
    let Some(number) = number.checked_add(1) else { return 0 };
    let zeros = number.leading_zeros();
    let mut mantissa = number << zeros;
    let mut log = u64::from(63 - zeros);
    for _ in 0..FRACTION_BITS {
        // Squaring doubles the logarithm; its whole part is the next bit.
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63;
        let carry = u32::from(square >> 64 != 0);
        log = (log << 1) | u64::from(carry);
        mantissa = u64::try_from(square >> carry).expect("a square is below four");
    }
    (64 << FRACTION_BITS) - log
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::chunk::{Cid, Codec};

    fn ion(number: u8) -> IonId {
        IonId::from_bytes([number; 32])
    }

    fn part(number: u64) -> Part {
        Part { file: Cid::of(Codec::DagCbor, b"a file"), number }
    }

    fn offers(capacities: &[u32]) -> Map<IonId, Offer> {
        let offer = |capacity_mib| Offer { capacity_mib, has_room: true, is_leaving: false };
        (1..).map(ion).zip(capacities.iter().map(|capacity| offer(*capacity))).collect()
    }

    #[test]
    fn the_logarithm_is_one() {
        assert_eq!(minus_log2(u64::MAX), 0);
        assert_eq!(minus_log2(0), 64 << FRACTION_BITS);
        assert_eq!(minus_log2((1 << 63) - 1), 1 << FRACTION_BITS);
        for number in [1, 2, 12_345, u64::MAX / 3, u64::MAX - 7, 0x9e37_79b9_7f4a_7c15] {
            let expected = 64.0 - (number as f64 + 1.0).log2();
            let found = minus_log2(number) as f64 / f64::from(FRACTION_BITS).exp2();
            assert!((expected - found).abs() < 1e-9, "{number}: {expected} {found}");
        }
    }

    /// Every machine names the same; a change would move everything.
    #[test]
    fn golden() {
        let order = rank(&part(0), &offers(&[100, 200, 300, 400, 500]));
        let numbers: Vec<u8> = order.iter().map(|ion| ion.as_bytes()[0]).collect();
        assert_eq!(numbers, [3, 5, 1, 4, 2]);
    }

    #[test]
    fn who_offers_more_is_named_more_often() {
        let ions = offers(&[100, 200, 300, 400, 0]);
        let mut firsts = [0_u32; 5];
        for number in 0..10_000 {
            firsts[usize::from(rank(&part(number), &ions)[0].as_bytes()[0]) - 1] += 1;
        }
        for (place, count) in firsts.iter().enumerate() {
            let expected = [1_000, 2_000, 3_000, 4_000, 0][place];
            assert!(count.abs_diff(expected) < 150, "{firsts:?}");
        }
    }

    #[test]
    fn who_leaves_moves_only_what_it_held() {
        let all = offers(&[100; 9]);
        let mut fewer = all.clone();
        fewer.remove(&ion(4));
        for number in 0..500 {
            let mut order = rank(&part(number), &all);
            order.retain(|other| *other != ion(4));
            assert_eq!(order, rank(&part(number), &fewer));
        }
    }

    #[test]
    fn who_holds_it_keeps_it_and_the_next_by_rank_are_named() {
        let ions = offers(&[100; 6]);
        let order = rank(&part(0), &ions);
        let named = |holders: &[IonId], goal| {
            wanted(&part(0), &ions, &holders.iter().copied().collect(), goal, 0)
        };
        assert_eq!(named(&[], 3), order[..3]);
        assert_eq!(named(&[order[5]], 3), [order[5], order[0], order[1]]);
        assert_eq!(named(&order[2..], 3), order[2..5]);
        let three: Set<IonId> = named(&order[3..], 3).into_iter().collect();
        assert_eq!(three, order[3..].iter().copied().collect());
        assert_eq!(named(&[ion(99)], 2), order[..2], "it is not there");
        assert_eq!(named(&[], 99).len(), 6, "there are no more");
    }

    #[test]
    fn liars_who_offer_without_end_are_not_the_first_to_keep() {
        let mut ions = offers(&[100; 6]);
        for liar in [4, 5, 6] {
            ions.insert(
                ion(liar),
                Offer { capacity_mib: u32::MAX, has_room: true, is_leaving: false },
            );
        }
        let all: Set<IonId> = ions.keys().copied().collect();
        let is_lost = |number: &u64| {
            let keep = wanted(&part(*number), &ions, &all, 3, 0);
            keep.iter().all(|other| other.as_bytes()[0] > 3)
        };
        let lost = (0..1_000).filter(is_lost).count();
        assert!((30..70).contains(&lost), "{lost} of 1,000 are in the hands of liars alone");
    }

    #[test]
    fn the_full_keep_what_they_hold_and_get_nothing() {
        let mut ions = offers(&[100; 4]);
        let order = rank(&part(0), &ions);
        for full in [order[0], order[1]] {
            ions.insert(full, Offer { capacity_mib: 100, has_room: false, is_leaving: false });
        }
        let holders = Set::from([order[1]]);
        assert_eq!(wanted(&part(0), &ions, &holders, 3, 0), order[1..4]);
    }
}
