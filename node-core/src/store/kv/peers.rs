//! What is known of how far neighbours are: who holds all that this ion does.
//!
//! Every change here has a number. A neighbour that was found to hold the same
//! entries is level with the number of that moment; one that is behind is asked
//! again soon, one that is level now and then, for what gossip lost. With every
//! question comes what a clock claims: where most agree that this ion's is wrong,
//! it is. Claims beyond [`OFF_MS_MAX`] are not counted, so that liars can do no
//! more than a wrong clock.
//!
//! Bounds: one short message for each neighbour in [`AGAIN_MS`] while there is
//! news, in [`SYNC_MS`] otherwise. One that does not become level without news
//! (it, or this ion, does not take what the other has) is asked half as often
//! each time, down to that.

use ion_map::Map;

use crate::{identity::IonId, platform::Time};

/// How soon a neighbour that may be behind is asked again, in milliseconds.
pub const AGAIN_MS: u64 = 1_000;
/// How often one that was level is asked, in milliseconds.
pub const SYNC_MS: u64 = 10_000;

/// Clocks, its own among them, before an ion believes most of them rather than
/// its own.
pub const CLOCKS_MIN: usize = 3;
/// How far off it has to be for that, in milliseconds.
pub const TRUSTED_MS: u64 = 10_000;
/// How far off this ion's clock others may claim to be, in milliseconds: a day.
pub const OFF_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

#[derive(Debug)]
struct Peer {
    /// The number up to which it holds everything; `None` before it was asked.
    level: Option<u64>,
    /// What it was asked last: the sum of that moment, and its number.
    asked: Option<([u8; 16], u64)>,
    /// How long it waits for the next question while it is not level.
    again_ms: u64,
    ask_at: Time,
    /// How far its clock is ahead of this ion's.
    ahead_ms: Option<i64>,
}

/// The neighbours.
#[derive(Debug, Default)]
pub(super) struct Peers {
    peers: Map<IonId, Peer>,
}

impl Peers {
    /// These are the neighbours now.
    pub(super) fn set(&mut self, now: Time, linked: &[IonId]) {
        self.peers.retain(|ion, _| linked.contains(ion));
        for ion in linked {
            let new = || Peer {
                level: None,
                asked: None,
                again_ms: AGAIN_MS,
                ask_at: now,
                ahead_ms: None,
            };
            self.peers.entry(*ion).or_insert_with(new);
        }
    }

    /// What a neighbour's clock claims while this ion's own claims that, both in
    /// milliseconds since 1970.
    pub(super) fn clock(&mut self, ion: &IonId, own_ms: u64, its_ms: u64) {
        if let Some(peer) = self.peers.get_mut(ion) {
            let ahead_ms = its_ms.checked_signed_diff(own_ms);
            peer.ahead_ms = ahead_ms.filter(|ahead_ms| ahead_ms.unsigned_abs() <= OFF_MS_MAX);
        }
    }

    /// How far this ion's clock is behind what most clocks around claim, in
    /// milliseconds: the median, where there are [`CLOCKS_MIN`], most of them are
    /// within [`TRUSTED_MS`] of it, and this ion's is not; else 0.
    pub(super) fn behind_ms(&self) -> i64 {
        let heard = self.peers.values().filter_map(|peer| peer.ahead_ms);
        let mut clocks: Vec<i64> = heard.chain([0]).collect();
        if clocks.len() < CLOCKS_MIN {
            return 0;
        }
        ion_map::sort(&mut clocks);
        let middle = clocks[(clocks.len() - 1) / 2];
        let agree = clocks.iter().filter(|clock| clock.abs_diff(middle) <= TRUSTED_MS).count();
        if middle.unsigned_abs() > TRUSTED_MS && 2 * agree > clocks.len() { middle } else { 0 }
    }

    /// All of them.
    pub(super) fn ions(&self) -> impl Iterator<Item = &IonId> {
        self.peers.keys()
    }

    /// Neighbours to ask now.
    pub(super) fn due(&self, now: Time) -> Vec<IonId> {
        let due = self.peers.iter().filter(|(_, peer)| now >= peer.ask_at);
        due.map(|(ion, _)| *ion).collect()
    }

    /// There is news of that number: all are to be asked soon.
    pub(super) fn news(&mut self, now: Time, within_ms: u64) {
        let soon = now.plus_ms(within_ms);
        self.peers.values_mut().for_each(|peer| peer.ask_at = peer.ask_at.min(soon));
    }

    pub(super) fn asked(&mut self, now: Time, ion: &IonId, sum: [u8; 16], number: u64) {
        let Some(peer) = self.peers.get_mut(ion) else { return };
        let is_news = peer.asked.is_none_or(|(_, before)| before != number);
        peer.again_ms = if is_news { AGAIN_MS } else { (2 * peer.again_ms).min(SYNC_MS) };
        peer.asked = Some((sum, number));
        let is_level = peer.level >= Some(number);
        peer.ask_at = now.plus_ms(if is_level { SYNC_MS } else { peer.again_ms });
    }

    /// It holds what this sum is of, while this ion's changes go up to that
    /// number: what it was not asked about yet is asked as soon as it was to be.
    pub(super) fn holds(&mut self, now: Time, ion: &IonId, sum: [u8; 16], newest: u64) {
        let Some(peer) = self.peers.get_mut(ion) else { return };
        if let Some((asked, number)) = peer.asked
            && asked == sum
        {
            peer.level = peer.level.max(Some(number));
            if number == newest {
                peer.ask_at = now.plus_ms(SYNC_MS);
            }
        }
    }

    /// It was found to hold all that this ion holds now.
    pub(super) fn level(&mut self, ion: &IonId, number: u64) {
        if let Some(peer) = self.peers.get_mut(ion) {
            peer.level = peer.level.max(Some(number));
        }
    }

    /// Whether any neighbour was level since this ion began.
    pub(super) fn is_any_level(&self) -> bool {
        self.peers.values().any(|peer| peer.level.is_some())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// How many hold everything up to that number.
    pub(super) fn holders(&self, number: u64) -> usize {
        self.peers.values().filter(|peer| peer.level >= Some(number)).count()
    }

    /// The number up to which at least one holds everything.
    pub(super) fn spread(&self) -> Option<u64> {
        self.peers.values().filter_map(|peer| peer.level).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_become_level_is_asked_less_and_less_until_there_is_news() {
        let other = IonId::from_bytes([2; 32]);
        let mut peers = Peers::default();
        peers.set(Time::ZERO, &[other]);
        let mut questions = |until_ms: u64, number: u64| {
            let mut asked_at = Vec::new();
            for ms in (until_ms - 60_000..until_ms).step_by(250) {
                let now = Time::from_ms(ms);
                if !peers.due(now).is_empty() {
                    peers.asked(now, &other, [0; 16], number);
                    asked_at.push(ms);
                }
            }
            asked_at
        };
        let asked = questions(60_000, 1);
        assert_eq!(asked[..6], [0, 1_000, 3_000, 7_000, 15_000, 25_000]);
        assert_eq!(questions(120_000, 1).len(), 6);
        let after_news = questions(180_000, 2);
        assert_eq!(after_news[1] - after_news[0], AGAIN_MS);
    }

    #[test]
    fn clocks_that_claim_to_be_days_off_are_not_counted() {
        let ions = [2, 3].map(|number| IonId::from_bytes([number; 32]));
        let mut peers = Peers::default();
        peers.set(Time::ZERO, &ions);
        let own_ms = 20 * OFF_MS_MAX;
        let mut behind_ms = |its_ms: u64| {
            for ion in &ions {
                peers.clock(ion, own_ms, its_ms);
            }
            peers.behind_ms()
        };
        assert_eq!(behind_ms(own_ms + OFF_MS_MAX), 86_400_000);
        assert_eq!(behind_ms(own_ms - OFF_MS_MAX), -86_400_000);
        for its_ms in [0, own_ms - OFF_MS_MAX - 1, own_ms + OFF_MS_MAX + 1, u64::MAX] {
            assert_eq!(behind_ms(its_ms), 0, "{its_ms}");
        }
    }

    #[test]
    fn an_answer_does_not_put_off_news_that_came_after_the_question() {
        let other = IonId::from_bytes([2; 32]);
        let mut peers = Peers::default();
        let at = Time::from_ms;
        peers.set(at(0), &[other]);
        peers.asked(at(0), &other, [1; 16], 1);
        peers.news(at(10), AGAIN_MS);
        peers.holds(at(20), &other, [1; 16], 2);
        assert_eq!(peers.due(at(10 + AGAIN_MS)), [other]);
        peers.asked(at(1_010), &other, [2; 16], 2);
        peers.holds(at(1_020), &other, [2; 16], 2);
        assert_eq!((peers.due(at(SYNC_MS)), peers.holders(2)), (vec![], 1));
    }
}
