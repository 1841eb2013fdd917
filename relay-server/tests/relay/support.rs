//! What the tests share: folders, relays, and a bare HTTP client.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use relay_server::{Config, Relay, Site, config::Settings, site::File};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A folder of its own for one test, removed with it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("relay-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("the folder is made");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("it is Unicode").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the folder is removed");
    }
}

/// Settings for a relay on free ports of this machine.
pub(crate) fn settings(folder: &Folder) -> Settings {
    Settings {
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        data_dir: Some(folder.0.join("data")),
        ..Settings::default()
    }
}

/// Starts a relay in this process.
pub(crate) async fn start(settings: Settings) -> Relay {
    let config = Config::new(settings).expect("the settings are valid");
    relay_server::start(config, site()).await.expect("the relay starts")
}

/// A site with a page, a hashed file in all forms, and a picture.
pub(crate) fn site() -> Site {
    let file = |text: &'static str, packed: bool, hash: &str| File {
        plain: text.as_bytes().into(),
        brotli: packed.then(|| b"as brotli".as_slice().into()),
        gzip: packed.then(|| b"as gzip".as_slice().into()),
        hash: hash.to_owned(),
    };
    Site::from_files([
        ("index.html".to_owned(), file("<p>page</p>", true, "aa")),
        ("ion-0123456789abcdef_bg.wasm".to_owned(), file("\0asm", true, "bb")),
        ("icon.svg".to_owned(), file("<svg/>", false, "cc")),
    ])
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Asks with exactly these header lines.
pub(crate) async fn ask(to: SocketAddr, line: &str, headers: &[&str]) -> Answer {
    let mut socket = TcpStream::connect(to).await.expect("the relay accepts");
    let head = format!("{line} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n", headers.join("\r\n"));
    socket.write_all(head.as_bytes()).await.expect("the request is sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("the answer is read");
    read_answer(&String::from_utf8(answer).expect("it is text"))
}

/// Gets a path under the relay's own address.
pub(crate) async fn get(relay: &Relay, path: &str, headers: &[&str]) -> Answer {
    let host = format!("Host: {}", relay.http);
    let mut lines = vec![host.as_str()];
    lines.extend(headers);
    ask(relay.http, &format!("GET {path}"), &lines).await
}

fn read_answer(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").expect("there is a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("there is a status");
    let header = |line: &str| {
        let (name, value) = line.split_once(':').expect("a header has a colon");
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Answer {
        status: status.parse().expect("the status is a number"),
        headers: lines.map(header).collect(),
        body: body.to_owned(),
    }
}

/// Whether a new connection is served now.
pub(crate) async fn is_served(to: SocketAddr) -> bool {
    let Ok(mut socket) = TcpStream::connect(to).await else { return false };
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    socket.write_all(request).await.is_ok()
        && socket.read_to_string(&mut answer).await.is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
