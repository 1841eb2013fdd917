//! A guest's memory, as the system sees it.

use super::{Errno, IOVECS_MAX};

/// A guest's linear memory. Addresses outside it are an answer
/// ([`Errno::Fault`]), never a panic.
pub(crate) trait GuestMemory {
    /// Its size in bytes.
    fn size(&self) -> u64;

    /// Copies out of the guest.
    fn read(&self, at: u32, into: &mut [u8]) -> Result<(), Errno>;

    /// Copies into the guest.
    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno>;
}

impl GuestMemory for &mut [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, at: u32, into: &mut [u8]) -> Result<(), Errno> {
        let from = self.get(at as usize..).and_then(|rest| rest.get(..into.len()));
        into.copy_from_slice(from.ok_or(Errno::Fault)?);
        Ok(())
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let into = self.get_mut(at as usize..).and_then(|rest| rest.get_mut(..bytes.len()));
        into.ok_or(Errno::Fault)?.copy_from_slice(bytes);
        Ok(())
    }
}

impl dyn GuestMemory + '_ {
    /// Refuses a range that is not wholly inside.
    pub(super) fn check(&self, at: u32, length: u32) -> Result<(), Errno> {
        if u64::from(at) + u64::from(length) <= self.size() { Ok(()) } else { Err(Errno::Fault) }
    }

    pub(super) fn read_u32(&self, at: u32) -> Result<u32, Errno> {
        self.read_array(at).map(u32::from_le_bytes)
    }

    pub(super) fn read_array<const N: usize>(&self, at: u32) -> Result<[u8; N], Errno> {
        let mut bytes = [0; N];
        self.read(at, &mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn write_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.write(at, &value.to_le_bytes())
    }

    pub(super) fn write_u64(&mut self, at: u32, value: u64) -> Result<(), Errno> {
        self.write(at, &value.to_le_bytes())
    }

    /// The buffers of a scattered read or write, each wholly inside.
    pub(super) fn buffers(&self, at: u32, count: u32) -> Result<Vec<(u32, u32)>, Errno> {
        if count > IOVECS_MAX {
            return Err(Errno::Invalid);
        }
        let buffer = |index: u32| {
            let entry = at.checked_add(index * 8).ok_or(Errno::Fault)?;
            let start = self.read_u32(entry)?;
            let length = self.read_u32(entry.checked_add(4).ok_or(Errno::Fault)?)?;
            self.check(start, length)?;
            Ok((start, length))
        };
        (0..count).map(buffer).collect()
    }
}

/// A length as the guest sees it. What the host holds for a guest is smaller than its memory can be.
pub(super) fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// An address some bytes further on.
pub(super) fn offset(at: u32, by: u32) -> Result<u32, Errno> {
    at.checked_add(by).ok_or(Errno::Fault)
}
