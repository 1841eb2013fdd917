//! Records in one file per disk, by redb.
//!
//! A write is one transaction and resolves when the file is synced, so it
//! survives a power cut too. Files are of this user only, with mode 0600.
//! Work on the file is done on threads of its own, writes one after the other.
//!
//! One program at a time can open a file; handles within a program share it.
//! A file that was deleted or replaced under us is [`Error::Gone`]. After a
//! failed write the file is opened again, since redb then trusts it no more.

mod file;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    path::Path,
    rc::{Rc, Weak},
    sync::Arc,
};

use futures::future::{FutureExt, LocalBoxFuture};
use tokio::{sync::Mutex, task::spawn_blocking};

use self::file::DiskFile;
use super::NativePlatform;
use crate::platform::{
    Platform,
    disk::{Changes, Disk, Page, PageLimits, Range, Record, Table, Usage},
    storage::{Error, check_name},
};

/// How long opening waits for another program to let go, in milliseconds.
const OPEN_MS_MAX: u64 = 5_000;
/// How long between two attempts.
const ATTEMPT_MS: u64 = 20;

/// One file of records. Clones are the same; the last one closes it.
#[derive(Clone)]
pub struct NativeDisk {
    shared: Rc<Shared>,
}

struct Shared {
    file: Arc<DiskFile>,
    /// Held by the write that is under way; others queue up in their order.
    turn: Arc<Mutex<()>>,
}

/// The disks of one folder that are open now, by name.
#[derive(Clone)]
pub(super) struct Disks {
    folder: Rc<Path>,
    open: Rc<RefCell<BTreeMap<String, Weak<Shared>>>>,
}

impl fmt::Debug for Disks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Disks").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Disks {
    pub(super) fn new(folder: Rc<Path>) -> Self {
        Self { folder, open: Rc::default() }
    }

    /// Opens a disk, or shares the one that is open.
    pub(super) async fn open(
        self,
        name: String,
        platform: NativePlatform,
    ) -> Result<NativeDisk, Error> {
        check_name(&name)?;
        let due = platform.now().plus_ms(OPEN_MS_MAX);
        loop {
            if let Some(disk) = self.shared(&name) {
                return Ok(disk);
            }
            match self.open_file(&name).await {
                Err(Error::Blocked) if platform.now() < due => platform.sleep(ATTEMPT_MS).await,
                opened => return opened.map(|file| self.share(name, file)),
            }
        }
    }

    async fn open_file(&self, name: &str) -> Result<DiskFile, Error> {
        let path = self.folder.join(format!("{name}.disk"));
        on_a_thread(move || DiskFile::open(path)).await
    }

    fn shared(&self, name: &str) -> Option<NativeDisk> {
        let shared = self.open.borrow().get(name)?.upgrade()?;
        // One that is gone makes way for another of its name.
        shared.file.check().ok().map(|()| NativeDisk { shared })
    }

    fn share(&self, name: String, file: DiskFile) -> NativeDisk {
        let shared = Rc::new(Shared { file: Arc::new(file), turn: Arc::default() });
        let mut open = self.open.borrow_mut();
        open.retain(|_, disk| disk.strong_count() > 0);
        open.insert(name, Rc::downgrade(&shared));
        NativeDisk { shared }
    }
}

impl NativeDisk {
    fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&DiskFile) -> Result<T, Error> + Send + 'static,
    ) -> LocalBoxFuture<'static, Result<T, Error>> {
        let file = self.shared.file.clone();
        on_a_thread(move || look(&file)).boxed_local()
    }
}

impl Disk for NativeDisk {
    fn get(
        &self,
        table: Table,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<Vec<Option<Vec<u8>>>, Error>> {
        self.read(move |file| file.get(table, &keys))
    }

    fn scan(
        &self,
        table: Table,
        range: Range,
        limits: PageLimits,
    ) -> LocalBoxFuture<'static, Result<Page<Record>, Error>> {
        self.read(move |file| file.scan(table, range, limits))
    }

    fn keys(
        &self,
        table: Table,
        range: Range,
        count_max: usize,
    ) -> LocalBoxFuture<'static, Result<Page<Vec<u8>>, Error>> {
        self.read(move |file| file.keys(table, range, count_max))
    }

    fn write(&self, changes: Changes) -> LocalBoxFuture<'static, Result<(), Error>> {
        let shared = self.shared.clone();
        async move {
            let changes = changes.checked()?;
            if changes.is_empty() {
                return Ok(());
            }
            let turn = shared.turn.clone().lock_owned().await;
            let file = shared.file.clone();
            let work = move || {
                // Kept to the end of the work, even if nobody waits for it.
                let _turn = turn;
                file.write(&changes)
            };
            on_a_thread(work).await
        }
        .boxed_local()
    }

    fn usage(&self) -> LocalBoxFuture<'static, Result<Usage, Error>> {
        self.read(DiskFile::usage)
    }
}

/// Work that waits for the file, which must not keep the ion waiting. It
/// starts when this is first polled, and ends even if this is dropped.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ended = spawn_blocking(work).await;
    ended.unwrap_or_else(|error| Err(Error::Failed { reason: error.to_string() }))
}
