use serde_bytes::ByteBuf;

use super::*;
use crate::{
    identity::SimKeys,
    store::kv::{
        replica::HORIZON_MS,
        stamp::AHEAD_MS_MAX,
        table::tests::entry,
        wire::{FRAME_BYTES_MAX, Frame},
    },
};

const NOW: u64 = 1_800_000_000_000;
/// Bytes that are told to all at once.
const TOLD_BYTES_MAX: usize = 64 << 10;

fn ion(number: u8) -> IonId {
    IonId::from_bytes([number; 32])
}

fn step(kv: &mut Kv, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    kv.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

/// An open one whose clock is right, and what it had to do for that.
fn open(number: u8) -> Kv {
    let mut kv = Kv::new(Arc::new(SimKeys::of(ion(number))), TOLD_BYTES_MAX);
    step(&mut kv, 0, Input::Clock(NOW));
    step(&mut kv, 0, Input::Opened(None));
    kv
}

fn change(name: &str, value: Option<&str>) -> Change {
    let key = Key { space: Space::Members("test".to_owned()), name: name.to_owned() };
    Change { key, value: value.map(|value| ByteBuf::from(value.as_bytes())), lasts_ms: None }
}

fn put(kv: &mut Kv, ticket: u64, name: &str, value: Option<&str>) -> Vec<Effect> {
    step(kv, 1, Input::Put { ticket, changes: vec![change(name, value)] })
}

fn value(kv: &Kv, name: &str) -> Option<String> {
    let entry = kv.get(&change(name, None).key)?;
    let value = entry.body().value.as_ref()?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// The first write of some effects.
fn write(effects: &[Effect]) -> (u64, Vec<Record>) {
    let write = effects.iter().find_map(|effect| match effect {
        Effect::Write(number, records) => Some((*number, records.clone())),
        _ => None,
    });
    write.expect("something is written")
}

/// Writes a value, and has the disk take it.
fn keep(kv: &mut Kv, name: &str, value: Option<&str>) -> Vec<Effect> {
    let (number, _) = write(&put(kv, 7, name, value));
    step(kv, 2, Input::Written(number, Ok(())))
}

fn told(effects: &[Effect]) -> Vec<u8> {
    let told = effects.iter().find_map(|effect| match effect {
        Effect::Tell(bytes) => Some(bytes.clone()),
        _ => None,
    });
    told.expect("all are told")
}

#[test]
fn a_write_stands_and_is_told_once_it_is_on_disk() {
    let mut kv = open(1);
    let (number, records) = write(&put(&mut kv, 5, "a", Some("x")));
    assert_eq!((records.len(), value(&kv, "a")), (1, None));
    let effects = step(&mut kv, 2, Input::Written(number, Ok(())));
    assert_eq!(value(&kv, "a").as_deref(), Some("x"));
    assert!(matches!(effects[..], [Effect::Tell(_), Effect::Done(5, Ok(_)), ..]), "{effects:?}");
    let mut other = open(2);
    step(&mut other, 3, Input::Told(ion(1), told(&effects)));
    assert_eq!(value(&other, "a").as_deref(), Some("x"));
}

#[test]
fn what_the_disk_does_not_take_does_not_stand() {
    let mut kv = open(1);
    keep(&mut kv, "a", Some("old"));
    step(&mut kv, 2, Input::Written(2, Ok(())));
    let (number, _) = write(&put(&mut kv, 5, "a", Some("new")));
    let full = storage::Error::QuotaExceeded;
    let effects = step(&mut kv, 3, Input::Written(number, Err(full.clone())));
    assert_eq!(effects, [Effect::Done(5, Err(Error::Disk(full)))]);
    assert_eq!(value(&kv, "a").as_deref(), Some("old"));
}

#[test]
fn what_comes_while_the_disk_is_busy_goes_together_under_one_signature() {
    let mut kv = open(1);
    let (first, _) = write(&put(&mut kv, 0, "0", Some("x")));
    for ticket in 1..100 {
        assert_eq!(put(&mut kv, ticket, &ticket.to_string(), Some("x")), []);
    }
    let effects = step(&mut kv, 2, Input::Written(first, Ok(())));
    let (second, records) = write(&effects);
    assert_eq!(records.len(), 99);
    let effects = step(&mut kv, 3, Input::Written(second, Ok(())));
    let done = effects.iter().filter(|effect| matches!(effect, Effect::Done(_, Ok(_))));
    assert_eq!(done.count(), 99);
    assert_eq!(effects.iter().filter(|effect| matches!(effect, Effect::Tell(_))).count(), 1);
}

#[test]
fn changes_of_one_ticket_are_made_all_or_none() {
    let mut kv = open(1);
    let changes = vec![change("a", Some("x")), change("", Some("x"))];
    let effects = step(&mut kv, 1, Input::Put { ticket: 5, changes });
    assert!(matches!(effects[..], [Effect::Done(5, Err(Error::Refused(Refusal::Name { .. })))]));
    let effects = step(&mut kv, 1, Input::Put { ticket: 6, changes: vec![] });
    assert_eq!(effects, [Effect::Done(6, Err(Error::Refused(Refusal::Group)))]);
}

#[test]
fn what_cannot_be_told_to_all_is_given_to_neighbours_at_once() {
    let (mut kv, mut other) = (open(1), open(2));
    step(&mut kv, 3, Input::Links(vec![ion(2), ion(3)]));
    assert!(!step(&mut kv, 3, Input::Tick).is_empty(), "a new neighbour is asked");
    keep(&mut kv, "a", Some("x"));
    assert_eq!(step(&mut kv, 4, Input::Tick), [], "it was told");
    let said = step(&mut kv, 4, Input::Untold);
    let to: Vec<IonId> = said.iter().filter_map(whom).collect();
    assert_eq!(to, [ion(2), ion(3)]);
    let frame = said.into_iter().find_map(|effect| say(1, effect)).expect("it is given");
    step(&mut other, 4, Input::Heard(ion(1), frame.1));
    assert_eq!(value(&other, "a").as_deref(), Some("x"));
    assert_eq!(step(&mut kv, 5, Input::Untold), [], "it is given once");
    assert!(matches!(step(&mut kv, 2_000, Input::Tick)[..], [Effect::Say(..), Effect::Say(..)]));
}

#[test]
fn what_is_too_long_to_be_told_is_given_to_neighbours() {
    let mut kv = open(1);
    step(&mut kv, 3, Input::Links(vec![ion(2)]));
    let long = "x".repeat(TOLD_BYTES_MAX);
    let effects = keep(&mut kv, "a", Some(&long));
    assert_eq!(effects.iter().filter_map(whom).collect::<Vec<_>>(), [ion(2)]);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Tell(_))));
}

fn whom(effect: &Effect) -> Option<IonId> {
    match effect {
        Effect::Say(to, _) => Some(*to),
        _ => None,
    }
}

#[test]
fn neighbours_find_what_they_do_not_share_and_know_when_they_are_level() {
    let (mut one, mut other) = (open(1), open(2));
    for name in ["a", "b", "c"] {
        keep(&mut one, name, Some("x"));
    }
    keep(&mut other, "d", Some("y"));
    assert_eq!(one.unspread(), 3);
    step(&mut one, 3, Input::Links(vec![ion(2)]));
    step(&mut other, 3, Input::Links(vec![ion(1)]));
    let mut ms = 3;
    let mut said: Vec<(u8, Vec<u8>)> = Vec::new();
    for _ in 0..50 {
        ms += 500;
        for (number, kv) in [(1, &mut one), (2, &mut other)] {
            let tick = step(kv, ms, Input::Tick);
            said.extend(tick.into_iter().filter_map(|effect| say(number, effect)));
        }
        while let Some((from, bytes)) = said.pop() {
            let (to, kv) = if from == 1 { (2, &mut other) } else { (1, &mut one) };
            let effects = step(kv, ms, Input::Heard(ion(from), bytes));
            said.extend(effects.into_iter().filter_map(|effect| say(to, effect)));
        }
    }
    assert_eq!(value(&one, "d").as_deref(), Some("y"));
    assert_eq!(value(&other, "c").as_deref(), Some("x"));
    assert!(one.is_settled() && one.unspread() == 0 && one.holders(1) == 1);
}

fn say(from: u8, effect: Effect) -> Option<(u8, Vec<u8>)> {
    match effect {
        Effect::Say(_, bytes) => Some((from, bytes)),
        Effect::Offence(ion) => panic!("{ion} broke no rule"),
        _ => None,
    }
}

#[test]
fn forged_and_malformed_frames_cost_the_neighbour() {
    let mut kv = open(1);
    step(&mut kv, 1, Input::Links(vec![ion(2)]));
    let good = entry("a", Some("good"), NOW, 2);
    let mut bad = entry("b", Some("forged"), NOW, 3).encode();
    let place = bytes_at(&bad, b"forged");
    bad[place] ^= 1;
    let both =
        crate::codec::encode(&Frame::Give(vec![ByteBuf::from(good.encode()), ByteBuf::from(bad)]));
    for bytes in [both, b"nonsense".to_vec(), vec![0; FRAME_BYTES_MAX + 1]] {
        let effects = step(&mut kv, 2, Input::Heard(ion(2), bytes));
        assert!(effects.contains(&Effect::Offence(ion(2))));
    }
    assert_eq!((value(&kv, "a").as_deref(), value(&kv, "b")), (Some("good"), None));
}

fn bytes_at(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).expect("it is in there")
}

#[test]
fn it_comes_back_from_its_disk_and_deletes_nothing_before_it_hears_others() {
    let mut kv = open(1);
    let (number, mut records) = write(&put(&mut kv, 7, "own", Some("x")));
    step(&mut kv, 2, Input::Written(number, Ok(())));
    let theirs = entry("theirs", Some("y"), NOW, 2);
    records.push((theirs.path().into(), Some(record(&theirs, true))));
    records.push((Box::from(*b"z"), Some(b"decayed".to_vec())));
    let restart = |awake_ms| {
        let mut kv = Kv::new(Arc::new(SimKeys::of(ion(1))), 64 << 10);
        step(&mut kv, 0, Input::Clock(NOW + 60_000));
        let records = records.iter().filter_map(|(_, record)| record.clone()).collect();
        assert_eq!(step(&mut kv, 0, Input::Records(records)), [Effect::Decayed(1)]);
        let effects = step(&mut kv, 0, Input::Opened(Some(awake_ms)));
        (kv, effects)
    };
    let (soon, _) = restart(NOW);
    assert!(value(&soon, "own").is_some() && value(&soon, "theirs").is_some());
    let (late, effects) = restart(NOW - HORIZON_MS);
    assert!(value(&late, "own").is_some() && value(&late, "theirs").is_some());
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Write(..))));
}

/// One that was in touch so long ago, and knows these.
fn since(number: u8, ago_ms: Option<u64>, known: &[&Entry]) -> Kv {
    let mut kv = Kv::new(Arc::new(SimKeys::of(ion(number))), TOLD_BYTES_MAX);
    step(&mut kv, 0, Input::Clock(NOW));
    let records = known.iter().map(|entry| record(entry, true)).collect();
    step(&mut kv, 0, Input::Records(records));
    step(&mut kv, 0, Input::Opened(ago_ms.map(|ago_ms| NOW - ago_ms)));
    kv
}

/// Lets two talk for a while; what each does.
fn talk(one: &mut Kv, other: &mut Kv) -> (Vec<Effect>, Vec<Effect>) {
    step(one, 3, Input::Links(vec![other.keys.own()]));
    step(other, 3, Input::Links(vec![one.keys.own()]));
    let (mut ms, mut seen) = (3, (Vec::new(), Vec::new()));
    for _ in 0..40 {
        ms += 500;
        let mut said: Vec<(bool, Effect)> = Vec::new();
        said.extend(step(one, ms, Input::Tick).into_iter().map(|effect| (true, effect)));
        said.extend(step(other, ms, Input::Tick).into_iter().map(|effect| (false, effect)));
        while !said.is_empty() {
            let (is_ones, effect) = said.remove(0);
            let (from, to) =
                if is_ones { (&mut *one, &mut *other) } else { (&mut *other, &mut *one) };
            let (by, seen) = (from.keys.own(), if is_ones { &mut seen.0 } else { &mut seen.1 });
            let effects = match &effect {
                Effect::Say(_, bytes) => {
                    let heard = step(to, ms, Input::Heard(by, bytes.clone()));
                    heard.into_iter().map(|effect| (!is_ones, effect)).collect()
                }
                Effect::Write(number, _) => {
                    let written = step(from, ms, Input::Written(*number, Ok(())));
                    written.into_iter().map(|effect| (is_ones, effect)).collect()
                }
                Effect::Offence(ion) => panic!("{ion} broke no rule"),
                _ => Vec::new(),
            };
            said.extend(effects);
            seen.push(effect);
        }
    }
    seen
}

#[test]
fn what_was_deleted_while_it_was_cut_off_for_long_does_not_come_back() {
    let (kept, deleted) = (entry("kept", Some("x"), 5, 3), entry("deleted", Some("x"), 5, 3));
    // It is awake all the time, and hears nobody.
    let mut late = since(1, Some(1_000), &[&kept, &deleted]);
    step(&mut late, 1, Input::Clock(NOW + HORIZON_MS));
    step(&mut late, COLLECT_MS + 1, Input::Tick);
    keep(&mut late, "own", Some("z"));
    let mut fresh = since(2, Some(0), &[&kept]);
    step(&mut fresh, 1, Input::Clock(NOW + HORIZON_MS));
    fresh.touch_ms = Some(NOW + HORIZON_MS - 10);
    let (lates, _) = talk(&mut late, &mut fresh);
    for kv in [&late, &fresh] {
        assert_eq!(value(kv, "deleted"), None);
        assert!(value(kv, "kept").is_some() && value(kv, "own").is_some());
    }
    let is_deletion = |effect: &Effect| matches!(effect, Effect::Write(_, records) if records.contains(&(deleted.path().into(), None)));
    assert!(lates.iter().any(is_deletion) && !late.is_stale());
    assert!(lates.contains(&Effect::Awake(NOW + HORIZON_MS)));
}

#[test]
fn a_nebula_whose_ions_were_all_away_for_long_puts_together_what_they_have() {
    let long = Some(HORIZON_MS + 10);
    let (one, other) = (entry("one", Some("x"), 5, 3), entry("other", Some("x"), 5, 3));
    for ago_ms in [long, None] {
        let mut kv = since(1, long, &[&one]);
        let mut neighbour = since(2, ago_ms, &[&other]);
        talk(&mut kv, &mut neighbour);
        for kv in [kv, neighbour] {
            assert!(value(&kv, "one").is_some() && value(&kv, "other").is_some());
            assert!(!kv.is_stale() && kv.touch_ms.is_some());
        }
    }
}

#[test]
fn who_is_in_touch_but_knows_nothing_of_before_takes_nothing_away() {
    let (old, new) = (entry("old", Some("x"), 5, 3), entry("new", Some("x"), 5, 4));
    let mut late = since(1, Some(HORIZON_MS + 10), &[&old]);
    let mut newcomer = since(2, Some(0), &[&new]);
    talk(&mut late, &mut newcomer);
    assert!(value(&late, "old").is_some() && value(&newcomer, "old").is_some());
    assert!(value(&late, "new").is_some());
}

#[test]
fn what_was_put_aside_comes_back_when_the_neighbour_goes() {
    let old = entry("old", Some("x"), 5, 3);
    let mut late = since(1, Some(HORIZON_MS + 10), &[&old]);
    step(&mut late, 1, Input::Links(vec![ion(2)]));
    let mut table = Table::default();
    table.put(entry("new", Some("x"), 5, 4));
    let question = Frame::compare(&crate::store::kv::reconcile::Message::first(&table), NOW, NOW);
    step(&mut late, 1, Input::Heard(ion(2), question));
    assert!(value(&late, "old").is_none() && late.old.is_some());
    step(&mut late, 1, Input::Links(vec![]));
    assert!(value(&late, "old").is_some() && late.old.is_none());
}

#[test]
fn what_an_ion_wrote_while_its_clock_was_ahead_is_written_again() {
    let (mut kv, mut other) = (open(1), open(2));
    step(&mut kv, 1, Input::Clock(NOW + 2 * AHEAD_MS_MAX));
    let ahead = told(&keep(&mut kv, "a", Some("x")));
    step(&mut other, 2, Input::Told(ion(1), ahead));
    assert_eq!(value(&other, "a"), None);
    let (number, _) = write(&step(&mut kv, 3, Input::Clock(NOW + 10)));
    let again = told(&step(&mut kv, 4, Input::Written(number, Ok(()))));
    let (number, _) = write(&step(&mut other, 5, Input::Told(ion(1), again)));
    step(&mut other, 5, Input::Written(number, Ok(())));
    assert_eq!(value(&other, "a").as_deref(), Some("x"));
    assert_eq!(value(&kv, "a").as_deref(), Some("x"));
    keep(&mut other, "a", Some("later"));
    step(&mut other, 6, Input::Clock(NOW + 2 * AHEAD_MS_MAX));
    step(&mut other, 6, Input::Tick);
    assert_eq!(value(&other, "a").as_deref(), Some("later"), "nothing waits for its time any more");
}

#[test]
fn where_most_clocks_agree_they_are_right() {
    let mut kv = open(1);
    step(&mut kv, 1, Input::Links(vec![ion(2), ion(3)]));
    for number in [2, 3] {
        let question = Frame::compare(
            &crate::store::kv::reconcile::Message::first(&Table::default()),
            NOW + 3_600_000,
            0,
        );
        step(&mut kv, 1, Input::Heard(ion(number), question));
    }
    step(&mut kv, 2, Input::Clock(NOW));
    keep(&mut kv, "a", Some("x"));
    let stamp = kv.get(&change("a", None).key).expect("it stands").body().stamp;
    assert_eq!(stamp.ms, NOW + 3_600_000);
}

#[test]
fn who_watches_is_told_and_conflicts_are_kept() {
    let mut kv = open(1);
    let (path, _) = Space::Members("test".to_owned()).span("a");
    step(&mut kv, 1, Input::Watch(3, path));
    let seen = |effects: Vec<Effect>| {
        let changed = effects.into_iter().filter_map(|effect| match effect {
            Effect::Changed(3, entries) => Some(entries.len()),
            _ => None,
        });
        changed.sum::<usize>()
    };
    assert_eq!(seen(keep(&mut kv, "ab", Some("x"))), 1);
    let mut other = open(2);
    let theirs = told(&keep(&mut other, "ab", Some("theirs")));
    let theirs = step(&mut kv, 3, Input::Told(ion(2), theirs));
    assert_eq!((seen(theirs), kv.conflicts().count()), (1, 1));
    assert_eq!(seen(step(&mut kv, 3, Input::Unwatch(3))), 0);
    assert_eq!(kv.spaces(10), [Space::Members("test".to_owned())]);
}

#[test]
fn whoever_tells_all_what_is_no_entry_is_held_to_it() {
    let mut kv = open(1);
    let good = told(&keep(&mut open(2), "a", Some("x")));
    let mut bad = good.clone();
    *bad.last_mut().expect("it has bytes") ^= 1;
    assert_eq!(step(&mut kv, 3, Input::Told(ion(2), bad)), [Effect::Offence(ion(2))]);
    assert_eq!(value(&kv, "a"), None);
    let effects = step(&mut kv, 4, Input::Told(ion(2), good));
    assert!(!effects.contains(&Effect::Offence(ion(2))));
    assert_eq!(value(&kv, "a").as_deref(), Some("x"));
}
