//! What two ions say in the link room, after the opening.

use serde::{Deserialize, Serialize};

use crate::{
    identity::IonId,
    network::{
        directory::Bond,
        overlay::{REFERRALS_MAX, Reason, Standing, Why},
        wire::{LINK_FRAME_BYTES_MAX, Presence, decode as decode_any},
    },
};

/// The version of what ions say to each other here; another one is refused.
pub const VERSION: u32 = 7;

/// What ions say in the link room, after the opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// May we be linked?
    Ask {
        /// How my links stand.
        standing: Standing,
        /// What for.
        why: Why,
    },
    /// Yes: the link stands.
    Accept {
        /// How my links stand.
        standing: Standing,
    },
    /// No: all places are taken.
    Full {
        /// Others to try, at most [`REFERRALS_MAX`].
        others: Vec<IonId>,
        /// Whether your presence is heard here.
        is_heard: bool,
    },
    /// The link ends; I stay in the nebula.
    Cut {
        /// Why.
        reason: Reason,
        /// Others to try, at most [`REFERRALS_MAX`].
        others: Vec<IonId>,
    },
    /// I am here; sent every second to each neighbour.
    Beat {
        /// Counts up, repeated in the answer.
        count: u64,
        /// What I am.
        presence: Presence,
        /// How my links stand.
        standing: Standing,
    },
    /// The answer to a beat, from which its sender learns the round-trip time.
    Echo {
        /// The beat's count.
        count: u64,
    },
    /// My word that you are my neighbour.
    Bond(Bond),
    /// I leave the nebula.
    Goodbye,
}

/// A message from bytes; `None` when they are none, or name too many.
pub fn decode(bytes: &[u8]) -> Option<Message> {
    let message = decode_any(bytes)?;
    match &message {
        Message::Full { others, .. } | Message::Cut { others, .. }
            if others.len() > REFERRALS_MAX =>
        {
            None
        }
        _ => Some(message),
    }
}

const _: () = assert!(LINK_FRAME_BYTES_MAX > 64 * REFERRALS_MAX + 512, "a refusal fits");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::wire::encode;

    #[test]
    fn golden() {
        let standing = Standing { links: 1, target: 6, max: 10 };
        let ask = Message::Ask { standing, why: Why::Fill };
        let text = b"\xa1cAsk\xa2cwhydFillhstanding\xa3cmax\x0aelinks\x01ftarget\x06";
        assert_eq!(encode(&ask), text);
        assert_eq!(decode(text), Some(ask));
    }

    #[test]
    fn nobody_names_too_many() {
        let named = |count: usize| Message::Full {
            others: vec![IonId::from_bytes([1; 32]); count],
            is_heard: false,
        };
        assert!(decode(&encode(&named(REFERRALS_MAX))).is_some());
        assert!(decode(&encode(&named(REFERRALS_MAX + 1))).is_none());
    }
}
