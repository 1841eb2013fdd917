//! The virtual clock, and waiting on it.
//!
//! A unit of fuel is a nanosecond. Sleeping takes no time outside: it moves
//! the clock.

use super::{
    EPOCH_NS, Errno, Fault, GuestMemory, SUBSCRIPTIONS_MAX, System, memory::offset, streams::words,
};

const CLOCK_REALTIME: u32 = 0;
const CLOCK_IDS: u32 = 4;
const RESOLUTION_NS: u64 = 1000;
const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;
const FLAG_ABSOLUTE: u16 = 1;

/// What a guest waits for.
enum Awaited {
    /// Nanoseconds from now.
    Clock(u64),
    /// A stream: always ready.
    Stream(Errno),
}

/// One subscription.
struct Subscription {
    user_data: u64,
    tag: u8,
    awaited: Awaited,
}

impl System {
    /// `clock_res_get(id, resolution)`.
    pub(super) fn clock_res_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [id, at] = words(arguments);
        self.clock_ns(id)?;
        Ok(memory.write_u64(at, RESOLUTION_NS)?)
    }

    /// `clock_time_get(id, precision, time)`.
    pub(super) fn clock_time_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [id, _, at] = words(arguments);
        Ok(memory.write_u64(at, self.clock_ns(id)?)?)
    }

    /// `poll_oneoff(in, out, nsubscriptions, nevents)`.
    pub(super) fn poll_oneoff(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [subscriptions_at, events_at, count, count_at] = words(arguments);
        if count == 0 || count > SUBSCRIPTIONS_MAX {
            return Err(Errno::Invalid.into());
        }
        self.charge_bytes(u64::from(count * (SUBSCRIPTION_BYTES + EVENT_BYTES)));
        let subscriptions: Vec<Subscription> = (0..count)
            .map(|index| {
                self.subscription(memory, offset(subscriptions_at, index * SUBSCRIPTION_BYTES)?)
            })
            .collect::<Result<_, Errno>>()?;
        let due_ns = subscriptions.iter().map(wait_ns).min().unwrap_or_default();
        self.slept_ns = self.slept_ns.saturating_add(due_ns);
        let mut events = 0;
        for subscription in subscriptions.iter().filter(|one| wait_ns(one) <= due_ns) {
            memory.write(offset(events_at, events * EVENT_BYTES)?, &event(subscription))?;
            events += 1;
        }
        Ok(memory.write_u32(count_at, events)?)
    }

    fn clock_ns(&self, id: u32) -> Result<u64, Errno> {
        let elapsed = self.fuel_used.saturating_add(self.slept_ns);
        match id {
            CLOCK_REALTIME => Ok(EPOCH_NS.saturating_add(elapsed)),
            id if id < CLOCK_IDS => Ok(elapsed),
            _ => Err(Errno::Invalid),
        }
    }

    fn subscription(&self, memory: &mut dyn GuestMemory, at: u32) -> Result<Subscription, Errno> {
        let bytes: [u8; SUBSCRIPTION_BYTES as usize] = memory.read_array(at)?;
        let tag = bytes[8];
        let first = u32::from_le_bytes(array(&bytes, 16));
        let awaited = match tag {
            0 => {
                let timeout = u64::from_le_bytes(array(&bytes, 24));
                let flags = u16::from_le_bytes(array(&bytes, 40));
                let now = self.clock_ns(first)?;
                let is_absolute = flags & FLAG_ABSOLUTE != 0;
                Awaited::Clock(if is_absolute { timeout.saturating_sub(now) } else { timeout })
            }
            1 | 2 => Awaited::Stream(self.expect_open(first).err().unwrap_or(Errno::Success)),
            _ => return Err(Errno::Invalid),
        };
        Ok(Subscription { user_data: u64::from_le_bytes(array(&bytes, 0)), tag, awaited })
    }
}

fn wait_ns(subscription: &Subscription) -> u64 {
    match subscription.awaited {
        Awaited::Clock(ns) => ns,
        Awaited::Stream(_) => 0,
    }
}

fn event(subscription: &Subscription) -> [u8; EVENT_BYTES as usize] {
    let errno = match subscription.awaited {
        Awaited::Clock(_) => Errno::Success,
        Awaited::Stream(errno) => errno,
    };
    let mut event = [0; EVENT_BYTES as usize];
    event[..8].copy_from_slice(&subscription.user_data.to_le_bytes());
    event[8..10].copy_from_slice(&(errno as u16).to_le_bytes());
    event[10] = subscription.tag;
    // A stream says that there is something; how much is found out by reading.
    event[16] = u8::from(subscription.tag != 0);
    event
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}
