//! Running other programs: every call either succeeds or ends in a sentence
//! that names the program and what it printed.

use std::{
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// A failure told to the person at the terminal: what happened and what to do.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// What every step of xtask returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Ends a step with a sentence.
pub(crate) fn fail<T>(sentence: impl Into<String>) -> Outcome<T> {
    Err(Failure(sentence.into()))
}

/// A program with its arguments, to run in the repository's root.
pub(crate) fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs with the terminal attached; fails when the program does.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        return Ok(());
    }
    fail(format!("`{}` failed ({status}); what it printed above says why", line(command)))
}

/// Runs silently and returns standard output; on failure what it printed is in the message.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = said.lines().rev().take(TAIL_LINES_MAX).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    fail(format!("`{}` failed ({}):\n{}", line(command), output.status, tail.join("\n")))
}

/// Runs silently; only whether it succeeded matters.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Announces a step, runs it, and says how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    eprintln!("• {what} …");
    let start = started();
    let result = work();
    let seconds = start.elapsed().as_secs_f32();
    match &result {
        Ok(_) => eprintln!("  {what}: done in {seconds:.1} s"),
        Err(_) => eprintln!("  {what}: failed after {seconds:.1} s"),
    }
    result
}

/// The present moment, of which `elapsed` tells how long something took.
#[expect(clippy::disallowed_methods, reason = "a tool tells people how long its steps take")]
pub(crate) fn started() -> Instant {
    Instant::now()
}

/// The repository's root, found from where xtask was compiled.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies one folder below the root").to_path_buf()
}

/// Whether this machine can run a program of that name.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// How much of a failed program's words is repeated.
const TAIL_LINES_MAX: usize = 30;

fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure(format!(
        "cannot start `{}`: {error}; is it installed and on PATH?",
        command.get_program().to_string_lossy()
    ))
}
