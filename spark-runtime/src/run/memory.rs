//! Counts what a guest's memories and tables take.

use wasmi::{
    ResourceLimiter,
    errors::{MemoryError, TableError},
};
use wasmi_core::LimiterError;

use super::TABLE_ELEMENT_BYTES;
use crate::prepare::{MEMORIES_MAX, TABLES_MAX};

/// Grants growth up to a limit over all memories and tables together.
pub(crate) struct Meter {
    bytes_max: u64,
    memory_bytes: u64,
    table_bytes: u64,
    /// What the last grant added, taken back when the growth then failed.
    last: u64,
    /// Whether growth was ever refused for the limit.
    pub(crate) was_denied: bool,
    /// Whether the machine could not give what the limit allows.
    pub(crate) is_exhausted: bool,
}

impl Meter {
    /// Nothing taken yet.
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            memory_bytes: 0,
            table_bytes: 0,
            last: 0,
            was_denied: false,
            is_exhausted: false,
        }
    }

    /// Linear memory taken. It never shrinks, so this is the most there was.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    fn grants(&mut self, bytes: u64) -> bool {
        let wanted = self.memory_bytes.saturating_add(self.table_bytes).saturating_add(bytes);
        let is_granted = wanted <= self.bytes_max;
        self.last = if is_granted { bytes } else { 0 };
        self.was_denied |= !is_granted;
        is_granted
    }

    /// A guest must not see a failure that is the machine's own: it traps.
    fn exhausted(&mut self) -> Result<(), LimiterError> {
        self.is_exhausted = true;
        Err(LimiterError::ResourceLimiterDeniedAllocation)
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        let is_granted = self.grants(desired.saturating_sub(current) as u64);
        self.memory_bytes += self.last;
        Ok(is_granted)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        let elements = desired.saturating_sub(current) as u64;
        let is_granted = self.grants(elements.saturating_mul(TABLE_ELEMENT_BYTES));
        self.table_bytes += self.last;
        Ok(is_granted)
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Result<(), LimiterError> {
        self.memory_bytes -= std::mem::take(&mut self.last);
        if matches!(error, MemoryError::OutOfSystemMemory) { self.exhausted() } else { Ok(()) }
    }

    fn table_grow_failed(&mut self, error: &TableError) -> Result<(), LimiterError> {
        self.table_bytes -= std::mem::take(&mut self.last);
        if matches!(error, TableError::OutOfSystemMemory) { self.exhausted() } else { Ok(()) }
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}
