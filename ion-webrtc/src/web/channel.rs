//! One `RTCDataChannel`, on the page or in a worker that it was handed to.
//!
//! Its handlers are attached in the very callback that brings it, since messages
//! that come later than that are lost otherwise; they are detached before their
//! closures go.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::ArrayBuffer;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MessageEvent, RtcDataChannel, RtcDataChannelState, RtcDataChannelType};

use super::Emit;
use crate::port::{ChannelId, DRAINED_BYTES, Event, PeerConnectionId};

/// A channel by its connection's number and its own.
pub(super) type Key = (PeerConnectionId, ChannelId);

/// What handlers and channel share.
struct Inner {
    channel: RtcDataChannel,
    id: Key,
    emit: Emit,
    /// What is said once it is open.
    greeting: RefCell<Option<Event<ArrayBuffer>>>,
    /// What came before it was open.
    early: RefCell<Vec<ArrayBuffer>>,
    early_bytes: Cell<usize>,
    /// Sent and not yet reported as drained.
    unreported: Cell<usize>,
    is_over: Cell<bool>,
}

/// A data channel with its handlers.
pub(super) struct Channel {
    inner: Rc<Inner>,
    /// Kept for as long as they are attached.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_event: Closure<dyn FnMut(web_sys::Event)>,
}

impl Channel {
    /// One that we opened, or that the other side opened with this label.
    pub(super) fn new(id: Key, channel: RtcDataChannel, label: Option<String>, emit: Emit) -> Self {
        channel.set_binary_type(RtcDataChannelType::Arraybuffer);
        let low = u32::try_from(DRAINED_BYTES).expect("it is two MiB");
        channel.set_buffered_amount_low_threshold(low);
        let greeting = RefCell::new(Some(greeting(id, label)));
        let (unreported, is_over) = (Cell::new(0), Cell::new(false));
        let (early, early_bytes) = (RefCell::default(), Cell::new(0));
        let inner = Inner { channel, id, emit, greeting, early, early_bytes, unreported, is_over };
        let inner = Rc::new(inner);
        let weak = Rc::downgrade(&inner);
        let on_message = Closure::new(move |event: MessageEvent| {
            if let Some(inner) = weak.upgrade() {
                inner.message(&event);
            }
        });
        let weak = Rc::downgrade(&inner);
        let on_event = Closure::new(move |event: web_sys::Event| {
            if let Some(inner) = weak.upgrade() {
                inner.happened(&event.type_());
            }
        });
        inner.channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let function = Some(on_event.as_ref().unchecked_ref());
        inner.channel.set_onopen(function);
        inner.channel.set_onclose(function);
        inner.channel.set_onbufferedamountlow(function);
        inner.look();
        Self { inner, _on_message: on_message, _on_event: on_event }
    }

    /// Sends a browser's own buffer.
    pub(super) fn send_buffer(&self, bytes: &ArrayBuffer) {
        let length = usize::try_from(bytes.byte_length()).expect("a wasm length");
        self.inner.sent(length, self.inner.channel.send_with_array_buffer(bytes).is_ok());
    }

    /// Sends bytes, which the browser copies.
    pub(super) fn send(&self, bytes: &[u8]) {
        self.inner.sent(bytes.len(), self.inner.channel.send_with_u8_array(bytes).is_ok());
    }

    pub(super) fn close(&self) {
        self.inner.channel.close();
        self.inner.look();
    }

    pub(super) fn is_over(&self) -> bool {
        self.inner.is_over.get()
    }
}

fn greeting((id, channel): Key, label: Option<String>) -> Event<ArrayBuffer> {
    match label {
        Some(label) => Event::Inbound { id, channel, label },
        None => Event::Opened { id, channel },
    }
}

impl Inner {
    fn message(&self, event: &MessageEvent) {
        match event.data().dyn_into::<ArrayBuffer>() {
            Ok(bytes) if self.greeting.borrow().is_none() => self.pass(bytes),
            Ok(bytes) => self.keep(bytes),
            // Text has no place in the protocol.
            Err(_) => self.channel.close(),
        }
    }

    fn pass(&self, bytes: ArrayBuffer) {
        let (id, channel) = self.id;
        (self.emit)(Event::Message { id, channel, bytes });
    }

    /// Keeps what comes before a channel that was handed over is open here, as in
    /// Chromium the first message does.
    fn keep(&self, bytes: ArrayBuffer) {
        let length = usize::try_from(bytes.byte_length()).expect("a wasm length");
        self.early_bytes.set(self.early_bytes.get() + length);
        self.early.borrow_mut().push(bytes);
        self.look();
        let early = self.early.borrow().len();
        if early > EARLY_MAX || (early > 0 && self.early_bytes.get() > EARLY_BYTES_MAX) {
            self.channel.close();
        }
    }

    fn happened(&self, what: &str) {
        match what {
            "open" | "close" => self.look(),
            "bufferedamountlow" => self.report(),
            _ => {}
        }
    }

    /// Says what its state is, if that is news.
    fn look(&self) {
        let (id, channel) = self.id;
        match self.channel.ready_state() {
            RtcDataChannelState::Open => {
                if let Some(greeting) = self.greeting.take() {
                    (self.emit)(greeting);
                    self.early.take().into_iter().for_each(|bytes| self.pass(bytes));
                }
            }
            RtcDataChannelState::Closed if !self.is_over.replace(true) => {
                (self.emit)(Event::ChannelClosed { id, channel });
            }
            _ => {}
        }
    }

    fn sent(&self, length: usize, is_taken: bool) {
        if !is_taken {
            // It is closing, or its buffer is full against all agreement.
            self.channel.close();
            return;
        }
        let unreported = self.unreported.get() + length;
        self.unreported.set(unreported);
        // Less than that is not worth a look.
        if unreported >= REPORTED_BYTES {
            self.report();
        }
    }

    /// Says how much has left, once it is worth a word.
    fn report(&self) {
        let buffered = usize::try_from(self.channel.buffered_amount()).expect("a wasm length");
        let drained = self.unreported.get().saturating_sub(buffered);
        if drained >= REPORTED_BYTES {
            let (id, channel) = self.id;
            self.unreported.set(self.unreported.get() - drained);
            (self.emit)(Event::Drained { id, channel, bytes: drained });
        }
    }
}

/// Messages that may come before a channel is open.
const EARLY_MAX: usize = 1_024;
/// The same, in bytes.
const EARLY_BYTES_MAX: usize = 4 << 20;
/// Fewer drained bytes are not reported.
const REPORTED_BYTES: usize = DRAINED_BYTES / 2;

impl Drop for Channel {
    fn drop(&mut self) {
        let channel = &self.inner.channel;
        channel.set_onmessage(None);
        channel.set_onopen(None);
        channel.set_onclose(None);
        channel.set_onbufferedamountlow(None);
    }
}
