//! The port of a transport in a worker, whose page serves it.

use std::{cell::RefCell, rc::Rc};

use bytes::Bytes;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MessageEvent, MessagePort};

use super::wire::{self, Outbox};
use crate::port::{Command, Port, Sink};

/// The port of a transport in a worker. The page serves the other end of its
/// `MessagePort` with a [`Host`](super::Host).
pub struct Remote {
    inner: SendWrapper<Inner>,
}

struct Inner {
    outbox: Rc<Outbox>,
    sink: Rc<RefCell<Option<Sink>>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Remote {
    /// A port over this end.
    pub fn new(port: &MessagePort) -> Self {
        let outbox = Outbox::new(port.clone());
        let sink: Rc<RefCell<Option<Sink>>> = Rc::default();
        let (to, back) = (sink.clone(), outbox.clone());
        let on_message = Closure::new(move |event: MessageEvent| {
            let Ok(batch) = event.data().dyn_into::<Array>() else { return };
            receive(&batch, &to, &back);
        });
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let inner = Inner { outbox, sink, _on_message: on_message };
        Self { inner: SendWrapper::new(inner) }
    }
}

/// Passes the events of one message on, and acknowledges their bytes.
fn receive(batch: &Array, sink: &RefCell<Option<Sink>>, outbox: &Rc<Outbox>) {
    let mut received = 0;
    let mut sink = sink.borrow_mut();
    for event in batch.iter().filter_map(|entry| wire::event(&entry)) {
        let event = event.map_bytes(|bytes: ArrayBuffer| {
            let bytes = Uint8Array::new(&bytes).to_vec();
            received += bytes.len();
            Bytes::from(bytes)
        });
        if let Some(sink) = sink.as_mut() {
            sink(event);
        }
    }
    if received > 0 {
        wire::put_received(outbox, received);
    }
}

impl Port for Remote {
    fn listen(&mut self, sink: Sink) {
        self.inner.sink.replace(Some(sink));
    }

    fn post(&mut self, command: Command) {
        let command = command.map_bytes(|bytes| Uint8Array::from(&bytes[..]).buffer());
        wire::put_command(&self.inner.outbox, command);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.outbox.port.set_onmessage(None);
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Remote").finish_non_exhaustive()
    }
}
