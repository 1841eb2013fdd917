use std::sync::Arc;

use super::*;
use crate::{
    compute::{
        Entry, Inputs, Program, Trust,
        receipt::{Hash, Terms, call_hash, input_hash},
    },
    identity::SimKeys,
};
use form::{Spec, encode_page};
use serde_bytes::ByteBuf;
use spark_runtime::{Lane, Limits, Report};

const JOB: JobId = 7;
const TASKS: u64 = 10;
const BINARY: &[u8] = b"binary";

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

/// Ion 1's job.
const NAME: fn() -> Name = || Name { job: JOB, owner: ion(1) };

fn parts() -> Parts {
    let entry = Entry::Export { name: "run".to_owned(), arguments: Vec::new() };
    let program = Program {
        name: "spark".to_owned(),
        entry,
        limits: Limits::default(),
        lane: Lane::Automatic,
        trust: Trust::Once,
    };
    Parts {
        program,
        module: *blake3::hash(BINARY).as_bytes(),
        binary: BINARY.into(),
        inputs: Inputs::Range { first: 0, last: 9 }.into(),
        about: String::new(),
    }
}

fn records(own: u8) -> Records {
    Records::new(Arc::new(SimKeys::of(ion(own))), 0)
}

fn step(records: &mut Records, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    records.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

fn cid(bytes: &[u8]) -> Cid {
    use crate::store::chunk::Codec;
    Cid::of(Codec::DagCbor, bytes)
}

fn row(place: &Place, author: u8, bytes: &[u8]) -> Row {
    let (path, file) = (NAME().path(place), cid(bytes));
    Row { path, author: ion(author), at_ms: 5, file, bytes: bytes.len() as u64, is_held: true }
}

/// The record of ion 1's job, with pages.
fn listing(pages: &[(Span, u8, Vec<u8>)]) -> Vec<Row> {
    let spec = spec().encode();
    let mut rows = vec![row(&Place::Spec(TASKS), 1, &spec), row(&Place::Module, 1, BINARY)];
    for (span, author, bytes) in pages {
        rows.push(row(&Place::Page(span.clone(), ion(*author)), *author, bytes));
    }
    rows
}

fn spec() -> Spec {
    let parts = parts();
    Spec::new(parts.program, Hash::new(parts.module), &parts.inputs, String::new())
}

/// Answers reads from these files until nothing more is asked; the other effects.
fn serve(records: &mut Records, ms: u64, mut effects: Vec<Effect>, files: &[&[u8]]) -> Vec<Effect> {
    let mut rest = Vec::new();
    while !effects.is_empty() {
        for effect in std::mem::take(&mut effects) {
            let Effect::Read(request, file, from, bytes) = effect else {
                rest.push(effect);
                continue;
            };
            let found = files.iter().find(|bytes| cid(bytes) == file);
            let from = usize::try_from(from).expect("it is small");
            let part = found.map(|all| all[from..from + bytes as usize].to_vec());
            effects.extend(step(records, ms, Input::Read(request, part)));
        }
    }
    rest
}

fn report(task: u64) -> Report {
    Report { stdout: task.to_string().into_bytes(), ..Report::default() }
}

/// Results of tasks as an ion signs them for ion 1's job.
fn signed(by: u8, span: Span) -> Vec<Done> {
    let (keys, parts) = (SimKeys::of(ion(by)), parts());
    let terms = Terms {
        module: Hash::new(parts.module),
        call: call_hash(&parts.program),
        owner: ion(1),
        job: JOB,
    };
    let reports: Vec<(u64, Report)> = span.map(|task| (task, report(task))).collect();
    let input = |task: u64| input_hash(task.to_string().as_bytes());
    let results = || reports.iter().map(|(task, report)| (*task, input(*task), report));
    let signed = terms.sign(&keys, 5, results());
    let receipts = terms.check(&keys, ion(by), &signed, results()).expect("it is signed");
    let done = |((_, report), receipt): ((u64, Report), ByteBuf)| Done {
        ion: ion(by),
        report,
        receipts: vec![receipt],
    };
    reports.into_iter().zip(receipts).map(done).collect()
}

fn unsigned(mut results: Vec<Done>) -> Vec<Done> {
    for done in &mut results {
        done.receipts.clear();
    }
    results
}

fn told(effects: &[Effect]) -> Vec<(u64, usize)> {
    let tell = |effect: &Effect| match effect {
        Effect::Tell(_, first, results) => Some((*first, results.len())),
        _ => None,
    };
    effects.iter().filter_map(tell).collect()
}

fn begun(effects: &[Effect]) -> Option<Spans> {
    effects.iter().find_map(|effect| match effect {
        Effect::Begin(_, _, done) => Some(done.clone()),
        _ => None,
    })
}

#[test]
fn paths_name_what_stands_there_for_those_who_may_write_it() {
    let places = [
        (Place::Spec(10), 1),
        (Place::Module, 1),
        (Place::Inputs, 1),
        (Place::Cancelled, 1),
        (Place::Paused, 1),
        (Place::Page(0..5, ion(2)), 2),
    ];
    for (place, writer) in places {
        let path = NAME().path(&place);
        assert_eq!(Name::of_path(&path, ion(writer)), Some((NAME(), place)), "{path}");
        assert_eq!(Name::of_path(&path, ion(3)), None, "{path}");
    }
    let folder = NAME().folder();
    let none = ["pages/5-5-x", "spec-x", "spec-010", "other", "pages/0-5", "module/x"];
    for file in none {
        let path = folder.join(file).expect("it is a path");
        assert_eq!(Name::of_path(&path, ion(1)), None, "{path}");
    }
}

#[test]
fn the_owner_coordinates_and_else_the_one_that_all_agree_on() {
    let all = [1, 2, 3, 4].map(ion);
    let pick = |own: u8, live: &[IonId]| {
        let mut records = records(own);
        step(
            &mut records,
            0,
            Input::Live(live.iter().copied().filter(|one| *one != ion(own)).collect()),
        );
        records.rightful(&NAME())
    };
    assert!((1..=4).all(|own| pick(own, &all) == ion(1)));
    let rest = &all[1..];
    let picked: Vec<IonId> = (2..=4).map(|own| pick(own, rest)).collect();
    assert!(picked.iter().all(|one| *one == picked[0] && rest.contains(one)), "{picked:?}");
}

#[test]
fn an_ion_stands_in_once_the_owner_is_away_for_a_while_and_lets_go_when_it_is_back() {
    let mut records = records(2);
    let page = encode_page(&signed(3, 0..4));
    let (spec, rows) = (spec().encode(), listing(&[(0..4, 3, page.clone())]));
    let files: [&[u8]; 3] = [&spec, BINARY, &page];
    let effects = step(&mut records, 0, Input::Listed(rows));
    step(&mut records, 0, Input::Live(vec![ion(3)]));
    let effects = serve(&mut records, 0, effects, &files);
    assert_eq!(begun(&effects), None);
    let effects = step(&mut records, HANDOVER_MS - 1, Input::Tick);
    assert_eq!(begun(&effects), None);
    let effects = step(&mut records, HANDOVER_MS, Input::Tick);
    assert_eq!(begun(&effects), Some(std::iter::once(0..4).collect()));
    step(&mut records, 5_000, Input::Live(vec![ion(1)]));
    let released = |effects: &[Effect]| effects.iter().any(|one| matches!(one, Effect::Release(_)));
    assert!(!released(&step(&mut records, 5_000 + HANDOVER_MS - 1, Input::Tick)));
    assert!(released(&step(&mut records, 5_000 + HANDOVER_MS + TURN_MS, Input::Tick)));
}

#[test]
fn a_task_of_a_job_that_another_coordinates_tells_who_does_and_whether_it_is_done() {
    let mut records = records(2);
    let rows = listing(&[(0..4, 3, encode_page(&signed(3, 0..4)))]);
    step(&mut records, 0, Input::Live(vec![ion(1), ion(3)]));
    step(&mut records, 0, Input::Listed(rows));
    let here = NAME().at(ion(2));
    assert_eq!(records.task(here, 3), None, "its user does not look at it");
    step(&mut records, 1, Input::Open(NAME()));
    assert_eq!(records.task(here, 3), Some((ion(1), true)));
    assert_eq!(records.task(here, 4), Some((ion(1), false)));
    assert_eq!(records.task(JOB, 3), None, "that is its name elsewhere");
}

/// Ion 1 sees its job again, of which others wrote these pages.
fn seen_again(pages: &[(Span, u8, Vec<u8>)]) -> Vec<Effect> {
    let mut records = records(1);
    let spec = spec().encode();
    let mut files: Vec<&[u8]> = vec![&spec, BINARY];
    files.extend(pages.iter().map(|(_, _, bytes)| bytes.as_slice()));
    let effects = step(&mut records, 0, Input::Listed(listing(pages)));
    serve(&mut records, 0, effects, &files)
}

#[test]
fn pages_of_others_count_where_the_ions_signed_that_they_name() {
    let good = encode_page(&signed(3, 0..4));
    assert_eq!(told(&seen_again(&[(0..4, 2, good.clone())])), [(0, 4)]);
    let unsigned = encode_page(&unsigned(signed(3, 0..4)));
    assert_eq!(told(&seen_again(&[(0..4, 1, unsigned.clone())])), [(0, 4)], "it is its own");
    let mut wrong = signed(3, 0..4);
    wrong[2].report = report(9);
    let shifted = encode_page(&signed(3, 1..5));
    let mut named = signed(3, 0..4);
    named[0].ion = ion(4);
    let bad = [unsigned, encode_page(&wrong), shifted, encode_page(&named), b"no page".to_vec()];
    for (place, bytes) in bad.into_iter().enumerate() {
        let effects = seen_again(&[(0..4, 2, bytes)]);
        assert_eq!(told(&effects), [], "{place}");
        let removed = effects.iter().any(|one| matches!(one, Effect::Remove(_)));
        assert!(removed, "{place}");
        // All of it is done again.
        let done = effects.iter().rev().find_map(|one| match one {
            Effect::Begin(_, _, done) => Some(done.count()),
            _ => None,
        });
        assert_eq!(done, Some(0), "{place}");
    }
    let too_short = encode_page(&signed(3, 0..3));
    assert_eq!(told(&seen_again(&[(0..4, 2, too_short)])), []);
    // What overlaps is told once.
    let pages = [(0..4, 2, good), (2..8, 4, encode_page(&signed(3, 2..8)))];
    assert_eq!(told(&seen_again(&pages)), [(0, 4), (4, 4)]);
}

#[test]
fn results_are_written_in_pages_and_told_at_once() {
    let mut records = records(1);
    let effects = step(&mut records, 0, Input::Submit(JOB, Box::new(parts())));
    let stored = |effects: &[Effect]| -> Vec<String> {
        let path = |one: &Effect| match one {
            Effect::Store(_, path, _) => Some(path.name().to_owned()),
            _ => None,
        };
        effects.iter().filter_map(path).collect()
    };
    assert_eq!(stored(&effects), ["module", "spec-10"]);
    let effects = step(&mut records, 10, Input::Results(NAME(), 0, signed(3, 0..4)));
    assert_eq!((told(&effects), stored(&effects).len()), (vec![(0, 4)], 0));
    let effects = step(&mut records, 10 + PAGE_MS, Input::Tick);
    assert_eq!(stored(&effects), [format!("0-4-{}", ion(1))]);
    let Some(Effect::Store(page, ..)) = effects.first() else { panic!() };
    // What comes meanwhile waits, until all is there.
    let effects = step(&mut records, 3_000, Input::Results(NAME(), 4, signed(3, 4..10)));
    assert_eq!((told(&effects), stored(&effects).len()), (vec![(4, 6)], 0));
    let effects = step(&mut records, 3_001, Input::Stored(*page, true));
    assert_eq!(stored(&effects), [format!("4-10-{}", ion(1))]);
}

#[test]
fn what_cannot_be_stored_is_tried_again() {
    let mut records = records(1);
    let effects = step(&mut records, 0, Input::Submit(JOB, Box::new(parts())));
    let Some(Effect::Store(write, ..)) = effects.first() else { panic!() };
    assert!(step(&mut records, 5, Input::Stored(*write, false)).is_empty());
    assert!(step(&mut records, 4 + AGAIN_MS, Input::Tick).is_empty());
    let again = step(&mut records, 5 + AGAIN_MS, Input::Tick);
    assert!(matches!(again[..], [Effect::Store(number, ..)] if number == *write));
    let given = step(&mut records, 5 + AGAIN_MS, Input::Source(*write, 2, 100));
    assert!(matches!(&given[..], [Effect::Give(_, bytes)] if bytes == &BINARY[2..]));
}

#[test]
fn a_stand_in_writes_only_what_was_signed() {
    let mut records = records(2);
    let spec = spec().encode();
    step(&mut records, 0, Input::Live(Vec::new()));
    let effects = step(&mut records, 0, Input::Listed(listing(&[])));
    serve(&mut records, 0, effects, &[&spec, BINARY]);
    assert_eq!(begun(&step(&mut records, ALONE_MS - 1, Input::Tick)), None);
    assert!(begun(&step(&mut records, ALONE_MS, Input::Tick)).is_some());
    let mut results = signed(3, 0..10);
    results[4].receipts.clear();
    step(&mut records, 30_500, Input::Results(NAME(), 0, results));
    let effects = step(&mut records, 30_600, Input::Tick);
    let spans = |records: &Records| -> Vec<Place> {
        records.writes.values().map(|writing| writing.place.clone()).collect()
    };
    assert_eq!(spans(&records), [Place::Page(0..4, ion(2))], "{effects:?}");
    let number = *records.writes.keys().next().expect("there is one");
    step(&mut records, 30_700, Input::Stored(number, true));
    assert_eq!(spans(&records), [Place::Page(5..10, ion(2))]);
}

#[test]
fn a_page_that_nobody_can_give_does_not_count_for_a_while() {
    let mut records = records(1);
    let spec = spec().encode();
    let (lost, good) = (encode_page(&signed(3, 0..8)), encode_page(&signed(3, 0..4)));
    let rows = listing(&[(0..8, 2, lost), (0..4, 4, good.clone())]);
    let mut effects = step(&mut records, 0, Input::Listed(rows.clone()));
    let files: [&[u8]; 3] = [&spec, BINARY, &good];
    effects = serve(&mut records, 0, effects, &files);
    assert_eq!(told(&effects), []);
    let effects = step(&mut records, AGAIN_MS, Input::Listed(rows.clone()));
    assert_eq!(told(&serve(&mut records, AGAIN_MS, effects, &files)), [(0, 4)]);
    assert_eq!(records.views()[0].done, 4);
    let late = AGAIN_MS + MISSED_MS;
    step(&mut records, late, Input::Listed(rows));
    assert_eq!(records.views()[0].done, 8);
}

#[test]
fn a_job_that_runs_when_its_ion_moves_is_kept_by_the_new_nebula_too() {
    let mut records = records(1);
    step(&mut records, 0, Input::Submit(JOB, Box::new(parts())));
    step(&mut records, 1, Input::Listed(listing(&[])));
    step(&mut records, 2, Input::Results(NAME(), 0, signed(3, 0..4)));
    let effects = step(&mut records, 3, Input::Begin);
    let stored = effects.iter().filter(|one| matches!(one, Effect::Store(..))).count();
    assert_eq!(stored, 2, "{effects:?}");
    let effects = step(&mut records, 4, Input::Results(NAME(), 4, signed(3, 4..10)));
    assert_eq!(told(&effects), [(4, 6)]);
    assert!(effects.iter().any(|one| matches!(one, Effect::Store(..))), "all are written");
}

#[test]
fn made_up_records_crowd_nobody_out() {
    let spec = spec().encode();
    let rows = (0..2 * OWNER_MAX as u64).map(|job| {
        let name = Name { job, owner: ion(9) };
        let (path, file) = (name.path(&Place::Spec(TASKS)), cid(&spec));
        Row { path, author: ion(9), at_ms: 1, file, bytes: 100, is_held: true }
    });
    let (books, is_full) = book::of_rows(rows.chain(listing(&[])), |_, _| false);
    assert_eq!((books.len(), is_full), (OWNER_MAX + 1, false));
    assert!(books.contains_key(&NAME()));
}

#[test]
fn a_job_that_its_owner_cancelled_is_let_go() {
    let mut records = records(1);
    step(&mut records, 0, Input::Submit(JOB, Box::new(parts())));
    step(&mut records, 1, Input::Listed(listing(&[])));
    let mut rows = listing(&[]);
    rows.push(row(&Place::Cancelled, 2, b"x"));
    let is_cancelled =
        |effects: &[Effect]| effects.iter().any(|one| matches!(one, Effect::Cancelled(_)));
    assert!(!is_cancelled(&step(&mut records, 2, Input::Listed(rows.clone()))), "not its owner");
    rows.push(row(&Place::Cancelled, 1, b"x"));
    assert!(is_cancelled(&step(&mut records, 3, Input::Listed(rows))));
}

fn held(effects: &[Effect]) -> Vec<bool> {
    let held = effects.iter().filter_map(|effect| match effect {
        Effect::Hold(_, is_held) => Some(*is_held),
        _ => None,
    });
    held.collect()
}

/// What is stored or removed of the file that tells that the job is paused.
fn word_of_pause(effects: &[Effect]) -> Vec<(bool, u64)> {
    let paused = NAME().path(&Place::Paused);
    let word = effects.iter().filter_map(|effect| match effect {
        Effect::Store(number, path, _) if *path == paused => Some((true, *number)),
        Effect::Remove(path) if *path == paused => Some((false, 0)),
        _ => None,
    });
    word.collect()
}

#[test]
fn the_nebula_is_told_that_a_job_is_paused_and_that_it_goes_on() {
    let mut records = records(1);
    step(&mut records, 0, Input::Submit(JOB, Box::new(parts())));
    let paused = step(&mut records, 1, Input::Hold(JOB, true));
    assert_eq!(held(&paused), [true]);
    let stored = word_of_pause(&paused);
    assert!(matches!(stored[..], [(true, _)]), "{stored:?}");
    let soon = step(&mut records, 2, Input::Hold(JOB, false));
    assert_eq!((held(&soon), word_of_pause(&soon)), (vec![false], vec![]));
    let late = step(&mut records, 3, Input::Stored(stored[0].1, true));
    assert_eq!(word_of_pause(&late), [(false, 0)], "it is taken back once it is there");
}

#[test]
fn nobody_stands_in_for_a_job_that_its_owner_paused() {
    let mut records = records(2);
    let spec = spec().encode();
    let files: [&[u8]; 2] = [&spec, BINARY];
    let paused = [listing(&[]), vec![row(&Place::Paused, 1, b"x")]].concat();
    let effects = step(&mut records, 0, Input::Listed(paused.clone()));
    let mut effects = serve(&mut records, 0, effects, &files);
    effects.extend(step(&mut records, 60_000, Input::Tick));
    effects.extend(step(&mut records, 120_000, Input::Tick));
    assert_eq!(begun(&effects), None);
    assert_eq!(records.views()[0].state, JobState::Paused);
    let effects = step(&mut records, 130_000, Input::Listed(listing(&[])));
    let mut effects = serve(&mut records, 130_000, effects, &files);
    effects.extend(step(&mut records, 140_000, Input::Tick));
    effects.extend(step(&mut records, 170_000, Input::Tick));
    assert!(begun(&effects).is_some());
    assert_eq!(held(&step(&mut records, 170_001, Input::Listed(paused))), [true]);
    assert_eq!(held(&step(&mut records, 170_002, Input::Listed(listing(&[])))), [false]);
}

#[test]
fn a_job_that_was_paused_is_so_when_its_owner_is_back() {
    let mut records = records(1);
    let spec = spec().encode();
    let paused = [listing(&[]), vec![row(&Place::Paused, 1, b"x")]].concat();
    let effects = step(&mut records, 0, Input::Listed(paused));
    let mut effects = serve(&mut records, 0, effects, &[&spec, BINARY]);
    effects.extend(step(&mut records, 1_000, Input::Tick));
    assert!(begun(&effects).is_some());
    assert_eq!(held(&effects), [true]);
    let resumed = step(&mut records, 1_001, Input::Hold(JOB, false));
    assert_eq!((held(&resumed), word_of_pause(&resumed)), (vec![false], vec![(false, 0)]));
}
