//! Which rows of a folder are marked, to do something with all of them at once.

use node_core::node::files::{RowKind, RowView};

/// Marked paths. Rows that are gone are as if they had never been marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    paths: Vec<String>,
    /// Where a range begins.
    anchor: Option<String>,
}

/// Whether a row can be marked: what stands under its own name.
pub fn can(row: &RowView) -> bool {
    matches!(row.kind, RowKind::Folder | RowKind::File)
}

impl Marks {
    /// Whether a path is marked.
    pub fn has(&self, path: &str) -> bool {
        self.paths.iter().any(|marked| marked == path)
    }

    /// Marks a path, or does so no longer.
    pub fn toggle(&mut self, path: &str) {
        let count = self.paths.len();
        self.paths.retain(|marked| marked != path);
        if self.paths.len() == count {
            self.paths.push(path.to_owned());
        }
        self.anchor = Some(path.to_owned());
    }

    /// Marks all rows from the one that was touched last to that path.
    pub fn extend(&mut self, rows: &[RowView], path: &str) {
        let rows: Vec<&RowView> = rows.iter().filter(|row| can(row)).collect();
        let place = |path: &str| rows.iter().position(|row| row.path == path);
        let Some(to) = place(path) else { return };
        let from = self.anchor.as_deref().and_then(place).unwrap_or(to);
        for row in &rows[from.min(to)..=from.max(to)] {
            if !self.has(&row.path) {
                self.paths.push(row.path.clone());
            }
        }
        self.anchor = Some(path.to_owned());
    }

    /// Marks all rows, or none.
    pub fn all(&mut self, rows: &[RowView], marked: bool) {
        *self = Self::default();
        if marked {
            self.paths = rows.iter().filter(|row| can(row)).map(|row| row.path.clone()).collect();
        }
    }

    /// Marks nothing any more; whether anything was.
    pub fn clear(&mut self) -> bool {
        !std::mem::take(self).paths.is_empty()
    }

    /// Those of the rows that are marked.
    pub fn among(&self, rows: &[RowView]) -> Vec<RowView> {
        rows.iter().filter(|row| can(row) && self.has(&row.path)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use node_core::node::files::GoalView;

    use super::*;

    fn rows() -> Vec<RowView> {
        let kinds = [RowKind::Folder, RowKind::File, RowKind::Conflict, RowKind::File];
        let row = |(kind, path): (RowKind, &str)| RowView {
            name: path.to_owned(),
            path: path.to_owned(),
            kind,
            version: String::new(),
            author: String::new(),
            author_name: String::new(),
            at_ms: 0,
            goal: GoalView::default(),
            file: None,
        };
        kinds.into_iter().zip(["a", "b", "c", "d"]).map(row).collect()
    }

    fn marked(marks: &Marks) -> Vec<String> {
        marks.among(&rows()).into_iter().map(|row| row.path).collect()
    }

    #[test]
    fn rows_are_marked_one_by_one_in_ranges_and_all() {
        let (mut marks, rows) = (Marks::default(), rows());
        marks.toggle("a");
        marks.extend(&rows, "d");
        assert_eq!(marked(&marks), ["a", "b", "d"], "a conflict has no name of its own");
        marks.toggle("b");
        assert_eq!(marked(&marks), ["a", "d"]);
        marks.all(&rows, true);
        assert_eq!(marked(&marks), ["a", "b", "d"]);
        assert!(marks.clear() && !marks.clear());
        marks.extend(&rows, "b");
        assert_eq!(marked(&marks), ["b"], "without a beginning a range is its end");
    }

    #[test]
    fn rows_that_are_gone_are_not_marked() {
        let mut marks = Marks::default();
        marks.toggle("z");
        assert_eq!(marked(&marks), Vec::<String>::new());
    }
}
