//! The interpreter: wasmi, with each module in an engine of its own, so that
//! dropping a module frees all that it took.
//!
//! The engine's own limits are never met: they lie above those of the meter. A
//! guest that needs its next slice leaves the engine and enters it again: in a tab
//! that is when the browser's compiled code of the interpreter itself is renewed.

use std::{fmt, ops::DerefMut};

use wasmi::{
    AsContext, AsContextMut, Caller, CompilationMode, Config, Engine, Error, Extern, F32, F64,
    Func, FuncType, Global, Linker, Memory, ResumableCall, Store, TrapCode, Val, ValType,
    errors::{ErrorKind, HostError, MemoryError, TableError},
};

use super::{End, Gauge, Host, Instance, Request, Trap, fuel::owes, trap};
use crate::{
    Stop, Value,
    inspect::Signature,
    meter::{LIMIT, MEMORY, Metered, RESERVED},
    wasi::{self, Function, Parameter},
};

/// How deep the engine lets calls nest: deeper than frames of the least size can.
const CALL_DEPTH_MAX: usize = 16_384;
/// The engine's stack of values, in bytes: several times what frames may count.
const STACK_BYTES_MAX: usize = 4 << 20;

/// A compiled module.
pub(crate) struct Module {
    engine: Engine,
    linker: Linker<Inside>,
    module: wasmi::Module,
}

impl Module {
    /// Compiles a metered module.
    pub(super) fn new(metered: &Metered) -> Result<Self, Stop> {
        let mut config = Config::default();
        config
            .compilation_mode(CompilationMode::Eager)
            .ignore_custom_sections(true)
            .allow_start_fn(false)
            .wasm_relaxed_simd(false)
            .set_max_recursion_depth(CALL_DEPTH_MAX)
            .set_max_stack_height(STACK_BYTES_MAX);
        let engine = Engine::new(&config);
        let module = wasmi::Module::new(&engine, &metered.binary)
            .map_err(|error| Stop::NotAModule { reason: error.to_string() })?;
        let linker = linker(&engine);
        Ok(Self { engine, linker, module })
    }
}

/// What the engine keeps for the host.
struct Inside {
    host: Host,
    /// There as soon as there is an instance, in the order of [`Gauge::ALL`].
    gauges: Option<[Global; 4]>,
    /// The call that waits for the next slice; none when the guest met a limit itself.
    pending: Option<Request>,
    /// What the host ended the guest by.
    end: Option<End>,
}

/// Why a call to the host did not return.
#[derive(Clone, Copy, Debug)]
enum Interrupt {
    /// The guest waits for fuel, or has met another limit of its own counting.
    Pause,
    /// It is over: [`Inside::end`] says how.
    End,
}

impl fmt::Display for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pause => "the guest waits for its host",
            Self::End => "the host ended the guest",
        })
    }
}

impl HostError for Interrupt {}

/// An instance in its own store.
pub(crate) struct Guest {
    store: Store<Inside>,
    instance: wasmi::Instance,
    /// What the system writes to.
    memory: Option<Memory>,
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
        let inside = Inside { host, gauges: None, pending: None, end: None };
        let mut store = Store::new(&module.engine, inside);
        let instance = module
            .linker
            .instantiate_and_start(&mut store, &module.module)
            .map_err(|error| ended(&mut store, &error))?;
        let gauges = Gauge::ALL.map(|gauge| {
            let global = instance.get_global(&store, gauge.name());
            global.expect("every metered module exports it")
        });
        store.data_mut().gauges = Some(gauges);
        let memory = instance.get_memory(&store, "memory");
        Ok(Self { store, instance, memory })
    }

    fn host(&mut self) -> impl DerefMut<Target = Host> {
        &mut self.store.data_mut().host
    }

    fn gauge(&mut self, gauge: Gauge) -> i64 {
        read(&self.store, gauge)
    }

    fn set_gauge(&mut self, gauge: Gauge, value: i64) {
        write(&mut self.store, gauge, value);
    }

    fn memory_bytes(&mut self) -> u64 {
        let memory = self.instance.get_memory(&self.store, MEMORY);
        memory.map_or(0, |memory| memory.data_size(&self.store) as u64)
    }

    fn export(&mut self, signature: &Signature) -> Export {
        let function = self.instance.get_func(&self.store, &signature.name);
        let function = function.expect("it was found among the exports");
        Export { function, results: signature.results.len() }
    }

    fn call(&mut self, export: &Export, inputs: &[Value]) -> Result<Vec<Value>, End> {
        let inputs: Vec<Val> = inputs.iter().map(|input| val(*input)).collect();
        let mut outputs = vec![Val::I32(0); export.results];
        let mut state = export.function.call_resumable(&mut self.store, &inputs, &mut outputs);
        loop {
            let paused = match state.map_err(|error| ended(&mut self.store, &error))? {
                ResumableCall::Finished => return Ok(outputs.iter().filter_map(value).collect()),
                // The engine counts no fuel of its own.
                ResumableCall::OutOfFuel(_) => return Err(trap::failed("").into()),
                ResumableCall::HostTrap(paused) => paused,
            };
            if let Some(Interrupt::End) | None = paused.host_error().downcast_ref() {
                return Err(ended(&mut self.store, paused.host_error()));
            }
            let answer = self.answer()?;
            state = paused.resume(&mut self.store, answer.as_slice(), &mut outputs);
        }
    }
}

impl Guest {
    /// Does what the guest waits for; a function's result, if it has one.
    fn answer(&mut self) -> Result<Option<Val>, End> {
        if let Some(request) = self.store.data_mut().pending.take() {
            let errno = perform(&mut self.store, self.memory, &request)?;
            return Ok(request.function.has_result().then_some(Val::I32(errno)));
        }
        let gauges = self.gauges();
        let fuel = self.store.data_mut().host.limit(gauges)?;
        self.set_gauge(Gauge::Fuel, fuel);
        Ok(None)
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
                function_type(function),
                move |caller, inputs, outputs| called(caller, function, inputs, outputs),
            )
            .expect("the names in the table differ");
    }
    linker
        .func_wrap(RESERVED, LIMIT, || Err::<(), _>(Error::host(Interrupt::Pause)))
        .expect("no other function is of that module");
    linker
}

fn function_type(function: &Function) -> FuncType {
    let parameters = function.parameters().map(|kind| match kind {
        Parameter::I32 => ValType::I32,
        Parameter::I64 => ValType::I64,
    });
    FuncType::new(parameters, function.has_result().then_some(ValType::I32))
}

fn called(
    mut caller: Caller<'_, Inside>,
    function: &'static Function,
    inputs: &[Val],
    outputs: &mut [Val],
) -> Result<(), Error> {
    let request = Request::new(function, |index, _| raw(inputs.get(index)));
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    if memory.is_some() && owes(read(&caller, Gauge::Fuel)) {
        caller.data_mut().pending = Some(request);
        return Err(Error::host(Interrupt::Pause));
    }
    match perform(&mut caller, memory, &request) {
        Ok(errno) => {
            if let Some(output) = outputs.first_mut() {
                *output = Val::I32(errno);
            }
            Ok(())
        }
        Err(end) => {
            caller.data_mut().end = Some(end);
            Err(Error::host(Interrupt::End))
        }
    }
}

fn perform(
    mut store: impl AsContextMut<Data = Inside>,
    memory: Option<Memory>,
    request: &Request,
) -> Result<i32, End> {
    let mut left = read(&store, Gauge::Fuel);
    let result = match memory {
        Some(memory) => {
            let (mut bytes, inside) = memory.data_and_store_mut(&mut store);
            inside.host.call(request, Some(&mut bytes), &mut left)
        }
        None => store.as_context_mut().data_mut().host.call(request, None, &mut left),
    };
    write(store, Gauge::Fuel, left);
    result
}

fn read(store: impl AsContext<Data = Inside>, gauge: Gauge) -> i64 {
    let Some(gauges) = store.as_context().data().gauges else { return 0 };
    match gauges[gauge as usize].get(&store) {
        Val::I64(value) => value,
        Val::I32(value) => value.into(),
        _ => 0,
    }
}

fn write(mut store: impl AsContextMut<Data = Inside>, gauge: Gauge, value: i64) {
    if let Some(gauges) = store.as_context().data().gauges {
        let global = gauges[gauge as usize];
        global.set(&mut store, Val::I64(value)).expect("the global is a mutable i64");
    }
}

/// What the host ended the guest by, or else what the engine did.
fn ended(store: &mut Store<Inside>, error: &Error) -> End {
    if let Some(end) = store.data_mut().end.take() {
        return end;
    }
    match (error.as_trap_code(), error.kind()) {
        (Some(TrapCode::OutOfSystemMemory), _)
        | (
            None,
            ErrorKind::Memory(MemoryError::OutOfSystemMemory)
            | ErrorKind::Table(TableError::OutOfSystemMemory),
        ) => trap::failed("memory").into(),
        (Some(TrapCode::StackOverflow), _) => trap::failed("stack").into(),
        (Some(code), _) => Trap::named(code.trap_message()).into(),
        // Segments that do not fit.
        (None, ErrorKind::Instantiation(_)) => Trap::OutOfBounds.into(),
        (None, _) => trap::failed("").into(),
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
        Value::F32(bits) => Val::F32(F32::from_bits(bits)),
        Value::F64(bits) => Val::F64(F64::from_bits(bits)),
    }
}

fn value(val: &Val) -> Option<Value> {
    match val {
        Val::I32(value) => Some(Value::I32(*value)),
        Val::I64(value) => Some(Value::I64(*value)),
        Val::F32(float) => Some(Value::f32(f32::from_bits(float.to_bits()))),
        Val::F64(float) => Some(Value::f64(f64::from_bits(float.to_bits()))),
        Val::V128(_) | Val::FuncRef(_) | Val::ExternRef(_) => None,
    }
}
