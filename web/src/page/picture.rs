//! A job's results as the picture they are, row by row as they come.

use leptos::prelude::*;
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::raw::{Part, tag};
use crate::model::{
    job::Job,
    picture::{Format, Picture},
};

/// The picture; nothing if the job makes none.
pub(crate) fn view(job: RwSignal<Job>) -> Option<Part> {
    let picture = job.with_untracked(|job| job.request.together.picture())?;
    let come = Memo::new(move |_| job.with(|job| job.results().len()));
    let mut drawn = 0;
    // Single bits are to be seen; pictures in colour are smoothed where they are scaled.
    let class = if picture.format == Format::Pixmap { "smooth" } else { "" };
    let canvas = tag("canvas", class)
        .set("width", &picture.width.to_string())
        .set("height", &picture.height.to_string())
        .set("role", "img")
        .set("aria-label", &format!("The picture, {} by {} pixels", picture.width, picture.height))
        .test("picture")
        .follow("data-rows", move || Some(come.get().to_string()))
        .watch(Box::new(move |canvas| {
            let come = come.get();
            job.with_untracked(|job| draw(canvas.unchecked_ref(), picture, job, drawn));
            drawn = come;
        }));
    Some(tag("section", "panel picture").set("aria-label", "Picture").put(canvas))
}

fn draw(canvas: &HtmlCanvasElement, picture: Picture, job: &Job, first: usize) {
    let Some(context) = context(canvas) else { return };
    for (task, result) in job.results().iter().enumerate().skip(first) {
        let pixels = picture.pixels(&result.report.stdout);
        let image = ImageData::new_with_u8_clamped_array(Clamped(&pixels), picture.width);
        if let Ok(image) = image {
            let row = task as f64 * f64::from(picture.rows);
            // Rows that the browser does not draw are still in the download.
            let _ = context.put_image_data(&image, 0.0, row);
        }
    }
}

fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}
