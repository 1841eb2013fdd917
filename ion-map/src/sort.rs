//! Stable sorting, compiled once.
//!
//! What is sorted is a list of places, by a comparison that is called through a
//! pointer; then each element is moved to where it belongs. Bounds: as the
//! standard library's, n · log n comparisons, and a list of n places.

use std::cmp::Ordering;

/// Sorts in ascending order; equal elements stay in theirs.
pub fn sort<T: Ord>(elements: &mut [T]) {
    sort_by(elements, T::cmp);
}

/// Sorts by a key, ascending; elements with equal keys stay in their order.
pub fn sort_by_key<T, K: Ord>(elements: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(elements, |one, other| key(one).cmp(&key(other)));
}

/// Sorts by a comparison; equal elements stay in their order.
pub fn sort_by<T>(elements: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut origins =
        origins(elements.len(), &|one, other| compare(&elements[one], &elements[other]));
    for place in 0..elements.len() {
        // What belongs here may have been moved away from where it began, once
        // for each place before that took its element: follow it.
        let mut from = origins[place];
        while from < place {
            from = origins[from];
        }
        origins[place] = from;
        elements.swap(place, from);
    }
}

/// For each place of the sorted list, where its element began.
#[inline(never)]
fn origins(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut origins: Vec<usize> = (0..count).collect();
    origins.sort_by(|one, other| compare(*one, *other));
    origins
}
