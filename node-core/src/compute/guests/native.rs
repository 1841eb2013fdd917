//! Seats as threads of a native program.

use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Instant,
};

use futures::channel::mpsc;
use spark_runtime::{
    Clock,
    wire::ToGuest,
    worker::{Tell, Worker},
};

use super::{Seat, SeatNews, Seats};

/// Opens threads.
#[derive(Debug, Default)]
pub struct HostSeats;

/// A thread. It is told to end when this is dropped, and does so at the
/// guest's next deadline check.
pub struct ThreadSeat {
    requests: Sender<ToGuest>,
    is_over: Arc<AtomicBool>,
}

impl Seats for HostSeats {
    type Seat = ThreadSeat;

    fn open(
        &self,
        number: u64,
        news: mpsc::UnboundedSender<SeatNews>,
    ) -> Result<ThreadSeat, String> {
        let (requests, taken) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let flag = is_over.clone();
        thread::Builder::new()
            .name(format!("guest-{number}"))
            .spawn(move || serve(number, &taken, &news, flag))
            .map_err(|why| why.to_string())?;
        Ok(ThreadSeat { requests, is_over })
    }
}

impl Seat for ThreadSeat {
    fn post(&mut self, message: ToGuest) {
        // A thread that is gone has said why.
        let _ = self.requests.send(message);
    }
}

impl Drop for ThreadSeat {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn serve(
    number: u64,
    requests: &Receiver<ToGuest>,
    news: &mpsc::UnboundedSender<SeatNews>,
    is_over: Arc<AtomicBool>,
) {
    #[expect(clippy::disallowed_methods, reason = "a driver's clock: deadlines of its guests")]
    let start = Instant::now();
    // A seat that is over is past every deadline.
    let clock: Clock = Rc::new(move || {
        let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        if is_over.load(Ordering::Relaxed) { u64::MAX } else { elapsed_ms }
    });
    let told = news.clone();
    // A pool that is gone has dropped this seat, whose requests end then.
    let tell: Tell =
        Rc::new(move |answer| drop(told.unbounded_send(SeatNews { number, said: Ok(answer) })));
    let mut worker = Worker::new();
    while let Ok(request) = requests.recv() {
        worker.handle(request, &clock, &tell);
    }
}
