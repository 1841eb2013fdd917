//! Reading a QR code with the camera, where the browser can: it needs
//! `BarcodeDetector` and a secure context. Elsewhere nothing is shown.
//!
//! Pictures stay in the page and are dropped as they are read; the camera is
//! let go as soon as a code was read, the person stops it, or the view goes.

use std::{rc::Rc, time::Duration};

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{
    icons::{self, icon},
    raw::{Part, button, tag, text},
    sealed::Seal,
};

/// Between two looks at the picture.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// An open camera, and what finds codes in its pictures.
struct Camera {
    stream: JsValue,
    detector: JsValue,
}

/// Where the camera stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Off,
    Opening,
    On,
    Refused(String),
}

/// A button that opens the camera, and its picture; nothing where the browser
/// can read no codes. `found` is called once for each opening, with the text.
pub(crate) fn view(found: Callback<String>) -> AnyView {
    if !is_supported() {
        return ().seal();
    }
    let state = RwSignal::new(State::Off);
    let camera = StoredValue::new_local(None::<Rc<Camera>>);
    on_cleanup(move || stop(camera));
    let begin = Callback::new(move |()| {
        state.set(State::Opening);
        spawn_local(async move {
            let opened = Camera::open().await;
            // The view may have gone while the person was asked.
            if state.try_get_untracked() != Some(State::Opening) {
                if let Ok(camera) = opened {
                    camera.close();
                }
                return;
            }
            match opened {
                Ok(opened) => {
                    camera.set_value(Some(Rc::new(opened)));
                    state.set(State::On);
                }
                Err(why) => state.set(State::Refused(why)),
            }
        });
    });
    let end = move || {
        stop(camera);
        state.set(State::Off);
    };
    let shown = move || match state.get() {
        State::On => {
            let video = tag("video", "camera")
                .set("muted", "")
                .set("playsinline", "")
                .set("aria-label", "The camera's picture");
            watch(camera, video.element(), state, found);
            vec![video, button("scan-stop", "button", "Stop the camera", end)]
        }
        other => scan_button(other, begin),
    };
    tag("div", "scan").rows(shown).seal()
}

fn scan_button(state: State, begin: Callback<()>) -> Vec<Part> {
    let scan = button("scan", "button", "", move || begin.run(()));
    let scan = if state == State::Opening { scan.set("disabled", "") } else { scan };
    let scan = scan.put(icon(icons::SCAN)).say("Scan with the camera");
    let why = match state {
        State::Refused(why) => Some(why),
        _ => None,
    };
    let why = why.map(|why| text("p", "mistake", &why).set("role", "alert").test("scan-refused"));
    [scan].into_iter().chain(why).collect()
}

/// Shows the picture and looks for a code in it, again and again.
fn watch(
    camera: StoredValue<Option<Rc<Camera>>, LocalStorage>,
    video: &web_sys::Element,
    state: RwSignal<State>,
    found: Callback<String>,
) {
    let Some(Some(open)) = camera.try_get_value() else { return };
    let picture: JsValue = video.clone().into();
    // Without its picture there is nothing to aim by; codes are found all the same.
    let _ = Reflect::set(&picture, &"srcObject".into(), &open.stream);
    let _ = call(&picture, "play", &[]);
    let is_looking = StoredValue::new(false);
    let look = move || {
        if is_looking.try_get_value() != Some(false) {
            return;
        }
        is_looking.set_value(true);
        let (open, picture) = (Rc::clone(&open), picture.clone());
        spawn_local(async move {
            let text = open.look(&picture).await;
            // The view may have gone meanwhile.
            let is_on = state.try_get_untracked() == Some(State::On);
            let _ = is_looking.try_set_value(false);
            if let Some(text) = text.filter(|_| is_on) {
                stop(camera);
                state.set(State::Off);
                found.run(text);
            }
        });
    };
    if let Ok(timer) = set_interval_with_handle(look, LOOK_EVERY) {
        on_cleanup(move || timer.clear());
    }
}

fn stop(camera: StoredValue<Option<Rc<Camera>>, LocalStorage>) {
    let open = camera.try_update_value(Option::take).flatten();
    if let Some(camera) = open {
        camera.close();
    }
}

impl Camera {
    /// Asks for the camera; the error is a sentence.
    async fn open() -> Result<Self, String> {
        let detector = detector().map_err(|_| "This browser reads no QR codes here.".to_owned())?;
        let wish = object(&[("video", object(&[("facingMode", "environment".into())]))]);
        let asked = devices()
            .and_then(|devices| call(&devices, "getUserMedia", &[wish]))
            .and_then(Result::ok)
            .ok_or("This browser gives pages no camera.")?;
        let stream = JsFuture::from(asked.unchecked_into::<Promise>()).await;
        let stream = stream.map_err(|error| refusal(&error))?;
        Ok(Self { stream, detector })
    }

    /// The text of a code in the picture, if there is one now.
    async fn look(&self, picture: &JsValue) -> Option<String> {
        let looked = call(&self.detector, "detect", std::slice::from_ref(picture))?.ok()?;
        let codes = JsFuture::from(looked.dyn_into::<Promise>().ok()?).await.ok()?;
        let first = codes.dyn_into::<Array>().ok()?.get(0);
        Reflect::get(&first, &"rawValue".into()).ok()?.as_string().filter(|text| !text.is_empty())
    }

    /// Lets the camera go.
    fn close(&self) {
        let Some(Ok(tracks)) = call(&self.stream, "getTracks", &[]) else { return };
        for track in tracks.unchecked_into::<Array>().iter() {
            let _ = call(&track, "stop", &[]);
        }
    }
}

fn refusal(error: &JsValue) -> String {
    let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string());
    match name.as_deref() {
        Some("NotAllowedError") => {
            "The camera was not allowed. Allow it in the address bar, or paste the code."
        }
        Some("NotFoundError") => "There is no camera. Paste the code instead.",
        Some("NotReadableError") => {
            "Another program uses the camera. Close that, or paste the code."
        }
        _ => "The camera could not be opened. Paste the code instead.",
    }
    .to_owned()
}

fn is_supported() -> bool {
    class().is_some() && devices().is_some()
}

fn class() -> Option<Function> {
    Reflect::get(&window(), &"BarcodeDetector".into()).ok()?.dyn_into().ok()
}

fn detector() -> Result<JsValue, JsValue> {
    let class = class().ok_or(JsValue::NULL)?;
    let options = object(&[("formats", Array::of1(&"qr_code".into()).into())]);
    Reflect::construct(&class, &Array::of1(&options))
}

fn devices() -> Option<JsValue> {
    let navigator: JsValue = window().navigator().into();
    let devices = Reflect::get(&navigator, &"mediaDevices".into()).ok()?;
    devices.is_object().then_some(devices)
}

/// Calls a method; `None` where there is no such method.
fn call(on: &JsValue, method: &str, arguments: &[JsValue]) -> Option<Result<JsValue, JsValue>> {
    let method: Function = Reflect::get(on, &method.into()).ok()?.dyn_into().ok()?;
    Some(method.apply(on, &arguments.iter().collect()))
}

fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // A plain object takes every field.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}
