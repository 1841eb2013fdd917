//! What ends a guest by the rules of WebAssembly.
//!
//! Engines tell traps in words of their own, and not all tell apart what the
//! specification does: to V8 a call through an empty element is one to another
//! type, to `SpiderMonkey` a float too large for an integer is a quotient too large
//! for one, and an index into a table may be one into memory. A report must not
//! depend on the engine, so what one of them cannot tell apart has one name here.

use crate::{Stop, arguments::shown};

/// Why a guest trapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trap {
    /// `unreachable`.
    #[error("wasm `unreachable` instruction executed")]
    Unreachable,
    /// An address outside memory, or an index outside a table or segment.
    #[error("out of bounds access to memory or a table")]
    OutOfBounds,
    /// Division or remainder by zero.
    #[error("integer divide by zero")]
    DivideByZero,
    /// A result that its integer type does not hold.
    #[error("integer overflow or invalid conversion to integer")]
    NoInteger,
    /// `call_indirect` of nothing, or of a function of another type.
    #[error("indirect call of no function or of one of another type")]
    NoCallee,
    /// More frames than a guest may have, as it counts them itself.
    #[error("call stack exhausted")]
    StackExhausted,
    /// A call to the system that has nowhere to write to.
    #[error("the module calls WASI but exports no memory named `memory`")]
    NoMemory,
    /// A trap in words that are not known here.
    #[error("a trap that the engine has no known name for")]
    Unknown,
}

impl Trap {
    /// The trap that an engine tells in these words: wasmi and wasmtime, V8,
    /// `SpiderMonkey` or `JavaScriptCore`.
    pub(crate) fn named(words: &str) -> Self {
        let words = words.to_lowercase();
        let have = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        if have(&["unreachable"]) {
            Self::Unreachable
        } else if have(&["by zero"]) {
            Self::DivideByZero
        } else if have(&["unrepresentable", "integer overflow", "invalid conversion", "trunc"]) {
            Self::NoInteger
        } else if have(&["bounds"]) {
            Self::OutOfBounds
        } else if have(&["signature", "type mismatch", "null", "uninitialized element"]) {
            Self::NoCallee
        } else {
            Self::Unknown
        }
    }
}

/// What a failure of the engine itself means, which is no trap: the guest is
/// not at fault, and another ion may try.
pub(super) fn failed(words: &str) -> Stop {
    let lower = words.to_lowercase();
    let have = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let reason = if have(&["stack", "recursion"]) {
        "the engine's own stack was used up before the guest's".to_owned()
    } else if have(&["memory", "alloc"]) {
        "the machine had no memory left for it".to_owned()
    } else {
        format!("the engine failed: {}", shown(words))
    };
    Stop::WorkerLost { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trap in the words of wasmi, wasmtime, V8, `SpiderMonkey` and `JavaScriptCore`.
    const WORDS: [(Trap, &[&str]); 5] = [
        (
            Trap::Unreachable,
            &[
                "wasm `unreachable` instruction executed",
                "unreachable",
                "unreachable executed",
                "Unreachable code should not be executed (evaluating 'f()')",
            ],
        ),
        (
            Trap::OutOfBounds,
            &[
                "out of bounds memory access",
                "undefined element: out of bounds table access",
                "memory access out of bounds",
                "table index is out of bounds",
                "WebAssembly.Instance(): data segment 0 is out of bounds",
                "index out of bounds",
                "table index out of bounds",
                "Out of bounds call_indirect (evaluating 'f()')",
                "Out of bounds memory access (evaluating 'f()')",
            ],
        ),
        (
            Trap::DivideByZero,
            &["integer divide by zero", "divide by zero", "remainder by zero", "Division by zero"],
        ),
        (
            Trap::NoInteger,
            &[
                "integer overflow",
                "invalid conversion to integer",
                "divide result unrepresentable",
                "float unrepresentable in integer range",
                "Out of bounds Trunc operation (evaluating 'f()')",
            ],
        ),
        (
            Trap::NoCallee,
            &[
                "uninitialized element 2",
                "indirect call type mismatch",
                "null function or function signature mismatch",
                "indirect call to null",
                "indirect call signature mismatch",
                "call_indirect to a null table entry (evaluating 'f()')",
                "call_indirect to a signature that does not match expected signature",
            ],
        ),
    ];

    #[test]
    fn every_engines_words_have_one_name() {
        for (trap, words) in WORDS {
            for words in words {
                assert_eq!(Trap::named(words), trap, "{words}");
            }
        }
        assert_eq!(Trap::named("something new"), Trap::Unknown);
    }

    #[test]
    fn what_the_engine_could_not_do_is_no_fault_of_the_guest() {
        for (words, reason) in [
            ("Maximum call stack size exceeded", "stack"),
            ("too much recursion", "stack"),
            ("Out of memory: Cannot allocate Wasm memory for new instance", "memory"),
            ("anything else", "engine"),
        ] {
            let stop = failed(words);
            assert!(!stop.is_deterministic());
            assert!(stop.to_string().contains(reason), "{words}: {stop}");
        }
    }
}
