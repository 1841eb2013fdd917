//! Programs that tests start. Each ends with its handle, whatever happens.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use crate::{LOOK_EVERY, PATIENCE};

/// Lines of a program's output that are kept, the newest.
const LINES_MAX: usize = 400;

/// A program that runs until this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    said: Arc<Said>,
}

#[derive(Debug, Default)]
struct Said {
    lines: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Process {
    /// Starts it; standard output and standard error are both read. Panics
    /// with a sentence when it cannot be started.
    pub fn start(name: &str, command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{name} could not be started ({error}); run the tests with `cargo xtask test`")
        });
        let said = Arc::new(Said::default());
        listen(child.stdout.take(), &said);
        listen(child.stderr.take(), &said);
        Self { name: name.to_owned(), child, said }
    }

    /// Waits for a line that `pick` finds something in. Panics with the
    /// program's words when it ends first, or after [`PATIENCE`].
    pub fn wait_for_line<T>(&mut self, what: &str, pick: impl Fn(&str) -> Option<T>) -> T {
        self.find_line(what, pick).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same, with those words as the error.
    pub(crate) fn find_line<T>(
        &mut self,
        what: &str,
        pick: impl Fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        let start = Instant::now();
        loop {
            if let Some(found) = self.lines().iter().find_map(|line| pick(line)) {
                return Ok(found);
            }
            let has_ended = matches!(self.child.try_wait(), Ok(Some(_)));
            let is_mute = self.said.is_over.load(Ordering::Relaxed);
            if (has_ended && is_mute) || start.elapsed() > PATIENCE {
                let lines = self.lines().join("\n");
                return Err(format!("{} did not say {what}; it said:\n{lines}", self.name));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said, the newest lines.
    pub fn lines(&self) -> Vec<String> {
        self.said.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it and waits until it is gone.
    pub fn end(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen(stream: Option<impl Read + Send + 'static>, said: &Arc<Said>) {
    let Some(stream) = stream else { return };
    let said = said.clone();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut lines = said.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() >= LINES_MAX {
                lines.remove(0);
            }
            lines.push(line);
        }
        said.is_over.store(true, Ordering::Relaxed);
    });
}
