//! Writes code: functions as planned, and the functions that are added.

use std::ops::Range;

use wasm_encoder::{BlockType, Encode, InstructionSink};
use wasmparser::{FunctionBody, ValType};

use super::{
    Error, FUNCTION_BYTES_MAX, TABLE_ELEMENTS_MAX, at_most,
    cost::BYTES_PER_FUEL_LOG2,
    edit::Rewrite,
    function::{Change, Edit, Plan},
    malformed, nan,
};
use crate::meter::{FLAG_DENIED, FLAG_FAILED, TABLE_ELEMENT_BYTES_LOG2};

/// The numbers that what is added has in the module.
#[derive(Clone, Copy, Default)]
pub(super) struct Numbers {
    /// Imported functions; the import that is added comes after them.
    pub(super) imported: u32,
    pub(super) fuel: u32,
    pub(super) stack: u32,
    pub(super) room: u32,
    pub(super) flags: u32,
    pub(super) charge_bytes: u32,
    pub(super) charge_elements: u32,
    pub(super) grow_memory: u32,
    /// The first of those that grow tables.
    pub(super) grow_tables: u32,
}

impl Numbers {
    /// The number of the import that is added.
    pub(super) fn limit(self) -> u32 {
        self.imported
    }

    /// A guest's function.
    pub(super) fn function(self, before: u32) -> u32 {
        if before < self.imported { before } else { before + 1 }
    }

    fn charge(self, fuel: u64, into: &mut Vec<u8>, rare: &mut Rare) {
        take(self.fuel, i64::try_from(fuel).unwrap_or(i64::MAX), into);
        self.check_fuel(into, rare);
    }

    fn check_fuel(self, into: &mut Vec<u8>, rare: &mut Rare) {
        InstructionSink::new(into).global_get(self.fuel);
        self.call_below_nothing(into, rare);
    }

    /// Both are below nothing exactly when a sign bit is set in either.
    fn check_fuel_and_stack(self, into: &mut Vec<u8>, rare: &mut Rare) {
        InstructionSink::new(into).global_get(self.fuel).global_get(self.stack).i64_or();
        self.call_below_nothing(into, rare);
    }

    fn call_below_nothing(self, into: &mut Vec<u8>, rare: &mut Rare) {
        InstructionSink::new(into).i64_const(0).i64_lt_s();
        rare.note(into);
        InstructionSink::new(into).if_(BlockType::Empty).call(self.limit()).end();
    }

    fn raise(self, flag: i32, into: &mut Vec<u8>) {
        InstructionSink::new(into)
            .global_get(self.flags)
            .i32_const(flag)
            .i32_or()
            .global_set(self.flags);
    }
}

/// Where code branches that hardly ever does, as offsets into a function.
///
/// Engines that read these hints keep what a call would cost out of the usual way:
/// in V8 that is up to half of what metering costs.
#[derive(Default)]
pub(super) struct Rare(Vec<usize>);

impl Rare {
    fn note(&mut self, code: &[u8]) {
        self.0.push(code.len());
    }

    /// The hints for one function, encoded as the proposal for branch hints says;
    /// nothing when there are none.
    pub(super) fn encoded(&self, function: u32) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        function.encode(&mut bytes);
        self.0.len().encode(&mut bytes);
        for offset in &self.0 {
            offset.encode(&mut bytes);
            // One byte, which says: not likely.
            bytes.extend([1, 0]);
        }
        (!self.0.is_empty()).then_some(bytes)
    }
}

/// Takes an amount from what a global counts.
fn take(global: u32, amount: i64, into: &mut Vec<u8>) {
    InstructionSink::new(into).global_get(global).i64_const(amount).i64_sub().global_set(global);
}

/// Writes a function as planned; `results` is the type of a block with its results.
/// Returns its code, and where that hardly ever branches.
pub(super) fn write(
    binary: &[u8],
    body: &FunctionBody<'_>,
    plan: &Plan,
    results: &[u8],
    numbers: Numbers,
) -> Result<(Vec<u8>, Rare), Error> {
    let mut rare = Rare::default();
    let frame = i64::try_from(plan.frame_bytes).unwrap_or(i64::MAX);
    let mut head = locals(binary, body, plan)?;
    if plan.frame_bytes > 0 {
        take(numbers.fuel, i64::try_from(plan.entry_fuel).unwrap_or(i64::MAX), &mut head);
        take(numbers.stack, frame, &mut head);
        numbers.check_fuel_and_stack(&mut head, &mut rare);
        // Whatever leaves the function comes to the end of this block.
        head.push(0x02);
        head.extend_from_slice(results);
    } else if plan.entry_fuel > 0 {
        numbers.charge(plan.entry_fuel, &mut head, &mut rare);
    }
    let code = body.get_operators_reader().map_err(malformed)?.original_position();
    let mut rewrite = Rewrite::after(head, binary, code..body.range().end);
    for edit in &plan.edits {
        apply(edit, plan, numbers, &mut rewrite, &mut rare);
    }
    let mut code = rewrite.finish();
    if plan.frame_bytes > 0 {
        take(numbers.stack, -frame, &mut code);
        InstructionSink::new(&mut code).end();
    }
    at_most("bytes in a metered function", code.len() as u64, FUNCTION_BYTES_MAX)?;
    Ok((code, rare))
}

/// The declarations of locals, with those that are added.
fn locals(binary: &[u8], body: &FunctionBody<'_>, plan: &Plan) -> Result<Vec<u8>, Error> {
    let mut reader = body.get_locals_reader().map_err(malformed)?;
    let groups: Range<usize> = {
        let start = reader.original_position();
        for _ in 0..reader.get_count() {
            reader.read().map_err(malformed)?;
        }
        start..reader.original_position()
    };
    let mut head = Vec::with_capacity(body.range().len() + 64);
    (reader.get_count() as usize + plan.scratch.types().count()).encode(&mut head);
    head.extend_from_slice(&binary[groups]);
    for kind in plan.scratch.types() {
        head.extend([1, type_byte(kind)]);
    }
    Ok(head)
}

fn apply(edit: &Edit, plan: &Plan, numbers: Numbers, rewrite: &mut Rewrite<'_>, rare: &mut Rare) {
    if let Change::Function(before) = edit.what {
        return rewrite.number(edit.at, numbers.function(before));
    }
    let is_framed = plan.frame_bytes > 0;
    let into = rewrite.up_to(edit.at);
    match edit.what {
        Change::Charge(fuel) => numbers.charge(fuel, into, rare),
        Change::Canonical(kind) => {
            nan::make_canonical(kind, plan.locals + plan.scratch.index(kind), into);
        }
        Change::ChargeBytes => {
            InstructionSink::new(into).call(numbers.charge_bytes);
        }
        Change::ChargeElements => {
            InstructionSink::new(into).call(numbers.charge_elements);
        }
        Change::GrowMemory => {
            InstructionSink::new(into).call(numbers.grow_memory);
        }
        Change::GrowTable(table) => {
            InstructionSink::new(into).call(numbers.grow_tables + table);
        }
        Change::Return(depth) if is_framed => {
            let depth = u32::try_from(depth).expect("blocks are fewer than bytes");
            InstructionSink::new(into).br(depth);
        }
        Change::Return(_) => {
            InstructionSink::new(into).return_();
        }
        Change::GiveBack if is_framed => {
            let frame = i64::try_from(plan.frame_bytes).unwrap_or(i64::MAX);
            take(numbers.stack, -frame, into);
        }
        Change::Condition => {
            InstructionSink::new(into).i32_const(1).i32_and();
        }
        Change::GiveBack | Change::Function(_) => {}
    }
    rewrite.skip(edit.replaced);
}

/// A type as it is encoded. Others than these do not pass validation.
pub(super) fn type_byte(kind: ValType) -> u8 {
    match kind {
        ValType::I32 => 0x7f,
        ValType::I64 => 0x7e,
        ValType::F32 => 0x7d,
        ValType::F64 => 0x7c,
        ValType::V128 => 0x7b,
        ValType::Ref(kind) if kind.is_extern_ref() => 0x6f,
        ValType::Ref(_) => 0x70,
    }
}

/// `(param $units i32) (result i32)`: charges for what is about to be written,
/// and returns the number.
pub(super) fn charge_units(numbers: Numbers, per_fuel_log2: i64) -> Vec<u8> {
    let mut code = vec![0];
    let round_up = (1 << per_fuel_log2) - 1;
    InstructionSink::new(&mut code)
        .global_get(numbers.fuel)
        .local_get(0)
        .i64_extend_i32_u()
        .i64_const(round_up)
        .i64_add()
        .i64_const(per_fuel_log2)
        .i64_shr_u()
        .i64_sub()
        .global_set(numbers.fuel);
    numbers.check_fuel(&mut code, &mut Rare::default());
    InstructionSink::new(&mut code).local_get(0).end();
    code
}

/// What grows.
#[derive(Clone, Copy)]
pub(super) enum Grown {
    /// The memory, up to so many pages.
    Memory { pages_max: u32 },
    /// A table, up to so many elements.
    Table { table: u32, elements_max: u32 },
}

impl Grown {
    /// A table that starts with so many elements.
    pub(super) fn table(table: u32, kind: &wasmparser::TableType) -> Self {
        let most = kind.maximum.unwrap_or(TABLE_ELEMENTS_MAX).min(TABLE_ELEMENTS_MAX);
        let elements_max = u32::try_from(most.max(kind.initial)).unwrap_or(u32::MAX);
        Self::Table { table, elements_max }
    }

    fn size(self, into: &mut Vec<u8>) {
        let mut code = InstructionSink::new(into);
        match self {
            Self::Memory { .. } => code.memory_size(0),
            Self::Table { table, .. } => code.table_size(table),
        };
    }
}

/// Grows by the last parameter, returns what `memory.grow` or `table.grow`
/// would: −1 over the declared maximum; −1 and [`FLAG_DENIED`] over the room
/// that is left; else it is charged for, and to fail then is the host's failure.
pub(super) fn grow(numbers: Numbers, grown: Grown) -> Vec<u8> {
    let (by, max, bytes_log2, fuel_log2) = match grown {
        Grown::Memory { pages_max } => (0, pages_max, 16, 16 - BYTES_PER_FUEL_LOG2),
        Grown::Table { elements_max, .. } => (1, elements_max, TABLE_ELEMENT_BYTES_LOG2, 0),
    };
    // One local each for the bytes, and for the answer.
    let (bytes, answer) = (by + 1, by + 2);
    let mut code = vec![2, 1, type_byte(ValType::I64), 1, type_byte(ValType::I32)];
    InstructionSink::new(&mut code).local_get(by).i32_const(max.cast_signed());
    grown.size(&mut code);
    InstructionSink::new(&mut code)
        .i32_sub()
        .i32_gt_u()
        .if_(BlockType::Empty)
        .i32_const(-1)
        .return_()
        .end()
        .local_get(by)
        .i64_extend_i32_u()
        .i64_const(bytes_log2)
        .i64_shl()
        .local_tee(bytes)
        .global_get(numbers.room)
        .i64_gt_s()
        .if_(BlockType::Empty);
    numbers.raise(FLAG_DENIED, &mut code);
    InstructionSink::new(&mut code)
        .i32_const(-1)
        .return_()
        .end()
        .global_get(numbers.room)
        .local_get(bytes)
        .i64_sub()
        .global_set(numbers.room)
        .global_get(numbers.fuel)
        .local_get(by)
        .i64_extend_i32_u()
        .i64_const(fuel_log2)
        .i64_shl()
        .i64_sub()
        .global_set(numbers.fuel);
    numbers.check_fuel(&mut code, &mut Rare::default());
    let mut grow = InstructionSink::new(&mut code);
    match grown {
        Grown::Memory { .. } => grow.local_get(by).memory_grow(0),
        Grown::Table { table, .. } => grow.local_get(0).local_get(by).table_grow(table),
    };
    grow.local_tee(answer).i32_const(-1).i32_eq().if_(BlockType::Empty);
    numbers.raise(FLAG_FAILED, &mut code);
    InstructionSink::new(&mut code).call(numbers.limit()).end().local_get(answer).end();
    code
}
