//! What is answered over HTTP, and the way in for `WebSocket` connections.
//!
//! `/` serves the page, or opens a WebSocket where the request asks for one;
//! `/bootstrap.json` tells the page where it is; `/healthz` and `/metrics` are
//! for operators; everything else is the site. Every answer carries the headers
//! that isolate the page ([`policy`]). Only GET and HEAD, no bodies, no cookies,
//! no logs of who asked.

mod bootstrap;
mod hosts;
mod policy;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Extension, Router,
    extract::{
        Request, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{self, HeaderName},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use libp2p::{Multiaddr, PeerId, metrics::Registry};
use node_core::network::bootstrap::IceServer;
use tokio::sync::mpsc::OwnedPermit;

use crate::{
    address::{Authority, PublicUrl},
    listeners::Listeners,
    metrics::{self, Metrics},
    server::Caller,
    site::{self, File, Site},
    websocket::{Arrival, Door, MESSAGE_BYTES_MAX, WRITE_BYTES_MAX},
};

/// What of the socket's output waits in memory at most, in bytes.
const OUTPUT_BYTES_MAX: usize = 8 * WRITE_BYTES_MAX;

const NO_SITE: &str = "This relay was built without its site, so there is no page to show. \
    `cargo xtask up` builds both and starts the relay.\n";
const NOT_FOUND: &str = "There is no such file here. The page is at /\n";
const BUSY: &str = "Too many ions are just joining. Try again in a moment.\n";

const OTHER_HOST: &str = "This relay listens on this machine only and does not answer for the host \
    that was asked for. Name it with --public-url or --allow-host if it is this relay's.\n";

pub(crate) use hosts::Hosts;

/// What the answers are made from.
pub(crate) struct App {
    pub(crate) site: Site,
    pub(crate) peer_id: PeerId,
    pub(crate) nebula: Option<String>,
    pub(crate) relays: Vec<Multiaddr>,
    pub(crate) hosts: Hosts,
    pub(crate) listeners: Listeners,
    pub(crate) ice_servers: Vec<IceServer>,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) trust_proxy: bool,
    pub(crate) door: Door,
    pub(crate) metrics: Metrics,
    pub(crate) registry: Registry,
}

/// The routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(root))
        .route("/bootstrap.json", get(bootstrap::answer))
        .route("/healthz", get(health))
        .route("/metrics", get(show_metrics))
        .route("/{*path}", get(page))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), finish))
        .with_state(app)
}

type WebSocketRequest = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

async fn root(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    upgrade: WebSocketRequest,
) -> Response {
    let wants_upgrade = headers
        .get(header::UPGRADE)
        .is_some_and(|wanted| wanted.as_bytes().eq_ignore_ascii_case(b"websocket"));
    match upgrade {
        _ if !wants_upgrade => serve(&app.site, "/", &headers),
        Ok(upgrade) => open_websocket(&app, upgrade, caller, &headers),
        Err(rejection) => rejection.into_response(),
    }
}

/// Hands the socket to libp2p once it is one.
fn open_websocket(
    app: &App,
    upgrade: WebSocketUpgrade,
    caller: Caller,
    headers: &HeaderMap,
) -> Response {
    let Ok(place) = app.door.clone().try_reserve_owned() else {
        app.metrics.websockets_refused.inc();
        return (StatusCode::SERVICE_UNAVAILABLE, BUSY).into_response();
    };
    let remote = remote_address(caller.remote, headers, app.trust_proxy);
    app.metrics.websockets.inc();
    upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .max_write_buffer_size(OUTPUT_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            let Caller { local, is_tls, ticket, .. } = caller;
            let _: Door =
                OwnedPermit::send(place, Arrival { socket, local, remote, is_tls, ticket });
        })
}

/// The address of who asks, which behind a trusted proxy is the last that the
/// proxy added.
fn remote_address(direct: SocketAddr, headers: &HeaderMap, trust_proxy: bool) -> SocketAddr {
    let forwarded = || {
        let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        last.rsplit(',').next()?.trim().parse::<IpAddr>().ok()
    };
    match trust_proxy.then(forwarded).flatten() {
        Some(ip) => SocketAddr::new(ip, direct.port()),
        None => direct,
    }
}

async fn page(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    serve(&app.site, uri.path(), &headers)
}

/// A file of the site, in the form that the client takes.
fn serve(site: &Site, path: &str, headers: &HeaderMap) -> Response {
    match site.find(path) {
        Some((path, file)) => serve_file(path, file, headers),
        None if site.is_empty() && !path.rsplit('/').any(|part| part.contains('.')) => {
            (StatusCode::SERVICE_UNAVAILABLE, NO_SITE).into_response()
        }
        None => (StatusCode::NOT_FOUND, NOT_FOUND).into_response(),
    }
}

fn serve_file(path: &str, file: &File, headers: &HeaderMap) -> Response {
    let accepted = text(headers, &header::ACCEPT_ENCODING);
    let (encoding, bytes) = file.choose(&accepted);
    let tag = format!("\"{}{}\"", file.hash, encoding.header().unwrap_or_default());
    let is_known = is_named(&text(headers, &header::IF_NONE_MATCH), &tag);
    let caching =
        if site::is_hashed(path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let media = [(header::CONTENT_TYPE, site::content_type(path))];
        (media, bytes.clone()).into_response()
    };
    let answered = response.headers_mut();
    answered.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    answered.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answered.insert(header::ETAG, tag);
    }
    if let Some(encoding) = encoding.header().filter(|_| !is_known) {
        answered.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// All values of a header, joined by commas; empty where it is missing.
fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}

/// Whether `If-None-Match` names this tag.
fn is_named(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

async fn health(State(app): State<Arc<App>>) -> Response {
    if app.door.is_closed() {
        (StatusCode::SERVICE_UNAVAILABLE, "the network part has stopped\n").into_response()
    } else {
        "ok\n".into_response()
    }
}

async fn show_metrics(State(app): State<Arc<App>>) -> Response {
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, media)], metrics::text(&app.registry)).into_response()
}

/// Refuses hosts that are not this relay's; adds what every answer carries,
/// and counts it.
async fn finish(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let host = host(request.headers());
    let is_given = request.headers().contains_key(header::HOST);
    let mut response = if app.hosts.admit(host.as_ref(), is_given) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, OTHER_HOST).into_response()
    };
    policy::apply(response.headers_mut(), host.as_ref(), &app.relays);
    app.metrics.answered(response.status());
    response
}

/// The host that the client asked for; none if it is no valid one.
fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(header::HOST)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_tells_the_address() {
        let direct: SocketAddr = "127.0.0.1:5".parse().expect("it is an address");
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_static("6.6.6.6, 10.0.0.7");
        headers.insert("x-forwarded-for", value);
        assert_eq!(remote_address(direct, &headers, false), direct);
        assert_eq!(remote_address(direct, &headers, true).to_string(), "10.0.0.7:5");
        headers.insert("x-forwarded-for", HeaderValue::from_static("nonsense"));
        assert_eq!(remote_address(direct, &headers, true), direct);
    }

    #[test]
    fn tags_are_compared_weakly() {
        assert!(is_named("\"a\", W/\"b\"", "\"b\""));
        assert!(is_named("*", "\"b\""));
        assert!(!is_named("\"ab\"", "\"b\""));
    }
}
