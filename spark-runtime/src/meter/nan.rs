//! Finds the results of float operators that may be a NaN with bits of the
//! engine's choosing, and that something could read.
//!
//! Arithmetic may answer with any NaN; everything else is exact. A result need
//! not be made canonical when all that ever takes it is arithmetic again, whose
//! own result is looked at in turn, or an operator for which one NaN is like
//! another: a comparison, a conversion to integers, `drop`. Results wait on a
//! picture of the operand stack until their taker is known. Any operator that
//! is not known to leave them alone reads all of them, and so does every branch,
//! call and end of a block; so the picture never spans two ways through the code.
//!
//! A float local may hold any NaN, as long as nothing in the whole function reads
//! its bits, nor those of a local that it is copied to. Loads, stores, `copysign`, `abs`, `neg` and reinterpretations
//! move bits and make none.

use std::collections::{BTreeMap, BTreeSet};

use wasm_encoder::InstructionSink;
use wasmparser::Operator;

/// A float type, or a shape of vector lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F32,
    F64,
    F32x4,
    F64x2,
}

/// What an operator has to do with NaNs.
enum Role {
    /// Takes operands of one kind, and may answer with any NaN of another.
    Makes { operands: u32, taken: Float, made: Float },
    /// Takes operands of one kind, for which any NaN is like another.
    Ignores { operands: u32, taken: Float },
    /// Takes no float, branches nowhere.
    LeavesAlone,
    /// Takes one operand away.
    Drops,
    /// Anything else.
    Reads,
}

/// An operand that may be a NaN with any bits.
struct Operand {
    /// How many operands lie under it.
    height: u32,
    source: Source,
}

/// Where an operand comes from.
#[derive(Clone, Copy)]
enum Source {
    /// An operator that ends at an offset.
    Made { at: usize, kind: Float },
    /// A local.
    Local(u32),
}

/// Results whose bits may still turn out to be read.
#[derive(Default)]
pub(super) struct Results {
    operands: Vec<Operand>,
    /// Results that went into locals.
    kept: Vec<(u32, usize, Float)>,
    /// For each local, those that were copied to it.
    copied: BTreeMap<u32, Vec<u32>>,
    copies: usize,
    /// Locals whose bits something reads.
    read: Vec<u32>,
    /// Results that have to be made canonical.
    found: Vec<(usize, Float)>,
}

impl Results {
    /// Takes in an operator, with the number of operands before it and the
    /// offset of its end; `is_float` says whether a local is a float and no vector.
    pub(super) fn note(
        &mut self,
        operator: &Operator<'_>,
        height: u32,
        end: usize,
        is_float: impl Fn(u32) -> bool,
    ) {
        match *operator {
            Operator::LocalGet { local_index } if is_float(local_index) => {
                self.operands.push(Operand { height, source: Source::Local(local_index) });
                return;
            }
            Operator::LocalSet { local_index } if is_float(local_index) => {
                self.keep(height, local_index);
                return self.take(height, 1, None);
            }
            Operator::LocalTee { local_index } if is_float(local_index) => {
                return self.keep(height, local_index);
            }
            _ => {}
        }
        match role(operator) {
            Role::LeavesAlone => {}
            Role::Drops => self.take(height, 1, None),
            Role::Ignores { operands, taken } => self.take(height, operands, Some(taken)),
            Role::Makes { operands, taken, made } => {
                self.take(height, operands, Some(taken));
                let height = height.saturating_sub(operands);
                self.operands
                    .push(Operand { height, source: Source::Made { at: end, kind: made } });
            }
            Role::Reads => {
                for operand in std::mem::take(&mut self.operands) {
                    self.read(operand.source);
                }
            }
        }
    }

    /// How much has been noted so far.
    pub(super) fn count(&self) -> usize {
        self.operands.len() + self.kept.len() + self.read.len() + self.copies + self.found.len()
    }

    /// The results to make canonical, in the order of their offsets.
    pub(super) fn finish(mut self) -> Vec<(usize, Float)> {
        let mut seen = BTreeSet::new();
        while let Some(local) = self.read.pop() {
            if seen.insert(local) {
                self.read.extend(self.copied.remove(&local).unwrap_or_default());
            }
        }
        let kept = self.kept.into_iter().filter(|(local, ..)| seen.contains(local));
        self.found.extend(kept.map(|(_, at, kind)| (at, kind)));
        self.found.sort_by_key(|(at, _)| *at);
        self.found.dedup();
        self.found
    }

    fn read(&mut self, source: Source) {
        match source {
            Source::Made { at, kind } => self.found.push((at, kind)),
            Source::Local(local) => self.read.push(local),
        }
    }

    /// Puts the operand on top into a local.
    fn keep(&mut self, height: u32, local: u32) {
        let top = self.operands.last().filter(|operand| operand.height + 1 == height);
        match top.map(|operand| operand.source) {
            Some(Source::Made { at, kind }) => self.kept.push((local, at, kind)),
            Some(Source::Local(from)) => {
                self.copied.entry(local).or_default().push(from);
                self.copies += 1;
            }
            None => {}
        }
    }

    /// Takes operands away. A vector whose lanes are read in another shape is read.
    fn take(&mut self, height: u32, operands: u32, taken: Option<Float>) {
        let left = height.saturating_sub(operands);
        while let Some(operand) = self.operands.pop_if(|operand| operand.height >= left) {
            if let Source::Made { kind, .. } = operand.source
                && taken.is_some_and(|taken| taken != kind)
            {
                self.read(operand.source);
            }
        }
    }
}

/// Appends what makes the operand on top canonical, by way of a local of its type.
pub(super) fn make_canonical(kind: Float, scratch: u32, into: &mut Vec<u8>) {
    /// The lanes of vectors of canonical NaNs.
    const F32X4: i128 = 0x7fc0_0000_7fc0_0000_7fc0_0000_7fc0_0000;
    const F64X2: i128 = 0x7ff8_0000_0000_0000_7ff8_0000_0000_0000;
    let mut code = InstructionSink::new(into);
    code.local_tee(scratch);
    match kind {
        Float::F32 => code.f32_const(f32::from_bits(0x7fc0_0000)),
        Float::F64 => code.f64_const(f64::from_bits(0x7ff8 << 48)),
        Float::F32x4 => code.v128_const(F32X4),
        Float::F64x2 => code.v128_const(F64X2),
    };
    // Only a NaN differs from itself.
    code.local_get(scratch).local_get(scratch);
    match kind {
        Float::F32 => code.f32_eq().select(),
        Float::F64 => code.f64_eq().select(),
        Float::F32x4 => code.f32x4_eq().v128_bitselect(),
        Float::F64x2 => code.f64x2_eq().v128_bitselect(),
    };
}

fn role(operator: &Operator<'_>) -> Role {
    use Float::{F32, F32x4, F64, F64x2};
    use Operator as O;
    let makes = |operands, kind| Role::Makes { operands, taken: kind, made: kind };
    match operator {
        O::F32Add | O::F32Sub | O::F32Mul | O::F32Div | O::F32Min | O::F32Max => makes(2, F32),
        O::F64Add | O::F64Sub | O::F64Mul | O::F64Div | O::F64Min | O::F64Max => makes(2, F64),
        O::F32Sqrt | O::F32Ceil | O::F32Floor | O::F32Trunc | O::F32Nearest => makes(1, F32),
        O::F64Sqrt | O::F64Ceil | O::F64Floor | O::F64Trunc | O::F64Nearest => makes(1, F64),
        O::F32DemoteF64 => Role::Makes { operands: 1, taken: F64, made: F32 },
        O::F64PromoteF32 => Role::Makes { operands: 1, taken: F32, made: F64 },
        O::F32x4Add | O::F32x4Sub | O::F32x4Mul | O::F32x4Div | O::F32x4Min | O::F32x4Max => {
            makes(2, F32x4)
        }
        O::F64x2Add | O::F64x2Sub | O::F64x2Mul | O::F64x2Div | O::F64x2Min | O::F64x2Max => {
            makes(2, F64x2)
        }
        O::F32x4Sqrt | O::F32x4Ceil | O::F32x4Floor | O::F32x4Trunc | O::F32x4Nearest => {
            makes(1, F32x4)
        }
        O::F64x2Sqrt | O::F64x2Ceil | O::F64x2Floor | O::F64x2Trunc | O::F64x2Nearest => {
            makes(1, F64x2)
        }
        O::F32x4DemoteF64x2Zero => Role::Makes { operands: 1, taken: F64x2, made: F32x4 },
        O::F64x2PromoteLowF32x4 => Role::Makes { operands: 1, taken: F32x4, made: F64x2 },
        O::F32Eq | O::F32Ne | O::F32Lt | O::F32Gt | O::F32Le | O::F32Ge => {
            Role::Ignores { operands: 2, taken: F32 }
        }
        O::F64Eq | O::F64Ne | O::F64Lt | O::F64Gt | O::F64Le | O::F64Ge => {
            Role::Ignores { operands: 2, taken: F64 }
        }
        O::I32TruncF32S
        | O::I32TruncF32U
        | O::I64TruncF32S
        | O::I64TruncF32U
        | O::I32TruncSatF32S
        | O::I32TruncSatF32U
        | O::I64TruncSatF32S
        | O::I64TruncSatF32U => Role::Ignores { operands: 1, taken: F32 },
        O::I32TruncF64S
        | O::I32TruncF64U
        | O::I64TruncF64S
        | O::I64TruncF64U
        | O::I32TruncSatF64S
        | O::I32TruncSatF64U
        | O::I64TruncSatF64S
        | O::I64TruncSatF64U => Role::Ignores { operands: 1, taken: F64 },
        O::Drop => Role::Drops,
        other if leaves_alone(other) => Role::LeavesAlone,
        _ => Role::Reads,
    }
}

/// Operators that stand between float operators in compiled code, and take
/// integers only.
fn leaves_alone(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::Nop
            | O::LocalGet { .. }
            | O::GlobalGet { .. }
            | O::I32Const { .. }
            | O::I64Const { .. }
            | O::F32Const { .. }
            | O::F64Const { .. }
            | O::V128Const { .. }
            | O::I32Load { .. }
            | O::I64Load { .. }
            | O::F32Load { .. }
            | O::F64Load { .. }
            | O::V128Load { .. }
            | O::F32ConvertI32S
            | O::F32ConvertI32U
            | O::F32ConvertI64S
            | O::F32ConvertI64U
            | O::F64ConvertI32S
            | O::F64ConvertI32U
            | O::F64ConvertI64S
            | O::F64ConvertI64U
            | O::I32Add
            | O::I32Sub
            | O::I32Mul
            | O::I32Shl
            | O::I32And
            | O::I64Add
    )
}
