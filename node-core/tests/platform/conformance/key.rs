//! The key in a slot.

use node_core::{
    identity::slot::{LoadedKey, Origin, load_or_create_key},
    platform::{Platform, Storage},
};

use super::storage::open;

async fn load<P: Platform>(platform: &P, store: &P::Storage) -> LoadedKey {
    let random = |bytes: &mut [u8]| platform.fill_random(bytes);
    load_or_create_key(store, random).await.expect("the store works")
}

pub(crate) async fn a_key_is_made_once<P: Platform, S>(platform: P, _: S) {
    let store = open(&platform).await;
    let made = load(&platform, &store).await;
    assert_eq!(made.origin, Origin::Created);
    let loaded = load(&platform, &store).await;
    assert_eq!(loaded, LoadedKey { seed: made.seed, origin: Origin::Stored });
    let elsewhere = load(&platform, &open(&platform).await).await;
    assert_ne!(elsewhere.seed, made.seed);
}

pub(crate) async fn a_damaged_key_is_kept_aside<P: Platform, S>(platform: P, _: S) {
    let store = open(&platform).await;
    let lost = load(&platform, &store).await;
    let keys = store.list("identity/").await.expect("list");
    assert_eq!(keys.len(), 1);
    let mut record = store.get(&keys[0]).await.expect("get").expect("it was listed");
    *record.last_mut().expect("a record has bytes") ^= 1;
    store.put(&keys[0], record.clone()).await.expect("put");

    let found = load(&platform, &store).await;
    assert_ne!(found.seed, lost.seed);
    let Origin::Replaced { reason, kept_as } = found.origin else { panic!("{:?}", found.origin) };
    assert!(!reason.is_empty());
    assert_eq!(store.get(&kept_as).await, Ok(Some(record)));
    let again = load(&platform, &store).await;
    assert_eq!(again, LoadedKey { seed: found.seed, origin: Origin::Stored });
}
