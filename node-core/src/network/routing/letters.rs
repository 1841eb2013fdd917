//! This ion's own messages: numbered, sent, searched for, sent again, given up.
//!
//! Signals are not searched for: whoever is not reached by a known way is no better
//! a neighbour than another, and a search costs everybody a frame a link.

use std::{collections::VecDeque, sync::Arc};

use ion_map::Map;

use super::{
    Effect, Routing, Why,
    asks::search_ms_max,
    transit::Name,
    wire::{self, Header, Line, Message, Obstacle, PIECE_BYTES_MAX},
};
use crate::{identity::IonId, network::wire::encode, platform::Time};

/// Layers of the searches for an ion, one after the other.
pub const RINGS: [u8; 3] = [1, 3, wire::ECHO_MAX];
/// Ions that are searched for at once.
pub const SEARCHES_MAX: usize = 64;
/// Messages that wait for a search, in bytes.
pub const PENDING_BYTES_MAX: usize = 16 << 20;
/// How often a message is sent at most, but see [`PATIENCE_MS`].
pub const ATTEMPTS_MAX: u8 = 3;
/// How long a message is kept, to be sent again when it is refused, in
/// milliseconds.
pub const SENT_MS: u64 = 5_000;
/// Messages that are kept so, in bytes.
pub const SENT_BYTES_MAX: usize = 8 << 20;
/// How long an ion that was not found is not searched for, in milliseconds.
pub const NOT_FOUND_MS: u64 = 3_000;
/// Conversations whose numbers are remembered; one that is forgotten begins
/// anew, as another conversation.
pub const TALKS_MAX: usize = 1_024;
/// How long before a neighbour went what left by it may have been lost with it,
/// in milliseconds.
pub const LOST_MS: u64 = 1_500;
/// How long a search for an ion that is known to live rests when nobody found
/// it, in milliseconds: links may just be made, or ways just be lost.
pub const REST_MS: u64 = 500;
/// How long a message to an ion that is known to live is searched for again and
/// sent again, however often that was in vain, in milliseconds.
pub const PATIENCE_MS: u64 = 4_000;
/// How long a search takes in which every ring takes as long as it may, in
/// milliseconds.
const SEARCH_MS_MAX: u64 =
    search_ms_max(RINGS[0]) + search_ms_max(RINGS[1]) + search_ms_max(RINGS[2]);
const _: () = assert!(
    PATIENCE_MS + REST_MS + search_ms_max(RINGS[2]) <= SEARCH_MS_MAX,
    "a search that rests ends no later than one that never rests"
);
/// After how long a message that can't be delivered is given up, in
/// milliseconds: a refusal after every attempt, and one search.
pub const UNREACHABLE_MS_MAX: u64 = ATTEMPTS_MAX as u64 * SENT_MS + SEARCH_MS_MAX;

/// A message that the caller hands in.
pub(super) struct Post {
    pub(super) line: Line,
    pub(super) bytes: Vec<u8>,
    pub(super) is_there: bool,
}

/// A message on its way.
#[derive(Clone, Debug)]
struct Letter {
    line: Line,
    conversation: u64,
    number: u64,
    bytes: Arc<[u8]>,
    attempt: u8,
    /// Since when it is to be brought.
    since: Time,
    /// Whether its addressee is known to live.
    is_there: bool,
}

impl Letter {
    /// Known ways were tried in vain: next, it is searched for.
    const fn is_last_try(&self) -> bool {
        self.attempt + 1 >= ATTEMPTS_MAX
    }

    /// Whether a way that was not found, or that led nowhere, may be found soon.
    fn is_worth_waiting_for(&self, now: Time) -> bool {
        self.is_there && now.since_ms(self.since) < PATIENCE_MS
    }
}

/// One that was sent, lately.
#[derive(Debug)]
struct Sent {
    to: IonId,
    via: IonId,
    at: Time,
    letter: Letter,
}

/// Messages that wait for a way.
#[derive(Debug)]
struct Search {
    ring: usize,
    letters: VecDeque<Letter>,
    /// Until then nobody is asked; `None` while somebody is.
    rests_until: Option<Time>,
}

impl Search {
    /// Nobody found the ion. Whether that may change soon; then it rests, and the
    /// widest ring is asked again.
    fn rests(&mut self, now: Time) -> bool {
        let may_rest = self.letters.iter().any(|letter| letter.is_worth_waiting_for(now));
        if may_rest {
            self.ring = RINGS.len() - 1;
            self.rests_until = Some(now.plus_ms(REST_MS));
        }
        may_rest
    }
}

#[derive(Debug)]
struct Talk {
    conversation: u64,
    next: u64,
    at: Time,
}

#[derive(Debug, Default)]
pub(super) struct Letters {
    talks: Map<(IonId, Line), Talk>,
    searches: Map<IonId, Search>,
    pending_bytes: usize,
    sent: VecDeque<Sent>,
    sent_bytes: usize,
    not_found: Map<IonId, Time>,
}

impl Routing {
    /// The caller writes to an ion.
    pub(super) fn write(&mut self, now: Time, to: IonId, post: Post, effects: &mut Vec<Effect>) {
        let Post { line, bytes, is_there } = post;
        if bytes.len() > line.bytes_max() {
            return give_up(to, Why::TooLong, 1, effects);
        }
        if to == self.own {
            return effects.push(Effect::Deliver { from: to, line, bytes, hops: 0 });
        }
        if let Some(why) = self.refusal(now, &to, bytes.len(), is_there) {
            return give_up(to, why, 1, effects);
        }
        let (conversation, number) = self.number(now, to, line);
        let (bytes, attempt, since) = (bytes.into(), 0, now);
        let letter = Letter { line, conversation, number, bytes, attempt, since, is_there };
        self.post(now, to, letter, effects);
    }

    /// Why a message can't even be tried.
    fn refusal(&self, now: Time, to: &IonId, bytes: usize, is_there: bool) -> Option<Why> {
        if self.neighbours.is_empty() && !is_there {
            return Some(Why::Alone);
        }
        let pending = self.letters.pending_bytes.saturating_add(bytes);
        if pending > PENDING_BYTES_MAX || !self.outbox.has_room(self.own, bytes) {
            return Some(Why::Full);
        }
        let is_known = self.next_hop(now, to).is_some();
        let lately = self.letters.not_found.get(to);
        let is_lost = lately.is_some_and(|at| now.since_ms(*at) < NOT_FOUND_MS);
        (is_lost && !is_known).then_some(Why::NotFound)
    }

    fn number(&mut self, now: Time, to: IonId, line: Line) -> (u64, u64) {
        let conversation = self.name();
        let talks = &mut self.letters.talks;
        if talks.len() >= TALKS_MAX && !talks.contains_key(&(to, line)) {
            let silent = talks.iter().min_by_key(|(_, talk)| talk.at).map(|(key, _)| *key);
            silent.and_then(|key| talks.remove(&key));
        }
        let talk =
            talks.entry((to, line)).or_insert_with(|| Talk { conversation, next: 0, at: now });
        talk.at = now;
        talk.next += 1;
        (talk.conversation, talk.next - 1)
    }

    /// Sends a message, or searches for its addressee; behind what waits already.
    fn post(&mut self, now: Time, to: IonId, letter: Letter, effects: &mut Vec<Effect>) {
        if let Some(search) = self.letters.searches.get_mut(&to) {
            self.letters.pending_bytes += letter.bytes.len();
            return search.letters.push_back(letter);
        }
        match self.next_hop(now, &to) {
            Some(via) if !letter.is_last_try() || via == to => {
                self.send(now, to, via, letter, effects);
            }
            // Another ion will do for a link: that is not worth asking everybody.
            _ if letter.line == Line::Signal => {
                give_up(to, Why::NotFound, 1, effects);
            }
            _ if self.letters.searches.len() >= SEARCHES_MAX => {
                give_up(to, Why::Full, 1, effects);
            }
            _ => {
                self.letters.pending_bytes += letter.bytes.len();
                let was_found = letter.attempt >= ATTEMPTS_MAX;
                let letters = VecDeque::from([letter]);
                let mut search = Search { ring: 0, letters, rests_until: None };
                // The way that was found led nowhere: it changes just now.
                let rests = was_found && search.rests(now);
                self.letters.searches.insert(to, search);
                if !rests {
                    self.search_on(now, to, effects);
                }
            }
        }
    }

    fn search_on(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(search) = self.letters.searches.get_mut(&ion) else { return };
        search.rests_until = None;
        let ring = RINGS.get(search.ring).copied();
        if ring.is_none() && search.rests(now) {
            return;
        }
        search.ring += 1;
        if !ring.is_some_and(|echo| self.search(now, ion, echo, effects)) {
            let letters = self.end_search(ion).map_or(0, |search| search.letters.len());
            self.letters.not_found.insert(ion, now);
            let why = if self.neighbours.is_empty() { Why::Alone } else { Why::NotFound };
            give_up(ion, why, letters, effects);
        }
    }

    fn end_search(&mut self, ion: IonId) -> Option<Search> {
        let search = self.letters.searches.remove(&ion)?;
        let bytes: usize = search.letters.iter().map(|letter| letter.bytes.len()).sum();
        self.letters.pending_bytes -= bytes;
        Some(search)
    }

    /// A search has ended.
    pub(super) fn searched(
        &mut self,
        now: Time,
        ion: IonId,
        is_found: bool,
        effects: &mut Vec<Effect>,
    ) {
        // A way may have been learned otherwise meanwhile.
        if !is_found && self.next_hop(now, &ion).is_none() {
            return self.search_on(now, ion, effects);
        }
        let Some(search) = self.end_search(ion) else { return };
        let Some(via) = self.next_hop(now, &ion) else {
            return give_up(ion, Why::NotFound, search.letters.len(), effects);
        };
        for letter in search.letters {
            let attempt = letter.attempt.max(ATTEMPTS_MAX - 1);
            // Who answered lives, whether or not it was heard of before.
            let is_there = letter.is_there || is_found;
            self.send(now, ion, via, Letter { attempt, is_there, ..letter }, effects);
        }
    }

    fn send(
        &mut self,
        now: Time,
        to: IonId,
        via: IonId,
        letter: Letter,
        effects: &mut Vec<Effect>,
    ) {
        let pieces = letter.bytes.chunks(PIECE_BYTES_MAX).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let pieces = if pieces.is_empty() { vec![Vec::new()] } else { pieces };
        let count = u32::try_from(pieces.len()).expect("a message has few pieces");
        if !self.outbox.has_room(self.own, letter.bytes.len()) {
            return give_up(to, Why::Full, 1, effects);
        }
        for (piece, body) in (0..).zip(pieces) {
            let Letter { line, conversation, number, attempt, .. } = letter;
            let origin = self.own;
            let header = Header { origin, to, line, conversation, number, piece, pieces: count };
            let Some((sealed, signature)) = wire::seal_piece(&*self.keys, &header, &body) else {
                return give_up(to, Why::NoSuchIon, 1, effects);
            };
            let path = vec![self.own];
            let frame = encode(&Message::Packet { header, sealed, signature, attempt, path });
            self.outbox.push(self.own, via, frame);
        }
        self.letters.keep(Sent { to, via, at: now, letter });
    }

    /// A message was refused on its way.
    pub(super) fn write_again(
        &mut self,
        now: Time,
        via: IonId,
        name: Name,
        why: Obstacle,
        effects: &mut Vec<Effect>,
    ) {
        let is_it = |sent: &Sent| {
            let letter = &sent.letter;
            sent.to == name.to
                && sent.via == via
                && (letter.conversation, letter.number, letter.attempt)
                    == (name.conversation, name.number, name.attempt)
        };
        let Some(sent) = self.letters.take_sent(is_it) else { return };
        self.retry(now, sent, why, effects);
    }

    /// A neighbour is gone: what left by it lately may be lost.
    pub(super) fn write_again_after(&mut self, now: Time, via: &IonId, effects: &mut Vec<Effect>) {
        let is_it = |sent: &Sent| sent.via == *via && now.since_ms(sent.at) < LOST_MS;
        while let Some(sent) = self.letters.take_sent(is_it) {
            self.retry(now, sent, Obstacle::NoWay, effects);
        }
    }

    fn retry(&mut self, now: Time, sent: Sent, why: Obstacle, effects: &mut Vec<Effect>) {
        let Sent { to, mut letter, .. } = sent;
        let may_retry = !letter.is_last_try() || letter.is_worth_waiting_for(now);
        letter.attempt = letter.attempt.saturating_add(1);
        if may_retry && why == Obstacle::NoWay {
            return self.post(now, to, letter, effects);
        }
        let why = if why == Obstacle::Busy { Why::Busy } else { Why::NotFound };
        give_up(to, why, 1, effects);
    }

    /// Goes on with searches that have rested, or whose way was learned
    /// meanwhile.
    pub(super) fn search_again(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let resting = self.letters.searches.iter().filter_map(|(ion, search)| {
            let until = search.rests_until?;
            (now >= until || self.next_hop(now, ion).is_some()).then_some(*ion)
        });
        for ion in resting.collect::<Vec<_>>() {
            self.searched(now, ion, false, effects);
        }
    }

    /// Forgets what is old.
    pub(super) fn end_letters(&mut self, now: Time) {
        self.letters.shrink(now);
        self.letters.not_found.retain(|_, at| now.since_ms(*at) < NOT_FOUND_MS);
    }
}

impl Letters {
    fn keep(&mut self, sent: Sent) {
        let now = sent.at;
        self.sent_bytes += sent.letter.bytes.len();
        self.sent.push_back(sent);
        self.shrink(now);
    }

    fn shrink(&mut self, now: Time) {
        while let Some(oldest) = self.sent.front() {
            if now.since_ms(oldest.at) < SENT_MS && self.sent_bytes <= SENT_BYTES_MAX {
                break;
            }
            self.sent_bytes -= oldest.letter.bytes.len();
            self.sent.pop_front();
        }
    }

    fn take_sent(&mut self, is_it: impl Fn(&Sent) -> bool) -> Option<Sent> {
        let index = self.sent.iter().position(is_it)?;
        let sent = self.sent.remove(index)?;
        self.sent_bytes -= sent.letter.bytes.len();
        Some(sent)
    }
}

fn give_up(to: IonId, why: Why, messages: usize, effects: &mut Vec<Effect>) {
    if messages > 0 {
        effects.push(Effect::Unreachable { to, why, messages });
    }
}
