//! Slots: who gets which.

use futures::{FutureExt, future::join_all};
use node_core::{
    identity::slot::{
        Acquired, NoSlot, PREFERRED_WAIT_MS_MAX, SLOTS_MAX, Slot, Slots, acquire, settle,
    },
    platform::{Platform, Storage},
};

async fn take(platform: &impl Platform, slots: &impl Slots, preferred: Option<u32>) -> Slot {
    match acquire(platform, slots, preferred).await {
        Acquired::Slot(slot) => slot,
        Acquired::Fresh(why) => panic!("{why}"),
    }
}

pub(crate) async fn slots_are_given_once_and_lowest_first<P: Platform, S: Slots>(
    platform: P,
    slots: S,
) {
    let zero = take(&platform, &slots, None).await;
    let one = take(&platform, &slots, None).await;
    let two = take(&platform, &slots, None).await;
    assert_eq!([zero.index(), one.index(), two.index()], [0, 1, 2]);
    drop(one);
    assert_eq!(take_index(&platform, &slots, 1).await.index(), 1);
    drop((zero, two));
}

/// Takes the lowest slot, which will be `index` once its release took effect:
/// browsers release a lock a moment after its promise ended.
async fn take_index(platform: &impl Platform, slots: &impl Slots, index: u32) -> Slot {
    for _ in 0..500 {
        let slot = take(platform, slots, None).await;
        if slot.index() == index {
            return slot;
        }
        drop(slot);
        platform.sleep(10).await;
    }
    panic!("slot {index} is never free");
}

pub(crate) async fn when_all_slots_are_taken_there_is_none<P: Platform, S: Slots>(
    platform: P,
    slots: S,
) {
    let mut all = Vec::new();
    for index in 0..SLOTS_MAX {
        let slot = take(&platform, &slots, None).await;
        assert_eq!(slot.index(), index);
        all.push(slot);
    }
    let none = acquire(&platform, &slots, None).await;
    assert!(matches!(none, Acquired::Fresh(NoSlot::AllTaken)), "{none:?}");
    drop(all.swap_remove(17));
    let again = take(&platform, &slots, Some(17)).await;
    assert_eq!(again.index(), 17);
}

pub(crate) async fn the_preferred_slot_is_given_if_free<P: Platform, S: Slots>(
    platform: P,
    slots: S,
) {
    assert_eq!(take(&platform, &slots, Some(5)).await.index(), 5);
}

pub(crate) async fn the_preferred_slot_is_waited_for<P: Platform, S: Slots>(platform: P, slots: S) {
    let held = take(&platform, &slots, Some(3)).await;
    let later = platform.sleep(60).map(move |()| drop(held));
    platform.spawn(later.boxed_local());
    assert_eq!(take(&platform, &slots, Some(3)).await.index(), 3);
}

pub(crate) async fn a_preferred_slot_that_stays_held_is_given_up<P: Platform, S: Slots>(
    platform: P,
    slots: S,
) {
    let held = take(&platform, &slots, Some(0)).await;
    let start = platform.now();
    let other = take(&platform, &slots, Some(0)).await;
    assert_eq!((held.index(), other.index()), (0, 1));
    assert!(platform.now().since_ms(start) >= PREFERRED_WAIT_MS_MAX);
}

pub(crate) async fn a_preferred_slot_that_can_not_be_is_ignored<P: Platform, S: Slots>(
    platform: P,
    slots: S,
) {
    for nonsense in [SLOTS_MAX, u32::MAX] {
        let slot = take(&platform, &slots, Some(nonsense)).await;
        assert!(slot.index() < SLOTS_MAX);
    }
}

pub(crate) async fn ions_at_once_get_different_slots_and_keys<P: Platform, S: Slots>(
    platform: P,
    slots: S,
) {
    let ions = join_all((0..4).map(|_| settle(&platform, &slots, None))).await;
    for ion in &ions {
        assert_eq!(ion.notice, None);
        let same_seed = ions.iter().filter(|other| other.seed == ion.seed).count();
        let index = ion.place.as_ref().map(|(slot, _)| slot.index());
        let same_slot = ions
            .iter()
            .filter(|other| other.place.as_ref().map(|(slot, _)| slot.index()) == index)
            .count();
        assert_eq!((same_seed, same_slot), (1, 1), "slot {index:?}");
    }
}

pub(crate) async fn a_released_slot_is_taken_over_with_its_data<P: Platform, S: Slots>(
    platform: P,
    slots: S,
) {
    let first = settle(&platform, &slots, Some(0)).await;
    let (slot, store) = first.place.expect("this machine has slots and storage");
    store.put("left-behind", vec![42]).await.expect("put");
    drop((slot, store));

    let next = settle(&platform, &slots, Some(0)).await;
    assert_eq!(next.seed, first.seed);
    let (slot, store) = next.place.expect("the slot is free");
    assert_eq!(slot.index(), 0);
    assert_eq!(store.get("left-behind").await, Ok(Some(vec![42])));

    let beside = settle(&platform, &slots, None).await;
    assert_ne!(beside.seed, first.seed);
}
