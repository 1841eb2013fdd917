//! A tab's swarm: WebSocket to relays, or WebRTC where that does not serve, and
//! circuits through them.

use ion_websocket::Transport;
use libp2p::{
    Swarm, SwarmBuilder, Transport as _, core::upgrade::Version, identity::Keypair, noise, relay,
    yamux,
};

use super::{
    StartError,
    behaviour::{Behaviour, Webrtc, config},
};

/// Whether the port for direct connections also reaches relays: a browser's does.
pub(super) const DIALS_WEBRTC_SERVERS: bool = true;

pub(super) fn swarm(keypair: Keypair, webrtc: Webrtc) -> Result<Swarm<Behaviour>, StartError> {
    let failed = |why: noise::Error| StartError(why.to_string());
    let noise = noise::Config::new(&keypair).map_err(failed)?;
    let Webrtc { transport, behaviour } = webrtc;
    // Circuits first, for WebSocket would take their addresses for the relay's.
    // Both are secured and multiplexed together: twice would be 33 KB more code.
    let (circuits, relay) = relay::client::new(keypair.public().to_peer_id());
    let streams = circuits.or_transport(Transport);
    let swarm = SwarmBuilder::with_existing_identity(keypair)
        .with_wasm_bindgen()
        .with_other_transport(|_| {
            // Lazy negotiation saves a round trip with every upgrade.
            streams.upgrade(Version::V1Lazy).authenticate(noise).multiplex(yamux::Config::default())
        })
        .map_err(|why| StartError(why.to_string()))?
        .with_other_transport(|_| transport)
        .map_err(|why| StartError(why.to_string()))?
        .with_behaviour(|keypair| Behaviour::new(keypair, relay, behaviour))
        .map_err(|why| StartError(why.to_string()))?
        .with_swarm_config(config)
        .build();
    Ok(swarm)
}
