//! Rewrites a guest so that every engine meters it alike.
//!
//! [`meter`] takes a module's bytes and gives those of another module, which
//! does the same and counts fuel, stack and memory as it goes. An interpreter
//! and a compiler that run it charge the same fuel, stop at the same operator
//! and return the same bits, because the counting is part of the program. It is
//! a pure function: the same bytes and the same [`VERSION`] give the same bytes,
//! so that its result may be kept under the guest's name and the version.
//!
//! What it adds, all under names that begin with [`RESERVED`] and that no guest
//! may use:
//!
//! - Four globals, exported. [`FUEL`] is what may still be used: code is charged
//!   before it runs (`charge` says where, `cost` how much). [`STACK`] is what
//!   frames may still take. [`ROOM`] is what memory and tables may still grow by.
//!   [`FLAGS`] says what became of growth.
//! - One import, [`LIMIT`], called when fuel or stack fall below nothing, or when
//!   growth failed that there was room for. The host looks at the globals to see
//!   which it was: [`FLAG_FAILED`], then the stack, then fuel. It adds fuel and
//!   returns, or does not return. The limits are the host's, so the module is the
//!   same for all of them.
//! - Its memory, exported as [`MEMORY`], and its start function, no longer started
//!   by itself but exported as [`START`]: the host sets the globals first.
//!
//! What it changes: `memory.grow`, `table.grow` and the bulk operations are charged
//! by size; growth that the host cannot honour is never a −1 that the guest could
//! see; float operators that may make a NaN of any bits make the canonical one
//! (`nan`). Frames are charged at the entry of a function and given back at its
//! exits, tail calls included. Custom sections are left out, but for one that hints
//! to compilers that limits are seldom met.
//!
//! What it refuses: whatever is not valid WebAssembly 2.0 with tail calls and
//! constant expressions extended; 64-bit memories, several memories, shared
//! memories, exceptions, garbage collection, relaxed vectors; more of anything
//! than the `_MAX` here, so that compiling takes seconds at most. Every operator
//! has been validated before it is copied.
//!
//! Follows the WebAssembly core specification, its deterministic profile for NaNs,
//! and the proposal for branch hints.

mod body;
mod charge;
mod cost;
mod edit;
mod function;
mod module;
mod nan;
mod shape;

use wasmparser::BinaryReaderError;

pub use cost::CALL_FUEL;
pub(crate) use module::{FEATURES, Imported};
pub use module::{Metered, meter};

/// The version of this pass. It changes when the same guest would be charged
/// differently, or stopped elsewhere.
pub const VERSION: u32 = 2;

/// How every name begins that the pass adds, and the module of its import.
pub const RESERVED: &str = "ionosphere:meter";
/// The import's name: `[] -> []`.
pub const LIMIT: &str = "limit";
/// A mutable `i64`: fuel that is left. May be below nothing when the host is called.
pub const FUEL: &str = "ionosphere:meter/fuel";
/// A mutable `i64`: bytes of stack that are left; [`STACK_BYTES_MAX`] to begin with.
pub const STACK: &str = "ionosphere:meter/stack";
/// A mutable `i64`: bytes that memory and tables together may still grow by.
pub const ROOM: &str = "ionosphere:meter/room";
/// A mutable `i32`: [`FLAG_DENIED`] and [`FLAG_FAILED`].
pub const FLAGS: &str = "ionosphere:meter/flags";
/// The memory, when there is one.
pub const MEMORY: &str = "ionosphere:meter/memory";
/// The start function, when there is one, to be called before any other.
pub const START: &str = "ionosphere:meter/start";
/// Growth was refused because there was no room.
pub const FLAG_DENIED: i32 = 1;
/// Growth failed although there was room.
pub const FLAG_FAILED: i32 = 2;

/// What a guest's frames may take together, in bytes as they are counted here.
///
/// A frame counts [`FRAME_BYTES`], 8 bytes for each parameter and local, and 16
/// for each operand beyond the third; where there are vectors, 16 bytes for each
/// parameter and local, and 32 for each operand. V8 has 500 KiB of stack in a
/// worker, where guests run, and 984 in a page. Of 55 functions with up to 1000
/// locals and operands, none took more than 1.13 bytes of it for one that is counted,
/// in either of its compilers: at this limit that is 87 % of a worker's. A function
/// that calls nothing and counts at most [`LEAF_FRAME_BYTES_MAX`] is not charged:
/// there is one at a time.
pub const STACK_BYTES_MAX: u64 = 384 << 10;
/// What a frame counts at least, in bytes.
pub const FRAME_BYTES: u64 = 64;
/// The largest frame that is not charged, in bytes.
pub const LEAF_FRAME_BYTES_MAX: u64 = 4096;
/// What one element of a table counts for, in bytes of memory.
pub const TABLE_ELEMENT_BYTES: u64 = 1 << TABLE_ELEMENT_BYTES_LOG2;
const TABLE_ELEMENT_BYTES_LOG2: i64 = 3;

/// The largest binary, in bytes.
pub const MODULE_BYTES_MAX: usize = 16 << 20;
/// The largest metered code of a module, in bytes.
pub const METERED_BYTES_MAX: u64 = 64 << 20;
/// The largest function, in bytes, before and after: what browsers compile.
pub const FUNCTION_BYTES_MAX: u64 = 7_654_321;
/// Places in one function that are changed, or have to be kept in mind.
pub const CHANGES_MAX: u64 = 1_000_000;
/// Functions that a module may define or import.
pub const FUNCTIONS_MAX: u32 = 50_000;
/// Locals over all functions.
pub const LOCALS_MAX: u64 = 4_000_000;
/// Locals of one function, with its parameters and those that are added.
pub const FUNCTION_LOCALS_MAX: u64 = 50_000;
/// Parameters, and results, of one function type.
pub const PARAMETERS_MAX: usize = 64;
/// Blocks inside blocks; a switch of that many cases is compiled so.
pub const CONTROL_DEPTH_MAX: u32 = 50_000;
/// Values that blocks, branches and calls of several values move, over all functions.
pub const COPIES_MAX: u64 = 32_000_000;
/// Globals in one module.
pub const GLOBALS_MAX: u32 = 10_000;
/// Tables in one module.
pub const TABLES_MAX: u32 = 100;
/// Elements that a table may grow to; browsers take no more.
pub const TABLE_ELEMENTS_MAX: u64 = 10_000_000;
/// Memories in one module.
pub const MEMORIES_MAX: u32 = 1;
/// Data segments in one module; Go's linker writes thousands.
pub const DATA_SEGMENTS_MAX: u32 = 100_000;
/// Element segments in one module.
pub const ELEMENT_SEGMENTS_MAX: u32 = 10_000;

/// Why a binary is not metered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something else than WebAssembly.
    #[error("it does not begin with `\\0asm`, as every compiled module does")]
    NotWebAssembly,
    /// A component.
    #[error("it is a component; only core modules run here")]
    Component,
    /// More of something than is taken.
    #[error("it has {count} {what}; at most {max} are taken")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How much of it, or how much was read of it.
        count: u64,
        /// The limit.
        max: u64,
    },
    /// Not valid, or more than WebAssembly 2.0 with what is named above.
    #[error("{message} (at byte {offset})")]
    Invalid {
        /// The validator's words.
        message: String,
        /// Where in the binary.
        offset: usize,
    },
    /// An import or export with a name of the pass's own.
    #[error("`{name}` is a reserved name (at byte {offset})")]
    ReservedName {
        /// The name, or the import's module.
        name: String,
        /// Where in the binary.
        offset: usize,
    },
}

fn at_most(what: &'static str, count: u64, max: u64) -> Result<(), Error> {
    if count <= max { Ok(()) } else { Err(Error::TooMany { what, count, max }) }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn malformed(error: BinaryReaderError) -> Error {
    Error::Invalid { message: error.message().to_owned(), offset: error.offset() }
}
