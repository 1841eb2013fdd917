//! What the Network page says about links, relays and limits: the ion's
//! figures in the user's terms, in an order that does not jump.
//!
//! It refuses limits that the ion would not take, with a sentence. Bounds:
//! [`TARGET_MAX`] and [`HELD_MAX`] links, [`ROWS_MAX`] rows a table.

use std::collections::BTreeMap;

use ion_map::sort_by;
use node_core::node::{
    IonView, LinkKind, RelayView, Status,
    event::{EchoView, LinkLimits, Phase},
};

use super::format::{bytes, counted};

/// The most direct links that a person can ask for.
pub const TARGET_MAX: u8 = HELD_MAX;
/// The most direct links that a person can allow. A page holds at most 500
/// peer connections, and an ion needs few.
pub const HELD_MAX: u8 = 32;
/// Rows of a table that are shown at most; the others are only counted.
pub const ROWS_MAX: usize = 100;

/// Ions by how they are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Linked directly.
    pub direct: u64,
    /// Linked through a relay.
    pub relayed: u64,
    /// Not linked: reached through other ions.
    pub via: u64,
}

impl Tally {
    /// Counts.
    pub fn of(ions: &[IonView]) -> Self {
        ions.iter().fold(Self::default(), |mut tally, ion| {
            *match ion.link {
                LinkKind::Direct => &mut tally.direct,
                LinkKind::Relayed => &mut tally.relayed,
                LinkKind::Via => &mut tally.via,
            } += 1;
            tally
        })
    }

    /// Links of this ion, of whatever kind.
    pub fn links(self) -> u64 {
        self.direct + self.relayed
    }

    /// In words, without what there is none of: `3 direct, 1 relayed`.
    pub fn words(self) -> String {
        let kinds =
            [(self.direct, "direct"), (self.relayed, "relayed"), (self.via, "through others")];
        let there = kinds.iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = there.map(|(count, kind)| format!("{count} {kind}")).collect();
        if words.is_empty() { "no other ion".to_owned() } else { words.join(", ") }
    }
}

/// The ions that are linked, the most useful link first; of equals, by name.
pub fn linked(ions: &[IonView]) -> Vec<IonView> {
    let mut linked: Vec<IonView> =
        ions.iter().filter(|ion| ion.link != LinkKind::Via).cloned().collect();
    sort_by(&mut linked, |one, other| {
        let by_score = other.score.cmp(&one.score);
        by_score.then_with(|| one.name.cmp(&other.name)).then_with(|| one.id.cmp(&other.id))
    });
    linked
}

/// The ions that are not linked, by name.
pub fn unlinked(ions: &[IonView]) -> Vec<IonView> {
    let mut unlinked: Vec<IonView> =
        ions.iter().filter(|ion| ion.link == LinkKind::Via).cloned().collect();
    sort_by(&mut unlinked, |one, other| {
        one.name.cmp(&other.name).then_with(|| one.id.cmp(&other.id))
    });
    unlinked
}

/// How an ion that is not linked is reached: `through quiet-heron, 3 links`.
pub fn way(ion: &IonView, ions: &[IonView]) -> String {
    let via = ions.iter().find(|other| other.id == ion.via && !ion.via.is_empty());
    let links = (ion.hops > 0).then(|| counted(u64::from(ion.hops), "link"));
    match (via.map(|via| via.name.as_str()), links) {
        (Some(name), Some(links)) => format!("through {name}, {links}"),
        (Some(name), None) => format!("through {name}"),
        (None, Some(links)) => format!("through others, {links}"),
        (None, None) => "through others; the way is not known yet".to_owned(),
    }
}

/// Bytes a second: `1.2 MiB/s`.
pub fn throughput(per_second: u64) -> String {
    format!("{}/s", bytes(per_second))
}

/// The answer to an echo: `there and back in 84 ms over 3 links`.
pub fn echoed(view: &EchoView) -> String {
    let links = counted(u64::from(view.hops), "link");
    format!("there and back in {} ms over {links}", view.round_trip_ms)
}

/// What stands above everything while no relay answers; `None` while one does,
/// or before it is known.
pub fn no_relay(status: &Status, links: u64) -> Option<&'static str> {
    match (status.phase, links) {
        (Phase::NoRelay, 0) => Some(
            "No relay: nobody can find us, and no ion is linked. It is tried again by itself; \
             until then a code links two ions.",
        ),
        (Phase::NoRelay, _) => {
            Some("No relay: newcomers can't find us. Everything among linked ions goes on.")
        }
        _ => None,
    }
}

/// Relays in words: `1 of 2 relays answers`.
pub fn relays(relays: &[RelayView]) -> String {
    let standing = relays.iter().filter(|relay| relay.is_connected).count();
    match (standing, relays.len()) {
        (_, 0) => "No relay is known yet.".to_owned(),
        (0, 1) => "The relay does not answer.".to_owned(),
        (1, 1) => "The relay answers.".to_owned(),
        (0, all) => format!("None of {all} relays answers."),
        (1, all) => format!("1 of {all} relays answers."),
        (some, all) => format!("{some} of {all} relays answer."),
    }
}

/// One more or fewer link wanted: both limits stay within bounds, and as many
/// as are wanted may be held.
pub fn with_target(limits: LinkLimits, change: i8) -> LinkLimits {
    let target = limits.target.saturating_add_signed(change).clamp(1, TARGET_MAX);
    LinkLimits { target, max: limits.max.clamp(target, HELD_MAX) }
}

/// One more or fewer link allowed; never fewer than are wanted.
pub fn with_max(limits: LinkLimits, change: i8) -> LinkLimits {
    let max = limits.max.saturating_add_signed(change).clamp(1, HELD_MAX);
    LinkLimits { target: limits.target.clamp(1, max), max }
}

/// What the limits mean, in a sentence.
pub fn limits(limits: LinkLimits) -> String {
    let LinkLimits { target, max } = limits;
    if target == max {
        return format!(
            "This tab reaches for {} and takes no more.",
            counted(target.into(), "link")
        );
    }
    let links = counted(target.into(), "link");
    format!("This tab reaches for {links} and lets others make it {max}.")
}

/// Echoes under way and answered, by ion: what the page shows beside each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Echoes {
    last: u64,
    shown: BTreeMap<String, (u64, Echo)>,
}

/// One echo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Echo {
    /// It is under way.
    Asked,
    /// It came back; how, in words.
    Back(String),
    /// It did not; why, in words.
    Lost(String),
}

impl Echoes {
    /// Begins one; the number to ask with.
    pub fn ask(&mut self, ion: &str) -> u64 {
        self.last += 1;
        self.shown.insert(ion.to_owned(), (self.last, Echo::Asked));
        self.last
    }

    /// Takes an answer; one that nobody waits for is ignored.
    pub fn answer(&mut self, request: u64, echo: Echo) {
        let waiting = self.shown.values_mut().find(|(number, _)| *number == request);
        if let Some(waiting) = waiting {
            waiting.1 = echo;
        }
    }

    /// Forgets ions that left.
    pub fn keep(&mut self, ions: &[IonView]) {
        self.shown.retain(|id, _| ions.iter().any(|ion| ion.id == *id));
    }

    /// What is to be shown beside an ion.
    pub fn of(&self, ion: &str) -> Option<&Echo> {
        self.shown.get(ion).map(|(_, echo)| echo)
    }
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
