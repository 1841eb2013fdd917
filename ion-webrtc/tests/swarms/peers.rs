//! Swarms for the tests: a relay, and peers that hold a reservation there.

use std::{collections::BTreeMap, time::Duration};

use futures::{
    AsyncReadExt, AsyncWriteExt, SinkExt, StreamExt,
    channel::{mpsc, oneshot},
    future::{Either, select},
};
use futures_timer::Delay;
use ion_webrtc::{Config, Control};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, Transport as _,
    core::{muxing::StreamMuxerBox, transport::MemoryTransport, upgrade::Version},
    identity::Keypair,
    noise, ping, relay,
    swarm::{self, ConnectionId, NetworkBehaviour, SwarmEvent, dial_opts::DialOpts},
    yamux,
};

use crate::place::{self, Net};

/// Longest time that anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Fails when something does not happen in time.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    match select(std::pin::pin!(work), Delay::new(PATIENCE)).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => panic!("it did not happen in time"),
    }
}

/// Links whose circuits close at once.
pub(crate) fn hasty() -> Config {
    Config { circuit_grace: Duration::from_millis(1), ..Config::default() }
}

/// The protocol of the tests: it sends back what it gets.
pub(crate) const ECHO: StreamProtocol = StreamProtocol::new("/echo");

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    relay: relay::client::Behaviour,
    webrtc: ion_webrtc::Behaviour,
    ping: ping::Behaviour,
    streams: libp2p_stream::Behaviour,
}

type Task = Box<dyn FnOnce(&mut Swarm<Behaviour>) + Send>;

/// A running peer.
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) control: Control,
    pub(crate) streams: libp2p_stream::Control,
    tasks: mpsc::Sender<Task>,
    events: mpsc::Receiver<SwarmEvent<BehaviourEvent>>,
    /// What stands, to whom, and whether directly.
    standing: BTreeMap<ConnectionId, (PeerId, bool)>,
}

/// A relay in memory; its address.
pub(crate) async fn relay() -> Multiaddr {
    let keypair = Keypair::generate_ed25519();
    let id = keypair.public().to_peer_id();
    let transport = MemoryTransport::default()
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(&keypair).expect("tests are set up well"))
        .multiplex(yamux::Config::default())
        .boxed();
    let mut behaviour = relay::Behaviour::new(id, relay::Config::default());
    behaviour.set_status(Some(relay::Status::Enable));
    let mut swarm = Swarm::new(transport, behaviour, id, config());
    swarm
        .listen_on("/memory/0".parse().expect("tests are set up well"))
        .expect("tests are set up well");
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break address;
        }
    };
    swarm.add_external_address(address.clone());
    place::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
    address.with_p2p(id).expect("tests are set up well")
}

fn config() -> swarm::Config {
    place::config().with_idle_connection_timeout(PATIENCE)
}

/// A peer on a network that listens on `/webrtc`.
pub(crate) fn peer(network: &Net, webrtc: Config) -> Peer {
    let keypair = Keypair::generate_ed25519();
    let id = keypair.public().to_peer_id();
    let (ours, webrtc, control) = ion_webrtc::new(id, webrtc, place::port(network));
    let (circuits, relay) = relay::client::new(id);
    let upgraded = circuits
        .or_transport(MemoryTransport::default())
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(&keypair).expect("tests are set up well"))
        .multiplex(yamux::Config::default());
    let transport = ours
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .or_transport(upgraded.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))))
        .map(|either, _| either.into_inner())
        .boxed();
    let streams = libp2p_stream::Behaviour::new();
    let handle = streams.new_control();
    let behaviour = Behaviour { relay, webrtc, ping: ping::Behaviour::default(), streams };
    let mut swarm = Swarm::new(transport, behaviour, id, config());
    swarm
        .listen_on("/webrtc".parse().expect("tests are set up well"))
        .expect("tests are set up well");
    let (tasks, todo) = mpsc::channel(64);
    let (told, events) = mpsc::channel(1_024);
    place::spawn(run(swarm, todo, told));
    serve_echo(handle.clone());
    Peer { id, control, streams: handle, tasks, events, standing: BTreeMap::new() }
}

async fn run(
    mut swarm: Swarm<Behaviour>,
    mut todo: mpsc::Receiver<Task>,
    mut told: mpsc::Sender<SwarmEvent<BehaviourEvent>>,
) {
    loop {
        futures::select! {
            task = todo.next() => match task {
                Some(task) => task(&mut swarm),
                None => return,
            },
            event = swarm.select_next_some() => drop(told.try_send(event)),
        }
    }
}

fn serve_echo(mut handle: libp2p_stream::Control) {
    let mut incoming = handle.accept(ECHO).expect("tests are set up well");
    place::spawn(async move {
        while let Some((_, stream)) = incoming.next().await {
            place::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                let _ = futures::io::copy(&mut reader, &mut writer).await;
                let _ = writer.close().await;
            });
        }
    });
}

impl Peer {
    /// Runs this with the swarm, and gives back what it gives.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Swarm<Behaviour>) -> T + Send + 'static,
    ) -> T {
        let (sender, receiver) = oneshot::channel();
        let task: Task = Box::new(move |swarm| drop(sender.send(work(swarm))));
        self.tasks.clone().send(task).await.expect("the swarm runs");
        receiver.await.expect("the swarm runs")
    }

    /// Waits for an event.
    pub(crate) async fn until<T>(
        &mut self,
        mut wanted: impl FnMut(&SwarmEvent<BehaviourEvent>) -> Option<T>,
    ) -> T {
        let mut seen = Vec::new();
        let mut late = Delay::new(PATIENCE);
        loop {
            let event = match select(self.events.next(), &mut late).await {
                Either::Left((event, _)) => event.expect("the swarm runs"),
                Either::Right(_) => panic!("it did not happen; instead:\n{}", seen.join("\n")),
            };
            self.note(&event);
            if let Some(found) = wanted(&event) {
                return found;
            }
            seen.push(format!("{event:?}"));
        }
    }

    /// Reserves a place at the relay; the address that leads here over it.
    pub(crate) async fn reserve(&mut self, relay: &Multiaddr) -> Multiaddr {
        let circuit = relay.clone().with(libp2p::multiaddr::Protocol::P2pCircuit);
        let to = relay.clone();
        self.with(move |swarm| swarm.dial(to).expect("tests are set up well")).await;
        self.until(|event| matches!(event, SwarmEvent::ConnectionEstablished { .. }).then_some(()))
            .await;
        let listen = circuit.clone();
        self.with(move |swarm| swarm.listen_on(listen).expect("tests are set up well")).await;
        self.until(|event| match event {
            SwarmEvent::Behaviour(BehaviourEvent::Relay(
                relay::client::Event::ReservationReqAccepted { .. },
            )) => Some(()),
            _ => None,
        })
        .await;
        circuit
    }

    /// Dials a peer at an address.
    pub(crate) async fn dial(&self, peer: PeerId, address: Multiaddr) {
        self.with(move |swarm| {
            let condition = swarm::dial_opts::PeerCondition::Always;
            let options = DialOpts::peer_id(peer).addresses(vec![address]).condition(condition);
            swarm.dial(options.build()).expect("tests are set up well");
        })
        .await;
    }

    /// Waits for a direct connection to a peer.
    pub(crate) async fn direct(&mut self, peer: PeerId) -> bool {
        self.until(|event| match event {
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. }
                if *peer_id == peer && ion_webrtc::is_direct(endpoint.get_remote_address()) =>
            {
                Some(endpoint.is_dialer())
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. }
                if *peer_id == Some(peer) =>
            {
                panic!("the dial failed: {error}")
            }
            _ => None,
        })
        .await
    }

    /// Waits until all that stands to a peer is a link. Until then, streams may
    /// get on a circuit, and be cut with it.
    pub(crate) async fn without_circuit(&mut self, peer: PeerId) {
        loop {
            let mut standing = self.standing.values().filter(|(one, _)| *one == peer).peekable();
            if standing.peek().is_some() && standing.all(|(_, is_direct)| *is_direct) {
                return;
            }
            self.until(|_| Some(())).await;
        }
    }

    fn note(&mut self, event: &SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                let is_direct = ion_webrtc::is_direct(endpoint.get_remote_address());
                self.standing.insert(*connection_id, (*peer_id, is_direct));
            }
            SwarmEvent::ConnectionClosed { connection_id, .. } => {
                self.standing.remove(connection_id);
            }
            _ => {}
        }
    }

    /// Sends bytes to a peer and takes them back.
    pub(crate) async fn echo(&mut self, peer: PeerId, bytes: Vec<u8>) -> Vec<u8> {
        let stream = self.streams.open_stream(peer, ECHO).await.expect("tests are set up well");
        let (mut reader, mut writer) = stream.split();
        let write = async {
            writer.write_all(&bytes).await.expect("tests are set up well");
            writer.close().await.expect("tests are set up well");
        };
        let mut back = Vec::new();
        let read = async { reader.read_to_end(&mut back).await.expect("tests are set up well") };
        in_time(futures::future::join(write, read)).await;
        back
    }
}
