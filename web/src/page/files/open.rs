//! A file, opened in place: pictures, films, sounds and text, while their bytes
//! still arrive. Nothing of a file is ever taken as part of this page.

use std::rc::Rc;

use leptos::{prelude::*, task::spawn_local};
use node_core::node::files::{READ_BYTES_MAX, RowView};
use web_sys::Element;

use super::{Sheet, bytes, sheet::titled};
use crate::{
    model::{
        files::{
            kinds::{Kind, kind},
            name,
        },
        format,
        route::Route,
    },
    page::{
        desk::At,
        raw::{Part, button, tag, text},
        router,
        sealed::{Seal, live},
    },
};

/// Bytes of text that are shown at a time.
const TEXT_BYTES: u64 = 256 << 10;

/// What is opened. It stays the same while copies come and go.
#[derive(Clone, Default)]
pub(super) struct Subject {
    pub(super) file: String,
    pub(super) path: String,
    pub(super) name: String,
    pub(super) bytes: u64,
    media_type: String,
}

impl Subject {
    /// That of a row; an empty one for what has no content.
    pub(super) fn of(row: &RowView) -> Self {
        let Some(file) = row.file.clone() else { return Self::default() };
        let (path, name) = (row.path.clone(), name(&row.path).to_owned());
        Self { file: file.file, path, name, bytes: file.bytes, media_type: file.media_type }
    }
}

/// Goes to the file before (-1) or behind (1); whether there is one.
pub(super) fn step(desk: At, path: &str, step: isize) -> bool {
    let next = desk.files.list.now().beside(path, step).map(str::to_owned);
    let is_there = next.is_some();
    if let Some(path) = next {
        router::go(desk, Route::File(path));
    }
    is_there
}

/// The file that the address names.
pub(super) fn addressed(desk: At) -> AnyView {
    let Route::File(path) = desk.route.get() else { return ().seal() };
    let wanted = path.clone();
    // What is shown changes with the file's content, not with its copies.
    let found = Memo::new(move |_| {
        let files = desk.files.list.read();
        let row = files.at(&wanted).and_then(|row| row.file.as_ref());
        row.map_or(if files.is_listed { "none" } else { "" }.to_owned(), |file| file.file.clone())
    });
    live(move || {
        let is_known = !found.with(String::is_empty);
        let row = desk.files.list.now().at(&path).cloned();
        match row {
            Some(row) if row.file.is_some() => view(desk, Subject::of(&row)),
            _ if is_known => note(
                "No such file here yet",
                "It was moved or deleted, or this tab has not heard of it yet: then it appears by itself.",
            ),
            _ => note("Looking for it", "What this ion knows of the folder is read from its disk."),
        }
    })
    .seal()
}

fn note(title: &str, words: &str) -> AnyView {
    titled(title).put(said(words)).seal()
}

fn said(words: &str) -> Part {
    text("p", "muted", words).test("viewer-note")
}

/// A file's content, with what can be done beside looking at it.
pub(super) fn view(desk: At, subject: Subject) -> AnyView {
    let stands = matches!(*desk.files.sheet.now(), Sheet::None);
    let mut beside = tag("div", "actions");
    let mut actions =
        tag("div", "actions").put(text("span", "small muted", &format::bytes(subject.bytes)));
    if stands {
        for (test, word, by) in
            [("viewer-previous", "← Previous", -1), ("viewer-next", "Next →", 1)]
        {
            if desk.files.list.now().beside(&subject.path, by).is_some() {
                let path = subject.path.clone();
                beside = beside.put(button(test, "button quiet", word, move || {
                    step(desk, &path, by);
                }));
            }
        }
        let path = subject.path.clone();
        actions = actions.put(button("viewer-about", "button", "Share and more", move || {
            let row = desk.files.list.now().at(&path).cloned();
            if let Some(row) = row {
                desk.files.sheet.set(Sheet::Row(Box::new(row)));
            }
        }));
    }
    let actions = actions.put(bytes::download_button(desk, "viewer-download", subject.clone()));
    let stage = tag("div", "stage-box").test("viewer").set("data-file", &subject.file);
    titled(&subject.name)
        .put(content(desk, stage, subject))
        .put(tag("div", "viewer-bar").put(beside).put(actions))
        .seal()
}

fn content(desk: At, stage: Part, subject: Subject) -> Part {
    let (kind, media_type) = kind(&subject.media_type, &subject.name);
    match kind {
        Kind::Text => written(desk, stage, subject),
        Kind::Other => {
            stage.put(said("This kind of file is not shown here. Download it to open it."))
        }
        _ => framed(desk, stage, subject, kind, media_type),
    }
}

/// A picture, a film or a sound, from where the browser finds its bytes.
fn framed(desk: At, stage: Part, subject: Subject, kind: Kind, media_type: &'static str) -> Part {
    let (name, test) = match kind {
        Kind::Picture => ("img", "viewer-picture"),
        Kind::Video => ("video", "viewer-video"),
        _ => ("audio", "viewer-audio"),
    };
    let come = RwSignal::new(0);
    let why = RwSignal::new(String::new());
    let frame = tag(name, "")
        .test(test)
        .set(if kind == Kind::Picture { "alt" } else { "aria-label" }, &subject.name)
        .set("controls", "")
        .set("playsinline", "")
        .on("error", move |_| {
            let words = "It could not be shown: this browser does not know its kind, or parts of \
                         it are on ions that are away. It can be downloaded.";
            why.try_set(words.to_owned());
        });
    if let Some(address) = bytes::address(desk, &subject, media_type) {
        let frame = frame.set("src", &address);
        return stage.put(frame).add(live(move || said_if(&why.get())).seal());
    }
    let (shown, size) = (frame.element().clone(), subject.bytes);
    spawn_local(async move {
        match bytes::whole(desk, &subject, media_type, come).await {
            Ok(address) => {
                let _ = shown.set_attribute("src", &address);
            }
            // Whoever waited for it may be gone.
            Err(problem) => {
                why.try_set(problem.why);
            }
        }
    });
    free_with_view(frame.element());
    let progress = live(move || {
        let come = come.get();
        said_if(&if come < size { format::part(come, size) } else { String::new() })
    });
    stage.put(frame).add(live(move || said_if(&why.get())).seal()).add(progress.seal())
}

/// Frees what an element shows from memory when it is not shown any more.
fn free_with_view(element: &Element) {
    let shown = send_wrapper::SendWrapper::new(element.clone());
    on_cleanup(move || {
        if let Some(address) = shown.get_attribute("src") {
            // What is not freed now is freed with the page.
            let _ = web_sys::Url::revoke_object_url(&address);
        }
    });
}

fn said_if(words: &str) -> AnyView {
    if words.is_empty() { ().seal() } else { said(words).seal() }
}

/// A text, as much of it as was asked for.
fn written(desk: At, stage: Part, subject: Subject) -> Part {
    let page = text("pre", "text", "").set("tabindex", "0").test("viewer-text");
    let shown = page.element().clone();
    let more = button("viewer-more", "button", "Show more", || {});
    let again = more.element().clone();
    let _ = again.set_attribute("hidden", "");
    let (subject, read) = (Rc::new(subject), Rc::new(std::cell::RefCell::new(Vec::new())));
    let ask = move || {
        let (subject, read) = (Rc::clone(&subject), Rc::clone(&read));
        let (shown, again) = (shown.clone(), again.clone());
        spawn_local(async move {
            let _ = again.set_attribute("hidden", "");
            let from = read.borrow().len() as u64;
            let bytes = TEXT_BYTES.min(READ_BYTES_MAX.into()).min(subject.bytes - from);
            match desk.read(&subject.file, from, u32::try_from(bytes).unwrap_or_default()).await {
                Ok(part) => read.borrow_mut().extend_from_slice(&part),
                Err(problem) => {
                    let _ = shown.append_with_str_1(&format!("\n\n{}", problem.why));
                    return;
                }
            }
            shown.set_text_content(Some(&String::from_utf8_lossy(&read.borrow())));
            if (read.borrow().len() as u64) < subject.bytes {
                let _ = again.remove_attribute("hidden");
            }
        });
    };
    ask();
    stage.put(page).put(more.on("click", move |_| ask()))
}
