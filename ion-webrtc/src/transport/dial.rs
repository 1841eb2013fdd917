//! A dial to a peer: by a connection that was prepared, else by an offer over a
//! signaling stream, else by answering the peer's own offer where both began at
//! once.

use std::future::Future;

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, select},
    pin_mut,
};
use futures_timer::Delay;
use libp2p::{Multiaddr, PeerId};

use super::answer::answer_offer;
use crate::{
    desk::{Adopted, Agreed, Request},
    failure::{Failure, Stage},
    handshake::{
        Input, Role, Session,
        drive::{Drive, Signals},
        glare,
    },
    hub::Asker,
    muxer::Muxer,
    shared::Shared,
};

pub(super) async fn dial(
    shared: Shared,
    peer: PeerId,
    circuit: Option<Multiaddr>,
) -> Result<(PeerId, Muxer), Failure> {
    let prepared = shared.with(|inner| inner.desk.take_prepared(peer));
    let result = match prepared {
        Some(agreed) => finish(agreed, Role::Offerer, peer).await,
        None => meet(&shared, peer, circuit).await,
    };
    if let Err(failure) = &result {
        shared.with(|inner| inner.desk.failed(peer, failure));
    }
    result.map(|muxer| (peer, muxer))
}

/// Finishes a connection whose descriptions were exchanged by other means.
pub(super) async fn finish(agreed: Agreed, role: Role, peer: PeerId) -> Result<Muxer, Failure> {
    let Agreed { owned, candidates: (local, remote), patience } = agreed;
    let session = Session::agreed(role, local, remote);
    let mut drive = Drive::new(&owned, session, patience);
    if role == Role::Answerer {
        drive = drive.patient();
    }
    drive.run(vec![Input::Begin]).await?;
    Ok(owned.into_muxer(peer))
}

/// Takes the dial off the desk when it ends, however it does.
struct Registered<'a>(&'a Shared, PeerId);

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.0.with(|inner| inner.desk.dial_ended(self.1));
    }
}

async fn meet(shared: &Shared, peer: PeerId, circuit: Option<Multiaddr>) -> Result<Muxer, Failure> {
    let adopted = shared.with(|inner| inner.desk.dial(peer))?;
    let _registered = Registered(shared, peer);
    let late = Delay::new(shared.config().handshake_max);
    let attempt = attempt(shared, peer, circuit);
    let met = either(shared, peer, attempt, adopted);
    pin_mut!(met);
    match select(met, late).await {
        Either::Left((met, _)) => met,
        // The handshake keeps the same time and says more; this is for what
        // comes before it.
        Either::Right(_) => Err(Failure::TimedOut(Stage::Reaching)),
    }
}

/// Our own attempt, or the peer's, whichever leads to a connection.
async fn either(
    shared: &Shared,
    peer: PeerId,
    attempt: impl Future<Output = Result<Muxer, Failure>>,
    adopted: oneshot::Receiver<Box<Adopted>>,
) -> Result<Muxer, Failure> {
    let theirs = {
        let attempt = attempt.fuse();
        pin_mut!(attempt);
        match select(attempt, adopted).await {
            Either::Left((Ok(muxer), _)) => return Ok(muxer),
            // Where theirs has precedence, ours is refused before theirs comes.
            Either::Left((Err(failure), adopted)) => {
                let is_refused = matches!(failure, Failure::Refused);
                if !is_refused || glare(&shared.local, &peer) == Role::Offerer {
                    return Err(failure);
                }
                let grace = Delay::new(shared.config().circuit_grace);
                match select(adopted, grace).await {
                    Either::Left((Ok(adopted), _)) => adopted,
                    Either::Left(_) | Either::Right(_) => return Err(failure),
                }
            }
            Either::Right((Ok(adopted), _)) => adopted,
            Either::Right((Err(_), attempt)) => return attempt.await,
        }
        // Ours ends here, and its connection is closed, before theirs begins.
    };
    answer_offer(shared, peer, *theirs).await
}

/// Our own attempt: a signaling stream, and an offer over it.
async fn attempt(
    shared: &Shared,
    peer: PeerId,
    circuit: Option<Multiaddr>,
) -> Result<Muxer, Failure> {
    let (reply, stream) = oneshot::channel();
    shared.with(|inner| inner.desk.request(Request { peer, circuit, reply }));
    let stream = stream.await.map_err(|_| Failure::Refused)??;
    let owned = shared.create(Asker::Ourselves)?;
    shared.with(|inner| inner.desk.dial_offers(peer));
    let session = Session::new(Role::Offerer);
    let drive =
        Drive::new(&owned, session, shared.config().handshake_max).signaled(Signals::new(stream));
    let signals = drive.run(vec![Input::Begin]).await?;
    let muxer = owned.into_muxer(peer);
    if let Some(signals) = signals {
        muxer.close_signals(signals);
    }
    Ok(muxer)
}
