//! Ordered maps and sets for machines, which go through them in the same
//! order everywhere.
//!
//! [`Map`] and [`Set`] have the names, results and order of the standard
//! library's B-trees, and keep keys and values in two sorted vectors. A B-tree
//! is compiled anew for every pair of types, at about a kilobyte of what a tab
//! downloads; here the search is compiled once a type of key.
//!
//! Bounds: finding takes a logarithm of comparisons; inserting and removing
//! also move what lies behind, some microseconds at 4,096 entries (boxed
//! values move less). So they are for tables whose limit is that or less.
//! What may grow longer, or is emptied from its front, is a [`LongMap`] or a
//! [`LongSet`]. They limit nothing themselves; whoever holds one does.
//!
//! [`sort()`] and its like are for the same reason: the standard library's sorts
//! are compiled anew for every pair of type and order, at four kilobytes each.

mod long;
mod set;
mod sort;

use std::{
    borrow::Borrow,
    fmt::{self, Debug, Formatter},
    iter::Zip,
    ops::{Bound, Index, Range, RangeBounds},
    slice, vec,
};

pub use long::{LongMap, LongSet};
pub use set::Set;
pub use sort::{sort, sort_by, sort_by_key};

/// The entries of a [`Map`] in ascending order of their keys.
pub type Iter<'a, K, V> = Zip<slice::Iter<'a, K>, slice::Iter<'a, V>>;
/// The same with values that may be changed.
pub type IterMut<'a, K, V> = Zip<slice::Iter<'a, K>, slice::IterMut<'a, V>>;
/// The entries of a [`Map`] that is no more, in ascending order of their keys.
pub type IntoIter<K, V> = Zip<vec::IntoIter<K>, vec::IntoIter<V>>;

/// Values by key, in ascending order of the keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Map<K, V> {
    /// Ascending, each once.
    keys: Vec<K>,
    /// As many, in the order of their keys.
    values: Vec<V>,
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Debug, V: Debug> Debug for Map<K, V> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

impl<K, V> Map<K, V> {
    /// Nothing.
    pub const fn new() -> Self {
        Self { keys: Vec::new(), values: Vec::new() }
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
    }

    /// The entries.
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.keys.iter().zip(&self.values)
    }

    /// The entries, with values that may be changed.
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        self.keys.iter().zip(&mut self.values)
    }

    /// The keys.
    pub fn keys(&self) -> slice::Iter<'_, K> {
        self.keys.iter()
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> slice::Iter<'_, V> {
        self.values.iter()
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> slice::IterMut<'_, V> {
        self.values.iter_mut()
    }

    /// Only the keys.
    pub fn into_keys(self) -> vec::IntoIter<K> {
        self.keys.into_iter()
    }

    /// Only the values, in the order of their keys.
    pub fn into_values(self) -> vec::IntoIter<V> {
        self.values.into_iter()
    }

    /// The entry with the least key.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.keys.first().zip(self.values.first())
    }

    /// The same, taken out; what is behind it moves.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.is_empty()).then(|| self.take_at(0))
    }

    /// Keeps the entries that a test wants, which is asked in order.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&K, &mut V) -> bool) {
        let mut kept = 0;
        for at in 0..self.len() {
            if is_kept(&self.keys[at], &mut self.values[at]) {
                self.keys.swap(kept, at);
                self.values.swap(kept, at);
                kept += 1;
            }
        }
        self.keys.truncate(kept);
        self.values.truncate(kept);
    }

    fn take_at(&mut self, at: usize) -> (K, V) {
        (self.keys.remove(at), self.values.remove(at))
    }

    /// Takes out the entries from a place on.
    fn cut(&mut self, at: usize) -> Self {
        Self { keys: self.keys.split_off(at), values: self.values.split_off(at) }
    }
}

impl<K: Ord, V> Map<K, V> {
    /// The value at a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        find(&self.keys, key).ok().map(|at| &self.values[at])
    }

    /// The same, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        find(&self.keys, key).ok().map(|at| &mut self.values[at])
    }

    /// Whether there is a value at a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        find(&self.keys, key).is_ok()
    }

    /// Sets the value at a key and returns the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match find(&self.keys, &key) {
            Ok(at) => Some(std::mem::replace(&mut self.values[at], value)),
            Err(at) => {
                self.keys.insert(at, key);
                self.values.insert(at, value);
                None
            }
        }
    }

    /// Removes the value at a key and returns it.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        find(&self.keys, key).ok().map(|at| self.take_at(at).1)
    }

    /// The place of a key, to be filled if it is empty.
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Entry { place: find(&self.keys, &key), map: self, key }
    }

    /// The entries whose keys lie between two bounds; none where these cross.
    pub fn range(&self, bounds: impl RangeBounds<K>) -> Iter<'_, K, V> {
        let places = self.places(bounds.start_bound(), bounds.end_bound());
        self.keys[places.clone()].iter().zip(&self.values[places])
    }

    /// Takes out the entries from a key on.
    #[must_use]
    pub fn split_off(&mut self, from: &K) -> Self {
        let (Ok(at) | Err(at)) = find(&self.keys, from);
        self.cut(at)
    }

    fn places(&self, from: Bound<&K>, to: Bound<&K>) -> Range<usize> {
        let end = match to {
            Bound::Unbounded => self.len(),
            Bound::Included(key) => find(&self.keys, key).map_or_else(|at| at, |at| at + 1),
            Bound::Excluded(key) => find(&self.keys, key).unwrap_or_else(|at| at),
        };
        let start = match from {
            Bound::Unbounded => 0,
            Bound::Included(key) => find(&self.keys, key).unwrap_or_else(|at| at),
            Bound::Excluded(key) => find(&self.keys, key).map_or_else(|at| at, |at| at + 1),
        };
        start.min(end)..end
    }
}

/// Where a key is, or belongs. Not inlined, for it is the same for all values.
#[inline(never)]
fn find<K: Borrow<Q>, Q: Ord + ?Sized>(keys: &[K], key: &Q) -> Result<usize, usize> {
    keys.binary_search_by(|known| known.borrow().cmp(key))
}

/// The place of one key in a [`Map`].
pub struct Entry<'a, K, V> {
    map: &'a mut Map<K, V>,
    key: K,
    place: Result<usize, usize>,
}

impl<'a, K, V> Entry<'a, K, V> {
    /// The value; an empty place is first filled with a new one.
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        let (Ok(at) | Err(at)) = self.place;
        if self.place.is_err() {
            self.map.values.insert(at, make());
            self.map.keys.insert(at, self.key);
        }
        &mut self.map.values[at]
    }

    /// The value; an empty place is first filled with this one.
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// The value; an empty place is first filled with the default.
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

impl<K: Ord, V> Extend<(K, V)> for Map<K, V> {
    fn extend<T: IntoIterator<Item = (K, V)>>(&mut self, entries: T) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for Map<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        Self::from_iter(entries)
    }
}

impl<K: Ord + Borrow<Q>, Q: Ord + ?Sized, V> Index<&Q> for Map<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("whoever indexes knows that the key is there")
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.into_iter().zip(self.values)
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V> IntoIterator for &'a mut Map<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(test)]
mod tests;
