//! Event loops of their own for WebRTC, so that nothing is left of a handshake
//! that failed.
//!
//! The library below makes tasks and sockets for every handshake and, when one
//! fails, leaves them behind for ever: 114 KiB and an open file each, as
//! measured. So handshakes, and the connections that come of them, run in
//! generations of [`HANDSHAKES`]; each has an event loop and a thread, and when
//! the last of a generation has ended, the loop ends with all that is left in it.
//!
//! Bounds: a generation that a living connection holds may keep what its other
//! handshakes left. Of those there are at most [`LEFT_MAX`] in all; then no new
//! handshakes are begun until some are gone.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures::FutureExt;
use libp2p::core::{StreamMuxer, muxing::StreamMuxerEvent};
use tokio::runtime::{Builder, Handle, Runtime};

/// Handshakes of one generation.
const HANDSHAKES: usize = 16;
/// What handshakes that failed have left behind, in all generations.
pub(super) const LEFT_MAX: usize = 256;

/// An event loop, until the last of its holders is gone.
struct Generation {
    runtime: Option<Runtime>,
    handle: Handle,
    /// Handshakes that failed here.
    left: AtomicUsize,
    left_in_all: Arc<AtomicUsize>,
}

impl Drop for Generation {
    fn drop(&mut self) {
        let left = self.left.load(Ordering::Relaxed);
        self.left_in_all.fetch_sub(left, Ordering::Relaxed);
        if let Some(runtime) = self.runtime.take() {
            // Does not wait, which would be wrong on an event loop.
            runtime.shutdown_background();
        }
    }
}

/// Gives handshakes their event loops.
#[derive(Default)]
pub(super) struct Generations {
    present: Option<Arc<Generation>>,
    begun: usize,
    left: Arc<AtomicUsize>,
}

impl Generations {
    /// A place for a handshake; none where too much is left of failed ones, or
    /// the system gives no thread.
    pub(super) fn place(&mut self) -> Option<Place> {
        if self.left.load(Ordering::Relaxed) >= LEFT_MAX {
            // Ours must not be what keeps the present one.
            self.present = None;
            return None;
        }
        let generation = match self.present.take().filter(|_| self.begun < HANDSHAKES) {
            Some(present) => present,
            None => self.next().inspect_err(|error| tracing::warn!(%error, "no thread")).ok()?,
        };
        self.begun += 1;
        if self.begun < HANDSHAKES {
            self.present = Some(Arc::clone(&generation));
        }
        Some(Place { generation })
    }

    fn next(&mut self) -> io::Result<Arc<Generation>> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("webrtc")
            .enable_all()
            .build()?;
        self.begun = 0;
        Ok(Arc::new(Generation {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            left: AtomicUsize::new(0),
            left_in_all: Arc::clone(&self.left),
        }))
    }
}

/// A place in a generation, which lasts as long as this.
#[derive(Clone)]
pub(crate) struct Place {
    generation: Arc<Generation>,
}

impl Place {
    /// Runs a handshake there. What comes of it must be run there too.
    pub(super) async fn run<T, E>(
        &self,
        mut handshake: impl Future<Output = Result<T, E>> + Unpin,
    ) -> Result<T, E> {
        let unfinished = Unfinished(self);
        let outcome = std::future::poll_fn(|cx| {
            let _entered = self.generation.handle.enter();
            handshake.poll_unpin(cx)
        })
        .await;
        if outcome.is_ok() {
            std::mem::forget(unfinished);
        }
        outcome
    }
}

/// Counts a handshake as failed when it is dropped, whoever does it.
struct Unfinished<'a>(&'a Place);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let generation = &self.0.generation;
        generation.left.fetch_add(1, Ordering::Relaxed);
        generation.left_in_all.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection that is run in its place.
pub(super) struct Muxer<M> {
    inner: M,
    place: Place,
}

impl<M> Muxer<M> {
    pub(super) fn new(inner: M, place: Place) -> Self {
        Self { inner, place }
    }
}

impl<M: StreamMuxer + Unpin> Muxer<M> {
    fn run<T>(&mut self, work: impl FnOnce(Pin<&mut M>) -> T) -> T {
        let _entered = self.place.generation.handle.enter();
        work(Pin::new(&mut self.inner))
    }
}

impl<M: StreamMuxer + Unpin> StreamMuxer for Muxer<M> {
    type Substream = M::Substream;
    type Error = M::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<M::Substream, M::Error>> {
        self.run(|inner| inner.poll_inbound(cx))
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<M::Substream, M::Error>> {
        self.run(|inner| inner.poll_outbound(cx))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), M::Error>> {
        self.run(|inner| inner.poll_close(cx))
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, M::Error>> {
        self.run(|inner| inner.poll(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::{future::ready, sync::Weak};

    use super::*;

    /// A handshake that leaves a task behind for as long as its loop runs.
    async fn leaving(what: Arc<()>) -> Result<(), ()> {
        #[expect(clippy::disallowed_methods, reason = "what the library below does")]
        tokio::spawn(async move {
            std::future::pending::<()>().await;
            drop(what);
        });
        Err(())
    }

    async fn gone(what: Weak<()>) {
        while what.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_failed_handshakes_leave_ends_with_their_generation() {
        let mut generations = Generations::default();
        let what = Arc::new(());
        let weak = Arc::downgrade(&what);
        for _ in 0..HANDSHAKES {
            let place = generations.place().expect("there is room");
            assert!(place.run(Box::pin(leaving(Arc::clone(&what)))).await.is_err());
        }
        drop(what);
        gone(weak).await;
        assert_eq!(generations.left.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_living_connection_keeps_its_generation() {
        let mut generations = Generations::default();
        let held = generations.place().expect("there is room");
        held.run(ready(Ok::<_, ()>(()))).await.expect("it succeeds");
        assert_eq!(generations.left.load(Ordering::Relaxed), 0);
        let what = Arc::new(());
        let weak = Arc::downgrade(&what);
        let place = generations.place().expect("there is room");
        assert!(place.run(Box::pin(leaving(what))).await.is_err());
        drop((place, generations));
        assert_eq!((weak.strong_count(), held.generation.left.load(Ordering::Relaxed)), (1, 1));
        drop(held);
        gone(weak).await;
    }

    #[tokio::test]
    async fn there_is_a_bound_on_what_is_left() {
        let mut generations = Generations::default();
        let mut held = Vec::new();
        while let Some(place) = generations.place() {
            assert!(place.run(ready(Err::<(), _>(()))).await.is_err());
            held.push(place);
        }
        assert_eq!(held.len(), LEFT_MAX);
        held.clear();
        assert!(generations.place().is_some(), "all of it is gone");
    }

    #[tokio::test]
    async fn a_handshake_that_is_given_up_counts_as_failed() {
        let mut generations = Generations::default();
        let place = generations.place().expect("there is room");
        let handshake = Box::pin(std::future::pending::<Result<(), ()>>());
        assert!(place.run(handshake).now_or_never().is_none());
        assert_eq!(generations.left.load(Ordering::Relaxed), 1);
    }
}
