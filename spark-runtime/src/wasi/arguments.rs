//! A call's arguments. What is not there reads as nought; the table of functions
//! says what is there.

/// The first arguments, of 32 bits each.
pub(super) fn words<const N: usize>(arguments: &[u64]) -> [u32; N] {
    std::array::from_fn(|index| (long(arguments, index) & 0xffff_ffff) as u32)
}

/// One argument of 64 bits.
pub(super) fn long(arguments: &[u64], index: usize) -> u64 {
    arguments.get(index).copied().unwrap_or_default()
}
