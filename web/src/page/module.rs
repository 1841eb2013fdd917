//! What a module is, as its inspection tells: kind, size, functions, and the
//! imports that no ion offers.

use leptos::prelude::*;
use spark_runtime::inspect::{Inspection, Signature};

use super::{parts, sealed::Seal};
use crate::model::{format, words::Meaning};

/// What the module is, under the name it goes by.
pub(crate) fn about(name: String, inspection: &Inspection) -> AnyView {
    let refused: Vec<_> = inspection.imports.iter().filter(|import| !import.offered).collect();
    let warning = (!refused.is_empty()).then(|| {
        let names = refused.iter().map(|import| {
            view! {
                <li>
                    <code>{format!("{}.{}", import.module, import.name)}</code>
                </li>
            }
            .seal()
        });
        view! {
            <div class="refused" role="alert" data-test="imports-refused">
                {parts::pill(Meaning::Bad, "cannot run here")}
                <p class="small">
                    "It imports what no ion offers to guests. Build it without these, or for WASI \
                     preview 1:"
                </p>
                <ul class="names">{names.collect_view()}</ul>
            </div>
        }
        .seal()
    });
    let offered = inspection.imports.len() - refused.len();
    let exports = named(inspection).map(|export| {
        view! {
            <li>
                <code>{signature(export)}</code>
            </li>
        }
        .seal()
    });
    let kind = if inspection.is_command { "a WASI command" } else { "a library of functions" };
    let has_exports = named(inspection).next().is_some();
    view! {
        <section class="panel" aria-label="The module" data-test="inspection">
            <h2>{name}</h2>
            {warning}
            <dl class="facts">
                <dt>"Kind"</dt>
                <dd>{kind}</dd>
                <dt>"Size"</dt>
                <dd>{format::bytes(inspection.bytes)}</dd>
                <dt>"Memory"</dt>
                <dd>{format!("starts with {}", format::bytes(inspection.memory_bytes))}</dd>
                <dt>"Imports"</dt>
                <dd>{format!("{offered} offered, {} refused", refused.len())}</dd>
            </dl>
            {has_exports
                .then(|| {
                    view! {
                        <p class="field-name">"Functions"</p>
                        <ul class="names">{exports.collect_view()}</ul>
                    }.seal()
                })}
        </section>
    }
    .seal()
}

/// Functions that are meant to be called: compilers mark their own with `__`.
pub(crate) fn named(inspection: &Inspection) -> impl Iterator<Item = &Signature> {
    inspection.exports.iter().filter(|export| !export.name.starts_with("__"))
}

/// A function as one line: its name, parameters and results.
pub(crate) fn signature(export: &Signature) -> String {
    let results = match export.results.as_slice() {
        [] => String::new(),
        results => format!(" → {}", results.join(", ")),
    };
    format!("{}({}){results}", export.name, export.parameters.join(", "))
}
