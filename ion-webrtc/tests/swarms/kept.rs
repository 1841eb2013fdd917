//! Data channels stay on the page.

use ion_webrtc::web::Remote;
use web_sys::MessagePort;

/// Whether the host hands data channels over.
pub(crate) const ARE_HANDED_OVER: bool = false;

/// The end of the port where the transport is.
pub(crate) fn remote(port: &MessagePort) -> Remote {
    Remote::with_channels_on_page(port)
}
