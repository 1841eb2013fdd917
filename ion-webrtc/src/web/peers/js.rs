//! What web-sys lacks, and what errors say.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    EventTarget, RtcConfiguration, RtcDataChannel, RtcDataChannelInit, RtcIceServer,
    RtcPeerConnection, RtcSdpType, RtcSessionDescriptionInit,
};

use crate::IceServer;

/// Longest text of an error that is passed on, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// What an error says.
pub(super) fn text(error: &JsValue) -> String {
    let message = get(error, "message").as_string();
    let said =
        message.or_else(|| error.as_string()).unwrap_or_else(|| "no reason given".to_owned());
    said.chars().take(TEXT_CHARS_MAX).collect()
}

/// A property, or undefined.
pub(super) fn get(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A property that is an object with events, if it is.
pub(super) fn target(of: &JsValue, name: &str) -> Option<EventTarget> {
    Some(get(of, name)).filter(JsValue::is_object).map(JsCast::unchecked_into)
}

/// `setLocalDescription()` without arguments: the offer or the answer that is
/// due, made and set in one step.
pub(super) fn set_local_description(pc: &RtcPeerConnection) -> Result<Promise, JsValue> {
    let function: Function = get(pc, "setLocalDescription").dyn_into()?;
    function.call0(pc)?.dyn_into()
}

pub(super) fn configuration(ice_servers: &[IceServer]) -> RtcConfiguration {
    let servers = Array::new();
    for server in ice_servers {
        let entry = RtcIceServer::new();
        let urls: Array = server.urls.iter().map(JsValue::from).collect();
        entry.set_urls(&urls);
        if let Some(username) = &server.username {
            entry.set_username(username);
        }
        if let Some(credential) = &server.credential {
            entry.set_credential(credential);
        }
        servers.push(&entry);
    }
    let configuration = RtcConfiguration::new();
    configuration.set_ice_servers(&servers);
    configuration
}

/// Opens a channel; throws where web-sys says that nothing fails, as on a closed
/// connection.
pub(super) fn create_channel(
    pc: &RtcPeerConnection,
    label: &str,
    negotiated: Option<u16>,
) -> Result<RtcDataChannel, JsValue> {
    let init = RtcDataChannelInit::new();
    if let Some(number) = negotiated {
        init.set_negotiated(true);
        init.set_id(number);
    }
    let create: Function = get(pc, "createDataChannel").dyn_into()?;
    create.call2(pc, &label.into(), &init).map(JsCast::unchecked_into)
}

/// Makes an offer, puts these ICE credentials into it as user name and
/// password, and sets it as the local description.
pub(super) fn set_munged(pc: &RtcPeerConnection, credentials: &str) -> Promise {
    let (pc, credentials) = (pc.clone(), credentials.to_owned());
    wasm_bindgen_futures::future_to_promise(async move {
        let offer = JsFuture::from(pc.create_offer()).await?;
        let sdp = get(&offer, "sdp").as_string().unwrap_or_default();
        let init = RtcSessionDescriptionInit::new(RtcSdpType::Offer);
        init.set_sdp(&munged(&sdp, &credentials));
        JsFuture::from(pc.set_local_description(&init)).await
    })
}

fn munged(sdp: &str, credentials: &str) -> String {
    let mut munged = String::with_capacity(sdp.len() + credentials.len() * 2);
    for line in sdp.lines() {
        let name = ["a=ice-ufrag:", "a=ice-pwd:"].into_iter().find(|name| line.starts_with(name));
        match name {
            Some(name) => munged.extend([name, credentials, "\r\n"]),
            None => munged.extend([line, "\r\n"]),
        }
    }
    munged
}
