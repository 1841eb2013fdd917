use std::collections::BTreeMap;

use super::*;
use crate::{
    identity::SimKeys,
    platform::Time,
    store::kv::{
        Kv, Stamp,
        entry::Body,
        machine::{Effect, Input},
        table::Span,
    },
};

fn ion(number: u8) -> IonId {
    IonId::from_bytes([number; 32])
}

/// Ions that share what stands, as far as each is awake.
#[derive(Default)]
struct Nebula {
    entries: BTreeMap<Vec<u8>, Entry>,
    stamps: u64,
}

impl Nebula {
    fn write(&mut self, by: u8, changes: Vec<Change>) {
        for change in changes {
            self.stamps += 1;
            let (stamp, author) = (Stamp::at_ms(self.stamps), ion(by));
            let (key, value, over) = (change.key, change.value, None);
            let body = Body { key, value, stamp, ends_ms: None, author, over };
            let entry = Entry::sign(&SimKeys::of(author), body).expect("it may be written");
            self.entries.insert(entry.path().to_vec(), entry);
        }
    }

    /// An ion hears all that stands, and what it writes then stands.
    fn wake(&mut self, number: u8, mailbox: &mut Mailbox) {
        let entries: Vec<Entry> = self.entries.values().cloned().collect();
        let answer = mailbox.take(&entries).concat();
        self.write(number, answer);
        let entries: Vec<Entry> = self.entries.values().cloned().collect();
        assert!(mailbox.take(&entries).is_empty(), "it needs no second answer");
    }
}

fn mailbox(number: u8) -> Mailbox {
    Mailbox::new(Arc::new(SimKeys::of(ion(number))))
}

fn letter(from: u8, to: u8, text: &str) -> Letter {
    Letter::new(ion(from), ion(to), 5, text.to_owned(), Vec::new()).expect("it is in its bounds")
}

/// The name that a letter has at its addressee.
fn from(number: u8, id: &str) -> String {
    format!("{}/{id}", ion(number))
}

#[test]
fn a_letter_waits_for_its_addressee_and_is_taken_once() {
    let (mut nebula, mut one, mut two) = (Nebula::default(), mailbox(1), mailbox(2));
    nebula.write(1, one.send("id", &letter(1, 2, "hello")).expect("there is an addressee"));
    nebula.wake(1, &mut one);
    assert_eq!(one.letters()[0].2, State::Waits);
    nebula.wake(2, &mut two);
    assert_eq!(two.letter(&from(1, "id")).map(|letter| letter.text.as_str()), Some("hello"));
    assert_eq!((two.letters()[0].2, two.unread()), (State::Came, 1));
    nebula.wake(1, &mut one);
    assert_eq!(one.letters()[0].2, State::Taken);
    nebula.write(2, two.read(&from(1, "id")));
    nebula.wake(2, &mut two);
    assert_eq!(two.unread(), 0);
    // A mailbox that begins anew finds what it kept.
    let mut again = mailbox(2);
    nebula.wake(2, &mut again);
    assert_eq!(again.letters().len(), 1);
    nebula.write(2, again.discard(&from(1, "id")));
    nebula.wake(2, &mut again);
    assert_eq!(again.letters().len(), 0);
}

#[test]
fn a_letter_can_be_taken_back_while_it_waits() {
    let (mut nebula, mut one, mut two) = (Nebula::default(), mailbox(1), mailbox(2));
    nebula.write(1, one.send("id", &letter(1, 2, "hello")).expect("there is an addressee"));
    nebula.wake(1, &mut one);
    nebula.write(1, one.discard("id"));
    nebula.wake(1, &mut one);
    nebula.wake(2, &mut two);
    assert_eq!((one.letters().len(), two.letters().len()), (0, 0));
}

#[test]
fn only_its_addressee_makes_a_letter_one_that_was_taken() {
    let (mut nebula, mut one) = (Nebula::default(), mailbox(1));
    nebula.write(1, one.send("id", &letter(1, 2, "hello")).expect("there is an addressee"));
    nebula.wake(1, &mut one);
    // Three says that it is for somebody else, and takes that back.
    let name = format!("{}/id", ion(2));
    for space in
        [between(ion(1), ion(3)), Space::Named(vec![ion(1), ion(2), ion(3)], SPACE.to_owned())]
    {
        let key = Key { space, name: name.clone() };
        nebula.write(3, vec![Change { key, value: None, lasts_ms: None }]);
        nebula.wake(1, &mut one);
        assert_eq!(one.letters()[0].2, State::Waits);
    }
    // It ends on its way, while this ion is away.
    nebula.entries.retain(|path, _| path[0] == b'o');
    let mut again = mailbox(1);
    nebula.wake(1, &mut again);
    assert_eq!(again.letters()[0].2, State::Ended);
}

#[test]
fn that_a_letter_was_taken_is_known_when_that_is_long_ago() {
    let (mut nebula, mut one, mut two) = (Nebula::default(), mailbox(1), mailbox(2));
    nebula.write(1, one.send("id", &letter(1, 2, "hello")).expect("there is an addressee"));
    nebula.wake(2, &mut two);
    nebula.wake(1, &mut one);
    nebula.entries.retain(|path, _| path[0] == b'o');
    let mut again = mailbox(1);
    nebula.wake(1, &mut again);
    assert_eq!(again.letters()[0].2, State::Taken);
}

#[test]
fn nobody_else_reads_it_or_speaks_in_anothers_name() {
    let (mut nebula, one, mut three) = (Nebula::default(), mailbox(1), mailbox(3));
    nebula.write(1, one.send("id", &letter(1, 2, "for two alone")).expect("it can be sent"));
    nebula.wake(3, &mut three);
    assert_eq!(three.letters().len(), 0);
    for entry in nebula.entries.values() {
        let value = entry.body().value.as_ref().expect("it stands");
        let shown = String::from_utf8_lossy(value).into_owned();
        assert!(SimKeys::of(ion(3)).open(&ion(1), CONTEXT, value).is_none(), "{shown}");
    }
    // Three says that a letter of its own is from one.
    let mut two = mailbox(2);
    nebula.write(3, mailbox(3).send("lie", &letter(1, 2, "I am one")).expect("it can be sent"));
    nebula.wake(2, &mut two);
    assert!(two.letter(&from(3, "lie")).is_none() && two.letter(&from(1, "id")).is_some());
}

#[test]
fn nobody_writes_over_a_letter_of_another_by_its_id() {
    let (mut nebula, mut two) = (Nebula::default(), mailbox(2));
    nebula.write(1, mailbox(1).send("id", &letter(1, 2, "of one")).expect("it can be sent"));
    nebula.write(3, mailbox(3).send("id", &letter(3, 2, "of three")).expect("it can be sent"));
    nebula.wake(2, &mut two);
    let text = |number| two.letter(&from(number, "id")).map(|letter| letter.text.as_str());
    assert_eq!([text(1), text(3)], [Some("of one"), Some("of three")]);
}

#[test]
fn what_is_beyond_the_bounds_is_refused() {
    let new = |to: u8, text: &str, files: Vec<Enclosed>| {
        Letter::new(ion(1), ion(to), 5, text.to_owned(), files).err()
    };
    let file = |name: &str, bytes: usize| Enclosed {
        name: name.to_owned(),
        media_type: String::new(),
        bytes: ByteBuf::from(vec![0; bytes]),
    };
    assert_eq!(new(1, "to myself", vec![]), Some(Refusal::Addressee));
    assert_eq!(new(2, "  ", vec![]), Some(Refusal::Empty));
    assert_eq!(new(2, &"x".repeat(TEXT_BYTES_MAX + 1), vec![]), Some(Refusal::Text));
    assert_eq!(new(2, "", vec![file("a/b", 1)]), Some(Refusal::Files));
    assert_eq!(new(2, "", vec![file("a", FILES_BYTES_MAX + 1)]), Some(Refusal::Files));
    assert_eq!(new(2, "", vec![file("a", 1); FILES_MAX + 1]), Some(Refusal::Files));
    assert_eq!(new(2, "", vec![file("a", FILES_BYTES_MAX)]), None);
}

#[test]
fn the_largest_letter_fits_into_an_entry() {
    let name = "n".repeat(NAME_BYTES_MAX);
    let bytes = ByteBuf::from(vec![255; FILES_BYTES_MAX / FILES_MAX]);
    let file = Enclosed { name, media_type: "m".repeat(128), bytes };
    let text = "t".repeat(TEXT_BYTES_MAX);
    let largest = Letter::new(ion(1), ion(2), u64::MAX, text, vec![file; FILES_MAX])
        .expect("it is in its bounds");
    let (mut nebula, mut two) = (Nebula::default(), mailbox(2));
    nebula.write(1, mailbox(1).send("id", &largest).expect("it can be sent"));
    nebula.wake(2, &mut two);
    assert_eq!(two.letter(&from(1, "id")), Some(&largest));
}

#[test]
fn a_sender_fills_its_part_of_the_box_and_the_rest_stays_on_its_way() {
    let (mut nebula, mut two) = (Nebula::default(), mailbox(2));
    for number in 0..SENDER_LETTERS_MAX + 5 {
        let id = format!("{number:03}");
        nebula.write(1, mailbox(1).send(&id, &letter(1, 2, "hello")).expect("it can be sent"));
    }
    let text = "x".repeat(TEXT_BYTES_MAX);
    for number in 0..SENDER_BYTES_MAX / TEXT_BYTES_MAX {
        let sent = mailbox(3).send(&format!("{number:03}"), &letter(3, 2, &text));
        nebula.write(3, sent.expect("it can be sent"));
    }
    nebula.write(4, mailbox(4).send("id", &letter(4, 2, "hello")).expect("it can be sent"));
    nebula.wake(2, &mut two);
    let of = |two: &Mailbox, number| {
        two.came.values().filter(|letter| letter.from == ion(number)).count()
    };
    assert_eq!([1, 4].map(|number| of(&two, number)), [SENDER_LETTERS_MAX, 1]);
    let expected = SENDER_BYTES_MAX / (TEXT_BYTES_MAX + FORM_BYTES);
    assert_eq!(of(&two, 3), expected);
    nebula.write(2, two.discard(&from(1, "000")));
    nebula.wake(2, &mut two);
    let last = format!("{SENDER_LETTERS_MAX:03}");
    assert!(two.letter(&from(1, &last)).is_some() && two.letter(&from(1, "000")).is_none());
}

const NOW: u64 = 1_800_000_000_000;

/// A shared memory that lasts, with what an ion writes.
fn memory(number: u8, changes: Vec<Change>) -> Kv {
    let mut kv = Kv::new(Arc::new(SimKeys::of(ion(number))), 64 << 10);
    pass(&mut kv, NOW);
    let mut effects = Vec::new();
    for input in [Input::Opened(None), Input::Put { ticket: 1, changes }] {
        kv.handle(Time::ZERO, input, &mut effects);
    }
    let number = effects.iter().find_map(|effect| match effect {
        Effect::Write(number, _) => Some(*number),
        _ => None,
    });
    let written = Input::Written(number.expect("it is written"), Ok(()));
    kv.handle(Time::ZERO, written, &mut Vec::new());
    kv
}

fn pass(kv: &mut Kv, wall_ms: u64) {
    for input in [Input::Clock(wall_ms), Input::Tick] {
        kv.handle(Time::from_ms(wall_ms), input, &mut Vec::new());
    }
}

/// What an ion that was just opened makes of what stands.
fn seen(kv: &Kv, number: u8) -> (Vec<State>, usize) {
    let mut mailbox = mailbox(number);
    let entries: Vec<Entry> = kv.range(Span::ALL).cloned().collect();
    let answers = mailbox.take(&entries).len();
    (mailbox.letters().into_iter().map(|(_, _, state)| state).collect(), answers)
}

#[test]
fn a_letter_that_nobody_fetches_ends_and_its_sender_keeps_what_was_sent() {
    let changes = mailbox(1).send("id", &letter(1, 2, "hello")).expect("there is an addressee");
    let mut kv = memory(1, changes);
    for (wall_ms, state, answers) in [
        (NOW, Some(State::Waits), 1),
        (NOW + LASTS_MS - 1, Some(State::Waits), 1),
        (NOW + LASTS_MS + 1, Some(State::Ended), 0),
        (NOW + KEPT_MS - 1, Some(State::Ended), 0),
        (NOW + KEPT_MS + 1, None, 0),
    ] {
        pass(&mut kv, wall_ms);
        let after_ms = wall_ms - NOW;
        assert_eq!(seen(&kv, 1).0, Vec::from_iter(state), "its sender, after {after_ms} ms");
        assert_eq!(seen(&kv, 2).1, answers, "its addressee, after {after_ms} ms");
    }
}
