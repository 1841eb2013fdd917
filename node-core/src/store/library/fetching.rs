//! What is fetched and read: for the nebula, for the user, and for others.

use std::sync::Arc;

use super::{
    Effect, Error, Library, READ_BYTES_MAX, READ_MS_MAX, READS_MAX, Writing,
    gather::{Gather, Next, Purpose},
    held::{Held, Owner},
};
use crate::{
    identity::IonId,
    platform::Time,
    store::{
        chunk::Cid,
        exchange::{self, Failure, Offence, Order},
        replicas::{self, PART_BYTES, Part},
    },
};

impl Library {
    /// Lets the exchange take what waits for it, and does what it asks for.
    pub(super) fn exchange(&mut self, now: Time, effects: &mut Vec<Effect>) {
        while let Some(input) = self.queue.pop_front() {
            let mut asked = Vec::new();
            self.exchange.handle(now, input, &mut asked);
            for effect in asked {
                self.exchanged(now, effect, effects);
            }
        }
    }

    fn exchanged(&mut self, now: Time, effect: exchange::Effect, effects: &mut Vec<Effect>) {
        use exchange::Effect as Asked;
        match effect {
            Asked::Look(asker, cids) => {
                let is_here = |cid: &Cid| self.held.has(cid);
                // Reads are from disk in any case; while it is not known what
                // stands there, nothing does.
                let (have, lack) = cids.into_iter().partition(is_here);
                self.queue.push_back(exchange::Input::Looked { asker, have, lack });
            }
            Asked::Send(ion, frame) | Asked::Data(ion, frame) => {
                effects.push(Effect::Say(ion, frame));
            }
            Asked::Store(cid, bytes) => self.store(cid, bytes, effects),
            Asked::Read(cid) => {
                if self.reading.insert(cid, true).is_none() {
                    effects.push(Effect::Read(cid));
                }
            }
            Asked::Done(cid) => self.came(now, cid, effects),
            Asked::Failed(cid, Failure::TooMany) => {
                self.gathers.values_mut().for_each(|gather| gather.again(cid));
            }
            Asked::Failed(cid, Failure::Disk) => {
                let full = crate::platform::storage::Error::QuotaExceeded;
                self.give_up(now, &cid, &full.into(), effects);
            }
            Asked::Unavailable(cid) => self.unavailable(now, cid, effects),
            Asked::Corrupt(cid) => self.lose(now, &cid, effects),
            // Whoever is slow, or hidden, is asked for less by the exchange itself.
            Asked::Offence(_, Offence::Silent | Offence::Unasked) => {}
            Asked::Offence(ion, _) => effects.push(Effect::Offence(ion)),
        }
    }

    /// A verified block came: it is kept for all who wait for it.
    fn store(&mut self, cid: Cid, bytes: Vec<u8>, effects: &mut Vec<Effect>) {
        let waiting = self.gathers.values().filter(|gather| gather.asks(&cid));
        let owners: Vec<Owner> = waiting.map(|gather| gather.owner).collect();
        if owners.is_empty() || !self.held.has_room() {
            self.queue.push_back(exchange::Input::Stored(cid, false));
            return;
        }
        let size = (cid, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        let (mut changes, mut body) = (Vec::new(), Some(bytes));
        for owner in owners {
            changes.extend(self.held.own(owner, size, body.take()));
        }
        self.write(Writing::Fetched(cid), changes, effects);
    }

    fn came(&mut self, now: Time, cid: Cid, effects: &mut Vec<Effect>) {
        self.gathers.values_mut().for_each(|gather| gather.came(&cid));
        self.advance_gathers(now, effects);
    }

    /// Lets every gathering do its next step.
    pub(super) fn advance_gathers(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let numbers: Vec<u64> = self.gathers.keys().copied().collect();
        for number in numbers {
            self.advance_gather(now, number, effects);
        }
    }

    fn advance_gather(&mut self, now: Time, number: u64, effects: &mut Vec<Effect>) {
        let Some(gather) = self.gathers.get_mut(&number) else { return };
        match gather.next(&self.held) {
            Next::Wait => {}
            Next::Ledger(cid) => self.ask_disk(cid, effects),
            Next::Fetch(wanted) => {
                let order = match gather.purpose {
                    Purpose::Keep => Order::Bulk,
                    Purpose::Read(_) => Order::Playback,
                };
                self.queue.push_back(exchange::Input::Fetch(wanted, order));
            }
            Next::Ready if !gather.is_all_here(&self.held) => {}
            Next::Ready => self.gathered(number, effects),
            Next::Refused => self.end_gather(now, number, Err(Error::NoFile), effects),
        }
    }

    fn ask_disk(&mut self, cid: Cid, effects: &mut Vec<Effect>) {
        if !self.reading.contains_key(&cid) {
            self.reading.insert(cid, false);
            effects.push(Effect::Read(cid));
        }
    }

    /// All blocks of a range are here.
    fn gathered(&mut self, number: u64, effects: &mut Vec<Effect>) {
        let Some(gather) = self.gathers.get(&number) else { return };
        let owner = gather.owner;
        if let (Purpose::Keep, Owner::Part(part)) = (&gather.purpose, owner) {
            let mut changes = Vec::new();
            // All records, as a write that failed may have had some of them.
            for block in gather.blocks() {
                changes.extend(self.held.own(owner, block, None));
            }
            changes.push(Held::whole(owner));
            self.gathers.remove(&number);
            return self.write(Writing::Whole(part), changes, effects);
        }
        let unread = gather.blocks_unread();
        for cid in &unread {
            self.ask_disk(*cid, effects);
        }
        if unread.is_empty() {
            self.answer_read(number, effects);
        }
    }

    fn answer_read(&mut self, number: u64, effects: &mut Vec<Effect>) {
        let Some(gather) = self.gathers.remove(&number) else { return };
        if let Purpose::Read(request) = gather.purpose {
            effects.push(Effect::Bytes(request, gather.bytes().ok_or(Error::NoFile)));
        }
    }

    /// A block was read from disk.
    pub(super) fn read(
        &mut self,
        now: Time,
        cid: Cid,
        bytes: Option<Vec<u8>>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(is_for_others) = self.reading.remove(&cid) else { return };
        let is_good = bytes.as_deref().is_some_and(|bytes| self.give(cid, bytes));
        if !is_good && self.held.has(&cid) {
            self.lose(now, &cid, effects);
        }
        if is_for_others {
            let bytes = bytes.filter(|_| is_good).map(Arc::from);
            self.queue.push_back(exchange::Input::Read(cid, bytes));
        }
        self.advance_gathers(now, effects);
    }

    /// Gives bytes from disk to all who wait for them, each of whom verifies them,
    /// as the exchange does; whether nobody found them to be others.
    fn give(&mut self, cid: Cid, bytes: &[u8]) -> bool {
        self.gathers.values_mut().all(|gather| {
            gather.read(cid, bytes) && (gather.purpose == Purpose::Keep || gather.keep(cid, bytes))
        })
    }

    /// A block on disk is not what it should be, or was not written.
    pub(super) fn lose(&mut self, now: Time, cid: &Cid, effects: &mut Vec<Effect>) {
        let (losers, changes) = self.held.lose(cid);
        self.write(Writing::Drop, changes, effects);
        for loser in losers {
            if let Owner::Part(part) = loser {
                self.unsaid.insert(super::holdings::bucket(&part.file));
                let own = self.own;
                self.care(now, replicas::Input::Lacks(own, part), effects);
            }
        }
    }

    /// Nobody who is linked offers a block. Who holds the file, and is not
    /// linked, may be soon.
    fn unavailable(&mut self, now: Time, cid: Cid, effects: &mut Vec<Effect>) {
        let waiting: Vec<u64> = self
            .gathers
            .iter()
            .filter(|(_, gather)| gather.asks(&cid) && gather.purpose == Purpose::Keep)
            .map(|(number, _)| *number)
            .collect();
        for number in waiting {
            self.end_gather(now, number, Err(Error::Nowhere), effects);
        }
    }

    fn give_up(&mut self, now: Time, cid: &Cid, why: &Error, effects: &mut Vec<Effect>) {
        let waiting = self.gathers.iter().filter(|(_, gather)| gather.asks(cid));
        let waiting: Vec<u64> = waiting.map(|(number, _)| *number).collect();
        for number in waiting {
            self.end_gather(now, number, Err(why.clone()), effects);
        }
    }

    /// A gathering ends without what it was for.
    pub(super) fn end_gather(
        &mut self,
        now: Time,
        number: u64,
        result: Result<(), Error>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(gather) = self.gathers.remove(&number) else { return };
        let asked = gather.asked().copied();
        let unasked: Vec<Cid> =
            asked.filter(|cid| !self.gathers.values().any(|other| other.asks(cid))).collect();
        if !unasked.is_empty() {
            self.queue.push_back(exchange::Input::Forget(unasked));
        }
        match (gather.purpose, gather.owner, result) {
            (Purpose::Read(request), _, Err(why)) => {
                effects.push(Effect::Bytes(request, Err(why)));
            }
            (Purpose::Keep, Owner::Part(part), _) => self.kept(now, part, false, effects),
            _ => {}
        }
        self.is_changed = true;
    }

    /// A part is whole, or it could not be had.
    pub(super) fn kept(
        &mut self,
        now: Time,
        part: Part,
        is_whole: bool,
        effects: &mut Vec<Effect>,
    ) {
        if is_whole {
            self.held.set_whole(Owner::Part(part));
            self.unsaid.insert(super::holdings::bucket(&part.file));
        }
        self.is_changed = true;
        self.care(now, replicas::Input::Fetched(part, is_whole), effects);
    }

    /// Begins to fetch a part to keep it.
    pub(super) fn fetch_part(&mut self, now: Time, part: Part, effects: &mut Vec<Effect>) {
        let from = part.number.saturating_mul(PART_BYTES);
        let range = from..from.saturating_add(PART_BYTES);
        let gather = Gather::new(now, part.file, range, Owner::Part(part), Purpose::Keep);
        let number = self.next_number();
        self.gathers.insert(number, gather);
        self.advance_gather(now, number, effects);
    }

    pub(super) fn read_file(
        &mut self,
        now: Time,
        request: u64,
        (file, from, bytes): (Cid, u64, u32),
        effects: &mut Vec<Effect>,
    ) {
        let reads = self.gathers.values().filter(|gather| gather.purpose != Purpose::Keep).count();
        if reads == READS_MAX || bytes > READ_BYTES_MAX || !self.is_open() {
            return effects.push(Effect::Bytes(request, Err(Error::Busy)));
        }
        let range = from..from.saturating_add(u64::from(bytes));
        let gather = Gather::new(now, file, range, Owner::Visit(file), Purpose::Read(request));
        let number = self.next_number();
        self.gathers.insert(number, gather);
        self.advance_gather(now, number, effects);
    }

    pub(super) fn cancel_read(&mut self, request: u64) {
        let is_it = |gather: &Gather| gather.purpose == Purpose::Read(request);
        let numbers = self.gathers.iter().filter(|(_, gather)| is_it(gather));
        let numbers: Vec<u64> = numbers.map(|(number, _)| *number).collect();
        for number in numbers {
            let Some(gather) = self.gathers.remove(&number) else { continue };
            let asked: Vec<Cid> = gather.asked().copied().collect();
            let is_alone = |cid: &Cid| !self.gathers.values().any(|other| other.asks(cid));
            let alone: Vec<Cid> = asked.into_iter().filter(is_alone).collect();
            self.queue.push_back(exchange::Input::Forget(alone));
        }
    }

    pub(super) fn end_late_reads(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let is_late = |gather: &Gather| {
            gather.purpose != Purpose::Keep && now.since_ms(gather.since) >= READ_MS_MAX
        };
        let late = self.gathers.iter().filter(|(_, gather)| is_late(gather));
        let late: Vec<u64> = late.map(|(number, _)| *number).collect();
        for number in late {
            self.end_gather(now, number, Err(Error::Nowhere), effects);
        }
        self.advance_gathers(now, effects);
        self.seek_holders(effects);
    }

    /// Tells of ions that hold what is wanted and are not linked: that one is
    /// needed where no neighbour holds any of it.
    fn seek_holders(&self, effects: &mut Vec<Effect>) {
        for gather in self.gathers.values() {
            let holders = self.holdings.of_file(&gather.file);
            let is_needed = !holders.iter().any(|(ion, _)| self.links.contains(ion));
            let others =
                holders.iter().map(|(ion, _)| *ion).filter(|ion| !self.links.contains(ion));
            let live = others.filter(|ion| self.live.contains(ion));
            effects.extend(
                live.map(|ion| if is_needed { Effect::Needed(ion) } else { Effect::Useful(ion) }),
            );
        }
    }

    pub(super) fn link(&mut self, ions: Vec<IonId>) {
        let ions: ion_map::Set<IonId> = ions.into_iter().collect();
        for gone in self.links.iter().filter(|ion| !ions.contains(*ion)) {
            self.queue.push_back(exchange::Input::Lost(*gone));
        }
        for new in ions.iter().filter(|ion| !self.links.contains(*ion)) {
            self.queue.push_back(exchange::Input::Linked(*new));
        }
        self.links = ions;
    }

    pub(super) fn cut(&mut self, ion: IonId) {
        if self.links.contains(&ion) {
            self.queue.push_back(exchange::Input::Lost(ion));
            self.queue.push_back(exchange::Input::Linked(ion));
        }
    }
}
