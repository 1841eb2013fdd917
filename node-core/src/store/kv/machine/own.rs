//! What this ion writes.

use super::{DISK_AGAIN_MS, Effect, Error, Kv};
use crate::{
    platform::{Time, storage},
    store::kv::{
        entry::{Beginning, Body, Entry, Refusal},
        peers::AGAIN_MS,
        replica::Room,
        seal::GROUP_MAX,
        writes::{Change, Flight, Group, Record, Ticket, record},
    },
};

/// The ticket of what this ion writes again by itself; nobody waits for it.
const NOBODY: u64 = u64::MAX;
/// Entries that are written again at once.
const RESTAMPED_MAX: usize = 1_024;

impl Kv {
    pub(super) fn put(&mut self, ticket: u64, changes: Vec<Change>, effects: &mut Vec<Effect>) {
        if !(1..=GROUP_MAX).contains(&changes.len()) {
            return done(ticket, Err(Refusal::Group.into()), effects);
        }
        if !self.writes.queue(Ticket { number: ticket, changes, over: None }) {
            done(ticket, Err(Error::Busy), effects);
        }
    }

    /// Signs what waits and has it kept.
    pub(super) fn write_own(&mut self, effects: &mut Vec<Effect>) {
        // What is signed has to fit into what is told, with room for its form.
        let tickets = self.writes.next_tickets(self.told_bytes_max / 2);
        let mut room = self.replica.room_of(&self.keys.own());
        let mut group = Group { tickets: Vec::new(), entries: Vec::new() };
        let mut bodies: Vec<Body> = Vec::new();
        for Ticket { number, changes, over } in tickets {
            let before = (bodies.len(), room);
            match self.bodies(changes, over, &mut room, &mut bodies) {
                Ok(()) => group.tickets.push(number),
                Err(why) => {
                    bodies.truncate(before.0);
                    room = before.1;
                    done(number, Err(why), effects);
                }
            }
        }
        if bodies.is_empty() {
            return;
        }
        match Entry::sign_all(&*self.keys, bodies) {
            Ok(entries) => group.entries = entries,
            Err(why) => {
                return group
                    .tickets
                    .iter()
                    .for_each(|ticket| done(*ticket, Err(why.into()), effects));
            }
        }
        let records =
            group.entries.iter().map(|entry| (entry.path().into(), Some(record(entry, false))));
        let records: Vec<Record> = records.collect();
        effects.push(Effect::Write(self.writes.begin(Flight::Own(group)), records));
    }

    /// What is to be signed for the changes of one ticket.
    fn bodies(
        &mut self,
        changes: Vec<Change>,
        over: Option<Beginning>,
        room: &mut Room,
        bodies: &mut Vec<Body>,
    ) -> Result<(), Error> {
        for change in changes {
            let mut body = self.body(change, bodies);
            body.over = over.or(body.over);
            body.check()?;
            let standing_bytes = self.replica.standing_bytes(&body.key.path());
            if !room.take(standing_bytes, body.cost_bytes()) {
                return Err(Error::Full);
            }
            bodies.push(body);
        }
        Ok(())
    }

    fn body(&mut self, change: Change, before: &[Body]) -> Body {
        let Change { key, value, lasts_ms } = change;
        let stands = self.replica.table().get(&key.path()).map(Entry::beginning);
        let written = before.iter().rev().find(|body| body.key == key).map(Body::beginning);
        Body {
            value,
            stamp: self.replica.clock().tick(self.wall_ms),
            ends_ms: lasts_ms.map(|ms| self.wall_ms.saturating_add(ms)),
            author: self.keys.own(),
            over: written.or(stands),
            key,
        }
    }

    pub(super) fn written(
        &mut self,
        now: Time,
        number: u64,
        result: Result<(), storage::Error>,
        effects: &mut Vec<Effect>,
    ) {
        match (self.writes.end(number), result) {
            (Some(Flight::Own(group)), Ok(())) => self.kept(now, group, effects),
            (Some(Flight::Own(group)), Err(why)) => {
                for ticket in group.tickets {
                    done(ticket, Err(Error::Disk(why.clone())), effects);
                }
            }
            (Some(Flight::Behind(_)), Ok(())) => self.is_kept = true,
            // The others have it; this ion knows it until it ends.
            (Some(Flight::Behind(paths)), Err(why)) => {
                effects.extend(self.is_kept.then_some(Effect::NotKept(why)));
                (self.is_kept, self.behind_at) = (false, now.plus_ms(DISK_AGAIN_MS));
                for path in &paths {
                    self.writes.keep(path);
                }
            }
            (None, _) => {}
        }
    }

    /// What this ion wrote is on disk: it stands, and all are told.
    fn kept(&mut self, now: Time, group: Group, effects: &mut Vec<Effect>) {
        self.number += 1;
        for entry in &group.entries {
            self.written.insert(entry.path().into(), *entry.digest());
            if self.stands(entry) {
                self.unspread.insert(entry.path().into(), self.number);
                self.fresh.push(entry.clone());
            }
        }
        let told = Entry::encode_group(&group.entries);
        self.told = group.entries;
        self.peers.news(now, AGAIN_MS);
        if told.len() <= self.told_bytes_max {
            effects.push(Effect::Tell(told));
        } else {
            self.give_untold(effects);
        }
        for ticket in group.tickets {
            done(ticket, Ok(self.number), effects);
        }
    }

    /// Writes again what this ion wrote while its clock was ahead, so that
    /// nobody has to wait for its time.
    pub(super) fn restamp(&mut self) {
        let own = self.keys.own();
        let ticket = |entry: &Entry| {
            let body = entry.body();
            let lasts_ms = body.ends_ms.map(|ends_ms| ends_ms.saturating_sub(body.stamp.ms));
            let change = Change { key: body.key.clone(), value: body.value.clone(), lasts_ms };
            Ticket { number: NOBODY, changes: vec![change], over: Some(entry.beginning()) }
        };
        let is_own = |entry: &&Entry| self.written.get(entry.path()) == Some(entry.digest());
        let waiting = self.replica.waiting_of(&own).into_iter().filter(is_own);
        let waiting: Vec<Ticket> = waiting.take(RESTAMPED_MAX).map(ticket).collect();
        for ticket in waiting {
            let path = ticket.changes[0].key.path();
            // What finds no room now waits on for its time.
            if self.writes.queue(ticket) {
                self.written.remove(path.as_slice());
            }
        }
    }

    /// Neighbours hold more than they did: what they have need not be marked.
    pub(super) fn spread(&mut self) {
        let Some(level) = self.peers.spread() else { return };
        let spread: Vec<Box<[u8]>> = self
            .unspread
            .iter()
            .filter(|(_, number)| **number <= level)
            .map(|(path, _)| path.clone())
            .collect();
        for path in spread {
            self.unspread.remove(&path);
            self.writes.keep(&path);
        }
    }
}

fn done(ticket: u64, result: Result<u64, Error>, effects: &mut Vec<Effect>) {
    if ticket != NOBODY {
        effects.push(Effect::Done(ticket, result));
    }
}
