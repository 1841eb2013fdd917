//! libp2p's `/webrtc` transport for browsers: tab to tab, without a server in
//! between once both have met.
//!
//! This crate will hold a libp2p transport and behaviour after the libp2p
//! specification `webrtc/webrtc.md`, written for pages and for workers whose
//! page lends them its `RTCPeerConnection`. It knows nothing of ions or
//! nebulas, so that others can use it. Nothing of it is written yet: ions talk
//! through the relay's circuits until it is.
