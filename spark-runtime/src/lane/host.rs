//! What a guest's calls out of its sandbox reach, in every lane.
//!
//! It decides and asks no engine: what it has to know of a guest is handed to it,
//! and what is to become of the guest's fuel is its answer. A call to the
//! system costs fuel. What the slice cannot pay is owed, and the next call first
//! renews the slice: a guest that only calls the host meets fuel and deadline too.

use super::{
    End, Request, Trap,
    fuel::{Fuel, charged, owes},
    trap,
};
use crate::{
    Call, Clock, Limits, Stop,
    meter::{CALL_FUEL, FLAG_DENIED, FLAG_FAILED},
    wasi::{GuestMemory, Halt, Left, System},
};

/// What a guest's gauges say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gauges {
    /// Fuel that is left.
    pub(crate) fuel: i64,
    /// Bytes of stack that are left.
    pub(crate) stack: i64,
    /// [`FLAG_DENIED`] and [`FLAG_FAILED`].
    pub(crate) flags: i64,
}

impl Gauges {
    /// Whether growth was refused because there was no room.
    pub(crate) fn was_denied(self) -> bool {
        self.has(FLAG_DENIED)
    }

    fn has(self, flag: i32) -> bool {
        self.flags & i64::from(flag) != 0
    }
}

/// One guest's system, fuel and time.
pub(crate) struct Host {
    system: System,
    fuel: Fuel,
    limits: Limits,
    clock: Clock,
    started_ms: u64,
    /// When the clock was looked at last.
    looked_ms: u64,
}

impl Host {
    /// A host for one run, whose time begins now. The error is that of its files.
    pub(crate) fn new(call: &Call, limits: &Limits, clock: &Clock) -> Result<Self, Stop> {
        let system = System::new(call, limits)?;
        let started_ms = clock();
        Ok(Self {
            system,
            fuel: Fuel::new(limits.fuel_max),
            limits: *limits,
            clock: clock.clone(),
            started_ms,
            looked_ms: started_ms,
        })
    }

    /// The fuel for a call from outside, which costs what one from inside does.
    /// `left` is what the guest has, and has after it.
    pub(crate) fn enter(&mut self, left: &mut i64) -> Result<(), Stop> {
        *left = charged(*left, CALL_FUEL.into());
        if owes(*left) { self.refuel(left) } else { Ok(()) }
    }

    /// Ends a run whose output would be longer than there is room for.
    pub(crate) fn expect_room(&self, bytes: u64) -> Result<(), Stop> {
        let bytes_max = self.limits.output_bytes_max;
        let has_room = bytes <= self.system.output_room();
        if has_room { Ok(()) } else { Err(Stop::OutputLimit { bytes_max }) }
    }

    /// Takes what a JSON spark answered, if there is room for it.
    pub(crate) fn answer(&mut self, bytes: Vec<u8>) -> Result<(), Stop> {
        self.expect_room(bytes.len() as u64)?;
        self.system.answer(bytes);
        Ok(())
    }

    /// Runs a function of the system and charges for it; the error number.
    pub(super) fn call(
        &mut self,
        request: &Request,
        memory: Option<&mut dyn GuestMemory>,
        left: &mut i64,
    ) -> Result<i32, End> {
        let memory = memory.ok_or(Trap::NoMemory)?;
        if owes(*left) {
            self.refuel(left)?;
        }
        self.system.set_fuel_used(self.fuel.used(*left));
        let result = self.system.call(request.function, memory, &request.arguments);
        *left = charged(*left, self.system.take_work());
        match result {
            Ok(errno) => Ok(i32::from(errno as u16)),
            Err(Halt::Exit(0)) => Err(End::Exit),
            Err(Halt::Exit(code)) => Err(Stop::Exit { code }.into()),
            Err(Halt::OutputLimit) => {
                Err(Stop::OutputLimit { bytes_max: self.limits.output_bytes_max }.into())
            }
        }
    }

    /// Finds out which limit the guest has met, and gives it fuel if it was that.
    pub(super) fn limit(&mut self, gauges: Gauges) -> Result<i64, End> {
        if gauges.has(FLAG_FAILED) {
            return Err(trap::failed("memory").into());
        }
        if gauges.stack < 0 {
            return Err(Trap::StackExhausted.into());
        }
        let mut left = gauges.fuel;
        self.refuel(&mut left)?;
        Ok(left)
    }

    /// Fuel used by a guest that has so much left.
    pub(crate) fn fuel_used(&self, left: i64) -> u64 {
        self.fuel.used(left).min(self.limits.fuel_max)
    }

    /// What the guest leaves.
    pub(crate) fn leave(&mut self) -> Left {
        self.system.leave()
    }

    /// Gives the guest its next slice, when it has fuel and time left.
    fn refuel(&mut self, left: &mut i64) -> Result<(), Stop> {
        let Limits { fuel_max, wall_ms_max, .. } = self.limits;
        let rest = self.fuel.rest(*left).ok_or(Stop::OutOfFuel { fuel_max })?;
        let now_ms = (self.clock)();
        if now_ms.saturating_sub(self.started_ms) >= wall_ms_max {
            return Err(Stop::Deadline { wall_ms_max });
        }
        let took_ms = now_ms.saturating_sub(self.looked_ms);
        self.looked_ms = now_ms;
        *left = self.fuel.grant(*left, rest, took_ms);
        Ok(())
    }
}
