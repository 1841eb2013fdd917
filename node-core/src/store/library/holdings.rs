//! Who holds which parts of which files, and what each ion offers: what ions say
//! of themselves in the shared memory, in [`SPACE`] of each, where nobody else
//! can write.
//!
//! What an ion holds is spread over [`BUCKETS`] entries by the files' names, so
//! that a change writes a part of it. Bounds: [`FILES_MAX`] files and
//! [`PARTS_MAX`] parts in one entry of [`BYTES_MAX`] bytes: together more files
//! than an ion may name, and more parts than it may give room for. What is beyond
//! is not told, and nobody fetches it.

use ion_map::Map;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    codec,
    identity::IonId,
    store::{
        chunk::{CID_BYTES, Cid},
        kv::{Key, Space},
        replicas::{Part, placement::Offer},
    },
};

/// The space of each ion in which it says what it holds.
pub const SPACE: &str = "holds";
/// Entries that it says it in.
pub const BUCKETS: u8 = 64;
/// Files in one of them.
pub const FILES_MAX: usize = 800;
/// Parts in one of them: 1 TiB.
pub const PARTS_MAX: usize = 16_384;
/// An encoded entry, in bytes.
pub const BYTES_MAX: usize = 64 << 10;
/// What an entry takes beside its files, and a file beside its bits, at most, in
/// bytes.
const FORM_BYTES: usize = 128;
const FILE_BYTES: usize = CID_BYTES + 12;
/// The form's version.
const VERSION: u32 = 1;

/// What an ion says in one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    version: u32,
    /// What it offers; that of the first bucket counts.
    pub offer: Offer,
    /// Files, each with a bit for every part that it holds.
    files: Vec<(Cid, ByteBuf)>,
}

impl Statement {
    /// From the parts that it holds, ascending.
    pub fn new(offer: Offer, parts: impl IntoIterator<Item = Part>) -> Self {
        let mut files: Vec<(Cid, ByteBuf)> = Vec::new();
        let mut bytes = FORM_BYTES;
        for part in parts.into_iter().take(PARTS_MAX) {
            let (byte, bit) = place(part.number);
            let is_new = files.last().is_none_or(|(file, _)| *file != part.file);
            let known = if is_new { 0 } else { files.last().map_or(0, |(_, bits)| bits.len()) };
            let more = (byte + 1).saturating_sub(known) + usize::from(is_new) * FILE_BYTES;
            if bytes + more > BYTES_MAX || (is_new && files.len() == FILES_MAX) {
                break;
            }
            bytes += more;
            if is_new {
                files.push((part.file, ByteBuf::new()));
            }
            let (_, bits) = files.last_mut().expect("there is one now");
            let length = bits.len().max(byte + 1);
            bits.resize(length, 0);
            bits[byte] |= bit;
        }
        Self { version: VERSION, offer, files }
    }

    /// Whether it names no part.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// As it stands in the shared memory.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// From bytes of anybody; `None` where they are no statement.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let statement: Self = codec::decode(bytes, BYTES_MAX)?;
        let is_all = statement.files.len() <= FILES_MAX && statement.count() <= PARTS_MAX;
        (is_all && statement.version == VERSION).then_some(statement)
    }

    fn count(&self) -> usize {
        let bits = self.files.iter().flat_map(|(_, bits)| bits.iter());
        bits.map(|byte| byte.count_ones() as usize).sum()
    }

    /// The parts that it names.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        self.files.iter().flat_map(|(file, bits)| {
            let numbers = 0..bits.len() as u64 * 8;
            let is_set = |number: &u64| {
                let (byte, bit) = place(*number);
                bits.get(byte).is_some_and(|bits| bits & bit != 0)
            };
            numbers.filter(is_set).map(|number| Part { file: *file, number })
        })
    }
}

fn place(number: u64) -> (usize, u8) {
    (usize::try_from(number / 8).unwrap_or(usize::MAX), 1 << (number % 8))
}

/// The entry in which a file stands.
pub fn bucket(file: &Cid) -> u8 {
    file.hash()[0] % BUCKETS
}

/// Where an ion's statement of that number stands.
pub fn key(ion: IonId, bucket: u8) -> Key {
    Key { space: Space::Own(ion, SPACE.to_owned()), name: format!("{bucket:02}") }
}

/// Of an entry's key, whose statement it is and which.
pub fn of_key(key: &Key) -> Option<(IonId, u8)> {
    let Space::Own(ion, name) = &key.space else { return None };
    let bucket = key.name.parse().ok().filter(|bucket| *bucket < BUCKETS)?;
    (name == SPACE).then_some((*ion, bucket))
}

/// What all ions say.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    statements: Map<(IonId, u8), Vec<Part>>,
    offers: Map<IonId, Offer>,
}

impl Holdings {
    /// Takes what stands in an ion's entry now. Parts that it holds no longer,
    /// and those that it holds besides.
    pub(super) fn take(
        &mut self,
        (ion, bucket): (IonId, u8),
        value: Option<&[u8]>,
    ) -> (Vec<Part>, Vec<Part>) {
        let statement = value.and_then(Statement::decode);
        if let (Some(statement), 0) = (&statement, bucket) {
            self.offers.insert(ion, statement.offer);
        }
        let mut new: Vec<Part> = statement.iter().flat_map(Statement::parts).collect();
        new.sort_unstable();
        let old = self.statements.insert((ion, bucket), new.clone()).unwrap_or_default();
        let without = |all: &[Part], others: &[Part]| {
            all.iter().filter(|part| others.binary_search(part).is_err()).copied().collect()
        };
        (without(&old, &new), without(&new, &old))
    }

    /// What an ion offers, as far as it says.
    pub(super) fn offer(&self, ion: &IonId) -> Option<Offer> {
        self.offers.get(ion).copied()
    }

    /// Who holds parts of a file, and which.
    pub(super) fn of_file(&self, file: &Cid) -> Vec<(IonId, Part)> {
        let bucket = bucket(file);
        let statements = self.statements.iter().filter(|((_, number), _)| *number == bucket);
        let parts = statements.flat_map(|((ion, _), parts)| parts.iter().map(|part| (*ion, *part)));
        parts.filter(|(_, part)| part.file == *file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::chunk::Codec;

    fn part(file: &[u8], number: u64) -> Part {
        Part { file: Cid::of(Codec::DagCbor, file), number }
    }

    fn offer() -> Offer {
        Offer { capacity_mib: 100, has_room: true, is_leaving: false }
    }

    fn sorted(mut parts: Vec<Part>) -> Vec<Part> {
        parts.sort_unstable();
        parts
    }

    #[test]
    fn what_is_held_reads_back() {
        let parts = sorted(vec![part(b"a", 0), part(b"a", 9), part(b"b", 255), part(b"c", 1)]);
        let statement = Statement::new(offer(), parts.clone());
        let again = Statement::decode(&statement.encode()).expect("it was just encoded");
        assert_eq!(again.parts().collect::<Vec<_>>(), parts);
        assert_eq!(Statement::decode(b"nonsense"), None);
        let later = Statement { version: 2, ..statement };
        assert_eq!(Statement::decode(&later.encode()), None);
    }

    #[test]
    fn the_largest_statement_fits_and_what_is_beyond_is_left_out() {
        let files = (0..FILES_MAX as u64 + 5).map(|number| part(&number.to_le_bytes(), 255));
        let statement = Statement::new(offer(), sorted(files.collect()));
        assert!(statement.encode().len() <= BYTES_MAX);
        assert_eq!(statement.parts().count(), FILES_MAX);
        assert!(Statement::decode(&statement.encode()).is_some());
        let long = (0..FILES_MAX as u64).map(|number| part(&number.to_le_bytes(), 9_999));
        let statement = Statement::new(offer(), sorted(long.collect()));
        assert!(statement.encode().len() <= BYTES_MAX);
        let whole = (0..PARTS_MAX as u64 + 5).map(|number| part(b"a", number));
        let statement = Statement::new(offer(), whole);
        assert_eq!(statement.parts().count(), PARTS_MAX);
        let again = Statement::decode(&statement.encode()).expect("it keeps the bounds");
        assert_eq!(again, statement);
    }

    #[test]
    fn who_claims_more_than_there_can_be_is_not_believed() {
        let file = |number: u8| (part(&[number], 0).file, ByteBuf::from(vec![0xff; 1_000]));
        let files = (0..60).map(file).collect();
        let statement = Statement { version: VERSION, offer: offer(), files };
        assert!(statement.encode().len() <= BYTES_MAX);
        assert_eq!(Statement::decode(&statement.encode()), None);
    }

    #[test]
    fn only_differences_are_told() {
        let ion = IonId::from_bytes([1; 32]);
        let mut holdings = Holdings::default();
        let [one, two, three] = [1, 2, 3].map(|number| part(b"a", number));
        let mut say = |parts: &[Part]| {
            let value = Statement::new(offer(), parts.iter().copied()).encode();
            holdings.take((ion, 0), Some(&value))
        };
        assert_eq!(say(&[one, two]), (vec![], vec![one, two]));
        assert_eq!(say(&[two, three]), (vec![one], vec![three]));
        assert_eq!(holdings.take((ion, 0), None), (vec![two, three], vec![]));
        assert_eq!(holdings.offer(&ion), Some(offer()));
    }

    #[test]
    fn only_keys_of_statements_are_read() {
        let ion = IonId::from_bytes([1; 32]);
        assert_eq!(of_key(&key(ion, 15)), Some((ion, 15)));
        let other = |space, name: &str| of_key(&Key { space, name: name.to_owned() });
        assert_eq!(other(Space::Own(ion, SPACE.to_owned()), "64"), None);
        assert_eq!(other(Space::Own(ion, "other".to_owned()), "01"), None);
        assert_eq!(other(Space::Members(SPACE.to_owned()), "01"), None);
    }
}
