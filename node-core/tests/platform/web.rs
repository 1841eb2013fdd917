//! The suite in a browser, and what only browsers lack or have.

#[path = "web/disk.rs"]
mod disk;
#[path = "web/measure.rs"]
mod measure;

use js_sys::{Function, Promise};
use node_core::{
    identity::slot::{Acquired, HostSlots, NoSlot, Notice, Slots, acquire, settle},
    platform::{Platform, Storage, storage::Error, web::WebPlatform},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    conformance::{self, fresh_name, open},
    every_case, every_disk_case,
};

macro_rules! case {
    ($name:ident) => {
        #[wasm_bindgen_test]
        async fn $name() {
            let platform = platform();
            let slots = HostSlots::new(&fresh_name(&platform));
            conformance::$name(platform, slots).await;
        }
    };
}
every_case!(case);
every_disk_case!(case);

fn platform() -> WebPlatform {
    WebPlatform::new().expect("this browser has what all have")
}

/// Calls a JavaScript function body with one argument, `name`.
fn javascript(body: &str, name: &str) -> JsValue {
    let function = Function::new_with_args("name", body);
    function.call1(&JsValue::UNDEFINED, &name.into()).expect("the test's own script works")
}

/// A worker that holds the lock `name`, once it holds it.
async fn holding_worker(name: &str) -> JsValue {
    let held = javascript(
        "const script = `
            onmessage = ({ data }) => navigator.locks.request(data, () => {
                postMessage('held');
                return new Promise(() => {});
            });`;
         const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
         const worker = new Worker(url);
         worker.postMessage(name);
         return new Promise((resolve) => { worker.onmessage = () => resolve(worker); });",
        name,
    );
    JsFuture::from(held.unchecked_into::<Promise>()).await.expect("the worker answers")
}

fn terminate(worker: &JsValue) {
    let end = Function::new_with_args("worker", "worker.terminate()");
    end.call1(&JsValue::UNDEFINED, worker).expect("workers can be ended");
}

#[wasm_bindgen_test]
async fn a_slot_held_by_another_worker_is_free_when_that_ends() {
    let platform = platform();
    let prefix = fresh_name(&platform);
    let slots = HostSlots::new(&prefix);
    let worker = holding_worker(&format!("{prefix}-0")).await;
    assert!(slots.try_hold(0).await.expect("locks work").is_none());
    let Acquired::Slot(beside) = acquire(&platform, &slots, None).await else { panic!("no slot") };
    assert_eq!(beside.index(), 1);
    terminate(&worker);
    // Waits for the end of the other, as a reload does.
    let Acquired::Slot(after) = acquire(&platform, &slots, Some(0)).await else {
        panic!("no slot")
    };
    assert_eq!(after.index(), 0);
}

/// Hides a property of the global object or of the navigator until dropped.
struct Hidden(Function);

impl Hidden {
    fn new(owner: &str, property: &str) -> Self {
        let restore = javascript(
            &format!(
                "const before = Object.getOwnPropertyDescriptor({owner}, name);
                 Object.defineProperty({owner}, name, {{ value: undefined, configurable: true }});
                 return () => before
                    ? Object.defineProperty({owner}, name, before)
                    : delete {owner}[name];"
            ),
            property,
        );
        Self(restore.unchecked_into())
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.call0(&JsValue::UNDEFINED).expect("the property can be put back");
    }
}

#[wasm_bindgen_test]
async fn without_web_locks_an_ion_is_fresh_and_says_so() {
    let platform = platform();
    let hidden = Hidden::new("navigator", "locks");
    let settled = settle(&platform, &HostSlots::new("ionosphere-slot"), None).await;
    assert!(settled.place.is_none());
    assert_eq!(settled.notice, Some(Notice::NoSlot(NoSlot::NoLocks)));
    drop(hidden);
    let settled = settle(&platform, &HostSlots::new(&fresh_name(&platform)), None).await;
    assert!(settled.place.is_some());
}

#[wasm_bindgen_test]
async fn without_indexed_db_an_ion_is_fresh_and_says_so() {
    let platform = platform();
    let slots = HostSlots::new(&fresh_name(&platform));
    let hidden = Hidden::new("globalThis", "indexedDB");
    let first = settle(&platform, &slots, None).await;
    let second = settle(&platform, &slots, None).await;
    drop(hidden);
    assert!(first.place.is_none());
    let unavailable = matches!(first.notice, Some(Notice::NoStorage(Error::Unavailable { .. })));
    assert!(unavailable, "{:?}", first.notice);
    assert_ne!(first.seed, second.seed);
}

#[wasm_bindgen_test]
async fn a_browser_without_space_answers_so_and_keeps_what_is_there() {
    let platform = platform();
    let store = open(&platform).await;
    store.put("a", vec![1]).await.expect("put");
    let restore: Function = javascript(
        "const put = IDBObjectStore.prototype.put;
         IDBObjectStore.prototype.put = () => { throw new DOMException('full', name); };
         return () => { IDBObjectStore.prototype.put = put; };",
        "QuotaExceededError",
    )
    .unchecked_into();
    let refused = store.put("a", vec![2]).await;
    restore.call0(&JsValue::UNDEFINED).expect("the method can be put back");
    assert_eq!(refused, Err(Error::QuotaExceeded));
    assert_eq!(store.get("a").await, Ok(Some(vec![1])));
}

/// The browser takes a transaction back when its disk is full at the end.
#[wasm_bindgen_test]
async fn a_transaction_that_the_browser_takes_back_is_an_error() {
    let platform = platform();
    let store = open(&platform).await;
    let restore: Function = javascript(
        "const put = IDBObjectStore.prototype.put;
         IDBObjectStore.prototype.put = function (...all) {
             const request = put.apply(this, all);
             this.transaction.abort();
             return request;
         };
         return () => { IDBObjectStore.prototype.put = put; };",
        "",
    )
    .unchecked_into();
    let refused = store.put("a", vec![2]).await;
    restore.call0(&JsValue::UNDEFINED).expect("the method can be put back");
    assert!(refused.is_err());
    assert_eq!(store.get("a").await, Ok(None));
}

/// As when the user clears site data, or the disk stumbles.
#[wasm_bindgen_test]
async fn a_database_that_the_browser_closed_is_opened_again() {
    let platform = platform();
    let store = open(&platform).await;
    store.put("a", vec![1]).await.expect("put");
    javascript(
        "const begin = IDBDatabase.prototype.transaction;
         IDBDatabase.prototype.transaction = function (...all) {
             IDBDatabase.prototype.transaction = begin;
             this.close();
             return begin.apply(this, all);
         };",
        "",
    );
    assert_eq!(store.put("b", vec![2]).await, Ok(()));
    assert_eq!(store.list("").await, Ok(vec!["a".to_owned(), "b".to_owned()]));
}

#[wasm_bindgen_test]
async fn a_database_that_stays_held_is_told_so() {
    let platform = platform();
    let name = fresh_name(&platform);
    // An upgrade that waits for an older connection which never closes keeps
    // everybody else waiting.
    let holding = javascript(
        "return new Promise((resolve) => {
             const first = indexedDB.open(name, 1);
             first.onsuccess = () => {
                 const upgrade = indexedDB.open(name, 2);
                 upgrade.onblocked = () => resolve(() => {
                     upgrade.onsuccess = () => upgrade.result.close();
                     first.result.close();
                 });
             };
         });",
        &name,
    );
    let holding = JsFuture::from(holding.unchecked_into::<Promise>()).await;
    let release: Function = holding.expect("the upgrade is blocked").unchecked_into();
    assert_eq!(platform.open_storage(&name).await.err(), Some(Error::Blocked));
    release.call0(&JsValue::UNDEFINED).expect("the connection can be closed");
    // Now it is of a version that this program does not know.
    let refused = platform.open_storage(&name).await.err();
    assert!(matches!(refused, Some(Error::Unavailable { .. })), "{refused:?}");
}
