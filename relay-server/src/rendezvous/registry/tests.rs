//! Stories of a registry.

use libp2p::{core::PeerRecord, identity::Keypair};
use node_core::network::driver::rendezvous::wire::{Response, frame_response};

use super::*;

const KEY: CookieKey = [7; 16];

/// A record of a new peer; the registry does not look into it.
fn record(bytes: usize) -> Record {
    Record { peer: PeerId::random(), bytes: vec![0; bytes].into() }
}

fn origin(network: u8) -> Origin {
    Origin::of([10, 0, network, 1].into())
}

fn told(namespace: &str, record: &Record, ttl_s: u64) -> Told {
    Told { namespace: namespace.into(), record: Arc::clone(&record.bytes), ttl_s }
}

fn registry() -> Registry {
    Registry::new(KEY)
}

impl Registry {
    fn put(&mut self, now_ms: u64, namespace: &str, record: &Record) -> Result<u64, Refusal> {
        self.put_from(now_ms, namespace, record, 0)
    }

    fn put_from(
        &mut self,
        now_ms: u64,
        namespace: &str,
        record: &Record,
        network: u8,
    ) -> Result<u64, Refusal> {
        self.register(now_ms, namespace.to_owned(), record.clone(), origin(network), Some(60))
    }

    fn told(&mut self, now_ms: u64, namespace: &str) -> Vec<Told> {
        let found = self.discover(now_ms, namespace, None, None);
        found.expect("the namespace is good").registrations
    }

    /// The books agree with each other.
    fn check_books(&self) {
        let count = |sets: usize| assert_eq!(sets, self.entries.len());
        count(self.by_namespace.values().map(BTreeSet::len).sum());
        count(self.by_peer.values().map(BTreeSet::len).sum());
        count(self.by_origin.values().map(BTreeSet::len).sum());
        count(self.by_end.len());
        assert!(self.by_namespace.values().all(|numbers| !numbers.is_empty()));
        assert!(self.by_peer.values().all(|numbers| !numbers.is_empty()));
        assert!(self.by_origin.values().all(|numbers| !numbers.is_empty()));
    }
}

#[test]
fn one_is_found_where_one_registered_and_nowhere_else() {
    let mut registry = registry();
    let one = record(10);
    assert_eq!(registry.put(0, "ours", &one), Ok(60));
    assert_eq!(registry.told(1_500, "ours"), [told("ours", &one, 59)]);
    assert!(registry.told(1_500, "theirs").is_empty());
    assert!(registry.told(1_500, "our").is_empty());
}

#[test]
fn nobody_is_told_of_everybody() {
    let mut registry = registry();
    registry.put(0, "ours", &record(10)).expect("there is room");
    let refused = registry.discover(0, "", None, None).expect_err("it is refused");
    assert_eq!(refused, Refusal::NamespaceRequired);
    assert_eq!(refused.to_string(), "a namespace is required");
}

#[test]
fn a_registration_ends_with_its_time() {
    let mut registry = registry();
    registry.put(0, "ours", &record(10)).expect("there is room");
    assert_eq!(registry.told(59_999, "ours")[0].ttl_s, 1);
    assert!(registry.told(60_000, "ours").is_empty());
    assert!(registry.entries.is_empty(), "it takes no room any more");
    registry.check_books();
}

#[test]
fn registering_again_replaces_and_prolongs() {
    let mut registry = registry();
    let first = record(10);
    registry.put(0, "ours", &first).expect("there is room");
    let again = Record { bytes: vec![1; 20].into(), ..first };
    registry.put(30_000, "ours", &again).expect("it replaces");
    assert_eq!(registry.told(80_000, "ours"), [told("ours", &again, 10)]);
    registry.check_books();
}

#[test]
fn what_is_taken_back_is_not_told() {
    let mut registry = registry();
    let (one, other) = (record(10), record(11));
    for record in [&one, &other] {
        registry.put(0, "ours", record).expect("there is room");
        registry.put(0, "mine", record).expect("there is room");
    }
    registry.unregister(one.peer, "ours");
    registry.unregister(one.peer, "never");
    assert_eq!(registry.told(0, "ours")[0].record, other.bytes);
    assert_eq!(registry.told(0, "mine").len(), 2);
    registry.forget(other.peer);
    registry.forget(other.peer);
    assert!(registry.told(0, "ours").is_empty());
    assert_eq!(registry.told(0, "mine")[0].record, one.bytes);
    registry.check_books();
}

#[test]
fn names_and_times_have_bounds() {
    let mut registry = registry();
    let one = record(10);
    let longest = "n".repeat(NAMESPACE_BYTES_MAX);
    let too_long = "n".repeat(NAMESPACE_BYTES_MAX + 1);
    assert_eq!(registry.put(0, "", &one), Err(Refusal::NamespaceMissing));
    assert_eq!(registry.put(0, &too_long, &one), Err(Refusal::NamespaceTooLong));
    let told = registry.discover(0, &too_long, None, None);
    assert_eq!(told, Err(Refusal::NamespaceTooLong));
    assert_eq!(registry.put(0, &longest, &one), Ok(60));
    let mut register =
        |ttl_s| registry.register(0, "ours".to_owned(), one.clone(), origin(0), ttl_s);
    assert_eq!(register(None), Ok(TTL_S_MAX));
    for ttl_s in [TTL_S_MIN, TTL_S_MAX] {
        assert_eq!(register(Some(ttl_s)), Ok(ttl_s));
    }
    for ttl_s in [0, TTL_S_MIN - 1, TTL_S_MAX + 1, u64::MAX] {
        assert_eq!(register(Some(ttl_s)), Err(Refusal::TtlOutOfRange));
    }
}

#[test]
fn a_peer_and_all_of_them_have_a_bound() {
    let mut registry = registry();
    let one = record(1);
    for number in 0..NAMESPACES_PER_PEER_MAX {
        registry.put(0, &number.to_string(), &one).expect("there is room");
    }
    assert_eq!(registry.put(0, "one more", &one), Err(Refusal::PeerFull));
    assert_eq!(registry.put(0, "0", &one), Ok(60), "what it has it may renew");
    for _ in NAMESPACES_PER_PEER_MAX..REGISTRATIONS_MAX {
        registry.put(0, "0", &record(1)).expect("there is room");
    }
    assert_eq!(registry.put(0, "0", &record(1)), Err(Refusal::Full));
    assert_eq!(registry.put(0, "0", &one), Ok(60), "what it has it may renew");
    assert_eq!(registry.put(60_000, "0", &record(1)), Ok(60), "the others have ended");
    registry.check_books();
}

/// Who fills the registry from one network gives way to all others, and the
/// last places are shared evenly.
#[test]
fn who_fills_it_from_one_network_gives_way_to_others() {
    let mut registry = registry();
    let honest = record(1);
    registry.put_from(0, "ours", &honest, 1).expect("there is room");
    for _ in 1..REGISTRATIONS_MAX {
        registry.put_from(0, "x", &record(1), 2).expect("there is room");
    }
    assert_eq!(registry.put_from(0, "x", &record(1), 2), Err(Refusal::Full));
    for network in 3..200 {
        for _ in 0..10 {
            assert_eq!(registry.put_from(0, "ours", &record(1), network), Ok(60), "{network}");
        }
    }
    assert_eq!(registry.entries.len(), REGISTRATIONS_MAX);
    assert_eq!(registry.put_from(0, "ours", &honest, 1), Ok(60), "it was never put out");
    assert_eq!(registry.told(0, "ours").len(), TOLD_MAX);
    registry.check_books();
}

#[test]
fn a_network_does_not_put_out_another_that_has_as_much() {
    let mut registry = registry();
    for _ in 0..REGISTRATIONS_MAX / 2 {
        registry.put_from(0, "x", &record(1), 1).expect("there is room");
        registry.put_from(0, "x", &record(1), 2).expect("there is room");
    }
    assert_eq!(registry.put_from(0, "x", &record(1), 1), Err(Refusal::Full));
    assert_eq!(registry.put_from(0, "x", &record(1), 2), Err(Refusal::Full));
    assert_eq!(registry.put_from(0, "x", &record(1), 3), Ok(60));
    registry.check_books();
}

/// Follows cookies from the first registration to the end; returns the size of
/// each page.
fn pages(registry: &mut Registry, limit: Option<u64>) -> Vec<usize> {
    let mut pages = Vec::new();
    let mut cookie = Some(registry.cookie("ours", 0));
    loop {
        let found = registry.discover(0, "ours", limit, cookie.as_deref());
        let found = found.expect("the cookie is its own");
        if found.registrations.is_empty() {
            return pages;
        }
        pages.push(found.registrations.len());
        cookie = Some(found.cookie);
    }
}

#[test]
fn an_answer_holds_so_many_and_a_cookie_gets_the_rest() {
    let mut registry = registry();
    for _ in 0..=TOLD_MAX {
        registry.put(0, "ours", &record(100)).expect("there is room");
    }
    for limit in [None, Some(0), Some(u64::MAX)] {
        assert_eq!(pages(&mut registry, limit), [TOLD_MAX, 1]);
    }
    assert_eq!(pages(&mut registry, Some(400)), [400, 400, 201]);
}

/// Who fills a namespace first, with peers of its own network and long records,
/// keeps nobody from being found.
#[test]
fn an_answer_that_cannot_hold_all_tells_of_every_network() {
    let mut registry = registry();
    for _ in 0..500 {
        registry.put_from(0, "ours", &record(RECORD_BYTES_MAX), 0).expect("there is room");
    }
    let honest: Vec<_> = (10..40).map(record).collect();
    for (network, record) in (1..).zip(&honest) {
        registry.put_from(0, "ours", record, network).expect("there is room");
    }
    let found = registry.discover(0, "ours", Some(64), None).expect("it is told");
    let tells =
        |one: &Record| found.registrations.iter().any(|told| Arc::ptr_eq(&told.record, &one.bytes));
    assert!(honest.iter().all(tells), "{}", found.registrations.len());
    // Its cookie leads through all.
    let mut cookie = found.cookie;
    let mut count = 0;
    loop {
        let found = registry.discover(0, "ours", None, Some(&cookie)).expect("it is told");
        count += found.registrations.len();
        cookie = found.cookie;
        if found.registrations.is_empty() {
            break;
        }
    }
    assert_eq!(count, 530);
}

/// Within one network, who comes late is found as often as who came first.
#[test]
fn an_answer_that_cannot_hold_all_is_not_always_the_same() {
    let mut registry = registry();
    for _ in 0..99 {
        registry.put(0, "ours", &record(1)).expect("there is room");
    }
    let last = record(1);
    registry.put(0, "ours", &last).expect("there is room");
    let is_told = |registry: &mut Registry| {
        let found = registry.discover(0, "ours", Some(10), None).expect("it is told");
        assert_eq!(found.registrations.len(), 10);
        found.registrations.iter().any(|told| Arc::ptr_eq(&told.record, &last.bytes))
    };
    let times = (0..1_000).filter(|_| is_told(&mut registry)).count();
    assert!((50..200).contains(&times), "{times} of 1,000, where 100 are expected");
}

#[test]
fn an_answer_is_so_long_and_no_longer() {
    let mut registry = registry();
    for _ in 0..100 {
        registry.put(0, "ours", &record(RECORD_BYTES_MAX)).expect("there is room");
    }
    let each = RECORD_BYTES_MAX + "ours".len() + REGISTRATION_OVERHEAD_MAX;
    let full = TOLD_BYTES_MAX / each;
    assert_eq!(pages(&mut registry, None), [full, 100 - full]);
}

#[test]
fn a_cookie_asks_for_what_is_newer() {
    let mut registry = registry();
    let (one, other) = (record(10), record(11));
    registry.put(0, "ours", &one).expect("there is room");
    let cookie = registry.discover(0, "ours", None, None).expect("it is told").cookie;
    let newer = |registry: &mut Registry| {
        let found = registry.discover(0, "ours", None, Some(&cookie)).expect("it is told");
        found.registrations.into_iter().map(|told| told.record).collect::<Vec<_>>()
    };
    assert!(newer(&mut registry).is_empty());
    registry.put(0, "ours", &other).expect("there is room");
    registry.put(0, "theirs", &record(12)).expect("there is room");
    assert_eq!(newer(&mut registry), [Arc::clone(&other.bytes)]);
    registry.put(0, "ours", &one).expect("it renews");
    assert_eq!(newer(&mut registry), [other.bytes, one.bytes]);
}

#[test]
fn others_cookies_are_refused() {
    let mut registry = registry();
    registry.put(0, "ours", &record(10)).expect("there is room");
    let cookie = registry.discover(0, "ours", None, None).expect("it is told").cookie;
    let mut refused = |namespace: &str, cookie: &[u8]| {
        let told = registry.discover(0, namespace, None, Some(cookie));
        assert_eq!(told, Err(Refusal::CookieInvalid), "{namespace} {cookie:?}");
    };
    refused("theirs", &cookie);
    refused("ours", &[]);
    refused("ours", &cookie[1..]);
    refused("ours", &[&cookie[..], &[0]].concat());
    for at in 0..cookie.len() {
        let mut changed = cookie.clone();
        changed[at] ^= 1;
        refused("ours", &changed);
    }
    let mut restarted = Registry::new([8; 16]);
    let told = restarted.discover(0, "ours", None, Some(&cookie));
    assert_eq!(told, Err(Refusal::CookieInvalid));
}

/// Nobody can tell an unknown namespace from one that was left.
#[test]
fn an_unknown_namespace_looks_like_an_empty_one() {
    let mut registry = registry();
    let one = record(10);
    registry.put(0, "ours", &one).expect("there is room");
    registry.forget(one.peer);
    let left = registry.discover(0, "ours", None, None).expect("it is told");
    let mut fresh = Registry::new(KEY);
    assert_eq!(Ok(left), fresh.discover(0, "ours", None, None));
}

/// The bound on an answer's bytes counts no less than is written.
#[test]
fn the_overhead_is_counted() {
    let key = Keypair::generate_ed25519();
    let signed = PeerRecord::new(&key, Vec::new()).expect("it is signed");
    let bytes = signed.into_signed_envelope().into_protobuf_encoding();
    let peer = key.public().to_peer_id();
    for (namespace, bytes) in [("n".repeat(NAMESPACE_BYTES_MAX), bytes), ("n".into(), Vec::new())] {
        let mut registry = registry();
        let record = Record { peer, bytes: bytes.into() };
        let counted = namespace.len() + record.bytes.len() + REGISTRATION_OVERHEAD_MAX;
        registry.put(0, &namespace, &record).expect("there is room");
        let mut found = registry.discover(0, &namespace, None, None).expect("it is told");
        let frame = |found: &Found| frame_response(&Response::Found(found.clone())).len();
        let with = frame(&found);
        found.registrations.clear();
        assert!(with - frame(&found) <= counted);
    }
}
