//! Lets handshakes in, as many as the relay can bear.
//!
//! One forged packet begins a handshake: the library makes a whole peer
//! connection for the sender's address before the sender has shown that it is
//! there, and gives it up after ten seconds. So there are at most
//! [`HANDSHAKES_MAX`] at a time, [`NEW_MAX`] new ones in a [`WINDOW`] and
//! [`NEW_PER_ADDRESS_MAX`] of them from one address; what is beyond is dropped
//! before anything is made for it. Each runs in an
//! [`event_loop`](super::event_loop) of its own. It dials nobody.

use std::{
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Pending},
};
use libp2p::{
    Multiaddr, Transport, TransportError,
    core::transport::{DialOpts, ListenerId, TransportEvent},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::event_loop::{EventLoop, Loops};
use crate::{address::ip, census::group, metrics::Metrics, rate::Rate};

/// Handshakes at a time.
pub(crate) const HANDSHAKES_MAX: usize = 64;
/// The time in which new handshakes are counted.
const WINDOW: Duration = Duration::from_secs(1);
/// New handshakes in a window, in all.
pub(crate) const NEW_MAX: u32 = 48;
/// New handshakes in a window from one address (IPv6: one /64), which may be a
/// school.
pub(crate) const NEW_PER_ADDRESS_MAX: u32 = 32;

/// A transport that takes no more handshakes than that.
pub(crate) struct Door<T> {
    inner: T,
    room: Arc<Semaphore>,
    loops: Loops,
    rate: Rate,
    window: Instant,
    metrics: Metrics,
}

impl<T> Door<T> {
    pub(crate) fn new(inner: T, metrics: Metrics) -> Self {
        Self {
            inner,
            room: Arc::new(Semaphore::new(HANDSHAKES_MAX)),
            loops: Loops::new(),
            rate: Rate::new(NEW_MAX, NEW_PER_ADDRESS_MAX),
            window: Instant::now(),
            metrics,
        }
    }

    /// Room and an event loop for a handshake, if there are any.
    fn admit(&mut self, remote: &Multiaddr) -> Option<(OwnedSemaphorePermit, EventLoop)> {
        if self.window.elapsed() >= WINDOW {
            self.window = Instant::now();
            self.rate.begin();
        }
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let from = ip(remote).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let event_loop = self.rate.admit(group(from)).then(|| self.loops.start())?;
        Some((room, event_loop?))
    }
}

impl<T> Transport for Door<T>
where
    T: Transport + Unpin,
    T::ListenerUpgrade: Send + 'static,
    T::Output: Send + 'static,
    T::Error: Send + 'static,
{
    type Output = (T::Output, EventLoop);
    type Error = T::Error;
    type ListenerUpgrade = BoxFuture<'static, Result<Self::Output, T::Error>>;
    type Dial = Pending<Result<Self::Output, T::Error>>;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<T::Error>> {
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        _: DialOpts,
    ) -> Result<Self::Dial, TransportError<T::Error>> {
        Err(TransportError::MultiaddrNotSupported(address))
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, T::Error>> {
        loop {
            match ready!(Pin::new(&mut self.inner).poll(cx)) {
                TransportEvent::Incoming { listener_id, upgrade, local_addr, send_back_addr } => {
                    let Some((room, event_loop)) = self.admit(&send_back_addr) else {
                        self.metrics.webrtc_refused.inc();
                        continue;
                    };
                    self.metrics.webrtc_handshakes.inc();
                    let upgrade = handshake(upgrade, room, event_loop).boxed();
                    return Poll::Ready(TransportEvent::Incoming {
                        listener_id,
                        upgrade,
                        local_addr,
                        send_back_addr,
                    });
                }
                other => return Poll::Ready(other.map_upgrade(|_| unreachable!("it has none"))),
            }
        }
    }
}

async fn handshake<T, E>(
    upgrade: impl Future<Output = Result<T, E>>,
    _room: OwnedSemaphorePermit,
    event_loop: EventLoop,
) -> Result<(T, EventLoop), E> {
    let output = event_loop.run(Box::pin(upgrade)).await?;
    Ok((output, event_loop))
}
