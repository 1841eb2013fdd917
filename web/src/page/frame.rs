//! The frame around every page: rail, strip, problems, notices and dialogs.

use leptos::prelude::*;
use node_core::node::{Problem, Status};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::{
    data,
    desk::{At, Dialog},
    dialogs, files, icons,
    icons::icon,
    ions, job, jobs, mail, network, overview, parts,
    raw::{Part, button, effect, tag, text},
    sealed::{Seal, live},
    settings, sparks,
};
use crate::model::{
    format,
    network::{Tally, no_relay},
    news::News,
    route::Route,
    words,
};

/// The whole of mission control.
pub(crate) fn view(desk: At) -> AnyView {
    // A page that has several places stays while they change.
    let place = Memo::new(move |_| desk.route.with(Route::page));
    let shown = live(move || {
        let route = Route::parse(&place.get());
        untrack(|| page(desk, &route))
    });
    let content = tag("main", "content").set("id", "content").put(problems(desk)).add(shown.seal());
    let stage = tag("div", "stage").put(strip(desk)).put(relay_line(desk)).put(content);
    vec![
        text("a", "skip", "Skip to content").set("href", "#content").seal(),
        tag("div", "frame").put(rail(desk)).put(stage).seal(),
        notices(desk).seal(),
        dialogs::view(desk),
    ]
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
    let action = parts::leading("/", "Go to Overview");
    parts::head("Not found", "There is no page at this address.", Some(action)).seal()
}

fn rail(desk: At) -> Part {
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
    let list = tag("ul", "").put_all(entries.map(|(route, path)| rail_entry(desk, route, path)));
    let bar = list.element().clone();
    let shown = bar.clone();
    effect(move || {
        desk.route.track();
        let bar = bar.clone();
        // Once the entry is marked.
        request_animation_frame(move || center(&bar));
    });
    window_event_listener(leptos::ev::resize, move |_| center(&shown));
    let brand = tag("a", "brand").set("href", "/").put(icons::logo());
    tag("nav", "rail")
        .set("aria-label", "Pages")
        .put(brand.put(text("span", "", "Ionosphere")))
        .put(list)
}

/// On a phone the bar is wider than the screen: its present entry is in sight.
fn center(bar: &Element) {
    let Ok(Some(place)) = bar.query_selector("li:has([aria-current])") else { return };
    let (bar, place): (&HtmlElement, HtmlElement) = (bar.unchecked_ref(), place.unchecked_into());
    let beside = (bar.client_width() - place.offset_width()) / 2;
    bar.set_scroll_left(place.offset_left() - beside);
}

fn rail_entry(desk: At, route: Route, path: &'static str) -> Part {
    let title = route.title();
    let link = tag("a", "")
        .set("href", &route.path())
        .test(&format!("nav-{}", title.to_ascii_lowercase()))
        .put(icon(path))
        .put(text("span", "", title));
    let link = if route == Route::Mail { link.add(mail::unread(desk)) } else { link };
    let is_here = Memo::new(move |_| desk.route.with(|here| here.belongs_to(&route)));
    tag("li", "").put(link.follow("aria-current", move || is_here.get().then(|| "page".to_owned())))
}

fn strip(desk: At) -> Part {
    let invite = button("invite", "button primary", "", move || desk.dialog.set(Dialog::Invite));
    let invite = invite.put(icon(icons::INVITE)).put(text("span", "word", "Invite"));
    let actions = tag("div", "strip-actions").put(parts::pause_button(desk, "pause")).put(invite);
    tag("header", "strip").put(state(desk)).put(actions)
}

fn state(desk: At) -> Part {
    let status = desk.status;
    let nebula = move || {
        let name = |status: &Status| status.nebula.as_ref().map(|nebula| nebula.name.clone());
        status.with(name).unwrap_or_else(|| "No nebula yet".to_owned())
    };
    let phase = Memo::new(move |_| status.with(|status| status.phase));
    let pill = move || {
        let (meaning, word) = words::phase(phase.get());
        vec![parts::pill(meaning, word)]
    };
    let joined = tag("span", "")
        .test("join-phase")
        .follow("data-phase", move || Some(words::phase_key(phase.get()).to_owned()))
        .set("role", "status")
        .rows(pill);
    let alive = move || desk.ions.with(Vec::len) as u64 + 1;
    let tally = Memo::new(move |_| desk.ions.with(|ions| Tally::of(ions)));
    let ions = tag("a", "").set("href", "/ions").put(counted("ion", alive));
    let links = tag("a", "")
        .set("href", "/network")
        .follow("title", move || Some(tally.get().words()))
        .put(counted("link", move || tally.get().links()));
    let doing = tag("span", "doing").test("doing").words(move || status.with(words::doing));
    tag("div", "strip-state")
        .put(tag("span", "nebula").test("nebula-name").words(nebula))
        .put(joined)
        .put(tag("span", "strip-figures").put(ions).put(links).put(doing))
}

/// How many there are, in figures and words.
fn counted(of: &'static str, count: impl Fn() -> u64 + Copy + 'static) -> Part {
    tag("span", "")
        .test(&format!("{of}-count"))
        .follow("data-count", move || Some(count().to_string()))
        .words(move || format::counted(count(), of))
}

/// Said above every page while no relay answers.
fn relay_line(desk: At) -> Part {
    let line = move || {
        let links = desk.ions.with(|ions| Tally::of(ions).links());
        let line = desk.status.with(|status| no_relay(status, links));
        let said = line.map(|line| {
            let network = text("a", "", "Network").set("href", "/network");
            tag("p", "relay-line").test("no-relay").put(text("span", "", line)).put(network)
        });
        said.into_iter().collect()
    };
    tag("div", "").set("role", "status").rows(line)
}

fn problems(desk: At) -> Part {
    let shown = move || {
        let shown = |news: &News| {
            let newest_first = news.shown().iter().rev();
            newest_first.map(|(number, problem)| told(desk, *number, problem)).collect()
        };
        desk.news.with(shown)
    };
    tag("div", "problems").set("aria-live", "polite").rows(shown)
}

fn told(desk: At, number: u64, problem: &Problem) -> Part {
    let words = tag("div", "")
        .put(text("p", "problem-what", &problem.what).test("problem-what"))
        .put(text("p", "", &problem.why).test("problem-why"))
        .put(text("p", "problem-remedy", &problem.remedy).test("problem-remedy"));
    let dismiss = move || desk.news.update(|news| news.dismiss(number));
    let dismiss = parts::close("Dismiss", dismiss).test("problem-dismiss");
    tag("section", "problem").test("problem").put(words).put(dismiss)
}

fn notices(desk: At) -> Part {
    let class = move || {
        let is_empty = desk.notice.with(String::is_empty);
        Some(if is_empty { "notice gone" } else { "notice" }.to_owned())
    };
    tag("div", "")
        .follow("class", class)
        .set("role", "status")
        .test("notice")
        .put(tag("span", "").words(move || desk.notice.get()))
        .put(parts::close("Dismiss", move || desk.notice.set(String::new())))
}
