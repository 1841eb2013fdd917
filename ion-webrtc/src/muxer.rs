//! A connection: each stream is a data channel of its own, so that none waits
//! for another. Closing or dropping it closes the peer connection, which the
//! other side notices at once.
//!
//! The channel `init` that came before all streams is closed by both sides after
//! [`INIT_TIME`], and nobody waits for its end. That is later than the
//! specification has it, where the offerer closes it at once and waits: Firefox
//! loses channels that the other side closes as soon as they are open, and then
//! neither knows of their end nor answers it (seen in Firefox 153, in half of the
//! attempts), so that an offerer would wait for ever. By then the answerer may
//! close it as well: any offerer has seen it open.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use futures_timer::Delay;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};

use crate::{
    failure::Failure, handshake::drive::Signals, hub::Timed, port::ChannelId, shared::Owned,
    stream::Stream,
};

/// How long the end of a signaling stream may take.
const SIGNALS_CLOSE_MAX: Duration = Duration::from_secs(5);

/// How long the channel `init` stands. Enough for a busy page to see it open, and
/// well below the six seconds that js-libp2p gives to a dial.
const INIT_TIME: Duration = Duration::from_secs(1);

/// A connection to a peer.
pub struct Muxer {
    owned: Owned,
    timers: FuturesUnordered<BoxFuture<'static, Option<Timed>>>,
    linger_max: Duration,
    disconnected_max: Duration,
}

impl Muxer {
    pub(crate) fn new(owned: Owned) -> Self {
        let config = owned.shared.config();
        Self {
            owned,
            timers: FuturesUnordered::new(),
            linger_max: config.linger_max,
            disconnected_max: config.disconnected_max,
        }
    }

    /// Ends the signaling that led to this connection, beside everything else.
    pub(crate) fn close_signals(&self, signals: Signals) {
        self.timers.push(signals.close(SIGNALS_CLOSE_MAX).map(|()| None).boxed());
    }

    fn stream(&self, channel: ChannelId) -> Stream {
        Stream::new(self.owned.shared.clone(), self.owned.id, channel)
    }

    fn start(&self, timed: Timed) {
        let time = match timed {
            Timed::Lingers(_) => self.linger_max,
            Timed::Init(_) => INIT_TIME,
            Timed::Disconnected => self.disconnected_max,
        };
        self.timers.push(Delay::new(time).map(|()| Some(timed)).boxed());
    }

    fn is_up(&self, timed: &Timed) {
        let id = self.owned.id;
        self.owned.shared.with(|inner| match timed {
            Timed::Lingers(channel) => inner.hub.lingered(id, *channel),
            Timed::Init(channel) => inner.hub.close_init(id, *channel),
            Timed::Disconnected => inner.hub.disconnected(id),
        });
    }
}

impl StreamMuxer for Muxer {
    type Substream = Stream;
    type Error = Failure;

    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Failure>> {
        let id = self.owned.id;
        let found = self.owned.shared.with(|inner| inner.hub.poll_inbound(id, cx));
        found.map_ok(|channel| self.stream(channel))
    }

    fn poll_outbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Failure>> {
        let id = self.owned.id;
        let opened = self.owned.shared.with(|inner| inner.hub.poll_outbound(id, cx));
        opened.map_ok(|channel| self.stream(channel))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let id = self.owned.id;
        self.owned.shared.with(|inner| inner.hub.end(id, Failure::Closed));
        Poll::Ready(Ok(()))
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, Failure>> {
        let id = self.owned.id;
        loop {
            match self.owned.shared.with(|inner| inner.hub.poll_timed(id, cx)) {
                Poll::Ready(Ok(timed)) => timed.into_iter().for_each(|one| self.start(one)),
                Poll::Ready(Err(why)) => return Poll::Ready(Err(why)),
                Poll::Pending => match self.timers.poll_next_unpin(cx) {
                    Poll::Ready(Some(Some(timed))) => self.is_up(&timed),
                    Poll::Ready(Some(None)) => {}
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                },
            }
        }
    }
}

impl std::fmt::Debug for Muxer {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Muxer").field("id", &self.owned.id).finish_non_exhaustive()
    }
}
