//! One run: what a call means for a module, an instance, and how it ends.

use crate::{
    Call, Clock, Limits, Report, Stop, Value, arguments,
    engine::{COMMAND_ENTRY, LIBRARY_ENTRY, Loaded},
    inspect::Signature,
    lane::{Compiled, End, FastGuest, Gauge, Host, Instance, InterpretedGuest, Lane},
    meter::{STACK_BYTES_MAX, START, TABLE_ELEMENT_BYTES},
    wasi::Left,
    wire,
};

/// The arguments and environment of one call, in bytes.
pub const ARGUMENT_BYTES_MAX: usize = 1 << 20;

/// What is done on a fresh instance.
struct Plan {
    /// What memory and tables may grow by, in bytes.
    room_bytes: u64,
    /// What is called, in this order; what the last one returns is the result.
    calls: Vec<(Signature, Vec<Value>)>,
}

/// Runs one call on a fresh instance.
pub(crate) fn run(
    loaded: &Loaded,
    lane: Lane,
    call: &Call,
    limits: &Limits,
    clock: &Clock,
) -> Report {
    let ready = plan(loaded, call, limits)
        .and_then(|plan| Ok((plan, loaded.compiled(lane)?, Host::new(call, limits, clock)?)));
    let (plan, compiled, host) = match ready {
        Ok(ready) => ready,
        Err(stop) => return stopped(stop),
    };
    match compiled {
        Compiled::Interpreter(module) => perform::<InterpretedGuest>(module, host, &plan, limits),
        Compiled::Fast(module) => perform::<FastGuest>(module, host, &plan, limits),
    }
}

/// A run that ended before anything was used.
pub(crate) fn stopped(stop: Stop) -> Report {
    Report { stop: Some(stop), ..Report::default() }
}

/// Finds out what a call means; refuses what cannot be done.
fn plan(loaded: &Loaded, call: &Call, limits: &Limits) -> Result<Plan, Stop> {
    let (name, texts) = entry(call)?;
    if let Some(import) = loaded.imports.iter().find(|import| !import.offered) {
        let (module, name) = (import.module.clone(), import.name.clone());
        return Err(Stop::ImportNotOffered { module, name });
    }
    let metered = loaded.lanes.metered();
    let tables = metered.table_elements.saturating_mul(TABLE_ELEMENT_BYTES);
    let taken = metered.memory_bytes.saturating_add(tables);
    let bytes_max = limits.memory_bytes_max;
    let room_bytes = bytes_max.checked_sub(taken).ok_or(Stop::MemoryLimit { bytes_max })?;
    let signature = loaded.export(name).ok_or_else(|| no_such_export(name, loaded))?;
    let inputs = arguments::read(signature, texts)?;
    let mut calls = Vec::new();
    if metered.has_start {
        calls.push((Signature::plain(START), Vec::new()));
    }
    if name != LIBRARY_ENTRY && matches!(call, Call::Export { .. }) {
        let initialize = loaded.export(LIBRARY_ENTRY).filter(|export| export.is_plain());
        calls.extend(initialize.map(|export| (export.clone(), Vec::new())));
    }
    calls.push((signature.clone(), inputs));
    Ok(Plan { room_bytes, calls })
}

fn perform<I: Instance>(module: &I::Module, host: Host, plan: &Plan, limits: &Limits) -> Report {
    let mut instance = match I::new(module, host) {
        Ok(instance) => instance,
        Err(end) => return Report { stop: end.stop(false, limits), ..Report::default() },
    };
    instance.set_gauge(Gauge::Room, i64::try_from(plan.room_bytes).unwrap_or(i64::MAX));
    let ended = plan
        .calls
        .iter()
        .try_fold(Vec::new(), |_, (export, inputs)| enter(&mut instance, export, inputs));
    let gauges = instance.gauges();
    let (values, stop) = match ended {
        Ok(values) => (values, None),
        Err(end) => (Vec::new(), end.stop(gauges.was_denied(), limits)),
    };
    let memory_bytes_peak = instance.memory_bytes();
    let mut host = instance.host();
    let fuel = host.fuel_used(gauges.fuel);
    let Left { stdout, stderr, files } = host.leave();
    let bytes_max = limits.output_bytes_max;
    let stop = stop.or_else(|| files.is_none().then_some(Stop::OutputLimit { bytes_max }));
    let files = files.filter(|files| !files.is_empty()).map(|files| wire::encode(&files));
    let files = files.unwrap_or_default();
    Report { stop, values, stdout, stderr, files, fuel, memory_bytes_peak }
}

/// Calls an export from outside, with the whole stack.
fn enter(
    instance: &mut impl Instance,
    export: &Signature,
    inputs: &[Value],
) -> Result<Vec<Value>, End> {
    instance.set_gauge(Gauge::Stack, STACK_BYTES_MAX.cast_signed());
    let mut left = instance.gauge(Gauge::Fuel);
    let entered = instance.host().enter(&mut left);
    instance.set_gauge(Gauge::Fuel, left);
    entered?;
    instance.call(export, inputs)
}

/// The function that a call names, and its arguments as text.
fn entry(call: &Call) -> Result<(&str, &[String]), Stop> {
    match call {
        Call::Export { name, arguments } => {
            expect_sane(name, arguments.iter())?;
            Ok((name, arguments))
        }
        Call::Command { arguments, environment, .. } => {
            let variables = environment.iter().flat_map(|(name, value)| [name, value]);
            expect_sane(COMMAND_ENTRY, arguments.iter().chain(variables))?;
            Ok((COMMAND_ENTRY, &[]))
        }
    }
}

/// Refuses texts that are too long together, or that C would cut short.
fn expect_sane<'a>(name: &str, texts: impl Iterator<Item = &'a String>) -> Result<(), Stop> {
    let mut bytes = 0;
    for (index, text) in texts.enumerate() {
        bytes += text.len() + 1;
        let expected = if bytes > ARGUMENT_BYTES_MAX {
            format!("at most {ARGUMENT_BYTES_MAX} bytes together with those before it")
        } else if text.contains('\0') {
            "text without NUL".to_owned()
        } else {
            continue;
        };
        let (name, given) = (arguments::shown(name), arguments::shown(text));
        return Err(Stop::WrongArgument { name, position: index + 1, expected, given });
    }
    Ok(())
}

/// Exports that an error lists.
const LISTED_MAX: usize = 50;

fn no_such_export(name: &str, loaded: &Loaded) -> Stop {
    let exports = loaded.exports.iter().take(LISTED_MAX);
    let exports = exports.map(|export| arguments::shown(&export.name)).collect();
    Stop::NoSuchExport { name: arguments::shown(name), exports }
}
