//! What presence and broadcast cost an ion, in the simulator: the very machines
//! that tabs run, on virtual time.

use node_core::{
    identity::{Ed25519Keys, Keys},
    sim::{
        flood::{
            Options,
            speech::{Outcome, speak},
        },
        nebula::scenario::presence_bytes_per_s,
    },
    store::kv::{Entry, Key, Space, Stamp, entry::Body, reconcile::Message, table::Table},
};

use super::Found;

/// Seeds of one measurement.
const SEEDS: u64 = 3;
/// Entries of a shared memory, and how many of them the other one lacks.
const ENTRIES: u32 = 100_000;
const DIFFERENCES: u32 = 10;

/// `broadcast-hops-100` and `-1000`, `-redundancy-`, `-missed-`, `-bytes-per-ion-`
/// (what an ion sends for a word of 200 bytes): one speaker among so many ions, no
/// faults. `broadcast-redundancy-churn-1000`: the same while one frame in a hundred is
/// lost and 30 % leave and join in a minute.
pub(super) fn broadcast() -> Found {
    let mut found = spread(
        100,
        [
            "broadcast-hops-100",
            "broadcast-redundancy-100",
            "broadcast-missed-100",
            "broadcast-bytes-per-ion-100",
        ],
    );
    found.extend(spread(
        1_000,
        [
            "broadcast-hops-1000",
            "broadcast-redundancy-1000",
            "broadcast-missed-1000",
            "broadcast-bytes-per-ion-1000",
        ],
    ));
    let churned = |seed| Options { loss_permille: 10, churn_per_minute: 300, ..calm(1_000, seed) };
    let redundancy = (0..SEEDS).map(|seed| said(churned(seed)).redundancy).collect();
    found.push(("broadcast-redundancy-churn-1000", redundancy));
    found
}

fn calm(ions: usize, seed: u64) -> Options {
    Options { ions, seed, loss_permille: 0, churn_per_minute: 0 }
}

fn said(options: Options) -> Outcome {
    speak(options).expect("no rule of the broadcast is broken")
}

fn spread(ions: usize, [hops, redundancy, missed, bytes]: [&'static str; 4]) -> Found {
    let all: Vec<Outcome> = (0..SEEDS).map(|seed| said(calm(ions, seed))).collect();
    let each = |of: fn(&Outcome) -> f64| all.iter().map(of).collect();
    vec![
        (hops, each(|one| f64::from(one.hops))),
        (redundancy, each(|one| one.redundancy)),
        (missed, each(|one| one.missed as f64)),
        (bytes, each(|one| one.bytes)),
    ]
}

/// `presence-bytes-per-ion-100` and `-1000`: what an ion sends in a second so that
/// everybody knows everybody, links' beats included, while nobody speaks; of whole
/// meshes. The second takes two minutes or three.
pub(super) fn presence() -> Found {
    let cost = |ions| {
        let cost = presence_bytes_per_s(0, ions).expect("no rule of the mesh is broken");
        vec![cost as f64]
    };
    vec![("presence-bytes-per-ion-100", cost(100)), ("presence-bytes-per-ion-1000", cost(1_000))]
}

/// `reconcile-bytes`, `reconcile-messages`: what two replicas say to each other to
/// find ten differences among 100,000 entries; the entries themselves do not
/// count.
pub(super) fn reconcile() -> Found {
    let author = Ed25519Keys::of_seed(&[1; 32]);
    let (mut bytes, mut messages) = (Vec::new(), Vec::new());
    for seed in 0..u32::try_from(SEEDS).expect("they are few") {
        let apart = ENTRIES / DIFFERENCES;
        let (mut one, mut other) = (Table::default(), Table::default());
        for number in 0..ENTRIES {
            let entry = entry(number, &author);
            if number % apart != 777 + 1_000 * seed {
                other.put(entry.clone());
            }
            one.put(entry);
        }
        let (said, count) = talk(&mut one, &mut other);
        assert_eq!(one.len(), other.len(), "the two agree");
        bytes.push(said as f64 / 1024.0);
        messages.push(count as f64);
    }
    vec![("reconcile-bytes", bytes), ("reconcile-messages", messages)]
}

/// Lets two replicas talk until nothing is left to say: bytes, and messages.
fn talk(one: &mut Table, other: &mut Table) -> (usize, usize) {
    let (mut bytes, mut messages) = (0, 0);
    let mut said = Some(Message::first(one).encode());
    while let Some(message) = said {
        messages += 1;
        bytes += message.len();
        let (hears, speaks) =
            if messages % 2 == 1 { (&mut *other, &mut *one) } else { (&mut *one, &mut *other) };
        let message = Message::decode(&message).expect("it is within the bounds");
        let answer = message.answer(hears).expect("it is well-formed");
        let given: Vec<Entry> = answer.given.into_iter().cloned().collect();
        said = answer.message.map(|message| message.encode());
        for entry in given {
            speaks.put(entry);
        }
    }
    (bytes, messages)
}

fn entry(number: u32, author: &Ed25519Keys) -> Entry {
    let space = Space::Members("bench".to_owned());
    let body = Body {
        key: Key { space, name: format!("key-{number:06}") },
        value: Some(number.to_le_bytes().to_vec().into()),
        stamp: Stamp::at_ms(1_800_000_000_000),
        ends_ms: None,
        author: author.own(),
        over: None,
    };
    let signed = Entry::sign_all(author, vec![body]).expect("it keeps the bounds");
    signed.into_iter().next().expect("one was signed")
}
