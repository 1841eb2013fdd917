//! Files: the nebula's folders, what is brought in, opened, changed and shared.

mod bring;
mod bytes;
mod chosen;
mod list;
mod open;
mod rows;
mod sheet;
mod store;

use leptos::{html, prelude::*};
use node_core::node::{
    Command,
    files::{News, RowView, StoreView, Wish},
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::{
    desk::{At, Desk},
    icons::{self, icon},
    ions::search_field,
    parts, router,
    sealed::{Seal, live},
};
use crate::model::{
    files::{Changed, Files, imports::Imports, parent, words},
    news::problem,
    route::Route,
    words::Meaning,
};

pub(crate) use bytes::serve;
pub(crate) use store::{closing, settings};

/// What is laid over the page.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sheet {
    /// Nothing, or the file that the address names.
    None,
    /// The name of a new folder.
    NewFolder,
    /// All about a row, and what can be done with it.
    Row(Box<RowView>),
    /// A version that does not stand, opened.
    Open(Box<RowView>),
    /// Another name for a path.
    Rename(String),
    /// Another folder for a path.
    Move(String),
    /// The versions of a path.
    Versions(String),
}

/// What the page knows of the files; it lives as long as the page.
pub(crate) struct Shelf {
    list: RwSignal<Files>,
    imports: RwSignal<Imports>,
    store: RwSignal<Option<StoreView>>,
    sheet: RwSignal<Sheet>,
    /// Whether the browser keeps what is stored when space is short; `None`
    /// where nothing is known.
    lasts: RwSignal<Option<bool>>,
    reads: StoredValue<bytes::Reads, LocalStorage>,
    chosen: StoredValue<Vec<(u64, web_sys::File)>, LocalStorage>,
}

impl Shelf {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            list: RwSignal::new(Files::default()),
            imports: RwSignal::new(Imports::default()),
            store: RwSignal::new(None),
            sheet: RwSignal::new(Sheet::None),
            lasts: RwSignal::new(None),
            reads: StoredValue::new_local(bytes::Reads::default()),
            chosen: StoredValue::new_local(Vec::new()),
        }
    }

    /// Whether closing the page now would lose or interrupt something.
    fn holds_page(&self) -> bool {
        self.imports.with_untracked(Imports::is_under_way)
            || self.store.with_untracked(|store| store.as_ref().is_some_and(words::holds_page))
    }
}

impl Desk {
    fn wish(&self, wish: Wish) {
        self.post(Command::Files(wish));
    }

    fn wishes(&self, wishes: Vec<Wish>) {
        for wish in wishes {
            self.wish(wish);
        }
    }

    /// Takes what the ion tells of the files.
    pub(super) fn files_told(&self, news: News) {
        match news {
            News::Imports(views) => self.files.imports.update(|imports| imports.take(&views)),
            News::Imported { import, result, .. } => {
                self.files.imports.update(|imports| imports.ended(import, result.map(drop)));
                self.give_files();
            }
            News::Read { request, result } => self.read_told(request, result),
            News::Store(store) => self.files.store.set(Some(store)),
            News::Changed if !self.shows_files() => {}
            news => self.change_files(|files| files.take(news)),
        }
    }

    /// The present ion is another one.
    pub(super) fn files_interrupted(&self) {
        self.read_interrupted();
        let why = problem(
            "It was not brought in.",
            "The ion of this tab was started again.",
            "Choose it again: what is here already is not read twice.",
        );
        self.files.imports.update(|imports| imports.interrupt(&why));
        self.files.chosen.set_value(Vec::new());
        self.files.store.set(None);
        self.files.list.update(Files::interrupt);
    }

    fn shows_files(&self) -> bool {
        self.route.with_untracked(|route| route.page() == Route::Files(String::new()))
    }

    fn change_files(&self, change: impl FnOnce(&mut Files) -> (Vec<Wish>, bool)) {
        let mut wishes = Vec::new();
        self.files.list.maybe_update(|files| {
            let changed;
            (wishes, changed) = change(files);
            changed
        });
        self.wishes(wishes);
    }

    /// Changes the state, and asks for what that takes.
    fn do_files(&self, change: impl FnOnce(&mut Files) -> Wish) {
        self.change_files(|files| (vec![change(files)], true));
    }
}

/// Follows the store as long as the page lives, and holds the page while it
/// must not be closed.
pub(crate) fn listen(desk: At) {
    let nebula = nebula(desk);
    Effect::new(move |_| {
        nebula.track();
        desk.ion_started_ms.track();
        desk.wish(Wish::Watch { watching: true });
    });
    window_event_listener(leptos::ev::beforeunload, move |event| {
        if desk.files.holds_page() && !bytes::is_leaving_for_download() {
            event.prevent_default();
            event.set_return_value("held");
        }
    });
}

fn nebula(desk: At) -> Memo<String> {
    let id = move || desk.status.with(|status| status.nebula.as_ref().map(|one| one.id.clone()));
    Memo::new(move |_| id().unwrap_or_default())
}

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let nebula = nebula(desk);
    let deleted = RwSignal::new(false);
    let search = RwSignal::new(String::new());
    let folder = Memo::new(move |_| {
        desk.route.with(|route| match route {
            Route::Files(folder) => folder.clone(),
            Route::File(path) => parent(path).to_owned(),
            _ => String::new(),
        })
    });
    Effect::new(move |_| {
        nebula.track();
        desk.ion_started_ms.track();
        desk.do_files(|files| files.show(folder.get(), deleted.get()));
    });
    let toggle = move |event| deleted.set(event_target_checked(&event));
    view! {
        {parts::head("Files", "What every ion of this nebula can open, kept in copies on several of them.", bring::buttons(desk))}
        {closing(desk, "files-closing")}
        {live(move || bring::progress(desk))}
        {live(move || changed(desk))}
        <div class="list-bar files-bar">
            {live(move || rows::crumbs(&folder.get()))}
            <label class="check small">
                <input type="checkbox" data-test="files-deleted" on:change=toggle />
                <span>"Deleted"</span>
            </label>
            {search_field("Find a name in this folder", search)}
        </div>
        {live(move || list::view(desk, search))}
        {dialog(desk)}
        {bring::catch_drops(desk)}
    }
    .seal()
}

/// What became of the last change, and how to undo it.
fn changed(desk: At) -> AnyView {
    let (changed, undo) =
        desk.files.list.with(|files| (files.changed.clone(), files.undoable().map(str::to_owned)));
    let words = match changed {
        Changed::Nothing => return ().into_any(),
        Changed::Doing(_) => parts::pill(Meaning::Waiting, "Being written"),
        Changed::Done(words) => parts::pill(Meaning::Good, words),
        Changed::Refused(problem) => parts::told(problem, "files-mistake"),
    };
    let undo = undo.map(|path| {
        let words = format!("Bring back {path}");
        button("files-undo", "button", words, move || {
            desk.change_files(|files| (files.undo().into_iter().collect(), true));
        })
    });
    view! {
        <div class="row data-saved" role="status" data-test="files-changed">
            {words} {undo}
        </div>
    }
    .into_any()
}

/// A button of this page.
fn button(
    test: &'static str,
    class: &'static str,
    word: impl Into<String>,
    pressed: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    let pressed = Callback::new(move |()| pressed());
    pressing(test, class, word.into(), pressed)
}

fn pressing(
    test: &'static str,
    class: &'static str,
    word: String,
    pressed: Callback<()>,
) -> AnyView {
    view! {
        <button type="button" class=class data-test=test on:click=move |_| pressed.run(())>
            {word}
        </button>
    }
    .into_any()
}

/// The one dialog of the page: a sheet, or the file that the address names.
fn dialog(desk: At) -> AnyView {
    let dialog = NodeRef::<html::Dialog>::new();
    let is_open = Memo::new(move |_| is_over(desk));
    Effect::new(move |_| {
        let is_open = is_open.get();
        let Some(element) = dialog.get() else { return };
        if !is_open {
            element.close();
        } else if !element.open() {
            // A browser without modal dialogs shows none; the page still works.
            let _ = element.show_modal();
        }
    });
    // It is told late: by then the dialog may be open for something else.
    let closed = move |_| {
        if dialog.get_untracked().is_some_and(|dialog| !dialog.open()) {
            close(desk);
        }
    };
    let is_wide = Memo::new(move |_| {
        desk.files.sheet.with(|sheet| matches!(sheet, Sheet::None | Sheet::Open(_)))
    });
    view! {
        <dialog
            node_ref=dialog
            class="files-dialog"
            class:viewer=move || is_wide.get()
            aria-labelledby="sheet-title"
            on:close=closed
        >
            <button
                type="button"
                class="button quiet square dialog-close"
                aria-label="Close"
                data-test="sheet-close"
                on:click=move |_| close(desk)
            >
                {icon(icons::CLOSE)}
            </button>
            {live(move || sheet::view(desk))}
        </dialog>
    }
    .seal()
}

/// Whether something is laid over the page.
pub(crate) fn is_over(desk: At) -> bool {
    desk.files.sheet.with(|sheet| *sheet != Sheet::None)
        || desk.route.with(|route| matches!(route, Route::File(_)))
}

/// Closes what is laid over the page.
fn close(desk: At) {
    if desk.files.sheet.with_untracked(|sheet| *sheet != Sheet::None) {
        desk.files.sheet.set(Sheet::None);
    } else if let Route::File(path) = desk.route.get_untracked() {
        router::go(desk, Route::Files(parent(&path).to_owned()));
    }
}

/// Takes a key; whether it meant something here.
pub(crate) fn pressed(desk: At, event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let key = event.key();
    match desk.route.get_untracked() {
        Route::File(path) if !target.as_ref().is_some_and(is_player) => {
            let step = match key.as_str() {
                "ArrowLeft" => -1,
                "ArrowRight" => 1,
                _ => return false,
            };
            open::step(desk, &path, step)
        }
        Route::Files(folder) if untrack(|| !is_over(desk)) => {
            if key == "Backspace" && !folder.is_empty() {
                router::go(desk, Route::Files(parent(&folder).to_owned()));
                return true;
            }
            target.is_some_and(|target| row_pressed(desk, &key, &target))
        }
        _ => false,
    }
}

fn is_player(element: &Element) -> bool {
    element.matches("video, audio").unwrap_or(false)
}

fn row_pressed(desk: At, key: &str, target: &Element) -> bool {
    let Ok(Some(line)) = target.closest("tr[data-path]") else { return false };
    let beside = match key {
        "ArrowDown" => line.next_element_sibling(),
        "ArrowUp" => line.previous_element_sibling(),
        _ => None,
    };
    if let Some(beside) = beside {
        let first = beside.query_selector("a, button").ok().flatten();
        let first = first.and_then(|first| first.dyn_into::<HtmlElement>().ok());
        return first.is_some_and(|first| first.focus().is_ok());
    }
    let (path, version) = (line.get_attribute("data-path"), line.get_attribute("data-version"));
    let row = desk.files.list.with_untracked(|files| {
        let is_it = |row: &&RowView| {
            Some(&row.path) == path.as_ref() && Some(&row.version) == version.as_ref()
        };
        files.rows.iter().find(is_it).cloned()
    });
    match (key, row) {
        ("Delete", Some(row)) => sheet::remove(desk, &row),
        ("F2", Some(row)) => desk.files.sheet.set(Sheet::Rename(row.path)),
        _ => return false,
    }
    true
}
