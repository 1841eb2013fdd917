//! The narrow port to whoever holds the peer connections: a page, a page
//! behind a worker, or a test's memory.
//!
//! Commands go there, events come back, nothing else passes. Both name peer
//! connections and channels by numbers that this side and that one give out.
//! The port is generic over how bytes are held, so that a page can pass a
//! browser's own buffers on without looking into them.
//!
//! Credit: this side counts what it has sent and not seen in
//! [`Event::Drained`], and pauses at [`WINDOW_BYTES`]; the other side reports
//! at least every [`DRAINED_BYTES`], so that neither waits for the other.

use bytes::Bytes;

use crate::{config::IceServer, description::SdpKind, signaling::IceCandidate};

/// Bytes of one channel that may be on the way to the network. A tenth of a
/// second at 40 MiB/s, so that the channel never runs dry while its page, its
/// worker and whoever writes take turns on a busy machine.
pub const WINDOW_BYTES: usize = 4 << 20;
/// Below how many buffered bytes, and after how many sent ones, the page says
/// so. Half the window keeps the channel busy while the answer travels.
pub const DRAINED_BYTES: usize = WINDOW_BYTES / 2;

/// A peer connection, by the number that the transport gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerConnectionId(pub u32);

/// A data channel of a peer connection. Those that the transport opens have
/// even numbers, those that peers open odd ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u32);

/// What the transport asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<B = Vec<u8>> {
    /// Create a peer connection.
    Create {
        /// Its number from now on.
        id: PeerConnectionId,
        /// Servers that help to find addresses.
        ice_servers: Vec<IceServer>,
    },
    /// Open a data channel, ordered and reliable.
    Open {
        /// On this connection.
        id: PeerConnectionId,
        /// Its number from now on.
        channel: ChannelId,
        /// Its label.
        label: String,
        /// Its number in SCTP if both sides have agreed on it beforehand.
        negotiated: Option<u16>,
    },
    /// Make the local description, offer or answer, whichever is due, and
    /// begin to gather candidates.
    Describe {
        /// Of this connection.
        id: PeerConnectionId,
        /// ICE user name and password to put in place of the browser's own.
        credentials: Option<String>,
    },
    /// Take the other side's description.
    SetRemote {
        /// On this connection.
        id: PeerConnectionId,
        /// What it is.
        kind: SdpKind,
        /// The description.
        sdp: String,
    },
    /// Take one more candidate of the other side.
    AddCandidate {
        /// On this connection.
        id: PeerConnectionId,
        /// The candidate.
        candidate: IceCandidate,
    },
    /// Send one message.
    Send {
        /// On this connection.
        id: PeerConnectionId,
        /// On this channel, which is open.
        channel: ChannelId,
        /// The message.
        bytes: B,
    },
    /// Close a data channel once all is sent.
    CloseChannel {
        /// On this connection.
        id: PeerConnectionId,
        /// The channel.
        channel: ChannelId,
    },
    /// Close the peer connection. No event follows.
    Close {
        /// The connection.
        id: PeerConnectionId,
    },
    /// Say how the connection does, by [`Event::Stats`].
    Stats {
        /// The connection.
        id: PeerConnectionId,
    },
}

impl<B> Command<B> {
    /// The same command with its bytes held otherwise.
    pub fn map_bytes<C>(self, map: impl FnOnce(B) -> C) -> Command<C> {
        match self {
            Self::Send { id, channel, bytes } => Command::Send { id, channel, bytes: map(bytes) },
            Self::Create { id, ice_servers } => Command::Create { id, ice_servers },
            Self::Open { id, channel, label, negotiated } => {
                Command::Open { id, channel, label, negotiated }
            }
            Self::Describe { id, credentials } => Command::Describe { id, credentials },
            Self::SetRemote { id, kind, sdp } => Command::SetRemote { id, kind, sdp },
            Self::AddCandidate { id, candidate } => Command::AddCandidate { id, candidate },
            Self::CloseChannel { id, channel } => Command::CloseChannel { id, channel },
            Self::Close { id } => Command::Close { id },
            Self::Stats { id } => Command::Stats { id },
        }
    }

    /// The connection it is about.
    pub fn id(&self) -> PeerConnectionId {
        match self {
            Self::Create { id, .. }
            | Self::Open { id, .. }
            | Self::Describe { id, .. }
            | Self::SetRemote { id, .. }
            | Self::AddCandidate { id, .. }
            | Self::Send { id, .. }
            | Self::CloseChannel { id, .. }
            | Self::Close { id }
            | Self::Stats { id } => *id,
        }
    }
}

/// The state of a peer connection, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is connected.
    Connected,
    /// Nothing was heard for some seconds; it may recover.
    Disconnected,
    /// It can't be connected, or is no more.
    Failed,
}

/// How a connection does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Bytes sent over the network, all channels together.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Round-trip time in milliseconds, if the browser knows.
    pub round_trip_ms: Option<f64>,
    /// Our end: `host 192.168.0.2:4000`, as far as the browser tells.
    pub local: Option<String>,
    /// Their end.
    pub remote: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<B = Bytes> {
    /// The local description is made.
    Described {
        /// Of this connection.
        id: PeerConnectionId,
        /// The description.
        sdp: String,
    },
    /// A way to reach us was found; `None` when all are.
    Candidate {
        /// Of this connection.
        id: PeerConnectionId,
        /// The candidate.
        candidate: Option<IceCandidate>,
    },
    /// A channel that was asked for is open.
    Opened {
        /// On this connection.
        id: PeerConnectionId,
        /// The channel.
        channel: ChannelId,
    },
    /// The other side opened a channel.
    Inbound {
        /// On this connection.
        id: PeerConnectionId,
        /// Its number from now on.
        channel: ChannelId,
        /// Its label.
        label: String,
    },
    /// A message came.
    Message {
        /// On this connection.
        id: PeerConnectionId,
        /// On this channel.
        channel: ChannelId,
        /// The message.
        bytes: B,
    },
    /// So many more bytes have left for the network.
    Drained {
        /// On this connection.
        id: PeerConnectionId,
        /// On this channel.
        channel: ChannelId,
        /// How many, since the last such event.
        bytes: usize,
    },
    /// A channel is closed, whoever did it.
    ChannelClosed {
        /// On this connection.
        id: PeerConnectionId,
        /// The channel.
        channel: ChannelId,
    },
    /// The connection is in another state.
    State {
        /// The connection.
        id: PeerConnectionId,
        /// The state.
        state: State,
    },
    /// The other side closed the connection, or the page did.
    Closed {
        /// The connection.
        id: PeerConnectionId,
    },
    /// What was asked for could not be done.
    Failed {
        /// The connection.
        id: PeerConnectionId,
        /// What the browser says.
        why: String,
    },
    /// The answer to [`Command::Stats`].
    Stats {
        /// The connection.
        id: PeerConnectionId,
        /// How it does.
        stats: Stats,
    },
    /// The page is gone, and all connections with it.
    Gone,
}

impl<B> Event<B> {
    /// The same event with its bytes held otherwise.
    pub fn map_bytes<C>(self, map: impl FnOnce(B) -> C) -> Event<C> {
        match self {
            Self::Message { id, channel, bytes } => {
                Event::Message { id, channel, bytes: map(bytes) }
            }
            Self::Described { id, sdp } => Event::Described { id, sdp },
            Self::Candidate { id, candidate } => Event::Candidate { id, candidate },
            Self::Opened { id, channel } => Event::Opened { id, channel },
            Self::Inbound { id, channel, label } => Event::Inbound { id, channel, label },
            Self::Drained { id, channel, bytes } => Event::Drained { id, channel, bytes },
            Self::ChannelClosed { id, channel } => Event::ChannelClosed { id, channel },
            Self::State { id, state } => Event::State { id, state },
            Self::Closed { id } => Event::Closed { id },
            Self::Failed { id, why } => Event::Failed { id, why },
            Self::Stats { id, stats } => Event::Stats { id, stats },
            Self::Gone => Event::Gone,
        }
    }
}

/// Takes the events of a port. It may be called from any callback: it wakes
/// tasks, and runs none.
pub type Sink = Box<dyn FnMut(Event) + Send>;

/// A way to whoever holds the peer connections.
pub trait Port: Send + 'static {
    /// Says where events go. Called once, before the first command.
    fn listen(&mut self, sink: Sink);

    /// Passes a command on. It must not call the sink before it returns.
    fn post(&mut self, command: Command);
}

impl<P: Port + ?Sized> Port for Box<P> {
    fn listen(&mut self, sink: Sink) {
        (**self).listen(sink);
    }

    fn post(&mut self, command: Command) {
        (**self).post(command);
    }
}
