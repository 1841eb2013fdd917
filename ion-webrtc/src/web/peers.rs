//! Peer connections, as a page holds them.
//!
//! Commands are carried out in order; what the browser then reports leaves as
//! events, with bytes in the browser's own buffers. Nothing is decided here.
//! Channels may leave for a worker that takes them, and are no more of this
//! page's business then. Browsers let them go only in the very task that brought
//! them.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use ion_map::Map;
use js_sys::ArrayBuffer;
use web_sys::RtcDataChannel;

use super::{Emit, channel::Key};
use crate::port::{ChannelId, Command, Event, PeerConnectionId};

mod connection;
mod init;
mod js;

use connection::Connection;

/// Takes a channel away, with its label if the other side has opened it; says
/// whether it is gone. It must not call back before it returns.
pub(super) type Hand = Box<dyn Fn(Key, Option<&str>, &RtcDataChannel) -> bool>;

/// Where things go that do not stay here.
struct Ways {
    emit: Emit,
    hand: RefCell<Option<Hand>>,
}

impl Ways {
    fn hand(&self, id: Key, label: Option<&str>, channel: &RtcDataChannel) -> bool {
        self.hand.borrow().as_ref().is_some_and(|hand| hand(id, label, channel))
    }
}

/// All peer connections of one transport.
#[derive(Clone)]
pub(super) struct Peers {
    inner: Rc<Inner>,
}

struct Inner {
    connections: RefCell<Map<PeerConnectionId, Rc<Connection>>>,
    ways: Rc<Ways>,
}

impl Peers {
    pub(super) fn new(emit: Emit) -> Self {
        let ways = Rc::new(Ways { emit, hand: RefCell::default() });
        Self { inner: Rc::new(Inner { connections: RefCell::default(), ways }) }
    }

    /// From now on, new channels go away where they can.
    pub(super) fn hand_to(&self, hand: Hand) {
        self.inner.ways.hand.replace(Some(hand));
    }

    /// Carries a command out. Those about connections that are no more are
    /// ignored: they crossed the news of it.
    pub(super) fn run(&self, command: Command<ArrayBuffer>) {
        if let Command::Create { id, ice_servers } = &command {
            return self.create(*id, ice_servers);
        }
        let id = command.id();
        let Some(connection) = self.inner.connections.borrow().get(&id).cloned() else { return };
        match command {
            Command::Create { .. } => {}
            Command::Open { channel, label, negotiated, .. } => {
                connection.open(channel, &label, negotiated);
            }
            Command::Describe { credentials, .. } => connection.describe(credentials),
            Command::SetRemote { kind, sdp, .. } => connection.set_remote(kind, &sdp),
            Command::AddCandidate { candidate, .. } => connection.add_candidate(&candidate),
            Command::Send { channel, bytes, .. } => connection.send(channel, &bytes),
            Command::CloseChannel { channel, .. } => connection.close_channel(channel),
            Command::Stats { .. } => connection.stats(),
            Command::Close { .. } => self.close(id),
        }
    }

    fn create(&self, id: PeerConnectionId, ice_servers: &[crate::IceServer]) {
        match Connection::new(id, ice_servers, self.inner.ways.clone()) {
            Ok(connection) => {
                self.inner.connections.borrow_mut().insert(id, connection);
            }
            Err(why) => {
                (self.inner.ways.emit)(Event::Failed { id, why: js::text(&why) });
                (self.inner.ways.emit)(Event::Closed { id });
            }
        }
    }

    /// Closes one connection; says nothing of it.
    pub(super) fn close(&self, id: PeerConnectionId) {
        let connection = self.inner.connections.borrow_mut().remove(&id);
        if let Some(connection) = connection {
            connection.close();
        }
    }

    /// Closes all, and says so.
    pub(super) fn close_all(&self) {
        let all = std::mem::take(&mut *self.inner.connections.borrow_mut());
        for (id, connection) in all {
            connection.close();
            (self.inner.ways.emit)(Event::Closed { id });
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for connection in self.connections.borrow().values() {
            connection.close();
        }
    }
}

/// Gives out the numbers of channels that the other side opens.
#[derive(Default)]
struct Numbers(Cell<u32>);

impl Numbers {
    fn next(&self) -> ChannelId {
        let next = self.0.get();
        self.0.set(next.wrapping_add(2));
        ChannelId(next | 1)
    }
}
