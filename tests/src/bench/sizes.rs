//! What a browser downloads: each module as the relay serves it, brotli.

use std::net::SocketAddr;

use super::Found;
use crate::{http_get, relay::Relay};

/// The modules by their row and by what their files' names begin with.
const MODULES: [(&str, &str); 4] = [
    ("size-page", "/web_bg-"),
    ("size-ion", "/ion_bg-"),
    ("size-guest", "/guest_bg-"),
    ("size-scanner", "/scanner_bg-"),
];
/// The pages and scripts that name them.
const SCRIPTS: [&str; 3] = ["/ion-", "/guest-", "/scanner-"];

/// Each module's length in KiB; measured once, since it does not vary.
pub(super) async fn measure() -> Found {
    let relay = Relay::start();
    let to = relay.http();
    let mut text = text(to, "/").await;
    for script in SCRIPTS {
        let name = named(&text, script, ".js");
        text.push_str(&self::text(to, &name).await);
    }
    let mut found = Found::new();
    for (row, start) in MODULES {
        let name = named(&text, start, ".wasm");
        let answer = http_get::get(to, &name, "Accept-Encoding: br\r\n").await;
        let answer = answer.unwrap_or_else(|why| panic!("{why}"));
        let encoding = answer.header("content-encoding");
        assert_eq!((answer.status, encoding), (200, Some("br")), "{name}");
        found.push((row, vec![answer.body.len() as f64 / 1024.0]));
    }
    found
}

/// The address of the script that starts a guest worker.
pub(super) async fn guest_script(to: SocketAddr) -> String {
    named(&text(to, "/").await, "/guest-", ".js")
}

async fn text(to: SocketAddr, path: &str) -> String {
    let answer = http_get::get(to, path, "").await.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(answer.status, 200, "{path}: the relay has no site; use `cargo xtask bench`");
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// The first name of that form in a text.
fn named(text: &str, start: &str, ending: &str) -> String {
    let name =
        text.split(['"', '\'', '`']).find(|part| part.starts_with(start) && part.ends_with(ending));
    name.unwrap_or_else(|| panic!("the site names no {start}…{ending}")).to_owned()
}
