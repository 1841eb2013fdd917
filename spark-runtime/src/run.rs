//! One run: an instance, the calls it is asked for, and how they end.

mod bridge;
mod fuel;
mod memory;

use wasmi::{Error, Extern, Func, Instance, Memory, ResumableCall, Store, Val, errors::ErrorKind};

use crate::{
    Call, Limits, Report, Stop, Value, arguments,
    engine::{COMMAND_ENTRY, Compiled, LIBRARY_ENTRY},
    wasi::{Halt, System},
};

use bridge::{Interrupt, Pending};
pub(crate) use bridge::{function_type, linker};
use fuel::Fuel;
pub use fuel::SLICE_FUEL;
use memory::Meter;

/// The arguments and environment of one call, in bytes.
pub const ARGUMENT_BYTES_MAX: usize = 1 << 20;
/// What one element of a table counts for, in bytes of memory.
pub const TABLE_ELEMENT_BYTES: u64 = 8;

/// What a guest's calls out of its sandbox reach.
pub(crate) struct Host {
    system: System,
    meter: Meter,
    fuel: Fuel,
    pending: Option<Pending>,
}

/// How a run ended before its last call returned.
enum End {
    /// By `proc_exit(0)`.
    Exit,
    Stop(Stop),
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

struct Run<'a> {
    store: Store<Host>,
    limits: &'a Limits,
    clock: &'a mut dyn FnMut() -> u64,
    started_ms: u64,
    memory: Option<Memory>,
}

/// Runs one call on a fresh instance.
pub(crate) fn run(
    compiled: &Compiled,
    call: &Call,
    limits: &Limits,
    clock: &mut dyn FnMut() -> u64,
) -> Report {
    let host = Host {
        system: System::new(call, limits.output_bytes_max),
        meter: Meter::new(limits.memory_bytes_max),
        fuel: Fuel::new(limits.fuel_max),
        pending: None,
    };
    let mut store = Store::new(&compiled.engine, host);
    store.limiter(|host| &mut host.meter);
    let started_ms = clock();
    let mut run = Run { store, limits, clock, started_ms, memory: None };
    let ended = run.perform(compiled, call);
    run.report(ended)
}

impl Run<'_> {
    fn perform(&mut self, compiled: &Compiled, call: &Call) -> Result<Vec<Value>, End> {
        let (name, texts) = entry(call)?;
        self.expect_offered(compiled)?;
        let inputs = inputs(compiled, name, texts)?;
        let instance = self.instantiate(compiled)?;
        self.memory = instance.get_memory(&self.store, "memory");
        if let Some(start) = &compiled.start {
            self.call(instance, start, &[])?;
        }
        if name != LIBRARY_ENTRY && matches!(call, Call::Export { .. }) && is_library(compiled) {
            self.call(instance, LIBRARY_ENTRY, &[])?;
        }
        self.call(instance, name, &inputs)
    }

    fn expect_offered(&self, compiled: &Compiled) -> Result<(), Stop> {
        if let Some(import) = compiled.imports().find(|import| !import.offered) {
            return Err(Stop::ImportNotOffered { module: import.module, name: import.name });
        }
        let tables = compiled.table_elements.saturating_mul(TABLE_ELEMENT_BYTES);
        if compiled.memory_bytes.saturating_add(tables) > self.limits.memory_bytes_max {
            return Err(self.memory_limit());
        }
        Ok(())
    }

    fn instantiate(&mut self, compiled: &Compiled) -> Result<Instance, Stop> {
        compiled
            .linker
            .instantiate_and_start(&mut self.store, &compiled.module)
            .map_err(|error| self.trap(&error))
    }

    /// Calls an export to its end, slice by slice.
    fn call(&mut self, instance: Instance, name: &str, inputs: &[Val]) -> Result<Vec<Value>, End> {
        let function = instance.get_export(&self.store, name).and_then(Extern::into_func);
        let function = function.ok_or_else(|| no_such_export(name, Vec::new()))?;
        let results = function.ty(&self.store).results().len();
        let mut outputs = vec![Val::I32(0); results];
        self.refuel(0)?;
        let mut state = self.begin(function, inputs, &mut outputs);
        loop {
            state = match state.map_err(|error| self.end(&error))? {
                ResumableCall::Finished => return Ok(arguments::values(&outputs)),
                ResumableCall::OutOfFuel(paused) => {
                    self.refuel(paused.required_fuel())?;
                    paused.resume(&mut self.store, &mut outputs)
                }
                ResumableCall::HostTrap(paused) => {
                    if paused.host_error().downcast_ref() != Some(&Interrupt::Refuel) {
                        return Err(self.end(paused.host_error()));
                    }
                    self.refuel(0)?;
                    let answer = bridge::perform(&mut self.store, self.memory);
                    let answer = answer.map_err(|error| self.end(&error))?;
                    paused.resume(&mut self.store, answer.as_slice(), &mut outputs)
                }
            };
        }
    }

    fn begin(
        &mut self,
        function: Func,
        inputs: &[Val],
        outputs: &mut [Val],
    ) -> Result<ResumableCall, Error> {
        function.call_resumable(&mut self.store, inputs, outputs)
    }

    /// Gives the guest its next slice, when it has fuel and time left.
    fn refuel(&mut self, required: u64) -> Result<(), Stop> {
        let remaining = self.remaining();
        let next = self.store.data_mut().fuel.next_slice(remaining, required);
        let next = next.ok_or(Stop::OutOfFuel { fuel_max: self.limits.fuel_max })?;
        if (self.clock)().saturating_sub(self.started_ms) >= self.limits.wall_ms_max {
            return Err(Stop::Deadline { wall_ms_max: self.limits.wall_ms_max });
        }
        self.store.set_fuel(next).expect("fuel is metered in every engine made here");
        Ok(())
    }

    fn remaining(&self) -> u64 {
        self.store.get_fuel().expect("fuel is metered in every engine made here")
    }

    fn end(&self, error: &Error) -> End {
        match error.downcast_ref() {
            Some(Interrupt::Halt(Halt::Exit(0))) => End::Exit,
            Some(Interrupt::Halt(Halt::Exit(code))) => Stop::Exit { code: *code }.into(),
            Some(Interrupt::Halt(Halt::OutputLimit)) => {
                Stop::OutputLimit { bytes_max: self.limits.output_bytes_max }.into()
            }
            Some(Interrupt::Refuel | Interrupt::NoMemory) | None => self.trap(error).into(),
        }
    }

    /// A trap, or what lies behind it. Reasons are the specification's words
    /// and nothing else, so that they are the same on every machine.
    fn trap(&self, error: &Error) -> Stop {
        let meter = &self.store.data().meter;
        if meter.is_exhausted {
            return Stop::WorkerLost { reason: "the machine had no memory left for it".to_owned() };
        }
        if meter.was_denied {
            return self.memory_limit();
        }
        if let Some(interrupt) = error.downcast_ref::<Interrupt>() {
            return Stop::Trap { reason: interrupt.to_string() };
        }
        let reason = match (error.as_trap_code(), error.kind()) {
            (Some(wasmi::TrapCode::OutOfFuel), _) => {
                return Stop::OutOfFuel { fuel_max: self.limits.fuel_max };
            }
            // wasmi adds an index that is always 2 to this one.
            (Some(wasmi::TrapCode::IndirectCallToNull), _) => "uninitialized element",
            (Some(code), _) => code.trap_message(),
            (None, ErrorKind::Instantiation(_)) => "out of bounds table access",
            (None, ErrorKind::Message(message)) => message,
            (None, _) => "the module could not be instantiated",
        };
        Stop::Trap { reason: reason.to_owned() }
    }

    fn memory_limit(&self) -> Stop {
        Stop::MemoryLimit { bytes_max: self.limits.memory_bytes_max }
    }

    fn report(self, ended: Result<Vec<Value>, End>) -> Report {
        let (values, stop) = match ended {
            Ok(values) => (values, None),
            Err(End::Exit) => (Vec::new(), None),
            Err(End::Stop(stop)) => (Vec::new(), Some(stop)),
        };
        let remaining = self.remaining();
        let host = self.store.into_data();
        let fuel = host.fuel.used(remaining).min(self.limits.fuel_max);
        let memory_bytes_peak = host.meter.memory_bytes();
        let (stdout, stderr) = host.system.into_output();
        Report { stop, values, stdout, stderr, fuel, memory_bytes_peak }
    }
}

/// The function that a call names, and its arguments as text.
fn entry(call: &Call) -> Result<(&str, &[String]), Stop> {
    match call {
        Call::Export { name, arguments } => {
            expect_sane(name, arguments.iter())?;
            Ok((name, arguments))
        }
        Call::Command { arguments, environment, .. } => {
            let variables = environment.iter().flat_map(|(name, value)| [name, value]);
            expect_sane(COMMAND_ENTRY, arguments.iter().chain(variables))?;
            Ok((COMMAND_ENTRY, &[]))
        }
    }
}

/// Refuses texts that are too long together, or that C would cut short.
fn expect_sane<'a>(name: &str, texts: impl Iterator<Item = &'a String>) -> Result<(), Stop> {
    let mut bytes = 0;
    for (index, text) in texts.enumerate() {
        bytes += text.len() + 1;
        let expected = if bytes > ARGUMENT_BYTES_MAX {
            format!("at most {ARGUMENT_BYTES_MAX} bytes together with those before it")
        } else if text.contains('\0') {
            "text without NUL".to_owned()
        } else {
            continue;
        };
        let (name, given) = (arguments::shown(name), arguments::shown(text));
        return Err(Stop::WrongArgument { name, position: index + 1, expected, given });
    }
    Ok(())
}

fn inputs(compiled: &Compiled, name: &str, texts: &[String]) -> Result<Vec<Val>, Stop> {
    match compiled.functions().find(|(export, _)| *export == name) {
        Some((_, kind)) => arguments::read(name, &kind, texts),
        None => Err(no_such_export(
            name,
            compiled.functions().map(|(name, _)| arguments::shown(name)).collect(),
        )),
    }
}

/// Exports that an error lists.
const LISTED_MAX: usize = 50;

fn no_such_export(name: &str, mut exports: Vec<String>) -> Stop {
    exports.truncate(LISTED_MAX);
    Stop::NoSuchExport { name: arguments::shown(name), exports }
}

fn is_library(compiled: &Compiled) -> bool {
    compiled.functions().any(|(name, kind)| {
        name == LIBRARY_ENTRY && kind.params().is_empty() && kind.results().is_empty()
    })
}
