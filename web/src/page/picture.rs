//! A job's results as the picture they are, row by row as they come.

use leptos::{html, prelude::*};
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::sealed::Seal;
use crate::model::{job::Job, picture::Picture};

/// The picture; nothing if the job makes none.
pub(crate) fn view(job: RwSignal<Job>) -> AnyView {
    let Some(picture) = job.with_untracked(|job| job.request.picture) else {
        return ().seal();
    };
    let canvas = NodeRef::<html::Canvas>::new();
    let come = Memo::new(move |_| job.with(|job| job.results().len()));
    Effect::new(move |drawn: Option<usize>| {
        let come = come.get();
        let Some(canvas) = canvas.get() else { return 0 };
        job.with_untracked(|job| draw(&canvas, picture, job, drawn.unwrap_or(0)));
        come
    });
    let label = format!("The picture, {} by {} pixels", picture.width, picture.height);
    view! {
        <section class="panel picture" aria-label="Picture">
            <canvas
                node_ref=canvas
                width=picture.width
                height=picture.height
                role="img"
                aria-label=label
                data-test="picture"
                data-rows=move || come.get()
            ></canvas>
        </section>
    }
    .seal()
}

fn draw(canvas: &HtmlCanvasElement, picture: Picture, job: &Job, first: usize) {
    let Some(context) = context(canvas) else { return };
    for (row, result) in job.results().iter().enumerate().skip(first) {
        let pixels = picture.row_pixels(&result.report.stdout);
        let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&pixels), picture.width, 1);
        if let Ok(image) = image {
            // A row that the browser does not draw is still in the download.
            let _ = context.put_image_data(&image, 0.0, row as f64);
        }
    }
}

fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}
