//! Who an ion is and where it belongs.
//!
//! An ion is an Ed25519 key ([`keys`]), kept in the [`slot`] of its tab and
//! shown under a readable [`name`]. A nebula is a key pair too; whoever holds
//! its invitation is in ([`nebula`]). What an ion signs in numbers has one
//! signature ([`seal`]). Nothing here speaks to the network.

pub mod keys;
pub mod name;
pub mod nebula;
pub mod seal;
pub mod slot;

pub use keys::{Ed25519Keys, IonId, Keys, MemberKeys, Signature, SimKeys};
pub use name::NAME_CHARS_MAX;
pub use nebula::{Invitation, InvitationError, Membership, NebulaId};
