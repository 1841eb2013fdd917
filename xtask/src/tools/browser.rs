//! The browser that the tests drive, and its `WebDriver` server.

use std::path::PathBuf;

use crate::shell::{Outcome, command, fail, on_path, output, step};

/// Where the two programs are.
pub(crate) struct Browser {
    /// Chromium or Chrome.
    pub(crate) chromium: PathBuf,
    /// The matching chromedriver.
    pub(crate) chromedriver: PathBuf,
}

/// Finds Chromium and chromedriver, or installs Debian's.
pub(crate) fn browser() -> Outcome<Browser> {
    if let Some(found) = find() {
        return Ok(found);
    }
    let advice = "the browser tests need Chromium and chromedriver: install both by your system's package \
                  manager (on Debian: chromium, chromium-driver) and run this again";
    if on_path("apt-get").is_none() {
        return fail(advice);
    }
    step("install chromium and chromium-driver with apt-get (about a minute, once)", || {
        output(&mut command("apt-get", &["update", "-q"]))?;
        output(
            command(
                "apt-get",
                &["install", "-y", "-q", "--no-install-recommends", "chromium", "chromium-driver"],
            )
            .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    })
    .or_else(|why| fail(format!("{advice}\n({why})")))?;
    find().map_or_else(|| fail(advice), Ok)
}

fn find() -> Option<Browser> {
    let chromium =
        ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| on_path(name))?;
    let chromedriver = on_path("chromedriver")?;
    Some(Browser { chromium, chromedriver })
}
