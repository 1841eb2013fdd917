//! Compiles modules for wasmi, the interpreter.
//!
//! What it compiles is the metered module ([`meter`](crate::meter)), which counts
//! its own fuel, stack and memory, so the engine's own limits are never met: they
//! lie above. Each module has an engine of its own, so that dropping a module
//! frees all that it took.

use std::sync::Arc;

use wasmi::{CompilationMode, Config, Engine, ExternType, FuncType, Linker, ValType};

use crate::{
    Call, Limits, Report, Stop,
    arguments::type_name,
    inspect::{Import, Inspection, Signature},
    meter::{self, Metered, meter},
    run::{self, Host},
    wasi,
};

/// How deep the engine lets calls nest: deeper than frames of the least size can.
const CALL_DEPTH_MAX: usize = 16_384;
/// The engine's stack of values, in bytes: several times what frames may count.
const STACK_BYTES_MAX: usize = 4 << 20;

/// The entry of a WASI command.
pub(crate) const COMMAND_ENTRY: &str = "_start";
/// What a WASI library wants called before anything else.
pub(crate) const LIBRARY_ENTRY: &str = "_initialize";

/// Loads, looks at and runs modules.
#[derive(Clone, Debug)]
pub struct Runtime {
    config: Config,
}

/// A compiled module. Cloning it is cheap; it may be run any number of times,
/// each run on an instance of its own.
#[derive(Clone)]
pub struct Module(Arc<Compiled>);

/// A module and what was noted about it.
pub(crate) struct Compiled {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Host>,
    pub(crate) module: wasmi::Module,
    /// Whether it has a start function, exported as [`meter::START`].
    pub(crate) has_start: bool,
    /// The memory it starts with, in bytes.
    pub(crate) memory_bytes: u64,
    /// The table elements it starts with.
    pub(crate) table_elements: u64,
    bytes: u64,
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime {
    /// A runtime with this project's settings.
    pub fn new() -> Self {
        let mut config = Config::default();
        config
            .compilation_mode(CompilationMode::Eager)
            .ignore_custom_sections(true)
            .allow_start_fn(false)
            .set_max_recursion_depth(CALL_DEPTH_MAX)
            .set_max_stack_height(STACK_BYTES_MAX);
        Self { config }
    }

    /// Checks and compiles a binary of at most
    /// [`MODULE_BYTES_MAX`](crate::meter::MODULE_BYTES_MAX) bytes. The only error is
    /// [`Stop::NotAModule`]; imports are looked at when it runs.
    pub fn load(&self, binary: &[u8]) -> Result<Module, Stop> {
        let metered =
            meter(binary).map_err(|error| Stop::NotAModule { reason: error.to_string() })?;
        let Metered { binary: metered, has_start, memory_bytes, table_elements } = metered;
        let engine = Engine::new(&self.config);
        let module = wasmi::Module::new(&engine, &metered)
            .map_err(|error| Stop::NotAModule { reason: error.to_string() })?;
        let linker = run::linker(&engine);
        let bytes = binary.len() as u64;
        Ok(Module(Arc::new(Compiled {
            engine,
            linker,
            module,
            has_start,
            memory_bytes,
            table_elements,
            bytes,
        })))
    }

    /// Says what a binary is, without running it. The only error is [`Stop::NotAModule`].
    pub fn inspect(&self, binary: &[u8]) -> Result<Inspection, Stop> {
        Ok(self.load(binary)?.inspect())
    }

    /// Runs one call on a fresh instance. `clock` gives milliseconds that never
    /// go back; it is asked about ten times a second. Whatever the guest does,
    /// this returns, after the wall-clock limit by the time of one slice of
    /// fuel at most.
    pub fn run(
        &self,
        module: &Module,
        call: &Call,
        limits: &Limits,
        clock: &mut dyn FnMut() -> u64,
    ) -> Report {
        run::run(&module.0, call, limits, clock)
    }
}

impl Module {
    /// What the module is.
    pub fn inspect(&self) -> Inspection {
        let compiled = &*self.0;
        let (offered, mut imports): (Vec<Import>, Vec<Import>) =
            compiled.imports().partition(|import| import.offered);
        imports.extend(offered);
        Inspection {
            bytes: compiled.bytes,
            is_command: compiled.functions().any(|(name, _)| name == COMMAND_ENTRY),
            exports: compiled
                .functions()
                .filter(|(name, _)| *name != COMMAND_ENTRY)
                .map(|(name, kind)| signature(name, &kind))
                .collect(),
            imports,
            memory_bytes: compiled.memory_bytes,
        }
    }
}

impl Compiled {
    /// Exported functions, in the order of their names.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&str, FuncType)> {
        self.module.exports().filter_map(|export| match export.ty() {
            ExternType::Func(kind) if !export.name().starts_with(meter::RESERVED) => {
                Some((export.name(), kind.clone()))
            }
            _ => None,
        })
    }

    /// Imports, each with whether it is offered with that type.
    pub(crate) fn imports(&self) -> impl Iterator<Item = Import> {
        let imports = self.module.imports().filter(|import| import.module() != meter::RESERVED);
        imports.map(|import| Import {
            module: import.module().to_owned(),
            name: import.name().to_owned(),
            offered: is_offered(import.module(), import.name(), import.ty()),
        })
    }
}

fn is_offered(module: &str, name: &str, kind: &ExternType) -> bool {
    let ExternType::Func(kind) = kind else { return false };
    module == wasi::MODULE
        && wasi::functions()
            .iter()
            .any(|function| function.name == name && run::function_type(function) == *kind)
}

fn signature(name: &str, kind: &FuncType) -> Signature {
    let names = |kinds: &[ValType]| kinds.iter().map(|kind| type_name(*kind).to_owned()).collect();
    Signature {
        name: name.to_owned(),
        parameters: names(kind.params()),
        results: names(kind.results()),
    }
}
