//! Entries in the order of their paths, with sums over any range of them.
//!
//! The entries stand in blocks, each of which knows the sum of its digests, so
//! that the sum of a range costs its blocks and two parts of blocks: some
//! hundred additions among 100,000 entries.

use super::entry::{Digest, Entry};

/// Entries in a block before it is cut in two.
const BLOCK_MAX: usize = 256;

/// The sum of digests as numbers modulo 2^256, and how many there are. Equal
/// sums mean equal sets, but for those who can look for a collision: members,
/// who could as well withhold what they know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    limbs: [u64; 4],
    /// How many digests.
    pub count: u64,
}

impl Sum {
    /// Sixteen bytes that stand for the sum.
    pub fn short(&self) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new();
        for limb in &self.limbs {
            hasher.update(&limb.to_le_bytes());
        }
        hasher.update(&self.count.to_le_bytes());
        *hasher.finalize().as_bytes().first_chunk().expect("a digest is longer")
    }

    fn add(&mut self, other: &Self) {
        let mut carry = false;
        for (limb, more) in self.limbs.iter_mut().zip(other.limbs) {
            (*limb, carry) = limb.carrying_add(more, carry);
        }
        self.count += other.count;
    }

    fn take(&mut self, other: &Self) {
        let mut borrow = false;
        for (limb, less) in self.limbs.iter_mut().zip(other.limbs) {
            (*limb, borrow) = limb.borrowing_sub(less, borrow);
        }
        self.count -= other.count;
    }
}

impl From<&Digest> for Sum {
    fn from(digest: &Digest) -> Self {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(digest.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*bytes);
        }
        Self { limbs, count: 1 }
    }
}

/// From `from` up to, but without, `to`; an empty `to` is the end of all.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// The first path that belongs to it.
    pub from: &'a [u8],
    /// The first path that does not.
    pub to: &'a [u8],
}

impl Span<'_> {
    /// Everything.
    pub const ALL: Self = Self { from: &[], to: &[] };

    /// Whether a path belongs to it.
    pub(super) fn holds(&self, path: &[u8]) -> bool {
        path >= self.from && !self.ends_before(path)
    }

    fn ends_before(&self, path: &[u8]) -> bool {
        !self.to.is_empty() && path >= self.to
    }
}

#[derive(Debug, Default)]
struct Block {
    /// Never empty, ascending.
    entries: Vec<Entry>,
    sum: Sum,
}

impl Block {
    fn of(entries: Vec<Entry>) -> Self {
        let mut sum = Sum::default();
        for entry in &entries {
            sum.add(&entry.digest().into());
        }
        Self { entries, sum }
    }

    fn find(&self, path: &[u8]) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.path().cmp(path))
    }

    fn last(&self) -> &[u8] {
        self.entries.last().map_or(&[], Entry::path)
    }
}

/// A set of entries, one a path.
#[derive(Debug, Default)]
pub struct Table {
    blocks: Vec<Block>,
}

impl Table {
    /// How many entries.
    pub fn len(&self) -> usize {
        self.blocks.iter().map(|block| block.entries.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The entry at a path.
    pub fn get(&self, path: &[u8]) -> Option<&Entry> {
        let block = self.blocks.get(self.block_of(path))?;
        block.find(path).ok().map(|place| &block.entries[place])
    }

    /// Puts an entry at its path; gives the one that stood there.
    pub fn put(&mut self, entry: Entry) -> Option<Entry> {
        let at = self.block_of(entry.path()).min(self.blocks.len().saturating_sub(1));
        let Some(block) = self.blocks.get_mut(at) else {
            self.blocks.push(Block::of(vec![entry]));
            return None;
        };
        block.sum.add(&entry.digest().into());
        match block.find(entry.path()) {
            Ok(place) => {
                let old = std::mem::replace(&mut block.entries[place], entry);
                block.sum.take(&old.digest().into());
                Some(old)
            }
            Err(place) => {
                block.entries.insert(place, entry);
                self.cut(at);
                None
            }
        }
    }

    /// Takes the entry at a path away.
    pub fn remove(&mut self, path: &[u8]) -> Option<Entry> {
        let at = self.block_of(path);
        let block = self.blocks.get_mut(at)?;
        let place = block.find(path).ok()?;
        let old = block.entries.remove(place);
        block.sum.take(&old.digest().into());
        if block.entries.is_empty() {
            self.blocks.remove(at);
        }
        Some(old)
    }

    /// The entries of a range, ascending.
    pub fn range<'a>(&'a self, span: Span<'_>) -> impl Iterator<Item = &'a Entry> {
        let blocks = self.blocks.iter().skip(self.block_of(span.from));
        let entries = blocks.flat_map(|block| &block.entries);
        entries
            .skip_while(move |entry| entry.path() < span.from)
            .take_while(move |entry| !span.ends_before(entry.path()))
    }

    /// The sum over a range.
    pub fn sum(&self, span: Span<'_>) -> Sum {
        let mut sum = Sum::default();
        for block in self.blocks.iter().skip(self.block_of(span.from)) {
            let first = block.entries[0].path();
            if span.ends_before(first) {
                break;
            }
            if first >= span.from && !span.ends_before(block.last()) {
                sum.add(&block.sum);
                continue;
            }
            let is_in = |entry: &&Entry| span.holds(entry.path());
            block.entries.iter().filter(is_in).for_each(|entry| sum.add(&entry.digest().into()));
        }
        sum
    }

    /// The first block that a path may stand in; their number when all end
    /// before it.
    fn block_of(&self, path: &[u8]) -> usize {
        self.blocks.partition_point(|block| block.last() < path)
    }

    fn cut(&mut self, at: usize) {
        let block = &mut self.blocks[at];
        if block.entries.len() <= BLOCK_MAX {
            return;
        }
        let upper = Block::of(block.entries.split_off(BLOCK_MAX / 2));
        block.sum.take(&upper.sum);
        self.blocks.insert(at + 1, upper);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_bytes::ByteBuf;

    use super::*;
    use crate::{
        identity::{IonId, SimKeys},
        store::kv::{
            entry::{Body, Key, Space},
            stamp::Stamp,
        },
    };

    /// An entry that everybody may write.
    pub(in crate::store::kv) fn entry(
        name: &str,
        value: Option<&str>,
        ms: u64,
        author: u8,
    ) -> Entry {
        let author = IonId::from_bytes([author; 32]);
        let key = Key { space: Space::Members("test".to_owned()), name: name.to_owned() };
        let value = value.map(|value| ByteBuf::from(value.as_bytes()));
        let body = Body { key, value, stamp: Stamp::at_ms(ms), ends_ms: None, author, over: None };
        Entry::sign(&SimKeys::of(author), body).expect("it is within the bounds")
    }

    fn plain_sum<'a>(entries: impl Iterator<Item = &'a Entry>) -> Sum {
        let mut sum = Sum::default();
        entries.for_each(|entry| sum.add(&entry.digest().into()));
        sum
    }

    proptest! {
        /// Against a plain ordered map: contents, ranges and sums.
        #[test]
        fn it_is_an_ordered_map_with_sums(
            steps in prop::collection::vec((0_u32..600, prop::bool::weighted(0.8), 0_u64..9), 1..900),
            from in 0_u32..600,
            to in 0_u32..600,
        ) {
            let (mut table, mut plain) = (Table::default(), BTreeMap::new());
            for (number, is_put, ms) in steps {
                let entry = entry(&format!("{number:04}"), Some("x"), ms, 1);
                let path = entry.path().to_vec();
                if is_put {
                    prop_assert_eq!(table.put(entry.clone()), plain.insert(path, entry));
                } else {
                    prop_assert_eq!(table.remove(&path), plain.remove(&path));
                }
            }
            prop_assert_eq!(table.len(), plain.len());
            prop_assert!(table.range(Span::ALL).eq(plain.values()));
            prop_assert_eq!(table.sum(Span::ALL), plain_sum(plain.values()));
            let path = |number: u32| entry(&format!("{number:04}"), None, 0, 1).path().to_vec();
            let (from, to) = (path(from.min(to)), path(from.max(to)));
            let span = Span { from: &from, to: &to };
            let inside = || plain.range(from.clone()..to.clone()).map(|(_, entry)| entry);
            prop_assert!(table.range(span).eq(inside()));
            prop_assert_eq!(table.sum(span), plain_sum(inside()));
        }
    }
}
