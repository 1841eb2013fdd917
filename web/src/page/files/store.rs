//! How this ion's store stands: whether the tab may be closed, what it gives,
//! and whether the browser keeps it.

use leptos::{prelude::*, task::spawn_local};
use node_core::node::files::{StoreView, Wish};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlInputElement, HtmlSelectElement};

use super::{bring::bar, sheet};
use crate::{
    model::{
        files::{Files, words},
        format,
    },
    page::{
        browser,
        desk::At,
        parts,
        raw::{Part, button, tag, text},
        sealed::{Seal, live},
    },
};

/// Asks the browser to keep what is stored, or only whether it does; its answer
/// is shown, where it has one.
async fn persist(desk: At, asks: bool) -> Option<bool> {
    if !browser::is_secure() {
        return None;
    }
    let storage = window().navigator().storage();
    let answer = if asks { storage.persist() } else { storage.persisted() };
    let answer = JsFuture::from(answer.ok()?).await.ok()?.as_bool();
    desk.files.lasts.set(answer);
    answer
}

/// Asks once, with the first file that is brought in.
pub(super) fn ask_to_last(desk: At) {
    if desk.files.lasts.now().is_some() {
        return;
    }
    spawn_local(async move {
        let answer = persist(desk, true).await;
        if answer.is_some() {
            desk.say(words::lasting(answer).2.to_owned());
        }
    });
}

/// Whether this tab may be closed.
pub(crate) fn closing(desk: At, test: &str) -> Part {
    let said = Memo::new(move |_| {
        let name = desk.ions.with(|ions| match &ions[..] {
            [only] => Some(only.name.clone()),
            _ => None,
        });
        let store = desk.files.store.read();
        store.as_ref().map(|store| words::closing(store, name.as_deref()).1).unwrap_or_default()
    });
    let shown = live(move || {
        let words = said.get();
        match &*desk.files.store.now() {
            Some(store) => parts::pill(words::closing(store, None).0, &words).seal(),
            None => ().seal(),
        }
    });
    tag("div", "closing").set("role", "status").test(test).add(shown.seal())
}

/// The section of Settings.
pub(crate) fn settings(desk: At) -> AnyView {
    desk.do_files(Files::show_pinned);
    spawn_local(async move {
        persist(desk, false).await;
    });
    let about = "With less, what others hold as well goes first; what is on this tab alone stays \
                 until it is copied.";
    tag("div", "setting-body")
        .add(live(move || held(desk).seal()).seal())
        .put(give(desk))
        .put(text("p", "small muted", about))
        .live(move || pinned(desk))
        .add(live(move || lasting(desk).seal()).seal())
        .seal()
}

/// What is kept here whatever others do.
fn pinned(desk: At) -> Option<Part> {
    let files = desk.files.list.read();
    let rows = files.pinned.rows.as_ref().filter(|rows| !rows.is_empty())?;
    let rows = rows.iter().filter_map(|row| {
        let file = row.file.as_ref()?;
        let name = if row.path.is_empty() { "No name stands for it any more" } else { &row.path };
        let held = format!("{} here", format::part(file.here_bytes, file.bytes));
        let words = tag("div", "grow").put(text("p", "file-path", name)).put(text(
            "p",
            "small muted",
            &held,
        ));
        let row = tag("li", "row").test("pinned-row").set("data-path", &row.path);
        Some(row.put(words).put(tag("div", "actions").put(sheet::pin_button(desk, file))))
    });
    let list = tag("ul", "rows").put_all(rows);
    Some(tag("div", "").put(text("p", "field-name", "Kept here whatever others do")).put(list))
}

/// What of files, and beside them, is on this tab, by why it is.
fn kinds(store: &StoreView) -> Part {
    let all = [
        ("Brought in here", store.own_bytes),
        ("Kept here on request", store.pinned_bytes),
        ("Copies for the nebula", store.copies_bytes),
        ("Looked at, or not whole yet", store.passing_bytes),
        ("Shared memory", store.state_bytes),
        ("Mail", store.mail_bytes),
    ];
    all.into_iter().fold(tag("dl", "facts").test("store-kinds"), |list, (name, bytes)| {
        list.put(text("dt", "", name)).put(text("dd", "", &format::bytes(bytes)))
    })
}

fn held(desk: At) -> Part {
    let store = desk.files.store.read();
    let Some(store) = &*store else {
        return text("p", "muted", "What is stored here is being counted.");
    };
    let given = u64::from(store.gives_mib) << 20;
    let said = if store.quota_bytes > 0 {
        let used = format::part(store.used_bytes, store.quota_bytes);
        format!("The browser says that {used} of what this site may have are used.")
    } else {
        "The browser does not say how much this site may have.".to_owned()
    };
    tag("div", "held")
        .test("store-held")
        .set("data-bytes", &store.held_bytes.to_string())
        .put(text("p", "field-name", "Files held for the nebula"))
        .put(text("p", "", &format::part(store.held_bytes, given)))
        .put(bar("Space used", format::percent(store.held_bytes, given)))
        .put(kinds(store))
        .put(text("p", "small muted", &said))
}

fn give(desk: At) -> Part {
    let field = tag("input", "")
        .set("type", "text")
        .set("inputmode", "decimal")
        .set("autocomplete", "off")
        .test("give-field");
    let unit = tag("select", "")
        .set("aria-label", "Unit")
        .test("give-unit")
        .put(text("option", "", "GiB"))
        .put(text("option", "", "MiB"));
    let typed: HtmlInputElement = field.element().clone().unchecked_into();
    let chosen: HtmlSelectElement = unit.element().clone().unchecked_into();
    let mistake = text("p", "mistake", "").set("role", "alert").set("hidden", "");
    let told = mistake.element().clone();
    let form = tag("form", "inline-form")
        .put(tag("label", "field").put(text("span", "", "Space to give")).put(field))
        .put(tag("div", "field unit").put(unit))
        .put(text("button", "button", "Set").test("give"));
    let form = form.on("submit", move |event| {
        event.prevent_default();
        let read = words::give_mib(&typed.value(), chosen.value() == "GiB");
        // An attribute of that name is always taken.
        let _ = told.toggle_attribute_with_force("hidden", read.is_ok());
        match read {
            Ok(mib) => desk.wish(Wish::Give { mib }),
            Err(why) => told.set_text_content(Some(why)),
        }
    });
    tag("div", "setting-body").put(form).put(mistake)
}

fn lasting(desk: At) -> Part {
    let lasts = *desk.files.lasts.read();
    let (meaning, word, said) = words::lasting(lasts);
    let words = tag("div", "").put(text("p", "field-name", "Lasting storage")).put(text(
        "p",
        "small muted",
        said,
    ));
    let mut actions = tag("div", "actions").put(parts::pill(meaning, word));
    if lasts != Some(true) && browser::is_secure() {
        actions = actions.put(button("persist", "button", "Ask it to keep it", move || {
            spawn_local(async move {
                persist(desk, true).await;
            });
        }));
    }
    tag("div", "row").test("lasting").put(words).put(actions)
}
