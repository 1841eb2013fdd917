//! Letters, and the envelopes that they travel in.

use std::sync::Arc;

use node_core::{
    identity::{IonId, Keys, SimKeys},
    platform::sim::Rng,
    store::{
        kv::{Change, Entry, entry::Body, stamp::Stamp},
        mail::{Enclosed, Letter, Mailbox, State},
    },
};

use super::{digest, fuzz, mutant, mutants};

fn keys(number: u8) -> Arc<dyn Keys> {
    Arc::new(SimKeys::of(IonId::from_bytes([number; 32])))
}

fn letters() -> Vec<Letter> {
    let file = Enclosed {
        name: "note.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        bytes: b"enclosed".to_vec().into(),
    };
    let (from, to) = (keys(1).own(), keys(2).own());
    let letter = |text: &str, files| Letter::new(from, to, 5, text.to_owned(), files);
    let all = [letter("hello", vec![]), letter("", vec![file])];
    all.map(|letter| letter.expect("it is within bounds")).into()
}

/// An entry that the sender signed, whatever is in it.
fn entry(Change { key, value, .. }: &Change, stamp_ms: u64) -> Entry {
    let (stamp, author) = (Stamp::at_ms(stamp_ms), keys(1).own());
    let body =
        Body { key: key.clone(), value: value.clone(), stamp, ends_ms: None, author, over: None };
    Entry::sign(&*keys(1), body).expect("it may be written")
}

#[test]
fn changed_letters() {
    let samples: Vec<_> = letters().iter().map(Letter::encode).collect();
    fuzz("letters", &samples, |bytes| match Letter::decode(bytes) {
        Some(letter) => {
            assert_eq!(Letter::decode(&letter.encode()), Some(letter));
            true
        }
        None => false,
    });
}

/// A sender may put anything into an envelope: what does not open to a letter of
/// its own to this ion is left lying, and takes nothing away from others.
#[test]
fn a_mailbox_bears_changed_envelopes() {
    let (sender, mut rng) = (Mailbox::new(keys(1)), Rng::new(5));
    let mut mailbox = Mailbox::new(keys(2));
    let posts: Vec<Change> = letters()
        .iter()
        .map(|letter| sender.send("id", letter).expect("it has an addressee").swap_remove(0))
        .collect();
    let mut came = 0;
    for number in 0..mutants() {
        for (post, letter) in posts.iter().zip(letters()) {
            let sealed = post.value.as_ref().expect("it is sealed");
            let mut changed = post.clone();
            changed.value = Some(mutant(sealed, &mut rng).into());
            if mailbox.take(&[entry(&changed, number + 1)]).is_empty() {
                continue;
            }
            // Some changes undo each other.
            assert_eq!(changed.value, post.value, "{letter:?}");
            came += 1;
        }
    }
    assert!(came < mutants() / 10, "{came} came");
    assert_eq!(mailbox.take(&[entry(&posts[0], 1)]).concat().len(), 2, "it is kept and taken");
    assert!(!mailbox.letters().iter().any(|(_, _, state)| *state != State::Came));
}

#[test]
fn golden_letters() {
    let all: Vec<_> = letters().iter().map(Letter::encode).collect();
    assert_eq!(digest(&all), "277f5a3aa084a4d5");
}
