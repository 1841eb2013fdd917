//! The WebSocket listener: browsers reach libp2p through the HTTP port.
//!
//! The HTTP server upgrades a request and hands the socket over a [`Door`];
//! [`Transport`] passes it on to the swarm as an incoming connection, with the
//! addresses of both ends. The payloads of binary messages, one after another,
//! are the byte stream, as in libp2p's WebSocket transport; message boundaries
//! mean nothing. It never dials, and refuses text messages.
//!
//! Bounds: [`WAITING_MAX`] connections that the swarm has not taken yet,
//! [`MESSAGE_BYTES_MAX`] a received message, [`WRITE_BYTES_MAX`] a sent one.
//! Reading happens only when the swarm asks, writing waits for the socket, so
//! back-pressure reaches both ends.

mod stream;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::extract::ws::WebSocket;
use futures::future::{Pending, Ready, ready};
use libp2p::{
    Multiaddr,
    core::transport::{
        DialOpts, ListenerId, Transport as Libp2pTransport, TransportError, TransportEvent,
    },
    multiaddr::Protocol,
};
use tokio::sync::mpsc;

pub(crate) use stream::{MESSAGE_BYTES_MAX, Stream, WRITE_BYTES_MAX};

use crate::census::Ticket;

/// Upgraded sockets that wait for the swarm; beyond it upgrades are refused.
pub(crate) const WAITING_MAX: usize = 256;

/// An upgraded socket on its way to the swarm.
pub(crate) struct Arrival {
    pub(crate) socket: WebSocket,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) is_tls: bool,
    /// Counts the connection for as long as it lasts.
    pub(crate) ticket: Arc<Ticket>,
}

/// Where the HTTP server hands in upgraded sockets.
pub(crate) type Door = mpsc::Sender<Arrival>;

type Event = TransportEvent<Ready<io::Result<Stream>>, io::Error>;

/// The libp2p transport behind the [`Door`].
pub(crate) struct Transport {
    arrivals: mpsc::Receiver<Arrival>,
    listener: Option<ListenerId>,
    announced: Option<Multiaddr>,
}

/// A door and the transport behind it.
pub(crate) fn transport() -> (Door, Transport) {
    let (door, arrivals) = mpsc::channel(WAITING_MAX);
    (door, Transport { arrivals, listener: None, announced: None })
}

/// The multiaddr of a WebSocket at this socket address.
pub(crate) fn multiaddr(address: SocketAddr, is_tls: bool) -> Multiaddr {
    let scheme = if is_tls { Protocol::Wss("/".into()) } else { Protocol::Ws("/".into()) };
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port())).with(scheme)
}

fn is_websocket(address: &Multiaddr) -> bool {
    address.iter().any(|part| matches!(part, Protocol::Ws(_) | Protocol::Wss(_)))
}

impl Libp2pTransport for Transport {
    type Output = Stream;
    type Error = io::Error;
    type ListenerUpgrade = Ready<io::Result<Stream>>;
    type Dial = Pending<io::Result<Stream>>;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        if self.listener.is_some() || !is_websocket(&address) {
            return Err(TransportError::MultiaddrNotSupported(address));
        }
        self.listener = Some(id);
        self.announced = Some(address);
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let is_ours = self.listener == Some(id);
        if is_ours {
            self.listener = None;
            self.arrivals.close();
        }
        is_ours
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        _: DialOpts,
    ) -> Result<Self::Dial, TransportError<io::Error>> {
        Err(TransportError::MultiaddrNotSupported(address))
    }

    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Event> {
        let Some(listener_id) = self.listener else { return Poll::Pending };
        if let Some(listen_addr) = self.announced.take() {
            return Poll::Ready(TransportEvent::NewAddress { listener_id, listen_addr });
        }
        let Some(arrival) = std::task::ready!(self.arrivals.poll_recv(ctx)) else {
            self.listener = None;
            return Poll::Ready(TransportEvent::ListenerClosed { listener_id, reason: Ok(()) });
        };
        let Arrival { socket, local, remote, is_tls, ticket } = arrival;
        Poll::Ready(TransportEvent::Incoming {
            listener_id,
            upgrade: ready(Ok(Stream::new(socket, ticket))),
            local_addr: multiaddr(local, is_tls),
            send_back_addr: multiaddr(remote, is_tls),
        })
    }
}
