//! A connection whose streams wait while their peer has used up its allowance,
//! and which has so many streams and no more: beyond [`STREAMS_MAX`] those that
//! the peer opens are dropped at once, where the multiplexer itself has no bound.
//!
//! Waiting stops reading and writing only; the bytes stay where they are, so
//! the other side notices it as back-pressure.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::{StreamMuxer, muxing::StreamMuxerEvent};
use tokio::time::{Sleep, sleep};

use super::Purse;
use crate::transport::STREAMS_MAX;

/// A connection that is metered.
pub(crate) struct Muxer<M> {
    inner: M,
    purse: Purse,
    /// Held by every stream, so that they are counted.
    streams: Arc<()>,
}

impl<M> Muxer<M> {
    /// Meters a connection of this purse's peer.
    pub(crate) fn new(inner: M, purse: Purse) -> Self {
        Self { inner, purse, streams: Arc::new(()) }
    }

    fn stream<S>(&self, inner: S) -> Stream<S> {
        let (purse, streams) = (self.purse.clone(), Arc::clone(&self.streams));
        Stream { inner, purse, reading: None, writing: None, _streams: streams }
    }

    fn has_room(&self) -> bool {
        u32::try_from(Arc::strong_count(&self.streams) - 1).is_ok_and(|count| count < STREAMS_MAX)
    }
}

impl<M> StreamMuxer for Muxer<M>
where
    M: StreamMuxer + Unpin,
    M::Substream: Unpin,
{
    type Substream = Stream<M::Substream>;
    type Error = M::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, M::Error>> {
        loop {
            let stream = ready!(Pin::new(&mut self.inner).poll_inbound(cx))?;
            if self.has_room() {
                return Poll::Ready(Ok(self.stream(stream)));
            }
        }
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, M::Error>> {
        let stream = ready!(Pin::new(&mut self.inner).poll_outbound(cx))?;
        Poll::Ready(Ok(self.stream(stream)))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), M::Error>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, M::Error>> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

/// A stream that is metered.
pub(crate) struct Stream<S> {
    inner: S,
    purse: Purse,
    reading: Option<Pin<Box<Sleep>>>,
    writing: Option<Pin<Box<Sleep>>>,
    _streams: Arc<()>,
}

/// Ready once the purse has something in it.
fn poll_allowed(
    purse: &Purse,
    waiting: &mut Option<Pin<Box<Sleep>>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    loop {
        if let Some(sleep) = waiting {
            ready!(sleep.as_mut().poll(cx));
            *waiting = None;
        }
        let Some(wait) = purse.wait() else { return Poll::Ready(()) };
        *waiting = Some(Box::pin(sleep(wait)));
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(poll_allowed(&this.purse, &mut this.reading, cx));
        let read = ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
        this.purse.spend(read);
        Poll::Ready(Ok(read))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(poll_allowed(&this.purse, &mut this.writing, cx));
        let written = ready!(Pin::new(&mut this.inner).poll_write(cx, bytes))?;
        this.purse.spend(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}
