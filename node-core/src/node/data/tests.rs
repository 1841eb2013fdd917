use super::*;
use crate::{
    identity::{Invitation, SimKeys},
    node::{Birth, Command, Durability, Input as NodeInput, Start},
    store::driver::{News as DiskNews, Order},
};

/// A node in a nebula whose disk is empty, and the number of its opening.
struct Bench {
    node: Node,
    opening: u64,
}

fn nebula(name: &str, salt: u8) -> String {
    Invitation::found(name, false, vec![], &[salt; 48]).expect("it is valid").encode()
}

impl Bench {
    fn new() -> Self {
        let node = Node::new(Birth {
            keys: Arc::new(SimKeys::of(IonId::from_bytes([1; 32]))),
            settings: super::super::Settings::default(),
            storage: Durability::Kept,
            seed: 1,
            origin_ms: 1_800_000_000_000,
            now: Time::default(),
        });
        let mut bench = Self { node, opening: 0 };
        let start = Start { invitation: Some(nebula("lab", 1)), workers: 1 };
        let effects = bench.step(0, NodeInput::Command(Command::Start(start), Box::new([0; 48])));
        bench.open(&effects);
        bench
    }

    fn step(&mut self, ms: u64, input: NodeInput) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.node.handle(Time::from_ms(ms), input, &mut effects);
        effects
    }

    fn open(&mut self, effects: &[Effect]) {
        let opening = effects.iter().find_map(|effect| match effect {
            Effect::Disk(Order::Open(life, _)) => Some(*life),
            _ => None,
        });
        self.opening = opening.expect("a nebula's disk is opened");
        self.disk(DiskNews::Opened(None));
    }

    fn disk(&mut self, news: DiskNews) -> Vec<Effect> {
        self.step(1, NodeInput::Disk(self.opening, news))
    }

    fn wish(&mut self, ms: u64, wish: Wish) -> Vec<Effect> {
        self.step(ms, NodeInput::Command(Command::Data(wish), Box::new([0; 48])))
    }

    /// Writes a value, and has the disk take all that is written.
    fn put(&mut self, request: u64, name: &str, value: &str) -> Vec<News> {
        let value = Some(value.as_bytes().to_vec().into());
        let changes = vec![Change { key: key(name), value, lasts_ms: None }];
        let mut effects = self.wish(1, Wish::Put { request, changes });
        let mut told = Vec::new();
        while !effects.is_empty() {
            let mut next = Vec::new();
            for effect in &effects {
                if let Effect::Disk(Order::Write(_, number, _)) = effect {
                    next.extend(self.disk(DiskNews::Written(*number, Ok(()))));
                }
            }
            told.extend(news(effects));
            effects = next;
        }
        told
    }
}

fn space() -> Space {
    Space::Members("shared".to_owned())
}

fn key(name: &str) -> Key {
    Key { space: space(), name: name.to_owned() }
}

fn news(effects: Vec<Effect>) -> Vec<News> {
    let told = effects.into_iter().filter_map(|effect| match effect {
        Effect::Tell(Event::Data(news)) => Some(news),
        _ => None,
    });
    told.collect()
}

/// Requests to read that were answered, with the values.
fn got(effects: Vec<Effect>) -> Vec<(u64, Option<Vec<u8>>)> {
    let got = news(effects).into_iter().filter_map(|news| match news {
        News::Got { request, entry } => {
            Some((request, entry.and_then(|entry| entry.value).map(ByteBuf::into_vec)))
        }
        _ => None,
    });
    got.collect()
}

#[test]
fn a_value_is_written_read_listed_and_followed() {
    let mut bench = Bench::new();
    bench.wish(1, Wish::Watch { watch: 9, space: space(), prefix: "col".to_owned() });
    let told = bench.put(1, "colour", "blue");
    assert!(told.iter().any(|news| matches!(news, News::Put { request: 1, result: Ok(_) })));
    assert!(told.iter().any(|news| matches!(news, News::Changed { watch: 9, .. })), "{told:?}");
    let read = bench.wish(2, Wish::Get { request: 2, key: key("colour") });
    assert_eq!(got(read), [(2, Some(b"blue".to_vec()))]);
    assert!(!bench.put(3, "other", "x").iter().any(|news| matches!(news, News::Changed { .. })));
}

#[test]
fn a_long_list_comes_in_parts() {
    let mut bench = Bench::new();
    for number in 0..=LIST_MAX as u64 {
        bench.put(number, &format!("key-{number:04}"), "x");
    }
    bench.put(999, "zone", "not of the prefix");
    let mut list = |after: &str| {
        let (space, prefix, after) = (space(), "key-".to_owned(), after.to_owned());
        match news(bench.wish(2, Wish::List { request: 1, space, prefix, after })).pop() {
            Some(News::Listed { entries, is_more, .. }) => (entries, is_more),
            other => panic!("{other:?}"),
        }
    };
    let (first, is_more) = list("");
    assert_eq!((first.len(), is_more), (LIST_MAX, true));
    let (rest, is_more) = list(&first[LIST_MAX - 1].key.name);
    assert_eq!((rest.len(), is_more), (1, false));
    assert_eq!(rest[0].key.name, "key-0200");
}

#[test]
fn every_read_is_answered() {
    let mut bench = Bench::new();
    // Nobody is near who might know more.
    let read = bench.wish(1, Wish::Get { request: 1, key: key("nothing") });
    assert_eq!(got(read), [(1, None)]);

    let join = Command::Join { invitation: nebula("other lab", 2) };
    bench.step(2, NodeInput::Command(join, Box::new([0; 48])));
    // Its disk is not read yet.
    assert_eq!(got(bench.wish(3, Wish::Get { request: 2, key: key("a") })), []);
    assert_eq!(got(bench.step(3 + GET_MS_MAX, NodeInput::Tick)), [(2, None)]);
    for request in 0..GETS_MAX as u64 {
        assert_eq!(got(bench.wish(request, Wish::Get { request, key: key("a") })), []);
    }
    let one_more = bench.wish(300, Wish::Get { request: 999, key: key("a") });
    assert_eq!(got(one_more), [(0, None)], "the oldest gives way");
    let back = Command::Join { invitation: nebula("lab", 1) };
    let left = bench.step(301, NodeInput::Command(back, Box::new([0; 48])));
    assert_eq!(got(left).len(), GETS_MAX, "who leaves answers by what is known");
}

#[test]
fn what_the_disk_refuses_is_told_with_what_to_do() {
    let mut bench = Bench::new();
    let change = Change { key: key("a"), value: Some(ByteBuf::from(vec![1])), lasts_ms: None };
    let wish = Wish::Put { request: 4, changes: vec![change] };
    let effects = bench.wish(1, wish);
    let number = effects.iter().find_map(|effect| match effect {
        Effect::Disk(Order::Write(_, number, _)) => Some(*number),
        _ => None,
    });
    let full = Err(crate::platform::storage::Error::QuotaExceeded);
    let told = news(bench.disk(DiskNews::Written(number.expect("it is to be written"), full)));
    let [News::Put { request: 4, result: Err(problem) }] = &told[..] else { panic!("{told:?}") };
    assert!(problem.remedy.contains("Free some space"), "{}", problem.remedy);
}

/// A file's name on disk, of a moment after 2027 began, in milliseconds.
fn name_record(name: &str, value: Option<&str>, after_ms: u64) -> Vec<u8> {
    let author = IonId::from_bytes([2; 32]);
    let body = kv::entry::Body {
        key: Key { space: Space::Members(SPACE.to_owned()), name: name.to_owned() },
        value: value.map(|value| value.as_bytes().to_vec().into()),
        stamp: kv::Stamp::at_ms(1_800_000_000_000 + after_ms),
        ends_ms: None,
        author,
        over: None,
    };
    let entry = Entry::sign(&SimKeys::of(author), body).expect("it keeps the bounds");
    [&[1][..], &entry.encode()].concat()
}

#[test]
fn names_of_files_that_a_slow_clock_has_wait_count_and_what_stands_counts_more() {
    let mut bench = Bench::new();
    let hour_ms = 3_600_000;
    let records = [
        name_record("waits", Some("later"), hour_ms),
        name_record("stands", Some("later"), hour_ms),
        name_record("stands", Some("now"), 0),
        name_record("goes", None, hour_ms),
        name_record("goes", Some("now"), 0),
    ];
    bench.disk(DiskNews::Records(records.to_vec()));
    let names = bench.node.names();
    let last = |name: &str| {
        let of = names.iter().rev().find(|entry| entry.body().key.name == name);
        of.and_then(|entry| entry.body().value.as_deref()).cloned()
    };
    let expected = [("waits", "later"), ("stands", "now"), ("goes", "now")];
    for (name, value) in expected {
        assert_eq!(last(name).as_deref(), Some(value.as_bytes()), "{name}");
    }
}
