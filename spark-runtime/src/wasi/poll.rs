//! The virtual clock, and waiting on it.
//!
//! A unit of fuel is a nanosecond. Sleeping takes no time outside: it moves
//! the clock. The clocks of processor time stand still meanwhile, so nobody can wait
//! for them.
//!
//! What is read and written is there, or is not, before a guest asks: a descriptor
//! that may be used so is ready, and one that may not is told as an event.

use super::{
    EPOCH_NS, Errno, Fault, GuestMemory, SUBSCRIPTIONS_MAX, System, arguments::words,
    descriptors::Open, memory::offset, rights,
};

/// Clocks, as the interface numbers them.
const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;
const PROCESSOR: [u32; 2] = [2, 3];

const RESOLUTION_NS: u64 = 1000;
const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;
const FLAG_ABSOLUTE: u16 = 1;
const FLAG_HANGUP: u16 = 1;

/// What a guest waits for, as the interface numbers it.
const READ: u8 = 1;
const WRITE: u8 = 2;

/// What a guest waits for.
enum Awaited {
    /// Nanoseconds from now.
    Clock(u64),
    /// Bytes that there are, or that there is room for: always ready.
    Bytes(Result<u64, Errno>),
}

/// One subscription.
struct Subscription {
    user_data: u64,
    tag: u8,
    awaited: Awaited,
}

impl Subscription {
    fn wait_ns(&self) -> u64 {
        match self.awaited {
            Awaited::Clock(ns) => ns,
            Awaited::Bytes(_) => 0,
        }
    }

    fn event(&self) -> [u8; EVENT_BYTES as usize] {
        let (errno, bytes) = match self.awaited {
            Awaited::Clock(_) => (Errno::Success, 0),
            Awaited::Bytes(Ok(bytes)) => (Errno::Success, bytes),
            Awaited::Bytes(Err(errno)) => (errno, 0),
        };
        let is_over = self.tag == READ && bytes == 0 && errno == Errno::Success;
        let flags = if is_over { FLAG_HANGUP } else { 0 };
        let mut event = [0; EVENT_BYTES as usize];
        event[..8].copy_from_slice(&self.user_data.to_le_bytes());
        event[8..10].copy_from_slice(&(errno as u16).to_le_bytes());
        event[10] = self.tag;
        event[16..24].copy_from_slice(&bytes.to_le_bytes());
        event[24..26].copy_from_slice(&flags.to_le_bytes());
        event
    }
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

    /// `poll_oneoff(in, out, nsubscriptions, nevents)`: what is due first, and all that
    /// is due with it. Events may be written over subscriptions.
    pub(super) fn poll_oneoff(
        &mut self,
        memory: &mut dyn GuestMemory,
        arguments: &[u64],
    ) -> Result<(), Fault> {
        let [subscriptions_at, events_at, count, count_at] = words(arguments);
        if count == 0 || count > SUBSCRIPTIONS_MAX {
            return Err(Errno::Invalid.into());
        }
        memory.check(subscriptions_at, count * SUBSCRIPTION_BYTES)?;
        memory.check(events_at, count * EVENT_BYTES)?;
        memory.check(count_at, 4)?;
        self.charge_bytes(u64::from(count * (SUBSCRIPTION_BYTES + EVENT_BYTES)));
        let subscriptions: Vec<Subscription> = (0..count)
            .map(|index| {
                self.subscription(memory, offset(subscriptions_at, index * SUBSCRIPTION_BYTES)?)
            })
            .collect::<Result<_, Errno>>()?;
        let due_ns = subscriptions.iter().map(Subscription::wait_ns).min().unwrap_or_default();
        self.slept_ns = self.slept_ns.saturating_add(due_ns);
        let mut events = 0;
        for subscription in subscriptions.iter().filter(|one| one.wait_ns() <= due_ns) {
            memory.write(offset(events_at, events * EVENT_BYTES)?, &subscription.event())?;
            events += 1;
        }
        Ok(memory.write_u32(count_at, events)?)
    }

    /// Now, in nanoseconds since 1970.
    pub(super) fn now_ns(&self) -> u64 {
        EPOCH_NS.saturating_add(self.elapsed_ns())
    }

    fn elapsed_ns(&self) -> u64 {
        self.fuel_used.saturating_add(self.slept_ns)
    }

    fn clock_ns(&self, id: u32) -> Result<u64, Errno> {
        match id {
            REALTIME => Ok(self.now_ns()),
            MONOTONIC => Ok(self.elapsed_ns()),
            id if PROCESSOR.contains(&id) => Ok(self.fuel_used),
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
                Awaited::Clock(self.wait_ns(first, timeout, flags)?)
            }
            READ | WRITE => Awaited::Bytes(self.ready(first, tag)),
            _ => return Err(Errno::Invalid),
        };
        Ok(Subscription { user_data: u64::from_le_bytes(array(&bytes, 0)), tag, awaited })
    }

    fn wait_ns(&self, clock: u32, timeout_ns: u64, flags: u16) -> Result<u64, Errno> {
        if PROCESSOR.contains(&clock) || flags & !FLAG_ABSOLUTE != 0 {
            return Err(Errno::Invalid);
        }
        let now_ns = self.clock_ns(clock)?;
        let is_absolute = flags & FLAG_ABSOLUTE != 0;
        Ok(if is_absolute { timeout_ns.saturating_sub(now_ns) } else { timeout_ns })
    }

    /// Bytes that a descriptor has to be read, or room to be written.
    fn ready(&self, fd: u32, tag: u8) -> Result<u64, Errno> {
        let descriptor = self.descriptors.get(fd)?;
        match (descriptor.open, tag) {
            (Open::Input, READ) => {
                descriptor.expect(rights::POLL_FD_READWRITE)?;
                Ok((self.stdin.len() - self.stdin_at) as u64)
            }
            (Open::Output | Open::Error, WRITE) => {
                descriptor.expect(rights::POLL_FD_READWRITE)?;
                Ok(self.output_room())
            }
            (Open::File { node, at }, READ) => {
                descriptor.expect(rights::POLL_FD_READWRITE | rights::FD_READ)?;
                Ok(self.files.stat(node)?.size.saturating_sub(at))
            }
            (Open::File { .. }, _) => {
                descriptor.expect(rights::POLL_FD_READWRITE | rights::FD_WRITE)?;
                Ok(self.files.room())
            }
            (_, _) => Err(Errno::BadDescriptor),
        }
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}
