//! Making links without a relay: offers and answers of WebRTC that travel
//! through other ions as routed messages ([`Line::Signal`](super::routing::Line)).
//!
//! An offer or answer is signed by its author's identity key over kind, both
//! ions, nebula, nonce and description; the description holds the DTLS
//! fingerprint, so the signature binds the connection to the ion. An answer
//! repeats its offer's nonce and counts for that offer only.
//!
//! Routing does not promise that a message arrives: an offer is repeated every
//! [`REPEAT_MS`], and the repetition is answered with the same answer. Where
//! both sides offer at once, the offer of the smaller id stands. Nothing is
//! dated: clocks of machines differ by hours, and a wrong clock must not cut an
//! ion off. A replayed offer is refused while its nonce is remembered; later it
//! costs one attempt that comes to nothing, as its fingerprint is of a
//! connection long gone.
//!
//! Whether offers and answers pass at all is seen with a probe: a signal without a
//! description, which is answered by the machine itself and makes no connection.
//!
//! It refuses more than one attempt per ion, more than [`ATTEMPTS_MAX`] at once,
//! more than [`OFFERS`] of one ion, and what is not signed. An attempt ends
//! after [`ATTEMPT_MS`].

#[cfg(test)]
mod tests;
pub mod wire;

use std::{collections::VecDeque, sync::Arc};

use ion_map::Map;

use self::wire::{Kind, Nonce, Signal};
use super::budget::{Bucket, Rate};
use crate::{
    identity::{IonId, Keys, NebulaId},
    platform::{Time, sim::Rng},
};

/// Attempts at once, both ways together.
pub const ATTEMPTS_MAX: usize = 16;
/// How long an attempt may take, in milliseconds.
pub const ATTEMPT_MS: u64 = 20_000;
/// Between two times that an offer is sent, in milliseconds.
pub const REPEAT_MS: u64 = 4_000;
/// Offers that are taken of one ion.
pub const OFFERS: Rate = Rate { per_s: 1, burst: 5 };
/// Ions whose offers are counted.
pub const ORIGINS_MAX: usize = 1_024;
/// Nonces that are remembered.
pub const NONCES_MAX: usize = 4_096;

/// Names an attempt between machine and driver.
pub type AttemptId = u64;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A link to this ion is wanted.
    Connect(IonId),
    /// Whether offers and answers pass to this ion and back is to be seen; answered
    /// by [`Effect::Probed`], or by nothing. One at a time: the last one asked for.
    Probe(IonId),
    /// The driver made an offer.
    Offer {
        /// For which attempt.
        attempt: AttemptId,
        /// What the other side needs to know.
        description: Vec<u8>,
    },
    /// The driver made an answer.
    Answer {
        /// For which attempt.
        attempt: AttemptId,
        /// What the other side needs to know.
        description: Vec<u8>,
    },
    /// A routed message came.
    Heard(IonId, Vec<u8>),
    /// Routing can't bring messages to this ion.
    Unreachable(IonId),
    /// A link to this ion stands, however it came about.
    Up(IonId),
    /// The driver failed.
    Failed(AttemptId),
    /// Time has passed; wanted a few times a second.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make an offer for a connection to this ion.
    MakeOffer(AttemptId, IonId),
    /// Make an answer to this ion's offer.
    MakeAnswer(AttemptId, IonId, Vec<u8>),
    /// The ion answered the attempt's offer.
    Accept(AttemptId, IonId, Vec<u8>),
    /// Drop the connection of an attempt.
    Abandon(AttemptId),
    /// Bring this to an ion.
    Route(IonId, Vec<u8>),
    /// No link to this ion came about.
    Failed(IonId, Why),
    /// A probe came to this ion, and back.
    Probed(IonId),
}

/// Why no link came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// [`ATTEMPTS_MAX`] are under way.
    #[error("too many attempts are under way")]
    Busy,
    /// No message reaches it.
    #[error("no way to it is known")]
    Unreachable,
    /// It did not answer.
    #[error("it did not answer in time")]
    NoAnswer,
    /// Offer and answer were exchanged, and no link stood in time.
    #[error("offer and answer were exchanged, but no direct connection came about")]
    NoConnection,
    /// The driver failed, or made a description over its limit.
    #[error("the browser could not make the connection")]
    Driver,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// The driver makes an offer.
    Offering,
    /// The offer is sent, and sent again when due.
    Offered { frame: Vec<u8>, again_at: Time },
    /// The driver makes an answer.
    Answering,
    /// Both sides know all that they need. The answer, if it is ours.
    Exchanged { answer: Option<Vec<u8>> },
}

#[derive(Debug)]
struct Attempt {
    id: AttemptId,
    nonce: Nonce,
    stage: Stage,
    until: Time,
}

/// The machine.
pub struct Signaling {
    keys: Arc<dyn Keys>,
    own: IonId,
    nebula: NebulaId,
    rng: Rng,
    attempts: Map<IonId, Attempt>,
    next: AttemptId,
    origins: Map<IonId, (Bucket, Time)>,
    nonces: VecDeque<(IonId, Nonce)>,
    probe: Option<(IonId, Nonce)>,
}

impl Signaling {
    /// For one nebula. `rng` makes nonces.
    pub fn new(keys: Arc<dyn Keys>, nebula: NebulaId, rng: Rng) -> Self {
        Self {
            own: keys.own(),
            keys,
            nebula,
            rng,
            attempts: Map::new(),
            next: 0,
            origins: Map::new(),
            nonces: VecDeque::new(),
            probe: None,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Connect(ion) => self.connect(now, ion, effects),
            Input::Probe(ion) => self.probe(ion, effects),
            Input::Offer { attempt, description } => {
                self.made(now, attempt, Kind::Offer, description, effects);
            }
            Input::Answer { attempt, description } => {
                self.made(now, attempt, Kind::Answer, description, effects);
            }
            Input::Heard(from, bytes) => self.heard(now, from, &bytes, effects),
            Input::Unreachable(ion) => self.unreachable(ion, effects),
            Input::Up(ion) => {
                let attempt = self.attempts.remove(&ion);
                // Another connection came first: nobody will answer this offer.
                let is_offer =
                    |one: &Attempt| matches!(one.stage, Stage::Offering | Stage::Offered { .. });
                effects.extend(attempt.filter(is_offer).map(|one| Effect::Abandon(one.id)));
            }
            Input::Failed(attempt) => {
                if let Some(ion) = self.whose(attempt) {
                    self.attempts.remove(&ion);
                    effects.push(Effect::Failed(ion, Why::Driver));
                }
            }
            Input::Tick => self.tick(now, effects),
        }
    }

    /// Ions to which links are being made.
    pub fn under_way(&self) -> impl Iterator<Item = IonId> {
        self.attempts.keys().copied()
    }

    fn connect(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        if ion == self.own || self.attempts.contains_key(&ion) {
            return;
        }
        if self.attempts.len() >= ATTEMPTS_MAX {
            return effects.push(Effect::Failed(ion, Why::Busy));
        }
        let nonce = self.nonce();
        let id = self.begin(now, ion, nonce, Stage::Offering);
        effects.push(Effect::MakeOffer(id, ion));
    }

    fn nonce(&mut self) -> Nonce {
        let mut nonce = [0; 16];
        self.rng.fill(&mut nonce);
        Nonce(nonce)
    }

    fn probe(&mut self, ion: IonId, effects: &mut Vec<Effect>) {
        let nonce = self.nonce();
        self.probe = Some((ion, nonce));
        effects.push(self.bare(Kind::Probe, ion, nonce));
    }

    /// A signal without a description.
    fn bare(&self, kind: Kind, to: IonId, nonce: Nonce) -> Effect {
        let (from, nebula, description) = (self.own, self.nebula, Vec::new());
        let signal = Signal { kind, from, to, nebula, nonce, description };
        Effect::Route(to, wire::encode(&*self.keys, &signal))
    }

    fn begin(&mut self, now: Time, ion: IonId, nonce: Nonce, stage: Stage) -> AttemptId {
        self.next += 1;
        let (id, until) = (self.next, now.plus_ms(ATTEMPT_MS));
        self.attempts.insert(ion, Attempt { id, nonce, stage, until });
        id
    }

    fn whose(&self, attempt: AttemptId) -> Option<IonId> {
        let found = self.attempts.iter().find(|(_, known)| known.id == attempt);
        found.map(|(ion, _)| *ion)
    }

    /// The driver made an offer or an answer: sign it and send it.
    fn made(
        &mut self,
        now: Time,
        id: AttemptId,
        kind: Kind,
        description: Vec<u8>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(ion) = self.whose(id) else { return };
        let Some(attempt) = self.attempts.get_mut(&ion) else { return };
        if attempt.stage != (if kind == Kind::Offer { Stage::Offering } else { Stage::Answering }) {
            return;
        }
        if description.len() > wire::DESCRIPTION_BYTES_MAX {
            self.attempts.remove(&ion);
            effects.push(Effect::Abandon(id));
            return effects.push(Effect::Failed(ion, Why::Driver));
        }
        let (from, nebula, nonce) = (self.own, self.nebula, attempt.nonce);
        let signal = Signal { kind, from, to: ion, nebula, nonce, description };
        let frame = wire::encode(&*self.keys, &signal);
        effects.push(Effect::Route(ion, frame.clone()));
        attempt.stage = if kind == Kind::Offer {
            Stage::Offered { frame, again_at: now.plus_ms(REPEAT_MS) }
        } else {
            Stage::Exchanged { answer: Some(frame) }
        };
    }

    fn heard(&mut self, now: Time, from: IonId, bytes: &[u8], effects: &mut Vec<Effect>) {
        // Whoever brought it, routing has verified `from`; what it says is its own fault.
        let Ok(signal) = wire::decode(&*self.keys, bytes) else { return };
        let is_ours = signal.from == from && signal.to == self.own && signal.nebula == self.nebula;
        match signal.kind {
            Kind::Offer if is_ours => self.offered(now, signal, effects),
            Kind::Answer if is_ours => self.answered(signal, effects),
            Kind::Probe if is_ours && self.may_offer(now, from) => {
                effects.push(self.bare(Kind::Probed, from, signal.nonce));
            }
            Kind::Probed if is_ours && self.probe == Some((from, signal.nonce)) => {
                self.probe = None;
                effects.push(Effect::Probed(from));
            }
            _ => {}
        }
    }

    fn offered(&mut self, now: Time, signal: Signal, effects: &mut Vec<Effect>) {
        let Signal { from, nonce, description, .. } = signal;
        if let Some(known) = self.attempts.get(&from) {
            if known.nonce == nonce {
                if let Stage::Exchanged { answer: Some(answer) } = &known.stage {
                    effects.push(Effect::Route(from, answer.clone()));
                }
                return;
            }
            // Both offer: the offer of the smaller id stands.
            let offers = matches!(known.stage, Stage::Offering | Stage::Offered { .. });
            if offers && self.own < from {
                return;
            }
        }
        if self.nonces.contains(&(from, nonce)) || !self.may_offer(now, from) {
            return;
        }
        let replaced = self.attempts.remove(&from);
        effects.extend(replaced.map(|known| Effect::Abandon(known.id)));
        if self.attempts.len() >= ATTEMPTS_MAX {
            return;
        }
        self.nonces.push_back((from, nonce));
        if self.nonces.len() > NONCES_MAX {
            self.nonces.pop_front();
        }
        let id = self.begin(now, from, nonce, Stage::Answering);
        effects.push(Effect::MakeAnswer(id, from, description));
    }

    fn answered(&mut self, signal: Signal, effects: &mut Vec<Effect>) {
        let Some(known) = self.attempts.get_mut(&signal.from) else { return };
        if known.nonce == signal.nonce && matches!(known.stage, Stage::Offered { .. }) {
            known.stage = Stage::Exchanged { answer: None };
            effects.push(Effect::Accept(known.id, signal.from, signal.description));
        }
    }

    fn may_offer(&mut self, now: Time, from: IonId) -> bool {
        if self.origins.len() >= ORIGINS_MAX && !self.origins.contains_key(&from) {
            let silent = self.origins.iter().min_by_key(|(_, (_, at))| *at).map(|(ion, _)| *ion);
            silent.and_then(|ion| self.origins.remove(&ion));
        }
        let new = || (Bucket::new(OFFERS, now), now);
        let (bucket, at) = self.origins.entry(from).or_insert_with(new);
        *at = now;
        bucket.take(now, 1)
    }

    /// Only who still waits for an answer is waiting in vain.
    fn unreachable(&mut self, ion: IonId, effects: &mut Vec<Effect>) {
        let offered = |known: &Attempt| matches!(known.stage, Stage::Offered { .. });
        if self.attempts.get(&ion).is_some_and(offered) {
            self.give_up(ion, Why::Unreachable, effects);
        }
    }

    fn give_up(&mut self, ion: IonId, why: Why, effects: &mut Vec<Effect>) {
        if let Some(known) = self.attempts.remove(&ion) {
            effects.push(Effect::Abandon(known.id));
            effects.push(Effect::Failed(ion, why));
        }
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let over = self.attempts.iter().filter(|(_, known)| known.until <= now);
        let over: Vec<_> = over.map(|(ion, known)| (*ion, why(&known.stage))).collect();
        for (ion, why) in over {
            self.give_up(ion, why, effects);
        }
        for (ion, known) in &mut self.attempts {
            if let Stage::Offered { frame, again_at } = &mut known.stage
                && *again_at <= now
            {
                *again_at = now.plus_ms(REPEAT_MS);
                effects.push(Effect::Route(*ion, frame.clone()));
            }
        }
    }
}

/// Why an attempt that is over came to nothing.
const fn why(stage: &Stage) -> Why {
    match stage {
        Stage::Offering | Stage::Answering => Why::Driver,
        Stage::Offered { .. } => Why::NoAnswer,
        Stage::Exchanged { .. } => Why::NoConnection,
    }
}
