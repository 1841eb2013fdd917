//! Who is registered where and until when: a machine that is told the time.
//!
//! It tells of a namespace only to who names it, and never of what has run out
//! or was taken back. A peer that registers again replaces its entry, which
//! then counts as new.
//!
//! A cookie says up to where an answer went, and the next one continues after it,
//! in the order of registration. A cookie holds only for the namespace and the
//! registry that gave it. Where an answer without a cookie cannot hold all, it is a
//! sample: each network that registrations come from has its turn, and gives one of
//! its own by chance. So who registers first, or many peers that it made up, does
//! not keep others from being found. That answer's cookie begins with the first.
//!
//! Where all places are taken, they are shared out among the networks that
//! registrations come from: a newcomer takes the oldest place of the network
//! that has most, unless that is its own. So who fills the registry with peers
//! that it made up loses to everybody who comes from elsewhere.
//!
//! Bounds: [`REGISTRATIONS_MAX`] in all, [`NAMESPACES_PER_PEER_MAX`] a peer,
//! [`NAMESPACE_BYTES_MAX`], [`TTL_S_MIN`] to [`TTL_S_MAX`], and for an answer
//! [`TOLD_MAX`] and [`TOLD_BYTES_MAX`]. Records come checked.

mod origin;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use libp2p::PeerId;
use node_core::network::driver::rendezvous::{
    record::{RECORD_BYTES_MAX, Record},
    wire::{Found, REGISTRATION_OVERHEAD_MAX, RESPONSE_BYTES_MAX, TOLD_MAX, Told},
};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use sha2::{Digest as _, Sha256};

pub(super) use origin::Origin;

use super::refusal::Refusal;

/// Registrations, in all.
pub(super) const REGISTRATIONS_MAX: usize = 10_000;
/// Namespaces in which one peer is registered.
pub(super) const NAMESPACES_PER_PEER_MAX: usize = 8;
/// Bytes of a namespace.
pub(super) const NAMESPACE_BYTES_MAX: usize = 255;
/// The shortest time that one registers for, in seconds. Short ones let the
/// list follow tabs that come and go.
pub(super) const TTL_S_MIN: u64 = 30;
/// The longest, which is also what one gets who names none, in seconds.
pub(super) const TTL_S_MAX: u64 = 2 * 60 * 60;
/// Bytes of the registrations in one answer.
pub(super) const TOLD_BYTES_MAX: usize = 512 << 10;

const _: () = assert!(
    RECORD_BYTES_MAX + NAMESPACE_BYTES_MAX + REGISTRATION_OVERHEAD_MAX <= TOLD_BYTES_MAX,
    "the longest registration fits, so that following cookies comes to an end"
);
const _: () = assert!(TOLD_BYTES_MAX as u64 + 1_024 <= RESPONSE_BYTES_MAX, "clients read it");

/// The number of a registration; later ones are greater.
type Number = u64;
/// What makes cookies this registry's own.
pub(super) type CookieKey = [u8; 16];

/// Bytes of a number in a cookie, and of the seal after it, which are letters:
/// libp2p's client reads a cookie as eight bytes and a text.
const COOKIE_NUMBER_BYTES: usize = 8;
const COOKIE_SEAL_BYTES: usize = 16;

/// All registrations.
pub(super) struct Registry {
    cookie_key: CookieKey,
    chance: StdRng,
    last: Number,
    entries: BTreeMap<Number, Entry>,
    by_namespace: BTreeMap<Arc<str>, BTreeSet<Number>>,
    by_peer: BTreeMap<PeerId, BTreeSet<Number>>,
    by_origin: BTreeMap<Origin, BTreeSet<Number>>,
    by_end: BTreeSet<(u64, Number)>,
}

struct Entry {
    namespace: Arc<str>,
    record: Record,
    origin: Origin,
    ends_ms: u64,
}

impl Registry {
    /// An empty one, which takes its chances from the key too.
    pub(super) fn new(cookie_key: CookieKey) -> Self {
        Self {
            cookie_key,
            chance: StdRng::from_seed(Sha256::digest(cookie_key).into()),
            last: 0,
            entries: BTreeMap::new(),
            by_namespace: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            by_origin: BTreeMap::new(),
            by_end: BTreeSet::new(),
        }
    }

    /// Registers the record's peer; returns for how many seconds.
    pub(super) fn register(
        &mut self,
        now_ms: u64,
        namespace: String,
        record: Record,
        origin: Origin,
        ttl_s: Option<u64>,
    ) -> Result<u64, Refusal> {
        check(&namespace, Refusal::NamespaceMissing)?;
        let ttl_s = ttl_s.unwrap_or(TTL_S_MAX);
        if !(TTL_S_MIN..=TTL_S_MAX).contains(&ttl_s) {
            return Err(Refusal::TtlOutOfRange);
        }
        self.expire(now_ms);
        match self.find(record.peer, &namespace) {
            Some(number) => self.remove(number),
            None => self.make_room(record.peer, origin)?,
        }
        let ends_ms = now_ms.saturating_add(ttl_s * 1_000);
        self.insert(Entry { namespace: namespace.into(), record, origin, ends_ms });
        Ok(ttl_s)
    }

    /// Takes back a registration; one that there is not is none to take back.
    pub(super) fn unregister(&mut self, peer: PeerId, namespace: &str) {
        if let Some(number) = self.find(peer, namespace) {
            self.remove(number);
        }
    }

    /// Takes back all of a peer's.
    pub(super) fn forget(&mut self, peer: PeerId) {
        let numbers = self.by_peer.get(&peer).cloned().unwrap_or_default();
        for number in numbers {
            self.remove(number);
        }
    }

    /// Who is registered in a namespace; none, where nobody ever was. A limit
    /// of 0 is none.
    pub(super) fn discover(
        &mut self,
        now_ms: u64,
        namespace: &str,
        limit: Option<u64>,
        cookie: Option<&[u8]>,
    ) -> Result<Found, Refusal> {
        check(namespace, Refusal::NamespaceRequired)?;
        let after = cookie.map(|cookie| self.open_cookie(namespace, cookie)).transpose()?;
        self.expire(now_ms);
        let limit = limit.filter(|limit| *limit > 0).map(usize::try_from);
        let limit = limit.and_then(Result::ok).unwrap_or(TOLD_MAX).min(TOLD_MAX);
        let mut numbers = self.page(namespace, after.unwrap_or(0), limit);
        let mut told_up_to = numbers.last().copied().or(after).unwrap_or(0);
        let all = self.by_namespace.get(namespace).map_or(0, BTreeSet::len);
        if after.is_none() && numbers.len() < all {
            numbers = self.sample(namespace, limit);
            told_up_to = 0;
        }
        let cookie = self.cookie(namespace, told_up_to);
        let told = |number| {
            let Entry { namespace, record, ends_ms, .. } = &self.entries[number];
            let ttl_s = ends_ms.saturating_sub(now_ms).div_ceil(1_000);
            Told { namespace: Arc::clone(namespace), record: Arc::clone(&record.bytes), ttl_s }
        };
        let registrations = numbers.iter().map(told).collect();
        Ok(Found { registrations, cookie })
    }

    /// Takes away what has run out.
    fn expire(&mut self, now_ms: u64) {
        while let Some((ends_ms, number)) = self.by_end.first().copied()
            && ends_ms <= now_ms
        {
            self.remove(number);
        }
    }

    /// The next registrations of a namespace that one answer may hold.
    fn page(&self, namespace: &str, after: Number, limit: usize) -> Vec<Number> {
        let mut room = TOLD_BYTES_MAX;
        let numbers = self.by_namespace.get(namespace).into_iter();
        let later = numbers.flat_map(|numbers| numbers.range(after.saturating_add(1)..));
        later.copied().take(limit).take_while(|number| self.fits(*number, &mut room)).collect()
    }

    /// As many of a namespace's registrations as one answer may hold, the networks
    /// in turn, and by chance in each.
    fn sample(&mut self, namespace: &str, limit: usize) -> Vec<Number> {
        let numbers = self.by_namespace.get(namespace).into_iter().flatten();
        let mut numbers: Vec<_> = numbers.copied().collect();
        numbers.shuffle(&mut self.chance);
        let mut turns: BTreeMap<Origin, usize> = BTreeMap::new();
        let mut in_turn: Vec<_> = numbers
            .into_iter()
            .map(|number| {
                let turn = turns.entry(self.entries[&number].origin).or_default();
                *turn += 1;
                (*turn, number)
            })
            .collect();
        in_turn.sort_by_key(|(turn, _)| *turn);
        let mut room = TOLD_BYTES_MAX;
        let numbers = in_turn.into_iter().map(|(_, number)| number);
        numbers.filter(|number| self.fits(*number, &mut room)).take(limit).collect()
    }

    /// Takes a registration's bytes from the room that there is, if it has so many.
    fn fits(&self, number: Number, room: &mut usize) -> bool {
        let Entry { namespace, record, .. } = &self.entries[&number];
        let bytes = record.bytes.len() + namespace.len() + REGISTRATION_OVERHEAD_MAX;
        let left = room.checked_sub(bytes);
        *room = left.unwrap_or(*room);
        left.is_some()
    }

    fn make_room(&mut self, peer: PeerId, origin: Origin) -> Result<(), Refusal> {
        if self.by_peer.get(&peer).map_or(0, BTreeSet::len) >= NAMESPACES_PER_PEER_MAX {
            return Err(Refusal::PeerFull);
        }
        if self.entries.len() < REGISTRATIONS_MAX {
            return Ok(());
        }
        let most = self.by_origin.values().max_by_key(|numbers| numbers.len());
        let most = most.ok_or(Refusal::Full)?;
        let own = self.by_origin.get(&origin).map_or(0, BTreeSet::len);
        let oldest = most.first().copied().filter(|_| own + 1 < most.len());
        self.remove(oldest.ok_or(Refusal::Full)?);
        Ok(())
    }

    fn find(&self, peer: PeerId, namespace: &str) -> Option<Number> {
        let numbers = self.by_peer.get(&peer)?;
        numbers.iter().copied().find(|number| *self.entries[number].namespace == *namespace)
    }

    fn insert(&mut self, entry: Entry) {
        self.last += 1;
        let number = self.last;
        self.by_namespace.entry(Arc::clone(&entry.namespace)).or_default().insert(number);
        self.by_peer.entry(entry.record.peer).or_default().insert(number);
        self.by_origin.entry(entry.origin).or_default().insert(number);
        self.by_end.insert((entry.ends_ms, number));
        self.entries.insert(number, entry);
    }

    fn remove(&mut self, number: Number) {
        let Some(Entry { namespace, record, origin, ends_ms }) = self.entries.remove(&number)
        else {
            return;
        };
        self.by_end.remove(&(ends_ms, number));
        remove_from(&mut self.by_namespace, &namespace, number);
        remove_from(&mut self.by_peer, &record.peer, number);
        remove_from(&mut self.by_origin, &origin, number);
    }

    fn cookie(&self, namespace: &str, number: Number) -> Vec<u8> {
        let number = number.to_be_bytes();
        let seal = Sha256::new()
            .chain_update(self.cookie_key)
            .chain_update(number)
            .chain_update(namespace)
            .finalize();
        let mut cookie = number.to_vec();
        cookie.extend_from_slice(hex::encode(&seal[..COOKIE_SEAL_BYTES / 2]).as_bytes());
        cookie
    }

    fn open_cookie(&self, namespace: &str, cookie: &[u8]) -> Result<Number, Refusal> {
        let number = cookie.first_chunk::<COOKIE_NUMBER_BYTES>().ok_or(Refusal::CookieInvalid)?;
        let number = Number::from_be_bytes(*number);
        if self.cookie(namespace, number) != cookie {
            return Err(Refusal::CookieInvalid);
        }
        Ok(number)
    }
}

fn check(namespace: &str, missing: Refusal) -> Result<(), Refusal> {
    match namespace.len() {
        0 => Err(missing),
        1..=NAMESPACE_BYTES_MAX => Ok(()),
        _ => Err(Refusal::NamespaceTooLong),
    }
}

/// Removes from a set, and the set with its last.
fn remove_from<K, Q>(sets: &mut BTreeMap<K, BTreeSet<Number>>, key: &Q, number: Number)
where
    K: Ord + std::borrow::Borrow<Q>,
    Q: Ord + ?Sized,
{
    if let Some(set) = sets.get_mut(key) {
        set.remove(&number);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}
