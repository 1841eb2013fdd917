//! One peer connection, with its channels and those who wait for it.

use std::{collections::VecDeque, task::Waker};

use futures::channel::oneshot;
use ion_map::Map;
use libp2p::PeerId;

use super::{CONNECTION_WINDOW_BYTES, channel::Channel};
use crate::{
    failure::Failure,
    half_close::HalfClose,
    handshake::Input,
    port::{ChannelId, Stats},
};

/// Whether the browser misses the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// It does not.
    None,
    /// It does, and the muxer has yet to hear of it.
    News,
    /// It does, and the muxer knows.
    Known,
}

/// One peer connection.
pub(super) struct Connection {
    /// Known once it is negotiated.
    pub(super) peer: Option<PeerId>,
    /// The peer that asked for it, unless we did.
    pub(super) asker: Option<PeerId>,
    /// What a handshake has not taken yet.
    pub(super) news: VecDeque<Input>,
    pub(super) news_waker: Option<Waker>,
    pub(super) channels: Map<ChannelId, Channel>,
    /// Channels of the other side that nobody has taken yet.
    pub(super) inbound: VecDeque<ChannelId>,
    pub(super) inbound_waker: Option<Waker>,
    pub(super) outbound_waker: Option<Waker>,
    pub(super) end_waker: Option<Waker>,
    /// The channel that only shows that channels work, if we opened it.
    pub(super) init: Option<ChannelId>,
    /// Whether the other side has opened its own.
    pub(super) has_remote_init: bool,
    /// The channel that was agreed on beforehand. It stays to the end of the
    /// connection, since its number would go to the next one, which libp2p's
    /// servers in Rust would take for it.
    pub(super) negotiated: Option<ChannelId>,
    next_channel: u32,
    pub(super) unread_bytes: usize,
    pub(super) outstanding: usize,
    /// The channels named `init`, ours and theirs, that are to be closed in a
    /// while.
    pub(super) inits: Vec<ChannelId>,
    /// Channels that wait for the other side and have nobody on this one.
    pub(super) lingering: Vec<ChannelId>,
    pub(super) silence: Silence,
    /// Whether the other side may not know `FIN_ACK`.
    pub(super) is_plain: bool,
    pub(super) stats_waiting: Vec<oneshot::Sender<Stats>>,
    /// Whether a handshake or a muxer has it.
    pub(super) is_owned: bool,
    /// Why it is no more.
    pub(super) ended: Option<Failure>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            peer: None,
            asker: None,
            news: VecDeque::new(),
            news_waker: None,
            channels: Map::new(),
            inbound: VecDeque::new(),
            inbound_waker: None,
            outbound_waker: None,
            end_waker: None,
            init: None,
            has_remote_init: false,
            negotiated: None,
            inits: Vec::new(),
            next_channel: 0,
            unread_bytes: 0,
            outstanding: 0,
            lingering: Vec::new(),
            silence: Silence::None,
            is_plain: false,
            stats_waiting: Vec::new(),
            is_owned: true,
            ended: None,
        }
    }
}

impl Connection {
    /// One in negotiation, that a peer asked for unless we did.
    pub(super) fn asked_by(asker: Option<PeerId>) -> Self {
        Self { asker, ..Self::default() }
    }

    /// A number for a channel of ours.
    pub(super) fn new_channel(&mut self) -> ChannelId {
        self.next_channel = self.next_channel.wrapping_add(2);
        ChannelId(self.next_channel)
    }

    /// A channel of the kind that this connection has.
    pub(super) fn channel(&self) -> Channel {
        let half = if self.is_plain { HalfClose::plain() } else { HalfClose::default() };
        Channel { half, ..Channel::default() }
    }

    /// How many channels the other side has open, or we have.
    pub(super) fn count(&self, is_inbound: bool) -> usize {
        self.channels.keys().filter(|id| (id.0 % 2 == 1) == is_inbound).count()
    }

    /// Tells everyone who waits that it is no more.
    pub(super) fn end(&mut self, why: Failure, wakes: &mut Vec<Waker>) {
        if self.ended.is_none() {
            self.news.push_back(Input::Closed);
            self.ended = Some(why);
        }
        self.channels.retain(|_, channel| channel.is_held);
        self.inbound.clear();
        self.stats_waiting.clear();
        wakes.extend(self.news_waker.take());
        wakes.extend(self.inbound_waker.take());
        wakes.extend(self.outbound_waker.take());
        wakes.extend(self.end_waker.take());
        for channel in self.channels.values_mut() {
            channel.is_closed = true;
            channel.wake(wakes);
        }
    }

    /// A channel named `init` is open: it is to be closed in a while.
    pub(super) fn keep_init(&mut self, channel: ChannelId, wakes: &mut Vec<Waker>) {
        self.inits.push(channel);
        wakes.extend(self.end_waker.take());
    }

    /// Whether nobody can ask for it any more.
    pub(super) fn is_unused(&self) -> bool {
        !self.is_owned && self.channels.values().all(|channel| !channel.is_held)
    }

    pub(super) fn remove(&mut self, channel: ChannelId, wakes: &mut Vec<Waker>) {
        if let Some(mut removed) = self.channels.remove(&channel) {
            self.inbound.retain(|one| *one != channel);
            self.lingering.retain(|one| *one != channel);
            self.unread_bytes -= removed.discard();
            self.release_window(removed.outstanding, wakes);
            wakes.extend(self.outbound_waker.take());
        }
    }

    /// So many bytes are no longer on the way.
    pub(super) fn release_window(&mut self, bytes: usize, wakes: &mut Vec<Waker>) {
        let was_full = self.outstanding >= CONNECTION_WINDOW_BYTES;
        self.outstanding -= bytes;
        if was_full && self.outstanding < CONNECTION_WINDOW_BYTES {
            wakes.extend(self.channels.values_mut().filter_map(|one| one.writer.take()));
        }
    }
}
