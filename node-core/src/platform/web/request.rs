//! Requests and transactions as futures.
//!
//! The handlers are those of a promise, which the browser owns: a future that
//! is dropped half-way leaves nothing behind that could be called in vain.

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomException, IdbKeyRange, IdbRequest, IdbTransaction};

use crate::platform::{disk::Range, storage::Error};

/// Ends when the transaction is complete, or was taken back by the browser.
/// Must be called in the same turn as its last request was made.
pub(super) async fn finished(transaction: &IdbTransaction) -> Result<(), Error> {
    let mut handlers = |complete: Function, aborted: Function| {
        transaction.set_oncomplete(Some(&complete));
        transaction.set_onabort(Some(&aborted));
    };
    match JsFuture::from(Promise::new(&mut handlers)).await {
        Ok(_) => Ok(()),
        Err(_) => Err(transaction.error().map_or_else(taken_back, |error| exception(&error))),
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

/// A range that is not empty, as the browser wants it.
pub(super) fn key_range(range: &Range) -> Result<JsValue, Error> {
    let start = super::bytes_in(range.start());
    let made = match range.end() {
        Some(end) => {
            let end = super::bytes_in(end);
            IdbKeyRange::bound_with_lower_open_and_upper_open(&start, &end, false, true)
        }
        None => IdbKeyRange::lower_bound(&start),
    };
    made.map(JsValue::from).map_err(|error| failure(&error))
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
