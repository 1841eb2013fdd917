//! The metering pass: what it counts, stops, changes and refuses, seen on the
//! bare interpreter.

mod engines;
mod fuel;
mod generated;
mod growth;
mod nan;
mod shape;
mod specification;
mod stack;

use std::fmt;

use spark_runtime::meter::{
    FLAG_FAILED, FLAGS, FUEL, LIMIT, RESERVED, ROOM, STACK, STACK_BYTES_MAX, START, meter,
};
use wasmi::{
    Caller, Error, Extern, Global, Instance, Linker, Module, Store, StoreLimits,
    StoreLimitsBuilder, Val, errors::HostError,
};

/// More fuel than any test uses.
const MUCH_FUEL: i64 = 1 << 50;
/// More room than any test uses.
const MUCH_ROOM: i64 = 1 << 30;

/// How a call ended that did not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    OutOfFuel,
    StackExhausted,
    GrowthFailed,
    Trap(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl HostError for End {}

/// What a guest's host knows.
pub(crate) struct Host {
    /// Fuel that is added at a time, or nothing.
    refill: i64,
    /// Fuel that was added so far.
    given: i64,
    limits: StoreLimits,
}

/// An instance of a metered module.
pub(crate) struct Guest {
    store: Store<Host>,
    instance: Instance,
}

impl Guest {
    /// Meters and starts a module in the text format.
    pub(crate) fn new(text: &str) -> Self {
        let mut guest = Self::loaded(&wat::parse_str(text).unwrap());
        if guest.instance.get_func(&guest.store, START).is_some() {
            guest.call(START, &[]).unwrap();
        }
        guest
    }

    /// Meters a module, and starts nothing.
    pub(crate) fn loaded(binary: &[u8]) -> Self {
        let metered = meter(binary).unwrap();
        let engine = engines::engine();
        let host = Host { refill: 0, given: 0, limits: StoreLimits::default() };
        let mut store = Store::new(&engine, host);
        store.limiter(|host| &mut host.limits);
        let module = Module::new(&engine, &metered.binary).unwrap();
        let mut linker = Linker::new(&engine);
        linker.func_wrap(RESERVED, LIMIT, limit).unwrap();
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        let mut guest = Self { store, instance };
        guest.set(FUEL, MUCH_FUEL);
        guest.set(STACK, STACK_BYTES_MAX.cast_signed());
        guest.set(ROOM, MUCH_ROOM);
        guest
    }

    /// Adds so much fuel whenever there is none.
    pub(crate) fn refill(&mut self, fuel: i64) {
        self.store.data_mut().refill = fuel;
    }

    /// The fuel that was added.
    pub(crate) fn given(&self) -> i64 {
        self.store.data().given
    }

    /// Lets the machine have no more memory than this for the guest.
    pub(crate) fn set_machine(&mut self, memory_bytes: usize, table_elements: usize) {
        self.store.data_mut().limits = StoreLimitsBuilder::new()
            .memory_size(memory_bytes)
            .table_elements(table_elements)
            .build();
    }

    pub(crate) fn get(&self, name: &str) -> i64 {
        value(self.global(name).get(&self.store))
    }

    pub(crate) fn set(&mut self, name: &str, value: i64) {
        self.global(name).set(&mut self.store, Val::I64(value)).unwrap();
    }

    pub(crate) fn call(&mut self, name: &str, inputs: &[Val]) -> Result<Vec<Val>, End> {
        let function = self.instance.get_func(&self.store, name).unwrap();
        let mut outputs = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, inputs, &mut outputs).map_err(|error| end(&error))?;
        Ok(outputs)
    }

    /// Calls with numbers, and returns the first number of the answer, or nothing.
    pub(crate) fn number(&mut self, name: &str, inputs: &[i32]) -> i64 {
        let inputs: Vec<Val> = inputs.iter().map(|input| Val::I32(*input)).collect();
        let outputs = self.call(name, &inputs).unwrap();
        outputs.first().map_or(0, |output| value(output.clone()))
    }

    /// The fuel that a call uses.
    pub(crate) fn fuel_of(&mut self, name: &str, inputs: &[i32]) -> i64 {
        let before = self.get(FUEL);
        self.number(name, inputs);
        before - self.get(FUEL)
    }

    fn global(&self, name: &str) -> Global {
        self.instance.get_global(&self.store, name).unwrap()
    }
}

fn value(value: Val) -> i64 {
    match value {
        Val::I32(value) => value.into(),
        Val::I64(value) => value,
        Val::F32(value) => value.to_bits().into(),
        Val::F64(value) => value.to_bits().cast_signed(),
        other => panic!("{other:?} is no number"),
    }
}

fn end(error: &Error) -> End {
    match (error.downcast_ref::<End>(), error.as_trap_code()) {
        (Some(end), _) => end.clone(),
        (None, Some(code)) => End::Trap(code.trap_message().to_owned()),
        (None, None) => panic!("{error}"),
    }
}

/// What a host does that is asked for more.
fn limit(mut caller: Caller<'_, Host>) -> Result<(), Error> {
    let global = |caller: &Caller<'_, Host>, name| {
        caller.get_export(name).and_then(Extern::into_global).unwrap()
    };
    let [fuel, stack, flags] = [FUEL, STACK, FLAGS].map(|name| global(&caller, name));
    let read = |caller: &Caller<'_, Host>, global: Global| value(global.get(caller));
    if read(&caller, flags) & i64::from(FLAG_FAILED) != 0 {
        return Err(Error::host(End::GrowthFailed));
    }
    if read(&caller, stack) < 0 {
        return Err(Error::host(End::StackExhausted));
    }
    let left = read(&caller, fuel);
    assert!(left < 0, "the host was called for nothing");
    let refill = caller.data().refill;
    if refill == 0 {
        return Err(Error::host(End::OutOfFuel));
    }
    // As many times as it takes.
    let added = (-left + refill - 1) / refill * refill;
    caller.data_mut().given += added;
    fuel.set(&mut caller, Val::I64(left + added)).unwrap();
    Ok(())
}
