//! A job's tasks as a grid of coloured cells: the tasks whose results have
//! come stand first, in their order; behind them, by number only, those that
//! ended out of turn, those that run, and those that wait.

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
    /// Whose results have come, in order.
    pub come: u64,
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
    /// Lays out `counts`, of which the results of the first tasks have come:
    /// `failed` has the tasks of them that failed, in order. Its cost grows with
    /// the cells, not with the tasks.
    pub fn lay(counts: Counts, failed: &[u64]) -> Self {
        let tasks_per_cell = counts.tasks.div_ceil(CELLS_MAX as u64).max(1);
        let cells = (0..counts.tasks.div_ceil(tasks_per_cell))
            .map(|cell| {
                let first = cell * tasks_per_cell;
                let end = (first + tasks_per_cell).min(counts.tasks);
                let next = failed.partition_point(|task| *task < first);
                let is_failed = failed.get(next).is_some_and(|task| *task < end);
                // Of the others, the last task is the one that needs most looking at.
                if is_failed { Cell::Failed } else { state(counts, end - 1) }
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
            path += &square(at);
        }
        path
    }
}

/// The part of a path that is one cell.
pub fn square(cell: usize) -> String {
    let (x, y) = (cell % COLUMNS * 10 + 1, cell / COLUMNS * 10 + 1);
    format!("M{x} {y}h8v8h-8z")
}

/// The state of a task that has not failed.
fn state(counts: Counts, task: u64) -> Cell {
    let early = counts.come.max(counts.ended);
    match task {
        task if task < counts.come => Cell::Succeeded,
        task if task < early => Cell::Early,
        task if task < early + counts.running => Cell::Running,
        _ => Cell::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_has_its_state() {
        let counts = Counts { tasks: 6, come: 2, ended: 3, running: 1 };
        let grid = Grid::lay(counts, &[1]);
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
        let counts = Counts { tasks: 1_000_000, come: 10_000, ended: 10_000, running: 0 };
        let grid = Grid::lay(counts, &[1, 5_000]);
        assert!(grid.cells.len() <= CELLS_MAX);
        let failed = grid.cells.iter().enumerate().filter(|(_, cell)| **cell == Cell::Failed);
        let failed: Vec<usize> = failed.map(|(cell, _)| cell).collect();
        assert_eq!(failed, [0, 2], "1,667 tasks in each");
        assert_eq!(grid.cells[1], Cell::Succeeded);
        assert_eq!(grid.cells[5], Cell::Waiting, "its last task waits");
        assert_eq!(grid.first_task(1), grid.tasks_per_cell);
    }

    #[test]
    fn no_task_is_no_cell() {
        assert!(Grid::lay(Counts::default(), &[]).cells.is_empty());
    }
}
