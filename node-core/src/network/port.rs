//! What the machines ask of a network and what it tells them: libp2p's driver
//! in the world, a simulated one in the simulator.

use super::{relays::RelayIndex, wire::Room};
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
}

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
    /// An ion could not be reached, or it refused.
    Failed(IonId),
    /// The session with an ion ended.
    Closed(IonId),
}
