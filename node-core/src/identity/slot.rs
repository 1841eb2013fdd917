//! A place per tab: an identity and a store that no other tab has.
//!
//! Tabs of one browser share an origin, programs of one user a folder. Each
//! takes one of [`SLOTS_MAX`] numbered slots for as long as it lives, the one
//! it had before if it can, else the lowest that is free. When it closes, the
//! next one takes the slot over with all that is stored in it. Where the
//! machine can't tell who holds a slot (plain http from another device has no
//! Web Locks) there is none, and the ion is fresh: a new key that is not
//! stored. Two ions never share a key.
//!
//! [`Slots`] is the seam (web, native, sim); [`acquire`] chooses;
//! [`load_or_create_key`] reads the key that belongs to the slot; [`settle`]
//! does both and always ends with an identity. What could not be had is said
//! as a [`Notice`].

mod key;
mod settle;
mod sim;

#[cfg(not(target_arch = "wasm32"))]
#[path = "slot/native.rs"]
mod host;
#[cfg(target_arch = "wasm32")]
#[path = "slot/web.rs"]
mod host;

use std::{any::Any, fmt};

use futures::future::LocalBoxFuture;

pub use host::HostSlots;
pub use key::{LoadedKey, Origin, load_or_create_key};
pub use settle::{Notice, Settled, settle};
pub use sim::SimSlots;

use crate::platform::{Platform, Time};

/// Most ions that one browser, or one folder, holds apart at once.
pub const SLOTS_MAX: u32 = 64;
/// How long [`acquire`] waits for the slot that this tab had before: on a
/// reload the browser ends the old worker about when the new one starts.
pub const PREFERRED_WAIT_MS_MAX: u64 = 1_000;
/// How often it looks meanwhile.
const PREFERRED_LOOK_MS: u64 = 20;

/// What keeps track of who holds which slot.
pub trait Slots {
    /// Takes a slot, or `None` when another holds it. Dropping the [`Hold`], or
    /// the holder's death, gives it back. `Err` when holders can't be known.
    fn try_hold(&self, index: u32) -> LocalBoxFuture<'static, Result<Option<Hold>, NoSlot>>;
}

/// Keeps a slot for as long as it lives.
pub struct Hold(#[expect(dead_code, reason = "its drop gives the slot back")] Box<dyn Any>);

impl Hold {
    pub(crate) fn new(guard: impl Any) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}

/// A slot that is ours until this is dropped.
#[derive(Debug)]
pub struct Slot {
    index: u32,
    hold: Hold,
}

impl Slot {
    /// Its number, below [`SLOTS_MAX`].
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The name of the store that belongs to it.
    pub fn storage_name(&self) -> String {
        format!("ionosphere-slot-{}", self.index)
    }

    /// Keeps it for as long as the program lives.
    pub fn keep_for_ever(self) {
        std::mem::forget(self.hold);
    }
}

/// Why an ion has no slot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSlot {
    /// The page is no secure context, or the browser has no Web Locks.
    #[error("this page can't tell its tabs apart (it needs https or localhost)")]
    NoLocks,
    /// All slots are held.
    #[error("all {SLOTS_MAX} places of this browser are taken by open tabs")]
    AllTaken,
    /// The locks failed.
    #[error("the places could not be read: {reason}")]
    Failed {
        /// What the machine said.
        reason: String,
    },
}

/// What [`acquire`] ends with.
#[derive(Debug)]
pub enum Acquired {
    /// A slot: identity and settings last.
    Slot(Slot),
    /// None: the ion lives without a past and leaves nothing behind.
    Fresh(NoSlot),
}

/// Takes the slot `preferred` if it gets free within
/// [`PREFERRED_WAIT_MS_MAX`], else the lowest free one.
pub async fn acquire(
    platform: &impl Platform,
    slots: &impl Slots,
    preferred: Option<u32>,
) -> Acquired {
    let found = async {
        if let Some(index) = preferred.filter(|index| *index < SLOTS_MAX)
            && let Some(slot) = wait_for(platform, slots, index).await?
        {
            return Ok(slot);
        }
        lowest_free(slots).await
    };
    found.await.map_or_else(Acquired::Fresh, Acquired::Slot)
}

async fn wait_for(
    platform: &impl Platform,
    slots: &impl Slots,
    index: u32,
) -> Result<Option<Slot>, NoSlot> {
    let until: Time = platform.now().plus_ms(PREFERRED_WAIT_MS_MAX);
    loop {
        let hold = slots.try_hold(index).await?;
        if hold.is_some() || platform.now() >= until {
            return Ok(hold.map(|hold| Slot { index, hold }));
        }
        platform.sleep(PREFERRED_LOOK_MS).await;
    }
}

async fn lowest_free(slots: &impl Slots) -> Result<Slot, NoSlot> {
    for index in 0..SLOTS_MAX {
        if let Some(hold) = slots.try_hold(index).await? {
            return Ok(Slot { index, hold });
        }
    }
    Err(NoSlot::AllTaken)
}
