//! The browsers that the tests drive, and their `WebDriver` servers.

use std::path::PathBuf;

use super::{cache, cargo_tool, debian};
use crate::shell::{Outcome, fail, on_path};

/// Drives Firefox; Debian has no package of it.
const GECKODRIVER: &str = "0.37.1";

/// Where a browser's two programs are.
pub(crate) struct Browser {
    /// The browser.
    pub(crate) browser: PathBuf,
    /// The program that drives it.
    pub(crate) driver: PathBuf,
}

/// Finds Chromium and chromedriver, or installs Debian's.
pub(crate) fn chromium() -> Outcome<Browser> {
    let find = || {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let browser = names.iter().find_map(|name| on_path(name))?;
        Some(Browser { browser, driver: on_path("chromedriver")? })
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    let advice = "the browser tests need Chromium and chromedriver: install both by your system's package \
                  manager (on Debian: chromium, chromium-driver) and run this again";
    debian("Chromium and its driver (about a minute, once)", &["chromium", "chromium-driver"])
        .or_else(|why| fail(format!("{advice}\n({why})")))?;
    find().map_or_else(|| fail(advice), Ok)
}

/// Finds Firefox and geckodriver, or installs Debian's and crates.io's.
pub(crate) fn firefox() -> Outcome<Browser> {
    let find = || ["firefox-esr", "firefox"].iter().find_map(|name| on_path(name));
    if find().is_none() {
        let advice = "the browser tests need Firefox: install it by your system's package manager (on \
                      Debian: firefox-esr) and run this again";
        debian("Firefox (about a minute, once)", &["firefox-esr"])
            .or_else(|why| fail(format!("{advice}\n({why})")))?;
        if find().is_none() {
            return fail(advice);
        }
    }
    let browser = find().expect("it was just found");
    if let Some(driver) = on_path("geckodriver") {
        return Ok(Browser { browser, driver });
    }
    cargo_tool("geckodriver", "geckodriver", GECKODRIVER, "about 2 minutes")?;
    Ok(Browser { browser, driver: cache()?.join("bin/geckodriver") })
}
