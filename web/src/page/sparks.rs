//! Sparks: the gallery, a file of one's own, and what is chosen on the bench.

use leptos::{html, prelude::*, task::spawn_local};
use node_core::node::Problem;
use web_sys::{DragEvent, File, FileList};

use super::{
    browser,
    desk::{At, Bench, Source},
    icons::{self, icon},
    json, parts, router,
    sealed::{Seal, live},
    setup,
};
use crate::model::{
    gallery,
    gallery::{Gallery, Spark},
    news::problem,
    route::Route,
};

/// The largest module that is taken, in bytes.
const MODULE_BYTES_MAX: usize = 32 << 20;

/// The page; with a name, that spark of the gallery is set up.
pub(crate) fn view(desk: At, name: Option<String>) -> AnyView {
    load_gallery(desk);
    match name {
        Some(name) => one(desk, name),
        None => all(desk),
    }
}

fn all(desk: At) -> AnyView {
    let is_chosen = Memo::new(move |_| desk.bench.with(|bench| *bench != Bench::Empty));
    let content = live(move || {
        if is_chosen.get() {
            return bench(desk);
        }
        view! {
            {gallery_view(desk)}
            {upload(desk)}
        }
        .seal()
    });
    if matches!(desk.bench.get_untracked(), Bench::Loading(Source::Gallery(_)) | Bench::Ready(..)) {
        desk.clear_bench();
    }
    view! {
        {parts::head(
            "Sparks",
            "Programs that the nebula can run: pick one, or bring a WebAssembly module of your own.",
            ().seal(),
        )}
        {content}
    }
    .seal()
}

fn one(desk: At, name: String) -> AnyView {
    desk.clear_bench();
    Effect::new(move |was_found: Option<bool>| {
        let found = desk.gallery.with(|gallery| find(gallery.as_ref(), &name));
        match found {
            Some(spark) if was_found != Some(true) => fetch(desk, spark),
            None if desk.gallery.with(Option::is_some) => desk.bench.set(Bench::Refused(problem(
                "There is no spark of this name",
                "The address names one that the gallery does not have.",
                "Go back and pick one that is there.",
            ))),
            _ => {}
        }
        desk.gallery.with(Option::is_some)
    });
    view! {
        {parts::head("Sparks", "Say what to run it over, and press Run.", ().seal())}
        {bench(desk)}
    }
    .seal()
}

fn find(gallery: Option<&Result<Vec<Spark>, String>>, name: &str) -> Option<Spark> {
    let sparks = gallery?.as_ref().ok()?;
    sparks.iter().find(|spark| spark.name == name).cloned()
}

fn load_gallery(desk: At) {
    if desk.gallery.with_untracked(|gallery| matches!(gallery, Some(Ok(_)))) {
        return;
    }
    spawn_local(async move {
        let read = match browser::fetch(&browser::root_data("gallery")).await {
            Ok(bytes) => json::read(&bytes).map(Gallery::sparks),
            Err(why) => Err(why),
        };
        desk.gallery.set(Some(read));
    });
}

fn fetch(desk: At, spark: Spark) {
    desk.bench.set(Bench::Loading(Source::Gallery(Box::new(spark.clone()))));
    let gallery = browser::root_data("gallery");
    let folder = gallery.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = format!("{folder}/{}", spark.file);
    spawn_local(async move {
        match browser::fetch(&path).await {
            Ok(binary) => desk.inspect(Source::Gallery(Box::new(spark)), binary),
            Err(why) => desk.bench.set(Bench::Refused(problem(
                "The spark could not be loaded",
                &format!("{why}."),
                "Check the connection and choose it again.",
            ))),
        }
    });
}

fn gallery_view(desk: At) -> AnyView {
    let cards = live(move || {
        desk.gallery.with(|gallery| match gallery {
            None => view! { <p class="muted">"Loading the gallery …"</p> }.seal(),
            Some(Err(why)) => no_gallery(why),
            Some(Ok(sparks)) => sparks.iter().map(card).collect_view().seal(),
        })
    });
    view! {
        <section class="section" aria-label="Gallery">
            <div class="gallery">{cards}</div>
        </section>
    }
    .seal()
}

fn no_gallery(why: &str) -> AnyView {
    view! {
        <p>
            {format!("The bundled sparks are not there: {why}. A module of your own works; else reload.")}
        </p>
    }
    .seal()
}

fn card(spark: &Spark) -> AnyView {
    let kind = match &spark.entry {
        gallery::SparkEntry::Export(_) => "function",
        gallery::SparkEntry::Command => "command",
    };
    view! {
        <a
            class="card"
            href=Route::Spark(spark.name.clone()).path()
            data-test=format!("spark-{}", spark.name)
        >
            {icon(icons::SPARKS)}
            <span class="card-title">{spark.title.clone()}</span>
            <span class="card-text">{spark.description.clone()}</span>
            <span class="card-kind">{kind}</span>
        </a>
    }
    .seal()
}

fn upload(desk: At) -> AnyView {
    let input = NodeRef::<html::Input>::new();
    let is_over = RwSignal::new(false);
    let chosen = move |_| {
        if let Some(field) = input.get_untracked() {
            take(desk, field.files());
            field.set_value("");
        }
    };
    let dropped = move |event: DragEvent| {
        event.prevent_default();
        is_over.set(false);
        take(desk, event.data_transfer().and_then(|transfer| transfer.files()));
    };
    view! {
        <label
            class="drop"
            class:over=is_over
            on:dragover=move |event: DragEvent| {
                event.prevent_default();
                is_over.set(true);
            }
            on:dragleave=move |_| is_over.set(false)
            on:drop=dropped
        >
            {icon(icons::UPLOAD)}
            <span class="drop-title">"Bring your own"</span>
            <span>"Drop a .wasm file here, or press to choose one. It is looked at before it runs."</span>
            <input
                node_ref=input
                class="hidden"
                type="file"
                accept=".wasm,application/wasm"
                data-test="upload"
                on:change=chosen
            />
        </label>
    }
    .seal()
}

fn take(desk: At, files: Option<FileList>) {
    let Some(file) = files.and_then(|files| files.get(0)) else { return };
    let name = file.name();
    desk.bench.set(Bench::Loading(Source::File(name.clone())));
    spawn_local(async move {
        match browser::read(&file, MODULE_BYTES_MAX).await {
            Ok(binary) => desk.inspect(Source::File(name), binary),
            Err(why) => desk.bench.set(Bench::Refused(unreadable(&file, &why))),
        }
    });
}

fn unreadable(file: &File, why: &str) -> Problem {
    let what = format!("{} was not taken", file.name());
    problem(&what, &format!("{why}."), "Choose another file.")
}

fn bench(desk: At) -> AnyView {
    let content = live(move || match desk.bench.get() {
        Bench::Empty => view! { <p class="muted">"Loading …"</p> }.seal(),
        Bench::Loading(source) => loading(&source),
        Bench::Refused(problem) => refused(&problem),
        Bench::Ready(binary, inspection) => setup::view(desk, binary, inspection),
    });
    view! {
        <p class="crumb">
            <button
                type="button"
                class="link"
                data-test="bench-back"
                on:click=move |_| {
                    desk.clear_bench();
                    router::go(desk, Route::Sparks);
                }
            >
                "All sparks"
            </button>
        </p>
        {content}
    }
    .seal()
}

fn loading(source: &Source) -> AnyView {
    let name = match source {
        Source::Gallery(spark) => &spark.title,
        Source::File(name) => name,
    };
    view! {
        <p class="muted" role="status">
            {format!("Looking at {name} …")}
        </p>
    }
    .seal()
}

fn refused(problem: &Problem) -> AnyView {
    view! {
        <section class="panel bad-edge" role="alert" data-test="bench-refused">
            <p class="problem-what">{problem.what.clone()}</p>
            <p>{problem.why.clone()}</p>
            <p class="problem-remedy">{problem.remedy.clone()}</p>
        </section>
    }
    .seal()
}
