//! Memories that guests of one module have one after the other.
//!
//! To make a memory costs a browser far more than to clear a small one: it reserves
//! gigabytes of addresses for each, and the more bytes were made, the sooner it looks
//! for garbage. So a module's memory is made outside, imported, cleared after each guest,
//! and given to the next. One that grew is not kept, nor is one of more than
//! [`PAGES_MAX`] pages, which is made anew as fast as it would be cleared. Nothing tells
//! a guest which it has: its memory is zero, and then what the module writes there.

use std::cell::RefCell;

use js_sys::{Object, Uint8Array, WebAssembly::Memory};
use wasm_bindgen::JsValue;
use wasm_encoder::{Encode, EntityType};
use wasmparser::{MemoryType, Parser, Payload};

use super::set;
use crate::meter::{MEMORY, RESERVED};

/// The largest memory that is kept, in pages of 64 KiB.
const PAGES_MAX: u64 = 64;

/// Where a module's memory waits between two guests.
pub(super) struct Shelf {
    kind: Object,
    bytes: u32,
    kept: RefCell<Option<Memory>>,
}

impl Shelf {
    /// Where to keep memories of this kind.
    fn new(memory: &MemoryType) -> Self {
        let kind = Object::new();
        set(&kind, "initial", &JsValue::from_f64(memory.initial as f64));
        if let Some(maximum) = memory.maximum {
            set(&kind, "maximum", &JsValue::from_f64(maximum as f64));
        }
        let bytes = u32::try_from(memory.initial << 16).unwrap_or(u32::MAX);
        Self { kind, bytes, kept: RefCell::new(None) }
    }

    /// A memory that is all zero. The error is the engine's.
    pub(super) fn take(&self) -> Result<Memory, JsValue> {
        self.kept.take().map_or_else(|| Memory::new(&self.kind), Ok)
    }

    /// Takes the memory of a guest that has ended.
    pub(super) fn put(&self, memory: Memory) {
        let bytes = Uint8Array::new(&memory.buffer());
        if bytes.length() == self.bytes {
            bytes.fill(0, 0, self.bytes);
            self.kept.replace(Some(memory));
        }
    }
}

/// A metered binary that imports its memory as [`MEMORY`] of [`RESERVED`], and where
/// that is kept; `None` where it has none, or one that is not kept.
pub(super) fn imported(binary: &[u8]) -> Option<(Vec<u8>, Shelf)> {
    let mut made = binary.get(..8)?.to_vec();
    let (mut imports, mut shelf) = (None, None);
    for payload in Parser::new(0).parse_all(binary) {
        let payload = payload.ok()?;
        let Some((id, range)) = payload.as_section() else { continue };
        let content = &binary[range];
        match payload {
            // The memory's section comes later.
            Payload::ImportSection(section) => {
                imports = Some((made.len(), section.count(), content));
            }
            Payload::MemorySection(memories) => {
                let memory = memories.into_iter().next()?.ok()?;
                if memory.initial > PAGES_MAX {
                    return None;
                }
                shelf = Some((Shelf::new(&memory), memory));
            }
            _ => {
                made.push(id);
                content.encode(&mut made);
            }
        }
    }
    let ((at, count, content), (shelf, memory)) = (imports?, shelf?);
    let mut section = Vec::new();
    (count + 1).encode(&mut section);
    let numbers = content.iter().position(|byte| byte & 0x80 == 0)? + 1;
    section.extend_from_slice(&content[numbers..]);
    RESERVED.encode(&mut section);
    MEMORY.encode(&mut section);
    EntityType::Memory(wasm_encoder::MemoryType {
        minimum: memory.initial,
        maximum: memory.maximum,
        memory64: false,
        shared: false,
        page_size_log2: None,
    })
    .encode(&mut section);
    let mut inserted = vec![2];
    section.as_slice().encode(&mut inserted);
    made.splice(at..at, inserted);
    Some((made, shelf))
}
