//! How each kind of browser is started: its driver, its flags, its settings.
//!
//! They are what a browser needs on a machine without a display or a network,
//! and nothing that changes how a page behaves.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::Hidden;
use crate::{PATIENCE, driver::Program};

/// What every Chromium is started with.
const CHROMIUM_FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--window-size=1280,800",
];

/// What keeps Chromium's hidden tabs at full speed. Its driver gives these by
/// itself, so they must be taken back where tabs are to be slowed down.
const UNTHROTTLED: [&str; 3] = [
    "disable-background-timer-throttling",
    "disable-backgrounding-occluded-windows",
    "disable-renderer-backgrounding",
];

const CHROMEDRIVER: Program = Program {
    name: "chromedriver",
    variable: "CHROMEDRIVER",
    arguments: &["--port=0"],
    before_port: "successfully on port ",
};

const GECKODRIVER: Program = Program {
    name: "geckodriver",
    variable: "GECKODRIVER",
    arguments: &["--port=0", "--websocket-port=0"],
    before_port: "Listening on 127.0.0.1:",
};

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Chromium or Chrome.
    Chromium,
    /// Firefox; its hidden tabs are slowed down as they are for people.
    Firefox,
}

impl Kind {
    pub(super) fn driver(self) -> &'static Program {
        match self {
            Self::Chromium => &CHROMEDRIVER,
            Self::Firefox => &GECKODRIVER,
        }
    }

    /// The environment variable that names the browser; else the driver finds it.
    fn variable(self) -> &'static str {
        match self {
            Self::Chromium => "CHROMIUM",
            Self::Firefox => "FIREFOX",
        }
    }

    pub(super) fn capabilities(
        self,
        profile: &Path,
        downloads: &Path,
        hidden: Hidden,
        flags: &[&str],
    ) -> Map<String, Value> {
        let (name, key, mut options) = match self {
            Self::Chromium => {
                ("chrome", "goog:chromeOptions", chromium(profile, downloads, hidden, flags))
            }
            Self::Firefox => ("firefox", "moz:firefoxOptions", firefox(downloads)),
        };
        if let Some(browser) = std::env::var_os(self.variable()) {
            options["binary"] = json!(browser.to_string_lossy());
        }
        let mut all = Map::new();
        all.insert("browserName".to_owned(), json!(name));
        all.insert("timeouts".to_owned(), json!({ "script": PATIENCE.as_millis() }));
        all.insert(key.to_owned(), options);
        if self == Self::Chromium {
            all.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        }
        all
    }
}

fn chromium(profile: &Path, downloads: &Path, hidden: Hidden, more: &[&str]) -> Value {
    let mut flags: Vec<String> = CHROMIUM_FLAGS.map(str::to_owned).into();
    flags.push(format!("--user-data-dir={}", profile.join("profile").display()));
    let excluded = match hidden {
        Hidden::AtFullSpeed => {
            flags.extend(UNTHROTTLED.map(|flag| format!("--{flag}")));
            Vec::new()
        }
        Hidden::Throttled => UNTHROTTLED.to_vec(),
    };
    flags.extend(more.iter().map(ToString::to_string));
    json!({
        "args": flags,
        "excludeSwitches": excluded,
        "prefs": {
            "download.default_directory": downloads,
            "download.prompt_for_download": false,
        },
    })
}

/// Its driver makes the profile, and removes it with the session.
fn firefox(downloads: &Path) -> Value {
    json!({
        "args": ["-headless", "--width=1280", "--height=800"],
        "prefs": {
            "browser.download.dir": downloads,
            "browser.download.folderList": 2,
            "browser.download.useDownloadDir": true,
            // What a page says on its console is printed, for failures to show.
            "devtools.console.stdout.content": true,
        },
    })
}
