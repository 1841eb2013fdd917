//! Names, and the copies that they ask for.

use ion_map::{LongMap, Set};
use serde_bytes::ByteBuf;

use super::{
    AUTHOR_PARTS_MAX, CARE_MS, Disk, Effect, GIVES_MIB, LEFT_MS, Library, NEW_MS, ORPHAN_MS,
    Putter, Putting, STATEMENT_MS, TELL_MS, Wanted,
    gather::Purpose,
    held::Owner,
    holdings::{self, BUCKETS, Statement, of_key},
};
use crate::{
    identity::IonId,
    platform::Time,
    store::{
        chunk::Cid,
        files::{File, Row, SPACE, goal},
        kv::{self, Entry, Space},
        replicas::{self, PART_BYTES, Part, placement::Offer},
    },
};

/// What files that the user only looked at may take, in bytes.
const VISITS_BYTES_MAX: u64 = 256 << 20;
/// What an ion offers of which nothing is known: what it does unless it says
/// otherwise.
const USUAL_OFFER: Offer = Offer { capacity_mib: GIVES_MIB, has_room: true, is_leaving: false };
/// What an ion offers at most whose blocks end with the tab, in MiB.
const UNKEPT_MIB: u32 = 128;
/// How long a full disk is taken to stay so, in milliseconds.
const FULL_MS: u64 = 600_000;
/// Statements that are said at once: more together may be too long to be told.
const STATEMENTS_MAX: usize = 16;
const MIB: u64 = 1 << 20;

impl Library {
    /// Takes what stands in the shared memory now.
    pub(super) fn entries(&mut self, now: Time, entries: &[Entry], effects: &mut Vec<Effect>) {
        for entry in entries {
            let body = entry.body();
            if let Some(place) = of_key(&body.key) {
                if place.0 == self.own {
                    self.said.insert(place.1);
                } else {
                    let (gone, new) =
                        self.holdings.take(place, body.value.as_ref().map(|value| &value[..]));
                    self.stated(now, place.0, gone, new, effects);
                }
                continue;
            }
            if body.key.space != Space::Members(SPACE.to_owned()) {
                continue;
            }
            let name = body.key.name.as_str();
            let row = body.value.as_ref().map(|value| {
                let (author, stamp) = (body.author, body.stamp);
                Row { name, value, author, stamp }
            });
            let (gone, new) = self.tree.take(name, row);
            if let Some((file, stamp)) = new {
                let path = name.rsplit_once("//").map_or(name, |(path, _)| path);
                self.want(now, &file, (body.author, stamp.ms, path), effects);
            }
            if let Some(file) = gone {
                self.unwant(now, &file.manifest, effects);
                // Another path may want fewer copies.
                self.has_new_goals = true;
            }
            self.has_new_goals |= goal::path_of(name).is_some();
            self.is_changed = true;
        }
    }

    fn stated(
        &mut self,
        now: Time,
        ion: IonId,
        gone: Vec<Part>,
        new: Vec<Part>,
        effects: &mut Vec<Effect>,
    ) {
        self.is_changed = true;
        for part in gone {
            self.care(now, replicas::Input::Lacks(ion, part), effects);
        }
        for part in new {
            self.care(now, replicas::Input::Holds(ion, part), effects);
        }
    }

    /// One more version names a file: by whom, when and where.
    fn want(
        &mut self,
        now: Time,
        file: &File,
        (author, at_ms, path): (IonId, u64, &str),
        effects: &mut Vec<Effect>,
    ) {
        let goal = self.tree.goal(path).copies;
        if let Some(wanted) = self.wanted.get_mut(&file.manifest) {
            wanted.versions += 1;
            self.has_new_goals |= wanted.goal != goal;
            return;
        }
        let share = self.shares.entry(author).or_default();
        let more = *share + parts_count(file.size);
        let author = (more <= AUTHOR_PARTS_MAX).then_some(author);
        if author.is_some() {
            *share = more;
        }
        let new_until_ms = at_ms.saturating_add(NEW_MS);
        let wanted = Wanted { bytes: file.size, versions: 1, new_until_ms, goal, author };
        self.wanted.insert(file.manifest, wanted);
        if author.is_none() {
            return;
        }
        self.wish(now, &file.manifest, effects);
        for (ion, part) in self.holdings.of_file(&file.manifest) {
            self.care(now, replicas::Input::Holds(ion, part), effects);
        }
        for part in parts(file.manifest, file.size) {
            if self.held.is_whole(&Owner::Part(part)) {
                let own = self.own;
                self.care(now, replicas::Input::Holds(own, part), effects);
            }
        }
    }

    /// One version fewer does.
    fn unwant(&mut self, now: Time, file: &Cid, effects: &mut Vec<Effect>) {
        let Some(wanted) = self.wanted.get_mut(file) else { return };
        wanted.versions -= 1;
        if wanted.versions > 0 {
            return;
        }
        let Wanted { bytes, author, .. } = *wanted;
        self.wanted.remove(file);
        self.unnamed.insert(*file);
        let Some(share) = author.and_then(|author| self.shares.get_mut(&author)) else { return };
        *share -= parts_count(bytes);
        for part in parts(*file, bytes) {
            self.care(now, replicas::Input::Unwish(part), effects);
        }
    }

    /// Says what is wished of a file's parts.
    fn wish(&mut self, now: Time, file: &Cid, effects: &mut Vec<Effect>) {
        let wanted = self.wanted.get(file).filter(|wanted| wanted.author.is_some()).copied();
        let Some(wanted) = wanted else { return };
        let is_new = self.wall_ms < wanted.new_until_ms;
        let is_pinned = self.pins.contains(file);
        for part in parts(*file, wanted.bytes) {
            let bytes = wanted.bytes.saturating_sub(part.number * PART_BYTES).min(PART_BYTES);
            let goal = wanted.goal.into();
            let wish = replicas::Wish { bytes, goal, is_new, is_pinned };
            self.care(now, replicas::Input::Wish(part, wish), effects);
        }
    }

    /// Looks at all goals again. Whoever raised one waits for its copies: files count as
    /// new from then on.
    fn set_goals(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let mut goals: LongMap<Cid, (u8, u64)> = LongMap::new();
        for (path, file) in self.tree.files() {
            let goal = self.tree.goal(path.as_str());
            let most = goals.entry(file.manifest).or_default();
            *most = (goal.copies, goal.since_ms).max(*most);
        }
        let mut changed = Vec::new();
        for (file, wanted) in &mut self.wanted {
            let Some((goal, since_ms)) = goals.get(file).copied() else { continue };
            if wanted.goal != goal {
                if goal > wanted.goal {
                    let until_ms = since_ms.saturating_add(NEW_MS);
                    wanted.new_until_ms = wanted.new_until_ms.max(until_ms);
                }
                wanted.goal = goal;
                changed.push(*file);
            }
        }
        for file in changed {
            self.wish(now, &file, effects);
        }
        self.is_changed = true;
    }

    pub(super) fn pin(&mut self, now: Time, pins: Vec<Cid>, effects: &mut Vec<Effect>) {
        let before = std::mem::replace(&mut self.pins, pins.into_iter().collect());
        let all: Vec<Cid> = before.iter().chain(self.pins.iter()).copied().collect();
        let is_new = |file: &Cid| before.contains(file) != self.pins.contains(file);
        let new: Vec<Cid> = all.into_iter().filter(is_new).collect();
        for file in &new {
            self.wish(now, file, effects);
        }
        if self.is_open() && !new.is_empty() {
            // Its user waits for it.
            self.look_after(now, effects);
        }
        self.is_changed = true;
    }

    /// Looks after copies: some times a second.
    pub(super) fn look_after(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let ions = self.offers(now);
        self.care(now, replicas::Input::Ions(ions), effects);
        if std::mem::take(&mut self.has_new_goals) {
            self.set_goals(now, effects);
        }
        self.age(now, effects);
        self.care(now, replicas::Input::Tick, effects);
        self.sweep_orphans(now, effects);
        self.end_visits(effects);
        let offer = self.own_offer(now);
        if self.said_offer.replace(offer) != Some(offer) {
            self.unsaid.insert(0);
        }
        if now.since_ms(self.said_all_at) >= STATEMENT_MS / 2 {
            self.said_all_at = now;
            self.say_all();
        }
        if now.since_ms(self.said_at) >= TELL_MS {
            self.say(now, effects);
        }
    }

    /// Files that were new until now.
    fn age(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let wall_ms = self.wall_ms;
        let is_due = |wanted: &Wanted| {
            wanted.new_until_ms <= wall_ms && wanted.new_until_ms + CARE_MS * 4 > wall_ms
        };
        let aged = self.wanted.iter().filter(|(_, wanted)| is_due(wanted));
        for file in aged.map(|(file, _)| *file).collect::<Vec<_>>() {
            self.wish(now, &file, effects);
        }
    }

    fn own_offer(&self, now: Time) -> Offer {
        let is_full = self.full_at.is_some_and(|at| now.since_ms(at) < FULL_MS);
        let is_kept = self.disk == Disk::Open { is_kept: true };
        let capacity_mib = if is_kept { self.gives_mib } else { self.gives_mib.min(UNKEPT_MIB) };
        let has_room = self.held.bytes() < u64::from(capacity_mib) * MIB;
        let is_leaving = now < self.leaves_until;
        Offer { capacity_mib, has_room: has_room && !is_full, is_leaving }
    }

    fn offers(&self, now: Time) -> ion_map::Map<IonId, Offer> {
        let offer = |ion| self.holdings.offer(ion).unwrap_or(USUAL_OFFER);
        let others = self.live.iter().map(|ion| (*ion, offer(ion)));
        others.chain([(self.own, self.own_offer(now))]).collect()
    }

    /// Lets the machine of copies take an input, and does what it asks for.
    pub(super) fn care(&mut self, now: Time, input: replicas::Input, effects: &mut Vec<Effect>) {
        let mut asked = Vec::new();
        self.replicas.handle(now, input, &mut asked);
        for effect in asked {
            match effect {
                replicas::Effect::Fetch(part) => self.fetch_part(now, part, effects),
                replicas::Effect::Drop(part) => self.drop_part(part, effects),
                // What is beyond the bound is looked after by others.
                replicas::Effect::Full(_) => {}
            }
        }
    }

    fn drop_part(&mut self, part: Part, effects: &mut Vec<Effect>) {
        self.drop_owner(&Owner::Part(part), effects);
        self.unsaid.insert(holdings::bucket(&part.file));
    }

    /// Deletes parts that no name has needed for a while. Where their names may
    /// only be unknown here, as others were not heard or the memory could not be
    /// read, they stay. Deletes also what is here of parts that are not whole, are
    /// not being fetched, and stand whole elsewhere.
    fn sweep_orphans(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let fetching: Set<Part> = self.fetching().collect();
        let owners = self.held.owners().copied();
        let parts = owners.filter_map(|owner| match owner {
            Owner::Part(part) => Some(part),
            Owner::Import(..) | Owner::Visit(_) => None,
        });
        let knows_names = !self.wanted.is_empty() && !self.links.is_empty();
        let is_known = |part: &Part| knows_names || self.unnamed.contains(&part.file);
        let is_unneeded = |part: &Part| !self.is_needed(&part.file) && is_known(part);
        let is_left = |part: &Part| {
            !self.held.is_whole(&Owner::Part(*part))
                && !fetching.contains(part)
                && !self.pins.contains(&part.file)
                && !self.is_imported(&part.file)
                && self.replicas.health(part).is_some_and(|health| health.live > 0)
        };
        let left: Vec<(Part, u64)> = parts
            .filter_map(|part| match () {
                () if is_unneeded(&part) => Some((part, ORPHAN_MS)),
                () if is_left(&part) => Some((part, LEFT_MS)),
                () => None,
            })
            .collect();
        self.orphans.retain(|part, _| left.binary_search_by_key(part, |(part, _)| *part).is_ok());
        for (part, after_ms) in left {
            let since = *self.orphans.entry(part).or_insert(now);
            if now.since_ms(since) >= after_ms {
                self.orphans.remove(&part);
                self.drop_part(part, effects);
            }
        }
    }

    /// Whether a name, the user, or an import needs a file here.
    pub(super) fn is_needed(&self, file: &Cid) -> bool {
        self.wanted.contains_key(file) || self.pins.contains(file) || self.is_imported(file)
    }

    fn is_imported(&self, file: &Cid) -> bool {
        self.imports.values().any(|import| import.file == Some(*file))
    }

    /// Lets go of what the user only looked at, when it is too much.
    fn end_visits(&mut self, effects: &mut Vec<Effect>) {
        let is_visit = |owner: &&Owner| matches!(owner, Owner::Visit(_));
        let visits: Vec<Owner> = self.held.owners().filter(is_visit).copied().collect();
        let mut bytes: u64 = visits.iter().map(|owner| self.held.bytes_of(owner)).sum();
        for visit in visits {
            let is_open = self.gathers.values().any(|gather| gather.owner == visit);
            if bytes > VISITS_BYTES_MAX && !is_open {
                bytes -= self.held.bytes_of(&visit);
                self.drop_owner(&visit, effects);
            }
        }
    }

    pub(super) fn say_all(&mut self) {
        self.unsaid = (0..BUCKETS).collect();
    }

    /// Says anew what changed of what this ion holds and offers.
    pub(super) fn say(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.unsaid.is_empty() {
            return;
        }
        self.said_at = now;
        let offer = self.own_offer(now);
        let mut changes = Vec::new();
        for bucket in self.unsaid.clone() {
            if changes.len() == STATEMENTS_MAX {
                break;
            }
            self.unsaid.remove(&bucket);
            let owners = self.held.owners().filter(|owner| self.held.is_whole(owner));
            let parts = owners.filter_map(|owner| match owner {
                Owner::Part(part) if holdings::bucket(&part.file) == bucket => Some(*part),
                _ => None,
            });
            let statement = Statement::new(offer, parts);
            let says_nothing = statement.is_empty() && (bucket > 0 || offer == USUAL_OFFER);
            if says_nothing && !self.said.contains(&bucket) {
                continue;
            }
            self.said.insert(bucket);
            let value = Some(ByteBuf::from(statement.encode()));
            let key = holdings::key(self.own, bucket);
            changes.push(kv::Change { key, value, lasts_ms: Some(STATEMENT_MS) });
        }
        if changes.is_empty() {
            return;
        }
        let ticket = self.next_number();
        self.puts.insert(ticket, ticket);
        let putting = Putting { who: Putter::Nobody, left: 1 };
        self.putting.insert(ticket, putting);
        effects.push(Effect::Put(ticket, changes));
    }

    /// Parts that are being fetched to be kept.
    pub(super) fn fetching(&self) -> impl Iterator<Item = Part> {
        let kept = self.gathers.values().filter(|gather| gather.purpose == Purpose::Keep);
        kept.filter_map(|gather| match gather.owner {
            Owner::Part(part) => Some(part),
            Owner::Import(..) | Owner::Visit(_) => None,
        })
    }
}

/// How many parts a file has; an empty one has one too.
fn parts_count(bytes: u64) -> u64 {
    bytes.div_ceil(PART_BYTES).max(1)
}

/// The parts of a file.
pub(super) fn parts(file: Cid, bytes: u64) -> impl Iterator<Item = Part> {
    (0..parts_count(bytes)).map(move |number| Part { file, number })
}
