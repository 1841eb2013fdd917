//! How ions find each other, prove that they belong together, and talk.
//!
//! Two machines decide: [`relays`] keeps connections to relays and asks them
//! who is there; [`links`] keeps a link to every ion that was found, lets
//! nobody in without a proof of membership, and notices who has gone. The
//! [`driver`] moves the bytes over libp2p and decides nothing.
//!
//! [`mesh`] is what takes the place of [`links`] where a nebula has more ions
//! than one can be linked to: an [`overlay`] of few links, made by
//! [`neighbours`], and a [`directory`] of everybody.
//!
//! Each pair of ions has one ordered stream per [`Room`](wire::Room) and
//! direction. The first frame of each is the sender's proof.
//!
//! Reading order: [`wire`], [`links`], [`relays`], [`bootstrap`], [`port`],
//! [`driver`]; [`overlay`], [`neighbours`], [`directory`], [`mesh`].

pub mod bootstrap;
pub mod directory;
pub mod driver;
pub mod links;
pub mod mesh;
pub mod neighbours;
pub mod overlay;
pub mod port;
pub mod relays;
pub mod wire;

pub use port::{News, Order};
