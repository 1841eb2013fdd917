//! How ions find each other, prove that they belong together, and talk.
//!
//! [`relays`] keeps connections to relays and asks them who is there. An ion
//! holds few links, whatever the nebula's size: [`overlay`] decides which,
//! [`neighbours`] asks for them, lets nobody in without a proof of membership
//! and notices who has gone, and [`directory`] knows everybody. Over the links,
//! [`broadcast`] tells everybody, and [`rooms`] those who want to hear;
//! [`routing`] reaches ions that this one is not linked to; [`signaling`] makes
//! links through others, and [`pairing`] the first one where there is no other
//! ion to go through. What one ion takes from another in a time is a [`budget`].
//! [`mesh`] lets all of these work together. [`ways`] chooses the connection to
//! talk over. The [`driver`] moves the bytes over libp2p and decides nothing.
//!
//! Each pair of linked ions has one ordered stream per [`Room`](wire::Room) and
//! direction. The first frame of each is the sender's proof.
//!
//! Reading order: [`wire`], [`neighbours`], [`overlay`], [`relays`], [`budget`],
//! [`broadcast`], [`directory`], [`rooms`], [`routing`], [`signaling`],
//! [`pairing`], [`mesh`], [`bootstrap`], [`port`], [`ways`], [`driver`].

pub mod bootstrap;
pub mod broadcast;
pub mod budget;
pub mod directory;
pub mod driver;
pub mod mesh;
pub mod neighbours;
pub mod overlay;
pub mod pairing;
pub mod port;
pub mod relays;
pub mod rooms;
pub mod routing;
pub mod signaling;
pub mod ways;
pub mod wire;

pub use port::{News, Order};
