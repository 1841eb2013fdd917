//! How many copies of what are kept, by whom, and what is done about those that
//! are missing.
//!
//! A file is kept in [`Part`]s of [`PART_BYTES`], each on as many ions as its
//! goal says. Every ion computes by itself who these are ([`placement`]), from
//! who is there, what they offer, and who holds what; so the one that is to
//! fetch a missing copy knows that it is the one, and nobody else fetches it.
//! Who holds a copy keeps it: an ion that joins takes nothing over, one that
//! leaves costs what it held and no more.
//!
//! No storms: an ion that is gone counts as there for [`GRACE_MS`], since most
//! return (a page that is reloaded, a link that breaks); copies come at a bounded
//! rate, [`FETCHES_MAX`] parts at a time; copies beyond the goal stay for
//! [`SURPLUS_MS`] before one is dropped, by the ion that the hash names last,
//! whatever ions offer ([`placement`] says what that is worth against liars), and
//! only while the others are there. Parts of new files need not keep to the
//! rate, as their user waits for them. Where the named ion does not fetch, the
//! next is named too after [`OVERDUE_MS`]. An ion that is about to leave says so:
//! its copies count no more, and what nobody else holds is fetched from it at once,
//! whatever the rate.
//!
//! Refused: goals beyond [`GOAL_MAX`], more than [`PARTS_MAX`] parts, of which a
//! tick looks at 2,000.

pub mod health;
pub mod placement;

#[cfg(test)]
mod tests;

use ion_map::{LongMap, Map, Set};

use serde::{Deserialize, Serialize};

use self::{
    health::Churn,
    placement::{Offer, wanted},
};
use super::chunk::{CHUNK_BYTES, Cid};
use crate::{identity::IonId, platform::Time};

/// A part of a file, in bytes: large files are spread over more ions than the
/// goal says, and no ion has to have room for a whole one.
pub const PART_BYTES: u64 = PART_CHUNKS * CHUNK_BYTES as u64;
/// Chunks of a part, where they have the usual length.
pub const PART_CHUNKS: u64 = 64;
/// Copies of a file, unless it says otherwise.
pub const GOAL: usize = 3;
/// The most copies that a file may have.
pub const GOAL_MAX: usize = 16;
/// Parts that one ion looks after.
pub const PARTS_MAX: usize = 200_000;
/// How long an ion that is gone counts as there, in milliseconds.
pub const GRACE_MS: u64 = 30_000;
/// How long a copy has to be missing before it is fetched, in milliseconds: the
/// news that it is not may be on their way. For the first [`GRACE_MS`] an ion
/// repairs nothing, since it does not know yet who was there a moment ago.
pub const SETTLE_MS: u64 = 5_000;
/// How long copies beyond the goal stay, in milliseconds.
pub const SURPLUS_MS: u64 = 300_000;
/// How long a copy may be missing before one more ion is named, in milliseconds.
pub const OVERDUE_MS: u64 = 120_000;
/// Parts that one ion fetches at a time.
pub const FETCHES_MAX: usize = 4;
/// How fast one ion repairs, in bytes a second, over any time and but for one
/// part.
pub const REPAIR_BYTES_PER_SECOND: u64 = 2 << 20;
/// How long a part that could not be fetched is left alone, in milliseconds.
const RETRY_MS: u64 = 30_000;
/// Parts that one tick looks at, in turns, so that it takes some milliseconds.
const TURN_MAX: usize = 2_000;
/// Ions that are named beyond those that are missing, at most.
const EXTRA_MAX: u64 = 3;

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// The file's manifest. Whoever holds a part holds it too, and the lists
    /// that lead to the part.
    pub file: Cid,
    /// Which [`PART_CHUNKS`] of its chunks.
    pub number: u64,
}

/// What is wished of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Its length, in bytes.
    pub bytes: u64,
    /// How many copies there should be: at most [`GOAL_MAX`], and as many as
    /// there are ions with room.
    pub goal: usize,
    /// Whether somebody just brought the file and waits for its copies.
    pub is_new: bool,
    /// Whether this ion's user wants it kept here whatever the goal is.
    pub is_pinned: bool,
}

/// What is known of the world as it is.
#[derive(Clone, Debug, Default)]
pub struct Actual {
    /// Ions that are there, or were until a moment ago, and what they offer.
    pub ions: Map<IonId, Offer>,
    /// Who holds what.
    pub holders: LongMap<Part, Set<IonId>>,
}

/// What this ion has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// Fetch a copy.
    Fetch(Part),
    /// Drop the copy: there are more than enough without it.
    Drop(Part),
}

/// What separates wish and world as far as this ion is to do something about
/// it, with so many more ions named for each part than are missing.
pub fn reconcile<'a>(
    own: IonId,
    desired: impl IntoIterator<Item = (&'a Part, &'a Wish)>,
    actual: &Actual,
    extra: impl Fn(&Part) -> usize,
) -> Vec<Mutation> {
    let mutation = |(part, wish): (&Part, &Wish)| {
        let empty = Set::new();
        let holders = actual.holders.get(part).unwrap_or(&empty);
        let named = wanted(part, &actual.ions, holders, wish.goal, extra(part));
        let (is_named, is_held) = (named.contains(&own) || wish.is_pinned, holders.contains(&own));
        let others = named.iter().filter(|ion| holders.contains(ion)).count();
        match (is_named, is_held) {
            (true, false) => Some(Mutation::Fetch(*part)),
            (false, true) if others >= wish.goal.min(GOAL_MAX) => Some(Mutation::Drop(*part)),
            _ => None,
        }
    };
    desired.into_iter().filter_map(mutation).collect()
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// These ions are there now, this one included, and offer that.
    Ions(Map<IonId, Offer>),
    /// A part should be kept so; replaces what was wished before.
    Wish(Part, Wish),
    /// A part need not be kept any more.
    Unwish(Part),
    /// An ion holds a part, this one included.
    Holds(IonId, Part),
    /// It does not.
    Lacks(IonId, Part),
    /// A [`Effect::Fetch`] has ended: whether the part is held now.
    Fetched(Part, bool),
    /// Time has passed; wanted every second or so.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Fetch a part, say so with [`Input::Fetched`], and tell the others.
    Fetch(Part),
    /// Delete a part and tell the others.
    Drop(Part),
    /// A part is not taken into care, since there are [`PARTS_MAX`].
    Full(Part),
}

/// A part's health.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Health {
    /// Ions that are there and hold it.
    pub live: usize,
    /// How many should.
    pub goal: usize,
    /// Whether this ion alone holds it.
    pub is_only_here: bool,
    /// The probability that it is lost before it is repaired: see [`Churn`].
    pub loss: f64,
}

/// The machine.
#[derive(Debug)]
pub struct Replicas {
    own: IonId,
    wishes: LongMap<Part, Wish>,
    actual: Actual,
    live: Set<IonId>,
    /// Of those, who is about to leave.
    leaving: Set<IonId>,
    /// Of those that are gone and still count.
    gone_at: Map<IonId, Time>,
    /// Since when a copy is missing, or one is too many.
    missing_since: LongMap<Part, Time>,
    surplus_since: LongMap<Part, Time>,
    fetching: Set<Part>,
    not_before: LongMap<Part, Time>,
    /// What may be repaired now, in thousandths of a byte; a debt is paid off
    /// before the next part begins.
    allowance: i128,
    /// The part that was looked at last.
    turn: Option<Part>,
    started_at: Time,
    ticked_at: Time,
    churn: Churn,
}

impl Replicas {
    /// A machine that looks after nothing yet.
    pub fn new(own: IonId, now: Time) -> Self {
        Self {
            own,
            wishes: LongMap::new(),
            actual: Actual::default(),
            live: Set::new(),
            leaving: Set::new(),
            gone_at: Map::new(),
            missing_since: LongMap::new(),
            surplus_since: LongMap::new(),
            fetching: Set::new(),
            not_before: LongMap::new(),
            allowance: 0,
            turn: None,
            started_at: now,
            ticked_at: now,
            churn: Churn::default(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Ions(ions) => self.ions(now, ions),
            Input::Wish(part, wish) => self.wish(part, wish, effects),
            Input::Unwish(part) => self.unwish(&part),
            Input::Holds(ion, part) => {
                if self.wishes.contains_key(&part) {
                    self.actual.holders.entry(part).or_default().insert(ion);
                }
            }
            Input::Lacks(ion, part) => self.lacks(&ion, &part),
            Input::Fetched(part, is_held) => {
                self.fetching.remove(&part);
                if is_held {
                    self.handle(now, Input::Holds(self.own, part), effects);
                } else {
                    self.not_before.insert(part, now.plus_ms(RETRY_MS));
                }
            }
            Input::Tick => self.tick(now, effects),
        }
    }

    /// How a part is; `None` of one that is not looked after.
    pub fn health(&self, part: &Part) -> Option<Health> {
        let wish = self.wishes.get(part)?;
        let live = self.live_holders(part);
        let repair_ms = GRACE_MS + wish.bytes * 1_000 / REPAIR_BYTES_PER_SECOND;
        Some(Health {
            live: live.len(),
            goal: wish.goal.min(self.live.len()),
            is_only_here: live == [self.own],
            loss: self.churn.loss(live.len(), repair_ms),
        })
    }

    fn live_holders(&self, part: &Part) -> Vec<IonId> {
        let holders = self.actual.holders.get(part).into_iter().flatten();
        holders.filter(|ion| self.live.contains(ion)).copied().collect()
    }

    fn ions(&mut self, now: Time, ions: Map<IonId, Offer>) {
        let live: Set<IonId> = ions.keys().copied().collect();
        self.churn.pass(now, &self.live, &live);
        for gone in self.live.iter().filter(|ion| !live.contains(*ion)) {
            self.gone_at.insert(*gone, now);
        }
        self.gone_at.retain(|ion, _| !live.contains(ion));
        self.leaving.clear();
        for (ion, offer) in ions {
            if offer.is_leaving {
                self.leaving.insert(ion);
                self.actual.ions.remove(&ion);
            } else {
                self.actual.ions.insert(ion, offer);
            }
        }
        self.live = live;
        self.forget_gone(now);
    }

    /// Ions whose time of grace is over do not count any more.
    fn forget_gone(&mut self, now: Time) {
        let ions = &mut self.actual.ions;
        self.gone_at.retain(|ion, at| {
            let is_over = now.since_ms(*at) >= GRACE_MS;
            if is_over {
                ions.remove(ion);
            }
            !is_over
        });
    }

    fn wish(&mut self, part: Part, wish: Wish, effects: &mut Vec<Effect>) {
        if self.wishes.len() < PARTS_MAX || self.wishes.contains_key(&part) {
            self.wishes.insert(part, wish);
        } else {
            effects.push(Effect::Full(part));
        }
    }

    fn unwish(&mut self, part: &Part) {
        self.wishes.remove(part);
        self.actual.holders.remove(part);
        self.missing_since.remove(part);
        self.surplus_since.remove(part);
        self.not_before.remove(part);
    }

    fn lacks(&mut self, ion: &IonId, part: &Part) {
        if let Some(holders) = self.actual.holders.get_mut(part) {
            holders.remove(ion);
        }
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.forget_gone(now);
        let ms = i128::from(now.since_ms(self.ticked_at));
        self.ticked_at = now;
        let more = ms * i128::from(REPAIR_BYTES_PER_SECOND);
        // What was not used is not saved up.
        self.allowance = (self.allowance + more).min(0);
        let turn = self.next_turn();
        self.note_missing(now, &turn);
        let extra = |part: &Part| self.extra(now, part);
        let mutations = reconcile(self.own, &turn, &self.actual, extra);
        self.drop_surplus(now, &turn, &mutations, effects);
        self.start(now, &mutations, effects);
    }

    /// The next parts to be looked at; each once where they are few.
    fn next_turn(&mut self) -> Map<Part, Wish> {
        let mut turn = Map::new();
        let last = self.turn;
        let first = last.iter().flat_map(|last| self.wishes.range_from(last));
        for (part, wish) in first.filter(|(part, _)| Some(**part) > last).chain(self.wishes.iter())
        {
            if turn.len() == TURN_MAX || turn.insert(*part, *wish).is_some() {
                break;
            }
            self.turn = Some(*part);
        }
        turn
    }

    /// How many ions are named beyond those that are missing.
    fn extra(&self, now: Time, part: &Part) -> usize {
        let since = self.missing_since.get(part).copied().unwrap_or(now);
        usize::try_from((now.since_ms(since) / OVERDUE_MS).min(EXTRA_MAX)).unwrap_or_default()
    }

    fn note_missing(&mut self, now: Time, turn: &Map<Part, Wish>) {
        for (part, wish) in turn {
            let holders = self.actual.holders.get(part).into_iter().flatten();
            let count = holders.filter(|ion| self.actual.ions.contains_key(ion)).count();
            if count < wish.goal.min(GOAL_MAX).min(self.actual.ions.len()) {
                self.missing_since.entry(*part).or_insert(now);
            } else {
                self.missing_since.remove(part);
            }
        }
    }

    fn drop_surplus(
        &mut self,
        now: Time,
        turn: &Map<Part, Wish>,
        mutations: &[Mutation],
        effects: &mut Vec<Effect>,
    ) {
        let surplus: Set<Part> = mutations.iter().filter_map(dropped).collect();
        self.surplus_since.retain(|part, _| surplus.contains(part) || !turn.contains_key(part));
        for part in surplus {
            let since = *self.surplus_since.entry(part).or_insert(now);
            // Copies of those that are gone but still count may not come back.
            let live = self.live_holders(&part).len();
            if now.since_ms(since) >= SURPLUS_MS && live > turn[&part].goal.min(GOAL_MAX) {
                self.surplus_since.remove(&part);
                let own = self.own;
                self.lacks(&own, &part);
                effects.push(Effect::Drop(part));
            }
        }
    }

    /// Begins what may be begun: what this ion was named for before what others
    /// are late with, and of each the rarest first.
    fn start(&mut self, now: Time, mutations: &[Mutation], effects: &mut Vec<Effect>) {
        let mut fetches: Vec<(bool, usize, Part)> = mutations
            .iter()
            .filter_map(fetched)
            .map(|part| (self.is_extra(now, &part), self.live_holders(&part).len(), part))
            .filter(|(_, live, part)| *live > 0 && self.may_begin(now, part))
            .collect();
        ion_map::sort(&mut fetches);
        for (_, _, part) in fetches {
            let Some(wish) = self.wishes.get(&part).copied() else { continue };
            if self.fetching.len() == FETCHES_MAX {
                return;
            }
            let is_at_once = wish.is_new || self.is_handed_off(&part);
            if !is_at_once && self.allowance < 0 {
                continue;
            }
            if !is_at_once {
                self.allowance -= i128::from(wish.bytes) * 1_000;
            }
            self.not_before.remove(&part);
            self.fetching.insert(part);
            effects.push(Effect::Fetch(part));
        }
    }

    fn may_begin(&self, now: Time, part: &Part) -> bool {
        let is_left_alone = self.not_before.get(part).is_some_and(|until| now < *until);
        let is_urgent = self.wishes.get(part).is_some_and(|wish| wish.is_new || wish.is_pinned);
        let missing_ms = self.missing_since.get(part).map_or(0, |since| now.since_ms(*since));
        let is_settled = missing_ms >= SETTLE_MS && now.since_ms(self.started_at) >= GRACE_MS;
        let is_urgent = is_urgent || self.is_handed_off(part);
        !is_left_alone && !self.fetching.contains(part) && (is_urgent || is_settled)
    }

    /// Whether nobody holds a part but who is about to leave.
    fn is_handed_off(&self, part: &Part) -> bool {
        let holders = self.live_holders(part);
        !holders.is_empty() && holders.iter().all(|ion| self.leaving.contains(ion))
    }

    /// Whether this ion is named only because others are late.
    fn is_extra(&self, now: Time, part: &Part) -> bool {
        let (Some(wish), true) = (self.wishes.get(part), self.extra(now, part) > 0) else {
            return false;
        };
        let empty = Set::new();
        let holders = self.actual.holders.get(part).unwrap_or(&empty);
        !wanted(part, &self.actual.ions, holders, wish.goal, 0).contains(&self.own)
    }
}

fn fetched(mutation: &Mutation) -> Option<Part> {
    if let Mutation::Fetch(part) = mutation { Some(*part) } else { None }
}

fn dropped(mutation: &Mutation) -> Option<Part> {
    if let Mutation::Drop(part) = mutation { Some(*part) } else { None }
}
