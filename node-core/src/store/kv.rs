//! The nebula's small shared memory: signed entries that every ion holds and
//! that merge without a master.
//!
//! An [`Entry`] is a key with a value, or a tombstone, at a hybrid logical
//! time, signed by its author. Of two entries of one key the later wins; ties
//! go to the greater author, then to the greater digest, so that every replica
//! keeps the same one in whatever order they arrive. [`Replica`] holds what an
//! ion knows: what waits for its time, what has died, what would be too much.
//! [`reconcile`] finds what two replicas do not share. [`Kv`] is all of it as
//! one machine, with its disk and its neighbours.
//!
//! Reading order: [`stamp`], [`entry`] (with [`seal`]), [`table`], [`replica`],
//! [`reconcile`], [`writes`], [`machine`].

pub mod conflicts;
pub mod entry;
pub mod machine;
pub mod peers;
pub mod reconcile;
pub mod replica;
pub mod stamp;
pub mod table;
pub mod wire;
pub mod writes;

pub use crate::identity::seal;
pub use conflicts::Conflict;
pub use entry::{Entry, Key, Space};
pub use machine::Kv;
pub use replica::{Fate, Replica};
pub use stamp::{Clock, Stamp};
pub use writes::Change;
