//! Which streams stand with which ion, and what waits to be sent there.

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use futures::channel::{mpsc, oneshot};

use super::{QUEUE_BYTES_MAX, QUEUE_FRAMES_MAX, streams::WriteEnd};
use crate::{identity::IonId, network::wire::Room};

/// Streams that one ion may have open to us.
pub(super) const INBOUND_MAX: usize = 4 * Room::ALL.len();

/// What a stream's task tells the driver.
#[derive(Debug)]
pub(super) enum StreamNews {
    Opened {
        ion: IonId,
        room: Room,
        number: u64,
        bytes: Vec<u8>,
    },
    Frame {
        ion: IonId,
        room: Room,
        number: u64,
        bytes: Vec<u8>,
    },
    /// What came on a stream cannot be frames of its room.
    Malformed {
        ion: IonId,
    },
    Ended {
        ion: IonId,
        number: u64,
    },
    Wrote {
        ion: IonId,
        number: u64,
        end: WriteEnd,
    },
}

/// All that stands with one ion.
#[derive(Default)]
pub(super) struct Session {
    /// What every stream to it opens with; `None` while it was not asked for.
    pub(super) opening: Option<Vec<u8>>,
    outbound: BTreeMap<Room, Outbound>,
    inbound: BTreeMap<u64, Inbound>,
    queued: Rc<Cell<usize>>,
}

struct Outbound {
    number: u64,
    frames: mpsc::Sender<Vec<u8>>,
    /// Whether a stream was asked for.
    is_requested: bool,
    /// Kept until the stream is open.
    waiting: Option<(mpsc::Receiver<Vec<u8>>, oneshot::Receiver<()>)>,
    /// Tells the writer to stop at once. When it is dropped instead, the
    /// writer may finish what is queued, for a while.
    abandon: oneshot::Sender<()>,
}

struct Inbound {
    room: Room,
    /// What it said first, once it has and is not refused.
    opening: Option<Vec<u8>>,
    refuse: Option<oneshot::Sender<()>>,
}

/// All that an open stream's task needs to write.
pub(super) struct ToWrite {
    pub(super) opening: Vec<u8>,
    pub(super) frames: mpsc::Receiver<Vec<u8>>,
    pub(super) queued: Rc<Cell<usize>>,
    /// Comes when nothing more is to be written; see [`Session::abandon`].
    pub(super) abandoned: oneshot::Receiver<()>,
}

/// The ion takes no more bytes.
#[derive(Debug)]
pub(super) struct Full;

impl Session {
    /// Queues a frame, in a stream with this number if the room has none yet.
    pub(super) fn queue(&mut self, room: Room, frame: Vec<u8>, number: u64) -> Result<(), Full> {
        let queued = self.queued.get() + frame.len();
        if queued > QUEUE_BYTES_MAX {
            return Err(Full);
        }
        let outbound = self.outbound.entry(room).or_insert_with(|| {
            let (frames, waiting) = mpsc::channel(QUEUE_FRAMES_MAX);
            let (abandon, abandoned) = oneshot::channel();
            let waiting = Some((waiting, abandoned));
            Outbound { number, frames, is_requested: false, waiting, abandon }
        });
        outbound.frames.try_send(frame).map_err(|_| Full)?;
        self.queued.set(queued);
        Ok(())
    }

    /// Streams to ask for, now that the connection stands.
    pub(super) fn request(&mut self) -> Vec<(Room, u64)> {
        if self.opening.is_none() {
            return Vec::new();
        }
        let mut streams = Vec::new();
        for (room, outbound) in &mut self.outbound {
            if !std::mem::replace(&mut outbound.is_requested, true) {
                streams.push((*room, outbound.number));
            }
        }
        streams
    }

    /// A stream that was asked for is open; `None` when nobody wants it now.
    pub(super) fn begin(&mut self, number: u64) -> Option<ToWrite> {
        let opening = self.opening.clone()?;
        let outbound = self.outbound.values_mut().find(|one| one.number == number)?;
        let (frames, abandoned) = outbound.waiting.take()?;
        Some(ToWrite { opening, frames, queued: self.queued.clone(), abandoned })
    }

    /// Drops all that waits to be sent, at once.
    pub(super) fn abandon(&mut self) {
        for (_, outbound) in std::mem::take(&mut self.outbound) {
            // A writer that has ended needs not be told.
            let _ = outbound.abandon.send(());
        }
        self.queued = Rc::default();
    }

    /// Takes a new inbound stream; `None` when there are too many.
    pub(super) fn accept(&mut self, room: Room, number: u64) -> Option<oneshot::Receiver<()>> {
        if self.inbound.len() >= INBOUND_MAX {
            return None;
        }
        let (refuse, refused) = oneshot::channel();
        self.inbound.insert(number, Inbound { room, opening: None, refuse: Some(refuse) });
        Some(refused)
    }

    /// An inbound stream said its opening. Other words than those of the open
    /// streams begin a new session: all that is older goes. The same words
    /// replace the room's older stream. Whether the stream is still ours.
    pub(super) fn open(&mut self, room: Room, number: u64, opening: &[u8]) -> bool {
        if !self.inbound.contains_key(&number) {
            return false;
        }
        let is_other = |one: &Inbound| one.opening.as_deref().is_some_and(|said| said != opening);
        if self.inbound.values().any(is_other) {
            self.inbound.retain(|_, one| one.opening.is_none());
            self.abandon();
        }
        self.inbound.retain(|_, one| one.opening.is_none() || one.room != room);
        if let Some(inbound) = self.inbound.get_mut(&number) {
            inbound.opening = Some(opening.to_vec());
        }
        true
    }

    /// Whether a frame of that stream counts.
    pub(super) fn hears(&self, number: u64) -> bool {
        self.inbound.get(&number).is_some_and(|one| one.opening.is_some())
    }

    /// An inbound stream ended; whether it had counted.
    pub(super) fn ended(&mut self, number: u64) -> bool {
        self.inbound.remove(&number).is_some_and(|one| one.opening.is_some())
    }

    /// Whether an outbound stream is still ours.
    pub(super) fn speaks(&self, number: u64) -> bool {
        self.outbound.values().any(|one| one.number == number)
    }

    /// Lets every inbound stream say that it is refused, and end.
    pub(super) fn refuse(&mut self) {
        for inbound in self.inbound.values_mut() {
            if let Some(refuse) = inbound.refuse.take() {
                let _ = refuse.send(());
            }
            inbound.opening = None;
        }
    }

    /// Whether anything of it is left.
    pub(super) fn is_empty(&self) -> bool {
        self.opening.is_none() && self.inbound.is_empty() && self.outbound.is_empty()
    }
}
