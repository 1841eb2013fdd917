//! The store's parts by themselves in a page: the disk over `IndexedDB`, the
//! names of blocks, the shared memory without anybody to share it with.
//! `store-page.js` beside this crate times them; what they are measured against
//! is `tests/js/raw/disk.js`.

#![cfg(target_arch = "wasm32")]

mod disk;
mod memory;

use node_core::store::chunk::{CHUNK_BYTES, Cid, Codec};
use wasm_bindgen::prelude::wasm_bindgen;

pub use disk::TestDisk;
pub use memory::TestMemory;

/// A block's length, in bytes.
#[wasm_bindgen(js_name = blockBytes)]
#[must_use]
pub fn block_bytes() -> u32 {
    CHUNK_BYTES
}

/// Blocks that are to be named.
#[wasm_bindgen]
#[derive(Debug)]
pub struct TestBlocks {
    bytes: Vec<u8>,
}

#[wasm_bindgen]
impl TestBlocks {
    /// The blocks of these bytes.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Names them; a byte of all names together, so that none is left out.
    #[must_use]
    pub fn name(&self) -> u8 {
        let blocks = self.bytes.chunks(CHUNK_BYTES as usize);
        blocks.fold(0, |all, block| all ^ Cid::of(Codec::Raw, block).hash()[31])
    }
}
