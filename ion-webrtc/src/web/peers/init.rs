//! The other side's channel `init`, whose end the browser may forget to answer.
//!
//! A data channel is closed when both sides have reset their streams of SCTP (RFC
//! 8831, section 6.7). Firefox (153), where the other side closes a channel as
//! soon as it is open, may close it here without resetting its own stream, so
//! that the other side waits for ever; js-libp2p does close `init` so, and its
//! dial fails. It shows by a `close` without a `closing` before it. Opening the
//! same stream once more, as a negotiated channel, and closing that resets it.
//!
//! It refuses to do so for any other channel: there the number may be in use
//! again by then.

use std::cell::Cell;

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{RtcDataChannel, RtcPeerConnection, RtcPeerConnectionState};

use super::js;

const EVENTS: [&str; 2] = ["closing", "close"];

/// Watches that channel until it is dropped, which it must be before the channel
/// is closed here.
pub(super) struct Init {
    channel: RtcDataChannel,
    on_event: Closure<dyn FnMut(web_sys::Event)>,
}

impl Init {
    pub(super) fn new(pc: &RtcPeerConnection, channel: &RtcDataChannel) -> Self {
        let is_answered = Cell::new(false);
        let (on, of) = (pc.clone(), channel.clone());
        let on_event = Closure::new(move |event: web_sys::Event| {
            let is_first = !is_answered.replace(true);
            if is_first && event.type_() == "close" {
                reset(&on, &of);
            }
        });
        let function = on_event.as_ref().unchecked_ref();
        for event in EVENTS {
            // Without it the browser is trusted.
            let _ = channel.add_event_listener_with_callback(event, function);
        }
        Self { channel: channel.clone(), on_event }
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        let function = self.on_event.as_ref().unchecked_ref();
        for event in EVENTS {
            // There is nothing to do about one that was not attached.
            let _ = self.channel.remove_event_listener_with_callback(event, function);
        }
    }
}

/// Resets the channel's stream on a connection that still stands.
fn reset(pc: &RtcPeerConnection, channel: &RtcDataChannel) {
    if pc.connection_state() != RtcPeerConnectionState::Connected {
        return;
    }
    // Where the browser has answered after all it may refuse this, rightly.
    if let Some(number) = channel.id()
        && let Ok(again) = js::create_channel(pc, "", Some(number))
    {
        again.close();
    }
}
