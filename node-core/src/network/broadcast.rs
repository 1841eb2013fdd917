//! Telling everybody: Plumtree (Leitão, Pereira and Rodrigues, "Epidemic
//! Broadcast Trees", 2007), over the neighbours that the overlay keeps.
//!
//! Rumours go at once to *eager* neighbours; the others, *lazy* ones, are told
//! in batches that this ion has them. Who gets a rumour twice makes that link
//! lazy, so that after the first rumours the eager links are a tree; who hears
//! of a rumour that does not come asks for it and makes that link eager again,
//! which repairs the tree after loss and churn. Beyond the paper, what no
//! neighbour is known to have after [`ASSURE_MS`] is announced on eager links
//! too, and to a new neighbour what is young, so that a lost frame on the only
//! way to an ion is noticed as well.
//!
//! A rumour is signed by its author; the signature is checked once, before it
//! is delivered or passed on. It refuses to order rumours, to deliver to who
//! was not there, and to remember names for more than [`SEEN_MS`]: a rumour
//! that is replayed later is delivered again, so what is carried must bear it.
//!
//! Bounds: [`NEIGHBOURS_MAX`] neighbours, frames and bytes per neighbour and
//! per author in a second, and those of [`wire`], [`seen`](SEEN_MAX) and
//! [`missing`](MISSING_MAX). An ion's cost per rumour is one payload, or a few,
//! and one small frame per link, whatever the size of the nebula.

mod missing;
mod neighbour;
mod seen;
#[cfg(test)]
mod tests;
pub mod wire;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

pub use missing::{
    GRAFT_AGAIN_MS, GRAFT_MS, GRAFT_SPREAD_MS, GRAFTS_MAX, MISSING_MAX, PROMISES_MAX,
};
pub use neighbour::{
    NEIGHBOUR_BYTES, NEIGHBOUR_FRAMES, PENDING_MAX, REPAIR_BYTES, UNKEPT_PROMISES,
};
pub use seen::{KEPT_BYTES_MAX, KEPT_MS, SEEN_MAX, SEEN_MS};
pub use wire::{PAYLOAD_BYTES_MAX, Topic};

use self::{
    missing::{Due, MissingTable},
    neighbour::Neighbour,
    seen::{Body, Entry, Seen},
    wire::{IDS_MAX, Id, Message, Refusal, Rumour},
};
use super::{
    budget::{Budget, Rate},
    wire::encode,
};
use crate::{
    identity::{IonId, Keys, Signature},
    platform::{Time, sim::Rng},
};

/// Neighbours that the broadcast runs over.
pub const NEIGHBOURS_MAX: usize = 32;
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
/// How many links shorter another way must be to be taken instead.
pub const SHORTER_HOPS: u16 = 5;

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
    neighbours: BTreeMap<IonId, Neighbour>,
    seen: Seen,
    missing: MissingTable,
    /// What is to be announced again, and when.
    assure: VecDeque<(Time, Id)>,
    authors: BTreeMap<IonId, Budget>,
    own: Budget,
    have_at: Time,
}

impl Broadcast {
    /// Without neighbours yet. `rng` makes what this ion says distinct from
    /// what it said before a restart.
    pub fn new(keys: Arc<dyn Keys>, rng: Rng) -> Self {
        Self {
            keys,
            rng,
            neighbours: BTreeMap::new(),
            seen: Seen::default(),
            missing: MissingTable::default(),
            assure: VecDeque::new(),
            authors: BTreeMap::new(),
            own: Budget::new(OWN_FRAMES, OWN_BYTES, Time::ZERO),
            have_at: Time::ZERO,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::NeighbourUp(ion) => self.up(now, ion),
            Input::NeighbourDown(ion) => self.down(&ion),
            Input::Heard(from, bytes) => self.heard(now, from, &bytes, effects),
            Input::Publish { topic, payload } => self.publish(now, topic, payload, effects),
            Input::Alert { topic, payload } => self.alert(now, topic, payload, effects),
            Input::Tick => self.tick(now, effects),
        }
    }

    /// Neighbours that get everything at once.
    pub fn eager(&self) -> impl Iterator<Item = IonId> {
        self.neighbours.iter().filter(|(_, neighbour)| neighbour.is_eager).map(|(ion, _)| *ion)
    }

    fn up(&mut self, now: Time, ion: IonId) {
        if self.neighbours.len() >= NEIGHBOURS_MAX || self.neighbours.contains_key(&ion) {
            return;
        }
        let mut neighbour = Neighbour::new(now);
        let since = now.minus_ms(RECENT_MS);
        neighbour.pending.extend(self.seen.recent(since).take(PENDING_MAX));
        self.neighbours.insert(ion, neighbour);
    }

    fn down(&mut self, ion: &IonId) {
        self.neighbours.remove(ion);
        self.missing.down(ion);
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
            Message::Push { hops, body, signature } => {
                self.pushed(now, from, hops, &body, signature, effects)?;
            }
            Message::Have(ids) => self.announced(now, from, &ids, effects),
            Message::Graft(ids) => self.grafted(now, from, &ids, effects),
            Message::Prune => self.set_eager(from, false),
        }
        Ok(())
    }

    fn pushed(
        &mut self,
        now: Time,
        from: IonId,
        hops: u16,
        bytes: &[u8],
        signature: Signature,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let id = Id::of(bytes);
        if self.seen.known_by(&id, from).is_some() {
            self.set_eager(from, false);
            effects.push(Effect::Send(from, encode(&Message::Prune)));
            return Ok(());
        }
        let rumour = wire::read(&*self.keys, bytes, &signature)?;
        self.missing.found(&id);
        self.set_eager(from, true);
        let is_taken = rumour.author != self.keys.own()
            && self.author_may(now, rumour.author, rumour.payload.len());
        let body = is_taken.then(|| Body { bytes: bytes.into(), signature });
        let hops = hops.max(1);
        let entry =
            Entry { at: now, hops, from: Some(from), knowers: vec![from], body: body.clone() };
        self.seen.insert(id, entry);
        if let Some(body) = body {
            let Rumour { author, topic, payload, .. } = rumour;
            effects.push(Effect::Deliver { author, topic, payload, from, hops });
            self.spread(now, id, hops, &body, effects);
        }
        Ok(())
    }

    fn publish(&mut self, now: Time, topic: Topic, payload: Vec<u8>, effects: &mut Vec<Effect>) {
        if payload.len() > PAYLOAD_BYTES_MAX || !topic.fits() {
            return effects.push(Effect::Refused(Unpublished::TooLarge));
        }
        if !self.own.spend(now, payload.len()) {
            return effects.push(Effect::Refused(Unpublished::TooFast));
        }
        let nonce = self.rng.next_u64();
        let rumour = Rumour { author: self.keys.own(), topic, nonce, payload };
        let (bytes, signature) = wire::signed(&*self.keys, &rumour);
        let id = Id::of(&bytes);
        let body = Body { bytes: bytes.into(), signature };
        let (from, knowers) = (None, Vec::new());
        self.seen.insert(id, Entry { at: now, hops: 0, from, knowers, body: Some(body.clone()) });
        self.spread(now, id, 0, &body, effects);
    }

    fn alert(&mut self, now: Time, topic: Topic, payload: Vec<u8>, effects: &mut Vec<Effect>) {
        let lazy = self.neighbours.iter().filter(|(_, neighbour)| !neighbour.is_eager);
        let lazy: Vec<IonId> = lazy.map(|(ion, _)| *ion).collect();
        for ion in &lazy {
            self.set_eager(*ion, true);
        }
        self.publish(now, topic, payload, effects);
        for ion in lazy {
            self.set_eager(ion, false);
        }
    }

    /// Sends to eager neighbours and announces to lazy ones.
    fn spread(&mut self, now: Time, id: Id, hops: u16, body: &Body, effects: &mut Vec<Effect>) {
        let from = self.seen.get(&id).and_then(|entry| entry.from);
        let frame = push(hops, body);
        for (ion, neighbour) in &mut self.neighbours {
            if Some(*ion) == from {
            } else if neighbour.is_eager {
                effects.push(Effect::Send(*ion, frame.clone()));
            } else {
                neighbour.announce(id, hops);
            }
        }
        self.assure.push_back((now.plus_ms(ASSURE_MS), id));
    }

    fn announced(&mut self, now: Time, from: IonId, ids: &[(Id, u16)], effects: &mut Vec<Effect>) {
        for (id, hops) in ids {
            match self.seen.known_by(id, from) {
                Some(entry) if hops.saturating_add(1 + SHORTER_HOPS) <= entry.hops => {
                    let parent = entry.from;
                    self.shorten(from, parent, effects);
                }
                Some(_) => {}
                None => {
                    let wait_ms = GRAFT_MS + self.rng.below(GRAFT_SPREAD_MS);
                    self.missing.promised(now, *id, from, wait_ms);
                }
            }
        }
    }

    /// Takes a neighbour that had a rumour over far fewer links as the parent.
    fn shorten(&mut self, to: IonId, parent: Option<IonId>, effects: &mut Vec<Effect>) {
        let is_lazy = self.neighbours.get(&to).is_some_and(|neighbour| !neighbour.is_eager);
        let Some(parent) = parent.filter(|parent| is_lazy && *parent != to) else { return };
        if self.neighbours.get(&parent).is_some_and(|neighbour| neighbour.is_eager) {
            self.set_eager(parent, false);
            effects.push(Effect::Send(parent, encode(&Message::Prune)));
            self.set_eager(to, true);
            effects.push(Effect::Send(to, encode(&Message::Graft(Vec::new()))));
        }
    }

    fn grafted(&mut self, now: Time, from: IonId, ids: &[Id], effects: &mut Vec<Effect>) {
        self.set_eager(from, true);
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        for id in ids {
            let Some(entry) = self.seen.get(id) else { continue };
            let Some(body) = &entry.body else { continue };
            if neighbour.repairs(now, body.bytes.len()) {
                effects.push(Effect::Send(from, push(entry.hops, body)));
            }
        }
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.seen.shrink(now);
        self.repair(now, effects);
        self.announce_again(now);
        if now >= self.have_at {
            self.have_at = now.plus_ms(HAVE_MS);
            for (ion, neighbour) in &mut self.neighbours {
                flush(*ion, neighbour, effects);
            }
        }
    }

    /// Asks for what has not come.
    fn repair(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let mut wanted: BTreeMap<IonId, Vec<Id>> = BTreeMap::new();
        for due in self.missing.due(now) {
            match due {
                Due::Ask(ion, id) => wanted.entry(ion).or_default().push(id),
                Due::Broken(ion) => {
                    if let Some(neighbour) = self.neighbours.get_mut(&ion)
                        && !neighbour.forgives(now)
                    {
                        effects.push(Effect::Offence(ion));
                    }
                }
            }
        }
        for (ion, ids) in wanted {
            self.set_eager(ion, true);
            for part in ids.chunks(IDS_MAX) {
                effects.push(Effect::Send(ion, encode(&Message::Graft(part.to_vec()))));
            }
        }
    }

    /// Announces what some neighbour is not known to have.
    fn announce_again(&mut self, now: Time) {
        while self.assure.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, id)) = self.assure.pop_front() else { return };
            let Some(entry) = self.seen.get(&id) else { continue };
            for (ion, neighbour) in &mut self.neighbours {
                if !entry.knowers.contains(ion) {
                    neighbour.announce(id, entry.hops);
                }
            }
        }
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

fn push(hops: u16, body: &Body) -> Vec<u8> {
    let hops = hops.saturating_add(1);
    encode(&Message::Push { hops, body: body.bytes.to_vec(), signature: body.signature })
}

fn flush(ion: IonId, neighbour: &mut Neighbour, effects: &mut Vec<Effect>) {
    let pending = std::mem::take(&mut neighbour.pending);
    for part in pending.chunks(IDS_MAX) {
        effects.push(Effect::Send(ion, encode(&Message::Have(part.to_vec()))));
    }
}
