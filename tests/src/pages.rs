//! Pages of the tests' own, served as files from a free port of this machine.
//!
//! A page from `http://127.0.0.1` is a secure context, and may have workers;
//! one without an address may not. Every answer isolates the page, as the relay
//! does with ours: else its clock would tick in tenths of a millisecond. Bounds: it serves regular files below the
//! folders that it is given, and ends with its handle.

use std::{
    net::SocketAddr,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::folder::root;

/// The environment variable that names the folder of js-libp2p programs.
const JS: &str = "IONOSPHERE_JS";

/// What isolates a page.
const ISOLATED: [(&str, &str); 2] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
];

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Pages {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Pages {
    /// Serves the files of these folders; of two with one name, the first.
    pub async fn serve(folders: Vec<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the system has a free port");
        let address = listener.local_addr().expect("it listens");
        let router = Router::new().fallback(answer).with_state(Arc::new(folders));
        let server = tokio::spawn(async move {
            // It ends with this task and in no other way.
            let _ = axum::serve(listener, router).await;
        });
        Self { address, server }
    }

    /// The address of a file.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The folder of the bundled js-libp2p programs. Panics when they were not
/// bundled.
pub fn js_programs() -> PathBuf {
    let folder = std::env::var_os(JS).map_or_else(|| root().join("target/js"), PathBuf::from);
    assert!(
        folder.join("page.js").is_file(),
        "there are no js-libp2p programs in {}: use `cargo xtask test`, which bundles them",
        folder.display()
    );
    folder
}

async fn answer(State(folders): State<Arc<Vec<PathBuf>>>, uri: Uri) -> Response {
    let wanted = Path::new(uri.path().trim_start_matches('/'));
    let is_below = wanted.components().all(|part| matches!(part, Component::Normal(_)));
    let files = folders.iter().map(|folder| folder.join(wanted)).filter(|_| is_below);
    for file in files {
        if let Ok(bytes) = tokio::fs::read(&file).await {
            let media = [(header::CONTENT_TYPE.as_str(), media(&file))];
            return (media, ISOLATED, bytes).into_response();
        }
    }
    StatusCode::NOT_FOUND.into_response()
}

fn media(file: &Path) -> &'static str {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}
