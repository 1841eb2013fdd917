//! The connections of a network in memory, and what becomes of commands.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    description::{Address, Candidate, CandidateKind, Description, SdpKind, Setup},
    port::{ChannelId, Command, Event, PeerConnectionId, State, Stats},
    signaling::IceCandidate,
};

/// A peer connection of a peer.
type Key = (usize, PeerConnectionId);
/// What is delivered to whom.
type Events = Vec<(usize, Event)>;

#[derive(Default)]
struct Connection {
    remote_ufrag: Option<String>,
    is_offerer: bool,
    is_described: bool,
    peer: Option<Key>,
    /// Our number of a channel, and theirs.
    channels: BTreeMap<ChannelId, ChannelId>,
    /// Opened before the connection stood.
    waiting: Vec<(ChannelId, String)>,
    next_inbound: u32,
}

/// All of them.
pub(super) struct World {
    connections: BTreeMap<Key, Connection>,
    pub(super) has_candidates: bool,
    pub(super) is_reachable: bool,
}

impl Default for World {
    fn default() -> Self {
        Self { connections: BTreeMap::new(), has_candidates: true, is_reachable: true }
    }
}

fn ufrag((peer, id): Key) -> String {
    format!("u{peer}x{}", id.0)
}

impl World {
    pub(super) fn count(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn command(&mut self, from: usize, command: Command) -> Events {
        match command {
            Command::Create { id, .. } => {
                self.connections.insert((from, id), Connection::default());
                Vec::new()
            }
            Command::Open { id, channel, label, .. } => self.open((from, id), channel, label),
            Command::Describe { id, .. } => self.describe((from, id)),
            Command::SetRemote { id, kind, sdp } => self.set_remote((from, id), kind, &sdp),
            Command::AddCandidate { .. } => Vec::new(),
            Command::Send { id, channel, bytes } => self.send((from, id), channel, bytes),
            Command::CloseChannel { id, channel } => self.close_channel((from, id), channel),
            Command::Close { id } => self.close((from, id)),
            Command::Stats { id } => {
                vec![(from, Event::Stats { id, stats: Stats::default() })]
            }
        }
    }

    fn describe(&mut self, key: Key) -> Events {
        let Some(connection) = self.connections.get_mut(&key) else { return Vec::new() };
        connection.is_offerer = connection.remote_ufrag.is_none();
        connection.is_described = true;
        let kind = if connection.is_offerer { SdpKind::Offer } else { SdpKind::Answer };
        let description = Description {
            ufrag: ufrag(key),
            pwd: "p".repeat(24),
            fingerprint: [7; 32],
            setup: Setup::Active,
            mid: "0".to_owned(),
            sctp_port: 5_000,
            max_message_size: 262_144,
            candidates: Vec::new(),
        };
        let (to, id) = key;
        let sdp = description.to_sdp(kind);
        let mut events = vec![(to, Event::Described { id, sdp })];
        if self.has_candidates {
            let candidate = Candidate {
                kind: CandidateKind::Host,
                address: Address::Ip([10, 0, 0, 1].into()),
                port: 4_000,
                priority: 1,
            };
            let candidate = Some(IceCandidate::of_line(candidate.to_line()));
            events.push((to, Event::Candidate { id, candidate }));
        }
        events.push((to, Event::Candidate { id, candidate: None }));
        events.extend(self.connect(key));
        events
    }

    fn set_remote(&mut self, key: Key, _: SdpKind, sdp: &str) -> Events {
        let (to, id) = key;
        let Some(connection) = self.connections.get_mut(&key) else { return Vec::new() };
        match Description::from_sdp(sdp) {
            Ok(description) => connection.remote_ufrag = Some(description.ufrag),
            Err(why) => return vec![(to, Event::Failed { id, why: why.to_string() })],
        }
        self.connect(key)
    }

    /// Connects two that know of each other.
    fn connect(&mut self, key: Key) -> Events {
        let Some(one) = self.connections.get(&key) else { return Vec::new() };
        let theirs = one.remote_ufrag.clone();
        let Some(other) = self.connections.keys().find(|other| Some(ufrag(**other)) == theirs)
        else {
            return Vec::new();
        };
        let other = *other;
        let is_known = |key: &Key, by: &Key| {
            let by = &self.connections[by];
            by.is_described && by.peer.is_none() && by.remote_ufrag == Some(ufrag(*key))
        };
        if !is_known(&key, &other) || !is_known(&other, &key) {
            return Vec::new();
        }
        if !self.is_reachable || !self.has_candidates {
            let failed = |(to, id): Key| (to, Event::State { id, state: State::Failed });
            return vec![failed(key), failed(other)];
        }
        let mut events = Vec::new();
        for (mine, peer) in [(key, other), (other, key)] {
            self.connections.get_mut(&mine).expect("it was just seen").peer = Some(peer);
            events.push((mine.0, Event::State { id: mine.1, state: State::Connected }));
        }
        for mine in [key, other] {
            let waiting =
                self.connections.get_mut(&mine).map(|one| std::mem::take(&mut one.waiting));
            for (channel, label) in waiting.into_iter().flatten() {
                events.extend(self.open(mine, channel, label));
            }
        }
        events
    }

    fn open(&mut self, key: Key, channel: ChannelId, label: String) -> Events {
        let Some(connection) = self.connections.get_mut(&key) else { return Vec::new() };
        let Some(peer) = connection.peer else {
            connection.waiting.push((channel, label));
            return Vec::new();
        };
        let Some(other) = self.connections.get_mut(&peer) else { return Vec::new() };
        let theirs = ChannelId(other.next_inbound * 2 + 1);
        other.next_inbound += 1;
        other.channels.insert(theirs, channel);
        self.connections.get_mut(&key).expect("it was just seen").channels.insert(channel, theirs);
        vec![
            (peer.0, Event::Inbound { id: peer.1, channel: theirs, label }),
            (key.0, Event::Opened { id: key.1, channel }),
        ]
    }

    fn other(&self, key: Key, channel: ChannelId) -> Option<(Key, ChannelId)> {
        let connection = self.connections.get(&key)?;
        Some((connection.peer?, *connection.channels.get(&channel)?))
    }

    fn send(&mut self, key: Key, channel: ChannelId, bytes: Vec<u8>) -> Events {
        let Some(((to, id), theirs)) = self.other(key, channel) else { return Vec::new() };
        let drained = Event::Drained { id: key.1, channel, bytes: bytes.len() };
        let bytes = Bytes::from(bytes);
        vec![(to, Event::Message { id, channel: theirs, bytes }), (key.0, drained)]
    }

    fn close_channel(&mut self, key: Key, channel: ChannelId) -> Events {
        let Some((other, theirs)) = self.other(key, channel) else { return Vec::new() };
        let mut events = Vec::new();
        for ((to, id), channel) in [(key, channel), (other, theirs)] {
            if let Some(connection) = self.connections.get_mut(&(to, id)) {
                connection.channels.remove(&channel);
            }
            events.push((to, Event::ChannelClosed { id, channel }));
        }
        events
    }

    fn close(&mut self, key: Key) -> Events {
        let Some(connection) = self.connections.remove(&key) else { return Vec::new() };
        let Some(peer) = connection.peer else { return Vec::new() };
        if self.connections.remove(&peer).is_none() {
            return Vec::new();
        }
        vec![(peer.0, Event::Closed { id: peer.1 })]
    }
}
