//! Databases of the browser: how they are opened, and how work on them begins.
//!
//! Settings and disk are such databases. Bounds: opening takes at most
//! [`OPEN_MS_MAX`], which is how long other tabs may hold what is there.

use std::rc::Rc;

use futures::{
    channel::oneshot,
    future::{Either, FutureExt, LocalBoxFuture, select},
};
use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    DomException, Event, IdbDatabase, IdbFactory, IdbOpenDbRequest, IdbTransaction,
    IdbTransactionMode,
};

use super::{
    WebPlatform,
    request::{failure, result, success},
};
use crate::platform::{Platform, storage::Error};

/// How long opening may take before it counts as blocked, in milliseconds.
const OPEN_MS_MAX: u64 = 5_000;
/// The version of the layouts: object stores and what they hold.
const VERSION: u32 = 1;
/// What browsers call the use of a database that was closed.
const CLOSED: &str = "InvalidStateError";

/// Makes the object stores of a database that are not there.
pub(super) type LayOut = Box<dyn FnOnce(&IdbDatabase) -> Result<(), JsValue>>;

/// Opens a database, and makes it if it is not there. Must be polled to its
/// end, however long others keep the database: see [`in_time`].
pub(super) async fn open(name: Rc<str>, lay_out: LayOut) -> Result<IdbDatabase, Error> {
    let request = factory()?.open_with_u32(&name, VERSION).map_err(|error| refusal(&error))?;
    let asked = request.clone();
    let upgrade = Closure::once(move |_: Event| {
        let database = asked.result().and_then(JsValue::dyn_into);
        if database.and_then(|database| lay_out(&database)).is_err() {
            // Half a layout is worse than none; `success` tells the error.
            drop(asked.transaction().map(|transaction| transaction.abort()));
        }
    });
    request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
    let opened = success(&request).await;
    opened.map_err(|error| unavailable(error, &request))?;
    result(&request)
}

/// Runs the opening of a database to its end, but does not wait for long. What
/// is still under way then goes on, and closes what it opened.
pub(super) async fn in_time<T: 'static>(
    opening: LocalBoxFuture<'static, Result<T, Error>>,
    platform: &WebPlatform,
) -> Result<T, Error> {
    match select(to_the_end(opening), platform.sleep(OPEN_MS_MAX)).await {
        Either::Left((opened, _)) => opened,
        Either::Right(_) => Err(Error::Blocked),
    }
}

/// How safe from a power cut a write is before it counts as done.
#[derive(Clone, Copy)]
pub(super) enum Durability {
    /// As the browser thinks best.
    Default,
    /// Handed to the system.
    Relaxed,
}

/// Begins a transaction of a durability, where the browser knows that, for which
/// web-sys has no stable name; `None` when the database is closed.
pub(super) fn begin(
    database: &IdbDatabase,
    names: &Array,
    mode: IdbTransactionMode,
    durability: Durability,
) -> Result<Option<IdbTransaction>, Error> {
    match transaction(database, names, mode, durability) {
        Ok(transaction) => Ok(Some(transaction)),
        Err(thrown) if is_closed(&thrown) => Ok(None),
        Err(thrown) => Err(failure(&thrown)),
    }
}

/// Runs database work to its end even if the caller goes away. The work starts
/// when this is first polled.
pub(super) fn to_the_end<T: 'static>(
    work: LocalBoxFuture<'static, Result<T, Error>>,
) -> LocalBoxFuture<'static, Result<T, Error>> {
    async move {
        let (done, result) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "a driver's task")]
        spawn_local(work.map(|worked| drop(done.send(worked))));
        result.await.unwrap_or(Err(Error::Failed { reason: "the work was dropped".to_owned() }))
    }
    .boxed_local()
}

fn factory() -> Result<IdbFactory, Error> {
    let found = Reflect::get(&js_sys::global(), &"indexedDB".into());
    let found = found.map_err(|error| refusal(&error))?;
    // Its class may belong to another realm, so it is not asked for that.
    if found.is_object() {
        return Ok(found.unchecked_into());
    }
    Err(Error::Unavailable { reason: "this browser has no IndexedDB".to_owned() })
}

fn transaction(
    database: &IdbDatabase,
    names: &Array,
    mode: IdbTransactionMode,
    durability: Durability,
) -> Result<IdbTransaction, JsValue> {
    let options = Object::new();
    let durability = match durability {
        Durability::Default => "default",
        Durability::Relaxed => "relaxed",
    };
    Reflect::set(&options, &"durability".into(), &durability.into())?;
    let begin: Function = Reflect::get(database, &"transaction".into())?.dyn_into()?;
    begin.call3(database, names, &mode.into(), &options)?.dyn_into()
}

fn is_closed(thrown: &JsValue) -> bool {
    thrown.dyn_ref::<DomException>().is_some_and(|error| error.name() == CLOSED)
}

/// What the browser threw when it was asked for a database.
fn refusal(thrown: &JsValue) -> Error {
    match failure(thrown) {
        Error::Failed { reason } => Error::Unavailable { reason },
        other => other,
    }
}

fn unavailable(error: Error, request: &IdbOpenDbRequest) -> Error {
    let exception = request.error().ok().flatten();
    match error {
        _ if exception.is_some_and(|error| error.name() == "VersionError") => Error::Unavailable {
            reason: "a newer version of this program made it; reload to get that".to_owned(),
        },
        Error::Failed { reason } => Error::Unavailable { reason },
        other => other,
    }
}
