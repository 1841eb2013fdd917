//! Where the bytes of files come from that the user brings in: the browser's
//! `File`s, a file of the machine, memory in tests.

use futures::future::LocalBoxFuture;

/// Sources by number. A source whose number nobody handed over has no bytes.
pub trait Sources {
    /// Up to so many bytes from that place on; fewer only at the source's end.
    /// The error is a reason for people: the file was changed, moved or deleted
    /// meanwhile, or the device is gone.
    fn read(
        &self,
        source: u64,
        from: u64,
        bytes: u32,
    ) -> LocalBoxFuture<'static, Result<Vec<u8>, String>>;

    /// The source is not read any more.
    fn forget(&self, source: u64);
}

/// No sources at all: for ions that bring nothing in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Sources for Nowhere {
    fn read(&self, _: u64, _: u64, _: u32) -> LocalBoxFuture<'static, Result<Vec<u8>, String>> {
        Box::pin(async { Err("this ion cannot read files of the machine".to_owned()) })
    }

    fn forget(&self, _: u64) {}
}

/// Bytes of a source that tests and simulated worlds make up: no two sources
/// have a page in common.
#[must_use]
pub fn made_up(source: u64, from: u64, bytes: u32) -> Vec<u8> {
    const PAGE: u64 = 4_096;
    let byte = |place: u64| {
        let page = [source, place / PAGE];
        page[usize::from(place % 16 >= 8)].to_le_bytes()[usize::try_from(place % 8).unwrap_or(0)]
    };
    (from..from + u64::from(bytes)).map(byte).collect()
}
