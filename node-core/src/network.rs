//! How ions find each other, prove that they belong together, and talk.
//!
//! Two machines decide: [`relays`] keeps connections to relays and asks them
//! who is there; [`links`] keeps a link to every ion that was found, lets
//! nobody in without a proof of membership, and notices who has gone. The
//! [`driver`] moves the bytes over libp2p and decides nothing.
//!
//! Over the links of the mesh, [`broadcast`] tells everybody, and [`rooms`] those
//! who want to hear; [`routing`] reaches ions that this one is not linked to;
//! [`signaling`] makes links through others, and [`pairing`] the first one where
//! there is no other ion to go through. What one ion takes from another in a time
//! is a [`budget`].
//!
//! Each pair of ions has one ordered stream per [`Room`](wire::Room) and
//! direction. The first frame of each is the sender's proof.
//!
//! Reading order: [`wire`], [`links`], [`relays`], [`budget`], [`broadcast`],
//! [`rooms`], [`routing`], [`signaling`], [`pairing`], [`bootstrap`], [`port`],
//! [`driver`].

pub mod bootstrap;
pub mod broadcast;
pub mod budget;
pub mod driver;
pub mod links;
pub mod pairing;
pub mod port;
pub mod relays;
pub mod rooms;
pub mod routing;
pub mod signaling;
pub mod ways;
pub mod wire;

pub use port::{News, Order};
