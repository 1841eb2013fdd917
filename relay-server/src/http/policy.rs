//! The headers that isolate the page: which scripts run, where they may
//! connect, who may embed what.
//!
//! COOP and COEP make the page cross-origin isolated, which gives it
//! `SharedArrayBuffer`; the content security policy allows this site's own
//! files, WebAssembly, and `WebSocket` connections to the relays that the page is told of.

use axum::http::{
    HeaderMap, HeaderValue,
    header::{self, HeaderName},
};
use libp2p::Multiaddr;

use crate::address::{Authority, websocket_origin};

const FIXED: [(HeaderName, &str); 5] = [
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Adds the headers to an answer for this host.
pub(super) fn apply(headers: &mut HeaderMap, host: Option<&Authority>, relays: &[Multiaddr]) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Hosts and addresses were checked; what has no header form allows less.
    let policy = HeaderValue::from_str(&content_policy(host, relays))
        .unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
}

fn content_policy(host: Option<&Authority>, relays: &[Multiaddr]) -> String {
    // Older browsers do not count WebSockets to the same host as 'self'.
    let own = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    let others = relays
        .iter()
        .filter_map(websocket_origin)
        .fold(String::new(), |list, one| list + " " + &one);
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
         style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; \
         manifest-src 'self'; connect-src 'self'{own}{others}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_go_to_this_host_and_the_configured_relays() {
        let host = "pi.local:8080".parse().expect("it is a host");
        let relay =
            "/dns4/a.example/tcp/443/wss/p2p/12D3KooWQCkBm1BYtkHpocxCwMgR8yjitEeHGx8spzcDLGt2gkBm";
        let relays = relay.parse().into_iter().collect::<Vec<_>>();
        let policy = content_policy(Some(&host), &relays);
        let connect = "connect-src 'self' ws://pi.local:8080 wss://pi.local:8080";
        assert!(policy.contains(connect), "{policy}");
        assert_eq!(policy.contains(" wss://a.example:443"), !relays.is_empty(), "{policy}");
        assert!(content_policy(None, &[]).contains("connect-src 'self';"));
        assert!(!policy.contains("unsafe-inline"));
    }
}
