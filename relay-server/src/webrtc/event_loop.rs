//! An event loop of its own for each WebRTC connection, so that nothing is left
//! of it when it ends.
//!
//! The library below makes tasks and sockets for every connection and leaves
//! them behind for ever when a handshake fails (114 KiB and an open file each,
//! as measured), and some of them when a connection ends. So each handshake, and
//! the connection that comes of it, has an event loop with a thread, which ends
//! together with it and takes all that is left along.
//!
//! Bounds: [`LOOPS_MAX`] of them. The library also keeps something of every
//! stream to the end of its connection, so a connection ends after
//! [`STREAMS_MAX`] that the peer has opened.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::FutureExt;
use libp2p::core::{StreamMuxer, muxing::StreamMuxerEvent};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};

/// Event loops, and with them connections and handshakes, at a time.
pub(super) const LOOPS_MAX: usize = 1_024;
/// Streams that a peer may open on one connection from its beginning to its end.
/// An ion that asks its relay every two seconds has a new connection after two
/// hours.
const STREAMS_MAX: u32 = 4_096;
/// How long a connection may take to close in order; the library waits for an
/// answer, which who is gone does not give.
const CLOSING_MAX: Duration = Duration::from_secs(2);

/// Makes event loops.
pub(super) struct Loops {
    room: Arc<Semaphore>,
}

impl Loops {
    pub(super) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(LOOPS_MAX)) }
    }

    /// One more; none where there are too many, or the system gives no thread.
    pub(super) fn start(&self) -> Option<EventLoop> {
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("webrtc")
            .enable_all()
            .build()
            .inspect_err(|error| tracing::warn!(%error, "no thread for a WebRTC connection"))
            .ok()?;
        Some(EventLoop { handle: runtime.handle().clone(), runtime: Some(runtime), _room: room })
    }
}

/// An event loop. It ends with this, and with it all that runs there.
pub(crate) struct EventLoop {
    runtime: Option<Runtime>,
    handle: Handle,
    _room: OwnedSemaphorePermit,
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Does not wait, which would be wrong on another event loop.
            runtime.shutdown_background();
        }
    }
}

impl EventLoop {
    /// Runs a handshake there. What comes of it must be run there too.
    pub(super) async fn run<T>(&self, mut handshake: impl Future<Output = T> + Unpin) -> T {
        std::future::poll_fn(|cx| {
            let _entered = self.handle.enter();
            handshake.poll_unpin(cx)
        })
        .await
    }
}

/// A connection that is run in its event loop.
pub(super) struct Muxer<M> {
    inner: M,
    event_loop: EventLoop,
    streams: u32,
    closing: Option<Pin<Box<Sleep>>>,
}

impl<M> Muxer<M> {
    pub(super) fn new(inner: M, event_loop: EventLoop) -> Self {
        Self { inner, event_loop, streams: 0, closing: None }
    }
}

impl<M: StreamMuxer + Unpin> Muxer<M> {
    fn run<T>(&mut self, work: impl FnOnce(Pin<&mut M>) -> T) -> T {
        let _entered = self.event_loop.handle.enter();
        work(Pin::new(&mut self.inner))
    }
}

impl<M> StreamMuxer for Muxer<M>
where
    M: StreamMuxer + Unpin,
    M::Error: Send + Sync + 'static,
{
    type Substream = M::Substream;
    type Error = io::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<M::Substream>> {
        if self.streams >= STREAMS_MAX {
            ready!(self.as_mut().poll_close(cx))?;
            return Poll::Ready(Err(io::Error::other("it has had all its streams")));
        }
        let stream = ready!(self.run(|inner| inner.poll_inbound(cx))).map_err(io::Error::other)?;
        self.streams += 1;
        Poll::Ready(Ok(stream))
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<M::Substream>> {
        self.run(|inner| inner.poll_outbound(cx)).map_err(io::Error::other)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(closed) = self.run(|inner| inner.poll_close(cx)) {
            return Poll::Ready(closed.map_err(io::Error::other));
        }
        let closing = self.closing.get_or_insert_with(|| Box::pin(tokio::time::sleep(CLOSING_MAX)));
        closing.as_mut().poll(cx).map(Ok)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        self.run(|inner| inner.poll(cx)).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// What a handshake leaves behind for as long as its loop runs.
    fn leave(what: Arc<()>) {
        #[expect(clippy::disallowed_methods, reason = "what the library below does")]
        tokio::spawn(async move {
            std::future::pending::<()>().await;
            drop(what);
        });
    }

    #[tokio::test]
    async fn what_a_handshake_leaves_ends_with_its_loop() {
        let event_loop = Loops::new().start().expect("there is room");
        let what = Arc::new(());
        let weak = Arc::downgrade(&what);
        event_loop.run(Box::pin(async move { leave(what) })).await;
        assert_eq!(weak.strong_count(), 1);
        drop(event_loop);
        while weak.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn there_are_so_many_loops_and_no_more() {
        let loops = Loops::new();
        let all_but_one = u32::try_from(LOOPS_MAX - 1).expect("it is short");
        let taken = loops.room.try_acquire_many(all_but_one).expect("there is room");
        let last = loops.start().expect("there is room");
        assert!(loops.start().is_none());
        drop(last);
        assert!(loops.start().is_some());
        drop(taken);
    }

    /// A connection on which streams come without end.
    #[derive(Default)]
    struct Endless {
        is_closed: bool,
        never_closes: bool,
    }

    impl StreamMuxer for Endless {
        type Substream = futures::io::Cursor<Vec<u8>>;
        type Error = io::Error;

        fn poll_inbound(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<io::Result<Self::Substream>> {
            Poll::Ready(Ok(futures::io::Cursor::new(Vec::new())))
        }

        fn poll_outbound(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<io::Result<Self::Substream>> {
            self.poll_inbound(cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.is_closed = !self.never_closes;
            if self.is_closed { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_connection_ends_in_order_after_so_many_streams() {
        let event_loop = Loops::new().start().expect("there is room");
        let mut muxer = Muxer::new(Endless::default(), event_loop);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..STREAMS_MAX {
            assert!(matches!(Pin::new(&mut muxer).poll_inbound(&mut cx), Poll::Ready(Ok(_))));
        }
        assert!(!muxer.inner.is_closed);
        assert!(matches!(Pin::new(&mut muxer).poll_inbound(&mut cx), Poll::Ready(Err(_))));
        assert!(muxer.inner.is_closed);
    }

    #[tokio::test]
    async fn a_connection_whose_other_end_is_gone_closes_all_the_same() {
        let event_loop = Loops::new().start().expect("there is room");
        let gone = Endless { never_closes: true, ..Endless::default() };
        let mut muxer = Muxer::new(gone, event_loop);
        let closed = std::future::poll_fn(|cx| Pin::new(&mut muxer).poll_close(cx)).await;
        assert!(closed.is_ok());
    }
}
