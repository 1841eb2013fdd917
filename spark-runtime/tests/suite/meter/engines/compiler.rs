//! wasmtime, which has no references of hosts here.

use spark_runtime::meter::{LIMIT, RESERVED};
use wasmtime::{Config, Engine, Error, Instance, Linker, Module, Store, Trap, Val};

use super::{Number, Stopped, World};

/// What the browser's own engine has, too.
const STACK_BYTES: usize = 984 << 10;

pub(crate) struct Compiler {
    linker: Linker<()>,
    store: Store<()>,
    instances: Vec<Instance>,
}

/// What a host says that gives nothing.
#[derive(Debug)]
struct Enough;

impl std::fmt::Display for Enough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a limit was met")
    }
}

impl std::error::Error for Enough {}

impl Default for Compiler {
    fn default() -> Self {
        Self::with(&Config::new())
    }
}

impl Compiler {
    /// One that counts fuel itself, for modules that do not: one unit for each
    /// operator that does something.
    pub(crate) fn counting(fuel: u64) -> Self {
        let mut compiler = Self::with(Config::new().consume_fuel(true));
        compiler.store.set_fuel(fuel).unwrap();
        compiler
    }

    /// What is left of that fuel.
    pub(crate) fn fuel(&self) -> u64 {
        self.store.get_fuel().unwrap()
    }

    fn with(config: &Config) -> Self {
        let mut config = config.clone();
        config.max_wasm_stack(STACK_BYTES).wasm_tail_call(true);
        let engine = Engine::new(&config).unwrap();
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        linker
            .func_wrap(RESERVED, LIMIT, || -> wasmtime::Result<()> { Err(Error::new(Enough)) })
            .unwrap();
        Self { store: Store::new(&engine, ()), linker, instances: Vec::new() }
    }
}

impl World for Compiler {
    fn instantiate(&mut self, binary: &[u8]) -> Result<usize, Stopped> {
        let module = Module::new(self.store.engine(), binary)
            .map_err(|error| Stopped::Link(error.to_string()))?;
        let instance = self.linker.instantiate(&mut self.store, &module);
        self.instances.push(instance.map_err(|error| stopped(&error))?);
        Ok(self.instances.len() - 1)
    }

    fn register(&mut self, name: &str, instance: usize) {
        self.linker.instance(&mut self.store, name, self.instances[instance]).unwrap();
    }

    fn call(
        &mut self,
        instance: usize,
        name: &str,
        inputs: &[Number],
    ) -> Result<Vec<Number>, Stopped> {
        let function = self.instances[instance].get_func(&mut self.store, name).unwrap();
        let inputs: Vec<Val> = inputs.iter().map(|input| val(*input)).collect();
        let mut outputs = vec![Val::I32(0); function.ty(&self.store).results().len()];
        let result = function.call(&mut self.store, &inputs, &mut outputs);
        result.map_err(|error| stopped(&error))?;
        Ok(outputs.iter().map(number).collect())
    }

    fn global(&mut self, instance: usize, name: &str) -> Option<Number> {
        let global = self.instances[instance].get_global(&mut self.store, name)?;
        Some(number(&global.get(&mut self.store)))
    }

    fn set_global(&mut self, instance: usize, name: &str, value: Number) {
        if let Some(global) = self.instances[instance].get_global(&mut self.store, name) {
            global.set(&mut self.store, val(value)).unwrap();
        }
    }

    fn memory(&mut self, instance: usize, name: &str) -> Option<Vec<u8>> {
        let memory = self.instances[instance].get_memory(&mut self.store, name)?;
        Some(memory.data(&self.store).to_vec())
    }
}

fn val(number: Number) -> Val {
    match number {
        Number::I32(value) => Val::I32(value.cast_signed()),
        Number::I64(value) => Val::I64(value.cast_signed()),
        Number::F32(bits) => Val::F32(bits),
        Number::F64(bits) => Val::F64(bits),
        Number::V128(bits) => Val::V128(bits.into()),
        Number::Func(_) => Val::FuncRef(None),
        Number::Extern(_) => panic!("there are no references of hosts here"),
    }
}

fn number(value: &Val) -> Number {
    match value {
        Val::I32(value) => Number::I32(value.cast_unsigned()),
        Val::I64(value) => Number::I64(value.cast_unsigned()),
        Val::F32(bits) => Number::F32(*bits),
        Val::F64(bits) => Number::F64(*bits),
        Val::V128(bits) => Number::V128(bits.as_u128()),
        Val::FuncRef(reference) => Number::Func(reference.is_some()),
        other => panic!("{other:?} is not used here"),
    }
}

/// Traps in the interpreter's words, which are the specification's.
fn stopped(error: &Error) -> Stopped {
    if error.is::<Enough>() {
        return Stopped::Limit;
    }
    let Some(trap) = error.downcast_ref::<Trap>() else {
        return Stopped::Link(error.to_string());
    };
    let words = trap.to_string();
    Stopped::Trap(words.strip_prefix("wasm trap: ").unwrap_or(&words).to_owned())
}
