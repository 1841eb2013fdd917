//! The page's side for a transport in a worker.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MessageEvent, MessagePort};

use super::{
    page::{Leaving, NoPage},
    peers::Peers,
    wire::{self, FromWorker, Outbox},
};
use crate::port::Event;

/// Bytes that may be on the way to the worker. A peer that sends more while the
/// worker does not take them loses its connection.
pub const UNACKNOWLEDGED_BYTES_MAX: usize = 64 << 20;

/// Serves one worker with peer connections, until it is dropped; then all are
/// closed, and the worker hears that the page is gone.
pub struct Host {
    peers: Peers,
    link: Rc<Link>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _leaving: Leaving,
}

/// The way to the worker.
struct Link {
    outbox: Rc<Outbox>,
    /// Bytes sent that the worker has not acknowledged.
    unacknowledged: Cell<usize>,
    peers: RefCell<Option<Peers>>,
}

impl Link {
    fn emit(&self, event: Event<ArrayBuffer>) {
        let Event::Message { id, bytes, .. } = &event else {
            return wire::put_event(&self.outbox, event);
        };
        let id = *id;
        let length = usize::try_from(bytes.byte_length()).expect("a wasm length");
        let unacknowledged = self.unacknowledged.get() + length;
        if unacknowledged > UNACKNOWLEDGED_BYTES_MAX {
            if let Some(peers) = self.peers.borrow().as_ref() {
                peers.close(id);
            }
            return wire::put_event(&self.outbox, Event::Closed { id });
        }
        self.unacknowledged.set(unacknowledged);
        wire::put_event(&self.outbox, event);
    }

    fn acknowledged(&self, bytes: usize) {
        self.unacknowledged.set(self.unacknowledged.get().saturating_sub(bytes));
    }
}

impl Host {
    /// Serves the worker that has the other end of `port`.
    ///
    /// # Errors
    ///
    /// Where there is no window, as in workers.
    pub fn serve(port: &MessagePort) -> Result<Self, NoPage> {
        let outbox = Outbox::new(port.clone());
        let unacknowledged = Cell::new(0);
        let link = Rc::new(Link { outbox, unacknowledged, peers: RefCell::new(None) });
        let to = link.clone();
        let peers = Peers::new(Rc::new(move |event| to.emit(event)));
        let leaving = Leaving::new(&peers)?;
        link.peers.replace(Some(peers.clone()));
        let (serving, from) = (peers.clone(), link.clone());
        let on_message = Closure::new(move |event: MessageEvent| {
            let Ok(batch) = event.data().dyn_into::<Array>() else { return };
            for entry in batch.iter() {
                match wire::from_worker(&entry) {
                    Some(FromWorker::Command(command)) => serving.run(command),
                    Some(FromWorker::Received(bytes)) => from.acknowledged(bytes),
                    // It is our own code at the other end; nothing else comes.
                    None => {}
                }
            }
        });
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Ok(Self { peers, link, _on_message: on_message, _leaving: leaving })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.link.peers.replace(None);
        self.link.outbox.port.set_onmessage(None);
        self.peers.close_all();
        wire::put_event(&self.link.outbox, Event::Gone);
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Host").finish_non_exhaustive()
    }
}
