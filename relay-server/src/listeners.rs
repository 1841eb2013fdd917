//! Where the relay listens beside HTTP, and what it says of that.
//!
//! A listener that the operator asked for by name must open. One that is only
//! there by default and finds its port taken is left off with a warning: the
//! relay works without it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket},
};

use libp2p::{Multiaddr, Swarm, multiaddr::Protocol};

use crate::{
    Error,
    address::Host,
    config::{Config, Place},
    swarm::{self, Behaviour},
    webrtc::Certhash,
    websocket,
};

/// What is open, by the socket addresses that the system gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listeners {
    pub(crate) tcp: Option<SocketAddr>,
    pub(crate) quic: Option<SocketAddr>,
    /// With the hash of the certificate.
    pub(crate) webrtc: Option<(SocketAddr, Certhash)>,
    pub(crate) stun: Option<SocketAddr>,
}

/// Opens the libp2p listeners and says under which addresses others reach
/// them. The socket for STUN comes along.
pub(crate) async fn open(
    swarm: &mut Swarm<Behaviour>,
    config: &Config,
    http: SocketAddr,
    certificate: Option<Certhash>,
) -> Result<(Listeners, Option<tokio::net::UdpSocket>), Error> {
    swarm::listen(swarm, websocket::multiaddr(http, config.tls.is_on())).await?;
    let tcp = match config.listen_tcp {
        Some(address) => Some(open_tcp(swarm, address).await?),
        None => None,
    };
    let quic = match usable(config.listen_quic, "--listen-quic")? {
        Some(address) => Some(listen(swarm, quic(address.ip(), address.port())).await?),
        None => None,
    };
    let webrtc = match usable(config.listen_webrtc, "--listen-webrtc")?.zip(certificate) {
        Some((address, hash)) => {
            Some((listen(swarm, webrtc(address.ip(), address.port())).await?, hash))
        }
        None => None,
    };
    let (socket, stun) = match usable(config.listen_stun, "--listen-stun")? {
        Some(address) => open_stun(address).map(|(socket, stun)| (Some(socket), Some(stun)))?,
        None => (None, None),
    };
    let listeners = Listeners { tcp, quic, webrtc, stun };
    for address in listeners.external(config, http) {
        swarm.add_external_address(address);
    }
    Ok((listeners, socket))
}

/// The library wraps its errors; asking the system first gives a clear one.
async fn open_tcp(swarm: &mut Swarm<Behaviour>, address: SocketAddr) -> Result<SocketAddr, Error> {
    let flag = "--listen-tcp";
    TcpListener::bind(address).map_err(|reason| Error::Listen { address, flag, reason })?;
    listen(swarm, tcp(address.ip(), address.port())).await
}

/// A UDP address that can be listened on. None where it is off, or where
/// nobody asked for it and its port is taken.
fn usable(place: Option<Place>, flag: &'static str) -> Result<Option<SocketAddr>, Error> {
    let Some(Place { address, is_asked_for }) = place else { return Ok(None) };
    match UdpSocket::bind(address) {
        Ok(_) => Ok(Some(address)),
        Err(reason) if is_asked_for => Err(Error::Listen { address, flag, reason }),
        Err(reason) => {
            tracing::warn!(%address, flag, %reason, "not listening there; choose another place");
            Ok(None)
        }
    }
}

/// Opens a libp2p listener; the socket address that it got, of the address
/// that was asked for.
async fn listen(swarm: &mut Swarm<Behaviour>, wanted: Multiaddr) -> Result<SocketAddr, Error> {
    let ip = crate::address::ip(&wanted);
    let opened = swarm::listen(swarm, wanted).await?;
    let port = opened.iter().find_map(|part| match part {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(port),
        _ => None,
    });
    let bound = ip.zip(port).map(SocketAddr::from);
    bound.ok_or_else(|| Error::Network(format!("{opened} names no address and port")))
}

fn open_stun(address: SocketAddr) -> Result<(tokio::net::UdpSocket, SocketAddr), Error> {
    let open = || {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        let bound = socket.local_addr()?;
        Ok::<_, io::Error>((socket, bound))
    };
    open().map_err(|reason| Error::Listen { address, flag: "--listen-stun", reason })
}

impl Listeners {
    /// The addresses beside the WebSocket one for who reaches the relay at
    /// this host: for tabs first, then for native ions. What listens on this
    /// machine only is told to this machine only.
    pub(crate) fn offered(&self, host: &Host) -> Vec<Multiaddr> {
        let offered = |at: Option<SocketAddr>| at.filter(|at| is_reached_at(at.ip(), host));
        let with_host = |address: Multiaddr| {
            let rest = address.iter().skip(1);
            rest.fold(Multiaddr::from(host.protocol()), Multiaddr::with)
        };
        let quic = offered(self.quic).map(|at| with_host(quic(at.ip(), at.port())));
        let tcp = offered(self.tcp).map(|at| with_host(tcp(at.ip(), at.port())));
        self.webrtc_at(host).into_iter().chain(quic).chain(tcp).collect()
    }

    /// Browsers resolve no names there, so that it is always an IP address: the
    /// one that was asked, or that of this machine.
    fn webrtc_at(&self, host: &Host) -> Option<Multiaddr> {
        let (at, hash) = self.webrtc.filter(|(at, _)| is_reached_at(at.ip(), host))?;
        let ip = match host {
            Host::V4(v4) => IpAddr::V4(*v4),
            Host::V6(v6) => IpAddr::V6(*v6),
            Host::Name(_) if host.is_loopback() && at.ip().is_unspecified() => loopback(at.ip()),
            Host::Name(_) => crate::reachable(at.ip()),
        };
        // A socket for one family hears nothing of the other.
        (ip.is_ipv4() == at.is_ipv4()).then(|| with_hash(webrtc(ip, at.port()), hash))
    }

    /// The STUN server's URL for who reaches the relay at this host.
    pub(crate) fn stun_url(&self, host: &Host) -> Option<String> {
        let at = self.stun.filter(|at| is_reached_at(at.ip(), host))?;
        Some(format!("stun:{host}:{}", at.port()))
    }

    /// Where libp2p over TCP is reached by others.
    pub(crate) fn tcp_address(&self) -> Option<Multiaddr> {
        self.tcp.map(|at| tcp(crate::reachable(at.ip()), at.port()))
    }

    /// Where libp2p over QUIC is reached by others.
    pub(crate) fn quic_address(&self) -> Option<Multiaddr> {
        self.quic.map(|at| quic(crate::reachable(at.ip()), at.port()))
    }

    /// Where libp2p over WebRTC is reached by others.
    pub(crate) fn webrtc_address(&self) -> Option<Multiaddr> {
        let (at, hash) = self.webrtc?;
        Some(with_hash(webrtc(crate::reachable(at.ip()), at.port()), hash))
    }

    /// The addresses that ions are given with their reservations.
    fn external(&self, config: &Config, http: SocketAddr) -> Vec<Multiaddr> {
        let mut addresses = Vec::new();
        if let Some(url) = &config.public_url {
            addresses.push(url.authority.websocket(url.is_tls));
        }
        let reachable = SocketAddr::new(crate::reachable(http.ip()), http.port());
        addresses.push(websocket::multiaddr(reachable, config.tls.is_on()));
        addresses.extend(self.tcp_address());
        addresses.extend(self.quic_address());
        addresses.extend(self.webrtc_address());
        addresses
    }
}

fn tcp(ip: IpAddr, port: u16) -> Multiaddr {
    Multiaddr::from(ip).with(Protocol::Tcp(port))
}

fn quic(ip: IpAddr, port: u16) -> Multiaddr {
    Multiaddr::from(ip).with(Protocol::Udp(port)).with(Protocol::QuicV1)
}

fn webrtc(ip: IpAddr, port: u16) -> Multiaddr {
    Multiaddr::from(ip).with(Protocol::Udp(port)).with(Protocol::WebRTCDirect)
}

fn with_hash(address: Multiaddr, hash: Certhash) -> Multiaddr {
    address.with(Protocol::Certhash(hash))
}

fn loopback(like: IpAddr) -> IpAddr {
    if like.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() }
}

/// Whether somebody who reaches this machine as `host` reaches this listener.
fn is_reached_at(listener: IpAddr, host: &Host) -> bool {
    !listener.is_loopback() || host.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listeners(ip: &str) -> Listeners {
        let at = |port| Some(SocketAddr::new(ip.parse().expect("it is an address"), port));
        let webrtc = at(83).map(|at| (at, Certhash::wrap(0x12, &[7; 32]).expect("32 fit")));
        Listeners { tcp: at(81), quic: at(82), webrtc, stun: at(80) }
    }

    #[test]
    fn what_is_open_to_all_is_told_under_the_host_that_was_asked() {
        let host: Host = "relay.example".parse().expect("it is a host");
        let offered = listeners("0.0.0.0").offered(&host);
        let expected = ["/dns4/relay.example/udp/82/quic-v1", "/dns4/relay.example/tcp/81"];
        assert_eq!(offered[1..].iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        assert_eq!(
            crate::address::ip(&offered[0]),
            Some(crate::reachable(Ipv4Addr::UNSPECIFIED.into()))
        );
        let stun = listeners("::").stun_url(&Host::V6("::2".parse().expect("it is one")));
        assert_eq!(stun.as_deref(), Some("stun:[::2]:80"));
    }

    #[test]
    fn webrtc_is_told_by_an_address_that_browsers_need_not_resolve() {
        let told = |ip: &str, host: &str| {
            let host = host.parse().expect("it is a host");
            listeners(ip).webrtc_at(&host).map(|at| at.to_string())
        };
        let hash = "uEiAHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw";
        let at = |ip: &str| Some(format!("{ip}/udp/83/webrtc-direct/certhash/{hash}"));
        assert_eq!(told("0.0.0.0", "203.0.113.1"), at("/ip4/203.0.113.1"));
        assert_eq!(told("198.51.100.2", "relay.example"), at("/ip4/198.51.100.2"));
        assert_eq!(told("0.0.0.0", "localhost"), at("/ip4/127.0.0.1"));
        assert_eq!(told("::", "[2001:db8::1]"), at("/ip6/2001:db8::1"));
        assert_eq!(told("0.0.0.0", "[2001:db8::1]"), None);
    }

    #[test]
    fn what_is_open_to_this_machine_is_told_to_this_machine() {
        let loopback = listeners("127.0.0.1");
        for host in ["127.0.0.1", "localhost", "[::1]", "a.localhost"] {
            let host = host.parse().expect("it is a host");
            let webrtc = usize::from(!matches!(host, Host::V6(_)));
            assert_eq!(loopback.offered(&host).len(), 2 + webrtc, "{host}");
            assert!(loopback.stun_url(&host).is_some(), "{host}");
        }
        let proxied = "relay.example".parse().expect("it is a host");
        assert_eq!((loopback.offered(&proxied), loopback.stun_url(&proxied)), (Vec::new(), None));
    }
}
