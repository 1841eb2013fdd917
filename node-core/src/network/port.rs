//! What the machines ask of a network and what it tells them: libp2p's driver
//! in the world, a simulated one in the simulator.

use super::{bootstrap::IceServer, relays::RelayIndex, ways::Way, wire::Room};
use crate::identity::IonId;

/// What is asked of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Connect to a relay and reserve there.
    Connect(RelayIndex, String),
    /// Give up a connection to a relay.
    Disconnect(RelayIndex),
    /// Register at a relay.
    Register(RelayIndex, String),
    /// Take a registration back.
    Unregister(RelayIndex, String),
    /// Ask a relay who is there.
    Discover(RelayIndex, String),
    /// Be ready to send to an ion; every stream to it opens with these bytes.
    Reach(IonId, Vec<u8>),
    /// Send a frame.
    Send(IonId, Room, Vec<u8>),
    /// Tell whoever sent a wrong proof, and close.
    Refuse(IonId),
    /// End the session with an ion, after what is queued.
    Close(IonId),
    /// Make an offer of a direct connection that some ion can answer.
    Offer(Attempt),
    /// Make an offer with the help of this server alone, to see what it finds.
    Try(Attempt, IceServer),
    /// Answer an ion's offer, and take the connection that follows within so
    /// many milliseconds.
    Answer(Attempt, IonId, Vec<u8>, u64),
    /// Take an ion's answer to an offer, and connect.
    Accept(Attempt, IonId, Vec<u8>),
    /// Forget an offer.
    Abandon(Attempt),
    /// Use these servers to find direct ways, from now on.
    IceServers(Vec<IceServer>),
}

/// Names an offer or an answer; chosen by whoever asks for it.
pub type Attempt = u64;

/// What the network tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A relay relays for this ion now.
    Reserved(RelayIndex),
    /// A relay took the registration.
    Registered(RelayIndex),
    /// A relay has no room for the registration; why, as a sentence.
    Unlisted(RelayIndex, String),
    /// A relay is lost; why, as a sentence.
    RelayLost(RelayIndex, String),
    /// A relay told who is there.
    Found(RelayIndex, Vec<IonId>),
    /// A stream came in, with these first bytes.
    Opened(IonId, Room, Vec<u8>),
    /// A frame came in.
    Frame(IonId, Room, Vec<u8>),
    /// A frame of [`Room::Store`] left for an ion: its connection took it.
    Sent(IonId),
    /// An ion is talked to in this way now; why not directly, as a sentence
    /// that may be empty.
    Way(IonId, Way, String),
    /// An attempt to connect to an ion ended: how, after how many milliseconds,
    /// and why it failed; an empty reason where it did not.
    Tried(IonId, Way, u64, String),
    /// An ion said what cannot be frames of a room; its stream ended.
    Offence(IonId),
    /// An ion could not be reached, or it refused.
    Failed(IonId),
    /// The session with an ion ended.
    Closed(IonId),
    /// An offer: a description of this end of a connection, or why there is none.
    Offer(Attempt, Result<Vec<u8>, String>),
    /// An answer to an ion's offer, or why there is none.
    Answer(Attempt, Result<Vec<u8>, String>),
    /// A direct connection to an ion stands: to reach it takes no relay.
    Met(IonId),
    /// No direct connection came of an accepted answer; why, as a sentence.
    Unmet(IonId, String),
}
