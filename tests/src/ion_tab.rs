//! A tab whose ion the test speaks to directly, as the page's own code does:
//! what is timed then is the ion and not the views. In the page it is what
//! `tests/js/ion.js` does.

use std::path::Path;

use node_core::{
    codec,
    node::{Command, data, files},
    store::kv::{Change, Key, Space},
};
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    mission,
    relay::Relay,
    tab::{Tab, query},
};

/// What the page is given.
const SCRIPT: &str = include_str!("../js/ion.js");
/// The space that is written to.
const SPACE: &str = "bench";
/// A cap that is none, in bytes a second.
const NO_CAP_BYTES: u32 = 1 << 30;
/// Bytes of a value.
const VALUE_BYTES: usize = 64;

/// Such a tab.
#[derive(Debug)]
pub struct IonTab {
    /// The tab itself.
    pub tab: Tab,
}

impl IonTab {
    /// Opens a tab and waits until its ion belongs to its nebula.
    pub async fn open(browser: &Browser, relay: &Relay) -> Self {
        Self::of(browser.open(&relay.url("/")).await).await
    }

    /// The same for a tab that can be [capped](Self::cap).
    async fn open_capped(browser: &Browser, relay: &Relay) -> Self {
        let tab = browser.open("about:blank").await;
        // Only connections that are made under some cap heed later ones.
        cap(&tab, NO_CAP_BYTES).await;
        tab.go(&relay.url("/")).await;
        Self::of(tab).await
    }

    async fn of(tab: Tab) -> Self {
        mission::joined(&tab).await;
        tab.run(SCRIPT).await;
        Self { tab }
    }

    /// Opens so many tabs, each of which is linked directly with all others.
    pub async fn open_linked(browser: &Browser, relay: &Relay, count: usize) -> Vec<Self> {
        let mut tabs = Vec::new();
        for _ in 0..count {
            tabs.push(Self::open(browser, relay).await);
        }
        link(&tabs).await;
        tabs
    }

    /// The same with tabs that can be [capped](Self::cap).
    pub async fn open_linked_capped(browser: &Browser, relay: &Relay, count: usize) -> Vec<Self> {
        let mut tabs = Vec::new();
        for _ in 0..count {
            tabs.push(Self::open_capped(browser, relay).await);
        }
        link(&tabs).await;
        tabs
    }

    /// Gives a command.
    pub async fn tell(&self, command: &Command) {
        self.call("tell", &[hex(command)]).await;
    }

    /// Gives the command to run a job; milliseconds until so many results are here.
    pub async fn job(&self, command: &Command, results: u64) -> f64 {
        let Command::RunJob { job, .. } = command else { panic!("no job: {command:?}") };
        number(&self.call("job", &[hex(command), json!(job), json!(results)]).await)
    }

    /// Writes so many small values, each after the one before is acknowledged:
    /// milliseconds of each. `run` tells runs apart.
    pub async fn put_each(&self, run: usize, count: u32) -> Vec<f64> {
        let took = self.call("putEach", &[puts(run, count)]).await;
        took.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    }

    /// Writes so many at once; when it began, in milliseconds since 1970.
    pub async fn put_all(&self, run: usize, count: u32) -> f64 {
        number(&self.call("putAll", &[puts(run, count)]).await)
    }

    /// Begins to watch for so many values of a run.
    pub async fn watch(&self, run: usize, count: u32) {
        let (space, prefix) = (Space::Members(SPACE.to_owned()), format!("{run}-"));
        let wish = data::Wish::Watch { watch: run as u64, space, prefix };
        let command = hex(&Command::Data(wish));
        self.tab.run(&format!("window.testSeen = testIon.seen({command}, {count});")).await;
    }

    /// When all were there that [`Self::watch`] is for, in milliseconds since
    /// 1970; waits for it.
    pub async fn saw_all(&self) -> f64 {
        let at = self.tab.promise("window.testSeen").await;
        number(&at.unwrap_or_else(|why| panic!("what was to be seen: {why}")))
    }

    /// Makes a file of so many bytes and brings it in as `NUMBER.bin`; how long
    /// that took, in milliseconds. Files of two numbers have no block in common.
    pub async fn bring(&self, number: u64, bytes: usize) -> f64 {
        let arguments = [import(number, bytes), json!(number), json!(bytes)];
        self::number(&self.call("bring", &arguments).await)
    }

    /// The same for a file on the machine, of that many bytes.
    pub async fn bring_chosen(&self, number: u64, file: &Path, bytes: usize) -> f64 {
        self.tab
            .run(
                "const field = document.createElement('input');
                 field.type = 'file';
                 field.dataset.test = 'test-field';
                 document.body.append(field);",
            )
            .await;
        self.tab.choose_file("test-field", file).await;
        let field = json!("[data-test=\"test-field\"]");
        let arguments = [import(number, bytes), json!(number), field];
        self::number(&self.call("bringChosen", &arguments).await)
    }

    /// Keeps a file here; milliseconds until all of it is on disk.
    pub async fn fetch(&self, number: u64) -> f64 {
        let file = self.file(number, "true").await;
        let file = file["file"].as_str().expect("a file has a name").to_owned();
        let pin = Command::Files(files::Wish::Pin { file, pinned: true });
        let took = self.call("fetch", &[hex(&pin), list(), json!(path(number))]).await;
        self::number(&took)
    }

    /// What the ion says of a file, once a JavaScript condition on it, `file`, is
    /// true: fields as in [`files::FileView`].
    pub async fn file(&self, number: u64, condition: &str) -> Value {
        let (list, path) = (list(), json!(path(number)));
        let wait = format!("testIon.file({list}, {path}, (file) => {condition})");
        self.tab.promise(&wait).await.unwrap_or_else(|why| panic!("{path}: {why}"))
    }

    /// Notes how much comes from each ion from now on.
    pub async fn watch_ions(&self) {
        self.call("watchIons", &[]).await;
    }

    /// Waits until as many ions have each sent so much in a second, in bytes, since
    /// [`Self::watch_ions`].
    pub async fn heard_much(&self, ions: usize, bytes_per_s: u64) {
        let most = "Object.values(window.testMost)";
        let heard = format!("{most}.filter((most) => most > {bytes_per_s}).length >= {ions}");
        self.tab.wait_for(&format!("much from {ions} ions"), &heard).await;
    }

    /// Gives no space to the nebula: it keeps nothing but what is pinned.
    pub async fn give_nothing(&self) {
        self.tell(&Command::Files(files::Wish::Give { mib: 0 })).await;
    }

    /// Lets the browser send no more than so many bytes a second from this tab,
    /// which was opened for that; `None` lifts it.
    pub async fn cap(&self, bytes_per_s: Option<u32>) {
        cap(&self.tab, bytes_per_s.unwrap_or(NO_CAP_BYTES)).await;
    }

    async fn call(&self, function: &str, arguments: &[Value]) -> Value {
        match self.tab.promise(&format!("testIon.{function}(...{})", json!(arguments))).await {
            Ok(answer) => answer,
            Err(why) => panic!("testIon.{function}: {why}\n{}", self.tab.describe().await),
        }
    }
}

/// Waits until each of these is linked directly with all others.
async fn link(tabs: &[IonTab]) {
    let direct = format!(
        "document.querySelectorAll(
            '[data-test=\"link-row\"][data-link=\"direct\"]').length === {}",
        tabs.len() - 1
    );
    for one in tabs {
        mission::counts_ions(&one.tab, tabs.len()).await;
        one.tab.click("nav-network").await;
        one.tab.wait_for("direct links", &direct).await;
        one.tab.click("nav-overview").await;
        one.tab.wait_for("the overview", &query("total-ions")).await;
    }
}

async fn cap(tab: &Tab, bytes_per_s: u32) {
    let conditions = json!({
        "offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_s,
    });
    tab.devtools("Network.enable", json!({})).await;
    tab.devtools("Network.emulateNetworkConditions", conditions).await;
}

fn import(number: u64, bytes: usize) -> Value {
    hex(&Command::Files(files::Wish::Import {
        import: number,
        path: path(number),
        media_type: String::new(),
        modified_ms: 0,
        bytes: bytes as u64,
    }))
}

fn path(number: u64) -> String {
    format!("{number}.bin")
}

fn list() -> Value {
    let wish = files::Wish::List {
        request: 0,
        folder: String::new(),
        deleted: false,
        after: String::new(),
    };
    hex(&Command::Files(wish))
}

fn puts(run: usize, count: u32) -> Value {
    let put = |at: u32| {
        let (space, name) = (Space::Members(SPACE.to_owned()), format!("{run}-{at}"));
        let value = Some(vec![at.to_le_bytes()[0]; VALUE_BYTES].into());
        let changes = vec![Change { key: Key { space, name }, value, lasts_ms: None }];
        hex(&Command::Data(data::Wish::Put { request: at.into(), changes }))
    };
    (0..count).map(put).collect()
}

fn hex(command: &Command) -> Value {
    Value::from(hex::encode(codec::encode(command)))
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a time is a number")
}
