//! The worker's part: a swarm, and what tests ask of it. Answers are JSON.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
    select,
};
use libp2p::{
    Multiaddr, PeerId, Swarm,
    identity::Keypair,
    multiaddr::Protocol,
    swarm::{ConnectionId, DialError},
};
use libp2p_stream::Control;
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;
use web_sys::MessagePort;

use crate::{
    clock::{Clock, until},
    seen::{Connection, Seen, dial},
    streams,
    swarm::{Behaviour, swarm},
};

/// Orders that wait for the swarm.
const ORDERS_MAX: usize = 16;

/// What the swarm is asked to do.
enum Order {
    Dial(Multiaddr, oneshot::Sender<Result<ConnectionId, DialError>>),
    Listen(Multiaddr),
}

/// A libp2p peer.
#[wasm_bindgen]
pub struct Peer {
    id: PeerId,
    orders: mpsc::Sender<Order>,
    control: Control,
    seen: Rc<RefCell<Seen>>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Peer").field("id", &self.id).finish_non_exhaustive()
    }
}

#[wasm_bindgen]
impl Peer {
    /// Starts a peer with the secret key of 32 bytes, whose page holds the
    /// other end of the port.
    #[wasm_bindgen(constructor)]
    pub fn new(port: &MessagePort, secret: Vec<u8>) -> Result<Self, String> {
        let keypair = Keypair::ed25519_from_bytes(secret).map_err(|why| why.to_string())?;
        let swarm = swarm(port, &keypair)?;
        let control = swarm.behaviour().streams.new_control();
        let seen = Rc::new(RefCell::new(Seen::default()));
        let (orders, taken) = mpsc::channel(ORDERS_MAX);
        start(swarm, taken, seen.clone());
        streams::serve(control.clone(), &seen)?;
        Ok(Self { id: keypair.public().to_peer_id(), orders, control, seen })
    }

    /// The peer's id.
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// Connects to a relay, and listens on its circuits and on `/webrtc`; ends
    /// when the relay has given a reservation.
    pub async fn start(&self, relay: String) -> Result<(), String> {
        self.dial(relay.clone()).await?;
        let relay = address(&relay)?;
        self.order(Order::Listen(relay.with(Protocol::P2pCircuit)))?;
        self.order(Order::Listen(Multiaddr::empty().with(Protocol::WebRTC)))?;
        let is_circuit = |one: &Multiaddr| one.iter().any(|part| part == Protocol::P2pCircuit);
        until("a reservation", || self.seen.borrow().listening.iter().any(is_circuit).then_some(()))
            .await
    }

    /// Where it listens.
    pub fn addresses(&self) -> String {
        let seen = self.seen.borrow();
        json!(seen.listening.iter().map(ToString::to_string).collect::<Vec<_>>()).to_string()
    }

    /// Dials; the connection that came of it.
    pub async fn dial(&self, to: String) -> Result<String, String> {
        let clock = Clock::new();
        let start = clock.now();
        let (reply, dialed) = oneshot::channel();
        self.order(Order::Dial(address(&to)?, reply))?;
        let dial = dialed.await.map_err(|_| "the swarm has ended".to_owned())?;
        let dial = dial.map_err(|why| why.to_string())?;
        let outcome = until("a connection", || self.seen.borrow().outcome(dial)).await?;
        let mut connection = outcome?;
        connection["ms"] = json!(clock.now() - start);
        Ok(connection.to_string())
    }

    /// The open connections, or those to one peer.
    pub fn connections(&self, peer: Option<String>) -> String {
        let seen = self.seen.borrow();
        let peer = peer.unwrap_or_default();
        let is_wanted = |one: &&Connection| peer.is_empty() || one.peer.to_string() == peer;
        let wanted = seen.connections.values().filter(is_wanted);
        json!(wanted.map(Connection::json).collect::<Vec<_>>()).to_string()
    }

    /// Who the other is, as it told on the connection that data uses.
    pub async fn identify(&self, peer: String) -> Result<String, String> {
        let peer = peer_id(&peer)?;
        let info = until("identify", || {
            let seen = self.seen.borrow();
            seen.identified.get(&seen.best(peer)?.0).cloned()
        })
        .await?;
        let protocols: Vec<&str> = info.protocols.iter().map(AsRef::as_ref).collect();
        let id = info.public_key.to_peer_id().to_string();
        Ok(json!({ "id": id, "agent": info.agent_version, "protocols": protocols }).to_string())
    }

    /// Milliseconds of a round trip on that connection.
    pub async fn ping(&self, peer: String) -> Result<f64, String> {
        let peer = peer_id(&peer)?;
        until("a ping", || {
            let seen = self.seen.borrow();
            seen.pings.get(&seen.best(peer)?.0).copied()
        })
        .await
    }

    /// Sends bytes over a fresh stream and takes them back.
    pub async fn send(&self, peer: String, bytes: usize) -> Result<String, String> {
        let (peer, over) = self.ready(&peer).await?;
        let mut exchanged = streams::exchange(self.control.clone(), peer, bytes).await?;
        exchanged["over"] = json!(over);
        Ok(exchanged.to_string())
    }

    /// Milliseconds to move that many bytes to the other side.
    pub async fn transfer(&self, peer: String, bytes: usize) -> Result<f64, String> {
        let (peer, _) = self.ready(&peer).await?;
        streams::transfer(self.control.clone(), peer, bytes).await
    }

    /// The milliseconds of each of `count` round trips, on one stream.
    #[wasm_bindgen(js_name = roundTrips)]
    pub async fn round_trips(
        &self,
        peer: String,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<f64>, String> {
        let (peer, _) = self.ready(&peer).await?;
        streams::round_trips(self.control.clone(), peer, count, bytes).await
    }

    /// What became of the streams that others opened here.
    pub fn served(&self) -> String {
        Value::Array(self.seen.borrow().served.clone()).to_string()
    }

    /// Waits until all streams to a peer take the same way; its address.
    async fn ready(&self, peer: &str) -> Result<(PeerId, String), String> {
        let peer = peer_id(peer)?;
        let best = until("a connection", || self.seen.borrow().best(peer)).await?;
        Ok((peer, best.1.address().to_string()))
    }

    fn order(&self, order: Order) -> Result<(), String> {
        self.orders.clone().try_send(order).map_err(|why| why.to_string())
    }
}

#[expect(clippy::disallowed_methods, reason = "the swarm has a task of its own")]
fn start(swarm: Swarm<Behaviour>, orders: mpsc::Receiver<Order>, seen: Rc<RefCell<Seen>>) {
    spawn_local(run(swarm, orders, seen));
}

async fn run(mut swarm: Swarm<Behaviour>, orders: mpsc::Receiver<Order>, seen: Rc<RefCell<Seen>>) {
    let mut orders = orders.fuse();
    loop {
        select! {
            event = swarm.next().fuse() => {
                let Some(event) = event else { return };
                seen.borrow_mut().note(event);
            }
            order = orders.next() => {
                let Some(order) = order else { return };
                obey(&mut swarm, order);
            }
        }
    }
}

fn obey(swarm: &mut Swarm<Behaviour>, order: Order) {
    match order {
        Order::Dial(address, reply) => {
            let options = dial(address);
            let id = options.connection_id();
            // Whoever asked may have gone.
            let _ = reply.send(swarm.dial(options).map(|()| id));
        }
        // A refusal shows as an address that never comes.
        Order::Listen(address) => drop(swarm.listen_on(address)),
    }
}

fn address(text: &str) -> Result<Multiaddr, String> {
    text.parse().map_err(|why| format!("{text}: {why}"))
}

fn peer_id(text: &str) -> Result<PeerId, String> {
    text.parse().map_err(|why| format!("{text}: {why}"))
}
