//! The worker that finds codes, and the canvas through which it gets its pictures.

use std::{cell::Cell, rc::Rc};

use js_sys::Array;
use leptos::prelude::{Callable, Callback, document};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{
    CanvasRenderingContext2d, Event, HtmlCanvasElement, HtmlElement, HtmlVideoElement,
    MessageEvent, Worker,
};

/// The longer side of a picture that is looked at, in pixels; larger ones are drawn smaller.
const SIDE_MAX: u32 = 1_280;

/// What a scanner says, once.
pub(super) enum Said {
    /// The text of a code.
    Code(String),
    /// Its module did not load, or failed.
    Failed,
}

/// A worker that looks at one picture at a time.
pub(super) struct Scanner {
    worker: Worker,
    canvas: HtmlCanvasElement,
    is_waiting: Rc<Cell<bool>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Scanner {
    /// Starts the worker; `None` where the browser starts none or draws nothing.
    pub(super) fn start(said: Callback<Said>) -> Option<Self> {
        let canvas = document().create_element("canvas").ok()?.dyn_into().ok()?;
        let root: HtmlElement = document().document_element()?.dyn_into().ok()?;
        let worker = Worker::new(&root.dataset().get("scanner")?).ok()?;
        let is_waiting = Rc::new(Cell::new(false));
        let waits = Rc::clone(&is_waiting);
        let on_message = Closure::new(move |event: MessageEvent| match event.data().as_string() {
            Some(text) => said.run(Said::Code(text)),
            None => waits.set(true),
        });
        let on_error = Closure::new(move |event: Event| {
            event.prevent_default();
            said.run(Said::Failed);
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self { worker, canvas, is_waiting, _on_message: on_message, _on_error: on_error })
    }

    /// Has the picture looked at that a camera shows now, unless the last one still is.
    pub(super) fn look(&self, video: &HtmlVideoElement) {
        if self.is_waiting.get() && self.post(video).is_some() {
            self.is_waiting.set(false);
        }
    }

    /// `None` where there is no picture yet.
    fn post(&self, video: &HtmlVideoElement) -> Option<()> {
        let (wide, high) = (video.video_width(), video.video_height());
        let longer = wide.max(high);
        let drawn = |side: u32| side.checked_mul(longer.min(SIDE_MAX))?.checked_div(longer);
        let (width, height) = (drawn(wide)?, drawn(high)?);
        self.canvas.set_width(width);
        self.canvas.set_height(height);
        let context = self.canvas.get_context("2d").ok()??;
        let context: CanvasRenderingContext2d = context.dyn_into().ok()?;
        let (right, bottom) = (f64::from(width), f64::from(height));
        context
            .draw_image_with_html_video_element_and_dw_and_dh(video, 0.0, 0.0, right, bottom)
            .ok()?;
        let picture = context.get_image_data(0.0, 0.0, right, bottom).ok()?;
        let pixels = js_sys::Uint8Array::from(picture.data().as_slice()).buffer();
        let message = Array::of2(&JsValue::from(width), &pixels);
        self.worker.post_message_with_transfer(&message, &Array::of1(&pixels)).ok()
    }

    /// Ends the worker; nothing more is said.
    pub(super) fn stop(&self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
