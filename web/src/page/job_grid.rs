//! A job's tasks as coloured squares; pointing at one, or walking there with
//! the arrow keys, tells its ion, its cost and its cause; pressing it, or Enter there, has
//! the ion say why it waits.

use leptos::prelude::*;
use node_core::node::Command;
use wasm_bindgen::JsCast;

use super::{
    desk::At,
    job_results, parts,
    raw::{Part, drawn, effect, note, tag},
};
use crate::model::{
    format,
    grid::{COLUMNS, Cell, Grid, square},
    job::Job,
    why::Pointed,
};

/// How often what was asked for is asked again, in milliseconds.
const AGAIN_MS: u64 = 2_000;

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
    let drawing = drawn("svg", "grid")
        .follow("viewBox", field)
        .set("tabindex", "0")
        .set("role", "img")
        .set("aria-label", "Tasks by state; arrow keys walk through them, Enter asks why")
        .on("mousemove", move |event| point_at(event.unchecked_ref(), pointed))
        .on("click", move |event| {
            point_at(event.unchecked_ref(), pointed);
            ask(desk, job, grid, pointed);
        })
        .on("keydown", move |event| {
            let event: &web_sys::KeyboardEvent = event.unchecked_ref();
            match event.key().as_str() {
                "Enter" | " " => {
                    event.prevent_default();
                    ask(desk, job, grid, pointed);
                }
                _ => walk(event, pointed, grid.with_untracked(|g| g.cells.len())),
            }
        })
        .put_all(Cell::ALL.map(path))
        .put(drawn("path", "pointed").follow("d", move || Some(square(pointed.get()))));
    let read = move |is_answer: bool| {
        let told = desk.asked.read();
        job.with(|job| {
            let name = |id: &str| job_results::ion_name(desk, job, id);
            let (cell, told, name) = (pointed.get(), told.as_ref(), &name);
            grid.with(|grid| {
                let pointed = Pointed { job, grid, cell, told, name };
                if is_answer { pointed.answer() } else { pointed.detail() }
            })
        })
    };
    // What was told grows old.
    let now = parts::ticking(AGAIN_MS);
    effect(move || {
        now.track();
        let asked = desk.asked.now().as_ref().map(|told| (told.job, told.task));
        let asked =
            asked.filter(|(id, _)| job.with_untracked(|job| job.view.job == *id && job.is_open()));
        if let Some((id, task)) = asked {
            desk.try_post(&Command::AskTask(id, task));
        }
    });
    let line = |test: &str| tag("p", "small muted").set("role", "status").test(test);
    parts::panel("Tasks")
        .put(drawing)
        .put(line("task-detail").set("class", "small muted grid-detail").words(move || read(false)))
        .put(line("task-why").words(move || read(true)))
        .put(tag("ul", "legend").put_all(Cell::ALL.map(legend)))
        .put(note("").words(scale))
}

fn ask(desk: At, job: RwSignal<Job>, grid: Memo<Grid>, pointed: RwSignal<usize>) {
    let cell = pointed.get_untracked();
    // Beside the last one there is nothing.
    if cell >= grid.with_untracked(|grid| grid.cells.len()) {
        return;
    }
    let task = |job: &Job| grid.with_untracked(|grid| (job.view.job, job.task_of(grid, cell)));
    let (job, task) = job.with_untracked(task);
    desk.ask(job, task);
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
