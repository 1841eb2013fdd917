//! The channels that a page has handed over to this worker.
//!
//! A channel that this side asked for may be given up before it arrives: it is
//! closed when it does. What waits here is bounded by the streams that the
//! transport opens.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use web_sys::RtcDataChannel;

use super::{
    Emit,
    channel::{Channel, Key},
    inbox::soon,
};
use crate::{
    handshake::INIT_LABEL,
    port::{ChannelId, Command, Event, PeerConnectionId},
};

/// Whether a page lets such a channel go. It watches `init`, and those with an
/// agreed number may come before the connection stands.
pub(super) fn may_leave(label: &str, negotiated: Option<u16>) -> bool {
    label != INIT_LABEL && negotiated.is_none()
}

/// Whether channels can be handed to this place at all.
pub(super) fn is_possible() -> bool {
    js_sys::Reflect::has(&js_sys::global(), &"RTCDataChannel".into()).unwrap_or_default()
}

/// A channel on its way from the page.
pub(super) struct Arrival {
    pub(super) id: Key,
    /// Its label, if the other side has opened it.
    pub(super) label: Option<String>,
    pub(super) channel: RtcDataChannel,
}

/// Channels that are here or about to be.
pub(super) struct Handed {
    channels: RefCell<BTreeMap<Key, Channel>>,
    expected: RefCell<BTreeSet<Key>>,
    emit: Emit,
}

impl Handed {
    pub(super) fn new(emit: Emit) -> Self {
        Self { channels: RefCell::default(), expected: RefCell::default(), emit }
    }

    /// Carries out what is about a channel that is here; gives back what the
    /// page has to do.
    pub(super) fn run(&self, command: Command) -> Option<Command> {
        match &command {
            Command::Send { id, channel, bytes } => {
                self.channels.borrow().get(&(*id, *channel)).map(|held| held.send(bytes))
            }
            Command::CloseChannel { id, channel } => self.close((*id, *channel)),
            Command::Open { id, channel, label, negotiated } => {
                if may_leave(label, *negotiated) {
                    self.expected.borrow_mut().insert((*id, *channel));
                }
                None
            }
            Command::Close { id } => {
                self.forget(*id);
                None
            }
            _ => None,
        }
        .map_or(Some(command), |()| None)
    }

    fn close(&self, id: Key) -> Option<()> {
        self.expected.borrow_mut().remove(&id);
        self.channels.borrow().get(&id).map(Channel::close)
    }

    /// Takes a channel in.
    pub(super) fn take(&self, arrival: Arrival) {
        let Arrival { id, label, channel } = arrival;
        let is_ours = label.is_none();
        if is_ours && !self.expected.borrow_mut().remove(&id) {
            return channel.close();
        }
        let channel = Channel::new(id, channel, label, self.emit.clone());
        let mut channels = self.channels.borrow_mut();
        channels.retain(|_, channel| !channel.is_over());
        channels.insert(id, channel);
    }

    /// Takes notice of what the page says of connections and of channels that it
    /// has kept.
    pub(super) fn hear<B>(&self, event: &Event<B>) {
        match event {
            Event::Opened { id, channel } | Event::ChannelClosed { id, channel } => {
                self.expected.borrow_mut().remove(&(*id, *channel));
            }
            Event::Closed { id } => self.forget(*id),
            Event::Gone => {
                self.expected.borrow_mut().clear();
                let_go(self.channels.take());
            }
            _ => {}
        }
    }

    /// Lets the channels of a connection go, which ends them or has ended.
    fn forget(&self, id: PeerConnectionId) {
        let all = (id, ChannelId(0))..=(id, ChannelId(u32::MAX));
        self.expected.borrow_mut().retain(|key| !all.contains(key));
        let mut channels = self.channels.borrow_mut();
        let (gone, kept) =
            std::mem::take(&mut *channels).into_iter().partition(|(key, _)| all.contains(key));
        *channels = kept;
        let_go(gone);
    }
}

/// Lets channels go once no handler of theirs can be running.
fn let_go(channels: BTreeMap<Key, Channel>) {
    soon(move || drop(channels));
}
