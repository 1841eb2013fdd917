//! The form that sets a job up: how to call the module, over what, and how far
//! each task may go.

mod over;

use std::sync::Arc;

use leptos::prelude::*;
use node_core::compute::Trust;
use spark_runtime::inspect::Inspection;

use super::{
    desk::At,
    module,
    parts::panel,
    raw::{Part, is_ticked, labelled, note, tag, text},
    router,
    sealed::{Seal, live},
};
use crate::model::{
    format,
    gallery::{Rows, SparkEntry},
    setup::{Field, Form, LANES, TRUSTS, chosen, entries},
    together::Together,
};

type Mistake = RwSignal<Option<(Field, String)>>;

/// The form for a module that was inspected.
pub(crate) fn view(desk: At, binary: Arc<[u8]>, inspection: Inspection) -> AnyView {
    let mistake: Mistake = RwSignal::new(None);
    let is_refused = inspection.imports.iter().any(|import| !import.offered);
    let name = desk.form.with_untracked(|form| form.name.clone());
    let about = module::about(&name, &inspection);
    let entry = entry(desk, &inspection, mistake);
    let run = move |event: web_sys::Event| {
        event.prevent_default();
        let request = desk.form.with_untracked(|form| form.request(&binary, &inspection));
        match request {
            Ok(request) => router::go(desk, desk.run(request)),
            Err(found) => mistake.set(Some(found)),
        }
    };
    let tasks = Memo::new(move |_| desk.form.with(Form::tasks));
    let copies = Memo::new(move |_| desk.form.with(|form| form.trust));
    let count = move || {
        let on = match copies.get() {
            Trust::Once => " on all ions".to_owned(),
            Trust::Copies(ions) => format!(", each on {ions} ions"),
            Trust::Adaptive => ", each on one ion or two".to_owned(),
        };
        let tasks = tasks.get().map(|tasks| format!("{}{on}", format::counted(tasks, "task")));
        tasks.unwrap_or_default()
    };
    let run_button =
        text("button", "button primary large", "Run").set("type", "submit").test("run");
    let run_button = if is_refused { run_button.set("disabled", "") } else { run_button };
    let count = tag("span", "muted").test("task-count").words(count);
    let main = tag("div", "setup-main")
        .put(entry)
        .put(over::view(desk, mistake))
        .put(together(desk))
        .put(trust(desk))
        .put(limits(desk, mistake))
        .put(tag("div", "setup-run").put(run_button).put(count));
    tag("form", "setup")
        .set("novalidate", "")
        .put(main)
        .put(tag("div", "setup-side").put(about))
        .on("submit", run)
        .seal()
}

fn entry(desk: At, inspection: &Inspection, mistake: Mistake) -> Part {
    let form = desk.form;
    let entries = entries(inspection);
    let options = entries.iter().enumerate().map(|(number, (entry, words))| {
        let option = text("option", "", words).set("value", &number.to_string());
        let is_chosen = form.with_untracked(|form| form.entry == *entry);
        if is_chosen { option.set("selected", "") } else { option }
    });
    let function = tag("select", "").test("entry").put_all(options);
    let function = function.read("change", move |number| {
        let chosen = number.parse().ok().and_then(|number: usize| entries.get(number));
        form.update(|form| form.entry = chosen.map_or(SparkEntry::Command, |(one, _)| one.clone()));
    });
    let chosen = Memo::new(move |_| form.with(|form| form.entry.clone()));
    let fields = live(move || match chosen.get() {
        SparkEntry::Command => command_fields(desk, mistake),
        SparkEntry::Export(_) => {
            let hint = "Leave empty to take the input's words as arguments.";
            arguments(desk, mistake, hint).seal()
        }
        SparkEntry::Json => note("Each input is JSON, and so is its result.").seal(),
    });
    panel("How to call it")
        .put(labelled("Function", function))
        .add(told(mistake, Field::Entry))
        .add(fields.seal())
}

fn arguments(desk: At, mistake: Mistake, hint: &str) -> Vec<AnyView> {
    let field = line(desk, "Arguments", "arguments", |form| &mut form.arguments);
    let places = "{} stands for the input, and {#1}, {#2} … for its fields where it is a line of \
                  CSV. ";
    vec![field.seal(), note(places).say(hint).seal(), told(mistake, Field::Arguments)]
}

fn command_fields(desk: At, mistake: Mistake) -> AnyView {
    let mut fields = arguments(desk, mistake, "Quotes hold words together.");
    fields.extend([stdin(desk), variables(desk), told(mistake, Field::Environment)]);
    fields.seal()
}

fn stdin(desk: At) -> AnyView {
    let form = desk.form;
    let field = tag("input", "").set("type", "checkbox").test("stdin");
    let element = field.element().clone();
    let field =
        field.hold("checked", move || form.with(|form| form.stdin)).on("change", move |_| {
            let is_on = is_ticked(&element);
            form.update(|form| form.stdin = is_on);
        });
    let words = text("span", "", "Give each input as standard input");
    tag("label", "check").put(field).put(words).seal()
}

fn variables(desk: At) -> AnyView {
    let label = "Environment variables, NAME=value on a line each";
    area(desk, label, ("environment", "2"), |form| &mut form.environment).seal()
}

/// What becomes of results; a picture can be chosen where the spark makes one.
fn together(desk: At) -> Part {
    let form = desk.form;
    let at_first = form.with_untracked(|form| form.together);
    let mut choices = Together::<Rows>::ALL.map(|one| (one.key(), one.label())).to_vec();
    if let Together::Picture(_) = at_first {
        choices.push((at_first.key(), at_first.label()));
    }
    let field = select("together", &choices, at_first.key(), move |key| {
        form.update(|form| form.together = Together::of_key(&key).unwrap_or(at_first));
    });
    panel("Results together").put(labelled("What becomes of them", field))
}

/// A field to choose one of those keys from, each behind what people read of it.
fn select(
    test: &str,
    choices: &[(&str, &str)],
    at_first: &str,
    take: impl FnMut(String) + 'static,
) -> Part {
    let options = choices.iter().map(|(key, words)| {
        let option = text("option", "", words).set("value", key);
        if *key == at_first { option.set("selected", "") } else { option }
    });
    tag("select", "").test(test).put_all(options).read("change", take)
}

fn trust(desk: At) -> Part {
    let form = desk.form;
    let at_first = form.with_untracked(|form| form.trust);
    let at_first = TRUSTS.iter().find(|(trust, ..)| *trust == at_first).map_or("", |one| one.1);
    let choices = TRUSTS.map(|(_, key, words)| (key, words));
    let field = select("trust", &choices, at_first, move |key| {
        form.update(|form| form.trust = chosen(&TRUSTS, &key).unwrap_or(form.trust));
    });
    let about = "Where several must agree, each task runs on as many ions, and their results are \
                 compared bit by bit; who returned another one is outvoted. Adaptive compares \
                 until an ion has ten good results in a row, and only some from then on. This does \
                 not help against ions that agree to lie alike: against them only running the \
                 task again helps, on an ion that you trust.";
    panel("When a result counts").put(labelled("How many ions it takes", field)).put(note(about))
}

fn limits(desk: At, mistake: Mistake) -> Part {
    let fuel = "Fuel, in millions of instructions";
    let fields = tag("div", "fields")
        .put(line(desk, fuel, "limit-fuel", |form| &mut form.fuel_millions))
        .put(line(desk, "Memory, in MiB", "limit-memory", |form| &mut form.memory_mib))
        .put(line(desk, "Time, in seconds", "limit-time", |form| &mut form.seconds))
        .put(labelled("What runs it", lane(desk)));
    let about = "A task that reaches a limit is ended and fails by that limit's name; the others \
                 go on. The browser's engine is about twenty times as fast as the interpreter; \
                 both give the same results.";
    tag("details", "panel fold")
        .put(text("summary", "", "Limits of each task, and what runs it").test("limits"))
        .put(fields)
        .add(told(mistake, Field::Fuel))
        .add(told(mistake, Field::Memory))
        .add(told(mistake, Field::Time))
        .put(note(about))
}

fn lane(desk: At) -> Part {
    let form = desk.form;
    let at_first = form.with_untracked(|form| form.lane);
    let at_first = LANES.iter().find(|(lane, ..)| *lane == at_first).map_or("", |one| one.1);
    let choices = LANES.map(|(_, key, words)| (key, words));
    select("lane", &choices, at_first, move |key| {
        form.update(|form| form.lane = chosen(&LANES, &key).unwrap_or(form.lane));
    })
}

/// Where the form keeps a text.
type Place = fn(&mut Form) -> &mut String;

fn line(desk: At, label: &str, test: &str, place: Place) -> Part {
    let field = tag("input", "").set("type", "text").set("autocomplete", "off");
    labelled(label, bound(desk, field.test(test), place))
}

fn area(desk: At, label: &str, (test, rows): (&str, &str), place: Place) -> Part {
    labelled(label, bound(desk, tag("textarea", "").set("rows", rows).test(test), place))
}

/// The same text in the field as in the form.
fn bound(desk: At, field: Part, place: Place) -> Part {
    let form = desk.form;
    field
        .set("spellcheck", "false")
        .hold("value", move || {
            form.track();
            form.try_update_untracked(|form| place(form).clone()).unwrap_or_default()
        })
        .read("input", move |words| form.update(|form| *place(form) = words))
}

fn told(mistake: Mistake, field: Field) -> AnyView {
    let sentence = live(move || match mistake.get() {
        Some((place, why)) if place == field => {
            text("p", "mistake", &why).set("role", "alert").test("mistake").seal()
        }
        _ => ().seal(),
    });
    sentence.seal()
}
