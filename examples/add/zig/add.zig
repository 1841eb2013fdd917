//! The smallest useful spark in Zig: one exported function.

/// The sum, wrapping around at 32 bits.
export fn add(first: i32, second: i32) i32 {
    return first +% second;
}
