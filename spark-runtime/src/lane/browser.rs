//! The fast lane of a tab: the browser's own engine, by the WebAssembly
//! JavaScript interface.
//!
//! The guest is called and runs to its end without leaving the engine: what it
//! imports are closures, which look at the clock and give fuel where it stands. To
//! end a guest they throw; what is thrown tells nothing, what the guest ended by
//! is kept beside it. Modules may be compiled synchronously in workers only, where
//! guests run.

mod memory;

use std::{
    any::Any,
    cell::{OnceCell, RefCell},
    ops::DerefMut,
    rc::Rc,
};

use js_sys::{
    Array, Error, Function, Object, Proxy, Reflect, Uint8Array,
    WebAssembly::{self, Global, Memory, RuntimeError},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

use self::memory::Shelf;
use super::{End, Gauge, Gauges, Host, Instance, Request, Trap, not_compiled, trap};
use crate::{
    Stop, Value,
    inspect::Signature,
    meter::{LIMIT, MEMORY, Metered, RESERVED},
    wasi::{self, Errno, GuestMemory, Parameter},
};

/// A compiled module.
pub(crate) struct Module {
    module: WebAssembly::Module,
    /// Where its memory is between two guests, if it imports one.
    shelf: Option<Rc<Shelf>>,
    /// What it imports of the system.
    wants: Vec<&'static wasi::Function>,
}

impl Module {
    /// Compiles a metered module.
    pub(super) fn new(metered: &Metered) -> Result<Self, Stop> {
        let (binary, shelf) = match memory::imported(&metered.binary) {
            Some((binary, shelf)) => (Uint8Array::from(binary.as_slice()), Some(Rc::new(shelf))),
            None => (Uint8Array::from(metered.binary.as_slice()), None),
        };
        let module =
            WebAssembly::Module::new(&binary).map_err(|error| not_compiled(&words(&error)))?;
        let wants = |function: &&wasi::Function| {
            metered.imports.iter().any(|import| import.name == function.name)
        };
        Ok(Self { module, shelf, wants: wasi::functions().iter().filter(wants).collect() })
    }
}

/// What the guest's calls reach.
struct Inside {
    host: RefCell<Host>,
    /// There as soon as there is an instance.
    parts: OnceCell<Parts>,
    /// What the host ended the guest by.
    end: RefCell<Option<End>>,
}

/// What the host sees of an instance.
struct Parts {
    /// In the order of [`Gauge::ALL`].
    gauges: [Global; 4],
    /// What the system writes to.
    memory: Option<Memory>,
}

/// An instance, and the closures that it calls.
pub(crate) struct Guest {
    inside: Rc<Inside>,
    exports: Object,
    /// The memory that it was lent, and by whom.
    lent: Option<(Rc<Shelf>, Memory)>,
    _imports: Vec<Import>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some((shelf, memory)) = self.lent.take() {
            shelf.put(memory);
        }
    }
}

/// What the guest calls, and the closure behind it, kept for as long as it may.
struct Import {
    function: JsValue,
    _closure: Box<dyn Any>,
}

/// Takes whatever it is given, as a list.
type Listed = dyn Fn(JsValue, JsValue, Array) -> Result<i32, JsValue>;

/// A function of an instance, and the types of its results.
pub(crate) struct Export {
    function: Function,
    results: Vec<String>,
}

impl Instance for Guest {
    type Module = Module;
    type Export = Export;

    fn new(module: &Module, host: Host) -> Result<Self, End> {
        let (host, end) = (RefCell::new(host), RefCell::new(None));
        let inside = Rc::new(Inside { host, parts: OnceCell::new(), end });
        let mut imports = Vec::new();
        let system = Object::new();
        for function in &module.wants {
            let import = Import::system(&inside, function);
            set(&system, function.name, &import.function);
            imports.push(import);
        }
        let meter = Object::new();
        let limit = Import::limit(&inside);
        set(&meter, LIMIT, &limit.function);
        imports.push(limit);
        let lent = match &module.shelf {
            Some(shelf) => {
                let memory = shelf.take().map_err(|error| inside.ended(&error))?;
                set(&meter, MEMORY, &memory);
                Some((shelf.clone(), memory))
            }
            None => None,
        };
        let offered = Object::new();
        set(&offered, wasi::MODULE, &system);
        set(&offered, RESERVED, &meter);
        let instance = WebAssembly::Instance::new(&module.module, &offered)
            .map_err(|error| inside.ended(&error))?;
        let exports = instance.exports();
        let gauges = Gauge::ALL.map(|gauge| get(&exports, gauge.name()).unchecked_into());
        let memory = get(&exports, "memory").dyn_into().ok();
        let _ = inside.parts.set(Parts { gauges, memory });
        Ok(Self { inside, exports, lent, _imports: imports })
    }

    fn host(&mut self) -> impl DerefMut<Target = Host> {
        self.inside.host.borrow_mut()
    }

    fn gauge(&mut self, gauge: Gauge) -> i64 {
        self.inside.gauge(gauge)
    }

    fn set_gauge(&mut self, gauge: Gauge, value: i64) {
        self.inside.set_gauge(gauge, value);
    }

    fn memory_bytes(&mut self) -> u64 {
        let memory: Option<Memory> = get(&self.exports, MEMORY).dyn_into().ok();
        memory.map_or(0, |memory| Bytes::of(&memory).size())
    }

    fn export(&mut self, signature: &Signature) -> Export {
        let function = get(&self.exports, &signature.name).unchecked_into();
        Export { function, results: signature.results.clone() }
    }

    fn call(&mut self, export: &Export, inputs: &[Value]) -> Result<Vec<Value>, End> {
        let inputs: Array = inputs.iter().map(|input| outside(*input)).collect();
        let output = export
            .function
            .apply(&JsValue::UNDEFINED, &inputs)
            .map_err(|error| self.inside.ended(&error))?;
        let results = export.results.iter();
        let outputs = match results.len() {
            0 | 1 => Array::of1(&output),
            _ => Array::from(&output),
        };
        Ok(results.zip(outputs).filter_map(|(kind, output)| value(kind, &output)).collect())
    }
}

impl Inside {
    fn gauge(&self, gauge: Gauge) -> i64 {
        let Some(parts) = self.parts.get() else { return 0 };
        let value = parts.gauges[gauge as usize].value();
        match value.as_f64() {
            Some(number) => whole(number).into(),
            None => value.try_into().unwrap_or_default(),
        }
    }

    fn set_gauge(&self, gauge: Gauge, value: i64) {
        if let Some(parts) = self.parts.get() {
            parts.gauges[gauge as usize].set_value(&value.into());
        }
    }

    /// Runs a function of the system.
    fn call(&self, request: &Request) -> Result<i32, JsValue> {
        let memory = self.parts.get().and_then(|parts| parts.memory.as_ref());
        let mut bytes = memory.map(Bytes::of);
        let memory = bytes.as_mut().map(|bytes| bytes as &mut dyn GuestMemory);
        let mut left = self.gauge(Gauge::Fuel);
        let answer = self.host.borrow_mut().call(request, memory, &mut left);
        self.set_gauge(Gauge::Fuel, left);
        self.kept(answer)
    }

    /// Gives fuel, or ends the guest.
    fn limit(&self) -> Result<(), JsValue> {
        let [fuel, stack, _, flags] = Gauge::ALL.map(|gauge| self.gauge(gauge));
        let answer = self.host.borrow_mut().limit(Gauges { fuel, stack, flags });
        self.set_gauge(Gauge::Fuel, self.kept(answer)?);
        Ok(())
    }

    /// Keeps what ends the guest until the engine has been left.
    fn kept<T>(&self, answer: Result<T, End>) -> Result<T, JsValue> {
        answer.map_err(|end| {
            self.end.replace(Some(end));
            JsValue::NULL
        })
    }

    /// What the host ended the guest by, or else what the engine did.
    fn ended(&self, error: &JsValue) -> End {
        if let Some(end) = self.end.take() {
            return end;
        }
        let words = words(error);
        if error.is_instance_of::<RuntimeError>() {
            Trap::named(&words).into()
        } else {
            trap::failed(&words).into()
        }
    }
}

impl Import {
    fn limit(inside: &Rc<Inside>) -> Self {
        let inside = inside.clone();
        Self::new(Closure::<dyn Fn() -> Result<(), JsValue>>::new(move || inside.limit()))
    }

    /// A function of the system. Those that are called often take few integers of 32
    /// bits; the others are handed their arguments as a list.
    fn system(inside: &Rc<Inside>, function: &'static wasi::Function) -> Self {
        let held = inside.clone();
        let call =
            move |words: &[u32]| held.call(&Request::new(function, |index, _| words[index].into()));
        let mut parameters = function.parameters();
        let count = parameters.len();
        let are_words = parameters.all(|kind| kind == Parameter::I32);
        match if are_words { count } else { usize::MAX } {
            1 => Self::new(Closure::<dyn Fn(u32) -> _>::new(move |a| call(&[a]))),
            2 => Self::new(Closure::<dyn Fn(u32, u32) -> _>::new(move |a, b| call(&[a, b]))),
            3 => Self::new(Closure::<dyn Fn(u32, u32, u32) -> _>::new(move |a, b, c| {
                call(&[a, b, c])
            })),
            4 => Self::new(Closure::<dyn Fn(u32, u32, u32, u32) -> _>::new(move |a, b, c, d| {
                call(&[a, b, c, d])
            })),
            _ => Self::listed(inside.clone(), function),
        }
    }

    fn new<T: ?Sized + 'static>(closure: Closure<T>) -> Self {
        Self { function: closure.as_ref().clone(), _closure: Box::new(closure) }
    }

    /// A closure has a fixed number of parameters of fixed types; the trap of a proxy
    /// is handed all arguments at once.
    fn listed(inside: Rc<Inside>, function: &'static wasi::Function) -> Self {
        let closure = Closure::<Listed>::new(move |_, _, list: Array| {
            let argument = |index: usize, kind| argument(&list, index, kind);
            inside.call(&Request::new(function, argument))
        });
        let handler = Object::new();
        set(&handler, "apply", closure.as_ref());
        let function = Proxy::new(closure.as_ref(), &handler).into();
        Self { function, _closure: Box::new(closure) }
    }
}

fn argument(list: &Array, index: usize, kind: Parameter) -> u64 {
    let argument = list.get(u32::try_from(index).unwrap_or(u32::MAX));
    match kind {
        Parameter::I32 => {
            u64::from(argument.as_f64().map(whole).unwrap_or_default().cast_unsigned())
        }
        Parameter::I64 => i64::try_from(argument).unwrap_or_default().cast_unsigned(),
    }
}

/// A guest's memory for the time of one call, in which it cannot grow.
struct Bytes(Uint8Array);

impl Bytes {
    fn of(memory: &Memory) -> Self {
        Self(Uint8Array::new(&memory.buffer()))
    }

    /// A range, if it is wholly inside.
    fn range(&self, at: u32, bytes: usize) -> Result<Uint8Array, Errno> {
        let end = u64::from(at) + bytes as u64;
        if end > self.size() {
            return Err(Errno::Fault);
        }
        // A memory of 4 GiB ends where 32 bits do not reach.
        Ok(match u32::try_from(end) {
            Ok(end) => self.0.subarray(at, end),
            Err(_) => Uint8Array::new_with_byte_offset(&self.0.buffer(), at),
        })
    }
}

impl GuestMemory for Bytes {
    fn size(&self) -> u64 {
        // A float, since 32 bits do not hold 4 GiB.
        let bytes = get(&self.0, "byteLength").as_f64().unwrap_or_default();
        natural(bytes)
    }

    fn read(&self, at: u32, into: &mut [u8]) -> Result<(), Errno> {
        self.range(at, into.len())?.copy_to(into);
        Ok(())
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        self.range(at, bytes.len())?.copy_from(bytes);
        Ok(())
    }
}

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // Fails for objects that refuse properties only.
    let _ = Reflect::set(object, &name.into(), value);
}

fn words(error: &JsValue) -> String {
    error.dyn_ref::<Error>().map_or_else(String::new, |error| error.message().into())
}

fn outside(value: Value) -> JsValue {
    match value {
        Value::I32(value) => value.into(),
        Value::I64(value) => value.into(),
        Value::F32(bits) => f32::from_bits(bits).into(),
        Value::F64(bits) => f64::from_bits(bits).into(),
    }
}

fn value(kind: &str, output: &JsValue) -> Option<Value> {
    match kind {
        "i32" => output.as_f64().map(|number| Value::I32(whole(number))),
        "i64" => i64::try_from(output.clone()).ok().map(Value::I64),
        "f32" => output.as_f64().map(|number| Value::f32(narrow(number))),
        "f64" => output.as_f64().map(Value::f64),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the engine gives 32-bit integers so")]
fn whole(number: f64) -> i32 {
    number as i32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a length is a whole number, and casts saturate"
)]
fn natural(number: f64) -> u64 {
    number as u64
}

#[expect(clippy::cast_possible_truncation, reason = "it was an f32, which f64 holds exactly")]
fn narrow(number: f64) -> f32 {
    number as f32
}
