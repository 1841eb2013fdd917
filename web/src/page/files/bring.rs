//! Bringing files in: the buttons, what is dropped, and how far it is.

use leptos::{ev, html, prelude::*, task::spawn_local};
use node_core::node::files::{IMPORTS_MAX, RowKind};
use web_sys::{DragEvent, File};

use super::{
    Sheet, button,
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
        desk::{At, Desk},
        icons::{self, icon},
        sealed::{Seal, live},
    },
};

/// Rows of what is on its way that are drawn at most.
const ROWS_MAX: usize = 8;

impl Desk {
    /// Brings files in, into the folder that is shown.
    fn bring(&'static self, found: Found) {
        let total = found.len();
        let (folder, rows) =
            self.files.list.with_untracked(|files| (files.folder.clone(), files.rows.clone()));
        let about = |(below, file): &(String, File)| {
            let path = joined(&folder, below);
            Chosen {
                media_type: file.type_(),
                modified_ms: whole(file.last_modified()),
                bytes: whole(file.size()),
                is_new_version: rows
                    .iter()
                    .any(|row| row.kind == RowKind::File && row.path == path),
                path,
            }
        };
        let all = found.iter().map(about).collect();
        let mut numbers = Vec::new();
        self.files.imports.update(|imports| numbers = imports.add(all));
        if numbers.len() < total {
            let left = format::counted((total - numbers.len()) as u64, "file");
            self.tell(problem(
                &format!("{left} were not taken"),
                &format!(
                    "At most {} are on their way at a time.",
                    format::count(IMPORTS_MAX as u64)
                ),
                "Bring in the rest when these are here.",
            ));
        }
        let files = found.into_iter().map(|(_, file)| file);
        self.files.chosen.update_value(|chosen| chosen.extend(numbers.into_iter().zip(files)));
        store::ask_to_last(self);
        self.give_files();
    }

    /// Hands the ion as many files as it shall have at a time.
    pub(super) fn give_files(&self) {
        loop {
            let mut next = None;
            self.files.imports.maybe_update(|imports| {
                next = imports.give();
                next.is_some()
            });
            let Some((import, wish)) = next else { return };
            let mut file = None;
            self.files.chosen.update_value(|chosen| {
                let at = chosen.iter().position(|(number, _)| *number == import);
                file = at.map(|at| chosen.remove(at).1);
            });
            if file.is_some_and(|file| self.hand(import, &file)) {
                self.wish(wish);
            } else {
                let why = problem(
                    "It was not brought in.",
                    "The ion of this tab is not answering.",
                    "Wait a moment and choose it again.",
                );
                self.files.imports.update(|imports| imports.ended(import, Err(why)));
            }
        }
    }

    fn pause_files(&self, import: Option<u64>, paused: bool) {
        let mut wishes = Vec::new();
        self.files.imports.update(|imports| wishes = imports.pause(import, paused));
        self.wishes(wishes);
        self.give_files();
    }

    fn cancel_files(&self, import: Option<u64>) {
        let mut wishes = Vec::new();
        self.files.imports.update(|imports| wishes = imports.cancel(import));
        self.wishes(wishes);
        let is_known = |(number, _): &(u64, File)| {
            self.files
                .imports
                .with_untracked(|all| all.list.iter().any(|one| one.import == *number))
        };
        self.files.chosen.update_value(|chosen| chosen.retain(is_known));
        self.give_files();
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes and dates are positive; casts from floats saturate"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

/// The page's buttons, and the fields behind them.
pub(super) fn buttons(desk: At) -> AnyView {
    view! {
        <div class="actions">
            {button("files-new-folder", "button", "New folder", move || desk.files.sheet.set(Sheet::NewFolder))}
            {field(desk, "Add a folder", "button", true)}
            {add_button(desk)}
        </div>
    }
    .into_any()
}

/// The button that chooses files.
pub(super) fn add_button(desk: At) -> AnyView {
    field(desk, "Add files", "button primary", false)
}

fn field(desk: At, word: &'static str, class: &'static str, is_folder: bool) -> AnyView {
    let input = NodeRef::<html::Input>::new();
    let taken = move |_| {
        let Some(field) = input.get_untracked() else { return };
        if let Some(files) = field.files() {
            desk.bring(chosen::of_field(&files));
        }
        field.set_value("");
    };
    view! {
        <label class=class>
            {is_folder.then(|| icon(icons::FOLDER))}
            {(!is_folder).then(|| icon(icons::UPLOAD))}
            {word}
            <input
                node_ref=input
                class="hidden"
                type="file"
                multiple=true
                prop:webkitdirectory=is_folder
                data-test=if is_folder { "files-add-folder" } else { "files-add" }
                on:change=taken
            />
        </label>
    }
    .into_any()
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
        is_over.get().then(|| {
            view! { <div class="drop-here" aria-hidden="true">"Drop to bring them in"</div> }.seal()
        })
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
    desk.files.imports.with(|imports| {
        if imports.list.is_empty() {
            return ().into_any();
        }
        let shown = |one: &&Import| one.stage != Stage::Done;
        let count = imports.list.iter().filter(shown).count();
        let rows: Vec<AnyView> =
            imports.list.iter().filter(shown).take(ROWS_MAX).map(|one| row(desk, one)).collect();
        let more = (count > ROWS_MAX).then(|| {
            let words = format!("and {} more", count - ROWS_MAX);
            view! { <p class="small muted">{words}</p> }.into_any()
        });
        let is_under_way = imports.is_under_way();
        let going = is_under_way.then(|| going(imports.percent()));
        view! {
            <section class="panel" aria-label="On their way in" data-test="imports">
                <div class="part-head">
                    // It is read out once, at the end.
                    <p data-test="imports-sum" role=(!is_under_way).then_some("status")>{imports.words()}</p>
                    <div class="actions">{steer(desk, imports)}</div>
                </div>
                <ul class="rows">{rows}</ul>
                {more}
                {going}
            </section>
        }
        .into_any()
    })
}

fn going(percent: f64) -> AnyView {
    view! {
        <progress max="100" value=percent.to_string() aria-label="All of them"></progress>
        <p class="small muted">
            "If this page is loaded again, what was not finished has to be chosen again; what is here already is not read twice."
        </p>
    }
    .into_any()
}

/// The buttons for all of them.
fn steer(desk: At, imports: &Imports) -> Vec<AnyView> {
    if !imports.is_under_way() {
        let fold = move || desk.files.imports.update(Imports::fold);
        return vec![button("imports-close", "button quiet", "Close", fold)];
    }
    if imports.list.len() == 1 {
        return Vec::new();
    }
    let pauses = imports.list.iter().any(|one| one.is_under_way() && !one.is_paused);
    let word = if pauses { "Pause all" } else { "Resume all" };
    vec![
        button("imports-pause", "button quiet", word, move || desk.pause_files(None, pauses)),
        button("imports-cancel", "button quiet", "Cancel all", move || desk.cancel_files(None)),
    ]
}

fn row(desk: At, one: &Import) -> AnyView {
    let (import, is_paused) = (one.import, one.is_paused);
    let note = if one.chosen.is_new_version { " (new version)" } else { "" };
    let is_failed = matches!(one.stage, Stage::Failed(_));
    let acts = (!is_failed).then(|| {
        let word = if is_paused { "Resume" } else { "Pause" };
        view! {
            {button("import-pause", "button quiet", word, move || desk.pause_files(Some(import), !is_paused))}
            {button("import-cancel", "button quiet", "Cancel", move || desk.cancel_files(Some(import)))}
        }
        .into_any()
    });
    let bar = (!is_failed).then(|| {
        let percent = format::percent(one.done_bytes, one.chosen.bytes.max(1)).to_string();
        view! { <progress max="100" value=percent aria-label="Progress"></progress> }.into_any()
    });
    view! {
        <li class="row" data-test="import-row">
            <div class="grow">
                <p class="file-path">{format!("{}{note}", one.chosen.path)}</p>
                <p class="small" class:mistake=is_failed class:muted=!is_failed>{one.words()}</p>
                {bar}
            </div>
            <div class="actions">{acts}</div>
        </li>
    }
    .into_any()
}
