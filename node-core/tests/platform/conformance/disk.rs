//! The disk of large, many and ordered records.

use futures::{
    future::{join, join_all},
    poll,
};
use node_core::platform::{
    Disk, Platform, Storage,
    disk::{
        CHANGES_MAX, Changes, GET_KEYS_MAX, KEY_BYTES_MAX, Page, PageLimits, Range, Table,
        WRITE_BYTES_MAX,
    },
    storage::{Error, NAME_BYTES_MAX},
};

use super::storage::fresh_name;

pub(crate) async fn open_disk<P: Platform>(platform: &P) -> P::Disk {
    platform.open_disk(&fresh_name(platform)).await.expect("this machine has a disk")
}

/// The value at one key.
pub(crate) async fn one(disk: &impl Disk, table: Table, key: &[u8]) -> Option<Vec<u8>> {
    let mut found = disk.get(table, vec![key.to_vec()]).await.expect("get");
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// All keys of a table.
pub(crate) async fn all_keys(disk: &impl Disk, table: Table) -> Vec<Vec<u8>> {
    let page = disk.keys(table, Range::all(), usize::MAX).await.expect("keys");
    assert_eq!(page.rest, None, "there are more than fit a page");
    page.records
}

/// Puts one value.
pub(crate) fn put(table: Table, key: impl Into<Vec<u8>>, value: Vec<u8>) -> Changes {
    Changes::new().put(table, key, value)
}

/// Bytes that differ from place to place and from seed to seed.
pub(crate) fn varied(bytes: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..bytes).map(next).collect()
}

pub(crate) async fn a_record_is_there_until_deleted<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    for table in Table::ALL {
        assert_eq!(one(&disk, table, b"a").await, None);
        disk.write(put(table, "a", b"heron".to_vec())).await.expect("put");
        assert_eq!(one(&disk, table, b"a").await, Some(b"heron".to_vec()));
        disk.write(put(table, "a", Vec::new())).await.expect("put again");
        assert_eq!(one(&disk, table, b"a").await, Some(Vec::new()));
        disk.write(Changes::new().delete(table, "a")).await.expect("delete");
        assert_eq!(one(&disk, table, b"a").await, None);
        let nothing = disk.write(Changes::new().delete(table, "a")).await;
        assert_eq!(nothing, Ok(()), "deleting nothing is no error");
    }
}

pub(crate) async fn tables_do_not_share_keys<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    let all = Table::ALL.into_iter().zip(0..);
    let changes = all.clone().fold(Changes::new(), |all, (table, n)| all.put(table, "a", vec![n]));
    disk.write(changes).await.expect("write");
    for (table, n) in all {
        assert_eq!(one(&disk, table, b"a").await, Some(vec![n]), "{table:?}");
    }
}

pub(crate) async fn many_are_read_at_once_in_the_order_asked<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    let changes = (0..200u8).fold(Changes::new(), |all, n| all.put(Table::Names, [n], vec![n, n]));
    disk.write(changes).await.expect("write");
    let keys: Vec<Vec<u8>> = (0..=255).rev().chain([7, 7]).map(|n| vec![n]).collect();
    let expected: Vec<_> =
        keys.iter().map(|key| (key[0] < 200).then(|| vec![key[0], key[0]])).collect();
    assert_eq!(disk.get(Table::Names, keys).await, Ok(expected));
    assert_eq!(disk.get(Table::Names, vec![]).await, Ok(vec![]));

    let many = vec![vec![1]; GET_KEYS_MAX];
    assert_eq!(disk.get(Table::Names, many).await.map(|found| found.len()), Ok(GET_KEYS_MAX));
    let too_many = disk.get(Table::Names, vec![vec![1]; GET_KEYS_MAX + 1]).await;
    assert_eq!(too_many, Err(Error::TooMany { entries_max: GET_KEYS_MAX }));
}

/// Keys whose order is not that of text, of numbers or of lengths.
const KEYS_IN_ORDER: [&[u8]; 10] =
    [b"", b"\0", b"\0\0", b"\0\xff", b"\x01", b"a", b"a\0", b"a\xff", b"b", b"\xff\xff"];

pub(crate) async fn keys_are_ordered_as_bytes<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    let put_all = |all: Changes, key: &&[u8]| all.put(Table::Entries, *key, key.to_vec());
    disk.write(KEYS_IN_ORDER.iter().rev().fold(Changes::new(), put_all)).await.expect("write");
    assert_eq!(all_keys(&disk, Table::Entries).await, KEYS_IN_ORDER);
    let page = disk.scan(Table::Entries, Range::all(), PageLimits::LARGEST).await.expect("scan");
    let records = KEYS_IN_ORDER.map(|key| (key.to_vec(), key.to_vec())).to_vec();
    assert_eq!(page, Page { records, rest: None });
}

pub(crate) async fn a_range_has_its_start_and_not_its_end<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    let put_all = |all: Changes, key: &&[u8]| all.put(Table::Entries, *key, vec![1]);
    disk.write(KEYS_IN_ORDER.iter().fold(Changes::new(), put_all)).await.expect("write");
    let found = async |range: Range| {
        let keys = disk.keys(Table::Entries, range.clone(), 100).await.expect("keys").records;
        let page = disk.scan(Table::Entries, range, PageLimits::LARGEST).await.expect("scan");
        let scanned: Vec<_> = page.records.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, scanned);
        keys
    };
    assert_eq!(found(Range::between("a", "b")).await, KEYS_IN_ORDER[5..8]);
    assert_eq!(found(Range::from("a\0")).await, KEYS_IN_ORDER[6..]);
    assert_eq!(found(Range::prefix("\0")).await, KEYS_IN_ORDER[1..4]);
    assert_eq!(found(Range::all().after(b"")).await, KEYS_IN_ORDER[1..]);
    let nothing: [&[u8]; 0] = [];
    assert_eq!(found(Range::between("b", "b")).await, nothing);
    assert_eq!(found(Range::between("b", "a")).await, nothing);
    let long = Range::all().after(&[255; KEY_BYTES_MAX]);
    assert_eq!(found(long).await, nothing);
    let refused = disk.keys(Table::Entries, Range::from([0; KEY_BYTES_MAX + 2]), 1).await;
    assert!(matches!(refused, Err(Error::TooLarge { what: "key", .. })), "{refused:?}");
}

pub(crate) async fn pages_follow_each_other_without_gap<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    let key = |n: u16| n.to_be_bytes().to_vec();
    let changes =
        (0..1_000).fold(Changes::new(), |all, n| all.put(Table::Entries, key(n), vec![7; 98]));
    disk.write(changes).await.expect("write");
    let within = Range::between(key(5), key(995));
    // 100 bytes a record: the second limit is reached first in the second and third.
    for (count_max, bytes_max, on_page) in [(64, 100_000, 64), (64, 1_050, 10), (64, 0, 1)] {
        let (mut range, mut found) = (Some(within.clone()), Vec::new());
        while let Some(next) = range {
            let limits = PageLimits { count_max, bytes_max };
            let page = disk.scan(Table::Entries, next, limits).await.expect("scan");
            assert!(page.records.len() == on_page || found.len() + page.records.len() == 990);
            found.extend(page.records.into_iter().map(|(key, _)| key));
            range = page.rest;
        }
        assert_eq!(found, (5..995).map(key).collect::<Vec<_>>());
    }
    let (mut range, mut found) = (Some(within), Vec::new());
    while let Some(next) = range {
        let page = disk.keys(Table::Entries, next, 300).await.expect("keys");
        assert!(page.records.len() == 300 || found.len() + page.records.len() == 990);
        found.extend(page.records);
        range = page.rest;
    }
    assert_eq!(found, (5..995).map(key).collect::<Vec<_>>());
}

pub(crate) async fn pages_of_large_values_stay_within_their_bytes<P: Platform, S>(
    platform: P,
    _: S,
) {
    let disk = open_disk(&platform).await;
    let sizes = [10, 900_000, 20, 300_000, 300_000, 300_000, 1_000_000, 5, 5];
    let changes = sizes.into_iter().zip(0..).fold(Changes::new(), |all, (size, n)| {
        all.put(Table::Chunks, [n], varied(size, u32::from(n)))
    });
    disk.write(changes).await.expect("write");
    let (mut range, mut pages) = (Some(Range::all()), Vec::new());
    while let Some(next) = range {
        let limits = PageLimits { count_max: 100, bytes_max: 700_000 };
        let page = disk.scan(Table::Chunks, next, limits).await.expect("scan");
        for (key, value) in &page.records {
            let expected = varied(sizes[usize::from(key[0])], u32::from(key[0]));
            assert!(*value == expected, "the value at {key:?} is another");
        }
        pages.push(page.records.iter().map(|(key, _)| key[0]).collect::<Vec<_>>());
        range = page.rest;
    }
    assert_eq!(pages, [vec![0], vec![1], vec![2, 3, 4], vec![5], vec![6], vec![7, 8]]);
}

pub(crate) async fn changes_over_tables_are_all_or_nothing<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    disk.write(put(Table::Names, "old", vec![1])).await.expect("put");
    let changes = || Changes::new().put(Table::Entries, "a", vec![1]).delete(Table::Names, "old");
    let too_large = vec![0; Table::Meta.value_bytes_max() + 1];
    let refused = disk.write(changes().put(Table::Meta, "z", too_large)).await;
    assert!(matches!(refused, Err(Error::TooLarge { what: "value", .. })), "{refused:?}");
    assert_eq!(one(&disk, Table::Entries, b"a").await, None);
    assert_eq!(one(&disk, Table::Names, b"old").await, Some(vec![1]));

    disk.write(changes().put(Table::Meta, "z", vec![2])).await.expect("write");
    assert_eq!(one(&disk, Table::Entries, b"a").await, Some(vec![1]));
    assert_eq!(one(&disk, Table::Names, b"old").await, None);
    assert_eq!(one(&disk, Table::Meta, b"z").await, Some(vec![2]));
    assert_eq!(disk.write(Changes::new()).await, Ok(()), "no changes are no error");
}

pub(crate) async fn limits_of_a_disk_hold_and_are_reached<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    let key = vec![9; KEY_BYTES_MAX];
    for table in Table::ALL {
        let value = varied(table.value_bytes_max(), 1);
        disk.write(put(table, key.clone(), value.clone())).await.expect("both are just within");
        assert!(one(&disk, table, &key).await == Some(value.clone()), "{table:?}");

        let longer_value = vec![9; table.value_bytes_max() + 1];
        let refused = disk.write(put(table, key.clone(), longer_value)).await;
        let (bytes, bytes_max) = (table.value_bytes_max() + 1, table.value_bytes_max());
        assert_eq!(refused, Err(Error::TooLarge { what: "value", bytes, bytes_max }));

        let refused = disk.write(put(table, vec![9; KEY_BYTES_MAX + 1], vec![])).await;
        let (bytes, bytes_max) = (KEY_BYTES_MAX + 1, KEY_BYTES_MAX);
        assert_eq!(refused, Err(Error::TooLarge { what: "key", bytes, bytes_max }));
        assert_eq!(all_keys(&disk, table).await, std::slice::from_ref(&key));
        assert!(one(&disk, table, &key).await == Some(value), "a refused write changed something");
    }
    let long = disk.get(Table::Meta, vec![vec![0; KEY_BYTES_MAX + 1]]).await;
    assert!(matches!(long, Err(Error::TooLarge { what: "key", .. })), "{long:?}");
}

pub(crate) async fn a_write_of_too_much_is_refused<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    let numbered = |count: usize| {
        (0..count).fold(Changes::new(), |all, n| all.put(Table::Entries, n.to_be_bytes(), vec![1]))
    };
    let refused = disk.write(numbered(CHANGES_MAX + 1)).await;
    assert_eq!(refused, Err(Error::TooMany { entries_max: CHANGES_MAX }));
    assert_eq!(all_keys(&disk, Table::Entries).await.len(), 0);
    disk.write(numbered(CHANGES_MAX)).await.expect("just within");
    assert_eq!(all_keys(&disk, Table::Entries).await.len(), CHANGES_MAX);

    let blocks = |count: u8| {
        (0..count).fold(Changes::new(), |all, n| all.put(Table::Chunks, [n], vec![n; 1 << 20]))
    };
    let bytes = 33 * ((1 << 20) + 1);
    let refused = disk.write(blocks(33)).await;
    let bytes_max = WRITE_BYTES_MAX;
    assert_eq!(refused, Err(Error::TooLarge { what: "write", bytes, bytes_max }));
    assert_eq!(all_keys(&disk, Table::Chunks).await.len(), 0);
    disk.write(blocks(32)).await.expect("within");
    assert!(one(&disk, Table::Chunks, &[31]).await == Some(vec![31; 1 << 20]));
}

pub(crate) async fn a_reopened_disk_has_all<P: Platform, S>(platform: P, _: S) {
    let name = fresh_name(&platform);
    let block = varied(256 << 10, 5);
    {
        let disk = platform.open_disk(&name).await.expect("open");
        let other = platform.open_disk(&name).await.expect("a second handle");
        disk.write(put(Table::Chunks, "a", block.clone())).await.expect("put");
        assert!(one(&other, Table::Chunks, b"a").await.as_ref() == Some(&block), "handles differ");
        drop(disk);
        other.write(put(Table::Names, "b", vec![2])).await.expect("the other is still open");
    }
    let disk = platform.open_disk(&name).await.expect("open again");
    assert!(one(&disk, Table::Chunks, b"a").await == Some(block));
    assert_eq!(one(&disk, Table::Names, b"b").await, Some(vec![2]));
}

pub(crate) async fn disks_and_stores_do_not_mix<P: Platform, S>(platform: P, _: S) {
    let name = fresh_name(&platform);
    let (disk, other) = (platform.open_disk(&name).await, open_disk(&platform).await);
    let disk = disk.expect("this machine has a disk");
    let store = platform.open_storage(&name).await.expect("a store of that name is something else");
    disk.write(put(Table::Entries, "a", vec![1])).await.expect("put");
    store.put("a", vec![2]).await.expect("put");
    assert_eq!(one(&other, Table::Entries, b"a").await, None);
    assert_eq!(one(&disk, Table::Entries, b"a").await, Some(vec![1]));
    assert_eq!(store.get("a").await, Ok(Some(vec![2])));
}

pub(crate) async fn bad_names_of_disks_are_refused<P: Platform, S>(platform: P, _: S) {
    for name in ["", ".", "../up", "a b", "A", &"a".repeat(NAME_BYTES_MAX + 1)] {
        assert_eq!(platform.open_disk(name).await.err(), Some(Error::BadName), "{name}");
    }
}

pub(crate) async fn a_change_that_nobody_polls_is_not_made<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    drop(disk.write(put(Table::Entries, "a", vec![1])));
    disk.write(put(Table::Entries, "b", vec![1])).await.expect("put");
    assert_eq!(all_keys(&disk, Table::Entries).await, [b"b"]);
}

pub(crate) async fn changes_dropped_half_way_are_whole_or_absent<P: Platform, S>(
    platform: P,
    _: S,
) {
    let name = fresh_name(&platform);
    let disk = platform.open_disk(&name).await.expect("open");
    let many = (0..50).fold(Changes::new(), |all, n| all.put(Table::Chunks, [n], vec![n; 50_000]));
    let mut write = disk.write(many.put(Table::Names, "a", vec![1]));
    let _ = poll!(&mut write);
    drop((write, disk));
    let disk = platform.open_disk(&name).await.expect("open again");
    for _ in 0..10 {
        let name = one(&disk, Table::Names, b"a").await;
        let found = all_keys(&disk, Table::Chunks).await.len();
        assert!(found == 50 || found == 0 && name.is_none(), "{found} of 50, {name:?}");
        platform.sleep(1).await;
    }
}

pub(crate) async fn changes_are_made_in_order<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    for round in 0..10 {
        let last = vec![round, 4];
        let writes = (0..5).map(|n| disk.write(put(Table::Meta, "a", vec![round, n])));
        assert_eq!(join_all(writes).await, vec![Ok(()); 5]);
        assert_eq!(one(&disk, Table::Meta, b"a").await, Some(last));
    }
}

pub(crate) async fn handles_at_once_lose_nothing<P: Platform, S>(platform: P, _: S) {
    let name = fresh_name(&platform);
    let handles = join_all((0..3).map(|_| platform.open_disk(&name))).await;
    let handles: Vec<P::Disk> =
        handles.into_iter().map(|handle| handle.expect("handles may be many")).collect();
    let work = handles.iter().zip(0u8..).map(|(disk, handle)| async move {
        for n in 0..20u8 {
            let write = disk.write(put(Table::Entries, [handle, n], varied(5_000, 3)));
            let read = disk.keys(Table::Entries, Range::prefix([handle]), 100);
            let (written, read) = join(write, read).await;
            written.expect("write");
            let found = read.expect("keys").records.len();
            assert!((usize::from(n)..=usize::from(n) + 1).contains(&found), "{found} of {n}");
        }
    });
    join_all(work).await;
    assert_eq!(all_keys(&handles[0], Table::Entries).await.len(), 60);
}

pub(crate) async fn usage_grows_with_what_is_written<P: Platform, S>(platform: P, _: S) {
    let disk = open_disk(&platform).await;
    let before = disk.usage().await.expect("usage");
    for n in 0..4u8 {
        let changes = put(Table::Chunks, [n], varied(1 << 20, u32::from(n) + 1));
        disk.write(changes).await.expect("write");
    }
    // Browsers round, compress, and reckon late; but not by half.
    for _ in 0..1_000 {
        let after = disk.usage().await.expect("usage");
        assert!(after.quota_bytes.is_none_or(|quota| quota >= after.used_bytes));
        if after.used_bytes >= before.used_bytes + (2 << 20) {
            return;
        }
        platform.sleep(10).await;
    }
    panic!("4 MiB were written and nothing more is used");
}
