//! One connection to a database, and what tells that it is lost.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Function, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Event, IdbDatabase, IdbTransaction, IdbTransactionMode, IdbVersionChangeEvent};

use crate::platform::{
    Platform,
    disk::Table,
    storage::Error,
    web::{
        WebPlatform,
        database::{self, Durability},
        request::{failure, success},
    },
};

/// The object store of the number that the database got when it was made.
const ABOUT: &str = "about";
const MADE: &str = "made";

/// Drawn at random when a database is made.
type Made = [u8; 16];

/// An open database. Dropping it closes it.
pub(super) struct Connection {
    database: IdbDatabase,
    made: Made,
    /// Why it is of no more use, once it is not.
    lost: Rc<RefCell<Option<String>>>,
    /// What the browser calls; it must live as long as the database is open.
    _handler: Closure<dyn FnMut(Event)>,
}

impl Connection {
    /// Opens a database, and makes it if it is not there. Must be polled to its
    /// end, however long others keep the database.
    pub(super) async fn open(name: Rc<str>, platform: WebPlatform) -> Result<Self, Error> {
        let mut made = Made::default();
        platform.fill_random(&mut made);
        let lay_out = move |database: &IdbDatabase| lay_out(database, &made);
        Self::of(database::open(name, Box::new(lay_out)).await?).await
    }

    async fn of(database: IdbDatabase) -> Result<Self, Error> {
        let lost = Rc::new(RefCell::new(None));
        let handler = watch(&database, &lost);
        let made = Made::default();
        let mut connection = Self { database, made, lost, _handler: handler };
        connection.made = connection.read_made().await?;
        Ok(connection)
    }

    async fn read_made(&self) -> Result<Made, Error> {
        let names = Array::of1(&ABOUT.into());
        let begun = self.begin(&names, IdbTransactionMode::Readonly)?;
        let transaction = begun.ok_or_else(|| self.gone())?;
        let store = transaction.object_store(ABOUT).map_err(|error| failure(&error))?;
        let request = store.get(&MADE.into()).map_err(|error| failure(&error))?;
        success(&request).await?;
        let corrupt = || Error::Corrupt { reason: "it does not say when it was made".to_owned() };
        let value = request.result().ok().and_then(|value| value.dyn_into::<Uint8Array>().ok());
        value.and_then(|value| value.to_vec().try_into().ok()).ok_or_else(corrupt)
    }

    /// A transaction, or none when the database is closed.
    pub(super) fn begin(
        &self,
        names: &Array,
        mode: IdbTransactionMode,
    ) -> Result<Option<IdbTransaction>, Error> {
        if self.lost.borrow().is_some() {
            return Ok(None);
        }
        database::begin(&self.database, names, mode, Durability::Relaxed)
    }

    /// Whether both are to a database that was made once.
    pub(super) fn is_same_database(&self, other: &Self) -> bool {
        self.made == other.made
    }

    /// That this database is not there any more.
    pub(super) fn gone(&self) -> Error {
        let why = self.lost.borrow().clone();
        Error::Gone { reason: why.unwrap_or_else(|| "the browser closed it".to_owned()) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
    }
}

/// Makes the object stores that are not there. Stores of later versions are
/// added here; none is ever removed.
fn lay_out(database: &IdbDatabase, made: &Made) -> Result<(), JsValue> {
    let there = database.object_store_names();
    for table in Table::ALL {
        if !there.contains(table.name()) {
            database.create_object_store(table.name())?;
        }
    }
    if !there.contains(ABOUT) {
        let about = database.create_object_store(ABOUT)?;
        about.put_with_key(&Uint8Array::from(made.as_slice()), &MADE.into())?;
    }
    Ok(())
}

/// Listens for what takes the database from us. Whoever deletes it, or knows a
/// newer version, waits until all others have closed it, so we do at once;
/// transactions under way still end.
fn watch(database: &IdbDatabase, lost: &Rc<RefCell<Option<String>>>) -> Closure<dyn FnMut(Event)> {
    let (ours, lost) = (database.clone(), lost.clone());
    let handler = Closure::new(move |event: Event| {
        let why = match event.dyn_ref::<IdbVersionChangeEvent>() {
            Some(change) if change.new_version().is_some() => "a newer version of it was opened",
            Some(_) => "it was deleted",
            None => "the browser closed it",
        };
        lost.replace(Some(why.to_owned()));
        ours.close();
    });
    let function: &Function = handler.as_ref().unchecked_ref();
    database.set_onversionchange(Some(function));
    database.set_onclose(Some(function));
    handler
}
