//! Reading a QR code with the camera, where the browser gives one: that needs a secure
//! context. Elsewhere nothing is shown.
//!
//! Pictures stay on this device and are dropped as they are read; the camera is
//! let go as soon as a code was read, the person stops it, or the view goes.

mod scanner;

use std::{rc::Rc, time::Duration};

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlVideoElement;

use self::scanner::{Said, Scanner};
use super::{
    icons::{self, icon},
    raw::{Part, button, tag, text},
    sealed::Seal,
};

/// Between two looks at the picture.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The width that a camera is asked for, in pixels.
const WIDTH: u32 = 1_280;

const UNREADABLE: &str = "The reader of codes did not start. Paste the code instead.";

/// An open camera, and what finds codes in its pictures.
struct Camera {
    stream: JsValue,
    scanner: Scanner,
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
    let said = Callback::new(move |said| {
        // The scanner is running right now: it is let go once it has returned.
        spawn_local(async move {
            // The view may have gone, or the person stopped it.
            if state.try_get_untracked() != Some(State::On) {
                return;
            }
            stop(camera);
            match said {
                Said::Code(text) => {
                    state.set(State::Off);
                    found.run(text);
                }
                Said::Failed => state.set(State::Refused(UNREADABLE.to_owned())),
            }
        });
    });
    let begin = Callback::new(move |()| {
        state.set(State::Opening);
        spawn_local(async move {
            let opened = Camera::open(said).await;
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
            watch(camera, video.element());
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

/// Shows the picture, and has it looked at again and again.
fn watch(camera: StoredValue<Option<Rc<Camera>>, LocalStorage>, picture: &web_sys::Element) {
    let Some(Some(open)) = camera.try_get_value() else { return };
    let Some(picture) = picture.dyn_ref::<HtmlVideoElement>().cloned() else { return };
    // Without its picture there is nothing to aim by; codes are found all the same.
    let _ = Reflect::set(&picture, &"srcObject".into(), &open.stream);
    let _ = call(&picture, "play", &[]);
    let look = move || open.scanner.look(&picture);
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
    /// Asks for the camera; the error is a sentence. What its scanner says comes later.
    async fn open(said: Callback<Said>) -> Result<Self, String> {
        let width = object(&[("ideal", WIDTH.into())]);
        let wish = object(&[("facingMode", "environment".into()), ("width", width)]);
        let wish = object(&[("video", wish)]);
        let asked = devices()
            .and_then(|devices| call(&devices, "getUserMedia", &[wish]))
            .and_then(Result::ok)
            .ok_or("This browser gives pages no camera.")?;
        let stream = JsFuture::from(asked.unchecked_into::<Promise>()).await;
        let stream = stream.map_err(|error| refusal(&error))?;
        let Some(scanner) = Scanner::start(said) else {
            stop_tracks(&stream);
            return Err(UNREADABLE.to_owned());
        };
        Ok(Self { stream, scanner })
    }

    /// Lets the camera go.
    fn close(&self) {
        self.scanner.stop();
        stop_tracks(&self.stream);
    }
}

fn stop_tracks(stream: &JsValue) {
    let Some(Ok(tracks)) = call(stream, "getTracks", &[]) else { return };
    for track in tracks.unchecked_into::<Array>().iter() {
        let _ = call(&track, "stop", &[]);
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
    devices().is_some()
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
