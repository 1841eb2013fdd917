//! The way in for tabs that have no WebSocket: WebRTC on a UDP port of its own,
//! to an address that names the relay's certificate by its hash, so that it
//! needs neither a domain nor an authority.
//!
//! The transport itself is libp2p's, an alpha. What stands here is what it
//! lacks: a [`certificate`] that is kept, a [`door`] that lets in no more
//! handshakes than the relay can bear, and an [`event_loop`] for each connection
//! that ends with all that the library leaves behind. It is off unless an operator turns it on;
//! the README says what is weak in it.
//!
//! Specification: libp2p `webrtc/webrtc-direct.md`.

mod certificate;
mod door;
mod event_loop;

use libp2p::{
    Transport as _,
    core::{muxing::StreamMuxerBox, transport::OptionalTransport},
    identity::Keypair,
};
pub(crate) use libp2p_webrtc::tokio::Certificate;

use tokio_rustls::rustls::crypto::ring::default_provider;

use crate::{metrics::Metrics, transport::Webrtc};
pub(crate) use certificate::kept;
use door::Door;
use event_loop::Muxer;

/// A certificate's hash: SHA-256, as a multihash.
pub(crate) type Certhash = libp2p::multihash::Multihash<64>;

/// The hash of a certificate, as it stands in addresses.
pub(crate) fn hash(certificate: &Certificate) -> Certhash {
    certificate.fingerprint().to_multihash()
}

/// The transport; none that listens where there is no certificate.
pub(crate) fn transport(
    key: &Keypair,
    certificate: Option<Certificate>,
    metrics: Metrics,
) -> Webrtc {
    let Some(certificate) = certificate else { return OptionalTransport::none() };
    // The library takes whichever is the process's, and panics in the first
    // handshake where that is not settled. An error means that it is.
    let _ = default_provider().install_default();
    let transport = libp2p_webrtc::tokio::Transport::new(key.clone(), certificate);
    let transport = Door::new(transport, metrics).map(|((peer, connection), event_loop), _| {
        (peer, StreamMuxerBox::new(Muxer::new(connection, event_loop)))
    });
    OptionalTransport::some(transport.boxed())
}
