//! The libp2p side: circuit relay, rendezvous, identify and ping.
//!
//! It opens no connection itself and keeps nothing: reservations and
//! registrations live in memory and end with their time or their ion's last
//! connection. Bounds: [`Limits`], those of
//! [`rendezvous`] and of the transports; connections that do nothing for
//! [`IDLE_MAX`] are closed, also those whose other end no longer answers pings.
//!
//! Specifications: circuit relay v2, rendezvous, identify, ping.

mod admission;

use std::{num::NonZeroU32, pin::pin, time::Duration};

use futures::StreamExt;
use libp2p::{
    Multiaddr, Swarm, SwarmBuilder, TransportError, identify,
    identity::Keypair,
    metrics::{self as libp2p_metrics, Recorder, Registry},
    ping, relay,
    swarm::{NetworkBehaviour, SwarmEvent},
};
use tokio::sync::watch;

use crate::{
    census::Census,
    config::Limits,
    metrics::{Metrics, Tally},
    rendezvous,
    transport::Transport,
};

/// How long a connection without reservation, circuit or stream is kept.
const IDLE_MAX: Duration = Duration::from_mins(2);
/// How long a connection may take to become one.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long leaving may take.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

const PROTOCOL: &str = "/ionosphere/1";
const AGENT: &str = concat!("ionosphere-relay/", env!("CARGO_PKG_VERSION"));

/// All that the relay speaks.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    admission: admission::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    relay: relay::Behaviour,
    rendezvous: rendezvous::Behaviour,
}

impl Behaviour {
    fn new(key: &Keypair, limits: &Limits) -> Self {
        let identify = identify::Config::new(PROTOCOL.to_owned(), key.public())
            .with_agent_version(AGENT.to_owned());
        let mut relay = relay::Behaviour::new(key.public().to_peer_id(), relay_config(limits));
        // Otherwise it would wait for somebody to confirm an address.
        relay.set_status(Some(relay::Status::Enable));
        let census = Census::new(limits.connections, limits.connections_per_address);
        Self {
            admission: admission::Behaviour::new(census),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::default(),
            relay,
            rendezvous: rendezvous::Behaviour::new(),
        }
    }
}

fn relay_config(limits: &Limits) -> relay::Config {
    let mut config = relay::Config {
        max_reservations: count(limits.reservations),
        // The library refuses what is above these two, not what reaches them.
        max_reservations_per_peer: count(limits.reservations_per_peer - 1),
        max_circuits: count(limits.circuits),
        max_circuits_per_peer: count(limits.circuits_per_peer - 1),
        max_circuit_duration: limits.circuit_duration,
        max_circuit_bytes: limits.circuit_bytes,
        reservation_rate_limiters: Vec::new(),
        circuit_src_rate_limiters: Vec::new(),
        ..relay::Config::default()
    };
    if let Some(burst) = NonZeroU32::new(limits.requests_per_minute) {
        let interval = Duration::from_mins(1) / burst.get();
        config =
            config.reservation_rate_per_ip(burst, interval).circuit_src_per_ip(burst, interval);
    }
    config
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Builds the swarm over these transports.
pub(crate) fn build(
    key: Keypair,
    limits: &Limits,
    transport: Transport,
    registry: &mut Registry,
) -> Swarm<Behaviour> {
    SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_other_transport(|_| transport)
        .expect("a transport that is there already needs no making")
        .with_bandwidth_metrics(registry)
        .with_behaviour(|key| Behaviour::new(key, limits))
        .expect("making the behaviour cannot fail")
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_MAX))
        .with_connection_timeout(HANDSHAKE_MAX)
        .build()
}

/// Opens a listener and waits for the address that it got.
pub(crate) async fn listen(
    swarm: &mut Swarm<Behaviour>,
    address: Multiaddr,
) -> Result<Multiaddr, TransportError<std::io::Error>> {
    let wanted = swarm.listen_on(address)?;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { listener_id, address } if listener_id == wanted => {
                return Ok(address);
            }
            SwarmEvent::ListenerClosed { listener_id, reason: Err(error), .. }
                if listener_id == wanted =>
            {
                return Err(TransportError::Other(error));
            }
            _ => {}
        }
    }
}

/// What the driver counts with.
pub(crate) struct Counters {
    pub(crate) metrics: Metrics,
    pub(crate) libp2p: libp2p_metrics::Metrics,
}

/// Runs the swarm until `stop` turns true, then closes its connections.
pub(crate) async fn run(
    mut swarm: Swarm<Behaviour>,
    counters: Counters,
    stop: watch::Receiver<bool>,
) {
    let mut tally = Tally::default();
    let mut asked = pin!(crate::asked_to_stop(stop));
    loop {
        tokio::select! {
            event = swarm.select_next_some() => on_event(&mut swarm, event, &counters, &mut tally),
            () = &mut asked => break,
        }
    }
    say_goodbye(&mut swarm).await;
}

async fn say_goodbye(swarm: &mut Swarm<Behaviour>) {
    let peers: Vec<_> = swarm.connected_peers().copied().collect();
    for peer in peers {
        // Whoever has gone meanwhile needs no goodbye.
        let _ = swarm.disconnect_peer_id(peer);
    }
    let all_gone = async {
        while swarm.network_info().num_peers() > 0 {
            swarm.select_next_some().await;
        }
    };
    // Who does not answer in time is cut off when the swarm is dropped.
    let _ = tokio::time::timeout(GOODBYE_MAX, all_gone).await;
}

fn on_event(
    swarm: &mut Swarm<Behaviour>,
    event: SwarmEvent<BehaviourEvent>,
    counters: &Counters,
    tally: &mut Tally,
) {
    counters.libp2p.record(&event);
    let metrics = &counters.metrics;
    match event {
        SwarmEvent::Behaviour(BehaviourEvent::Relay(event)) => {
            counters.libp2p.record(&event);
            tally.record(&event, metrics);
            tracing::debug!(?event, "relay");
        }
        SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => on_ping(swarm, &event, counters),
        SwarmEvent::Behaviour(BehaviourEvent::Rendezvous(event)) => {
            tracing::debug!(?event, "rendezvous");
        }
        SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
            metrics.connections.inc();
            tracing::debug!(%peer_id, %connection_id, "connected");
        }
        SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, cause, .. } => {
            metrics.connections.dec();
            if num_established == 0 {
                tally.gone(&peer_id, metrics);
            }
            let cause = cause.map(|cause| cause.to_string());
            tracing::debug!(%peer_id, %connection_id, cause, "disconnected");
        }
        SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
            tracing::debug!(%send_back_addr, %error, "a connection failed");
        }
        SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "a listener failed"),
        _ => {}
    }
}

/// A connection whose other end is gone without a word is closed.
fn on_ping(swarm: &mut Swarm<Behaviour>, event: &ping::Event, counters: &Counters) {
    counters.libp2p.record(event);
    if let Err(ping::Failure::Timeout) = event.result {
        tracing::debug!(peer_id = %event.peer, "no answer to pings");
        swarm.close_connection(event.connection);
    }
}
