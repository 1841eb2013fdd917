//! Finds what two replicas do not share, by sums over ranges (Meyer,
//! "Range-Based Set Reconciliation", 2022).
//!
//! A message is a list of ascending ranges, each with the sum over what its
//! sender holds there, or with all of it by path and digest. Whoever hears one
//! answers with the ranges in which the two differ: cut in [`BRANCHES`] parts,
//! or, once one side holds no more than [`LEAF`] entries there, listed. Of
//! listed entries each side gives what the other lacks and asks for what it
//! lacks itself. Two replicas that differ in d of n entries exchange
//! O(d log n).
//!
//! Refused: more than [`RANGES_MAX`] ranges, [`ITEMS_MAX`] listed entries,
//! [`MESSAGE_BYTES_MAX`], ranges out of order. What does not fit into an answer is
//! found the next time.

use ion_map::Map;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{
    entry::{Entry, NAME_BYTES_MAX},
    table::{Span, Sum, Table},
};

/// Parts that a range is cut in.
pub const BRANCHES: usize = 4;
/// Entries that are listed rather than summed.
pub const LEAF: u64 = 8;
/// Ranges of one message.
pub const RANGES_MAX: usize = 256;
/// Entries that one message lists or asks for.
pub const ITEMS_MAX: usize = 1_024;
/// Entries that one answer gives.
pub const GIVEN_MAX: usize = 256;
/// A path, in bytes.
pub const PATH_BYTES_MAX: usize = NAME_BYTES_MAX + 1_024;
/// A message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256 << 10;

/// What a path takes in a message beside its bytes, at most, in bytes; and with
/// the beginning of a digest; and what a range takes beside its paths and items.
const PATH_FORM_BYTES: usize = 8;
const ITEM_FORM_BYTES: usize = PATH_FORM_BYTES + 16;
const RANGE_FORM_BYTES: usize = 40;
/// What a message takes beside all of those, in bytes.
const FORM_BYTES: usize = 64;

/// A path, as what it shares with the one before it and what follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Shortened(u16, ByteBuf);

/// An entry that is there: its path and the beginning of its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Item(Shortened, ByteBuf);

/// A range: where it begins and ends, the short sum over it, and either how
/// many entries it sums up or all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Range(Shortened, Shortened, ByteBuf, u64, Option<Vec<Item>>);

/// What one side says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    ranges: Vec<Range>,
    /// Paths of entries that the sender wants.
    wanted: Vec<Shortened>,
}

/// What the other side does about it.
#[derive(Debug, Default)]
pub struct Answer<'a> {
    /// What it says; `None` when all is found.
    pub message: Option<Message>,
    /// What the sender lacks.
    pub given: Vec<&'a Entry>,
}

/// The message was none, or beyond the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a malformed message of the reconciliation")]
pub struct Malformed;

impl Message {
    /// The first: everything, as one sum.
    pub fn first(table: &Table) -> Self {
        let mut writer = Writer::default();
        writer.sum(table, Span::ALL);
        writer.message
    }

    /// Whether it asks about everything at once, as the [`first`](Self::first).
    pub fn is_first(&self) -> bool {
        let [Range(from, to, .., items)] = self.ranges.as_slice() else { return false };
        from.1.is_empty() && to.1.is_empty() && items.is_none() && self.wanted.is_empty()
    }

    /// As it travels.
    pub fn encode(&self) -> Vec<u8> {
        crate::codec::encode(self)
    }

    /// From bytes of anybody.
    ///
    /// # Errors
    /// Bytes that are no message within the bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Malformed);
        }
        let message: Self = ion_codec::from_slice(bytes).map_err(|_| Malformed)?;
        let listed = message.ranges.iter().filter_map(|range| range.4.as_ref());
        let items: usize = listed.map(Vec::len).sum::<usize>() + message.wanted.len();
        let fits = message.ranges.len() <= RANGES_MAX && items <= ITEMS_MAX;
        if fits { Ok(message) } else { Err(Malformed) }
    }

    /// What a replica with this table does about it.
    ///
    /// # Errors
    /// Paths that are none, or ranges out of order.
    pub fn answer<'a>(&self, table: &'a Table) -> Result<Answer<'a>, Malformed> {
        let mut reader = Reader::default();
        let mut writer = Writer::default();
        let mut end = Some(Vec::new());
        for Range(from, to, short, count, items) in &self.ranges {
            let (from, to) = (reader.path(from)?, reader.path(to)?);
            let begins_in_order = end.is_some_and(|end: Vec<u8>| end <= from);
            if !begins_in_order || (!to.is_empty() && to <= from) {
                return Err(Malformed);
            }
            end = (!to.is_empty()).then(|| to.clone());
            let span = Span { from: &from, to: &to };
            match items {
                Some(items) => writer.compare(table, span, &reader.items(items)?),
                None => writer.narrow(table, span, short, *count),
            }
        }
        for wanted in &self.wanted {
            writer.given.extend(table.get(&reader.path(wanted)?));
        }
        Ok(writer.finish())
    }
}

/// Puts paths together again.
#[derive(Default)]
struct Reader {
    before: Vec<u8>,
}

impl Reader {
    fn path(&mut self, Shortened(shared, rest): &Shortened) -> Result<Vec<u8>, Malformed> {
        let shared = self.before.get(..usize::from(*shared)).ok_or(Malformed)?;
        let path = [shared, rest].concat();
        if path.len() > PATH_BYTES_MAX {
            return Err(Malformed);
        }
        self.before.clone_from(&path);
        Ok(path)
    }

    fn items<'a>(&mut self, items: &'a [Item]) -> Result<Map<Vec<u8>, &'a [u8]>, Malformed> {
        let item = |Item(path, digest): &'a Item| Ok((self.path(path)?, digest.as_slice()));
        items.iter().map(item).collect()
    }
}

/// Collects an answer.
#[derive(Default)]
struct Writer<'a> {
    message: Message,
    before: Vec<u8>,
    listed: usize,
    /// What ranges and wanted paths take, at most.
    bytes: usize,
    wanted: Vec<Vec<u8>>,
    given: Vec<&'a Entry>,
}

impl<'a> Writer<'a> {
    fn finish(mut self) -> Answer<'a> {
        for path in std::mem::take(&mut self.wanted) {
            let path = self.shorten(&path);
            self.message.wanted.push(path);
        }
        self.given.truncate(GIVEN_MAX);
        let is_something = !self.message.ranges.is_empty() || !self.message.wanted.is_empty();
        Answer { message: is_something.then_some(self.message), given: self.given }
    }

    fn shorten(&mut self, path: &[u8]) -> Shortened {
        let pairs = self.before.iter().zip(path);
        let shared = pairs.take_while(|(one, other)| one == other).count();
        self.before = path.to_vec();
        let shared = u16::try_from(shared).expect("paths are bounded");
        Shortened(shared, ByteBuf::from(&path[usize::from(shared)..]))
    }

    /// A range whose sum was heard: nothing where it is the same, else its
    /// parts or its entries.
    fn narrow(&mut self, table: &'a Table, span: Span<'_>, short: &[u8], count: u64) {
        let sum = table.sum(span);
        if sum.count == count && sum.short() == short {
            return;
        }
        if count == 0 {
            let room = GIVEN_MAX.saturating_sub(self.given.len());
            self.given.extend(table.range(span).take(room));
        } else if sum.count <= LEAF || count <= LEAF && sum.count <= LEAF * 4 {
            self.list(table, span, &sum);
        } else {
            self.cut(table, span, sum.count);
        }
    }

    fn cut(&mut self, table: &Table, span: Span<'_>, count: u64) {
        let step = usize::try_from(count).unwrap_or(usize::MAX).div_ceil(BRANCHES);
        let mut from = span.from.to_vec();
        let mut before: Option<&Entry> = None;
        for (place, entry) in table.range(span).enumerate() {
            if let Some(before) = before
                && place % step == 0
            {
                let border = border(before.path(), entry.path());
                self.sum(table, Span { from: &from, to: &border });
                from = border;
            }
            before = Some(entry);
        }
        self.sum(table, Span { from: &from, to: span.to });
    }

    fn list(&mut self, table: &Table, span: Span<'_>, sum: &Sum) {
        let before = self.before.clone();
        let bounds = (self.shorten(span.from), self.shorten(span.to));
        let item =
            |entry: &Entry| Item(self.shorten(entry.path()), ByteBuf::from(beginning(entry)));
        let items: Vec<Item> = table.range(span).map(item).collect();
        let listed = items.len();
        let fits = self.listed + self.wanted.len() + listed <= ITEMS_MAX;
        let range = Range(bounds.0, bounds.1, ByteBuf::new(), sum.count, Some(items));
        if fits && self.push(range) {
            self.listed += listed;
        } else {
            self.before = before;
        }
    }

    fn sum(&mut self, table: &Table, span: Span<'_>) {
        let sum = table.sum(span);
        let before = self.before.clone();
        let (from, to) = (self.shorten(span.from), self.shorten(span.to));
        let short = ByteBuf::from(sum.short());
        if !self.push(Range(from, to, short, sum.count, None)) {
            self.before = before;
        }
    }

    /// Says a range, if there is room for it.
    fn push(&mut self, range: Range) -> bool {
        let path_bytes = |path: &Shortened| path.1.len() + PATH_FORM_BYTES;
        let items = range.4.iter().flatten();
        let items_bytes: usize = items.map(|item| item.0.1.len() + ITEM_FORM_BYTES).sum();
        let bytes = path_bytes(&range.0) + path_bytes(&range.1) + items_bytes + RANGE_FORM_BYTES;
        let has_room = self.message.ranges.len() < RANGES_MAX && self.take(bytes);
        if has_room {
            self.message.ranges.push(range);
        }
        has_room
    }

    /// Takes room for so many bytes, if there is.
    fn take(&mut self, bytes: usize) -> bool {
        let has_room = self.bytes + bytes <= MESSAGE_BYTES_MAX - FORM_BYTES;
        if has_room {
            self.bytes += bytes;
        }
        has_room
    }

    /// All that the other side holds in a range: gives what it lacks, asks for
    /// what is lacking here.
    fn compare(&mut self, table: &'a Table, span: Span<'_>, theirs: &Map<Vec<u8>, &[u8]>) {
        let is_same = |path: &[u8], digest: &[u8]| {
            table.get(path).is_some_and(|own| beginning(own) == digest)
        };
        let lacking = theirs.iter().filter(|(path, digest)| !is_same(path, digest));
        for (path, _) in lacking {
            let has_room = self.listed + self.wanted.len() < ITEMS_MAX;
            if !has_room || !self.take(path.len() + PATH_FORM_BYTES) {
                break;
            }
            self.wanted.push(path.clone());
        }
        let lacks = |own: &&Entry| theirs.get(own.path()) != Some(&beginning(own));
        let room = GIVEN_MAX.saturating_sub(self.given.len());
        self.given.extend(table.range(span).filter(lacks).take(room));
    }
}

/// The beginning of an entry's digest, by which listed entries are compared.
fn beginning(entry: &Entry) -> &[u8] {
    &entry.digest()[..12]
}

/// The shortest path that one entry stands before and the next does not.
fn border(before: &[u8], next: &[u8]) -> Vec<u8> {
    let shared = before.iter().zip(next).take_while(|(one, other)| one == other).count();
    next[..next.len().min(shared + 1)].to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::kv::table::tests::entry;

    fn table(entries: impl IntoIterator<Item = Entry>) -> Table {
        let mut table = Table::default();
        entries.into_iter().for_each(|entry| drop(table.put(entry)));
        table
    }

    fn put_all(into: &mut Table, given: Vec<Entry>) -> usize {
        let count = given.len();
        for entry in given {
            if into.get(entry.path()).is_none_or(|own| entry.beats(own)) {
                into.put(entry);
            }
        }
        count
    }

    /// Lets two sides talk until nothing is left to say: bytes of messages,
    /// entries given, messages.
    fn talk(one: &mut Table, other: &mut Table) -> (usize, usize, usize) {
        let (mut bytes, mut given, mut messages) = (0, 0, 0);
        let mut said = Some(Message::first(one).encode());
        while let Some(message) = said {
            assert!(messages < 40, "they end");
            messages += 1;
            bytes += message.len();
            let message = Message::decode(&message).expect("it is within the bounds");
            let (hears, speaks) =
                if messages % 2 == 1 { (&mut *other, &mut *one) } else { (&mut *one, &mut *other) };
            let answer = message.answer(hears).expect("it is well-formed");
            let entries = answer.given.into_iter().cloned().collect();
            said = answer.message.map(|message| message.encode());
            given += put_all(speaks, entries);
        }
        (bytes, given, messages)
    }

    fn number(number: u32) -> Entry {
        entry(&format!("key-{number:06}"), Some("x"), 5, 1)
    }

    #[test]
    fn ten_differences_among_a_hundred_thousand_cost_few_bytes() {
        let step = 100_000 / 10;
        let mut one = table((0..100_000).map(number));
        let mut other = table((0..100_000).filter(|one| one % step != 777).map(number));
        let (bytes, given, messages) = talk(&mut one, &mut other);
        println!("{bytes} bytes in {messages} messages");
        assert_eq!((given, other.len()), (10, 100_000));
        assert!(bytes < 10 << 10, "{bytes} bytes in {messages} messages");
    }

    #[test]
    fn who_holds_nothing_gets_everything_in_turns() {
        let mut one = table((0..1_000).map(number));
        let mut other = Table::default();
        let turns = (1..20).find(|_| {
            talk(&mut other, &mut one);
            other.len() == 1_000
        });
        assert!(turns.is_some(), "{} of 1,000", other.len());
    }

    /// A thousand paths of a thousand bytes are more than one message may have.
    #[test]
    fn long_paths_take_several_talks() {
        let long = |number: u32, ms: u64| {
            let name = format!("{:08x}{}", number.wrapping_mul(0x9e37_79b9), "x".repeat(990));
            entry(&name, Some("x"), ms, 1)
        };
        let mut one = table((0..1_000).map(|number| long(number, u64::from(number % 2))));
        let mut other = table((0..1_000).map(|number| long(number, u64::from(number % 3))));
        let is_same = |one: &Table, other: &Table| one.sum(Span::ALL) == other.sum(Span::ALL);
        let turns = (1..40).find(|_| {
            talk(&mut other, &mut one);
            is_same(&one, &other)
        });
        assert!(turns.is_some(), "they never agree");
    }

    proptest! {
        /// Any two tables are the same after enough talks.
        #[test]
        fn two_sides_agree(
            left in prop::collection::vec((0_u32..200, 0_u64..3), 0..150),
            right in prop::collection::vec((0_u32..200, 0_u64..3), 0..150),
        ) {
            let of = |(name, ms): (u32, u64)| entry(&format!("{name}"), Some("x"), ms, 1);
            let (mut one, mut other) = (Table::default(), Table::default());
            put_all(&mut one, left.into_iter().map(of).collect());
            put_all(&mut other, right.into_iter().map(of).collect());
            talk(&mut one, &mut other);
            prop_assert!(one.range(Span::ALL).eq(other.range(Span::ALL)));
        }

        #[test]
        fn no_message_makes_it_panic(
            ranges in prop::collection::vec((0_u16..9, 0_u16..9, any::<[u8; 3]>(), 0_u64..99, prop::option::of(0_u16..9)), 0..9),
            wanted in prop::collection::vec((0_u16..9, any::<[u8; 2]>()), 0..9),
        ) {
            let path = |shared: u16, rest: &[u8]| Shortened(shared, ByteBuf::from(rest));
            let range = |(from, to, rest, count, item): (u16, u16, [u8; 3], u64, Option<u16>)| {
                let items = item.map(|shared| vec![Item(path(shared, &rest), ByteBuf::new())]);
                Range(path(from, &rest[..1]), path(to, &rest), ByteBuf::new(), count, items)
            };
            let message = Message {
                ranges: ranges.into_iter().map(range).collect(),
                wanted: wanted.into_iter().map(|(shared, rest)| path(shared, &rest)).collect(),
            };
            let table = table((0..50).map(number));
            let _ = Message::decode(&message.encode()).map(|message| drop(message.answer(&table)));
        }
    }

    #[test]
    fn bytes_that_are_no_message_are_refused() {
        assert_eq!(Message::decode(b"no"), Err(Malformed));
        assert_eq!(Message::decode(&vec![0; MESSAGE_BYTES_MAX + 1]), Err(Malformed));
        let path = || Shortened(0, ByteBuf::new());
        let message = Message { wanted: vec![path(); ITEMS_MAX + 1], ..Message::default() };
        assert_eq!(Message::decode(&message.encode()), Err(Malformed));
    }
}
