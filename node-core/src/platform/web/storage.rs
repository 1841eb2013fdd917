//! Settings in `IndexedDB`: one database per store, one object store in it.
//!
//! A batch is one transaction, and resolves when the browser says that it is
//! complete. Browsers then have handed it to the system: it survives the death
//! of the tab and of the browser, though perhaps not a power cut.
//!
//! A browser may close a database under us (the user clears site data, a disk
//! stumbles); the next call opens it again.

use std::{cell::RefCell, rc::Rc};

use futures::future::{FutureExt, LocalBoxFuture};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, IdbObjectStore, IdbRequest, IdbTransaction, IdbTransactionMode};

use super::{
    WebPlatform,
    database::{self, Durability, in_time, to_the_end},
    request::{cause, failure, finished, result, success},
};
use crate::platform::storage::{Batch, ENTRIES_MAX, Error, Storage, check_name};

/// The object store's name.
const SETTINGS: &str = "settings";

/// One database. Clones are the same; the last one closes it.
#[derive(Clone)]
pub struct WebStorage {
    name: Rc<str>,
    connection: Rc<RefCell<Rc<Connection>>>,
}

/// An open database. Dropping it closes it.
struct Connection(IdbDatabase);

/// A transaction on the settings.
struct Begun {
    transaction: IdbTransaction,
    store: IdbObjectStore,
}

impl Connection {
    /// A transaction, or none when the database is closed.
    fn begin(&self, mode: IdbTransactionMode) -> Result<Option<Begun>, Error> {
        let names = Array::of1(&SETTINGS.into());
        let begun = database::begin(&self.0, &names, mode, Durability::Default)?;
        let Some(transaction) = begun else { return Ok(None) };
        let store = transaction.object_store(SETTINGS).map_err(|error| failure(&error))?;
        Ok(Some(Begun { transaction, store }))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl WebStorage {
    pub(super) fn open(
        name: String,
        platform: WebPlatform,
    ) -> LocalBoxFuture<'static, Result<Self, Error>> {
        async move {
            check_name(&name)?;
            let name: Rc<str> = name.into();
            let connection = in_time(connect(name.clone()).boxed_local(), &platform).await?;
            Ok(Self { name, connection: Rc::new(RefCell::new(connection)) })
        }
        .boxed_local()
    }

    /// Begins a transaction; in the same poll, unless the database must be
    /// opened again.
    async fn begin(&self, mode: IdbTransactionMode) -> Result<Begun, Error> {
        let connection = self.connection.borrow().clone();
        if let Some(begun) = connection.begin(mode)? {
            return Ok(begun);
        }
        let anew = connect(self.name.clone()).await?;
        self.connection.replace(anew.clone());
        let closed = || Error::Failed { reason: "the database closes as it opens".to_owned() };
        anew.begin(mode)?.ok_or_else(closed)
    }

    async fn apply(self, batch: Batch) -> Result<(), Error> {
        let changes = batch.checked()?;
        let Begun { transaction, store } = self.begin(IdbTransactionMode::Readwrite).await?;
        let requested =
            changes.into_iter().try_for_each(|(key, value)| change(&store, &key, value));
        match requested.and_then(|()| store.count()) {
            Ok(count) => end(&transaction, &count).await,
            Err(thrown) => {
                // Without this, what was requested before would be made.
                drop(transaction.abort());
                Err(failure(&thrown))
            }
        }
    }

    async fn keys(self, prefix: String) -> Result<Vec<String>, Error> {
        let begun = self.begin(IdbTransactionMode::Readonly).await?;
        let keys: Array = answer(begun.store.get_all_keys()).await?;
        let keys = keys.iter().filter_map(|key| key.as_string());
        let mut keys: Vec<String> = keys.filter(|key| key.starts_with(&prefix)).collect();
        // IndexedDB orders by UTF-16 code units.
        ion_map::sort(&mut keys);
        Ok(keys)
    }

    async fn value(self, key: String) -> Result<Option<Vec<u8>>, Error> {
        let begun = self.begin(IdbTransactionMode::Readonly).await?;
        let value: JsValue = answer(begun.store.get(&JsValue::from(&key))).await?;
        if value.is_undefined() { Ok(None) } else { bytes(&key, value).map(Some) }
    }
}

impl Storage for WebStorage {
    fn get(&self, key: &str) -> LocalBoxFuture<'static, Result<Option<Vec<u8>>, Error>> {
        self.clone().value(key.to_owned()).boxed_local()
    }

    fn list(&self, prefix: &str) -> LocalBoxFuture<'static, Result<Vec<String>, Error>> {
        self.clone().keys(prefix.to_owned()).boxed_local()
    }

    fn write(&self, batch: Batch) -> LocalBoxFuture<'static, Result<(), Error>> {
        // Whoever goes away must not keep the entries from being counted.
        to_the_end(self.clone().apply(batch).boxed_local())
    }
}

async fn connect(name: Rc<str>) -> Result<Rc<Connection>, Error> {
    let lay_out = |database: &IdbDatabase| database.create_object_store(SETTINGS).map(drop);
    let database = database::open(name, Box::new(lay_out)).await?;
    Ok(Rc::new(Connection(database)))
}

fn change(store: &IdbObjectStore, key: &str, value: Option<Vec<u8>>) -> Result<(), JsValue> {
    let key = JsValue::from(key);
    let requested = match value {
        Some(value) => store.put_with_key(&Uint8Array::from(value.as_slice()), &key),
        None => store.delete(&key),
    };
    requested.map(drop)
}

/// Ends a write, which is taken back if the store then has too many entries.
async fn end(transaction: &IdbTransaction, count: &IdbRequest) -> Result<(), Error> {
    if let Err(error) = success(count).await {
        // It is not the count that failed, but what was asked before it.
        return Err(cause(transaction).unwrap_or(error));
    }
    let entries: JsValue = result(count)?;
    if entries.as_f64().is_none_or(|entries| entries > ENTRIES_MAX as f64) {
        transaction.abort().map_err(|error| failure(&error))?;
        return Err(Error::TooMany { entries_max: ENTRIES_MAX });
    }
    finished(transaction).await
}

/// What a request found.
async fn answer<T: JsCast>(requested: Result<IdbRequest, JsValue>) -> Result<T, Error> {
    let request = requested.map_err(|error| failure(&error))?;
    success(&request).await?;
    result(&request)
}

fn bytes(key: &str, value: JsValue) -> Result<Vec<u8>, Error> {
    let array: Result<Uint8Array, _> = value.dyn_into();
    array
        .map(|array| array.to_vec())
        .map_err(|_| Error::Corrupt { reason: format!("the value of {key} is not a byte array") })
}
