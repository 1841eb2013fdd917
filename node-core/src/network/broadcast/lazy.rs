//! What goes over lazy links: announcements, and what is asked for and given
//! because of them.
//!
//! Bounds: [`IDS_MAX`] names in a frame, and those of its neighbours' budgets.

use ion_map::Map;

use super::{
    ASSURE_MS, Broadcast, Effect, GRAFT_MS, GRAFT_SPREAD_MS, SHORTEN_MS, SHORTER_HOPS,
    missing::Due,
    neighbour::Neighbour,
    push,
    seen::Marks,
    wire::{IDS_MAX, Id, Message},
};
use crate::{identity::IonId, network::wire::encode, platform::Time};

impl Broadcast {
    /// A neighbour says what it has, and over how many links.
    pub(super) fn announced(
        &mut self,
        now: Time,
        from: IonId,
        ids: &[(Id, u16)],
        effects: &mut Vec<Effect>,
    ) {
        let mark = self.mark(&from);
        for (id, hops) in ids {
            match self.seen.known_by(id, mark) {
                Some(entry) if hops.saturating_add(1 + SHORTER_HOPS) <= entry.hops => {
                    let parent = entry.from;
                    let is_young = now.since_ms(entry.at) < ASSURE_MS;
                    if is_young && !entry.is_repair && now >= self.shorten_at {
                        self.shorten(now, from, parent, effects);
                    }
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
    fn shorten(&mut self, now: Time, to: IonId, parent: Marks, effects: &mut Vec<Effect>) {
        let is_lazy = self.neighbours.get(&to).is_some_and(|neighbour| !neighbour.is_eager);
        let parent = self.neighbours.iter().find(|(_, one)| one.mark.meets(parent));
        let parent = parent.map(|(ion, _)| *ion).filter(|parent| is_lazy && *parent != to);
        let Some(parent) = parent else { return };
        if self.is_eager(&parent) {
            self.shorten_at = now.plus_ms(SHORTEN_MS + self.rng.below(SHORTEN_MS));
            self.set_eager(parent, false);
            effects.push(Effect::Send(parent, encode(&Message::Prune)));
            self.set_eager(to, true);
            effects.push(Effect::Send(to, encode(&Message::Graft(Vec::new()))));
        }
    }

    /// Sends what a neighbour lacks.
    pub(super) fn give(&mut self, now: Time, from: IonId, ids: &[Id], effects: &mut Vec<Effect>) {
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        for id in ids {
            let Some(entry) = self.seen.get(id) else { continue };
            let Some(body) = &entry.body else { continue };
            if neighbour.repairs(now, body.bytes.len()) {
                effects.push(Effect::Send(from, push(now, entry, true, body)));
            }
        }
    }

    /// Asks for what has not come.
    pub(super) fn repair(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let mut wanted: Map<IonId, Vec<Id>> = Map::new();
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
        let is_hurt = self.repair.is_hurt(now) || !self.has_eager();
        for (ion, ids) in wanted {
            let is_graft = is_hurt && !self.is_eager(&ion);
            if is_graft {
                self.set_eager(ion, true);
            }
            let ask = if is_graft { Message::Graft } else { Message::Fetch };
            for part in ids.chunks(IDS_MAX) {
                effects.push(Effect::Send(ion, encode(&ask(part.to_vec()))));
            }
        }
        if let Some(ion) = self.repair.due(now).filter(|ion| !self.is_eager(ion)) {
            self.set_eager(ion, true);
            effects.push(Effect::Send(ion, encode(&Message::Graft(Vec::new()))));
        }
    }

    /// Announces what is new to those who neither have it nor were sent it.
    pub(super) fn announce(&mut self) {
        for id in std::mem::take(&mut self.fresh) {
            let Some(entry) = self.seen.get(&id) else { continue };
            let mut served = entry.knowers;
            served.add(entry.receivers);
            for neighbour in self.neighbours.values_mut() {
                if !served.meets(neighbour.mark) {
                    neighbour.announce(id, entry.hops);
                }
            }
        }
    }

    /// Announces what some neighbour is not known to have.
    pub(super) fn announce_again(&mut self, now: Time) {
        while self.assure.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, id)) = self.assure.pop_front() else { return };
            let Some(entry) = self.seen.get(&id) else { continue };
            for neighbour in self.neighbours.values_mut() {
                if !entry.knowers.meets(neighbour.mark) {
                    neighbour.announce(id, entry.hops);
                }
            }
        }
    }
}

/// Tells a neighbour what waits for it.
pub(super) fn flush(ion: IonId, neighbour: &mut Neighbour, effects: &mut Vec<Effect>) {
    let pending = std::mem::take(&mut neighbour.pending);
    for part in pending.chunks(IDS_MAX) {
        effects.push(Effect::Send(ion, encode(&Message::Have(part.to_vec()))));
    }
}
