//! The pool of guest workers: runs what the [`worker`](super::worker) machine
//! asks, one guest at a time in each. Decides nothing but which idle worker is
//! used, and replaces those that die.
//!
//! A guest worker is a *seat*: a dedicated worker in a tab, a thread natively.
//! As many as are lent are opened at once and stay warm; one more is opened for
//! a moment where a module is to be looked at while all are busy. A module that
//! comes is compiled in one of them before its first task comes.

use std::{collections::VecDeque, sync::Arc};

use futures::{SinkExt, StreamExt, channel::mpsc, select};
use ion_map::Map;
use spark_runtime::{
    Call, Lane, Limits, Report, Stop,
    inspect::Inspection,
    wire::{FromGuest, ModuleHash, ToGuest},
    worker::MODULES_MAX,
};

use crate::platform::Platform;

#[cfg(not(target_arch = "wasm32"))]
#[path = "guests/native.rs"]
mod host;
#[cfg(target_arch = "wasm32")]
#[path = "guests/web.rs"]
mod host;

pub use host::HostSeats;

/// Seats beyond those that are lent.
pub const SPARE_SEATS_MAX: usize = 1;
/// News that wait for the node.
pub const NEWS_MAX: usize = 256;

/// What is asked of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Keep a module ready to run.
    Keep(ModuleHash, Arc<[u8]>),
    /// Let go of a module.
    Drop(ModuleHash),
    /// Run guests of a module in one seat, one after the other.
    Run(u64, ModuleHash, Lane, Vec<Call>, Limits),
    /// End a run; no answer is wanted.
    Kill(u64),
    /// Look at a module.
    Inspect(u64, Arc<[u8]>),
    /// Look no longer at a module; no answer is wanted.
    LookAway(u64),
    /// How many seats to keep warm.
    Lend(u16),
}

/// What the pool tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The next guests of a run ended, in their order.
    Ran(u64, Vec<Report>),
    /// So many last calls of a run are not made: the one before them takes long.
    Yielded(u64, usize),
    /// A run ended with the seat, or had none: no more of its guests end.
    Broke(u64, Stop),
    /// A module was looked at.
    Inspected(u64, Result<Inspection, Stop>),
}

/// Opens seats.
pub trait Seats: 'static {
    /// One guest worker.
    type Seat: Seat;

    /// Opens a seat that tells its news under that number. The error is a
    /// reason for people.
    fn open(
        &self,
        number: u64,
        news: mpsc::UnboundedSender<SeatNews>,
    ) -> Result<Self::Seat, String>;
}

/// One guest worker; it ends when it is dropped, whatever it is doing.
pub trait Seat {
    /// Gives it a request.
    fn post(&mut self, message: ToGuest);
}

/// What a seat tells.
#[derive(Debug)]
pub struct SeatNews {
    /// Which seat.
    pub number: u64,
    /// What it said, or why it died.
    pub said: Result<FromGuest, String>,
}

/// The two ends of a running pool; it stops when they are dropped.
pub struct Guests {
    /// Where orders go.
    pub orders: mpsc::UnboundedSender<Order>,
    /// Where news comes from.
    pub news: mpsc::Receiver<News>,
}

/// Starts a pool.
#[expect(
    clippy::disallowed_methods,
    reason = "the node may not wait; it asks for as many runs as it lends, and a seat answers once"
)]
pub fn start<P: Platform, S: Seats>(platform: &P, seats: S) -> Guests {
    let (orders, taken) = mpsc::unbounded();
    let (told, news) = mpsc::channel(NEWS_MAX);
    // A seat says one thing for each request that it was given.
    let (seat_news, from_seats) = mpsc::unbounded();
    let pool = Pool {
        seats,
        seat_news,
        open: Map::new(),
        waiting: VecDeque::new(),
        modules: Map::new(),
        lends: 1,
        numbers: 0,
        told: Vec::new(),
    };
    platform.spawn(Box::pin(pool.serve(taken, from_seats, told)));
    Guests { orders, news }
}

struct Pool<S: Seats> {
    seats: S,
    seat_news: mpsc::UnboundedSender<SeatNews>,
    open: Map<u64, Taken<S::Seat>>,
    waiting: VecDeque<Work>,
    modules: Map<ModuleHash, Arc<[u8]>>,
    lends: usize,
    numbers: u64,
    told: Vec<News>,
}

struct Taken<S> {
    seat: S,
    /// Modules that it holds, the most recently used last, as it counts itself.
    holds: Vec<ModuleHash>,
    work: Option<Work>,
    /// Answers that the work still has to give.
    left: usize,
}

enum Work {
    Run(u64, ModuleHash, Lane, Vec<Call>, Limits),
    Inspect(u64, Arc<[u8]>),
}

impl<S: Seats> Pool<S> {
    async fn serve(
        mut self,
        mut orders: mpsc::UnboundedReceiver<Order>,
        mut from_seats: mpsc::UnboundedReceiver<SeatNews>,
        mut told: mpsc::Sender<News>,
    ) {
        loop {
            select! {
                order = orders.next() => match order {
                    Some(order) => self.order(order),
                    None => return,
                },
                news = from_seats.select_next_some() => self.seat(news),
            }
            for news in std::mem::take(&mut self.told) {
                if told.send(news).await.is_err() {
                    return;
                }
            }
        }
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Keep(module, binary) => self.keep(module, binary),
            Order::Drop(module) => drop(self.modules.remove(&module)),
            Order::Run(run, module, lane, calls, limits) => {
                self.waiting.push_back(Work::Run(run, module, lane, calls, limits));
            }
            Order::Kill(run) => self.end(|work| matches!(work, Work::Run(one, ..) if *one == run)),
            Order::LookAway(run) => {
                self.end(|work| matches!(work, Work::Inspect(one, _) if *one == run));
            }
            Order::Inspect(run, binary) => self.waiting.push_front(Work::Inspect(run, binary)),
            Order::Lend(workers) => {
                self.lends = usize::from(workers);
                self.cool();
                self.warm();
            }
        }
        self.assign();
    }

    /// Keeps a module, and lets one idle seat compile it: its first tasks are
    /// still on their way. The others do so when they are needed.
    fn keep(&mut self, module: ModuleHash, binary: Arc<[u8]>) {
        // The one that the next run goes to.
        let idle = self.open.values_mut().find(|taken| taken.work.is_none());
        if let Some(taken) = idle {
            taken.load(module, &binary);
        }
        self.modules.insert(module, binary);
    }

    /// Opens seats up to what is lent.
    fn warm(&mut self) {
        while self.open.len() < self.lends && self.open_seat().is_ok() {}
    }

    /// Closes idle seats beyond what is lent.
    fn cool(&mut self) {
        while self.open.len() > self.lends.max(1) {
            let idle = self.open.iter().find(|(_, taken)| taken.work.is_none());
            let Some(number) = idle.map(|(number, _)| *number) else { return };
            self.open.remove(&number);
        }
    }

    fn open_seat(&mut self) -> Result<u64, String> {
        self.numbers += 1;
        let number = self.numbers;
        let seat = self.seats.open(number, self.seat_news.clone())?;
        self.open.insert(number, Taken { seat, holds: Vec::new(), work: None, left: 0 });
        Ok(number)
    }

    fn assign(&mut self) {
        while let Some(work) = self.waiting.pop_front() {
            match self.free_seat() {
                Ok(Some(number)) => self.give(number, work),
                Ok(None) => {
                    self.waiting.push_front(work);
                    return;
                }
                Err(reason) => self.fail(&work, reason),
            }
        }
    }

    fn free_seat(&mut self) -> Result<Option<u64>, String> {
        if let Some((number, _)) = self.open.iter().find(|(_, taken)| taken.work.is_none()) {
            return Ok(Some(*number));
        }
        if self.open.len() >= self.lends + SPARE_SEATS_MAX {
            return Ok(None);
        }
        self.open_seat().map(Some)
    }

    fn give(&mut self, number: u64, mut work: Work) {
        let Some(taken) = self.open.get_mut(&number) else { return };
        match &mut work {
            Work::Run(run, module, lane, calls, limits) => {
                let Some(binary) = self.modules.get(module) else {
                    self.fail(&work, "the module is not here".to_owned());
                    return;
                };
                taken.load(*module, binary);
                taken.left = calls.len();
                let (run, module, lane) = (*run, *module, *lane);
                let (calls, limits) = (std::mem::take(calls), *limits);
                taken.seat.post(ToGuest::Run { run, module, lane, calls, limits });
            }
            Work::Inspect(run, binary) => {
                taken.left = 1;
                taken.seat.post(ToGuest::Inspect { run: *run, binary: binary.to_vec() });
            }
        }
        taken.work = Some(work);
    }

    /// Ends work, whether it waits or is being done.
    fn end(&mut self, is_it: impl Fn(&Work) -> bool) {
        self.waiting.retain(|work| !is_it(work));
        let does = |taken: &Taken<S::Seat>| taken.work.as_ref().is_some_and(&is_it);
        let number = self.open.iter().find(|(_, taken)| does(taken)).map(|(number, _)| *number);
        if let Some(number) = number {
            self.open.remove(&number);
            self.warm();
        }
    }

    fn seat(&mut self, news: SeatNews) {
        let SeatNews { number, said } = news;
        match said {
            Ok(FromGuest::Ready) => {}
            Ok(FromGuest::Done { run, reports }) => {
                self.answered(number, reports.len());
                self.told.push(News::Ran(run, reports));
            }
            Ok(FromGuest::Yielded { run, calls }) => {
                self.answered(number, calls);
                self.told.push(News::Yielded(run, calls));
            }
            Ok(FromGuest::Inspected { run, result }) => {
                self.answered(number, 1);
                self.told.push(News::Inspected(run, result));
            }
            Err(reason) => {
                let work = self.open.remove(&number).and_then(|taken| taken.work);
                if let Some(work) = work {
                    self.fail(&work, reason);
                    self.warm();
                }
            }
        }
        self.assign();
    }

    /// A seat gave answers; after the last one it is idle again, or one too many.
    fn answered(&mut self, number: u64, answers: usize) {
        let Some(taken) = self.open.get_mut(&number) else { return };
        taken.left = taken.left.saturating_sub(answers);
        if taken.left > 0 {
            return;
        }
        taken.work = None;
        if self.open.len() > self.lends.max(1) && self.waiting.is_empty() {
            self.open.remove(&number);
        }
    }

    fn fail(&mut self, work: &Work, reason: String) {
        let stop = Stop::WorkerLost { reason };
        self.told.push(match work {
            Work::Run(run, ..) => News::Broke(*run, stop),
            Work::Inspect(run, _) => News::Inspected(*run, Err(stop)),
        });
    }
}

impl<S: Seat> Taken<S> {
    /// Makes sure that the seat has the module, keeping count as it does.
    fn load(&mut self, module: ModuleHash, binary: &[u8]) {
        let held = self.holds.iter().position(|held| *held == module);
        if let Some(position) = held {
            self.holds.remove(position);
        } else {
            self.seat.post(ToGuest::Load { module, binary: binary.to_vec() });
            if self.holds.len() == MODULES_MAX {
                self.holds.remove(0);
            }
        }
        self.holds.push(module);
    }
}

#[cfg(test)]
mod tests;
