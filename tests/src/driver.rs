//! The program that drives a browser, and the browser's end.
//!
//! Killing the driver would leave its browser behind; so the end of a session
//! is asked for first, in a way that needs no event loop and therefore works
//! while a test panics.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use crate::process::Process;

/// A program that drives a browser.
#[derive(Debug)]
pub(crate) struct Program {
    /// Its name on `PATH`.
    pub(crate) name: &'static str,
    /// The environment variable that names its file.
    pub(crate) variable: &'static str,
    /// What makes it choose free ports.
    pub(crate) arguments: &'static [&'static str],
    /// What it says before its port.
    pub(crate) before_port: &'static str,
}

/// How long a browser may take to end.
const END_MAX: Duration = Duration::from_secs(20);

/// How often a driver is started that ends at once. Chromium's takes a port that is
/// free for IPv6 and needs the same for IPv4, where it may be taken.
const STARTS_MAX: usize = 5;

/// A driver that runs, with the browsers that it started, until this is dropped.
#[derive(Debug)]
pub(crate) struct Driver {
    address: SocketAddr,
    session: Option<String>,
    process: Process,
}

impl Driver {
    /// Starts one on a free port. Panics with a sentence when there is none.
    pub(crate) fn start(program: &Program) -> Self {
        let mut last = String::new();
        for _ in 0..STARTS_MAX {
            let mut command = Command::new(file(program));
            let mut process = Process::start(program.name, command.args(program.arguments));
            let port = process.find_line("its port", |line| {
                let (_, rest) = line.split_once(program.before_port)?;
                rest.trim_end_matches('.').parse::<u16>().ok()
            });
            match port {
                Ok(port) => {
                    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                    return Self { address, session: None, process };
                }
                Err(why) => last = why,
            }
        }
        panic!("{last}")
    }

    /// What it and its browser have printed, the newest lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.process.lines()
    }

    /// Where it takes commands.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The session to end with this.
    pub(crate) fn ends(&mut self, session: Option<String>) {
        self.session = session;
    }

    fn end_session(&self, session: &str) -> std::io::Result<()> {
        let mut socket = TcpStream::connect_timeout(&self.address, END_MAX)?;
        socket.set_read_timeout(Some(END_MAX))?;
        let request = format!(
            "DELETE /session/{session} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        );
        socket.write_all(request.as_bytes())?;
        // Answered once the browser is gone.
        let mut answer = [0; 1];
        socket.read_exact(&mut answer)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let Some(session) = &self.session else { return };
        if let Err(why) = self.end_session(session) {
            eprintln!("a browser may be left behind, its driver does not answer: {why}");
        }
    }
}

fn file(program: &Program) -> PathBuf {
    let Program { name, variable, .. } = program;
    let named = std::env::var_os(variable).map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(name));
    named.or_else(|| found.find(|file| file.is_file())).unwrap_or_else(|| {
        panic!("there is no {name} on this machine: use `cargo xtask test`, which installs it")
    })
}
