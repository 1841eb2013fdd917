//! The worker's messages: buffers in, transferred buffers out.

use std::{
    panic::{self, PanicHookInfo},
    rc::Rc,
};

use js_sys::{Array, ArrayBuffer, Uint8Array};
use spark_runtime::{
    Clock,
    wire::{FromGuest, ToGuest, decode, encode},
    worker::{Tell, Worker},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, console};

/// Listens, then says that it does.
pub(crate) fn main() {
    panic::set_hook(Box::new(report_panic));
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let mut worker = Worker::new();
    let performance = scope.performance();
    let clock: Clock =
        Rc::new(move || performance.as_ref().map_or(0, |performance| whole_ms(performance.now())));
    let telling = scope.clone();
    let tell: Tell = Rc::new(move |answer| post(&telling, &answer));
    let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        match read(&event.data()) {
            Some(message) => worker.handle(message, &clock, &tell),
            None => console::error_1(
                &"guest worker: a message that is not a request was dropped".into(),
            ),
        }
    });
    scope.set_onmessage(Some(listener.as_ref().unchecked_ref()));
    // The listener lives as long as the worker.
    listener.forget();
    post(&scope, &FromGuest::Ready);
}

fn read(data: &JsValue) -> Option<ToGuest> {
    let bytes = match data.dyn_ref::<ArrayBuffer>() {
        Some(buffer) => Uint8Array::new(buffer),
        None => data.dyn_ref::<Uint8Array>()?.clone(),
    };
    decode(&bytes.to_vec())
}

fn post(scope: &DedicatedWorkerGlobalScope, message: &FromGuest) {
    let buffer = Uint8Array::from(encode(message).as_slice()).buffer();
    if let Err(error) = scope.post_message_with_transfer(&buffer, &Array::of1(&buffer)) {
        console::error_2(&"guest worker: an answer could not be sent".into(), &error);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts saturate, time is positive"
)]
fn whole_ms(ms: f64) -> u64 {
    ms as u64
}

/// The panic then aborts, which the ion sees as the worker's error event.
fn report_panic(info: &PanicHookInfo<'_>) {
    console::error_1(&format!("guest worker: {info}").into());
}
