//! Rows that are told anew several times a second: those that stay in their
//! place are made to look like the new ones, so that what the pointer is on, a
//! movement or a selection is kept.

use web_sys::{Element, Node};

use super::{Part, put};

impl Part {
    /// Adds rows, told anew whenever what that read has changed. Rows that listen
    /// or follow, or are another element than before, are replaced; all others are
    /// changed where they stand.
    pub(crate) fn rows(self, rows: impl FnMut() -> Vec<Part> + 'static) -> Self {
        self.rows_boxed(Box::new(rows))
    }

    fn rows_boxed(self, mut rows: Box<dyn FnMut() -> Vec<Part>>) -> Self {
        let end = leptos::prelude::document().create_text_node("");
        let _ = self.element.append_child(&end);
        let mut kept = Vec::new();
        self.watch(Box::new(move |parent| renew(&mut kept, rows(), parent, &end)))
    }

    /// Adds parts until there are that many, now and whenever that count is larger;
    /// those that are there stay as they are.
    pub(crate) fn grow(
        self,
        count: impl Fn() -> usize + 'static,
        part: impl Fn(usize) -> Option<Part> + 'static,
    ) -> Self {
        let mut there = 0;
        let mut kept = Vec::new();
        self.watch(Box::new(move |element| {
            let count = count();
            for part in (there..count).filter_map(&part) {
                let _ = element.append_child(&part.element);
                kept.push(part);
            }
            there = there.max(count);
        }))
    }

    /// Whether it can be made to look like that one.
    fn can_become(&self, other: &Part) -> bool {
        let is_same = self.element.node_name() == other.element.node_name();
        is_same && self.is_still() && other.is_still()
    }

    /// Whether it only stands there.
    fn is_still(&self) -> bool {
        self.views.is_empty() && self.listeners.is_empty() && self.followers.is_empty()
    }
}

// What the browser is asked here it does: all nodes are where this module put them.

fn renew(kept: &mut Vec<Part>, rows: Vec<Part>, parent: &Element, end: &Node) {
    while kept.len() > rows.len() {
        if let Some(row) = kept.pop() {
            row.element.remove();
        }
    }
    for (at, row) in rows.into_iter().enumerate() {
        match kept.get_mut(at) {
            Some(old) if old.can_become(&row) => resemble(&old.element, &row.element),
            Some(old) => {
                let _ = parent.replace_child(&row.element, &old.element);
                *old = row;
            }
            None => {
                let _ = parent.insert_before(&row.element, Some(end));
                kept.push(row);
            }
        }
    }
}

/// Changes an element until it equals that one of the same name.
fn resemble(old: &Element, new: &Element) {
    if old.is_equal_node(Some(new)) {
        return;
    }
    for name in old.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        if !new.has_attribute(&name) {
            let _ = old.remove_attribute(&name);
        }
    }
    for name in new.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        let value = new.get_attribute(&name).unwrap_or_default();
        if name == "style" {
            put(old, &name, &value.into());
        } else {
            let _ = old.set_attribute(&name, &value);
        }
    }
    resemble_inside(old, new);
}

fn resemble_inside(old: &Element, new: &Element) {
    let (mut olds, mut news) = (old.first_child(), new.first_child());
    loop {
        match (olds, news) {
            (None, None) => return,
            (Some(old_one), None) => {
                olds = old_one.next_sibling();
                news = None;
                let _ = old.remove_child(&old_one);
            }
            (None, Some(new_one)) => {
                news = new_one.next_sibling();
                olds = None;
                let _ = old.append_child(&new_one);
            }
            (Some(old_one), Some(new_one)) => {
                (olds, news) = (old_one.next_sibling(), new_one.next_sibling());
                resemble_node(old, &old_one, &new_one);
            }
        }
    }
}

fn resemble_node(parent: &Element, old: &Node, new: &Node) {
    use wasm_bindgen::JsCast;
    if old.node_name() != new.node_name() {
        let _ = parent.replace_child(new, old);
        return;
    }
    match (old.dyn_ref(), new.dyn_ref()) {
        (Some(old), Some(new)) => resemble(old, new),
        _ => old.set_node_value(new.node_value().as_deref()),
    }
}
