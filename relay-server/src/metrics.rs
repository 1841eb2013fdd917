//! What `/metrics` shows, in the text format of Prometheus.
//!
//! Counts only: no ids, addresses or names. Its size is bounded by the number
//! of metrics; labels are taken from fixed sets or from the transports that
//! the relay itself has.

use std::{collections::BTreeSet, sync::atomic::AtomicI64};

use axum::http::StatusCode;
use libp2p::{PeerId, metrics::Registry, relay};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

/// The labels of an HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    class: &'static str,
}

/// The relay's own metrics; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    http_answers: Family<Answer, Counter>,
    pub(crate) http_connections: Gauge<i64, AtomicI64>,
    pub(crate) http_connections_refused: Counter,
    pub(crate) websockets: Counter,
    pub(crate) websockets_refused: Counter,
    pub(crate) stun_answers: Counter,
    pub(crate) stun_refused: Counter,
    pub(crate) webrtc_handshakes: Counter,
    pub(crate) webrtc_refused: Counter,
    pub(crate) connections: Gauge<i64, AtomicI64>,
    reservations: Gauge<i64, AtomicI64>,
    reservations_refused: Counter,
    circuits: Gauge<i64, AtomicI64>,
    circuits_refused: Counter,
}

impl Metrics {
    /// Metrics that appear in this registry.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { http_answers, http_connections, http_connections_refused, .. } = &metrics;
        let part = registry.sub_registry_with_prefix("relay");
        part.register("http_answers", "Answers by class of status", http_answers.clone());
        part.register("http_connections", "Open http connections", http_connections.clone());
        part.register(
            "http_connections_refused",
            "Connections closed at once because there were too many",
            http_connections_refused.clone(),
        );
        part.register("websockets", "WebSockets opened", metrics.websockets.clone());
        part.register(
            "websockets_refused",
            "WebSockets refused because too many were waiting",
            metrics.websockets_refused.clone(),
        );
        part.register("stun_answers", "STUN questions answered", metrics.stun_answers.clone());
        part.register(
            "stun_refused",
            "STUN questions left without an answer because there were too many",
            metrics.stun_refused.clone(),
        );
        part.register(
            "webrtc_handshakes",
            "WebRTC handshakes begun",
            metrics.webrtc_handshakes.clone(),
        );
        part.register(
            "webrtc_refused",
            "WebRTC handshakes dropped because there were too many",
            metrics.webrtc_refused.clone(),
        );
        part.register("connections", "Open libp2p connections", metrics.connections.clone());
        part.register("reservations", "Ions with a reservation", metrics.reservations.clone());
        part.register(
            "reservations_refused",
            "Reservations refused by a limit",
            metrics.reservations_refused.clone(),
        );
        part.register("circuits", "Open circuits", metrics.circuits.clone());
        part.register(
            "circuits_refused",
            "Circuits refused by a limit or for want of a reservation",
            metrics.circuits_refused.clone(),
        );
        metrics
    }

    /// Counts an HTTP answer.
    pub(crate) fn answered(&self, status: StatusCode) {
        let class = match status.as_u16() {
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.http_answers.get_or_create(&Answer { class }).inc();
    }
}

/// The text that `/metrics` answers with.
pub(crate) fn text(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail; an encoder that does leaves it short.
    if encode(&mut text, registry).is_err() {
        text.push_str("# incomplete\n");
    }
    text
}

/// Follows the relay's events to know what is open now.
#[derive(Default)]
pub(crate) struct Tally {
    reserved: BTreeSet<PeerId>,
    circuits: i64,
}

impl Tally {
    /// Counts an event.
    pub(crate) fn record(&mut self, event: &relay::Event, metrics: &Metrics) {
        match event {
            relay::Event::ReservationReqAccepted { src_peer_id, .. } => {
                self.reserved.insert(*src_peer_id);
            }
            relay::Event::ReservationTimedOut { src_peer_id } => {
                self.reserved.remove(src_peer_id);
            }
            relay::Event::ReservationReqDenied { .. } => {
                metrics.reservations_refused.inc();
            }
            relay::Event::CircuitReqAccepted { .. } => self.circuits += 1,
            relay::Event::CircuitClosed { .. } => self.circuits = (self.circuits - 1).max(0),
            relay::Event::CircuitReqDenied { .. } => {
                metrics.circuits_refused.inc();
            }
            _ => {}
        }
        self.show(metrics);
    }

    /// An ion's last connection has closed, and its reservation with it.
    pub(crate) fn gone(&mut self, peer: &PeerId, metrics: &Metrics) {
        self.reserved.remove(peer);
        self.show(metrics);
    }

    fn show(&self, metrics: &Metrics) {
        metrics.reservations.set(i64::try_from(self.reserved.len()).unwrap_or(i64::MAX));
        metrics.circuits.set(self.circuits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_shown() {
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        metrics.answered(StatusCode::OK);
        metrics.answered(StatusCode::NOT_FOUND);
        let mut tally = Tally::default();
        let peer = PeerId::random();
        let accepted = relay::Event::ReservationReqAccepted { src_peer_id: peer, renewed: false };
        tally.record(&accepted, &metrics);
        tally.record(&accepted, &metrics);
        let shown = text(&registry);
        for line in [
            "relay_http_answers_total{class=\"2xx\"} 1",
            "relay_http_answers_total{class=\"4xx\"} 1",
            "relay_reservations 1",
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{line} in\n{shown}");
        }
        tally.gone(&peer, &metrics);
        assert!(text(&registry).contains("relay_reservations 0"));
    }
}
