//! Ranges of keys, and pages of what is in them.

use super::{Error, KEY_BYTES_MAX, PAGE_BYTES_MAX, PAGE_COUNT_MAX};
use crate::platform::storage::within;

/// Keys from one on, to before another or to the end of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    from: Vec<u8>,
    to: Option<Vec<u8>>,
}

impl Range {
    /// The whole table.
    pub fn all() -> Self {
        Self::default()
    }

    /// The key `from` and all after it.
    pub fn from(from: impl Into<Vec<u8>>) -> Self {
        Self { from: from.into(), to: None }
    }

    /// The key `from` and all after it that are below `to`; none when `to` is
    /// not above `from`.
    pub fn between(from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) -> Self {
        Self { from: from.into(), to: Some(to.into()) }
    }

    /// All keys that begin with these bytes.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let from = prefix.into();
        // What follows the last key with this prefix: its last byte that can
        // be raised is, and what comes after falls away. All 255 has no end.
        let kept = from.iter().rposition(|byte| *byte < u8::MAX);
        let to = kept.map(|last| {
            let mut to = from[..=last].to_vec();
            to[last] += 1;
            to
        });
        Self { from, to }
    }

    /// The part of this range that is above `key`.
    #[must_use]
    pub fn after(self, key: &[u8]) -> Self {
        let mut next = key.to_vec();
        next.push(0);
        Self { from: next.max(self.from), to: self.to }
    }

    /// The first key that can be in it.
    pub(crate) fn start(&self) -> &[u8] {
        &self.from
    }

    /// The first key after it, if it ends before the table does.
    pub(crate) fn end(&self) -> Option<&[u8]> {
        self.to.as_deref()
    }

    /// Whether no key can be in it; backends take such a range for an error.
    pub(crate) fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }

    /// Refuses bounds that are longer than any key's successor.
    pub(crate) fn check(&self) -> Result<(), Error> {
        within("key", self.from.len(), KEY_BYTES_MAX + 1)?;
        within("key", self.to.as_ref().map_or(0, Vec::len), KEY_BYTES_MAX + 1)
    }
}

/// How much a page may hold. A page holds at least one record, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimits {
    /// Most records; over [`PAGE_COUNT_MAX`] means that, 0 means 1.
    pub count_max: usize,
    /// Most bytes of keys and values; over [`PAGE_BYTES_MAX`] means that.
    pub bytes_max: usize,
}

impl PageLimits {
    /// The largest pages that there are.
    pub const LARGEST: Self = Self { count_max: PAGE_COUNT_MAX, bytes_max: PAGE_BYTES_MAX };

    /// These, within what is possible.
    pub(crate) fn possible(self) -> Self {
        Self {
            count_max: self.count_max.clamp(1, PAGE_COUNT_MAX),
            bytes_max: self.bytes_max.min(PAGE_BYTES_MAX),
        }
    }
}

/// Part of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What was found, in ascending order of keys.
    pub records: Vec<T>,
    /// The range of what is still to be read; absent when that was all. There
    /// may turn out to be nothing in it.
    pub rest: Option<Range>,
}

/// A page that is being filled.
pub(crate) struct Filling<T> {
    records: Vec<T>,
    bytes: usize,
    limits: PageLimits,
    full: bool,
}

impl<T> Filling<T> {
    pub(crate) fn new(limits: PageLimits) -> Self {
        Self { records: Vec::new(), bytes: 0, limits: limits.possible(), full: false }
    }

    /// Takes a record of that many bytes, unless the page is full.
    pub(crate) fn take(&mut self, record: T, bytes: usize) {
        let fits = self.bytes + bytes <= self.limits.bytes_max || self.records.is_empty();
        self.full |= !fits;
        if !self.full {
            self.records.push(record);
            self.bytes += bytes;
            self.full = self.records.len() == self.limits.count_max;
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// The page of a range, which has more if this became full.
    pub(crate) fn page(self, range: Range, key: impl Fn(&T) -> &[u8]) -> Page<T> {
        let last = self.records.last().filter(|_| self.full).map(key);
        let rest = last.map(|last| range.after(last)).filter(|rest| !rest.is_empty());
        Page { records: self.records, rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_the_next_one_begins() {
        assert_eq!(Range::prefix("ab"), Range::between("ab", "ac"));
        assert_eq!(Range::prefix([1, 255, 255]), Range::between([1, 255, 255], [2]));
        assert_eq!(Range::prefix([255, 255]), Range::from([255, 255]));
        assert_eq!(Range::prefix([]), Range::all());
    }

    #[test]
    fn what_is_after_a_key_excludes_it_and_nothing_else() {
        assert_eq!(Range::all().after(b"a"), Range::from("a\0"));
        assert_eq!(Range::between("b", "c").after(b"a"), Range::between("b", "c"));
        assert!(Range::between("a", "a\0").after(b"a").is_empty());
        assert!(Range::between("b", "a").is_empty());
    }

    #[test]
    fn a_page_holds_at_least_one_record_and_no_more_than_its_limits() {
        let mut one = Filling::new(PageLimits { count_max: 0, bytes_max: 0 });
        one.take(vec![1], 9);
        assert!(one.is_full());
        let page = one.page(Range::all(), Vec::as_slice);
        assert_eq!(page, Page { records: vec![vec![1]], rest: Some(Range::from([1, 0])) });

        let mut two = Filling::new(PageLimits { count_max: 9, bytes_max: 10 });
        two.take(vec![1], 5);
        two.take(vec![2], 5);
        assert!(!two.is_full());
        two.take(vec![3], 1);
        assert!(two.is_full());
        // What came too late is not taken even if it would fit.
        two.take(vec![4], 0);
        assert_eq!(two.page(Range::all(), Vec::as_slice).records, [[1], [2]]);
    }
}
