//! Modules that are generated, each by its number.

use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

/// What is generated.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) has_vectors: bool,
    /// Whether the module makes its own NaNs canonical, so that it can be
    /// compared with what it does when it is not metered. The generator forgets
    /// those of conversions between floats: modules with these are left out.
    pub(crate) has_canonical_nans: bool,
}

/// A module by its number.
pub(crate) fn generated(number: u64, kind: Kind) -> Vec<u8> {
    // SplitMix64, after Steele, Lea and Flood.
    let mut state = number;
    let mut word = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    let bytes: Vec<u8> = (0..1024).flat_map(|_| word().to_le_bytes()).collect();
    let config = Config {
        canonicalize_nans: kind.has_canonical_nans,
        simd_enabled: kind.has_vectors,
        disallow_traps: number.is_multiple_of(2),
        // The compiler has no references of hosts here.
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        export_everything: true,
        max_imports: 0,
        min_funcs: 2,
        max_funcs: 12,
        max_instructions: 400,
        min_memories: 1,
        max_memory32_bytes: 20 << 16,
        memory_max_size_required: true,
        max_table_elements: 200,
        table_max_size_required: true,
        ..Config::default()
    };
    Module::new(config, &mut Unstructured::new(&bytes)).unwrap().to_bytes()
}
