//! One tab, and what a person could do in it.
//!
//! Elements are named by their `data-test` attribute, which `web/README.md`
//! lists.

use std::{fmt, fs, path::PathBuf, sync::Arc, time::Instant};

use fantoccini::{
    Locator,
    error::CmdError,
    wd::{WebDriverCompatibleCommand, WindowHandle},
};
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::{
    LOOK_EVERY, PATIENCE,
    browser::{Inner, Kind},
    folder::root,
};

/// Characters of a page's text that a failure shows.
const TEXT_CHARS_MAX: usize = 2_000;

/// A tab. It stays open when this is dropped, until its browser ends.
pub struct Tab {
    browser: Arc<Inner>,
    window: WindowHandle,
}

impl fmt::Debug for Tab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tab({:?})", self.window)
    }
}

impl Tab {
    pub(crate) fn new(browser: Arc<Inner>, window: WindowHandle) -> Self {
        Self { browser, window }
    }

    /// Loads an address.
    pub async fn go(&self, url: &str) {
        let gone = self.browser.within(&self.window, async |client| client.goto(url).await).await;
        gone.unwrap_or_else(|error| panic!("{url} could not be opened: {error}"));
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        let done = self.browser.within(&self.window, async |client| client.refresh().await).await;
        done.unwrap_or_else(|error| panic!("the page could not be loaded again: {error}"));
    }

    /// Closes it, as a person does.
    pub async fn close(self) {
        self.browser.close(&self.window).await.expect("an open tab can be closed");
    }

    /// Kills its process, as a crash does: the page can say nothing more. Panics
    /// when it lives on.
    pub async fn kill(self) {
        let command =
            Post { path: "goog/cdp/execute", body: json!({ "cmd": "Page.crash", "params": {} }) };
        let killed =
            self.browser.within(&self.window, async |client| client.issue_cmd(command).await).await;
        let said = killed.map_or_else(|error| error.to_string(), |answer| answer.to_string());
        assert!(said.contains("crashed"), "the tab lives on: {said}");
    }

    /// What a JavaScript expression is worth now.
    pub async fn value(&self, expression: &str) -> Result<Value, CmdError> {
        let script = format!("return ({expression});");
        self.browser
            .within(&self.window, async |client| client.execute(&script, Vec::new()).await)
            .await
    }

    /// Runs JavaScript statements. What is to be there for later ones they have
    /// to keep in `window`: Firefox gives to each a `globalThis` of its own.
    pub async fn run(&self, script: &str) -> Value {
        let done = self
            .browser
            .within(&self.window, async |client| client.execute(script, Vec::new()).await)
            .await;
        done.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Runs JavaScript that ends by calling `done(value)`.
    pub async fn run_async(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        let done = self
            .browser
            .within(&self.window, async |client| client.execute_async(&script, Vec::new()).await)
            .await;
        done.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// What the promise that an expression makes comes to: its value, or why
    /// it was rejected.
    pub async fn promise(&self, expression: &str) -> Result<Value, String> {
        let script = format!(
            "Promise.resolve().then(() => {expression})
                .then((value) => done({{ value: value ?? null }}),
                      (why) => done({{ why: String(why?.stack ?? why) }}));"
        );
        let mut settled = self.run_async(&script).await;
        match settled["why"].take() {
            Value::String(why) => Err(why),
            _ => Ok(settled["value"].take()),
        }
    }

    /// Waits until an expression is true in JavaScript's sense; what it is
    /// worth then. Panics after [`PATIENCE`] with its last value, the page's
    /// text and the browser's console.
    pub async fn wait_for(&self, what: &str, expression: &str) -> Value {
        let start = Instant::now();
        loop {
            let last = self.value(expression).await;
            match last {
                Ok(value) if is_true(&value) => return value,
                last if start.elapsed() > PATIENCE => {
                    let page = self.describe().await;
                    panic!("{what} did not come; `{expression}` is {last:?}\n{page}");
                }
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Waits until an element is there and can be used, and presses it.
    pub async fn click(&self, test: &str) {
        let found = query(test);
        self.wait_for(&format!("{test} to press"), &format!("{found} && !{found}.disabled")).await;
        self.run(&format!("{found}.click();")).await;
    }

    /// Waits until a field is there and types into it, in place of what it had.
    pub async fn fill(&self, test: &str, words: &str) {
        let found = query(test);
        self.wait_for(&format!("{test} to fill"), &found).await;
        let words = Value::from(words);
        self.run(&format!(
            "const field = {found}; field.value = {words};
             field.dispatchEvent(new Event('input', {{ bubbles: true }}));"
        ))
        .await;
    }

    /// Chooses an option of a selection by its value.
    pub async fn choose(&self, test: &str, value: &str) {
        let found = query(test);
        self.wait_for(&format!("{test} to choose from"), &found).await;
        let value = Value::from(value);
        self.run(&format!(
            "const field = {found}; field.value = {value};
             field.dispatchEvent(new Event('change', {{ bubbles: true }}));"
        ))
        .await;
    }

    /// Chooses a file in a file field.
    pub async fn choose_file(&self, test: &str, file: &std::path::Path) {
        self.wait_for(&format!("{test} to choose a file"), &query(test)).await;
        let (selector, file) = (selector(test), file.display().to_string());
        let chosen = self.browser.within(&self.window, async |client| {
            client.find(Locator::Css(&selector)).await?.send_keys(&file).await
        });
        chosen.await.unwrap_or_else(|error| panic!("{file} could not be chosen: {error}"));
    }

    /// An element's text, once it is there and has some.
    pub async fn text(&self, test: &str) -> String {
        let expression = format!("{}?.textContent.trim()", query(test));
        let found = self.wait_for(&format!("{test} with text"), &expression).await;
        found.as_str().unwrap_or_default().to_owned()
    }

    /// An element's attribute, once it is there and is not empty.
    pub async fn attribute(&self, test: &str, name: &str) -> String {
        let expression = format!("{}?.getAttribute('{name}')", query(test));
        let value = self.wait_for(&format!("{test} with {name}"), &expression).await;
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Waits for a file that was downloaded under this name; its bytes, once
    /// all are there.
    ///
    /// While it is written it has another name. Before Chromium gives it this
    /// one, it keeps the place with an empty file.
    pub async fn downloaded(&self, name: &str) -> Vec<u8> {
        let path = self.browser.downloads().join(name);
        let under_way =
            ["crdownload", "part"].map(|kind| path.with_file_name(format!("{name}.{kind}")));
        let start = Instant::now();
        while !path.is_file() || under_way.iter().any(|path| path.is_file()) {
            assert!(start.elapsed() < PATIENCE, "{name} was not downloaded: {:?}", self.files());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        fs::read(&path).expect("the download can be read")
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.browser.downloads()).into_iter().flatten();
        entries.flatten().map(|entry| entry.path()).collect()
    }

    /// Brings it to the front, as a person does who looks at it.
    pub async fn show(&self) {
        self.devtools("Page.bringToFront", json!({})).await;
        self.wait_for("a page in front", "document.visibilityState === 'visible'").await;
    }

    /// Puts its window away, as a person does who looks at something else.
    pub async fn hide(&self) {
        let hidden =
            self.browser.within(&self.window, async |client| client.minimize_window().await).await;
        hidden.unwrap_or_else(|error| panic!("the window could not be put away: {error}"));
        self.wait_for("a hidden page", "document.visibilityState === 'hidden'").await;
    }

    /// Sets the size of what is seen, in CSS pixels, and the colour scheme
    /// (`light` or `dark`).
    pub async fn look(&self, width: u32, height: u32, scheme: &str) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 640,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Keeps a picture of what is seen as `target/screenshots/NAME.png`.
    pub async fn screenshot(&self, name: &str) {
        let shot =
            self.browser.within(&self.window, async |client| client.screenshot().await).await;
        let shot = shot.unwrap_or_else(|error| panic!("no picture was taken: {error}"));
        let folder = root().join("target/screenshots");
        fs::create_dir_all(&folder).expect("target/ can be written");
        fs::write(folder.join(format!("{name}.png")), shot).expect("target/ can be written");
    }

    /// Sends a command of the Chrome `DevTools` protocol; its answer.
    pub async fn devtools(&self, method: &str, parameters: Value) -> Value {
        let command =
            Post { path: "goog/cdp/execute", body: json!({ "cmd": method, "params": parameters }) };
        let sent =
            self.browser.within(&self.window, async |client| client.issue_cmd(command).await).await;
        sent.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// What the browser's console has said since it was asked last; of a
    /// Firefox, all that it and its driver have printed.
    pub async fn console(&self) -> Vec<String> {
        if self.browser.kind() == Kind::Firefox {
            // It has no command for it, but prints: everything since its start.
            return self.browser.lines();
        }
        let command = Post { path: "se/log", body: json!({ "type": "browser" }) };
        let log =
            self.browser.within(&self.window, async |client| client.issue_cmd(command).await).await;
        let Ok(Value::Array(entries)) = log else { return Vec::new() };
        let line = |entry: &Value| {
            let part = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", part("level"), part("message"))
        };
        entries.iter().map(line).collect()
    }

    /// The page as a failure shows it.
    pub async fn describe(&self) -> String {
        let text = self.value("document.body.innerText").await;
        let text = text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
        let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
        let address = self.value("location.href").await;
        format!(
            "address: {address:?}\npage:\n{text}\nconsole:\n{}",
            self.console().await.join("\n")
        )
    }
}

/// The JavaScript expression for the element of that `data-test`, or null.
pub fn query(test: &str) -> String {
    format!("document.querySelector({})", Value::from(selector(test)))
}

fn selector(test: &str) -> String {
    format!("[data-test=\"{test}\"]")
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_true) => *is_true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// A command of a session that the `WebDriver` specification does not have.
#[derive(Debug)]
struct Post {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
