//! WASI preview 1, written once against a trait for guest memory.
//!
//! A guest gets its arguments, its environment, three streams, a virtual clock
//! and seeded random bytes. There are no files, folders or sockets: what asks
//! for them is linked, so that ordinary programs start, and answers with an
//! error number. Everything here is deterministic: the clock is the fuel used
//! plus what the guest slept, and the random bytes come from the call itself
//! (so they are no secrets).
//!
//! Nothing here knows the engine. [`Function`]s are listed in [`functions`];
//! an engine links them by name, hands over its memory and raw arguments, and
//! charges what [`System::take_work`] says.
//!
//! Follows the interface description `wasi_snapshot_preview1.witx`. Every
//! pointer and length from the guest is checked; bounds are the `_MAX` below.

mod abi;
mod memory;
mod poll;
mod process;
mod streams;
mod table;

pub(crate) use abi::{Errno, Fault, Halt};
pub(crate) use memory::GuestMemory;
pub(crate) use table::{Function, Kind, functions};

use std::mem;

use crate::Call;

/// The import module that these functions are found under.
pub(crate) const MODULE: &str = "wasi_snapshot_preview1";
/// Buffers in one scattered read or write.
pub const IOVECS_MAX: u32 = 1024;
/// Subscriptions in one `poll_oneoff`.
pub const SUBSCRIPTIONS_MAX: u32 = 256;

/// What a guest sees as its own name.
const PROGRAM: &str = "spark";
/// Fuel for any call to the system.
const CALL_FUEL: u64 = 64;
/// Bytes moved for one unit of fuel.
const BYTES_PER_FUEL: u64 = 8;
/// When virtual time begins: 1 January 2025, in nanoseconds since 1970.
const EPOCH_NS: u64 = 1_735_689_600_000_000_000;

/// One guest's operating system.
pub(crate) struct System {
    arguments: Vec<Vec<u8>>,
    environment: Vec<Vec<u8>>,
    stdin: Vec<u8>,
    stdin_at: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    output_bytes_max: u64,
    is_open: [bool; 3],
    random: u64,
    fuel_used: u64,
    slept_ns: u64,
    work: u64,
}

impl System {
    /// A system for one call; `output_bytes_max` is for both streams together.
    pub(crate) fn new(call: &Call, output_bytes_max: u64) -> Self {
        let (arguments, environment, stdin) = match call {
            Call::Export { .. } => (Vec::new(), Vec::new(), Vec::new()),
            Call::Command { arguments, environment, stdin } => {
                let variables = environment.iter().map(|(name, value)| format!("{name}={value}"));
                (
                    arguments.iter().map(c_string).collect(),
                    variables.map(c_string).collect(),
                    stdin.clone(),
                )
            }
        };
        let arguments = std::iter::once(c_string(PROGRAM)).chain(arguments).collect();
        Self {
            arguments,
            environment,
            stdin,
            stdin_at: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            output_bytes_max,
            is_open: [true; 3],
            random: process::seed(call),
            fuel_used: 0,
            slept_ns: 0,
            work: 0,
        }
    }

    /// Tells the clock how far the guest has come.
    pub(crate) fn set_fuel_used(&mut self, fuel: u64) {
        self.fuel_used = fuel;
    }

    /// The fuel that calls have cost since this was last asked.
    pub(crate) fn take_work(&mut self) -> u64 {
        mem::take(&mut self.work)
    }

    /// Standard output and standard error, which are empty then.
    pub(crate) fn take_output(&mut self) -> (Vec<u8>, Vec<u8>) {
        (mem::take(&mut self.stdout), mem::take(&mut self.stderr))
    }

    /// Runs one function. Errors that the guest may see are a number in `Ok`.
    pub(crate) fn call(
        &mut self,
        function: &Function,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<Errno, Halt> {
        self.work = self.work.saturating_add(CALL_FUEL);
        match (function.run)(self, memory, arguments) {
            Ok(()) => Ok(Errno::Success),
            Err(Fault::Errno(errno)) => Ok(errno),
            Err(Fault::Halt(halt)) => Err(halt),
        }
    }

    /// Charges for bytes that are about to be moved or made.
    fn charge_bytes(&mut self, bytes: u64) {
        self.work = self.work.saturating_add(bytes / BYTES_PER_FUEL);
    }
}

fn c_string(text: impl AsRef<str>) -> Vec<u8> {
    let mut bytes = text.as_ref().as_bytes().to_vec();
    bytes.push(0);
    bytes
}
