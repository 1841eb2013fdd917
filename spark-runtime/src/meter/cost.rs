//! What operators cost, in units of fuel. No engine is asked: the table is the price.
//!
//! | operators | cost |
//! |---|---|
//! | `nop`, `block`, `else`, `end`: nothing is left of them when compiled | 0 |
//! | everything that is not named here | 1 |
//! | `br_table`, vector operators | 2 |
//! | division of floats | 4 |
//! | division and remainder of integers, square roots, division of vectors | 8 |
//! | `memory.grow`, `table.grow`, the bulk operations | 16, and by size |
//! | square roots of vectors | 16 |
//! | calls, which pay for the first [`CALLEE_FUEL`] of the callee too | 16 |
//! | `call_indirect`, whose callee is looked up and compared | 20 |
//!
//! By size: one unit for every 64 bytes that `memory.fill`, `memory.copy` and
//! `memory.init` are told to write, begun ones counting whole; 1024 for a page
//! that a memory grows by; one for an element that a table operation writes or
//! a table grows by. Growth that is not granted costs nothing by size.

use wasmparser::Operator;

/// What a call costs, wherever it comes from.
pub const CALL_FUEL: u32 = 16;
/// A function whose every way without calls and loops costs no more than this
/// is paid for by its callers.
pub(super) const CALLEE_FUEL: u64 = 12;
/// Bytes written for a unit of fuel, as a power of two.
pub(super) const BYTES_PER_FUEL_LOG2: i64 = 6;

/// The price of one operator.
pub(super) fn cost(operator: &Operator<'_>, is_vector: bool) -> u32 {
    use Operator as O;
    match operator {
        O::Nop | O::Block { .. } | O::Else | O::End => 0,
        O::BrTable { .. } => 2,
        O::F32Div | O::F64Div => 4,
        O::I32DivS
        | O::I32DivU
        | O::I32RemS
        | O::I32RemU
        | O::I64DivS
        | O::I64DivU
        | O::I64RemS
        | O::I64RemU
        | O::F32Sqrt
        | O::F64Sqrt
        | O::F32x4Div
        | O::F64x2Div => 8,
        O::MemoryGrow { .. }
        | O::MemoryFill { .. }
        | O::MemoryCopy { .. }
        | O::MemoryInit { .. }
        | O::TableGrow { .. }
        | O::TableFill { .. }
        | O::TableCopy { .. }
        | O::TableInit { .. }
        | O::F32x4Sqrt
        | O::F64x2Sqrt => 16,
        O::Call { .. } | O::ReturnCall { .. } => CALL_FUEL,
        O::CallIndirect { .. } | O::ReturnCallIndirect { .. } => CALL_FUEL + 4,
        _ if is_vector => 2,
        _ => 1,
    }
}
