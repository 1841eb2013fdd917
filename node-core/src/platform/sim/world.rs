//! Clock, timers and tasks of a simulated world, on one thread.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use futures::future::LocalBoxFuture;

use super::rng::scramble;
use crate::platform::Time;

/// Longest run in virtual milliseconds: a week.
const RUN_MS_MAX: u64 = 7 * 24 * 60 * 60 * 1_000;
/// Most polls without time passing; more is a task that wakes itself for ever.
const POLLS_MAX: u64 = 10_000_000;

/// A run that can't come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulation is stuck at {at} ({why}); replay it with seed {seed}")]
pub struct Stuck {
    /// The seed that leads here.
    pub seed: u64,
    /// When.
    pub at: Time,
    /// What keeps it from going on.
    pub why: &'static str,
}

/// Whose tasks end together: one start of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnerId(u64);

impl OwnerId {
    pub(super) const fn scrambled(self) -> u64 {
        scramble(self.0)
    }
}

type TaskId = u64;
/// Due time, then the order of creation.
type TimerId = (Time, u64);

/// Tasks that were woken, in order. Wakers must be `Send`, hence the mutex.
type Ready = Arc<Mutex<VecDeque<TaskId>>>;

struct Task {
    owner: OwnerId,
    /// Absent while it is being polled.
    future: Option<LocalBoxFuture<'static, ()>>,
}

struct TaskWaker {
    task: TaskId,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.task);
    }
}

pub(super) struct World {
    seed: u64,
    now: Cell<Time>,
    numbers: Cell<u64>,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
    ready: Ready,
    timers: RefCell<BTreeMap<TimerId, Waker>>,
}

impl World {
    pub(super) fn new(seed: u64) -> Rc<Self> {
        Rc::new(Self {
            seed,
            now: Cell::default(),
            numbers: Cell::default(),
            tasks: RefCell::default(),
            ready: Ready::default(),
            timers: RefCell::default(),
        })
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn now(&self) -> Time {
        self.now.get()
    }

    pub(super) fn new_owner(&self) -> OwnerId {
        OwnerId(self.next_number())
    }

    pub(super) fn spawn(&self, owner: OwnerId, future: LocalBoxFuture<'static, ()>) {
        let task = self.next_number();
        self.tasks.borrow_mut().insert(task, Task { owner, future: Some(future) });
        self.lock_ready().push_back(task);
    }

    /// Drops all tasks of an owner; one that is being polled, after that.
    pub(super) fn end_tasks_of(&self, owner: OwnerId) {
        self.end_tasks(|task| task.owner == owner);
    }

    pub(super) fn end_all(&self) {
        self.end_tasks(|_| true);
    }

    /// Runs for as long as the condition holds.
    pub(super) fn run_while(&self, go_on: impl Fn() -> bool) -> Result<(), Stuck> {
        let latest = self.now().plus_ms(RUN_MS_MAX);
        while go_on() {
            self.poll_ready(&go_on)?;
            if go_on() && !self.jump_to_next_timer(latest) {
                return Err(self.stuck("all wait for something that will not happen"));
            }
        }
        Ok(())
    }

    /// Runs until `end`, and sets the clock to it.
    pub(super) fn run_to(&self, end: Time) {
        loop {
            let polled = self.poll_ready(&|| true);
            assert!(polled.is_ok(), "{polled:?}");
            if !self.jump_to_next_timer(end) {
                break;
            }
        }
        self.now.set(end);
    }

    fn poll_ready(&self, go_on: &impl Fn() -> bool) -> Result<(), Stuck> {
        for _ in 0..POLLS_MAX {
            if !go_on() {
                return Ok(());
            }
            let Some(task) = self.lock_ready().pop_front() else { return Ok(()) };
            self.poll(task);
        }
        Err(self.stuck("tasks wake each other without time passing"))
    }

    fn poll(&self, id: TaskId) {
        let taken = self.tasks.borrow_mut().get_mut(&id).and_then(|task| task.future.take());
        // A task that ended, or was woken twice.
        let Some(mut future) = taken else { return };
        let waker = Waker::from(Arc::new(TaskWaker { task: id, ready: self.ready.clone() }));
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            self.tasks.borrow_mut().remove(&id);
        } else if let Some(task) = self.tasks.borrow_mut().get_mut(&id) {
            task.future = Some(future);
            return;
        }
        // Dropping it may end or spawn others, so nothing is borrowed here.
        drop(future);
    }

    /// Whether there was a timer up to `latest`; its task is now ready.
    fn jump_to_next_timer(&self, latest: Time) -> bool {
        let mut timers = self.timers.borrow_mut();
        let Some(next) = timers.first_entry().filter(|next| next.key().0 <= latest) else {
            return false;
        };
        self.now.set(self.now().max(next.key().0));
        let waker = next.remove();
        drop(timers);
        waker.wake();
        true
    }

    fn end_tasks(&self, ends: impl Fn(&Task) -> bool) {
        let mut ended = Vec::new();
        let mut tasks = self.tasks.borrow_mut();
        tasks.retain(|_, task| {
            let end = ends(task);
            if end {
                ended.extend(task.future.take());
            }
            !end
        });
        drop(tasks);
        // Dropping them cancels timers and may spawn, so nothing is borrowed here.
        drop(ended);
    }

    fn next_number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    fn lock_ready(&self) -> std::sync::MutexGuard<'_, VecDeque<TaskId>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stuck(&self, why: &'static str) -> Stuck {
        Stuck { seed: self.seed, at: self.now(), why }
    }
}

/// A wait for virtual time.
pub(super) struct Sleep {
    world: Rc<World>,
    timer: TimerId,
}

impl Sleep {
    pub(super) fn new(world: &Rc<World>, ms: u64) -> Self {
        let timer = (world.now().plus_ms(ms), world.next_number());
        Self { world: world.clone(), timer }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.world.now() >= self.timer.0 {
            return Poll::Ready(());
        }
        self.world.timers.borrow_mut().insert(self.timer, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.world.timers.borrow_mut().remove(&self.timer);
    }
}
