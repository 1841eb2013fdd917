//! Requests: those of this ion, and those that pass it.

use ion_map::{Map, Set};

use super::{
    Effect, ORIGINS_MAX, Routing,
    wire::{
        self, ANSWER_BYTES_MAX, Answer, Ask, ECHO_MAX, Message, QUESTION_BYTES_MAX, Refused, What,
    },
};
use crate::{
    identity::{IonId, Signature},
    platform::Time,
};

/// How long an ion may think about its answer, in milliseconds.
pub const ANSWER_MS: u64 = 1_500;
/// What each layer adds to the wait for answers, in milliseconds.
pub const LAYER_MS: u64 = 700;
/// Requests that are remembered, so that none is taken twice.
pub const REQUESTS_MAX: usize = 4_096;
/// How long a request is remembered, in milliseconds.
pub const REQUEST_MS: u64 = 30_000;
/// How long after an asker's last request was forgotten those before it are refused,
/// in milliseconds: it may have set its clock back.
pub const FLOOR_MS: u64 = 600_000;
/// This ion's own requests at once, searches included.
pub const OWN_REQUESTS_MAX: usize = 256;
/// Answers to one request.
pub const ANSWERS_MAX: usize = 1_024;

/// After how long a request with that `echo` has ended, in milliseconds,
/// a tick aside.
pub const fn ask_ms_max(echo: u8) -> u64 {
    ANSWER_MS + LAYER_MS * (echo as u64 + 2)
}

/// After how long a search with that `echo` has ended, in milliseconds,
/// a tick aside: nobody has to think.
pub const fn search_ms_max(echo: u8) -> u64 {
    LAYER_MS * (echo as u64 + 2)
}

/// How long to wait for what lies behind that many layers.
const fn wait_ms(what: &What, layers: u64) -> u64 {
    let think_ms = if matches!(what, What::Question(_)) { ANSWER_MS } else { 0 };
    think_ms + LAYER_MS * (layers + 1)
}

/// A request's name everywhere: its asker, and its name there.
pub(super) type Key = (IonId, u64);

/// What one of this ion's own requests is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The caller's request of that name.
    Caller(u64),
    /// To find a way to an ion.
    Search(IonId),
}

/// A request that this ion sent or passed on.
#[derive(Debug)]
struct Passing {
    /// `None` for one's own.
    purpose: Option<Purpose>,
    /// Who passed it on, from the asker to the parent; empty for one's own.
    path: Vec<IonId>,
    /// Neighbours behind which somebody may still answer.
    waiting: Set<IonId>,
    /// Whether this ion may still answer itself.
    is_open: bool,
    is_complete: bool,
    is_done: bool,
    answered: Set<IonId>,
    since: Time,
    due: Time,
}

#[derive(Debug, Default)]
pub(super) struct Asks {
    passing: Map<Key, Passing>,
    /// The last request of each asker that was forgotten, and when.
    floors: Map<IonId, (u64, Time)>,
    own: usize,
}

impl Asks {
    /// Makes room for one more; `false` when all are in use.
    fn has_room(&mut self, now: Time) -> bool {
        if self.passing.len() >= REQUESTS_MAX {
            self.forget(now, REQUEST_MS / 4);
        }
        self.passing.len() < REQUESTS_MAX
    }

    /// Forgets what is over for so long, but not that it was.
    fn forget(&mut self, now: Time, after_ms: u64) {
        let Self { passing, floors, .. } = self;
        passing.retain(|(asker, request), passing| {
            let is_over = passing.is_over(now, after_ms);
            if is_over && passing.purpose.is_none() {
                raise(floors, now, *asker, *request);
            }
            !is_over
        });
    }

    /// Whether a request is one that was forgotten, or older: somebody brings it again.
    fn is_past(&self, now: Time, (asker, request): &Key) -> bool {
        let floor = self.floors.get(asker);
        floor.is_some_and(|(last, at)| request <= last && now.since_ms(*at) < FLOOR_MS)
    }
}

/// Notes that a request was forgotten; of [`ORIGINS_MAX`] askers, those lately.
fn raise(floors: &mut Map<IonId, (u64, Time)>, now: Time, asker: IonId, request: u64) {
    if floors.len() >= ORIGINS_MAX && !floors.contains_key(&asker) {
        let oldest = floors.iter().min_by_key(|(_, (_, at))| *at).map(|(ion, _)| *ion);
        oldest.and_then(|ion| floors.remove(&ion));
    }
    let before = floors.get(&asker).filter(|(_, at)| now.since_ms(*at) < FLOOR_MS);
    let last = before.map_or(request, |(last, _)| request.max(*last));
    floors.insert(asker, (last, now));
}

impl Passing {
    fn new(now: Time, path: Vec<IonId>, wait_ms: u64) -> Self {
        Self {
            purpose: None,
            path,
            waiting: Set::new(),
            is_open: false,
            is_complete: true,
            is_done: false,
            answered: Set::new(),
            since: now,
            due: now.plus_ms(wait_ms),
        }
    }

    fn is_over(&self, now: Time, after_ms: u64) -> bool {
        self.is_done && now.since_ms(self.since) >= after_ms
    }
}

impl Routing {
    /// The caller asks.
    pub(super) fn ask(
        &mut self,
        now: Time,
        request: u64,
        echo: u8,
        body: Vec<u8>,
        effects: &mut Vec<Effect>,
    ) {
        let echo = echo.min(ECHO_MAX);
        let is_sent = body.len() <= QUESTION_BYTES_MAX
            && self.begin(now, Purpose::Caller(request), echo, What::Question(body), effects);
        if !is_sent {
            effects.push(Effect::Ended { request, answers: 0, is_complete: false });
        }
    }

    /// Searches for an ion within some layers; `false` when it can't be asked.
    pub(super) fn search(
        &mut self,
        now: Time,
        ion: IonId,
        echo: u8,
        effects: &mut Vec<Effect>,
    ) -> bool {
        self.begin(now, Purpose::Search(ion), echo, What::Find(ion), effects)
    }

    fn begin(
        &mut self,
        now: Time,
        purpose: Purpose,
        echo: u8,
        what: What,
        effects: &mut Vec<Effect>,
    ) -> bool {
        if self.asks.own >= OWN_REQUESTS_MAX || !self.asks.has_room(now) {
            return false;
        }
        let ask = Ask { asker: self.own, request: self.name(), echo, what };
        let signature = wire::sign_ask(&*self.keys, &ask);
        let key = (ask.asker, ask.request);
        let mut passing = Passing::new(now, Vec::new(), wait_ms(&ask.what, u64::from(echo) + 1));
        passing.purpose = Some(purpose);
        passing.waiting = self.pass_on(&ask, &signature, &[], effects);
        self.asks.own += 1;
        self.asks.passing.insert(key, passing);
        self.settle(now, key, effects);
        true
    }

    /// A neighbour passes a request on.
    pub(super) fn asked(
        &mut self,
        now: Time,
        ask: Ask,
        signature: &Signature,
        path: Vec<IonId>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let (key, from) = ((ask.asker, ask.request), path[path.len() - 1]);
        if let Some(known) = self.asks.passing.get(&key) {
            // The parent's own repetition must not tell it that all is over.
            if known.path.last() != Some(&from) {
                self.say_done(from, key, true, effects);
            }
            return Ok(());
        }
        if self.asks.is_past(now, &key) {
            self.say_done(from, key, false, effects);
            return Ok(());
        }
        wire::check_ask(&*self.keys, &ask, signature)?;
        if path.contains(&self.own) {
            self.say_done(from, key, true, effects);
            return Ok(());
        }
        if !self.charges.request(now, from, ask.asker) || !self.asks.has_room(now) {
            self.say_done(from, key, false, effects);
            return Ok(());
        }
        self.paths.learn(now, ask.asker, from);
        let layers_left = (usize::from(ask.echo) + 1).saturating_sub(path.len()) as u64;
        let mut passing = Passing::new(now, path, wait_ms(&ask.what, layers_left));
        passing.is_open = matches!(ask.what, What::Question(_));
        if layers_left > 0 && ask.what != What::Find(self.own) {
            passing.waiting = self.pass_on(&ask, signature, &passing.path, effects);
        }
        if let What::Question(body) = ask.what {
            let (asker, request, path) = (ask.asker, ask.request, passing.path.clone());
            effects.push(Effect::Asked { asker, request, body, path });
            self.asks.passing.insert(key, passing);
        } else {
            self.asks.passing.insert(key, passing);
            if ask.what == What::Find(self.own) {
                self.answer(now, key, &[], effects);
            }
        }
        self.settle(now, key, effects);
        Ok(())
    }

    /// Sends a request to the neighbours that may lead on; gives them.
    fn pass_on(
        &self,
        ask: &Ask,
        signature: &Signature,
        path: &[IonId],
        effects: &mut Vec<Effect>,
    ) -> Set<IonId> {
        let is_new = |ion: &&IonId| !path.contains(ion);
        let to: Set<IonId> = match &ask.what {
            What::Find(ion) if self.neighbours.contains(ion) => Set::from([*ion]),
            _ => self.neighbours.iter().filter(is_new).copied().collect(),
        };
        let mut path = path.to_vec();
        path.push(self.own);
        let message = Message::Ask { ask: ask.clone(), signature: *signature, path };
        let frame = super::encode(&message);
        effects.extend(to.iter().map(|ion| Effect::Send(*ion, frame.clone())));
        to
    }

    /// This ion's own answer.
    pub(super) fn reply(
        &mut self,
        now: Time,
        asker: IonId,
        request: u64,
        body: Option<&[u8]>,
        effects: &mut Vec<Effect>,
    ) {
        let key = (asker, request);
        let Some(passing) = self.asks.passing.get_mut(&key) else { return };
        if !std::mem::take(&mut passing.is_open) {
            return;
        }
        if let Some(body) = body.filter(|body| body.len() <= ANSWER_BYTES_MAX) {
            self.answer(now, key, body, effects);
        }
        self.settle(now, key, effects);
    }

    fn answer(&mut self, now: Time, key: Key, body: &[u8], effects: &mut Vec<Effect>) {
        let sealed = wire::seal_answer(&*self.keys, key.0, key.1, body);
        if let Some((answer, signature)) = sealed {
            self.send_back(now, &Message::Answer { answer, signature }, key, effects);
        }
    }

    /// An answer comes back.
    pub(super) fn answered(
        &mut self,
        now: Time,
        from: IonId,
        answer: Answer,
        signature: &Signature,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let key = (answer.asker, answer.request);
        let known = self.asks.passing.get_mut(&key);
        let Some(passing) = known.filter(|passing| passing.answered.len() < ANSWERS_MAX) else {
            return Ok(());
        };
        if passing.answered.contains(&answer.answerer) || answer.answerer == self.own {
            return Ok(());
        }
        wire::check_answer(&*self.keys, &answer, signature)?;
        passing.answered.insert(answer.answerer);
        self.paths.learn(now, answer.answerer, from);
        match passing.purpose {
            None => {
                let signature = *signature;
                self.send_back(now, &Message::Answer { answer, signature }, key, effects);
            }
            Some(purpose) => {
                // What does not open is the answerer's fault, not the bearer's.
                if let Some(body) = wire::open_answer(&*self.keys, &answer) {
                    self.take_answer(now, key, purpose, answer.answerer, body, effects);
                }
            }
        }
        Ok(())
    }

    fn take_answer(
        &mut self,
        now: Time,
        key: Key,
        purpose: Purpose,
        from: IonId,
        body: Vec<u8>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(passing) = self.asks.passing.get(&key).filter(|passing| !passing.is_done) else {
            return;
        };
        debug_assert!(!passing.answered.is_empty(), "it was just noted");
        match purpose {
            Purpose::Caller(request) => effects.push(Effect::Answered { request, from, body }),
            Purpose::Search(ion) if ion == from => self.end(now, key, effects),
            Purpose::Search(_) => {}
        }
    }

    /// Nobody behind a neighbour will answer any more.
    pub(super) fn done(
        &mut self,
        now: Time,
        from: IonId,
        key: Key,
        is_complete: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(passing) = self.asks.passing.get_mut(&key) else { return };
        if passing.waiting.remove(&from) {
            passing.is_complete &= is_complete;
            self.settle(now, key, effects);
        }
    }

    /// A neighbour is gone, and with it whoever was asked over it.
    pub(super) fn nobody_behind(&mut self, now: Time, ion: &IonId, effects: &mut Vec<Effect>) {
        let waiting = self.asks.passing.iter().filter(|(_, passing)| passing.waiting.contains(ion));
        let keys: Vec<Key> = waiting.map(|(key, _)| *key).collect();
        for key in keys {
            self.done(now, *ion, key, false, effects);
        }
    }

    /// Ends what is due and forgets what is old.
    pub(super) fn end_requests(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let due =
            self.asks.passing.iter().filter(|(_, passing)| !passing.is_done && passing.due <= now);
        let due: Vec<Key> = due.map(|(key, _)| *key).collect();
        for key in due {
            if let Some(passing) = self.asks.passing.get_mut(&key) {
                passing.is_complete = false;
            }
            self.end(now, key, effects);
        }
        self.asks.forget(now, REQUEST_MS);
    }

    /// Ends a request when nobody may answer any more.
    fn settle(&mut self, now: Time, key: Key, effects: &mut Vec<Effect>) {
        let known = self.asks.passing.get(&key);
        if known.is_some_and(|passing| passing.waiting.is_empty() && !passing.is_open) {
            self.end(now, key, effects);
        }
    }

    fn end(&mut self, now: Time, key: Key, effects: &mut Vec<Effect>) {
        let Some(passing) = self.asks.passing.get_mut(&key) else { return };
        if std::mem::replace(&mut passing.is_done, true) {
            return;
        }
        passing.is_open = false;
        passing.waiting.clear();
        let (answers, is_complete) = (passing.answered.len(), passing.is_complete);
        match passing.purpose {
            None => {
                let done = Message::Done { asker: key.0, request: key.1, is_complete };
                self.send_back(now, &done, key, effects);
            }
            Some(Purpose::Caller(request)) => {
                self.asks.own -= 1;
                effects.push(Effect::Ended { request, answers, is_complete });
            }
            Some(Purpose::Search(ion)) => {
                let is_found = passing.answered.contains(&ion);
                self.asks.own -= 1;
                self.searched(now, ion, is_found, effects);
            }
        }
    }

    /// Sends towards the asker: to the last on the path that is still a
    /// neighbour, else by what other way is known.
    fn send_back(&self, now: Time, message: &Message, key: Key, effects: &mut Vec<Effect>) {
        let Some(passing) = self.asks.passing.get(&key) else { return };
        let parent = passing.path.iter().rev().find(|ion| self.neighbours.contains(ion)).copied();
        let next = parent.or_else(|| match message {
            Message::Answer { .. } => self.paths.next(now, &key.0, &[]),
            _ => None,
        });
        if let Some(next) = next {
            self.say(next, message, effects);
        }
    }

    fn say_done(&self, to: IonId, key: Key, is_complete: bool, effects: &mut Vec<Effect>) {
        let done = Message::Done { asker: key.0, request: key.1, is_complete };
        self.say(to, &done, effects);
    }
}
