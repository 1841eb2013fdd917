//! The store of settings.

use futures::{future::join, poll};
use node_core::platform::{
    Batch, Platform, Storage,
    storage::{ENTRIES_MAX, Error, KEY_BYTES_MAX, NAME_BYTES_MAX, VALUE_BYTES_MAX},
};

/// A store's name that no other test has: browsers keep what tests leave.
pub(crate) fn fresh_name(platform: &impl Platform) -> String {
    let mut bytes = [0; 8];
    platform.fill_random(&mut bytes);
    format!("test-{:016x}", u64::from_le_bytes(bytes))
}

pub(crate) async fn open<P: Platform>(platform: &P) -> P::Storage {
    platform.open_storage(&fresh_name(platform)).await.expect("this machine has storage")
}

pub(crate) async fn what_is_put_is_there_until_deleted<P: Platform, S>(platform: P, _: S) {
    let store = open(&platform).await;
    assert_eq!(store.get("name").await, Ok(None));
    store.put("name", b"heron".to_vec()).await.expect("put");
    assert_eq!(store.get("name").await, Ok(Some(b"heron".to_vec())));
    store.put("name", Vec::new()).await.expect("put again");
    assert_eq!(store.get("name").await, Ok(Some(Vec::new())));
    store.delete("name").await.expect("delete");
    assert_eq!(store.get("name").await, Ok(None));
    assert_eq!(store.delete("name").await, Ok(()), "deleting nothing is no error");
}

pub(crate) async fn a_reopened_store_has_all<P: Platform, S>(platform: P, _: S) {
    let name = fresh_name(&platform);
    let every_byte: Vec<u8> = (0..=255).collect();
    {
        let store = platform.open_storage(&name).await.expect("open");
        let other = platform.open_storage(&name).await.expect("a second handle");
        store.put("a", every_byte.clone()).await.expect("put");
        assert_eq!(other.get("a").await, Ok(Some(every_byte.clone())), "handles differ");
    }
    let store = platform.open_storage(&name).await.expect("open again");
    assert_eq!(store.get("a").await, Ok(Some(every_byte)));
}

pub(crate) async fn stores_do_not_mix<P: Platform, S>(platform: P, _: S) {
    let (one, other) = (open(&platform).await, open(&platform).await);
    one.put("a", vec![1]).await.expect("put");
    assert_eq!(other.get("a").await, Ok(None));
    assert_eq!(other.list("").await, Ok(vec![]));
}

pub(crate) async fn keys_are_listed_by_prefix_in_order<P: Platform, S>(platform: P, _: S) {
    let store = open(&platform).await;
    // By code points; UTF-16 would order the last two the other way.
    let keys = ["", "a", "a/", "a/1", "a/10", "a/2", "b", "ü", "\u{ff5e}", "\u{1f989}"];
    let batch = keys.iter().rev().fold(Batch::new(), |batch, key| batch.put(key, vec![0]));
    store.write(batch).await.expect("write");
    assert_eq!(store.list("").await, Ok(keys.map(str::to_owned).to_vec()));
    assert_eq!(store.list("a/").await, Ok(keys[2..6].iter().map(|&k| k.to_owned()).collect()));
    assert_eq!(store.list("a/3").await, Ok(vec![]));
}

pub(crate) async fn bad_store_names_are_refused<P: Platform, S>(platform: P, _: S) {
    for name in ["", ".", "../up", "a b", "A", &"a".repeat(NAME_BYTES_MAX + 1)] {
        assert_eq!(platform.open_storage(name).await.err(), Some(Error::BadName), "{name}");
    }
}

pub(crate) async fn limits_hold_and_are_reached<P: Platform, S>(platform: P, _: S) {
    let store = open(&platform).await;
    let key = "k".repeat(KEY_BYTES_MAX);
    let value = vec![9; VALUE_BYTES_MAX];
    store.put(&key, value.clone()).await.expect("both are just within");
    assert_eq!(store.get(&key).await, Ok(Some(value.clone())));

    let longer_key = format!("{key}k");
    let refused = store.put(&longer_key, vec![]).await;
    let bytes = KEY_BYTES_MAX + 1;
    assert_eq!(refused, Err(Error::TooLarge { what: "key", bytes, bytes_max: KEY_BYTES_MAX }));

    let longer_value = vec![9; VALUE_BYTES_MAX + 1];
    let refused = store.put(&key, longer_value).await;
    let bytes = VALUE_BYTES_MAX + 1;
    assert_eq!(refused, Err(Error::TooLarge { what: "value", bytes, bytes_max: VALUE_BYTES_MAX }));
    assert_eq!(store.get(&key).await, Ok(Some(value)), "what was refused changed something");
}

pub(crate) async fn a_batch_is_all_or_nothing<P: Platform, S>(platform: P, _: S) {
    let store = open(&platform).await;
    store.put("old", vec![1]).await.expect("put");
    let bad = Batch::new().put("a", vec![1]).delete("old").put("z", vec![0; VALUE_BYTES_MAX + 1]);
    assert!(matches!(store.write(bad).await, Err(Error::TooLarge { .. })));
    assert_eq!(store.list("").await, Ok(vec!["old".to_owned()]));

    let good = Batch::new().put("a", vec![1]).delete("old").put("z", vec![2]);
    store.write(good).await.expect("write");
    assert_eq!(store.list("").await, Ok(vec!["a".to_owned(), "z".to_owned()]));
    assert_eq!(store.write(Batch::new()).await, Ok(()), "no changes are no error");
}

pub(crate) async fn a_full_store_refuses_more<P: Platform, S>(platform: P, _: S) {
    let store = open(&platform).await;
    let numbered = |count: usize| {
        (0..count).fold(Batch::new(), |batch, n| batch.put(&format!("{n:04}"), vec![1]))
    };
    let too_many = Err(Error::TooMany { entries_max: ENTRIES_MAX });
    assert_eq!(store.write(numbered(ENTRIES_MAX + 1)).await, too_many);
    assert_eq!(store.list("").await, Ok(vec![]));

    store.write(numbered(ENTRIES_MAX)).await.expect("just full");
    let two = Batch::new().put("0000", vec![2]).put("more", vec![2]);
    assert_eq!(store.write(two).await, too_many);
    assert_eq!(store.get("0000").await, Ok(Some(vec![1])), "a part of a batch was written");
    store.put("0000", vec![2]).await.expect("replacing needs no room");
    store.write(Batch::new().delete("0001").put("more", vec![2])).await.expect("room was made");
    assert_eq!(store.list("").await.map(|keys| keys.len()), Ok(ENTRIES_MAX));
}

pub(crate) async fn a_write_that_nobody_polls_writes_nothing<P: Platform, S>(platform: P, _: S) {
    let store = open(&platform).await;
    drop(store.put("a", vec![1]));
    store.put("b", vec![1]).await.expect("put");
    assert_eq!(store.list("").await, Ok(vec!["b".to_owned()]));
}

pub(crate) async fn a_write_dropped_half_way_is_whole_or_absent<P: Platform, S>(platform: P, _: S) {
    let name = fresh_name(&platform);
    let store = platform.open_storage(&name).await.expect("open");
    let many = (0..50).fold(Batch::new(), |batch, n| batch.put(&format!("{n}"), vec![1]));
    let mut write = store.write(many);
    let _ = poll!(&mut write);
    drop((write, store));
    let store = platform.open_storage(&name).await.expect("open again");
    for _ in 0..10 {
        let found = store.list("").await.expect("list").len();
        assert!(found == 0 || found == 50, "{found} of 50");
        platform.sleep(1).await;
    }
}

pub(crate) async fn writes_take_effect_in_order<P: Platform, S>(platform: P, _: S) {
    let store = open(&platform).await;
    for round in 0..10 {
        let (first, second) = (store.put("a", vec![round, 1]), store.put("a", vec![round, 2]));
        assert_eq!(join(first, second).await, (Ok(()), Ok(())));
        assert_eq!(store.get("a").await, Ok(Some(vec![round, 2])));
    }
}
