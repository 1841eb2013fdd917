//! Overview: the nebula at a glance, and what this tab does in it.

use leptos::prelude::*;

use super::{
    browser,
    desk::At,
    files, jobs, map, parts,
    sealed::{Seal, live},
};
use crate::model::{format, words};

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let action = view! {
        <a class="button primary" href="/sparks" data-test="run-something">
            "Run a spark"
        </a>
    }
    .seal();
    view! {
        {parts::head("Overview", "The ions of this nebula, and what they are doing.", action)}
        {welcome(desk)}
        <div class="overview">
            <section class="panel map-panel" aria-label="Map">
                {map::view(desk)}
                {map::legend()}
            </section>
            <div class="overview-side">
                {totals(desk)}
                {this_tab(desk)}
            </div>
        </div>
        {jobs::recent(desk)}
    }
    .seal()
}

fn welcome(desk: At) -> AnyView {
    let is_shown = RwSignal::new(!browser::was_welcomed());
    let workers = Memo::new(move |_| match desk.status.with(|status| status.workers) {
        0 => browser::modest_share(),
        workers => workers,
    });
    let put_away = move |_| {
        browser::set_welcomed();
        is_shown.set(false);
    };
    let line = live(move || {
        is_shown.get().then(|| {
            view! {
                <section class="welcome" data-test="welcome">
                    <p>
                        {live(move || words::first_visit(workers.get()))} " Change that in "
                        <a href="/settings">"Settings"</a> ", or press Pause."
                    </p>
                    <button type="button" class="button" data-test="welcome-close" on:click=put_away>
                        "Understood"
                    </button>
                </section>
            }.seal()
        })
    });
    line.seal()
}

fn totals(desk: At) -> AnyView {
    let ions = move || format::count(desk.ions.with(Vec::len) as u64 + 1);
    let all = move |count: fn(&node_core::node::IonView) -> u16| {
        desk.ions.with(|ions| ions.iter().map(|ion| u64::from(count(ion))).sum::<u64>())
    };
    let own = move || {
        desk.status.with(|status| if status.paused { 0 } else { u64::from(status.workers) })
    };
    let workers = move || format::count(all(|ion| ion.workers) + own());
    let busy = move || {
        let own = desk.status.with(|status| u64::from(status.workers_busy));
        format::count(all(|ion| ion.workers_busy) + own)
    };
    let done = move || format::count(desk.status.with(|status| status.tasks_done));
    view! {
        <section class="panel" aria-label="Totals">
            <dl class="figures">
                {parts::figure("Ions", "total-ions", live(ions))}
                {parts::figure("Workers", "total-workers", live(workers))}
                {parts::figure("Working now", "total-busy", live(busy))}
                {parts::figure("Tasks done here", "tasks-done", live(done))}
            </dl>
        </section>
    }
    .seal()
}

fn this_tab(desk: At) -> AnyView {
    let status = desk.status;
    let workers = Memo::new(move |_| {
        status.with(|status| (status.workers_busy, status.workers, status.paused))
    });
    let lending = live(move || {
        let (busy, workers, paused) = workers.get();
        if paused {
            return view! { <span>"Paused: nothing is lent."</span> }.seal();
        }
        let text = format!("{busy} of {} busy", format::counted(u64::from(workers), "worker"));
        view! {
            {parts::slots(busy, workers)}
            <span>{text}</span>
        }
        .seal()
    });
    let name = Memo::new(move |_| status.with(|status| status.name.clone()));
    let id = Memo::new(move |_| status.with(|status| status.id.clone()));
    view! {
        <section class="panel this-tab" aria-label="This tab">
            <h2>"This tab"</h2>
            <p class="self-name" data-test="self-name" data-id=move || id.get()>
                {name}
            </p>
            <p class="muted">{live(move || status.with(words::doing))}</p>
            <p class="lending">{lending}</p>
            {files::closing(desk, "tab-closing").seal()}
        </section>
    }
    .seal()
}
