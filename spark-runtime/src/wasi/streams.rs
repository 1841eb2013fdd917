//! Reading and writing: the three streams, and files.
//!
//! A stream that is used the wrong way is a bad descriptor, as in POSIX; a file is
//! one that lacks the right.

use super::{
    Errno, Fault, GuestMemory, Halt, System,
    arguments::{long, words},
    descriptors::{FLAG_APPEND, Open},
    file_system::Node,
    memory::length,
    rights,
};

/// Bytes of a file that are written at a time.
const BLOCK_BYTES: u32 = 64 << 10;

impl System {
    /// `fd_read(fd, iovs, iovs_len, nread)`.
    pub(super) fn fd_read(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, buffers, count, read_at] = words(arguments);
        let open = self.descriptors.get(fd)?.open;
        if matches!(open, Open::Output | Open::Error) {
            return Err(Errno::BadDescriptor.into());
        }
        self.descriptors.get(fd)?.expect(rights::FD_READ)?;
        memory.check(read_at, 4)?;
        let buffers = memory.buffers(buffers, count)?;
        let read = if let Open::File { node, at } = open {
            let read = self.read(memory, node, at, &buffers)?;
            self.move_to(fd, at.saturating_add(read));
            read
        } else {
            self.read_input(memory, &buffers)?
        };
        self.charge_bytes(read);
        Ok(memory.write_u32(read_at, small(read))?)
    }

    /// `fd_pread(fd, iovs, iovs_len, offset, nread)`.
    pub(super) fn fd_pread(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, buffers, count, _, read_at] = words(arguments);
        let (node, _) = self.file(fd, rights::FD_READ | rights::FD_SEEK)?;
        memory.check(read_at, 4)?;
        let buffers = memory.buffers(buffers, count)?;
        let read = self.read(memory, node, long(arguments, 3), &buffers)?;
        self.charge_bytes(read);
        Ok(memory.write_u32(read_at, small(read))?)
    }

    /// `fd_write(fd, iovs, iovs_len, nwritten)`.
    pub(super) fn fd_write(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, buffers, count, written_at] = words(arguments);
        let descriptor = *self.descriptors.get(fd)?;
        if descriptor.open == Open::Input {
            return Err(Errno::BadDescriptor.into());
        }
        descriptor.expect(rights::FD_WRITE)?;
        memory.check(written_at, 4)?;
        let buffers = memory.buffers(buffers, count)?;
        let written = if let Open::File { node, at } = descriptor.open {
            let appends = descriptor.flags & FLAG_APPEND != 0;
            let at = if appends { self.files.stat(node)?.size } else { at };
            let written = self.write(memory, node, at, &buffers)?;
            self.move_to(fd, at.saturating_add(written));
            written
        } else {
            self.write_output(memory, descriptor.open, &buffers)?
        };
        Ok(memory.write_u32(written_at, small(written))?)
    }

    /// `fd_pwrite(fd, iovs, iovs_len, offset, nwritten)`: at the offset, whatever the flags.
    pub(super) fn fd_pwrite(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd, buffers, count, _, written_at] = words(arguments);
        let (node, _) = self.file(fd, rights::FD_WRITE | rights::FD_SEEK)?;
        memory.check(written_at, 4)?;
        let buffers = memory.buffers(buffers, count)?;
        let written = self.write(memory, node, long(arguments, 3), &buffers)?;
        Ok(memory.write_u32(written_at, small(written))?)
    }

    fn move_to(&mut self, fd: u32, place: u64) {
        if let Ok(descriptor) = self.descriptors.get_mut(fd)
            && let Open::File { at, .. } = &mut descriptor.open
        {
            *at = place;
        }
    }

    fn read_input(
        &mut self,
        memory: &mut dyn GuestMemory,
        buffers: &[(u32, u32)],
    ) -> Result<u64, Fault> {
        let mut read = 0;
        for &(start, size) in buffers {
            let rest = &self.stdin[self.stdin_at..];
            let taken = rest.len().min(size as usize);
            memory.write(start, &rest[..taken])?;
            self.stdin_at += taken;
            read += taken as u64;
        }
        Ok(read)
    }

    fn read(
        &self,
        memory: &mut dyn GuestMemory,
        file: Node,
        at: u64,
        buffers: &[(u32, u32)],
    ) -> Result<u64, Fault> {
        let mut read = 0;
        for &(start, size) in buffers {
            let mut filled = 0;
            while filled < size {
                let wanted = (size - filled) as usize;
                let bytes = self.files.read(file, at.saturating_add(read), wanted)?;
                if bytes.is_empty() {
                    return Ok(read);
                }
                memory.write(start + filled, bytes)?;
                filled += length(bytes.len());
                read += bytes.len() as u64;
            }
        }
        Ok(read)
    }

    /// Writes all, or what there is room for; nothing is an error.
    fn write(
        &mut self,
        memory: &mut dyn GuestMemory,
        file: Node,
        at: u64,
        buffers: &[(u32, u32)],
    ) -> Result<u64, Fault> {
        // What lies between the end and `at` is filled with zeros.
        self.charge_bytes(at.saturating_sub(self.files.stat(file)?.size).min(self.files.room()));
        let now_ns = self.now_ns();
        let mut written = 0;
        for &(start, size) in buffers {
            let mut done = 0;
            while done < size {
                let mut block = vec![0; (size - done).min(BLOCK_BYTES) as usize];
                memory.read(start + done, &mut block)?;
                self.charge_bytes(block.len() as u64);
                match self.files.write(file, at.saturating_add(written), &block, now_ns) {
                    Ok(()) => {}
                    Err(_) if written > 0 => return Ok(written),
                    Err(errno) => return Err(errno.into()),
                }
                done += length(block.len());
                written += block.len() as u64;
            }
        }
        Ok(written)
    }

    /// Keeps what the limit leaves room for, and ends the guest at the limit.
    fn write_output(
        &mut self,
        memory: &mut dyn GuestMemory,
        open: Open,
        buffers: &[(u32, u32)],
    ) -> Result<u64, Fault> {
        let mut written = 0;
        for &(start, size) in buffers {
            let kept = u32::try_from(self.output_room()).unwrap_or(u32::MAX).min(size);
            self.charge_bytes(u64::from(kept));
            let is_output = open == Open::Output && !self.prints_aside;
            let stream = if is_output { &mut self.stdout } else { &mut self.stderr };
            let end = stream.len();
            stream.resize(end + kept as usize, 0);
            memory.read(start, &mut stream[end..])?;
            if kept < size {
                return Err(Halt::OutputLimit.into());
            }
            written += u64::from(size);
        }
        Ok(written)
    }

    /// What a socket would be needed for.
    pub(super) fn needs_socket(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [fd] = words(arguments);
        self.descriptors.get(fd)?;
        Err(Errno::NotSocket.into())
    }

    /// What is not offered at all.
    #[expect(clippy::unused_self, reason = "it stands in the table of functions")]
    pub(super) fn not_offered(&mut self, _: &mut dyn GuestMemory, _: &[u64]) -> Result<(), Fault> {
        Err(Errno::NoSystem.into())
    }
}

/// A count of bytes in buffers. Together they may hold more than 32 bits count.
fn small(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
