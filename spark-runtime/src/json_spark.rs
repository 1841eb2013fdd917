//! Nebulark's JSON spark: nine exported functions, by which a module takes one JSON
//! text and gives another without importing anything.
//!
//! Their names begin with [`PREFIX`]; all parameters and results are `i32`. They are
//! called in this order, on a fresh instance, after the module's own start and, where
//! it exports one, its `_initialize`:
//!
//! | function | called with | returns |
//! |---|---|---|
//! | `construct` | nothing | 0 |
//! | `input_set_length` | the length of the input | 0 |
//! | `input_set` | an index and its byte, once for each byte in order | 0 |
//! | `open` | nothing | 0 |
//! | `ignite` | nothing | 0 |
//! | `close` | nothing | 0 |
//! | `output_get_length` | nothing | the length of the output |
//! | `output_get` | an index, once for each byte in order | its byte |
//! | `deconstruct` | nothing | 0 |
//!
//! Bytes, both ways, are the ASCII of base64 (RFC 4648, section 4, with padding) of
//! JSON. What is handed in has to be UTF-8; whether it is JSON is the spark's to say,
//! as what it answers is the reader's.
//!
//! Anything but 0 from a function that gives neither length nor byte ends the run,
//! and so does what is no length, no byte or no base64: each has its [`Stop`]. Then
//! nothing more is called, `deconstruct` neither: the order has it behind a `close` that
//! succeeded, a guest that trapped cannot be called at all, and all that it could give back
//! goes with the instance. A run that ends in `deconstruct` has its output already.
//!
//! A spark that leaves by `proc_exit` has not kept to the order: that is
//! [`Stop::Exit`], with code 0 too. What it prints stands on standard error, whatever
//! stream it wrote to, since standard output is its answer.
//!
//! Bounds: the output has room up to `output_bytes_max`, beside what was printed; a
//! length that promises more is refused unread. Each call costs
//! [`CALL_FUEL`](crate::meter::CALL_FUEL) and what it executes, so fuel and time bound
//! the rest.

use data_encoding::BASE64;

use crate::{
    Stop, Value,
    arguments::shown,
    inspect::Signature,
    lane::{End, Instance},
};

/// How the name of each of the nine functions begins.
pub const PREFIX: &str = "nebulark_ion_spark_";

/// What follows [`PREFIX`], in the order of the calls, and how many parameters each has.
const FUNCTIONS: [(&str, usize); 9] = [
    ("construct", 0),
    ("input_set_length", 1),
    ("input_set", 2),
    ("open", 0),
    ("ignite", 0),
    ("close", 0),
    ("output_get_length", 0),
    ("output_get", 1),
    ("deconstruct", 0),
];

/// What a module with these exports lacks of a JSON spark: functions that are not
/// there, or of another type, each with the type it must have. Nothing for one that is
/// a JSON spark.
pub fn lacking(exports: &[Signature]) -> Vec<String> {
    let wanted = FUNCTIONS.map(signature);
    let missing = wanted.iter().filter(|wanted| !exports.contains(wanted));
    missing.map(ToString::to_string).collect()
}

/// Whether a module with these exports is a JSON spark. The error is [`Stop::NotAJsonSpark`].
pub fn check(exports: &[Signature]) -> Result<(), Stop> {
    let lacking = lacking(exports);
    if lacking.is_empty() { Ok(()) } else { Err(Stop::NotAJsonSpark { lacking }) }
}

fn signature((name, parameters): (&str, usize)) -> Signature {
    let i32s = |count| vec!["i32".to_owned(); count];
    Signature { name: format!("{PREFIX}{name}"), parameters: i32s(parameters), results: i32s(1) }
}

/// What a JSON spark is given, read as text.
pub(crate) fn text(input: &[u8]) -> Result<&str, Stop> {
    let fits = i32::try_from(BASE64.encode_len(input.len())).is_ok();
    str::from_utf8(input).ok().filter(|_| fits).ok_or_else(|| Stop::WrongArgument {
        name: "JSON spark".to_owned(),
        position: 1,
        expected: "JSON in UTF-8, and shorter than 1.5 GiB".to_owned(),
        given: shown(&String::from_utf8_lossy(&input[..input.len().min(400)])),
    })
}

/// One of the nine in an instance, looked up once.
struct Function<E> {
    name: String,
    export: E,
}

impl<E> Function<E> {
    /// Calls it; what it returned.
    fn ask(&self, instance: &mut impl Instance<Export = E>, inputs: &[i32]) -> Result<i32, End> {
        let mut values = [Value::I32(0); 2];
        for (value, input) in values.iter_mut().zip(inputs) {
            *value = Value::I32(*input);
        }
        let outputs = instance.enter(&self.export, &values[..inputs.len().min(2)])?;
        let [Value::I32(returned)] = outputs[..] else {
            return Err(Stop::NotAJsonSpark { lacking: vec![self.name.clone()] }.into());
        };
        Ok(returned)
    }

    /// Calls it; anything but success ends the run.
    fn step(&self, instance: &mut impl Instance<Export = E>, inputs: &[i32]) -> Result<(), End> {
        match self.ask(instance, inputs)? {
            0 => Ok(()),
            returned => Err(Stop::StepFailed { function: self.name.clone(), returned }.into()),
        }
    }
}

/// Has an instance of a JSON spark answer a text. The answer becomes its standard output.
pub(crate) fn converse<I: Instance>(instance: &mut I, text: &str) -> Result<(), End> {
    let [construct, set_length, set, open, ignite, close, get_length, get, deconstruct] = FUNCTIONS
        .map(|function| {
            let signature = signature(function);
            Function { export: instance.export(&signature), name: signature.name }
        });
    let input = BASE64.encode(text.as_bytes());
    construct.step(instance, &[])?;
    set_length.step(instance, &[i32::try_from(input.len()).unwrap_or(i32::MAX)])?;
    for (index, byte) in (0..).zip(input.bytes()) {
        set.step(instance, &[index, byte.into()])?;
    }
    for step in [open, ignite, close] {
        step.step(instance, &[])?;
    }
    let encoded = read(instance, &get_length, &get)?;
    let output = BASE64.decode(&encoded).map_err(|error| Stop::NotBase64 {
        function: get.name.clone(),
        index: error.position as u64,
    })?;
    instance.host().answer(output)?;
    deconstruct.step(instance, &[])
}

/// What a spark gives, as it is encoded.
fn read<I: Instance>(
    instance: &mut I,
    get_length: &Function<I::Export>,
    get: &Function<I::Export>,
) -> Result<Vec<u8>, End> {
    let length = get_length.ask(instance, &[])?;
    let bytes = u64::try_from(length)
        .map_err(|_| Stop::NotALength { function: get_length.name.clone(), returned: length })?;
    // Of every four bytes three are left, less two at most at the end.
    instance.host().expect_room((bytes / 4 * 3).saturating_sub(2))?;
    let mut encoded = Vec::new();
    for index in 0..length {
        let returned = get.ask(instance, &[index])?;
        let byte = u8::try_from(returned).map_err(|_| Stop::NotAByte {
            function: get.name.clone(),
            index: u64::from(index.unsigned_abs()),
            returned,
        })?;
        encoded.push(byte);
    }
    Ok(encoded)
}
