//! How many bytes a second go to and come from each linked ion.

use ion_map::Map;

use crate::{identity::IonId, platform::Time};

/// Over how long rates are taken, in milliseconds.
pub(super) const WINDOW_MS: u64 = 2_000;

/// Bytes since the window began, and the rates of the one before.
#[derive(Debug, Default)]
struct Counts {
    sent: u64,
    received: u64,
    sent_per_s: u64,
    received_per_s: u64,
}

/// The rates of all links; as many as there are links.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    began_at: Time,
    counts: Map<IonId, Counts>,
}

impl Traffic {
    pub(super) fn sent(&mut self, to: IonId, bytes: usize) {
        self.counts.entry(to).or_default().sent += bytes as u64;
    }

    pub(super) fn received(&mut self, from: IonId, bytes: usize) {
        self.counts.entry(from).or_default().received += bytes as u64;
    }

    /// Bytes sent and received, each a second.
    pub(super) fn rates(&self, ion: &IonId) -> (u64, u64) {
        self.counts.get(ion).map_or((0, 0), |counts| (counts.sent_per_s, counts.received_per_s))
    }

    /// Ends the window if it is time; whether any rate changed. Ions that
    /// nothing passes with any more are forgotten.
    pub(super) fn turn(&mut self, now: Time) -> bool {
        let passed_ms = now.since_ms(self.began_at);
        if passed_ms < WINDOW_MS {
            return false;
        }
        self.began_at = now;
        let mut has_changed = false;
        let rate = |bytes: &mut u64| std::mem::take(bytes) * 1_000 / passed_ms;
        self.counts.retain(|_, counts| {
            let (sent, received) = (rate(&mut counts.sent), rate(&mut counts.received));
            has_changed |= (sent, received) != (counts.sent_per_s, counts.received_per_s);
            let was_quiet = counts.sent_per_s + counts.received_per_s == 0;
            (counts.sent_per_s, counts.received_per_s) = (sent, received);
            sent + received > 0 || !was_quiet
        });
        has_changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_window() {
        let ion = IonId::from_bytes([1; 32]);
        let mut traffic = Traffic::default();
        traffic.sent(ion, 4_000);
        traffic.received(ion, 1_000);
        assert!(!traffic.turn(Time::from_ms(WINDOW_MS - 1)));
        assert!(traffic.turn(Time::from_ms(WINDOW_MS)));
        assert_eq!(traffic.rates(&ion), (2_000, 500));
        assert!(traffic.turn(Time::from_ms(2 * WINDOW_MS)));
        assert_eq!(traffic.rates(&ion), (0, 0));
        assert!(!traffic.turn(Time::from_ms(3 * WINDOW_MS)));
        assert!(traffic.counts.is_empty());
    }
}
