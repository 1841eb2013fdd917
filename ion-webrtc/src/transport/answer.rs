//! An arrival: a peer's offer over a signaling stream, or one that came by
//! other means and is answered already.

use libp2p::PeerId;

use super::dial::finish;
use crate::{
    desk::{Adopted, Arrival, Verdict},
    failure::Failure,
    handshake::{
        Input, Role, Session,
        drive::{Drive, Signals},
    },
    hub::Asker,
    muxer::Muxer,
    shared::Shared,
    signaling::Message,
};

pub(super) async fn answer(
    shared: Shared,
    peer: PeerId,
    arrival: Arrival,
) -> Result<(PeerId, Muxer), Failure> {
    let result = match arrival {
        Arrival::Agreed(agreed) => finish(agreed, Role::Answerer, peer).await,
        Arrival::Signaled(stream) => signaled(&shared, peer, Signals::new(stream)).await,
    };
    if let Err(failure) = &result
        && *failure != Failure::Glare
    {
        shared.with(|inner| inner.desk.failed(peer, failure));
    }
    result.map(|muxer| (peer, muxer))
}

/// Counts a peer's attempts while this lives.
struct Counted<'a>(&'a Shared, PeerId);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.with(|inner| inner.desk.answered(self.1));
    }
}

async fn signaled(shared: &Shared, peer: PeerId, mut signals: Signals) -> Result<Muxer, Failure> {
    shared.with(|inner| inner.desk.answer(peer))?;
    let _counted = Counted(shared, peer);
    let offer = signals.offer(shared.config().handshake_max).await?;
    let adopted = Box::new(Adopted { signals, offer });
    let verdict = shared.with(|inner| inner.desk.offered(shared.local, peer, adopted));
    match verdict {
        Verdict::Answer(adopted) => answer_offer(shared, peer, *adopted).await,
        Verdict::Lost(adopted) => {
            drop(adopted);
            Err(Failure::Glare)
        }
        Verdict::Taken => Err(Failure::Glare),
    }
}

/// Answers an offer that came over a signaling stream.
pub(super) async fn answer_offer(
    shared: &Shared,
    peer: PeerId,
    adopted: Adopted,
) -> Result<Muxer, Failure> {
    let owned = shared.create(Asker::Peer(peer))?;
    let session = Session::new(Role::Answerer);
    let drive =
        Drive::new(&owned, session, shared.config().handshake_max).signaled(adopted.signals);
    let offer = Input::Received(Message::Offer(adopted.offer));
    let signals = drive.run(vec![Input::Begin, offer]).await?;
    let muxer = owned.into_muxer(peer);
    if let Some(signals) = signals {
        muxer.close_signals(signals);
    }
    Ok(muxer)
}
