use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    identity::{Keys, SimKeys},
    store::{
        kv::{Entry, Stamp, entry::Body},
        source::made_up,
    },
};

mod left;

const MIB: u64 = 1 << 20;

/// One machine, with a disk, sources and a shared memory that work.
struct Bench {
    library: Library,
    keys: Arc<dyn Keys>,
    now: Time,
    blocks: BTreeMap<Cid, Vec<u8>>,
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Bytes of blocks that the disk takes.
    room: usize,
    /// Writes that fail.
    failures: usize,
    /// Bytes that sources have.
    source_bytes: u64,
    /// Which bytes those are, if not those of the source's number.
    made_of: Option<u64>,
    /// Bytes of blocks that were written.
    bodies: usize,
    stamps: u64,
    /// Whether what is put into the shared memory waits.
    is_slow: bool,
    putting: Vec<(u64, Vec<kv::Change>)>,
    told: Vec<Effect>,
}

impl Bench {
    fn new() -> Self {
        let own = IonId::from_bytes([1; 32]);
        let mut bench = Self {
            library: Library::new(own, 1, Time::ZERO),
            keys: Arc::new(SimKeys::of(own)),
            now: Time::ZERO,
            blocks: BTreeMap::new(),
            records: BTreeMap::new(),
            room: usize::MAX,
            failures: 0,
            source_bytes: u64::MAX,
            made_of: None,
            bodies: 0,
            stamps: 0,
            is_slow: false,
            putting: Vec::new(),
            told: Vec::new(),
        };
        bench.input(Input::Begin);
        bench.input(Input::Opened(true));
        bench
    }

    fn input(&mut self, input: Input) {
        let mut waiting = VecDeque::from([input]);
        while let Some(input) = waiting.pop_front() {
            let mut effects = Vec::new();
            self.library.handle(self.now, input, &mut effects);
            for effect in effects {
                waiting.extend(self.obey(effect));
            }
        }
    }

    fn obey(&mut self, effect: Effect) -> Vec<Input> {
        match effect {
            Effect::Write(number, changes) => vec![Input::Written(number, self.write(changes))],
            Effect::Read(cid) => vec![Input::Bytes(cid, self.blocks.get(&cid).cloned())],
            Effect::Source(source, from, bytes) => {
                let rest = self.source_bytes.saturating_sub(from).min(u64::from(bytes));
                let bytes = u32::try_from(rest).expect("it is not more than asked for");
                let made_of = self.made_of.unwrap_or(source);
                vec![Input::Source(source, Ok(made_up(made_of, from, bytes)))]
            }
            Effect::Put(ticket, changes) if self.is_slow => {
                self.putting.push((ticket, changes));
                Vec::new()
            }
            Effect::Put(ticket, changes) => {
                let entries = changes.into_iter().map(|change| self.entry(change)).collect();
                vec![Input::Entries(entries), Input::Put(ticket, Ok(()))]
            }
            other => {
                self.told.push(other);
                Vec::new()
            }
        }
    }

    fn write(&mut self, changes: Vec<Change>) -> Result<(), storage::Error> {
        let more: usize = changes
            .iter()
            .map(|change| if let Change::Bytes(_, bytes) = change { bytes.len() } else { 0 })
            .sum();
        let is_failure = self.failures > 0;
        self.failures -= usize::from(is_failure);
        if is_failure || self.blocks.values().map(Vec::len).sum::<usize>() + more > self.room {
            return Err(storage::Error::QuotaExceeded);
        }
        self.bodies += more;
        for change in changes {
            match change {
                Change::Bytes(cid, bytes) => drop(self.blocks.insert(cid, bytes)),
                Change::Delete(cid) => drop(self.blocks.remove(&cid)),
                Change::Record(key, value) => drop(self.records.insert(key, value)),
                Change::Forget(key) => drop(self.records.remove(&key)),
            }
        }
        Ok(())
    }

    fn entry(&mut self, change: kv::Change) -> Entry {
        self.stamps += 1;
        let body = Body {
            key: change.key,
            value: change.value,
            stamp: Stamp::at_ms(self.stamps),
            ends_ms: None,
            author: self.keys.own(),
            over: None,
        };
        Entry::sign(&*self.keys, body).expect("it keeps the bounds")
    }

    fn import(&mut self, source: u64, path: &str, bytes: u64) -> Result<Cid, Error> {
        self.begin_import(source, path, bytes);
        self.imported(source).expect("it ends")
    }

    fn begin_import(&mut self, source: u64, path: &str, bytes: u64) {
        let media_type = "text/plain".to_owned();
        let parcel = Parcel { path: self::path(path), media_type, modified_ms: 1, bytes };
        self.input(Input::Import(source, parcel));
    }

    fn imported(&self, source: u64) -> Option<Result<Cid, Error>> {
        self.told.iter().find_map(|effect| match effect {
            Effect::Imported(number, _, result) if *number == source => Some(result.clone()),
            _ => None,
        })
    }

    fn read(&mut self, file: Cid, from: u64, bytes: u32) -> Option<Result<Vec<u8>, Error>> {
        self.told.clear();
        self.input(Input::Read { request: 5, file, from, bytes });
        self.answer()
    }

    fn answer(&self) -> Option<Result<Vec<u8>, Error>> {
        self.told.iter().find_map(|effect| match effect {
            Effect::Bytes(5, result) => Some(result.clone()),
            _ => None,
        })
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 250 {
            self.now = self.now.plus_ms(250);
            self.input(Input::Tick);
        }
    }
}

fn path(text: &str) -> FilePath {
    text.parse().expect("it is a path")
}

#[test]
fn what_was_brought_in_is_read_by_range() {
    let mut bench = Bench::new();
    let file = bench.import(3, "a/b.txt", 3 * MIB + 5).expect("there is room");
    for (from, bytes, expected) in [(0, 10, 10), (MIB - 7, 600_000, 600_000), (3 * MIB, 99, 5)] {
        let read = bench.read(file, from, bytes).expect("it is here").expect("it can be read");
        assert!(read == made_up(3, from, expected), "from {from}");
    }
    assert_eq!(bench.library.copies(&file, 3 * MIB + 5).here_bytes, 3 * MIB + 5);
    let empty = bench.import(4, "empty", 0).expect("there is room");
    assert_eq!(bench.read(empty, 0, 10), Some(Ok(Vec::new())));
}

#[test]
fn a_disk_that_is_full_half_way_takes_nothing_and_loses_nothing() {
    let mut bench = Bench::new();
    let first = bench.import(1, "first", MIB).expect("there is room");
    let (blocks, records) = (bench.blocks.clone(), bench.records.clone());
    bench.room = 6 << 20;
    let refused = bench.import(2, "second", 8 * MIB);
    assert_eq!(refused, Err(Error::Disk(storage::Error::QuotaExceeded)));
    assert!(bench.blocks == blocks && bench.records == records);
    assert!(bench.read(first, 0, 100).expect("it is here").is_ok());
    assert!(bench.library.tree().file(&path("second")).is_err());
    bench.room = usize::MAX;
    bench.told.clear();
    assert!(bench.import(2, "second", 8 * MIB).is_ok(), "there is room again");
}

#[test]
fn a_source_that_became_shorter_is_refused() {
    let mut bench = Bench::new();
    bench.source_bytes = 5 * MIB;
    let refused = bench.import(2, "a", 8 * MIB);
    assert!(matches!(&refused, Err(Error::Source(why)) if why.contains("shorter")), "{refused:?}");
    assert_eq!((bench.blocks.len(), bench.records.len()), (0, 0));
}

#[test]
fn an_import_is_halted_and_goes_on() {
    let mut bench = Bench::new();
    bench.library.disk = Disk::Opening;
    bench.begin_import(2, "a", 8 * MIB);
    bench.input(Input::Pause(2, true));
    bench.library.disk = Disk::Open { is_kept: true };
    bench.pass(1_000);
    assert_eq!((bench.imported(2), bench.blocks.len()), (None, 0));
    bench.input(Input::Pause(2, false));
    assert!(bench.imported(2).expect("it goes on").is_ok());
}

#[test]
fn an_import_that_is_given_up_leaves_nothing() {
    let mut bench = Bench::new();
    bench.library.disk = Disk::Opening;
    bench.begin_import(2, "a", 8 * MIB);
    bench.input(Input::Cancel(2));
    assert_eq!(bench.imported(2), Some(Err(Error::Cancelled)));
    assert!(bench.told.contains(&Effect::Forget(2)));
    assert_eq!((bench.blocks.len(), bench.records.len()), (0, 0));
}

impl Bench {
    /// What waited for the shared memory is in it, or is refused.
    fn end_put(&mut self, (ticket, changes): (u64, Vec<kv::Change>), is_taken: bool) {
        if is_taken {
            for input in self.obey(Effect::Put(ticket, changes)) {
                self.input(input);
            }
        } else {
            self.input(Input::Put(ticket, Err(kv::machine::Error::Full)));
        }
    }

    fn assert_is_here(&mut self, file: Cid) {
        self.pass(2 * ORPHAN_MS);
        assert!(self.read(file, 0, 10).expect("it is here").is_ok());
    }
}

#[test]
fn an_import_whose_name_is_being_written_is_not_given_up() {
    let mut bench = Bench::new();
    bench.is_slow = true;
    bench.begin_import(1, "one", 2 * MIB);
    bench.input(Input::Cancel(1));
    assert_eq!(bench.imported(1), None);
    bench.is_slow = false;
    let put = bench.putting.remove(0);
    bench.end_put(put, true);
    let file = bench.imported(1).expect("it ends").expect("it has its name");
    bench.assert_is_here(file);
}

#[test]
fn an_import_that_fails_spares_another_of_the_same_file() {
    let mut bench = Bench::new();
    bench.is_slow = true;
    bench.begin_import(1, "one", 2 * MIB);
    let first = bench.library.imports.remove(&1).expect("it goes on");
    bench.library.imports.insert(2, first);
    bench.library.putting.values_mut().for_each(|putting| putting.who = Putter::Import(2));
    bench.begin_import(1, "two", 2 * MIB);
    bench.is_slow = false;
    let (one, two) = (bench.putting.remove(0), bench.putting.remove(0));
    bench.end_put(two, false);
    assert!(bench.imported(1).expect("it ends").is_err());
    bench.end_put(one, true);
    let file = bench.imported(2).expect("it ends").expect("it has its name");
    bench.assert_is_here(file);
}

#[test]
fn equal_blocks_are_kept_once_and_as_long_as_anybody_needs_them() {
    let mut bench = Bench::new();
    let file = bench.import(1, "one", 2 * MIB).expect("there is room");
    let blocks = bench.blocks.len();
    bench.told.clear();
    assert_eq!(bench.import(1, "two", 2 * MIB), Ok(file));
    assert_eq!(bench.blocks.len(), blocks);
    bench.input(Input::Edit(1, Edit::Remove(path("one"))));
    bench.pass(2 * ORPHAN_MS);
    assert!(bench.read(file, 0, 10).expect("it is here").is_ok());
}

#[test]
fn what_decayed_on_disk_is_not_read_and_not_told_to_be_here() {
    let mut bench = Bench::new();
    let file = bench.import(1, "one", 2 * MIB).expect("there is room");
    let raw = bench.blocks.iter_mut().find(|(cid, _)| cid.codec() != file.codec());
    let (cid, bytes) = raw.expect("it has blocks");
    let cid = *cid;
    bytes[7] ^= 1;
    let halves = [0, MIB].map(|from| bench.read(file, from, 1 << 20));
    assert_eq!(halves.iter().filter(|half| half.is_none()).count(), 1, "it is sought elsewhere");
    bench.told.clear();
    assert!(!bench.blocks.contains_key(&cid));
    assert_eq!(bench.library.copies(&file, 2 * MIB).here_bytes, 0);
    bench.pass(READ_MS_MAX + 1_000);
    assert_eq!(bench.answer(), Some(Err(Error::Nowhere)));
}

#[test]
fn parts_that_no_name_needs_go_after_a_while() {
    let mut bench = Bench::new();
    let file = bench.import(1, "one", 2 * MIB).expect("there is room");
    let versions = bench.library.tree().versions(&path("one"));
    let names: Vec<String> = versions.iter().map(|known| format!("one//{}", known.id)).collect();
    for name in names {
        let key = kv::Key { space: kv::Space::Members(files::SPACE.to_owned()), name };
        let gone = bench.entry(kv::Change { key, value: None, lasts_ms: None });
        bench.input(Input::Entries(vec![gone]));
    }
    bench.pass(ORPHAN_MS - 5_000);
    assert!(!bench.blocks.is_empty(), "it may be named again");
    bench.pass(10_000);
    assert_eq!((bench.blocks.len(), bench.records.len()), (0, 0));
    assert_eq!(bench.library.summary().held_bytes, 0);
    assert_eq!(bench.library.copies(&file, 2 * MIB).here_bytes, 0);
}

#[test]
fn what_was_on_disk_is_there_after_a_restart() {
    let mut bench = Bench::new();
    let file = bench.import(1, "one", 2 * MIB).expect("there is room");
    let mut again = Bench::new();
    again.library = Library::new(again.keys.own(), 2, Time::ZERO);
    (again.blocks, again.records) = (bench.blocks.clone(), bench.records.clone());
    again.input(Input::Records(bench.records.into_iter().collect()));
    again.input(Input::Opened(true));
    assert_eq!(again.library.copies(&file, 2 * MIB).here_bytes, 2 * MIB);
    assert!(again.read(file, 5, 10).expect("it is here").is_ok());
}

/// The memory could not be read, say, and nobody is there who knows more.
#[test]
fn parts_stay_whose_names_are_only_unknown() {
    let mut bench = Bench::new();
    let file = bench.import(1, "one", 2 * MIB).expect("there is room");
    let mut again = Bench::new();
    again.library = Library::new(again.keys.own(), 2, Time::ZERO);
    (again.blocks, again.records) = (bench.blocks.clone(), bench.records.clone());
    again.input(Input::Records(bench.records.into_iter().collect()));
    again.input(Input::Opened(true));
    again.pass(2 * ORPHAN_MS);
    assert!(again.read(file, 5, 10).expect("it is here").is_ok());
}

#[test]
fn whoever_waits_is_answered_when_the_nebula_changes() {
    let mut bench = Bench::new();
    assert_eq!(bench.read(Cid::of(crate::store::chunk::Codec::DagCbor, b"x"), 0, 5), None);
    bench.library.disk = Disk::Opening;
    bench.begin_import(2, "a", MIB);
    bench.input(Input::Begin);
    assert_eq!(bench.answer(), Some(Err(Error::Cancelled)));
    assert_eq!(bench.imported(2), Some(Err(Error::Cancelled)));
}

/// A page that was just opened does not know its nebula yet.
#[test]
fn what_is_brought_in_early_goes_to_the_first_nebula() {
    let mut bench = Bench::new();
    bench.library = Library::new(bench.keys.own(), 2, Time::ZERO);
    bench.begin_import(2, "a", MIB);
    bench.input(Input::Begin);
    bench.input(Input::Opened(true));
    bench.pass(1_000);
    assert!(bench.imported(2).expect("it is begun").is_ok());
}

#[test]
fn a_ledger_that_is_none_is_refused() {
    let mut bench = Bench::new();
    let block = super::super::chunk::Block::of(super::super::chunk::Codec::DagCbor, vec![1, 2, 3]);
    let changes = bench.library.held.own(
        held::Owner::Visit(block.cid),
        (block.cid, 3),
        Some(block.bytes.clone()),
    );
    bench.write(changes).expect("there is room");
    bench.library.held.written(&block.cid);
    assert_eq!(bench.read(block.cid, 0, 5), Some(Err(Error::NoFile)));
}

#[test]
fn what_is_erased_goes_whole_and_last_that_it_was_deleted() {
    let mut bench = Bench::new();
    for number in 0..200 {
        let name = format!("a/{number}");
        bench.import(1, &name, number % 2).expect("there is room");
        bench.told.clear();
        bench.import(2, &name, 3).expect("there is room");
        bench.told.clear();
    }
    bench.input(Input::Edit(1, Edit::Remove(path("a"))));
    let gone: Vec<_> = (0..200)
        .map(|number| bench.library.tree().versions(&path(&format!("a/{number}")))[0].id)
        .collect();
    bench.is_slow = true;
    bench.input(Input::Edit(2, Edit::Erase(path("a"))));
    let batches = std::mem::take(&mut bench.putting);
    let batches: Vec<Vec<String>> = batches
        .into_iter()
        .map(|(_, changes)| changes.into_iter().map(|change| change.key.name).collect())
        .collect();
    assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 600);
    for (number, gone) in gone.iter().enumerate() {
        let of_path = format!("a/{number}//");
        let of = |batch: &&Vec<String>| batch.iter().any(|name| name.starts_with(&of_path));
        let [batch] = batches.iter().filter(of).collect::<Vec<_>>()[..] else {
            panic!("{of_path} is parted");
        };
        let last = batch.iter().rfind(|name| name.starts_with(&of_path));
        assert_eq!(last, Some(&format!("{of_path}{gone}")));
    }
}

#[test]
fn a_part_that_becomes_whole_at_the_second_time_keeps_all_its_blocks() {
    let mut bench = Bench::new();
    let file = bench.import(1, "one", 2 * MIB).expect("there is room");
    let part = Part { file, number: 0 };
    let blocks = bench.blocks.clone();
    let mut again = Bench::new();
    for (cid, bytes) in &blocks {
        let size = (*cid, u32::try_from(bytes.len()).expect("it is a block"));
        let owned = again.library.held.own(held::Owner::Visit(file), size, Some(bytes.clone()));
        again.write(owned).expect("there is room");
        again.library.held.written(cid);
    }
    for failures in [1, 0] {
        again.failures = failures;
        let (now, mut effects) = (again.now, Vec::new());
        again.library.fetch_part(now, part, &mut effects);
        for input in effects.into_iter().flat_map(|effect| again.obey(effect)).collect::<Vec<_>>() {
            again.input(input);
        }
    }
    let mut known = Held::default();
    for (key, value) in &again.records {
        known.load(key, value);
    }
    assert!(known.is_whole(&held::Owner::Part(part)));
    assert!(blocks.keys().all(|cid| known.owns(&held::Owner::Part(part), cid)));
}

#[test]
fn a_write_that_fails_loses_nothing_of_an_earlier_one() {
    let mut bench = Bench::new();
    let block = super::super::chunk::Block::of(super::super::chunk::Codec::Raw, vec![1, 2, 3]);
    let mut effects = Vec::new();
    for file in [block.cid, Cid::of(super::super::chunk::Codec::Raw, b"x")] {
        let owner = held::Owner::Visit(file);
        let changes = bench.library.held.own(owner, (block.cid, 3), Some(block.bytes.clone()));
        bench.library.write(Writing::Fetched(block.cid), changes, &mut effects);
    }
    let numbers = effects.into_iter().filter_map(|effect| match effect {
        Effect::Write(number, changes) => Some((number, changes)),
        _ => None,
    });
    let [(first, changes), (second, _)] = numbers.collect::<Vec<_>>().try_into().expect("both");
    bench.write(changes).expect("there is room");
    bench.input(Input::Written(first, Ok(())));
    bench.input(Input::Written(second, Err(storage::Error::QuotaExceeded)));
    assert!(bench.library.held.has(&block.cid) && bench.blocks.contains_key(&block.cid));
}

#[test]
fn who_lies_about_sizes_takes_no_care_from_others() {
    let mut bench = Bench::new();
    let liar: Arc<dyn Keys> = Arc::new(SimKeys::of(IonId::from_bytes([9; 32])));
    let own = std::mem::replace(&mut bench.keys, liar);
    for number in 0..70_u8 {
        let manifest = Cid::of(super::super::chunk::Codec::DagCbor, &[number]);
        let media_type = "text/plain".to_owned();
        let size = 4 << 38;
        let file = files::File { manifest, size, media_type, modified_ms: 1 };
        let version = files::Version::new(files::What::File(file), Vec::new());
        let (name, value) = version.entry(&path(&format!("lie-{number}")));
        let key = kv::Key { space: kv::Space::Members(files::SPACE.to_owned()), name };
        let entry = bench.entry(kv::Change { key, value: Some(value.into()), lasts_ms: None });
        bench.input(Input::Entries(vec![entry]));
    }
    bench.keys = own;
    let file = bench.import(1, "one", 2 * MIB).expect("there is room");
    bench.pass(1_000);
    assert_eq!(bench.library.copies(&file, 2 * MIB).live, 1);
    assert!(bench.library.shares.values().all(|parts| *parts <= AUTHOR_PARTS_MAX));
}

#[test]
fn pieces_of_a_part_that_others_hold_whole_go_late() {
    for is_elsewhere in [true, false] {
        let mut bench = Bench::new();
        let file = bench.import(1, "one", 2 * MIB).expect("there is room");
        let other = IonId::from_bytes([9; 32]);
        bench.input(Input::Live(vec![other]));
        // So this ion is not to fetch the rest.
        bench.input(Input::Give(0));
        let (now, mut effects) = (bench.now, Vec::new());
        if is_elsewhere {
            let holds = replicas::Input::Holds(other, Part { file, number: 0 });
            bench.library.care(now, holds, &mut effects);
        }
        let raw = bench.blocks.keys().find(|cid| **cid != file);
        let cid = *raw.expect("it has blocks");
        bench.library.lose(now, &cid, &mut effects);
        for input in effects.into_iter().flat_map(|effect| bench.obey(effect)).collect::<Vec<_>>() {
            bench.input(input);
        }
        bench.pass(LEFT_MS - 5_000);
        assert!(bench.blocks.contains_key(&file));
        bench.pass(10_000);
        assert_eq!(bench.blocks.is_empty(), is_elsewhere);
    }
}
