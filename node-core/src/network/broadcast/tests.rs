use super::*;
use crate::identity::SimKeys;

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

fn machine(salt: u8, neighbours: &[u8]) -> Broadcast {
    machine_of(Arc::new(SimKeys::of(ion(salt))), salt, neighbours)
}

fn machine_of(keys: Arc<dyn Keys>, salt: u8, neighbours: &[u8]) -> Broadcast {
    let mut machine = Broadcast::new(keys, Rng::new(salt.into()), 1);
    for salt in neighbours {
        step(&mut machine, 0, Input::NeighbourUp(ion(*salt)));
        step(&mut machine, 0, Input::Heard(ion(*salt), encode(&Message::Graft(Vec::new()))));
    }
    machine
}

fn step(machine: &mut Broadcast, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    machine.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

fn say(machine: &mut Broadcast, ms: u64, payload: &[u8]) -> Vec<Effect> {
    let topic = Topic::Room("hall".to_owned());
    step(machine, ms, Input::Publish { topic, payload: payload.to_vec() })
}

/// The frame by which ion `author` would push a rumour to a neighbour.
fn pushed(author: u8, payload: &[u8]) -> Vec<u8> {
    match &say(&mut machine(author, &[1]), 0, payload)[..] {
        [Effect::Send(_, frame)] => frame.clone(),
        other => panic!("{other:?}"),
    }
}

fn id_of(frame: &[u8]) -> Id {
    match wire::decode(frame) {
        Ok(Message::Push { body, .. }) => Id::of(&body),
        other => panic!("{other:?}"),
    }
}

fn sent(effects: &[Effect]) -> Vec<(IonId, Message)> {
    let message = |effect: &Effect| match effect {
        Effect::Send(to, frame) => Some((*to, wire::decode(frame).unwrap())),
        _ => None,
    };
    effects.iter().filter_map(message).collect()
}

#[test]
fn only_the_first_of_new_neighbours_is_asked_for_everything() {
    let mut machine = machine(1, &[]);
    let first = sent(&step(&mut machine, 0, Input::NeighbourUp(ion(2))));
    assert_eq!(first, [(ion(2), Message::Graft(Vec::new()))]);
    assert_eq!(step(&mut machine, 1, Input::NeighbourUp(ion(3))), []);
    assert_eq!(machine.eager().collect::<Vec<_>>(), [ion(2)]);
    step(&mut machine, 2, Input::NeighbourDown(ion(2)));
    let next = sent(&step(&mut machine, 3, Input::NeighbourUp(ion(4))));
    assert_eq!(next, [(ion(4), Message::Graft(Vec::new()))]);
}

#[test]
fn old_news_that_had_to_be_asked_for_are_told_not_sent() {
    for (age_ms, sends) in [(OLD_MS - 1, true), (OLD_MS, false)] {
        let mut machine = machine(1, &[2]);
        step(&mut machine, 0, Input::NeighbourUp(ion(3)));
        let Ok(Message::Push { body, signature, .. }) = wire::decode(&pushed(9, b"hello")) else {
            panic!("it is a push");
        };
        let id = Id::of(&body);
        step(&mut machine, 1, Input::Heard(ion(3), encode(&Message::Have(vec![(id, 1)]))));
        let asked = sent(&step(&mut machine, 1 + GRAFT_MS + GRAFT_SPREAD_MS, Input::Tick));
        assert_eq!(asked, [(ion(3), Message::Fetch(vec![id]))]);
        let push = Message::Push { hops: 1, age_ms, is_repair: true, body, signature };
        let sent_on = sent(&step(&mut machine, 400, Input::Heard(ion(3), encode(&push))));
        assert_eq!(!sent_on.is_empty(), sends, "{sent_on:?}");
        let told = sent(&step(&mut machine, 400 + HAVE_MS, Input::Tick));
        let is_told =
            told.iter().any(|(to, what)| *to == ion(2) && matches!(what, Message::Have(_)));
        assert_eq!(is_told, !sends, "{told:?}");
        let mended = sent(&step(&mut machine, 400 + PROBATION_MS, Input::Tick));
        let is_mended = mended.contains(&(ion(3), Message::Graft(Vec::new())));
        assert_eq!(is_mended, sends, "only news say that the tree is broken: {mended:?}");
    }
}

#[test]
fn a_rumour_is_delivered_and_passed_on_once() {
    let mut machine = machine(1, &[2, 3]);
    let frame = pushed(9, b"hello");
    let effects = step(&mut machine, 1, Input::Heard(ion(2), frame.clone()));
    let topic = Topic::Room("hall".to_owned());
    let payload = b"hello".to_vec();
    let (author, from) = (ion(9), ion(2));
    let delivered = Effect::Deliver { author, topic, payload, from, hops: 1, age_ms: 0 };
    assert_eq!(effects[0], delivered);
    assert!(matches!(&sent(&effects)[..], [(to, Message::Push { hops: 2, .. })] if *to == ion(3)));
    let again = step(&mut machine, 2, Input::Heard(ion(3), frame));
    assert_eq!(sent(&again), [(ion(3), Message::Prune)]);
    assert_eq!(machine.eager().collect::<Vec<_>>(), [ion(2)]);
}

#[test]
fn who_says_that_it_has_a_rumour_is_neither_sent_nor_told_of_it() {
    let mut machine = machine(1, &[2, 3, 4]);
    let frame = pushed(9, b"hello");
    let have = encode(&Message::Have(vec![(id_of(&frame), 1)]));
    step(&mut machine, 1, Input::Heard(ion(3), have));
    let spread = sent(&step(&mut machine, 2, Input::Heard(ion(2), frame)));
    assert!(matches!(&spread[..], [(to, Message::Push { .. })] if *to == ion(4)), "{spread:?}");
    let told = sent(&step(&mut machine, 2 + ASSURE_MS + HAVE_MS, Input::Tick));
    assert!(matches!(&told[..], [(to, Message::Have(_))] if *to == ion(4)), "{told:?}");
}

#[test]
fn a_mark_that_passes_to_another_neighbour_says_nothing_of_it() {
    let mut machine = machine(1, &[2]);
    say(&mut machine, 0, b"hello");
    step(&mut machine, 1, Input::NeighbourDown(ion(2)));
    step(&mut machine, 2, Input::NeighbourUp(ion(3)));
    let told = sent(&step(&mut machine, HAVE_MS, Input::Tick));
    assert!(told.iter().any(|(to, _)| *to == ion(3)), "{told:?}");
}

#[test]
fn lazy_neighbours_are_told_in_batches() {
    let mut machine = machine(1, &[2, 3]);
    step(&mut machine, 0, Input::Tick);
    step(&mut machine, 1, Input::Heard(ion(3), encode(&Message::Prune)));
    let (one, two) = (say(&mut machine, 2, b"one"), say(&mut machine, 3, b"two"));
    assert_eq!((sent(&one).len(), sent(&two).len()), (1, 1));
    assert_eq!(step(&mut machine, HAVE_MS - 1, Input::Tick), []);
    let told = sent(&step(&mut machine, HAVE_MS, Input::Tick));
    assert!(matches!(&told[..], [(to, Message::Have(ids))] if *to == ion(3) && ids.len() == 2));
}

#[test]
fn an_alert_goes_to_all_and_leaves_the_tree_as_it_is() {
    let mut author = machine(1, &[2, 3]);
    step(&mut author, 1, Input::Heard(ion(3), encode(&Message::Prune)));
    let alert = Input::Alert { topic: Topic::Presence, payload: b"gone".to_vec() };
    let effects = step(&mut author, 2, alert);
    let frames = effects.iter().filter_map(|effect| match effect {
        Effect::Send(to, frame) => Some((*to, frame.clone())),
        _ => None,
    });
    let frames: Vec<_> = frames.collect();
    assert_eq!(frames.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [ion(2), ion(3)]);
    assert_eq!(author.eager().collect::<Vec<_>>(), [ion(2)]);
    let mut lazy = machine(3, &[1, 4]);
    step(&mut lazy, 1, Input::Heard(ion(1), encode(&Message::Prune)));
    step(&mut lazy, 2, Input::Heard(ion(1), frames[1].1.clone()));
    assert_eq!(lazy.eager().collect::<Vec<_>>(), [ion(4)], "it is no branch of the tree");
}

#[test]
fn a_rumour_tells_how_long_it_was_held() {
    let mut machine = machine(1, &[2, 3]);
    let frame = pushed(9, b"hello");
    let id = id_of(&frame);
    step(&mut machine, 1_000, Input::Heard(ion(2), frame));
    let given = step(&mut machine, 3_500, Input::Heard(ion(3), encode(&Message::Fetch(vec![id]))));
    assert!(matches!(&sent(&given)[..], [(_, Message::Push { age_ms: 2_500, .. })]), "{given:?}");
}

#[test]
fn what_does_not_come_is_asked_for_and_given() {
    let mut machine = machine(1, &[2, 3]);
    let frame = pushed(9, b"hello");
    let id = id_of(&frame);
    let have = encode(&Message::Have(vec![(id, 1)]));
    assert_eq!(step(&mut machine, 1, Input::Heard(ion(3), have)), []);
    let asked = step(&mut machine, 1 + GRAFT_MS + GRAFT_SPREAD_MS, Input::Tick);
    assert_eq!(sent(&asked), [(ion(3), Message::Fetch(vec![id]))]);
    let mut other = self::machine(3, &[1, 4]);
    step(&mut other, 1, Input::Heard(ion(4), frame));
    let fetch = encode(&Message::Fetch(vec![id]));
    let given = step(&mut other, 2, Input::Heard(ion(1), fetch));
    assert!(matches!(&sent(&given)[..], [(_, Message::Push { hops: 2, is_repair: true, .. })]));
}

#[test]
fn a_new_neighbour_is_told_what_is_young() {
    let mut machine = machine(1, &[]);
    say(&mut machine, 0, b"old");
    step(&mut machine, ASSURE_MS, Input::Tick);
    say(&mut machine, RECENT_MS, b"young");
    step(&mut machine, RECENT_MS + 1, Input::NeighbourUp(ion(2)));
    let told = sent(&step(&mut machine, RECENT_MS + 1, Input::Tick));
    assert!(matches!(&told[..], [(_, Message::Have(ids))] if ids.len() == 1), "{told:?}");
}

#[test]
fn what_an_eager_neighbour_is_not_known_to_have_is_announced() {
    let mut machine = machine(1, &[2]);
    say(&mut machine, 0, b"maybe lost");
    assert_eq!(sent(&step(&mut machine, ASSURE_MS - 1, Input::Tick)), []);
    let told = sent(&step(&mut machine, ASSURE_MS + HAVE_MS, Input::Tick));
    assert!(matches!(&told[..], [(_, Message::Have(_))]));
}

#[test]
fn a_much_shorter_way_is_taken() {
    let mut machine = machine(1, &[2, 3]);
    let mut frame = wire::decode(&pushed(9, b"hello")).unwrap();
    if let Message::Push { hops, .. } = &mut frame {
        *hops = 12;
    }
    let id = id_of(&encode(&frame));
    step(&mut machine, 1, Input::Heard(ion(2), encode(&frame)));
    step(&mut machine, 2, Input::Heard(ion(3), encode(&Message::Prune)));
    let far = encode(&Message::Have(vec![(id, 11 - SHORTER_HOPS + 1)]));
    assert_eq!(step(&mut machine, 3, Input::Heard(ion(3), far)), []);
    let near = encode(&Message::Have(vec![(id, 11 - SHORTER_HOPS)]));
    let effects = sent(&step(&mut machine, 4, Input::Heard(ion(3), near)));
    assert_eq!(effects, [(ion(2), Message::Prune), (ion(3), Message::Graft(vec![]))]);
    assert_eq!(machine.eager().collect::<Vec<_>>(), [ion(3)]);
}

#[test]
fn what_is_not_signed_by_its_author_goes_no_further() {
    let Ok(Message::Push { hops, age_ms, is_repair, mut body, signature }) =
        wire::decode(&pushed(9, b"hello"))
    else {
        panic!("it is a push");
    };
    let end = body.len() - 1;
    body[end] ^= 1;
    let forged = encode(&Message::Push { hops, age_ms, is_repair, body, signature });
    let effects = step(&mut machine(1, &[2, 3]), 1, Input::Heard(ion(2), forged));
    assert_eq!(effects, [Effect::Offence(ion(2))]);
}

#[test]
fn malformed_oversized_and_unknown_senders() {
    let mut machine = machine(1, &[2]);
    let many = encode(&Message::Graft(vec![Id([0; 16]); wire::IDS_MAX + 1]));
    for bytes in [vec![], vec![0xff], vec![0; wire::FRAME_BYTES_MAX + 1], many] {
        let effects = step(&mut machine, 1, Input::Heard(ion(2), bytes));
        assert_eq!(effects, [Effect::Offence(ion(2))]);
    }
    assert_eq!(step(&mut machine, 1, Input::Heard(ion(3), vec![0xff])), []);
}

/// A longer one could be taken by an ion and refused by the next, which would blame
/// the wrong one.
#[test]
fn the_longest_rumour_that_is_taken_can_be_passed_on() {
    let longest = |body: Vec<u8>| {
        let (hops, age_ms, signature) = (u16::MAX, u32::MAX, [7; 64]);
        encode(&Message::Push { hops, age_ms, is_repair: true, body, signature })
    };
    assert!(longest(vec![0; wire::BODY_BYTES_MAX]).len() <= wire::FRAME_BYTES_MAX);
    let rumour = Rumour {
        author: ion(9),
        topic: Topic::Room("r".repeat(wire::ROOM_NAME_BYTES_MAX)),
        serial: Serial { life: u64::MAX, number: u64::MAX },
        payload: vec![0; PAYLOAD_BYTES_MAX],
    };
    let (body, signature) = wire::signed(&SimKeys::of(ion(9)), &rumour);
    assert!(wire::read(&SimKeys::of(ion(1)), &body, &signature).is_ok(), "{}", body.len());
    let padded = vec![0; wire::BODY_BYTES_MAX + 1];
    let refused = wire::read(&SimKeys::of(ion(1)), &padded, &signature);
    assert_eq!(refused, Err(Refusal::TooLarge));
}

/// A flood of many authors that passes by is not this ion's offence.
#[test]
fn what_is_passed_on_is_never_too_much_for_the_next() {
    let mut machines = [machine(1, &[2, 3, 4, 5]), machine(2, &[1])];
    let mut passed = 0;
    for round in 0..2_000_u64 {
        for from in 3..6 {
            let author = 10 + u8::try_from((round + u64::from(from)) % 200).unwrap();
            let frame = pushed(author, &[&round.to_le_bytes()[..], &[from; 400]].concat());
            for effect in step(&mut machines[0], round, Input::Heard(ion(from), frame)) {
                let Effect::Send(to, frame) = effect else { continue };
                if to == ion(2) {
                    passed += 1;
                    let effects = step(&mut machines[1], round, Input::Heard(ion(1), frame));
                    assert!(!effects.contains(&Effect::Offence(ion(1))), "in round {round}");
                }
            }
        }
    }
    assert!(passed > 1_000, "{passed}");
}

#[test]
fn an_author_that_says_too_much_is_not_passed_on() {
    let mut machine = machine(1, &[2]);
    let delivered = (0..500_u64)
        .map(|number| {
            let frame = pushed(9, &number.to_le_bytes());
            step(&mut machine, 1, Input::Heard(ion(2), frame))
        })
        .filter(|effects| effects.iter().any(|effect| matches!(effect, Effect::Deliver { .. })))
        .count();
    assert_eq!(delivered as u64, AUTHOR_FRAMES.burst);
    assert!(!machine.authors.is_empty());
}

#[test]
fn a_neighbour_that_floods_is_told_off_once_a_second() {
    let mut machine = machine(1, &[2]);
    let prune = encode(&Message::Prune);
    let offences: usize = (0..3 * NEIGHBOUR_FRAMES.burst)
        .map(|_| step(&mut machine, 1, Input::Heard(ion(2), prune.clone())).len())
        .sum();
    assert_eq!(offences, 1);
}

#[test]
fn promises_that_are_not_kept_are_an_offence_in_the_end() {
    let mut machine = machine(1, &[2]);
    let mut offences = 0;
    for second in 0..60_u64 {
        let ids =
            (0..30_u64).map(|number| (Id::of(&[second, number].map(u64::to_le_bytes).concat()), 1));
        let have = encode(&Message::Have(ids.collect()));
        step(&mut machine, second * 2_000, Input::Heard(ion(2), have));
        step(&mut machine, second * 2_000 + 1_300, Input::Tick);
        let effects = step(&mut machine, second * 2_000 + 1_900, Input::Tick);
        offences += effects.iter().filter(|effect| matches!(effect, Effect::Offence(_))).count();
    }
    assert!(offences > 0);
}

#[test]
fn own_words_have_limits() {
    let mut machine = machine(1, &[2]);
    let large = vec![0; PAYLOAD_BYTES_MAX + 1];
    assert_eq!(say(&mut machine, 0, &large), [Effect::Refused(Unpublished::TooLarge)]);
    let topic = Topic::Room("x".repeat(wire::ROOM_NAME_BYTES_MAX + 1));
    let effects = step(&mut machine, 0, Input::Publish { topic, payload: vec![] });
    assert_eq!(effects, [Effect::Refused(Unpublished::TooLarge)]);
    for _ in 0..OWN_FRAMES.burst {
        assert_eq!(sent(&say(&mut machine, 0, b"x")).len(), 1);
    }
    assert_eq!(say(&mut machine, 0, b"x"), [Effect::Refused(Unpublished::TooFast)]);
}

/// An ion that restarted hears what it said before as somebody else's echo.
#[test]
fn ones_own_rumour_is_not_delivered_again() {
    let mut machine = machine(1, &[2, 3]);
    let frame = pushed(1, b"from before");
    assert_eq!(step(&mut machine, 1, Input::Heard(ion(2), frame)), []);
}

/// Two lazy neighbours, one that lost its frame, one that has it: it is fetched,
/// and as no eager neighbour brings it, that link becomes part of the tree.
#[test]
fn a_broken_tree_is_mended_where_it_broke_and_a_slow_one_left_alone() {
    for is_brought in [false, true] {
        let mut machine = machine(1, &[2, 3]);
        step(&mut machine, 0, Input::Heard(ion(3), encode(&Message::Prune)));
        let frame = pushed(9, b"hello");
        let have = encode(&Message::Have(vec![(id_of(&frame), 1)]));
        step(&mut machine, 1, Input::Heard(ion(3), have));
        let asked = 1 + GRAFT_MS + GRAFT_SPREAD_MS;
        assert_eq!(sent(&step(&mut machine, asked, Input::Tick)).len(), 1);
        let Ok(Message::Push { hops, age_ms, body, signature, .. }) = wire::decode(&frame) else {
            panic!("it is a push");
        };
        let repair = Message::Push { hops, age_ms, is_repair: true, body, signature };
        step(&mut machine, asked + 1, Input::Heard(ion(3), encode(&repair)));
        assert_eq!(machine.eager().collect::<Vec<_>>(), [ion(2)]);
        if is_brought {
            let late = step(&mut machine, asked + 2, Input::Heard(ion(2), frame));
            assert_eq!(sent(&late), [], "it was only slow");
        }
        let effects = sent(&step(&mut machine, asked + 1 + PROBATION_MS, Input::Tick));
        let is_grafted = effects.contains(&(ion(3), Message::Graft(vec![])));
        assert_eq!(is_grafted, !is_brought, "{effects:?}");
    }
}

#[test]
fn after_an_eager_neighbour_went_the_tree_is_mended_at_once() {
    let mut machine = machine(1, &[2, 3]);
    step(&mut machine, 0, Input::Heard(ion(3), encode(&Message::Prune)));
    step(&mut machine, 1, Input::NeighbourDown(ion(2)));
    let id = id_of(&pushed(9, b"hello"));
    step(&mut machine, 2, Input::Heard(ion(3), encode(&Message::Have(vec![(id, 9)]))));
    let asked = sent(&step(&mut machine, HURT_MS, Input::Tick));
    assert!(asked.contains(&(ion(3), Message::Graft(vec![id]))), "{asked:?}");
}

/// The signature of one who can't know what members know counts for nothing,
/// even when it is a true one.
#[test]
fn authors_that_are_no_members_are_not_heard() {
    use crate::identity::{Invitation, MemberKeys};
    let nebula = |salt| Invitation::found("lab", false, vec![], &[salt; 48]).expect("it is valid");
    let keys = |salt| -> Arc<dyn Keys> { Arc::new(SimKeys::of(ion(salt))) };
    let member = |salt, of| -> Arc<dyn Keys> {
        Arc::new(MemberKeys::new(keys(salt), &nebula(of).membership()))
    };
    for (author, is_heard) in [(member(9, 1), true), (member(9, 2), false), (keys(9), false)] {
        let said = sent(&say(&mut machine_of(author, 9, &[1]), 0, b"hello"));
        let frame = encode(&said[0].1);
        let mut machine = machine_of(member(1, 1), 1, &[2, 3]);
        let effects = step(&mut machine, 1, Input::Heard(ion(2), frame));
        let delivered = effects.iter().any(|one| matches!(one, Effect::Deliver { .. }));
        assert_eq!(delivered, is_heard);
        assert_eq!(effects.contains(&Effect::Offence(ion(2))), !is_heard);
    }
}

#[test]
fn what_is_replayed_after_its_name_is_forgotten_goes_no_further() {
    let mut author = machine(9, &[1]);
    let frames: Vec<Vec<u8>> = [b"one", b"two"]
        .map(|payload| encode(&sent(&say(&mut author, 0, payload))[0].1))
        .into_iter()
        .collect();
    let mut machine = machine(1, &[2, 3]);
    for frame in &frames {
        step(&mut machine, 1, Input::Heard(ion(2), frame.clone()));
    }
    let later = 1 + SEEN_MS;
    step(&mut machine, later, Input::Tick);
    for frame in &frames {
        assert_eq!(step(&mut machine, later + 1, Input::Heard(ion(3), frame.clone())), []);
    }
    let new = encode(&sent(&say(&mut author, later, b"three"))[0].1);
    let effects = step(&mut machine, later + 2, Input::Heard(ion(3), new));
    assert!(matches!(effects[0], Effect::Deliver { .. }));
}
