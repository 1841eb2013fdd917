//! Reaching ions that this one is not linked to (mission N3), through others.
//!
//! **Requests.** A request spreads over as many layers of neighbours as its
//! `echo` says, each ion once, and every ion may answer. Answers go back over
//! the ions that brought the request, and so does the news that nobody behind
//! will answer any more (the echo algorithm, E. Chang 1982), so that the asker
//! knows when it has heard everybody, and after [`ask_ms_max`] in any case.
//! Each answerer counts once. Answers are sealed for the asker.
//!
//! **Messages.** A message to one ion goes to it directly where a link stands,
//! else by a known way, next hop by next hop, with the path it took in its hand
//! so that it never meets an ion twice; else the ion is searched for by a
//! request in growing rings, which only that ion itself answers; where the ion is
//! known to live, a search in vain rests for [`REST_MS`] and goes on, until the
//! message is [`PATIENCE_MS`] old, for links come and go. A signal, by which a
//! link is to be made, is not worth a search. Where a message
//! can't go on, a refusal returns along its path and every ion on it forgets
//! that way; the origin then searches once more. What can't be delivered is
//! told as [`Effect::Unreachable`] within [`UNREACHABLE_MS_MAX`].
//!
//! **What is promised.** For one (origin, addressee, line): at most once, in
//! order, from that origin, unread by those who pass it on. What is not: that
//! it arrives. A message that is lost on its way is told as nothing; protocols
//! above repeat. A message of more than [`wire::PIECE_BYTES_MAX`] travels in
//! pieces and is lost when one is.
//!
//! **What it refuses**: to pass on what a neighbour or an origin sends beyond
//! its budget, to hold more than its queues do, to believe a request or an
//! answer that is not signed. Packets are checked by the addressee, and by an
//! ion on the way when it could learn a way from one.
//!
//! Bounds: those of [`wire`] and of the re-exported constants.

mod asks;
mod charges;
mod inbox;
mod letters;
mod outbox;
mod paths;
#[cfg(test)]
mod tests;
mod transit;
pub mod wire;

use std::sync::Arc;

pub use asks::{
    ANSWER_MS, ANSWERS_MAX, FLOOR_MS, LAYER_MS, OWN_REQUESTS_MAX, REQUEST_MS, REQUESTS_MAX,
    ask_ms_max, search_ms_max,
};
pub use charges::{
    ASKER_REQUESTS, ASKER_REQUESTS_IN_ALL, GIVEN_BYTES, GIVEN_FRAMES, NEIGHBOUR_BYTES,
    NEIGHBOUR_FRAMES, NEIGHBOUR_ORIGINS, NEIGHBOUR_REQUESTS, ORIGIN_BYTES, ORIGIN_FRAMES,
    ORIGINS_MAX,
};
pub use inbox::{
    CONVERSATION_MS, CONVERSATIONS_MAX, EARLY_MAX, ENDED_MAX, GAP_MS, HELD_BYTES_MAX,
    HELD_BYTES_PER_ORIGIN_MAX, PIECES_MS,
};
pub use letters::{
    ATTEMPTS_MAX, LOST_MS, NOT_FOUND_MS, PATIENCE_MS, PENDING_BYTES_MAX, REST_MS, RINGS,
    SEARCHES_MAX, SENT_BYTES_MAX, SENT_MS, TALKS_MAX, UNREACHABLE_MS_MAX,
};
pub use outbox::{OUT_BYTES, OWN_BYTES_MAX, TRANSIT_BYTES_MAX};
pub use paths::{DESTINATIONS_MAX, PATH_MS, WAYS_MAX};
pub use transit::PASSED_MAX;
pub use wire::{ECHO_MAX, Line, Obstacle};

use ion_map::Set;

use self::{
    asks::Asks,
    charges::Charges,
    inbox::{Arrived, Inbox},
    letters::{Letters, Post},
    outbox::Outbox,
    paths::Paths,
    wire::{Message, Refused},
};
use super::wire::encode;
use crate::{
    identity::{IonId, Keys},
    platform::Time,
};

/// Neighbours that messages are routed over.
pub const NEIGHBOURS_MAX: usize = 32;
/// Names that a machine may take before they reach those of the next, for each step
/// between their lives: in each millisecond.
const NAMES_PER_LIFE: u64 = 1 << 20;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A link stands.
    NeighbourUp(IonId),
    /// A link is gone.
    NeighbourDown(IonId),
    /// A frame came from a neighbour.
    Heard(IonId, Vec<u8>),
    /// A neighbour was the first to bring something that an ion signed.
    Hint {
        /// Who signed it.
        ion: IonId,
        /// The neighbour.
        via: IonId,
    },
    /// Bring a message to an ion.
    Send {
        /// To whom.
        to: IonId,
        /// What it is for.
        line: Line,
        /// The message; at most [`Line::bytes_max`].
        bytes: Vec<u8>,
        /// Whether the ion is known to live, so that a search which does not find
        /// it at once is worth a second one.
        is_there: bool,
    },
    /// Ask everybody within some layers.
    Ask {
        /// The caller's name for it; in use until [`Effect::Ended`].
        request: u64,
        /// 0 for the direct peers, 1 also for theirs, …, at most [`ECHO_MAX`].
        echo: u8,
        /// The question; at most [`wire::QUESTION_BYTES_MAX`].
        body: Vec<u8>,
    },
    /// What this ion answers to a question; once, within [`ANSWER_MS`].
    Reply {
        /// Who asked.
        asker: IonId,
        /// Its name at the asker.
        request: u64,
        /// The answer, at most [`wire::ANSWER_BYTES_MAX`]; `None` for none.
        body: Option<Vec<u8>>,
    },
    /// Time has passed; wanted every few hundred milliseconds.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a frame to a neighbour.
    Send(IonId, Vec<u8>),
    /// A message for this ion.
    Deliver {
        /// Who wrote it; verified.
        from: IonId,
        /// What it is for.
        line: Line,
        /// The message.
        bytes: Vec<u8>,
        /// Links that it crossed; 0 when it is this ion's own.
        hops: u16,
    },
    /// Messages to an ion were given up. One whose neighbour went just after it
    /// left may have arrived all the same.
    Unreachable {
        /// To whom.
        to: IonId,
        /// Why.
        why: Why,
        /// How many messages.
        messages: usize,
    },
    /// An ion asks. It wants an [`Input::Reply`], be it that there is none.
    Asked {
        /// Who; verified.
        asker: IonId,
        /// Its name at the asker.
        request: u64,
        /// The question.
        body: Vec<u8>,
        /// Who passed it on, from the asker to a neighbour of this ion.
        path: Vec<IonId>,
    },
    /// An ion answered; each ion once.
    Answered {
        /// The caller's name for the request.
        request: u64,
        /// Who; verified.
        from: IonId,
        /// The answer.
        body: Vec<u8>,
    },
    /// No more answers come.
    Ended {
        /// The caller's name for the request.
        request: u64,
        /// Answers that came.
        answers: usize,
        /// Whether everybody within reach was asked and had time to answer.
        is_complete: bool,
    },
    /// A neighbour broke the rules.
    Offence(IonId),
}

/// Why a message was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// This ion has no link at all.
    #[error("this ion is linked to nobody")]
    Alone,
    /// It was searched for, and nobody brought an answer of it.
    #[error("no ion within reach knows a way to it")]
    NotFound,
    /// Ions on the way refused it, again and again.
    #[error("ions on the way have too much to do")]
    Busy,
    /// Too much waits here already.
    #[error("too many messages wait on this ion")]
    Full,
    /// Longer than its line allows.
    #[error("the message is too long")]
    TooLong,
    /// The id is not that of an ion, so nothing can be sealed for it.
    #[error("the id belongs to no ion")]
    NoSuchIon,
}

/// The machine.
pub struct Routing {
    keys: Arc<dyn Keys>,
    own: IonId,
    /// The last name of a request or conversation.
    named: u64,
    neighbours: Set<IonId>,
    charges: Charges,
    paths: Paths,
    asks: Asks,
    letters: Letters,
    outbox: Outbox,
    passages: transit::Passages,
    inbox: Inbox,
}

impl Routing {
    /// Without neighbours yet. `life` is higher than that of every machine before
    /// under the same key, so that no request or conversation is taken for one of
    /// theirs: milliseconds since 1970 serve.
    pub fn new(keys: Arc<dyn Keys>, life: u64) -> Self {
        Self {
            own: keys.own(),
            named: life.saturating_mul(NAMES_PER_LIFE),
            neighbours: Set::new(),
            charges: Charges::default(),
            paths: Paths::default(),
            asks: Asks::default(),
            letters: Letters::default(),
            outbox: Outbox::new(keys.own()),
            keys,
            passages: transit::Passages::default(),
            inbox: Inbox::default(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        let before = effects.len();
        match input {
            Input::NeighbourUp(ion) => self.up(now, ion),
            Input::NeighbourDown(ion) => self.down(now, &ion, effects),
            Input::Heard(from, bytes) => self.heard(now, from, &bytes, effects),
            Input::Hint { ion, via } => self.hint(now, ion, via),
            Input::Send { to, line, bytes, is_there } => {
                self.write(now, to, Post { line, bytes, is_there }, effects);
            }
            Input::Ask { request, echo, body } => self.ask(now, request, echo, body, effects),
            Input::Reply { asker, request, body } => {
                self.reply(now, asker, request, body.as_deref(), effects);
            }
            Input::Tick => self.tick(now, effects),
        }
        self.flush(now, effects);
        // What is too much for a neighbour gets lost, as on any way.
        let charges = &mut self.charges;
        let mut place = 0;
        effects.retain(|effect| {
            place += 1;
            match effect {
                Effect::Send(to, frame) if place > before => charges.gives(now, to, frame.len()),
                _ => true,
            }
        });
    }

    /// By which neighbour a message to this ion would leave; `None` when it
    /// would have to be searched for.
    pub fn next_hop(&self, now: Time, ion: &IonId) -> Option<IonId> {
        if self.neighbours.contains(ion) {
            return Some(*ion);
        }
        self.paths.next(now, ion, &[])
    }

    /// A name that is higher than all before it.
    fn name(&mut self) -> u64 {
        self.named = self.named.saturating_add(1);
        self.named
    }

    fn up(&mut self, now: Time, ion: IonId) {
        if self.neighbours.len() < NEIGHBOURS_MAX && self.neighbours.insert(ion) {
            self.charges.up(now, ion);
        }
    }

    fn down(&mut self, now: Time, ion: &IonId, effects: &mut Vec<Effect>) {
        self.neighbours.remove(ion);
        self.charges.down(now, ion);
        self.paths.down(ion);
        self.outbox.down(ion);
        self.nobody_behind(now, ion, effects);
        self.refuse_after(now, ion, effects);
        self.write_again_after(now, ion, effects);
    }

    fn hint(&mut self, now: Time, ion: IonId, via: IonId) {
        if ion != self.own && self.neighbours.contains(&via) {
            self.paths.learn(now, ion, via);
        }
    }

    fn heard(&mut self, now: Time, from: IonId, bytes: &[u8], effects: &mut Vec<Effect>) {
        match self.charges.frame(now, &from, bytes.len()) {
            Err(true) => effects.push(Effect::Offence(from)),
            Err(false) => {}
            Ok(()) => {
                if self.read(now, from, bytes, effects).is_err() {
                    effects.push(Effect::Offence(from));
                }
            }
        }
    }

    fn read(
        &mut self,
        now: Time,
        from: IonId,
        bytes: &[u8],
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        match wire::decode(bytes)? {
            Message::Ask { ask, signature, path } => {
                came_from(&path, &from)?;
                self.asked(now, ask, &signature, path, effects)
            }
            Message::Answer { answer, signature } => {
                self.answered(now, from, answer, &signature, effects)
            }
            Message::Done { asker, request, is_complete } => {
                self.done(now, from, (asker, request), is_complete, effects);
                Ok(())
            }
            Message::Packet { header, sealed, signature, attempt, path } => {
                came_from(&path, &from)?;
                let packet = transit::Packet { header, sealed, signature, attempt, path };
                self.packet(now, packet, effects)
            }
            Message::Refusal { origin, to, conversation, number, attempt, why, path } => {
                let is_mine = path.last() == Some(&self.own);
                let name = transit::Name { origin, to, conversation, number, attempt };
                is_mine.then_some(()).ok_or(Refused::Path)?;
                self.refused(now, from, name, why, path, effects);
                Ok(())
            }
        }
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.paths.shrink(now);
        self.end_requests(now, effects);
        self.search_again(now, effects);
        self.end_letters(now);
        for arrived in self.inbox.tick(now) {
            effects.push(deliver(arrived));
        }
    }

    /// Lets go what may leave now.
    fn flush(&mut self, now: Time, effects: &mut Vec<Effect>) {
        while let Some((to, frame)) = self.outbox.pop(now) {
            effects.push(Effect::Send(to, frame));
        }
    }

    fn say(&self, to: IonId, message: &Message, effects: &mut Vec<Effect>) {
        if self.neighbours.contains(&to) {
            effects.push(Effect::Send(to, encode(message)));
        }
    }
}

fn deliver(arrived: Arrived) -> Effect {
    let Arrived { from, line, bytes, hops } = arrived;
    Effect::Deliver { from, line, bytes, hops }
}

/// Whether the last on the path is who sent the frame.
fn came_from(path: &[IonId], from: &IonId) -> Result<(), Refused> {
    if path.last() == Some(from) { Ok(()) } else { Err(Refused::Path) }
}
