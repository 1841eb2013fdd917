//! The shared memory with many entries that others wrote.

use std::sync::Arc;

use node_core::{
    identity::{Ed25519Keys, Keys},
    platform::Time,
    store::kv::{
        Entry, Key, Kv, Space,
        entry::Body,
        machine::{Effect, Input},
        seal::GROUP_MAX,
        stamp::Stamp,
    },
};
use wasm_bindgen::prelude::wasm_bindgen;

/// Who wrote the entries: one author may not have so many.
const AUTHORS: u8 = 4;
/// Bytes of a value.
const VALUE_BYTES: usize = 64;
/// The time in this memory.
const WALL_MS: u64 = 1_800_000_000_000;

/// A shared memory.
#[wasm_bindgen]
pub struct TestMemory {
    kv: Kv,
}

#[wasm_bindgen]
impl TestMemory {
    /// One with so many entries, which were told as they are between ions.
    #[wasm_bindgen(constructor)]
    pub fn new(entries: u32) -> Result<Self, String> {
        let authors: Vec<_> = (1..=AUTHORS).map(|seed| Ed25519Keys::of_seed(&[seed; 32])).collect();
        let kv = Kv::new(Arc::new(Ed25519Keys::of_seed(&[0; 32])), 0);
        let mut memory = Self { kv };
        memory.step(Input::Clock(WALL_MS));
        memory.step(Input::Opened(None));
        let numbers: Vec<u32> = (0..entries).collect();
        for (together, author) in numbers.chunks(GROUP_MAX).zip(authors.iter().cycle()) {
            let bodies = together.iter().map(|number| body(*number, author)).collect();
            let group = Entry::sign_all(author, bodies).map_err(|why| why.to_string())?;
            memory.step(Input::Told(author.own(), Entry::encode_group(&group)));
        }
        let has = memory.kv.table().len();
        if has == entries as usize { Ok(memory) } else { Err(format!("{has} entries stand")) }
    }

    /// The memory takes something, and its disk keeps whatever it is given.
    fn step(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut effects = Vec::new();
            self.kv.handle(Time::ZERO, input, &mut effects);
            inputs.extend(effects.into_iter().filter_map(|effect| match effect {
                Effect::Write(number, _) => Some(Input::Written(number, Ok(()))),
                _ => None,
            }));
        }
    }
}

fn body(number: u32, author: &impl Keys) -> Body {
    Body {
        key: Key { space: Space::Members("bench".to_owned()), name: format!("key-{number:08}") },
        value: Some(vec![7; VALUE_BYTES].into()),
        stamp: Stamp::at_ms(WALL_MS),
        ends_ms: None,
        author: author.own(),
        over: None,
    }
}
