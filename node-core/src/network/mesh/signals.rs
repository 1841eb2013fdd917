//! Links that no relay helps to make: offers and answers that others carry.

use std::collections::{BTreeMap, BTreeSet};

use super::{Attempt, Effect, Mesh, Step, near::Word};
use crate::{
    identity::IonId,
    network::{
        neighbours,
        routing::{self, Line},
        signaling,
        wire::encode,
    },
    platform::Time,
};

/// What is under way with whom; as much as [`signaling::ATTEMPTS_MAX`].
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Ions that this one asked for a link and tries to connect to.
    trying: BTreeSet<IonId>,
    /// The attempt that belongs to each ion, of either side's making.
    attempts: BTreeMap<IonId, Attempt>,
}

impl Signals {
    fn end(&mut self, ion: &IonId) -> bool {
        self.attempts.remove(ion);
        self.trying.remove(ion)
    }
}

impl Mesh {
    /// An ion could not be reached: where others know a way to it, they carry
    /// an offer there.
    pub(super) fn failed(&mut self, now: Time, ion: IonId) {
        let knows_a_way =
            self.routing.next_hop(now, &ion).is_some() || self.nearby.is_near(now, &ion);
        let may_try = knows_a_way && self.signaling.is_some() && self.neighbours.is_asking(&ion);
        if may_try && self.signals.trying.insert(ion) {
            self.push(Step::Signaling(signaling::Input::Connect(ion)));
        } else if !self.signals.trying.contains(&ion) {
            self.push(Step::Neighbours(neighbours::Input::Failed(ion)));
        }
    }

    /// A direct connection to an ion stands.
    pub(super) fn met(&mut self, now: Time, ion: IonId) {
        self.push(Step::Signaling(signaling::Input::Up(ion)));
        if self.signals.end(&ion) {
            self.push(Step::Neighbours(neighbours::Input::Again(ion)));
        } else {
            self.found(now, &[ion]);
        }
    }

    pub(super) fn unmet(&mut self, ion: IonId) {
        if let Some(attempt) = self.signals.attempts.get(&ion) {
            self.push(Step::Signaling(signaling::Input::Failed(*attempt)));
        }
    }

    pub(super) fn offered(&mut self, attempt: Attempt, offer: Option<Vec<u8>>) {
        self.push(Step::Signaling(match offer {
            Some(description) => signaling::Input::Offer { attempt, description },
            None => signaling::Input::Failed(attempt),
        }));
    }

    pub(super) fn answered(&mut self, ion: IonId, answer: Option<Vec<u8>>) {
        let Some(&attempt) = self.signals.attempts.get(&ion) else { return };
        self.push(Step::Signaling(match answer {
            Some(description) => signaling::Input::Answer { attempt, description },
            None => signaling::Input::Failed(attempt),
        }));
    }

    pub(super) fn step_signaling(
        &mut self,
        now: Time,
        input: signaling::Input,
        effects: &mut Vec<Effect>,
    ) {
        use signaling::Effect as Asked;
        let mut asked = Vec::new();
        let Some(signaling) = &mut self.signaling else { return };
        signaling.handle(now, input, &mut asked);
        for effect in asked {
            match effect {
                Asked::MakeOffer(attempt, ion) => {
                    self.signals.attempts.insert(ion, attempt);
                    effects.push(Effect::Offer(attempt));
                }
                Asked::MakeAnswer(attempt, ion, offer) => {
                    self.signals.attempts.insert(ion, attempt);
                    effects.push(Effect::Answer(ion, offer));
                }
                Asked::Accept(attempt, ion, answer) => {
                    effects.push(Effect::Accept(attempt, ion, answer));
                }
                Asked::Abandon(attempt) => effects.push(Effect::Abandon(attempt)),
                Asked::Route(to, bytes)
                    if self.nearby.is_near(now, &to)
                        && self.routing.next_hop(now, &to).is_none() =>
                {
                    effects.push(Effect::Near(Some(to), encode(&Word::Signal(bytes))));
                }
                Asked::Route(to, bytes) => {
                    let line = Line::Signal;
                    self.push(Step::Routing(routing::Input::Send { to, line, bytes }));
                }
                Asked::Failed(ion, _) => {
                    if self.signals.end(&ion) {
                        self.push(Step::Neighbours(neighbours::Input::Failed(ion)));
                    }
                }
            }
        }
    }
}
