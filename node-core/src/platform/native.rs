//! The platform of native programs: tokio on one thread, the system's
//! randomness, settings and disks in a folder.
//!
//! It must be used inside [`run`] (or another tokio `LocalSet`): ions are
//! single-threaded on every platform.

#![expect(clippy::disallowed_methods, reason = "this is where clock and tasks come from")]

mod disk;
mod storage;

#[cfg(not(unix))]
#[path = "native/rights_plain.rs"]
mod rights;
#[cfg(unix)]
#[path = "native/rights_unix.rs"]
mod rights;

use std::{
    fs, io,
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, Instant, SystemTime},
};

use futures::future::{FutureExt, LocalBoxFuture};
use rand::TryRngCore;

pub use disk::NativeDisk;
pub use storage::NativeStorage;

use self::disk::Disks;
use super::{Platform, Time, storage::Error};

/// Sleeps longer than this are slept in parts.
const SLEEP_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// One ion's view of the machine. Clones are the same platform.
#[derive(Clone, Debug)]
pub struct NativePlatform {
    start: Instant,
    folder: Rc<Path>,
    disks: Disks,
}

impl NativePlatform {
    /// A platform that starts now and keeps settings and disks in `folder`, which is
    /// made when it is first needed, readable by this user only.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder: Rc<Path> = folder.into().into();
        Self { start: Instant::now(), disks: Disks::new(folder.clone()), folder }
    }
}

/// Runs a future, and the tasks that it spawns, until it ends; tasks that have
/// not ended by then are dropped. Fails when the system gives no event loop.
pub fn run<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(tokio::task::LocalSet::new().block_on(&runtime, future))
}

impl Platform for NativePlatform {
    type Storage = NativeStorage;
    type Disk = NativeDisk;

    fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    fn wall_ms(&self) -> u64 {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 is a clock that was never set.
        u64::try_from(since_1970.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        rand::rngs::OsRng.try_fill_bytes(bytes).expect("every supported system has randomness");
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        let platform = self.clone();
        let due = self.now().plus_ms(ms);
        async move {
            loop {
                let left_ms = due.since_ms(platform.now());
                if left_ms == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(left_ms.min(SLEEP_MS_MAX))).await;
            }
        }
        .boxed_local()
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        drop(tokio::task::spawn_local(task));
    }

    fn open_storage(&self, name: &str) -> LocalBoxFuture<'static, Result<NativeStorage, Error>> {
        let opened = NativeStorage::new(&self.folder, name);
        async move {
            let storage = opened?;
            storage.check()?;
            Ok(storage)
        }
        .boxed_local()
    }

    fn open_disk(&self, name: &str) -> LocalBoxFuture<'static, Result<NativeDisk, Error>> {
        self.disks.clone().open(name.to_owned(), self.clone()).boxed_local()
    }
}

/// Makes a folder for this user only, unless it is there.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    rights::folder_for_owner(folder)
}
