//! What the browser says of this origin's space.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::platform::{disk::Usage, storage::Error};

/// Asks `navigator.storage`, which pages without https lack.
pub(super) async fn estimate() -> Result<Usage, Error> {
    let asked = ask().map_err(|_| Error::Unavailable {
        reason: "this browser tells no usage; pages need https for it".to_owned(),
    })?;
    let told = JsFuture::from(asked).await;
    let told = told.map_err(|error| Error::Failed { reason: format!("{error:?}") })?;
    let used_bytes = bytes(&told, "usage");
    let used_bytes = used_bytes
        .ok_or_else(|| Error::Failed { reason: "the browser's usage is no number".to_owned() })?;
    Ok(Usage { used_bytes, quota_bytes: bytes(&told, "quota") })
}

fn ask() -> Result<Promise, JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
    let storage = Reflect::get(&navigator, &"storage".into())?;
    let estimate: Function = Reflect::get(&storage, &"estimate".into())?.dyn_into()?;
    estimate.call0(&storage)?.dyn_into()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "browsers count bytes in whole numbers; this cast saturates"
)]
fn bytes(estimate: &JsValue, what: &str) -> Option<u64> {
    let number = Reflect::get(estimate, &what.into()).ok()?.as_f64()?;
    Some(number as u64)
}
