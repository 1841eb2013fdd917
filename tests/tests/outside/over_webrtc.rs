//! A relay that tabs reach over WebRTC, to an address with the hash of its
//! certificate: it needs no domain and no https, whatever page they came from.

use ionosphere_tests::{
    browser::Browser, changed_site::ChangedSite, mission, relay::Relay, tab::Tab,
};
use node_core::network::bootstrap::Bootstrap;

use crate::turn;

/// The relay's address for `WebRTC`.
fn over_webrtc(document: &Bootstrap) -> String {
    let mut addresses = document.relays.iter();
    let found = addresses.find(|address| address.contains("/webrtc-direct/certhash/"));
    found.expect("the relay names the address").clone()
}

/// A relay, and a site apart from it that names only these addresses of it.
async fn relay_and_site(addresses: impl Fn(&Bootstrap) -> Vec<String>) -> (Relay, ChangedSite) {
    let relay = Relay::start_with(&["--listen-webrtc", "127.0.0.1:0"]);
    let site = ChangedSite::open(relay.http()).await;
    let document = relay.document().await;
    let relays = addresses(&document);
    site.tell(&Bootstrap { relays, ..document });
    (relay, site)
}

async fn two_tabs_of(site: &ChangedSite, browser: &Browser) -> (Tab, Tab) {
    let first = browser.open(&site.url("/")).await;
    let second = browser.open(&site.url("/")).await;
    for tab in [&first, &second] {
        mission::joined(tab).await;
        mission::counts_ions(tab, 2).await;
    }
    (first, second)
}

/// The address by which a tab reaches its one relay.
async fn relay_of(tab: &Tab) -> String {
    tab.click("nav-network").await;
    let row = "document.querySelector('[data-test=\"relay-row\"][data-connected=true] code')";
    let address = tab.wait_for("a relay that is connected", &format!("{row}?.textContent")).await;
    address.as_str().expect("an address is text").to_owned()
}

#[tokio::test]
async fn two_tabs_join_over_webrtc_alone_and_run_a_job() {
    let _turn = turn().await;
    let (relay, site) = relay_and_site(|document| vec![over_webrtc(document)]).await;
    let browser = Browser::start().await;
    let (first, second) = two_tabs_of(&site, &browser).await;
    mission::run_shared(&first, "mandelbrot", 2).await;
    assert_eq!(mission::ended(&first).await, "finished", "{}", first.describe().await);
    mission::shared_by(&first, 2).await;
    let address = over_webrtc(&relay.document().await);
    for tab in [&first, &second] {
        assert_eq!(relay_of(tab).await, address);
    }
}

#[tokio::test]
async fn a_tab_whose_websocket_leads_nowhere_takes_webrtc() {
    let _turn = turn().await;
    let (_relay, site) = relay_and_site(|document| {
        let address = over_webrtc(document);
        let (_, peer) = address.rsplit_once("/p2p/").expect("it names the relay");
        // Nothing listens on the port for discarding.
        vec![address.clone(), format!("/ip4/127.0.0.1/tcp/9/ws/p2p/{peer}")]
    })
    .await;
    let browser = Browser::start().await;
    let (first, _second) = two_tabs_of(&site, &browser).await;
    assert!(relay_of(&first).await.contains("/webrtc-direct/"));
}
