//! A site that changes: a door before a real relay that hands its pages on,
//! and from a given moment as a newer build would have them, or with another
//! word on where to join, as a site would that is kept apart from every relay.
//!
//! Only what a browser asks for over plain HTTP passes. The newer build has
//! another version and, under another name, another style sheet; everything
//! else of it is as it was. Bounds: those of [`http_get`].

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use node_core::network::bootstrap::Bootstrap;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::http_get;

/// The longest request that is read, in bytes.
const REQUEST_BYTES_MAX: usize = 16 << 10;
/// Headers of the relay's answers that matter to a page.
const PASSED: [&str; 6] = [
    "content-type",
    "cache-control",
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-embedder-policy",
    "cross-origin-resource-policy",
];

/// The door; it closes when this is dropped.
#[derive(Debug)]
pub struct ChangedSite {
    at: SocketAddr,
    build: Arc<AtomicU32>,
    bootstrap: Arc<OnceLock<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl ChangedSite {
    /// Opens a door before this relay, which shows the relay's own site.
    /// Panics with a sentence when it cannot.
    pub async fn open(relay: SocketAddr) -> Self {
        let door = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let at = door.local_addr().expect("a door has an address");
        let build = Arc::new(AtomicU32::new(0));
        let bootstrap = Arc::default();
        let task = tokio::spawn(serve(door, relay, Arc::clone(&build), Arc::clone(&bootstrap)));
        Self { at, build, bootstrap, task }
    }

    /// The address of a place of the page.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// From now on, and to the end, this is where to join. Panics when it was
    /// said before.
    pub fn tell(&self, bootstrap: &Bootstrap) {
        let bytes = serde_json::to_vec(bootstrap).expect("it can be written");
        self.bootstrap.set(bytes).expect("it is said once");
    }

    /// From now on the site is that of a newer build.
    pub fn change(&self) {
        self.build.fetch_add(1, Ordering::SeqCst);
    }

    /// The newer build's version, as the page carries it.
    pub fn version(&self) -> String {
        version(self.build.load(Ordering::SeqCst))
    }
}

impl Drop for ChangedSite {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn version(build: u32) -> String {
    format!("{build:016x}")
}

async fn serve(
    door: TcpListener,
    relay: SocketAddr,
    build: Arc<AtomicU32>,
    bootstrap: Arc<OnceLock<Vec<u8>>>,
) {
    while let Ok((socket, _)) = door.accept().await {
        let build = build.load(Ordering::SeqCst);
        let bootstrap = bootstrap.get().cloned();
        // A browser that goes away in the middle is no failure of the door.
        tokio::spawn(async move { answer(socket, relay, build, bootstrap).await });
    }
}

async fn answer(
    mut socket: TcpStream,
    relay: SocketAddr,
    build: u32,
    bootstrap: Option<Vec<u8>>,
) -> Option<()> {
    let path = asked(&mut socket).await?;
    let real = path.replace(&style(build), &style(0));
    let got = http_get::get(relay, &real, "").await.ok()?;
    let body = match bootstrap {
        Some(bootstrap) if real == "/bootstrap.json" => bootstrap,
        _ => changed(got.body.clone(), build),
    };
    let headers: String = PASSED
        .iter()
        .filter_map(|name| Some(format!("{name}: {}\r\n", got.header(name)?)))
        .collect();
    let head = format!(
        "HTTP/1.1 {} -\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        got.status,
        body.len()
    );
    socket.write_all(head.as_bytes()).await.ok()?;
    socket.write_all(&body).await.ok()
}

/// The path of a request, once its head is there.
async fn asked(socket: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > REQUEST_BYTES_MAX || socket.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    head.strip_prefix("GET ")?.split(' ').next().map(str::to_owned)
}

/// A text as that build has it; what is no text stays as it is.
fn changed(body: Vec<u8>, build: u32) -> Vec<u8> {
    match String::from_utf8(body) {
        Ok(text) if build > 0 => rewritten(&text, build).into_bytes(),
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

fn rewritten(text: &str, build: u32) -> String {
    let mut text = text.replace(&style(0), &style(build));
    for mark in ["data-version=\"", "version: \""] {
        if let Some((before, rest)) = text.clone().split_once(mark)
            && let Some((_, after)) = rest.split_once('"')
        {
            text = format!("{before}{mark}{}\"{after}", version(build));
        }
    }
    text
}

/// How the style sheet's name begins in a build.
fn style(build: u32) -> String {
    if build == 0 { "/style-".to_owned() } else { format!("/style.{build}-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_build_has_another_version_and_other_names() {
        let page = "<html data-version=\"0123\"><link href=\"/style-ab.css\">".to_owned();
        let newer = String::from_utf8(changed(page.clone().into_bytes(), 7)).expect("text");
        assert_eq!(
            newer,
            "<html data-version=\"0000000000000007\"><link href=\"/style.7-ab.css\">"
        );
        assert_eq!(changed(page.clone().into_bytes(), 0), page.into_bytes());
        assert_eq!(changed(vec![0xff], 7), [0xff]);
    }
}
