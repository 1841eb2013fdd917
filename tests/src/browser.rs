//! A real browser: headless Chromium or Firefox, driven through `WebDriver`.
//!
//! Each [`Browser`] is a browser of its own, with a profile that nobody else
//! sees; its tabs share an origin's storage as a person's tabs do. How each
//! kind is started is in `kind`.

mod kind;

use std::{path::PathBuf, sync::Arc};

use fantoccini::{Client, ClientBuilder, error::CmdError, wd::WindowHandle};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::sync::{Mutex, MutexGuard};

pub(crate) use kind::Kind;

use crate::{PATIENCE, driver::Driver, folder::Folder, tab::Tab};

/// What happens to tabs that nobody looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hidden {
    /// They run as if they were seen.
    #[default]
    AtFullSpeed,
    /// The browser slows them down as it does for people.
    Throttled,
}

/// A browser that runs until this is dropped.
#[derive(Debug)]
pub struct Browser(Arc<Inner>);

/// What a browser's tabs share.
#[derive(Debug)]
pub(crate) struct Inner {
    client: Client,
    /// Which window commands go to; held for as long as a command takes.
    turn: Mutex<Option<WindowHandle>>,
    /// The window that the browser opened by itself, until it is used.
    first: Mutex<Option<WindowHandle>>,
    downloads: PathBuf,
    kind: Kind,
    // Dropped in this order: the driver ends the browser, then the profile goes.
    driver: Driver,
    profile: Folder,
}

impl Browser {
    /// Starts a Chromium whose hidden tabs run at full speed. Panics with a
    /// sentence when there is none.
    pub async fn start() -> Self {
        Self::start_with(Hidden::AtFullSpeed).await
    }

    /// Starts a Firefox. Panics with a sentence when there is none.
    pub async fn firefox() -> Self {
        Self::launch(Kind::Firefox, Hidden::AtFullSpeed, &[]).await
    }

    /// Starts a Chromium.
    pub async fn start_with(hidden: Hidden) -> Self {
        Self::start_with_flags(hidden, &[]).await
    }

    /// Starts a Chromium with further command-line flags.
    pub async fn start_with_flags(hidden: Hidden, flags: &[&str]) -> Self {
        Self::launch(Kind::Chromium, hidden, flags).await
    }

    async fn launch(kind: Kind, hidden: Hidden, flags: &[&str]) -> Self {
        let profile = Folder::new();
        let downloads = profile.path().join("downloads");
        let mut driver = Driver::start(kind.driver());
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(kind.capabilities(profile.path(), &downloads, hidden, flags))
            .connect(&driver.url())
            .await
            .unwrap_or_else(|error| panic!("the browser did not start: {error}"));
        driver.ends(client.session_id().await.ok().flatten());
        let first = client.window().await.expect("a browser has a window");
        let inner = Inner {
            client,
            turn: Mutex::new(Some(first.clone())),
            first: Mutex::new(Some(first)),
            downloads,
            kind,
            driver,
            profile,
        };
        Self(Arc::new(inner))
    }

    /// Opens a tab at an address and waits until the document is loaded.
    pub async fn open(&self, url: &str) -> Tab {
        let window = match self.0.first.lock().await.take() {
            Some(window) => window,
            None => self.0.new_window(true).await,
        };
        self.tab(window, url).await
    }

    /// Opens a tab in a window of its own, which can be hidden by itself.
    pub async fn open_window(&self, url: &str) -> Tab {
        let window = self.0.new_window(false).await;
        self.tab(window, url).await
    }

    async fn tab(&self, window: WindowHandle, url: &str) -> Tab {
        let tab = Tab::new(self.0.clone(), window);
        tab.go(url).await;
        tab
    }

    /// The id of its process, as its profile's lock names it; `None` where the
    /// system has no such lock.
    pub fn process(&self) -> Option<u32> {
        let lock = self.0.profile.path().join("profile/SingletonLock");
        let holder = std::fs::read_link(lock).ok()?;
        holder.to_str()?.rsplit_once('-')?.1.parse().ok()
    }

    /// Writes a file where the browser's user could choose it; its path.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        self.0.profile.write(name, bytes)
    }
}

impl Inner {
    /// Where downloads go.
    pub(crate) fn downloads(&self) -> &PathBuf {
        &self.downloads
    }

    /// Which browser this is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What the browser and its driver have printed, the newest lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.driver.lines()
    }

    /// Runs one command in one window; nobody else's comes between. Panics
    /// when the browser does not answer for [`PATIENCE`].
    pub(crate) async fn within<T, F>(
        &self,
        window: &WindowHandle,
        command: impl FnOnce(Client) -> F,
    ) -> Result<T, CmdError>
    where
        F: Future<Output = Result<T, CmdError>>,
    {
        let work = async {
            let _turn = self.turn_to(window).await?;
            command(self.client.clone()).await
        };
        tokio::time::timeout(PATIENCE, work).await.expect("the browser answers")
    }

    /// Closes a window.
    pub(crate) async fn close(&self, window: &WindowHandle) -> Result<(), CmdError> {
        let mut turn = self.turn_to(window).await?;
        *turn = None;
        self.client.close_window().await
    }

    async fn turn_to(
        &self,
        window: &WindowHandle,
    ) -> Result<MutexGuard<'_, Option<WindowHandle>>, CmdError> {
        let mut turn = self.turn.lock().await;
        if turn.as_ref() != Some(window) {
            self.client.switch_to_window(window.clone()).await?;
            *turn = Some(window.clone());
        }
        Ok(turn)
    }

    async fn new_window(&self, is_tab: bool) -> WindowHandle {
        let mut turn = self.turn.lock().await;
        if turn.is_none() {
            let windows = self.client.windows().await.expect("the browser answers");
            let any = windows.into_iter().next().expect("a test keeps one tab open");
            self.client.switch_to_window(any.clone()).await.expect("it was just listed");
            *turn = Some(any);
        }
        let made = self.client.new_window(is_tab).await.expect("the browser opens a tab");
        made.handle
    }
}
