//! What only browsers do to a disk.

use js_sys::{Function, Promise};
use node_core::platform::{
    Disk, Platform,
    disk::{Changes, PageLimits, Range, Table},
    storage::Error,
    web::WebDisk,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{Hidden, javascript, platform};
use crate::conformance::{all_keys, fresh_name, one, open_disk, put, varied};

/// Undoes on drop what a script did to the browser.
struct Changed(Function);

impl Changed {
    /// The script gives a function that undoes what it did.
    fn new(body: &str, name: &str) -> Self {
        Self(javascript(body, name).unchecked_into())
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        self.0.call0(&JsValue::UNDEFINED).expect("what was changed can be put back");
    }
}

/// What a script's promise gives.
pub(super) async fn promised(body: &str, name: &str) -> JsValue {
    let promise: Promise = javascript(body, name).unchecked_into();
    JsFuture::from(promise).await.expect("the test's own script works")
}

/// A fresh disk, and the name of its database.
async fn disk_and_name() -> (WebDisk, String) {
    let platform = platform();
    let name = fresh_name(&platform);
    let disk = platform.open_disk(&name).await.expect("this browser has IndexedDB");
    (disk, name)
}

/// Deletes the database and ends when that is done; fails if somebody keeps it.
/// That it is blocked for a moment is no failure: who closes a database ends
/// the transactions first that are under way.
async fn delete(name: &str) {
    promised(
        "return new Promise((resolve, reject) => {
             const request = indexedDB.deleteDatabase(`${name}/disk`);
             request.onsuccess = resolve;
             request.onblocked = () => setTimeout(() => reject('somebody keeps it'), 20000);
         });",
        name,
    )
    .await;
}

#[wasm_bindgen_test]
async fn a_disk_deleted_under_us_is_gone_and_opens_again_empty() {
    let (disk, name) = disk_and_name().await;
    disk.write(put(Table::Chunks, "a", vec![1])).await.expect("put");
    let clone = disk.clone();
    delete(&name).await;
    let is_gone = |error: Error| matches!(error, Error::Gone { .. });
    let read = disk.get(Table::Chunks, vec![b"a".to_vec()]).await;
    assert!(read.clone().is_err_and(is_gone), "{read:?}");
    for disk in [disk, clone] {
        let scanned = disk.scan(Table::Chunks, Range::all(), PageLimits::LARGEST).await;
        assert!(scanned.is_err_and(is_gone));
        assert!(disk.keys(Table::Chunks, Range::all(), 1).await.is_err_and(is_gone));
        assert!(disk.write(put(Table::Chunks, "b", vec![2])).await.is_err_and(is_gone));
        assert!(disk.usage().await.is_err_and(is_gone));
    }
    let again = platform().open_disk(&name).await.expect("a new one");
    assert_eq!(all_keys(&again, Table::Chunks).await.len(), 0);
    again.write(put(Table::Chunks, "c", vec![3])).await.expect("it is as good as any");
    assert_eq!(all_keys(&again, Table::Chunks).await, [b"c"]);
}

#[wasm_bindgen_test]
async fn a_disk_deleted_during_a_write_answers() {
    let (disk, name) = disk_and_name().await;
    let block = varied(1 << 20, 1);
    let changes = (0..16).fold(Changes::new(), |all, n| all.put(Table::Chunks, [n], block.clone()));
    let (written, ()) = futures::future::join(disk.write(changes), delete(&name)).await;
    // Deleting waits for the transactions that are under way.
    assert!(written.is_ok() || matches!(written, Err(Error::Failed { .. })), "{written:?}");
    let read = disk.get(Table::Chunks, vec![vec![0]]).await;
    assert!(matches!(read, Err(Error::Gone { .. })), "{read:?}");
}

#[wasm_bindgen_test]
async fn a_disk_that_the_browser_closed_goes_on_where_nothing_was_lost() {
    let (disk, _) = disk_and_name().await;
    disk.write(put(Table::Meta, "a", vec![1])).await.expect("put");
    let close_next = || {
        javascript(
            "const begin = IDBDatabase.prototype.transaction;
             IDBDatabase.prototype.transaction = function (...all) {
                 IDBDatabase.prototype.transaction = begin;
                 this.close();
                 return begin.apply(this, all);
             };",
            "",
        )
    };
    close_next();
    assert_eq!(disk.write(put(Table::Meta, "b", vec![2])).await, Ok(()));
    close_next();
    assert_eq!(all_keys(&disk, Table::Meta).await, [b"a", b"b"]);
}

/// The event that browsers send when they close a database by themselves.
#[wasm_bindgen_test]
async fn a_disk_that_was_told_of_its_closing_opens_again() {
    let opened = Changed::new(
        "const open = IDBFactory.prototype.open;
         IDBFactory.prototype.open = function (...all) {
             const request = open.apply(this, all);
             request.addEventListener('success', () => { globalThis.lastOpened = request.result; });
             return request;
         };
         return () => { IDBFactory.prototype.open = open; };",
        "",
    );
    let (disk, _) = disk_and_name().await;
    drop(opened);
    disk.write(put(Table::Meta, "a", vec![1])).await.expect("put");
    javascript("lastOpened.dispatchEvent(new Event('close'));", "");
    assert_eq!(one(&disk, Table::Meta, b"a").await, Some(vec![1]));
    assert_eq!(disk.write(put(Table::Meta, "b", vec![2])).await, Ok(()));
}

#[wasm_bindgen_test]
async fn a_disk_makes_way_for_a_newer_version() {
    let (disk, name) = disk_and_name().await;
    promised(
        "return new Promise((resolve, reject) => {
             const request = indexedDB.open(`${name}/disk`, 99);
             request.onsuccess = () => { request.result.close(); resolve(); };
             request.onblocked = () => reject('somebody keeps it');
         });",
        &name,
    )
    .await;
    let told = disk.get(Table::Meta, vec![vec![1]]).await;
    let is_told = |error: &Error| matches!(error, Error::Unavailable { reason } if reason.contains("newer version"));
    assert!(told.as_ref().is_err_and(is_told), "{told:?}");
    let told = platform().open_disk(&name).await.err();
    assert!(told.as_ref().is_some_and(is_told), "{told:?}");
}

#[wasm_bindgen_test]
async fn a_disk_that_stays_held_is_told_so_and_comes_free() {
    let platform = platform();
    let (disk, name) = disk_and_name().await;
    disk.write(put(Table::Meta, "a", vec![1])).await.expect("put");
    drop(disk);
    // Deleting it waits for a connection that never closes, and keeps all
    // others waiting.
    let release: Function = promised(
        "return new Promise((resolve) => {
             const first = indexedDB.open(`${name}/disk`, 1);
             first.onsuccess = () => {
                 const upgrade = indexedDB.deleteDatabase(`${name}/disk`);
                 upgrade.onblocked = () => resolve(() => first.result.close());
             };
         });",
        &name,
    )
    .await
    .unchecked_into();
    assert_eq!(platform.open_disk(&name).await.err(), Some(Error::Blocked));
    release.call0(&JsValue::UNDEFINED).expect("the connection can be closed");
    let disk = platform.open_disk(&name).await.expect("it is free");
    assert_eq!(all_keys(&disk, Table::Meta).await.len(), 0, "it was deleted meanwhile");
    // What gave up waiting has closed what it got: nobody is in the way.
    drop(disk);
    delete(&name).await;
}

#[wasm_bindgen_test]
async fn without_indexed_db_there_is_no_disk() {
    let platform = platform();
    let name = fresh_name(&platform);
    let hidden = Hidden::new("globalThis", "indexedDB");
    let absent = platform.open_disk(&name).await.err();
    drop(hidden);
    assert!(matches!(absent, Some(Error::Unavailable { .. })), "{absent:?}");
}

/// Private windows of some browsers, and pages whose site data is blocked.
#[wasm_bindgen_test]
async fn a_browser_that_refuses_databases_has_no_disk() {
    let platform = platform();
    let throwing = Changed::new(
        "const open = IDBFactory.prototype.open;
         IDBFactory.prototype.open = () => { throw new DOMException('denied', name); };
         return () => { IDBFactory.prototype.open = open; };",
        "SecurityError",
    );
    let refused = platform.open_disk(&fresh_name(&platform)).await.err();
    drop(throwing);
    let says_why =
        matches!(&refused, Some(Error::Unavailable { reason }) if reason.contains("denied"));
    assert!(says_why, "{refused:?}");
}

/// A database that can't be laid out is not left half-made.
#[wasm_bindgen_test]
async fn a_database_whose_making_fails_is_made_at_the_next_attempt() {
    let platform = platform();
    let name = fresh_name(&platform);
    let failing = Changed::new(
        "const create = IDBDatabase.prototype.createObjectStore;
         IDBDatabase.prototype.createObjectStore = function (...all) {
             if (all[0] === name) throw new DOMException('full', 'QuotaExceededError');
             return create.apply(this, all);
         };
         return () => { IDBDatabase.prototype.createObjectStore = create; };",
        "about",
    );
    assert!(platform.open_disk(&name).await.is_err());
    drop(failing);
    let disk = platform.open_disk(&name).await.expect("now it can be made");
    disk.write(put(Table::Meta, "a", vec![1])).await.expect("it is whole");
}

/// A real quota: Chromium gives one to a bucket. Other browsers have none.
#[wasm_bindgen_test]
async fn a_quota_that_is_reached_keeps_what_was_there() {
    let platform = platform();
    let has_buckets = javascript("return Boolean(navigator.storageBuckets);", "");
    if has_buckets.is_falsy() {
        return;
    }
    promised(
        "return navigator.storageBuckets.open(name, { quota: 8 * 1024 * 1024 })
             .then((bucket) => { globalThis.smallBucket = bucket.indexedDB; });",
        "small",
    )
    .await;
    let small = Changed::new(
        "const before = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB');
         Object.defineProperty(globalThis, 'indexedDB', { value: smallBucket, configurable: true });
         return () => before
             ? Object.defineProperty(globalThis, 'indexedDB', before)
             : delete globalThis.indexedDB;",
        "",
    );
    let disk = open_disk(&platform).await;
    drop(small);
    let block = |n: u8| varied(1 << 20, u32::from(n) + 1);
    disk.write(put(Table::Chunks, [0], block(0))).await.expect("there is room for the first");
    let many = (1..17).fold(Changes::new(), |all, n| all.put(Table::Chunks, [n], block(n)));
    let refused = disk.write(many.put(Table::Names, "a", vec![1])).await;
    assert_eq!(refused, Err(Error::QuotaExceeded));
    assert_eq!(all_keys(&disk, Table::Chunks).await, [[0]], "a part of it was written");
    assert_eq!(one(&disk, Table::Names, b"a").await, None);
    assert!(one(&disk, Table::Chunks, &[0]).await == Some(block(0)));
    disk.write(put(Table::Chunks, [1], block(1))).await.expect("there is still room for one");
}

/// Where the browser says at once that it is full.
#[wasm_bindgen_test]
async fn a_put_that_throws_half_way_takes_the_others_back() {
    let platform = platform();
    let disk = open_disk(&platform).await;
    disk.write(put(Table::Entries, "a", vec![1])).await.expect("put");
    let full = Changed::new(
        "const put = IDBObjectStore.prototype.put;
         let count = 0;
         IDBObjectStore.prototype.put = function (...all) {
             if (++count > 2) throw new DOMException('full', name);
             return put.apply(this, all);
         };
         return () => { IDBObjectStore.prototype.put = put; };",
        "QuotaExceededError",
    );
    let changes = (0..5).fold(Changes::new(), |all, n| all.put(Table::Entries, [n], vec![n]));
    let refused = disk.write(changes).await;
    drop(full);
    assert_eq!(refused, Err(Error::QuotaExceeded));
    assert_eq!(all_keys(&disk, Table::Entries).await, [b"a"]);
}

#[wasm_bindgen_test]
async fn what_is_no_byte_array_is_corrupt_and_left_alone() {
    let (disk, name) = disk_and_name().await;
    promised(
        "return new Promise((resolve) => {
             const request = indexedDB.open(`${name}/disk`);
             request.onsuccess = () => {
                 const transaction = request.result.transaction('meta', 'readwrite');
                 transaction.objectStore('meta').put('text', new Uint8Array([1]));
                 transaction.oncomplete = () => { request.result.close(); resolve(); };
             };
         });",
        &name,
    )
    .await;
    let read = disk.get(Table::Meta, vec![vec![1]]).await;
    assert!(matches!(read, Err(Error::Corrupt { .. })), "{read:?}");
    let scanned = disk.scan(Table::Meta, Range::all(), PageLimits::LARGEST).await;
    assert!(matches!(scanned, Err(Error::Corrupt { .. })), "{scanned:?}");
    assert_eq!(all_keys(&disk, Table::Meta).await, [[1]]);
}
