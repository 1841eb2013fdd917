//! What the Network page says about links, relays, limits and echoes.

use super::*;

fn ion(name: &str, link: LinkKind, score: u8) -> IonView {
    IonView {
        id: format!("id-{name}"),
        name: name.to_owned(),
        link,
        why: String::new(),
        round_trip_ms: 0,
        via: String::new(),
        hops: 0,
        score,
        received_per_s: 0,
        sent_per_s: 0,
        workers: 0,
        workers_busy: 0,
        tasks_done: 0,
        linked_at_ms: 0,
    }
}

fn names(ions: &[IonView]) -> Vec<&str> {
    ions.iter().map(|ion| ion.name.as_str()).collect()
}

#[test]
fn useful_links_stand_first_and_equals_keep_their_place() {
    let ions = [
        ion("slow", LinkKind::Direct, 7),
        ion("b", LinkKind::Relayed, 90),
        ion("far", LinkKind::Via, 0),
        ion("a", LinkKind::Direct, 90),
    ];
    assert_eq!(names(&linked(&ions)), ["a", "b", "slow"]);
    assert_eq!(names(&unlinked(&ions)), ["far"]);
    let tally = Tally::of(&ions);
    assert_eq!(tally.links(), 3);
    assert_eq!(tally.words(), "2 direct, 1 relayed, 1 through others");
    assert_eq!(Tally::default().words(), "no other ion");
}

#[test]
fn a_way_names_the_neighbour_and_its_length() {
    let ions = [ion("quiet-heron", LinkKind::Direct, 5)];
    let far = |via: &str, hops| IonView { via: via.to_owned(), hops, ..ion("x", LinkKind::Via, 0) };
    assert_eq!(way(&far("id-quiet-heron", 3), &ions), "through quiet-heron, 3 links");
    assert_eq!(way(&far("id-quiet-heron", 0), &ions), "through quiet-heron");
    assert_eq!(way(&far("id-gone", 2), &ions), "through others, 2 links");
    assert_eq!(way(&far("", 0), &ions), "through others; the way is not known yet");
}

#[test]
fn without_a_relay_it_is_said_what_goes_on() {
    let status = Status { phase: Phase::NoRelay, ..Status::default() };
    let line = no_relay(&status, 2);
    let expected = "No relay: newcomers can't find us. Everything among linked ions goes on.";
    assert_eq!(line, Some(expected));
    assert!(no_relay(&status, 0).is_some_and(|line| line.contains("nobody can find us")));
    assert_eq!(no_relay(&Status { phase: Phase::Joined, ..status }, 0), None);
}

#[test]
fn relays_are_counted_in_words() {
    let relay =
        |is_connected| RelayView { address: String::new(), is_connected, problem: String::new() };
    assert_eq!(relays(&[]), "No relay is known yet.");
    assert_eq!(relays(&[relay(true)]), "The relay answers.");
    assert_eq!(relays(&[relay(false)]), "The relay does not answer.");
    assert_eq!(relays(&[relay(false), relay(true)]), "1 of 2 relays answers.");
    assert_eq!(relays(&[relay(false), relay(false)]), "None of 2 relays answers.");
}

#[test]
fn limits_follow_each_other_and_stay_within_bounds() {
    let limits = |target, max| LinkLimits { target, max };
    assert_eq!(with_target(limits(6, 10), 1), limits(7, 10));
    assert_eq!(with_target(limits(10, 10), 1), limits(11, 11));
    assert_eq!(with_target(limits(1, 10), -1), limits(1, 10));
    assert_eq!(with_max(limits(6, 6), -1), limits(5, 5));
    assert_eq!(with_max(limits(1, 1), -1), limits(1, 1));
    assert_eq!(with_max(limits(6, HELD_MAX), 1), limits(6, HELD_MAX));
    // The ion said something else: the next press brings it within bounds.
    assert_eq!(with_target(limits(200, 250), 1), limits(TARGET_MAX, HELD_MAX));
    assert!(super::limits(limits(1, 1)).contains("1 link and"));
}

#[test]
fn an_echo_is_shown_beside_its_ion_and_old_answers_are_not() {
    let mut echoes = Echoes::default();
    let first = echoes.ask("id-a");
    let second = echoes.ask("id-a");
    echoes.answer(first, Echo::Back("late".to_owned()));
    assert_eq!(echoes.of("id-a"), Some(&Echo::Asked));
    let view = EchoView { hops: 3, round_trip_ms: 84 };
    echoes.answer(second, Echo::Back(echoed(&view)));
    let words = "there and back in 84 ms over 3 links".to_owned();
    assert_eq!(echoes.of("id-a"), Some(&Echo::Back(words)));
    echoes.keep(&[ion("a", LinkKind::Via, 0)]);
    assert!(echoes.of("id-a").is_some());
    echoes.keep(&[]);
    assert_eq!(echoes.of("id-a"), None);
}

#[test]
fn throughput_has_its_unit() {
    assert_eq!(throughput(0), "0 B/s");
    assert_eq!(throughput(1_258_291), "1.2 MiB/s");
}
