//! Mail: what an ion wants another to have, though that one is away.
//!
//! A letter is an entry of the shared memory in a space where only its sender and
//! its addressee can write ([`Space::Named`]), sealed so that only the addressee
//! can read it. Every ion holds it, so whoever is awake when the addressee comes
//! back brings it along. The addressee keeps a copy of its own, sealed to itself,
//! and deletes the letter in the same write: that is the acknowledgement, which
//! its sender sees, and notes in the copy that it keeps too. So a letter is
//! either on its way or kept, and nothing that was taken is lost.
//!
//! Copies count to their addressee's share of the memory: of one sender
//! [`SENDER_LETTERS_MAX`] letters of [`SENDER_BYTES_MAX`] bytes are kept, of all
//! together [`CAME_BYTES_MAX`]. What is beyond stays on its way until there is
//! room.
//!
//! Letters that nobody fetches end after [`LASTS_MS`], kept ones after
//! [`KEPT_MS`].
//!
//! Refused: letters to nobody, empty ones, and what is beyond the bounds:
//! [`TEXT_BYTES_MAX`] bytes of text, [`FILES_MAX`] enclosures of
//! [`FILES_BYTES_MAX`] bytes together. What others enclose is checked against
//! the same bounds.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ion_map::Map;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::kv::{self, Change, Entry, Key, Space, entry::Body};
use crate::{
    codec,
    identity::{IonId, Keys},
};

/// A letter's text, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 << 10;
/// Files enclosed in a letter.
pub const FILES_MAX: usize = 8;
/// All of them together, in bytes.
pub const FILES_BYTES_MAX: usize = 40 << 10;
/// A file's name, in bytes.
pub const NAME_BYTES_MAX: usize = 255;
/// How long a letter waits for its addressee, in milliseconds: 30 days.
pub const LASTS_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
/// How long kept letters stay, in milliseconds: a year.
pub const KEPT_MS: u64 = 365 * 24 * 60 * 60 * 1_000;
/// Letters that are remembered; of more, the oldest are not shown.
pub const LETTERS_MAX: usize = 1_000;

/// Letters of one sender that an ion keeps.
pub const SENDER_LETTERS_MAX: usize = 100;
/// All of them together, in bytes.
pub const SENDER_BYTES_MAX: usize = 1 << 20;
/// Letters of all senders that an ion keeps, in bytes.
pub const CAME_BYTES_MAX: usize = 16 << 20;

/// What a letter takes beside its text and files, in bytes, at most.
const FORM_BYTES: usize = 512;
/// The space of letters on their way, and of those kept that came.
const SPACE: &str = "mail";
/// The space of those kept that were sent.
const SENT: &str = "mail-sent";
/// What a letter is sealed with beside its body.
const CONTEXT: &[u8] = b"ionosphere mail 1";
/// An encoded letter, in bytes.
const BYTES_MAX: usize = 60 << 10;
/// The form's version.
const VERSION: u32 = 1;

/// A file enclosed in a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enclosed {
    /// Its name, without folders.
    pub name: String,
    /// Its media type; empty where nothing is known of it.
    pub media_type: String,
    /// What is in it.
    pub bytes: ByteBuf,
}

/// What is written in a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    version: u32,
    /// Who it is from.
    pub from: IonId,
    /// Who it is for.
    pub to: IonId,
    /// When it was written, in milliseconds since 1970, as its sender says.
    pub at_ms: u64,
    /// Its text.
    pub text: String,
    /// What is enclosed.
    pub files: Vec<Enclosed>,
    /// Of one that came, whether its owner has read it; of one that was sent,
    /// whether its addressee has it; of no meaning on the way.
    pub is_read: bool,
}

/// Why a letter is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// To oneself, or to what is no ion's key.
    #[error("it has no addressee who could open it")]
    Addressee,
    /// Neither text nor files.
    #[error("there is nothing in it")]
    Empty,
    /// Too long a text.
    #[error("its text is longer than {TEXT_BYTES_MAX} bytes")]
    Text,
    /// Too many files, or too large ones, or names that are none.
    #[error(
        "at most {FILES_MAX} files with names, of {FILES_BYTES_MAX} bytes together, can be enclosed"
    )]
    Files,
}

impl Letter {
    /// A letter that was just written.
    ///
    /// # Errors
    /// Whatever is beyond the bounds.
    pub fn new(
        from: IonId,
        to: IonId,
        at_ms: u64,
        text: String,
        files: Vec<Enclosed>,
    ) -> Result<Self, Refusal> {
        let letter = Self { version: VERSION, from, to, at_ms, text, files, is_read: false };
        letter.check()?;
        Ok(letter)
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.from == self.to {
            return Err(Refusal::Addressee);
        }
        if self.text.trim().is_empty() && self.files.is_empty() {
            return Err(Refusal::Empty);
        }
        if self.text.len() > TEXT_BYTES_MAX {
            return Err(Refusal::Text);
        }
        let is_name = |name: &str| {
            (1..=NAME_BYTES_MAX).contains(&name.len())
                && !name.contains(|char: char| char.is_control() || "/\\".contains(char))
        };
        let are_names =
            self.files.iter().all(|file| is_name(&file.name) && file.media_type.len() <= 128);
        let bytes: usize = self.files.iter().map(|file| file.bytes.len()).sum();
        let fit = self.files.len() <= FILES_MAX && bytes <= FILES_BYTES_MAX;
        if are_names && fit { Ok(()) } else { Err(Refusal::Files) }
    }

    /// What a copy of it takes, in bytes, about.
    fn cost_bytes(&self) -> usize {
        let file = |file: &Enclosed| file.name.len() + file.media_type.len() + file.bytes.len();
        FORM_BYTES + self.text.len() + self.files.iter().map(file).sum::<usize>()
    }

    /// As it is sealed.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// From bytes of anybody; `None` where they are no letter.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let letter: Self = codec::decode(bytes, BYTES_MAX)?;
        (letter.version == VERSION && letter.check().is_ok()).then_some(letter)
    }
}

/// Where letters stand that one of two ions writes to the other.
fn between(one: IonId, other: IonId) -> Space {
    let mut both = vec![one, other];
    both.sort_unstable();
    Space::Named(both, SPACE.to_owned())
}

/// What a letter's state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is for this ion, and kept here.
    Came,
    /// It is from this ion, and its addressee has not come yet.
    Waits,
    /// Its addressee has it.
    Taken,
    /// It is not on its way any more, and its addressee is not known to have it.
    Ended,
}

/// The letters of one ion.
pub struct Mailbox {
    keys: Arc<dyn Keys>,
    /// By sender and id: ids are public, and nobody must be able to write over
    /// what others sent.
    came: Map<String, Letter>,
    /// What those cost that came and are being written, by the same.
    coming: Map<String, (IonId, usize)>,
    /// By id.
    sent: Map<String, Letter>,
    /// Letters of this ion that are on their way.
    waits: ion_map::Set<String>,
}

impl Mailbox {
    /// An empty one.
    pub fn new(keys: Arc<dyn Keys>) -> Self {
        let (came, coming, sent) = (Map::new(), Map::new(), Map::new());
        Self { keys, came, coming, sent, waits: ion_map::Set::new() }
    }

    /// What to write to send a letter under an id of the caller's, which has to
    /// be new.
    ///
    /// # Errors
    /// [`Refusal::Addressee`] where that is no key.
    pub fn send(&self, id: &str, letter: &Letter) -> Result<Vec<Change>, Refusal> {
        let (own, to) = (self.keys.own(), letter.to);
        let space = between(own, to);
        let name = format!("{to}/{id}");
        let sealed = self.keys.seal(&to, CONTEXT, &letter.encode());
        let value = Some(ByteBuf::from(sealed.ok_or(Refusal::Addressee)?));
        let post = Change { key: Key { space, name }, value, lasts_ms: Some(LASTS_MS) };
        Ok(vec![post, self.keep(SENT, id, letter)?])
    }

    /// Takes entries of the shared memory as they stand, those that were deleted
    /// included; what to write about each letter that came or was taken.
    pub fn take(&mut self, entries: &[Entry]) -> Vec<Vec<Change>> {
        let is_kept = |entry: &&Entry| matches!(entry.body().key.space, Space::Own(..));
        let (kept, others): (Vec<_>, Vec<_>) = entries.iter().partition(is_kept);
        for entry in kept {
            self.kept(entry);
        }
        let changes = others.into_iter().map(|entry| self.on_its_way(entry));
        changes.filter(|changes| !changes.is_empty()).collect()
    }

    /// What this ion keeps for itself changed.
    fn kept(&mut self, entry: &Entry) {
        let (own, Body { key, value, .. }) = (self.keys.own(), entry.body());
        if !matches!(&key.space, Space::Own(owner, _) if *owner == own) {
            return;
        }
        let id = key.name.as_str();
        let opened = value.as_ref().and_then(|sealed| self.keys.open(&own, CONTEXT, sealed));
        let letter = opened.and_then(|bytes| Letter::decode(&bytes));
        let letters = match key.space.name() {
            SPACE => {
                self.coming.remove(id);
                &mut self.came
            }
            SENT => &mut self.sent,
            _ => return,
        };
        match letter {
            Some(letter) => drop(letters.insert(id.to_owned(), letter)),
            None => drop(letters.remove(id)),
        }
    }

    /// A letter between this ion and another was written, or taken.
    fn on_its_way(&mut self, entry: &Entry) -> Vec<Change> {
        let (own, body) = (self.keys.own(), entry.body());
        let Some((to, id)) = body.key.name.split_once('/') else { return Vec::new() };
        let Ok(to) = to.parse::<IonId>() else { return Vec::new() };
        if to == own { self.arrives(entry, id) } else { self.went(entry, to, id) }
    }

    /// A letter of this ion is there until its addressee, or this ion, deletes it.
    fn went(&mut self, entry: &Entry, to: IonId, id: &str) -> Vec<Change> {
        let (own, body) = (self.keys.own(), entry.body());
        if body.key.space != between(own, to) {
            return Vec::new();
        }
        if body.value.is_some() {
            if body.author == own {
                self.waits.insert(id.to_owned());
            }
            return Vec::new();
        }
        self.waits.remove(id);
        let is_news = |letter: &&Letter| letter.to == to && !letter.is_read;
        let sent = self.sent.get(id).filter(is_news).filter(|_| body.author == to);
        let taken = sent.map(|letter| Letter { is_read: true, ..letter.clone() });
        taken.and_then(|letter| self.keep(SENT, id, &letter).ok()).into_iter().collect()
    }

    /// A letter to this ion was written, or taken.
    fn arrives(&mut self, entry: &Entry, id: &str) -> Vec<Change> {
        let (own, body) = (self.keys.own(), entry.body());
        if body.key.space != between(own, body.author) {
            return Vec::new();
        }
        let value = body.value.as_ref();
        let opened = value.and_then(|sealed| self.keys.open(&body.author, CONTEXT, sealed));
        let Some(letter) = opened.and_then(|bytes| Letter::decode(&bytes)) else {
            return Vec::new();
        };
        let id = format!("{}/{id}", letter.from);
        if letter.from != body.author || letter.to != own || self.came.contains_key(&id) {
            return Vec::new();
        }
        if !self.has_room(&id, &letter) {
            return Vec::new();
        }
        let Ok(kept) = self.keep(SPACE, &id, &letter) else { return Vec::new() };
        self.coming.insert(id, (letter.from, letter.cost_bytes()));
        vec![kept, Change { key: body.key.clone(), value: None, lasts_ms: None }]
    }

    /// Whether a letter that came can be kept beside the others.
    fn has_room(&self, id: &str, letter: &Letter) -> bool {
        let kept = self.came.values().map(|letter| (letter.from, letter.cost_bytes()));
        let coming = self.coming.iter().filter(|(other, _)| *other != id).map(|(_, cost)| *cost);
        let (mut letters, mut bytes, mut all_bytes) = (1, letter.cost_bytes(), letter.cost_bytes());
        for (from, cost_bytes) in kept.chain(coming) {
            all_bytes += cost_bytes;
            if from == letter.from {
                (letters, bytes) = (letters + 1, bytes + cost_bytes);
            }
        }
        letters <= SENDER_LETTERS_MAX && bytes <= SENDER_BYTES_MAX && all_bytes <= CAME_BYTES_MAX
    }

    fn keep(&self, space: &str, id: &str, letter: &Letter) -> Result<Change, Refusal> {
        let own = self.keys.own();
        let key = Key { space: Space::Own(own, space.to_owned()), name: id.to_owned() };
        let sealed = self.keys.seal(&own, CONTEXT, &letter.encode());
        let value = Some(ByteBuf::from(sealed.ok_or(Refusal::Addressee)?));
        Ok(Change { key, value, lasts_ms: Some(KEPT_MS) })
    }

    /// What to write to mark a letter of that name that came as read.
    pub fn read(&self, id: &str) -> Vec<Change> {
        let Some(letter) = self.came.get(id).filter(|letter| !letter.is_read) else {
            return Vec::new();
        };
        let read = Letter { is_read: true, ..letter.clone() };
        self.keep(SPACE, id, &read).into_iter().collect()
    }

    /// What to write to throw away what is kept of a letter. One that waits for
    /// its addressee is taken back.
    pub fn discard(&self, id: &str) -> Vec<Change> {
        let own = self.keys.own();
        let gone =
            |space, name: String| Change { key: Key { space, name }, value: None, lasts_ms: None };
        let kept = |space: &str| gone(Space::Own(own, space.to_owned()), id.to_owned());
        let mut changes = Vec::new();
        if self.came.contains_key(id) {
            changes.push(kept(SPACE));
        }
        if let Some(letter) = self.sent.get(id) {
            changes.push(kept(SENT));
            if self.waits.contains(id) {
                changes.push(gone(between(own, letter.to), format!("{}/{id}", letter.to)));
            }
        }
        changes
    }

    /// A letter.
    pub fn letter(&self, id: &str) -> Option<&Letter> {
        self.came.get(id).or_else(|| self.sent.get(id))
    }

    /// All letters with their names here, the latest first, at most
    /// [`LETTERS_MAX`]. The name of one that came is its sender's and its id.
    pub fn letters(&self) -> Vec<(&str, &Letter, State)> {
        let came = self.came.iter().map(|(id, letter)| (id.as_str(), letter, State::Came));
        let sent = self.sent.iter().map(|(id, letter)| {
            let state = if letter.is_read {
                State::Taken
            } else if self.waits.contains(id) {
                State::Waits
            } else {
                State::Ended
            };
            (id.as_str(), letter, state)
        });
        let mut all: Vec<_> = came.chain(sent).collect();
        all.sort_unstable_by_key(|(id, letter, _)| (std::cmp::Reverse(letter.at_ms), *id));
        all.truncate(LETTERS_MAX);
        all
    }

    /// Letters that came and were not read.
    pub fn unread(&self) -> usize {
        self.came.values().filter(|letter| !letter.is_read).count()
    }
}

/// Where letters stand, of whomever: the paths of the first and behind the last.
pub fn span() -> (Vec<u8>, Vec<u8>) {
    (vec![b'n'], vec![b'o'])
}

/// Whether entries of that key are for mailboxes.
pub fn is_of(key: &kv::Key) -> bool {
    matches!(key.space.name(), SPACE | SENT)
}
