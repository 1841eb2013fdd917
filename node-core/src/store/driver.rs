//! Between the shared memory and the disk that it is kept on: one disk for each
//! nebula, its records read when it is opened and written as the machine asks.
//!
//! Orders are done one after the other, so that a write is on disk before the
//! next begins. Where the machine gives no disk, memory takes its place and the
//! node is told. A disk that was deleted under us is opened again, once for each
//! time, and the node told that what it knows has to be written anew.
//!
//! Decides nothing. Bounds: pages of [`PAGE_BYTES_MAX`] bytes are read at a time.

use futures::{StreamExt, channel::mpsc};

use super::{kept::Kept, kv::writes::Record};
use crate::platform::{
    Disk, Platform,
    disk::{Changes, PageLimits, Range, Table},
    storage::Error,
};

/// Bytes that are read at a time.
pub const PAGE_BYTES_MAX: usize = 1 << 20;
/// Records that are read at a time.
const PAGE_COUNT: usize = 4_096;
/// Where it stands when this replica was last awake.
const AWAKE_KEY: &[u8] = b"awake";

/// What is asked of the disk. The number tells one opening from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Read the disk of that name, and keep it open; the one before is let go.
    Open(u64, String),
    /// Keep these records, all or none.
    Write(u64, u64, Vec<Record>),
    /// Keep that the replica was awake at that moment.
    Awake(u64, u64),
}

/// What the driver tells, each with the number of the opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Records that were there.
    Records(Vec<Vec<u8>>),
    /// Those were all; when the replica was last awake.
    Opened(Option<u64>),
    /// There is no disk: what is written lasts as long as the tab; why.
    NoDisk(Error),
    /// A write ended.
    Written(u64, Result<(), Error>),
    /// All that was kept is lost; it has to be written anew.
    Lost,
}

/// The ways to the driver and back.
pub struct Driver {
    /// What is asked.
    pub orders: mpsc::UnboundedSender<Order>,
    /// What is told.
    pub news: mpsc::UnboundedReceiver<(u64, News)>,
}

/// Starts the driver; `place` is what names of disks begin with, `None` where
/// nothing can be kept.
#[expect(clippy::disallowed_methods, reason = "one answer for each thing the node asked for")]
pub fn start<P: Platform>(platform: &P, place: Option<String>) -> Driver {
    let (orders, mut waiting) = mpsc::unbounded();
    let (tell, news) = mpsc::unbounded();
    let mut shelf = Shelf { platform: platform.clone(), place, open: None, tell };
    platform.spawn(Box::pin(async move {
        while let Some(order) = waiting.next().await {
            shelf.obey(order).await;
        }
    }));
    Driver { orders, news }
}

/// The disk of the present nebula.
struct Shelf<P: Platform> {
    platform: P,
    place: Option<String>,
    open: Option<Open<P::Disk>>,
    tell: mpsc::UnboundedSender<(u64, News)>,
}

struct Open<D> {
    life: u64,
    name: String,
    disk: Kept<D>,
}

impl<P: Platform> Shelf<P> {
    async fn obey(&mut self, order: Order) {
        match order {
            Order::Open(life, name) => self.open(life, name).await,
            Order::Write(life, number, records) => {
                let mut changes = Changes::new();
                for (path, record) in records {
                    changes = match record {
                        Some(record) => changes.put(Table::Entries, path.into_vec(), record),
                        None => changes.delete(Table::Entries, path.into_vec()),
                    };
                }
                if let Some(result) = self.write(life, changes).await {
                    self.tell(life, News::Written(number, result));
                }
            }
            Order::Awake(life, at_ms) => {
                let at = at_ms.to_be_bytes().to_vec();
                let changes = Changes::new().put(Table::Meta, AWAKE_KEY.to_vec(), at);
                // It is written again soon; one that fails is only late.
                let _ = self.write(life, changes).await;
            }
        }
    }

    async fn open(&mut self, life: u64, name: String) {
        self.open = None;
        let mut disk = self.find(life, &name).await;
        let mut awake_ms = None;
        if disk.is_real() {
            match self.read(life, &disk).await {
                Ok(at_ms) => awake_ms = at_ms,
                Err(why) => {
                    // Nothing is written over what could not be read.
                    self.tell(life, News::NoDisk(why));
                    disk = Kept::memory();
                }
            }
        }
        self.tell(life, News::Opened(awake_ms));
        self.open = Some(Open { life, name, disk });
    }

    /// The disk of that name; memory where there is none, which is told unless
    /// nothing can be kept anyway.
    async fn find(&self, life: u64, name: &str) -> Kept<P::Disk> {
        let (disk, why) = Kept::open(&self.platform, self.place.as_deref(), name).await;
        if let Some(why) = why {
            self.tell(life, News::NoDisk(why));
        }
        disk
    }

    /// Tells every record, and gives when the replica was last awake.
    async fn read(&self, life: u64, disk: &Kept<P::Disk>) -> Result<Option<u64>, Error> {
        let awake = disk.get(Table::Meta, vec![AWAKE_KEY.to_vec()]).await?;
        let awake = awake.into_iter().flatten().next();
        let awake_ms = awake.and_then(|at| at.try_into().ok()).map(u64::from_be_bytes);
        let limits = PageLimits { count_max: PAGE_COUNT, bytes_max: PAGE_BYTES_MAX };
        let mut range = Some(Range::all());
        while let Some(here) = range {
            let page = disk.scan(Table::Entries, here, limits).await?;
            let records = page.records.into_iter().map(|(_, record)| record).collect();
            self.tell(life, News::Records(records));
            range = page.rest;
        }
        Ok(awake_ms)
    }

    /// Writes to the disk of that opening; `None` when another is open by now.
    async fn write(&mut self, life: u64, changes: Changes) -> Option<Result<(), Error>> {
        let open = self.open.as_ref().filter(|open| open.life == life)?;
        let result = open.disk.write(changes).await;
        if matches!(result, Err(Error::Gone { .. })) {
            self.reopen().await;
        }
        Some(result)
    }

    /// Opens a disk again that was deleted under us.
    async fn reopen(&mut self) {
        let Some(Open { life, name, .. }) = self.open.take() else { return };
        let disk = self.find(life, &name).await;
        self.open = Some(Open { life, name, disk });
        self.tell(life, News::Lost);
    }

    fn tell(&self, life: u64, news: News) {
        // A node that has ended needs no news.
        let _ = self.tell.unbounded_send((life, news));
    }
}
