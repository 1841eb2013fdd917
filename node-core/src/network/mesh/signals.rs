//! Links that no relay helps to make: offers and answers that others carry.

use ion_map::{Map, Set};

use super::{Attempt, Effect, Mesh, Step, near::Word};
use crate::{
    identity::IonId,
    network::{neighbours, routing::Line, signaling, wire::encode},
    platform::Time,
};

/// How long it takes until an ion of the same browser is once more tried
/// before any relay, in milliseconds; longer than an attempt.
const NEAR_FIRST_MS: u64 = 30_000;
const _: () = assert!(NEAR_FIRST_MS > signaling::ATTEMPT_MS, "it is tried in turns");

/// What is under way with whom; as much as [`signaling::ATTEMPTS_MAX`].
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Ions that this one asked for a link and tries to connect to.
    trying: Set<IonId>,
    /// The attempt that belongs to each ion, of either side's making.
    attempts: Map<IonId, Attempt>,
    /// When ions of the same browser were tried before any relay, and whether
    /// that goes on.
    near_first: Map<IonId, (Time, bool)>,
}

impl Signals {
    fn end(&mut self, ion: &IonId) -> bool {
        self.attempts.remove(ion);
        self.trying.remove(ion)
    }

    /// Whether an attempt is under way that was made before any relay was asked.
    pub(super) fn is_first(&self, ion: &IonId) -> bool {
        self.near_first.get(ion).is_some_and(|(_, is_first)| *is_first)
    }

    /// Whether an attempt that ended was made before any relay was asked.
    fn was_first(&mut self, ion: &IonId) -> bool {
        self.near_first.get_mut(ion).is_some_and(|(_, is_first)| std::mem::take(is_first))
    }
}

impl Mesh {
    /// An ion is to be reached. One of the same browser is heard before a relay
    /// relays for it, and would not be found there: it gets an offer first.
    pub(super) fn reach(
        &mut self,
        now: Time,
        ion: IonId,
        opening: Vec<u8>,
        effects: &mut Vec<Effect>,
    ) {
        self.signals.near_first.retain(|_, (at, _)| now.since_ms(*at) < NEAR_FIRST_MS);
        if self.signals.is_first(&ion) {
            // However often it is wanted: what is under way ends before long.
            return;
        }
        let may_try = self.signaling.is_some()
            && self.neighbours.is_asking(&ion)
            && self.nearby.is_near(now, &ion)
            && !self.signals.near_first.contains_key(&ion);
        if may_try && self.signals.trying.insert(ion) {
            self.signals.near_first.insert(ion, (now, true));
            self.push(Step::Signaling(signaling::Input::Connect(ion)));
        } else {
            effects.push(Effect::Reach(ion, opening));
        }
    }

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
        let was_first = self.signals.was_first(&ion);
        if self.signals.end(&ion) || was_first {
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

    pub(super) fn answered(&mut self, attempt: Attempt, answer: Option<Vec<u8>>) {
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
                    effects.push(Effect::Answer(attempt, ion, offer));
                }
                Asked::Accept(attempt, ion, answer) => {
                    effects.push(Effect::Accept(attempt, ion, answer));
                }
                Asked::Abandon(attempt) => effects.push(Effect::Abandon(attempt)),
                // Nothing stands between the two; a way over others may be one of before.
                Asked::Route(to, bytes) if self.nearby.is_near(now, &to) => {
                    effects.push(Effect::Near(Some(to), encode(&Word::Signal(bytes))));
                }
                Asked::Route(to, bytes) => {
                    self.post(to, Line::Signal, bytes);
                }
                Asked::Probed(ion) => effects.push(Effect::Probed(ion)),
                Asked::Failed(ion, _) => {
                    let was_first = self.signals.was_first(&ion);
                    if self.signals.end(&ion) {
                        let next = if was_first {
                            neighbours::Input::Again(ion)
                        } else {
                            neighbours::Input::Failed(ion)
                        };
                        self.push(Step::Neighbours(next));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{Input, Limits, Start},
        *,
    };
    use crate::identity::{Invitation, SimKeys};

    fn mesh(number: u8) -> Mesh {
        let keys = Arc::new(SimKeys::of(IonId::from_bytes([number; 32])));
        let (seed, incarnation) = (number.into(), 1);
        let mut mesh = Mesh::new(Start { keys, seed, incarnation, limits: Limits::default() });
        let found = Invitation::found("test", false, vec![], &[7; 48]).expect("it is valid");
        handle(&mut mesh, 0, Input::Move(found.nebula, found.membership()));
        mesh
    }

    fn handle(mesh: &mut Mesh, ms: u64, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        mesh.handle(Time::from_ms(ms), input, &mut effects);
        effects
    }

    /// What one does from when it hears the other in the same browser.
    fn hears(one: &mut Mesh, other: &mut Mesh) -> Vec<Effect> {
        let said = handle(other, 1, Input::Tick);
        let here = said.into_iter().find_map(|effect| match effect {
            Effect::Near(None, bytes) => Some(bytes),
            _ => None,
        });
        let here = here.expect("who is alone says that it is here");
        let mut effects = handle(one, 2, Input::Near(other.keys.own(), here));
        (1..20).for_each(|turn| effects.extend(handle(one, 2 + turn * 50, Input::Tick)));
        effects
    }

    fn reaches(effects: &[Effect]) -> bool {
        effects.iter().any(|effect| matches!(effect, Effect::Reach(..)))
    }

    #[test]
    fn an_ion_of_the_same_browser_gets_an_offer_before_any_relay_is_asked() {
        let (mut one, mut other) = (mesh(1), mesh(2));
        let effects = hears(&mut one, &mut other);
        let offer = |effect: &Effect| match effect {
            Effect::Offer(attempt) => Some(*attempt),
            _ => None,
        };
        let attempt = effects.iter().find_map(offer).expect("an offer is made");
        assert!(!reaches(&effects), "{effects:?}");
        let failed = handle(&mut one, 1_100, Input::Offer(attempt, None));
        assert!(reaches(&failed), "without an offer it is reached as any other is: {failed:?}");
    }

    #[test]
    fn once_it_is_met_it_is_talked_to() {
        let (mut one, mut other) = (mesh(1), mesh(2));
        hears(&mut one, &mut other);
        let ion = other.keys.own();
        one.push(Step::Neighbours(neighbours::Input::Again(ion)));
        let again = handle(&mut one, 1_050, Input::Tick);
        assert!(!reaches(&again), "wanted once more, it is still tried without a relay: {again:?}");
        let met = handle(&mut one, 1_100, Input::Met(other.keys.own()));
        assert!(reaches(&met), "{met:?}");
    }
}
