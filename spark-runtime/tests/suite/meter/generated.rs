//! Generated modules: metering changes nothing that they do, and every engine
//! charges them alike.
//!
//! `IONOSPHERE_METERED=20000 cargo test -p spark-runtime generated` tries more
//! modules than a test run does; a failure names its module's number.

use std::env;

use spark_runtime::meter::{CALL_FUEL, FUEL, Metered, ROOM, STACK, START, meter};
use wasmparser::{ExternalKind, Operator, Parser, Payload, TypeRef, ValType};

use super::engines::{Compiler, Interpreter, Number, Stopped, World};
use crate::modules::{Kind, generated};

/// Modules that every test run tries, for each property.
const MODULES: u64 = 300;
/// What each module may use.
const FUEL_MAX: u64 = 300_000;
const ROOM_MAX: u64 = 1 << 30;

fn modules() -> u64 {
    let Ok(text) = env::var("IONOSPHERE_METERED") else { return MODULES };
    text.parse().unwrap_or_else(|_| panic!("IONOSPHERE_METERED is a number, not \"{text}\""))
}

/// Whether a module converts floats to floats.
fn converts_floats(binary: &[u8]) -> bool {
    Parser::new(0).parse_all(binary).map(Result::unwrap).any(|payload| {
        let Payload::CodeSectionEntry(body) = payload else { return false };
        body.get_operators_reader().unwrap().into_iter().any(|operator| {
            matches!(
                operator.unwrap(),
                Operator::F32DemoteF64
                    | Operator::F64PromoteF32
                    | Operator::F32x4DemoteF64x2Zero
                    | Operator::F64x2PromoteLowF32x4
            )
        })
    })
}

/// The functions that a module exports, with zeros for their parameters.
fn calls(binary: &[u8]) -> Vec<(String, Vec<Number>)> {
    let (mut types, mut functions, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(binary) {
        match payload.unwrap() {
            Payload::TypeSection(section) => {
                types.extend(section.into_iter_err_on_gc_types().map(Result::unwrap));
            }
            Payload::ImportSection(section) => {
                for import in section {
                    assert!(!matches!(import.unwrap().ty, TypeRef::Func(_)));
                }
            }
            Payload::FunctionSection(section) => functions.extend(section.into_iter().flatten()),
            Payload::ExportSection(section) => {
                for export in section.into_iter().flatten() {
                    if export.kind == ExternalKind::Func {
                        let kind = functions[export.index as usize];
                        let inputs =
                            types[kind as usize].params().iter().copied().map(zero).collect();
                        calls.push((export.name.to_owned(), inputs));
                    }
                }
            }
            _ => {}
        }
    }
    calls
}

fn zero(kind: ValType) -> Number {
    match kind {
        ValType::I32 => Number::I32(0),
        ValType::I64 => Number::I64(0),
        ValType::F32 => Number::F32(0),
        ValType::F64 => Number::F64(0),
        ValType::V128 => Number::V128(0),
        ValType::Ref(_) => Number::Func(false),
    }
}

/// All that can be seen of a run from outside.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    results: Vec<Result<Vec<Number>, Stopped>>,
    memory: Option<Vec<u8>>,
}

impl Seen {
    /// Whether all calls came back by themselves.
    fn ended_by_itself(&self) -> bool {
        self.results.iter().all(|result| match result {
            Ok(_) => true,
            Err(Stopped::Limit | Stopped::Link(_)) => false,
            Err(Stopped::Trap(words)) => !words.contains("fuel") && !words.contains("stack"),
        })
    }
}

/// Runs a start function and the first exports, until one does not return.
fn run<W: World>(
    world: &mut W,
    binary: &[u8],
    calls: &[(String, Vec<Number>)],
    metered: Option<&Metered>,
) -> (Seen, Option<usize>) {
    let mut results = Vec::new();
    let instance = match world.instantiate(binary) {
        Ok(instance) => instance,
        Err(stopped) => {
            return (Seen { results: vec![Err(same_words(stopped))], memory: None }, None);
        }
    };
    if let Some(metered) = metered {
        world.fill(instance, FUEL_MAX, ROOM_MAX);
        if metered.has_start {
            results.extend(world.call(instance, START, &[]).err().map(same_words).map(Err));
        }
    }
    if results.is_empty() {
        for (name, inputs) in calls.iter().take(6) {
            let result = world.call(instance, name, inputs).map_err(same_words);
            let has_ended = result.is_err();
            results.push(result);
            if has_ended {
                break;
            }
        }
    }
    let memory = memory_name(binary).and_then(|name| world.memory(instance, &name));
    (Seen { results, memory }, Some(instance))
}

/// Engines have other words for some traps.
fn same_words(stopped: Stopped) -> Stopped {
    let Stopped::Trap(words) = stopped else { return stopped };
    let same = ["table access", "memory access", "uninitialized element", "unreachable"];
    let found = same.into_iter().find(|same| words.contains(same));
    Stopped::Trap(found.map_or(words, str::to_owned))
}

fn memory_name(binary: &[u8]) -> Option<String> {
    let payloads = Parser::new(0).parse_all(binary).map(Result::unwrap);
    let exports = payloads.filter_map(|payload| match payload {
        Payload::ExportSection(section) => Some(section),
        _ => None,
    });
    let mut memories =
        exports.flatten().flatten().filter(|export| export.kind == ExternalKind::Memory);
    memories.next().map(|export| export.name.to_owned())
}

/// Runs a property for each module; `check` says whether its run ended by itself.
fn try_each(kind: Kind, mut check: impl FnMut(u64, &[u8], &Metered) -> bool) {
    let (mut ended, mut left_out) = (0, 0);
    for number in 0..modules() {
        let binary = generated(number, kind);
        if kind.has_canonical_nans && converts_floats(&binary) {
            left_out += 1;
            continue;
        }
        let metered = meter(&binary).unwrap_or_else(|error| panic!("module {number}: {error}"));
        ended += u64::from(check(number, &binary, &metered));
    }
    println!("{} modules, {left_out} left out, {ended} ended by themselves", modules());
    assert!(ended * 5 > modules(), "too few modules ended by themselves: {ended}");
}

#[test]
fn metering_changes_nothing_that_a_module_does() {
    let kind = Kind { has_vectors: false, has_canonical_nans: true };
    try_each(kind, |number, binary, metered| {
        let calls = calls(binary);
        let mut plain = Interpreter::counting(FUEL_MAX);
        let (expected, _) = run(&mut plain, binary, &calls, None);
        let mut world = Interpreter::default();
        let (seen, _) = run(&mut world, &metered.binary, &calls, Some(metered));
        let is_comparable = expected.ended_by_itself() && seen.ended_by_itself();
        if is_comparable {
            assert_same(number, &expected, &seen);
        }
        is_comparable
    });
}

#[test]
fn metering_changes_nothing_that_a_module_with_vectors_does() {
    let kind = Kind { has_vectors: true, has_canonical_nans: true };
    try_each(kind, |number, binary, metered| {
        let calls = calls(binary);
        let mut plain = Compiler::counting(FUEL_MAX);
        let (expected, _) = run(&mut plain, binary, &calls, None);
        let mut world = Compiler::default();
        let (seen, instance) = run(&mut world, &metered.binary, &calls, Some(metered));
        let is_comparable = expected.ended_by_itself() && seen.ended_by_itself();
        if is_comparable {
            assert_same(number, &expected, &seen);
            if let Some(instance) = instance {
                assert_paid(number, &mut world, instance, FUEL_MAX - plain.fuel());
            }
        }
        is_comparable
    });
}

/// A start function's trap ends an instantiation here and a call there.
fn assert_same(number: u64, expected: &Seen, seen: &Seen) {
    assert_eq!(expected.results, seen.results, "module {number}");
    if expected.memory.is_some() {
        assert!(expected.memory == seen.memory, "module {number}: the memories differ");
    }
}

/// No unit of fuel buys more than one operator, beyond what the host pays for its calls.
fn assert_paid(number: u64, world: &mut Compiler, instance: usize, operators: u64) {
    let left = world.global(instance, FUEL).unwrap().integer();
    let paid = FUEL_MAX.cast_signed() - left + 7 * i64::from(CALL_FUEL);
    assert!(paid >= operators.cast_signed(), "module {number}: {operators} operators for {paid}");
}

#[test]
fn every_engine_charges_and_stops_alike() {
    for has_vectors in [false, true] {
        charge_and_stop_alike(Kind { has_vectors, has_canonical_nans: false });
    }
}

fn charge_and_stop_alike(kind: Kind) {
    try_each(kind, |number, binary, metered| {
        let calls = calls(binary);
        let (mut first, mut second) = (Interpreter::default(), Compiler::default());
        let (one, here) = run(&mut first, &metered.binary, &calls, Some(metered));
        let (two, there) = run(&mut second, &metered.binary, &calls, Some(metered));
        if let (Some(here), Some(there)) = (here, there) {
            for gauge in [FUEL, STACK, ROOM] {
                let (one, two) = (first.global(here, gauge), second.global(there, gauge));
                assert_eq!(one, two, "module {number}: {gauge}");
            }
            assert_eq!(one.results, two.results, "module {number}");
            assert!(one.memory == two.memory, "module {number}: the memories differ");
        }
        assert_eq!(here, there, "module {number}");
        one.ended_by_itself()
    });
}
