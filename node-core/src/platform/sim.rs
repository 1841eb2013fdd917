//! The simulated machine: virtual time, seeded randomness, disks in memory.
//!
//! A [`Sim`] holds one clock and any number of platforms, one per ion. Nothing
//! happens but by [`Sim::run_until`] and [`Sim::advance`]; everything that
//! happens follows from the seed, so a failure is replayed by its seed alone.
//! Time stands still while tasks run and jumps to the next timer when all
//! wait. Tasks are polled in the order in which they were woken; timers fire
//! by due time, then in the order in which they were made.
//!
//! [`SimPlatform::crash`] ends an ion in the middle of whatever it does: its
//! tasks vanish, writes that had not resolved are lost, its disk stays.
//!
//! It knows nothing of networks. It refuses real time: a future that waits for
//! anything outside the simulation ends the run with [`Stuck`].

mod disk;
mod drive;
mod rng;
mod storage;
mod world;

use std::{cell::RefCell, rc::Rc};

use futures::future::{FutureExt, LocalBoxFuture};

pub use disk::SimDisk;
pub use rng::Rng;
pub use storage::SimStorage;
pub use world::Stuck;

use self::{
    drive::Drive,
    world::{OwnerId, Sleep, World},
};
use super::{Platform, Time, storage::Error};

/// The wall clock at the simulation's start: 2025-01-01.
const WALL_START_MS: u64 = 1_735_689_600_000;

/// One simulated world.
pub struct Sim {
    world: Rc<World>,
}

impl Sim {
    /// A world at time zero, all of whose randomness follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { world: World::new(seed) }
    }

    /// A new machine with an empty disk.
    pub fn platform(&self) -> SimPlatform {
        SimPlatform::start(&self.world, Drive::empty())
    }

    /// Milliseconds since the world's start, the same for all its platforms.
    pub fn now(&self) -> Time {
        self.world.now()
    }

    /// Runs the world until the future ends. Fails when nothing is left that
    /// could make it end, or after a week of virtual time.
    pub fn run_until<T: 'static>(
        &self,
        future: impl Future<Output = T> + 'static,
    ) -> Result<T, Stuck> {
        let result = Rc::new(RefCell::new(None));
        let slot = result.clone();
        let owner = self.world.new_owner();
        let task = async move {
            let value = future.await;
            slot.replace(Some(value));
        };
        self.world.spawn(owner, task.boxed_local());
        let run = self.world.run_while(|| result.borrow().is_none());
        self.world.end_tasks_of(owner);
        run?;
        Ok(result.borrow_mut().take().expect("the run goes on until there is a result"))
    }

    /// Lets `ms` milliseconds pass, with all that happens in them.
    pub fn advance(&self, ms: u64) {
        self.world.run_to(self.now().plus_ms(ms));
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // Tasks hold platforms, which hold the world, which holds the tasks.
        self.world.end_all();
    }
}

/// One simulated machine. Clones are the same machine.
#[derive(Clone)]
pub struct SimPlatform {
    world: Rc<World>,
    owner: OwnerId,
    rng: Rc<RefCell<Rng>>,
    drive: Drive,
}

impl SimPlatform {
    fn start(world: &Rc<World>, drive: Drive) -> Self {
        let owner = world.new_owner();
        let rng = Rc::new(RefCell::new(Rng::new(world.seed() ^ owner.scrambled())));
        drive.mount(owner);
        Self { world: world.clone(), owner, rng, drive }
    }

    /// Ends every task of this machine where it stands and forgets its
    /// unfinished writes; gives the machine that starts from its disk. The
    /// task that calls this ends at its next wait. Storage opened before the
    /// crash fails from now on.
    #[must_use]
    pub fn crash(&self) -> Self {
        self.world.end_tasks_of(self.owner);
        Self::start(&self.world, self.drive.clone())
    }

    /// A [`crash`](Self::crash) that takes some of the last writes to
    /// [disks](SimDisk) with it although they had resolved, as power cuts may:
    /// how many follows from the seed. Settings stay.
    #[must_use]
    pub fn cut_power(&self) -> Self {
        let after = self.crash();
        self.drive.lose_unsynced(self.now(), &mut self.rng.borrow_mut());
        after
    }

    /// Sets how long every read and write of a disk, and every write of
    /// settings, takes from now on, in milliseconds.
    pub fn slow_disk(&self, read_ms: u64, write_ms: u64) {
        self.drive.slow(read_ms, write_ms);
    }

    /// Lets somebody else hold the disks, or let go of them: while they do,
    /// disks can't be opened.
    pub fn hold_disk(&self, is_held: bool) {
        self.drive.hold(is_held);
    }

    /// Deletes all disks under whoever uses them, as a user who clears a
    /// site's data. Settings stay.
    pub fn delete_disks(&self) {
        self.drive.delete_databases();
    }

    /// Gives each store and disk of this machine at most so many bytes of keys
    /// and values; what is there stays.
    pub fn limit_disk(&self, bytes_max: usize) {
        self.drive.limit(bytes_max);
    }

    /// Takes the disk away, as a private window does: stores can't be opened.
    pub fn remove_disk(&self) {
        self.drive.remove();
    }
}

impl Platform for SimPlatform {
    type Storage = SimStorage;
    type Disk = SimDisk;

    fn now(&self) -> Time {
        self.world.now()
    }

    fn wall_ms(&self) -> u64 {
        WALL_START_MS + self.world.now().as_ms()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.rng.borrow_mut().fill(bytes);
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        Sleep::new(&self.world, ms).boxed_local()
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.world.spawn(self.owner, task);
    }

    fn open_storage(&self, name: &str) -> LocalBoxFuture<'static, Result<SimStorage, Error>> {
        SimStorage::open(&self.world, &self.drive, self.owner, name)
    }

    fn open_disk(&self, name: &str) -> LocalBoxFuture<'static, Result<SimDisk, Error>> {
        SimDisk::open(&self.world, &self.drive, self.owner, name)
    }
}
