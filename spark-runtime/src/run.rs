//! One run: what a call means for a module, an instance, and how it ends.

use crate::{
    Call, Clock, Limits, Report, Stop, Value, arguments,
    engine::{COMMAND_ENTRY, LIBRARY_ENTRY, Loaded},
    inspect::Signature,
    json_spark,
    lane::{Compiled, End, FastGuest, Gauge, Host, Instance, InterpretedGuest, Lane},
    meter::{START, TABLE_ELEMENT_BYTES},
    wasi::Left,
    wire,
};

/// The arguments and environment of one call, in bytes.
pub const ARGUMENT_BYTES_MAX: usize = 1 << 20;

/// What is done on a fresh instance.
struct Plan<'a> {
    /// What memory and tables may grow by, in bytes.
    room_bytes: u64,
    /// What is called first, in this order; all of it takes and gives nothing.
    before: Vec<Signature>,
    last: Last<'a>,
}

/// What makes the result.
enum Last<'a> {
    /// A function with its arguments, which returns it.
    Function(Signature, Vec<Value>),
    /// The nine functions of a JSON spark, over that text.
    Json(&'a str),
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
fn plan<'a>(loaded: &Loaded, call: &'a Call, limits: &Limits) -> Result<Plan<'a>, Stop> {
    let entry = entry(call)?;
    if let Some(import) = loaded.imports.iter().find(|import| !import.offered) {
        let (module, name) = (import.module.clone(), import.name.clone());
        return Err(Stop::ImportNotOffered { module, name });
    }
    let metered = loaded.lanes.metered();
    let tables = metered.table_elements.saturating_mul(TABLE_ELEMENT_BYTES);
    let taken = metered.memory_bytes.saturating_add(tables);
    let bytes_max = limits.memory_bytes_max;
    let room_bytes = bytes_max.checked_sub(taken).ok_or(Stop::MemoryLimit { bytes_max })?;
    let last = match entry {
        Entry::Function(name, texts) => {
            let signature = loaded.export(name).ok_or_else(|| no_such_export(name, loaded))?;
            Last::Function(signature.clone(), arguments::read(signature, texts)?)
        }
        Entry::Json(text) => {
            json_spark::check(&loaded.exports)?;
            Last::Json(text)
        }
    };
    let mut before = Vec::new();
    if metered.has_start {
        before.push(Signature::plain(START));
    }
    if !matches!(entry, Entry::Function(COMMAND_ENTRY | LIBRARY_ENTRY, _)) {
        let initialize = loaded.export(LIBRARY_ENTRY).filter(|export| export.is_plain());
        before.extend(initialize.cloned());
    }
    Ok(Plan { room_bytes, before, last })
}

fn perform<I: Instance>(
    module: &I::Module,
    host: Host,
    plan: &Plan<'_>,
    limits: &Limits,
) -> Report {
    let mut instance = match I::new(module, host) {
        Ok(instance) => instance,
        Err(end) => return Report { stop: end.stop(false, limits), ..Report::default() },
    };
    instance.set_gauge(Gauge::Room, i64::try_from(plan.room_bytes).unwrap_or(i64::MAX));
    let ended = follow(&mut instance, plan);
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

/// Calls what the plan says; what the last function returned.
fn follow(instance: &mut impl Instance, plan: &Plan<'_>) -> Result<Vec<Value>, End> {
    let mut enter = |signature: &Signature, inputs: &[Value]| {
        let export = instance.export(signature);
        instance.enter(&export, inputs)
    };
    let begun = plan.before.iter().try_for_each(|before| enter(before, &[]).map(drop));
    match &plan.last {
        Last::Function(signature, inputs) => begun.and_then(|()| enter(signature, inputs)),
        Last::Json(text) => match begun.and_then(|()| json_spark::converse(instance, text)) {
            // It has not kept to the order of the calls.
            Err(End::Exit) => Err(Stop::Exit { code: 0 }.into()),
            ended => ended.map(|()| Vec::new()),
        },
    }
}

/// What a call names.
#[derive(Clone, Copy)]
enum Entry<'a> {
    /// A function, and its arguments as text.
    Function(&'a str, &'a [String]),
    /// The nine functions of a JSON spark, and what they are given.
    Json(&'a str),
}

fn entry(call: &Call) -> Result<Entry<'_>, Stop> {
    match call {
        Call::Export { name, arguments } => {
            expect_sane(name, arguments.iter())?;
            Ok(Entry::Function(name, arguments))
        }
        Call::Command { arguments, environment, .. } => {
            let variables = environment.iter().flat_map(|(name, value)| [name, value]);
            expect_sane(COMMAND_ENTRY, arguments.iter().chain(variables))?;
            Ok(Entry::Function(COMMAND_ENTRY, &[]))
        }
        Call::Json { input } => json_spark::text(input).map(Entry::Json),
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
