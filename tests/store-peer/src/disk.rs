//! The ion's disk, as the library writes and reads it.

use node_core::{
    platform::{
        Disk, Platform,
        disk::{Changes, Table},
        web::WebPlatform,
    },
    store::{
        blocks::{READ_BYTES, WRITE_BYTES},
        chunk::{CHUNK_BYTES, Cid, Codec},
    },
};
use wasm_bindgen::prelude::wasm_bindgen;

/// Blocks of one write, and of one read.
const WRITE_TOGETHER: usize = WRITE_BYTES / CHUNK_BYTES as usize;
const READ_TOGETHER: usize = READ_BYTES / CHUNK_BYTES as usize;

/// A disk, what is to be written on it, and the names of what was.
#[wasm_bindgen]
pub struct TestDisk {
    disk: <WebPlatform as Platform>::Disk,
    blocks: Vec<Vec<u8>>,
    cids: Vec<Cid>,
}

#[wasm_bindgen]
impl TestDisk {
    /// Opens the disk of that name.
    pub async fn open(name: String) -> Result<Self, String> {
        let platform = WebPlatform::new().map_err(|why| why.to_string())?;
        let disk = platform.open_disk(&name).await.map_err(|why| why.to_string())?;
        Ok(Self { disk, blocks: Vec::new(), cids: Vec::new() })
    }

    /// Takes bytes to be written, as blocks.
    pub fn take(&mut self, bytes: &[u8]) {
        self.blocks = bytes.chunks(CHUNK_BYTES as usize).map(<[u8]>::to_vec).collect();
        // Naming is measured by itself: these names need only be different.
        self.cids = self.blocks.iter().map(|block| Cid::of(Codec::Raw, &block[..64])).collect();
    }

    /// Writes what was taken.
    pub async fn write(&mut self) -> Result<(), String> {
        let mut named = self.cids.iter().zip(std::mem::take(&mut self.blocks)).peekable();
        while named.peek().is_some() {
            let together =
                named.by_ref().take(WRITE_TOGETHER).fold(Changes::new(), |all, (cid, block)| {
                    all.put(Table::Chunks, cid.to_bytes(), block)
                });
            self.disk.write(together).await.map_err(|why| why.to_string())?;
        }
        Ok(())
    }

    /// Reads all blocks; how many bytes they were.
    pub async fn read(&self) -> Result<usize, String> {
        let mut bytes = 0;
        for together in self.cids.chunks(READ_TOGETHER) {
            let keys = together.iter().map(|cid| cid.to_bytes().to_vec()).collect();
            let found = self.disk.get(Table::Chunks, keys).await.map_err(|why| why.to_string())?;
            bytes += found.into_iter().flatten().map(|block| block.len()).sum::<usize>();
        }
        let is_all = bytes == self.cids.len() * CHUNK_BYTES as usize;
        if is_all { Ok(bytes) } else { Err(format!("{bytes} bytes were read")) }
    }
}
