//! `/bootstrap.json`: where the page is, so that it needs no configuration.
//!
//! The first relay address is the one that the page itself was reached at,
//! made from the request's `Host` header; a host that is none is refused. This
//! relay's further addresses, for native ions, come next, then other relays.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use libp2p::multiaddr::Protocol;
use node_core::network::bootstrap::{Bootstrap, VERSION};

use super::{App, host};
use crate::{address::Authority, server::Caller};

const NO_HOST: &str = "The Host header is no host name or IP address with an optional port, \
    so this relay cannot say how to reach it.\n";

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let Some(host) = host(&headers) else {
        return (StatusCode::BAD_REQUEST, NO_HOST).into_response();
    };
    let is_tls = caller.is_tls || is_public_tls(&app, &host) || is_forwarded_tls(&app, &headers);
    let mut response = Json(document(&app, &host, is_tls)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn document(app: &App, host: &Authority, is_tls: bool) -> Bootstrap {
    let mut own = vec![host.websocket(is_tls)];
    own.extend(app.listeners.offered(&host.host));
    let own = own.into_iter().map(|address| address.with(Protocol::P2p(app.peer_id)).to_string());
    Bootstrap {
        version: VERSION,
        relays: own.chain(app.relays.iter().map(ToString::to_string)).collect(),
        nebula: app.nebula.clone(),
        stun: app.listeners.stun_url(&host.host).into_iter().collect(),
        ice_servers: app.ice_servers.clone(),
    }
}

/// Whether the operator said that this host is reached by https.
fn is_public_tls(app: &App, host: &Authority) -> bool {
    app.public_url.as_ref().is_some_and(|url| url.is_tls && url.authority == *host)
}

/// Whether a trusted proxy says that the client came by https.
fn is_forwarded_tls(app: &App, headers: &HeaderMap) -> bool {
    app.trust_proxy
        && headers
            .get("x-forwarded-proto")
            .is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
}
