//! Settings in `IndexedDB`: one database per store, one object store in it.
//!
//! A batch is one transaction, and resolves when the browser says that it is
//! complete. Browsers then have handed it to the system: it survives the death
//! of the tab and of the browser, though perhaps not a power cut.
//!
//! A browser may close a database under us (the user clears site data, a disk
//! stumbles); the next call opens it again.

use std::{cell::RefCell, error::Error as _, rc::Rc};

use futures::{
    channel::oneshot,
    future::{Either, FutureExt, LocalBoxFuture, select},
};
use js_sys::Uint8Array;
use rexie::{ObjectStore, Rexie, Store, Transaction, TransactionMode};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;

use super::WebPlatform;
use crate::platform::{
    Platform,
    storage::{Batch, ENTRIES_MAX, Error, Storage, check_name},
};

/// The object store's name.
const SETTINGS: &str = "settings";
/// The version of the database's layout.
const VERSION: u32 = 1;
/// What a browser calls the use of a database that it closed.
const CLOSED: &str = "InvalidStateError";
/// How long opening may take before it counts as blocked, in milliseconds.
const OPEN_MS_MAX: u64 = 5_000;

/// One database. Clones are the same; the last one closes it.
#[derive(Clone)]
pub struct WebStorage {
    name: Rc<str>,
    connection: Rc<RefCell<Rc<Connection>>>,
}

struct Connection(Option<Rexie>);

/// A transaction on the settings. It must be kept until its requests are done.
struct Begun {
    transaction: Transaction,
    store: Store,
}

impl Connection {
    fn begin(&self, mode: TransactionMode) -> Result<Begun, rexie::Error> {
        let database = self.0.as_ref().expect("only dropping it closes it");
        let transaction = database.transaction(&[SETTINGS], mode)?;
        let store = transaction.store(SETTINGS)?;
        Ok(Begun { transaction, store })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(database) = self.0.take() {
            database.close();
        }
    }
}

impl WebStorage {
    pub(super) fn open(
        name: String,
        platform: WebPlatform,
    ) -> LocalBoxFuture<'static, Result<Self, Error>> {
        async move {
            check_name(&name)?;
            let opening = to_the_end(async move {
                let connection = Rc::new(RefCell::new(connect(&name).await?));
                Ok(Self { name: Rc::from(name), connection })
            });
            match select(opening, platform.sleep(OPEN_MS_MAX)).await {
                Either::Left((opened, _)) => opened,
                Either::Right(_) => Err(Error::Blocked),
            }
        }
        .boxed_local()
    }

    async fn begin(&self, mode: TransactionMode) -> Result<Begun, Error> {
        let connection = self.connection.borrow().clone();
        match connection.begin(mode) {
            Err(error) if reason(&error).contains(CLOSED) => {}
            begun => return begun.map_err(|error| failure(&error)),
        }
        let anew = connect(&self.name).await?;
        self.connection.replace(anew.clone());
        anew.begin(mode).map_err(|error| failure(&error))
    }

    async fn apply(self, batch: Batch) -> Result<(), Error> {
        let changes = batch.checked()?;
        let Begun { transaction, store } = self.begin(TransactionMode::ReadWrite).await?;
        for (key, value) in changes {
            change(&store, &key, value).await.map_err(|error| failure(&error))?;
        }
        let entries = store.count(None).await.map_err(|error| failure(&error))?;
        if entries as usize > ENTRIES_MAX {
            transaction.abort().await.map_err(|error| failure(&error))?;
            return Err(Error::TooMany { entries_max: ENTRIES_MAX });
        }
        let done = transaction.done().await.map_err(|error| failure(&error))?;
        // We did not abort it, so the browser did, which it does for want of space.
        if done.is_committed() { Ok(()) } else { Err(Error::QuotaExceeded) }
    }

    async fn keys(self, prefix: String) -> Result<Vec<String>, Error> {
        let begun = self.begin(TransactionMode::ReadOnly).await?;
        let keys = begun.store.get_all_keys(None, None).await.map_err(|error| failure(&error))?;
        let keys = keys.into_iter().filter_map(|key| key.as_string());
        let mut keys: Vec<String> = keys.filter(|key| key.starts_with(&prefix)).collect();
        // IndexedDB orders by UTF-16 code units.
        ion_map::sort(&mut keys);
        Ok(keys)
    }

    async fn value(self, key: String) -> Result<Option<Vec<u8>>, Error> {
        let begun = self.begin(TransactionMode::ReadOnly).await?;
        let value = begun.store.get(JsValue::from(&key)).await.map_err(|error| failure(&error))?;
        value.map(|value| bytes(&key, value)).transpose()
    }
}

impl Storage for WebStorage {
    fn get(&self, key: &str) -> LocalBoxFuture<'static, Result<Option<Vec<u8>>, Error>> {
        to_the_end(self.clone().value(key.to_owned()))
    }

    fn list(&self, prefix: &str) -> LocalBoxFuture<'static, Result<Vec<String>, Error>> {
        to_the_end(self.clone().keys(prefix.to_owned()))
    }

    fn write(&self, batch: Batch) -> LocalBoxFuture<'static, Result<(), Error>> {
        to_the_end(self.clone().apply(batch))
    }
}

async fn connect(name: &str) -> Result<Rc<Connection>, Error> {
    let database = Rexie::builder(name)
        .version(VERSION)
        .add_object_store(ObjectStore::new(SETTINGS))
        .build()
        .await
        .map_err(|error| Error::Unavailable { reason: reason(&error) })?;
    Ok(Rc::new(Connection(Some(database))))
}

async fn change(store: &Store, key: &str, value: Option<Vec<u8>>) -> Result<(), rexie::Error> {
    let key = JsValue::from(key);
    match value {
        Some(value) => {
            let value = Uint8Array::from(value.as_slice());
            store.put(&value, Some(&key)).await.map(drop)
        }
        None => store.delete(key).await,
    }
}

/// Runs database work to its end even if the caller goes away: handlers of a
/// transaction must outlive it. The work starts when this is first polled.
pub(super) fn to_the_end<T: 'static>(
    work: impl Future<Output = Result<T, Error>> + 'static,
) -> LocalBoxFuture<'static, Result<T, Error>> {
    async move {
        let (done, result) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "a driver's task")]
        spawn_local(async move { drop(done.send(work.await)) });
        result.await.unwrap_or(Err(Error::Failed { reason: "the work was dropped".to_owned() }))
    }
    .boxed_local()
}

fn bytes(key: &str, value: JsValue) -> Result<Vec<u8>, Error> {
    let array: Result<Uint8Array, _> = value.dyn_into();
    array
        .map(|array| array.to_vec())
        .map_err(|_| Error::Corrupt { reason: format!("the value of {key} is not a byte array") })
}

fn failure(error: &rexie::Error) -> Error {
    let reason = reason(error);
    if reason.contains("QuotaExceededError") {
        return Error::QuotaExceeded;
    }
    Error::Failed { reason }
}

/// What the browser said: rexie keeps it in the source of its error.
fn reason(error: &rexie::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}
