//! A native ion's swarm: TCP, and circuits through relays.

use libp2p::{Swarm, SwarmBuilder, identity::Keypair, noise, tcp, yamux};

use super::{
    StartError,
    behaviour::{Behaviour, Webrtc, config},
};

pub(super) fn swarm(keypair: Keypair, webrtc: Webrtc) -> Result<Swarm<Behaviour>, StartError> {
    let failed = |why: noise::Error| StartError(why.to_string());
    let Webrtc { transport, behaviour } = webrtc;
    let swarm = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
        .map_err(failed)?
        .with_other_transport(|_| transport)
        .map_err(|why| StartError(why.to_string()))?
        .with_relay_client(noise::Config::new, yamux::Config::default)
        .map_err(failed)?
        .with_behaviour(|keypair, relay| Behaviour::new(keypair, relay, behaviour))
        .map_err(|why| StartError(why.to_string()))?
        .with_swarm_config(config)
        .build();
    Ok(swarm)
}
