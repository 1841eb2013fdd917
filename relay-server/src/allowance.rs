//! How many bytes a peer may move through the relay: a rate, and a total a day.
//!
//! Both are buckets that fill with time. A peer that has emptied the small one
//! goes on at the rate, one that has emptied the large one at what fills it:
//! nobody is cut off, and nobody gets more than the allowance. Bytes of all its
//! connections count together, both ways, whatever they are for.
//!
//! An account outlives its peer's connections, so that coming again gains
//! nothing. A peer that makes itself a new key gets a new account; what that
//! costs it are the limits on connections. Bounds: [`ACCOUNTS_MAX`] accounts
//! without connections.

mod metered;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use libp2p::PeerId;
use tokio::time::Instant;

pub(crate) use metered::Muxer;

/// Accounts that are kept for peers that may come again.
pub(crate) const ACCOUNTS_MAX: usize = 16_384;
/// For so long a peer may be as fast as it can, after a rest of that length.
const BURST_S: u64 = 8;
const DAY_S: u64 = 24 * 60 * 60;

/// What one peer is allowed; 0 is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Bytes in a second.
    pub bytes_per_second: u64,
    /// Bytes in a day.
    pub bytes_per_day: u64,
}

/// Fills with time, empties with use; may be overdrawn by one use.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    size: u64,
    /// How long it takes to fill, in seconds.
    fills_s: u64,
    level: i128,
    /// The same, for what is less than a byte.
    rest: u128,
    at_ms: u64,
}

impl Bucket {
    fn new(size: u64, fills_s: u64) -> Self {
        Self { size, fills_s, level: i128::from(size), rest: 0, at_ms: 0 }
    }

    fn fill(&mut self, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.at_ms);
        let gained = u128::from(passed_ms) * u128::from(self.size) + self.rest;
        let per_byte = u128::from(self.fills_s) * 1_000;
        self.rest = gained % per_byte;
        let gained = i128::try_from(gained / per_byte).unwrap_or(i128::MAX);
        self.level = self.level.saturating_add(gained).min(i128::from(self.size));
        self.at_ms = self.at_ms.max(now_ms);
    }

    /// How long until there is something in it, in milliseconds.
    fn wait_ms(&self) -> u64 {
        if self.size == 0 || self.level > 0 {
            return 0;
        }
        let missing = u128::try_from(1 - self.level).unwrap_or(0);
        let ms = (missing * u128::from(self.fills_s) * 1_000).div_ceil(u128::from(self.size));
        u64::try_from(ms).unwrap_or(u64::MAX)
    }

    fn is_full(&self) -> bool {
        self.level >= i128::from(self.size)
    }
}

/// What a peer has left.
#[derive(Debug)]
pub(crate) struct Account {
    buckets: [Bucket; 2],
}

impl Account {
    fn new(allowance: Allowance) -> Self {
        let Allowance { bytes_per_second, bytes_per_day } = allowance;
        let burst = bytes_per_second.saturating_mul(BURST_S);
        Self { buckets: [Bucket::new(burst, BURST_S), Bucket::new(bytes_per_day, DAY_S)] }
    }

    fn wait_ms(&mut self, now_ms: u64) -> u64 {
        self.buckets.iter_mut().for_each(|bucket| bucket.fill(now_ms));
        self.buckets.iter().map(Bucket::wait_ms).max().unwrap_or(0)
    }

    fn spend(&mut self, bytes: usize) {
        let bytes = i128::try_from(bytes).unwrap_or(i128::MAX);
        for bucket in self.buckets.iter_mut().filter(|bucket| bucket.size > 0) {
            bucket.level = bucket.level.saturating_sub(bytes);
        }
    }

    /// Whether a new account would be no better.
    fn is_full(&mut self, now_ms: u64) -> bool {
        self.buckets.iter_mut().for_each(|bucket| bucket.fill(now_ms));
        self.buckets.iter().all(Bucket::is_full)
    }
}

/// A peer's account and the time; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Purse {
    account: Arc<Mutex<Account>>,
    began: Instant,
}

impl Purse {
    /// How long to wait before the next byte, if at all.
    fn wait(&self) -> Option<Duration> {
        let now_ms = elapsed_ms(self.began);
        let wait_ms = lock(&self.account).wait_ms(now_ms);
        (wait_ms > 0).then(|| Duration::from_millis(wait_ms))
    }

    fn spend(&self, bytes: usize) {
        lock(&self.account).spend(bytes);
    }
}

/// All accounts; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    allowance: Allowance,
    began: Instant,
    by_peer: Arc<Mutex<BTreeMap<PeerId, Arc<Mutex<Account>>>>>,
}

impl Accounts {
    pub(crate) fn new(allowance: Allowance) -> Self {
        Self { allowance, began: Instant::now(), by_peer: Arc::default() }
    }

    /// A peer's account, opened where it has none.
    pub(crate) fn of(&self, peer: PeerId) -> Purse {
        let mut by_peer = lock(&self.by_peer);
        if by_peer.len() >= ACCOUNTS_MAX && !by_peer.contains_key(&peer) {
            make_room(&mut by_peer, elapsed_ms(self.began));
        }
        let new = || Arc::new(Mutex::new(Account::new(self.allowance)));
        let account = Arc::clone(by_peer.entry(peer).or_insert_with(new));
        Purse { account, began: self.began }
    }
}

/// Closes accounts that nobody uses: those that are full, and where that is
/// too little, all of them.
fn make_room(by_peer: &mut BTreeMap<PeerId, Arc<Mutex<Account>>>, now_ms: u64) {
    let is_used = |account: &Arc<_>| Arc::strong_count(account) > 1;
    by_peer.retain(|_, account| is_used(account) || !lock(account).is_full(now_ms));
    if by_peer.len() >= ACCOUNTS_MAX {
        by_peer.retain(|_, account| is_used(account));
    }
}

fn elapsed_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIGHT: Allowance = Allowance { bytes_per_second: 1_000, bytes_per_day: 100_000 };

    /// Uses up all that it gets until then, a byte at a time.
    fn moved(account: &mut Account, until_ms: u64) -> u64 {
        let (mut now_ms, mut bytes) = (0, 0);
        while now_ms < until_ms {
            match account.wait_ms(now_ms) {
                0 => {
                    account.spend(100);
                    bytes += 100;
                }
                wait_ms => now_ms += wait_ms,
            }
        }
        bytes
    }

    #[test]
    fn a_burst_then_the_rate_then_what_the_day_gives() {
        let near = |bytes: u64, expected: u64| {
            assert!(bytes.abs_diff(expected) <= 200, "{bytes} instead of {expected}");
        };
        near(moved(&mut Account::new(TIGHT), 1), 8_000);
        near(moved(&mut Account::new(TIGHT), 10_000), 18_000);
        let mut account = Account::new(TIGHT);
        near(moved(&mut account, 24 * 60 * 60 * 1_000), 200_000);
    }

    #[test]
    fn zero_is_unlimited() {
        let mut account = Account::new(Allowance { bytes_per_second: 0, bytes_per_day: 0 });
        account.spend(usize::MAX);
        account.spend(usize::MAX);
        assert_eq!(account.wait_ms(0), 0);
    }

    #[test]
    fn one_large_use_is_paid_for_afterwards() {
        let mut account = Account::new(Allowance { bytes_per_day: 0, ..TIGHT });
        account.spend(10_000);
        assert_eq!(account.wait_ms(0), 2_001);
        assert_eq!(account.wait_ms(2_000), 1);
        assert_eq!(account.wait_ms(2_001), 0);
    }

    #[tokio::test]
    async fn coming_again_gains_nothing() {
        let accounts = Accounts::new(TIGHT);
        let peer = PeerId::random();
        let first = accounts.of(peer);
        first.spend(200_000);
        drop(first);
        assert!(accounts.of(peer).wait().is_some());
        assert!(accounts.of(PeerId::random()).wait().is_none());
    }

    #[tokio::test]
    async fn accounts_have_a_bound_and_those_in_use_stay() {
        let accounts = Accounts::new(TIGHT);
        let used = accounts.of(PeerId::random());
        used.spend(200_000);
        for _ in 0..2 * ACCOUNTS_MAX {
            accounts.of(PeerId::random());
        }
        let by_peer = lock(&accounts.by_peer);
        assert!(by_peer.len() <= ACCOUNTS_MAX, "{}", by_peer.len());
        assert!(by_peer.values().any(|account| Arc::ptr_eq(account, &used.account)));
    }
}
