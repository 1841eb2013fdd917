//! What the page says about an ion, in the user's terms.

use node_core::node::{Durability, LinkKind, Phase, Status};

use super::format::counted;

/// One of the four meanings that colour has; a word always stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// All is well.
    Good,
    /// Something is under way or held back.
    Waiting,
    /// Something is wrong.
    Bad,
    /// It works through others.
    Relayed,
}

impl Meaning {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Waiting => "waiting",
            Self::Bad => "bad",
            Self::Relayed => "relayed",
        }
    }
}

/// The name of a phase, as tests read it.
pub fn phase_key(phase: Phase) -> &'static str {
    match phase {
        Phase::Starting => "starting",
        Phase::Connecting => "connecting",
        Phase::Joined => "joined",
        Phase::NoRelay => "no-relay",
    }
}

/// A phase in words.
pub fn phase(phase: Phase) -> (Meaning, &'static str) {
    match phase {
        Phase::Starting => (Meaning::Waiting, "starting"),
        Phase::Connecting => (Meaning::Waiting, "connecting"),
        Phase::Joined => (Meaning::Good, "joined"),
        Phase::NoRelay => (Meaning::Bad, "no relay answers"),
    }
}

/// What this tab does now.
pub fn doing(status: &Status) -> String {
    match status {
        Status { phase: Phase::Starting | Phase::Connecting, .. } => "Joining".to_owned(),
        Status { paused: true, .. } => "Paused, lending nothing".to_owned(),
        Status { workers_busy: 0, .. } => "Ready for work".to_owned(),
        _ => format!("Running {}", counted(u64::from(status.workers_busy), "task")),
    }
}

/// What this tab does for others, said once.
pub fn first_visit(workers: u16) -> String {
    let workers = counted(u64::from(workers), "worker");
    format!(
        "This tab lends {workers} to the nebula while it is open: it runs other people's sparks, \
         fenced in, and they run yours."
    )
}

/// A link in words.
pub fn link(kind: LinkKind) -> (Meaning, &'static str) {
    match kind {
        LinkKind::Relayed => (Meaning::Relayed, "relayed"),
        LinkKind::Direct => (Meaning::Good, "direct"),
        LinkKind::Via => (Meaning::Relayed, "through others"),
    }
}

/// A round-trip time in words.
pub fn round_trip(milliseconds: u32) -> String {
    if milliseconds == 0 { "unknown".to_owned() } else { format!("{milliseconds} ms") }
}

/// Whether what is stored outlives a reload, and what to do if not.
pub fn durability(durability: Durability) -> (Meaning, &'static str, &'static str) {
    match durability {
        Durability::Kept => {
            (Meaning::Good, "kept in this browser", "Name, key and settings survive a reload.")
        }
        Durability::Insecure => (
            Meaning::Waiting,
            "fresh at every load",
            "This address is plain http, so the browser keeps keys, storage and the clipboard \
             back. Joining and running work. To get the rest, run the relay with its TLS options \
             and open the https address.",
        ),
        Durability::Unavailable => (
            Meaning::Waiting,
            "not kept",
            "The browser gives this page no storage: a private window, or the disk is full. \
             Joining and running work; open an ordinary window to keep name and key.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tab_does_is_said_in_its_terms() {
        let joined = Status { phase: Phase::Joined, workers: 2, ..Status::default() };
        assert_eq!(doing(&Status::default()), "Joining");
        assert_eq!(doing(&joined), "Ready for work");
        assert_eq!(doing(&Status { workers_busy: 1, ..joined.clone() }), "Running 1 task");
        assert_eq!(doing(&Status { paused: true, ..joined }), "Paused, lending nothing");
    }

    #[test]
    fn one_worker_is_no_plural() {
        assert!(first_visit(1).contains("1 worker to"));
        assert!(first_visit(4).contains("4 workers to"));
    }
}
