//! Reads the part of a file's ledger that a range of its bytes needs.

use std::ops::Range;

use super::{List, Refusal, shape::Shape};
use crate::store::chunk::Cid;

/// A chunk, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The chunk.
    pub cid: Cid,
    /// How many chunks stand before it.
    pub index: u64,
    /// The whole chunk's length, in bytes.
    pub bytes: u32,
    /// What of it lies in the range that was asked for, in bytes from its
    /// beginning.
    pub range: Range<u32>,
}

impl Piece {
    /// The part that was asked for, from the bytes of the whole chunk.
    ///
    /// # Errors
    /// [`Refusal::ChunkSize`] and [`Refusal::Bytes`] where they are not the chunk's.
    pub fn of<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], Refusal> {
        let found = bytes.len() as u64;
        if found != u64::from(self.bytes) {
            return Err(Refusal::ChunkSize { expected: self.bytes, found });
        }
        if !self.cid.is_of(bytes) {
            return Err(Refusal::Bytes);
        }
        Ok(&bytes[self.range.start as usize..self.range.end as usize])
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// This list has to be given first: [`Walk::give`].
    List(Cid),
    /// The next chunk.
    Chunk(Piece),
    /// There is no more.
    End,
}

/// A walk over a range of a file. Holds one block's links a level.
#[derive(Clone, Debug)]
pub struct Walk {
    shape: Shape,
    /// The root first; each is below the one before.
    blocks: Vec<Links>,
    range: Range<u64>,
    /// The next chunk.
    next: u64,
}

#[derive(Clone, Debug)]
struct Links {
    links: Vec<Cid>,
    /// Levels below it.
    level: u32,
    /// Its first chunk.
    first: u64,
}

impl Walk {
    pub(super) fn new(shape: Shape, links: Vec<Cid>, range: Range<u64>) -> Self {
        let range = range.start..range.end.min(shape.size);
        let next = range.start / u64::from(shape.chunk_bytes);
        let root = Links { links, level: shape.depth(), first: 0 };
        Self { shape, blocks: vec![root], range, next }
    }

    /// What comes next. Where it is a list, the same until that is given.
    pub fn step(&mut self) -> Step {
        if self.is_over() {
            return Step::End;
        }
        let (link, level) = self.link();
        if level > 0 {
            return Step::List(link);
        }
        let (start, bytes) = (self.start(), self.shape.chunk_len(self.next));
        let inside = |place: u64| {
            let place = place.saturating_sub(start).min(u64::from(bytes));
            u32::try_from(place).expect("a chunk is not longer than that")
        };
        let range = inside(self.range.start)..inside(self.range.end);
        let piece = Piece { cid: link, index: self.next, bytes, range };
        self.next += 1;
        Step::Chunk(piece)
    }

    /// Gives the bytes of the list that [`step`](Self::step) asked for.
    ///
    /// # Errors
    /// Whatever it is that makes them not this list. The walk stays where it is.
    pub fn give(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let (cid, level) = if self.is_over() { return Err(Refusal::Unasked) } else { self.link() };
        if level == 0 {
            return Err(Refusal::Unasked);
        }
        if !cid.is_of(bytes) {
            return Err(Refusal::Bytes);
        }
        let links = List::decode(bytes)?;
        let span = self.shape.span(level);
        let block = Links { links, level: level - 1, first: self.next / span * span };
        self.shape.check_links(&block.links, block.level, block.first)?;
        self.blocks.push(block);
        Ok(())
    }

    /// Where the next chunk begins, in bytes.
    fn start(&self) -> u64 {
        self.next * u64::from(self.shape.chunk_bytes)
    }

    fn is_over(&self) -> bool {
        self.start().max(self.range.start) >= self.range.end
    }

    /// The link that leads to the next chunk, and the levels below it. Blocks
    /// that the walk has left are dropped.
    fn link(&mut self) -> (Cid, u32) {
        loop {
            let block = self.blocks.last().expect("the root has all chunks of the file below it");
            let place = (self.next - block.first) / self.shape.span(block.level);
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            if let Some(link) = block.links.get(place) {
                return (*link, block.level);
            }
            self.blocks.pop();
        }
    }
}
