//! Between the files and the disk that their blocks are kept on, and the sources
//! that they come from.
//!
//! Writes are made one after the other, in the order in which they were asked
//! for, and those that waited together (`writer`); reads go on beside them. Where the machine gives no disk, memory takes
//! its place. A disk that was deleted under us is told to be lost, and opened
//! again when that is asked for.
//!
//! Decides nothing. Bounds: pages of [`PAGE_BYTES_MAX`] bytes of records are read
//! at a time; how many reads and writes are under way is for the machine.

mod writer;

use std::rc::Rc;

use futures::{StreamExt, channel::mpsc};

use super::{chunk::Cid, kept::Kept, library::Change, source::Sources};
use crate::platform::{
    Disk, Platform,
    disk::{PageLimits, Range, Record, Table},
    storage::Error,
};
use writer::Write;

/// Bytes of records that are read at a time.
pub const PAGE_BYTES_MAX: usize = 1 << 20;
/// Records that are read at a time.
const PAGE_COUNT: usize = 8_192;

/// What is asked. The number tells one opening from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Read the records of the disk of that name, and keep it open; the one
    /// before is let go.
    Open(u64, String),
    /// Make these changes, all or none.
    Write(u64, u64, Vec<Change>),
    /// Read a block.
    Read(u64, Cid),
    /// Read so many bytes of a source from that place on.
    Source(u64, u64, u64, u32),
    /// A source is not needed any more.
    Forget(u64),
    /// How much of the machine's disk is used.
    Usage(u64),
}

/// What the driver tells, each with the number of the opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Records that were there.
    Records(Vec<(Vec<u8>, Vec<u8>)>),
    /// Those were all; whether what is written outlasts the tab.
    Opened(bool),
    /// A write ended.
    Written(u64, Result<(), Error>),
    /// What stands under a block's name, if anything does and can be read.
    Bytes(Cid, Option<Vec<u8>>),
    /// What was read of a source, or why it cannot be.
    Source(u64, Result<Vec<u8>, String>),
    /// All that was kept is lost.
    Lost,
    /// Bytes that are used, and that may be; 0 where the machine does not say.
    Usage(u64, u64),
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
pub fn start<P: Platform>(platform: &P, place: Option<String>, sources: Rc<dyn Sources>) -> Driver {
    let (orders, mut waiting) = mpsc::unbounded();
    let (tell, news) = mpsc::unbounded();
    let writes = writer::start(platform, tell.clone());
    let mut shelf = Shelf { platform: platform.clone(), place, sources, open: None, writes, tell };
    platform.spawn(Box::pin(async move {
        while let Some(order) = waiting.next().await {
            shelf.obey(order).await;
        }
    }));
    Driver { orders, news }
}

struct Shelf<P: Platform> {
    platform: P,
    place: Option<String>,
    sources: Rc<dyn Sources>,
    open: Option<(u64, Kept<P::Disk>)>,
    writes: mpsc::UnboundedSender<Write<Kept<P::Disk>>>,
    tell: mpsc::UnboundedSender<(u64, News)>,
}

impl<P: Platform> Shelf<P> {
    async fn obey(&mut self, order: Order) {
        match order {
            Order::Open(life, name) => self.open(life, &name).await,
            Order::Write(life, number, changes) => {
                let Some(disk) = self.disk(life) else { return };
                // The writer lives as long as this.
                let _ = self.writes.unbounded_send(Write { life, number, disk, changes });
            }
            Order::Read(life, cid) => {
                let Some(disk) = self.disk(life) else { return };
                let tell = self.tell.clone();
                self.platform.spawn(Box::pin(async move {
                    let found = disk.get(Table::Chunks, vec![cid.to_bytes().to_vec()]).await;
                    // What cannot be read is as good as not there.
                    let bytes = found.unwrap_or_default().into_iter().flatten().next();
                    let _ = tell.unbounded_send((life, News::Bytes(cid, bytes)));
                }));
            }
            Order::Source(life, source, from, bytes) => {
                let (read, tell) = (self.sources.read(source, from, bytes), self.tell.clone());
                self.platform.spawn(Box::pin(async move {
                    let _ = tell.unbounded_send((life, News::Source(source, read.await)));
                }));
            }
            Order::Forget(source) => self.sources.forget(source),
            Order::Usage(life) => self.usage(life),
        }
    }

    async fn open(&mut self, life: u64, name: &str) {
        self.open = None;
        // That there is no disk is told by whoever keeps the shared memory on it.
        let (mut disk, _) = Kept::open(&self.platform, self.place.as_deref(), name).await;
        match read(&disk).await {
            Ok(pages) => pages.into_iter().for_each(|page| self.tell(life, News::Records(page))),
            // Nothing is written over what could not be read.
            Err(_) => disk = Kept::memory(),
        }
        self.tell(life, News::Opened(disk.is_real()));
        self.open = Some((life, disk));
    }

    fn usage(&self, life: u64) {
        let (Some(disk), tell) = (self.disk(life), self.tell.clone()) else { return };
        self.platform.spawn(Box::pin(async move {
            if let Ok(usage) = disk.usage().await {
                let news = News::Usage(usage.used_bytes, usage.quota_bytes.unwrap_or(0));
                let _ = tell.unbounded_send((life, news));
            }
        }));
    }

    fn disk(&self, life: u64) -> Option<Kept<P::Disk>> {
        let (open, disk) = self.open.as_ref()?;
        (*open == life).then(|| disk.clone())
    }

    fn tell(&self, life: u64, news: News) {
        // A node that has ended needs no news.
        let _ = self.tell.unbounded_send((life, news));
    }
}

/// Every record.
async fn read(disk: &impl Disk) -> Result<Vec<Vec<Record>>, Error> {
    let limits = PageLimits { count_max: PAGE_COUNT, bytes_max: PAGE_BYTES_MAX };
    let (mut pages, mut range) = (Vec::new(), Some(Range::all()));
    while let Some(here) = range {
        let page = disk.scan(Table::Names, here, limits).await?;
        pages.push(page.records);
        range = page.rest;
    }
    Ok(pages)
}
