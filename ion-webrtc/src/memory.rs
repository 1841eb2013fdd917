//! Peer connections without a browser: a network in memory, for tests of what
//! stands on this crate.
//!
//! Descriptions look like a browser's and find each other by their ICE user
//! names. Events are delivered by [`Network::run`], which has to be spawned and
//! ends when it is dropped. Nothing is encrypted and nothing is lost.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
};

use crate::port::{Command, Event, Port, Sink};

mod world;

use world::World;

/// A network; clones are the same one.
#[derive(Clone, Default)]
pub struct Network {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    world: World,
    sinks: Vec<Option<Sink>>,
    queue: VecDeque<(usize, Command)>,
    waker: Option<Waker>,
}

impl Network {
    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another peer's port.
    pub fn port(&self) -> Memory {
        let number = self.with(|inner| {
            inner.sinks.push(None);
            inner.sinks.len() - 1
        });
        Memory { network: self.clone(), number }
    }

    /// From now on, connections find candidates or find none.
    pub fn set_candidates(&self, has_candidates: bool) {
        self.with(|inner| inner.world.has_candidates = has_candidates);
    }

    /// From now on, candidates lead to each other or nowhere.
    pub fn set_reachable(&self, is_reachable: bool) {
        self.with(|inner| inner.world.is_reachable = is_reachable);
    }

    /// How many peer connections are open, all peers' together.
    pub fn connections(&self) -> usize {
        self.with(|inner| inner.world.count())
    }

    /// Executes commands and delivers events, for ever.
    pub async fn run(self) {
        loop {
            let (from, command) = poll_fn(|cx| {
                self.with(|inner| {
                    inner.waker = Some(cx.waker().clone());
                    inner.queue.pop_front().map_or(Poll::Pending, Poll::Ready)
                })
            })
            .await;
            let events = self.with(|inner| inner.world.command(from, command));
            for (to, event) in events {
                self.deliver(to, event);
            }
        }
    }

    /// Calls a sink without holding the lock, since it may post in turn.
    fn deliver(&self, to: usize, event: Event) {
        let Some(mut sink) = self.with(|inner| inner.sinks.get_mut(to)?.take()) else { return };
        sink(event);
        self.with(|inner| inner.sinks[to] = Some(sink));
    }
}

/// One peer's port.
pub struct Memory {
    network: Network,
    number: usize,
}

impl Port for Memory {
    fn listen(&mut self, sink: Sink) {
        self.network.with(|inner| inner.sinks[self.number] = Some(sink));
    }

    fn post(&mut self, command: Command) {
        let waker = self.network.with(|inner| {
            inner.queue.push_back((self.number, command));
            inner.waker.take()
        });
        waker.into_iter().for_each(Waker::wake);
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Network").finish_non_exhaustive()
    }
}
