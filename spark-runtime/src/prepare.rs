//! Reads a binary before the engine does: refuses what would be dear to
//! compile, and makes the start function one that can be metered.
//!
//! The engine runs a start function while it instantiates, in one go and
//! without a deadline. So it is taken out here and exported under a name of its
//! own, to be called like any other function. Bounds: every `_MAX` below, so
//! that loading takes seconds at most. What the bytes mean is the engine's to
//! check; nothing here relies on a module being valid.

mod shape;

use std::{borrow::Cow, ops::Range};

use wasmparser::{BinaryReaderError, Encoding, Parser, Payload};

use crate::Stop;
use shape::{Shape, each};

/// The largest binary, in bytes.
pub const MODULE_BYTES_MAX: usize = 16 << 20;
/// Functions that a module may define or import.
pub const FUNCTIONS_MAX: u32 = 50_000;
/// Locals over all functions.
pub const LOCALS_MAX: u64 = 4_000_000;
/// Parameters, and results, of one function type.
pub const PARAMETERS_MAX: usize = 64;
/// Blocks inside blocks; a switch of that many cases is compiled so.
pub const CONTROL_DEPTH_MAX: u32 = 50_000;
/// Values that blocks, branches and calls of several values move, over all functions.
pub const COPIES_MAX: u64 = 32_000_000;
/// Globals in one module.
pub const GLOBALS_MAX: u32 = 10_000;
/// Tables in one module.
pub const TABLES_MAX: u32 = 100;
/// Memories in one module.
pub const MEMORIES_MAX: u32 = 1;
/// Data segments in one module; Go's linker writes thousands.
pub const DATA_SEGMENTS_MAX: u32 = 100_000;
/// Element segments in one module.
pub const ELEMENT_SEGMENTS_MAX: u32 = 10_000;

/// Where the start function is exported; further `'` are added while taken.
const START: &str = "ionosphere:start";
const SECTION_CUSTOM: u8 = 0;
const SECTION_EXPORT: u8 = 7;
const SECTION_START: u8 = 8;

/// A binary that the engine may see.
pub(crate) struct Prepared<'a> {
    /// The binary, rewritten only where there is a start function.
    pub(crate) binary: Cow<'a, [u8]>,
    /// The export that must be called before any other.
    pub(crate) start: Option<String>,
    /// The memory it starts with, in bytes.
    pub(crate) memory_bytes: u64,
    /// The table elements it starts with.
    pub(crate) table_elements: u64,
}

/// What one walk over the sections finds.
#[derive(Default)]
struct Outline {
    sections: Vec<(u8, Range<usize>)>,
    export_names: Vec<String>,
    export_count: u32,
    start: Option<u32>,
    locals: u64,
    shape: Shape,
    memory_bytes: u64,
    table_elements: u64,
}

/// Checks the bounds and takes out the start function.
pub(crate) fn prepare(binary: &[u8]) -> Result<Prepared<'_>, Stop> {
    at_most("bytes", binary.len() as u64, MODULE_BYTES_MAX as u64)?;
    if !binary.starts_with(b"\0asm") {
        return refuse("it does not begin with `\\0asm`, as every compiled module does");
    }
    let mut outline = Outline::default();
    for payload in Parser::new(0).parse_all(binary) {
        outline.note(&payload.map_err(malformed)?)?;
    }
    let (memory_bytes, table_elements) = (outline.memory_bytes, outline.table_elements);
    let Some(function) = outline.start else {
        return Ok(Prepared { binary: binary.into(), start: None, memory_bytes, table_elements });
    };
    let name = outline.free_name();
    let binary = outline.with_exported(binary, function, &name).into();
    Ok(Prepared { binary, start: Some(name), memory_bytes, table_elements })
}

impl Outline {
    fn note(&mut self, payload: &Payload<'_>) -> Result<(), Stop> {
        if let Some((id, range)) = payload.as_section() {
            self.sections.push((id, range));
        }
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } => {
                refuse("it is a component; only core modules run here")
            }
            Payload::TypeSection(types) => self.note_types(types),
            Payload::ImportSection(imports) => {
                at_most_of("imports", imports.count(), FUNCTIONS_MAX)?;
                each(imports.clone(), |import| self.shape.note_import(import.ty))
            }
            Payload::FunctionSection(functions) => {
                at_most_of("functions", functions.count(), FUNCTIONS_MAX)?;
                each(functions.clone(), |kind| self.shape.note_function(kind))
            }
            Payload::TableSection(tables) => self.note_tables(tables),
            Payload::MemorySection(memories) => self.note_memories(memories),
            Payload::GlobalSection(globals) => at_most_of("globals", globals.count(), GLOBALS_MAX),
            Payload::ElementSection(segments) => {
                at_most_of("element segments", segments.count(), ELEMENT_SEGMENTS_MAX)
            }
            Payload::DataSection(segments) => {
                at_most_of("data segments", segments.count(), DATA_SEGMENTS_MAX)
            }
            Payload::ExportSection(exports) => self.note_exports(exports),
            Payload::StartSection { func, .. } => {
                self.start = Some(*func);
                Ok(())
            }
            Payload::CodeSectionEntry(body) => self.note_body(body),
            _ => Ok(()),
        }
    }

    fn note_types(&mut self, types: &wasmparser::TypeSectionReader<'_>) -> Result<(), Stop> {
        at_most_of("types", types.count(), FUNCTIONS_MAX)?;
        for kind in types.clone().into_iter_err_on_gc_types() {
            let kind = kind.map_err(malformed)?;
            let widest = kind.params().len().max(kind.results().len());
            at_most("parameters or results of a function", widest as u64, PARAMETERS_MAX as u64)?;
            self.shape.note_type(&kind);
        }
        Ok(())
    }

    fn note_tables(&mut self, tables: &wasmparser::TableSectionReader<'_>) -> Result<(), Stop> {
        at_most_of("tables", tables.count(), TABLES_MAX)?;
        for table in tables.clone() {
            let initial = table.map_err(malformed)?.ty.initial;
            self.table_elements = self.table_elements.saturating_add(initial);
        }
        Ok(())
    }

    fn note_memories(
        &mut self,
        memories: &wasmparser::MemorySectionReader<'_>,
    ) -> Result<(), Stop> {
        at_most_of("memories", memories.count(), MEMORIES_MAX)?;
        for memory in memories.clone() {
            let pages = memory.map_err(malformed)?.initial;
            self.memory_bytes = self.memory_bytes.saturating_add(pages.saturating_mul(1 << 16));
        }
        Ok(())
    }

    fn note_exports(&mut self, exports: &wasmparser::ExportSectionReader<'_>) -> Result<(), Stop> {
        self.export_count = exports.count();
        for export in exports.clone() {
            let name = export.map_err(malformed)?.name;
            if name.starts_with(START) {
                self.export_names.push(name.to_owned());
            }
        }
        Ok(())
    }

    fn note_body(&mut self, body: &wasmparser::FunctionBody<'_>) -> Result<(), Stop> {
        for local in body.get_locals_reader().map_err(malformed)? {
            self.locals = self.locals.saturating_add(u64::from(local.map_err(malformed)?.0));
        }
        at_most("locals", self.locals, LOCALS_MAX)?;
        self.shape.note_code(body)
    }

    fn free_name(&self) -> String {
        let mut name = START.to_owned();
        while self.export_names.contains(&name) {
            name.push('\'');
        }
        name
    }

    /// The binary without its start and custom sections, and with one export more.
    fn with_exported(&self, binary: &[u8], function: u32, name: &str) -> Vec<u8> {
        let has_exports = self.sections.iter().any(|(id, _)| *id == SECTION_EXPORT);
        let mut rewritten = binary[..8].to_vec();
        for (id, range) in &self.sections {
            let content = &binary[range.clone()];
            match *id {
                SECTION_CUSTOM => {}
                SECTION_EXPORT => write_section(
                    &mut rewritten,
                    SECTION_EXPORT,
                    &exports(self.export_count, content, function, name),
                ),
                SECTION_START if has_exports => {}
                SECTION_START => {
                    write_section(
                        &mut rewritten,
                        SECTION_EXPORT,
                        &exports(0, &[0], function, name),
                    );
                }
                id => write_section(&mut rewritten, id, content),
            }
        }
        rewritten
    }
}

/// An export section's content with one function more.
fn exports(count: u32, content: &[u8], function: u32, name: &str) -> Vec<u8> {
    // The count ends at its first byte without the continuation bit.
    let counted = content.iter().position(|byte| byte & 0x80 == 0).map_or(0, |last| last + 1);
    let mut section = Vec::with_capacity(content.len() + name.len() + 16);
    write_leb(&mut section, u64::from(count) + 1);
    section.extend_from_slice(&content[counted..]);
    write_leb(&mut section, name.len() as u64);
    section.extend_from_slice(name.as_bytes());
    section.push(0);
    write_leb(&mut section, u64::from(function));
    section
}

fn write_section(into: &mut Vec<u8>, id: u8, content: &[u8]) {
    into.push(id);
    write_leb(into, content.len() as u64);
    into.extend_from_slice(content);
}

/// An unsigned number in LEB128.
fn write_leb(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    into.push((value & 0x7f) as u8);
}

fn at_most_of(what: &str, count: u32, max: u32) -> Result<(), Stop> {
    at_most(what, u64::from(count), u64::from(max))
}

fn at_most(what: &str, count: u64, max: u64) -> Result<(), Stop> {
    if count <= max {
        return Ok(());
    }
    refuse(format!("it has {count} {what}; at most {max} are taken"))
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::NotAModule { reason: reason.into() })
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn malformed(error: BinaryReaderError) -> Stop {
    Stop::NotAModule { reason: format!("{} (at byte {})", error.message(), error.offset()) }
}
