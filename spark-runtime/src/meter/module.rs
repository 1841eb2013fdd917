//! Walks over a module's sections, and puts the metered module together.

use std::ops::Range;

use wasm_encoder::{ConstExpr, Encode};
use wasmparser::{
    ElementItems, ElementSectionReader, Encoding, ExportSectionReader, ExternalKind,
    FuncToValidate, FuncType, FunctionBody, GlobalSectionReader, ImportSectionReader, MemoryType,
    Operator, Parser, Payload, TableType, TypeRef, TypeSectionReader, ValType, ValidPayload,
    Validator, ValidatorResources, WasmFeatures,
};

use super::{
    DATA_SEGMENTS_MAX, ELEMENT_SEGMENTS_MAX, Error, FLAGS, FUEL, FUNCTIONS_MAX, GLOBALS_MAX, LIMIT,
    MEMORIES_MAX, MEMORY, METERED_BYTES_MAX, MODULE_BYTES_MAX, PARAMETERS_MAX, RESERVED, ROOM,
    STACK, START, TABLES_MAX, at_most,
    body::{self, Grown, Numbers, type_byte},
    cost::BYTES_PER_FUEL_LOG2,
    edit::{Items, Rewrite},
    function::Planner,
    malformed,
    shape::Shape,
};

/// WebAssembly 2.0, tail calls, and additions in constant expressions.
pub(crate) const FEATURES: WasmFeatures =
    WasmFeatures::WASM2.union(WasmFeatures::TAIL_CALL).union(WasmFeatures::EXTENDED_CONST);

/// The largest memory, in pages.
const PAGES_MAX: u64 = 1 << 16;

/// The magic number and the version.
const HEADER_BYTES: usize = 8;
const FUNCTION_TYPE: u8 = 0x60;
const BLOCK_EMPTY: u8 = 0x40;
const MUTABLE: u8 = 1;
/// The custom section for hints on branches, which stands before the code.
const HINTS: &str = "metadata.code.branch_hint";
const SECTION_TYPE: u8 = 1;
const SECTION_IMPORT: u8 = 2;
const SECTION_FUNCTION: u8 = 3;
const SECTION_GLOBAL: u8 = 6;
const SECTION_EXPORT: u8 = 7;
const SECTION_ELEMENT: u8 = 9;
const SECTION_CODE: u8 = 10;
/// One more than the largest number of a section.
const SECTIONS: usize = 13;
/// Sections in their order: that of the count of data segments is not its number's.
const ORDER: [u8; 11] = [1, 2, 3, 4, 5, 6, 7, 9, 12, 10, 11];

/// A module that counts what it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metered {
    /// Its bytes.
    pub binary: Vec<u8>,
    /// Whether [`START`] is there and must be called first.
    pub has_start: bool,
    /// The memory it starts with, in bytes.
    pub memory_bytes: u64,
    /// The table elements it starts with.
    pub table_elements: u64,
    /// The guest's own exported functions.
    pub(crate) exports: Vec<(String, FuncType)>,
    /// The guest's own imports, with their types where they are functions.
    pub(crate) imports: Vec<Imported>,
}

/// Something that a guest imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Imported {
    /// The import's module.
    pub(crate) module: String,
    /// The import's name.
    pub(crate) name: String,
    /// Its type, if it is a function.
    pub(crate) function: Option<FuncType>,
}

/// Meters a module of at most [`MODULE_BYTES_MAX`] bytes.
pub fn meter(binary: &[u8]) -> Result<Metered, Error> {
    at_most("bytes", binary.len() as u64, MODULE_BYTES_MAX as u64)?;
    if !binary.starts_with(b"\0asm") {
        return Err(Error::NotWebAssembly);
    }
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let mut validator = Validator::new_with_features(FEATURES);
    let mut module = Module { binary, ..Module::default() };
    for payload in parser.parse_all(binary) {
        let payload = payload.map_err(malformed)?;
        bound(&payload)?;
        match validator.payload(&payload).map_err(malformed)? {
            ValidPayload::Func(function, body) => module.note_body(function, &body)?,
            _ => module.note(&payload)?,
        }
    }
    Ok(module.finish())
}

/// What has been read of a module, and what has been written for it.
#[derive(Default)]
struct Module<'a> {
    binary: &'a [u8],
    /// Where the content of each section stands, by its number.
    sections: [Option<Range<usize>>; SECTIONS],
    shape: Shape,
    planner: Planner,
    /// The type of a block with each function type's results.
    blocks: Vec<Vec<u8>>,
    types: Items,
    imports: Items,
    functions: Items,
    globals: Items,
    exports: Items,
    code: Items,
    /// Hints on branches, by function.
    hints: Items,
    elements: Option<Vec<u8>>,
    imported_functions: u32,
    imported_globals: u32,
    memory: Option<MemoryType>,
    tables: Vec<TableType>,
    start: Option<u32>,
    memory_bytes: u64,
    table_elements: u64,
    function_types: Vec<FuncType>,
    offers: Vec<(String, FuncType)>,
    wants: Vec<Imported>,
}

impl Module<'_> {
    /// Takes in a valid section.
    fn note(&mut self, payload: &Payload<'_>) -> Result<(), Error> {
        if let Some((id, range)) = payload.as_section()
            && let Some(section) = self.sections.get_mut(usize::from(id))
        {
            *section = Some(range);
        }
        match payload {
            Payload::TypeSection(types) => self.note_types(types),
            Payload::ImportSection(imports) => self.note_imports(imports),
            Payload::FunctionSection(functions) => {
                self.functions = Items::of(functions.count(), self.content(&functions.range()));
                for kind in functions.clone() {
                    self.shape.note_function(kind.map_err(malformed)?);
                }
                Ok(())
            }
            Payload::TableSection(tables) => {
                for table in tables.clone() {
                    let kind = table.map_err(malformed)?.ty;
                    self.table_elements = self.table_elements.saturating_add(kind.initial);
                    self.tables.push(kind);
                }
                Ok(())
            }
            Payload::MemorySection(memories) => {
                for memory in memories.clone() {
                    let kind = memory.map_err(malformed)?;
                    self.memory_bytes = kind.initial.saturating_mul(1 << 16);
                    self.memory = Some(kind);
                }
                Ok(())
            }
            Payload::GlobalSection(globals) => self.note_globals(globals),
            Payload::ExportSection(exports) => self.note_exports(exports),
            Payload::ElementSection(elements) => self.note_elements(elements),
            Payload::StartSection { func, .. } => {
                self.start = Some(*func);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn note_types(&mut self, types: &TypeSectionReader<'_>) -> Result<(), Error> {
        self.types = Items::of(types.count(), self.content(&types.range()));
        for kind in types.clone().into_iter_err_on_gc_types() {
            let kind = kind.map_err(malformed)?;
            self.shape.note_type(&kind);
            self.function_types.push(kind.clone());
            let block = match kind.results() {
                [] => vec![BLOCK_EMPTY],
                [one] => vec![type_byte(*one)],
                several => {
                    let mut index = Vec::new();
                    i64::from(self.types.count()).encode(&mut index);
                    self.types.push(&function_type(&[], several));
                    index
                }
            };
            self.blocks.push(block);
        }
        Ok(())
    }

    fn note_imports(&mut self, imports: &ImportSectionReader<'_>) -> Result<(), Error> {
        self.imports = Items::of(imports.count(), self.content(&imports.range()));
        for import in imports.clone().into_iter_with_offsets() {
            let (offset, import) = import.map_err(malformed)?;
            expect_free(import.module, offset)?;
            self.shape.note_import(import.ty);
            let function = match import.ty {
                TypeRef::Func(kind) => self.function_types.get(kind as usize).cloned(),
                _ => None,
            };
            let (module, name) = (import.module.to_owned(), import.name.to_owned());
            self.wants.push(Imported { module, name, function });
            match import.ty {
                TypeRef::Func(_) => self.imported_functions += 1,
                TypeRef::Global(_) => self.imported_globals += 1,
                TypeRef::Memory(kind) => self.memory = Some(kind),
                TypeRef::Table(kind) => self.tables.push(kind),
                TypeRef::Tag(_) => {}
            }
        }
        Ok(())
    }

    fn note_globals(&mut self, globals: &GlobalSectionReader<'_>) -> Result<(), Error> {
        let mut rewrite = Rewrite::new(self.binary, globals.range());
        for global in globals.clone() {
            self.renumber_constant(&global.map_err(malformed)?.init_expr, &mut rewrite)?;
        }
        self.globals = Items::of(globals.count(), &rewrite.finish());
        Ok(())
    }

    fn note_elements(&mut self, elements: &ElementSectionReader<'_>) -> Result<(), Error> {
        let numbers = self.numbers();
        let mut rewrite = Rewrite::new(self.binary, elements.range());
        for element in elements.clone() {
            match element.map_err(malformed)?.items {
                ElementItems::Functions(functions) => {
                    for function in functions.into_iter_with_offsets() {
                        let (offset, function) = function.map_err(malformed)?;
                        rewrite.number(offset, numbers.function(function));
                    }
                }
                ElementItems::Expressions(_, expressions) => {
                    for expression in expressions {
                        let expression = expression.map_err(malformed)?;
                        self.renumber_constant(&expression, &mut rewrite)?;
                    }
                }
            }
        }
        self.elements = Some(rewrite.finish());
        Ok(())
    }

    /// Functions have other numbers in constant expressions too.
    fn renumber_constant(
        &self,
        expression: &wasmparser::ConstExpr<'_>,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<(), Error> {
        for operator in expression.get_operators_reader().into_iter_with_offsets() {
            let (operator, offset) = operator.map_err(malformed)?;
            if let Operator::RefFunc { function_index } = operator {
                rewrite.number(offset + 1, self.numbers().function(function_index));
            }
        }
        Ok(())
    }

    fn note_exports(&mut self, exports: &ExportSectionReader<'_>) -> Result<(), Error> {
        for export in exports.clone().into_iter_with_offsets() {
            let (offset, export) = export.map_err(malformed)?;
            expect_free(export.name, offset)?;
            let index = match export.kind {
                ExternalKind::Func => {
                    self.note_offer(export.name, export.index);
                    self.numbers().function(export.index)
                }
                _ => export.index,
            };
            self.exports.push(&named(export.name, export.kind as u8, index));
        }
        Ok(())
    }

    fn note_offer(&mut self, name: &str, function: u32) {
        let kind = self.shape.function(function as usize);
        let kind = kind.and_then(|kind| self.function_types.get(kind as usize));
        self.offers.extend(kind.map(|kind| (name.to_owned(), kind.clone())));
    }

    fn note_body(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
    ) -> Result<(), Error> {
        let index = self.imported_functions + self.code.count();
        let plan = self.planner.plan(function, body, &mut self.shape)?;
        let kind = self.shape.function(index as usize);
        let block = kind.and_then(|kind| self.blocks.get(kind as usize));
        let block = block.map_or(&[BLOCK_EMPTY][..], Vec::as_slice);
        let (code, rare) = body::write(self.binary, body, &plan, block, self.numbers())?;
        self.code.push_sized(&code);
        if let Some(hints) = rare.encoded(self.numbers().function(index)) {
            self.hints.push(&hints);
        }
        at_most("bytes of metered code", self.code.bytes(), METERED_BYTES_MAX)
    }

    /// The numbers of what is added. Right as soon as all that comes before the
    /// section in which they are used has been read.
    fn numbers(&self) -> Numbers {
        let globals = self.imported_globals + self.globals.count();
        let functions = self.imported_functions + 1 + self.functions.count();
        Numbers {
            imported: self.imported_functions,
            fuel: globals,
            stack: globals + 1,
            room: globals + 2,
            flags: globals + 3,
            charge_bytes: functions,
            charge_elements: functions + 1,
            grow_memory: functions + 2,
            grow_tables: functions + 2 + u32::from(self.memory.is_some()),
        }
    }

    fn content(&self, range: &Range<usize>) -> &[u8] {
        &self.binary[range.clone()]
    }

    fn finish(mut self) -> Metered {
        let numbers = self.numbers();
        self.add_exports(numbers);
        self.add_globals();
        self.add_functions(numbers);
        let mut binary = self.binary[..HEADER_BYTES].to_vec();
        for id in ORDER {
            match id {
                SECTION_TYPE => self.types.write(id, &mut binary),
                SECTION_IMPORT => self.imports.write(id, &mut binary),
                SECTION_FUNCTION => self.functions.write(id, &mut binary),
                SECTION_GLOBAL => self.globals.write(id, &mut binary),
                SECTION_EXPORT => self.exports.write(id, &mut binary),
                SECTION_CODE => {
                    self.hints.write_custom(HINTS, &mut binary);
                    self.code.write(id, &mut binary);
                }
                _ => {
                    let Some(range) = self.sections[usize::from(id)].clone() else { continue };
                    let kept = self.content(&range);
                    let rewritten = self.elements.as_deref().filter(|_| id == SECTION_ELEMENT);
                    binary.push(id);
                    rewritten.unwrap_or(kept).encode(&mut binary);
                }
            }
        }
        Metered {
            binary,
            has_start: self.start.is_some(),
            memory_bytes: self.memory_bytes,
            table_elements: self.table_elements,
            exports: self.offers,
            imports: self.wants,
        }
    }

    fn add_exports(&mut self, numbers: Numbers) {
        let globals = [
            (FUEL, numbers.fuel),
            (STACK, numbers.stack),
            (ROOM, numbers.room),
            (FLAGS, numbers.flags),
        ];
        for (name, index) in globals {
            self.exports.push(&named(name, ExternalKind::Global as u8, index));
        }
        if self.memory.is_some() {
            self.exports.push(&named(MEMORY, ExternalKind::Memory as u8, 0));
        }
        if let Some(start) = self.start {
            let start = numbers.function(start);
            self.exports.push(&named(START, ExternalKind::Func as u8, start));
        }
    }

    /// All begin with nothing: a host that forgets to set them runs nothing.
    fn add_globals(&mut self) {
        let mut global = |kind: ValType, zero: &ConstExpr| {
            let mut bytes = vec![type_byte(kind), MUTABLE];
            zero.encode(&mut bytes);
            self.globals.push(&bytes);
        };
        for _ in [FUEL, STACK, ROOM] {
            global(ValType::I64, &ConstExpr::i64_const(0));
        }
        global(ValType::I32, &ConstExpr::i32_const(0));
    }

    /// The import, and the functions that supervise what has a size.
    fn add_functions(&mut self, numbers: Numbers) {
        let limit = self.add_type(&[], &[]);
        let units = self.add_type(&[ValType::I32], &[ValType::I32]);
        self.imports
            .push(&[&sized(RESERVED), &named(LIMIT, ExternalKind::Func as u8, limit)[..]].concat());
        self.add_function(units, &body::charge_units(numbers, BYTES_PER_FUEL_LOG2));
        self.add_function(units, &body::charge_units(numbers, 0));
        if let Some(memory) = self.memory {
            let pages_max = memory.maximum.unwrap_or(PAGES_MAX).min(PAGES_MAX);
            let pages_max = u32::try_from(pages_max).expect("it was bounded just now");
            self.add_function(units, &body::grow(numbers, Grown::Memory { pages_max }));
        }
        for (table, kind) in (0..).zip(std::mem::take(&mut self.tables)) {
            let element = ValType::Ref(kind.element_type);
            let grows = self.add_type(&[element, ValType::I32], &[ValType::I32]);
            self.add_function(grows, &body::grow(numbers, Grown::table(table, &kind)));
        }
    }

    fn add_type(&mut self, parameters: &[ValType], results: &[ValType]) -> u32 {
        self.types.push(&function_type(parameters, results));
        self.types.count() - 1
    }

    fn add_function(&mut self, kind: u32, code: &[u8]) {
        let mut index = Vec::new();
        kind.encode(&mut index);
        self.functions.push(&index);
        self.code.push_sized(code);
    }
}

/// Refuses what would be dear to validate.
fn bound(payload: &Payload<'_>) -> Result<(), Error> {
    let (what, count, max) = match payload {
        Payload::Version { encoding: Encoding::Component, .. } => return Err(Error::Component),
        Payload::TypeSection(types) => return bound_types(types),
        Payload::ImportSection(imports) => ("imports", imports.count(), FUNCTIONS_MAX),
        Payload::FunctionSection(functions) => ("functions", functions.count(), FUNCTIONS_MAX),
        Payload::TableSection(tables) => ("tables", tables.count(), TABLES_MAX),
        Payload::MemorySection(memories) => ("memories", memories.count(), MEMORIES_MAX),
        Payload::GlobalSection(globals) => ("globals", globals.count(), GLOBALS_MAX),
        Payload::ExportSection(exports) => ("exports", exports.count(), FUNCTIONS_MAX),
        Payload::ElementSection(segments) => {
            ("element segments", segments.count(), ELEMENT_SEGMENTS_MAX)
        }
        Payload::DataSection(segments) => ("data segments", segments.count(), DATA_SEGMENTS_MAX),
        _ => return Ok(()),
    };
    at_most(what, u64::from(count), u64::from(max))
}

fn bound_types(types: &TypeSectionReader<'_>) -> Result<(), Error> {
    at_most("types", u64::from(types.count()), u64::from(FUNCTIONS_MAX))?;
    for kind in types.clone().into_iter_err_on_gc_types() {
        let kind = kind.map_err(malformed)?;
        let widest = kind.params().len().max(kind.results().len());
        at_most("parameters or results of a function", widest as u64, PARAMETERS_MAX as u64)?;
    }
    Ok(())
}

fn expect_free(name: &str, offset: usize) -> Result<(), Error> {
    if name.starts_with(RESERVED) {
        return Err(Error::ReservedName { name: name.to_owned(), offset });
    }
    Ok(())
}

/// A function type as it is encoded.
fn function_type(parameters: &[ValType], results: &[ValType]) -> Vec<u8> {
    let mut bytes = vec![FUNCTION_TYPE];
    for kinds in [parameters, results] {
        kinds.len().encode(&mut bytes);
        bytes.extend(kinds.iter().map(|kind| type_byte(*kind)));
    }
    bytes
}

fn sized(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    name.encode(&mut bytes);
    bytes
}

/// An export, or an import after its module: a name, a kind, a number.
fn named(name: &str, kind: u8, index: u32) -> Vec<u8> {
    let mut bytes = sized(name);
    bytes.push(kind);
    index.encode(&mut bytes);
    bytes
}
