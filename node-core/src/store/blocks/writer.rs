//! Writes, one after the other. Those that came while one was under way and only
//! add are made together: a browser's disk takes eight blocks in little more time
//! than one.
//!
//! Bounds: [`WRITE_BYTES`] together, unless a single write is more. Each is
//! whole or not at all; where there is no room for all of them, none is made.

use futures::{StreamExt, channel::mpsc};

use super::{News, WRITE_BYTES};
use crate::{
    platform::{
        Disk, Platform,
        disk::{CHANGES_MAX, Changes, Table},
        storage::Error,
    },
    store::library::Change,
};

/// A write that waits.
pub(super) struct Write<D> {
    /// Of which opening it is.
    pub(super) life: u64,
    pub(super) number: u64,
    pub(super) disk: D,
    pub(super) changes: Vec<Change>,
}

/// Starts the task that writes and tells of each write.
#[expect(clippy::disallowed_methods, reason = "the machine bounds how many writes wait")]
pub(super) fn start<P: Platform, D: Disk>(
    platform: &P,
    tell: mpsc::UnboundedSender<(u64, News)>,
) -> mpsc::UnboundedSender<Write<D>> {
    let (writes, waiting) = mpsc::unbounded();
    platform.spawn(Box::pin(run(waiting, tell)));
    writes
}

async fn run<D: Disk>(
    mut waiting: mpsc::UnboundedReceiver<Write<D>>,
    tell: mpsc::UnboundedSender<(u64, News)>,
) {
    let mut next = None;
    loop {
        if next.is_none() {
            next = waiting.next().await;
        }
        let Some(first) = next.take() else { return };
        let mut group = Group::of(first);
        while let Ok(write) = waiting.try_recv() {
            next = group.take(write);
            if next.is_some() {
                break;
            }
        }
        let result = group.disk.write(group.changes).await;
        for number in group.numbers {
            // A node that has ended needs no news.
            let _ = tell.unbounded_send((group.life, News::Written(number, result.clone())));
        }
        if matches!(result, Err(Error::Gone { .. })) {
            let _ = tell.unbounded_send((group.life, News::Lost));
        }
    }
}

/// Writes that are made together.
struct Group<D> {
    life: u64,
    disk: D,
    numbers: Vec<u64>,
    changes: Changes,
    /// Whether it takes away nothing: what frees space must not fail with what
    /// needs some.
    adds: bool,
}

impl<D> Group<D> {
    fn of(write: Write<D>) -> Self {
        let adds = adds(&write.changes);
        let changes = write.changes.into_iter().fold(Changes::new(), with);
        Self { life: write.life, disk: write.disk, numbers: vec![write.number], changes, adds }
    }

    /// Takes a further write, or gives it back.
    fn take(&mut self, write: Write<D>) -> Option<Write<D>> {
        let bytes: usize = write.changes.iter().map(bytes).sum();
        let count = self.changes.len() + write.changes.len();
        let fits = self.changes.bytes() + bytes <= WRITE_BYTES && count <= CHANGES_MAX;
        if !(self.adds && fits && self.life == write.life && adds(&write.changes)) {
            return Some(write);
        }
        self.numbers.push(write.number);
        self.changes = write.changes.into_iter().fold(std::mem::take(&mut self.changes), with);
        None
    }
}

fn adds(changes: &[Change]) -> bool {
    changes.iter().all(|change| matches!(change, Change::Bytes(..) | Change::Record(..)))
}

fn bytes(change: &Change) -> usize {
    match change {
        Change::Bytes(_, bytes) => bytes.len(),
        Change::Record(key, value) => key.len() + value.len(),
        Change::Delete(_) | Change::Forget(_) => 0,
    }
}

fn with(all: Changes, change: Change) -> Changes {
    match change {
        Change::Bytes(cid, bytes) => all.put(Table::Chunks, cid.to_bytes().to_vec(), bytes),
        Change::Delete(cid) => all.delete(Table::Chunks, cid.to_bytes().to_vec()),
        Change::Record(key, value) => all.put(Table::Names, key, value),
        Change::Forget(key) => all.delete(Table::Names, key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::chunk::{Cid, Codec};

    fn write(number: u64, changes: Vec<Change>) -> Write<()> {
        Write { life: 1, number, disk: (), changes }
    }

    fn block(length: usize) -> Change {
        Change::Bytes(Cid::of(Codec::Raw, &length.to_le_bytes()), vec![0; length])
    }

    #[test]
    fn what_only_adds_is_written_together_within_bounds() {
        let mut group = Group::of(write(1, vec![block(WRITE_BYTES / 4)]));
        let record = Change::Record(vec![1], vec![2]);
        assert!(group.take(write(2, vec![block(WRITE_BYTES / 2), record])).is_none());
        let back = group.take(write(3, vec![block(WRITE_BYTES / 4 + 1)]));
        assert_eq!(back.map(|write| write.number), Some(3));
        assert_eq!((group.numbers, group.changes.len()), (vec![1, 2], 3));
    }

    #[test]
    fn what_takes_away_goes_alone_and_openings_are_not_mixed() {
        let mut adding = Group::of(write(1, vec![block(1)]));
        assert!(adding.take(write(2, vec![Change::Forget(vec![1])])).is_some());
        assert!(adding.take(Write { life: 2, ..write(3, vec![block(2)]) }).is_some());
        let mut taking = Group::of(write(4, vec![Change::Forget(vec![1])]));
        assert!(taking.take(write(5, vec![block(3)])).is_some());
    }
}
