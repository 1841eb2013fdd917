//! Reading a QR code with the camera, where the browser gives one: that needs a secure
//! context. Elsewhere nothing is shown.
//!
//! Pictures stay in the page and are dropped as they are read; the camera is
//! let go as soon as a code was read, the person stops it, or the view goes.

use std::{rc::Rc, time::Duration};

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, HtmlVideoElement};

use super::{
    icons::{self, icon},
    raw::{Part, button, tag, text},
    sealed::Seal,
};
use crate::model::qr;

/// Between two looks at the picture.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The width that a camera is asked for, and the widest that is looked at, in pixels.
const WIDTH: u32 = 1_280;

/// An open camera, and a canvas for its pictures.
struct Camera {
    stream: JsValue,
    canvas: HtmlCanvasElement,
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
    let look = move || {
        if let Some(text) = picture.dyn_ref().and_then(|video| open.look(video)) {
            stop(camera);
            state.set(State::Off);
            found.run(text);
        }
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
        let canvas = document().create_element("canvas").ok().and_then(|one| one.dyn_into().ok());
        let canvas = canvas.ok_or("This browser draws no pictures here.")?;
        let width = object(&[("ideal", WIDTH.into())]);
        let wish = object(&[("facingMode", "environment".into()), ("width", width)]);
        let wish = object(&[("video", wish)]);
        let asked = devices()
            .and_then(|devices| call(&devices, "getUserMedia", &[wish]))
            .and_then(Result::ok)
            .ok_or("This browser gives pages no camera.")?;
        let stream = JsFuture::from(asked.unchecked_into::<Promise>()).await;
        let stream = stream.map_err(|error| refusal(&error))?;
        Ok(Self { stream, canvas })
    }

    /// The text of a code in the picture, if there is one now.
    fn look(&self, video: &HtmlVideoElement) -> Option<String> {
        let (width, height) = (video.video_width(), video.video_height());
        let shown = width.min(WIDTH);
        let height = height.checked_mul(shown)?.checked_div(width)?;
        self.canvas.set_width(shown);
        self.canvas.set_height(height);
        let context = self.canvas.get_context("2d").ok()??;
        let context: CanvasRenderingContext2d = context.dyn_into().ok()?;
        let (wide, high) = (f64::from(shown), f64::from(height));
        let drawn =
            context.draw_image_with_html_video_element_and_dw_and_dh(video, 0.0, 0.0, wide, high);
        drawn.ok()?;
        let picture = context.get_image_data(0.0, 0.0, wide, high).ok()?;
        qr::read(usize::try_from(shown).ok()?, &picture.data())
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
