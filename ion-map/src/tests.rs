//! Whatever is done to them, maps and sets say what the standard library's say.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{LongMap, LongSet, Map, Set, sort, sort_by_key};

/// What may be done, with keys so few that they meet.
#[derive(Clone, Debug)]
enum Step {
    Insert(u8, u16),
    Remove(u8),
    Fill(u8, u16),
    Retain(u8),
    PopFirst,
    SplitOff(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..24_u8;
    prop_oneof![
        4 => (key.clone(), any::<u16>()).prop_map(|(key, value)| Step::Insert(key, value)),
        2 => key.clone().prop_map(Step::Remove),
        2 => (key.clone(), any::<u16>()).prop_map(|(key, value)| Step::Fill(key, value)),
        1 => (1..4_u8).prop_map(Step::Retain),
        1 => Just(Step::PopFirst),
        1 => key.prop_map(Step::SplitOff),
    ]
}

fn on_both(ours: &mut Map<u8, u16>, theirs: &mut BTreeMap<u8, u16>, step: &Step) {
    match *step {
        Step::Insert(key, value) => assert_eq!(ours.insert(key, value), theirs.insert(key, value)),
        Step::Remove(key) => assert_eq!(ours.remove(&key), theirs.remove(&key)),
        Step::Fill(key, value) => {
            let (ours, theirs) = (ours.entry(key), theirs.entry(key));
            assert_eq!(ours.or_insert(value), theirs.or_insert(value));
        }
        Step::Retain(by) => {
            let is_kept = |key: &u8, value: &mut u16| {
                *value = value.wrapping_add(1);
                !key.is_multiple_of(by)
            };
            ours.retain(is_kept);
            theirs.retain(is_kept);
        }
        Step::PopFirst => assert_eq!(ours.pop_first(), theirs.pop_first()),
        Step::SplitOff(from) => {
            let (behind, theirs_behind) = (ours.split_off(&from), theirs.split_off(&from));
            assert!(behind.iter().eq(&theirs_behind));
            ours.extend(behind);
            theirs.extend(theirs_behind);
        }
    }
}

proptest! {
    #[test]
    fn a_map_does_as_a_tree_does(steps in prop::collection::vec(step(), 0..64)) {
        let (mut ours, mut theirs) = (Map::new(), BTreeMap::new());
        for step in steps {
            on_both(&mut ours, &mut theirs, &step);
            prop_assert!(ours.iter().eq(&theirs), "{ours:?} is not {theirs:?}");
            prop_assert_eq!(ours.first_key_value(), theirs.first_key_value());
            prop_assert_eq!(ours.len(), theirs.len());
            for key in 0..24 {
                prop_assert_eq!(ours.get(&key), theirs.get(&key));
                prop_assert!(ours.range(key..).eq(theirs.range(key..)));
                prop_assert!(ours.range(..=key).eq(theirs.range(..=key)));
                prop_assert!(ours.range(3..key.max(3)).eq(theirs.range(3..key.max(3))));
            }
        }
    }

    #[test]
    fn a_set_does_as_a_tree_does(steps in prop::collection::vec((any::<bool>(), 0..24_u8), 0..64)) {
        let (mut ours, mut theirs) = (Set::new(), BTreeSet::new());
        for (is_insert, key) in steps {
            if is_insert {
                prop_assert_eq!(ours.insert(key), theirs.insert(key));
            } else {
                prop_assert_eq!(ours.remove(&key), theirs.remove(&key));
            }
            prop_assert!(ours.iter().eq(&theirs));
            prop_assert_eq!((ours.first(), ours.last()), (theirs.first(), theirs.last()));
        }
    }
}

#[test]
fn values_are_changed_in_place_and_all_come_out_in_order() {
    let mut map = Map::from([(3, "c"), (1, "a"), (2, "b")]);
    map.values_mut().for_each(|value| *value = &value[..0]);
    *map.get_mut(&2).expect("just inserted") = "two";
    assert_eq!((map[&2], map[&1]), ("two", ""));
    assert_eq!(map.clone().into_values().collect::<Vec<_>>(), ["", "two", ""]);
    assert_eq!(map.into_iter().collect::<Vec<_>>(), [(1, ""), (2, "two"), (3, "")]);
}

#[test]
fn bounds_that_cross_have_nothing_between_them() {
    let map = Map::from([(1, ()), (2, ())]);
    let (from, to) = (2, 1);
    assert_eq!(map.range(from..to).count(), 0);
}

proptest! {
    #[test]
    fn a_long_map_does_as_a_tree_does(
        steps in prop::collection::vec((0..8_u8, 0..2_000_u16, any::<u16>()), 0..3_000),
        is_ascending in any::<bool>(),
    ) {
        let (mut ours, mut theirs) = (LongMap::new(), BTreeMap::new());
        for (number, (step, key, value)) in steps.into_iter().enumerate() {
            let key = if is_ascending { u16::try_from(number).expect("few steps") } else { key };
            match step {
                0 => prop_assert_eq!(ours.remove(&key), theirs.remove(&key)),
                1 => {
                    let (ours, theirs) = (ours.entry(key), theirs.entry(key));
                    prop_assert_eq!(ours.or_insert(value), theirs.or_insert(value));
                }
                2 if value % 8 == 0 => prop_assert_eq!(ours.pop_first(), theirs.pop_first()),
                3 if value % 8 == 0 => prop_assert_eq!(ours.pop_last(), theirs.pop_last()),
                4 if value % 1_024 == 0 => {
                    ours.retain(|key, _| key % 3 != 0);
                    theirs.retain(|key, _| key % 3 != 0);
                }
                _ => prop_assert_eq!(ours.insert(key, value), theirs.insert(key, value)),
            }
            prop_assert_eq!(ours.get(&key), theirs.get(&key));
            prop_assert_eq!(ours.first_key_value(), theirs.first_key_value());
            prop_assert_eq!((ours.len(), ours.is_empty()), (theirs.len(), theirs.is_empty()));
        }
        prop_assert!(ours.iter().eq(&theirs), "{ours:?} is not {theirs:?}");
        prop_assert!(ours.iter().rev().eq(theirs.iter().rev()));
        for from in [0, 7, 256, 1_000, 1_999, 2_000] {
            prop_assert!(ours.range_from(&from).eq(theirs.range(from..)));
        }
        prop_assert_eq!(ours.clone().into_iter().collect::<LongMap<_, _>>(), ours);
    }

    #[test]
    fn sorting_is_stable(mut ours in prop::collection::vec((0..8_u8, any::<u8>()), 0..100)) {
        let mut theirs = ours.clone();
        sort_by_key(&mut ours, |(key, _)| *key);
        theirs.sort_by_key(|(key, _)| *key);
        prop_assert_eq!(&ours, &theirs);
        sort(&mut ours);
        theirs.sort_unstable();
        prop_assert_eq!(ours, theirs);
    }
}

#[test]
fn a_long_map_stays_in_small_blocks() {
    let mut set = LongSet::new();
    for number in 0..100_000_u32 {
        // Numbers that are all different, far apart one after the other.
        assert!(set.insert(number.wrapping_mul(0x9E37_79B1)));
    }
    assert_eq!(set.len(), 100_000);
    let mut last = None;
    while let Some(key) = set.pop_first() {
        assert!(last < Some(key));
        last = Some(key);
    }
    assert!(set.is_empty() && !set.contains(&0));
}
