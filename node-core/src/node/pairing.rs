//! Pairing as the user goes through it: a code is shown or taken, answered, and
//! the two ions meet. One pairing at a time.

use super::{
    event::{Event, Pairing, Problem},
    machine::{Effect, Node},
    words,
};
use crate::{
    identity::IonId,
    network::{
        self, Order,
        pairing::{ANSWER_PREFIX, Error, Nonce, Offer, VALID_S},
        port::Attempt,
    },
    platform::Time,
};

/// Attempts of pairing have this bit, those of the mesh do not.
pub(super) const PAIRING: Attempt = 1 << 62;
/// How long two that exchanged codes may take to meet, in milliseconds.
const MEET_MS_MAX: u64 = 30_000;

/// Where it stands.
#[derive(Debug, Default)]
pub(super) enum Stage {
    #[default]
    Idle,
    /// Our offer is being made.
    Offering(Attempt),
    /// Our offer is with a person.
    Offered { attempt: Attempt, nonce: Nonce, until: Time },
    /// Our answer is being made.
    Answering(Attempt, Box<Offer>),
    /// Our answer is with a person.
    Answered { from: IonId, until: Time },
    /// The other side's answer was taken.
    Connecting { with: IonId, until: Time },
}

/// The strings, and the present pairing.
pub(super) struct Desk {
    strings: network::pairing::Pairing,
    stage: Stage,
    attempts: u64,
}

impl Desk {
    pub(super) fn new(strings: network::pairing::Pairing) -> Self {
        Self { strings, stage: Stage::Idle, attempts: 0 }
    }

    /// The name of another attempt.
    fn next(&mut self) -> Attempt {
        self.attempts += 1;
        PAIRING | self.attempts
    }
}

impl Node {
    /// Begins with an offer, in a nebula of its own where it is in none.
    pub(super) fn pair(&mut self, random: &[u8; 48], effects: &mut Vec<Effect>) {
        self.drop_pairing(effects);
        if self.nebulas.present().is_none() {
            self.found_nebula("", random, effects);
        }
        let attempt = self.pairing.next();
        self.pairing.stage = Stage::Offering(attempt);
        effects.push(Effect::Network(Order::Offer(attempt)));
        tell(Pairing::Working, effects);
    }

    /// Goes back to the beginning.
    pub(super) fn cancel_pairing(&mut self, effects: &mut Vec<Effect>) {
        self.drop_pairing(effects);
        tell(Pairing::Idle, effects);
    }

    /// Takes the other side's code, of whichever kind.
    pub(super) fn pair_with(&mut self, now: Time, code: &str, effects: &mut Vec<Effect>) {
        let taken = if code.trim().starts_with(ANSWER_PREFIX) {
            self.take_answer(now, code, effects)
        } else {
            self.take_offer(now, code, effects)
        };
        if let Err(why) = taken {
            self.fail_pairing(words::bad_pairing(why), effects);
        }
    }

    fn take_offer(
        &mut self,
        now: Time,
        code: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let here = self.nebulas.present().cloned();
        let offer = self.pairing.strings.read_offer(self.wall_s(now), code, here.as_ref())?;
        if here.as_ref().is_none_or(|here| here.nebula != offer.nebula) {
            // Whoever is in a nebula of their own is not taken out of it by a code.
            if here.is_some_and(|here| !here.is_open) {
                return Err(Error::OtherNebula);
            }
            let invitation = offer.invitation.clone().ok_or(Error::OtherNebula)?;
            self.join(&invitation.encode(), effects);
        }
        self.drop_pairing(effects);
        // People carry the answer, and have as long as it is good.
        let attempt = self.pairing.next();
        let (from, description) = (offer.from, offer.description.clone());
        let order = Order::Answer(attempt, from, description, VALID_S * 1_000);
        effects.push(Effect::Network(order));
        self.pairing.stage = Stage::Answering(attempt, Box::new(offer));
        tell(Pairing::Working, effects);
        Ok(())
    }

    fn take_answer(
        &mut self,
        now: Time,
        code: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let here = self.nebulas.present().cloned().ok_or(Error::NoSuchOffer)?;
        let answer = self.pairing.strings.read_answer(self.wall_s(now), code, &here)?;
        let Stage::Offered { attempt, nonce, .. } = self.pairing.stage else {
            return Err(Error::NoSuchOffer);
        };
        if nonce != answer.nonce {
            return Err(Error::NoSuchOffer);
        }
        let with = answer.from;
        effects.push(Effect::Network(Order::Accept(attempt, with, answer.description)));
        self.pairing.stage = Stage::Connecting { with, until: now.plus_ms(MEET_MS_MAX) };
        tell(Pairing::Connecting { name: self.name_of(&with) }, effects);
        Ok(())
    }

    /// The driver made an offer for pairing, or none.
    pub(super) fn pairing_offered(
        &mut self,
        now: Time,
        attempt: Attempt,
        offer: Result<Vec<u8>, String>,
        effects: &mut Vec<Effect>,
    ) {
        if !matches!(self.pairing.stage, Stage::Offering(ours) if ours == attempt) {
            effects.push(Effect::Network(Order::Abandon(attempt)));
            return;
        }
        let description = match offer {
            Ok(description) => description,
            Err(why) => return self.fail_pairing(words::no_pairing(&why), effects),
        };
        let Some(invitation) = self.nebulas.present().cloned() else { return };
        // Hints would make the code longer, and who pairs has no use for them.
        let invitation = invitation.without_hints();
        let nonce = self.nonce();
        let now_s = self.wall_s(now);
        match self.pairing.strings.offer(now_s, nonce, &invitation, true, &description) {
            Ok(code) => {
                let good_for_ms = VALID_S * 1_000;
                let until = now.plus_ms(good_for_ms);
                self.pairing.stage = Stage::Offered { attempt, nonce, until };
                tell(Pairing::Offer { code, good_for_ms }, effects);
            }
            Err(why) => self.fail_pairing(words::bad_pairing(why), effects),
        }
    }

    /// The driver made an answer for pairing, or none.
    pub(super) fn pairing_answered(
        &mut self,
        now: Time,
        attempt: Attempt,
        answer: Result<Vec<u8>, String>,
        effects: &mut Vec<Effect>,
    ) {
        let offer = match std::mem::take(&mut self.pairing.stage) {
            Stage::Answering(ours, offer) if ours == attempt => offer,
            other => {
                self.pairing.stage = other;
                return;
            }
        };
        let description = match answer {
            Ok(description) => description,
            Err(why) => return self.fail_pairing(words::no_pairing(&why), effects),
        };
        let Some(here) = self.nebulas.present().cloned() else { return };
        let now_s = self.wall_s(now);
        match self.pairing.strings.answer(now_s, &offer, &here, &description) {
            Ok(code) => {
                let until = now.plus_ms(VALID_S * 1_000);
                self.pairing.stage = Stage::Answered { from: offer.from, until };
                tell(Pairing::Answer { code, name: self.name_of(&offer.from) }, effects);
            }
            Err(why) => self.fail_pairing(words::bad_pairing(why), effects),
        }
    }

    /// A direct connection to an ion stands.
    pub(super) fn pairing_met(&mut self, ion: IonId, effects: &mut Vec<Effect>) {
        let is_it = match self.pairing.stage {
            Stage::Answered { from, .. } => from == ion,
            Stage::Connecting { with, .. } => with == ion,
            _ => false,
        };
        if is_it {
            self.pairing.stage = Stage::Idle;
            tell(Pairing::Done { name: self.name_of(&ion) }, effects);
        }
    }

    /// No connection came of an answer.
    pub(super) fn pairing_unmet(&mut self, ion: IonId, why: &str, effects: &mut Vec<Effect>) {
        if matches!(self.pairing.stage, Stage::Connecting { with, .. } if with == ion) {
            self.fail_pairing(words::pairing_unmet(why), effects);
        }
    }

    pub(super) fn late_pairing(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let problem = match self.pairing.stage {
            Stage::Offered { until, .. } | Stage::Answered { until, .. } if now >= until => {
                words::pairing_late()
            }
            Stage::Connecting { until, .. } if now >= until => {
                words::pairing_unmet("the two did not find a way to each other in time")
            }
            _ => return,
        };
        self.fail_pairing(problem, effects);
    }

    fn fail_pairing(&mut self, problem: Problem, effects: &mut Vec<Effect>) {
        // An offer that is with a person stays good: it may have been the wrong code.
        if !matches!(self.pairing.stage, Stage::Offered { .. }) {
            self.drop_pairing(effects);
        }
        tell(Pairing::Failed(problem), effects);
    }

    fn drop_pairing(&mut self, effects: &mut Vec<Effect>) {
        let stage = std::mem::take(&mut self.pairing.stage);
        if let Stage::Offering(attempt) | Stage::Offered { attempt, .. } = stage {
            effects.push(Effect::Network(Order::Abandon(attempt)));
        }
    }
}

fn tell(pairing: Pairing, effects: &mut Vec<Effect>) {
    effects.push(Effect::Tell(Event::Pairing(pairing)));
}
