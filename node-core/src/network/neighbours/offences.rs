//! Who broke the rules, and how often. Who did not for [`BAN_MS`] begins anew.
//!
//! Bounds: [`BANS_MAX`] offenders; the one whose last offence is the oldest is
//! forgotten first.

use ion_map::Map;

use super::{Effect, Ending, Neighbours};
use crate::{identity::IonId, platform::Time};

/// Offenders that are remembered.
pub const BANS_MAX: usize = 1_024;
/// Offences that are forgiven.
pub const OFFENCES_MAX: u32 = 3;
/// How long an offender is shut out, in milliseconds.
pub const BAN_MS: u64 = 600_000;

#[derive(Debug, Default)]
pub(super) struct Offences {
    all: Map<IonId, Offence>,
}

#[derive(Clone, Copy, Debug)]
struct Offence {
    count: u32,
    last_at: Time,
}

impl Offences {
    /// Notes one; whether they are too many now.
    fn note(&mut self, now: Time, ion: IonId) -> bool {
        if self.all.len() >= BANS_MAX && !self.all.contains_key(&ion) {
            let oldest = self.all.iter().min_by_key(|(_, one)| one.last_at).map(|(ion, _)| *ion);
            oldest.and_then(|ion| self.all.remove(&ion));
        }
        let offence = self.all.entry(ion).or_insert(Offence { count: 0, last_at: now });
        let before = if now.since_ms(offence.last_at) > BAN_MS { 0 } else { offence.count };
        *offence = Offence { count: before.saturating_add(1), last_at: now };
        offence.count > OFFENCES_MAX
    }

    /// Whether an ion is shut out.
    pub(super) fn are_too_many(&mut self, now: Time, ion: &IonId) -> bool {
        let Some(offence) = self.all.get(ion) else { return false };
        if now.since_ms(offence.last_at) > BAN_MS {
            self.all.remove(ion);
            return false;
        }
        offence.count > OFFENCES_MAX
    }
}

impl Neighbours {
    pub(super) fn offence(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        if self.offences.note(now, ion) {
            effects.push(Effect::Close(ion));
            self.end(ion, Ending::Cut, effects);
        }
    }
}
