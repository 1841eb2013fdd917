//! What this ion writes, until it is on disk.
//!
//! One write is under way at a time. Changes that come meanwhile wait and go
//! together under one signature into the next. What others wrote is kept behind
//! them, by path.
//!
//! Bounds: [`QUEUE_MAX`] changes wait, [`BEHIND_MAX`] records of others go in one
//! write. Records that wait behind are as many as entries stand.

use std::collections::VecDeque;

use ion_map::LongSet;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{
    entry::{Beginning, Entry, Key},
    seal::GROUP_MAX,
};

/// Changes that wait to be written.
pub const QUEUE_MAX: usize = 8_192;
/// Records of others in one write.
pub const BEHIND_MAX: usize = 512;
/// Bytes of records of others in one write, unless a single one is longer.
const BEHIND_BYTES: usize = 4 << 20;

/// What an ion wants to say at a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where.
    pub key: Key,
    /// What shall stand there; `None` deletes.
    pub value: Option<ByteBuf>,
    /// After how long it ends by itself, in milliseconds.
    pub lasts_ms: Option<u64>,
}

impl Change {
    /// What it takes, in bytes.
    pub(super) fn cost_bytes(&self) -> usize {
        self.key.name.len() + self.value.as_ref().map_or(0, |value| value.len())
    }
}

/// Changes that are made together, and who waits for them.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) number: u64,
    pub(super) changes: Vec<Change>,
    /// What they take the place of, where that does not stand.
    pub(super) over: Option<Beginning>,
}

/// Signed entries on their way to the disk, and who waits for them.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) tickets: Vec<u64>,
    pub(super) entries: Vec<Entry>,
}

/// A record: whether others are known to have it, and the entry.
pub(super) fn record(entry: &Entry, is_spread: bool) -> Vec<u8> {
    let mut record = vec![u8::from(is_spread)];
    record.extend(entry.encode());
    record
}

/// A path and the record there; `None` for none any more.
pub type Record = (Box<[u8]>, Option<Vec<u8>>);

/// What is under way.
#[derive(Debug)]
pub(super) enum Flight {
    Own(Group),
    Behind(Vec<Box<[u8]>>),
}

/// What waits, and what is under way.
#[derive(Debug, Default)]
pub(super) struct Writes {
    queue: VecDeque<Ticket>,
    queued: usize,
    behind: LongSet<Box<[u8]>>,
    flight: Option<(u64, Flight)>,
    count: u64,
}

impl Writes {
    /// Lets changes wait; `false` when too many do.
    pub(super) fn queue(&mut self, ticket: Ticket) -> bool {
        if self.queued + ticket.changes.len() > QUEUE_MAX {
            return false;
        }
        self.queued += ticket.changes.len();
        self.queue.push_back(ticket);
        true
    }

    /// What stands at a path is to be kept behind what this ion writes.
    pub(super) fn keep(&mut self, path: &[u8]) {
        self.behind.insert(path.into());
    }

    pub(super) fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// The changes that are written next: at most [`GROUP_MAX`] and so many
    /// bytes, unless a single ticket is more.
    pub(super) fn next_tickets(&mut self, bytes_max: usize) -> Vec<Ticket> {
        let (mut tickets, mut count, mut bytes) = (Vec::new(), 0, 0);
        while let Some(ticket) = self.queue.front() {
            count += ticket.changes.len();
            bytes += ticket.changes.iter().map(Change::cost_bytes).sum::<usize>();
            if !tickets.is_empty() && (count > GROUP_MAX || bytes > bytes_max) {
                break;
            }
            let ticket = self.queue.pop_front().expect("it was just seen");
            self.queued -= ticket.changes.len();
            tickets.push(ticket);
        }
        tickets
    }

    /// The records of others that are written next, as `record` gives them;
    /// `None` leaves one as it is.
    pub(super) fn next_behind(
        &mut self,
        record: impl Fn(&[u8]) -> Option<Option<Vec<u8>>>,
    ) -> Vec<Record> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        while records.len() < BEHIND_MAX && bytes < BEHIND_BYTES {
            let Some(path) = self.behind.pop_first() else { break };
            let Some(record) = record(&path) else { continue };
            bytes += record.as_ref().map_or(0, Vec::len);
            records.push((path, record));
        }
        records
    }

    /// A write begins; gives its number.
    pub(super) fn begin(&mut self, flight: Flight) -> u64 {
        self.count += 1;
        self.flight = Some((self.count, flight));
        self.count
    }

    /// The write of that number ended.
    pub(super) fn end(&mut self, number: u64) -> Option<Flight> {
        if self.flight.as_ref().is_some_and(|(under_way, _)| *under_way == number) {
            return self.flight.take().map(|(_, flight)| flight);
        }
        None
    }
}
