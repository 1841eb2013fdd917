//! The few things that the page asks of the browser beside drawing. Where the
//! browser refuses (no storage, no secure context), the page goes on without.

use js_sys::{Array, Reflect, Uint8Array};
use leptos::prelude::{document, window};
use node_core::node::JobId;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, Element, File, HtmlAnchorElement, HtmlElement, Response, Storage,
};

use crate::{bridge::Handed, model::invitation};

const SLOT: &str = "ionosphere.slot";
const INVITATION: &str = "ionosphere.invitation";
const THEME: &str = "ionosphere.theme";
const WELCOMED: &str = "ionosphere.welcomed";

/// Milliseconds since the page opened.
pub(crate) fn now_ms() -> f64 {
    window().performance().map_or(0.0, |clock| clock.now())
}

/// Milliseconds since 1970, as this device's clock claims.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a date is positive and far below 2^53"
)]
pub(crate) fn wall_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// A moment, in milliseconds since 1970, as people here write it.
#[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53")]
pub(crate) fn date(wall_ms: u64) -> String {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(wall_ms as f64));
    date.to_locale_string("default", &wasm_bindgen::JsValue::UNDEFINED).into()
}

/// A text as it is searched for. The browser has the tables for it; ours would
/// take 5 KiB of the page.
pub(crate) fn lowercase(text: &str) -> String {
    js_sys::JsString::from(text).to_lower_case().into()
}

/// A random name for a job: 52 bits, so that every number format carries it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a random share of 2^52 is positive and fits"
)]
pub(crate) fn random_id() -> JobId {
    (js_sys::Math::random() * 4_503_599_627_370_496.0) as JobId
}

/// Writes on the body when this tab first belonged to its nebula; the first
/// time counts.
pub(crate) fn mark_joined() {
    if let Some(body) = document().body()
        && !body.has_attribute("data-joined-at")
    {
        // It is there for measurements; without it nothing is lost.
        let _ = body.set_attribute("data-joined-at", &format!("{:.1}", now_ms()));
    }
}

/// Writes the phase on the body, for tests and measurements.
pub(crate) fn show_phase(key: &str) {
    if let Some(body) = document().body() {
        let _ = body.set_attribute("data-phase", key);
    }
}

/// Says that this page's own code came upon a mistake. What is drawn stays, but
/// no longer moves; the ion goes on in its worker.
pub(crate) fn show_crash(why: &str) {
    web_sys::console::error_1(&why.into());
    let Some(body) = document().body() else { return };
    if let Ok(banner) = document().create_element("p") {
        let text = "Mission control came upon a mistake of its own and stands still. Reload the \
                    page to go on; what went wrong is in the browser's console.";
        banner.set_text_content(Some(text));
        banner.set_class_name("crash");
        // Beyond this there is nothing left to tell it with.
        let _ = banner.set_attribute("role", "alert");
        let _ = body.prepend_with_node_1(&banner);
    }
}

/// Takes the invitation out of the address, and keeps it for reloads; else the
/// one that was kept before.
pub(crate) fn take_invitation() -> Option<String> {
    take_fragment().or_else(kept_invitation)
}

/// Takes the invitation out of the address, if there is one.
pub(crate) fn take_fragment() -> Option<String> {
    let location = window().location();
    let code = invitation::from_fragment(&location.hash().unwrap_or_default())?;
    keep_invitation(Some(&code));
    let path = location.pathname().unwrap_or_else(|_| "/".to_owned());
    if let Ok(history) = window().history() {
        // An address that keeps its fragment is no harm, only untidy.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&path));
    }
    Some(code)
}

/// Keeps the invitation of the present nebula until the tab closes, or none.
pub(crate) fn keep_invitation(code: Option<&str>) {
    let Some(session) = session() else { return };
    // Without storage a reload leads to the open nebula, which is said elsewhere.
    let _ = match code {
        Some(code) => session.set_item(INVITATION, code),
        None => session.remove_item(INVITATION),
    };
}

/// Keeps the slot of this tab's identity until the tab closes; `boot.js` names
/// it to the next worker.
pub(crate) fn keep_slot(index: u32) {
    if let Some(session) = session() {
        // Without storage a reload may take another slot, and its identity.
        let _ = session.set_item(SLOT, &index.to_string());
    }
}

/// The invitation that is kept, if any.
pub(crate) fn kept_invitation() -> Option<String> {
    session()?.get_item(INVITATION).ok()?
}

/// Half of the cores, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of cores, clamped to what an ion may lend"
)]
pub(crate) fn modest_share() -> u16 {
    let cores = window().navigator().hardware_concurrency();
    (cores / 2.0).clamp(1.0, f64::from(node_core::compute::WORKERS_MAX)) as u16
}

/// The worker that `boot.js` started, with the address of its script.
pub(crate) fn handed() -> (String, Option<Handed>) {
    let handed = Reflect::get(&window(), &"ionosphere".into()).unwrap_or(JsValue::UNDEFINED);
    let field = |name: &str| Reflect::get(&handed, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let address = field("address").as_string().unwrap_or_default();
    let early = field("early").dyn_into::<Array>().map(|early| early.to_vec()).unwrap_or_default();
    let port = field("port").dyn_into().ok();
    let worker = field("worker").dyn_into().ok();
    (address, worker.map(|worker| Handed { worker, early, port }))
}

/// A `data-` attribute of the document's root; empty if it is not there.
pub(crate) fn root_data(name: &str) -> String {
    let root = document().document_element();
    root.and_then(|root| root.get_attribute(&format!("data-{name}"))).unwrap_or_default()
}

/// This site's origin.
pub(crate) fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Whether the browser treats this page as safe from eavesdroppers.
pub(crate) fn is_secure() -> bool {
    window().is_secure_context()
}

/// The theme chosen by hand: `light`, `dark`, or empty for the system's.
pub(crate) fn theme() -> String {
    lasting().and_then(|kept| kept.get_item(THEME).ok()?).unwrap_or_default()
}

/// Chooses a theme, and keeps the choice where it can.
pub(crate) fn set_theme(theme: &str) {
    if let Some(kept) = lasting() {
        let _ = kept.set_item(THEME, theme);
    }
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", theme);
    }
}

/// Whether the line for first visits was put away.
pub(crate) fn was_welcomed() -> bool {
    lasting().is_some_and(|kept| kept.get_item(WELCOMED).is_ok_and(|value| value.is_some()))
}

/// Puts the line for first visits away.
pub(crate) fn set_welcomed() {
    if let Some(kept) = lasting() {
        let _ = kept.set_item(WELCOMED, "1");
    }
}

/// Fetches a file of this site; the error is a sentence.
pub(crate) async fn fetch(path: &str) -> Result<Vec<u8>, String> {
    let unreachable = |_| format!("{path} could not be fetched: the site does not answer");
    let response = JsFuture::from(window().fetch_with_str(path)).await.map_err(unreachable)?;
    let response: Response = response.dyn_into().map_err(|_| "no response".to_owned())?;
    if !response.ok() {
        return Err(format!(
            "{path} could not be fetched: the site answered {}",
            response.status()
        ));
    }
    let body = response.array_buffer().map_err(unreachable)?;
    let body = JsFuture::from(body).await.map_err(unreachable)?;
    Ok(Uint8Array::new(&body).to_vec())
}

/// Reads a file that the user chose, up to `bytes_max`; the error is a sentence.
pub(crate) async fn read(file: &File, bytes_max: usize) -> Result<Vec<u8>, String> {
    if file.size() > bytes_max as f64 {
        return Err(format!("it has {:.0} bytes, and at most {bytes_max} are taken", file.size()));
    }
    let body = JsFuture::from(file.array_buffer()).await;
    let body = body.map_err(|_| "the browser could not read it".to_owned())?;
    Ok(Uint8Array::new(&body).to_vec())
}

/// A size or a date as the browser has it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes and dates are positive; casts from floats saturate"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

/// Offers bytes as a download.
pub(crate) fn download(name: &str, bytes: &[u8]) {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    options.set_type("application/octet-stream");
    let Ok(blob) = Blob::new_with_u8_array_sequence_and_options(&parts, &options) else { return };
    let Ok(address) = web_sys::Url::create_object_url_with_blob(&blob) else { return };
    save(name, &address);
}

/// Offers what stands at an address of this document as a download; the address
/// ends.
pub(crate) fn save(name: &str, address: &str) {
    if let Ok(link) = document().create_element("a")
        && let Ok(link) = link.dyn_into::<HtmlAnchorElement>()
    {
        link.set_href(address);
        link.set_download(name);
        link.click();
    }
    let _ = web_sys::Url::revoke_object_url(address);
}

/// Copies a text; whether it could. Without the clipboard's interface (plain
/// http from another device) the old way is tried on the given field.
pub(crate) async fn copy(text: &str, field: Option<&Element>) -> bool {
    let navigator: JsValue = window().navigator().into();
    let has = Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|it| it.is_object());
    if has && JsFuture::from(window().navigator().clipboard().write_text(text)).await.is_ok() {
        return true;
    }
    field.is_some_and(select) && command_copy()
}

/// Selects all text of an element; whether it could.
fn select(field: &Element) -> bool {
    let Ok(Some(selection)) = window().get_selection() else { return false };
    selection.select_all_children(field).is_ok()
}

fn command_copy() -> bool {
    let document: JsValue = document().into();
    let Ok(run) = Reflect::get(&document, &"execCommand".into()) else { return false };
    let Ok(run) = run.dyn_into::<js_sys::Function>() else { return false };
    run.call1(&document, &"copy".into()).is_ok_and(|done| done.is_truthy())
}

/// Moves the keyboard to an element, if it is there.
pub(crate) fn focus(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten();
    let element = found.and_then(|element| element.dyn_into::<HtmlElement>().ok());
    element.is_some_and(|element| element.focus().is_ok())
}

/// An attribute of the element of that selector that the keyboard is in.
pub(crate) fn focused_in(selector: &str, attribute: &str) -> Option<String> {
    document().active_element()?.closest(selector).ok()??.get_attribute(attribute)
}

fn session() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

fn lasting() -> Option<Storage> {
    window().local_storage().ok().flatten()
}
