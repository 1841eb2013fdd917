//! Rooms, and how the streams between two ions open.

use serde::{Deserialize, Serialize};

pub use crate::codec::encode;
use crate::identity::nebula::Proof;

/// One frame of the link room, in bytes.
pub const LINK_FRAME_BYTES_MAX: usize = 4 << 10;
/// One frame of the mesh room, in bytes.
pub const MESH_FRAME_BYTES_MAX: usize = 80 << 10;

/// What a stream between two ions is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Greeting, presence, heartbeat.
    Link,
    /// Jobs.
    Compute,
    /// What is told to all, and what is passed on for others.
    Mesh,
    /// The shared memory.
    Kv,
    /// Blocks of files.
    Store,
}

impl Room {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Link, Self::Compute, Self::Mesh, Self::Kv, Self::Store];

    /// The libp2p protocol that the room's streams speak.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Link => "/ionosphere/link/1",
            Self::Compute => "/ionosphere/compute/1",
            Self::Mesh => "/ionosphere/mesh/1",
            Self::Kv => "/ionosphere/kv/1",
            Self::Store => "/ionosphere/store/1",
        }
    }

    /// The longest frame, in bytes.
    pub const fn frame_bytes_max(self) -> usize {
        match self {
            Self::Link => LINK_FRAME_BYTES_MAX,
            Self::Compute => crate::compute::wire::MESSAGE_BYTES_MAX,
            Self::Mesh => MESH_FRAME_BYTES_MAX,
            Self::Kv => crate::store::kv::wire::FRAME_BYTES_MAX,
            Self::Store => crate::store::exchange::wire::FRAME_BYTES_MAX,
        }
    }
}

/// The first frame of every stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// [`VERSION`](super::neighbours::wire::VERSION).
    pub version: u32,
    /// That the sender is a member.
    #[serde(with = "serde_bytes")]
    pub proof: Proof,
    /// Which session of the sender the stream belongs to. All streams of one
    /// session open with the same bytes; other bytes mean that it began anew.
    pub session: u64,
}

/// What an ion says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Its readable name; empty for that of its key.
    pub name: String,
    /// Guest workers that it lends; 0 while paused.
    pub workers: u16,
    /// Guest workers that run something.
    pub busy: u16,
}

/// A value from bytes of bounded length; `None` when they are not one.
pub fn decode<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Option<T> {
    if bytes.len() > LINK_FRAME_BYTES_MAX {
        return None;
    }
    ion_codec::from_slice(bytes).ok()
}
