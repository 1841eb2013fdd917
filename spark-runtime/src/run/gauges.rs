//! What a metered module exports for its host.

use wasmi::{AsContext, AsContextMut, Extern, Global, Instance, Memory, Store, Val};

use crate::meter::{FLAG_DENIED, FLAG_FAILED, FLAGS, FUEL, MEMORY, ROOM, STACK, STACK_BYTES_MAX};

/// The globals that a metered module counts in, and its memory.
#[derive(Clone, Copy)]
pub(crate) struct Gauges {
    fuel: Global,
    stack: Global,
    flags: Global,
    memory: Option<Memory>,
}

impl Gauges {
    /// Those of an instance, with so many bytes to grow by.
    pub(crate) fn new<T>(store: &mut Store<T>, instance: Instance, room_bytes: u64) -> Self {
        let global = |name: &str| {
            let global = instance.get_export(&*store, name).and_then(Extern::into_global);
            global.expect("every metered module exports it")
        };
        let (fuel, stack, room, flags) = (global(FUEL), global(STACK), global(ROOM), global(FLAGS));
        let memory = instance.get_memory(&*store, MEMORY);
        set(room, store, i64::try_from(room_bytes).unwrap_or(i64::MAX));
        Self { fuel, stack, flags, memory }
    }

    /// Fuel that is left.
    pub(crate) fn fuel(self, store: impl AsContext) -> i64 {
        get(self.fuel, store)
    }

    /// Says how much fuel is left.
    pub(crate) fn set_fuel(self, store: impl AsContextMut, fuel: i64) {
        set(self.fuel, store, fuel);
    }

    /// Gives a call from outside the whole stack.
    pub(crate) fn reset_stack(self, store: impl AsContextMut) {
        set(self.stack, store, STACK_BYTES_MAX.cast_signed());
    }

    /// Whether frames took more than there is.
    pub(crate) fn is_stack_exhausted(self, store: impl AsContext) -> bool {
        get(self.stack, store) < 0
    }

    /// Whether growth was refused because there was no room.
    pub(crate) fn was_denied(self, store: impl AsContext) -> bool {
        self.flags(store) & FLAG_DENIED != 0
    }

    /// Whether the machine could not give what there was room for.
    pub(crate) fn has_failed(self, store: impl AsContext) -> bool {
        self.flags(store) & FLAG_FAILED != 0
    }

    /// Linear memory, in bytes. It never shrinks, so this is the most there was.
    pub(crate) fn memory_bytes(self, store: impl AsContext) -> u64 {
        self.memory.map_or(0, |memory| memory.data_size(store) as u64)
    }

    fn flags(self, store: impl AsContext) -> i32 {
        self.flags.get(store).i32().unwrap_or_default()
    }
}

fn get(global: Global, store: impl AsContext) -> i64 {
    global.get(store).i64().unwrap_or_default()
}

fn set(global: Global, store: impl AsContextMut, value: i64) {
    global.set(store, Val::I64(value)).expect("the global is a mutable i64");
}
