//! All peer connections and their channels, on this side of the port.
//!
//! Events of the port come in at one end, and at the other are the muxers,
//! streams and handshakes that wait for them. Nothing here is asynchronous:
//! whoever must wait leaves a waker, and all wakers are called once the lock is
//! free again.
//!
//! Bounds, beside those of [`Config`]: [`UNREAD_BYTES_MAX`] of a stream, beyond
//! which it is reset, [`CONNECTION_UNREAD_BYTES_MAX`] of a connection, beyond
//! which it is closed (browsers give no back-pressure on receipt), and
//! [`CONNECTION_WINDOW_BYTES`] on the way to the network.

use std::task::Waker;

use bytes::Bytes;
use futures::channel::oneshot;
use ion_map::{Map, Set};
use libp2p::PeerId;

use crate::{
    config::Config,
    failure::Failure,
    frame::{Flag, encode_flag},
    handshake::{INIT_LABEL, Input},
    port::{ChannelId, Command, Event, PeerConnectionId, Port, State, Stats},
};

mod channel;
mod connection;
mod streams;

#[cfg(test)]
mod tests;

use channel::Channel;
use connection::{Connection, Silence};
pub(crate) use streams::Timed;

/// Bytes of one stream that came in and were not read.
pub const UNREAD_BYTES_MAX: usize = 16 << 20;
/// Bytes of all streams of one connection that came in and were not read.
pub const CONNECTION_UNREAD_BYTES_MAX: usize = 64 << 20;
/// Bytes of all streams of one connection that are on the way to the network.
pub const CONNECTION_WINDOW_BYTES: usize = 16 << 20;
/// Connections that one peer may ask for: one that stands, and those that take its
/// place.
pub(crate) const PEER_MAX: usize = 3;
/// Things that happened to a connection and no handshake has taken yet.
const NEWS_MAX: usize = 256;
/// Those who wait for one connection's statistics.
const STATS_WAITING_MAX: usize = 16;

/// All peer connections.
pub(crate) struct Hub {
    port: Box<dyn Port>,
    pub(crate) config: Config,
    connections: Map<PeerConnectionId, Connection>,
    next: u32,
    is_gone: bool,
    /// To be called when the lock is free.
    pub(crate) wakes: Vec<Waker>,
}

/// Who wants a peer connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// We do.
    Ourselves,
    /// Some peer, of whom no more is known than that it is who it says.
    Peer(PeerId),
}

impl Hub {
    pub(crate) fn new(config: Config, port: impl Port) -> Self {
        Self {
            port: Box::new(port),
            config,
            connections: Map::new(),
            next: 0,
            is_gone: false,
            wakes: Vec::new(),
        }
    }

    pub(crate) fn listen(&mut self, sink: crate::port::Sink) {
        self.port.listen(sink);
    }

    /// A new peer connection, in negotiation. Those that others ask for leave a
    /// quarter of the places to those that we want ourselves.
    pub(crate) fn create(&mut self, whose: Asker) -> Result<PeerConnectionId, Failure> {
        if self.is_gone {
            return Err(Failure::Gone);
        }
        let all = self.config.peer_connections_max;
        let asker = if let Asker::Peer(peer) = whose { Some(peer) } else { None };
        let places = if asker.is_some() { all - all / 4 } else { all };
        if let Some(peer) = asker {
            self.make_place(peer)?;
        }
        let living = self.connections.values().filter(|one| one.ended.is_none()).count();
        if living >= places {
            return Err(Failure::TooMany(living));
        }
        self.next = self.next.wrapping_add(1);
        let id = PeerConnectionId(self.next);
        self.connections.insert(id, Connection::asked_by(asker));
        let ice_servers = self.config.ice_servers.clone();
        self.port.post(Command::Create { id, ice_servers });
        Ok(id)
    }

    /// Sees to it that a peer has a place for one more, among [`PEER_MAX`]: the first
    /// that it asked for and that does not stand is given up for a later one.
    fn make_place(&mut self, peer: PeerId) -> Result<(), Failure> {
        let is_its = |one: &Connection| one.asker == Some(peer) && one.ended.is_none();
        let its = || self.connections.iter().filter(|(_, one)| is_its(one));
        let count = its().count();
        if count >= PEER_MAX {
            let first = its().find(|(_, one)| one.peer.is_none()).map(|(id, _)| *id);
            self.end(first.ok_or(Failure::TooMany(count))?, Failure::Closed);
        }
        Ok(())
    }

    /// Passes a command of a handshake on.
    pub(crate) fn post(&mut self, command: Command) {
        self.port.post(command);
    }

    pub(crate) fn open_init(&mut self, id: PeerConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let channel = connection.new_channel();
        connection.init = Some(channel);
        let label = INIT_LABEL.to_owned();
        self.port.post(Command::Open { id, channel, label, negotiated: None });
    }

    /// A channel named `init` has stood long enough.
    pub(crate) fn close_init(&mut self, id: PeerConnectionId, channel: ChannelId) {
        if self.connections.get(&id).is_some_and(|one| one.ended.is_none()) {
            self.port.post(Command::CloseChannel { id, channel });
        }
    }

    /// The negotiation succeeded: from now on streams matter, not news.
    pub(crate) fn established(&mut self, id: PeerConnectionId, peer: PeerId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.peer = Some(peer);
            connection.news.clear();
        }
    }

    /// The owner of a connection is gone: closes it.
    pub(crate) fn release(&mut self, id: PeerConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.is_owned = false;
        self.end(id, Failure::Closed);
        self.forget_if_unused(id);
    }

    /// Closes a connection, for this reason.
    pub(crate) fn end(&mut self, id: PeerConnectionId, why: Failure) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.ended.is_none() {
            self.port.post(Command::Close { id });
            connection.end(why, &mut self.wakes);
        }
    }

    fn forget_if_unused(&mut self, id: PeerConnectionId) {
        if self.connections.get(&id).is_some_and(Connection::is_unused) {
            self.connections.remove(&id);
        }
    }

    /// Peers with a connection that stands.
    pub(crate) fn peers(&self) -> Set<PeerId> {
        let standing = self.connections.values().filter(|one| one.ended.is_none());
        standing.filter_map(|one| one.peer).collect()
    }

    /// Asks how the connection to a peer does.
    pub(crate) fn stats(&mut self, peer: PeerId) -> Option<oneshot::Receiver<Stats>> {
        let is_it = |one: &Connection| one.peer == Some(peer) && one.ended.is_none();
        let (id, connection) = self.connections.iter_mut().find(|(_, one)| is_it(one))?;
        if connection.stats_waiting.len() >= STATS_WAITING_MAX {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        connection.stats_waiting.push(sender);
        self.port.post(Command::Stats { id: *id });
        Some(receiver)
    }

    /// Something happened on the other side of the port.
    pub(crate) fn event(&mut self, event: Event) {
        match event {
            Event::Described { id, sdp } => self.news(id, Input::Described(sdp)),
            Event::Candidate { id, candidate } => self.news(id, Input::Found(candidate)),
            Event::Opened { id, channel } => self.opened(id, channel),
            Event::Inbound { id, channel, label } => self.inbound(id, channel, &label),
            Event::Message { id, channel, bytes } => self.message(id, channel, bytes),
            Event::Drained { id, channel, bytes } => self.drained(id, channel, bytes),
            Event::ChannelClosed { id, channel } => self.channel_closed(id, channel),
            Event::State { id, state } => self.state(id, state),
            Event::Closed { id } => self.closed(id),
            Event::Failed { id, why } => self.failed(id, why),
            Event::Stats { id, stats } => self.answer_stats(id, &stats),
            Event::Gone => self.gone(),
        }
    }

    fn answer_stats(&mut self, id: PeerConnectionId, stats: &Stats) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        for waiting in connection.stats_waiting.drain(..) {
            // Whoever asked may have gone.
            let _ = waiting.send(stats.clone());
        }
    }

    fn news(&mut self, id: PeerConnectionId, input: Input) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.peer.is_none() && connection.news.len() < NEWS_MAX {
            connection.news.push_back(input);
            self.wakes.extend(connection.news_waker.take());
        }
    }

    fn opened(&mut self, id: PeerConnectionId, channel: ChannelId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.init == Some(channel) {
            connection.keep_init(channel, &mut self.wakes);
            return self.news(id, Input::InitOpened);
        }
        if let Some(channel) = connection.channels.get_mut(&channel) {
            channel.is_open = true;
            self.wakes.extend(channel.writer.take());
        }
    }

    fn inbound(&mut self, id: PeerConnectionId, channel: ChannelId, label: &str) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.ended.is_some() {
            // It crossed the news of that.
            return;
        }
        // One is never a stream and closed later; more have no meaning.
        if label == INIT_LABEL && !std::mem::replace(&mut connection.has_remote_init, true) {
            return connection.keep_init(channel, &mut self.wakes);
        }
        if label == INIT_LABEL || connection.count(true) >= self.config.streams_max {
            return self.port.post(Command::CloseChannel { id, channel });
        }
        let found = Channel { is_open: true, ..connection.channel() };
        connection.channels.insert(channel, found);
        connection.inbound.push_back(channel);
        self.wakes.extend(connection.inbound_waker.take());
    }

    fn message(&mut self, id: PeerConnectionId, channel: ChannelId, bytes: Bytes) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(found) = connection.channels.get_mut(&channel) else { return };
        let before = found.unread_bytes;
        let answers = found.receive(bytes, &mut self.wakes);
        connection.unread_bytes = connection.unread_bytes + found.unread_bytes - before;
        connection.is_plain &= found.half.is_plain();
        for flag in answers {
            self.send_flag(id, channel, flag);
        }
        self.close_if_done(id, channel);
        let unread = self.connections.get(&id).map_or(0, |one| one.unread_bytes);
        if unread > CONNECTION_UNREAD_BYTES_MAX {
            self.end(id, Failure::Flooded);
        }
    }

    fn drained(&mut self, id: PeerConnectionId, channel: ChannelId, bytes: usize) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(found) = connection.channels.get_mut(&channel) else { return };
        let bytes = bytes.min(found.outstanding);
        found.outstanding -= bytes;
        self.wakes.extend(found.writer.take());
        connection.release_window(bytes, &mut self.wakes);
    }

    fn channel_closed(&mut self, id: PeerConnectionId, channel: ChannelId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.init == Some(channel) {
            return self.news(id, Input::InitClosed);
        }
        let Some(found) = connection.channels.get_mut(&channel) else { return };
        found.is_closed = true;
        found.wake(&mut self.wakes);
        if !found.is_held {
            connection.remove(channel, &mut self.wakes);
        }
    }

    fn state(&mut self, id: PeerConnectionId, state: State) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let is_silent = state == State::Disconnected;
        connection.silence = if is_silent { Silence::News } else { Silence::None };
        match state {
            State::Connected => self.news(id, Input::Connected),
            State::Disconnected => self.wakes.extend(connection.end_waker.take()),
            State::Failed if connection.peer.is_some() => self.end(id, Failure::Closed),
            State::Failed => self.news(id, Input::Unreachable),
        }
    }

    fn closed(&mut self, id: PeerConnectionId) {
        self.news(id, Input::Closed);
        self.end(id, Failure::Closed);
    }

    fn failed(&mut self, id: PeerConnectionId, why: String) {
        self.news(id, Input::Refused(why));
    }

    fn gone(&mut self) {
        self.is_gone = true;
        for connection in self.connections.values_mut() {
            connection.end(Failure::Gone, &mut self.wakes);
        }
    }

    /// Whether the page with all connections is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone
    }

    fn send_flag(&mut self, id: PeerConnectionId, channel: ChannelId, flag: Flag) {
        self.send(id, channel, encode_flag(flag));
    }

    fn send(&mut self, id: PeerConnectionId, channel: ChannelId, bytes: Vec<u8>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(found) = connection.channels.get_mut(&channel) else { return };
        if connection.ended.is_none() && found.is_open && !found.is_closed {
            found.outstanding += bytes.len();
            connection.outstanding += bytes.len();
            self.port.post(Command::Send { id, channel, bytes });
        }
    }

    fn close_if_done(&mut self, id: PeerConnectionId, channel: ChannelId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.negotiated == Some(channel) {
            return;
        }
        let Some(found) = connection.channels.get_mut(&channel) else { return };
        if found.half.is_done() && !found.is_closed {
            found.is_closed = true;
            self.port.post(Command::CloseChannel { id, channel });
        }
        if found.is_closed && !found.is_held && !connection.inbound.contains(&channel) {
            connection.remove(channel, &mut self.wakes);
        }
    }
}
