//! wasmi.

use spark_runtime::meter::{LIMIT, RESERVED};
use wasmi::{
    Config, Engine, Error, ExternRef, F32, F64, Global, Instance, Linker, Module, Nullable, Store,
    V128, Val,
};

use super::{Number, Stopped, World};

pub(crate) struct Interpreter {
    linker: Linker<()>,
    store: Store<()>,
    instances: Vec<Instance>,
}

/// An engine that lets frames take what metering lets them take.
pub(crate) fn engine() -> Engine {
    let mut config = Config::default();
    config.set_max_recursion_depth(16_384).set_max_stack_height(4 << 20).allow_start_fn(false);
    Engine::new(&config)
}

impl Default for Interpreter {
    fn default() -> Self {
        Self::with(&engine())
    }
}

impl Interpreter {
    /// One that counts fuel itself, for modules that do not.
    pub(crate) fn counting(fuel: u64) -> Self {
        let mut config = Config::default();
        config.consume_fuel(true);
        let mut interpreter = Self::with(&Engine::new(&config));
        interpreter.store.set_fuel(fuel).unwrap();
        interpreter
    }

    fn with(engine: &Engine) -> Self {
        let mut linker = Linker::new(engine);
        linker.allow_shadowing(true);
        linker.func_wrap(RESERVED, LIMIT, || Err::<(), _>(Error::i32_exit(0))).unwrap();
        Self { store: Store::new(engine, ()), linker, instances: Vec::new() }
    }
}

impl World for Interpreter {
    fn instantiate(&mut self, binary: &[u8]) -> Result<usize, Stopped> {
        let module = Module::new(self.store.engine(), binary)
            .map_err(|error| Stopped::Link(error.to_string()))?;
        let instance = self.linker.instantiate_and_start(&mut self.store, &module);
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
        let function = self.instances[instance].get_func(&self.store, name).unwrap();
        let inputs: Vec<Val> = inputs.iter().map(|input| self.val(*input)).collect();
        let mut outputs = vec![Val::I32(0); function.ty(&self.store).results().len()];
        let result = function.call(&mut self.store, &inputs, &mut outputs);
        result.map_err(|error| stopped(&error))?;
        Ok(outputs.iter().map(|output| self.number(output)).collect())
    }

    fn global(&mut self, instance: usize, name: &str) -> Option<Number> {
        let value = self.named(instance, name)?.get(&self.store);
        Some(self.number(&value))
    }

    fn set_global(&mut self, instance: usize, name: &str, value: Number) {
        let value = self.val(value);
        if let Some(global) = self.named(instance, name) {
            global.set(&mut self.store, value).unwrap();
        }
    }

    fn memory(&mut self, instance: usize, name: &str) -> Option<Vec<u8>> {
        let memory = self.instances[instance].get_memory(&self.store, name)?;
        Some(memory.data(&self.store).to_vec())
    }
}

impl Interpreter {
    fn named(&self, instance: usize, name: &str) -> Option<Global> {
        self.instances[instance].get_global(&self.store, name)
    }

    fn val(&mut self, number: Number) -> Val {
        match number {
            Number::I32(value) => Val::I32(value.cast_signed()),
            Number::I64(value) => Val::I64(value.cast_signed()),
            Number::F32(bits) => Val::F32(F32::from_bits(bits)),
            Number::F64(bits) => Val::F64(F64::from_bits(bits)),
            Number::V128(bits) => Val::V128(V128::from(bits)),
            Number::Func(_) => Val::FuncRef(Nullable::Null),
            Number::Extern(None) => Val::ExternRef(Nullable::Null),
            Number::Extern(Some(name)) => {
                Val::ExternRef(Nullable::Val(ExternRef::new(&mut self.store, name)))
            }
        }
    }

    fn number(&self, value: &Val) -> Number {
        match value {
            Val::I32(value) => Number::I32(value.cast_unsigned()),
            Val::I64(value) => Number::I64(value.cast_unsigned()),
            Val::F32(value) => Number::F32(value.to_bits()),
            Val::F64(value) => Number::F64(value.to_bits()),
            Val::V128(value) => Number::V128(value.as_u128()),
            Val::FuncRef(reference) => Number::Func(!reference.is_null()),
            Val::ExternRef(Nullable::Null) => Number::Extern(None),
            Val::ExternRef(Nullable::Val(reference)) => {
                Number::Extern(reference.data(&self.store).downcast_ref().copied())
            }
        }
    }
}

fn stopped(error: &Error) -> Stopped {
    match (error.i32_exit_status(), error.as_trap_code()) {
        (Some(_), _) => Stopped::Limit,
        (None, Some(code)) => Stopped::Trap(code.trap_message().to_owned()),
        (None, None) => Stopped::Link(error.to_string()),
    }
}
