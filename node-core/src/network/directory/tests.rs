//! What the directory does, one behaviour a story.

use super::*;
use crate::identity::SimKeys;

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

fn directory() -> Directory {
    seeded(3)
}

fn seeded(seed: u64) -> Directory {
    Directory::new(Arc::new(SimKeys::of(ion(1))), seed, 100)
}

/// The word of an ion, in its run `incarnation`, that another is its neighbour.
fn bond(named: IonId, incarnation: u64, witness: IonId) -> Bond {
    Bond::new(&SimKeys::of(named), incarnation, &witness)
}

/// What the witness tells of an ion that was its neighbour.
fn notice(named: IonId, age: Age, witness: IonId) -> Message {
    let bond = bond(named, age.incarnation, witness);
    Message::Gone { ion: named, counter: age.counter, bond }
}

/// Both are linked.
fn linked(directory: &mut Directory, ms: u64, other: IonId) -> Vec<Effect> {
    let mut effects = step(directory, ms, Input::NeighbourUp(other));
    let given = bond(ion(1), 100, other);
    let (bonds, others) =
        effects.drain(..).partition::<Vec<_>, _>(|one| *one == Effect::Bond(other, given.clone()));
    assert_eq!(bonds.len(), 1, "it gives its word");
    assert_eq!(step(directory, ms, Input::Bond(other, bond(other, 1, ion(1)))), []);
    others
}

fn step(directory: &mut Directory, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    directory.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

const WAY: Way = Way { from: IonId::from_bytes([2; 32]), hops: 3, age_ms: 0 };

fn tell(directory: &mut Directory, ms: u64, author: IonId, message: &Message) -> Vec<Effect> {
    let payload = encode(message);
    step(directory, ms, Input::Heard { author, payload, way: WAY })
}

fn age(counter: u64) -> Age {
    Age { incarnation: 1, counter }
}

fn beat(counter: u64, interval_ms: u32) -> Message {
    let profile = Profile { name: "heron".to_owned(), workers: 2 };
    let standing = Standing { links: 5, target: 6, max: 10 };
    Message::Beat { age: age(counter), interval_ms, profile, standing }
}

fn beaten(directory: &mut Directory, ms: u64, salt: u8, counter: u64) -> Vec<Effect> {
    tell(directory, ms, ion(salt), &beat(counter, 10_000))
}

fn gone(directory: &mut Directory, ms: u64, witness: u8, counter: u64) -> Vec<Effect> {
    let notice = notice(ion(9), age(counter), ion(witness));
    tell(directory, ms, ion(witness), &notice)
}

/// What was published, but for beats on the way.
fn published(effects: &[Effect]) -> Vec<Message> {
    let bytes = effects.iter().filter_map(|effect| match effect {
        Effect::Publish(bytes) | Effect::Alert(bytes) => {
            Some(decode(bytes).expect("its own messages are well formed"))
        }
        _ => None,
    });
    bytes.collect()
}

fn beats_in(effects: &[Effect]) -> usize {
    published(effects).iter().filter(|one| matches!(one, Message::Beat { .. })).count()
}

#[test]
fn an_ion_arrives_with_its_first_beat_and_departs_with_its_goodbye() {
    let mut directory = directory();
    assert_eq!(beaten(&mut directory, 1, 9, 1), [Effect::Arrived(ion(9))]);
    assert_eq!(beaten(&mut directory, 2, 9, 2), []);
    let entry = &directory.entries()[&ion(9)];
    assert_eq!((entry.profile.name.as_str(), entry.via, entry.hops), ("heron", ion(2), 3));
    let goodbye = Message::Goodbye { age: age(3) };
    assert_eq!(tell(&mut directory, 3, ion(9), &goodbye), [Effect::Departed(ion(9), Cause::Told)]);
}

#[test]
fn echoes_of_the_past_bring_nobody_back() {
    let mut directory = directory();
    beaten(&mut directory, 1, 9, 5);
    tell(&mut directory, 2, ion(9), &Message::Goodbye { age: age(6) });
    assert_eq!(beaten(&mut directory, 3, 9, 5), []);
    assert_eq!(beaten(&mut directory, 4, 9, 6), []);
    assert_eq!(beaten(&mut directory, 5, 9, 7), [Effect::Arrived(ion(9))]);
    let late = Message::Goodbye { age: age(6) };
    assert_eq!(tell(&mut directory, 6, ion(9), &late), []);
}

#[test]
fn who_breaks_its_promise_four_times_over_departs() {
    let mut directory = directory();
    beaten(&mut directory, 0, 9, 1);
    assert_eq!(step(&mut directory, 40_000, Input::Tick), []);
    assert_eq!(
        step(&mut directory, 40_001, Input::Tick),
        [Effect::Departed(ion(9), Cause::Silent)]
    );
}

#[test]
fn two_witnesses_are_believed_at_once_and_one_after_a_while() {
    let mut twice = directory();
    beaten(&mut twice, 0, 9, 1);
    assert_eq!(gone(&mut twice, 1, 3, 1), []);
    assert_eq!(gone(&mut twice, 2, 3, 1), [], "one who repeats himself is one");
    assert_eq!(gone(&mut twice, 3, 4, 1), [Effect::Departed(ion(9), Cause::Told)]);
    let mut once = directory();
    beaten(&mut once, 0, 9, 1);
    gone(&mut once, 1, 3, 1);
    assert_eq!(step(&mut once, REFUTE_MS, Input::Tick), []);
    assert_eq!(
        step(&mut once, 1 + REFUTE_MS, Input::Tick),
        [Effect::Departed(ion(9), Cause::Told)]
    );
}

#[test]
fn a_higher_counter_refutes() {
    let mut directory = directory();
    beaten(&mut directory, 0, 9, 1);
    gone(&mut directory, 1, 3, 1);
    beaten(&mut directory, 2, 9, 2);
    assert_eq!(gone(&mut directory, 3, 4, 1), []);
    assert_eq!(step(&mut directory, 5_000, Input::Tick), []);
}

#[test]
fn a_beat_from_before_the_end_refutes_nothing() {
    let mut directory = directory();
    beaten(&mut directory, 0, 9, 1);
    // The teller knew one beat more, or thinks that one more may be under way.
    gone(&mut directory, 1, 3, 2);
    beaten(&mut directory, 2, 9, 2);
    assert_eq!(gone(&mut directory, 3, 4, 2), [Effect::Departed(ion(9), Cause::Told)]);
    beaten(&mut directory, 4, 9, 2);
    assert!(directory.entries().is_empty(), "nor does it bring anybody back");
    beaten(&mut directory, 5, 9, 4);
    assert_eq!(directory.entries().len(), 1, "it lives after all");
}

#[test]
fn nobody_is_doubted_far_ahead() {
    let mut directory = directory();
    beaten(&mut directory, 0, 9, 1);
    gone(&mut directory, 1, 3, 1_000);
    beaten(&mut directory, 2, 9, 2);
    assert_eq!(gone(&mut directory, 3, 4, 1), [], "it has beaten since");
    assert_eq!(step(&mut directory, 2 + REFUTE_MS, Input::Tick), []);
}

#[test]
fn whoever_is_said_to_be_gone_and_hears_it_beats_at_once() {
    let mut directory = directory();
    let mut told = |ms, incarnation, witness| {
        let told = notice(ion(1), Age { incarnation, counter: 7 }, ion(witness));
        beats_in(&tell(&mut directory, ms, ion(witness), &told))
    };
    assert_eq!(told(1_000, 100, 3), 1);
    assert_eq!(told(1_001, 100, 4), 0);
    assert_eq!(told(1_000 + REFUTE_MS_MIN, 100, 5), 1);
    assert_eq!(told(9_000, 99, 4), 0, "that run is past");
}

#[test]
fn a_beat_that_was_just_sent_is_not_taken_for_a_refutation() {
    let mut directory = directory();
    linked(&mut directory, 1_000, ion(2));
    let said = published(&step(&mut directory, 1_000, Input::Tick));
    let [Message::Beat { age, .. }] = &said[..] else { panic!("it beats: {said:?}") };
    let mut told = |ms, age, witness| {
        let told = notice(ion(1), age, ion(witness));
        beats_in(&tell(&mut directory, ms, ion(witness), &told))
    };
    assert_eq!(told(1_001, *age, 3), 1);
    assert_eq!(told(1_002, *age, 4), 0, "it is refuted");
    let next = Age { counter: age.counter + 4, ..*age };
    assert_eq!(told(1_003, next, 5), 0, "not so soon");
    let tick = step(&mut directory, 1_001 + REFUTE_MS_MIN, Input::Tick);
    let said = published(&tick);
    let [Message::Beat { age, .. }] = &said[..] else { panic!("it says so again: {said:?}") };
    assert!(*age > next, "{age:?}");
}

#[test]
fn a_lost_neighbour_is_told_and_one_that_was_cut_is_not() {
    for (ending, notices) in [(Ending::Lost, 1), (Ending::Left, 1), (Ending::Cut, 0)] {
        let mut directory = directory();
        assert_eq!(linked(&mut directory, 0, ion(9)), [Effect::Arrived(ion(9))]);
        beaten(&mut directory, 1, 9, 4);
        step(&mut directory, 10, Input::Tick);
        let down = step(&mut directory, 100, Input::NeighbourDown(ion(9), ending));
        assert_eq!(down.contains(&Effect::Departed(ion(9), Cause::Told)), ending == Ending::Left);
        let told = published(&step(&mut directory, 300, Input::Tick));
        // One more beat may be on its way from before the end.
        let is_notice = |one: &&Message| **one == notice(ion(9), age(5), ion(1));
        assert_eq!(told.iter().filter(is_notice).count(), notices, "{ending:?}");
    }
}

/// Who tells the end of an ion that had ten links, `others` of whom told it before.
fn tells_an_end(salt: u8, others: u8) -> (usize, usize) {
    let mut directory = seeded(salt.into());
    linked(&mut directory, 0, ion(9));
    let standing = Standing { links: 10, target: 6, max: 10 };
    let profile = Profile::default();
    let beat = Message::Beat { age: age(4), interval_ms: 1_000, profile, standing };
    tell(&mut directory, 1, ion(9), &beat);
    step(&mut directory, 100, Input::NeighbourDown(ion(9), Ending::Lost));
    let mut told = |ms| {
        let effects = step(&mut directory, ms, Input::Tick);
        published(&effects).iter().filter(|one| matches!(one, Message::Gone { .. })).count()
    };
    let at_once = told(100 + notices::NOTICE_MS);
    for witness in 0..others {
        gone(&mut directory, 400, 20 + witness, 5);
    }
    let effects = step(&mut directory, 100 + 2 * notices::LATE_NOTICE_MS, Input::Tick);
    let late = published(&effects).iter().filter(|one| matches!(one, Message::Gone { .. })).count();
    (at_once, late)
}

#[test]
fn of_many_neighbours_a_few_tell_an_end_and_the_others_only_when_those_do_not() {
    let told = |others| {
        let each = (0..200).map(|salt| tells_an_end(salt, others));
        each.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    };
    let (at_once, late) = told(0);
    assert!((40..80).contains(&at_once), "{at_once} of 200 tell, of ten about three");
    assert_eq!(at_once + late, 200, "when nobody else tells, everybody does");
    assert_eq!(told(1), (at_once, late), "one is not enough");
    assert_eq!(told(2), (at_once, 0));
}

#[test]
fn what_another_part_said_before_a_heal_makes_nobody_gone_who_keeps_its_promise() {
    let foreign = |directory: &mut Directory, ms, witness, named| {
        let payload = encode(&notice(ion(named), age(2), ion(witness)));
        let way = Way { age_ms: u32::try_from(FOREIGN_MS).unwrap(), ..WAY };
        step(directory, ms, Input::Heard { author: ion(witness), payload, way })
    };
    let in_part = || {
        let mut directory = directory();
        step(&mut directory, 0, Input::NeighbourUp(ion(2)));
        tell(&mut directory, 1, ion(9), &beat(1, 10_000));
        step(&mut directory, 2, Input::Tick);
        directory
    };
    let mut living = in_part();
    for witness in 3..8 {
        assert_eq!(foreign(&mut living, 5_000, witness, 9), []);
    }
    tell(&mut living, 10_000, ion(9), &beat(2, 10_000));
    tell(&mut living, 10_001, ion(9), &beat(3, 10_000));
    step(&mut living, 30_000, Input::Tick);
    assert!(living.entries().contains_key(&ion(9)));
    assert_eq!(foreign(&mut living, 31_000, 3, 1), [], "nor does it refute for itself");

    let mut gone = in_part();
    foreign(&mut gone, 5_000, 3, 9);
    let effects = step(&mut gone, 20_000, Input::Tick);
    assert!(effects.contains(&Effect::Departed(ion(9), Cause::Silent)), "{effects:?}");

    let mut newcomer = directory();
    step(&mut newcomer, 4_500, Input::NeighbourUp(ion(2)));
    tell(&mut newcomer, 4_600, ion(9), &beat(1, 10_000));
    foreign(&mut newcomer, 5_000, 3, 9);
    let effects = foreign(&mut newcomer, 5_000, 4, 9);
    assert_eq!(effects, [Effect::Departed(ion(9), Cause::Told)], "it was not there then");
}

#[test]
fn a_neighbour_is_there_whatever_others_say() {
    let mut directory = directory();
    step(&mut directory, 0, Input::NeighbourUp(ion(9)));
    beaten(&mut directory, 1, 9, 1);
    for witness in 3..8 {
        assert_eq!(gone(&mut directory, 2, witness, 1), []);
    }
    let later = step(&mut directory, 600_000, Input::Tick);
    assert!(!later.iter().any(|one| matches!(one, Effect::Departed(..))), "{later:?}");
}

#[test]
fn nobody_tells_the_end_of_an_ion_that_was_no_neighbour() {
    let mut directory = directory();
    beaten(&mut directory, 0, 9, 1);
    for witness in 20..40 {
        // Made up, or that of another neighbour, or of another run.
        for bond in [
            bond(ion(witness), 1, ion(witness)),
            bond(ion(9), 1, ion(3)),
            Bond { incarnation: 1, ..bond(ion(9), 2, ion(witness)) },
        ] {
            let told = Message::Gone { ion: ion(9), counter: 1, bond };
            let effects = tell(&mut directory, 1, ion(witness), &told);
            assert_eq!(effects, [Effect::Offence(ion(witness))]);
        }
    }
    assert_eq!(step(&mut directory, 2 * REFUTE_MS, Input::Tick), []);
    let told = notice(ion(1), Age { incarnation: 100, counter: 9 }, ion(2));
    assert_eq!(
        tell(&mut directory, 1, ion(3), &told),
        [Effect::Offence(ion(3))],
        "nor is it refuted"
    );
}

#[test]
fn who_has_no_bond_tells_no_end_and_a_wrong_one_is_an_offence() {
    let mut directory = directory();
    step(&mut directory, 0, Input::NeighbourUp(ion(9)));
    let wrong = bond(ion(9), 1, ion(2));
    assert_eq!(step(&mut directory, 0, Input::Bond(ion(9), wrong)), [Effect::Offence(ion(9))]);
    step(&mut directory, 1, Input::NeighbourDown(ion(9), Ending::Lost));
    let later = step(&mut directory, 10_000, Input::Tick);
    assert_eq!(later, [Effect::Departed(ion(9), Cause::Told)], "but believes it");
}

#[test]
fn one_author_is_not_believed_without_end() {
    let mut directory = directory();
    let mut departed = 0;
    for salt in 10..110 {
        let standing = Standing { links: 1, target: 6, max: 10 };
        let profile = Profile::default();
        let lonely = Message::Beat { age: age(1), interval_ms: 60_000, profile, standing };
        tell(&mut directory, 0, ion(salt), &lonely);
    }
    for salt in 10..110 {
        let notice = notice(ion(salt), age(1), ion(3));
        departed += tell(&mut directory, 1, ion(3), &notice).len();
    }
    assert_eq!(departed, NOTICES_MAX as usize);
}

#[test]
fn beats_become_rarer_with_the_nebula() {
    for (size, interval_ms) in [(1, 1_000), (20, 1_000), (101, 5_050), (201, 10_050)] {
        let mut directory = directory();
        for salt in 2..=size {
            tell(&mut directory, 0, ion(u8::try_from(salt).unwrap()), &beat(1, 1_000));
        }
        step(&mut directory, 0, Input::Tick);
        assert_eq!(directory.interval_ms(), interval_ms, "{size} ions");
    }
    // Newcomers believe those who have been there, and not each other.
    for (counter, interval_ms) in [(3, 25_000), (2, 1_000)] {
        let mut newcomer = directory();
        for salt in 2..5 {
            tell(&mut newcomer, 0, ion(salt), &beat(counter, 50_000));
        }
        step(&mut newcomer, 0, Input::Tick);
        assert_eq!(newcomer.interval_ms(), interval_ms);
    }
}

#[test]
fn nobody_beats_alone_and_never_twice_a_second() {
    let mut directory = directory();
    assert_eq!(step(&mut directory, 5_000, Input::Tick), []);
    step(&mut directory, 5_000, Input::NeighbourUp(ion(2)));
    let mut beats = Vec::new();
    for ms in (5_000..15_000).step_by(50) {
        let profile = Profile { name: String::new(), workers: u16::try_from(ms / 50).unwrap() };
        step(&mut directory, ms, Input::Profile(profile));
        if beats_in(&step(&mut directory, ms, Input::Tick)) > 0 {
            beats.push(ms);
        }
    }
    assert_eq!(beats[0], 5_000);
    assert!(beats.windows(2).all(|two| two[1] - two[0] >= INTERVAL_MS_MIN), "{beats:?}");
    assert_eq!(beats.len(), 10);
}

#[test]
fn the_one_that_came_last_gives_way() {
    let mut directory = directory();
    let many = (0..=DIRECTORY_MAX).map(|number| {
        let mut key = [7; 32];
        key[..8].copy_from_slice(&(number as u64).to_be_bytes());
        IonId::from_bytes(key)
    });
    let many: Vec<IonId> = many.collect();
    for (ms, other) in many.iter().enumerate() {
        tell(&mut directory, ms as u64, *other, &beat(1, 1_000_000));
    }
    assert_eq!(directory.entries().len(), DIRECTORY_MAX);
    assert!(directory.entries().contains_key(&many[0]));
    assert!(directory.entries().contains_key(&many[DIRECTORY_MAX]));
    assert!(!directory.entries().contains_key(&many[DIRECTORY_MAX - 1]));
}

#[test]
fn what_is_no_message_is_an_offence() {
    let mut directory = directory();
    for payload in [vec![], b"hello".to_vec(), vec![0xa1; wire::MESSAGE_BYTES_MAX + 1]] {
        let heard = Input::Heard { author: ion(9), payload, way: WAY };
        assert_eq!(step(&mut directory, 1, heard), [Effect::Offence(ion(9))]);
    }
}

#[test]
fn what_a_relay_tells_is_strange_only_once_all_were_heard() {
    let mut directory = directory();
    let strange = |directory: &Directory, ms| {
        let sighting = directory.sighting(Time::from_ms(ms), ion(30));
        sighting.map(|sighting| !sighting.is_heard)
    };
    assert_eq!(strange(&directory, 0), Some(true), "alone, anybody may be asked");
    step(&mut directory, 0, Input::NeighbourUp(ion(2)));
    assert_eq!(strange(&directory, 100), None);
    assert_eq!(strange(&directory, 10_000), Some(true));
    beaten(&mut directory, 10_000, 30, 1);
    assert_eq!(strange(&directory, 10_001), Some(false));
}

#[test]
fn leaving_says_goodbye_and_everybody_departs() {
    let mut directory = directory();
    step(&mut directory, 0, Input::NeighbourUp(ion(2)));
    beaten(&mut directory, 1, 9, 1);
    let effects = step(&mut directory, 2, Input::Leave);
    assert!(matches!(published(&effects)[..], [Message::Goodbye { .. }]));
    let before = bond(ion(1), 100, ion(3));
    let told = Message::Gone { ion: ion(1), counter: 9, bond: before };
    assert_eq!(tell(&mut directory, 3, ion(3), &told), [], "that was elsewhere");
    assert_eq!(
        effects[1..],
        [Effect::Departed(ion(2), Cause::Told), Effect::Departed(ion(9), Cause::Told)]
    );
}
