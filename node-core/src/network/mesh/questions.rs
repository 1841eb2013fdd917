//! What can be asked of everybody within some layers, and who answers.
//!
//! One question so far: who is there? Every ion that hears it answers with what
//! it says of itself and the path by which the question came, the *baton* with
//! its holders in order (mission N3). Routing sees to it that an ion is asked
//! once, that its answer counts once, and that a request ends.
//!
//! A question that this ion does not know is answered by nobody, so that later
//! ions can ask more. What an answer says of its author and its path is that
//! author's word: its name is cleaned, its path bounded and begins at the asker.
//!
//! Bounds: [`routing::OWN_REQUESTS_MAX`] requests of one's own at once,
//! [`routing::ASKER_REQUESTS`] answered for one asker, [`ECHO_MAX`] layers.

use serde::{Deserialize, Serialize};

use super::{Effect, Mesh, Step};
use crate::{
    identity::{IonId, name::clean_name},
    network::{
        directory::Profile,
        routing::{self, ECHO_MAX},
        wire::{decode, encode},
    },
};

/// The version of what is asked; another one is not answered.
pub const VERSION: u32 = 1;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// Who is there?
    Who,
}

/// What an ion answers to [`Question::Who`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What it says of itself.
    pub profile: Profile,
    /// Who held the question before it, the asker first.
    pub path: Vec<IonId>,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    version: u32,
    body: T,
}

impl Question {
    /// As bytes.
    pub fn encode(self) -> Vec<u8> {
        encode(&Envelope { version: VERSION, body: self })
    }

    /// From bytes; `None` when this ion does not know the question.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let envelope: Envelope<Self> = decode(bytes)?;
        (envelope.version == VERSION).then_some(envelope.body)
    }
}

impl Answer {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(&Envelope { version: VERSION, body: self })
    }

    /// The answer to a question of `asker` from bytes, its name clean; `None`
    /// when they are none.
    pub fn decode(asker: &IonId, bytes: &[u8]) -> Option<Self> {
        let envelope: Envelope<Self> = decode(bytes)?;
        let Self { profile, path } = envelope.body;
        let is_path = path.len() <= usize::from(ECHO_MAX) + 1 && path.first() == Some(asker);
        let name = clean_name(&profile.name).unwrap_or_default();
        let answer = Self { profile: Profile { name, ..profile }, path };
        (envelope.version == VERSION && is_path).then_some(answer)
    }
}

impl Mesh {
    pub(super) fn ask(&mut self, request: u64, echo: u8) {
        let body = Question::Who.encode();
        self.push(Step::Routing(routing::Input::Ask { request, echo, body }));
    }

    /// Another ion asks: it is told, be it that there is no answer.
    pub(super) fn asked(&mut self, asker: IonId, request: u64, body: &[u8], path: Vec<IonId>) {
        let body = Question::decode(body).map(|question| match question {
            Question::Who => Answer { profile: self.directory.profile().clone(), path }.encode(),
        });
        self.push(Step::Routing(routing::Input::Reply { asker, request, body }));
    }

    pub(super) fn answered_by(
        &self,
        request: u64,
        from: IonId,
        body: &[u8],
        effects: &mut Vec<Effect>,
    ) {
        if let Some(answer) = Answer::decode(&self.keys.own(), body) {
            effects.push(Effect::Answered { request, from, answer });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ion(salt: u8) -> IonId {
        IonId::from_bytes([salt; 32])
    }

    fn answer(name: &str, path: Vec<IonId>) -> Answer {
        Answer { profile: Profile { name: name.to_owned(), workers: 2 }, path }
    }

    #[test]
    fn golden() {
        assert_eq!(Question::Who.encode(), b"\xa2dbodycWhogversion\x01");
        assert_eq!(Question::decode(&Question::Who.encode()), Some(Question::Who));
        assert_eq!(Question::decode(b"\xa2dbodycWhygversion\x01"), None);
        assert_eq!(Question::decode(b"\xa2dbodycWhogversion\x02"), None);
    }

    #[test]
    fn answers_are_cleaned_and_their_paths_begin_at_the_asker() {
        let honest = answer("heron", vec![ion(1), ion(2)]);
        assert_eq!(Answer::decode(&ion(1), &honest.encode()), Some(honest.clone()));
        assert_eq!(Answer::decode(&ion(2), &honest.encode()), None);
        let long = answer("heron", vec![ion(1); usize::from(ECHO_MAX) + 2]);
        assert_eq!(Answer::decode(&ion(1), &long.encode()), None);
        let sly = answer("a\u{202e}b\u{7}", vec![ion(1)]);
        let read = Answer::decode(&ion(1), &sly.encode()).expect("its path is right");
        assert!(!read.profile.name.contains(['\u{202e}', '\u{7}']));
        assert_eq!(Answer::decode(&ion(1), &honest.encode()[1..]), None);
    }
}
