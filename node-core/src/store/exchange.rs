//! Blocks between ions: fetches what this ion wants from all who have it, and
//! serves what others want.
//!
//! The receiver drives. It asks its neighbours who holds what ([`Message::Seek`]),
//! and wants blocks of those who do, of each as many bytes at once as come in
//! the time of its latency and half a second more: so a link is never idle, and
//! nothing queues that the receiver has not asked for. That is the only
//! back-pressure there is, since browsers' channels have none. Blocks that few
//! hold go first, or those that are played first. Near the end, what a slow ion
//! was asked for is asked of a faster one too. Every block is verified before
//! anybody sees it; an ion that sends other bytes, or promises and sends
//! nothing, is put aside and named.
//!
//! The sender keeps a bounded queue for each ion that wants something and has a
//! bounded number of frames on the way to it, so that a slow one holds up
//! nobody else and what is cancelled is not sent.
//!
//! Refused: frames beyond [`wire`]'s bounds, bytes that nobody asked for.
//! Bounds: [`WANTED_MAX`] blocks wanted, [`FLIGHT_BYTES_MAX`] of blocks on their
//! way or not yet stored, [`PEERS_MAX`] ions, and those of the two halves.
//! Every wait ends: with the block, with another ion that is asked, or with
//! [`Effect::Unavailable`].

mod fetch;
mod peer;
mod serve;
pub mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use fetch::{FLIGHT_BYTES_MAX, Order, WANTED_MAX, Wanted};
pub use peer::Offence;

use self::{fetch::Fetch, serve::Serve, wire::Message};
use super::chunk::Cid;
use crate::{
    identity::IonId,
    platform::{Time, sim::Rng},
};

/// Ions that blocks are exchanged with at a time.
pub const PEERS_MAX: usize = 64;

/// Who asks whether blocks are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// This ion, before it fetches them.
    Own,
    /// Another ion.
    Other(IonId),
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// An ion can be reached in this room.
    Linked(IonId),
    /// It cannot any more. What was on the way to it or from it is lost.
    Lost(IonId),
    /// These blocks are wanted. At most [`WANTED_MAX`] in all are taken; the
    /// others come back as [`Effect::Failed`].
    Fetch(Vec<Wanted>, Order),
    /// These are not wanted any more.
    Forget(Vec<Cid>),
    /// The answer to [`Effect::Look`].
    Looked {
        /// Who asked.
        asker: Asker,
        /// What of it is stored here.
        have: Vec<Cid>,
        /// What of it is not.
        lack: Vec<Cid>,
    },
    /// A frame of the room came from an ion.
    Frame(IonId, Vec<u8>),
    /// The answer to [`Effect::Read`]; `None` where the block is not here.
    Read(Cid, Option<Arc<[u8]>>),
    /// The answer to [`Effect::Store`]: whether it is durable now.
    Stored(Cid, bool),
    /// The transport has taken one [`Effect::Data`] for this ion.
    Sent(IonId),
    /// Time has passed; wanted some times a second.
    Tick,
}

/// What is asked of the world.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Which of these are stored here?
    Look(Asker, Vec<Cid>),
    /// Send a frame, one of few bytes.
    Send(IonId, Vec<u8>),
    /// Send a frame with a piece of a block, and say when it is
    /// [`Sent`](Input::Sent).
    Data(IonId, Vec<u8>),
    /// Store a block; it is verified.
    Store(Cid, Vec<u8>),
    /// Read a block.
    Read(Cid),
    /// A wanted block is here.
    Done(Cid),
    /// A wanted block is given up, and why.
    Failed(Cid, Failure),
    /// Nobody who can be reached offers this block. It stays wanted.
    Unavailable(Cid),
    /// What is stored under this name are other bytes: it should be deleted.
    Corrupt(Cid),
    /// An ion broke the rules, or promises and does not deliver; it is not asked
    /// for a while.
    Offence(IonId, Offence),
}

/// Why a block is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// So many are wanted already.
    #[error("more than {WANTED_MAX} blocks are wanted at once")]
    TooMany,
    /// It came and could not be stored.
    #[error("the block could not be stored")]
    Disk,
}

/// The machine.
#[derive(Debug)]
pub struct Exchange {
    fetch: Fetch,
    serve: Serve,
}

impl Exchange {
    /// A machine that exchanges nothing yet. The numbers decide which of equally
    /// rare blocks come first, so that ions fetch different ones.
    pub fn new(rng: Rng) -> Self {
        Self { fetch: Fetch::new(rng), serve: Serve::default() }
    }

    /// How many more blocks may be wanted.
    pub fn room(&self) -> usize {
        self.fetch.room()
    }

    /// How fast an ion has been delivering, in bytes a second; 0 before it did.
    pub fn rate(&self, ion: &IonId) -> u64 {
        self.fetch.rate(ion)
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Linked(ion) => {
                if self.fetch.linked(now, ion, effects) {
                    self.serve.linked(ion);
                }
            }
            Input::Lost(ion) => {
                self.serve.lost(&ion);
                self.fetch.lost(now, &ion, effects);
                self.serve.pump(effects);
            }
            Input::Fetch(wanted, order) => self.fetch.fetch(wanted, order, effects),
            Input::Forget(cids) => self.fetch.forget(now, &cids, effects),
            Input::Looked { asker: Asker::Own, have, lack } => {
                self.fetch.looked(now, &have, &lack, effects);
            }
            Input::Looked { asker: Asker::Other(ion), have, lack } => {
                self.serve.looked(ion, &have, &lack, effects);
            }
            Input::Frame(ion, bytes) => self.frame(now, ion, &bytes, effects),
            Input::Read(cid, bytes) => self.serve.read(cid, bytes, effects),
            Input::Stored(cid, is_stored) => {
                if is_stored {
                    self.serve.stored(cid, effects);
                }
                self.fetch.stored(now, cid, is_stored, effects);
            }
            Input::Sent(ion) => self.serve.sent(ion, effects),
            Input::Tick => self.fetch.tick(now, effects),
        }
    }

    fn frame(&mut self, now: Time, ion: IonId, bytes: &[u8], effects: &mut Vec<Effect>) {
        let Ok(message) = wire::decode(bytes) else {
            self.fetch.offends(now, ion, Offence::Malformed, effects);
            return;
        };
        match message {
            Message::Seek(cids) => self.serve.seek(ion, cids, effects),
            Message::Want(cids) => self.serve.want(ion, &cids, effects),
            Message::Cancel(cids) => self.serve.cancel(ion, &cids, effects),
            Message::Have(cids) => self.fetch.have(now, ion, &cids, effects),
            Message::Lack(cids) => self.fetch.lack(now, ion, &cids, effects),
            Message::Piece(piece) => self.fetch.piece(now, ion, &piece, effects),
        }
    }
}
