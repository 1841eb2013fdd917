//! Sparks: the gallery, a file of one's own, and what is chosen on the bench.

mod source;

use leptos::{prelude::*, task::spawn_local};
use node_core::node::Problem;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, Event, File, FileList, HtmlInputElement};

use super::{
    browser,
    desk::{At, Bench, Source},
    icons::{self, icon},
    parts,
    raw::{Part, button, effect, tag, text},
    router,
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
            return vec![back(desk), bench(desk)].seal();
        }
        vec![results(desk), gallery_view(desk).seal(), upload(desk).seal()].seal()
    });
    if matches!(desk.bench.get_untracked(), Bench::Loading(Source::Gallery(_)) | Bench::Ready(..)) {
        desk.clear_bench();
    }
    let about =
        "Programs that the nebula can run: pick one, or bring a WebAssembly module of your own.";
    vec![parts::head("Sparks", about, None).seal(), content.seal()].seal()
}

/// Which results wait for a spark that takes them, if some do.
fn results(desk: At) -> AnyView {
    let row = move || {
        let of = desk.form.with(|form| form.results.as_ref().map(|results| results.about()));
        let words = format!("Choose the spark that takes {} as its inputs.", of?);
        let cancel = move || desk.form.update(|form| form.results = None);
        let cancel = button("results-cancel", "button quiet", "Cancel", cancel);
        let row = tag("div", "panel row").test("results-wait").set("role", "status");
        Some(row.put(text("p", "", &words)).put(cancel))
    };
    tag("div", "contents").live(row).seal()
}

fn one(desk: At, name: String) -> AnyView {
    desk.clear_bench();
    let mut was_found = false;
    let chosen = Memo::new(move |_| desk.gallery.with(|all| find(all.as_ref(), &name)));
    effect(move || {
        let found = chosen.get();
        let is_there = desk.gallery.with(Option::is_some);
        match found {
            Some(spark) if !was_found => fetch(desk, spark),
            None if is_there => desk.bench.set(Bench::Refused(problem(
                "There is no spark of this name",
                "The address names one that the gallery does not have.",
                "Go back and pick one that is there.",
            ))),
            _ => {}
        }
        was_found = is_there;
    });
    let about = "Say what to run it over, and press Run.";
    let languages = live(move || chosen.with(|spark| source::languages(spark.as_ref())));
    let sources = live(move || chosen.with(|spark| source::view(spark.as_ref())));
    let head = parts::head("Sparks", about, None).seal();
    vec![head, back(desk), languages.seal(), bench(desk), sources.seal()].seal()
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
            Ok(bytes) => ion_codec::from_json(&bytes).map(Gallery::sparks),
            Err(why) => Err(why),
        };
        desk.gallery.set(Some(read));
    });
}

fn fetch(desk: At, spark: Spark) {
    desk.bench.set(Bench::Loading(Source::Gallery(Box::new(spark.clone()))));
    let path = beside_gallery(&spark.file);
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

/// Where a file of the gallery is.
fn beside_gallery(file: &str) -> String {
    let gallery = browser::root_data("gallery");
    let folder = gallery.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/{file}")
}

fn gallery_view(desk: At) -> Part {
    let cards = move || {
        desk.gallery.with(|gallery| match gallery {
            None => vec![text("p", "muted", "Loading the gallery …")],
            Some(Err(why)) => vec![no_gallery(why)],
            Some(Ok(sparks)) => {
                sparks.iter().filter(|spark| spark.of.is_none()).map(card).collect()
            }
        })
    };
    let cards = tag("div", "gallery").rows(cards);
    tag("section", "section").set("aria-label", "Gallery").put(cards)
}

fn no_gallery(why: &str) -> Part {
    let words = "A module of your own works; else reload.";
    text("p", "", &format!("The bundled sparks are not there: {why}. {words}"))
}

fn card(spark: &Spark) -> Part {
    let kind = match &spark.entry {
        gallery::SparkEntry::Export(_) => "function",
        gallery::SparkEntry::Command => "command",
        gallery::SparkEntry::Json => "JSON spark",
    };
    let languages = spark.versions().len();
    let kind = match languages {
        0 => kind.to_owned(),
        _ => format!("{kind}, in {languages} languages"),
    };
    tag("a", "card")
        .set("href", &Route::Spark(spark.name.clone()).path())
        .test(&format!("spark-{}", spark.name))
        .put(icon(icons::SPARKS))
        .put(text("span", "card-title", &spark.title))
        .put(text("span", "card-text", &spark.description))
        .put(text("span", "card-kind", &kind))
}

fn upload(desk: At) -> Part {
    let is_over = RwSignal::new(false);
    let input = tag("input", "hidden")
        .set("type", "file")
        .set("accept", ".wasm,application/wasm")
        .test("upload");
    let field: HtmlInputElement = input.element().clone().unchecked_into();
    let chosen = move |_| {
        take(desk, field.files());
        field.set_value("");
    };
    let dropped = move |event: Event| {
        event.prevent_default();
        is_over.set(false);
        let event: DragEvent = event.unchecked_into();
        take(desk, event.data_transfer().and_then(|transfer| transfer.files()));
    };
    let about = "Drop a .wasm file here, or press to choose one. It is looked at before it runs.";
    tag("label", "")
        .follow("class", move || Some(if is_over.get() { "drop over" } else { "drop" }.to_owned()))
        .on("dragover", move |event| {
            event.prevent_default();
            is_over.set(true);
        })
        .on("dragleave", move |_| is_over.set(false))
        .on("drop", dropped)
        .put(icon(icons::UPLOAD))
        .put(text("span", "drop-title", "Bring your own"))
        .put(text("span", "", about))
        .put(input.on("change", chosen))
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
        Bench::Empty => text("p", "muted", "Loading …").seal(),
        Bench::Loading(source) => loading(&source).seal(),
        Bench::Refused(problem) => parts::refused(&problem, "bench-refused").seal(),
        Bench::Ready(binary, inspection) => setup::view(desk, binary, inspection),
    });
    content.seal()
}

fn back(desk: At) -> AnyView {
    let back = button("bench-back", "link", "All sparks", move || {
        desk.clear_bench();
        router::go(desk, Route::Sparks);
    });
    tag("p", "crumb").put(back).seal()
}

fn loading(source: &Source) -> Part {
    let name = match source {
        Source::Gallery(spark) => &spark.title,
        Source::File(name) => name,
        Source::Again(form) => &form.name,
    };
    text("p", "muted", &format!("Looking at {name} …")).set("role", "status")
}
