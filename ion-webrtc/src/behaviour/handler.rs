//! One connection's side of the behaviour: opens and takes signaling streams,
//! on relayed connections only.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use libp2p::{
    Stream, StreamProtocol,
    core::{InboundUpgrade, OutboundUpgrade, UpgradeInfo},
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
        handler::{ConnectionEvent, DialUpgradeError},
    },
};

use crate::{desk::Reply, failure::Failure, signaling::PROTOCOL};

/// Signaling streams that wait for the behaviour to take them.
const WAITING_MAX: usize = 4;

/// Open a signaling stream for this one.
#[derive(Debug)]
pub struct Open(pub(super) Reply);

/// A signaling stream came in.
#[derive(Debug)]
pub struct Came(pub(super) Stream);

/// One connection's side of the behaviour.
#[derive(Debug)]
pub struct Handler {
    is_relayed: bool,
    requests: VecDeque<Open>,
    came: VecDeque<Stream>,
}

impl Handler {
    pub(super) fn new(is_relayed: bool) -> Self {
        Self { is_relayed, requests: VecDeque::new(), came: VecDeque::new() }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Open;
    type ToBehaviour = Came;
    type InboundProtocol = Signaling;
    type OutboundProtocol = Signaling;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Reply;

    fn listen_protocol(&self) -> SubstreamProtocol<Signaling, ()> {
        SubstreamProtocol::new(Signaling { is_spoken: self.is_relayed }, ())
    }

    fn connection_keep_alive(&self) -> bool {
        !self.requests.is_empty()
    }

    fn on_behaviour_event(&mut self, open: Open) {
        self.requests.push_back(open);
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Signaling, Reply, Came>> {
        if let Some(stream) = self.came.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(Came(stream)));
        }
        let Some(Open(reply)) = self.requests.pop_front() else { return Poll::Pending };
        let protocol = SubstreamProtocol::new(Signaling { is_spoken: true }, reply);
        Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Signaling, Signaling, (), Reply>) {
        match event {
            // Dropped, and so reset, when there are too many.
            ConnectionEvent::FullyNegotiatedInbound(_) if self.came.len() >= WAITING_MAX => {}
            ConnectionEvent::FullyNegotiatedInbound(inbound) => {
                self.came.push_back(inbound.protocol);
            }
            ConnectionEvent::FullyNegotiatedOutbound(outbound) => {
                // The dial may have been given up.
                let _ = outbound.info.send(Ok(outbound.protocol));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                let _ = info.send(Err(failure(&error)));
            }
            _ => {}
        }
    }
}

fn failure(error: &StreamUpgradeError<Infallible>) -> Failure {
    match error {
        StreamUpgradeError::NegotiationFailed => Failure::Refused,
        error => Failure::NoPath(error.to_string()),
    }
}

/// Agrees on the signaling protocol, or on nothing.
#[derive(Clone, Copy, Debug)]
pub struct Signaling {
    is_spoken: bool,
}

impl UpgradeInfo for Signaling {
    type Info = StreamProtocol;
    type InfoIter = std::option::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.is_spoken.then(|| StreamProtocol::new(PROTOCOL)).into_iter()
    }
}

impl InboundUpgrade<Stream> for Signaling {
    type Output = Stream;
    type Error = Infallible;
    type Future = Ready<Result<Stream, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}

impl OutboundUpgrade<Stream> for Signaling {
    type Output = Stream;
    type Error = Infallible;
    type Future = Ready<Result<Stream, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}
