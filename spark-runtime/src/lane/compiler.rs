//! The fast lane of native programs: wasmtime, with each module in an engine of
//! its own, so that dropping a module frees all that it took.

use std::{fmt, ops::DerefMut};

use wasmtime::{
    AsContextMut, Caller, Config, Engine, Error, Extern, Func, FuncType, Global, Linker, Memory,
    Store, Val, ValType,
};

use super::{End, Gauge, Gauges, Host, Instance, Request, Trap, not_compiled, trap};
use crate::{
    Stop, Value,
    inspect::Signature,
    meter::{LIMIT, MEMORY, Metered, RESERVED},
    wasi::{self, Function, Parameter},
};

/// The engine's stack, in bytes: what browsers have.
const STACK_BYTES_MAX: usize = 984 << 10;

/// A compiled module.
pub(crate) struct Module {
    linker: Linker<Inside>,
    module: wasmtime::Module,
}

impl Module {
    /// Compiles a metered module.
    pub(super) fn new(metered: &Metered) -> Result<Self, Stop> {
        let refused = |error: Error| not_compiled(&error.to_string());
        let mut config = Config::new();
        config.max_wasm_stack(STACK_BYTES_MAX).wasm_tail_call(true);
        let engine = Engine::new(&config).map_err(refused)?;
        let module = wasmtime::Module::new(&engine, &metered.binary).map_err(refused)?;
        Ok(Self { linker: linker(&engine), module })
    }
}

/// What the engine keeps for the host.
struct Inside {
    host: Host,
    /// There as soon as there is an instance, in the order of [`Gauge::ALL`].
    gauges: Option<[Global; 4]>,
    /// What the host ended the guest by.
    end: Option<End>,
}

/// It is over: [`Inside::end`] says how.
#[derive(Debug)]
struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host ended the guest")
    }
}

impl std::error::Error for Ended {}

/// An instance in its own store.
pub(crate) struct Guest {
    store: Store<Inside>,
    instance: wasmtime::Instance,
}

/// A function of an instance, and how many results it has.
pub(crate) struct Export {
    function: Func,
    results: usize,
}

impl Instance for Guest {
    type Module = Module;
    type Export = Export;

    fn new(module: &Module, host: Host) -> Result<Self, End> {
        let inside = Inside { host, gauges: None, end: None };
        let mut store = Store::new(module.module.engine(), inside);
        let instance = module
            .linker
            .instantiate(&mut store, &module.module)
            .map_err(|error| ended(&mut store, &error))?;
        let gauges = Gauge::ALL.map(|gauge| {
            let global = instance.get_global(&mut store, gauge.name());
            global.expect("every metered module exports it")
        });
        store.data_mut().gauges = Some(gauges);
        Ok(Self { store, instance })
    }

    fn host(&mut self) -> impl DerefMut<Target = Host> {
        &mut self.store.data_mut().host
    }

    fn gauge(&mut self, gauge: Gauge) -> i64 {
        read(&mut self.store, gauge)
    }

    fn set_gauge(&mut self, gauge: Gauge, value: i64) {
        write(&mut self.store, gauge, value);
    }

    fn memory_bytes(&mut self) -> u64 {
        let memory = self.instance.get_memory(&mut self.store, MEMORY);
        memory.map_or(0, |memory| memory.data_size(&self.store) as u64)
    }

    fn export(&mut self, signature: &Signature) -> Export {
        let function = self.instance.get_func(&mut self.store, &signature.name);
        let function = function.expect("it was found among the exports");
        Export { function, results: signature.results.len() }
    }

    fn call(&mut self, export: &Export, inputs: &[Value]) -> Result<Vec<Value>, End> {
        let inputs: Vec<Val> = inputs.iter().map(|input| val(*input)).collect();
        let mut outputs = vec![Val::I32(0); export.results];
        let result = export.function.call(&mut self.store, &inputs, &mut outputs);
        result.map_err(|error| ended(&mut self.store, &error))?;
        Ok(outputs.iter().filter_map(value).collect())
    }
}

/// A linker that offers every function of the interface.
fn linker(engine: &Engine) -> Linker<Inside> {
    let mut linker = Linker::new(engine);
    for function in wasi::functions() {
        linker
            .func_new(
                wasi::MODULE,
                function.name,
                function_type(engine, function),
                move |caller, inputs, outputs| called(caller, function, inputs, outputs),
            )
            .expect("the names in the table differ");
    }
    linker
        .func_wrap(RESERVED, LIMIT, |mut caller: Caller<'_, Inside>| -> wasmtime::Result<()> {
            let [fuel, stack, _, flags] = Gauge::ALL.map(|gauge| read(&mut caller, gauge));
            let answer = caller.data_mut().host.limit(Gauges { fuel, stack, flags });
            let fuel = kept(&mut caller, answer)?;
            write(&mut caller, Gauge::Fuel, fuel);
            Ok(())
        })
        .expect("no other function is of that module");
    linker
}

fn function_type(engine: &Engine, function: &Function) -> FuncType {
    let parameters = function.parameters().map(|kind| match kind {
        Parameter::I32 => ValType::I32,
        Parameter::I64 => ValType::I64,
    });
    FuncType::new(engine, parameters, function.has_result().then_some(ValType::I32))
}

fn called(
    mut caller: Caller<'_, Inside>,
    function: &'static Function,
    inputs: &[Val],
    outputs: &mut [Val],
) -> wasmtime::Result<()> {
    let request = Request::new(function, |index, _| raw(inputs.get(index)));
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let answer = perform(&mut caller, memory, &request);
    let errno = kept(&mut caller, answer)?;
    if let Some(output) = outputs.first_mut() {
        *output = Val::I32(errno);
    }
    Ok(())
}

fn perform(
    caller: &mut Caller<'_, Inside>,
    memory: Option<Memory>,
    request: &Request,
) -> Result<i32, End> {
    let mut left = read(&mut *caller, Gauge::Fuel);
    let result = match memory {
        Some(memory) => {
            let (mut bytes, inside) = memory.data_and_store_mut(&mut *caller);
            inside.host.call(request, Some(&mut bytes), &mut left)
        }
        None => caller.data_mut().host.call(request, None, &mut left),
    };
    write(caller, Gauge::Fuel, left);
    result
}

/// Keeps what ends the guest until the engine has been left.
fn kept<T>(caller: &mut Caller<'_, Inside>, answer: Result<T, End>) -> wasmtime::Result<T> {
    answer.map_err(|end| {
        caller.data_mut().end = Some(end);
        Error::new(Ended)
    })
}

fn read(mut store: impl AsContextMut<Data = Inside>, gauge: Gauge) -> i64 {
    let Some(gauges) = store.as_context_mut().data().gauges else { return 0 };
    match gauges[gauge as usize].get(&mut store) {
        Val::I64(value) => value,
        Val::I32(value) => value.into(),
        _ => 0,
    }
}

fn write(mut store: impl AsContextMut<Data = Inside>, gauge: Gauge, value: i64) {
    if let Some(gauges) = store.as_context_mut().data().gauges {
        let global = gauges[gauge as usize];
        global.set(&mut store, Val::I64(value)).expect("the global is a mutable i64");
    }
}

/// What the host ended the guest by, or else what the engine did.
fn ended(store: &mut Store<Inside>, error: &Error) -> End {
    if let Some(end) = store.data_mut().end.take() {
        return end;
    }
    match error.downcast_ref() {
        Some(wasmtime::Trap::StackOverflow) => trap::failed("stack").into(),
        Some(code) => Trap::named(&code.to_string()).into(),
        None => trap::failed(&error.to_string()).into(),
    }
}

fn raw(input: Option<&Val>) -> u64 {
    match input {
        Some(Val::I32(value)) => u64::from(value.cast_unsigned()),
        Some(Val::I64(value)) => value.cast_unsigned(),
        _ => 0,
    }
}

fn val(value: Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(value),
        Value::I64(value) => Val::I64(value),
        Value::F32(bits) => Val::F32(bits),
        Value::F64(bits) => Val::F64(bits),
    }
}

fn value(val: &Val) -> Option<Value> {
    match val {
        Val::I32(value) => Some(Value::I32(*value)),
        Val::I64(value) => Some(Value::I64(*value)),
        Val::F32(bits) => Some(Value::f32(f32::from_bits(*bits))),
        Val::F64(bits) => Some(Value::f64(f64::from_bits(*bits))),
        _ => None,
    }
}
