//! The form that sets a job up: how to call the module, over what, and how far
//! each task may go.

use std::sync::Arc;

use leptos::{html, prelude::*, task::spawn_local};
use node_core::compute::spec::INPUTS_BYTES_MAX;
use spark_runtime::inspect::Inspection;

use super::{
    browser,
    desk::At,
    module, router,
    sealed::{Seal, live},
};
use crate::model::{
    format,
    inputs::Kind,
    setup::{Field, Form},
};

type Mistake = RwSignal<Option<(Field, String)>>;

/// The form for a module that was inspected.
pub(crate) fn view(desk: At, binary: Arc<[u8]>, inspection: Inspection) -> AnyView {
    let mistake: Mistake = RwSignal::new(None);
    let is_refused = inspection.imports.iter().any(|import| !import.offered);
    let name = desk.form.with_untracked(|form| form.name.clone());
    let about = module::about(name, &inspection);
    let entry = entry(desk, &inspection, mistake);
    let run = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let request = desk.form.with_untracked(|form| form.request(&binary, &inspection));
        match request {
            Ok(request) => router::go(desk, desk.run(request)),
            Err(found) => mistake.set(Some(found)),
        }
    };
    let tasks = Memo::new(move |_| desk.form.with(Form::tasks));
    let count = live(move || {
        tasks.get().map(|tasks| format!("{} on all ions", format::counted(tasks, "task")))
    });
    view! {
        <form class="setup" on:submit=run novalidate="">
            <div class="setup-main">
                {entry} {inputs(desk, mistake)} {limits(desk, mistake)} <div class="setup-run">
                    <button
                        type="submit"
                        class="button primary large"
                        data-test="run"
                        disabled=is_refused
                    >
                        "Run"
                    </button>
                    <span class="muted" data-test="task-count">
                        {count}
                    </span>
                </div>
            </div>
            <div class="setup-side">{about}</div>
        </form>
    }
    .seal()
}

fn entry(desk: At, inspection: &Inspection, mistake: Mistake) -> AnyView {
    let form = desk.form;
    let choices = module::named(inspection).map(|export| {
        let (value, shown) = (export.name.clone(), module::signature(export));
        let name = export.name.clone();
        let is_chosen = form.with_untracked(|form| form.export == name);
        view! {
            <option value=value selected=is_chosen>
                {shown}
            </option>
        }
        .seal()
    });
    let command = inspection.is_command.then(|| {
        let is_chosen = form.with_untracked(|form| form.export.is_empty());
        view! {
            <option value="" selected=is_chosen>
                "the command"
            </option>
        }
        .seal()
    });
    let is_command = Memo::new(move |_| form.with(|form| form.export.is_empty()));
    let hint = live(move || {
        if is_command.get() {
            "{} stands for the input. Quotes hold words together."
        } else {
            "{} stands for the input. Leave empty to take the input's words as arguments."
        }
    });
    let stdin = live(move || {
        is_command.get().then(|| {
            view! {
                <label class="check">
                    <input
                        type="checkbox"
                        data-test="stdin"
                        prop:checked=move || form.with(|form| form.stdin)
                        on:change=move |event| {
                            let is_on = event_target_checked(&event);
                            form.update(|form| form.stdin = is_on);
                        }
                    />
                    <span>"Give each input as standard input"</span>
                </label>
            }
            .seal()
        })
    });
    let variables = live(move || is_command.get().then(|| variables(desk)));
    view! {
        <section class="panel" aria-label="How to call it">
            <h2>"How to call it"</h2>
            <label class="field">
                <span>"Function"</span>
                <select
                    data-test="entry"
                    on:change=move |event| {
                        let name = event_target_value(&event);
                        form.update(|form| form.export = name);
                    }
                >
                    {command}
                    {choices.collect_view()}
                </select>
            </label>
            {told(mistake, Field::Entry)}
            {text(
                desk,
                "Arguments",
                "arguments",
                |form| form.arguments.clone(),
                |form, value| form.arguments = value,
            )}
            <p class="small muted">{hint}</p>
            {told(mistake, Field::Arguments)}
            {stdin}
            {variables}
            {told(mistake, Field::Environment)}
        </section>
    }
    .seal()
}

fn variables(desk: At) -> AnyView {
    let form = desk.form;
    view! {
        <label class="field">
            <span>"Environment variables, NAME=value on a line each"</span>
            <textarea
                rows="2"
                spellcheck="false"
                data-test="environment"
                prop:value=move || form.with(|form| form.environment.clone())
                on:input=move |event| {
                    let lines = event_target_value(&event);
                    form.update(|form| form.environment = lines);
                }
            ></textarea>
        </label>
    }
    .seal()
}

fn inputs(desk: At, mistake: Mistake) -> AnyView {
    let form = desk.form;
    let kind = Memo::new(move |_| form.with(|form| form.kind));
    let choices = Kind::ALL.map(|choice| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="inputs"
                    data-test=format!("inputs-{}", choice.key())
                    prop:checked=move || kind.get() == choice
                    on:change=move |_| form.update(|form| form.kind = choice)
                />
                <span>{choice.label()}</span>
            </label>
        }
        .seal()
    });
    let fields = live(move || match kind.get() {
        Kind::Range => range(desk),
        Kind::Lines => lines(desk),
        Kind::File => file(desk, mistake),
        Kind::One => {
            text(desk, "The input", "one", |form| form.one.clone(), |form, value| form.one = value)
        }
    });
    view! {
        <section class="panel" aria-label="What to run it over">
            <h2>"What to run it over"</h2>
            <fieldset class="choices">
                <legend class="hidden">"Kind of inputs"</legend>
                {choices.collect_view()}
            </fieldset>
            {fields}
            {told(mistake, Field::Inputs)}
        </section>
    }
    .seal()
}

fn range(desk: At) -> AnyView {
    view! {
        <div class="fields">
            {text(
                desk,
                "From",
                "range-first",
                |form| form.first.clone(),
                |form, value| form.first = value,
            )}
            {text(
                desk,
                "To, included",
                "range-last",
                |form| form.last.clone(),
                |form, value| form.last = value,
            )}
        </div>
    }
    .seal()
}

fn lines(desk: At) -> AnyView {
    let form = desk.form;
    view! {
        <label class="field">
            <span>"One task per line"</span>
            <textarea
                rows="6"
                spellcheck="false"
                data-test="lines"
                prop:value=move || form.with(|form| form.lines.clone())
                on:input=move |event| {
                    let lines = event_target_value(&event);
                    form.update(|form| form.lines = lines);
                }
            ></textarea>
        </label>
    }
    .seal()
}

fn file(desk: At, mistake: Mistake) -> AnyView {
    let form = desk.form;
    let input = NodeRef::<html::Input>::new();
    let chosen = move |_| {
        let files = input.get_untracked().and_then(|field| field.files());
        let Some(file) = files.and_then(|files| files.get(0)) else { return };
        spawn_local(async move {
            match browser::read(&file, INPUTS_BYTES_MAX).await {
                Ok(bytes) => {
                    mistake.set(None);
                    form.update(|form| form.file = Some((file.name(), Arc::from(bytes))));
                }
                Err(why) => {
                    let why = format!("{} was not taken: {why}.", file.name());
                    mistake.set(Some((Field::Inputs, why)));
                }
            }
        });
    };
    let name = live(move || {
        form.with(|form| {
            form.file
                .as_ref()
                .map(|(name, bytes)| format!("{name}, {}", format::bytes(bytes.len() as u64)))
        })
    });
    view! {
        <label class="field">
            <span>"A file; each line becomes a task"</span>
            <input node_ref=input type="file" data-test="inputs-file-field" on:change=chosen />
        </label>
        <p class="small muted">{name}</p>
    }
    .seal()
}

fn limits(desk: At, mistake: Mistake) -> AnyView {
    view! {
        <details class="panel fold">
            <summary data-test="limits">"Limits of each task"</summary>
            <div class="fields">
                {text(
                    desk,
                    "Fuel, in millions of instructions",
                    "limit-fuel",
                    |form| form.fuel_millions.clone(),
                    |form, value| form.fuel_millions = value,
                )}
                {text(
                    desk,
                    "Memory, in MiB",
                    "limit-memory",
                    |form| form.memory_mib.clone(),
                    |form, value| form.memory_mib = value,
                )}
                {text(
                    desk,
                    "Time, in seconds",
                    "limit-time",
                    |form| form.seconds.clone(),
                    |form, value| form.seconds = value,
                )}
            </div>
            {told(mistake, Field::Fuel)} {told(mistake, Field::Memory)} {told(mistake, Field::Time)}
            <p class="small muted">
                "A task that reaches a limit is ended and fails by that limit's name; the others go on."
            </p>
        </details>
    }
    .seal()
}

fn text(
    desk: At,
    label: &'static str,
    test: &'static str,
    read: fn(&Form) -> String,
    write: fn(&mut Form, String),
) -> AnyView {
    let form = desk.form;
    view! {
        <label class="field">
            <span>{label}</span>
            <input
                type="text"
                autocomplete="off"
                spellcheck="false"
                data-test=test
                prop:value=move || form.with(read)
                on:input=move |event| {
                    let value = event_target_value(&event);
                    form.update(|form| write(form, value));
                }
            />
        </label>
    }
    .seal()
}

fn told(mistake: Mistake, field: Field) -> AnyView {
    let sentence = live(move || {
        let found = mistake.get().filter(|(place, _)| *place == field);
        found.map(|(_, why)| {
            view! {
                <p class="mistake" role="alert" data-test="mistake">
                    {why}
                </p>
            }
            .seal()
        })
    });
    sentence.seal()
}
