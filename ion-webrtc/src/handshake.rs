//! Two peers agree on a connection: the handshake of the libp2p specification
//! `webrtc/webrtc.md`, as a pure machine.
//!
//! The offerer opens a channel labelled `init`, offers, and both sides tell
//! each other candidates as they are found. For the offerer the connection
//! stands when `init` is open, for the answerer when the browser says so. Who
//! closes `init`, and when, is the muxer's concern.
//!
//! It refuses offers to an offerer, answers to an answerer, second ones of
//! either, and more than [`CANDIDATES_MAX`] candidates. It keeps no time: the
//! driver bounds the whole and reports [`Input::TimedOut`].

use crate::{
    description::SdpKind,
    failure::{Failure, Stage},
    signaling::{IceCandidate, Message},
};

pub(crate) mod drive;

/// The label of the channel that only shows that channels work.
pub const INIT_LABEL: &str = "init";
/// Most candidates that are taken from the other side, or told to it.
pub const CANDIDATES_MAX: usize = 64;

/// Who offers and who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one who starts.
    Offerer,
    /// The other.
    Answerer,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The handshake begins; the first input, once.
    Begin,
    /// The other side said something.
    Received(Message),
    /// It said something that can't be read.
    Malformed,
    /// It says no more.
    SignalingEnded,
    /// The browser made our description.
    Described(String),
    /// The browser found a candidate; `None` when it has found all.
    Found(Option<IceCandidate>),
    /// The channel `init`, which we opened, is open.
    InitOpened,
    /// It is closed.
    InitClosed,
    /// The connection is connected.
    Connected,
    /// ICE or DTLS failed.
    Unreachable,
    /// The connection was closed.
    Closed,
    /// The browser refused something.
    Refused(String),
    /// The time is up.
    TimedOut,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open the channel `init`.
    OpenInit,
    /// Make the local description.
    Describe,
    /// Take the other side's.
    SetRemote(SdpKind, String),
    /// Take a candidate of the other side.
    Add(IceCandidate),
    /// Tell the other side.
    Send(Message),
    /// The connection stands.
    Done,
    /// It does not and never will.
    Fail(Failure),
}

/// One side of a handshake.
#[derive(Clone, Debug)]
pub struct Session {
    role: Role,
    is_described: bool,
    has_remote: bool,
    is_over: bool,
    /// Candidates that came before the description that they belong to.
    early: Vec<IceCandidate>,
    /// Candidates that were found before our description was sent.
    waiting: Vec<Option<IceCandidate>>,
    local: usize,
    remote: usize,
}

impl Session {
    /// One side of a new handshake.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            is_described: false,
            has_remote: false,
            is_over: false,
            early: Vec::new(),
            waiting: Vec::new(),
            local: 0,
            remote: 0,
        }
    }

    /// One side of a handshake whose descriptions were exchanged by other
    /// means, with so many candidates in each. Nothing is signaled any more.
    pub fn agreed(role: Role, local: usize, remote: usize) -> Self {
        Self { is_described: true, has_remote: true, local, remote, ..Self::new(role) }
    }

    /// Takes one input and says what is to be done, in this order. After
    /// [`Effect::Done`] or [`Effect::Fail`] nothing more happens.
    pub fn handle(&mut self, input: Input, effects: &mut Vec<Effect>) {
        if self.is_over {
            return;
        }
        match input {
            Input::Begin => self.begin(effects),
            Input::Received(message) => self.received(message, effects),
            Input::Malformed => self.fail(Failure::Signaling, effects),
            // Before the answer it is a refusal; later it is of no concern.
            Input::SignalingEnded if self.has_remote => {}
            Input::SignalingEnded => self.fail(Failure::Refused, effects),
            Input::Described(sdp) => self.described(sdp, effects),
            Input::Found(candidate) => self.found(candidate, effects),
            // Closed by the other side at once, it was open all the same.
            Input::InitOpened | Input::InitClosed if self.role == Role::Offerer => {
                self.done(effects);
            }
            Input::Connected if self.role == Role::Answerer => self.done(effects),
            Input::InitOpened | Input::InitClosed | Input::Connected => {}
            Input::Unreachable => self.fail(self.unreachable(), effects),
            Input::Closed => self.fail(Failure::Closed, effects),
            Input::Refused(why) => self.fail(Failure::Browser(why), effects),
            Input::TimedOut => self.fail(self.late(), effects),
        }
    }

    fn begin(&self, effects: &mut Vec<Effect>) {
        if self.role == Role::Offerer && !self.is_described {
            effects.extend([Effect::OpenInit, Effect::Describe]);
        }
    }

    fn received(&mut self, message: Message, effects: &mut Vec<Effect>) {
        match (message, self.role) {
            (Message::Offer(sdp), Role::Answerer) if !self.has_remote => {
                self.take_remote(SdpKind::Offer, sdp, effects);
                effects.push(Effect::Describe);
            }
            (Message::Answer(sdp), Role::Offerer) if self.is_described && !self.has_remote => {
                self.take_remote(SdpKind::Answer, sdp, effects);
            }
            (Message::Candidate(None), _) => {}
            (Message::Candidate(Some(candidate)), _) => self.take(candidate, effects),
            _ => self.fail(Failure::Signaling, effects),
        }
    }

    fn take_remote(&mut self, kind: SdpKind, sdp: String, effects: &mut Vec<Effect>) {
        self.has_remote = true;
        self.remote += count_candidates(&sdp);
        if self.remote > CANDIDATES_MAX {
            return self.fail(Failure::Signaling, effects);
        }
        effects.push(Effect::SetRemote(kind, sdp));
        effects.extend(self.early.drain(..).map(Effect::Add));
    }

    fn take(&mut self, candidate: IceCandidate, effects: &mut Vec<Effect>) {
        if self.remote >= CANDIDATES_MAX {
            return self.fail(Failure::Signaling, effects);
        }
        self.remote += 1;
        if self.has_remote {
            effects.push(Effect::Add(candidate));
        } else {
            self.early.push(candidate);
        }
    }

    fn described(&mut self, sdp: String, effects: &mut Vec<Effect>) {
        if self.is_described {
            return;
        }
        self.is_described = true;
        self.local += count_candidates(&sdp);
        effects.push(Effect::Send(match self.role {
            Role::Offerer => Message::Offer(sdp),
            Role::Answerer => Message::Answer(sdp),
        }));
        effects.extend(self.waiting.drain(..).map(|one| Effect::Send(Message::Candidate(one))));
    }

    fn found(&mut self, candidate: Option<IceCandidate>, effects: &mut Vec<Effect>) {
        if candidate.is_some() {
            if self.local >= CANDIDATES_MAX {
                return;
            }
            self.local += 1;
        }
        if self.is_described {
            effects.push(Effect::Send(Message::Candidate(candidate)));
        } else {
            self.waiting.push(candidate);
        }
    }

    fn done(&mut self, effects: &mut Vec<Effect>) {
        self.is_over = true;
        effects.push(Effect::Done);
    }

    fn fail(&mut self, failure: Failure, effects: &mut Vec<Effect>) {
        self.is_over = true;
        effects.push(Effect::Fail(failure));
    }

    fn unreachable(&self) -> Failure {
        let (local, remote) = (self.local, self.remote);
        if local == 0 || remote == 0 {
            Failure::NoCandidates { local, remote }
        } else {
            Failure::Ice { local, remote }
        }
    }

    /// What it was that did not happen in time.
    fn late(&self) -> Failure {
        match (self.is_described, self.has_remote) {
            (true, true) if self.local == 0 || self.remote == 0 => self.unreachable(),
            (true, true) => Failure::TimedOut(Stage::Connecting),
            (_, false) => Failure::TimedOut(Stage::Answering),
            (false, true) => Failure::TimedOut(Stage::Describing),
        }
    }
}

fn count_candidates(sdp: &str) -> usize {
    sdp.lines().filter(|line| line.starts_with("a=candidate:")).count()
}

/// Who offers when both of two peers begin at once: the one whose id is the
/// greater, byte by byte. The same on both sides.
pub fn glare(local: &libp2p::PeerId, remote: &libp2p::PeerId) -> Role {
    if local.to_bytes() > remote.to_bytes() { Role::Offerer } else { Role::Answerer }
}

#[cfg(test)]
mod tests;
