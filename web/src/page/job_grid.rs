//! A job's tasks as coloured squares; pointing at one, or walking there with
//! the arrow keys, tells its ion, its cost and its cause.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{
    desk::At,
    job_results,
    sealed::{Seal, live},
};
use crate::model::{
    format,
    grid::{COLUMNS, Cell, Grid},
    job::Job,
};

/// The grid.
pub(crate) fn view(desk: At, job: RwSignal<Job>) -> AnyView {
    let grid = Memo::new(move |_| job.with(Job::grid));
    let field = move || format!("0 0 {} {}", COLUMNS * 10, grid.with(Grid::rows).max(1) * 10);
    let paths = Cell::ALL.map(|state| {
        let class = format!("cell {}", state.name().replace(' ', "-"));
        view! { <path class=class d=move || grid.with(|grid| grid.path(state))></path> }.seal()
    });
    let legend = Cell::ALL.map(|state| {
        let class = format!("swatch {}", state.name().replace(' ', "-"));
        view! {
            <li>
                <span class=class></span>
                {state.name()}
            </li>
        }
        .seal()
    });
    let scale = live(move || match grid.with(|grid| grid.tasks_per_cell) {
        0 | 1 => String::new(),
        tasks => format!("one square is {}", format::counted(tasks, "task")),
    });
    let pointed = RwSignal::new(0_usize);
    let detail =
        live(move || grid.with(|grid| job.with(|job| describe(desk, job, grid, pointed.get()))));
    view! {
        <section class="panel" aria-label="Tasks">
            <h2>"Tasks"</h2>
            <svg
                class="grid"
                viewBox=field
                tabindex="0"
                role="img"
                aria-label="Tasks by state; arrow keys walk through them"
                on:mousemove=move |event| point_at(&event, pointed)
                on:keydown=move |event| walk(&event, pointed, grid.with_untracked(|g| g.cells.len()))
            >
                {paths.collect_view()}
            </svg>
            <p class="small muted grid-detail" role="status" data-test="task-detail">
                {detail}
            </p>
            <ul class="legend">{legend.collect_view()}</ul>
            <p class="small muted">{scale}</p>
        </section>
    }
    .seal()
}

fn describe(desk: At, job: &Job, grid: &Grid, cell: usize) -> String {
    let Some(state) = grid.cells.get(cell) else { return "\u{a0}".to_owned() };
    let task = grid.first_task(cell);
    let result = usize::try_from(task).ok().and_then(|task| job.results().get(task));
    let (Some(result), 0 | 1) = (result, grid.tasks_per_cell) else {
        return format!("Task {}: {}", format::count(task), state.name());
    };
    let by = job_results::ion_name(desk, job, &result.ion);
    let cause = result.report.stop.as_ref().map(|stop| format!(", {stop}")).unwrap_or_default();
    let fuel = format::fuel(result.report.fuel);
    format!("Task {}: {} by {by}, {fuel} fuel{cause}", format::count(task), state.name())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in the grid: positive where it matters, and casts from floats saturate"
)]
fn point_at(event: &web_sys::MouseEvent, pointed: RwSignal<usize>) {
    let Some(target) = event.current_target() else { return };
    let Ok(field) = target.dyn_into::<web_sys::Element>() else { return };
    let frame = field.get_bounding_client_rect();
    let side = (frame.width() / COLUMNS as f64).max(1.0);
    let column = (f64::from(event.client_x()) - frame.left()) / side;
    let row = (f64::from(event.client_y()) - frame.top()) / side;
    pointed.set(row as usize * COLUMNS + (column as usize).min(COLUMNS - 1));
}

fn walk(event: &web_sys::KeyboardEvent, pointed: RwSignal<usize>, cells: usize) {
    let last = cells.saturating_sub(1);
    let at = pointed.get_untracked().min(last);
    let next = match event.key().as_str() {
        "ArrowRight" => at + 1,
        "ArrowLeft" => at.saturating_sub(1),
        "ArrowDown" => at + COLUMNS,
        "ArrowUp" => at.saturating_sub(COLUMNS),
        _ => return,
    };
    event.prevent_default();
    pointed.set(next.min(last));
}
