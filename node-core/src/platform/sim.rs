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
mod rng;
mod world;

use std::{cell::RefCell, rc::Rc};

use futures::future::{FutureExt, LocalBoxFuture};

pub use disk::SimStorage;
pub use rng::Rng;
pub use world::Stuck;

use self::{
    disk::Disk,
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
        SimPlatform::start(&self.world, Disk::empty())
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
    disk: Disk,
}

impl SimPlatform {
    fn start(world: &Rc<World>, disk: Disk) -> Self {
        let owner = world.new_owner();
        let rng = Rc::new(RefCell::new(Rng::new(world.seed() ^ owner.scrambled())));
        disk.mount(owner);
        Self { world: world.clone(), owner, rng, disk }
    }

    /// Ends every task of this machine where it stands and forgets its
    /// unfinished writes; gives the machine that starts from its disk. The
    /// task that calls this ends at its next wait. Storage opened before the
    /// crash fails from now on.
    #[must_use]
    pub fn crash(&self) -> Self {
        self.world.end_tasks_of(self.owner);
        Self::start(&self.world, self.disk.clone())
    }

    /// Gives each store of this machine at most so many bytes of keys and
    /// values; what is there stays.
    pub fn limit_disk(&self, bytes_max: usize) {
        self.disk.limit(bytes_max);
    }

    /// Takes the disk away, as a private window does: stores can't be opened.
    pub fn remove_disk(&self) {
        self.disk.remove();
    }
}

impl Platform for SimPlatform {
    type Storage = SimStorage;

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
        SimStorage::open(&self.world, &self.disk, self.owner, name)
    }
}
