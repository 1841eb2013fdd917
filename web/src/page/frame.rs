//! The frame around every page: rail, strip, problems, notices and dialogs.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{
    data,
    desk::{At, Dialog},
    dialogs, files, icons,
    icons::icon,
    ions, job, jobs, mail, network, overview, parts,
    raw::{Part, effect, tag, text},
    sealed::{Seal, live},
    settings, sparks,
};
use crate::model::{
    format,
    network::{Tally, no_relay},
    route::Route,
    words,
};

/// The whole of mission control.
pub(crate) fn view(desk: At) -> AnyView {
    // A page that has several places stays while they change.
    let place = Memo::new(move |_| desk.route.with(Route::page));
    view! {
        <a class="skip" href="#content">
            "Skip to content"
        </a>
        <div class="frame">
            {rail(desk)}
            <div class="stage">
                {strip(desk)}
                {relay_line(desk)}
                <main id="content" class="content">
                    {problems(desk)}
                    {live(move || {
                        let route = Route::parse(&place.get());
                        untrack(|| page(desk, &route))
                    })}
                </main>
            </div>
        </div>
        {notices(desk)}
        {dialogs::view(desk)}
    }
    .seal()
}

fn page(desk: At, route: &Route) -> AnyView {
    match route {
        Route::Overview => overview::view(desk),
        Route::Jobs => jobs::view(desk),
        Route::Job(id) => job::view(desk, *id),
        Route::Sparks => sparks::view(desk, None),
        Route::Spark(name) => sparks::view(desk, Some(name.clone())),
        Route::Files(_) | Route::File(_) => files::view(desk),
        Route::Data => data::view(desk),
        Route::Network => network::view(desk),
        Route::Ions => ions::view(desk),
        Route::Mail => mail::view(desk),
        Route::Settings => settings::view(desk),
        Route::Unknown => lost(),
    }
}

fn lost() -> AnyView {
    let action = view! {
        <a class="button primary" href="/">
            "Go to Overview"
        </a>
    }
    .seal();
    parts::head("Not found", "There is no page at this address.", action)
}

fn rail(desk: At) -> AnyView {
    let entries = [
        (Route::Overview, icons::OVERVIEW),
        (Route::Jobs, icons::JOBS),
        (Route::Sparks, icons::SPARKS),
        (Route::Files(String::new()), icons::FOLDER),
        (Route::Data, icons::DATA),
        (Route::Network, icons::NETWORK),
        (Route::Ions, icons::IONS),
        (Route::Mail, icons::MAIL),
        (Route::Settings, icons::SETTINGS),
    ];
    let list = tag("ul", "");
    let bar: HtmlElement = list.element().clone().unchecked_into();
    let entries = entries.map(|(route, path)| rail_entry(desk, route, path, bar.clone()));
    let brand = tag("a", "brand").set("href", "/").add(icons::logo());
    tag("nav", "rail")
        .set("aria-label", "Pages")
        .put(brand.put(text("span", "", "Ionosphere")))
        .put(list.put_all(entries))
        .seal()
}

fn rail_entry(desk: At, route: Route, path: &'static str, bar: HtmlElement) -> Part {
    let title = route.title();
    let link = tag("a", "")
        .set("href", &route.path())
        .test(&format!("nav-{}", title.to_ascii_lowercase()))
        .add(icon(path))
        .put(text("span", "", title));
    let link = if route == Route::Mail { link.add(mail::unread(desk)) } else { link };
    let entry = tag("li", "");
    let place: HtmlElement = entry.element().clone().unchecked_into();
    let is_here = Memo::new(move |_| desk.route.with(|here| here.belongs_to(&route)));
    // On a phone the bar is wider than the screen.
    effect(move || {
        if is_here.get() {
            let beside = (bar.client_width() - place.client_width()) / 2;
            bar.set_scroll_left(place.offset_left() - beside);
        }
    });
    entry.put(link.follow("aria-current", move || is_here.get().then(|| "page".to_owned())))
}

fn strip(desk: At) -> AnyView {
    let status = desk.status;
    let nebula = Memo::new(move |_| {
        let name =
            |status: &node_core::node::Status| status.nebula.as_ref().map(|n| n.name.clone());
        status.with(name).unwrap_or_else(|| "No nebula yet".to_owned())
    });
    let alive = Memo::new(move |_| desk.ions.with(Vec::len) as u64 + 1);
    let tally = Memo::new(move |_| desk.ions.with(|ions| Tally::of(ions)));
    let phase = Memo::new(move |_| status.with(|status| status.phase));
    let doing = Memo::new(move |_| status.with(words::doing));
    let pill = live(move || {
        let (meaning, word) = words::phase(phase.get());
        parts::pill(meaning, word)
    });
    view! {
        <header class="strip">
            <div class="strip-state">
                <span class="nebula" data-test="nebula-name">
                    {nebula}
                </span>
                <span
                    data-test="join-phase"
                    data-phase=move || words::phase_key(phase.get())
                    role="status"
                >
                    {pill}
                </span>
                <span class="strip-figures">
                    <a href="/ions">
                        <span data-test="ion-count" data-count=move || alive.get()>
                            {live(move || format::counted(alive.get(), "ion"))}
                        </span>
                    </a>
                    <a href="/network" title=move || tally.get().words()>
                        <span data-test="link-count" data-count=move || tally.get().links()>
                            {live(move || format::counted(tally.get().links(), "link"))}
                        </span>
                    </a>
                    <span class="doing" data-test="doing">
                        {doing}
                    </span>
                </span>
            </div>
            <div class="strip-actions">
                {parts::pause_button(desk, "pause")} <button
                    type="button"
                    class="button primary"
                    data-test="invite"
                    on:click=move |_| desk.dialog.set(Dialog::Invite)
                >
                    {icon(icons::INVITE)}
                    <span class="word">"Invite"</span>
                </button>
            </div>
        </header>
    }
    .seal()
}

/// Said above every page while no relay answers.
fn relay_line(desk: At) -> AnyView {
    let line = Memo::new(move |_| {
        let links = desk.ions.with(|ions| Tally::of(ions).links());
        desk.status.with(|status| no_relay(status, links))
    });
    let shown = live(move || {
        line.get().map(|line| {
            view! {
                <p class="relay-line" data-test="no-relay">
                    <span>{line}</span>
                    <a href="/network">"Network"</a>
                </p>
            }
            .seal()
        })
    });
    view! { <div role="status">{shown}</div> }.seal()
}

fn problems(desk: At) -> AnyView {
    let shown = live(move || {
        let problems = desk.news.with(|news| news.shown().to_vec());
        problems
            .into_iter()
            .rev()
            .map(|(number, problem)| {
                view! {
                    <section class="problem" data-test="problem">
                        <div>
                            <p class="problem-what" data-test="problem-what">
                                {problem.what}
                            </p>
                            <p data-test="problem-why">{problem.why}</p>
                            <p class="problem-remedy" data-test="problem-remedy">
                                {problem.remedy}
                            </p>
                        </div>
                        <button
                            type="button"
                            class="button quiet square"
                            data-test="problem-dismiss"
                            aria-label="Dismiss"
                            on:click=move |_| desk.news.update(|news| news.dismiss(number))
                        >
                            {icon(icons::CLOSE)}
                        </button>
                    </section>
                }
                .seal()
            })
            .collect_view()
    });
    view! {
        <div class="problems" aria-live="polite">
            {shown}
        </div>
    }
    .seal()
}

fn notices(desk: At) -> AnyView {
    let is_empty = move || desk.notice.with(String::is_empty);
    view! {
        <div class="notice" class:gone=is_empty role="status" data-test="notice">
            <span>{live(move || desk.notice.get())}</span>
            <button
                type="button"
                class="button quiet square"
                aria-label="Dismiss"
                on:click=move |_| desk.notice.set(String::new())
            >
                {icon(icons::CLOSE)}
            </button>
        </div>
    }
    .seal()
}
