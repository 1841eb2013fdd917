//! What links do, one behaviour a story.

use super::*;
use crate::identity::Invitation;

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

fn membership(salt: u8) -> Membership {
    let found = Invitation::found("test", false, vec![], &[salt; 48]);
    found.expect("it is valid").membership()
}

fn step(links: &mut Links, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    links.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

/// Ion 1, a member of nebula 1.
fn links() -> Links {
    let mut links = Links::new(ion(1));
    step(&mut links, 0, Input::Move(membership(1)));
    links
}

/// How ion `from` opens its streams to ion 1.
fn opening(nebula: u8, from: u8, session: u64) -> Vec<u8> {
    let proof = membership(nebula).prove(&ion(from), &ion(1));
    encode(&Opening { version: VERSION, proof, session })
}

fn opened(links: &mut Links, ms: u64, from: u8, room: Room, session: u64) -> Vec<Effect> {
    step(links, ms, Input::Opened(ion(from), room, opening(1, from, session)))
}

fn linked() -> Links {
    let mut links = links();
    opened(&mut links, 1, 2, Room::Link, 5);
    assert!(links.is_linked(&ion(2)));
    links
}

fn beat(links: &mut Links, ms: u64) -> Vec<Effect> {
    let message = LinkMessage::Beat { count: 1, presence: Presence::default() };
    step(links, ms, Input::Frame(ion(2), Room::Link, encode(&message)))
}

#[test]
fn an_ion_that_is_found_is_greeted_and_linked_when_it_proves_itself() {
    let mut links = links();
    let greeting = step(&mut links, 1, Input::Found(vec![ion(2), ion(1)]));
    assert!(matches!(greeting[..], [Effect::Reach(..), Effect::Send(_, Room::Link, _)]));
    assert!(!links.is_linked(&ion(2)));
    let linked = opened(&mut links, 2, 2, Room::Link, 9);
    assert!(matches!(linked[..], [Effect::Send(_, Room::Link, _), Effect::Linked(_)]));
    assert_eq!(links.neighbours().len(), 1);
}

#[test]
fn nothing_is_told_of_this_ion_before_the_other_proves_itself() {
    let mut links = links();
    let ours = Presence { name: "heron".to_owned(), workers: 3, busy: 1 };
    step(&mut links, 1, Input::Presence(ours.clone()));
    let told = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Send(_, Room::Link, bytes) => match decode(bytes) {
                Some(LinkMessage::Beat { presence, .. }) => Some(presence),
                _ => None,
            },
            _ => None,
        })
    };
    let greeting = step(&mut links, 2, Input::Found(vec![ion(2)]));
    assert_eq!(told(&greeting), Some(Presence::default()));
    assert_eq!(told(&opened(&mut links, 3, 2, Room::Link, 9)), Some(ours));
}

#[test]
fn who_greets_first_is_greeted_in_turn() {
    let effects = opened(&mut links(), 1, 2, Room::Link, 5);
    assert!(matches!(effects[..], [Effect::Reach(..), Effect::Send(..), Effect::Linked(_)]));
}

#[test]
fn a_wrong_proof_is_refused() {
    let mut links = links();
    let stolen = opening(1, 3, 1);
    for bytes in [vec![], b"hello".to_vec(), opening(2, 2, 1), stolen] {
        let effects = step(&mut links, 1, Input::Opened(ion(2), Room::Compute, bytes));
        assert_eq!(effects, [Effect::Refuse(ion(2))]);
    }
    assert!(links.neighbours().is_empty());
}

#[test]
fn nobody_is_let_in_before_the_ion_belongs_somewhere() {
    let mut links = Links::new(ion(1));
    assert_eq!(step(&mut links, 0, Input::Found(vec![ion(2)])), []);
    assert_eq!(opened(&mut links, 1, 2, Room::Link, 1), [Effect::Refuse(ion(2))]);
}

#[test]
fn a_frame_in_a_room_that_was_not_opened_is_refused() {
    let mut links = linked();
    let effects = step(&mut links, 2, Input::Frame(ion(2), Room::Compute, vec![1]));
    assert_eq!(effects, [Effect::Refuse(ion(2))]);
}

#[test]
fn frames_of_rooms_above_are_passed_on() {
    let mut links = linked();
    assert_eq!(opened(&mut links, 2, 2, Room::Compute, 5), []);
    let effects = step(&mut links, 3, Input::Frame(ion(2), Room::Compute, vec![1]));
    assert_eq!(effects, [Effect::Heard(ion(2), Room::Compute, vec![1])]);
}

#[test]
fn a_room_opened_again_in_the_same_session_changes_nothing() {
    assert_eq!(opened(&mut linked(), 2, 2, Room::Link, 5), []);
}

#[test]
fn another_session_means_that_the_other_began_anew() {
    let mut links = linked();
    let effects = opened(&mut links, 2, 2, Room::Compute, 6);
    assert!(matches!(
        effects[..],
        [Effect::Lost(_), Effect::Reach(..), Effect::Send(..), Effect::Linked(_)]
    ));
    // The room that is behind belongs to the same new session.
    assert_eq!(opened(&mut links, 3, 2, Room::Link, 6), []);
}

/// Else two that begin anew at once would chase each other for ever.
#[test]
fn a_new_session_is_answered_within_the_own_one() {
    let mut links = links();
    let reached = |effects: &[Effect]| match effects {
        [.., Effect::Reach(_, opening), Effect::Send(..), Effect::Linked(_)] => opening.clone(),
        other => panic!("{other:?}"),
    };
    let first = reached(&opened(&mut links, 1, 2, Room::Link, 5));
    assert_eq!(reached(&opened(&mut links, 2, 2, Room::Link, 6)), first);
    step(&mut links, 3, Input::Closed(ion(2)));
    let anew = step(&mut links, 4, Input::Tick);
    assert!(matches!(&anew[0], Effect::Reach(_, opening) if *opening != first), "{anew:?}");
}

#[test]
fn a_silent_ion_is_lost_and_greeted_again() {
    let mut links = linked();
    beat(&mut links, 5_000);
    let patient = step(&mut links, 5_000 + SILENCE_MS, Input::Tick);
    assert!(!patient.contains(&Effect::Lost(ion(2))));
    let lost = step(&mut links, 5_001 + SILENCE_MS, Input::Tick);
    assert_eq!(lost[..2], [Effect::Close(ion(2)), Effect::Lost(ion(2))]);
    let again = step(&mut links, 5_002 + SILENCE_MS, Input::Tick);
    assert!(matches!(again[0], Effect::Reach(..)));
}

#[test]
fn a_goodbye_is_the_end_at_once() {
    let mut links = linked();
    let goodbye = encode(&LinkMessage::Goodbye);
    let effects = step(&mut links, 2, Input::Frame(ion(2), Room::Link, goodbye));
    assert_eq!(effects, [Effect::Close(ion(2)), Effect::Lost(ion(2))]);
    assert_eq!(step(&mut links, 60_000, Input::Tick), []);
}

#[test]
fn what_is_malformed_costs_its_sender() {
    let mut links = linked();
    for _ in 0..OFFENCES_MAX {
        assert_eq!(step(&mut links, 2, Input::Frame(ion(2), Room::Link, vec![0xff])), []);
    }
    let last = step(&mut links, 3, Input::Offence(ion(2)));
    assert_eq!(last, [Effect::Close(ion(2)), Effect::Lost(ion(2))]);
    assert_eq!(opened(&mut links, 4, 2, Room::Link, 7), [Effect::Refuse(ion(2))]);
    assert_eq!(step(&mut links, 5, Input::Found(vec![ion(2)])), []);
    let later = opened(&mut links, 4 + BAN_MS, 2, Room::Link, 8);
    assert!(later.contains(&Effect::Linked(ion(2))));
}

#[test]
fn an_ion_that_cannot_be_reached_is_forgotten_in_the_end() {
    let mut links = links();
    step(&mut links, 0, Input::Found(vec![ion(2)]));
    let mut tries = 1;
    for second in 1..300 {
        step(&mut links, second * 1_000, Input::Failed(ion(2)));
        let effects = step(&mut links, second * 1_000, Input::Tick);
        tries += effects.iter().filter(|effect| matches!(effect, Effect::Reach(..))).count();
    }
    assert_eq!(tries, FAILURES_MAX as usize);
}

#[test]
fn there_are_never_more_links_than_the_limit() {
    let mut links = links();
    for salt in 2..=u8::MAX {
        opened(&mut links, 1, salt, Room::Link, 1);
    }
    assert_eq!(links.neighbours().len(), LINKS_MAX);
}

#[test]
fn moving_says_goodbye_and_proves_another_membership() {
    let mut links = linked();
    let effects = step(&mut links, 2, Input::Move(membership(2)));
    let goodbye = Effect::Send(ion(2), Room::Link, encode(&LinkMessage::Goodbye));
    assert_eq!(effects, [goodbye, Effect::Close(ion(2)), Effect::Lost(ion(2))]);
    assert_eq!(opened(&mut links, 3, 2, Room::Link, 6), [Effect::Refuse(ion(2))]);
}

#[test]
fn the_echo_of_a_beat_tells_the_round_trip_time() {
    let mut links = linked();
    let echo = encode(&LinkMessage::Echo { count: 1 });
    step(&mut links, 41, Input::Frame(ion(2), Room::Link, echo));
    assert_eq!(links.neighbours()[0].round_trip_ms, 40);
}
