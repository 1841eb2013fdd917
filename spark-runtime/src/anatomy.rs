//! What a module is made of, for people to look at: its sections and their sizes, what
//! it imports and exports with types, its memory and tables, and what of WebAssembly
//! beyond its first version it uses.
//!
//! It is read from a binary that was found valid before, without running it. All but sizes
//! is text already, so that whoever shows it needs to know nothing of WebAssembly.
//! Bounds: [`LISTED_MAX`] rows of a kind; names are cut as errors cut arguments.
//!
//! A feature is used where an operator, a local or a block of its proposal stands in code,
//! or where all that is not code is not valid without it. To validate the code once for each
//! would take seconds in large modules.

use serde::{Deserialize, Serialize};
use wasmparser::{
    BinaryReaderError, BlockType, Export, ExternalKind, FuncType, FunctionBody, GlobalType,
    MemoryType, Operator, Parser, Payload, TableType, TypeRef, ValType, Validator, WasmFeatures,
};

use crate::{arguments::shown, meter};

/// Types of a function's parameters that are shown, and of its results.
const KINDS_SHOWN_MAX: usize = 32;
/// Rows of each kind that are listed.
pub const LISTED_MAX: usize = 500;

/// What a module is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anatomy {
    /// Its sections, in their order.
    pub sections: Vec<Section>,
    /// What it imports, in its order, as `module.name`.
    pub imports: Vec<Named>,
    /// What it exports, in its order.
    pub exports: Vec<Named>,
    /// Its memories with their limits, those it imports first.
    pub memories: Vec<String>,
    /// Its tables with their limits, those it imports first.
    pub tables: Vec<String>,
    /// What it uses beyond the first version of WebAssembly.
    pub features: Vec<String>,
    /// Rows of all kinds that are not listed.
    pub left_out: u64,
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// What it holds, or the name of a custom one.
    pub name: String,
    /// Its content, in bytes.
    pub bytes: u64,
    /// How many it holds, where it is a list.
    pub items: Option<u32>,
}

/// An import or export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
}

/// What is looked for, by the names of the proposals.
const FEATURES: [(&str, WasmFeatures); 9] = [
    ("mutable globals", WasmFeatures::MUTABLE_GLOBAL),
    ("saturating conversions", WasmFeatures::SATURATING_FLOAT_TO_INT),
    ("sign extension", WasmFeatures::SIGN_EXTENSION),
    ("multiple values", WasmFeatures::MULTI_VALUE),
    ("bulk memory", WasmFeatures::BULK_MEMORY),
    ("reference types", WasmFeatures::REFERENCE_TYPES),
    ("vectors", WasmFeatures::SIMD),
    ("tail calls", WasmFeatures::TAIL_CALL),
    ("extended constants", WasmFeatures::EXTENDED_CONST),
];

/// Looks at a binary that was found valid.
pub(crate) fn of(binary: &[u8]) -> Result<Anatomy, BinaryReaderError> {
    let mut seen = Seen::new();
    for payload in Parser::new(0).parse_all(binary) {
        seen.note(&payload?)?;
    }
    let is_used = |feature| seen.used.contains(feature) || is_built_on(binary, feature);
    let used = FEATURES.iter().filter(|(_, feature)| is_used(*feature));
    seen.anatomy.features = used.map(|(name, _)| (*name).to_owned()).collect();
    Ok(seen.finish())
}

/// Whether a module is not valid without a feature, its code aside.
fn is_built_on(binary: &[u8], feature: WasmFeatures) -> bool {
    let mut validator = Validator::new_with_features(meter::FEATURES.difference(feature));
    let mut payloads = Parser::new(0).parse_all(binary);
    // Bodies are handed back, to be validated by whoever wants to.
    payloads.any(|payload| payload.and_then(|payload| validator.payload(&payload)).is_err())
}

/// The feature of a proposal, as wasmparser names it; none for those of the first version.
macro_rules! feature {
    (saturating_float_to_int) => {
        WasmFeatures::SATURATING_FLOAT_TO_INT
    };
    (sign_extension) => {
        WasmFeatures::SIGN_EXTENSION
    };
    (bulk_memory) => {
        WasmFeatures::BULK_MEMORY
    };
    (reference_types) => {
        WasmFeatures::REFERENCE_TYPES
    };
    (simd) => {
        WasmFeatures::SIMD
    };
    (tail_call) => {
        WasmFeatures::TAIL_CALL
    };
    ($other:ident) => {
        WasmFeatures::empty()
    };
}

macro_rules! define_proposed {
    ($(
        @$proposal:ident $operator:ident $({ $($field:ident: $kind:ty),* })?
            => $visit:ident ($($arity:tt)*)
    )*) => {
        /// The feature that an operator belongs to.
        fn proposed(operator: &Operator<'_>) -> WasmFeatures {
            match operator {
                Operator::Block { blockty: BlockType::FuncType(_) }
                | Operator::Loop { blockty: BlockType::FuncType(_) }
                | Operator::If { blockty: BlockType::FuncType(_) } => WasmFeatures::MULTI_VALUE,
                Operator::CallIndirect { table_index: 1.., .. } => WasmFeatures::REFERENCE_TYPES,
                $(Operator::$operator { .. } => feature!($proposal),)*
                _ => WasmFeatures::empty(),
            }
        }
    };
}
wasmparser::for_each_operator!(define_proposed);

/// What has been read, and what it takes to tell the types of exports. Imports come first
/// in each list, as they do in the module's own numbers.
struct Seen {
    anatomy: Anatomy,
    /// Features that code uses.
    used: WasmFeatures,
    types: Vec<FuncType>,
    functions: Vec<u32>,
    globals: Vec<GlobalType>,
    memories: Vec<MemoryType>,
    tables: Vec<TableType>,
}

impl Seen {
    fn new() -> Self {
        Self {
            anatomy: Anatomy::default(),
            used: WasmFeatures::empty(),
            types: Vec::new(),
            functions: Vec::new(),
            globals: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
        }
    }

    fn note(&mut self, payload: &Payload<'_>) -> Result<(), BinaryReaderError> {
        self.note_section(payload);
        match payload {
            Payload::TypeSection(types) => {
                for kind in types.clone().into_iter_err_on_gc_types() {
                    self.types.push(kind?);
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.clone() {
                    let import = import?;
                    self.note_import(&[import.module, ".", import.name].concat(), import.ty);
                }
            }
            Payload::FunctionSection(functions) => {
                for kind in functions.clone() {
                    self.functions.push(kind?);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables.clone() {
                    self.tables.push(table?.ty);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories.clone() {
                    self.memories.push(memory?);
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals.clone() {
                    self.globals.push(global?.ty);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports.clone() {
                    self.note_export(&export?);
                }
            }
            Payload::CodeSectionEntry(body) => self.note_body(body)?,
            _ => {}
        }
        Ok(())
    }

    fn note_body(&mut self, body: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        for local in body.get_locals_reader()? {
            self.used |= match local?.1 {
                ValType::V128 => WasmFeatures::SIMD,
                ValType::Ref(_) => WasmFeatures::REFERENCE_TYPES,
                _ => WasmFeatures::empty(),
            };
        }
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            self.used |= proposed(&operators.read()?);
        }
        Ok(())
    }

    fn note_section(&mut self, payload: &Payload<'_>) {
        let Some((_, range)) = payload.as_section() else { return };
        let (name, items) = match payload {
            Payload::TypeSection(list) => ("types", Some(list.count())),
            Payload::ImportSection(list) => ("imports", Some(list.count())),
            Payload::FunctionSection(list) => ("functions", Some(list.count())),
            Payload::TableSection(list) => ("tables", Some(list.count())),
            Payload::MemorySection(list) => ("memories", Some(list.count())),
            Payload::GlobalSection(list) => ("globals", Some(list.count())),
            Payload::ExportSection(list) => ("exports", Some(list.count())),
            Payload::ElementSection(list) => ("elements", Some(list.count())),
            Payload::DataSection(list) => ("data", Some(list.count())),
            Payload::CodeSectionStart { count, .. } => ("code", Some(*count)),
            Payload::StartSection { .. } => ("start", None),
            Payload::DataCountSection { .. } => ("count of data", None),
            Payload::CustomSection(custom) => (custom.name(), None),
            _ => return,
        };
        let section = Section { name: shown(name), bytes: range.len() as u64, items };
        push(&mut self.anatomy.sections, section, &mut self.anatomy.left_out);
    }

    fn note_import(&mut self, name: &str, kind: TypeRef) {
        let text = match kind {
            TypeRef::Func(kind) => {
                self.functions.push(kind);
                self.function(self.functions.len() - 1)
            }
            TypeRef::Table(kind) => {
                self.tables.push(kind);
                table(&kind)
            }
            TypeRef::Memory(kind) => {
                self.memories.push(kind);
                memory(&kind)
            }
            TypeRef::Global(kind) => {
                self.globals.push(kind);
                global(kind)
            }
            TypeRef::Tag(_) => "tag".to_owned(),
        };
        let import = Named { name: shown(name), kind: text };
        push(&mut self.anatomy.imports, import, &mut self.anatomy.left_out);
    }

    fn note_export(&mut self, export: &Export<'_>) {
        let index = export.index as usize;
        let kind = match export.kind {
            ExternalKind::Func => self.function(index),
            ExternalKind::Table => self.tables.get(index).map(table).unwrap_or_default(),
            ExternalKind::Memory => self.memories.get(index).map(memory).unwrap_or_default(),
            ExternalKind::Global => {
                self.globals.get(index).copied().map(global).unwrap_or_default()
            }
            ExternalKind::Tag => "tag".to_owned(),
        };
        let export = Named { name: shown(export.name), kind };
        push(&mut self.anatomy.exports, export, &mut self.anatomy.left_out);
    }

    /// The type of a function as text.
    fn function(&self, index: usize) -> String {
        let kind = self.functions.get(index).and_then(|kind| self.types.get(*kind as usize));
        kind.map_or_else(String::new, |kind| match kind.results() {
            [] => ["(", &list(kind.params()), ")"].concat(),
            results => ["(", &list(kind.params()), ") → ", &list(results)].concat(),
        })
    }

    fn finish(mut self) -> Anatomy {
        for kind in &self.memories {
            push(&mut self.anatomy.memories, memory(kind), &mut self.anatomy.left_out);
        }
        for kind in &self.tables {
            push(&mut self.anatomy.tables, table(kind), &mut self.anatomy.left_out);
        }
        self.anatomy
    }
}

/// Adds a row, if it is listed.
fn push<T>(rows: &mut Vec<T>, row: T, left_out: &mut u64) {
    if rows.len() < LISTED_MAX {
        rows.push(row);
    } else {
        *left_out += 1;
    }
}

/// Types of a list; of one that is long, the first.
fn list(kinds: &[ValType]) -> String {
    let first = kinds.iter().take(KINDS_SHOWN_MAX).map(ToString::to_string);
    let text = first.collect::<Vec<_>>().join(", ");
    match kinds.len().saturating_sub(KINDS_SHOWN_MAX) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

fn memory(kind: &MemoryType) -> String {
    format!("memory of {} pages of 64 KiB", extent(kind.initial, kind.maximum))
}

fn table(kind: &TableType) -> String {
    format!("table of {} {}", extent(kind.initial, kind.maximum), kind.element_type)
}

/// Limits, as text.
fn extent(initial: u64, maximum: Option<u64>) -> String {
    match maximum {
        Some(maximum) if maximum == initial => initial.to_string(),
        Some(maximum) => format!("{initial} to {maximum}"),
        None => format!("{initial} or more"),
    }
}

fn global(kind: GlobalType) -> String {
    let word = if kind.mutable { "variable " } else { "constant " };
    [word, &kind.content_type.to_string()].concat()
}
