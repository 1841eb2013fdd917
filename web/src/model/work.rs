//! What ran on this ion, and for whom, as people read it.

use node_core::node::WorkView;

use super::format::{ago, counted, duration, fuel};

/// Whose job it was.
pub fn whose(row: &WorkView) -> String {
    if row.is_own { "yours".to_owned() } else { format!("for {}", row.owner_name) }
}

/// What came of it, and what it took.
pub fn figures(row: &WorkView) -> String {
    let ended = match (row.succeeded, row.failed) {
        (0, 0) => "no task ended".to_owned(),
        (done, 0) => format!("{} done", counted(done, "task")),
        (0, failed) => format!("{} failed", counted(failed, "task")),
        (done, failed) => format!("{} done, {} failed", counted(done, "task"), failed),
    };
    format!("{ended} · {} fuel · {} at work", fuel(row.fuel), duration(row.ran_ms))
}

/// From when to when, by the ion's clock as it stands now.
pub fn when(row: &WorkView, ion_clock_ms: u64) -> String {
    let since = |at_ms| ago(ion_clock_ms.saturating_sub(at_ms));
    let (began, last) = (since(row.began_at_ms), since(row.last_at_ms));
    if began == last { began } else { format!("{began} to {last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> WorkView {
        WorkView {
            owner: "12D3".to_owned(),
            owner_name: "bold-otter".to_owned(),
            is_own: false,
            name: "Mandelbrot set".to_owned(),
            succeeded: 12,
            failed: 0,
            fuel: 2_100_000,
            ran_ms: 4_200,
            began_at_ms: 0,
            last_at_ms: 240_000,
        }
    }

    #[test]
    fn a_row_names_whose_job_it_was() {
        assert_eq!(whose(&row()), "for bold-otter");
        assert_eq!(whose(&WorkView { is_own: true, ..row() }), "yours");
    }

    #[test]
    fn a_row_says_what_ended_and_what_it_took() {
        assert_eq!(figures(&row()), "12 tasks done · 2.1 M fuel · 4.2 s at work");
        let some = figures(&WorkView { failed: 3, ..row() });
        assert!(some.starts_with("12 tasks done, 3 failed ·"), "{some}");
        let none = figures(&WorkView { succeeded: 0, failed: 1, ..row() });
        assert!(none.starts_with("1 task failed ·"), "{none}");
        let begun = figures(&WorkView { succeeded: 0, ..row() });
        assert!(begun.starts_with("no task ended ·"), "{begun}");
    }

    #[test]
    fn a_row_says_from_when_to_when() {
        assert_eq!(when(&row(), 300_000), "5 min ago to 1 min ago");
        assert_eq!(when(&row(), 240_000), "4 min ago to just now");
        assert_eq!(when(&WorkView { last_at_ms: 5, ..row() }, 250_000), "4 min ago");
    }
}
