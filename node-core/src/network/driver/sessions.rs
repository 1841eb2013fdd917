//! Which streams stand with which ion, and what waits to be sent there.
//!
//! A room's stream can be replaced by one over another connection without loss
//! and in order: the writer ends the old one with a mark and goes on over the
//! new one; the reader reads the old one to its end first.

use std::{cell::Cell, rc::Rc};

use futures::channel::{mpsc, oneshot};
use ion_map::Map;
use libp2p::Stream;

use super::{
    QUEUE_BYTES_MAX, QUEUE_FRAMES_MAX,
    streams::{Source, WriteEnd},
};
use crate::{
    identity::IonId,
    network::{ways::Way, wire::Room},
};

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
    /// Its successor carries on.
    Moved {
        ion: IonId,
        number: u64,
    },
    /// What came on a stream cannot be frames of its room.
    Malformed {
        ion: IonId,
    },
    Ended {
        ion: IonId,
        number: u64,
    },
    /// A frame of the store room left.
    Sent {
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
    /// The kind of connection that its streams are asked of.
    way: Option<Way>,
    outbound: Map<Room, Outbound>,
    inbound: Map<u64, Inbound>,
    queued: Rc<Cell<usize>>,
}

struct Outbound {
    /// Names the writer.
    number: u64,
    frames: mpsc::Sender<Vec<u8>>,
    moves: mpsc::Sender<Stream>,
    /// The stream that was asked for and is not open yet.
    asked: Option<u64>,
    /// The kind of connection that its newest stream is, or is to be, on.
    way: Option<Way>,
    /// Kept until the first stream is open.
    waiting: Option<(Waiting, oneshot::Receiver<()>)>,
    /// Tells the writer to stop at once. When it is dropped instead, the
    /// writer may finish what is queued, for a while.
    abandon: oneshot::Sender<()>,
}

/// The ends that a writer takes from.
type Waiting = (mpsc::Receiver<Vec<u8>>, mpsc::Receiver<Stream>);

struct Inbound {
    room: Room,
    /// What it said first, once it has and is not refused.
    opening: Option<Vec<u8>>,
    refuse: Option<oneshot::Sender<()>>,
    /// Lets it be read on.
    go: Option<oneshot::Sender<()>>,
}

/// All that an open stream's task needs to write.
pub(super) struct ToWrite {
    /// Names the writer.
    pub(super) number: u64,
    pub(super) room: Room,
    pub(super) stream: Stream,
    pub(super) source: Source,
    pub(super) queued: Rc<Cell<usize>>,
    /// Comes when nothing more is to be written; see [`Session::abandon`].
    pub(super) abandoned: oneshot::Receiver<()>,
}

/// What an inbound stream's reader waits for.
pub(super) struct ToRead {
    pub(super) refused: oneshot::Receiver<()>,
    pub(super) go: oneshot::Receiver<()>,
}

/// A stream to ask for: in which room, under which number, of which kind.
pub(super) type Wish = (Room, u64, Way);

/// The ion takes no more bytes.
#[derive(Debug)]
pub(super) struct Full;

impl Session {
    /// Whether it was asked for here, or the ion has opened a room.
    pub(super) fn has_opening(&self) -> bool {
        self.opening.is_some() || self.inbound.values().any(|stream| stream.opening.is_some())
    }

    /// Queues a frame, for a writer with this number if the room has none yet.
    pub(super) fn queue(&mut self, room: Room, frame: Vec<u8>, number: u64) -> Result<(), Full> {
        let queued = self.queued.get() + frame.len();
        if queued > QUEUE_BYTES_MAX {
            return Err(Full);
        }
        let outbound = self.outbound.entry(room).or_insert_with(|| Outbound::new(number));
        outbound.frames.try_send(frame).map_err(|_| Full)?;
        self.queued.set(queued);
        Ok(())
    }

    /// Asks streams of connections of that kind from now on.
    pub(super) fn go_by(&mut self, way: Way) {
        self.way = Some(way);
    }

    /// Whether it was told over which kind of connection to talk.
    pub(super) fn has_way(&self) -> bool {
        self.way.is_some()
    }

    /// Streams to ask for: those of rooms that have none on the present kind of
    /// connection. `next` numbers them.
    pub(super) fn request(&mut self, mut next: impl FnMut() -> u64) -> Vec<Wish> {
        let (Some(way), Some(_)) = (self.way, &self.opening) else { return Vec::new() };
        let mut wishes = Vec::new();
        for (room, outbound) in &mut self.outbound {
            if outbound.way != Some(way) {
                let number = next();
                outbound.way = Some(way);
                outbound.asked = Some(number);
                wishes.push((*room, number, way));
            }
        }
        wishes
    }

    /// A stream that was asked for is open. The first of a room begins its
    /// writer; a later one is handed to it, and one that nobody wants is dropped.
    pub(super) fn begin(&mut self, number: u64, stream: Stream) -> Option<ToWrite> {
        let opening = self.opening.clone()?;
        let asked = |one: &(&Room, &mut Outbound)| one.1.asked == Some(number);
        let (room, outbound) = self.outbound.iter_mut().find(asked)?;
        let room = *room;
        outbound.asked = None;
        let Some(((frames, moves), abandoned)) = outbound.waiting.take() else {
            // A writer that has had no time for two is as good as stuck.
            let _ = outbound.moves.try_send(stream);
            return None;
        };
        let source = Source { opening, frames, moves };
        let number = outbound.number;
        Some(ToWrite { number, room, stream, source, queued: self.queued.clone(), abandoned })
    }

    /// A stream that was asked for could not be opened; the number of the
    /// writer that has none now.
    pub(super) fn unopened(&mut self, number: u64) -> Option<u64> {
        let asked = |one: &&mut Outbound| one.asked == Some(number);
        let outbound = self.outbound.values_mut().find(asked)?;
        outbound.asked = None;
        // One that writes already goes on where it is.
        outbound.waiting.is_some().then_some(outbound.number)
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
    pub(super) fn accept(&mut self, room: Room, number: u64) -> Option<ToRead> {
        if self.inbound.len() >= INBOUND_MAX {
            return None;
        }
        let (refuse, refused) = oneshot::channel();
        let (go, gone) = oneshot::channel();
        let inbound = Inbound { room, opening: None, refuse: Some(refuse), go: Some(go) };
        self.inbound.insert(number, inbound);
        Some(ToRead { refused, go: gone })
    }

    /// An inbound stream said its opening. Other words than those of the open
    /// streams begin a new session: all that is older goes. The same words
    /// replace the room's older stream, once that has ended. Whether the stream
    /// is the first of its session and room.
    pub(super) fn open(&mut self, room: Room, number: u64, opening: &[u8]) -> bool {
        if !self.inbound.contains_key(&number) {
            return false;
        }
        let is_other = |one: &Inbound| one.opening.as_deref().is_some_and(|said| said != opening);
        if self.inbound.values().any(is_other) {
            self.inbound.retain(|_, one| one.opening.is_none());
            self.abandon();
        }
        let is_first = !self.has_room(room);
        if let Some(inbound) = self.inbound.get_mut(&number) {
            inbound.opening = Some(opening.to_vec());
        }
        if is_first {
            self.let_go(room);
        }
        is_first
    }

    fn has_room(&self, room: Room) -> bool {
        self.inbound.values().any(|one| one.room == room && one.opening.is_some())
    }

    /// Lets the room's oldest stream be read.
    fn let_go(&mut self, room: Room) {
        let counted = |one: &&mut Inbound| one.room == room && one.opening.is_some();
        if let Some(go) = self.inbound.values_mut().find(counted).and_then(|one| one.go.take()) {
            let _ = go.send(());
        }
    }

    /// Whether a frame of that stream counts. The first frame of one that took
    /// too long to wait for an older one ends the older.
    pub(super) fn hears(&mut self, number: u64) -> bool {
        let Some(inbound) = self.inbound.get(&number).filter(|one| one.opening.is_some()) else {
            return false;
        };
        let room = inbound.room;
        self.inbound
            .retain(|other, one| *other >= number || one.room != room || one.opening.is_none());
        true
    }

    /// An inbound stream ended, `moved` if it said that another carries on;
    /// whether the session ends with it.
    pub(super) fn ended(&mut self, number: u64, moved: bool) -> bool {
        let Some(inbound) = self.inbound.remove(&number) else { return false };
        let has_counted = inbound.opening.is_some();
        let is_replaced = moved || self.has_room(inbound.room);
        self.let_go(inbound.room);
        has_counted && !is_replaced
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

impl Outbound {
    fn new(number: u64) -> Self {
        let (frames, waiting) = mpsc::channel(QUEUE_FRAMES_MAX);
        let (moves, successors) = mpsc::channel(1);
        let (abandon, abandoned) = oneshot::channel();
        let waiting = Some(((waiting, successors), abandoned));
        Self { number, frames, moves, asked: None, way: None, waiting, abandon }
    }
}

#[cfg(test)]
mod tests;
