//! A native ion's swarm: TCP, QUIC, WebSocket, and circuits through relays.
//!
//! Names in addresses are resolved as the system is set up to; where it names
//! no resolver, addresses with names cannot be dialed and all others can.

use libp2p::{
    PeerId, Swarm, SwarmBuilder, Transport as _,
    core::{
        muxing::StreamMuxerBox,
        transport::{Boxed, timeout::TransportTimeout},
        upgrade::Version,
    },
    dns,
    identity::Keypair,
    quic, relay, tcp, websocket, yamux,
};

use super::{
    StartError,
    behaviour::{Behaviour, CONNECTING_MAX, DIRECT_MAX, Webrtc, config},
};

/// Whether the port for direct connections also reaches relays: those of native
/// ions are no network's.
pub(super) const DIALS_WEBRTC_SERVERS: bool = false;

pub(super) fn swarm(keypair: Keypair, webrtc: Webrtc) -> Result<Swarm<Behaviour>, StartError> {
    let failed = |why: ion_noise::Error| StartError(why.to_string());
    let Webrtc { transport: webrtc, behaviour } = webrtc;
    let (circuits, relay) = relay::client::new(keypair.public().to_peer_id());
    let transport = transport(&keypair, circuits).map_err(failed)?;
    let swarm = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_other_transport(|_| webrtc)
        .expect("a transport that is there already needs no making")
        .with_other_transport(|_| transport)
        .expect("a transport that is there already needs no making")
        .with_behaviour(|keypair| Behaviour::new(keypair, relay, behaviour))
        .map_err(|why| StartError(why.to_string()))?
        .with_swarm_config(config)
        .with_connection_timeout(DIRECT_MAX)
        .build();
    Ok(swarm)
}

fn transport(
    keypair: &Keypair,
    circuits: relay::client::Transport,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, ion_noise::Error> {
    let noise = ion_noise::Config::new(keypair)?;
    let tcp = || tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    // Certificates bear names, so TLS must see them before they are resolved.
    let circuits = circuits
        .upgrade(Version::V1)
        .authenticate(noise.clone())
        .multiplex(yamux::Config::default());
    let websocket = websocket::Config::new(named(tcp))
        .upgrade(Version::V1)
        .authenticate(noise.clone())
        .multiplex(yamux::Config::default());
    // Resolving takes every address and answers for none, so that what it does for both
    // must stand last.
    let unnamed = || {
        let tcp = tcp()
            .upgrade(Version::V1)
            .authenticate(noise.clone())
            .multiplex(yamux::Config::default())
            .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
        let quic = quic::tokio::Transport::new(quic::Config::new(keypair))
            .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
        tcp.or_transport(quic).map(|either, _| either.into_inner())
    };
    let all = circuits
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .or_transport(websocket.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))))
        .map(|either, _| either.into_inner())
        .or_transport(named(unnamed))
        .map(|either, _| either.into_inner());
    Ok(TransportTimeout::new(all, CONNECTING_MAX).boxed())
}

/// The transport, for addresses with names too.
fn named<T>(make: impl Fn() -> T) -> dns::tokio::Transport<T> {
    dns::tokio::Transport::system(make()).unwrap_or_else(|why| {
        tracing::warn!(%why, "names in addresses cannot be resolved");
        let (servers, options) = (dns::ResolverConfig::default(), dns::ResolverOpts::default());
        dns::tokio::Transport::custom(make(), servers, options)
    })
}
