//! Ions of the same browser, which hear each other without any relay: a tab that
//! was reloaded finds its way back through them.
//!
//! Who lacks links says that it is here, with a tag that only members of its
//! nebula understand; who hears it says so in turn, and signaling to it may go
//! this way. Nothing else does. Bounds: [`NEAR_MAX`] ions, one answer to each in
//! [`ANSWER_MS`].

use ion_map::Map;
use serde::{Deserialize, Serialize};

use super::{Effect, Mesh, Step};
use crate::{
    identity::{IonId, Membership},
    network::{
        signaling,
        wire::{decode, encode},
    },
    platform::Time,
};

/// Ions of one browser that are remembered.
pub const NEAR_MAX: usize = 64;
/// Between two times that an ion without any link says that it is here.
const ALONE_MS: u64 = 1_000;
/// The same for an ion that seeks further links.
const SEEKING_MS: u64 = 10_000;
/// Between two answers to one ion.
const ANSWER_MS: u64 = 1_000;
/// How long an ion counts as near after it said so.
const FRESH_MS: u64 = 15_000;

const CONTEXT: &[u8] = b"ionosphere 2026-11 near\n";

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// I am here; the tag shows of which nebula.
    Here(#[serde(with = "serde_bytes")] [u8; 32]),
    /// An offer or answer, as [`signaling`] makes them.
    Signal(#[serde(with = "serde_bytes")] Vec<u8>),
}

/// Who is near.
#[derive(Debug, Default)]
pub(super) struct Nearby {
    said_at: Option<Time>,
    /// When each was heard, and when it was answered.
    heard: Map<IonId, (Time, Option<Time>)>,
}

impl Nearby {
    pub(super) fn is_near(&self, now: Time, ion: &IonId) -> bool {
        self.heard.get(ion).is_some_and(|(at, _)| now.since_ms(*at) < FRESH_MS)
    }

    /// Notes an ion; whether it is to be answered.
    fn note(&mut self, now: Time, ion: IonId) -> bool {
        self.heard.retain(|_, (at, _)| now.since_ms(*at) < FRESH_MS);
        if self.heard.len() >= NEAR_MAX && !self.heard.contains_key(&ion) {
            return false;
        }
        let (heard_at, answered_at) = self.heard.entry(ion).or_insert((now, None));
        *heard_at = now;
        let is_due = answered_at.is_none_or(|at| now.since_ms(at) >= ANSWER_MS);
        if is_due {
            *answered_at = Some(now);
        }
        is_due
    }
}

fn tag(membership: &Membership, ion: &IonId) -> [u8; 32] {
    membership.tag(&[CONTEXT, ion.as_bytes()].concat())
}

impl Mesh {
    /// Says that this ion is here, where it lacks links.
    pub(super) fn say_here(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let links = self.overlay.links().len();
        let wait_ms = match links {
            0 => ALONE_MS,
            _ if links < self.overlay.limits().target() => SEEKING_MS,
            _ => return,
        };
        let is_due = self.nearby.said_at.is_none_or(|at| now.since_ms(at) >= wait_ms);
        if is_due && let Some(here) = self.here() {
            self.nearby.said_at = Some(now);
            effects.push(Effect::Near(None, here));
        }
    }

    fn here(&self) -> Option<Vec<u8>> {
        let membership = self.membership.as_ref()?;
        Some(encode(&Word::Here(tag(membership, &self.keys.own()))))
    }

    /// An ion of this browser says something.
    pub(super) fn heard_near(
        &mut self,
        now: Time,
        from: IonId,
        bytes: &[u8],
        effects: &mut Vec<Effect>,
    ) {
        match decode(bytes) {
            Some(Word::Here(said)) => {
                let is_ours = self.membership.as_ref().is_some_and(|one| tag(one, &from) == said);
                if !is_ours || from == self.keys.own() {
                    return;
                }
                if self.nearby.note(now, from)
                    && let Some(here) = self.here()
                {
                    effects.push(Effect::Near(Some(from), here));
                }
                self.found(now, &[from]);
            }
            Some(Word::Signal(bytes)) => {
                self.push(Step::Signaling(signaling::Input::Heard(from, bytes)));
            }
            None => {}
        }
    }
}
