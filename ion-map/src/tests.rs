//! Whatever is done to them, maps and sets say what the standard library's say.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Map, Set};

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
