//! What the overlay does, one behaviour a story.

use super::*;

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

fn overlay(target: usize, max: usize) -> Overlay {
    Overlay::new(ion(1), 7, Limits::new(target, max))
}

fn step(overlay: &mut Overlay, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    overlay.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

/// Another ion with so many links of two to four.
fn stands(links: u8) -> Standing {
    Standing { links, target: 2, max: 4 }
}

fn sighting(salt: u8, is_heard: bool) -> Sighting {
    Sighting { ion: ion(salt), is_heard, standing: None, round_trip_ms: None }
}

fn asked(overlay: &mut Overlay, ms: u64, salt: u8, links: u8, why: Why) -> Vec<Effect> {
    let asked = Input::Asked { ion: ion(salt), standing: stands(links), why, is_heard: false };
    step(overlay, ms, asked)
}

/// Lets ions 2, 3, … in, each with so many links.
fn filled(target: usize, max: usize, links: u8) -> Overlay {
    let mut overlay = overlay(target, max);
    for salt in (2..).take(max) {
        assert_eq!(
            asked(&mut overlay, 0, salt, links, Why::Fill),
            [Effect::Accept(ion(salt))],
            "{salt}"
        );
    }
    overlay
}

fn cut_of(effects: &[Effect]) -> Option<(IonId, Reason)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Cut { ion, reason, .. } => Some((*ion, *reason)),
        _ => None,
    })
}

#[test]
fn links_are_sought_up_to_the_target_and_let_in_up_to_the_limit() {
    let mut overlay = overlay(2, 3);
    let found = (2..9).map(|salt| sighting(salt, true)).collect();
    let wants = step(&mut overlay, 0, Input::Found(found));
    assert!(matches!(wants[..], [Effect::Want(_, Why::Alone), Effect::Want(_, Why::Fill)]));
    assert_eq!(asked(&mut overlay, 1, 20, 1, Why::Fill), [Effect::Accept(ion(20))]);
    let refusal = asked(&mut overlay, 1, 21, 1, Why::Fill);
    assert!(matches!(&refusal[..], [Effect::Refuse { others, .. }] if others.len() >= 5));
}

#[test]
fn a_lost_link_is_made_up_for_at_once() {
    let mut overlay = filled(2, 2, 2);
    step(&mut overlay, 1, Input::Found(vec![sighting(9, true)]));
    assert_eq!(step(&mut overlay, 2, Input::Lost(ion(2))), [Effect::Want(ion(9), Why::Fill)]);
}

/// How often ion 2, which always refuses, is asked in five minutes.
fn asked_of_a_refuser(overlay: &mut Overlay) -> usize {
    step(overlay, 0, Input::Found(vec![sighting(2, true)]));
    let mut count = 0;
    for ms in (0..300_000).step_by(500) {
        let mut effects = step(overlay, ms, Input::Tick);
        let refused = Input::Refused { ion: ion(2), others: vec![], is_heard: true };
        effects.extend(step(overlay, ms, refused));
        count += effects.iter().filter(|effect| matches!(effect, Effect::Want(..))).count();
    }
    count
}

#[test]
fn whoever_refused_is_left_alone_ever_longer_but_by_those_without_any_link() {
    let mut linked = overlay(2, 2);
    asked(&mut linked, 0, 3, 2, Why::Fill);
    let patient = asked_of_a_refuser(&mut linked);
    assert!((5..=12).contains(&patient), "{patient}");
    let urgent = asked_of_a_refuser(&mut overlay(1, 1));
    assert!((150..=301).contains(&urgent), "{urgent}");
}

#[test]
fn those_named_in_a_refusal_are_asked() {
    let mut overlay = overlay(1, 1);
    step(&mut overlay, 0, Input::Found(vec![sighting(2, true)]));
    let refused = Input::Refused { ion: ion(2), others: vec![ion(5)], is_heard: false };
    assert_eq!(step(&mut overlay, 1, refused), [Effect::Want(ion(5), Why::Alone)]);
}

#[test]
fn when_both_ask_the_place_was_kept() {
    let mut overlay = overlay(1, 1);
    step(&mut overlay, 0, Input::Found(vec![sighting(2, true)]));
    assert_eq!(asked(&mut overlay, 1, 2, 0, Why::Alone), [Effect::Accept(ion(2))]);
    assert_eq!(step(&mut overlay, 2, Input::Linked(ion(2), stands(1))), []);
}

/// Made-up ions that all say to be alone take a third of the places and no more.
#[test]
fn who_says_to_be_alone_does_not_take_all_places() {
    let mut overlay = filled(6, 9, 3);
    let mut let_in = 0;
    for salt in 100..150 {
        let ms = u64::from(salt) * ROOM_MS;
        let effects = asked(&mut overlay, ms, salt, 0, Why::Alone);
        let_in += usize::from(effects.contains(&Effect::Accept(ion(salt))));
    }
    assert_eq!(let_in, 3);
    // Who has found another link since leaves its place to the next.
    step(&mut overlay, 200_000, Input::Standing(ion(100), stands(2)));
    let effects = asked(&mut overlay, 200_000, 99, 0, Why::Alone);
    assert!(effects.contains(&Effect::Accept(ion(99))), "{effects:?}");
}

#[test]
fn room_is_made_for_whoever_is_alone() {
    let mut overlay = filled(2, 2, 2);
    let effects = asked(&mut overlay, 5, 9, 0, Why::Alone);
    assert!(matches!(cut_of(&effects), Some((_, Reason::MadeRoom))), "{effects:?}");
    assert!(effects.contains(&Effect::Accept(ion(9))));
    // But not for one after the other.
    assert_eq!(cut_of(&asked(&mut overlay, 6, 10, 0, Why::Alone)), None);
    step(&mut overlay, 7, Input::Standing(ion(9), stands(2)));
    assert!(cut_of(&asked(&mut overlay, 5 + ROOM_MS, 10, 0, Why::Alone)).is_some());
}

#[test]
fn a_place_that_is_only_hoped_for_is_given_before_a_link_is_cut() {
    let mut overlay = overlay(2, 2);
    asked(&mut overlay, 0, 2, 2, Why::Fill);
    let wants = step(&mut overlay, 1, Input::Found(vec![sighting(3, true)]));
    assert_eq!(wants, [Effect::Want(ion(3), Why::Fill)]);
    assert!(matches!(asked(&mut overlay, 2, 4, 1, Why::Fill)[..], [Effect::Refuse { .. }]));
    assert_eq!(asked(&mut overlay, 3, 5, 0, Why::Alone), [Effect::Accept(ion(5))]);
    let late = step(&mut overlay, 4, Input::Linked(ion(3), stands(1)));
    assert_eq!(cut_of(&late), Some((ion(3), Reason::Unwanted)));
    assert_eq!(overlay.links().len(), 2);
}

#[test]
fn nobody_is_cut_whose_only_link_this_is() {
    let mut overlay = filled(2, 2, 1);
    let effects = asked(&mut overlay, 5, 9, 0, Why::Alone);
    assert!(matches!(effects[..], [Effect::Refuse { .. }]));
    assert_eq!(overlay.links().len(), 2);
}

#[test]
fn whoever_says_that_it_is_alone_and_has_links_is_not_alone() {
    let mut overlay = filled(2, 2, 2);
    assert_eq!(cut_of(&asked(&mut overlay, 5, 9, 3, Why::Alone)), None);
}

#[test]
fn an_ion_that_nobody_hears_is_linked_to_even_beyond_the_target() {
    let mut overlay = filled(2, 3, 2);
    step(&mut overlay, 1, Input::Lost(ion(4)));
    step(&mut overlay, 1, Input::Found(vec![sighting(9, false)]));
    assert_eq!(step(&mut overlay, 2, Input::Tick), []);
    let healing = step(&mut overlay, 1 + STRANGE_MS, Input::Tick);
    assert_eq!(healing, [Effect::Want(ion(9), Why::Split)]);
    let one_part = Input::Refused { ion: ion(9), others: vec![], is_heard: true };
    step(&mut overlay, 10_000, one_part);
    assert_eq!(step(&mut overlay, 40_000, Input::Tick), []);
}

#[test]
fn what_is_heard_is_not_strange() {
    let mut overlay = filled(2, 3, 2);
    step(&mut overlay, 1, Input::Lost(ion(4)));
    step(&mut overlay, 1, Input::Found(vec![sighting(9, false)]));
    step(&mut overlay, 2, Input::Found(vec![sighting(9, true)]));
    assert_eq!(step(&mut overlay, 60_000, Input::Tick), []);
}

#[test]
fn surplus_is_cut_where_both_have_too_much_and_not_too_soon() {
    for (links, is_cut) in [(3, true), (2, false)] {
        let mut overlay = filled(2, 3, links);
        assert_eq!(cut_of(&step(&mut overlay, LIFE_MS_MIN - 1, Input::Tick)), None);
        let cut = cut_of(&step(&mut overlay, LIFE_MS_MIN + 2 * TRIM_MS, Input::Tick));
        assert_eq!(cut.is_some(), is_cut, "{links} links: {cut:?}");
        assert_eq!(overlay.links().len(), if is_cut { 2 } else { 3 });
    }
}

#[test]
fn after_a_hundred_interactions_a_relayed_ion_takes_the_place_of_an_idle_link() {
    let mut overlay = filled(2, 2, 2);
    for _ in 0..40 {
        step(&mut overlay, 1, Input::Used(ion(2)));
    }
    for _ in 0..60 {
        assert_eq!(step(&mut overlay, 10_000, Input::Used(ion(9))), []);
    }
    let wants = step(&mut overlay, 20_000, Input::Tick);
    assert_eq!(wants, [Effect::Want(ion(9), Why::Useful)]);
    assert_eq!(overlay.links().len(), 2);
    let linked = step(&mut overlay, 20_100, Input::Linked(ion(9), stands(2)));
    assert_eq!(cut_of(&linked), Some((ion(3), Reason::Replaced)));
    assert_eq!(overlay.links().len(), 2);
}

#[test]
fn below_one_and_a_tenth_nothing_is_replaced() {
    let mut overlay = filled(2, 2, 2);
    for round in 0..50 {
        step(&mut overlay, round, Input::Used(ion(2 + u8::try_from(round % 2).unwrap_or(0))));
        step(&mut overlay, round, Input::Used(ion(if round < 25 { 9 } else { 8 })));
    }
    // 25 each: relayed and direct are used alike.
    assert_eq!(step(&mut overlay, 20_000, Input::Tick), []);
    step(&mut overlay, 20_001, Input::Used(ion(8)));
    step(&mut overlay, 20_002, Input::Used(ion(8)));
    step(&mut overlay, 20_003, Input::Used(ion(8)));
    let wants = step(&mut overlay, 60_000, Input::Tick);
    assert_eq!(wants, [Effect::Want(ion(8), Why::Useful)]);
}

#[test]
fn places_beyond_the_target_are_given_to_who_needs_one() {
    for (target, is_given) in [(2, true), (3, false)] {
        let mut overlay = filled(target, 3, 2);
        let refused = asked(&mut overlay, USEFUL_LIFE_MS_MIN, 9, 2, Why::Fill);
        assert!(matches!(refused[..], [Effect::Refuse { .. }]), "{refused:?}");
        let effects = asked(&mut overlay, USEFUL_LIFE_MS_MIN, 9, 2, Why::Useful);
        assert_eq!(effects.contains(&Effect::Accept(ion(9))), is_given, "{effects:?}");
        assert_eq!(cut_of(&effects).is_some(), is_given);
        let next = asked(&mut overlay, USEFUL_LIFE_MS_MIN + 1, 10, 2, Why::Useful);
        assert!(matches!(next[..], [Effect::Refuse { .. }]), "not so soon again: {next:?}");
        assert_eq!(overlay.links().len(), 3);
    }
}

#[test]
fn what_is_needed_is_asked_for_at_once_and_not_all_of_it() {
    let mut overlay = filled(2, 2, 2);
    let at = USEFUL_LIFE_MS_MIN;
    step(&mut overlay, at, Input::Used(ion(2)));
    let wants = step(&mut overlay, at, Input::Needed(ion(9)));
    assert_eq!(wants, [Effect::Want(ion(9), Why::Useful)]);
    assert_eq!(step(&mut overlay, at + 1, Input::Needed(ion(9))), [], "it is asked");
    assert_eq!(step(&mut overlay, at + 1, Input::Needed(ion(8))), [], "another is just asked");
    let linked = step(&mut overlay, at + 2, Input::Linked(ion(9), stands(2)));
    assert_eq!(cut_of(&linked), Some((ion(3), Reason::Replaced)), "the least used gave way");
    let wants = step(&mut overlay, at + NEED_MS, Input::Needed(ion(8)));
    assert_eq!(wants, [Effect::Want(ion(8), Why::Useful)]);
    step(&mut overlay, at + NEED_MS, Input::Failed(ion(8)));
    let again = step(&mut overlay, at + 2 * NEED_MS, Input::Needed(ion(8)));
    assert_eq!(again, [], "whoever failed is left alone");
}

#[test]
fn an_ion_that_cannot_be_reached_keeps_no_useful_link_from_standing() {
    let mut overlay = filled(2, 2, 2);
    for _ in 0..100 {
        step(&mut overlay, 1, Input::Used(ion(9)));
    }
    let mut attempts = 0;
    for ms in (10_000..310_000).step_by(1_000) {
        let effects = step(&mut overlay, ms, Input::Tick);
        assert_eq!(cut_of(&effects), None);
        if effects.contains(&Effect::Want(ion(9), Why::Useful)) {
            attempts += 1;
            step(&mut overlay, ms, Input::Failed(ion(9)));
        }
    }
    assert!((3..=8).contains(&attempts), "{attempts} attempts in five minutes");
    assert_eq!(overlay.failures_of(&ion(9)), attempts);
}

#[test]
fn an_answer_to_a_wish_that_was_given_up_is_turned_away() {
    let mut overlay = overlay(1, 1);
    step(&mut overlay, 0, Input::Found(vec![sighting(2, true)]));
    step(&mut overlay, WANT_MS_MAX + 1, Input::Tick);
    assert_eq!(overlay.failures_of(&ion(2)), 1);
    let effects = step(&mut overlay, WANT_MS_MAX + 2, Input::Linked(ion(2), stands(1)));
    assert_eq!(cut_of(&effects), Some((ion(2), Reason::Unwanted)));
    assert!(overlay.links().is_empty());
}

#[test]
fn what_others_name_has_a_bound() {
    let mut overlay = filled(6, 10, 2);
    for salt in 20..=255 {
        let others = (0..255).map(|other| {
            let mut key = [other; 32];
            key[0] = salt;
            IonId::from_bytes(key)
        });
        let found = others.map(|ion| Sighting { ion, ..sighting(0, true) }).collect();
        step(&mut overlay, 1, Input::Found(found));
    }
    assert_eq!(overlay.pool.all().count(), pool::CANDIDATES_MAX);
}

#[test]
fn a_random_link_gives_way_to_another_where_far_more_are_heard_of() {
    let mut overlay = filled(4, 4, 2);
    step(&mut overlay, 1, Input::Size(3 * 4));
    let found = (20..60).map(|salt| sighting(salt, true)).collect();
    step(&mut overlay, 2, Input::Found(found));
    let wants = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Want(ion, Why::Fill) => Some(*ion),
            _ => None,
        })
    };
    let later = USEFUL_LIFE_MS_MIN + 2 * IMPROVE_MS;
    let ion = wants(&step(&mut overlay, later, Input::Tick)).expect("one is wanted");
    assert_eq!(overlay.links().len(), 4, "nobody is cut before it stands");
    let linked = step(&mut overlay, later + 1, Input::Linked(ion, stands(2)));
    assert!(matches!(cut_of(&linked), Some((_, Reason::Replaced))), "{linked:?}");
    let seen: usize = overlay.links().values().map(|link| link.heard).sum();
    assert_eq!(seen, 12, "of the four, one is random among twelve");
    step(&mut overlay, later + 2, Input::Size(3));
    for turn in 1..20 {
        let effects = step(&mut overlay, later + 2 * turn * IMPROVE_MS, Input::Tick);
        assert_eq!(wants(&effects), None, "there are no more to choose from");
    }
}
