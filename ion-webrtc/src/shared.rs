//! What transport, behaviour, control, muxers and streams share.
//!
//! One lock for all of it, held for the length of one short call and never
//! while a task is woken or awaited. In a browser there is one thread, and the
//! lock costs nothing; libp2p wants its parts to be `Send` all the same.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use libp2p::PeerId;

use crate::{
    config::Config,
    desk::Desk,
    failure::Failure,
    hub::{Asker, Hub},
    muxer::Muxer,
    port::{Event, PeerConnectionId, Port},
};

/// Everything behind the lock.
pub(crate) struct Inner {
    pub(crate) hub: Hub,
    pub(crate) desk: Desk,
}

/// A handle to it.
#[derive(Clone)]
pub(crate) struct Shared {
    inner: Arc<Mutex<Inner>>,
    /// Our own id.
    pub(crate) local: PeerId,
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    // Nothing that runs under the lock panics half-way through a change.
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run<T>(inner: &Mutex<Inner>, work: impl FnOnce(&mut Inner) -> T) -> T {
    let (result, wakes) = {
        let mut inner = lock(inner);
        let result = work(&mut inner);
        let mut wakes = std::mem::take(&mut inner.hub.wakes);
        wakes.append(&mut inner.desk.wakes);
        (result, wakes)
    };
    wakes.into_iter().for_each(Waker::wake);
    result
}

impl Shared {
    pub(crate) fn new(local: PeerId, config: Config, port: impl Port) -> Self {
        let hub = Hub::new(config, port);
        let shared =
            Self { inner: Arc::new(Mutex::new(Inner { hub, desk: Desk::default() })), local };
        let weak = Arc::downgrade(&shared.inner);
        let sink = Box::new(move |event: Event| {
            if let Some(inner) = weak.upgrade() {
                run(&inner, |inner| {
                    inner.hub.event(event);
                    if inner.hub.is_gone() {
                        inner.desk.wake_all();
                    }
                });
            }
        });
        lock(&shared.inner).hub.listen(sink);
        shared
    }

    /// Runs this under the lock, then wakes whom it concerns.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        run(&self.inner, work)
    }

    pub(crate) fn config(&self) -> Config {
        self.with(|inner| inner.hub.config.clone())
    }

    /// A new peer connection, which is closed when its owner is dropped.
    pub(crate) fn create(&self, whose: Asker) -> Result<Owned, Failure> {
        let id = self.with(|inner| inner.hub.create(whose))?;
        Ok(Owned { shared: self.clone(), id })
    }
}

/// A peer connection that is closed when this is dropped.
pub(crate) struct Owned {
    pub(crate) shared: Shared,
    pub(crate) id: PeerConnectionId,
}

impl Owned {
    /// The connection stands: gives it a muxer.
    pub(crate) fn into_muxer(self, peer: PeerId) -> Muxer {
        self.shared.with(|inner| {
            inner.hub.established(self.id, peer);
            inner.desk.succeeded(peer);
        });
        Muxer::new(self)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.shared.with(|inner| inner.hub.release(self.id));
    }
}
