//! What a relay holds: a thousand ions by WebSocket, each with a reservation and
//! a registration, and what one of them costs it in memory.

use std::{fs, time::Duration};

use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm, SwarmBuilder,
    core::{Transport, upgrade::Version},
    identify,
    multiaddr::Protocol,
    noise, ping, relay,
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use node_core::network::{
    bootstrap::Bootstrap, driver::rendezvous::client as rendezvous, relays::REGISTRATION_S,
};
use tokio::task::JoinSet;

use super::Found;
use crate::{PATIENCE, http_get, relay::Relay};

/// Ions that come.
const IONS: usize = 1_000;
/// Ions that are on their way at a time.
const ON_THEIR_WAY: usize = 50;
/// The name under which they register.
const NAMESPACE: &str = "bench";

/// What an ion says to a relay.
#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    relay: relay::client::Behaviour,
    rendezvous: rendezvous::Behaviour,
}

/// `relay-connections`: ions that the relay says it holds after a thousand
/// came; `relay-memory-per-ion`: by how much its resident memory has grown, for
/// each of them, in KiB. One run: the system gives memory back when it likes.
pub(super) async fn measure() -> Found {
    let relay = Relay::start();
    let address = websocket(&relay).await;
    let before = resident_kib(relay.id());
    let mut ions = JoinSet::new();
    let mut coming = JoinSet::new();
    for _ in 0..IONS {
        if coming.len() >= ON_THEIR_WAY {
            keep(&mut ions, coming.join_next().await);
        }
        coming.spawn(come(address.clone()));
    }
    while let Some(came) = coming.join_next().await {
        keep(&mut ions, Some(came));
    }
    let held = held(&relay).await;
    let grown = resident_kib(relay.id()) - before;
    vec![("relay-connections", vec![held]), ("relay-memory-per-ion", vec![grown / held])]
}

type Ion = Swarm<Behaviour>;
type Came = Result<Option<Ion>, tokio::task::JoinError>;

/// Runs an ion that came beside the others. One that did not come is missed in
/// the relay's count.
fn keep(ions: &mut JoinSet<()>, came: Option<Came>) {
    let Some(Ok(Some(mut ion))) = came else { return };
    ions.spawn(async move {
        loop {
            ion.select_next_some().await;
        }
    });
}

/// An ion that is found at the relay; none if that took too long.
async fn come(relay: Multiaddr) -> Option<Ion> {
    let Some(Protocol::P2p(relay_id)) = relay.iter().last() else { return None };
    let mut ion = swarm();
    ion.dial(relay.clone()).expect("the address can be dialed");
    let arrived = tokio::time::timeout(PATIENCE, arrive(&mut ion, relay, relay_id)).await;
    arrived.ok().map(|()| ion)
}

async fn arrive(ion: &mut Ion, relay: Multiaddr, relay_id: PeerId) {
    let circuit = relay.with(Protocol::P2pCircuit);
    loop {
        match ion.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } if peer_id == relay_id => {
                ion.listen_on(circuit.clone()).expect("the circuit can be listened on");
            }
            SwarmEvent::Behaviour(BehaviourEvent::Relay(
                relay::client::Event::ReservationReqAccepted { .. },
            )) => {
                ion.add_external_address(circuit.clone().with(Protocol::P2p(*ion.local_peer_id())));
                let rendezvous = &mut ion.behaviour_mut().rendezvous;
                let registered =
                    rendezvous.register(relay_id, NAMESPACE.to_owned(), REGISTRATION_S);
                registered.expect("there is an address");
            }
            SwarmEvent::Behaviour(BehaviourEvent::Rendezvous(rendezvous::Event::Registered {
                ..
            })) => return,
            _ => {}
        }
    }
}

fn swarm() -> Ion {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_other_transport(|key| {
            let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
            libp2p_websocket::Config::new(tcp)
                .upgrade(Version::V1)
                .authenticate(noise::Config::new(key).expect("a new key is valid"))
                .multiplex(yamux::Config::default())
        })
        .expect("it cannot fail")
        .with_relay_client(noise::Config::new, yamux::Config::default)
        .expect("a new key is valid")
        .with_behaviour(|key, relay| Behaviour {
            identify: identify::Behaviour::new(identify::Config::new(
                "/bench/1".to_owned(),
                key.public(),
            )),
            ping: ping::Behaviour::default(),
            relay,
            rendezvous: rendezvous::Behaviour::new(key.clone()),
        })
        .expect("it cannot fail")
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_hours(1)))
        .build()
}

/// The relay's address for browsers.
async fn websocket(relay: &Relay) -> Multiaddr {
    let answer = http_get::get(relay.http(), "/bootstrap.json", "").await;
    let answer = answer.unwrap_or_else(|why| panic!("{why}"));
    let bootstrap = Bootstrap::read(&answer.body).expect("it is a bootstrap document");
    bootstrap.relays[0].parse().expect("it was written by us")
}

/// How many ions have a reservation, as the relay counts them.
async fn held(relay: &Relay) -> f64 {
    let answer = http_get::get(relay.http(), "/metrics", "").await;
    let answer = answer.unwrap_or_else(|why| panic!("{why}"));
    let text = String::from_utf8_lossy(&answer.body);
    let count = |line: &str| line.strip_prefix("ionosphere_relay_reservations ")?.parse().ok();
    text.lines().find_map(count).expect("the relay counts them")
}

/// A process' memory that is not swapped out, in KiB; only Linux tells.
fn resident_kib(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("this is measured on Linux");
    let resident =
        |line: &str| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse().ok();
    status.lines().find_map(resident).expect("the process runs")
}
