//! A job's tasks as coloured squares; pointing at one, or walking there with
//! the arrow keys, tells its ion, its cost and its cause.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{
    desk::At,
    job_results, parts,
    raw::{Part, drawn, note, tag},
};
use crate::model::{
    format,
    grid::{COLUMNS, Cell, Grid},
    job::Job,
};

/// The grid.
pub(crate) fn view(desk: At, job: RwSignal<Job>) -> Part {
    let grid = Memo::new(move |_| job.with(Job::grid));
    let field = move || {
        let height = grid.with(Grid::rows).max(1) * 10;
        Some(format!("0 0 {} {height}", COLUMNS * 10))
    };
    let class = |kind: &str, state: Cell| format!("{kind} {}", state.name().replace(' ', "-"));
    let path = |state| {
        let path = drawn("path", &class("cell", state));
        path.follow("d", move || Some(grid.with(|grid| grid.path(state))))
    };
    let legend =
        |state: Cell| tag("li", "").put(tag("span", &class("swatch", state))).say(state.name());
    let scale = move || match grid.with(|grid| grid.tasks_per_cell) {
        0 | 1 => String::new(),
        tasks => format!("one square is {}", format::counted(tasks, "task")),
    };
    let pointed = RwSignal::new(0_usize);
    let detail = move || grid.with(|grid| job.with(|job| describe(desk, job, grid, pointed.get())));
    let drawing = drawn("svg", "grid")
        .follow("viewBox", field)
        .set("tabindex", "0")
        .set("role", "img")
        .set("aria-label", "Tasks by state; arrow keys walk through them")
        .on("mousemove", move |event| point_at(event.unchecked_ref(), pointed))
        .on("keydown", move |event| {
            walk(event.unchecked_ref(), pointed, grid.with_untracked(|g| g.cells.len()));
        })
        .put_all(Cell::ALL.map(path));
    let detail =
        tag("p", "small muted grid-detail").set("role", "status").test("task-detail").words(detail);
    parts::panel("Tasks")
        .put(drawing)
        .put(detail)
        .put(tag("ul", "legend").put_all(Cell::ALL.map(legend)))
        .put(note("").words(scale))
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
