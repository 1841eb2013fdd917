//! Messages that arrived for this ion: put together from their pieces, each
//! once, in order.
//!
//! What is promised, for one (origin, line): a message is delivered at most
//! once and never after a later one. What is not: that it arrives. A message
//! that does not come is waited for [`GAP_MS`] and then passed over; should it
//! come later it is dropped. An origin that begins a new conversation (it
//! restarted, or forgot this one) gives it a higher name and begins anew; older ones
//! are refused, so that whoever kept them can neither bring them again nor silence
//! the present one, until that was silent for [`CONVERSATION_MS`]: clocks are set
//! back, and names follow from them.
//!
//! Bounds: [`CONVERSATIONS_MAX`], those silent longest ended first: of [`ENDED_MAX`] is
//! remembered where they ended, so that nothing of them is delivered again; all
//! pieces and early messages together [`HELD_BYTES_MAX`], of one origin
//! [`HELD_BYTES_PER_ORIGIN_MAX`]; [`EARLY_MAX`] early messages per conversation;
//! pieces wait [`PIECES_MS`] for the rest. What need not wait is taken however much
//! does.

use ion_map::Map;

use super::wire::{Header, Line};
use crate::{identity::IonId, platform::Time};

/// Conversations that are remembered.
pub const CONVERSATIONS_MAX: usize = 1_024;
/// Conversations of which nothing is remembered but where they ended.
pub const ENDED_MAX: usize = 16_384;
/// How long a conversation is silent before an older one may take its place, in
/// milliseconds.
pub const CONVERSATION_MS: u64 = 600_000;
/// Everything that waits to be delivered, in bytes.
pub const HELD_BYTES_MAX: usize = 32 << 20;
/// What waits of one origin, in bytes: two messages of the largest kind.
pub const HELD_BYTES_PER_ORIGIN_MAX: usize = 9 << 20;
/// Messages of one conversation, whole or in part, that wait for earlier ones.
pub const EARLY_MAX: usize = 64;
/// How long an earlier message is waited for, in milliseconds.
pub const GAP_MS: u64 = 2_000;
/// How long pieces wait for the rest of their message, in milliseconds.
pub const PIECES_MS: u64 = 20_000;

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) from: IonId,
    pub(super) line: Line,
    pub(super) bytes: Vec<u8>,
    pub(super) hops: u16,
}

#[derive(Debug)]
struct Held {
    pieces: Map<u32, Vec<u8>>,
    of: u32,
    hops: u16,
    at: Time,
}

impl Held {
    fn is_whole(&self) -> bool {
        self.pieces.len() == self.of as usize
    }

    fn bytes(&self) -> usize {
        self.pieces.values().map(Vec::len).sum()
    }
}

#[derive(Debug)]
struct Conversation {
    id: u64,
    /// The number that is to be delivered next.
    next: u64,
    held: Map<u64, Held>,
    bytes: usize,
    /// When something was last delivered, or first heard.
    moved_at: Time,
    heard_at: Time,
}

impl Conversation {
    fn new(id: u64, next: u64, now: Time) -> Self {
        Self { id, next, held: Map::new(), bytes: 0, moved_at: now, heard_at: now }
    }

    fn is_next_whole(&self) -> bool {
        let first = self.held.first_key_value();
        first.is_some_and(|(number, held)| *number == self.next && held.is_whole())
    }
}

/// Where a conversation ended that gave way to others.
#[derive(Clone, Copy, Debug)]
struct Ended {
    id: u64,
    next: u64,
    heard_at: Time,
}

#[derive(Debug, Default)]
pub(super) struct Inbox {
    conversations: Map<(IonId, Line), Conversation>,
    ended: Map<(IonId, Line), Ended>,
    bytes: usize,
}

impl Inbox {
    /// Whether the piece is worth opening: not delivered before, of no old
    /// conversation, and there is room where it has to wait.
    pub(super) fn wants(&self, now: Time, header: &Header, bytes: usize) -> bool {
        let known = self.conversations.get(&(header.origin, header.line));
        let stand = known.map(|Conversation { id, next, heard_at, .. }| Ended {
            id: *id,
            next: *next,
            heard_at: *heard_at,
        });
        let stand = stand.or_else(|| self.ended.get(&(header.origin, header.line)).copied());
        let is_old = |stand: &Ended| {
            header.conversation < stand.id && now.since_ms(stand.heard_at) < CONVERSATION_MS
        };
        if stand.as_ref().is_some_and(is_old) {
            return false;
        }
        let stand = stand.filter(|stand| stand.id == header.conversation);
        let next = stand.map_or(0, |stand| stand.next);
        let known = known.filter(|known| known.id == header.conversation);
        let held = known.and_then(|known| known.held.get(&header.number));
        let is_new = held.is_none_or(|held| {
            held.of == header.pieces && !held.pieces.contains_key(&header.piece)
        });
        let is_next = header.number == next;
        let early = known.map_or(0, |known| known.held.len());
        let has_place = held.is_some() || early < EARLY_MAX || is_next;
        let may_wait = has_place && self.has_room(&header.origin, bytes);
        header.number >= next && is_new && (may_wait || is_next && header.pieces == 1)
    }

    /// Whether anything is remembered of what that origin said on that line.
    pub(super) fn knows(&self, header: &Header) -> bool {
        let key = (header.origin, header.line);
        self.conversations.contains_key(&key) || self.ended.contains_key(&key)
    }

    fn has_room(&self, origin: &IonId, bytes: usize) -> bool {
        let lines = Line::ROUTED.iter();
        let of_origin = lines.filter_map(|line| self.conversations.get(&(*origin, *line)));
        let waiting: usize = of_origin.map(|known| known.bytes).sum();
        self.bytes + bytes <= HELD_BYTES_MAX && waiting + bytes <= HELD_BYTES_PER_ORIGIN_MAX
    }

    /// Takes a verified piece that it [`wants`](Self::wants); gives what can be
    /// delivered now.
    pub(super) fn take(
        &mut self,
        now: Time,
        header: &Header,
        piece: Vec<u8>,
        hops: u16,
    ) -> Vec<Arrived> {
        let key = (header.origin, header.line);
        self.make_room(&key);
        let ended = self.ended.remove(&key).filter(|ended| ended.id == header.conversation);
        let next = ended.map_or(0, |ended| ended.next);
        let new = || Conversation::new(header.conversation, next, now);
        let conversation = self.conversations.entry(key).or_insert_with(new);
        if conversation.id != header.conversation {
            self.bytes -= conversation.bytes;
            *conversation = new();
        }
        conversation.heard_at = now;
        if conversation.held.is_empty() {
            conversation.moved_at = now;
        }
        conversation.bytes += piece.len();
        self.bytes += piece.len();
        let new = || Held { pieces: Map::new(), of: header.pieces, hops, at: now };
        let held = conversation.held.entry(header.number).or_insert_with(new);
        held.pieces.insert(header.piece, piece);
        held.at = now;
        self.deliver(now, key)
    }

    /// Passes over what did not come, and drops pieces whose rest did not.
    pub(super) fn tick(&mut self, now: Time) -> Vec<Arrived> {
        let busy = self.conversations.iter().filter(|(_, known)| !known.held.is_empty());
        let busy: Vec<_> = busy.map(|(key, _)| *key).collect();
        let mut arrived = Vec::new();
        for key in busy {
            self.pass_over(now, key);
            arrived.extend(self.deliver(now, key));
        }
        arrived
    }

    fn pass_over(&mut self, now: Time, key: (IonId, Line)) {
        let Some(known) = self.conversations.get_mut(&key) else { return };
        let stale = |held: &Held| !held.is_whole() && now.since_ms(held.at) >= PIECES_MS;
        let before = known.bytes;
        known.held.retain(|_, held| !stale(held));
        known.bytes = known.held.values().map(Held::bytes).sum();
        self.bytes -= before - known.bytes;
        let is_late = now.since_ms(known.moved_at) >= GAP_MS;
        // A message that is coming in piece by piece is waited for.
        let first = known.held.iter().find(|(_, held)| held.is_whole());
        let waits = known
            .held
            .first_key_value()
            .is_some_and(|(_, held)| !held.is_whole() && now.since_ms(held.at) < GAP_MS);
        if let (true, false, Some((number, _))) = (is_late, waits, first) {
            let number = *number;
            let dropped: usize = known.held.range(..number).map(|(_, held)| held.bytes()).sum();
            known.held = known.held.split_off(&number);
            known.bytes -= dropped;
            self.bytes -= dropped;
            known.next = number;
        }
    }

    fn deliver(&mut self, now: Time, (from, line): (IonId, Line)) -> Vec<Arrived> {
        let mut arrived = Vec::new();
        let Some(known) = self.conversations.get_mut(&(from, line)) else { return arrived };
        while known.is_next_whole() {
            let Some((_, held)) = known.held.pop_first() else { break };
            known.next = known.next.saturating_add(1);
            known.moved_at = now;
            known.bytes -= held.bytes();
            self.bytes -= held.bytes();
            let bytes = held.pieces.into_values().flatten().collect();
            arrived.push(Arrived { from, line, bytes, hops: held.hops });
        }
        arrived
    }

    fn make_room(&mut self, key: &(IonId, Line)) {
        if self.conversations.len() < CONVERSATIONS_MAX || self.conversations.contains_key(key) {
            return;
        }
        let silent = self.conversations.iter().min_by_key(|(_, known)| known.heard_at);
        let Some(silent) = silent.map(|(key, _)| *key) else { return };
        if let Some(known) = self.conversations.remove(&silent) {
            self.bytes -= known.bytes;
            if self.ended.len() >= ENDED_MAX {
                let first = self.ended.iter().min_by_key(|(_, ended)| ended.heard_at);
                first.map(|(key, _)| *key).and_then(|key| self.ended.remove(&key));
            }
            let Conversation { id, next, heard_at, .. } = known;
            self.ended.insert(silent, Ended { id, next, heard_at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::wire::Room;

    const LINE: Line = Line::Room(Room::Compute);

    fn header(salt: u8, conversation: u64, number: u64, piece: u32, pieces: u32) -> Header {
        let (origin, to) = (IonId::from_bytes([salt; 32]), IonId::from_bytes([0; 32]));
        let line = LINE;
        Header { origin, to, line, conversation, number, piece, pieces }
    }

    fn take(inbox: &mut Inbox, ms: u64, header: &Header, bytes: &[u8]) -> Vec<Vec<u8>> {
        if !inbox.wants(Time::from_ms(ms), header, bytes.len()) {
            return Vec::new();
        }
        let arrived = inbox.take(Time::from_ms(ms), header, bytes.to_vec(), 1);
        arrived.into_iter().map(|arrived| arrived.bytes).collect()
    }

    fn tick(inbox: &mut Inbox, ms: u64) -> Vec<Vec<u8>> {
        inbox.tick(Time::from_ms(ms)).into_iter().map(|arrived| arrived.bytes).collect()
    }

    #[test]
    fn messages_come_once_and_in_order() {
        let mut inbox = Inbox::default();
        assert_eq!(take(&mut inbox, 0, &header(1, 7, 1, 0, 1), b"b"), Vec::<Vec<u8>>::new());
        assert_eq!(take(&mut inbox, 1, &header(1, 7, 0, 0, 1), b"a"), [b"a", b"b"]);
        for number in 0..2 {
            assert!(!inbox.wants(Time::ZERO, &header(1, 7, number, 0, 1), 1), "{number}");
        }
        assert_eq!(inbox.bytes, 0);
    }

    #[test]
    fn pieces_are_put_together_in_any_order() {
        let mut inbox = Inbox::default();
        assert!(take(&mut inbox, 0, &header(1, 7, 0, 2, 3), b"c").is_empty());
        assert!(take(&mut inbox, 0, &header(1, 7, 0, 0, 3), b"a").is_empty());
        assert!(!inbox.wants(Time::ZERO, &header(1, 7, 0, 0, 3), 1));
        assert!(!inbox.wants(Time::ZERO, &header(1, 7, 0, 1, 2), 1));
        assert_eq!(take(&mut inbox, 0, &header(1, 7, 0, 1, 3), b"b"), [b"abc"]);
    }

    #[test]
    fn what_does_not_come_is_passed_over_and_dropped_later() {
        let mut inbox = Inbox::default();
        take(&mut inbox, 0, &header(1, 7, 1, 0, 1), b"b");
        assert!(tick(&mut inbox, GAP_MS - 1).is_empty());
        assert_eq!(tick(&mut inbox, GAP_MS), [b"b"]);
        assert!(!inbox.wants(Time::from_ms(GAP_MS), &header(1, 7, 0, 0, 1), 1));
    }

    #[test]
    fn a_new_conversation_begins_anew_and_old_ones_are_refused() {
        let mut inbox = Inbox::default();
        assert_eq!(take(&mut inbox, 0, &header(1, 7, 0, 0, 1), b"a"), [b"a"]);
        take(&mut inbox, 0, &header(1, 7, 2, 0, 1), b"c");
        assert_eq!(take(&mut inbox, 1, &header(1, 8, 0, 0, 1), b"d"), [b"d"]);
        let silent_ms = CONVERSATION_MS + 1;
        for (ms, is_wanted) in [(1, false), (silent_ms - 1, false), (silent_ms, true)] {
            assert_eq!(inbox.wants(Time::from_ms(ms), &header(1, 7, 1, 0, 1), 1), is_wanted);
        }
        assert_eq!(inbox.bytes, 0);
    }

    /// Somebody kept what was said in many lives of the origin.
    #[test]
    fn what_is_brought_again_silences_nobody() {
        let mut inbox = Inbox::default();
        for conversation in 1..20 {
            assert_eq!(take(&mut inbox, 0, &header(1, conversation, 0, 0, 1), b"a"), [b"a"]);
        }
        for conversation in 1..19 {
            assert!(take(&mut inbox, 1, &header(1, conversation, 0, 0, 1), b"a").is_empty());
        }
        assert_eq!(take(&mut inbox, 2, &header(1, 19, 1, 0, 1), b"b"), [b"b"]);
    }

    #[test]
    fn who_fills_what_may_wait_makes_nobody_deaf() {
        let mut inbox = Inbox::default();
        let piece = vec![0; 1 << 20];
        for line in Line::ROUTED {
            for number in 1..20 {
                let header = Header { line, ..header(1, 7, number, 0, 2) };
                take(&mut inbox, 0, &header, &piece);
            }
        }
        assert!(inbox.bytes <= HELD_BYTES_PER_ORIGIN_MAX, "{}", inbox.bytes);
        for salt in 2..40 {
            for number in 1..20 {
                take(&mut inbox, 0, &header(salt, 7, number, 0, 2), &piece);
            }
        }
        assert!(!inbox.wants(Time::ZERO, &header(50, 7, 1, 0, 1), piece.len()));
        assert_eq!(take(&mut inbox, 0, &header(50, 7, 0, 0, 1), &piece), [&piece[..]]);
        assert_eq!(take(&mut inbox, 0, &header(50, 7, 1, 0, 1), &piece), [&piece[..]]);
    }

    #[test]
    fn what_waits_has_limits_and_ends() {
        let mut inbox = Inbox::default();
        let piece = vec![0; 1 << 20];
        for salt in 0..40 {
            for number in 1..20 {
                take(&mut inbox, 0, &header(salt, 7, number, 0, 2), &piece);
            }
        }
        assert!(inbox.bytes <= HELD_BYTES_MAX);
        let one = &inbox.conversations.values().next().expect("there are some");
        assert!(one.bytes <= HELD_BYTES_PER_ORIGIN_MAX);
        assert!(tick(&mut inbox, PIECES_MS).is_empty());
        assert_eq!(inbox.bytes, 0);
        for number in 0..=CONVERSATIONS_MAX as u64 {
            let bytes = *blake3::hash(&number.to_le_bytes()).as_bytes();
            let header = Header { origin: IonId::from_bytes(bytes), ..header(0, 1, 1, 0, 1) };
            take(&mut inbox, number, &header, b"x");
        }
        assert_eq!(inbox.conversations.len(), CONVERSATIONS_MAX);
    }

    #[test]
    fn what_was_delivered_stays_so_however_many_others_write() {
        let made_up = |number: u64| {
            let bytes = *blake3::hash(&number.to_le_bytes()).as_bytes();
            Header { origin: IonId::from_bytes(bytes), ..header(0, 1, 0, 0, 1) }
        };
        let mut inbox = Inbox::default();
        assert_eq!(take(&mut inbox, 0, &header(50, 7, 0, 0, 1), b"once"), [b"once"]);
        for number in 0..=CONVERSATIONS_MAX as u64 {
            take(&mut inbox, 1 + number, &made_up(number), b"x");
        }
        assert!(!inbox.conversations.contains_key(&(IonId::from_bytes([50; 32]), LINE)));
        assert!(take(&mut inbox, 9_000, &header(50, 7, 0, 0, 1), b"once").is_empty());
        assert!(take(&mut inbox, 9_000, &header(50, 6, 1, 0, 1), b"older").is_empty());
        assert_eq!(take(&mut inbox, 9_000, &header(50, 7, 1, 0, 1), b"next"), [b"next"]);
        for number in 0..(ENDED_MAX + 2 * CONVERSATIONS_MAX) as u64 {
            take(&mut inbox, 10_000 + number, &made_up(number), b"x");
        }
        assert_eq!(inbox.ended.len(), ENDED_MAX);
    }
}
