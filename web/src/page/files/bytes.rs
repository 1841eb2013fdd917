//! Bytes of files: read piece by piece through the ion, for the page itself and
//! for the service worker, which streams films and downloads.
//!
//! Bounds: [`READS_MAX`] reads are under way, [`WAITING_MAX`] wait; where there
//! is no service worker, files up to [`WHOLE_BYTES_MAX`] are held in memory.

use std::cell::Cell;

use futures::channel::oneshot;
use js_sys::{Array, Reflect, Uint8Array};
use leptos::{prelude::*, task::spawn_local};
use node_core::node::{
    Problem,
    files::{READ_BYTES_MAX, READS_MAX, Wish},
};
use serde_bytes::ByteBuf;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{Blob, BlobPropertyBag, MessageEvent, MessagePort, ServiceWorkerContainer};

use super::open::Subject;
use crate::{
    model::{format, news::problem, route::encoded},
    page::{
        browser,
        desk::{At, Desk},
        raw::{Part, button},
    },
};

/// Reads that wait for others to end.
const WAITING_MAX: usize = 256;
/// What is held in memory at most where nothing can be streamed.
pub(super) const WHOLE_BYTES_MAX: u64 = 256 << 20;
/// How long after a download was asked for leaving the page is taken to be it,
/// in milliseconds.
const LEAVING_MS: f64 = 2_000.0;

thread_local! {
    /// When a download was asked for, in milliseconds of the page's clock.
    static LEFT_AT: Cell<f64> = const { Cell::new(f64::NEG_INFINITY) };
}

type Answer = Result<ByteBuf, Problem>;

/// What was asked and is not answered; what waits still has its wish.
#[derive(Default)]
pub(super) struct Reads {
    list: Vec<(u64, Option<Wish>, oneshot::Sender<Answer>)>,
    last: u64,
}

impl Desk {
    /// Up to [`READ_BYTES_MAX`] bytes of a file from that place on.
    pub(super) async fn read(&self, file: &str, from: u64, bytes: u32) -> Answer {
        let told = self.files.reads.quietly().ask(file, from, bytes);
        self.go_on_reading();
        told.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Asks for what waits, as far as there is room.
    fn go_on_reading(&self) {
        let wishes = self.files.reads.quietly().go_on();
        self.wishes(wishes);
    }

    pub(super) fn read_told(&self, request: u64, result: Answer) {
        let tell = self.files.reads.quietly().answered(request);
        // Nobody waits for it any more, or somebody takes it.
        let _ = tell.map(|tell| tell.send(result));
        self.go_on_reading();
    }

    pub(super) fn read_interrupted(&self) {
        self.files.reads.quietly().list.clear();
    }
}

impl Reads {
    /// Where the answer will come; at once that there is none, where too much
    /// waits already.
    fn ask(&mut self, file: &str, from: u64, bytes: u32) -> oneshot::Receiver<Answer> {
        let (tell, told) = oneshot::channel();
        if self.list.len() < READS_MAX + WAITING_MAX {
            self.last += 1;
            let (request, file) = (self.last, file.to_owned());
            let wish = Wish::Read { request, file, from, bytes: bytes.min(READ_BYTES_MAX) };
            self.list.push((request, Some(wish), tell));
        }
        told
    }

    /// What waits and has room; gives up what nobody waits for any more.
    fn go_on(&mut self) -> Vec<Wish> {
        let mut wishes = Vec::new();
        self.list.retain(|(request, wish, tell)| {
            if tell.is_canceled() && wish.is_none() {
                wishes.push(Wish::CancelRead { request: *request });
            }
            !tell.is_canceled()
        });
        for (_, wish, _) in self.list.iter_mut().take(READS_MAX) {
            wishes.extend(wish.take());
        }
        wishes
    }

    fn answered(&mut self, request: u64) -> Option<oneshot::Sender<Answer>> {
        let at = self.list.iter().position(|(number, ..)| *number == request)?;
        Some(self.list.remove(at).2)
    }
}

fn interrupted() -> Problem {
    problem(
        "It was not read.",
        "The ion of this tab was started again, or has too much to read.",
        "Try again in a moment.",
    )
}

/// The service worker's door, where there is one.
fn container() -> Option<ServiceWorkerContainer> {
    let navigator = window().navigator();
    let has = Reflect::has(&navigator, &"serviceWorker".into()).unwrap_or(false);
    (has && browser::is_secure()).then(|| navigator.service_worker())
}

/// The address under which the service worker streams a file to this tab;
/// `None` where none takes care of this page.
pub(super) fn address(desk: At, subject: &Subject, media_type: &str) -> Option<String> {
    container()?.controller()?;
    let Subject { file, name, bytes, .. } = subject;
    let (name, tab) = (encoded(name), tab(desk));
    let media_type = encoded(media_type);
    Some(format!("/nebula/{file}/{name}?type={media_type}&size={bytes}&tab={tab}"))
}

/// What the service worker knows this tab by: its ion's id.
fn tab(desk: At) -> String {
    desk.status.with_untracked(|status| status.id.clone())
}

/// Answers what the service worker asks for, as long as the page lives.
pub(crate) fn serve(desk: At) {
    let Some(container) = container() else { return };
    let asked = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let (question, port) = (event.data(), event.ports().get(0));
        let Ok(port) = port.dyn_into::<MessagePort>() else { return };
        let get = |name: &str| Reflect::get(&question, &name.into()).unwrap_or(JsValue::UNDEFINED);
        if let Some(wanted) = get("tab").as_string() {
            if wanted == tab(desk) {
                // Where nobody listens any more, nothing is lost.
                let _ = port.post_message(&JsValue::TRUE);
            }
            return;
        }
        let (file, from, bytes) = (get("file"), get("from"), get("bytes"));
        let numbers = (from.as_f64(), bytes.as_f64());
        if let (Some(file), (Some(from), Some(bytes))) = (file.as_string(), numbers) {
            answer(desk, file, from, bytes, port);
        }
    });
    container.set_onmessage(Some(asked.as_ref().unchecked_ref()));
    // It lives as long as the page does.
    asked.forget();
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts from floats saturate; what is no place of the file is refused by the ion"
)]
fn answer(desk: At, file: String, from: f64, bytes: f64, port: MessagePort) {
    spawn_local(async move {
        let said = match desk.read(&file, from as u64, bytes as u32).await {
            Ok(bytes) => Uint8Array::from(bytes.as_slice()).into(),
            Err(problem) => JsValue::from_str(&problem.why),
        };
        // Where nobody listens any more, nothing is lost.
        let _ = port.post_message(&said);
        port.close();
        // A service worker sleeps after half a minute without events.
        if let Some(worker) = container().and_then(|container| container.controller()) {
            let _ = worker.post_message(&JsValue::TRUE);
        }
    });
}

/// The whole of a file as an address of this document, where nothing streams it.
pub(super) async fn whole(
    desk: At,
    subject: &Subject,
    media_type: &str,
    come: RwSignal<u64>,
) -> Result<String, Problem> {
    let unheld = |why: &str| {
        let remedy = "Open the page over https, where it is streamed, or on a native ion.";
        problem(&format!("{} was not opened", subject.name), why, remedy)
    };
    if subject.bytes > WHOLE_BYTES_MAX {
        let max = format::bytes(WHOLE_BYTES_MAX);
        return Err(unheld(&format!(
            "Without a service worker (plain http, or a private window) it has to be held in \
             memory, at most {max}."
        )));
    }
    let parts = Array::new();
    let mut at = 0;
    while at < subject.bytes {
        let left = u32::try_from(subject.bytes - at).unwrap_or(READ_BYTES_MAX);
        let part = desk.read(&subject.file, at, left.min(READ_BYTES_MAX)).await?;
        if part.is_empty() {
            return Err(unheld("It ended before its size."));
        }
        at += part.len() as u64;
        parts.push(&Uint8Array::from(part.as_slice()));
        // Whoever waited for it may be gone.
        come.try_set(at);
    }
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    Blob::new_with_u8_array_sequence_and_options(&parts, &options)
        .and_then(|blob| web_sys::Url::create_object_url_with_blob(&blob))
        .map_err(|_| unheld("The browser has not enough memory."))
}

/// Whether leaving the page, as it seems to, is only a download.
pub(super) fn is_leaving_for_download() -> bool {
    browser::now_ms() - LEFT_AT.get() < LEAVING_MS
}

/// The button that saves a file on this device.
pub(super) fn download_button(desk: At, test: &str, subject: Subject) -> Part {
    button(test, "button", "Download", move || download(desk, &subject))
}

/// Saves a file on this device.
pub(super) fn download(desk: At, subject: &Subject) {
    if let Some(address) = address(desk, subject, "") {
        LEFT_AT.set(browser::now_ms());
        // A browser that goes nowhere has said so itself.
        let _ = window().location().set_href(&address);
        return;
    }
    let subject = subject.clone();
    spawn_local(async move {
        let come = RwSignal::new(0);
        match whole(desk, &subject, "application/octet-stream", come).await {
            Ok(address) => browser::save(&subject.name, &address),
            Err(problem) => desk.tell(problem),
        }
    });
}
