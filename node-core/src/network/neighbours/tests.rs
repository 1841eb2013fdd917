//! What neighbours do, one behaviour a story.

use super::*;
use crate::{identity::Invitation, network::wire::Opening};

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

fn membership(salt: u8) -> Membership {
    let found = Invitation::found("test", false, vec![], &[salt; 48]);
    found.expect("it is valid").membership()
}

const STANDING: Standing = Standing { links: 2, target: 6, max: 10 };

fn step(neighbours: &mut Neighbours, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    neighbours.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

/// Ion 1, a member of nebula 1.
fn neighbours() -> Neighbours {
    let mut neighbours = Neighbours::new(ion(1));
    step(&mut neighbours, 0, Input::Move(membership(1)));
    neighbours
}

/// How ion `from` opens its streams to ion 1.
fn opening(nebula: u8, from: u8, session: u64) -> Vec<u8> {
    let proof = membership(nebula).prove(&ion(from), &ion(1));
    encode(&Opening { version: wire::VERSION, proof, session })
}

fn opened(neighbours: &mut Neighbours, ms: u64, room: Room, session: u64) -> Vec<Effect> {
    step(neighbours, ms, Input::Opened(ion(2), room, opening(1, 2, session)))
}

fn said(neighbours: &mut Neighbours, ms: u64, message: &Message) -> Vec<Effect> {
    step(neighbours, ms, Input::Frame(ion(2), Room::Link, encode(message)))
}

fn ask() -> Message {
    Message::Ask { standing: STANDING, why: Why::Fill }
}

/// What was said in the link room.
fn words(effects: &[Effect]) -> Vec<Message> {
    let words = effects.iter().filter_map(|effect| match effect {
        Effect::Send(_, Room::Link, bytes) => wire::decode(bytes),
        _ => None,
    });
    words.collect()
}

/// Ion 2 asked at 1 ms and was let in.
fn linked() -> Neighbours {
    let mut neighbours = neighbours();
    opened(&mut neighbours, 1, Room::Link, 5);
    said(&mut neighbours, 1, &ask());
    step(&mut neighbours, 1, Input::Accept(ion(2)));
    assert!(neighbours.is_linked(&ion(2)));
    neighbours
}

#[test]
fn an_ion_that_is_wanted_is_asked_and_linked_when_it_accepts() {
    let mut neighbours = neighbours();
    let asked = step(&mut neighbours, 1, Input::Want(ion(2), Why::Near));
    assert!(matches!(asked[0], Effect::Reach(..)));
    assert!(matches!(words(&asked)[..], [Message::Ask { why: Why::Near, .. }]));
    assert_eq!(opened(&mut neighbours, 2, Room::Link, 9), []);
    assert!(!neighbours.is_linked(&ion(2)), "a proof is no answer");
    let effects = said(&mut neighbours, 3, &Message::Accept { standing: STANDING });
    assert_eq!(effects[0], Effect::Linked(ion(2), STANDING));
}

#[test]
fn who_asks_is_not_linked_before_the_overlay_accepts() {
    let mut neighbours = neighbours();
    opened(&mut neighbours, 1, Room::Link, 5);
    let asked = said(&mut neighbours, 1, &ask());
    assert_eq!(asked, [Effect::Asked(ion(2), STANDING, Why::Fill)]);
    assert!(!neighbours.is_linked(&ion(2)));
    let effects = step(&mut neighbours, 1, Input::Accept(ion(2)));
    assert!(matches!(words(&effects)[..], [Message::Accept { .. }, Message::Beat { .. }]));
    assert!(neighbours.is_linked(&ion(2)));
}

#[test]
fn a_refusal_names_others_and_costs_nothing() {
    let mut asker = neighbours();
    step(&mut asker, 1, Input::Want(ion(2), Why::Fill));
    opened(&mut asker, 2, Room::Link, 9);
    let full = Message::Full { others: vec![ion(7)], is_heard: true };
    let effects = said(&mut asker, 3, &full);
    let refused = Effect::Refused(ion(2), vec![ion(7)], true);
    assert_eq!(effects, [Effect::Close(ion(2)), refused]);
    assert_eq!(step(&mut asker, 4, Input::Closed(ion(2))), []);
    for round in 0..20 {
        let again = step(&mut asker, 5 + round, Input::Want(ion(2), Why::Fill));
        assert!(matches!(again[0], Effect::Reach(..)));
    }
}

#[test]
fn whoever_finds_no_place_is_told_and_the_connection_ends() {
    let mut neighbours = neighbours();
    opened(&mut neighbours, 1, Room::Link, 5);
    said(&mut neighbours, 1, &ask());
    let full = Input::Full { ion: ion(2), others: vec![ion(3)], is_heard: false };
    let effects = step(&mut neighbours, 1, full);
    let told = Message::Full { others: vec![ion(3)], is_heard: false };
    assert_eq!(words(&effects), [told]);
    assert!(effects.contains(&Effect::Close(ion(2))));
    assert!(neighbours.all().is_empty());
}

#[test]
fn both_may_ask_at_once() {
    let mut neighbours = neighbours();
    step(&mut neighbours, 1, Input::Want(ion(2), Why::Fill));
    opened(&mut neighbours, 2, Room::Link, 9);
    assert!(matches!(said(&mut neighbours, 2, &ask())[..], [Effect::Asked(..)]));
    let effects = step(&mut neighbours, 2, Input::Accept(ion(2)));
    assert!(effects.iter().any(|one| matches!(one, Effect::Linked(..))));
    let late = said(&mut neighbours, 3, &Message::Accept { standing: STANDING });
    assert_eq!(late, [Effect::Standing(ion(2), STANDING)]);
}

#[test]
fn a_room_that_overtakes_the_answer_is_the_answer() {
    let mut neighbours = neighbours();
    step(&mut neighbours, 1, Input::Want(ion(2), Why::Fill));
    opened(&mut neighbours, 2, Room::Compute, 9);
    let effects = step(&mut neighbours, 2, Input::Frame(ion(2), Room::Compute, vec![1]));
    assert!(matches!(effects[0], Effect::Linked(..)), "{effects:?}");
    assert_eq!(effects.last(), Some(&Effect::Heard(ion(2), Room::Compute, vec![1])));
}

#[test]
fn nothing_is_taken_from_whoever_only_knocks() {
    let mut neighbours = neighbours();
    opened(&mut neighbours, 1, Room::Compute, 5);
    assert_eq!(step(&mut neighbours, 1, Input::Frame(ion(2), Room::Compute, vec![1])), []);
    let gone = step(&mut neighbours, 2 + GREETING_MS, Input::Tick);
    assert!(gone.contains(&Effect::Close(ion(2))));
}

#[test]
fn a_wrong_proof_is_refused() {
    let mut neighbours = neighbours();
    for bytes in [vec![], b"hello".to_vec(), opening(2, 2, 1), opening(1, 3, 1)] {
        let effects = step(&mut neighbours, 1, Input::Opened(ion(2), Room::Link, bytes));
        assert_eq!(effects, [Effect::Refuse(ion(2))]);
    }
    let frame = step(&mut neighbours, 1, Input::Frame(ion(2), Room::Link, encode(&ask())));
    assert_eq!(frame, [Effect::Refuse(ion(2))]);
}

#[test]
fn nobody_is_asked_before_the_ion_belongs_somewhere() {
    let mut neighbours = Neighbours::new(ion(1));
    let effects = step(&mut neighbours, 0, Input::Want(ion(2), Why::Fill));
    assert_eq!(effects, [Effect::Failed(ion(2))]);
    assert_eq!(opened(&mut neighbours, 1, Room::Link, 1), [Effect::Refuse(ion(2))]);
}

#[test]
fn another_session_carries_nothing_until_it_asks_again() {
    let mut neighbours = linked();
    assert_eq!(opened(&mut neighbours, 2, Room::Link, 5), []);
    assert_eq!(opened(&mut neighbours, 3, Room::Link, 6), [Effect::Renewed(ion(2))]);
    assert!(!neighbours.is_linked(&ion(2)));
    assert!(matches!(said(&mut neighbours, 4, &ask())[..], [Effect::Asked(..)]));
    let effects = step(&mut neighbours, 4, Input::Accept(ion(2)));
    assert!(matches!(effects[0], Effect::Reach(..)));
    assert!(neighbours.is_linked(&ion(2)));
}

#[test]
fn a_silent_neighbour_is_lost_after_ten_seconds() {
    let mut neighbours = linked();
    let patient = step(&mut neighbours, 1 + SILENCE_MS, Input::Tick);
    assert!(!patient.iter().any(|one| matches!(one, Effect::Lost(..))));
    let lost = step(&mut neighbours, 2 + SILENCE_MS, Input::Tick);
    assert_eq!(lost[..2], [Effect::Close(ion(2)), Effect::Lost(ion(2), Ending::Lost)]);
}

#[test]
fn the_end_of_the_streams_and_a_goodbye_are_the_end_at_once() {
    let mut neighbours = linked();
    let closed = step(&mut neighbours, 2, Input::Closed(ion(2)));
    assert_eq!(closed, [Effect::Lost(ion(2), Ending::Lost)]);
    let mut neighbours = linked();
    let left = said(&mut neighbours, 2, &Message::Goodbye);
    assert_eq!(left, [Effect::Close(ion(2)), Effect::Lost(ion(2), Ending::Left)]);
}

#[test]
fn a_cut_is_told_both_ways() {
    let mut neighbours = linked();
    let cut = Input::Cut { ion: ion(2), reason: Reason::Surplus, others: vec![ion(4)] };
    let effects = step(&mut neighbours, 2, cut);
    let told = Message::Cut { reason: Reason::Surplus, others: vec![ion(4)] };
    assert_eq!(words(&effects), std::slice::from_ref(&told));
    assert_eq!(effects.last(), Some(&Effect::Lost(ion(2), Ending::Cut)));
    let effects = said(&mut linked(), 2, &told);
    assert!(effects.contains(&Effect::WasCut(ion(2), vec![ion(4)])));
}

#[test]
fn what_is_malformed_costs_its_sender() {
    let mut neighbours = linked();
    let garbage = || Input::Frame(ion(2), Room::Link, vec![0xff]);
    for _ in 0..OFFENCES_MAX {
        assert_eq!(step(&mut neighbours, 2, garbage()), []);
    }
    let last = step(&mut neighbours, 3, Input::Offence(ion(2)));
    assert_eq!(last, [Effect::Close(ion(2)), Effect::Lost(ion(2), Ending::Cut)]);
    assert_eq!(opened(&mut neighbours, 4, Room::Link, 7), [Effect::Refuse(ion(2))]);
    let want = step(&mut neighbours, 5, Input::Want(ion(2), Why::Fill));
    assert_eq!(want, [Effect::Failed(ion(2))]);
    assert_eq!(opened(&mut neighbours, 4 + BAN_MS, Room::Link, 8), []);
}

#[test]
fn old_offences_are_forgotten() {
    let mut neighbours = linked();
    for time in 0..u64::from(2 * OFFENCES_MAX) {
        let late = time * (BAN_MS + 1);
        assert_eq!(step(&mut neighbours, 2 + late, Input::Offence(ion(2))), []);
    }
}

#[test]
fn who_talks_without_end_is_shut_out() {
    let mut neighbours = linked();
    let taken = (0..2 * WORDS.burst).take_while(|count| {
        let beat =
            Message::Beat { count: *count, presence: Presence::default(), standing: STANDING };
        said(&mut neighbours, 2, &beat);
        neighbours.is_linked(&ion(2))
    });
    assert_eq!(taken.count() as u64, WORDS.burst - 1 + u64::from(OFFENCES_MAX));
}

#[test]
fn knocking_has_a_bound_and_never_costs_a_link() {
    let mut neighbours = linked();
    for salt in 3..=u8::MAX {
        let knock = Input::Opened(ion(salt), Room::Link, opening(1, salt, 1));
        step(&mut neighbours, u64::from(salt), knock);
    }
    assert_eq!(neighbours.links.len(), LINKS_MAX);
    assert!(neighbours.is_linked(&ion(2)));
}

#[test]
fn moving_says_goodbye_and_proves_another_membership() {
    let mut neighbours = linked();
    let effects = step(&mut neighbours, 2, Input::Move(membership(2)));
    assert_eq!(words(&effects), [Message::Goodbye]);
    assert_eq!(opened(&mut neighbours, 3, Room::Link, 6), [Effect::Refuse(ion(2))]);
}

#[test]
fn the_echo_of_a_beat_tells_the_round_trip_time() {
    let mut neighbours = linked();
    let echo = said(&mut neighbours, 41, &Message::Echo { count: 1 });
    assert_eq!(echo, [Effect::RoundTrip(ion(2), 40)]);
    assert_eq!(neighbours.all()[0].round_trip_ms, 40);
}
