//! How a stream ends: each direction by itself, as the libp2p specification
//! `webrtc/README.md` ("Closing streams") has it.
//!
//! A pure machine. It is told what the owner wants and which flags arrive, and
//! answers with the flag to send. It sends no flag twice, and none after a
//! reset. Flags that make no sense where they come are ignored: they harm only
//! the stream of the one who sent them.
//!
//! `FIN_ACK` came late into the specification. An older implementation takes it
//! for an error that ends the direction which is still open (rust-libp2p's
//! servers do, with `libp2p-webrtc-utils` 0.5). Towards one that may be such a
//! one, a [`plain`](HalfClose::plain) machine sends none and waits for none.

use crate::frame::Flag;

/// The direction from us to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    Open,
    /// We sent FIN and wait for `FIN_ACK`.
    Finishing,
    /// They acknowledged the end.
    Finished,
    /// They will read no more.
    Stopped,
}

/// The direction from them to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Open,
    /// We said that we read no more.
    Stopped,
    /// They sent FIN.
    Finished,
}

/// Whether bytes may be written, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanWrite {
    /// They may.
    Yes,
    /// We have closed our side.
    Closed,
    /// They read no more.
    Stopped,
    /// The stream was reset.
    Reset,
}

/// Both directions of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfClose {
    writing: Writing,
    reading: Reading,
    is_reset: bool,
    is_plain: bool,
}

impl Default for HalfClose {
    fn default() -> Self {
        Self { writing: Writing::Open, reading: Reading::Open, is_reset: false, is_plain: false }
    }
}

impl HalfClose {
    /// One that neither sends nor awaits `FIN_ACK` until one comes.
    pub fn plain() -> Self {
        Self { is_plain: true, ..Self::default() }
    }

    /// Whether the other side has yet to show that it knows `FIN_ACK`.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// A flag came; answers with the one to send back.
    pub fn received(&mut self, flag: Flag) -> Option<Flag> {
        if self.is_reset {
            return None;
        }
        match flag {
            Flag::Fin if self.reading != Reading::Finished => {
                self.reading = Reading::Finished;
                return (!self.is_plain).then_some(Flag::FinAck);
            }
            Flag::FinAck => {
                self.is_plain = false;
                if self.writing == Writing::Finishing {
                    self.writing = Writing::Finished;
                }
            }
            Flag::StopSending if self.writing == Writing::Open => {
                self.writing = Writing::Stopped;
                // They need to hear that nothing more comes, to close in turn.
                return Some(Flag::Fin);
            }
            Flag::Reset => self.is_reset = true,
            Flag::Fin | Flag::StopSending => {}
        }
        None
    }

    /// The owner writes no more; the flag to send, if this is news.
    pub fn close_write(&mut self) -> Option<Flag> {
        if self.is_reset || self.writing != Writing::Open {
            return None;
        }
        self.writing = if self.is_plain { Writing::Finished } else { Writing::Finishing };
        Some(Flag::Fin)
    }

    /// The owner reads no more; the flag to send, if this is news.
    pub fn close_read(&mut self) -> Option<Flag> {
        if self.is_reset || self.reading != Reading::Open {
            return None;
        }
        self.reading = Reading::Stopped;
        Some(Flag::StopSending)
    }

    /// The owner abandons the stream; the flag to send, if this is news.
    pub fn reset(&mut self) -> Option<Flag> {
        if self.is_reset {
            return None;
        }
        self.is_reset = true;
        Some(Flag::Reset)
    }

    /// The owner is gone. What was orderly finished is finished, what they may
    /// still be reading is left to them, and all else is abandoned.
    pub fn abandoned(&mut self) -> Option<Flag> {
        match (self.writing, self.reading) {
            (Writing::Open, Reading::Finished) => self.close_write(),
            (Writing::Open, _) => self.reset(),
            _ => self.close_read(),
        }
    }

    /// Whether bytes may be written.
    pub fn can_write(&self) -> CanWrite {
        match self.writing {
            _ if self.is_reset => CanWrite::Reset,
            Writing::Open => CanWrite::Yes,
            Writing::Stopped => CanWrite::Stopped,
            Writing::Finishing | Writing::Finished => CanWrite::Closed,
        }
    }

    /// Whether bytes that come are wanted.
    pub fn can_read(&self) -> bool {
        !self.is_reset && self.reading == Reading::Open
    }

    /// Whether they have orderly finished, or we have stopped reading.
    pub fn is_read_finished(&self) -> bool {
        self.reading != Reading::Open
    }

    /// Whether either side has reset the stream.
    pub fn is_reset(&self) -> bool {
        self.is_reset
    }

    /// Whether the data channel may be closed: both sides have finished and
    /// know it, or one has reset.
    pub fn is_done(&self) -> bool {
        let is_written = matches!(self.writing, Writing::Finished | Writing::Stopped);
        self.is_reset || is_written && self.reading == Reading::Finished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_finish_in_turn() {
        let mut a = HalfClose::default();
        let mut b = HalfClose::default();
        assert_eq!(a.close_write(), Some(Flag::Fin));
        assert_eq!(b.received(Flag::Fin), Some(Flag::FinAck));
        assert_eq!(a.received(Flag::FinAck), None);
        assert!(!a.is_done() && !b.is_done() && b.is_read_finished());
        assert_eq!(b.can_write(), CanWrite::Yes, "the other direction is open");
        assert_eq!(b.close_write(), Some(Flag::Fin));
        assert_eq!(a.received(Flag::Fin), Some(Flag::FinAck));
        assert_eq!(b.received(Flag::FinAck), None);
        assert!(a.is_done() && b.is_done());
    }

    #[test]
    fn who_may_not_know_acknowledgements_gets_none() {
        let mut a = HalfClose::plain();
        assert_eq!(a.received(Flag::Fin), None);
        assert!(a.is_read_finished() && !a.is_done());
        assert_eq!(a.close_write(), Some(Flag::Fin));
        assert!(a.is_done(), "there is nothing to wait for");
        let mut b = HalfClose::plain();
        b.close_write();
        b.received(Flag::FinAck);
        assert!(!b.is_plain(), "it knows them after all");
        assert_eq!(b.received(Flag::Fin), Some(Flag::FinAck));
    }

    #[test]
    fn both_may_finish_at_once() {
        let mut a = HalfClose::default();
        let mut b = HalfClose::default();
        assert_eq!((a.close_write(), b.close_write()), (Some(Flag::Fin), Some(Flag::Fin)));
        assert_eq!(a.received(Flag::Fin), Some(Flag::FinAck));
        assert_eq!(b.received(Flag::Fin), Some(Flag::FinAck));
        assert!(!a.is_done(), "the other may not know yet");
        a.received(Flag::FinAck);
        b.received(Flag::FinAck);
        assert!(a.is_done() && b.is_done());
    }

    #[test]
    fn who_is_asked_to_stop_finishes() {
        let mut a = HalfClose::default();
        assert_eq!(a.received(Flag::StopSending), Some(Flag::Fin));
        assert_eq!(a.can_write(), CanWrite::Stopped);
        assert_eq!(a.received(Flag::StopSending), None, "said once");
        assert!(a.can_read());
    }

    #[test]
    fn a_reset_ends_all_and_is_not_answered() {
        let mut a = HalfClose::default();
        assert_eq!(a.received(Flag::Reset), None);
        assert!(a.is_done() && a.is_reset() && !a.can_read());
        assert_eq!((a.reset(), a.close_write(), a.close_read()), (None, None, None));
        assert_eq!(a.received(Flag::Fin), None);
    }

    #[test]
    fn what_is_dropped_ends_as_gently_as_it_can() {
        assert_eq!(HalfClose::default().abandoned(), Some(Flag::Reset));
        let mut read = HalfClose::default();
        read.received(Flag::Fin);
        assert_eq!(read.abandoned(), Some(Flag::Fin));
        let mut written = HalfClose::default();
        written.close_write();
        assert_eq!(written.abandoned(), Some(Flag::StopSending));
    }

    #[test]
    fn no_sequence_of_flags_panics_or_sends_after_a_reset() {
        let flags = [Flag::Fin, Flag::StopSending, Flag::Reset, Flag::FinAck];
        for number in 0..4_u32.pow(7) {
            let plain = number % 2 == 1;
            let mut machine = if plain { HalfClose::plain() } else { HalfClose::default() };
            let mut was_reset = false;
            for place in 0..7 {
                let flag = flags[(number / 4_u32.pow(place) % 4) as usize];
                let answer = machine.received(flag);
                assert!(!was_reset || answer.is_none());
                was_reset = machine.is_reset();
            }
        }
    }
}
