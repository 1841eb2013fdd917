//! Guests that no example has: what a stranger might upload.

/// Ends at once for every input but one, for which it loops for ever. Its
/// export `stuck_at(input, at)` returns the input.
pub fn stuck_at() -> Vec<u8> {
    module(
        r#"(module (func (export "stuck_at") (param i32 i32) (result i32)
            (if (i32.eq (local.get 0) (local.get 1)) (then (loop $for_ever (br $for_ever))))
            (local.get 0)))"#,
    )
}

/// Counts to as many thousands as it is told before it returns its input:
/// `count(input, thousands)`.
pub fn count() -> Vec<u8> {
    module(
        r#"(module (func (export "count") (param i32 i32) (result i32) (local $left i32)
            (local.set $left (i32.mul (local.get 1) (i32.const 1000)))
            (loop $again
                (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                (br_if $again (i32.gt_s (local.get $left) (i32.const 0))))
            (local.get 0)))"#,
    )
}

/// Wants a file system that nobody offers.
pub fn strange_import() -> Vec<u8> {
    module(r#"(module (import "host" "format_disk" (func)) (func (export "run")))"#)
}

/// Fills memory until it is stopped: `eat(input)`.
pub fn hungry() -> Vec<u8> {
    module(
        r#"(module (memory 1) (func (export "eat") (param i32) (result i32)
            (loop $more
                (if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) (then unreachable))
                (br $more))
            (i32.const 0)))"#,
    )
}

/// A command that writes its environment to standard output, each variable with
/// a NUL behind it.
pub fn environment() -> Vec<u8> {
    module(
        r#"(module
            (import "wasi_snapshot_preview1" "environ_sizes_get"
                (func $sizes (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_get"
                (func $environment (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (func (export "_start")
                (if (call $sizes (i32.const 0) (i32.const 12)) (then unreachable))
                (if (call $environment (i32.const 1024) (i32.const 65536)) (then unreachable))
                (i32.store (i32.const 8) (i32.const 65536))
                (if (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16))
                    (then unreachable))))"#,
    )
}

fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("it is written here")
}
