//! Measures code whose translation would take far longer than its size says.
//!
//! Where blocks, branches and calls carry several values, each of them may
//! have to be copied: three bytes of code can mean a hundred instructions.
//! Compilers make next to none of this; a hostile module can be made of it.

use wasmparser::{BlockType, FuncType, Operator, TypeRef};

use super::{CONTROL_DEPTH_MAX, COPIES_MAX, Error, at_most};

/// What is known of a module's types and functions, and how much its code copies.
#[derive(Default)]
pub(super) struct Shape {
    types: Vec<Width>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    /// The most results of any type.
    results_widest: u64,
    copies: u64,
}

#[derive(Clone, Copy, Default)]
struct Width {
    parameters: u64,
    results: u64,
}

impl Width {
    /// What entering or leaving costs. One value is what any instruction moves.
    fn copies(self) -> u64 {
        let several = |values: u64| if values > 1 { values } else { 0 };
        several(self.parameters) + several(self.results)
    }
}

impl Shape {
    /// Takes in a type.
    pub(super) fn note_type(&mut self, kind: &FuncType) {
        let width =
            Width { parameters: kind.params().len() as u64, results: kind.results().len() as u64 };
        self.results_widest = self.results_widest.max(width.results);
        self.types.push(width);
    }

    /// Takes in an import.
    pub(super) fn note_import(&mut self, kind: TypeRef) {
        if let TypeRef::Func(kind) = kind {
            self.functions.push(kind);
        }
    }

    /// Takes in a function's type.
    pub(super) fn note_function(&mut self, kind: u32) {
        self.functions.push(kind);
    }

    /// The type of a function, and how many there are.
    pub(super) fn function(&self, function: usize) -> Option<u32> {
        self.functions.get(function).copied()
    }

    /// Begins to measure a function's code.
    pub(super) fn begin(&mut self) -> Measured<'_> {
        let widest = self.results_widest;
        Measured { shape: self, depth: 0, branches: 0, widest }
    }

    fn block(&self, kind: BlockType) -> Width {
        match kind {
            BlockType::Empty | BlockType::Type(_) => Width::default(),
            BlockType::FuncType(kind) => self.width(kind),
        }
    }

    fn call(&self, function: u32) -> u64 {
        self.functions.get(function as usize).map_or(0, |kind| self.call_type(*kind))
    }

    /// Arguments have to be put in place one by one, so that only results that
    /// serve as arguments again come for nothing.
    fn call_type(&self, kind: u32) -> u64 {
        let width = self.width(kind);
        if width.results > 1 { width.copies() } else { 0 }
    }

    fn width(&self, kind: u32) -> Width {
        self.types.get(kind as usize).copied().unwrap_or_default()
    }
}

/// One function's code, measured against the limits over the whole module.
pub(super) struct Measured<'a> {
    shape: &'a mut Shape,
    depth: u32,
    branches: u64,
    /// The most copies that any branch could mean.
    widest: u64,
}

impl Measured<'_> {
    /// Takes in an operator.
    pub(super) fn note(&mut self, operator: &Operator<'_>) -> Result<(), Error> {
        match operator {
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                self.depth += 1;
                at_most("nested blocks", u64::from(self.depth), u64::from(CONTROL_DEPTH_MAX))?;
                let copies = self.shape.block(*blockty).copies();
                self.widest = self.widest.max(copies);
                self.shape.copies += copies;
            }
            Operator::End => self.depth = self.depth.saturating_sub(1),
            Operator::Br { .. } | Operator::BrIf { .. } => self.branches += 1,
            Operator::BrTable { targets } => self.branches += u64::from(targets.len()) + 1,
            Operator::Call { function_index } => {
                self.shape.copies += self.shape.call(*function_index);
            }
            Operator::CallIndirect { type_index, .. } => {
                self.shape.copies += self.shape.call_type(*type_index);
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends with the function.
    pub(super) fn finish(self) -> Result<(), Error> {
        let copies = &mut self.shape.copies;
        if self.widest > 1 {
            *copies = copies.saturating_add(self.branches.saturating_mul(self.widest));
        }
        at_most("copies of values around blocks", *copies, COPIES_MAX)
    }
}
