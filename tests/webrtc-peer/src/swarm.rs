//! The swarm: `/webrtc`, circuits through relays, WebSocket to them.

use std::time::Duration;

use ion_webrtc::{Config, Discreet, web::Remote};
use libp2p::{
    Swarm, Transport as _,
    core::{muxing::StreamMuxerBox, upgrade::Version},
    identify,
    identity::Keypair,
    ping, relay,
    swarm::{self, NetworkBehaviour},
    yamux,
};
use web_sys::MessagePort;

/// How long a connection that nobody uses is kept.
const IDLE_MAX: Duration = Duration::from_mins(5);

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) webrtc: ion_webrtc::Behaviour,
    pub(crate) relay: relay::client::Behaviour,
    pub(crate) identify: Discreet<identify::Behaviour>,
    pub(crate) ping: ping::Behaviour,
    pub(crate) streams: libp2p_stream::Behaviour,
}

/// A swarm whose peer connections are at the other end of the port.
pub(crate) fn swarm(port: &MessagePort, keypair: &Keypair) -> Result<Swarm<Behaviour>, String> {
    let id = keypair.public().to_peer_id();
    let noise = ion_noise::Config::new(keypair).map_err(|why| why.to_string())?;
    let (direct, webrtc, _) = ion_webrtc::new(id, Config::default(), Remote::new(port));
    let (circuits, relay) = relay::client::new(id);
    let circuits = circuits
        .upgrade(Version::V1)
        .authenticate(noise.clone())
        .multiplex(yamux::Config::default());
    let sockets = ion_websocket::Transport
        .upgrade(Version::V1)
        .authenticate(noise)
        .multiplex(yamux::Config::default());
    // Ours first: the relay's would take its addresses for plain circuits.
    let transport = direct
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .or_transport(circuits.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))))
        .map(|either, _| either.into_inner())
        .or_transport(sockets.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))))
        .map(|either, _| either.into_inner())
        .boxed();
    let told = identify::Config::new("/ionosphere-test/1".to_owned(), keypair.public());
    let behaviour = Behaviour {
        webrtc,
        relay,
        identify: Discreet(identify::Behaviour::new(told)),
        ping: ping::Behaviour::new(ping::Config::new()),
        streams: libp2p_stream::Behaviour::new(),
    };
    let config = swarm::Config::with_wasm_executor().with_idle_connection_timeout(IDLE_MAX);
    Ok(Swarm::new(transport, behaviour, id, config))
}
