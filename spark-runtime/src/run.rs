//! One run: an instance, the calls it is asked for, and how they end.

mod bridge;
mod fuel;
mod gauges;

use wasmi::{
    AsContext, Error, Extern, Func, Instance, Memory, ResumableCall, Store, TrapCode, Val,
    errors::{ErrorKind, MemoryError, TableError},
};

use crate::{
    Call, Limits, Report, Stop, Value, arguments,
    engine::{COMMAND_ENTRY, Compiled, LIBRARY_ENTRY},
    meter::{CALL_FUEL, START, TABLE_ELEMENT_BYTES},
    wasi::{Halt, System},
};

use bridge::{Interrupt, Pending};
pub(crate) use bridge::{function_type, linker};
pub use fuel::SLICE_FUEL;
use fuel::{Fuel, charged};
use gauges::Gauges;

/// The arguments and environment of one call, in bytes.
pub const ARGUMENT_BYTES_MAX: usize = 1 << 20;

/// What a guest's calls out of its sandbox reach.
pub(crate) struct Host {
    system: System,
    fuel: Fuel,
    /// There as soon as there is an instance.
    gauges: Option<Gauges>,
    pending: Option<Pending>,
}

impl Host {
    /// Fuel that the guest has left; below nothing when it owes.
    fn remaining(&self, store: impl AsContext) -> i64 {
        self.gauges.map_or(0, |gauges| gauges.fuel(store))
    }
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
        fuel: Fuel::new(limits.fuel_max),
        gauges: None,
        pending: None,
    };
    let store = Store::new(&compiled.engine, host);
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
        if compiled.has_start {
            self.call(instance, START, &[])?;
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
        self.room_bytes(compiled).map(drop)
    }

    /// What memory and tables may grow by.
    fn room_bytes(&self, compiled: &Compiled) -> Result<u64, Stop> {
        let tables = compiled.table_elements.saturating_mul(TABLE_ELEMENT_BYTES);
        let taken = compiled.memory_bytes.saturating_add(tables);
        self.limits.memory_bytes_max.checked_sub(taken).ok_or_else(|| self.memory_limit())
    }

    fn instantiate(&mut self, compiled: &Compiled) -> Result<Instance, Stop> {
        let room_bytes = self.room_bytes(compiled)?;
        let instance = compiled
            .linker
            .instantiate_and_start(&mut self.store, &compiled.module)
            .map_err(|error| self.trap(&error))?;
        let gauges = Gauges::new(&mut self.store, instance, room_bytes);
        self.store.data_mut().gauges = Some(gauges);
        Ok(instance)
    }

    /// Calls an export to its end, slice by slice.
    fn call(&mut self, instance: Instance, name: &str, inputs: &[Val]) -> Result<Vec<Value>, End> {
        let function = instance.get_export(&self.store, name).and_then(Extern::into_func);
        let function = function.ok_or_else(|| no_such_export(name, Vec::new()))?;
        let results = function.ty(&self.store).results().len();
        let mut outputs = vec![Val::I32(0); results];
        self.prepare_call()?;
        let mut state = self.begin(function, inputs, &mut outputs);
        loop {
            let paused = match state.map_err(|error| self.end(&error))? {
                ResumableCall::Finished => return Ok(arguments::values(&outputs)),
                // The engine counts no fuel of its own.
                ResumableCall::OutOfFuel(_) => return Err(self.out_of_fuel().into()),
                ResumableCall::HostTrap(paused) => paused,
            };
            let answer = match paused.host_error().downcast_ref() {
                Some(Interrupt::Refuel) => {
                    self.refuel()?;
                    let answer = bridge::perform(&mut self.store, self.memory);
                    answer.map_err(|error| self.end(&error))?
                }
                Some(Interrupt::Limit) => {
                    self.limit()?;
                    None
                }
                _ => return Err(self.end(paused.host_error())),
            };
            state = paused.resume(&mut self.store, answer.as_slice(), &mut outputs);
        }
    }

    /// A call from here costs what one from inside does, and has the whole stack.
    fn prepare_call(&mut self) -> Result<(), Stop> {
        if let Some(gauges) = self.store.data().gauges {
            gauges.reset_stack(&mut self.store);
            let fuel = charged(gauges.fuel(&self.store), CALL_FUEL.into());
            gauges.set_fuel(&mut self.store, fuel);
        }
        self.refuel()
    }

    /// Finds out which limit the guest has met.
    fn limit(&mut self) -> Result<(), Stop> {
        let Some(gauges) = self.store.data().gauges else { return Ok(()) };
        if gauges.has_failed(&self.store) {
            return Err(no_memory_left());
        }
        if gauges.is_stack_exhausted(&self.store) {
            return Err(self.trapped(TrapCode::StackOverflow.trap_message()));
        }
        self.refuel()
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
    fn refuel(&mut self) -> Result<(), Stop> {
        let remaining = self.remaining();
        let next = self.store.data_mut().fuel.next_slice(remaining);
        let next = next.ok_or_else(|| self.out_of_fuel())?;
        if (self.clock)().saturating_sub(self.started_ms) >= self.limits.wall_ms_max {
            return Err(Stop::Deadline { wall_ms_max: self.limits.wall_ms_max });
        }
        if let Some(gauges) = self.store.data().gauges {
            gauges.set_fuel(&mut self.store, next);
        }
        Ok(())
    }

    fn remaining(&self) -> i64 {
        self.store.data().remaining(&self.store)
    }

    fn end(&self, error: &Error) -> End {
        match error.downcast_ref() {
            Some(Interrupt::Halt(Halt::Exit(0))) => End::Exit,
            Some(Interrupt::Halt(Halt::Exit(code))) => Stop::Exit { code: *code }.into(),
            Some(Interrupt::Halt(Halt::OutputLimit)) => {
                Stop::OutputLimit { bytes_max: self.limits.output_bytes_max }.into()
            }
            Some(Interrupt::Refuel | Interrupt::Limit | Interrupt::NoMemory) | None => {
                self.trap(error).into()
            }
        }
    }

    /// A trap, or what lies behind it. Reasons are the specification's words
    /// and nothing else, so that they are the same on every machine.
    fn trap(&self, error: &Error) -> Stop {
        if let Some(interrupt) = error.downcast_ref::<Interrupt>() {
            return self.trapped(&interrupt.to_string());
        }
        let reason = match (error.as_trap_code(), error.kind()) {
            (Some(TrapCode::OutOfSystemMemory), _)
            | (
                _,
                ErrorKind::Memory(MemoryError::OutOfSystemMemory)
                | ErrorKind::Table(TableError::OutOfSystemMemory),
            ) => return no_memory_left(),
            // wasmi adds an index that is always 2 to this one.
            (Some(TrapCode::IndirectCallToNull), _) => "uninitialized element",
            (Some(code), _) => code.trap_message(),
            (None, ErrorKind::Instantiation(_)) => "out of bounds table access",
            (None, ErrorKind::Message(message)) => message,
            (None, _) => "the module could not be instantiated",
        };
        self.trapped(reason)
    }

    fn trapped(&self, reason: &str) -> Stop {
        let gauges = self.store.data().gauges;
        if gauges.is_some_and(|gauges| gauges.was_denied(&self.store)) {
            return self.memory_limit();
        }
        Stop::Trap { reason: reason.to_owned() }
    }

    fn out_of_fuel(&self) -> Stop {
        Stop::OutOfFuel { fuel_max: self.limits.fuel_max }
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
        let gauges = self.store.data().gauges;
        let memory_bytes_peak = gauges.map_or(0, |gauges| gauges.memory_bytes(&self.store));
        let host = self.store.into_data();
        let fuel = host.fuel.used(remaining).min(self.limits.fuel_max);
        let (stdout, stderr) = host.system.into_output();
        Report { stop, values, stdout, stderr, fuel, memory_bytes_peak }
    }
}

fn no_memory_left() -> Stop {
    Stop::WorkerLost { reason: "the machine had no memory left for it".to_owned() }
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
