//! Maps and sets that may grow long: sorted blocks, in order.
//!
//! Bounds: a block holds at most [`BLOCK_MAX`] entries, so that inserting and
//! removing move no more than these, and a place for each block that follows.
//! Counting looks at every block. They limit nothing themselves.

use std::{
    borrow::Borrow,
    fmt::{self, Debug, Formatter},
    vec,
};

use super::{Entry, Map};

/// Entries in a block before it is cut in two.
const BLOCK_MAX: usize = 256;

/// What a [`Map`] is, for any number of entries.
#[derive(Clone)]
pub struct LongMap<K, V> {
    /// Ascending; none is empty, unless it is the only one.
    blocks: Vec<Map<K, V>>,
}

impl<K, V> Default for LongMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Debug, V: Debug> Debug for LongMap<K, V> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for LongMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<K: Eq, V: Eq> Eq for LongMap<K, V> {}

impl<K, V> LongMap<K, V> {
    /// Nothing.
    pub const fn new() -> Self {
        Self { blocks: Vec::new() }
    }

    /// How many entries; looks at every block.
    pub fn len(&self) -> usize {
        self.blocks.iter().map(Map::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.first().is_none_or(Map::is_empty)
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.blocks.clear();
    }

    /// The entries.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.blocks.iter().flatten()
    }

    /// The entries, with values that may be changed.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&K, &mut V)> {
        self.blocks.iter_mut().flatten()
    }

    /// The keys.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.blocks.iter().flat_map(Map::keys)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.blocks.iter().flat_map(Map::values)
    }

    /// The entry with the least key.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.blocks.first().and_then(Map::first_key_value)
    }

    /// The same, taken out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        let taken = self.blocks.first_mut()?.pop_first();
        self.drop_empty(0);
        taken
    }

    /// The entry with the greatest key, taken out.
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        let at = self.blocks.len().checked_sub(1)?;
        let block = &mut self.blocks[at];
        let taken = block.len().checked_sub(1).map(|last| block.take_at(last));
        self.drop_empty(at);
        taken
    }

    /// Keeps the entries that a test wants, which is asked in order.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&K, &mut V) -> bool) {
        self.blocks.iter_mut().for_each(|block| block.retain(&mut is_kept));
        self.blocks.retain(|block| !block.is_empty());
    }

    fn drop_empty(&mut self, at: usize) {
        if self.blocks[at].is_empty() {
            self.blocks.remove(at);
        }
    }
}

impl<K: Ord, V> LongMap<K, V> {
    /// The value at a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.blocks.get(self.block_of(key))?.get(key)
    }

    /// The same, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.block_of(key);
        self.blocks.get_mut(at)?.get_mut(key)
    }

    /// Whether there is a value at a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// Sets the value at a key and returns the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.block_for(&key).insert(key, value)
    }

    /// The place of a key, to be filled if it is empty.
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        self.block_for(&key).entry(key)
    }

    /// Removes the value at a key and returns it.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.block_of(key);
        let taken = self.blocks.get_mut(at)?.remove(key)?;
        self.drop_empty(at);
        Some(taken)
    }

    /// The entries from a key on.
    pub fn range_from<'a, Q: Ord + ?Sized>(
        &'a self,
        from: &'a Q,
    ) -> impl Iterator<Item = (&'a K, &'a V)>
    where
        K: Borrow<Q>,
    {
        let blocks = self.blocks.iter().skip(self.block_of(from));
        blocks.flatten().skip_while(move |(key, _)| (*key).borrow() < from)
    }

    /// The first block that a key may stand in; their number when all end before it.
    fn block_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        let ends_before = |block: &Map<K, V>| {
            let last = block.keys.last();
            last.is_some_and(|last| last.borrow() < key)
        };
        self.blocks.partition_point(ends_before)
    }

    /// The block that a key belongs to, with room for it.
    fn block_for(&mut self, key: &K) -> &mut Map<K, V> {
        if self.blocks.is_empty() {
            self.blocks.push(Map::new());
        }
        let mut at = self.block_of(key).min(self.blocks.len() - 1);
        let block = &mut self.blocks[at];
        if block.len() >= BLOCK_MAX {
            let upper = block.cut(BLOCK_MAX / 2);
            let is_upper = upper.keys[0] <= *key;
            self.blocks.insert(at + 1, upper);
            at += usize::from(is_upper);
        }
        &mut self.blocks[at]
    }
}

impl<K: Ord, V> Extend<(K, V)> for LongMap<K, V> {
    fn extend<T: IntoIterator<Item = (K, V)>>(&mut self, entries: T) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for LongMap<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K, V> IntoIterator for LongMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::iter::Flatten<vec::IntoIter<Map<K, V>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.blocks.into_iter().flatten()
    }
}

/// What a [`Set`](super::Set) is, for any number of keys.
#[derive(Clone, PartialEq, Eq)]
pub struct LongSet<K>(LongMap<K, ()>);

impl<K> Default for LongSet<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Debug> Debug for LongSet<K> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.iter()).finish()
    }
}

impl<K> LongSet<K> {
    /// Nothing.
    pub const fn new() -> Self {
        Self(LongMap::new())
    }

    /// How many keys; looks at every block.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.keys()
    }

    /// The least key, taken out.
    pub fn pop_first(&mut self) -> Option<K> {
        self.0.pop_first().map(|(key, ())| key)
    }
}

impl<K: Ord> LongSet<K> {
    /// The keys from one on.
    pub fn range_from<'a, Q: Ord + ?Sized>(&'a self, from: &'a Q) -> impl Iterator<Item = &'a K>
    where
        K: Borrow<Q>,
    {
        self.0.range_from(from).map(|(key, ())| key)
    }

    /// Whether a key is in it.
    pub fn contains<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    /// Adds a key; says whether it is new.
    pub fn insert(&mut self, key: K) -> bool {
        self.0.insert(key, ()).is_none()
    }

    /// Removes a key; says whether it was there.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.remove(key).is_some()
    }
}
