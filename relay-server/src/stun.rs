//! STUN: tells who asks from which address the question came, so that tabs
//! behind home routers learn where others reach them without a third party.
//!
//! It answers binding requests on one UDP port and nothing else: no
//! authentication, no relaying (that would be TURN), no second address to ask
//! from. Whatever is no binding request is dropped without a word, since its
//! sender's address may be forged. For the same reason an answer is at most
//! [`wire::RESPONSE_BYTES_MAX`] long, and there are at most
//! [`ANSWERS_PER_ADDRESS_MAX`] and [`ANSWERS_MAX`] in a [`WINDOW`].
//!
//! Messages are read and written by the crate that the relay's WebRTC uses for
//! them too.

mod wire;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use tokio::{net::UdpSocket, sync::watch, time::Instant};

use crate::{census::group, metrics::Metrics, rate::Rate};

/// The time in which answers are counted.
const WINDOW: Duration = Duration::from_secs(1);
/// Answers in a window to one address (IPv6: one /64), which may be a school.
/// A tab asks a few times for each link that it makes.
const ANSWERS_PER_ADDRESS_MAX: u32 = 200;
/// Answers in a window, in all.
const ANSWERS_MAX: u32 = 10_000;
/// How long to wait when the system has no room for packets.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers until `stop` turns true.
pub(crate) async fn run(socket: UdpSocket, metrics: Metrics, stop: watch::Receiver<bool>) {
    let mut asked = pin!(crate::asked_to_stop(stop));
    let mut rate = Rate::new(ANSWERS_MAX, ANSWERS_PER_ADDRESS_MAX);
    let mut window = Instant::now();
    let mut packet = [0; wire::REQUEST_BYTES_MAX + 1];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut packet) => received,
            () = &mut asked => return,
        };
        if window.elapsed() >= WINDOW {
            window = Instant::now();
            rate.begin();
        }
        match received {
            Ok((length, from)) => answer(&socket, &packet[..length], from, &mut rate, &metrics),
            Err(error) if is_about_one_packet(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "STUN cannot receive");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn answer(socket: &UdpSocket, packet: &[u8], from: SocketAddr, rate: &mut Rate, metrics: &Metrics) {
    let seen: IpAddr = from.ip().to_canonical();
    let Some(response) = wire::answer(packet, SocketAddr::new(seen, from.port())) else { return };
    if !rate.admit(group(seen)) {
        metrics.stun_refused.inc();
        return;
    }
    metrics.stun_answers.inc();
    // A socket without room drops the answer, as a network does; it is asked again.
    let _ = socket.try_send_to(&response, from);
}

/// Whether this is news of an earlier packet (nobody took it, or it was too
/// long, as some systems say), not of the socket.
fn is_about_one_packet(error: &io::Error) -> bool {
    // 10040: Windows' word for a packet that is longer than the buffer.
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused)
        || error.raw_os_error() == Some(10_040)
}
