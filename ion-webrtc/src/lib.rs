//! libp2p `/webrtc` for browsers.
