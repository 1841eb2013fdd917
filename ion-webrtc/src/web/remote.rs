//! The port of a transport in a worker, whose page serves it.

use std::rc::Rc;

use ion_map::Map;
use js_sys::{Array, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MessageEvent, MessagePort};

use super::{
    handed::{self, Handed},
    inbox::Inbox,
    wire::{self, FromPage, Outbox},
};
use crate::port::{Command, Event, PeerConnectionId, Port, Sink};

/// The port of a transport in a worker. The page serves the other end of its
/// `MessagePort` with a [`Host`](super::Host).
pub struct Remote {
    inner: SendWrapper<Inner>,
}

struct Inner {
    outbox: Rc<Outbox>,
    inbox: Rc<Inbox>,
    handed: Rc<Handed>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Remote {
    /// A port over this end. Where the browser can, the page hands data channels
    /// over to this side, so that their bytes do not pass it.
    pub fn new(port: &MessagePort) -> Self {
        let remote = Self::with_channels_on_page(port);
        if handed::is_possible() {
            wire::put_takes_channels(&remote.inner.outbox);
        }
        remote
    }

    /// A port over this end to a page that keeps all data channels, as every page
    /// of a browser does that can't hand them over.
    pub fn with_channels_on_page(port: &MessagePort) -> Self {
        let (outbox, inbox) = (Outbox::new(port.clone()), Rc::new(Inbox::default()));
        let to = inbox.clone();
        let handed = Rc::new(Handed::new(Rc::new(move |event| to.put(event))));
        let (to, from, back) = (inbox.clone(), handed.clone(), outbox.clone());
        let on_message = Closure::new(move |event: MessageEvent| {
            let Ok(batch) = event.data().dyn_into::<Array>() else { return };
            receive(&batch, &to, &from, &back);
        });
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let inner = Inner { outbox, inbox, handed, _on_message: on_message };
        Self { inner: SendWrapper::new(inner) }
    }
}

/// Passes on what the page says in one message, and acknowledges its bytes.
fn receive(batch: &Array, inbox: &Rc<Inbox>, handed: &Handed, outbox: &Rc<Outbox>) {
    let mut received: Map<PeerConnectionId, usize> = Map::new();
    for entry in batch.iter() {
        match wire::from_page(&entry) {
            Some(FromPage::Event(event)) => {
                if let Event::Message { id, bytes, .. } = &event {
                    let bytes = usize::try_from(bytes.byte_length()).expect("a wasm length");
                    *received.entry(*id).or_insert(0) += bytes;
                }
                handed.hear(&event);
                inbox.put(event);
            }
            Some(FromPage::Handed(arrival)) => handed.take(arrival),
            // It is our own code at the other end; nothing else comes.
            None => {}
        }
    }
    for (id, bytes) in &received {
        wire::put_received(outbox, *id, *bytes);
    }
}

impl Port for Remote {
    fn listen(&mut self, sink: Sink) {
        self.inner.inbox.listen(sink);
    }

    fn post(&mut self, command: Command) {
        let Some(command) = self.inner.handed.run(command) else { return };
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
