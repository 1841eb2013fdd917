//! What ions of a world keep on disk: it survives their crashes, and takes a
//! moment to write.

use std::collections::BTreeMap;

use super::{
    agenda::{Happening, IonIndex},
    world::World,
};
use crate::{
    node::Input,
    store::driver::{News, Order},
};

/// How long a write takes at most, in milliseconds.
const WRITE_MS_MAX: u64 = 10;

/// The disks of one ion, by name.
#[derive(Default)]
pub(super) struct Disks {
    disks: BTreeMap<String, BTreeMap<Box<[u8]>, Vec<u8>>>,
    awake_ms: Option<u64>,
    open: String,
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

    fn tell_disk(&mut self, ion: IonIndex, in_ms: u64, opening: u64, news: News) {
        let life = self.ions[ion].life;
        self.later(in_ms, Happening::Input { ion, life, input: Input::Disk(opening, news) });
    }
}
