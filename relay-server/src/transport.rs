//! The ways in: TCP and WebSocket, secured by Noise and multiplexed by yamux,
//! and QUIC and WebRTC, which bring both.
//!
//! Bounds: [`STREAMS_MAX`] on one connection, whichever way it came, and of
//! its bytes the [`allowance`](crate::allowance) of its peer.

use std::io;

use libp2p::{
    PeerId,
    core::{
        muxing::StreamMuxerBox,
        transport::{Boxed, OptionalTransport, Transport as _},
        upgrade::Version,
    },
    identity::Keypair,
    noise, quic, tcp, yamux,
};

use crate::{
    allowance::{Accounts, Muxer},
    websocket,
};

/// Streams on one connection; each circuit takes one.
pub(crate) const STREAMS_MAX: u32 = 1_024;
/// Bytes of one stream that wait for the relay to take them, on QUIC.
const STREAM_BYTES_MAX: u32 = 1 << 20;
/// The same for one connection.
const CONNECTION_BYTES_MAX: u32 = 8 << 20;

/// Connections whose other end is authenticated.
pub(crate) type Transport = Boxed<(PeerId, StreamMuxerBox)>;

/// WebRTC, where it is on.
pub(crate) type Webrtc = OptionalTransport<Boxed<(PeerId, StreamMuxerBox)>>;

/// All of them as one.
pub(crate) fn all(
    key: &Keypair,
    websocket: websocket::Transport,
    webrtc: Webrtc,
    accounts: Accounts,
) -> Result<Transport, noise::Error> {
    let noise = noise::Config::new(key)?;
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1)
        .authenticate(noise.clone())
        .multiplex(multiplexer())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let websocket = websocket
        .upgrade(Version::V1)
        .authenticate(noise)
        .multiplex(multiplexer())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let quic = quic::tokio::Transport::new(quic_config(key))
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    Ok(websocket
        .or_transport(tcp)
        .map(|either, _| either.into_inner())
        .or_transport(quic)
        .map(|either, _| either.into_inner())
        .or_transport(webrtc)
        .map(|either, _| either.into_inner())
        .map(move |(peer, muxer), _| {
            (peer, StreamMuxerBox::new(Muxer::new(muxer, accounts.of(peer))))
        })
        .map_err(io::Error::other)
        .boxed())
}

fn multiplexer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(usize::try_from(STREAMS_MAX).unwrap_or(usize::MAX));
    config
}

fn quic_config(key: &Keypair) -> quic::Config {
    let mut config = quic::Config::new(key);
    config.max_concurrent_stream_limit = STREAMS_MAX;
    config.max_stream_data = STREAM_BYTES_MAX;
    config.max_connection_data = CONNECTION_BYTES_MAX;
    config
}
