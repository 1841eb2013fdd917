//! Telling everybody: Plumtree (Leitão, Pereira and Rodrigues, "Epidemic
//! Broadcast Trees", 2007), over the neighbours that the overlay keeps.
//!
//! Rumours go at once to *eager* neighbours; the others, *lazy* ones, are told
//! in batches that this ion has them. Who gets a rumour twice makes that link
//! lazy, so that after the first rumours the eager links are a tree; who hears
//! of a rumour that does not come asks for it, and where the tree is broken
//! makes that link eager again ([`repair`](PROBATION_MS) says when, which the
//! paper leaves open). A new link is lazy, where the paper has it eager, but for an
//! ion's only one, which asks to be sent everything: each other one would close a
//! circle. Nobody is sent, or told of, what it said it has. Beyond
//! the paper, what no neighbour is known to have after [`ASSURE_MS`] is announced
//! on eager links too, and to a new neighbour what is young, so that a lost frame
//! on the only way to an ion is noticed as well.
//!
//! A rumour is signed by its author as a member of the nebula; the signature is
//! checked once, before it is delivered or passed on. It refuses what is not
//! signed so, what is replayed ([`seen`](SEEN_MS) and after that `floors` know
//! it), to order rumours, and to deliver to who was not there.
//!
//! Bounds: [`NEIGHBOURS_MAX`] neighbours, frames and bytes per neighbour and
//! per author in a second, and those of [`wire`], [`seen`](SEEN_MAX) and
//! [`missing`](MISSING_MAX). An ion's cost per rumour is one payload, or a few,
//! and one small frame per link, whatever the size of the nebula.

mod floors;
mod lazy;
mod missing;
mod names;
mod neighbour;
mod repair;
mod seen;
#[cfg(test)]
mod tests;
pub mod wire;

use std::{collections::VecDeque, sync::Arc};

pub use floors::{FLOOR_MS, FLOORS_MAX};
pub use missing::{
    GRAFT_AGAIN_MS, GRAFT_MS, GRAFT_SPREAD_MS, GRAFTS_MAX, MISSING_MAX, PROMISES_MAX,
};
pub use neighbour::{
    GIVEN_BYTES, GIVEN_FRAMES, NEIGHBOUR_BYTES, NEIGHBOUR_FRAMES, PENDING_MAX, REPAIR_BYTES,
    UNKEPT_PROMISES,
};
pub use repair::{HURT_MS, PROBATION_MAX, PROBATION_MS, PRUNES_PER_S, RATE_MS};
pub use seen::{KEPT_BYTES_MAX, KEPT_MS, SEEN_MAX, SEEN_MS};
pub use wire::{PAYLOAD_BYTES_MAX, Topic};

use ion_map::Map;

use self::{
    missing::MissingTable,
    neighbour::{Dues, Neighbour},
    repair::{Prunes, Repair},
    seen::{Body, Entry, Marks, Seen},
    wire::{Id, Message, Refusal, Rumour, Serial},
};
use super::{
    budget::{Budget, Left, Rate},
    wire::encode,
};
use crate::{
    identity::{IonId, Keys, Signature},
    platform::{Time, sim::Rng},
};

/// Neighbours that the broadcast runs over.
pub const NEIGHBOURS_MAX: usize = u32::BITS as usize;
/// Authors whose use is counted; those that were silent longest are forgotten.
pub const AUTHORS_MAX: usize = 4_096;
/// Rumours of one author that are passed on.
pub const AUTHOR_FRAMES: Rate = Rate { per_s: 20, burst: 200 };
/// Bytes of one author that are passed on.
pub const AUTHOR_BYTES: Rate = Rate { per_s: 256 << 10, burst: 2 << 20 };
/// Rumours that this ion may publish: half of what others take, so that
/// rumours that were held up on the way are not taken for too many.
pub const OWN_FRAMES: Rate = Rate { per_s: 10, burst: 100 };
/// Bytes that this ion may publish.
pub const OWN_BYTES: Rate = Rate { per_s: 128 << 10, burst: 1 << 20 };
/// Between two batches of announcements, in milliseconds.
pub const HAVE_MS: u64 = 100;
/// After how long a rumour is announced to who is not known to have it, in
/// milliseconds.
pub const ASSURE_MS: u64 = 1_000;
/// How old what a new neighbour is told of may be, in milliseconds.
pub const RECENT_MS: u64 = 10_000;
/// From which age on a rumour that had to be asked for is old news, in
/// milliseconds: it is told to whoever lacks it, not sent unasked, and says nothing
/// about the tree.
pub const OLD_MS: u32 = 3_000;
/// How many links shorter another way must be to be taken instead.
pub const SHORTER_HOPS: u16 = 5;
/// Between two times that one is taken, in milliseconds; up to twice that. The
/// tree serves many authors: what is shorter from one is longer from another.
pub const SHORTEN_MS: u64 = 10_000;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A link stands.
    NeighbourUp(IonId),
    /// A link is gone.
    NeighbourDown(IonId),
    /// A frame came from a neighbour.
    Heard(IonId, Vec<u8>),
    /// Tell everybody.
    Publish {
        /// About what.
        topic: Topic,
        /// What; at most [`PAYLOAD_BYTES_MAX`].
        payload: Vec<u8>,
    },
    /// Tell everybody, and all neighbours at once: for short news that comes when
    /// links have just broken, which a broken tree must not hold up.
    Alert {
        /// About what.
        topic: Topic,
        /// What; at most [`PAYLOAD_BYTES_MAX`].
        payload: Vec<u8>,
    },
    /// Time has passed; wanted every [`HAVE_MS`] or a few times of it.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a frame to a neighbour.
    Send(IonId, Vec<u8>),
    /// A rumour for this ion; each once.
    Deliver {
        /// Who said it; verified.
        author: IonId,
        /// About what.
        topic: Topic,
        /// What.
        payload: Vec<u8>,
        /// The neighbour that brought it first: a way towards the author.
        from: IonId,
        /// Links that it crossed, as the neighbour claims.
        hops: u16,
        /// How long ago it was said, in milliseconds, as those claim who held it.
        age_ms: u32,
    },
    /// What was to be published was not.
    Refused(Unpublished),
    /// A neighbour broke the rules.
    Offence(IonId),
}

/// Why something was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpublished {
    /// The payload is over its limit, or a room's name is empty or too long.
    #[error("it is larger than {PAYLOAD_BYTES_MAX} bytes, or its room's name is too long")]
    TooLarge,
    /// This ion has said too much lately.
    #[error("this ion has published too much in the last seconds")]
    TooFast,
}

/// The machine.
pub struct Broadcast {
    keys: Arc<dyn Keys>,
    rng: Rng,
    neighbours: Map<IonId, Neighbour>,
    left: Left<Dues>,
    seen: Seen,
    missing: MissingTable,
    repair: Repair,
    /// What goes into the next batch.
    fresh: Vec<Id>,
    /// What is to be announced again, and when.
    assure: VecDeque<(Time, Id)>,
    authors: Map<IonId, Budget>,
    own: Budget,
    /// Of what this ion says next.
    serial: Serial,
    have_at: Time,
    shorten_at: Time,
    prunes: Prunes,
}

impl Broadcast {
    /// Without neighbours yet. `keys` are those of a member; `life` must be
    /// higher than in every earlier run under the same key and nebula.
    pub fn new(keys: Arc<dyn Keys>, mut rng: Rng, life: u64) -> Self {
        Self {
            keys,
            serial: Serial { life, number: 0 },
            seen: Seen::new(rng.next_u64()),
            rng,
            neighbours: Map::new(),
            left: Left::default(),
            missing: MissingTable::default(),
            repair: Repair::new(),
            fresh: Vec::new(),
            assure: VecDeque::new(),
            authors: Map::new(),
            own: Budget::new(OWN_FRAMES, OWN_BYTES, Time::ZERO),
            have_at: Time::ZERO,
            shorten_at: Time::ZERO,
            prunes: Prunes::default(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        let before = effects.len();
        match input {
            Input::NeighbourUp(ion) => self.up(now, ion, effects),
            Input::NeighbourDown(ion) => self.down(now, &ion),
            Input::Heard(from, bytes) => self.heard(now, from, &bytes, effects),
            Input::Publish { topic, payload } => {
                self.publish(now, topic, payload, effects);
            }
            Input::Alert { topic, payload } => self.alert(now, topic, payload, effects),
            Input::Tick => self.tick(now, effects),
        }
        // Who is not given something now is told of it later, and may ask for it.
        let neighbours = &mut self.neighbours;
        let mut gives =
            |to: &IonId, bytes| neighbours.get_mut(to).is_none_or(|one| one.gives(now, bytes));
        let mut place = 0;
        effects.retain(|effect| {
            place += 1;
            !matches!(effect, Effect::Send(to, frame) if place > before && !gives(to, frame.len()))
        });
    }

    /// Neighbours that get everything at once.
    pub fn eager(&self) -> impl Iterator<Item = IonId> {
        self.neighbours.iter().filter(|(_, neighbour)| neighbour.is_eager).map(|(ion, _)| *ion)
    }

    fn up(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        if self.neighbours.contains_key(&ion) {
            return;
        }
        let taken = self.neighbours.values().fold(Marks::default(), |mut all, one| {
            all.add(one.mark);
            all
        });
        let Some(mark) = taken.free() else { return };
        // What is new already is not told twice.
        self.announce();
        let is_only = !self.has_eager();
        let dues = self.left.take(&ion).unwrap_or_else(|| Dues::new(now));
        let mut neighbour = Neighbour::new(mark, is_only, dues);
        if is_only {
            effects.push(Effect::Send(ion, encode(&Message::Graft(Vec::new()))));
        }
        let since = now.minus_ms(RECENT_MS);
        neighbour.pending.extend(self.seen.recent(since).take(PENDING_MAX));
        self.neighbours.insert(ion, neighbour);
    }

    fn down(&mut self, now: Time, ion: &IonId) {
        let Some(neighbour) = self.neighbours.remove(ion) else { return };
        if neighbour.is_eager {
            self.repair.hurt(now);
        }
        self.repair.down(ion);
        self.missing.down(ion);
        for (_, id) in &self.assure {
            if let Some(entry) = self.seen.get_mut(id) {
                entry.knowers.remove(neighbour.mark);
                entry.receivers.remove(neighbour.mark);
                entry.from.remove(neighbour.mark);
            }
        }
        self.left.put(now, *ion, neighbour.dues);
    }

    fn heard(&mut self, now: Time, from: IonId, bytes: &[u8], effects: &mut Vec<Effect>) {
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        if !neighbour.takes(now, bytes.len()) {
            if neighbour.complains(now) {
                effects.push(Effect::Offence(from));
            }
            return;
        }
        if self.read(now, from, bytes, effects).is_err() {
            effects.push(Effect::Offence(from));
        }
    }

    fn read(
        &mut self,
        now: Time,
        from: IonId,
        bytes: &[u8],
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        match wire::decode(bytes)? {
            Message::Push { hops, age_ms, is_repair, body, signature } => {
                let way = Way { from, hops: hops.max(1), age_ms, is_repair };
                self.pushed(now, way, &body, signature, effects)?;
            }
            Message::Have(ids) => self.announced(now, from, &ids, effects),
            Message::Graft(ids) => {
                self.set_eager(from, true);
                self.give(now, from, &ids, effects);
            }
            Message::Fetch(ids) => self.give(now, from, &ids, effects),
            Message::Prune => self.set_eager(from, false),
        }
        Ok(())
    }

    fn pushed(
        &mut self,
        now: Time,
        mut way: Way,
        bytes: &[u8],
        signature: Signature,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (id, from) = (Id::of(bytes), way.from);
        if let Some(entry) = self.seen.known_by(&id, self.mark(&from)) {
            let is_surplus = !entry.is_repair && !way.is_repair && self.prunes.counts(&id);
            self.repeated(from, &id, is_surplus, effects);
            return Ok(());
        }
        let rumour = wire::read(&*self.keys, bytes, &signature)?;
        if self.seen.is_old(now, &rumour.author, rumour.serial) {
            self.missing.found(&id);
            return Ok(());
        }
        let (is_fetched, knowers) = self.found(now, id, &way);
        way.is_repair |= is_fetched;
        let is_taken =
            rumour.author != self.keys.own() && self.author_may(now, rumour.author, bytes.len());
        let body = is_taken.then(|| Arc::new(Body { bytes: bytes.into(), signature }));
        let Way { hops, age_ms, is_repair, .. } = way;
        let (receivers, kept) = (Marks::default(), body.clone());
        let Rumour { author, serial, .. } = rumour;
        let bearer = self.mark(&from);
        let entry = Entry {
            id,
            at: now,
            author,
            serial,
            hops,
            age_ms,
            is_repair,
            from: bearer,
            knowers,
            receivers,
            body: kept,
        };
        self.seen.insert(entry);
        if let Some(body) = body {
            let Rumour { author, topic, payload, .. } = rumour;
            effects.push(Effect::Deliver { author, topic, payload, from, hops, age_ms });
            self.spread(now, id, is_fetched, &body, effects);
        }
        Ok(())
    }

    /// A rumour came that is there already: the link is one too many, unless
    /// it, or the first, came by a repair.
    fn repeated(&mut self, from: IonId, id: &Id, is_surplus: bool, effects: &mut Vec<Effect>) {
        if self.is_eager(&from) {
            self.repair.is_brought(id, &from);
        }
        if is_surplus {
            self.set_eager(from, false);
            effects.push(Effect::Send(from, encode(&Message::Prune)));
        }
    }

    /// A rumour came for the first time; whether it had to be fetched, and who has
    /// it already.
    fn found(&mut self, now: Time, id: Id, way: &Way) -> (bool, Marks) {
        let from = way.from;
        let found = self.missing.found(&id);
        let mut knowers = self.mark(&from);
        for announcer in &found.announcers {
            knowers.add(self.mark(announcer));
        }
        let is_fetched = found.asked == Some(from);
        // What is told to all at once, or was fetched by the sender, may come on any
        // link: that says nothing about the tree.
        if !is_fetched && !way.is_repair {
            self.set_eager(from, true);
        } else if is_fetched && way.age_ms < OLD_MS && !self.is_eager(&from) {
            self.repair.fetched(now, id, from);
        }
        (is_fetched, knowers)
    }

    fn publish(
        &mut self,
        now: Time,
        topic: Topic,
        payload: Vec<u8>,
        effects: &mut Vec<Effect>,
    ) -> Option<Id> {
        if payload.len() > PAYLOAD_BYTES_MAX || !topic.fits() {
            effects.push(Effect::Refused(Unpublished::TooLarge));
            return None;
        }
        if !self.own.spend(now, payload.len()) {
            effects.push(Effect::Refused(Unpublished::TooFast));
            return None;
        }
        self.serial.number += 1;
        let (author, serial) = (self.keys.own(), self.serial);
        let rumour = Rumour { author, topic, serial, payload };
        let (bytes, signature) = wire::signed(&*self.keys, &rumour);
        let id = Id::of(&bytes);
        let body = Arc::new(Body { bytes: bytes.into(), signature });
        let nobody = Marks::default();
        let entry = Entry {
            id,
            at: now,
            author,
            serial,
            hops: 0,
            age_ms: 0,
            is_repair: false,
            from: nobody,
            knowers: nobody,
            receivers: nobody,
            body: Some(body.clone()),
        };
        self.seen.insert(entry);
        self.spread(now, id, false, &body, effects);
        Some(id)
    }

    fn alert(&mut self, now: Time, topic: Topic, payload: Vec<u8>, effects: &mut Vec<Effect>) {
        let Some(id) = self.publish(now, topic, payload, effects) else { return };
        let Some(entry) = self.seen.get_mut(&id) else { return };
        let Some(body) = entry.body.clone() else { return };
        let frame = push(now, entry, true, &body);
        for (ion, neighbour) in &self.neighbours {
            if !neighbour.is_eager {
                entry.receivers.add(neighbour.mark);
                effects.push(Effect::Send(*ion, frame.clone()));
            }
        }
    }

    /// Sends it to eager neighbours that are not known to have it; the others are
    /// told of it with the next batch.
    fn spread(
        &mut self,
        now: Time,
        id: Id,
        is_fetched: bool,
        body: &Body,
        effects: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.seen.get_mut(&id) else { return };
        let is_news = !is_fetched || entry.age_ms < OLD_MS;
        let lacking = |one: &Neighbour| is_news && one.is_eager && !entry.knowers.meets(one.mark);
        let to = self.neighbours.iter().filter(|(_, one)| lacking(one));
        let to: Vec<(IonId, Marks)> = to.map(|(ion, one)| (*ion, one.mark)).collect();
        let frame = if to.is_empty() { Vec::new() } else { push(now, entry, is_fetched, body) };
        for (ion, mark) in to {
            entry.receivers.add(mark);
            effects.push(Effect::Send(ion, frame.clone()));
        }
        self.fresh.push(id);
        self.assure.push_back((now.plus_ms(ASSURE_MS), id));
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.seen.shrink(now);
        self.prunes.tick(now, || self.seen.count_since(now.minus_ms(RATE_MS)));
        self.repair(now, effects);
        self.announce_again(now);
        if now >= self.have_at {
            self.have_at = now.plus_ms(HAVE_MS);
            self.announce();
            for (ion, neighbour) in &mut self.neighbours {
                lazy::flush(*ion, neighbour, effects);
            }
        }
    }

    fn is_eager(&self, ion: &IonId) -> bool {
        self.neighbours.get(ion).is_some_and(|neighbour| neighbour.is_eager)
    }

    fn has_eager(&self) -> bool {
        self.neighbours.values().any(|neighbour| neighbour.is_eager)
    }

    /// Of nobody, where it is no neighbour.
    fn mark(&self, ion: &IonId) -> Marks {
        self.neighbours.get(ion).map_or(Marks::default(), |neighbour| neighbour.mark)
    }

    fn set_eager(&mut self, ion: IonId, is_eager: bool) {
        if let Some(neighbour) = self.neighbours.get_mut(&ion) {
            neighbour.is_eager = is_eager;
        }
    }

    fn author_may(&mut self, now: Time, author: IonId, bytes: usize) -> bool {
        if self.authors.len() >= AUTHORS_MAX && !self.authors.contains_key(&author) {
            let idle = self.authors.iter().min_by_key(|(_, budget)| budget.used_at());
            if let Some(idle) = idle.map(|(ion, _)| *ion) {
                self.authors.remove(&idle);
            }
        }
        let new = || Budget::new(AUTHOR_FRAMES, AUTHOR_BYTES, now);
        self.authors.entry(author).or_insert_with(new).spend(now, bytes)
    }
}

/// By which way a rumour came.
#[derive(Clone, Copy, Debug)]
struct Way {
    from: IonId,
    hops: u16,
    age_ms: u32,
    is_repair: bool,
}

/// A rumour that passed by, as it is sent now.
fn push(now: Time, entry: &Entry, is_repair: bool, body: &Body) -> Vec<u8> {
    let (hops, age_ms) = (entry.hops.saturating_add(1), entry.age_ms(now));
    let Body { bytes, signature } = body;
    let (body, signature) = (bytes.to_vec(), *signature);
    encode(&Message::Push { hops, age_ms, is_repair, body, signature })
}
