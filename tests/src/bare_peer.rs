//! A libp2p client that is no ion: it has the protocols that any library
//! offers, no invitation, and bad manners.
//!
//! It holds no membership and knows nothing of the formats but the protocols'
//! names and that frames have a length before them.

use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt, future::join_all};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder,
    core::{Transport, upgrade::Version},
    identify,
    multiaddr::Protocol,
    noise, ping, relay, rendezvous,
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use tokio::task::JoinHandle;

use crate::PATIENCE;

/// Bytes that are read of an answer at most.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// What any libp2p program would have.
#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    relay: relay::client::Behaviour,
    rendezvous: rendezvous::client::Behaviour,
    streams: libp2p_stream::Behaviour,
}

/// A peer that is connected to a relay.
pub struct BarePeer {
    swarm: Swarm<Behaviour>,
    relay: Multiaddr,
    relay_id: PeerId,
}

/// How a stream that was misused ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The stream could not be opened.
    NotOpened(String),
    /// It was closed after these bytes.
    Closed(Vec<u8>),
    /// It broke.
    Reset,
    /// Nothing came and it stayed open.
    Silent,
}

impl BarePeer {
    /// Connects to a relay, by TCP or WebSocket. Panics when it cannot.
    pub async fn connect(relay: Multiaddr) -> Self {
        let mut swarm = swarm();
        let last = relay.iter().last();
        let Some(Protocol::P2p(relay_id)) = last else { panic!("{relay} names no peer") };
        swarm.dial(relay.clone()).expect("the address can be dialed");
        let mut peer = Self { swarm, relay, relay_id };
        peer.until("identify", |event| match event {
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                ..
            })) => Some(()),
            _ => None,
        })
        .await;
        peer
    }

    /// Asks the relay who is registered under a name; `None` asks for all.
    pub async fn discover(&mut self, namespace: Option<&str>) -> Result<Vec<PeerId>, String> {
        let namespace = namespace
            .map(|name| rendezvous::Namespace::new(name.to_owned()).expect("a short name"));
        let relay = self.relay_id;
        let rendezvous = &mut self.swarm.behaviour_mut().rendezvous;
        rendezvous.discover(namespace, None, None, relay);
        self.until("an answer of the rendezvous", |event| match event {
            SwarmEvent::Behaviour(BehaviourEvent::Rendezvous(
                rendezvous::client::Event::Discovered { registrations, .. },
            )) => Some(Ok(registrations.iter().map(|one| one.record.peer_id()).collect())),
            SwarmEvent::Behaviour(BehaviourEvent::Rendezvous(
                rendezvous::client::Event::DiscoverFailed { error, .. },
            )) => Some(Err(format!("{error:?}"))),
            _ => None,
        })
        .await
    }

    /// Connects to another peer through the relay. Panics when it cannot.
    pub async fn reach(&mut self, peer: PeerId) {
        let circuit = self.relay.clone().with(Protocol::P2pCircuit).with(Protocol::P2p(peer));
        self.swarm.dial(circuit).expect("the circuit can be dialed");
        self.until("the circuit", |event| match event {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => (*peer_id == peer).then_some(()),
            _ => None,
        })
        .await;
    }

    /// Keeps the peer running in the background.
    pub fn release(mut self) -> Released {
        let control = self.swarm.behaviour().streams.new_control();
        let id = *self.swarm.local_peer_id();
        let runs = tokio::spawn(async move {
            loop {
                self.swarm.select_next_some().await;
            }
        });
        Released { control, runs, id }
    }

    async fn until<T>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&SwarmEvent<BehaviourEvent>) -> Option<T>,
    ) -> T {
        let mut seen = Vec::new();
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let event = self.swarm.select_next_some().await;
                if let Some(found) = wanted(&event) {
                    return found;
                }
                seen.push(format!("{event:?}"));
            }
        });
        found.await.unwrap_or_else(|_| panic!("{what} did not come; instead:\n{}", seen.join("\n")))
    }
}

/// A peer that runs in the background until this is dropped.
pub struct Released {
    control: libp2p_stream::Control,
    runs: JoinHandle<()>,
    id: PeerId,
}

impl Released {
    /// Its id.
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// Opens a stream, writes these bytes as they are, and sees what comes
    /// back within `patience`.
    pub async fn say(
        &self,
        to: PeerId,
        protocol: &'static str,
        bytes: &[u8],
        patience: Duration,
    ) -> Answer {
        let (mut control, protocol) = (self.control.clone(), StreamProtocol::new(protocol));
        let mut stream = match control.open_stream(to, protocol).await {
            Ok(stream) => stream,
            Err(why) => return Answer::NotOpened(why.to_string()),
        };
        // A stream that is shut while we still write has answered, too.
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
        let mut answer = Vec::new();
        let read = (&mut stream).take(ANSWER_BYTES_MAX);
        let mut read = std::pin::pin!(read);
        match tokio::time::timeout(patience, read.read_to_end(&mut answer)).await {
            Ok(Err(_)) if answer.is_empty() => Answer::Reset,
            Ok(_) => Answer::Closed(answer),
            Err(_) => Answer::Silent,
        }
    }

    /// Does so with so many streams at once.
    pub async fn say_at_once(
        &self,
        count: usize,
        to: PeerId,
        protocol: &'static str,
        bytes: &[u8],
        patience: Duration,
    ) -> Vec<Answer> {
        join_all((0..count).map(|_| self.say(to, protocol, bytes, patience))).await
    }
}

impl Drop for Released {
    fn drop(&mut self) {
        self.runs.abort();
    }
}

/// Bytes with their length before them, as every frame has it.
pub fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut frame = length(bytes.len());
    frame.extend(bytes);
    frame
}

/// A length as an unsigned varint.
pub fn length(mut rest: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(u8::try_from(rest & 0x7f).expect("seven bits fit") | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).expect("seven bits fit"));
    bytes
}

fn swarm() -> Swarm<Behaviour> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .expect("a new key is valid")
        .with_other_transport(|key| {
            let tcp = tcp::tokio::Transport::new(tcp::Config::default());
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
                "/stranger/1".to_owned(),
                key.public(),
            )),
            ping: ping::Behaviour::default(),
            relay,
            rendezvous: rendezvous::client::Behaviour::new(key.clone()),
            streams: libp2p_stream::Behaviour::new(),
        })
        .expect("it cannot fail")
        .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
        .build()
}
