//! The rendezvous: how members find each other at a relay, in the words of
//! `/rendezvous/1.0.0` of the libp2p specification.
//!
//! Both sides stand on what is here: the ion's [`client`], and the relay's
//! server. Published clients trust the relay; this one takes an answer that is
//! wrong, too long or meant for another question as a refusal.
//!
//! Reading order: [`wire`] (bytes), [`codec`] (streams), [`record`] (who
//! signs), [`client`].

pub mod client;
pub mod codec;
pub mod record;
pub mod wire;

use libp2p::StreamProtocol;

/// The protocol's name.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/rendezvous/1.0.0");
