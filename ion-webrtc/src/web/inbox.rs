//! What browsers report, on its way to the transport.
//!
//! Messages come in callbacks of the browser and nowhere else, and are passed on
//! at once. Other events may come while the transport is in the middle of a
//! command, so they wait until the callback or the command is over. No event
//! overtakes another. It is not bounded: the bounds are the transport's, who is
//! told of everything in the same turn.

use std::{cell::RefCell, rc::Rc};

use bytes::Bytes;
use js_sys::{ArrayBuffer, Uint8Array};

use crate::port::{Event, Sink};

/// The way to a transport, once it listens.
#[derive(Default)]
pub(super) struct Inbox {
    sink: RefCell<Option<Sink>>,
    waiting: RefCell<Vec<Event>>,
}

impl Inbox {
    pub(super) fn listen(&self, sink: Sink) {
        self.sink.replace(Some(sink));
    }

    /// Takes an event of a callback or of a command.
    pub(super) fn put(self: &Rc<Self>, event: Event<ArrayBuffer>) {
        let is_message = matches!(event, Event::Message { .. });
        let event = event.map_bytes(|bytes| Bytes::from(Uint8Array::new(&bytes).to_vec()));
        let is_first = self.waiting.borrow().is_empty();
        if is_first && is_message {
            return self.pass(event);
        }
        self.waiting.borrow_mut().push(event);
        if is_first {
            let inbox = self.clone();
            soon(move || inbox.deliver());
        }
    }

    fn deliver(&self) {
        self.waiting.take().into_iter().for_each(|event| self.pass(event));
    }

    fn pass(&self, event: Event) {
        if let Some(sink) = self.sink.borrow_mut().as_mut() {
            sink(event);
        }
    }
}

/// Calls this in a microtask: after the current callback, before the next.
#[expect(clippy::disallowed_methods, reason = "this is the driver, and the task ends by itself")]
pub(super) fn soon(work: impl FnOnce() + 'static) {
    wasm_bindgen_futures::spawn_local(async move { work() });
}
