//! Copies bytes with changes: what is left alone stays as the guest's compiler wrote it.

use std::ops::Range;

use wasm_encoder::Encode;

/// A copy of a part of a binary, under way. Offsets are those of the binary.
pub(super) struct Rewrite<'a> {
    binary: &'a [u8],
    at: usize,
    end: usize,
    into: Vec<u8>,
}

impl<'a> Rewrite<'a> {
    /// Begins with nothing written.
    pub(super) fn new(binary: &'a [u8], range: Range<usize>) -> Self {
        Self::after(Vec::with_capacity(range.len()), binary, range)
    }

    /// Begins after what is written already.
    pub(super) fn after(into: Vec<u8>, binary: &'a [u8], range: Range<usize>) -> Self {
        Self { binary, at: range.start, end: range.end, into }
    }

    /// Copies up to an offset, and returns what has been written, to write more.
    pub(super) fn up_to(&mut self, offset: usize) -> &mut Vec<u8> {
        self.into.extend_from_slice(&self.binary[self.at..offset]);
        self.at = offset;
        &mut self.into
    }

    /// Leaves bytes of the binary out.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Copies up to a number in LEB128, and writes another in its place.
    pub(super) fn number(&mut self, offset: usize, number: u32) {
        number.encode(self.up_to(offset));
        self.skip(leb_length(&self.binary[offset..self.end]));
    }

    /// Copies the rest.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.up_to(self.end);
        self.into
    }
}

/// The bytes of the number in LEB128 that bytes begin with: up to the first
/// without the continuation bit.
fn leb_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| byte & 0x80 == 0).map_or(bytes.len(), |last| last + 1)
}

/// The content of a section: items, which are counted.
#[derive(Default)]
pub(super) struct Items {
    count: u32,
    bytes: Vec<u8>,
}

impl Items {
    /// The items of a section as it is.
    pub(super) fn of(count: u32, content: &[u8]) -> Self {
        Self { count, bytes: content[leb_length(content)..].to_vec() }
    }

    /// Adds an item that is encoded already.
    pub(super) fn push(&mut self, item: &[u8]) {
        self.count += 1;
        self.bytes.extend_from_slice(item);
    }

    /// Adds an item that has its length before it.
    pub(super) fn push_sized(&mut self, item: &[u8]) {
        self.count += 1;
        item.encode(&mut self.bytes);
    }

    /// How many items there are.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// How long they are together.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Appends them as a section.
    pub(super) fn write(&self, id: u8, into: &mut Vec<u8>) {
        self.write_after(&[], id, into);
    }

    /// Appends them as a custom section.
    pub(super) fn write_custom(&self, name: &str, into: &mut Vec<u8>) {
        let mut head = Vec::new();
        name.encode(&mut head);
        self.write_after(&head, 0, into);
    }

    fn write_after(&self, head: &[u8], id: u8, into: &mut Vec<u8>) {
        let mut head = head.to_vec();
        self.count.encode(&mut head);
        into.push(id);
        (head.len() + self.bytes.len()).encode(into);
        into.extend_from_slice(&head);
        into.extend_from_slice(&self.bytes);
    }
}
