//! No fast lane: natively, unless it was built in.

use std::{convert::Infallible, ops::DerefMut};

use super::{End, Gauge, Host, Instance, not_compiled};
use crate::{Stop, Value, inspect::Signature, meter::Metered};

/// There is none.
pub(crate) struct Module(Infallible);

impl Module {
    /// Says so.
    pub(super) fn new(_: &Metered) -> Result<Self, Stop> {
        Err(not_compiled("this ion has none"))
    }
}

/// There is none.
pub(crate) struct Guest(Infallible, Host);

impl Instance for Guest {
    type Module = Module;
    type Export = Infallible;

    fn new(module: &Module, _: Host) -> Result<Self, End> {
        match module.0 {}
    }

    fn host(&mut self) -> impl DerefMut<Target = Host> {
        &mut self.1
    }

    fn gauge(&mut self, _: Gauge) -> i64 {
        match self.0 {}
    }

    fn set_gauge(&mut self, _: Gauge, _: i64) {
        match self.0 {}
    }

    fn memory_bytes(&mut self) -> u64 {
        match self.0 {}
    }

    fn export(&mut self, _: &Signature) -> Infallible {
        match self.0 {}
    }

    fn call(&mut self, _: &Infallible, _: &[Value]) -> Result<Vec<Value>, End> {
        match self.0 {}
    }
}
