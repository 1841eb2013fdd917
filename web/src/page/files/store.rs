//! How this ion's store stands: whether the tab may be closed, what it gives,
//! and whether the browser keeps it.

use leptos::{prelude::*, task::spawn_local};
use node_core::node::files::Wish;
use wasm_bindgen_futures::JsFuture;

use super::button;
use crate::{
    model::{files::words, format},
    page::{
        browser,
        desk::At,
        parts,
        sealed::{Seal, live},
    },
};

/// Asks the browser to keep what is stored; its answer, where it has one.
async fn persist(asks: bool) -> Option<bool> {
    if !browser::is_secure() {
        return None;
    }
    let storage = window().navigator().storage();
    let answer = if asks { storage.persist() } else { storage.persisted() };
    JsFuture::from(answer.ok()?).await.ok()?.as_bool()
}

/// Asks once, with the first file that is brought in.
pub(super) fn ask_to_last(desk: At) {
    let lasts = desk.files.lasts;
    if lasts.get_untracked().is_some() {
        return;
    }
    spawn_local(async move {
        let answer = persist(true).await;
        lasts.set(answer);
        if answer.is_some() {
            desk.say(words::lasting(answer).2.to_owned());
        }
    });
}

/// Whether this tab may be closed.
pub(crate) fn closing(desk: At, test: &'static str) -> AnyView {
    let said = Memo::new(move |_| {
        let name = desk.ions.with(|ions| match &ions[..] {
            [only] => Some(only.name.clone()),
            _ => None,
        });
        desk.files
            .store
            .with(|store| store.as_ref().map(|store| words::closing(store, name.as_deref())))
    });
    let shown = live(move || said.get().map(|(meaning, words)| parts::pill(meaning, words)));
    view! { <div class="closing" role="status" data-test=test>{shown}</div> }.seal()
}

/// The section of Settings.
pub(crate) fn settings(desk: At) -> AnyView {
    let lasts = desk.files.lasts;
    spawn_local(async move {
        if let Some(kept) = persist(false).await {
            lasts.set(Some(kept));
        }
    });
    view! {
        {live(move || held(desk))}
        {give(desk)}
        {live(move || lasting(lasts))}
    }
    .seal()
}

fn held(desk: At) -> AnyView {
    let Some(store) = desk.files.store.get() else {
        return view! { <p class="muted">"What is stored here is being counted."</p> }.seal();
    };
    let given = u64::from(store.gives_mib) << 20;
    let of_given = format::part(store.held_bytes, given);
    let said = if store.quota_bytes > 0 {
        let used = format::part(store.used_bytes, store.quota_bytes);
        format!("The browser says that {used} of what this site may have are used.")
    } else {
        "The browser does not say how much this site may have.".to_owned()
    };
    let percent = format::percent(store.held_bytes, given).to_string();
    view! {
        <div class="held" data-test="store-held">
            <p class="field-name">"Files held for the nebula"</p>
            <p>{of_given}</p>
            <progress max="100" value=percent aria-label="Space used"></progress>
            <p class="small muted">{said}</p>
        </div>
    }
    .into_any()
}

fn give(desk: At) -> AnyView {
    let typed = RwSignal::new(String::new());
    let is_gib = RwSignal::new(true);
    let mistake = RwSignal::new("");
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        match words::give_mib(&typed.get_untracked(), is_gib.get_untracked()) {
            Ok(mib) => {
                mistake.set("");
                desk.wish(Wish::Give { mib });
            }
            Err(why) => mistake.set(why),
        }
    };
    view! {
        <form class="inline-form" on:submit=submit>
            <label class="field">
                <span>"Space to give"</span>
                <input
                    type="text"
                    inputmode="decimal"
                    autocomplete="off"
                    placeholder=move || gives(desk)
                    data-test="give-field"
                    on:input=move |event| typed.set(event_target_value(&event))
                />
            </label>
            <label class="field unit">
                <span class="sr-only">"Unit"</span>
                <select
                    data-test="give-unit"
                    on:change=move |event| is_gib.set(event_target_value(&event) == "GiB")
                >
                    <option value="GiB">"GiB"</option>
                    <option value="MiB">"MiB"</option>
                </select>
            </label>
            <button type="submit" class="button" data-test="give">"Set"</button>
        </form>
        {live(move || {
            let why = mistake.get();
            (!why.is_empty()).then(|| view! { <p class="mistake" role="alert">{why}</p> }.seal())
        })}
        <p class="small muted">"With less, what others hold as well goes first; what is on this tab alone stays until it is copied."</p>
    }
    .seal()
}

fn gives(desk: At) -> String {
    let mib = desk.files.store.with(|store| store.as_ref().map_or(0, |store| store.gives_mib));
    format::bytes(u64::from(mib) << 20)
}

fn lasting(lasts: RwSignal<Option<bool>>) -> AnyView {
    let (meaning, word, text) = words::lasting(lasts.get());
    let ask = (lasts.get() != Some(true) && browser::is_secure()).then(|| {
        button("persist", "button", "Ask it to keep it", move || {
            spawn_local(async move { lasts.set(persist(true).await) });
        })
    });
    view! {
        <div class="row" data-test="lasting">
            <div>
                <p class="field-name">"Lasting storage"</p>
                <p class="small muted">{text}</p>
            </div>
            <div class="actions">{parts::pill(meaning, word)} {ask}</div>
        </div>
    }
    .into_any()
}
