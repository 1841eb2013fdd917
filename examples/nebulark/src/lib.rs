//! Adds two whole numbers given as JSON, through Nebulark's nine functions.
//!
//! The host calls them in the order in which they stand here. All return 0 for success,
//! but for the two that give the output. What goes in and out is the base64 of JSON.

mod base64;
mod calculator;

use std::sync::{Mutex, MutexGuard};

/// More than two numbers need.
const INPUT_BYTES_MAX: usize = 65_536;

/// What one instance works on: first as it came, then as it is to leave.
struct Spark {
    input: Vec<u8>,
    output: Vec<u8>,
}

static SPARK: Mutex<Spark> = Mutex::new(Spark { input: Vec::new(), output: Vec::new() });

fn spark() -> MutexGuard<'static, Spark> {
    SPARK.lock().expect("an instance has one thread")
}

/// The number of a success or a failure.
fn told(step: Option<()>) -> i32 {
    if step.is_some() { 0 } else { 1 }
}

#[unsafe(no_mangle)]
pub extern "C" fn nebulark_ion_spark_construct() -> i32 {
    *spark() = Spark { input: Vec::new(), output: Vec::new() };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn nebulark_ion_spark_input_set_length(length: i32) -> i32 {
    let length = usize::try_from(length).ok().filter(|length| *length <= INPUT_BYTES_MAX);
    told(length.map(|length| spark().input = vec![0; length]))
}

#[unsafe(no_mangle)]
pub extern "C" fn nebulark_ion_spark_input_set(index: i32, byte: i32) -> i32 {
    let mut spark = spark();
    let place = usize::try_from(index).ok().and_then(|index| spark.input.get_mut(index));
    told(place.zip(u8::try_from(byte).ok()).map(|(place, byte)| *place = byte))
}

/// The input is there: reads the base64.
#[unsafe(no_mangle)]
pub extern "C" fn nebulark_ion_spark_open() -> i32 {
    let mut spark = spark();
    let decoded = base64::decode(&spark.input);
    told(decoded.map(|decoded| spark.input = decoded))
}

/// Does the work.
#[unsafe(no_mangle)]
pub extern "C" fn nebulark_ion_spark_ignite() -> i32 {
    let mut spark = spark();
    let answer = calculator::answer(&spark.input);
    told(answer.map(|answer| spark.output = answer.into_bytes()))
}

/// Makes the output ready to be fetched.
#[unsafe(no_mangle)]
pub extern "C" fn nebulark_ion_spark_close() -> i32 {
    let mut spark = spark();
    spark.output = base64::encode(&spark.output);
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn nebulark_ion_spark_output_get_length() -> i32 {
    i32::try_from(spark().output.len()).unwrap_or(-1)
}

/// A byte of the output; -1 where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn nebulark_ion_spark_output_get(index: i32) -> i32 {
    let spark = spark();
    let byte = usize::try_from(index).ok().and_then(|index| spark.output.get(index));
    byte.map_or(-1, |byte| i32::from(*byte))
}

#[unsafe(no_mangle)]
pub extern "C" fn nebulark_ion_spark_deconstruct() -> i32 {
    nebulark_ion_spark_construct()
}
