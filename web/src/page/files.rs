//! Files: the nebula's folders, what is brought in, opened, changed and shared.

mod bring;
mod bytes;
mod chosen;
mod list;
mod marks;
mod open;
mod rows;
mod sheet;
mod store;

use leptos::prelude::*;
use node_core::node::{
    Command,
    files::{GoalView, News, RowView, StoreView, Wish},
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent};

use super::{
    browser,
    desk::{At, Desk},
    icons::{self, icon},
    ions::search_field,
    parts,
    raw::{Part, State, button, effect, tag, text},
    router,
    sealed::{Seal, live},
};
use crate::model::{
    files::{Changed, Files, imports::Imports, marks::Marks, parent, words},
    news::problem,
    route::Route,
    words::Meaning,
};

pub(crate) use bytes::serve;
pub(crate) use chosen::{Found, of_field};
pub(crate) use store::{closing, settings};

/// What is laid over the page.
#[derive(Clone)]
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
    /// Another folder for paths.
    Move(Vec<String>),
    /// The versions of a path.
    Versions(String),
    /// How many copies there should be of a path; the empty one is all files.
    Goal(String, GoalView),
    /// Whether what was deleted at a path shall go for good.
    Erase(String),
}

/// What the page knows of the files; it lives as long as the page.
pub(crate) struct Shelf {
    list: State<Files>,
    marks: State<Marks>,
    imports: State<Imports>,
    store: State<Option<StoreView>>,
    sheet: State<Sheet>,
    /// Whether the browser keeps what is stored when space is short; `None`
    /// where nothing is known.
    lasts: State<Option<bool>>,
    reads: State<bytes::Reads>,
    chosen: State<Vec<(u64, web_sys::File)>>,
}

impl Shelf {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            list: State::new(Files::default()),
            marks: State::new(Marks::default()),
            imports: State::new(Imports::since(browser::wall_ms())),
            store: State::new(None),
            sheet: State::new(Sheet::None),
            lasts: State::new(None),
            reads: State::new(bytes::Reads::default()),
            chosen: State::new(Vec::new()),
        }
    }

    /// Whether closing the page now would lose or interrupt something.
    fn holds_page(&self) -> bool {
        self.imports.now().is_under_way()
            || self.store.now().as_ref().is_some_and(words::holds_page)
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
            News::Changed if !self.shows_files() => {
                if self.route.with_untracked(|route| *route == Route::Settings) {
                    self.wish(self.files.list.quietly().show_pinned());
                }
            }
            news => self.change_files(|files| files.take(news)),
        }
    }

    /// The present ion is another one.
    pub(super) fn files_interrupted(&self) {
        self.read_interrupted();
        let why = problem(
            "It was not brought in.",
            "The ion of this tab was started again.",
            "Choose it again.",
        );
        self.files.imports.update(|imports| imports.interrupt(&why));
        self.files.chosen.set(Vec::new());
        self.files.store.set(None);
        self.files.list.update(Files::interrupt);
    }

    fn shows_files(&self) -> bool {
        self.route.with_untracked(Route::is_in_files)
    }

    fn change_files(&self, change: impl FnOnce(&mut Files) -> (Vec<Wish>, bool)) {
        let (wishes, changed) = change(&mut self.files.list.quietly());
        if changed {
            self.files.list.tell();
        }
        self.wishes(wishes);
    }

    /// Makes a change, step by step.
    fn alter_files(&self, change: impl FnOnce(&mut Files) -> Option<Wish>) {
        self.change_files(|files| (change(files).into_iter().collect(), true));
    }

    /// Changes the state, and asks for what that takes.
    fn do_files(&self, change: impl FnOnce(&mut Files) -> Wish) {
        let wish = self.files.list.update(change);
        self.wish(wish);
    }
}

/// Follows the store as long as the page lives, and holds the page while it
/// must not be closed.
pub(crate) fn listen(desk: At) {
    let nebula = nebula(desk);
    effect(move || {
        nebula.track();
        desk.ion_started_ms.track();
        desk.wish(Wish::Watch { watching: true });
    });
    window_event_listener(leptos::ev::beforeunload, move |event| {
        if desk.files.holds_page() && !bytes::is_leaving_for_download() {
            // While its user is asked, others fetch what only this tab holds.
            desk.wish(Wish::Leave);
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
    effect(move || {
        nebula.track();
        desk.ion_started_ms.track();
        let (folder, deleted) = (folder.get(), deleted.get());
        marks::clear(desk);
        desk.do_files(|files| files.show(folder, deleted));
    });
    let head = parts::head(
        "Files",
        "What every ion of this nebula can open, kept in copies on several of them.",
        Some(bring::buttons(desk)),
    );
    let bar = tag("div", "list-bar files-bar")
        .add(live(move || rows::crumbs(&folder.get()).seal()).seal())
        .live(move || (!deleted.get()).then(|| folder_goal(desk)))
        .put(switch(deleted))
        .put(search_field("Find a name in this folder", search));
    let page = tag("div", "files-page")
        .put(head)
        .put(closing(desk, "files-closing"))
        .add(live(move || bring::progress(desk)).seal())
        .add(live(move || changed(desk)).seal())
        .put(bar)
        .add(live(move || list::view(desk, search)).seal())
        .live(move || marks::bar(desk))
        .put(dialog(desk))
        .add(bring::catch_drops(desk));
    page.seal()
}

/// How many copies there should be of what is in the folder that is shown.
fn folder_goal(desk: At) -> Part {
    let files = desk.files.list.read();
    let (folder, goal) = (files.folder.clone(), files.goal);
    let word = if files.is_listed { words::copies(goal.copies) } else { String::new() };
    let act = button("folder-goal", "button quiet small", &word, move || {
        desk.files.sheet.set(Sheet::Goal(folder.clone(), goal));
    });
    act.set("title", "How many copies there should be of what is in this folder")
}

/// The switch that shows what was deleted.
fn switch(deleted: RwSignal<bool>) -> Part {
    let toggle = move |event: web_sys::Event| {
        let target = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        deleted.set(target.is_some_and(|target| target.checked()));
    };
    let field = tag("input", "").set("type", "checkbox").test("files-deleted").on("change", toggle);
    tag("label", "check small").put(field).put(text("span", "", "Deleted"))
}

/// What became of the last change, and how to undo it.
fn changed(desk: At) -> AnyView {
    let files = desk.files.list.read();
    let row = tag("div", "row data-saved").set("role", "status").test("files-changed");
    let row = match &files.changed {
        Changed::Nothing => return ().seal(),
        Changed::Doing(_) => row.put(parts::pill(Meaning::Waiting, "Being written")),
        Changed::Done(words) => row.put(parts::pill(Meaning::Good, words)),
        Changed::Refused(problem) => row.put(parts::told(problem, "files-mistake")),
    };
    let Some(what) = files.undoable() else { return row.seal() };
    let undo = move || desk.alter_files(Files::undo);
    row.put(button("files-undo", "button", &format!("Bring back {what}"), undo)).seal()
}

/// The one dialog of the page: a sheet, or the file that the address names.
fn dialog(desk: At) -> Part {
    let shut = tag("button", "button quiet square dialog-close")
        .set("type", "button")
        .set("aria-label", "Close")
        .test("sheet-close")
        .put(icon(icons::CLOSE))
        .on("click", move |_| close(desk));
    let dialog = tag("dialog", "")
        .set("aria-labelledby", "sheet-title")
        .put(shut)
        .add(live(move || sheet::view(desk)).seal());
    let element: HtmlDialogElement = dialog.element().clone().unchecked_into();
    let told = element.clone();
    let is_open = Memo::new(move |_| is_over(desk));
    effect(move || {
        let is_wide = matches!(*desk.files.sheet.read(), Sheet::None | Sheet::Open(_));
        element.set_class_name(if is_wide { "files-dialog viewer" } else { "files-dialog" });
        if !is_open.get() {
            element.close();
        } else if !element.open() {
            // A browser without modal dialogs shows none; the page still works.
            let _ = element.show_modal();
        }
    });
    // It is told late: by then the dialog may be open for something else.
    dialog.on("close", move |_| {
        if !told.open() {
            close(desk);
        }
    })
}

/// Whether something is laid over the page.
pub(crate) fn is_over(desk: At) -> bool {
    let is_sheet = !matches!(*desk.files.sheet.read(), Sheet::None);
    desk.route.with(|route| is_sheet || matches!(route, Route::File(_)))
}

/// Closes what is laid over the page.
fn close(desk: At) {
    let is_sheet = !matches!(*desk.files.sheet.now(), Sheet::None);
    if is_sheet {
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
        Route::Files(folder) if matches!(*desk.files.sheet.now(), Sheet::None) => {
            if key == "Backspace" && !folder.is_empty() {
                router::go(desk, Route::Files(parent(&folder).to_owned()));
                return true;
            }
            if key == "Delete" && !marks::marked(desk).is_empty() {
                marks::remove(desk);
                return true;
            }
            target.is_some_and(|target| row_pressed(desk, event, &target))
        }
        _ => false,
    }
}

fn is_player(element: &Element) -> bool {
    element.matches("video, audio").unwrap_or(false)
}

/// Marks no row any more; whether one was.
pub(crate) fn unmark(desk: At) -> bool {
    marks::clear(desk)
}

fn row_pressed(desk: At, event: &KeyboardEvent, target: &Element) -> bool {
    let Ok(Some(line)) = target.closest("tr[data-path]") else { return false };
    let key = event.key();
    let beside = match key.as_str() {
        "ArrowDown" => line.next_element_sibling(),
        "ArrowUp" => line.previous_element_sibling(),
        _ => None,
    };
    let path_of = |line: &Element| line.get_attribute("data-path");
    if let Some(beside) = beside {
        if event.shift_key() {
            marks::stretch(desk, path_of(&line), path_of(&beside));
        }
        let first = beside.query_selector("a, button").ok().flatten();
        let first = first.and_then(|first| first.dyn_into::<HtmlElement>().ok());
        return first.is_some_and(|first| first.focus().is_ok());
    }
    let (path, version) = (path_of(&line), line.get_attribute("data-version"));
    let is_it =
        |row: &&RowView| Some(&row.path) == path.as_ref() && Some(&row.version) == version.as_ref();
    let row = desk.files.list.now().rows.iter().find(is_it).cloned();
    match (key.as_str(), row) {
        ("Delete", Some(row)) => sheet::remove(desk, &[row]),
        ("x", Some(row)) => marks::mark(desk, &row.path, false),
        ("F2", Some(row)) => desk.files.sheet.set(Sheet::Rename(row.path)),
        _ => return false,
    }
    true
}
