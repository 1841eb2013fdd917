//! The languages that a spark of the gallery is there in, and its source.

use std::{cell::Cell, rc::Rc};

use leptos::{prelude::*, task::spawn_local};

use super::beside_gallery;
use crate::{
    model::{
        gallery::{Spark, source_name},
        route::Route,
    },
    page::{
        browser, parts,
        raw::{Part, tag, text},
        sealed::Seal,
    },
};

/// Links to the same spark in other languages; nothing where there is only one.
pub(super) fn languages(spark: Option<&Spark>) -> AnyView {
    let Some(spark) = spark.filter(|spark| !spark.translations.is_empty()) else {
        return ().seal();
    };
    let link = |(name, language): (String, &str)| {
        let link = text("a", "button", language)
            .set("href", &Route::Spark(name.clone()).path())
            .test(&format!("language-{name}"));
        if name == spark.name { link.set("aria-current", "page") } else { link }
    };
    let links = spark.versions().into_iter().map(link);
    tag("nav", "languages").set("aria-label", "Written in").put_all(links).seal()
}

/// The source, file by file.
pub(super) fn view(spark: Option<&Spark>) -> AnyView {
    let Some(spark) = spark.filter(|spark| !spark.sources.is_empty()) else { return ().seal() };
    let mut panel = parts::panel("Source");
    for path in &spark.sources {
        panel = panel.put(file(path));
    }
    panel.seal()
}

/// One file, which is fetched when it is opened.
fn file(path: &str) -> Part {
    let shown = RwSignal::new(String::new());
    let address = beside_gallery(path);
    let is_asked = Rc::new(Cell::new(false));
    let open = move |_| {
        // It is told of closing too; what did not come is asked for again.
        if is_asked.replace(true) {
            return;
        }
        let is_asked = Rc::clone(&is_asked);
        shown.set("Loading …".to_owned());
        let address = address.clone();
        spawn_local(async move {
            let read = browser::fetch(&address).await;
            let words = read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            is_asked.set(words.is_ok());
            let _ = shown.try_set(words.unwrap_or_else(|why| format!("{why}. Open it again.")));
        });
    };
    let code = tag("code", "").words(move || shown.get());
    tag("details", "source")
        .test("source")
        .put(text("summary", "", source_name(path)))
        .put(tag("pre", "").set("tabindex", "0").put(code))
        .on("toggle", open)
}
