//! A relay's address, from text.
//!
//! It reads what relays are reached by, and refuses all else: the library's own reader
//! knows every protocol there is, and every base that a hash may be written in, which each
//! tab would download. Specification: multiaddr; of multibase only base64url.

use data_encoding::BASE64URL_NOPAD;
use libp2p::{Multiaddr, core::multihash::Multihash, multiaddr::Protocol};

/// The address that a text is; `None` where it is none, or none of a relay.
pub(super) fn read(text: &str) -> Option<Multiaddr> {
    let mut parts = text.strip_prefix('/')?.split('/');
    let mut address = Multiaddr::empty();
    while let Some(name) = parts.next() {
        address.push(protocol(name, &mut parts)?);
    }
    Some(address)
}

/// The protocol of that name, with its value where it has one.
fn protocol<'a>(name: &str, values: &mut impl Iterator<Item = &'a str>) -> Option<Protocol<'a>> {
    let plain = match name {
        "ws" => Protocol::Ws("/".into()),
        "wss" => Protocol::Wss("/".into()),
        "tls" => Protocol::Tls,
        "quic-v1" => Protocol::QuicV1,
        "webrtc-direct" => Protocol::WebRTCDirect,
        _ => return valued(name, values.next()?),
    };
    Some(plain)
}

fn valued<'a>(name: &str, value: &'a str) -> Option<Protocol<'a>> {
    Some(match name {
        "ip4" => Protocol::Ip4(value.parse().ok()?),
        "ip6" => Protocol::Ip6(value.parse().ok()?),
        "dns" => Protocol::Dns(value.into()),
        "dns4" => Protocol::Dns4(value.into()),
        "dns6" => Protocol::Dns6(value.into()),
        "sni" => Protocol::Sni(value.into()),
        "tcp" => Protocol::Tcp(value.parse().ok()?),
        "udp" => Protocol::Udp(value.parse().ok()?),
        "p2p" => Protocol::P2p(value.parse().ok()?),
        "certhash" => {
            let hash = BASE64URL_NOPAD.decode(value.strip_prefix('u')?.as_bytes()).ok()?;
            Protocol::Certhash(Multihash::from_bytes(&hash).ok()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWMvyvKxYcy9mjbFbXcogFSCvENzQ62ogRxHKZaksFCkAp";
    const HASH: &str = "uEiDxDPBEMfH7j3t7ItBhLnkqNmtKvHH4SGlmEbCwmDDlVw";

    #[test]
    fn addresses_of_relays_are_read_as_the_library_reads_them() {
        for way in [
            "/ip4/127.0.0.1/tcp/4001/ws",
            "/ip6/2001:db8::1/tcp/4001/wss",
            "/ip4/10.0.0.1/tcp/4001",
            "/ip4/10.0.0.1/udp/4001/quic-v1",
            "/dns/relay.example/tcp/443/tls/ws",
            "/dns4/relay.example/tcp/443/tls/sni/relay.example/ws",
            "/dns6/relay.example/udp/4001/quic-v1",
            &format!("/ip4/10.0.0.1/udp/4002/webrtc-direct/certhash/{HASH}"),
        ] {
            let text = format!("{way}/p2p/{PEER}");
            let own = read(&text);
            assert!(own.is_some() && own == text.parse().ok(), "{text}: {own:?}");
        }
    }

    #[test]
    fn what_is_no_relays_address_is_refused() {
        for text in [
            "",
            "/",
            "ip4/127.0.0.1/tcp/1",
            "/ip4/127.0.0.1/tcp",
            "/ip4/127.0.0.256/tcp/1",
            "/ip4/127.0.0.1/tcp/65536",
            "/ip4/127.0.0.1/tcp/1/",
            "/dns4/relay.example/tcp/1/p2p/nobody",
            "/ip4/127.0.0.1/udp/1/webrtc-direct/certhash/uEiD",
            "/onion/aaimaq4ygg2iegci:80",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
