//! The disk in memory, by the same suite: what ions have whose machine gives none.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use futures::{FutureExt, future::LocalBoxFuture};
use node_core::{
    identity::slot::SimSlots,
    platform::{
        Disk, Platform, Time,
        disk::{MemoryDisk, PageLimits, Range, Table},
        sim::{Sim, SimPlatform},
        storage::Error,
    },
};

use crate::{conformance, every_disk_case};

/// More than any case writes.
const BYTES_MAX: u64 = 1 << 30;

/// A simulated machine whose disks are in memory, and live as long as it.
#[derive(Clone)]
struct Memory {
    sim: SimPlatform,
    disks: Rc<RefCell<BTreeMap<String, MemoryDisk>>>,
}

impl Platform for Memory {
    type Storage = <SimPlatform as Platform>::Storage;
    type Disk = MemoryDisk;

    fn now(&self) -> Time {
        self.sim.now()
    }

    fn wall_ms(&self) -> u64 {
        self.sim.wall_ms()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.sim.fill_random(bytes);
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        self.sim.sleep(ms)
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.sim.spawn(task);
    }

    fn open_storage(&self, name: &str) -> LocalBoxFuture<'static, Result<Self::Storage, Error>> {
        self.sim.open_storage(name)
    }

    fn open_disk(&self, name: &str) -> LocalBoxFuture<'static, Result<MemoryDisk, Error>> {
        let (named, name) = (self.sim.open_disk(name), name.to_owned());
        let disks = self.disks.clone();
        async move {
            // Names are checked as everywhere.
            named.await?;
            let mut disks = disks.borrow_mut();
            Ok(disks.entry(name).or_insert_with(|| MemoryDisk::new(BYTES_MAX)).clone())
        }
        .boxed_local()
    }
}

macro_rules! case {
    ($name:ident) => {
        as_test! {
            fn $name() {
                let sim = Sim::new(1);
                let memory = Memory { sim: sim.platform(), disks: Rc::default() };
                let case = conformance::$name(memory, SimSlots::default());
                sim.run_until(case).unwrap_or_else(|stuck| panic!("{stuck}"));
            }
        }
    };
}
every_disk_case!(case);

as_test! {
    fn what_is_beyond_its_bytes_is_refused_and_the_rest_stays() {
        let sim = Sim::new(2);
        let told = sim.run_until(async {
            let disk = MemoryDisk::new(100);
            let put = |key: &str, bytes| conformance::put(Table::Names, key, vec![7; bytes]);
            disk.write(put("a", 60)).await.expect("there is room");
            let refused = disk.write(put("b", 60)).await;
            assert_eq!(refused, Err(Error::QuotaExceeded));
            let page = disk.scan(Table::Names, Range::all(), PageLimits::LARGEST).await;
            assert_eq!(page.map(|page| page.records), Ok(vec![(b"a".to_vec(), vec![7; 60])]));
            disk.write(put("b", 30)).await.expect("there is room for less");
        });
        told.unwrap_or_else(|stuck| panic!("{stuck}"));
    }
}
