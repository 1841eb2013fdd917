//! A tab's swarm: WebSocket to relays, or WebRTC where that does not serve, and
//! circuits through them.

use ion_websocket::Transport;
use libp2p::{
    Swarm, SwarmBuilder, Transport as _,
    core::{transport::timeout::TransportTimeout, upgrade::Version},
    identity::Keypair,
    relay, yamux,
};

use super::{
    StartError,
    behaviour::{Behaviour, CONNECTING_MAX, DIRECT_MAX, Webrtc, config},
};

/// Whether the port for direct connections also reaches relays: a browser's does.
pub(super) const DIALS_WEBRTC_SERVERS: bool = true;

pub(super) fn swarm(keypair: Keypair, webrtc: Webrtc) -> Result<Swarm<Behaviour>, StartError> {
    let noise = ion_noise::Config::new(&keypair).map_err(|why| StartError(why.to_string()))?;
    let Webrtc { transport, behaviour } = webrtc;
    // Circuits first, for WebSocket would take their addresses for the relay's.
    // Both are secured and multiplexed together: twice would be 33 KB more code.
    let (circuits, relay) = relay::client::new(keypair.public().to_peer_id());
    let streams = circuits.or_transport(Transport);
    let swarm = SwarmBuilder::with_existing_identity(keypair)
        .with_wasm_bindgen()
        .with_other_transport(|_| {
            // Lazy negotiation saves a round trip with every upgrade.
            let streams = streams.upgrade(Version::V1Lazy).authenticate(noise);
            TransportTimeout::new(streams.multiplex(yamux::Config::default()), CONNECTING_MAX)
        })
        .map_err(|why| StartError(why.to_string()))?
        .with_other_transport(|_| transport)
        .map_err(|why| StartError(why.to_string()))?
        .with_behaviour(|keypair| Behaviour::new(keypair, relay, behaviour))
        .map_err(|why| StartError(why.to_string()))?
        .with_swarm_config(config)
        .with_connection_timeout(DIRECT_MAX)
        .build();
    Ok(swarm)
}
