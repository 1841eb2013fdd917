//! Data channels are handed over to where the transport is.

use ion_webrtc::web::Remote;
use web_sys::MessagePort;

/// Whether the host hands data channels over.
pub(crate) const ARE_HANDED_OVER: bool = true;

/// The end of the port where the transport is.
pub(crate) fn remote(port: &MessagePort) -> Remote {
    Remote::new(port)
}
