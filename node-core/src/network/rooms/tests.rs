use super::*;

fn ion(number: u64) -> IonId {
    IonId::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

fn step(rooms: &mut Rooms, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    rooms.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

fn heard(rooms: &mut Rooms, ms: u64, author: u64, said: &Said) -> Vec<Effect> {
    let (author, room) = (ion(author), "hall".to_owned());
    step(rooms, ms, Input::Heard { author, room, payload: encode(said) })
}

fn in_hall() -> Rooms {
    let mut rooms = Rooms::new(Rng::new(1));
    let here = Effect::Publish(Topic::Room("hall".to_owned()), encode(&Said::Here));
    assert_eq!(step(&mut rooms, 0, Input::Subscribe("hall".to_owned())), [here]);
    rooms
}

#[test]
fn only_rooms_that_were_entered_are_heard() {
    let mut rooms = Rooms::new(Rng::new(1));
    let words = Said::Words(b"hello".to_vec());
    assert_eq!(heard(&mut rooms, 0, 1, &words), []);
    let mut rooms = in_hall();
    let room = "hall".to_owned();
    let told = [
        Effect::Present { room: room.clone(), ion: ion(1), is_here: true },
        Effect::Deliver { room: room.clone(), author: ion(1), bytes: b"hello".to_vec() },
    ];
    assert_eq!(heard(&mut rooms, 1, 1, &words), told);
    let bye = Effect::Publish(Topic::Room(room.clone()), encode(&Said::Bye));
    assert_eq!(step(&mut rooms, 2, Input::Unsubscribe(room)), [bye]);
    assert_eq!(heard(&mut rooms, 3, 1, &words), []);
}

#[test]
fn members_come_and_go_with_and_without_a_word() {
    let mut rooms = in_hall();
    heard(&mut rooms, 0, 1, &Said::Here);
    heard(&mut rooms, 0, 2, &Said::Here);
    assert_eq!(rooms.members("hall").count(), 2);
    let left =
        |number| Effect::Present { room: "hall".to_owned(), ion: ion(number), is_here: false };
    assert_eq!(heard(&mut rooms, 1, 1, &Said::Bye), [left(1)]);
    let gone_ms = MISSED_MAX * BEAT_MS_MIN;
    assert!(!step(&mut rooms, gone_ms - 1, Input::Tick).contains(&left(2)));
    assert!(step(&mut rooms, gone_ms, Input::Tick).contains(&left(2)));
}

#[test]
fn members_stay_behind_when_this_ion_moves() {
    let mut rooms = in_hall();
    heard(&mut rooms, 0, 1, &Said::Here);
    let room = "hall".to_owned();
    let here = Effect::Publish(Topic::Room(room.clone()), encode(&Said::Here));
    let left = Effect::Present { room, ion: ion(1), is_here: false };
    assert_eq!(step(&mut rooms, 1, Input::Moved), [left, here]);
    assert_eq!(rooms.members("hall").count(), 0);
}

#[test]
fn who_enters_a_large_room_says_once_that_it_is_there() {
    let here = |rooms: &mut Rooms| {
        let ticks = (100..10_000).step_by(100).map(|ms| step(rooms, ms, Input::Tick).len());
        ticks.sum::<usize>()
    };
    assert!(here(&mut in_hall()) >= 4);
    let mut crowded = in_hall();
    for author in 10..210 {
        heard(&mut crowded, 50, author, &Said::Here);
    }
    assert_eq!(here(&mut crowded), 0);
}

#[test]
fn what_is_too_long_too_many_or_has_no_name_is_refused() {
    let mut rooms = in_hall();
    let refused = |effects: Vec<Effect>| match &effects[..] {
        [Effect::Refused(_, why)] => Some(*why),
        _ => None,
    };
    for name in ["", "a\nb", &"x".repeat(ROOM_NAME_BYTES_MAX + 1)] {
        let effects = step(&mut rooms, 0, Input::Subscribe(name.to_owned()));
        assert_eq!(refused(effects), Some(Error::Name));
    }
    let publish = |length| Input::Publish { room: "hall".to_owned(), bytes: vec![0; length] };
    assert_eq!(refused(step(&mut rooms, 0, publish(WORDS_BYTES_MAX + 1))), Some(Error::TooLong));
    let longest = step(&mut rooms, 0, publish(WORDS_BYTES_MAX));
    assert!(
        matches!(&longest[..], [Effect::Publish(_, payload)] if payload.len() <= PAYLOAD_BYTES_MAX)
    );
    for number in 1..SUBSCRIPTIONS_MAX {
        assert_eq!(step(&mut rooms, 0, Input::Subscribe(number.to_string())).len(), 1);
    }
    let effects = step(&mut rooms, 0, Input::Subscribe("one more".to_owned()));
    assert_eq!(refused(effects), Some(Error::TooMany));
}

#[test]
fn garbage_is_an_offence_and_members_have_a_limit() {
    let mut rooms = in_hall();
    let garbage = Input::Heard { author: ion(1), room: "hall".to_owned(), payload: vec![0xff] };
    assert_eq!(step(&mut rooms, 0, garbage), [Effect::Offence(ion(1))]);
    for number in 0..MEMBERS_MAX as u64 + 10 {
        heard(&mut rooms, 0, number, &Said::Here);
    }
    assert_eq!(rooms.members("hall").count(), MEMBERS_MAX);
}

/// Beats of all members of a room in a second, after they have met.
fn beats_per_s(members: u64) -> f64 {
    let mut all: Vec<_> = (0..members).map(|seed| Rooms::new(Rng::new(seed))).collect();
    let (mut beats, from_s, until_s) = (0, 400, 800);
    for second in 0..until_s {
        let mut said = Vec::new();
        for (author, rooms) in (0..).zip(&mut all) {
            let input = if second == 0 { Input::Subscribe("hall".to_owned()) } else { Input::Tick };
            let effects = step(rooms, second * 1_000, input);
            let is_beat = |effect: &&Effect| matches!(effect, Effect::Publish(..));
            said.extend(effects.iter().filter(is_beat).map(|_| author));
        }
        beats += if second < from_s { 0 } else { said.len() };
        for author in said {
            for (listener, rooms) in (0..).zip(&mut all) {
                if listener != author {
                    heard(rooms, second * 1_000, author, &Said::Here);
                }
            }
        }
    }
    assert!(all.iter().all(|rooms| rooms.members("hall").count() as u64 == members - 1));
    beats as f64 / (until_s - from_s) as f64
}

#[test]
fn presence_costs_the_same_in_a_large_room() {
    let (small, large) = (beats_per_s(20), beats_per_s(300));
    println!("{small:.1} beats a second of 20 members, {large:.1} of 300");
    let most = BEATS_PER_S as f64 * 1.1;
    assert!(small <= most && large <= most, "{small} {large}");
    assert!(small >= BEATS_PER_S as f64 * 0.7, "{small}");
}
