//! The harness itself: what it starts, it ends.

use ionosphere_tests::browser::Browser;

use crate::turn;

/// The state that the system gives a process, by its id; `None` once it is
/// gone. A dead one that nobody has looked at yet is gone as well.
fn state(process: u32) -> Option<char> {
    let about = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    about.rsplit_once(") ")?.1.chars().next().filter(|state| *state != 'Z')
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test on the real clock")]
async fn a_browser_ends_with_its_handle() {
    let _turn = turn().await;
    let browser = Browser::start().await;
    let tab = browser.open("data:text/html,<title>a</title><p data-test=word>hello</p>").await;
    let other = browser.open("data:text/html,<p data-test=word>there</p>").await;
    assert_eq!(tab.text("word").await, "hello");
    assert_eq!(other.text("word").await, "there");
    let process = browser.process().expect("a browser locks its profile");
    assert!(state(process).is_some());
    other.close().await;
    assert_eq!(tab.text("word").await, "hello");
    drop((browser, tab));
    let start = std::time::Instant::now();
    while state(process).is_some() {
        assert!(start.elapsed() < ionosphere_tests::PATIENCE, "the browser lives on");
        tokio::time::sleep(ionosphere_tests::LOOK_EVERY).await;
    }
}
