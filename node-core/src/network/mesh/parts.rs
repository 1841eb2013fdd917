//! The two machines that carry things beyond direct links, as the mesh sees
//! them: [`Spread`] tells everybody, [`Ways`] reaches one. The mesh is generic
//! over both, so that its tests run it with the simplest that could work.

use crate::{identity::IonId, network::wire::Room, platform::Time};

/// Tells everybody. What it delivers is signed by its author and verified.
pub trait Spread {
    /// Takes one input.
    fn handle(&mut self, now: Time, input: SpreadInput, effects: &mut Vec<SpreadEffect>);
}

/// Brings messages to one ion, over others where no link stands.
pub trait Ways {
    /// Takes one input.
    fn handle(&mut self, now: Time, input: WaysInput, effects: &mut Vec<WaysEffect>);
}

/// What a rumour is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Who is there.
    Presence,
    /// What is said in a room of that name.
    Room(String),
}

/// What happened, for [`Spread`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpreadInput {
    /// A link stands.
    NeighbourUp(IonId),
    /// A link is gone.
    NeighbourDown(IonId),
    /// A frame came from a neighbour.
    Heard(IonId, Vec<u8>),
    /// Tell everybody.
    Publish {
        /// About what.
        topic: Topic,
        /// What.
        payload: Vec<u8>,
    },
    /// Time has passed.
    Tick,
}

/// What [`Spread`] asks of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpreadEffect {
    /// Send a frame to a neighbour.
    Send(IonId, Vec<u8>),
    /// A rumour for this ion; each once.
    Deliver {
        /// Who said it; verified.
        author: IonId,
        /// About what.
        topic: Topic,
        /// What.
        payload: Vec<u8>,
        /// The neighbour that brought it first.
        from: IonId,
        /// Links that it crossed.
        hops: u16,
    },
    /// An ion broke the rules.
    Offence(IonId),
}

/// What happened, for [`Ways`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaysInput {
    /// A link stands.
    NeighbourUp(IonId),
    /// A link is gone.
    NeighbourDown(IonId),
    /// A frame came from a neighbour.
    Heard(IonId, Vec<u8>),
    /// A neighbour was the first to bring something that an ion signed.
    Hint {
        /// Who signed it.
        ion: IonId,
        /// The neighbour.
        via: IonId,
    },
    /// Bring a message to an ion.
    Send {
        /// To whom.
        to: IonId,
        /// The room that it belongs to.
        room: Room,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Time has passed.
    Tick,
}

/// What [`Ways`] asks of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaysEffect {
    /// Send a frame to a neighbour.
    Send(IonId, Vec<u8>),
    /// A message for this ion.
    Deliver {
        /// Who wrote it; verified.
        from: IonId,
        /// The room that it belongs to.
        room: Room,
        /// The message.
        bytes: Vec<u8>,
    },
    /// What was sent to that ion does not reach it.
    Unreachable(IonId),
    /// An ion broke the rules.
    Offence(IonId),
}
