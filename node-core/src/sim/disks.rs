//! What ions of a world keep on disk: it survives their crashes, and takes a
//! moment to write.

use std::collections::BTreeMap;

use super::{
    agenda::{Happening, IonIndex},
    world::World,
};
use crate::{
    node::Input,
    store::{
        blocks,
        chunk::Cid,
        driver::{News, Order},
        library::Change,
        source::made_up,
    },
};

/// How long a write takes at most, in milliseconds.
const WRITE_MS_MAX: u64 = 10;

/// The disks of one ion, by name.
#[derive(Default)]
pub(super) struct Disks {
    disks: BTreeMap<String, BTreeMap<Box<[u8]>, Vec<u8>>>,
    awake_ms: Option<u64>,
    open: String,
    files: BTreeMap<String, Shelf>,
    open_files: String,
}

impl Disks {
    /// Whether the disk of the nebula that it was last in has all these blocks.
    pub(super) fn have(&self, blocks: &[Cid]) -> bool {
        let files = self.files.get(&self.open_files);
        files.is_some_and(|kept| blocks.iter().all(|cid| kept.blocks.contains_key(cid)))
    }

    /// Whether anything was ever kept.
    pub(super) fn have_any(&self) -> bool {
        !self.disks.is_empty()
    }
}

/// What one disk keeps of files.
#[derive(Default)]
struct Shelf {
    blocks: BTreeMap<Cid, Vec<u8>>,
    records: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Shelf {
    fn change(&mut self, change: Change) {
        match change {
            Change::Bytes(cid, bytes) => drop(self.blocks.insert(cid, bytes)),
            Change::Delete(cid) => drop(self.blocks.remove(&cid)),
            Change::Record(key, value) => drop(self.records.insert(key, value)),
            Change::Forget(key) => drop(self.records.remove(&key)),
        }
    }
}

impl World {
    pub(super) fn disk(&mut self, ion: IonIndex, order: Order) {
        match order {
            Order::Open(life, name) => {
                let disks = &mut self.ions[ion].disks;
                let records = disks.disks.entry(name.clone()).or_default().values().cloned();
                let (records, awake_ms) = (records.collect(), disks.awake_ms);
                disks.open = name;
                self.tell_disk(ion, 0, life, News::Records(records));
                self.tell_disk(ion, 0, life, News::Opened(awake_ms));
            }
            Order::Write(life, number, records) => {
                let disks = &mut self.ions[ion].disks;
                let disk = disks.disks.entry(disks.open.clone()).or_default();
                for (path, record) in records {
                    match record {
                        Some(record) => drop(disk.insert(path, record)),
                        None => drop(disk.remove(&path)),
                    }
                }
                let in_ms = self.rng.below(WRITE_MS_MAX);
                self.tell_disk(ion, in_ms, life, News::Written(number, Ok(())));
            }
            Order::Awake(_, at_ms) => self.ions[ion].disks.awake_ms = Some(at_ms),
        }
    }

    pub(super) fn blocks(&mut self, ion: IonIndex, order: blocks::Order) {
        match order {
            blocks::Order::Open(life, name) => {
                let disks = &mut self.ions[ion].disks;
                let kept = disks.files.entry(name.clone()).or_default();
                let records = kept.records.clone().into_iter().collect();
                disks.open_files = name;
                self.tell_blocks(ion, life, blocks::News::Records(records));
                self.tell_blocks(ion, life, blocks::News::Opened(true));
            }
            blocks::Order::Write(life, number, changes) => {
                let disks = &mut self.ions[ion].disks;
                let kept = disks.files.entry(disks.open_files.clone()).or_default();
                for change in changes {
                    kept.change(change);
                }
                self.tell_blocks(ion, life, blocks::News::Written(number, Ok(())));
            }
            blocks::Order::Read(life, cid) => {
                let disks = &self.ions[ion].disks;
                let kept = disks.files.get(&disks.open_files);
                let bytes = kept.and_then(|kept| kept.blocks.get(&cid).cloned());
                self.tell_blocks(ion, life, blocks::News::Bytes(cid, bytes));
            }
            blocks::Order::Source(life, source, from, bytes) => {
                let bytes = made_up(source, from, bytes);
                self.tell_blocks(ion, life, blocks::News::Source(source, Ok(bytes)));
            }
            blocks::Order::Forget(_) | blocks::Order::Usage(_) => {}
        }
    }

    fn tell_blocks(&mut self, ion: IonIndex, opening: u64, news: blocks::News) {
        let life = self.ions[ion].life;
        // After what was asked for before.
        self.later(1, Happening::Input { ion, life, input: Input::Blocks(opening, news) });
    }

    fn tell_disk(&mut self, ion: IonIndex, in_ms: u64, opening: u64, news: News) {
        let life = self.ions[ion].life;
        self.later(in_ms, Happening::Input { ion, life, input: Input::Disk(opening, news) });
    }
}
