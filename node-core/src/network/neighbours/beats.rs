//! Who is still there, and how far away.

use super::{Effect, Ending, GREETING_MS, Message, Neighbours, SILENCE_MS, State, say};
use crate::{
    identity::{IonId, name::clean_name},
    network::wire::Presence,
    platform::Time,
};

impl Neighbours {
    pub(super) fn beat(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        self.beats += 1;
        let count = self.beats;
        if let Some(link) = self.links.get_mut(&ion) {
            link.pending.get_or_insert((count, now));
        }
        let (presence, standing) = (self.presence.clone(), self.standing);
        say(ion, &Message::Beat { count, presence, standing }, effects);
    }

    pub(super) fn beaten(&mut self, ion: IonId, presence: &Presence) {
        let Some(link) = self.links.get_mut(&ion) else { return };
        let name = clean_name(&presence.name).unwrap_or_default();
        let presence = Presence { name, ..*presence };
        if link.presence != presence {
            link.presence = presence;
            self.changed = true;
        }
    }

    pub(super) fn echo(&mut self, now: Time, ion: IonId, count: u64, effects: &mut Vec<Effect>) {
        let Some(link) = self.links.get_mut(&ion) else { return };
        let Some((_, sent_at)) = link.pending.take_if(|(pending, _)| *pending == count) else {
            return;
        };
        let measured = u32::try_from(now.since_ms(sent_at)).unwrap_or(u32::MAX).max(1);
        let smoothed = match link.round_trip_ms {
            0 => measured,
            // The smoothing of TCP's round-trip time (RFC 6298).
            known => known - known / 8 + measured / 8,
        };
        self.changed |= smoothed.abs_diff(link.round_trip_ms) > link.round_trip_ms / 4;
        link.round_trip_ms = smoothed;
        effects.push(Effect::RoundTrip(ion, smoothed));
    }

    pub(super) fn check_on(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(link) = self.links.get(&ion) else { return };
        let is_over = match link.state {
            State::Linked(_) => now.since_ms(link.heard_at) > SILENCE_MS,
            State::Asking(since, _) | State::Knocking(since) => now.since_ms(since) > GREETING_MS,
        };
        if is_over {
            effects.push(Effect::Close(ion));
            self.end(ion, Ending::Lost, effects);
        }
    }
}
