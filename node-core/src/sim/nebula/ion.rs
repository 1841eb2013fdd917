//! One ion of the nebula: its mesh, and its ends of streams.

use std::collections::BTreeMap;

use super::NebulaOptions;
use crate::{
    identity::IonId,
    network::{mesh::Mesh, wire::Room},
    platform::sim::Rng,
};

/// A set of rooms, for which three bits do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoomSet(u8);

impl RoomSet {
    /// Whether it was not in it.
    pub(super) fn insert(&mut self, room: Room) -> bool {
        let bit = 1 << (room as u8);
        let is_new = self.0 & bit == 0;
        self.0 |= bit;
        is_new
    }

    pub(super) fn contains(self, room: Room) -> bool {
        self.0 & (1 << (room as u8)) != 0
    }
}

/// One's own streams to another ion.
pub(super) struct Outbound {
    pub(super) opening: Vec<u8>,
    pub(super) rooms: RoomSet,
    /// Whether its attempt to connect is known to fail.
    pub(super) is_failing: bool,
}

pub(super) struct Ion {
    pub(super) id: IonId,
    /// `None` before it joins and after it left.
    pub(super) mesh: Option<Box<Mesh>>,
    pub(super) is_over: bool,
    pub(super) joined_ms: u64,
    pub(super) asked_ms: u64,
    pub(super) side: u64,
    /// Where it is, on a square of side 1,000.
    pub(super) place: (u64, u64),
    pub(super) is_hidden: bool,
    pub(super) reached: BTreeMap<IonId, Outbound>,
    /// Streams that came in and stand.
    pub(super) inbound: BTreeMap<IonId, RoomSet>,
    /// When the last of what travels to each arrives, so that nothing overtakes.
    pub(super) arrives_ms: BTreeMap<usize, u64>,
}

/// Where an id says which ion it is, so that none is looked for: its last bytes.
const INDEX_AT: usize = 28;

/// Which ion an id claims to be.
pub(super) fn index_in(id: &IonId) -> Option<usize> {
    let bytes = id.as_bytes()[INDEX_AT..].first_chunk()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

impl Ion {
    pub(super) fn new(index: usize, rng: &mut Rng, options: NebulaOptions) -> Self {
        let mut key = [0; 32];
        rng.fill(&mut key);
        let index = u32::try_from(index).expect("a run has fewer ions");
        key[INDEX_AT..].copy_from_slice(&index.to_le_bytes());
        Self {
            id: IonId::from_bytes(key),
            mesh: None,
            is_over: false,
            joined_ms: 0,
            asked_ms: 0,
            side: 0,
            place: (rng.below(1_000), rng.below(1_000)),
            is_hidden: rng.below(100) < options.hidden_percent,
            reached: BTreeMap::new(),
            inbound: BTreeMap::new(),
            arrives_ms: BTreeMap::new(),
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.mesh.is_some()
    }

    /// It left, for good.
    pub(super) fn end(&mut self) {
        self.mesh = None;
        self.is_over = true;
        self.reached = BTreeMap::new();
        self.inbound = BTreeMap::new();
        self.arrives_ms = BTreeMap::new();
    }

    pub(super) fn reached_ions(&self) -> Vec<IonId> {
        self.reached.keys().copied().collect()
    }

    pub(super) fn reach(&mut self, ion: IonId, opening: Vec<u8>) {
        let outbound = Outbound { opening, rooms: RoomSet::default(), is_failing: false };
        self.reached.insert(ion, outbound);
    }

    pub(super) fn drop_streams(&mut self, ion: &IonId) {
        self.reached.remove(ion);
        self.inbound.remove(ion);
    }
}
