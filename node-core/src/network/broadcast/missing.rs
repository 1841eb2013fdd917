//! Rumours that neighbours say they have and that have not come.
//!
//! A rumour that is on its way is waited for; one that does not come is asked
//! for, neighbour after neighbour, and round after round with twice the patience, for
//! links may be slow. A neighbour that often promises what in the end does not come
//! breaks the rules.
//!
//! Bounds: [`MISSING_MAX`] rumours, of which [`PROMISES_MAX`] may be promised
//! by one neighbour, [`GRAFTS_MAX`] attempts each.

use std::collections::VecDeque;

use ion_map::Map;

use super::wire::Id;
use crate::{identity::IonId, platform::Time};

/// Rumours that are waited for at once.
pub const MISSING_MAX: usize = 4_096;
/// Rumours that one neighbour may have promised at once.
pub const PROMISES_MAX: usize = 512;
/// How long a promised rumour may at least be on its way by itself, in milliseconds.
pub const GRAFT_MS: u64 = 200;
/// What is added to it at random, in milliseconds: when a branch of the tree
/// breaks, the first that asks repairs it for the others.
pub const GRAFT_SPREAD_MS: u64 = 100;
/// How long one that was asked for may take, in milliseconds; in the rounds that follow
/// twice as long each, up to eight times.
pub const GRAFT_AGAIN_MS: u64 = 300;
/// Rounds after which the patience grows no more.
const GRAFT_ROUNDS_LONGER: usize = 3;
/// How often one rumour is asked for.
pub const GRAFTS_MAX: u32 = 12;

#[derive(Debug)]
struct Missing {
    due: Time,
    announcers: VecDeque<IonId>,
    asked: Option<IonId>,
    grafts: u32,
}

/// What is to be done about one that has not come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Ask this neighbour for it.
    Ask(IonId, Id),
    /// This neighbour promised one that was given up.
    Broken(IonId),
}

/// What is known of a rumour that came.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Who was asked for it last.
    pub(super) asked: Option<IonId>,
    /// Neighbours that said they have it.
    pub(super) announcers: VecDeque<IonId>,
}

#[derive(Debug, Default)]
pub(super) struct MissingTable {
    missing: Map<Id, Missing>,
    promises: Map<IonId, usize>,
}

impl MissingTable {
    /// A neighbour says that it has a rumour that this ion lacks, which is to be
    /// asked for when it has not come after `wait_ms`.
    pub(super) fn promised(&mut self, now: Time, id: Id, by: IonId, wait_ms: u64) {
        let promises = self.promises.entry(by).or_default();
        if *promises >= PROMISES_MAX || self.missing.len() >= MISSING_MAX {
            return;
        }
        let missing = self.missing.entry(id).or_insert_with(|| Missing {
            due: now.plus_ms(wait_ms),
            announcers: VecDeque::new(),
            asked: None,
            grafts: 0,
        });
        if !missing.announcers.contains(&by) {
            missing.announcers.push_back(by);
            *promises += 1;
        }
    }

    /// It came; gives who was asked for it last, if anybody, and who promised it.
    pub(super) fn found(&mut self, id: &Id) -> Found {
        let Some(missing) = self.missing.remove(id) else { return Found::default() };
        self.release(&missing);
        Found { asked: missing.asked, announcers: missing.announcers }
    }

    /// A neighbour is gone, and its promises with it.
    pub(super) fn down(&mut self, ion: &IonId) {
        self.promises.remove(ion);
        self.missing.retain(|_, missing| {
            missing.announcers.retain(|announcer| announcer != ion);
            missing.asked = missing.asked.filter(|asked| asked != ion);
            !missing.announcers.is_empty()
        });
    }

    /// What is due now.
    pub(super) fn due(&mut self, now: Time) -> Vec<Due> {
        let late: Vec<Id> = self
            .missing
            .iter()
            .filter_map(|(id, missing)| (missing.due <= now).then_some(*id))
            .collect();
        late.into_iter().flat_map(|id| self.ask(now, id)).collect()
    }

    fn ask(&mut self, now: Time, id: Id) -> Vec<Due> {
        let Some(missing) = self.missing.get_mut(&id) else { return Vec::new() };
        if missing.grafts >= GRAFTS_MAX {
            return self.found(&id).announcers.into_iter().map(Due::Broken).collect();
        }
        let round = missing.grafts as usize / missing.announcers.len().max(1);
        let Some(next) = missing.announcers.pop_front() else { return Vec::new() };
        missing.announcers.push_back(next);
        missing.asked = Some(next);
        missing.grafts += 1;
        missing.due = now.plus_ms(GRAFT_AGAIN_MS << round.min(GRAFT_ROUNDS_LONGER));
        vec![Due::Ask(next, id)]
    }

    fn release(&mut self, missing: &Missing) {
        for announcer in &missing.announcers {
            if let Some(promises) = self.promises.get_mut(announcer) {
                *promises = promises.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ion(salt: u8) -> IonId {
        IonId::from_bytes([salt; 32])
    }

    fn id(number: usize) -> Id {
        Id::of(&number.to_le_bytes())
    }

    fn at(ms: u64) -> Time {
        Time::from_ms(ms)
    }

    #[test]
    fn neighbours_are_asked_in_turn_until_it_comes() {
        let mut table = MissingTable::default();
        table.promised(at(0), id(1), ion(1), GRAFT_MS);
        table.promised(at(1), id(1), ion(2), GRAFT_MS);
        assert_eq!(table.due(at(GRAFT_MS - 1)), []);
        assert_eq!(table.due(at(GRAFT_MS)), [Due::Ask(ion(1), id(1))]);
        let later = GRAFT_MS + GRAFT_AGAIN_MS;
        assert_eq!(table.due(at(later)), [Due::Ask(ion(2), id(1))]);
        // Once more after all, with twice the patience.
        let again = later + GRAFT_AGAIN_MS;
        assert_eq!(table.due(at(again)), [Due::Ask(ion(1), id(1))]);
        assert_eq!(table.due(at(again + 2 * GRAFT_AGAIN_MS - 1)), []);
        assert_eq!(table.due(at(again + 2 * GRAFT_AGAIN_MS)), [Due::Ask(ion(2), id(1))]);
        table.found(&id(1));
        assert_eq!(table.due(Time::MAX), []);
        assert_eq!(table.promises[&ion(1)], 0);
    }

    #[test]
    fn what_never_comes_is_given_up_and_was_one_broken_promise() {
        let mut table = MissingTable::default();
        table.promised(at(0), id(1), ion(1), GRAFT_MS);
        let due: Vec<_> = (1..100).flat_map(|round| table.due(at(round * 3_000))).collect();
        let (asked, broken) = due.split_at(GRAFTS_MAX as usize);
        assert!(asked.iter().all(|due| *due == Due::Ask(ion(1), id(1))));
        assert_eq!(broken, [Due::Broken(ion(1))]);
        assert!(table.missing.is_empty());
    }

    #[test]
    fn promises_have_a_limit_and_end_with_the_neighbour() {
        let mut table = MissingTable::default();
        for number in 0..PROMISES_MAX + 5 {
            table.promised(at(0), id(number), ion(1), GRAFT_MS);
        }
        assert_eq!(table.missing.len(), PROMISES_MAX);
        table.down(&ion(1));
        assert!(table.missing.is_empty() && table.promises.is_empty());
    }
}
