//! What runs a metered module: a lane.
//!
//! There are two. The *interpreter* is wasmi, the same on every machine. The
//! *fast* lane is a compiler: in a tab the browser's own engine, natively wasmtime
//! where the feature of that name is on, elsewhere nothing. Both run the very
//! same bytes ([`meter`](crate::meter)), which count for themselves; both reach the
//! same [`Host`], which decides all else. So a report does not tell which of them ran.
//!
//! An engine is an [`Instance`]: it lends the gauges that the module counts in and
//! calls its exports. What it imports calls the host and does what that says.
//! An instance is there for one run and for one guest.
//!
//! The host never waits: a guest's streams are there as a whole before it starts, and
//! sleeping moves a virtual clock. A call that has to wait for something outside
//! cannot be served by a compiler's lane without suspending the guest's stack.

mod fuel;
mod host;
mod interpreter;
mod trap;

#[cfg(target_arch = "wasm32")]
#[path = "lane/browser.rs"]
mod fast;
#[cfg(all(not(target_arch = "wasm32"), not(feature = "wasmtime")))]
#[path = "lane/absent.rs"]
mod fast;
#[cfg(all(not(target_arch = "wasm32"), feature = "wasmtime"))]
#[path = "lane/compiler.rs"]
mod fast;

use std::{cell::OnceCell, ops::DerefMut};

use serde::{Deserialize, Serialize};

pub use fuel::SLICE_FUEL;
pub(crate) use host::{Gauges, Host};
pub(crate) use trap::Trap;

use crate::{
    Limits, Stop, Value,
    inspect::Signature,
    meter::{self, Metered, STACK_BYTES_MAX},
    wasi::{Function, Parameter},
};

/// Which engine is to run a guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lane {
    /// The fast lane where there is one that takes the module, else the interpreter.
    #[default]
    Automatic,
    /// The interpreter, and nothing else.
    Interpreter,
    /// The fast lane, and nothing else: where there is none, the run ends as
    /// [`Stop::WorkerLost`], so that another ion may try.
    Fast,
}

/// What a run ends as whose module an engine does not compile though the pass took it:
/// that is this engine's affair, and another ion's may do better.
fn not_compiled(why: &str) -> Stop {
    Stop::WorkerLost { reason: format!("the fast lane did not take the module: {why}") }
}

/// How a guest ended before its last call returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By `proc_exit(0)`.
    Exit,
    /// By a trap.
    Trap(Trap),
    /// By anything else.
    Stop(Stop),
}

impl End {
    /// What the report says of it. A trap after growth was denied is the limit's.
    pub(crate) fn stop(self, was_denied: bool, limits: &Limits) -> Option<Stop> {
        match self {
            Self::Exit => None,
            Self::Stop(stop) => Some(stop),
            Self::Trap(_) if was_denied => {
                Some(Stop::MemoryLimit { bytes_max: limits.memory_bytes_max })
            }
            Self::Trap(trap) => Some(Stop::Trap { reason: trap.to_string() }),
        }
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Trap> for End {
    fn from(trap: Trap) -> Self {
        Self::Trap(trap)
    }
}

/// What a metered module counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gauge {
    /// Fuel that is left; below nothing when the guest owes.
    Fuel,
    /// Bytes of stack that are left.
    Stack,
    /// Bytes that memory and tables may still grow by.
    Room,
    /// What became of growth.
    Flags,
}

impl Gauge {
    const ALL: [Self; 4] = [Self::Fuel, Self::Stack, Self::Room, Self::Flags];

    /// The global's name as an export.
    fn name(self) -> &'static str {
        match self {
            Self::Fuel => meter::FUEL,
            Self::Stack => meter::STACK,
            Self::Room => meter::ROOM,
            Self::Flags => meter::FLAGS,
        }
    }
}

/// A metered module's instance in some engine.
pub(crate) trait Instance: Sized {
    /// A compiled module, that any number of instances are made of.
    type Module;
    /// An export that was looked up, to be called any number of times.
    type Export;

    /// An instance, of which nothing has run.
    fn new(module: &Self::Module, host: Host) -> Result<Self, End>;

    /// What its calls out of its sandbox reach.
    fn host(&mut self) -> impl DerefMut<Target = Host>;

    /// Reads a global.
    fn gauge(&mut self, gauge: Gauge) -> i64;

    /// Writes one of those of 64 bits.
    fn set_gauge(&mut self, gauge: Gauge, value: i64);

    /// Linear memory, in bytes. It never shrinks, so this is the most there was.
    fn memory_bytes(&mut self) -> u64;

    /// Looks up an exported function that is there.
    fn export(&mut self, signature: &Signature) -> Self::Export;

    /// Calls an export with what fits its parameters, to its end.
    fn call(&mut self, export: &Self::Export, inputs: &[Value]) -> Result<Vec<Value>, End>;

    /// Calls an export from outside, with the whole stack.
    fn enter(&mut self, export: &Self::Export, inputs: &[Value]) -> Result<Vec<Value>, End> {
        self.set_gauge(Gauge::Stack, STACK_BYTES_MAX.cast_signed());
        let mut left = self.gauge(Gauge::Fuel);
        let entered = self.host().enter(&mut left);
        self.set_gauge(Gauge::Fuel, left);
        entered?;
        self.call(export, inputs)
    }

    /// All gauges.
    fn gauges(&mut self) -> Gauges {
        let [fuel, stack, _, flags] = Gauge::ALL.map(|gauge| self.gauge(gauge));
        Gauges { fuel, stack, flags }
    }
}

/// A module in one of the lanes.
pub(crate) enum Compiled<'a> {
    Interpreter(&'a interpreter::Module),
    Fast(&'a fast::Module),
}

pub(crate) use fast::Guest as FastGuest;
pub(crate) use interpreter::Guest as InterpretedGuest;

/// A metered module in every lane in which it was wanted.
pub(crate) struct Lanes {
    metered: Metered,
    interpreter: OnceCell<Result<interpreter::Module, Stop>>,
    fast: OnceCell<Result<fast::Module, Stop>>,
}

impl Lanes {
    /// Compiles nothing yet.
    pub(crate) fn new(metered: Metered) -> Self {
        Self { metered, interpreter: OnceCell::new(), fast: OnceCell::new() }
    }

    /// What was metered.
    pub(crate) fn metered(&self) -> &Metered {
        &self.metered
    }

    /// The module in that lane, compiled when it is wanted first.
    pub(crate) fn compiled(&self, lane: Lane) -> Result<Compiled<'_>, Stop> {
        match lane {
            Lane::Interpreter => self.interpreted(),
            Lane::Fast => self.fast(),
            Lane::Automatic => self.fast().or_else(|_| self.interpreted()),
        }
    }

    fn interpreted(&self) -> Result<Compiled<'_>, Stop> {
        let compile = || interpreter::Module::new(&self.metered);
        let module = self.interpreter.get_or_init(compile).as_ref();
        module.map(Compiled::Interpreter).map_err(Clone::clone)
    }

    fn fast(&self) -> Result<Compiled<'_>, Stop> {
        let module = self.fast.get_or_init(|| fast::Module::new(&self.metered)).as_ref();
        module.map(Compiled::Fast).map_err(Clone::clone)
    }
}

/// The most parameters that a function of the interface has.
const PARAMETERS_MAX: usize = 9;

/// A call to the host.
#[derive(Clone, Copy)]
struct Request {
    function: &'static Function,
    arguments: [u64; PARAMETERS_MAX],
}

impl Request {
    /// A call with arguments as the engine gives them.
    fn new(function: &'static Function, argument: impl Fn(usize, Parameter) -> u64) -> Self {
        let mut arguments = [0; PARAMETERS_MAX];
        for ((index, kind), slot) in function.parameters().enumerate().zip(&mut arguments) {
            *slot = argument(index, kind);
        }
        Self { function, arguments }
    }
}
