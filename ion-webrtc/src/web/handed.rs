//! The channels that a page has handed over to this worker.
//!
//! A channel that this side asked for may be given up before it arrives: it is
//! closed when it does. What waits here is bounded by the streams that the
//! transport opens.

use std::cell::RefCell;

use web_sys::RtcDataChannel;

use super::{
    Emit,
    channel::{Channel, Key},
    inbox::soon,
};
use crate::{
    handshake::INIT_LABEL,
    port::{Command, Event, PeerConnectionId},
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

/// Channels that are here or about to be. Lists, because maps would be the larger
/// part of this code in a browser's download.
pub(super) struct Handed {
    /// In the order of their numbers.
    channels: RefCell<Vec<(Key, Channel)>>,
    expected: RefCell<Vec<Key>>,
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
                self.with((*id, *channel), |held| held.send(bytes))
            }
            Command::CloseChannel { id, channel } => {
                self.expects((*id, *channel));
                self.with((*id, *channel), Channel::close)
            }
            Command::Open { id, channel, label, negotiated } => {
                if may_leave(label, *negotiated) {
                    self.expected.borrow_mut().push((*id, *channel));
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

    /// Does this with a channel that is here.
    fn with(&self, id: Key, work: impl FnOnce(&Channel)) -> Option<()> {
        let channels = self.channels.borrow();
        let place = channels.binary_search_by_key(&id, |(key, _)| *key).ok()?;
        work(&channels[place].1);
        Some(())
    }

    /// Whether a channel was expected; from now on it is not.
    fn expects(&self, id: Key) -> bool {
        let mut expected = self.expected.borrow_mut();
        let place = expected.iter().position(|key| *key == id);
        place.map(|place| expected.swap_remove(place)).is_some()
    }

    /// Takes a channel in.
    pub(super) fn take(&self, arrival: Arrival) {
        let Arrival { id, label, channel } = arrival;
        let is_ours = label.is_none();
        if is_ours && !self.expects(id) {
            return channel.close();
        }
        let channel = Channel::new(id, channel, label, self.emit.clone());
        let mut channels = self.channels.borrow_mut();
        channels.retain(|(_, channel)| !channel.is_over());
        let place = channels.partition_point(|(key, _)| *key < id);
        channels.insert(place, (id, channel));
    }

    /// Takes notice of what the page says of connections and of channels that it
    /// has kept.
    pub(super) fn hear<B>(&self, event: &Event<B>) {
        match event {
            Event::Opened { id, channel } | Event::ChannelClosed { id, channel } => {
                self.expects((*id, *channel));
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
        self.expected.borrow_mut().retain(|key| key.0 != id);
        let mut channels = self.channels.borrow_mut();
        let_go(channels.extract_if(.., |(key, _)| key.0 == id).collect());
    }
}

/// Lets channels go once no handler of theirs can be running.
fn let_go(channels: Vec<(Key, Channel)>) {
    if !channels.is_empty() {
        soon(move || drop(channels));
    }
}
