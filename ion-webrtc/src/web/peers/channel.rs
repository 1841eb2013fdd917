//! One `RTCDataChannel`.

use std::{cell::Cell, rc::Rc};

use js_sys::ArrayBuffer;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MessageEvent, RtcDataChannel, RtcDataChannelState, RtcDataChannelType};

use super::Emit;
use crate::port::{ChannelId, DRAINED_BYTES, Event, PeerConnectionId};

/// What handlers and channel share.
struct Inner {
    channel: RtcDataChannel,
    id: (PeerConnectionId, ChannelId),
    emit: Emit,
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
    pub(super) fn new(
        id: (PeerConnectionId, ChannelId),
        channel: RtcDataChannel,
        emit: Emit,
    ) -> Self {
        channel.set_binary_type(RtcDataChannelType::Arraybuffer);
        let low = u32::try_from(DRAINED_BYTES).expect("it is two MiB");
        channel.set_buffered_amount_low_threshold(low);
        let (unreported, is_over) = (Cell::new(0), Cell::new(false));
        let inner = Rc::new(Inner { channel, id, emit, unreported, is_over });
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
        Self { inner, _on_message: on_message, _on_event: on_event }
    }

    pub(super) fn send(&self, bytes: &ArrayBuffer) {
        let length = usize::try_from(bytes.byte_length()).expect("a wasm length");
        if self.inner.channel.send_with_array_buffer(bytes).is_err() {
            // It is closing, or its buffer is full against all agreement.
            self.inner.channel.close();
            return;
        }
        self.inner.unreported.set(self.inner.unreported.get() + length);
        self.inner.report();
    }

    pub(super) fn close(&self) {
        self.inner.channel.close();
        if self.inner.channel.ready_state() == RtcDataChannelState::Closed {
            self.inner.over();
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.inner.is_over.get()
    }
}

impl Inner {
    fn message(&self, event: &MessageEvent) {
        let (id, channel) = self.id;
        match event.data().dyn_into::<ArrayBuffer>() {
            Ok(bytes) => (self.emit)(Event::Message { id, channel, bytes }),
            // Text has no place in the protocol.
            Err(_) => self.channel.close(),
        }
    }

    fn happened(&self, what: &str) {
        let (id, channel) = self.id;
        match what {
            "open" => (self.emit)(Event::Opened { id, channel }),
            "close" => self.over(),
            "bufferedamountlow" => self.report(),
            _ => {}
        }
    }

    fn over(&self) {
        let (id, channel) = self.id;
        if !self.is_over.replace(true) {
            (self.emit)(Event::ChannelClosed { id, channel });
        }
    }

    /// Says how much has left, once it is worth a word.
    fn report(&self) {
        let buffered = usize::try_from(self.channel.buffered_amount()).expect("a wasm length");
        let drained = self.unreported.get().saturating_sub(buffered);
        if drained >= DRAINED_BYTES / 2 {
            let (id, channel) = self.id;
            self.unreported.set(self.unreported.get() - drained);
            (self.emit)(Event::Drained { id, channel, bytes: drained });
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let channel = &self.inner.channel;
        channel.set_onmessage(None);
        channel.set_onopen(None);
        channel.set_onclose(None);
        channel.set_onbufferedamountlow(None);
    }
}
