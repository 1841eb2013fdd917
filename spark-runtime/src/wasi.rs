//! WASI preview 1, written once against a trait for guest memory and one for files.
//!
//! A guest gets its arguments, its environment, three streams, a virtual clock,
//! seeded random bytes, and the folder `/` with the files that its call brings; without
//! any there is no folder. There are no sockets: what asks for them is linked, so
//! that ordinary programs start, and answers with an error number. Everything here is
//! deterministic: the clock is the fuel used plus what the guest slept, and the
//! random bytes come from the call itself (so they are no secrets).
//!
//! Nothing here knows the engine. [`Function`]s are listed in [`functions`];
//! an engine links them by name, hands over its memory and raw arguments, and
//! charges what [`System::take_work`] says: a call costs as much as it makes the host
//! do, so that no guest keeps it busy for little.
//!
//! Follows the interface description `wasi_snapshot_preview1.witx`, and POSIX where
//! that says nothing. Every pointer and length from the guest is checked; bounds are
//! the `_MAX` in `paths`, `descriptors`, `file_system` and below.
//!
//! Reading order: `table` lists the functions, `process`, `poll`, `streams`, `status`
//! and `folders` are what they do, over `descriptors`, `rights`, `paths` and
//! `file_system`.

mod abi;
mod arguments;
mod descriptors;
mod file_system;
mod folders;
mod memory;
mod paths;
mod poll;
mod process;
mod rights;
mod status;
mod streams;
mod table;

pub(crate) use abi::{Errno, Fault, Halt};
pub use descriptors::DESCRIPTORS_MAX;
pub use file_system::NODES_MAX;
pub(crate) use file_system::{FileSystem, InMemory, Kind, New, Node};
pub(crate) use memory::GuestMemory;
pub use paths::{NAME_BYTES_MAX, PATH_BYTES_MAX, PATH_LINKS_MAX, PATH_STEPS_MAX};
pub(crate) use table::{Function, Parameter, functions};

use std::mem;

use crate::{Call, Limits, Stop, files};
use descriptors::{Descriptor, Descriptors, Open};

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

/// What the folder that a guest is given is called.
const GIVEN_FOLDER: &str = "/";

/// One guest's operating system.
pub(crate) struct System {
    arguments: Vec<Vec<u8>>,
    environment: Vec<Vec<u8>>,
    stdin: Vec<u8>,
    stdin_at: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    output_bytes_max: u64,
    /// Whether all that is printed stands on standard error: standard output is for
    /// something else.
    prints_aside: bool,
    files: Box<dyn FileSystem>,
    are_files_wanted_back: bool,
    descriptors: Descriptors,
    random: u64,
    fuel_used: u64,
    slept_ns: u64,
    work: u64,
}

/// What a guest left behind.
pub(crate) struct Left {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// Those that were wanted back; `None` when they are more than there may be.
    pub(crate) files: Option<Vec<files::File>>,
}

impl System {
    /// A system for one call. The error is that of its files.
    pub(crate) fn new(call: &Call, limits: &Limits) -> Result<Self, Stop> {
        let mut arguments = vec![c_string(PROGRAM)];
        let (mut environment, mut stdin, mut given) = (Vec::new(), Vec::new(), &Vec::new());
        if let Call::Command { arguments: texts, environment: variables, stdin: input, files } =
            call
        {
            arguments.extend(texts.iter().map(c_string));
            let variables = variables.iter().map(|(name, value)| format!("{name}={value}"));
            environment.extend(variables.map(c_string));
            stdin.clone_from(input);
            given = files;
        }
        let (files, are_files_wanted_back) =
            files::given(given, limits.memory_bytes_max, EPOCH_NS)?;
        let mut system = Self {
            arguments,
            environment,
            stdin,
            stdin_at: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            output_bytes_max: limits.output_bytes_max,
            prints_aside: matches!(call, Call::Json { .. }),
            files: Box::new(files),
            are_files_wanted_back,
            descriptors: Descriptors::new(),
            random: process::seed(call),
            fuel_used: 0,
            slept_ns: 0,
            work: 0,
        };
        if !given.is_empty() {
            system.give_root();
        }
        Ok(system)
    }

    fn give_root(&mut self) {
        let node = self.files.root();
        let open = Open::Folder { node, is_given: true };
        let folder =
            Descriptor { inheriting: rights::ALL, ..Descriptor::new(open, rights::FOLDER) };
        self.files.open(node);
        self.descriptors.add(folder).expect("four descriptors are fewer than there may be");
    }

    /// Tells the clock how far the guest has come.
    pub(crate) fn set_fuel_used(&mut self, fuel: u64) {
        self.fuel_used = fuel;
    }

    /// The fuel that calls have cost since this was last asked.
    pub(crate) fn take_work(&mut self) -> u64 {
        mem::take(&mut self.work)
    }

    /// Takes what is to be the standard output of a guest that prints aside.
    pub(crate) fn answer(&mut self, bytes: Vec<u8>) {
        self.stdout = bytes;
    }

    /// What is left when the guest has ended. Files count as output.
    pub(crate) fn leave(&mut self) -> Left {
        let room = self.output_room();
        let files = if self.are_files_wanted_back {
            files::left(&*self.files, room)
        } else {
            Some(Vec::new())
        };
        let (stdout, stderr) = (mem::take(&mut self.stdout), mem::take(&mut self.stderr));
        Left { stdout, stderr, files }
    }

    /// Bytes of output that there is room for.
    pub(crate) fn output_room(&self) -> u64 {
        let used = (self.stdout.len() + self.stderr.len()) as u64;
        self.output_bytes_max.saturating_sub(used)
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
