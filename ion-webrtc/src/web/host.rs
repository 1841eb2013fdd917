//! The page's side for a transport in a worker.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MessageEvent, MessagePort, RtcDataChannel};

use super::{
    channel::Key,
    page::{Leaving, NoPage},
    peers::Peers,
    wire::{self, FromWorker, Outbox},
};
use crate::{
    port::{Event, PeerConnectionId},
    unacknowledged::Unacknowledged,
};

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
    unacknowledged: RefCell<Unacknowledged>,
    peers: RefCell<Option<Peers>>,
    /// Channels handed over.
    handed: Cell<u32>,
}

impl Link {
    fn emit(&self, event: Event<ArrayBuffer>) {
        let Event::Message { id, bytes, .. } = &event else {
            return wire::put_event(&self.outbox, event);
        };
        let length = usize::try_from(bytes.byte_length()).expect("a wasm length");
        let over = self.unacknowledged.borrow_mut().put(*id, length);
        wire::put_event(&self.outbox, event);
        if let Some(id) = over {
            if let Some(peers) = self.peers.borrow().as_ref() {
                peers.close(id);
            }
            wire::put_event(&self.outbox, Event::Closed { id });
        }
    }

    /// Hands a channel over where the browser lets it go; whether it is gone.
    fn hand(&self, id: Key, label: Option<&str>, channel: &RtcDataChannel) -> bool {
        let is_gone = wire::hand(&self.outbox, id, label, channel);
        self.handed.set(self.handed.get() + u32::from(is_gone));
        is_gone
    }

    fn acknowledged(&self, id: PeerConnectionId, bytes: usize) {
        self.unacknowledged.borrow_mut().taken(id, bytes);
    }
}

impl Host {
    /// Serves the worker that has the other end of `port`.
    ///
    /// # Errors
    ///
    /// Where there is no window, as in workers.
    pub fn serve(port: &MessagePort) -> Result<Self, NoPage> {
        let link = Rc::new(Link {
            outbox: Outbox::new(port.clone()),
            unacknowledged: RefCell::default(),
            peers: RefCell::new(None),
            handed: Cell::new(0),
        });
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
                    Some(FromWorker::Received(id, bytes)) => from.acknowledged(id, bytes),
                    Some(FromWorker::TakesChannels) => hand_over(&serving, &from),
                    // It is our own code at the other end; nothing else comes.
                    None => {}
                }
            }
        });
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Ok(Self { peers, link, _on_message: on_message, _leaving: leaving })
    }

    /// How many data channels the worker has been handed, instead of the bytes
    /// on them.
    pub fn handed_over(&self) -> u32 {
        self.link.handed.get()
    }
}

/// From now on, channels go to the worker where the browser lets them.
fn hand_over(peers: &Peers, link: &Rc<Link>) {
    let to = Rc::downgrade(link);
    peers.hand_to(Box::new(move |id, label, channel| {
        to.upgrade().is_some_and(|link| link.hand(id, label, channel))
    }));
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
