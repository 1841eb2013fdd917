//! One data channel, which is one stream.

use std::{collections::VecDeque, task::Waker};

use bytes::Bytes;

use super::UNREAD_BYTES_MAX;
use crate::{
    frame::{Decoder, Flag},
    half_close::HalfClose,
    port::WINDOW_BYTES,
};

/// What a piece that waits to be read costs beside its bytes.
const PIECE_BYTES: usize = 64;

/// One data channel.
#[derive(Default)]
pub(super) struct Channel {
    pub(super) is_open: bool,
    /// Closed by either side, or asked to be.
    pub(super) is_closed: bool,
    /// Whether a stream object exists for it.
    pub(super) is_held: bool,
    pub(super) half: HalfClose,
    pub(super) decoder: Decoder,
    pub(super) unread: VecDeque<Bytes>,
    /// What waits to be read, with what it costs to keep.
    pub(super) unread_bytes: usize,
    /// Sent and not seen to leave.
    pub(super) outstanding: usize,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Channel {
    pub(super) fn wake(&mut self, wakes: &mut Vec<Waker>) {
        wakes.extend(self.reader.take());
        wakes.extend(self.writer.take());
    }

    pub(super) fn has_window(&self) -> bool {
        self.is_open && self.outstanding < WINDOW_BYTES
    }

    /// Takes a message; says which flags are to be sent.
    pub(super) fn receive(&mut self, message: Bytes, wakes: &mut Vec<Waker>) -> Vec<Flag> {
        let mut answers = Vec::new();
        if self.half.is_reset() || self.is_closed {
            return answers;
        }
        self.decoder.push(message);
        loop {
            match self.decoder.next() {
                Ok(Some(frame)) => {
                    self.keep(frame.payload);
                    if let Some(flag) = frame.flag {
                        answers.extend(self.half.received(flag));
                        wakes.extend(self.writer.take());
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    answers.extend(self.half.reset());
                    break;
                }
            }
        }
        if self.unread_bytes > UNREAD_BYTES_MAX {
            answers.extend(self.half.reset());
        }
        wakes.extend(self.reader.take());
        if self.half.is_reset() {
            wakes.extend(self.writer.take());
        }
        answers
    }

    fn keep(&mut self, payload: Bytes) {
        if !payload.is_empty() && self.half.can_read() {
            self.unread_bytes += payload.len() + PIECE_BYTES;
            self.unread.push_back(payload);
        }
    }

    /// Copies what waits; the count of bytes, and what that frees.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> (usize, usize) {
        let (mut read, mut freed) = (0, 0);
        while read < buffer.len()
            && let Some(piece) = self.unread.front_mut()
        {
            let count = piece.len().min(buffer.len() - read);
            buffer[read..read + count].copy_from_slice(&piece.split_to(count));
            read += count;
            freed += count;
            if piece.is_empty() {
                self.unread.pop_front();
                freed += PIECE_BYTES;
            }
        }
        self.unread_bytes -= freed;
        (read, freed)
    }

    /// Drops what waits; says what that frees.
    pub(super) fn discard(&mut self) -> usize {
        self.unread.clear();
        std::mem::take(&mut self.unread_bytes)
    }
}
