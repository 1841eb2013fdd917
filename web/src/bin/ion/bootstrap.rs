//! `/bootstrap.json` as the ion in a tab has it: asked for at the relay that
//! serves the site, and the last good one kept for when that does not answer.
//!
//! So a page that opens while every relay is down still knows where they were
//! and which nebula is the open one, and joins by itself when one is back. A
//! document that came but cannot be read is an error: the site itself has
//! changed, and what was kept would only hide it. Bounds: what is kept is as
//! short as what is read, and there is one.

use futures::{FutureExt, future::LocalBoxFuture, pin_mut, select};
use js_sys::Uint8Array;
use node_core::{
    network::bootstrap::{BOOTSTRAP_BYTES_MAX, Bootstrap},
    platform::{Platform, Storage, storage, web::WebPlatform},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, Response};

/// Where the relay that serves the site says where to join.
const ADDRESS: &str = "/bootstrap.json";
/// How long it may take, in milliseconds.
const PATIENCE_MS: u64 = 10_000;
/// The store of what is kept, and its one key.
const STORE: &str = "ionosphere-site";
const KEY: &str = "bootstrap";
const _: () = assert!(BOOTSTRAP_BYTES_MAX <= storage::VALUE_BYTES_MAX, "it can be kept");

/// The document, fresh or else as it was kept; the error is a sentence.
pub(super) fn bootstrap(
    platform: WebPlatform,
) -> LocalBoxFuture<'static, Result<Bootstrap, String>> {
    async move {
        match fresh(&platform).await {
            Ok(bytes) => {
                let read = Bootstrap::read(&bytes)
                    .map_err(|why| format!("Its answer cannot be read: {why}."))?;
                // Kept beside: joining does not wait for the disk.
                platform.spawn(keep(platform.clone(), bytes).boxed_local());
                Ok(read)
            }
            Err(why) => kept(&platform).await.ok_or(why),
        }
    }
    .boxed_local()
}

async fn fresh(platform: &WebPlatform) -> Result<Vec<u8>, String> {
    let fetched = fetch().fuse();
    let patience = platform.sleep(PATIENCE_MS).fuse();
    pin_mut!(fetched, patience);
    select! {
        bytes = fetched => bytes,
        () = patience => Err("The relay did not answer in time.".to_owned()),
    }
}

/// Keeps a document. Where there is no storage it is only not there next time.
async fn keep(platform: WebPlatform, bytes: Vec<u8>) {
    let Ok(store) = platform.open_storage(STORE).await else { return };
    let is_known = store.get(KEY).await.is_ok_and(|kept| kept.as_ref() == Some(&bytes));
    if !is_known && let Err(why) = store.put(KEY, bytes).await {
        web_sys::console::warn_1(&format!("ion: where to join was not kept: {why}").into());
    }
}

async fn kept(platform: &WebPlatform) -> Option<Bootstrap> {
    let store = platform.open_storage(STORE).await.ok()?;
    let bytes = store.get(KEY).await.ok()??;
    Bootstrap::read(&bytes).ok()
}

async fn fetch() -> Result<Vec<u8>, String> {
    let unreachable = |_: JsValue| "The relay that served this page does not answer.".to_owned();
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let response = JsFuture::from(scope.fetch_with_str(ADDRESS)).await.map_err(unreachable)?;
    let response: Response = response.unchecked_into();
    if !response.ok() {
        return Err(format!("The relay answered with the status {}.", response.status()));
    }
    let body = response.array_buffer().map_err(unreachable)?;
    let body = JsFuture::from(body).await.map_err(unreachable)?;
    Ok(Uint8Array::new(&body).to_vec())
}
