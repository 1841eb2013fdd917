//! Requests and transactions as futures.
//!
//! The handlers are those of a promise, which the browser owns: a future that
//! is dropped half-way leaves nothing behind that could be called in vain.

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomException, IdbRequest, IdbTransaction};

use crate::platform::storage::Error;

/// Ends when the transaction is complete, or was taken back by the browser.
/// Must be called in the same turn as its last request was made.
pub(super) async fn finished(transaction: &IdbTransaction) -> Result<(), Error> {
    let mut handlers = |complete: Function, aborted: Function| {
        transaction.set_oncomplete(Some(&complete));
        transaction.set_onabort(Some(&aborted));
    };
    match JsFuture::from(Promise::new(&mut handlers)).await {
        Ok(_) => Ok(()),
        Err(_) => Err(cause(transaction).unwrap_or_else(taken_back)),
    }
}

/// Ends when the request is answered. Until something else is awaited, its
/// transaction can be asked for more.
pub(super) async fn success(request: &IdbRequest) -> Result<(), Error> {
    let mut handlers = |success: Function, error: Function| {
        request.set_onsuccess(Some(&success));
        request.set_onerror(Some(&error));
    };
    match JsFuture::from(Promise::new(&mut handlers)).await {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(request.error().ok().flatten().map_or_else(taken_back, |error| exception(&error)))
        }
    }
}

/// What a request that is done found.
pub(super) fn result<T: JsCast>(request: &IdbRequest) -> Result<T, Error> {
    let result = request.result().map_err(|error| failure(&error))?;
    result.dyn_into().map_err(|other| Error::Failed { reason: format!("{other:?}") })
}

/// Why a transaction was taken back, once it was.
pub(super) fn cause(transaction: &IdbTransaction) -> Option<Error> {
    transaction.error().map(|error| exception(&error))
}

/// What the browser threw.
pub(super) fn failure(thrown: &JsValue) -> Error {
    match thrown.dyn_ref::<DomException>() {
        Some(error) => exception(error),
        None => Error::Failed { reason: format!("{thrown:?}") },
    }
}

fn exception(error: &DomException) -> Error {
    if error.name() == "QuotaExceededError" {
        return Error::QuotaExceeded;
    }
    Error::Failed { reason: format!("{}: {}", error.name(), error.message()) }
}

fn taken_back() -> Error {
    Error::Failed { reason: "the browser took the transaction back".to_owned() }
}
