//! Which few links an ion wants, keeps and cuts, whatever the nebula's size.
//!
//! An ion seeks links until it has its *target*, lets others in up to its
//! *limit*, and never holds more. About half of the links that it seeks go to
//! near ions and half to random ones: the random ones keep the graph connected
//! and its diameter logarithmic (partial views after `HyParView`, Leitão,
//! Pereira and Rodrigues, 2007; near links after X-BOT, Leitão et al., 2009).
//!
//! - **Asking.** Each side may refuse. A refusal names others to try, those
//!   with a free place first. Whoever has no link at all, or stands for a part
//!   of the nebula that is not heard here, is let in even where all places are
//!   taken: a link is cut whose other end has further links.
//! - **Usefulness.** Each use of a link adds to its score, which halves about
//!   every minute. Of the last [`uses::USES_MAX`] interactions, an ion that is
//!   reached through others and was used at least 1.1 times as often as the
//!   least used direct one takes its place (at least [`USES_MIN`] uses). Who is
//!   asked for such a link and is full gives up the least used of those beyond its
//!   target: who holds a file that another seeks has had nothing to do with it yet.
//!   What waits for a link is not kept waiting for a hundred interactions: one in
//!   [`NEED_MS`] is asked for at once.
//! - **Calm.** A link lives [`LIFE_MS_MIN`] before it may be cut as surplus,
//!   and only where both ends have more than their target, so that no cut
//!   makes anybody seek. Whoever was cut, refused or failed is left alone for
//!   a while that doubles with each failure.
//! - **Growth.** A random link is random among the ions that were heard of when
//!   it was made. Where [`GROWN_PERCENT`] of them are heard of now, as after the
//!   heal of a split, another takes its place, one after the other: else the
//!   parts would hang together by the few links that healed them, and fall apart
//!   again with the few ions that hold those.
//! - **Parts.** A *strange* ion is one that was found although no presence of
//!   it is heard. It belongs to another part of a split nebula: one link to it
//!   heals the split.
//!
//! Refuses: to cut the only link of another ion (unless its own limit was
//! lowered below what it holds), to hold more than its limit for even a moment,
//! to believe more of others than what decides about a link with themselves.
//!
//! Bounds: [`LIMIT_MAX`] links, [`pool::CANDIDATES_MAX`] candidates,
//! [`WANTS_MAX`] attempts at once, one making of room in [`ROOM_MS`].
//!
//! Reading order: this file, [`pool`], [`uses`], then `seek` (whom to ask),
//! `admit` (whom to let in) and `cut` (whom to let go).

use ion_map::Map;
use serde::{Deserialize, Serialize};

use crate::{
    identity::IonId,
    platform::{Time, sim::Rng},
};

pub mod pool;
pub mod uses;

mod admit;
mod cut;
mod seek;

use pool::{Pool, Rest};
use uses::Uses;

/// The highest limit that an ion may be given, in links.
pub const LIMIT_MAX: usize = 64;
/// Attempts to link that an ion makes at once.
pub const WANTS_MAX: usize = 3;
/// How long an attempt may go unanswered, in milliseconds.
pub const WANT_MS_MAX: u64 = 25_000;
/// Ions that a refusal names, at most.
pub const REFERRALS_MAX: usize = 6;
/// How long a link lives before it may be cut as surplus, in milliseconds.
pub const LIFE_MS_MIN: u64 = 30_000;
/// How long a link lives before a more useful one takes its place, in milliseconds.
pub const USEFUL_LIFE_MS_MIN: u64 = 5_000;
/// Between two cuts of surplus links, in milliseconds.
pub const TRIM_MS: u64 = 10_000;
/// Between two links for which room is made, in milliseconds: lies about being
/// alone cost others no more than this.
pub const ROOM_MS: u64 = 1_000;
/// Between two links that are asked for because something waits, in milliseconds.
pub const NEED_MS: u64 = 1_000;
/// Uses among the last hundred below which nobody takes another's place.
pub const USES_MIN: usize = 5;
/// Between two searches for a nearer or more useful link, in milliseconds.
pub const IMPROVE_MS: u64 = 5_000;
/// How long an ion stays strange before a link to it is wanted, in milliseconds.
pub const STRANGE_MS: u64 = 3_000;
/// How many ions must be heard of, in percent of those when a random link was
/// made, for another to take its place.
pub const GROWN_PERCENT: usize = 150;
/// Between two attempts to heal a split, in milliseconds; up to twice that.
pub const HEAL_MS: u64 = 4_000;
/// Between two halvings-by-an-eighth of the scores, in milliseconds.
pub const DECAY_MS: u64 = 10_000;
/// What one use adds to a link's score.
pub const USE_SCORE: u32 = 1_000;

/// How many links an ion seeks and may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    target: usize,
    max: usize,
}

impl Limits {
    /// Limits within bounds: `max` from 1 to [`LIMIT_MAX`], `target` from 1 to `max`.
    pub fn new(target: usize, max: usize) -> Self {
        let max = max.clamp(1, LIMIT_MAX);
        Self { target: target.clamp(1, max), max }
    }

    /// Links that it seeks.
    pub const fn target(self) -> usize {
        self.target
    }

    /// Links that it may hold.
    pub const fn max(self) -> usize {
        self.max
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { target: 6, max: 10 }
    }
}

/// What an ion says of its links. It is believed only where a link with that
/// ion itself is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Links that it holds.
    pub links: u8,
    /// Links that it seeks.
    pub target: u8,
    /// Links that it may hold.
    pub max: u8,
}

impl Standing {
    /// Whether it could take one more.
    pub const fn has_place(self) -> bool {
        self.links < self.max
    }

    /// Whether it has more than it seeks.
    pub const fn is_over(self) -> bool {
        self.links > self.target
    }

    /// Whether it has a link beside the one in question.
    pub const fn has_another(self) -> bool {
        self.links > 1
    }
}

/// Why a link is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The asker has fewer links than it seeks.
    Fill,
    /// It has none.
    Alone,
    /// It hears nothing of the asked one through its own part of the nebula.
    Split,
    /// The two have much to do with each other.
    Useful,
    /// The asked one is near.
    Near,
}

/// Why a link is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Both sides have more links than they seek.
    Surplus,
    /// A more useful or nearer ion takes the place.
    Replaced,
    /// Somebody needed the place who had no other.
    MadeRoom,
    /// The limit was lowered, or no place was left.
    Full,
    /// The answer came to a wish that was given up.
    Unwanted,
}

/// An ion that was found, and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Who.
    pub ion: IonId,
    /// Whether its presence is heard through the links that stand.
    pub is_heard: bool,
    /// Its links, as last heard.
    pub standing: Option<Standing>,
    /// The round-trip time that is expected, in milliseconds.
    pub round_trip_ms: Option<u32>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From now on these limits hold.
    Limits(Limits),
    /// These ions were found, at a relay or in the directory.
    Found(Vec<Sighting>),
    /// A member asks for a link; whether its presence is heard.
    Asked {
        /// Who.
        ion: IonId,
        /// What it says of its links.
        standing: Standing,
        /// What it says it wants the link for.
        why: Why,
        /// Whether its presence is heard through the links that stand.
        is_heard: bool,
    },
    /// An ion that was asked accepted: the link stands.
    Linked(IonId, Standing),
    /// An ion that was asked has no place; it names others.
    Refused {
        /// Who.
        ion: IonId,
        /// Whom it names.
        others: Vec<IonId>,
        /// Whether it hears this ion's presence: then nothing is split.
        is_heard: bool,
    },
    /// An ion that was asked could not be reached, or did not answer.
    Failed(IonId),
    /// The link ended by itself.
    Lost(IonId),
    /// The other side cut the link; it names others.
    Cut(IonId, Vec<IonId>),
    /// The ion left the nebula, or was shut out.
    Gone(IonId),
    /// A linked ion says how its links stand.
    Standing(IonId, Standing),
    /// A round trip to an ion was measured, in milliseconds.
    RoundTrip(IonId, u32),
    /// So many other ions are heard of.
    Size(usize),
    /// This ion and that one had something to do with each other.
    Used(IonId),
    /// Something waits for a link to that ion, or one like it.
    Needed(IonId),
    /// Leave every link and candidate behind, without a word.
    Clear,
    /// Time has passed.
    Tick,
}

/// What is asked of the links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask this ion for a link.
    Want(IonId, Why),
    /// Let the ion that asked in: the link stands.
    Accept(IonId),
    /// Refuse the ion that asked; others that it may try, and whether its
    /// presence is heard here.
    Refuse {
        /// Whom.
        ion: IonId,
        /// Others to try.
        others: Vec<IonId>,
        /// Whether its presence is heard here.
        is_heard: bool,
    },
    /// End the link; others that the cut one may try.
    Cut {
        /// Whose.
        ion: IonId,
        /// Why.
        reason: Reason,
        /// Others to try.
        others: Vec<IonId>,
    },
}

/// One link, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Since when it stands.
    pub since: Time,
    /// Why it was made.
    pub why: Why,
    /// The last measured round trip in milliseconds; `None` while unknown.
    pub round_trip_ms: Option<u32>,
    /// How useful it is: [`USE_SCORE`] a use, halved about every minute.
    pub score: u32,
    /// How the other side's links stand.
    pub standing: Standing,
    /// How many ions were heard of when it was made.
    pub heard: usize,
}

/// A link that was asked for and is not answered yet.
#[derive(Clone, Copy, Debug)]
struct Want {
    since: Time,
    why: Why,
    /// The link that ends when this one stands.
    replaces: Option<IonId>,
}

/// The machine.
pub struct Overlay {
    own: IonId,
    rng: Rng,
    limits: Limits,
    links: Map<IonId, Link>,
    wants: Map<IonId, Want>,
    pool: Pool,
    uses: Uses,
    /// How many other ions are heard of.
    heard: usize,
    /// Nobody can be asked before; found ions end it.
    idle_until: Time,
    trim_at: Time,
    room_at: Time,
    improve_at: Time,
    need_at: Time,
    heal_at: Time,
    decay_at: Time,
}

impl Overlay {
    /// A machine for the ion `own` without links. No secret follows from the seed.
    pub fn new(own: IonId, seed: u64, limits: Limits) -> Self {
        Self {
            own,
            rng: Rng::new(seed),
            limits,
            links: Map::new(),
            wants: Map::new(),
            pool: Pool::default(),
            uses: Uses::default(),
            heard: 0,
            idle_until: Time::ZERO,
            trim_at: Time::ZERO,
            room_at: Time::ZERO,
            improve_at: Time::ZERO,
            need_at: Time::ZERO,
            heal_at: Time::ZERO,
            decay_at: Time::ZERO,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Limits(limits) => {
                self.limits = limits;
                self.shed(now, effects);
            }
            Input::Found(sightings) => self.found(now, &sightings),
            Input::Asked { ion, standing, why, is_heard } => {
                self.asked(now, ion, Asking { standing, why, is_heard }, effects);
            }
            Input::Linked(ion, standing) => self.linked(now, ion, standing, effects),
            Input::Refused { ion, others, is_heard } => self.refused(now, ion, &others, is_heard),
            Input::Failed(ion) => self.failed(now, ion),
            Input::Lost(ion) => self.lost(now, ion),
            Input::Cut(ion, others) => self.was_cut(now, ion, &others),
            Input::Gone(ion) => self.gone(ion),
            Input::Standing(ion, standing) => self.stands(ion, standing),
            Input::RoundTrip(ion, ms) => self.round_trip(ion, ms),
            Input::Size(ions) => self.heard = ions,
            Input::Used(ion) => self.used(ion),
            Input::Needed(ion) => self.need(now, ion, effects),
            Input::Clear => self.clear(),
            Input::Tick => self.tick(now, effects),
        }
        self.fill(now, effects);
    }

    /// The links that stand.
    pub fn links(&self) -> &Map<IonId, Link> {
        &self.links
    }

    /// The limits that hold.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// What this ion says of its links.
    pub fn standing(&self) -> Standing {
        let small = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
        Standing {
            links: small(self.links.len()),
            target: small(self.limits.target),
            max: small(self.limits.max),
        }
    }

    /// Uses of an ion among the last [`uses::USES_MAX`] interactions.
    pub fn uses_of(&self, ion: &IonId) -> usize {
        self.uses.of(ion)
    }

    /// Why no link to that ion stands, in attempts that failed since the last
    /// that did not; 0 when none was made.
    pub fn failures_of(&self, ion: &IonId) -> u32 {
        self.pool.get(ion).map_or(0, |candidate| candidate.failures)
    }

    /// Places that are taken or promised.
    fn occupied(&self) -> usize {
        let promised = self.wants.values().filter(|want| want.replaces.is_none());
        self.links.len() + promised.count()
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.give_up(now);
        if now >= self.decay_at {
            self.decay_at = now.plus_ms(DECAY_MS);
            for link in self.links.values_mut() {
                link.score -= link.score / 8;
            }
        }
        self.heal(now, effects);
        self.improve(now, effects);
        self.trim(now, effects);
    }

    /// Wishes that nobody answered are failures.
    fn give_up(&mut self, now: Time) {
        let is_late = |want: &Want| now.since_ms(want.since) > WANT_MS_MAX;
        let late = self.wants.iter().filter(|(_, want)| is_late(want)).map(|(ion, _)| *ion);
        for ion in late.collect::<Vec<_>>() {
            self.failed(now, ion);
        }
    }

    fn lost(&mut self, now: Time, ion: IonId) {
        if self.links.remove(&ion).is_some() {
            self.is_replaced_no_more(&ion);
            self.rest(now, ion, Rest::Lost);
        } else {
            self.failed(now, ion);
        }
    }

    /// Whoever was to take its place finds it free.
    fn is_replaced_no_more(&mut self, ion: &IonId) {
        for want in self.wants.values_mut() {
            want.replaces = want.replaces.filter(|old| old != ion);
        }
    }

    fn failed(&mut self, now: Time, ion: IonId) {
        if self.wants.remove(&ion).is_some() {
            self.rest(now, ion, Rest::Failed);
        }
    }

    fn refused(&mut self, now: Time, ion: IonId, others: &[IonId], is_heard: bool) {
        if self.wants.remove(&ion).is_none() {
            return;
        }
        self.rest(now, ion, Rest::Refused);
        if is_heard {
            self.pool.is_heard(&ion);
            // One part after all: whoever else seems strange is only not heard yet.
            self.heal_at = now.plus_ms(10 * HEAL_MS);
        }
        self.referred(now, others);
    }

    fn was_cut(&mut self, now: Time, ion: IonId, others: &[IonId]) {
        self.wants.remove(&ion);
        if self.links.remove(&ion).is_some() {
            self.is_replaced_no_more(&ion);
            self.rest(now, ion, Rest::Cut);
            self.referred(now, others);
        }
    }

    fn gone(&mut self, ion: IonId) {
        self.links.remove(&ion);
        self.wants.remove(&ion);
        self.is_replaced_no_more(&ion);
        self.pool.forget(&ion);
    }

    fn clear(&mut self) {
        self.links.clear();
        self.wants.clear();
        self.pool = Pool::default();
        self.uses = Uses::default();
        self.heard = 0;
        self.idle_until = Time::ZERO;
    }

    fn rest(&mut self, now: Time, ion: IonId, rest: Rest) {
        self.pool.rest(now, ion, rest, &mut self.rng);
        self.idle_until = Time::ZERO;
    }

    fn stands(&mut self, ion: IonId, standing: Standing) {
        if let Some(link) = self.links.get_mut(&ion) {
            link.standing = standing;
        }
    }

    fn round_trip(&mut self, ion: IonId, ms: u32) {
        self.pool.round_trip(&ion, ms);
        if let Some(link) = self.links.get_mut(&ion) {
            link.round_trip_ms = Some(ms);
        }
    }

    fn used(&mut self, ion: IonId) {
        if ion == self.own {
            return;
        }
        self.uses.note(ion);
        if let Some(link) = self.links.get_mut(&ion) {
            link.score = link.score.saturating_add(USE_SCORE);
        }
    }
}

/// What an ion says when it asks for a link, and whether it is heard.
#[derive(Clone, Copy, Debug)]
struct Asking {
    standing: Standing,
    why: Why,
    is_heard: bool,
}

#[cfg(test)]
mod tests;
