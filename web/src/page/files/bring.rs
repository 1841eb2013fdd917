//! Bringing files in: the buttons, what is dropped, and how far it is.

use leptos::{ev, prelude::*, task::spawn_local};
use node_core::node::files::{IMPORTS_MAX, RowKind};
use web_sys::{DragEvent, File};

use super::{
    Sheet,
    chosen::{self, Found},
    store,
};
use crate::{
    model::{
        files::{
            imports::{Chosen, Import, Imports, Stage},
            joined,
        },
        format,
        news::problem,
    },
    page::{
        browser::whole,
        desk::{At, Desk},
        parts::{self, Choice},
        raw::{Part, button, tag, text},
        sealed::{Seal, live},
    },
};

/// Rows of what is on its way that are drawn at most.
const ROWS_MAX: usize = 8;

impl Desk {
    /// Brings files in, into the folder that is shown.
    fn bring(&'static self, found: Found) {
        let total = found.len();
        let all = found.iter().map(|(below, file)| self.about(below, file)).collect();
        let numbers = self.files.imports.update(|imports| imports.add(all));
        if numbers.len() < total {
            let left = format::counted((total - numbers.len()) as u64, "file");
            let most = format::count(IMPORTS_MAX as u64);
            self.tell(problem(
                &format!("{left} were not taken"),
                &format!("At most {most} are on their way at a time."),
                "Bring in the rest when these are here.",
            ));
        }
        let files = found.into_iter().map(|(_, file)| file);
        self.files.chosen.quietly().extend(numbers.into_iter().zip(files));
        store::ask_to_last(self);
        self.give_files();
    }

    fn about(&self, below: &str, file: &File) -> Chosen {
        let files = self.files.list.now();
        let path = joined(&files.folder, below);
        let stands =
            |row: &node_core::node::files::RowView| row.kind == RowKind::File && row.path == path;
        Chosen {
            media_type: file.type_(),
            modified_ms: whole(file.last_modified()),
            bytes: whole(file.size()),
            is_new_version: files.rows.iter().any(stands),
            path,
        }
    }

    /// Hands the ion as many files as it shall have at a time.
    pub(super) fn give_files(&self) {
        loop {
            let next = self.files.imports.quietly().give();
            let Some((import, wish)) = next else { return self.files.imports.tell() };
            if self.chosen(import).is_some_and(|file| self.hand(import, &file)) {
                self.wish(wish);
            } else {
                let why = problem(
                    "It was not brought in.",
                    "The ion of this tab is not answering.",
                    "Wait a moment and choose it again.",
                );
                self.files.imports.quietly().ended(import, Err(why));
            }
        }
    }

    fn chosen(&self, import: u64) -> Option<File> {
        let mut chosen = self.files.chosen.quietly();
        let at = chosen.iter().position(|(number, _)| *number == import)?;
        Some(chosen.remove(at).1)
    }

    fn pause_files(&self, import: Option<u64>, paused: bool) {
        let wishes = self.files.imports.update(|imports| imports.pause(import, paused));
        self.wishes(wishes);
        self.give_files();
    }

    fn cancel_files(&self, import: Option<u64>) {
        let wishes = self.files.imports.update(|imports| imports.cancel(import));
        self.wishes(wishes);
        let imports = self.files.imports.now();
        let is_known =
            |(number, _): &(u64, File)| imports.list.iter().any(|one| one.import == *number);
        self.files.chosen.quietly().retain(is_known);
        drop(imports);
        self.give_files();
    }
}

/// The page's buttons, and the fields behind them.
pub(super) fn buttons(desk: At) -> Part {
    let new_folder = button("files-new-folder", "button", "New folder", move || {
        desk.files.sheet.set(Sheet::NewFolder);
    });
    tag("div", "actions")
        .put(new_folder)
        .put(field(desk, "Add a folder", "button", "files-add-folder"))
        .put(add_button(desk))
}

/// The button that chooses files.
pub(super) fn add_button(desk: At) -> Part {
    field(desk, "Add files", "button primary", "files-add")
}

fn field(desk: At, word: &str, class: &str, test: &str) -> Part {
    let is_folder = test == "files-add-folder";
    let choice = if is_folder { Choice::Folder } else { Choice::Files };
    parts::chooser(choice, word, class, test, move |files| {
        desk.bring(chosen::of_field(files, IMPORTS_MAX + 1));
    })
}

/// Takes what is dropped anywhere on the page, as long as it stands.
pub(super) fn catch_drops(desk: At) -> AnyView {
    let is_over = RwSignal::new(false);
    let has_files = |event: &DragEvent| {
        let types = event.data_transfer().map(|transfer| transfer.types());
        types.is_some_and(|types| types.includes(&"Files".into(), 0))
    };
    let over = window_event_listener(ev::dragover, move |event| {
        if has_files(&event) {
            event.prevent_default();
            is_over.set(true);
        }
    });
    let leave = window_event_listener(ev::dragleave, move |event| {
        // Only when the pointer leaves the window does it go nowhere.
        if event.related_target().is_none() {
            is_over.set(false);
        }
    });
    let drop = window_event_listener(ev::drop, move |event| {
        is_over.set(false);
        if has_files(&event) {
            event.prevent_default();
            dropped(desk, &event);
        }
    });
    on_cleanup(move || {
        for one in [over, leave, drop] {
            one.remove();
        }
    });
    live(move || {
        if is_over.get() {
            text("div", "drop-here", "Drop to bring them in").set("aria-hidden", "true").seal()
        } else {
            ().seal()
        }
    })
    .seal()
}

fn dropped(desk: At, event: &DragEvent) {
    let Some(transfer) = event.data_transfer() else { return };
    let entries = chosen::of_drop(&transfer);
    spawn_local(async move {
        let (found, unread) = chosen::all(entries).await;
        if unread > 0 {
            let what = format!("{} could not be read", format::counted(unread as u64, "file"));
            let why = "The browser or the system does not let this page read them.";
            desk.tell(problem(&what, why, "Check their rights and drop them again."));
        }
        desk.bring(found);
    });
}

/// What is on its way.
pub(super) fn progress(desk: At) -> AnyView {
    let imports = desk.files.imports.read();
    if imports.list.is_empty() {
        return ().seal();
    }
    let is_under_way = imports.is_under_way();
    let sum = text("p", "", &imports.words()).test("imports-sum");
    // It is read out once, at the end.
    let sum = if is_under_way { sum } else { sum.set("role", "status") };
    let head = tag("div", "part-head").put(sum).put(steer(desk, &imports));
    let shown = imports.list.iter().filter(|one| one.stage != Stage::Done);
    let rows = shown.clone().take(ROWS_MAX).map(|one| row(desk, one));
    let panel = tag("section", "panel").set("aria-label", "On their way in");
    let mut panel = panel.test("imports").put(head);
    let count = shown.clone().count();
    if count > 0 {
        panel = panel.put(tag("ul", "rows").put_all(rows));
    }
    let more = count.saturating_sub(ROWS_MAX);
    if more > 0 {
        panel = panel.put(text("p", "small muted", &format!("and {more} more")));
    }
    if is_under_way {
        let note = "If this page is loaded again, a file goes on when the same is dropped again; \
                    what is here of it stays.";
        panel = panel.put(bar("All of them", imports.percent()));
        panel = panel.put(text("p", "small muted", note));
    }
    panel.seal()
}

/// A bar that is so many hundredths full.
pub(super) fn bar(label: &str, percent: f64) -> Part {
    let value = format!("{percent:.1}");
    tag("progress", "").set("max", "100").set("value", &value).set("aria-label", label)
}

/// The buttons for all of them.
fn steer(desk: At, imports: &Imports) -> Part {
    let actions = tag("div", "actions");
    if imports.list.iter().all(Import::is_left) {
        return actions;
    }
    if !imports.is_under_way() {
        let fold = move || desk.files.imports.update(Imports::fold);
        return actions.put(button("imports-close", "button quiet", "Close", fold));
    }
    if imports.list.len() == 1 {
        return actions;
    }
    let pauses = imports.list.iter().any(|one| one.is_under_way() && !one.is_paused);
    let word = if pauses { "Pause all" } else { "Resume all" };
    let pause = move || desk.pause_files(None, pauses);
    actions.put(button("imports-pause", "button quiet", word, pause)).put(button(
        "imports-cancel",
        "button quiet",
        "Cancel all",
        move || desk.cancel_files(None),
    ))
}

fn row(desk: At, one: &Import) -> Part {
    let (import, is_paused) = (Some(one.import), one.is_paused);
    let note = if one.chosen.is_new_version { " (new version)" } else { "" };
    let is_failed = matches!(one.stage, Stage::Failed(_));
    let class = if is_failed { "small mistake" } else { "small muted" };
    let words = tag("div", "grow")
        .put(text("p", "file-path", &one.chosen.path).say(note))
        .put(text("p", class, &one.words()));
    let row = tag("li", "row").test("import-row");
    if is_failed {
        return row.put(words);
    }
    let word = if is_paused { "Resume" } else { "Pause" };
    let pause = move || desk.pause_files(import, !is_paused);
    let cancel = move || desk.cancel_files(import);
    let percent = format::percent(one.done_bytes, one.chosen.bytes.max(1));
    let goes_on = if one.is_left() {
        field(desk, "Choose it", "button quiet", "import-again")
    } else {
        button("import-pause", "button quiet", word, pause)
    };
    let actions = tag("div", "actions").put(goes_on).put(button(
        "import-cancel",
        "button quiet",
        "Cancel",
        cancel,
    ));
    row.put(words.put(bar("Progress", percent))).put(actions)
}
