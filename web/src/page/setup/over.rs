//! What a job runs over: the ways to give inputs, and the fields of each.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use node_core::compute::{
    Input,
    spec::{INPUTS_BYTES_MAX, TASKS_MAX},
    wire::INPUT_BYTES_MAX,
};
use web_sys::FileList;

use super::{Mistake, area, line, select, told};
use crate::{
    model::{
        format,
        inputs::Kind,
        picked::{Picked, Plan, Reading},
        results::EACH,
        setup::{Field, Form, chosen},
        table::Given,
    },
    page::{
        browser,
        desk::At,
        files,
        parts::{self, Choice, panel},
        raw::{Part, button, labelled, note, tag, text},
        sealed::{Seal, live},
    },
};

/// The panel of the form.
pub(super) fn view(desk: At, mistake: Mistake) -> Part {
    let form = desk.form;
    let kind = Memo::new(move |_| form.with(|form| form.kind));
    let has_results = form.with_untracked(|form| form.results.is_some());
    let choices = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Results || has_results);
    let choices = choices.map(|choice| {
        let field = tag("input", "")
            .set("type", "radio")
            .set("name", "inputs")
            .test(&format!("inputs-{}", choice.key()))
            .hold("checked", move || kind.get() == choice)
            .on("change", move |_| form.update(|form| form.kind = choice));
        tag("label", "choice").put(field).put(text("span", "", choice.label()))
    });
    let fields = live(move || match kind.get() {
        Kind::Range => range(desk),
        Kind::Lines => {
            area(desk, "One task per line", ("lines", "6"), |form| &mut form.lines).seal()
        }
        Kind::File => file(desk, mistake),
        Kind::Table => table(desk, mistake),
        Kind::Files => picked(desk, mistake),
        Kind::One => line(desk, "The input", "one", |form| &mut form.one).seal(),
        Kind::Results => results(desk),
    });
    let legend = text("legend", "hidden", "Kind of inputs");
    panel("What to run it over")
        .put(tag("fieldset", "choices").put(legend).put_all(choices))
        .add(fields.seal())
        .add(told(mistake, Field::Inputs))
}

fn range(desk: At) -> AnyView {
    tag("div", "fields")
        .put(line(desk, "From", "range-first", |form| &mut form.first))
        .put(line(desk, "To, included", "range-last", |form| &mut form.last))
        .seal()
}

fn results(desk: At) -> AnyView {
    let form = desk.form;
    let at_first = form.with_untracked(|form| form.each);
    let at_first = EACH.iter().find(|(each, ..)| *each == at_first).map_or("", |one| one.1);
    let choices = EACH.map(|(_, key, words)| (key, words));
    let field = select("each", &choices, at_first, move |key| {
        form.update(|form| form.each = chosen(&EACH, &key).unwrap_or(form.each));
    });
    let about = |form: &Form| {
        form.results.as_ref().map_or_else(String::new, |results| {
            let why = results.count(form.each).err().unwrap_or_default();
            format!("{}. {why}", results.about())
        })
    };
    vec![
        labelled("What makes one input", field).seal(),
        said(desk, about).test("results-about").seal(),
    ]
    .seal()
}

/// What the form makes of a file; why it does not, if so.
type Take = fn(&mut Form, String, Vec<u8>) -> Option<String>;

fn file(desk: At, mistake: Mistake) -> AnyView {
    let take = |form: &mut Form, name, bytes| {
        form.file = Some((name, Arc::from(bytes)));
        None
    };
    let about = |form: &Form| match &form.file {
        Some((name, bytes)) => format!("{name}, {}", format::bytes(bytes.len() as u64)),
        None => "Each line of it becomes a task.".to_owned(),
    };
    one_file(desk, mistake, "inputs-file-field", take).put(said(desk, about)).seal()
}

fn table(desk: At, mistake: Mistake) -> AnyView {
    let form = desk.form;
    let take = |form: &mut Form, name, bytes: Vec<u8>| {
        form.table = Given::file(name, &bytes);
        form.table.mistake()
    };
    let pasted = tag("textarea", "")
        .set("rows", "6")
        .set("spellcheck", "false")
        .test("table")
        .hold("value", move || form.with(|form| form.table.pasted.clone()))
        .read("input", move |words| form.update(|form| form.table = Given::pasted(words)));
    let label = "A table in CSV: names of columns first, then a task per row";
    let about = "Arguments may name a column: {name}. The input is the row, with commas; a JSON \
                 spark gets it as an object.";
    let preview = tag("div", "preview")
        .set("role", "region")
        .set("tabindex", "0")
        .set("aria-label", "First rows, and what they make");
    vec![
        labelled(label, pasted).seal(),
        one_file(desk, mistake, "table-file", take)
            .put(said(desk, |form| form.table.about()).test("table-about"))
            .seal(),
        note(about).seal(),
        preview.rows(move || form.with(preview_of)).seal(),
    ]
    .seal()
}

fn preview_of(form: &Form) -> Vec<Part> {
    let Some(preview) = form.preview() else { return Vec::new() };
    let line = |name: &str, cells: &[String]| {
        tag("tr", "").put_all(cells.iter().map(|cell| text(name, "", cell)))
    };
    let rows = preview.rows.iter().map(|row| line("td", row));
    let table = tag("table", "table")
        .test("table-preview")
        .put(tag("thead", "").put(line("th", &preview.head)))
        .put(tag("tbody", "").put_all(rows));
    let why = preview.mistake.iter().map(|why| note(why).test("preview-mistake"));
    [table].into_iter().chain(why).collect()
}

/// A button that hands a file's bytes to the form.
fn one_file(desk: At, mistake: Mistake, test: &str, take: Take) -> Part {
    let button = parts::chooser(Choice::File, "Choose a file", "button", test, move |files| {
        let Some(file) = files.get(0) else { return };
        spawn_local(async move {
            let told = match browser::read(&file, INPUTS_BYTES_MAX).await {
                Ok(bytes) => {
                    let mut told = None;
                    desk.form.update(|form| told = take(form, file.name(), bytes));
                    told
                }
                Err(why) => Some(format!("{} was not taken: {why}.", file.name())),
            };
            mistake.set(told.map(|why| (Field::Inputs, why)));
        });
    });
    tag("div", "actions").put(button)
}

/// What the form says of what was given, read out when it changes.
fn said(desk: At, words: fn(&Form) -> String) -> Part {
    note("").set("role", "status").words(move || desk.form.with(words))
}

fn picked(desk: At, mistake: Mistake) -> AnyView {
    let chooser = |choice, word, test| {
        parts::chooser(choice, word, "button", test, move |files| read(desk, mistake, files))
    };
    let about = |form: &Form| match &form.files {
        Some(picked) => picked.about(),
        None => "Each file becomes a task. Hidden ones are left out.".to_owned(),
    };
    let is_reading = Memo::new(move |_| desk.reading.read().total > 0);
    tag("div", "section")
        .put(
            tag("div", "actions")
                .put(chooser(Choice::Files, "Choose files", "inputs-files-field"))
                .put(chooser(Choice::Folder, "Choose a folder", "inputs-folder-field")),
        )
        .live(move || is_reading.get().then(|| reading(desk)))
        .put(said(desk, about).test("files-about"))
        .seal()
}

fn reading(desk: At) -> Part {
    let words = move || {
        let reading = desk.reading.read();
        format!(
            "{} of {} read",
            format::count(reading.done),
            format::counted(reading.total, "file")
        )
    };
    let percent = move || {
        let reading = desk.reading.read();
        format::percent(reading.done, reading.total)
    };
    let cancel = button("reading-cancel", "button quiet", "Cancel", move || {
        desk.reading.update(Reading::stop);
    });
    let words = tag("p", "small").words(words);
    let how_far = tag("div", "grow").put(words).put(parts::bar("Reading files", percent));
    tag("div", "row").test("reading").put(how_far).put(cancel)
}

/// Reads files for the form, one after the other, and forgets those that it had.
fn read(desk: At, mistake: Mistake, files: &FileList) {
    let found = files::of_field(files, usize::try_from(TASKS_MAX).unwrap_or(usize::MAX) + 1);
    let sizes: Vec<_> =
        found.iter().map(|(path, file)| (path.clone(), browser::whole(file.size()))).collect();
    desk.form.update(|form| form.files = None);
    desk.reading.update(Reading::stop);
    let plan = match Plan::of(&sizes) {
        Ok(plan) => plan,
        Err(why) => return mistake.set(Some((Field::Inputs, why))),
    };
    mistake.set(None);
    let turn = desk.reading.update(|reading| reading.begin(plan.order.len() as u64));
    spawn_local(async move {
        let read = read_all(desk, turn, &found, &plan).await;
        if !desk.reading.now().is(turn) {
            return;
        }
        desk.reading.update(Reading::stop);
        match read {
            Ok(picked) => desk.form.update(|form| form.files = Some(Arc::new(picked))),
            Err(why) => mistake.set(Some((Field::Inputs, why))),
        }
    });
}

/// Stops early where nobody waits for it any more.
async fn read_all(
    desk: At,
    turn: u64,
    found: &files::Found,
    plan: &Plan,
) -> Result<Picked, String> {
    let (mut names, mut inputs) = (Vec::new(), Vec::new());
    for (path, file) in plan.order.iter().map(|at| &found[*at]) {
        let bytes = browser::read(file, INPUT_BYTES_MAX).await;
        inputs.push(Input::from(bytes.map_err(|why| format!("{path} was not taken: {why}."))?));
        names.push(path.clone());
        if !desk.reading.update(|reading| reading.step(turn)) {
            break;
        }
    }
    Ok(Picked { names: Arc::from(names), inputs, hidden: plan.hidden })
}
