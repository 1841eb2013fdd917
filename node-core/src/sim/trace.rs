//! The last steps of a run, kept cheaply and written out when one fails.

use std::{collections::VecDeque, fmt};

/// Steps that are kept.
pub const TRACE_STEPS_MAX: usize = 60;
/// Bytes of a message that name it.
const NAME_BYTES_MAX: usize = 12;

/// A run that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What replays it.
    pub seed: u64,
    /// When, in milliseconds of virtual time.
    pub at_ms: u64,
    /// Which rule, and how.
    pub what: String,
    /// The last steps, one a line.
    pub trace: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, at_ms, what, trace } = self;
        write!(f, "{trace}\nseed {seed}, at {at_ms} ms: {what}")
    }
}

#[derive(Default)]
pub(super) struct Trace {
    steps: VecDeque<Step>,
}

/// One step; `other` is the ion that it is about, if any.
struct Step {
    at_ms: u64,
    ion: usize,
    what: &'static str,
    other: Option<usize>,
    name: [u8; NAME_BYTES_MAX],
    number: u64,
}

impl Trace {
    pub(super) fn note(
        &mut self,
        at_ms: u64,
        ion: usize,
        what: &'static str,
        other: Option<usize>,
        number: u64,
    ) {
        self.push(Step { at_ms, ion, what, other, name: [0; NAME_BYTES_MAX], number });
    }

    /// Notes a message by the name that its encoding begins with.
    pub(super) fn note_bytes(
        &mut self,
        at_ms: u64,
        ion: usize,
        what: &'static str,
        other: usize,
        bytes: &[u8],
    ) {
        let number = bytes.len() as u64;
        self.push(Step { at_ms, ion, what, other: Some(other), name: name_of(bytes), number });
    }

    fn push(&mut self, step: Step) {
        if self.steps.len() >= TRACE_STEPS_MAX {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            write!(f, "{:>8} ms  ion {:<3} {}", step.at_ms, step.ion, step.what)?;
            if let Some(other) = step.other {
                write!(f, " ion {other}")?;
            }
            let name = step.name.iter().take_while(|byte| **byte != 0);
            let name: String = name.map(|byte| char::from(*byte)).collect();
            writeln!(f, " {name} ({})", step.number)?;
        }
        Ok(())
    }
}

/// The variant's name in an externally tagged DAG-CBOR value: a map of one
/// entry whose key is a short text.
fn name_of(bytes: &[u8]) -> [u8; NAME_BYTES_MAX] {
    let mut name = [0; NAME_BYTES_MAX];
    let (text, length) = match bytes {
        [0xa1, head @ 0x61..=0x77, text @ ..] | [head @ 0x61..=0x77, text @ ..] => {
            (text, usize::from(head - 0x60))
        }
        _ => return name,
    };
    let letters = text.iter().take(length).filter(|byte| byte.is_ascii_alphanumeric());
    for (place, letter) in name.iter_mut().zip(letters) {
        *place = *letter;
    }
    name
}
