//! Loads modules: meters them, notes what they are, and has lanes compile them.

use std::rc::Rc;

use wasmparser::{FuncType, ValType};

use crate::{
    Call, Lane, Limits, Report, Stop, anatomy,
    inspect::{Import, Inspection, Signature},
    lane::{Compiled, Lanes},
    meter::{Imported, meter},
    run,
    wasi::{self, Parameter},
    wire,
};

/// The entry of a WASI command.
pub(crate) const COMMAND_ENTRY: &str = "_start";
/// What a WASI library wants called before anything else.
pub(crate) const LIBRARY_ENTRY: &str = "_initialize";

/// Gives milliseconds that never go back. It is asked about fifty times a second by
/// the interpreter, up to a thousand times by the fast lane.
pub type Clock = Rc<dyn Fn() -> u64>;

/// Loads, looks at and runs modules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Runtime;

/// A loaded module. Cloning it is cheap; it may be run any number of times,
/// each run on an instance of its own. It keeps its metered bytes, and what each
/// lane that it ran in made of them.
#[derive(Clone)]
pub struct Module(Rc<Loaded>);

/// A module and what was noted about it.
pub(crate) struct Loaded {
    pub(crate) lanes: Lanes,
    /// Exported functions, in the order of their names.
    pub(crate) exports: Vec<Signature>,
    /// Imports, in their order.
    pub(crate) imports: Vec<Import>,
    bytes: u64,
}

impl Runtime {
    /// A runtime with this project's settings.
    pub fn new() -> Self {
        Self
    }

    /// Checks and meters a binary of at most
    /// [`MODULE_BYTES_MAX`](crate::meter::MODULE_BYTES_MAX) bytes. The only error is
    /// [`Stop::NotAModule`]; imports are looked at when it runs, and a lane compiles
    /// it when it runs there first.
    pub fn load(&self, binary: &[u8]) -> Result<Module, Stop> {
        let mut metered =
            meter(binary).map_err(|error| Stop::NotAModule { reason: error.to_string() })?;
        let exports = std::mem::take(&mut metered.exports);
        let mut exports: Vec<Signature> =
            exports.iter().map(|(name, kind)| signature(name, kind)).collect();
        exports.sort_by(|one, other| one.name.cmp(&other.name));
        let imports = metered.imports.iter().map(import).collect();
        let bytes = binary.len() as u64;
        Ok(Module(Rc::new(Loaded { lanes: Lanes::new(metered), exports, imports, bytes })))
    }

    /// Says what a binary is and what it is made of, without running it. The only error is
    /// [`Stop::NotAModule`].
    pub fn inspect(&self, binary: &[u8]) -> Result<Inspection, Stop> {
        let inspection = self.load(binary)?.inspect();
        // It was found valid, so that it can be read.
        let anatomy = anatomy::of(binary).unwrap_or_default();
        Ok(Inspection { anatomy: wire::encode(&anatomy), ..inspection })
    }

    /// Runs one call on a fresh instance. Whatever the guest does, this returns, after
    /// the wall-clock limit by the time of one slice of fuel at most.
    pub fn run(
        &self,
        module: &Module,
        lane: Lane,
        call: &Call,
        limits: &Limits,
        clock: &Clock,
    ) -> Report {
        run::run(&module.0, lane, call, limits, clock)
    }
}

impl Module {
    /// What the module is, but for what it is made of.
    pub fn inspect(&self) -> Inspection {
        let loaded = &*self.0;
        let (offered, mut imports): (Vec<Import>, Vec<Import>) =
            loaded.imports.iter().cloned().partition(|import| import.offered);
        imports.extend(offered);
        let exports = loaded.exports.iter().filter(|export| export.name != COMMAND_ENTRY);
        Inspection {
            bytes: loaded.bytes,
            is_command: loaded.export(COMMAND_ENTRY).is_some(),
            exports: exports.cloned().collect(),
            imports,
            memory_bytes: loaded.lanes.metered().memory_bytes,
            anatomy: Vec::new(),
        }
    }

    /// Has the lane compile it now rather than at its first run. The error is what a
    /// run in that lane would end with.
    pub fn compile(&self, lane: Lane) -> Result<(), Stop> {
        self.0.compiled(lane).map(drop)
    }
}

impl Loaded {
    /// The exported function of that name.
    pub(crate) fn export(&self, name: &str) -> Option<&Signature> {
        self.exports.iter().find(|export| export.name == name)
    }

    /// The module in that lane.
    pub(crate) fn compiled(&self, lane: Lane) -> Result<Compiled<'_>, Stop> {
        self.lanes.compiled(lane)
    }
}

fn import(import: &Imported) -> Import {
    let Imported { module, name, function } = import;
    let is_offered = |kind: &FuncType| module == wasi::MODULE && is_offered(name, kind);
    let offered = function.as_ref().is_some_and(is_offered);
    Import { module: module.clone(), name: name.clone(), offered }
}

fn is_offered(name: &str, kind: &FuncType) -> bool {
    wasi::functions().iter().filter(|function| function.name == name).any(|function| {
        let parameters = function.parameters().map(|kind| match kind {
            Parameter::I32 => ValType::I32,
            Parameter::I64 => ValType::I64,
        });
        let results = function.has_result().then_some(ValType::I32);
        parameters.eq(kind.params().iter().copied()) && results.as_slice() == kind.results()
    })
}

fn signature(name: &str, kind: &FuncType) -> Signature {
    let names = |kinds: &[ValType]| kinds.iter().map(ToString::to_string).collect();
    Signature {
        name: name.to_owned(),
        parameters: names(kind.params()),
        results: names(kind.results()),
    }
}
