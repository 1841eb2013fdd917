//! Two engines that know nothing of each other, for the same metered modules.

mod compiler;
mod interpreter;

pub(crate) use compiler::Compiler;
pub(crate) use interpreter::{Interpreter, engine};

use spark_runtime::meter::{FUEL, ROOM, STACK, STACK_BYTES_MAX};

/// A value that goes in or comes out, as its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    I32(u32),
    I64(u64),
    F32(u32),
    F64(u64),
    V128(u128),
    /// A function's reference, and whether there is one.
    Func(bool),
    /// A host's reference, named by a number.
    Extern(Option<u32>),
}

impl Number {
    /// An integer.
    pub(crate) fn integer(self) -> i64 {
        match self {
            Self::I32(value) => value.cast_signed().into(),
            Self::I64(value) => value.cast_signed(),
            other => panic!("{other:?} is no integer"),
        }
    }
}

/// What ended a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The host was asked for more, and gave nothing.
    Limit,
    /// A trap, in the engine's words.
    Trap(String),
    /// It did not come to a call.
    Link(String),
}

/// An engine with instances in it, that may import from each other.
pub(crate) trait World: Default {
    /// Starts a module; returns its number.
    fn instantiate(&mut self, binary: &[u8]) -> Result<usize, Stopped>;
    /// Offers an instance's exports under a name.
    fn register(&mut self, name: &str, instance: usize);
    /// Calls an export.
    fn call(
        &mut self,
        instance: usize,
        name: &str,
        inputs: &[Number],
    ) -> Result<Vec<Number>, Stopped>;
    /// Reads a global.
    fn global(&mut self, instance: usize, name: &str) -> Option<Number>;
    /// Writes a global, if it is there.
    fn set_global(&mut self, instance: usize, name: &str, value: Number);
    /// Reads a memory.
    fn memory(&mut self, instance: usize, name: &str) -> Option<Vec<u8>>;

    /// Sets the gauges of an instance.
    fn fill(&mut self, instance: usize, fuel: u64, room: u64) {
        self.set_global(instance, FUEL, Number::I64(fuel));
        self.set_global(instance, ROOM, Number::I64(room));
        self.set_global(instance, STACK, Number::I64(STACK_BYTES_MAX));
    }
}
