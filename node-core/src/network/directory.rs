//! Every ion of the nebula, as heard.
//!
//! Each ion tells all others of itself by a *beat* on the broadcast. The more
//! ions there are, the rarer the beats, so that nobody receives more than about
//! [`DELIVERIES_PER_S`] a second: one a second among twenty, one in 50 s among a
//! thousand. A beat promises by when the next one comes; who breaks the promise
//! [`PROMISES_BROKEN`] times over has departed.
//!
//! Sooner than that an ion departs by its own goodbye, or when the links of
//! others with it end: they tell so (`Gone`), showing the ion's own word that they
//! were its neighbours ([`Bond`]), which each got with its link. Two of them are
//! believed at once, one after [`REFUTE_MS`], unless the ion, hearing it, beats with a
//! higher counter (after SWIM; Das, Gupta and Motivala, 2002). Beats that are
//! older than what is known are ignored, so that nobody arrives again by an
//! echo. An ion to which a direct link stands is never believed to be gone.
//! When a split heals, each part hears what the other said of it. A notice that
//! was said more than [`FOREIGN_MS`] ago, while this ion had links, is such: it
//! makes nobody gone, nor anybody refute it at once, but who is named is to keep
//! the promise of its next beat.
//!
//! It refuses to carry load and other fast figures, and to believe more than
//! [`NOTICES_MAX`] notices of one author a minute.
//!
//! Bounds: [`DIRECTORY_MAX`] ions; the one that came last gives way, so that names
//! that somebody made up push nobody out who was there before.
//! [`DEPARTED_MAX`] departed ones are remembered for [`DEPARTED_MS`].

use std::sync::Arc;

use ion_map::Map;

use crate::{
    identity::{IonId, Keys, name::clean_name},
    platform::{Time, sim::Rng},
};

pub mod wire;

mod entry;
mod notices;

pub use entry::Entry;
pub use wire::{Age, Bond, Profile};

use self::{
    notices::{Due, Notices},
    wire::{Message, decode, encode},
};
use super::overlay::{Sighting, Standing};

/// Ions that are known at once, beside this one.
pub const DIRECTORY_MAX: usize = 4_096;
/// Departed ions whose age is remembered.
pub const DEPARTED_MAX: usize = 4_096;
/// How long it is remembered, in milliseconds.
pub const DEPARTED_MS: u64 = 600_000;
/// Beats of all others that an ion receives in a second, about.
pub const DELIVERIES_PER_S: u64 = 20;
/// The least time between two beats of an ion, in milliseconds.
pub const INTERVAL_MS_MIN: u64 = 1_000;
/// How long after its first link an ion has not heard yet how many others there
/// are, in milliseconds.
pub const NEWCOMER_MS: u64 = 2_000;
/// What it promises until then at least, in milliseconds: else those who come to a
/// large nebula would beat every second until they know better.
pub const NEWCOMER_INTERVAL_MS: u64 = 10_000;
/// How many beats an ion sends until then.
const NEWCOMER_BEATS_MAX: u64 = NEWCOMER_MS / INTERVAL_MS_MIN;
/// The longest time between two beats that is believed, in milliseconds.
pub const INTERVAL_MS_MAX: u64 = 1_000 * DIRECTORY_MAX as u64 / DELIVERIES_PER_S;
/// How old what an ion takes for the nebula's size may be at least, in
/// milliseconds.
pub const PACE_MS_MIN: u64 = 500;
/// The same, as a part of the time between two beats: it takes a look at everybody.
const PACES_PER_BEAT: u64 = 16;
/// Intervals without a beat after which an ion has departed.
pub const PROMISES_BROKEN: u64 = 4;
/// Between two looks at everybody, at most, in milliseconds.
const EXPIRE_MS_MAX: u64 = 5_000;
/// How long one notice waits to be refuted, in milliseconds.
pub const REFUTE_MS: u64 = 1_000;
/// The least time between two beats that refute, in milliseconds.
pub const REFUTE_MS_MIN: u64 = 250;
/// Notices that agree and need not wait.
pub const WITNESSES: usize = 2;
/// How old a notice is that came from another part of the nebula, in
/// milliseconds: one's own part hears of it sooner.
pub const FOREIGN_MS: u64 = 3_000;
/// Notices of one author that are believed in a minute.
pub const NOTICES_MAX: u32 = 32;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// What this ion says of itself from now on.
    Profile(Profile),
    /// How this ion's links stand.
    Standing(Standing),
    /// A rumour about presence; its author is verified.
    Heard {
        /// Who said it.
        author: IonId,
        /// What.
        payload: Vec<u8>,
        /// The way that it came.
        way: Way,
    },
    /// A direct link stands.
    NeighbourUp(IonId),
    /// A neighbour's word that it is one.
    Bond(IonId, Bond),
    /// A direct link ended.
    NeighbourDown(IonId, Ending),
    /// Say goodbye to everybody, and forget them: this ion goes elsewhere.
    Leave,
    /// Time has passed.
    Tick,
}

/// How a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// On purpose; the other lives.
    Cut,
    /// The other left the nebula.
    Left,
    /// By itself, or in silence: the other may be gone.
    Lost,
}

/// The way that a rumour came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The neighbour that brought it.
    pub from: IonId,
    /// Links that it crossed.
    pub hops: u16,
    /// How long ago it was said, in milliseconds.
    pub age_ms: u32,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell everybody.
    Publish(Vec<u8>),
    /// Tell everybody, and all neighbours at once.
    Alert(Vec<u8>),
    /// Give a neighbour this ion's word that it is one.
    Bond(IonId, Bond),
    /// An ion of the nebula is there.
    Arrived(IonId),
    /// It is not any more.
    Departed(IonId, Cause),
    /// It began anew: it knows nothing of what was before.
    Restarted(IonId),
    /// A neighbour passed on, or said, what is no message.
    Offence(IonId),
}

/// Why an ion is taken to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It said so, or others did.
    Told,
    /// Its beats ceased and nobody says why: it may live in another part.
    Silent,
}

/// The machine.
pub struct Directory {
    keys: Arc<dyn Keys>,
    own: IonId,
    rng: Rng,
    profile: Profile,
    standing: Standing,
    age: Age,
    beat_at: Time,
    /// When it last said that it lives, as others took it for gone.
    refuted_at: Time,
    is_refutation_due: bool,
    /// When the next beat was promised for, after the last; 0 before the first.
    promised_ms: u64,
    is_beat_due: bool,
    interval_ms: u64,
    /// The interval is not computed again before.
    pace_at: Time,
    /// Since when there has been a neighbour without a break.
    linked_since: Option<Time>,
    /// With the bond of each.
    neighbours: Map<IonId, Option<Bond>>,
    /// Boxed, so that an arrival moves little.
    entries: Map<IonId, Box<Entry>>,
    departed: Map<IonId, (Age, Time)>,
    notices: Notices,
    /// Nobody's time is over before.
    expire_at: Time,
    changed: bool,
}

impl Directory {
    /// A machine for the ion whose keys these are. `incarnation` must be higher than that of
    /// every earlier run under the same key: milliseconds since 1970 serve.
    pub fn new(keys: Arc<dyn Keys>, seed: u64, incarnation: u64) -> Self {
        Self {
            own: keys.own(),
            keys,
            rng: Rng::new(seed),
            profile: Profile::default(),
            standing: Standing::default(),
            age: Age { incarnation, counter: 0 },
            beat_at: Time::ZERO,
            refuted_at: Time::ZERO,
            is_refutation_due: false,
            promised_ms: 0,
            is_beat_due: false,
            interval_ms: INTERVAL_MS_MIN,
            pace_at: Time::ZERO,
            linked_since: None,
            neighbours: Map::new(),
            entries: Map::new(),
            departed: Map::new(),
            notices: Notices::default(),
            expire_at: Time::ZERO,
            changed: false,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Profile(profile) => {
                self.is_beat_due |= self.profile != profile;
                self.profile = profile;
            }
            Input::Standing(standing) => self.standing = standing,
            Input::Heard { author, payload, way } => match decode(&payload) {
                Some(message) => self.heard(now, author, message, way, effects),
                None => effects.push(Effect::Offence(author)),
            },
            Input::NeighbourUp(ion) => self.up(now, ion, effects),
            Input::Bond(ion, bond) => self.bonded(ion, bond, effects),
            Input::NeighbourDown(ion, ending) => self.down(now, ion, ending, effects),
            Input::Leave => self.leave(effects),
            Input::Tick => self.tick(now, effects),
        }
    }

    /// Everybody who is there, but this ion.
    pub fn entries(&self) -> &Map<IonId, Box<Entry>> {
        &self.entries
    }

    /// What this ion says of itself.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Whether anything that is shown changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether an ion was heard of lately: it is in this part of the nebula.
    pub fn is_fresh(&self, now: Time, ion: &IonId) -> bool {
        let is_recent = |entry: &Entry| now.since_ms(entry.heard_at) <= 2 * entry.interval_ms;
        self.neighbours.contains_key(ion)
            || self.entries.get(ion).is_some_and(|entry| is_recent(entry))
    }

    /// Whether this ion has listened long enough to have heard all who are there.
    pub fn is_settled(&self, now: Time) -> bool {
        let wait_ms = self.interval_ms() * 3 / 2 + 2_000;
        self.linked_since.is_some_and(|since| now.since_ms(since) >= wait_ms)
    }

    /// What the overlay needs of at most `count` ions, beginning at a random one.
    pub fn sample(&mut self, now: Time, count: usize) -> Vec<Sighting> {
        let mut start = [0; 32];
        self.rng.fill(&mut start);
        let start = IonId::from_bytes(start);
        let ring = self.entries.range(start..).chain(self.entries.range(..start));
        let some = ring.take(count).map(|(ion, entry)| Sighting {
            ion: *ion,
            is_heard: self.is_fresh(now, ion),
            standing: entry.standing,
            round_trip_ms: None,
        });
        some.collect()
    }

    /// What the overlay needs of an ion that was found elsewhere; `None` when
    /// it can't be said yet whether the ion is heard.
    pub fn sighting(&self, now: Time, ion: IonId) -> Option<Sighting> {
        let is_heard = self.is_fresh(now, &ion);
        let standing = self.entries.get(&ion).and_then(|entry| entry.standing);
        let is_known = is_heard || self.neighbours.is_empty() || self.is_settled(now);
        is_known.then_some(Sighting { ion, is_heard, standing, round_trip_ms: None })
    }

    /// Between two beats of this ion, in milliseconds: what its own directory's
    /// size asks for, but at least half of what most others promise, for a
    /// newcomer does not know the size yet. As of at most [`PACE_MS_MIN`] ago, or a
    /// small part of the interval.
    pub const fn interval_ms(&self) -> u64 {
        self.interval_ms
    }

    /// Looks at everybody, so seldom.
    fn pace(&mut self, now: Time) {
        if now < self.pace_at {
            return;
        }
        let pace_ms = (self.interval_ms / PACES_PER_BEAT).max(PACE_MS_MIN);
        self.pace_at = now.plus_ms(pace_ms);
        let size = u64::try_from(self.entries.len() + 1).unwrap_or(u64::MAX);
        let by_size = size.saturating_mul(1_000) / DELIVERIES_PER_S;
        // What newcomers promise says nothing of the nebula's size.
        let entries = self.entries.values();
        let others = entries.filter(|one| one.age.counter > NEWCOMER_BEATS_MAX);
        let mut promised: Vec<u64> = others.map(|one| one.interval_ms).collect();
        let middle = promised.len() / 2;
        let by_others =
            if promised.is_empty() { 0 } else { *promised.select_nth_unstable(middle).1 / 2 };
        self.interval_ms = by_size.max(by_others).clamp(INTERVAL_MS_MIN, INTERVAL_MS_MAX);
    }

    fn heard(
        &mut self,
        now: Time,
        author: IonId,
        message: Message,
        way: Way,
        effects: &mut Vec<Effect>,
    ) {
        match message {
            _ if author == self.own => {}
            Message::Beat { age, interval_ms, profile, standing } => {
                let promised = u64::from(interval_ms).clamp(INTERVAL_MS_MIN, INTERVAL_MS_MAX);
                let beat = Beat { age, interval_ms: promised, profile, standing };
                self.beaten(now, author, &beat, way, effects);
            }
            Message::Goodbye { age } => self.said_goodbye(now, author, age, effects),
            Message::Gone { ion, bond, .. } if !bond.is_of(&*self.keys, &ion, &author) => {
                effects.push(Effect::Offence(author));
            }
            Message::Gone { ion, counter, bond } => {
                let age = Age { incarnation: bond.incarnation, counter };
                if self.is_foreign(now, way) {
                    self.doubt(now, &ion, age);
                } else {
                    self.told_gone(now, author, ion, age, effects);
                }
            }
        }
    }

    fn beaten(
        &mut self,
        now: Time,
        author: IonId,
        beat: &Beat,
        way: Way,
        effects: &mut Vec<Effect>,
    ) {
        let known = self.entries.get(&author).map(|entry| entry.age);
        let is_old = match known {
            Some(age) => age >= beat.age,
            None => self.departed.get(&author).is_some_and(|(age, _)| *age >= beat.age),
        };
        if is_old {
            return;
        }
        let before = known.map_or(0, |age| age.incarnation);
        if before != 0 && beat.age.incarnation > before {
            effects.push(Effect::Restarted(author));
        }
        let name = clean_name(&beat.profile.name).unwrap_or_default();
        let profile = Profile { name, workers: beat.profile.workers };
        let entry = self.entry(now, author, way, effects);
        let is_news = entry.profile != profile;
        entry.profile = profile;
        entry.standing = Some(beat.standing);
        entry.age = beat.age;
        entry.heard_at = now;
        entry.interval_ms = beat.interval_ms;
        entry.via = way.from;
        entry.hops = way.hops;
        if beat.age > entry.doubted {
            entry.trust();
        }
        let over_at = entry.over_at();
        self.expire_at = self.expire_at.min(over_at);
        self.changed |= is_news;
    }

    /// The entry of an ion, which arrives with it.
    fn entry(&mut self, now: Time, ion: IonId, way: Way, effects: &mut Vec<Effect>) -> &mut Entry {
        if !self.entries.contains_key(&ion) {
            self.give_way(now, effects);
            self.departed.remove(&ion);
            self.changed = true;
            effects.push(Effect::Arrived(ion));
        }
        let interval_ms = self.interval_ms;
        self.entries.entry(ion).or_insert_with(|| Box::new(Entry::new(now, way, interval_ms)))
    }

    /// Where the directory is full, the one that came last is forgotten.
    fn give_way(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.entries.len() < DIRECTORY_MAX {
            return;
        }
        let others = self.entries.iter().filter(|(ion, _)| !self.neighbours.contains_key(*ion));
        let last = others.max_by_key(|(_, entry)| entry.since).map(|(ion, _)| *ion);
        if let Some(ion) = last {
            self.depart(now, ion, Cause::Told, effects);
        }
    }

    fn depart(&mut self, now: Time, ion: IonId, cause: Cause, effects: &mut Vec<Effect>) {
        let Some(entry) = self.entries.remove(&ion) else { return };
        self.changed = true;
        effects.push(Effect::Departed(ion, cause));
        let age = match cause {
            // One more beat may be on its way from before the end.
            Cause::Told => entry.age.next().max(entry.doubted),
            Cause::Silent => entry.age,
        };
        self.remember_departed(now, ion, age);
    }

    fn remember_departed(&mut self, now: Time, ion: IonId, age: Age) {
        if self.departed.len() >= DEPARTED_MAX {
            let oldest = self.departed.iter().min_by_key(|(_, (_, at))| *at).map(|(ion, _)| *ion);
            oldest.and_then(|ion| self.departed.remove(&ion));
        }
        let known = self.departed.get(&ion).map_or(age, |(known, _)| *known);
        self.departed.insert(ion, (age.max(known), now));
    }

    fn said_goodbye(&mut self, now: Time, ion: IonId, age: Age, effects: &mut Vec<Effect>) {
        self.notices.drop(&ion);
        let is_old = self.entries.get(&ion).is_some_and(|entry| entry.age > age);
        if !is_old {
            self.depart(now, ion, Cause::Told, effects);
            self.remember_departed(now, ion, age);
        }
    }

    fn up(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        self.is_beat_due |= self.neighbours.is_empty();
        self.linked_since.get_or_insert(now);
        self.neighbours.insert(ion, None);
        self.notices.drop(&ion);
        let bond = Bond::new(&*self.keys, self.age.incarnation, &ion);
        effects.push(Effect::Bond(ion, bond));
        let entry = self.entry(now, ion, Way { from: ion, hops: 1, age_ms: 0 }, effects);
        entry.via = ion;
        entry.hops = 1;
        entry.trust();
    }

    fn bonded(&mut self, ion: IonId, bond: Bond, effects: &mut Vec<Effect>) {
        let is_right = bond.is_of(&*self.keys, &ion, &self.own);
        match self.neighbours.get_mut(&ion) {
            Some(known) if is_right => *known = Some(bond),
            Some(_) => effects.push(Effect::Offence(ion)),
            None => {}
        }
    }

    fn down(&mut self, now: Time, ion: IonId, ending: Ending, effects: &mut Vec<Effect>) {
        let Some(bond) = self.neighbours.remove(&ion) else { return };
        if self.neighbours.is_empty() {
            self.linked_since = None;
        }
        let Some(entry) = self.entries.get_mut(&ion) else { return };
        if let (Ending::Left | Ending::Lost, Some(bond)) = (ending, bond) {
            let links = entry.standing.map_or(0, |standing| u64::from(standing.links));
            self.notices.plan(now, ion, entry.age, bond, links, &mut self.rng);
        }
        match ending {
            Ending::Cut => {
                entry.heard_at = entry.heard_at.max(now.minus_ms(entry.interval_ms));
                self.expire_at = self.expire_at.min(entry.over_at());
            }
            Ending::Left => self.depart(now, ion, Cause::Told, effects),
            Ending::Lost => {
                let age = entry.age.next();
                self.witnessed(now, self.own, ion, age, effects);
            }
        }
    }

    fn leave(&mut self, effects: &mut Vec<Effect>) {
        self.age.counter += 1;
        effects.push(Effect::Alert(encode(&Message::Goodbye { age: self.age })));
        for ion in std::mem::take(&mut self.entries).into_keys() {
            effects.push(Effect::Departed(ion, Cause::Told));
        }
        // Bonds that were given there count nowhere else.
        self.age.incarnation += 1;
        self.neighbours.clear();
        self.departed.clear();
        self.notices = Notices::default();
        self.linked_since = None;
        self.changed = true;
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for Due { ion, age, bond } in self.notices.due(now) {
            // Unless it has beaten since.
            if self.entries.get(&ion).is_none_or(|one| one.age <= age) {
                let gone = Message::Gone { ion, counter: age.counter, bond };
                effects.push(Effect::Alert(encode(&gone)));
            }
        }
        self.expire(now, effects);
        self.pace(now);
        self.say_it_lives(now, effects);
        self.beat(now, effects);
    }

    /// Looks at everybody only when somebody's time may be over: among a
    /// thousand ions that is seldom.
    fn expire(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if now < self.expire_at {
            return;
        }
        let others = || self.entries.iter().filter(|(ion, _)| !self.neighbours.contains_key(*ion));
        let over: Vec<(IonId, Cause)> =
            others().filter_map(|(ion, entry)| Some((*ion, entry.is_over(now)?))).collect();
        let next = others().map(|(_, entry)| entry.over_at()).filter(|at| *at > now).min();
        let latest = now.plus_ms(EXPIRE_MS_MAX);
        self.expire_at = next.map_or(latest, |at| at.min(latest));
        for (ion, cause) in over {
            self.depart(now, ion, cause, effects);
        }
        self.departed.retain(|_, (_, at)| now.since_ms(*at) < DEPARTED_MS);
    }

    fn beat(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.neighbours.is_empty() {
            return;
        }
        let since_ms = now.since_ms(self.beat_at);
        let wait_ms = match self.is_newcomer(now) {
            _ if self.is_beat_due => INTERVAL_MS_MIN,
            true => self.promised_ms,
            false => self.interval_ms,
        };
        if since_ms >= wait_ms.min(self.promised_ms) {
            self.publish_beat(now, effects);
        }
    }

    fn is_newcomer(&self, now: Time) -> bool {
        self.linked_since.is_none_or(|since| now.since_ms(since) < NEWCOMER_MS)
    }

    fn publish_beat(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.beat_at = now;
        self.pace(now);
        let least_ms = if self.is_newcomer(now) { NEWCOMER_INTERVAL_MS } else { 0 };
        self.promised_ms = self.interval_ms.max(least_ms);
        self.is_beat_due = false;
        self.age.counter += 1;
        let beat = Message::Beat {
            age: self.age,
            interval_ms: u32::try_from(self.promised_ms).unwrap_or(u32::MAX),
            profile: self.profile.clone(),
            standing: self.standing,
        };
        effects.push(Effect::Publish(encode(&beat)));
    }
}

struct Beat {
    age: Age,
    interval_ms: u64,
    profile: Profile,
    standing: Standing,
}

#[cfg(test)]
mod tests;
