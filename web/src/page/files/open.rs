//! A file, opened in place: pictures, films, sounds and text, while their bytes
//! still arrive. Nothing of a file is ever taken as part of this page.

use leptos::{prelude::*, task::spawn_local};
use node_core::node::files::{READ_BYTES_MAX, RowView};

use super::{Sheet, button, bytes};
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
        parts, router,
        sealed::{Seal, live},
    },
};

/// Bytes of text that are shown at a time.
const TEXT_BYTES: u64 = 256 << 10;

/// What is opened. It stays the same while copies come and go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    let next = desk.files.list.with_untracked(|files| files.beside(path, step).map(str::to_owned));
    let is_there = next.is_some();
    if let Some(path) = next {
        router::go(desk, Route::File(path));
    }
    is_there
}

/// The file that the address names.
pub(super) fn addressed(desk: At) -> AnyView {
    let Route::File(path) = desk.route.get() else { return ().into_any() };
    let found = Memo::new(move |_| {
        desk.files.list.with(|files| {
            files.at(&path).map(|row| (row.file.is_some(), Subject::of(row))).or_else(|| {
                files
                    .is_listed
                    .then(|| (false, Subject { path: path.clone(), ..Subject::default() }))
            })
        })
    });
    live(move || match found.get() {
        None => note("Looking for it", "What this ion knows of the folder is read from its disk."),
        Some((true, subject)) => view(desk, subject),
        Some((false, _)) => note(
            "No such file here yet",
            "It was moved or deleted, or this tab has not heard of it yet: then it appears by itself.",
        ),
    })
    .seal()
}

fn note(title: &'static str, text: &'static str) -> AnyView {
    view! {
        <h2 id="sheet-title">{title}</h2>
        <p class="muted" data-test="viewer-note">{text}</p>
    }
    .seal()
}

/// A file's content, with what can be done beside looking at it.
pub(super) fn view(desk: At, subject: Subject) -> AnyView {
    let (title, size) = (subject.name.clone(), format::bytes(subject.bytes));
    let (id, saved) = (subject.file.clone(), subject.clone());
    let about = desk.files.list.with_untracked(|files| files.at(&subject.path).cloned());
    let stands = desk.files.sheet.with_untracked(|sheet| *sheet == Sheet::None);
    let more = about.filter(|_| stands).map(|row| {
        button("viewer-about", "button", "Share and more", move || {
            desk.files.sheet.set(Sheet::Row(Box::new(row.clone())));
        })
    });
    let path = subject.path.clone();
    let beside = move |test, word: &'static str, by: isize| {
        let path = path.clone();
        let is_there =
            stands && desk.files.list.with_untracked(|files| files.beside(&path, by).is_some());
        is_there.then(|| {
            button(test, "button quiet", word, move || {
                step(desk, &path, by);
            })
        })
    };
    view! {
        <h2 id="sheet-title" class="sheet-title">{title}</h2>
        <div class="stage-box" data-test="viewer" data-file=id>{content(desk, subject)}</div>
        <div class="viewer-bar">
            <div class="actions">{beside("viewer-previous", "← Previous", -1)} {beside("viewer-next", "Next →", 1)}</div>
            <div class="actions">
                <span class="small muted">{size}</span>
                {more}
                {button("viewer-download", "button", "Download", move || bytes::download(desk, &saved))}
            </div>
        </div>
    }
    .into_any()
}

fn content(desk: At, subject: Subject) -> AnyView {
    let (kind, media_type) = kind(&subject.media_type, &subject.name);
    match kind {
        Kind::Text => text(desk, subject),
        Kind::Other => note_only("This kind of file is not shown here. Download it to open it."),
        _ => framed(desk, subject, kind, media_type),
    }
}

fn note_only(words: &'static str) -> AnyView {
    view! { <p class="muted" data-test="viewer-note">{words}</p> }.into_any()
}

/// Where the browser finds a picture, a film or a sound, or why not.
fn framed(desk: At, subject: Subject, kind: Kind, media_type: &'static str) -> AnyView {
    if let Some(address) = bytes::address(desk, &subject, media_type) {
        return frame(desk, kind, subject.name, address);
    }
    let come = RwSignal::new((0, None));
    let (name, size) = (subject.name.clone(), subject.bytes);
    spawn_local(async move {
        let told = |bytes| {
            // Whoever waited for it may be gone.
            let _ = come.try_update(|come| come.0 = bytes);
        };
        let made = bytes::whole(desk, &subject, media_type, told).await;
        let _ = come.try_update(|come| come.1 = Some(made));
    });
    on_cleanup(move || {
        if let Some((_, Some(Ok(address)))) = come.try_get_untracked() {
            // What is not revoked is freed with the page.
            let _ = web_sys::Url::revoke_object_url(&address);
        }
    });
    live(move || match come.get() {
        (bytes, None) => view! { <p class="muted">{format::part(bytes, size)}</p> }.seal(),
        (_, Some(Ok(address))) => frame(desk, kind, name.clone(), address),
        (_, Some(Err(problem))) => parts::told(problem, "viewer-refused"),
    })
    .into_any()
}

fn frame(desk: At, kind: Kind, name: String, address: String) -> AnyView {
    let is_broken = RwSignal::new(false);
    let broken = move |_| is_broken.set(true);
    let shown = match kind {
        Kind::Picture => {
            view! { <img src=address alt=name data-test="viewer-picture" on:error=broken /> }
                .seal()
        }
        Kind::Video => {
            view! { <video src=address controls=true playsinline=true data-test="viewer-video" on:error=broken></video> }
                .seal()
        }
        _ => {
            view! { <audio src=address controls=true data-test="viewer-audio" on:error=broken></audio> }
                .seal()
        }
    };
    let why = live(move || {
        is_broken.get().then(|| {
            let away = desk.ions.with(Vec::is_empty);
            note_only(if away {
                "It could not be shown: parts of it are not here, and no other ion is there to ask."
            } else {
                "It could not be shown: this browser does not know its kind, or parts of it are on ions that are away. It can be downloaded."
            })
        })
    });
    view! { {shown} {why} }.into_any()
}

/// What was read of a text, and why no more.
#[derive(Clone, Default)]
struct Read {
    bytes: Vec<u8>,
    why: Option<String>,
}

fn text(desk: At, subject: Subject) -> AnyView {
    let read = RwSignal::new(Read::default());
    let (file, size) = (subject.file, subject.bytes);
    let ask = move || {
        let (file, from) = (file.clone(), read.with_untracked(|read| read.bytes.len() as u64));
        let bytes = TEXT_BYTES.min(READ_BYTES_MAX.into()).min(size.saturating_sub(from));
        spawn_local(async move {
            let part = desk.read(&file, from, u32::try_from(bytes).unwrap_or_default()).await;
            // Whoever waited for it may be gone.
            let _ = read.try_update(|read| match part {
                Ok(part) if read.bytes.len() as u64 == from => read.bytes.extend_from_slice(&part),
                Ok(_) => {}
                Err(problem) => read.why = Some(problem.why),
            });
        });
    };
    ask();
    let ask = Callback::new(move |()| ask());
    live(move || {
        let Read { bytes, why } = read.get();
        let is_more = (bytes.len() as u64) < size && why.is_none() && !bytes.is_empty();
        let words = String::from_utf8_lossy(&bytes).into_owned();
        let more =
            is_more.then(|| button("viewer-more", "button", "Show more", move || ask.run(())));
        let why = why.map(|why| view! { <p class="mistake">{why}</p> }.into_any());
        view! {
            <pre class="text" tabindex="0" data-test="viewer-text">{words}</pre>
            {why}
            {more}
        }
        .into_any()
    })
    .into_any()
}
