//! Reads one function, and decides what is changed in it.

use wasmparser::{
    FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, ValType, ValidatorResources,
};

use super::{
    CHANGES_MAX, Error, FRAME_BYTES, FUNCTION_BYTES_MAX, FUNCTION_LOCALS_MAX, LEAF_FRAME_BYTES_MAX,
    LOCALS_MAX, at_most,
    charge::Charges,
    cost::{CALLEE_FUEL, cost},
    malformed,
    nan::{Float, Results},
    shape::Shape,
};

/// The first byte of every vector operator.
const VECTOR_PREFIX: u8 = 0xfd;
/// Operands that an engine keeps in registers; vectors it does not.
const OPERANDS_FREE: u32 = 3;

/// One change: what stands before the bytes at an offset, or in their place.
pub(super) struct Edit {
    pub(super) at: usize,
    /// How many bytes it takes the place of.
    pub(super) replaced: usize,
    pub(super) what: Change,
}

/// What is written.
pub(super) enum Change {
    /// A charge of fuel.
    Charge(u64),
    /// The operand on top is made canonical.
    Canonical(Float),
    /// The number of the guest's function, as it is now.
    Function(u32),
    /// The operand on top, a length in bytes, is charged for.
    ChargeBytes,
    /// The operand on top, a number of elements, is charged for.
    ChargeElements,
    /// The memory grows under supervision.
    GrowMemory,
    /// A table grows under supervision.
    GrowTable(u32),
    /// A return out of so many blocks.
    Return(usize),
    /// The frame is given back, before a call in tail position.
    GiveBack,
    /// A condition is looked at once more, and stays what it is.
    ///
    /// wasmi 2.0.0 compiles `i32.eqz` and a `select` right after it to one
    /// instruction that reads the condition from the wrong place, when the operand
    /// of `i32.eqz` is not the last value computed. With an operator between them
    /// it does not; compilers take it out again.
    Condition,
}

/// What is to be done to one function.
pub(super) struct Plan {
    /// In the order of their offsets.
    pub(super) edits: Vec<Edit>,
    /// Charged at the entry; nothing where callers pay.
    pub(super) entry_fuel: u64,
    /// Charged to the stack at the entry; nothing in small functions that call nothing.
    pub(super) frame_bytes: u64,
    /// Parameters and locals, before those that are added.
    pub(super) locals: u32,
    pub(super) scratch: Scratch,
}

/// Which locals making NaNs canonical needs.
#[derive(Clone, Copy, Default)]
pub(super) struct Scratch {
    f32: bool,
    f64: bool,
    v128: bool,
}

impl Scratch {
    fn need(&mut self, kind: Float) {
        match kind {
            Float::F32 => self.f32 = true,
            Float::F64 => self.f64 = true,
            Float::F32x4 | Float::F64x2 => self.v128 = true,
        }
    }

    /// The types of the locals, in their order.
    pub(super) fn types(self) -> impl Iterator<Item = ValType> {
        let kinds =
            [(self.f32, ValType::F32), (self.f64, ValType::F64), (self.v128, ValType::V128)];
        kinds.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, kind)| kind)
    }

    /// Which of them serves a kind.
    pub(super) fn index(self, kind: Float) -> u32 {
        match kind {
            Float::F32 => 0,
            Float::F64 => u32::from(self.f32),
            Float::F32x4 | Float::F64x2 => u32::from(self.f32) + u32::from(self.f64),
        }
    }
}

/// Validates functions and plans what is changed in them.
#[derive(Default)]
pub(super) struct Planner {
    allocations: FuncValidatorAllocations,
    locals: u64,
}

/// One function under way.
struct Draft {
    charges: Charges,
    results: Results,
    edits: Vec<Edit>,
    calls: bool,
    has_vectors: bool,
    /// Whether the operator before compares integers, or an integer with nought.
    after_comparison: bool,
}

impl Planner {
    /// Plans one function.
    pub(super) fn plan(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        shape: &mut Shape,
    ) -> Result<Plan, Error> {
        at_most("bytes in a function", body.range().len() as u64, FUNCTION_BYTES_MAX)?;
        let mut validator = function.into_validator(std::mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        let params = validator.len_locals();
        validator.read_locals(&mut reader).map_err(malformed)?;
        let locals = validator.len_locals();
        self.locals += u64::from(locals - params);
        at_most("locals", self.locals, LOCALS_MAX)?;
        let mut draft = Draft::new(reader.original_position());
        draft.has_vectors =
            (0..locals).any(|local| validator.get_local_type(local) == Some(ValType::V128));
        let mut measured = shape.begin();
        let mut height_max = 0;
        while !reader.eof() {
            let at = reader.original_position();
            let is_vector = body.as_bytes().get(at - body.range().start) == Some(&VECTOR_PREFIX);
            let operator = reader.read_operator().map_err(malformed)?;
            measured.note(&operator)?;
            let height = validator.operand_stack_height();
            validator.op(at, &operator).map_err(malformed)?;
            height_max = height_max.max(validator.operand_stack_height());
            let is_float = |local| {
                let kind = validator.get_local_type(local);
                matches!(kind, Some(ValType::F32 | ValType::F64))
            };
            let range = at..reader.original_position();
            if !draft.charges.is_dead() {
                draft.results.note(&operator, height, range.end, is_float);
            }
            draft.note(&operator, range, is_vector);
            at_most("changes in a function", draft.changes(), CHANGES_MAX)?;
        }
        validator.finish(reader.original_position()).map_err(malformed)?;
        measured.finish()?;
        self.allocations = validator.into_allocations();
        draft.finish(locals, height_max)
    }
}

impl Draft {
    fn new(at: usize) -> Self {
        Self {
            charges: Charges::new(at),
            results: Results::default(),
            edits: Vec::new(),
            calls: false,
            has_vectors: false,
            after_comparison: false,
        }
    }

    fn note(&mut self, operator: &Operator<'_>, range: std::ops::Range<usize>, is_vector: bool) {
        self.has_vectors |= is_vector;
        if !self.charges.is_dead() {
            self.change(operator, &range);
        }
        self.renumber(operator, range.start);
        self.charges.note(operator, cost(operator, is_vector), range.end);
    }

    /// What has been noted to be written or to be looked at again.
    fn changes(&self) -> u64 {
        (self.edits.len() + self.charges.count() + self.results.count()) as u64
    }

    /// What an operator is changed to, or has to have before it.
    fn change(&mut self, operator: &Operator<'_>, range: &std::ops::Range<usize>) {
        let before = |what| Some((0, what));
        let instead = |what| Some((range.len(), what));
        let change = match operator {
            Operator::MemoryFill { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryInit { .. } => before(Change::ChargeBytes),
            Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. } => before(Change::ChargeElements),
            Operator::MemoryGrow { .. } => instead(Change::GrowMemory),
            Operator::TableGrow { table } => instead(Change::GrowTable(*table)),
            Operator::Return => instead(Change::Return(self.charges.depth())),
            Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. } => {
                before(Change::GiveBack)
            }
            Operator::Select | Operator::TypedSelect { .. } if self.after_comparison => {
                before(Change::Condition)
            }
            Operator::Call { .. } | Operator::CallIndirect { .. } => {
                self.calls = true;
                None
            }
            _ => None,
        };
        self.after_comparison =
            matches!(operator, Operator::I32Eqz | Operator::I32Eq | Operator::I32Ne);
        if let Some((replaced, what)) = change {
            self.edits.push(Edit { at: range.start, replaced, what });
        }
    }

    /// Functions have other numbers, in code that never runs too.
    fn renumber(&mut self, operator: &Operator<'_>, at: usize) {
        if let Operator::Call { function_index }
        | Operator::ReturnCall { function_index }
        | Operator::RefFunc { function_index } = operator
        {
            // The number follows an opcode of one byte, and is found where it stands.
            let what = Change::Function(*function_index);
            self.edits.push(Edit { at: at + 1, replaced: 1, what });
        }
    }

    fn finish(self, locals: u32, height_max: u32) -> Result<Plan, Error> {
        let Self { charges, results, mut edits, .. } = self;
        let mut scratch = Scratch::default();
        for (at, kind) in results.finish() {
            scratch.need(kind);
            edits.push(Edit { at, replaced: 0, what: Change::Canonical(kind) });
        }
        let added = u32::try_from(scratch.types().count()).expect("there are three at most");
        at_most("locals in a function", u64::from(locals + added), FUNCTION_LOCALS_MAX)?;
        let (slot_bytes, free) = if self.has_vectors { (16, 0) } else { (8, OPERANDS_FREE) };
        let slots = u64::from(locals + added) + 2 * u64::from(height_max.saturating_sub(free));
        let frame_bytes = FRAME_BYTES + slots * slot_bytes;
        let is_free = !self.calls && frame_bytes <= LEAF_FRAME_BYTES_MAX;
        let (entry_fuel, inner) = charges.finish();
        edits.extend(inner.into_iter().map(|(at, fuel)| Edit {
            at,
            replaced: 0,
            what: Change::Charge(fuel),
        }));
        // What stands before an operator comes before what takes its place.
        edits.sort_by_key(|edit| (edit.at, edit.replaced > 0));
        Ok(Plan {
            edits,
            entry_fuel: if entry_fuel > CALLEE_FUEL { entry_fuel } else { 0 },
            frame_bytes: if is_free { 0 } else { frame_bytes },
            locals,
            scratch,
        })
    }
}
