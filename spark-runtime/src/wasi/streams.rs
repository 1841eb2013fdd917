//! The three standard streams. No other descriptor is ever open.

use super::{Errno, Fault, GuestMemory, Halt, System, memory::length};

const STDIN: u32 = 0;
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// `fd_read` and `fd_write`, as rights.
const RIGHT_READ: u64 = 1 << 1;
const RIGHT_WRITE: u64 = 1 << 6;

impl System {
    /// `fd_read(fd, iovs, iovs_len, nread)`.
    pub(super) fn fd_read(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, buffers, count, read_at] = words(arguments);
        self.expect_open(fd)?;
        if fd != STDIN {
            return Err(Errno::BadDescriptor.into());
        }
        memory.check(read_at, 4)?;
        let mut read = 0;
        for (start, size) in memory.buffers(buffers, count)? {
            let rest = &self.stdin[self.stdin_at..];
            let taken = rest.len().min(size as usize);
            memory.write(start, &rest[..taken])?;
            self.stdin_at += taken;
            read += taken;
        }
        self.charge_bytes(read as u64);
        Ok(memory.write_u32(read_at, length(read))?)
    }

    /// `fd_write(fd, iovs, iovs_len, nwritten)`.
    pub(super) fn fd_write(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, buffers, count, written_at] = words(arguments);
        self.expect_open(fd)?;
        if fd == STDIN {
            return Err(Errno::BadDescriptor.into());
        }
        memory.check(written_at, 4)?;
        let mut written: u32 = 0;
        for (start, size) in memory.buffers(buffers, count)? {
            self.append(memory, fd, start, size)?;
            written = written.saturating_add(size);
        }
        Ok(memory.write_u32(written_at, written)?)
    }

    /// Keeps what the limit leaves room for, and ends the guest at the limit.
    fn append(
        &mut self,
        memory: &mut dyn GuestMemory,
        fd: u32,
        start: u32,
        size: u32,
    ) -> Result<(), Fault> {
        let used = (self.stdout.len() + self.stderr.len()) as u64;
        let room = self.output_bytes_max.saturating_sub(used);
        let kept = u32::try_from(room).unwrap_or(u32::MAX).min(size);
        self.charge_bytes(u64::from(kept));
        let stream = if fd == STDOUT { &mut self.stdout } else { &mut self.stderr };
        let end = stream.len();
        stream.resize(end + kept as usize, 0);
        memory.read(start, &mut stream[end..])?;
        if kept < size { Err(Halt::OutputLimit.into()) } else { Ok(()) }
    }

    /// `fd_close(fd)`.
    pub(super) fn fd_close(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd] = words(arguments);
        self.expect_open(fd)?;
        self.is_open[fd as usize] = false;
        Ok(())
    }

    /// `fd_fdstat_get(fd, stat)`: an unknown kind of file, so that no library takes it for a terminal.
    pub(super) fn fd_fdstat_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, stat_at] = words(arguments);
        self.expect_open(fd)?;
        let mut stat = [0; 24];
        let rights = if fd == STDIN { RIGHT_READ } else { RIGHT_WRITE };
        stat[8..16].copy_from_slice(&rights.to_le_bytes());
        Ok(memory.write(stat_at, &stat)?)
    }

    /// `fd_filestat_get(fd, stat)`: nothing is known of a stream but that it is one link.
    pub(super) fn fd_filestat_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, stat_at] = words(arguments);
        self.expect_open(fd)?;
        let mut stat = [0; 64];
        stat[24] = 1;
        Ok(memory.write(stat_at, &stat)?)
    }

    /// `fd_renumber(from, to)`: `to` becomes what `from` was; only closing is kept, streams don't move.
    pub(super) fn fd_renumber(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [from, to] = words(arguments);
        self.expect_open(from)?;
        self.expect_open(to)?;
        if from == to { Ok(()) } else { Err(Errno::NotSupported.into()) }
    }

    /// What has no meaning for a stream but is harmless: `fd_sync`, `fd_fdstat_set_flags` and the like.
    pub(super) fn fd_harmless(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd] = words(arguments);
        Ok(self.expect_open(fd)?)
    }

    /// What needs a position: a stream has none.
    pub(super) fn fd_seeks(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd] = words(arguments);
        self.expect_open(fd)?;
        Err(Errno::Pipe.into())
    }

    /// What a stream cannot do.
    pub(super) fn fd_not_supported(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd] = words(arguments);
        self.expect_open(fd)?;
        Err(Errno::NotSupported.into())
    }

    /// What needs a folder: none is ever open. `fd_prestat_get` ends a program's search for folders so.
    #[expect(clippy::unused_self, reason = "it stands in the table of functions")]
    pub(super) fn needs_folder(&mut self, _: &mut dyn GuestMemory, _: &[u64]) -> Result<(), Fault> {
        Err(Errno::BadDescriptor.into())
    }

    /// What needs a socket.
    pub(super) fn needs_socket(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd] = words(arguments);
        self.expect_open(fd)?;
        Err(Errno::NotSocket.into())
    }

    /// What is not offered at all.
    #[expect(clippy::unused_self, reason = "it stands in the table of functions")]
    pub(super) fn not_offered(&mut self, _: &mut dyn GuestMemory, _: &[u64]) -> Result<(), Fault> {
        Err(Errno::NoSystem.into())
    }

    pub(super) fn expect_open(&self, fd: u32) -> Result<(), Errno> {
        let is_open = fd <= STDERR && self.is_open[fd as usize];
        if is_open { Ok(()) } else { Err(Errno::BadDescriptor) }
    }
}

/// The first arguments as 32-bit words; the signature table says that they are there.
pub(super) fn words<const N: usize>(arguments: &[u64]) -> [u32; N] {
    std::array::from_fn(|index| {
        (arguments.get(index).copied().unwrap_or_default() & 0xffff_ffff) as u32
    })
}
