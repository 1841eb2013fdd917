//! Arguments, environment, random bytes, and the end.

use super::{
    Fault, GuestMemory, Halt, System,
    arguments::words,
    memory::{length, offset},
};
use crate::Call;

/// Random bytes made at a time.
const RANDOM_BLOCK_BYTES: u32 = 4096;

impl System {
    /// `args_sizes_get(argc, argv_buf_size)`.
    pub(super) fn args_sizes_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        write_sizes(memory, words(arguments), &self.arguments)
    }

    /// `args_get(argv, argv_buf)`.
    pub(super) fn args_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let bytes = write_strings(memory, words(arguments), &self.arguments)?;
        self.charge_bytes(bytes);
        Ok(())
    }

    /// `environ_sizes_get(count, buf_size)`.
    pub(super) fn environ_sizes_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        write_sizes(memory, words(arguments), &self.environment)
    }

    /// `environ_get(environ, environ_buf)`.
    pub(super) fn environ_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let bytes = write_strings(memory, words(arguments), &self.environment)?;
        self.charge_bytes(bytes);
        Ok(())
    }

    /// `random_get(buf, buf_len)`: the same bytes for the same call.
    pub(super) fn random_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [at, length] = words(arguments);
        memory.check(at, length)?;
        self.charge_bytes(u64::from(length));
        let mut done: u32 = 0;
        let mut block = [0; RANDOM_BLOCK_BYTES as usize];
        while done < length {
            let part = (length - done).min(RANDOM_BLOCK_BYTES);
            for word in block.chunks_exact_mut(8) {
                word.copy_from_slice(&next(&mut self.random).to_le_bytes());
            }
            memory.write(offset(at, done)?, &block[..part as usize])?;
            done += part;
        }
        Ok(())
    }

    /// `proc_exit(code)`.
    #[expect(clippy::unused_self, reason = "it stands in the table of functions")]
    pub(super) fn proc_exit(
        &mut self,
        _: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [code] = words(arguments);
        Err(Halt::Exit(code.cast_signed()).into())
    }

    /// `sched_yield()`: there is nobody to yield to.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "it stands in the table of functions"
    )]
    pub(super) fn sched_yield(&mut self, _: &mut dyn GuestMemory, _: &[u64]) -> Result<(), Fault> {
        Ok(())
    }
}

/// A seed from everything the guest is given, so that tasks differ and repetitions do not.
pub(super) fn seed(call: &Call) -> u64 {
    let mut hash = Fnv::new();
    match call {
        Call::Export { name, arguments } => {
            hash.text(name);
            hash.texts(arguments);
        }
        Call::Command { arguments, environment, stdin, files } => {
            hash.texts(arguments);
            for (name, value) in environment {
                hash.text(name);
                hash.text(value);
            }
            hash.bytes(stdin);
            hash.bytes(files);
        }
        Call::Json { input } => hash.bytes(input),
    }
    hash.0
}

/// FNV-1a over 64 bits.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn texts(&mut self, texts: &[String]) {
        for text in texts {
            self.text(text);
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[0xff]);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// The next number of the `SplitMix64` generator (Steele, Lea, Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn write_sizes(
    memory: &mut dyn GuestMemory,
    at: [u32; 2],
    strings: &[Vec<u8>],
) -> Result<(), Fault> {
    let bytes: usize = strings.iter().map(Vec::len).sum();
    memory.write_u32(at[0], length(strings.len()))?;
    Ok(memory.write_u32(at[1], length(bytes))?)
}

/// Writes pointers and strings; returns the bytes written.
fn write_strings(
    memory: &mut dyn GuestMemory,
    at: [u32; 2],
    strings: &[Vec<u8>],
) -> Result<u64, Fault> {
    let [mut pointer_at, mut string_at] = at;
    for string in strings {
        memory.write_u32(pointer_at, string_at)?;
        memory.write(string_at, string)?;
        pointer_at = offset(pointer_at, 4)?;
        string_at = offset(string_at, length(string.len()))?;
    }
    Ok(u64::from(string_at - at[1]))
}
