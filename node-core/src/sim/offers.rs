//! Offers and answers of direct connections, which ions carry to each other.
//!
//! An offer is the ion's index, its life and the attempt; an answer repeats it
//! behind those of the answerer, so that one that was forged or mixed up leads
//! nowhere.

use super::{agenda::IonIndex, world::World};
use crate::{
    identity::IonId,
    network::{News, port::Attempt},
    node::Input,
};

/// Numbers of an offer, in eight bytes each.
const OFFER_BYTES: usize = 24;

impl World {
    pub(super) fn offer(&mut self, ion: IonIndex, attempt: Attempt) {
        let offer = self.describe(ion, attempt).ok_or_else(|| "it is shut in".to_owned());
        self.tell_soon(ion, News::Offer(attempt, offer));
    }

    pub(super) fn answer_offer(&mut self, ion: IonIndex, attempt: Attempt, offer: &[u8]) {
        let answer = match self.describe(ion, 0) {
            Some(mut answer) if offer.len() == OFFER_BYTES => {
                answer.extend_from_slice(offer);
                Ok(answer)
            }
            Some(_) => Err("the offer cannot be read".to_owned()),
            None => Err("it is shut in".to_owned()),
        };
        self.tell_soon(ion, News::Answer(attempt, answer));
    }

    pub(super) fn accept_answer(
        &mut self,
        ion: IonIndex,
        attempt: Attempt,
        other: IonId,
        answer: &[u8],
    ) {
        let to = self.by_id.get(&other).copied();
        let (Some(theirs), Some(ours)) = (answer.get(..OFFER_BYTES), answer.get(OFFER_BYTES..))
        else {
            self.tell_soon(ion, News::Unmet(other, "the answer cannot be read".to_owned()));
            return;
        };
        let is_ours = self.describe(ion, attempt).as_deref() == Some(ours);
        let to = to.filter(|to| self.describe(*to, 0).as_deref() == Some(theirs));
        let to =
            to.filter(|to| self.ions[*to].is_alive && self.ions[*to].side == self.ions[ion].side);
        match to.filter(|_| is_ours) {
            Some(to) => {
                self.connect_directly(ion, to);
                let own = self.ions[ion].id;
                self.tell_soon(to, News::Met(own));
                self.tell_soon(ion, News::Met(other));
            }
            None => self.tell_soon(ion, News::Unmet(other, "no way leads there".to_owned())),
        }
    }

    /// What an ion that can connect directly says of itself.
    fn describe(&self, ion: IonIndex, attempt: Attempt) -> Option<Vec<u8>> {
        let body = &self.ions[ion];
        let numbers = [ion as u64, u64::from(body.life), attempt];
        body.options.can_direct.then(|| numbers.iter().flat_map(|one| one.to_le_bytes()).collect())
    }

    fn tell_soon(&mut self, ion: IonIndex, news: News) {
        let life = self.ions[ion].life;
        let delay = self.between(self.conditions.latency_ms_min, self.conditions.latency_ms_max);
        self.later(
            delay,
            super::agenda::Happening::Input { ion, life, input: Input::Network(news) },
        );
    }
}
