//! Accepts TCP connections, encrypts them where asked, and speaks HTTP/1.1.
//!
//! Bounds: connections in all and for one address ([`Census`]),
//! [`HANDSHAKE_MAX`] for TLS, [`HEADERS_MAX`] for a request's head (and for an
//! idle connection), [`HEAD_BYTES_MAX`] for its length.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::{
    census::{Census, Ticket},
    metrics::Metrics,
};

/// How long a TLS handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long a client may take to send a request's head.
const HEADERS_MAX: Duration = Duration::from_secs(30);
/// A request's head, in bytes.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// How long connections may take to finish when the relay stops.
const GOODBYE_MAX: Duration = Duration::from_secs(2);
/// How long to wait when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who asks: goes along with every request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) is_tls: bool,
    pub(crate) ticket: Arc<Ticket>,
}

/// What the server works with.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) router: Router,
    pub(crate) census: Census,
    pub(crate) metrics: Metrics,
}

impl Server {
    /// Serves until `stop` turns true, then lets open requests finish.
    pub(crate) async fn run(self, stop: watch::Receiver<bool>) {
        let mut asked = pin!(crate::asked_to_stop(stop.clone()));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, remote)) => {
                        self.admit(&mut connections, socket, canonical(remote), &stop);
                    },
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = &mut asked => break,
            }
            let open = i64::try_from(connections.len()).unwrap_or(i64::MAX);
            self.metrics.http_connections.set(open);
        }
        drop(self.listener);
        let all_done = async { while connections.join_next().await.is_some() {} };
        // Whoever is still busy then is cut off.
        let _ = timeout(GOODBYE_MAX, all_done).await;
    }

    fn admit(
        &self,
        connections: &mut JoinSet<()>,
        socket: TcpStream,
        remote: SocketAddr,
        stop: &watch::Receiver<bool>,
    ) {
        let Some(ticket) = self.census.admit(remote.ip()) else {
            self.metrics.http_connections_refused.inc();
            tracing::debug!(%remote, "refused: too many connections, in all or from this address");
            return;
        };
        let Ok(local) = socket.local_addr() else { return };
        let is_tls = self.tls.is_some();
        let caller = Caller { remote, local: canonical(local), is_tls, ticket: Arc::new(ticket) };
        let (tls, router, stop) = (self.tls.clone(), self.router.clone(), stop.clone());
        connections.spawn(converse(socket, tls, router, caller, stop));
    }
}

/// An IPv4 address that came through an IPv6 socket, as what it is.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// One connection from its first byte to its last, or to its upgrade.
async fn converse(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    caller: Caller,
    stop: watch::Receiver<bool>,
) {
    // Without it small messages wait for others; it only makes them slower.
    let _ = socket.set_nodelay(true);
    let Some(tls) = tls else { return speak_http(socket, router, caller, stop).await };
    match timeout(HANDSHAKE_MAX, tls.accept(socket)).await {
        Ok(Ok(socket)) => speak_http(socket, router, caller, stop).await,
        Ok(Err(error)) => tracing::debug!(remote = %caller.remote, %error, "no TLS"),
        Err(_) => tracing::debug!(remote = %caller.remote, "the TLS handshake took too long"),
    }
}

async fn speak_http(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    caller: Caller,
    stop: watch::Receiver<bool>,
) {
    let remote = caller.remote;
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(caller.clone());
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = crate::asked_to_stop(stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%remote, %error, "an http connection failed");
    }
}
