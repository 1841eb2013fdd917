//! Reads, a few at a time: those that came while others were under way are made
//! together, since a browser's disk gives eight blocks in little more time than
//! one.
//!
//! Bounds: [`TOGETHER_MAX`] together, which is what they have in memory at most
//! before they are told.

use futures::{StreamExt, channel::mpsc};

use super::{News, READ_BYTES};
use crate::{
    platform::{Disk, Platform, disk::Table},
    store::chunk::{CHUNK_BYTES, Cid},
};

/// Blocks that are read together.
const TOGETHER_MAX: usize = READ_BYTES / CHUNK_BYTES as usize;

/// A read that waits.
pub(super) struct Read<D> {
    /// Of which opening it is.
    pub(super) life: u64,
    pub(super) disk: D,
    pub(super) cid: Cid,
}

/// Starts the task that reads and tells what it found.
#[expect(clippy::disallowed_methods, reason = "the machine bounds how many reads wait")]
pub(super) fn start<P: Platform, D: Disk>(
    platform: &P,
    tell: mpsc::UnboundedSender<(u64, News)>,
) -> mpsc::UnboundedSender<Read<D>> {
    let (reads, waiting) = mpsc::unbounded();
    platform.spawn(Box::pin(run(waiting, tell)));
    reads
}

async fn run<D: Disk>(
    waiting: mpsc::UnboundedReceiver<Read<D>>,
    tell: mpsc::UnboundedSender<(u64, News)>,
) {
    let mut groups = waiting.ready_chunks(TOGETHER_MAX);
    while let Some(reads) = groups.next().await {
        for reads in reads.chunk_by(|one, other| one.life == other.life) {
            read(reads, &tell).await;
        }
    }
}

/// Reads blocks of one disk.
async fn read<D: Disk>(reads: &[Read<D>], tell: &mpsc::UnboundedSender<(u64, News)>) {
    let Some(Read { life, disk, .. }) = reads.first() else { return };
    let key = |read: &Read<D>| read.cid.to_bytes().to_vec();
    let keys = reads.iter().map(key).collect();
    let values = if let Ok(values) = disk.get(Table::Chunks, keys).await {
        values
    } else {
        // One that cannot be read does not take the others along.
        let mut values = Vec::new();
        for one in reads {
            let found = disk.get(Table::Chunks, vec![key(one)]).await;
            values.push(found.unwrap_or_default().into_iter().flatten().next());
        }
        values
    };
    for (one, bytes) in reads.iter().zip(values) {
        // A node that has ended needs no news.
        let _ = tell.unbounded_send((*life, News::Bytes(one.cid, bytes)));
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use futures::{FutureExt, executor::block_on, future::LocalBoxFuture};

    use super::*;
    use crate::{
        platform::disk::{Changes, Error, MemoryDisk, Page, PageLimits, Range, Record, Usage},
        store::chunk::Codec,
    };

    /// Notes how many keys were asked for at a time, and cannot read one of them.
    #[derive(Clone)]
    struct Noting {
        disk: MemoryDisk,
        asked: Rc<RefCell<Vec<usize>>>,
        unreadable: Vec<u8>,
    }

    impl Disk for Noting {
        fn get(
            &self,
            table: Table,
            keys: Vec<Vec<u8>>,
        ) -> LocalBoxFuture<'static, Result<Vec<Option<Vec<u8>>>, Error>> {
            self.asked.borrow_mut().push(keys.len());
            if keys.contains(&self.unreadable) {
                let why = Error::Corrupt { reason: "it cannot be read".to_owned() };
                return async { Err(why) }.boxed_local();
            }
            self.disk.get(table, keys)
        }

        fn scan(
            &self,
            table: Table,
            range: Range,
            limits: PageLimits,
        ) -> LocalBoxFuture<'static, Result<Page<Record>, Error>> {
            self.disk.scan(table, range, limits)
        }

        fn keys(
            &self,
            table: Table,
            range: Range,
            count_max: usize,
        ) -> LocalBoxFuture<'static, Result<Page<Vec<u8>>, Error>> {
            self.disk.keys(table, range, count_max)
        }

        fn write(&self, changes: Changes) -> LocalBoxFuture<'static, Result<(), Error>> {
            self.disk.write(changes)
        }

        fn usage(&self) -> LocalBoxFuture<'static, Result<Usage, Error>> {
            self.disk.usage()
        }
    }

    fn cid(number: u8) -> Cid {
        Cid::of(Codec::Raw, &[number])
    }

    /// What is told of so many blocks, of which all but the last are there, and how
    /// many were asked for at a time.
    #[expect(clippy::disallowed_methods, reason = "as many as are asked for")]
    fn read_all(count: u8, unreadable: Option<u8>) -> (Vec<Option<Vec<u8>>>, Vec<usize>) {
        let unreadable = unreadable.map_or(Vec::new(), |number| cid(number).to_bytes().to_vec());
        let disk = Noting { disk: MemoryDisk::new(1_000), asked: Rc::default(), unreadable };
        let there = (0..count - 1).fold(Changes::new(), |all, number| {
            all.put(Table::Chunks, cid(number).to_bytes(), vec![number])
        });
        block_on(disk.write(there)).expect("there is room");
        let (reads, waiting) = mpsc::unbounded();
        let (tell, news) = mpsc::unbounded();
        for number in 0..count {
            let read = Read { life: 1, disk: disk.clone(), cid: cid(number) };
            reads.unbounded_send(read).expect("it is waited for");
        }
        drop(reads);
        block_on(run(waiting, tell));
        let bytes = |(life, news)| match news {
            News::Bytes(_, bytes) if life == 1 => bytes,
            other => panic!("{other:?}"),
        };
        let told = block_on(news.map(bytes).collect());
        (told, disk.asked.take())
    }

    #[test]
    fn what_waits_together_is_read_together_within_bounds() {
        let (told, asked) = read_all(20, None);
        let there = (0..19).map(|number| Some(vec![number]));
        assert_eq!(told, there.chain([None]).collect::<Vec<_>>());
        assert_eq!(asked, [TOGETHER_MAX, TOGETHER_MAX, 20 - 2 * TOGETHER_MAX]);
    }

    #[test]
    fn one_that_cannot_be_read_is_no_loss_of_the_others() {
        let (told, asked) = read_all(4, Some(1));
        assert_eq!(told, [Some(vec![0]), None, Some(vec![2]), None]);
        assert_eq!(asked, [4, 1, 1, 1, 1]);
    }
}
