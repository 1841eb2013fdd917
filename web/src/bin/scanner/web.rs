//! The worker's messages: pictures in, and what was read in them out.

use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web::model::qr;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, console};

/// Listens, then says that it does.
pub(crate) fn main() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let listening = scope.clone();
    let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        post(&listening, &look(&event.data()).map_or(JsValue::NULL, JsValue::from));
    });
    scope.set_onmessage(Some(listener.as_ref().unchecked_ref()));
    // The listener lives as long as the worker.
    listener.forget();
    post(&scope, &JsValue::NULL);
}

/// The text of a code in a posted picture; what is no picture has none.
fn look(message: &JsValue) -> Option<String> {
    let [width, pixels] = [0, 1].map(|at| message.dyn_ref::<Array>().map(|it| it.get(at)));
    let pixels = pixels?.dyn_into::<ArrayBuffer>().ok()?;
    qr::read(whole(width?.as_f64()?), &Uint8Array::new(&pixels).to_vec())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and a wrong width is refused"
)]
fn whole(width: f64) -> usize {
    width as usize
}

fn post(scope: &DedicatedWorkerGlobalScope, message: &JsValue) {
    if let Err(error) = scope.post_message(message) {
        console::error_2(&"the scanner could not answer".into(), &error);
    }
}
