//! Between the interpreter and [`wasi`](crate::wasi).
//!
//! A call to the host costs fuel. What the slice cannot pay is owed, and the
//! next call then waits ([`Interrupt::Refuel`]) until the run has looked at
//! fuel and clock: a guest that only calls the host meets both limits too.
//! When the guest itself meets a limit, it waits as well ([`Interrupt::Limit`]).

use std::fmt;

use wasmi::{
    AsContextMut, Caller, Engine, Error, Extern, FuncType, Linker, Memory, Store, Val, ValType,
    errors::HostError,
};

use super::{Host, fuel::charged};
use crate::meter::{LIMIT, RESERVED};
use crate::wasi::{self, Function, Halt, Kind};

/// The most parameters that a function of the interface has.
const PARAMETERS_MAX: usize = 9;

/// Why a call to the host did not return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// The guest ends.
    Halt(Halt),
    /// The slice must be renewed; the call waits in [`Host::pending`].
    Refuel,
    /// The guest has met a limit of its own counting.
    Limit,
    /// The module exports no memory for the system to write to.
    NoMemory,
}

impl fmt::Display for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Halt(_) => "the guest ended",
            Self::Refuel => "the slice of fuel was used up",
            Self::Limit => "a limit was met",
            Self::NoMemory => "the module calls WASI but exports no memory named `memory`",
        })
    }
}

impl HostError for Interrupt {}

/// A call to the host that waits for fuel.
#[derive(Clone, Copy)]
pub(super) struct Pending {
    function: &'static Function,
    arguments: [u64; PARAMETERS_MAX],
}

/// A linker that offers every function of the interface.
pub(crate) fn linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    for function in wasi::functions() {
        linker
            .func_new(
                wasi::MODULE,
                function.name,
                function_type(function),
                move |caller, inputs, outputs| called(caller, function, inputs, outputs),
            )
            .expect("the names in the table differ");
    }
    linker
        .func_wrap(RESERVED, LIMIT, || Err::<(), _>(Error::host(Interrupt::Limit)))
        .expect("no other function is of that module");
    linker
}

/// A function's type in the interpreter's terms.
pub(crate) fn function_type(function: &Function) -> FuncType {
    let parameters = function.parameters().map(|kind| match kind {
        Kind::I32 => ValType::I32,
        Kind::I64 => ValType::I64,
    });
    FuncType::new(parameters, function.has_result().then_some(ValType::I32))
}

/// Performs the call that waited, and returns its result, if it has one.
pub(super) fn perform(
    store: &mut Store<Host>,
    memory: Option<Memory>,
) -> Result<Option<Val>, Error> {
    let pending = store.data_mut().pending.take();
    let (Some(pending), Some(memory)) = (pending, memory) else {
        return Err(Error::host(Interrupt::NoMemory));
    };
    let errno = answer(&mut *store, memory, &pending)?;
    Ok(pending.function.has_result().then_some(Val::I32(errno)))
}

fn called(
    mut caller: Caller<'_, Host>,
    function: &'static Function,
    inputs: &[Val],
    outputs: &mut [Val],
) -> Result<(), Error> {
    let pending = Pending { function, arguments: raw(inputs) };
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let memory = memory.ok_or_else(|| Error::host(Interrupt::NoMemory))?;
    if caller.data().remaining(&caller) < 0 {
        caller.data_mut().pending = Some(pending);
        return Err(Error::host(Interrupt::Refuel));
    }
    let errno = answer(&mut caller, memory, &pending)?;
    if let Some(output) = outputs.first_mut() {
        *output = Val::I32(errno);
    }
    Ok(())
}

/// Runs a function and charges for it.
fn answer(
    mut store: impl AsContextMut<Data = Host>,
    memory: Memory,
    call: &Pending,
) -> Result<i32, Error> {
    let gauges = store.as_context().data().gauges;
    let remaining = store.as_context().data().remaining(&store);
    let (mut bytes, host) = memory.data_and_store_mut(&mut store);
    host.system.set_fuel_used(host.fuel.used(remaining));
    let result = host.system.call(call.function, &mut bytes, &call.arguments);
    let left = charged(remaining, host.system.take_work());
    if let Some(gauges) = gauges {
        gauges.set_fuel(&mut store, left);
    }
    let errno = result.map_err(|halt| Error::host(Interrupt::Halt(halt)))?;
    Ok(i32::from(errno as u16))
}

fn raw(inputs: &[Val]) -> [u64; PARAMETERS_MAX] {
    let mut raw = [0; PARAMETERS_MAX];
    for (raw, input) in raw.iter_mut().zip(inputs) {
        *raw = match input {
            Val::I32(value) => u64::from(value.cast_unsigned()),
            Val::I64(value) => value.cast_unsigned(),
            _ => 0,
        };
    }
    raw
}
