//! What the pool does with its seats, one behaviour a story.

use std::{cell::RefCell, rc::Rc};

use super::*;

/// What every seat was given, by the seat's number, while it is open.
type Book = Rc<RefCell<Map<u64, Vec<ToGuest>>>>;

struct Room(Book);

struct Chair(u64, Book);

impl Seats for Room {
    type Seat = Chair;

    fn open(&self, number: u64, _: mpsc::UnboundedSender<SeatNews>) -> Result<Chair, String> {
        self.0.borrow_mut().insert(number, Vec::new());
        Ok(Chair(number, self.0.clone()))
    }
}

impl Seat for Chair {
    fn post(&mut self, message: ToGuest) {
        self.1.borrow_mut().entry(self.0).or_default().push(message);
    }
}

impl Drop for Chair {
    fn drop(&mut self) {
        self.1.borrow_mut().remove(&self.0);
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing is sent through it")]
fn pool(lends: u16) -> (Pool<Room>, Book) {
    let book = Book::default();
    let mut pool = Pool {
        seats: Room(book.clone()),
        seat_news: mpsc::unbounded().0,
        open: Map::new(),
        waiting: VecDeque::new(),
        modules: Map::new(),
        lends: 1,
        numbers: 0,
        told: Vec::new(),
    };
    pool.order(Order::Lend(lends));
    (pool, book)
}

fn inspect(pool: &mut Pool<Room>, run: u64) {
    pool.order(Order::Inspect(run, Arc::from([0_u8])));
}

/// The inspections that open seats were given.
fn looking(book: &Book) -> Vec<u64> {
    let book = book.borrow();
    let looking = book.values().flatten().filter_map(|said| match said {
        ToGuest::Inspect { run, .. } => Some(*run),
        _ => None,
    });
    looking.collect()
}

#[test]
fn an_inspection_that_is_given_up_frees_its_seat() {
    let (mut pool, book) = pool(1);
    for run in 1..=3 {
        inspect(&mut pool, run);
    }
    assert_eq!((looking(&book), pool.waiting.len()), (vec![1, 2], 1));
    pool.order(Order::LookAway(1));
    assert_eq!((looking(&book), pool.waiting.len()), (vec![2, 3], 0));
    assert_eq!(book.borrow().len(), 2, "no more seats than before");
}

#[test]
fn an_inspection_that_waits_can_be_given_up() {
    let (mut pool, book) = pool(1);
    for run in 1..=3 {
        inspect(&mut pool, run);
    }
    pool.order(Order::LookAway(3));
    assert_eq!((looking(&book), pool.waiting.len()), (vec![1, 2], 0));
}

#[test]
fn runs_and_inspections_are_named_apart() {
    let (mut pool, book) = pool(1);
    inspect(&mut pool, 1);
    pool.order(Order::Kill(1));
    assert_eq!(looking(&book), [1]);
}

#[test]
fn a_module_is_compiled_once_before_its_first_task_comes() {
    let (mut pool, book) = pool(2);
    assert_eq!(book.borrow().len(), 2, "as many seats as are lent are open");
    let module = [7; 32];
    pool.order(Order::Keep(module, Arc::from([0_u8])));
    let loads = |book: &Book| {
        let book = book.borrow();
        let is_load = |said: &&ToGuest| matches!(said, ToGuest::Load { .. });
        book.values().map(|said| said.iter().filter(is_load).count()).collect::<Vec<_>>()
    };
    assert_eq!(loads(&book), [1, 0]);
    let call = Call::Export { name: "run".to_owned(), arguments: Vec::new() };
    pool.order(Order::Run(1, module, Lane::Automatic, vec![call.clone()], Limits::default()));
    assert_eq!(loads(&book), [1, 0], "the seat that has it runs it");
    pool.order(Order::Run(2, module, Lane::Automatic, vec![call], Limits::default()));
    assert_eq!(loads(&book), [1, 1]);
}

#[test]
fn a_seat_is_idle_once_each_call_is_answered_or_left() {
    let (mut pool, book) = pool(1);
    let (module, call) = ([7; 32], Call::Json { input: Vec::new() });
    pool.order(Order::Keep(module, Arc::from([0_u8])));
    // The second has a spare seat, the third waits.
    for run in 1..=3 {
        let calls = vec![call.clone(); 3];
        pool.order(Order::Run(run, module, Lane::Automatic, calls, Limits::default()));
    }
    let given = |book: &Book| {
        let book = book.borrow();
        let runs = book.values().flatten().filter_map(|said| match said {
            ToGuest::Run { run, calls, .. } => Some((*run, calls.len())),
            _ => None,
        });
        runs.collect::<Vec<_>>()
    };
    let say = |pool: &mut Pool<Room>, said| pool.seat(SeatNews { number: 1, said });
    let reports = vec![Report::default()];
    say(&mut pool, Ok(FromGuest::Done { run: 1, reports: reports.clone() }));
    say(&mut pool, Ok(FromGuest::Yielded { run: 1, calls: 1 }));
    assert_eq!(given(&book), [(1, 3), (2, 3)]);
    say(&mut pool, Ok(FromGuest::Done { run: 1, reports: reports.clone() }));
    assert_eq!(given(&book), [(1, 3), (3, 3), (2, 3)]);
    say(&mut pool, Err("it died".to_owned()));
    let stop = Stop::WorkerLost { reason: "it died".to_owned() };
    let told = [
        News::Ran(1, reports.clone()),
        News::Yielded(1, 1),
        News::Ran(1, reports),
        News::Broke(3, stop),
    ];
    assert_eq!(pool.told, told);
}
