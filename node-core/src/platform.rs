//! The one seam to the machine below: time, randomness, sleep, tasks, storage,
//! disk.
//!
//! [`Platform`] has three implementations: `web` (a dedicated worker or a
//! page), `native` (tokio) and [`sim`] (virtual time from a seed). Drivers and
//! the node's loop are generic over it; machines do not see it at all: they are
//! handed a [`Time`] and random bytes as input.
//!
//! What it refuses: threads (every future stays on the thread that made it, and
//! none is `Send`), blocking, and calendar arithmetic. All three pass one
//! conformance suite, `tests/platform/conformance.rs`.

pub mod disk;
pub mod sim;
pub mod storage;
pub mod time;

#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(target_arch = "wasm32")]
pub mod web;

use futures::future::LocalBoxFuture;

pub use disk::Disk;
pub use storage::{Batch, Storage};
pub use time::Time;

/// What an ion needs from the machine that it runs on. Handles are cheap to
/// clone, and clones are the same platform.
pub trait Platform: Clone + 'static {
    /// The store of small settings.
    type Storage: Storage;
    /// The store of what is large, many or ordered.
    type Disk: Disk;

    /// Milliseconds since this platform started. Never goes back; unlike
    /// [`wall_ms`](Self::wall_ms) it does not jump when the user sets the clock.
    fn now(&self) -> Time;

    /// Milliseconds since 1970, as the machine's clock claims. May jump either
    /// way, so nothing may measure a duration by it.
    fn wall_ms(&self) -> u64;

    /// Fills with bytes from the source that keys are made of. In the
    /// simulator they follow from the seed.
    fn fill_random(&self, bytes: &mut [u8]);

    /// Ends when [`now`](Self::now) is at least `ms` milliseconds later than at
    /// this call, never before; how much later is up to the machine (hidden
    /// pages are slow, workers are not). Dropping it cancels it.
    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()>;

    /// Runs a task on this thread beside the caller. It is first polled after
    /// this call returned.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);

    /// Opens the store of that name, and makes it if it is not there. Names
    /// have 1 to [`NAME_BYTES_MAX`](storage::NAME_BYTES_MAX) characters of
    /// `a-z`, `0-9` and `-`. Fails where the machine gives no storage
    /// ([`Unavailable`](storage::Error::Unavailable)), keeps it from us
    /// ([`Blocked`](storage::Error::Blocked)), or what is stored can't be read
    /// ([`Corrupt`](storage::Error::Corrupt)).
    fn open_storage(
        &self,
        name: &str,
    ) -> LocalBoxFuture<'static, Result<Self::Storage, storage::Error>>;

    /// Opens the disk of that name, and makes it if it is not there; names and
    /// errors are those of [`open_storage`](Self::open_storage), and the two
    /// do not share names. Where another tab or program holds it back this
    /// waits, a few seconds at most. Several handles of one name are one disk.
    fn open_disk(&self, name: &str) -> LocalBoxFuture<'static, Result<Self::Disk, storage::Error>>;
}
