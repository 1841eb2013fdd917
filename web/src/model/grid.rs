//! A job's tasks as a grid of coloured cells: the tasks whose results have
//! come stand first, in their order; behind them, by number only, those that
//! ended out of turn, those that run, and those that wait.

use std::fmt::Write;

/// Cells that are drawn at most; beyond, a cell stands for several tasks.
pub const CELLS_MAX: usize = 600;
/// Cells in a row.
pub const COLUMNS: usize = 30;

/// The state of a cell: of its tasks, the one that needs looking at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Ended well.
    Succeeded,
    /// Ended; an earlier one has not, so its result is held back.
    Early,
    /// Leased to an ion.
    Running,
    /// Nobody has it.
    Waiting,
    /// Failed for good.
    Failed,
}

impl Cell {
    /// Every state, in the order of a legend.
    pub const ALL: [Self; 5] =
        [Self::Succeeded, Self::Early, Self::Running, Self::Waiting, Self::Failed];

    /// The name people see, which is also its class, hyphenated.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "done",
            Self::Early => "done early",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
        }
    }
}

/// What is known of a job's tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks in all.
    pub tasks: u64,
    /// Ended, well or not.
    pub ended: u64,
    /// Leased now.
    pub running: u64,
}

/// Cells to draw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// In order.
    pub cells: Vec<Cell>,
    /// Tasks that one cell stands for.
    pub tasks_per_cell: u64,
}

impl Grid {
    /// Lays out `counts`, of which the first tasks have come: `failed` says
    /// which of them failed.
    pub fn lay(counts: Counts, failed: &[bool]) -> Self {
        let tasks_per_cell = counts.tasks.div_ceil(CELLS_MAX as u64).max(1);
        let cells = (0..counts.tasks.div_ceil(tasks_per_cell))
            .map(|cell| {
                let first = cell * tasks_per_cell;
                let end = (first + tasks_per_cell).min(counts.tasks);
                (first..end).map(|task| state(counts, failed, task)).max().unwrap_or(Cell::Waiting)
            })
            .collect();
        Self { cells, tasks_per_cell }
    }

    /// The first task of a cell.
    pub fn first_task(&self, cell: usize) -> u64 {
        cell as u64 * self.tasks_per_cell
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.cells.len().div_ceil(COLUMNS)
    }

    /// The `d` of an SVG path that fills every cell of a state; each cell takes
    /// 10 by 10 units, a gap of 2 included.
    pub fn path(&self, state: Cell) -> String {
        let cells = self.cells.iter().enumerate().filter(|(_, cell)| **cell == state);
        let mut path = String::new();
        for (at, _) in cells {
            let (x, y) = (at % COLUMNS * 10 + 1, at / COLUMNS * 10 + 1);
            write!(path, "M{x} {y}h8v8h-8z").expect("a string takes all text");
        }
        path
    }
}

fn state(counts: Counts, failed: &[bool], task: u64) -> Cell {
    let come = failed.len() as u64;
    let early = counts.ended.saturating_sub(come);
    match usize::try_from(task).ok().and_then(|task| failed.get(task)) {
        Some(true) => Cell::Failed,
        Some(false) => Cell::Succeeded,
        None if task < come + early => Cell::Early,
        None if task < come + early + counts.running => Cell::Running,
        None => Cell::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_has_its_state() {
        let counts = Counts { tasks: 6, ended: 3, running: 1 };
        let grid = Grid::lay(counts, &[false, true]);
        let expected = [
            Cell::Succeeded,
            Cell::Failed,
            Cell::Early,
            Cell::Running,
            Cell::Waiting,
            Cell::Waiting,
        ];
        assert_eq!(grid.cells, expected);
        assert_eq!(grid.path(Cell::Failed), "M11 1h8v8h-8z");
    }

    #[test]
    fn many_tasks_share_cells_and_a_failure_shows() {
        let counts = Counts { tasks: 1_000_000, ended: 1_000, running: 0 };
        let mut failed = vec![false; 1_000];
        failed[1] = true;
        let grid = Grid::lay(counts, &failed);
        assert!(grid.cells.len() <= CELLS_MAX);
        assert_eq!(grid.cells[0], Cell::Failed);
        assert_eq!(grid.first_task(1), grid.tasks_per_cell);
    }

    #[test]
    fn no_task_is_no_cell() {
        assert!(Grid::lay(Counts::default(), &[]).cells.is_empty());
    }
}
