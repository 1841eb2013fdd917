//! Packets on their way, and refusals on their way back.
//!
//! A refusal goes back the way its message came, as this ion remembers it, and only
//! from whom this ion gave the message to: nobody can make others forget ways that it
//! is not part of. What a neighbour was given just before it went is refused in its
//! stead, for it may be lost. Bound: [`PASSED_MAX`] messages are remembered.

use std::collections::VecDeque;

use super::{
    Effect, LOST_MS, Routing, deliver,
    wire::{self, Header, Message, Obstacle, PATH_MAX, Refused},
};
use crate::{
    identity::{IonId, Signature},
    network::wire::encode,
    platform::Time,
};

/// Messages passed on, of which a refusal would be believed.
pub const PASSED_MAX: usize = 4_096;

/// Messages whose pieces are told apart though they come in turns.
const TOGETHER_MAX: usize = 64;

/// A message that was passed on lately.
#[derive(Debug)]
struct Passed {
    name: Name,
    /// From its origin to who brought it.
    path: Vec<IonId>,
    next: IonId,
    at: Time,
}

impl Passed {
    fn is(&self, name: &Name, next: &IonId) -> bool {
        self.name == *name && self.next == *next
    }
}

/// Those that were; the newest last.
#[derive(Debug, Default)]
pub(super) struct Passages(VecDeque<Passed>);

impl Passages {
    fn keep(&mut self, passed: Passed) {
        // Pieces of a message follow each other, those of others in between.
        let near = self.0.len().saturating_sub(TOGETHER_MAX);
        let same = self.0.range(near..).rposition(|one| one.is(&passed.name, &passed.next));
        same.and_then(|place| self.0.remove(near + place));
        if self.0.len() >= PASSED_MAX {
            self.0.pop_front();
        }
        self.0.push_back(passed);
    }

    /// Who brought a message that was given to `next`; once.
    fn take(&mut self, name: &Name, next: &IonId) -> Option<IonId> {
        let place = self.0.iter().rposition(|passed| passed.is(name, next))?;
        self.0.remove(place).and_then(|passed| passed.path.last().copied())
    }

    /// What was given to an ion lately; once.
    fn take_lost(&mut self, now: Time, next: &IonId) -> Vec<Passed> {
        let old = self.0.partition_point(|passed| now.since_ms(passed.at) >= LOST_MS);
        let mut lost = Vec::new();
        for passed in self.0.split_off(old) {
            if passed.next == *next { lost.push(passed) } else { self.0.push_back(passed) }
        }
        lost
    }
}

/// A piece of a message as a neighbour brought it.
pub(super) struct Packet {
    pub(super) header: Header,
    pub(super) sealed: Vec<u8>,
    pub(super) signature: Signature,
    pub(super) attempt: u8,
    pub(super) path: Vec<IonId>,
}

/// Which message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) origin: IonId,
    pub(super) to: IonId,
    pub(super) conversation: u64,
    pub(super) number: u64,
    pub(super) attempt: u8,
}

impl Routing {
    /// A packet came, for this ion or another.
    pub(super) fn packet(
        &mut self,
        now: Time,
        packet: Packet,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let from = packet.path[packet.path.len() - 1];
        if packet.header.to == self.own {
            return self.arrived(now, from, packet, effects);
        }
        if let Err(why) = self.learn_from(now, from, &packet) {
            return blamed(&packet.path, why);
        }
        let bytes = packet.sealed.len();
        if !self.charges.transit(now, from, packet.header.origin, bytes)
            || !self.outbox.has_room(from, bytes)
        {
            self.refuse(name_of(&packet), packet.path, Obstacle::Busy, effects);
            return Ok(());
        }
        let next = self.next_for(now, &packet);
        match next {
            Some(next) => self.carry_on(now, from, next, packet),
            None => self.refuse(name_of(&packet), packet.path, Obstacle::NoWay, effects),
        }
        Ok(())
    }

    fn arrived(
        &mut self,
        now: Time,
        from: IonId,
        packet: Packet,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let Packet { header, sealed, signature, path, .. } = packet;
        if header.origin == self.own || !self.inbox.wants(now, &header, sealed.len()) {
            return Ok(());
        }
        if !self.inbox.knows(&header) && !self.charges.newcomer(now, &from) {
            return Ok(());
        }
        if let Err(why) = wire::check_piece(&*self.keys, &header, &sealed, &signature) {
            return blamed(&path, why);
        }
        // It is signed, so only its origin can have sealed it badly.
        let Some(piece) = wire::open_piece(&*self.keys, &header, &sealed) else { return Ok(()) };
        self.paths.learn(now, header.origin, from);
        let hops = u16::try_from(path.len()).unwrap_or(u16::MAX);
        let whole = self.inbox.take(now, &header, piece, hops);
        effects.extend(whole.into_iter().map(deliver));
        Ok(())
    }

    /// A way back to the origin, when it is worth the check of a signature.
    fn learn_from(&mut self, now: Time, from: IonId, packet: &Packet) -> Result<(), Refused> {
        let Packet { header, sealed, signature, .. } = packet;
        let is_known = header.origin == self.own || self.neighbours.contains(&header.origin);
        if !is_known && self.paths.is_news(now, &header.origin, &from) {
            wire::check_piece(&*self.keys, header, sealed, signature)?;
            self.paths.learn(now, header.origin, from);
        }
        Ok(())
    }

    fn next_for(&self, now: Time, packet: &Packet) -> Option<IonId> {
        let Packet { header, path, .. } = packet;
        if path.contains(&self.own) || path.len() >= PATH_MAX {
            return None;
        }
        if self.neighbours.contains(&header.to) {
            return Some(header.to);
        }
        self.paths.next(now, &header.to, path)
    }

    fn carry_on(&mut self, now: Time, from: IonId, next: IonId, packet: Packet) {
        let name = name_of(&packet);
        let Packet { header, sealed, signature, attempt, mut path } = packet;
        self.passages.keep(Passed { name, path: path.clone(), next, at: now });
        path.push(self.own);
        let frame = encode(&Message::Packet { header, sealed, signature, attempt, path });
        self.outbox.push(from, next, frame);
    }

    /// Tells the last on the path that its message goes no further.
    fn refuse(&self, name: Name, path: Vec<IonId>, why: Obstacle, effects: &mut Vec<Effect>) {
        let Some(back) = path.last().copied() else { return };
        let Name { origin, to, conversation, number, attempt } = name;
        let refusal = Message::Refusal { origin, to, conversation, number, attempt, why, path };
        self.say(back, &refusal, effects);
    }

    /// A neighbour is gone: what it was given lately may be lost.
    pub(super) fn refuse_after(&mut self, now: Time, next: &IonId, effects: &mut Vec<Effect>) {
        for Passed { name, path, .. } in self.passages.take_lost(now, next) {
            self.refuse(name, path, Obstacle::NoWay, effects);
        }
    }

    /// A neighbour did not pass a message on.
    pub(super) fn refused(
        &mut self,
        now: Time,
        from: IonId,
        name: Name,
        why: Obstacle,
        mut path: Vec<IonId>,
        effects: &mut Vec<Effect>,
    ) {
        path.pop();
        let brought_by = self.passages.take(&name, &from);
        // Along the path that the message took, or it is made up.
        let is_own = name.origin == self.own;
        if path.last() != brought_by.as_ref() || (brought_by.is_none() && !is_own) {
            return;
        }
        if why == Obstacle::NoWay {
            self.paths.forget(&name.to, &from);
        }
        if is_own {
            self.write_again(now, from, name, why, effects);
        } else {
            self.refuse(name, path, why, effects);
        }
    }
}

fn name_of(packet: &Packet) -> Name {
    let Header { origin, to, conversation, number, .. } = packet.header;
    Name { origin, to, conversation, number, attempt: packet.attempt }
}

/// Blames who brought a forged packet, where it says to be the first to have
/// it. Whoever else brings one took it from a neighbour, whose own packets are
/// not checked on their way.
fn blamed(path: &[IonId], why: Refused) -> Result<(), Refused> {
    if path.len() == 1 { Err(why) } else { Ok(()) }
}
