//! From a machine to an identity, whatever the machine lacks.

use super::{Acquired, NoSlot, Origin, Slot, Slots, acquire, load_or_create_key};
use crate::platform::{Platform, storage};

/// Who this ion is and where it keeps what it must remember.
pub struct Settled<P: Platform> {
    /// The seed of its Ed25519 key pair. Secret.
    pub seed: [u8; 32],
    /// Its place, with the settings in it; `None` when the ion is fresh and
    /// nothing it learns will be there after a reload.
    pub place: Option<(Slot, P::Storage)>,
    /// What the user should hear about it.
    pub notice: Option<Notice>,
}

/// What is less than it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// No slot: a new ion with every load.
    #[error("this tab is a new ion each time it is opened: {0}")]
    NoSlot(#[source] NoSlot),
    /// No storage: a new ion with every load.
    #[error("this tab is a new ion each time it is opened: {0}")]
    NoStorage(#[source] storage::Error),
    /// The stored identity was damaged; this is a new one.
    #[error(
        "the stored identity is damaged ({reason}); this ion has a new one, the old record is kept as {kept_as}"
    )]
    Replaced {
        /// What is wrong with the old record.
        reason: String,
        /// The key under which it is kept.
        kept_as: String,
    },
}

/// Takes a slot, opens its store and loads its key; where one of them can't be
/// had, makes a fresh key and says why. `preferred` is as for [`acquire`].
pub async fn settle<P: Platform>(
    platform: &P,
    slots: &impl Slots,
    preferred: Option<u32>,
) -> Settled<P> {
    let slot = match acquire(platform, slots, preferred).await {
        Acquired::Slot(slot) => slot,
        Acquired::Fresh(why) => return fresh(platform, Notice::NoSlot(why)),
    };
    match move_in(platform, slot).await {
        Ok(settled) => settled,
        Err(why) => fresh(platform, Notice::NoStorage(why)),
    }
}

async fn move_in<P: Platform>(platform: &P, slot: Slot) -> Result<Settled<P>, storage::Error> {
    let storage = platform.open_storage(&slot.storage_name()).await?;
    let key = load_or_create_key(&storage, |bytes| platform.fill_random(bytes)).await?;
    let notice = match key.origin {
        Origin::Stored | Origin::Created => None,
        Origin::Replaced { reason, kept_as } => Some(Notice::Replaced { reason, kept_as }),
    };
    Ok(Settled { seed: key.seed, place: Some((slot, storage)), notice })
}

fn fresh<P: Platform>(platform: &P, notice: Notice) -> Settled<P> {
    let mut seed = [0; 32];
    platform.fill_random(&mut seed);
    Settled { seed, place: None, notice: Some(notice) }
}
