//! The mailbox, as the user sees it.
//!
//! Bounds: those of [`store::mail`](crate::store::mail), and
//! [`PREVIEW_CHARS`] characters of each letter in a list.

use ion_map::Map;
use serde::{Deserialize, Serialize};

use super::{
    event::{Event, Problem},
    files::OURS,
    machine::{Effect, Node, Step},
    words,
};
pub use crate::store::mail::{Enclosed, FILES_BYTES_MAX, FILES_MAX, TEXT_BYTES_MAX};
use crate::{
    identity::IonId,
    platform::Time,
    store::{
        kv::{self, Change, Entry},
        mail::{Letter, Mailbox, Refusal, State, is_of},
    },
};

/// Characters of a letter's text in a list.
pub const PREVIEW_CHARS: usize = 160;
/// Marks what the mailbox asks of the shared memory.
pub(super) const MAIL: u64 = OURS | (1 << 62);
/// The watch of letters on their way.
pub(super) const MAIL_WATCH: u64 = MAIL;
/// How soon a letter is taken again that could not be written here, in
/// milliseconds.
const AGAIN_MS: u64 = 10_000;

/// What the user wants of the mailbox. Requests are named by the asker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// All letters; answered by [`News::Letters`].
    List {
        /// Its name.
        request: u64,
    },
    /// One letter, whole; answered by [`News::Letter`], and read from then on.
    Open {
        /// Its name.
        request: u64,
        /// The letter, as in [`LetterView::id`].
        id: String,
    },
    /// Send a letter; answered by [`News::Done`] once it is on disk here.
    Send {
        /// Its name.
        request: u64,
        /// The addressee's id.
        to: String,
        /// At most [`TEXT_BYTES_MAX`] bytes.
        text: String,
        /// At most [`FILES_MAX`], of [`FILES_BYTES_MAX`] bytes together.
        files: Vec<Enclosed>,
    },
    /// Throw a letter away, or take one back that waits for its addressee;
    /// answered by [`News::Done`].
    Discard {
        /// Its name.
        request: u64,
        /// The letter.
        id: String,
    },
}

/// What the user is told of the mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// All letters, the latest first.
    Letters {
        /// As asked.
        request: u64,
        /// The letters.
        letters: Vec<LetterView>,
    },
    /// One letter.
    Letter {
        /// As asked.
        request: u64,
        /// What it says, or `None` where there is none of that name.
        letter: Option<LetterText>,
    },
    /// A letter is sent or thrown away, and that is on disk here.
    Done {
        /// As asked.
        request: u64,
        /// Why not.
        result: Result<(), Problem>,
    },
    /// Letters came, were taken or were thrown away; so many are not read.
    Changed {
        /// How many came and were not read.
        unread: u32,
    },
}

/// A letter in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterView {
    /// Its name.
    pub id: String,
    /// The other ion: who it is from, or for.
    pub other: String,
    /// That ion's readable name.
    pub other_name: String,
    /// What became of it.
    pub state: LetterState,
    /// When it was written, in milliseconds since 1970, as its sender says.
    pub at_ms: u64,
    /// How its text begins.
    pub preview: String,
    /// How many files are enclosed.
    pub files: u32,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LetterState {
    /// It came and was not read.
    New,
    /// It came and was read.
    Read,
    /// It was sent, and its addressee has not come yet.
    Waits,
    /// It was sent, and its addressee has it.
    Taken,
    /// It was sent, is not on its way any more, and its addressee is not known to
    /// have it.
    Ended,
}

/// A letter, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterText {
    /// As in lists.
    pub view: LetterView,
    /// All of its text.
    pub text: String,
    /// What is enclosed.
    pub files: Vec<Enclosed>,
}

/// The mailbox of the present nebula, and who waits for it.
pub(super) struct Mail {
    mailbox: Option<Mailbox>,
    /// Writes under way and what they answer.
    asked: Map<u64, Option<u64>>,
    number: u64,
    again_at: Option<Time>,
}

impl Mail {
    pub(super) const fn new() -> Self {
        Self { mailbox: None, asked: Map::new(), number: 0, again_at: None }
    }
}

impl Node {
    /// From now on the letters are those of another nebula.
    pub(super) fn begin_mail(&mut self, effects: &mut Vec<Effect>) {
        for (_, request) in std::mem::take(&mut self.mail.asked) {
            if let Some(request) = request {
                tell(News::Done { request, result: Err(words::no_memory()) }, effects);
            }
        }
        self.mail.mailbox = Some(Mailbox::new(self.keys.clone()));
        let from = crate::store::mail::span().0;
        self.push(Step::Kv(kv::machine::Input::Watch(MAIL_WATCH, from)));
    }

    /// Entries of the shared memory stand now; some may be letters.
    pub(super) fn take_mail(&mut self, entries: &[Entry], effects: &mut Vec<Effect>) {
        let Some(mailbox) = &mut self.mail.mailbox else { return };
        let letters: Vec<Entry> =
            entries.iter().filter(|entry| is_of(&entry.body().key)).cloned().collect();
        if letters.is_empty() {
            return;
        }
        for changes in mailbox.take(&letters) {
            self.write_mail(None, changes);
        }
        self.tell_mail(effects);
    }

    fn tell_mail(&self, effects: &mut Vec<Effect>) {
        let unread = self.mail.mailbox.as_ref().map_or(0, Mailbox::unread);
        let unread = u32::try_from(unread).unwrap_or(u32::MAX);
        tell(News::Changed { unread }, effects);
    }

    fn write_mail(&mut self, request: Option<u64>, changes: Vec<Change>) {
        self.mail.number += 1;
        let ticket = MAIL | self.mail.number;
        self.mail.asked.insert(ticket, request);
        self.push(Step::Kv(kv::machine::Input::Put { ticket, changes }));
    }

    /// A write of the mailbox ended.
    pub(super) fn mail_written(
        &mut self,
        now: Time,
        ticket: u64,
        result: Result<u64, kv::machine::Error>,
        effects: &mut Vec<Effect>,
    ) {
        match self.mail.asked.remove(&ticket) {
            Some(Some(request)) => {
                // What was thrown away made room for letters on their way.
                self.mail.again_at = Some(now.plus_ms(AGAIN_MS));
                let result = result.map(drop).map_err(|why| words::not_written(&why));
                tell(News::Done { request, result }, effects);
            }
            Some(None) if result.is_err() => self.mail.again_at = Some(now.plus_ms(AGAIN_MS)),
            _ => {}
        }
    }

    /// Letters that could not be written here, or found no room, are taken once
    /// more.
    pub(super) fn tick_mail(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.mail.again_at.is_some_and(|at| now >= at) {
            self.mail.again_at = None;
            let entries = self.names();
            self.take_mail(&entries, effects);
        }
    }

    pub(super) fn wish_mail(&mut self, wish: Wish, effects: &mut Vec<Effect>) {
        match wish {
            Wish::List { request } => {
                let letters = self.mail.mailbox.as_ref().map(Mailbox::letters);
                let views = letters.into_iter().flatten();
                let letters = views.map(|(id, letter, state)| self.letter_view(id, letter, state));
                tell(News::Letters { request, letters: letters.collect() }, effects);
            }
            Wish::Open { request, id } => self.open_letter(request, &id, effects),
            Wish::Send { request, to, text, files } => match self.letter(&to, text, files) {
                Ok(changes) => self.write_mail(Some(request), changes),
                Err(why) => {
                    let result = Err(words::not_sent(&why));
                    tell(News::Done { request, result }, effects);
                }
            },
            Wish::Discard { request, id } => {
                let changes = self.mail.mailbox.as_ref().map(|mailbox| mailbox.discard(&id));
                let changes = changes.unwrap_or_default();
                if changes.is_empty() {
                    return tell(News::Done { request, result: Ok(()) }, effects);
                }
                self.write_mail(Some(request), changes);
            }
        }
    }

    fn letter(
        &mut self,
        to: &str,
        text: String,
        files: Vec<Enclosed>,
    ) -> Result<Vec<Change>, Refusal> {
        let to: IonId = to.parse().map_err(|_| Refusal::Addressee)?;
        let letter = Letter::new(self.own, to, self.wall_ms, text, files)?;
        let id = format!("{:016x}", self.rng.next_u64());
        let mailbox = self.mail.mailbox.as_ref().ok_or(Refusal::Addressee)?;
        mailbox.send(&id, &letter)
    }

    fn open_letter(&mut self, request: u64, id: &str, effects: &mut Vec<Effect>) {
        let Some(mailbox) = &self.mail.mailbox else {
            return tell(News::Letter { request, letter: None }, effects);
        };
        let letters = mailbox.letters();
        let found = letters.into_iter().find(|(other, _, _)| *other == id);
        let letter = found.map(|(id, letter, state)| LetterText {
            view: self.letter_view(id, letter, state),
            text: letter.text.clone(),
            files: letter.files.clone(),
        });
        let read = mailbox.read(id);
        tell(News::Letter { request, letter }, effects);
        if !read.is_empty() {
            self.write_mail(None, read);
        }
    }

    fn letter_view(&self, id: &str, letter: &Letter, state: State) -> LetterView {
        let (other, state) = match state {
            State::Came if letter.is_read => (letter.from, LetterState::Read),
            State::Came => (letter.from, LetterState::New),
            State::Waits => (letter.to, LetterState::Waits),
            State::Taken => (letter.to, LetterState::Taken),
            State::Ended => (letter.to, LetterState::Ended),
        };
        LetterView {
            id: id.to_owned(),
            other: other.to_string(),
            other_name: self.name_of(&other),
            state,
            at_ms: letter.at_ms,
            preview: letter.text.chars().take(PREVIEW_CHARS).collect(),
            files: u32::try_from(letter.files.len()).unwrap_or(u32::MAX),
        }
    }
}

fn tell(news: News, effects: &mut Vec<Effect>) {
    effects.push(Effect::Tell(Event::Mail(news)));
}
