//! Between the files and the disk that their blocks are kept on, and the sources
//! that they come from.
//!
//! Writes are made one after the other, in the order in which they were asked
//! for, and those that waited together (`writer`); reads go on beside them, those
//! that waited together too (`reader`). Where the machine gives no disk, memory
//! takes its place. A disk that was deleted under us is told to be lost, and opened
//! again when that is asked for.
//!
//! Decides nothing. Bounds: pages of [`PAGE_BYTES_MAX`] bytes of records are read
//! at a time; how many reads and writes are under way is for the machine.

mod reader;
mod writer;

use std::rc::Rc;

use futures::{StreamExt, channel::mpsc};

use super::{chunk::Cid, kept::Kept, library::Change, source::Sources};
use crate::platform::{
    Disk, Platform,
    disk::{PageLimits, Range, Record, Table},
    storage::Error,
};
use reader::Read;
use writer::Write;

/// Bytes of records that are read at a time.
pub const PAGE_BYTES_MAX: usize = 1 << 20;
/// Records that are read at a time.
const PAGE_COUNT: usize = 8_192;
/// Bytes of blocks that are written in one transaction: about so many make a
/// browser's disk as fast as it gets.
pub const WRITE_BYTES: usize = 16 << 20;
/// Bytes of blocks that are read in one transaction.
pub const READ_BYTES: usize = 8 << 20;

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
    let reads = reader::start(platform, tell.clone());
    let open = None;
    let mut shelf = Shelf { platform: platform.clone(), place, sources, open, writes, reads, tell };
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
    reads: mpsc::UnboundedSender<Read<Kept<P::Disk>>>,
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
                // The reader lives as long as this.
                let _ = self.reads.unbounded_send(Read { life, disk, cid });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        platform::sim::Sim,
        store::{chunk::Codec, source::Nowhere},
    };

    fn cid(number: u8) -> Cid {
        Cid::of(Codec::Raw, &[number])
    }

    #[test]
    fn a_disk_that_was_deleted_is_told_to_be_lost_and_opened_again() {
        let sim = Sim::new(1);
        let machine = sim.platform();
        let told = sim.run_until(async move {
            let mut driver = start(&machine, Some("ion".to_owned()), Rc::new(Nowhere));
            let ask = |order| driver.orders.unbounded_send(order).expect("it is waited for");
            let write =
                |life, number| Order::Write(life, number, vec![Change::Bytes(cid(1), vec![1])]);
            ask(Order::Open(1, "nebula".to_owned()));
            ask(write(1, 1));
            let mut told = Vec::new();
            while !matches!(told.last(), Some((_, News::Written(1, _)))) {
                told.extend(driver.news.next().await);
            }
            machine.delete_disks();
            ask(write(1, 2));
            ask(Order::Read(1, cid(1)));
            ask(Order::Open(2, "nebula".to_owned()));
            ask(write(1, 3));
            ask(Order::Read(2, cid(1)));
            let is_read =
                |(life, news): &(u64, News)| *life == 2 && matches!(news, News::Bytes(..));
            let is_lost = |(_, news): &(u64, News)| *news == News::Lost;
            while !(told.iter().any(is_read) && told.iter().any(is_lost)) {
                told.extend(driver.news.next().await);
            }
            told
        });
        let told = told.unwrap_or_else(|stuck| panic!("{stuck}"));
        let is = |news: &News| told.iter().any(|(_, told)| told == news);
        assert!(is(&News::Written(1, Ok(()))) && is(&News::Lost), "{told:?}");
        let is_gone = |news: &News| matches!(news, News::Written(2, Err(Error::Gone { .. })));
        assert!(told.iter().any(|(life, news)| *life == 1 && is_gone(news)), "{told:?}");
        assert!(!told.iter().any(|(_, news)| matches!(news, News::Written(3, _))), "{told:?}");
        assert!(is(&News::Bytes(cid(1), None)), "what was there is lost: {told:?}");
    }

    #[test]
    fn where_there_is_no_disk_memory_takes_its_place_and_says_so() {
        let sim = Sim::new(2);
        let machine = sim.platform();
        machine.remove_disk();
        let told = sim.run_until(async move {
            let mut driver = start(&machine, Some("ion".to_owned()), Rc::new(Nowhere));
            let ask = |order| driver.orders.unbounded_send(order).expect("it is waited for");
            ask(Order::Open(1, "nebula".to_owned()));
            ask(Order::Write(1, 1, vec![Change::Bytes(cid(1), vec![1])]));
            let mut told = Vec::new();
            while told.len() < 3 {
                told.extend(driver.news.next().await.map(|(_, news)| news));
            }
            ask(Order::Read(1, cid(1)));
            told.extend(driver.news.next().await.map(|(_, news)| news));
            told
        });
        let told = told.unwrap_or_else(|stuck| panic!("{stuck}"));
        let bytes = News::Bytes(cid(1), Some(vec![1]));
        let written = News::Written(1, Ok(()));
        assert_eq!(told, [News::Records(vec![]), News::Opened(false), written, bytes]);
    }
}
