//! What is served, with which headers, and what is refused.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use libp2p::{Multiaddr, multiaddr::Protocol};
use node_core::{identity::Invitation, network::bootstrap::Bootstrap};
use relay_server::{Config, Site, config::Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::support::{Folder, ask, get, is_served, settings, start};

#[tokio::test]
async fn the_page_comes_in_the_form_that_the_browser_takes() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let plain = get(&relay, "/", &[]).await;
    assert_eq!((plain.status, plain.body.as_str()), (200, "<p>page</p>"));
    assert_eq!(plain.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(plain.header("cache-control"), "no-cache");
    assert_eq!(plain.header("content-encoding"), "");
    for (accepted, encoding) in [("br, gzip", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip")] {
        let packed = get(&relay, "/", &[&format!("Accept-Encoding: {accepted}")]).await;
        assert_eq!(packed.header("content-encoding"), encoding, "{accepted}");
        assert_eq!(packed.header("vary"), "accept-encoding");
        assert_ne!(packed.header("etag"), plain.header("etag"));
    }
}

#[tokio::test]
async fn the_page_is_isolated_and_the_policy_is_strict() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    for path in ["/", "/missing.js", "/bootstrap.json"] {
        let answer = get(&relay, path, &[]).await;
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-embedder-policy"), "require-corp");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"));
        assert!(policy.contains(&format!("ws://{}", relay.http)), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
    }
}

#[tokio::test]
async fn a_host_cannot_write_into_the_policy() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let host = "Host: a;script-src *";
    let answer = ask(relay.http, "GET /", &[host]).await;
    assert!(!answer.header("content-security-policy").contains("script-src *"));
}

#[tokio::test]
async fn hashed_files_are_kept_for_ever_and_others_asked_for_again() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let wasm = get(&relay, "/ion-0123456789abcdef_bg.wasm", &["Accept-Encoding: br"]).await;
    assert_eq!(wasm.header("content-type"), "application/wasm");
    assert_eq!(wasm.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(wasm.body, "as brotli");
    let icon = get(&relay, "/icon.svg", &[]).await;
    assert_eq!(icon.header("content-type"), "image/svg+xml");
    let known = format!("If-None-Match: {}", icon.header("etag"));
    let again = get(&relay, "/icon.svg", &[&known]).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let other = get(&relay, "/icon.svg", &["If-None-Match: \"other\""]).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn routes_get_the_page_and_other_requests_a_refusal() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    assert_eq!(get(&relay, "/jobs/17", &[]).await.body, "<p>page</p>");
    for path in ["/missing.js", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/a/b.wasm"] {
        assert_eq!(get(&relay, path, &[]).await.status, 404, "{path}");
    }
    let host = format!("Host: {}", relay.http);
    let head = ask(relay.http, "HEAD /", &[&host]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    for method in ["POST", "PUT", "DELETE"] {
        let refused = ask(relay.http, &format!("{method} /"), &[&host]).await;
        assert_eq!(refused.status, 405, "{method}");
    }
}

#[tokio::test]
async fn without_a_site_the_relay_says_so() {
    let folder = Folder::new();
    let config = Config::new(settings(&folder)).expect("the settings are valid");
    let relay = relay_server::start(config, Site::default()).await.expect("it starts");
    for path in ["/", "/jobs"] {
        let answer = get(&relay, path, &[]).await;
        assert_eq!(answer.status, 503);
        assert!(answer.body.contains("cargo xtask up"), "{}", answer.body);
    }
    assert_eq!(get(&relay, "/a.js", &[]).await.status, 404);
    assert_eq!(get(&relay, "/bootstrap.json", &[]).await.status, 200);
}

#[tokio::test]
async fn the_page_is_told_the_address_that_it_came_from() {
    let folder = Folder::new();
    let everywhere = Some(SocketAddr::from(([0, 0, 0, 0], 0)));
    let mut relay = start(Settings { listen: everywhere, ..settings(&folder) }).await;
    relay.http.set_ip([127, 0, 0, 1].into());
    let cases = [
        ("192.168.1.20", "/ip4/192.168.1.20/tcp/80/ws"),
        ("[::1]:9", "/ip6/::1/tcp/9/ws"),
        ("LOCALHOST:9", "/dns4/localhost/tcp/9/ws"),
        ("pi.local:8080", "/dns4/pi.local/tcp/8080/ws"),
    ];
    for (host, address) in cases {
        let answer = ask(relay.http, "GET /bootstrap.json", &[&format!("Host: {host}")]).await;
        let read = Bootstrap::read(answer.body.as_bytes()).expect("it is a bootstrap document");
        assert_eq!(read.relays[0], format!("{address}/p2p/{}", relay.peer_id), "{host}");
        let invitation = read.nebula.as_deref().map(Invitation::decode);
        assert!(invitation.is_some_and(|read| read.is_ok_and(|read| read.is_open)));
    }
    for host in ["", "a b", "a/b", "[::1", "1.2.3.4.5", "x:99999", "ä", "a\"b"] {
        let answer = ask(relay.http, "GET /bootstrap.json", &[&format!("Host: {host}")]).await;
        assert_eq!(answer.status, 400, "{host}");
    }
}

/// What listens for this machine only is told to this machine only.
#[tokio::test]
async fn the_other_ways_in_are_told_too() {
    let folder = Folder::new();
    let turn = "turn:turn.example:3478 me secret".to_owned();
    let relay = start(Settings { ice_server: vec![turn], ..settings(&folder) }).await;
    let answer = ask(relay.http, "GET /bootstrap.json", &["Host: localhost:9"]).await;
    let read = Bootstrap::read(answer.body.as_bytes()).expect("it is a bootstrap document");
    let port = |address: &Option<Multiaddr>| {
        let address = address.as_ref().expect("it is on");
        address.iter().find_map(|part| match part {
            Protocol::Tcp(port) | Protocol::Udp(port) => Some(port),
            _ => None,
        })
    };
    let id = relay.peer_id;
    let (tcp, quic) = (port(&relay.tcp).expect("one"), port(&relay.quic).expect("one"));
    let own = [
        format!("/dns4/localhost/tcp/9/ws/p2p/{id}"),
        format!("/dns4/localhost/udp/{quic}/quic-v1/p2p/{id}"),
        format!("/dns4/localhost/tcp/{tcp}/p2p/{id}"),
    ];
    assert_eq!(read.relays, own);
    let stun = relay.stun.expect("it is on").port();
    assert_eq!(read.stun, [format!("stun:localhost:{stun}")]);
    let servers = read.all_ice_servers();
    assert_eq!(servers[1].username.as_deref(), Some("me"));
    assert_eq!(servers.len(), 2);
}

#[tokio::test]
async fn stun_tells_who_asks_its_address_and_nothing_to_noise() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("there is a port");
    let stun = relay.stun.expect("it is on");
    socket.send_to(&[0xff; 2_000], stun).await.expect("it is sent");
    let request = b"\0\x01\0\0\x21\x12\xa4\x42twelve bytes";
    socket.send_to(request, stun).await.expect("it is sent");
    let mut answer = [0; 100];
    let received = tokio::time::timeout(Duration::from_secs(30), socket.recv_from(&mut answer));
    let (length, from) = received.await.expect("it answers").expect("it is received");
    assert_eq!((length, from), (32, stun));
    assert_eq!(answer[..20], *b"\x01\x01\0\x0c\x21\x12\xa4\x42twelve bytes");
    let port = u16::from_be_bytes([answer[26] ^ 0x21, answer[27] ^ 0x12]);
    let ip = [answer[28] ^ 0x21, answer[29] ^ 0x12, answer[30] ^ 0xa4, answer[31] ^ 0x42];
    let seen = SocketAddr::from((ip, port));
    assert_eq!(seen, socket.local_addr().expect("it has one"));
    let metrics = get(&relay, "/metrics", &[]).await.body;
    assert!(metrics.contains("ionosphere_relay_stun_answers_total 1"), "{metrics}");
}

#[tokio::test]
async fn only_a_trusted_proxy_makes_addresses_secure() {
    let folders = [Folder::new(), Folder::new()];
    for (folder, is_trusted) in folders.iter().zip([false, true]) {
        let relay = start(Settings { trust_proxy: Some(is_trusted), ..settings(folder) }).await;
        let answer = get(&relay, "/bootstrap.json", &["X-Forwarded-Proto: https"]).await;
        assert_eq!(answer.body.contains("/wss/p2p/"), is_trusted, "{}", answer.body);
    }
}

/// A page of elsewhere whose name leads to 127.0.0.1 learns nothing.
#[tokio::test]
async fn a_private_relay_answers_for_its_own_names_only() {
    let folder = Folder::new();
    let settings = Settings {
        public_url: Some("https://relay.example".to_owned()),
        allow_host: vec!["pi.local".to_owned()],
        ..settings(&folder)
    };
    let relay = start(settings).await;
    for host in ["localhost:1", "127.0.0.1", "relay.example", "pi.local:80", "[::1]"] {
        let answer = ask(relay.http, "GET /bootstrap.json", &[&format!("Host: {host}")]).await;
        assert_eq!(answer.status, 200, "{host}");
    }
    for path in ["/bootstrap.json", "/", "/metrics", "/healthz", "/missing.js"] {
        for host in ["evil.example", "10.0.0.1:8080", "-a.example", "a b"] {
            let answer = ask(relay.http, &format!("GET {path}"), &[&format!("Host: {host}")]).await;
            assert_eq!(answer.status, 421, "{host}{path}");
            assert!(answer.body.contains("--allow-host"), "{}", answer.body);
        }
    }
    let upgrade = [
        "Host: evil.example",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    assert_eq!(ask(relay.http, "GET /", &upgrade).await.status, 421);
}

#[tokio::test]
async fn other_relays_and_no_open_nebula_when_so_configured() {
    let folder = Folder::new();
    let other = "/dns4/other.example/tcp/443/wss/p2p/\
        12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
    let settings = Settings {
        open_nebula: Some(false),
        relay: vec![other.to_owned()],
        public_url: Some("https://relay.example".to_owned()),
        ..settings(&folder)
    };
    let relay = start(settings).await;
    let answer = ask(relay.http, "GET /bootstrap.json", &["Host: relay.example"]).await;
    let read = Bootstrap::read(answer.body.as_bytes()).expect("it is a bootstrap document");
    assert_eq!(read.nebula, None);
    let own = format!("/dns4/relay.example/tcp/443/wss/p2p/{}", relay.peer_id);
    assert_eq!(read.relays, [own, other.to_owned()]);
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("wss://other.example:443"), "{policy}");
}

#[tokio::test]
async fn operators_see_health_and_counts() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    assert_eq!(get(&relay, "/healthz", &[]).await.body, "ok\n");
    let metrics = get(&relay, "/metrics", &[]).await;
    let counted = "ionosphere_relay_http_answers_total{class=\"2xx\"} 1";
    assert!(metrics.body.contains(counted), "{}", metrics.body);
    assert!(metrics.body.contains("ionosphere_relay_reservations 0"));
    assert!(metrics.body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn connections_from_one_address_are_bounded() {
    let folder = Folder::new();
    let relay = start(Settings { max_connections_per_address: Some(2), ..settings(&folder) }).await;
    let _first = TcpStream::connect(relay.http).await.expect("there is room");
    let second = TcpStream::connect(relay.http).await.expect("there is room");
    let mut third = TcpStream::connect(relay.http).await.expect("the system accepts it");
    // A refused connection ends before anything was asked.
    let read = third.read(&mut [0; 1]).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    drop(second);
    // The place is free as soon as the relay has noticed.
    while !is_served(relay.http).await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_certificate_of_its_own_serves_https() {
    let folder = Folder::new();
    let relay = start(Settings { tls_self_made: Some(true), ..settings(&folder) }).await;
    assert!(relay.url.starts_with("https://127.0.0.1:"), "{}", relay.url);
    let pem = folder.0.join("data/tls/certificate.pem");
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(pem).expect("it is a certificate");
    roots.add(certificate).expect("it can be trusted");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the versions are known")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(relay.http).await.expect("the relay accepts");
    let name = ServerName::try_from("localhost").expect("it is a name");
    let mut socket = TlsConnector::from(Arc::new(client))
        .connect(name, socket)
        .await
        .expect("the certificate names this machine");
    let request = b"GET /bootstrap.json HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n";
    socket.write_all(request).await.expect("the request is sent");
    let mut answer = Vec::new();
    // Not every server says goodbye in TLS too.
    let _ = socket.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("/dns4/localhost/tcp/1/wss/p2p/"), "{answer}");
}
