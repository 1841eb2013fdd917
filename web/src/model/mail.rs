//! The Mail page's state: the letters, the one that is open, and the one that
//! is being written.
//!
//! Bounds: the ion's own ([`FILES_MAX`], [`FILES_BYTES_MAX`]), which are said
//! before a file is chosen and checked here before a letter is sent.

use node_core::node::{
    Problem,
    mail::{Enclosed, FILES_BYTES_MAX, FILES_MAX, LetterState, LetterText, LetterView, News, Wish},
};

use super::{format, news::problem, words::Meaning};

/// What became of the last letter that was sent or thrown away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sent {
    /// Nothing was.
    #[default]
    Nothing,
    /// It is being written.
    Writing,
    /// The ion was started again meanwhile: its letters will say.
    Unknown,
    /// It is on disk here.
    Kept,
    /// It was not done.
    Refused(Problem),
}

/// A letter that is being written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The addressee's id; empty while none is chosen.
    pub to: String,
    /// Whether the id is typed.
    pub is_typed: bool,
    /// What it says.
    pub text: String,
    /// What is enclosed.
    pub files: Vec<Enclosed>,
}

impl Draft {
    /// Bytes enclosed.
    pub fn bytes(&self) -> usize {
        self.files.iter().map(|file| file.bytes.len()).sum()
    }

    /// Encloses a file, if there is room.
    ///
    /// # Errors
    /// A problem that leads to Files.
    pub fn enclose(&mut self, file: Enclosed) -> Result<(), Problem> {
        if self.files.len() == FILES_MAX || self.bytes() + file.bytes.len() > FILES_BYTES_MAX {
            return Err(too_large(&file.name));
        }
        self.files.push(file);
        Ok(())
    }
}

/// What a letter can carry, in words.
pub fn room() -> String {
    let bytes = format::bytes(FILES_BYTES_MAX as u64);
    format!("At most {FILES_MAX} files, {bytes} together; what is larger goes through Files.")
}

/// A file that a letter cannot carry.
pub fn too_large(name: &str) -> Problem {
    let what = format!("{name} was not enclosed");
    problem(&what, &room(), "Put it into Files, and write where it is.")
}

/// What became of a letter, in a word.
pub fn standing(letter: &LetterView) -> (Meaning, String) {
    let name = &letter.other_name;
    match letter.state {
        LetterState::New => (Meaning::Waiting, "New".to_owned()),
        LetterState::Read => (Meaning::Good, "Read".to_owned()),
        LetterState::Waits => (Meaning::Waiting, format!("Waits until {name} comes back")),
        LetterState::Taken => (Meaning::Good, format!("{name} has it")),
        LetterState::Ended => (Meaning::Bad, format!("Not known to have reached {name}")),
    }
}

/// The name of what became of it, as tests read it.
pub fn key(state: LetterState) -> &'static str {
    match state {
        LetterState::New => "new",
        LetterState::Read => "read",
        LetterState::Waits => "waits",
        LetterState::Taken => "taken",
        LetterState::Ended => "ended",
    }
}

/// The state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// The latest first.
    pub letters: Vec<LetterView>,
    /// Whether the first list has come.
    pub is_listed: bool,
    /// How many came and were not read.
    pub unread: u32,
    /// The letter that is open.
    pub open: Option<LetterText>,
    /// The letter that is being written.
    pub draft: Option<Draft>,
    /// What became of the last one.
    pub sent: Sent,
    /// The letter that was being sent when the ion stopped, until it is known
    /// what became of it or another is sent; and the letters there were before.
    lost: Option<(Draft, Vec<String>)>,
    request: u64,
    listing: u64,
    opening: u64,
    writing: u64,
    discarding: u64,
}

impl Mail {
    fn next(&mut self) -> u64 {
        self.request += 1;
        self.request
    }

    /// What to ask for all letters.
    pub fn list(&mut self) -> Wish {
        self.listing = self.next();
        Wish::List { request: self.listing }
    }

    /// What to ask for one of them.
    pub fn open(&mut self, id: &str) -> Wish {
        self.opening = self.next();
        Wish::Open { request: self.opening, id: id.to_owned() }
    }

    /// Shows no letter any more.
    pub fn close(&mut self) {
        (self.open, self.opening) = (None, 0);
    }

    /// Whether a letter is being sent.
    pub fn is_sending(&self) -> bool {
        matches!(self.sent, Sent::Writing | Sent::Unknown)
    }

    /// What to ask to send the letter that is written.
    pub fn send(&mut self) -> Option<Wish> {
        let draft = self.draft.clone().filter(|_| !self.is_sending())?;
        (self.sent, self.lost) = (Sent::Writing, None);
        self.writing = self.next();
        let (to, text) = (draft.to.trim().to_owned(), draft.text);
        Some(Wish::Send { request: self.writing, to, text, files: draft.files })
    }

    /// What to ask to throw a letter away, or to take it back.
    pub fn discard(&mut self, id: &str) -> Wish {
        self.close();
        self.discarding = self.next();
        Wish::Discard { request: self.discarding, id: id.to_owned() }
    }

    /// Takes what the ion tells; what to ask then.
    pub fn take(&mut self, news: News) -> Option<Wish> {
        match news {
            News::Letters { request, letters } if request == self.listing => {
                self.settle(&letters);
                self.find_lost(&letters);
                let is_new = |letter: &&LetterView| letter.state == LetterState::New;
                let unread = letters.iter().filter(is_new).count();
                self.unread = u32::try_from(unread).unwrap_or(u32::MAX);
                (self.letters, self.is_listed) = (letters, true);
            }
            News::Letter { request, letter } if request == self.opening => {
                self.open = letter.map(read);
            }
            News::Done { request, result } if request == self.writing => {
                self.sent = result.map_or_else(Sent::Refused, |()| Sent::Kept);
                if self.sent == Sent::Kept {
                    self.draft = None;
                }
                return Some(self.list());
            }
            News::Done { request, result } if request == self.discarding => {
                self.sent = result.map_or_else(Sent::Refused, |()| Sent::Nothing);
                return Some(self.list());
            }
            News::Changed { unread } => {
                self.unread = unread;
                return Some(self.list());
            }
            News::Letters { .. } | News::Letter { .. } | News::Done { .. } => {}
        }
        None
    }

    /// The open letter stands as the list says; one that ended stays shown.
    fn settle(&mut self, letters: &[LetterView]) {
        if let Some(open) = &mut self.open
            && let Some(now) = letters.iter().find(|letter| letter.id == open.view.id)
        {
            open.view = now.clone();
        }
    }

    /// Looks for the letter that was being sent when the ion stopped. A list that
    /// lacks it may be from before all was read: a later one is believed, too.
    fn find_lost(&mut self, letters: &[LetterView]) {
        let Some((draft, before)) = &self.lost else { return };
        let is_it = |letter: &LetterView| {
            !matches!(letter.state, LetterState::New | LetterState::Read)
                && letter.other == draft.to.trim()
                && draft.text.starts_with(&letter.preview)
                && letter.files as usize == draft.files.len()
                && !before.contains(&letter.id)
        };
        if letters.iter().any(is_it) {
            if self.draft.as_ref() == Some(draft) {
                self.draft = None;
            }
            (self.sent, self.lost) = (Sent::Kept, None);
        } else if self.draft.is_some() {
            self.sent = Sent::Refused(not_kept());
        } else {
            self.sent = Sent::Nothing;
        }
    }

    /// The ion is another one: nothing that was asked will be answered. What
    /// became of a letter that was being sent is read from its list.
    pub fn interrupted(&mut self) {
        let draft = self.draft.take();
        let before = self.letters.iter().map(|letter| letter.id.clone()).collect();
        let lost = match self.sent {
            Sent::Writing => draft.clone().map(|draft| (draft, before)),
            _ => self.lost.take(),
        };
        let sent = if lost.is_some() { Sent::Unknown } else { Sent::Nothing };
        *self = Self { draft, lost, sent, request: self.request, ..Self::default() };
    }
}

fn not_kept() -> Problem {
    problem(
        "The letter was not sent",
        "The ion of this tab was started again before the letter was on disk.",
        "What you wrote is still in the form: send it again.",
    )
}

/// A letter that was opened: the ion keeps it as read from then on.
fn read(mut letter: LetterText) -> LetterText {
    if letter.view.state == LetterState::New {
        letter.view.state = LetterState::Read;
    }
    letter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(id: &str, state: LetterState) -> LetterView {
        LetterView {
            id: id.to_owned(),
            other: "12D3".to_owned(),
            other_name: "quiet-heron".to_owned(),
            state,
            at_ms: 1,
            preview: "Dear".to_owned(),
            files: 0,
        }
    }

    fn file(bytes: usize) -> Enclosed {
        let bytes = vec![0; bytes].into();
        Enclosed { name: "a".to_owned(), media_type: String::new(), bytes }
    }

    #[test]
    fn a_letter_carries_so_much_and_no_more() {
        let mut draft = Draft::default();
        assert_eq!(draft.enclose(file(FILES_BYTES_MAX)), Ok(()));
        assert_eq!(draft.enclose(file(1)), Err(too_large("a")));
        let mut many = Draft::default();
        for _ in 0..FILES_MAX {
            assert_eq!(many.enclose(file(1)), Ok(()));
        }
        assert_eq!(many.enclose(file(0)), Err(too_large("a")));
    }

    #[test]
    fn a_draft_stays_until_its_letter_is_on_disk() {
        let mut mail = Mail { draft: Some(Draft::default()), ..Mail::default() };
        assert!(mail.send().is_some());
        assert_eq!(mail.send(), None, "a letter is sent once");
        let why = too_large("a");
        mail.take(News::Done { request: mail.writing, result: Err(why.clone()) });
        assert_eq!((mail.draft.is_some(), &mail.sent), (true, &Sent::Refused(why)));
        mail.send();
        mail.take(News::Done { request: mail.writing, result: Ok(()) });
        assert_eq!((mail.draft, mail.sent), (None, Sent::Kept));
    }

    fn interrupted_while_sending() -> Mail {
        let draft =
            Draft { to: "12D3".to_owned(), text: "Dear heron".to_owned(), ..Draft::default() };
        let letters = vec![letter("old", LetterState::Waits)];
        let mut mail = Mail { draft: Some(draft), letters, unread: 2, ..Mail::default() };
        mail.send();
        mail.interrupted();
        assert_eq!((mail.draft.is_some(), mail.unread, &mail.sent), (true, 0, &Sent::Unknown));
        assert_eq!(mail.send(), None, "it may have been sent");
        mail
    }

    fn told(mail: &mut Mail, letters: &[LetterView]) {
        let Wish::List { request } = mail.list() else { panic!("it asks for the list") };
        mail.take(News::Letters { request, letters: letters.to_vec() });
    }

    #[test]
    fn a_letter_that_was_kept_when_the_ion_stopped_is_found() {
        let mut mail = interrupted_while_sending();
        let all = [letter("old", LetterState::Waits), letter("new", LetterState::Waits)];
        told(&mut mail, &all);
        assert_eq!((mail.draft.is_some(), &mail.sent), (false, &Sent::Kept));
    }

    #[test]
    fn a_letter_that_was_not_kept_is_said_and_may_be_found_later() {
        let mut mail = interrupted_while_sending();
        told(&mut mail, &[letter("old", LetterState::Waits), letter("in", LetterState::New)]);
        assert_eq!((mail.draft.is_some(), &mail.sent), (true, &Sent::Refused(not_kept())));
        told(&mut mail, &[letter("new", LetterState::Taken)]);
        assert_eq!((mail.draft.is_some(), &mail.sent), (false, &Sent::Kept));
    }

    #[test]
    fn a_lost_ion_leaves_a_draft_that_was_not_sent() {
        let mut mail = Mail { draft: Some(Draft::default()), unread: 2, ..Mail::default() };
        mail.interrupted();
        assert_eq!((mail.draft.is_some(), mail.unread, &mail.sent), (true, 0, &Sent::Nothing));
    }

    #[test]
    fn the_list_follows_changes_and_only_the_last_counts() {
        let mut mail = Mail::default();
        let Some(Wish::List { request }) = mail.take(News::Changed { unread: 1 }) else {
            panic!("a change asks for the list");
        };
        mail.open("a");
        let view = letter("a", LetterState::Waits);
        let open = LetterText { view, text: String::new(), files: Vec::new() };
        mail.take(News::Letter { request: mail.opening, letter: Some(open) });
        let letters = vec![letter("a", LetterState::Taken)];
        mail.take(News::Letters { request: request - 1, letters: Vec::new() });
        assert!(!mail.is_listed);
        mail.take(News::Letters { request, letters });
        let open = mail.open.as_ref().map(|letter| standing(&letter.view).1);
        assert_eq!(open.as_deref(), Some("quiet-heron has it"));
    }
}
