//! What is kept and said of the shared memory.

use std::sync::Arc;

use node_core::{
    identity::{IonId, SimKeys},
    platform::{Time, sim::Rng},
    store::kv::{
        Change, Entry, Key, Kv, Space,
        entry::Body,
        machine::{Effect, Input},
        reconcile::Message,
        stamp::Stamp,
        table::Table,
    },
};

use super::{digest, fuzz, mutant};

const NOW: u64 = 1_800_000_000_000;

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

fn bodies() -> Vec<Body> {
    let spaces = [
        Space::Members("shared".to_owned()),
        Space::Own(ion(1), "notes".to_owned()),
        Space::Named(vec![ion(1), ion(2)], "both".to_owned()),
    ];
    let body = |space| Body {
        key: Key { space, name: "colour".to_owned() },
        value: Some(b"blue".to_vec().into()),
        stamp: Stamp { ms: NOW, count: 1 },
        ends_ms: Some(NOW + 5),
        author: ion(1),
        over: None,
    };
    spaces.into_iter().map(body).collect()
}

fn entries() -> Vec<Entry> {
    Entry::sign_all(&SimKeys::of(ion(1)), bodies()).expect("all are within bounds")
}

/// What two machines say to each other until they are level.
fn frames() -> Vec<Vec<u8>> {
    let open = |number: u8| {
        let mut kv = Kv::new(Arc::new(SimKeys::of(ion(number))), 64 << 10);
        for input in [Input::Clock(NOW), Input::Opened(None)] {
            kv.handle(Time::ZERO, input, &mut Vec::new());
        }
        kv
    };
    let mut kvs = [open(1), open(2)];
    kvs[0].handle(
        Time::ZERO,
        Input::Told(ion(1), Entry::encode_group(&entries())),
        &mut Vec::new(),
    );
    let (mut frames, mut waiting) = (Vec::new(), Vec::new());
    for round in 0..4_u64 {
        let now = Time::from_ms(round * 20_000);
        for at in [0, 1] {
            let other = ion(if at == 0 { 2 } else { 1 });
            let mut effects = Vec::new();
            for input in [Input::Links(vec![other]), Input::Tick] {
                kvs[at].handle(now, input, &mut effects);
            }
            waiting.extend(effects.into_iter().map(|effect| (at, effect)));
        }
        while let Some((at, effect)) = waiting.pop() {
            let Effect::Say(_, bytes) = effect else { continue };
            frames.push(bytes.clone());
            let mut effects = Vec::new();
            let heard = Input::Heard(ion(if at == 0 { 1 } else { 2 }), bytes);
            kvs[1 - at].handle(now, heard, &mut effects);
            waiting.extend(effects.into_iter().map(|effect| (1 - at, effect)));
        }
    }
    assert_eq!(kvs[1].table().len(), 3);
    frames
}

#[test]
fn changed_entries() {
    let keys = SimKeys::of(ion(2));
    let kept: Vec<_> = entries().iter().map(Entry::encode).collect();
    fuzz("entries on disk", &kept, |bytes| match Entry::restore(bytes) {
        Ok(entry) => {
            assert_eq!(Entry::restore(&entry.encode()), Ok(entry));
            true
        }
        Err(_) => false,
    });
    // The signature stops all that says something else.
    let mut rng = Rng::new(3);
    let group = Entry::encode_group(&entries());
    assert_eq!(Entry::decode_group(&keys, &group), Ok(entries()));
    for _ in 0..2_000 {
        if let Ok(read) = Entry::decode_group(&keys, &mutant(&group, &mut rng)) {
            assert_eq!(read, entries());
        }
        if let Ok(read) = Entry::decode(&keys, &mutant(&kept[0], &mut rng)) {
            assert_eq!(read.body(), entries()[0].body());
        }
    }
}

#[test]
fn a_machine_bears_changed_frames() {
    let mut rng = Rng::new(4);
    let mut kv = Kv::new(Arc::new(SimKeys::of(ion(3))), 64 << 10);
    let mut effects = Vec::new();
    for input in [Input::Clock(NOW), Input::Opened(None), Input::Links(vec![ion(1)])] {
        kv.handle(Time::ZERO, input, &mut effects);
    }
    let (samples, mut offences) = (frames(), 0);
    for number in 0..4_000 {
        let now = Time::from_ms(number * 20);
        for frame in &samples {
            let heard = Input::Heard(ion(1), mutant(frame, &mut rng));
            kv.handle(now, heard, &mut effects);
        }
        let told = Input::Told(ion(1), mutant(&Entry::encode_group(&entries()), &mut rng));
        kv.handle(now, told, &mut effects);
        let record = [vec![1], mutant(&entries()[0].encode(), &mut rng)].concat();
        kv.handle(now, Input::Records(vec![record]), &mut effects);
        kv.handle(now, Input::Tick, &mut effects);
        offences += has_offence(&effects);
        keep(&mut kv, now, &mut effects);
    }
    assert!(offences > 0);
    let name = "after all that".to_owned();
    let key = Key { space: Space::Members("shared".to_owned()), name };
    let change = Change { key, value: Some(b"x".to_vec().into()), lasts_ms: None };
    let now = Time::from_ms(90_000);
    kv.handle(now, Input::Put { ticket: 1, changes: vec![change] }, &mut effects);
    let done = keep(&mut kv, now, &mut effects);
    assert!(matches!(done[..], [Effect::Done(1, Ok(_))]), "{done:?}");
}

fn has_offence(effects: &[Effect]) -> usize {
    usize::from(effects.contains(&Effect::Offence(ion(1))))
}

/// Has the disk take all that is to be written; gives what is done then.
fn keep(kv: &mut Kv, now: Time, effects: &mut Vec<Effect>) -> Vec<Effect> {
    let mut done = Vec::new();
    while !effects.is_empty() {
        for effect in std::mem::take(effects) {
            match effect {
                Effect::Write(number, _) => kv.handle(now, Input::Written(number, Ok(())), effects),
                Effect::Done(..) => done.push(effect),
                _ => {}
            }
        }
    }
    done
}

#[test]
fn golden_entries() {
    let kept: Vec<_> = entries().iter().map(Entry::encode).collect();
    let mut table = Table::default();
    for entry in entries() {
        table.put(entry);
    }
    let said = vec![Entry::encode_group(&entries()), Message::first(&table).encode()];
    assert_eq!(digest(&kept), "3d021386adad1cf6");
    assert_eq!(digest(&said), "e8a8300061377c8a");
}
