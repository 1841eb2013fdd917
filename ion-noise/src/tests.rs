//! The upgrade over pipes in memory: with itself and with libp2p's own.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use futures::{executor::block_on, future::join};
use libp2p::noise;

use super::*;

/// Bytes on their way, in steps of at most so many.
#[derive(Default)]
struct Way {
    bytes: VecDeque<u8>,
    is_closed: bool,
    waiting: Option<Waker>,
}

impl Way {
    fn wake(&mut self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

/// One end of two ways.
struct Pipe {
    reads: Arc<Mutex<Way>>,
    writes: Arc<Mutex<Way>>,
    step: usize,
}

fn pipe(step: usize) -> (Pipe, Pipe) {
    let [there, back] = [(); 2].map(|()| Arc::new(Mutex::new(Way::default())));
    let first = Pipe { reads: back.clone(), writes: there.clone(), step };
    (first, Pipe { reads: there, writes: back, step })
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut way = self.reads.lock().unwrap();
        if way.bytes.is_empty() && !way.is_closed {
            way.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = self.step.min(into.len()).min(way.bytes.len());
        into.iter_mut().zip(way.bytes.drain(..count)).for_each(|(to, byte)| *to = byte);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut way = self.writes.lock().unwrap();
        let count = self.step.min(bytes.len());
        way.bytes.extend(&bytes[..count]);
        way.wake();
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut way = self.writes.lock().unwrap();
        way.is_closed = true;
        way.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut way = self.writes.lock().unwrap();
        way.is_closed = true;
        way.wake();
    }
}

fn text(length: usize) -> Vec<u8> {
    (0..=250_u8).cycle().step_by(31).take(length).collect()
}

async fn say(mut to: impl AsyncWrite + Unpin, bytes: &[u8]) {
    to.write_all(bytes).await.unwrap();
    to.close().await.unwrap();
}

async fn hear(mut from: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// Two secured ends tell each other texts of several frames.
async fn talk(one: impl AsyncRead + AsyncWrite + Unpin, two: impl AsyncRead + AsyncWrite + Unpin) {
    let (first, second) = (text(200_000), text(70_001));
    let (one_reads, one_writes) = one.split();
    let (two_reads, two_writes) = two.split();
    let said = join(say(one_writes, &first), say(two_writes, &second));
    let heard = join(hear(one_reads), hear(two_reads));
    let (_, (by_one, by_two)) = join(said, heard).await;
    assert!(by_one == second && by_two == first);
}

#[test]
fn it_speaks_with_itself_in_steps_of_any_size() {
    for step in [1, 7, 4_096, usize::MAX] {
        let keys = [(); 2].map(|()| Keypair::generate_ed25519());
        let [one, two] = [0, 1].map(|at| Config::new(&keys[at]).unwrap());
        let (here, there) = pipe(step);
        let both = join(one.upgrade_outbound(here, "/noise"), two.upgrade_inbound(there, "/noise"));
        let (dialed, listened) = block_on(both);
        let ((to, here), (from, there)) = (dialed.unwrap(), listened.unwrap());
        assert_eq!([from, to], [0, 1].map(|at| keys[at].public().to_peer_id()));
        block_on(talk(here, there));
    }
}

#[test]
fn it_speaks_with_libp2ps_own_in_both_roles() {
    let keys = [(); 2].map(|()| Keypair::generate_ed25519());
    let ours = Config::new(&keys[0]).unwrap().with_prologue(b"shared".to_vec());
    let theirs = noise::Config::new(&keys[1]).unwrap().with_prologue(b"shared".to_vec());
    for is_dialing in [true, false] {
        let (ours, theirs) = (ours.clone(), theirs.clone());
        let (here, there) = pipe(1_000);
        let (our, their) = if is_dialing {
            block_on(join(
                ours.upgrade_outbound(here, "/noise"),
                theirs.upgrade_inbound(there, "/noise"),
            ))
        } else {
            block_on(join(
                ours.upgrade_inbound(here, "/noise"),
                theirs.upgrade_outbound(there, "/noise"),
            ))
        };
        let ((them, here), (us, there)) = (our.unwrap(), their.unwrap());
        assert_eq!([us, them], [0, 1].map(|at| keys[at].public().to_peer_id()));
        block_on(talk(here, there));
    }
}

#[test]
fn another_prologue_is_refused_by_both() {
    let [one, two] = [(); 2].map(|()| Config::new(&Keypair::generate_ed25519()).unwrap());
    let (here, there) = pipe(64);
    let one = one.with_prologue(vec![1]).upgrade_outbound(here, "/noise");
    let (dialed, listened) = block_on(join(one, two.upgrade_inbound(there, "/noise")));
    assert!(matches!(dialed, Err(Error::Altered)));
    assert!(matches!(listened, Err(Error::Stream(_))), "the dialer went away");
}

#[test]
fn a_borrowed_identity_is_refused() {
    let [one, mut two] = [(); 2].map(|()| Config::new(&Keypair::generate_ed25519()).unwrap());
    let stranger = Payload {
        identity: Keypair::generate_ed25519().public().encode_protobuf(),
        ..Payload::decode(&two.payload).unwrap()
    };
    two.payload = stranger.encode();
    let (here, there) = pipe(64);
    let both = join(one.upgrade_outbound(here, "/noise"), two.upgrade_inbound(there, "/noise"));
    assert!(matches!(block_on(both).0, Err(Error::WrongIdentity)));
}

/// Receives what a stranger says instead of a handshake.
fn told(bytes: &[u8]) -> Error {
    let (here, there) = pipe(64);
    block_on(say(there, bytes));
    let config = Config::new(&Keypair::generate_ed25519()).unwrap();
    block_on(config.upgrade_inbound(here, "/noise")).unwrap_err()
}

#[test]
fn strangers_are_refused_with_a_reason() {
    assert!(matches!(told(&[]), Error::Stream(_)));
    assert!(matches!(told(&[0, 200, 1]), Error::Stream(_)), "half a message");
    let long = vec![0xff; 2 + 65_535];
    assert!(matches!(told(&long), Error::Malformed("a message of a handshake that is too long")));
    assert!(matches!(told(&[0, 3, 1, 2, 3]), Error::Malformed("half a message of a handshake")));
    let early = [&[0, 33][..], &[9; 33]].concat();
    assert!(matches!(told(&early), Error::Malformed("an identity in the open")));
}

/// Two sessions, and what one has sent to the other.
fn sent(texts: &[&[u8]]) -> (Session<Pipe>, Vec<u8>, Arc<Mutex<Way>>) {
    let [one, two] = [(); 2].map(|()| Config::new(&Keypair::generate_ed25519()).unwrap());
    let (here, there) = pipe(usize::MAX);
    let way = there.reads.clone();
    let both = join(one.upgrade_outbound(here, "/noise"), two.upgrade_inbound(there, "/noise"));
    let (dialed, listened) = block_on(both);
    let mut here = dialed.unwrap().1;
    for text in texts {
        block_on(async {
            here.write_all(text).await.unwrap();
            here.flush().await.unwrap();
        });
    }
    let bytes = way.lock().unwrap().bytes.drain(..).collect();
    (listened.unwrap().1, bytes, way)
}

/// What a session makes of these bytes, and then the stream's end.
fn read(mut session: Session<Pipe>, way: &Mutex<Way>, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut inner = way.lock().unwrap();
    inner.bytes.extend(bytes);
    inner.is_closed = true;
    drop(inner);
    let mut heard = Vec::new();
    block_on(session.read_to_end(&mut heard)).map(|_| heard)
}

#[test]
fn altered_frames_are_refused() {
    let (_, bytes, _) = sent(&[b"one"]);
    for at in 2..bytes.len() {
        let (session, mut bytes, way) = sent(&[b"one"]);
        bytes[at] ^= 0x80;
        let error = read(session, &way, &bytes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "byte {at}");
    }
}

#[test]
fn frames_out_of_order_repeated_or_cut_are_refused() {
    let frame = 2 + 3 + 16;
    let arrange = |order: &[usize]| {
        let (session, bytes, way) = sent(&[b"one", b"two"]);
        let frames: Vec<_> = bytes.chunks(frame).collect();
        assert_eq!(frames.len(), 2);
        read(session, &way, &order.iter().flat_map(|at| frames[*at].to_vec()).collect::<Vec<_>>())
    };
    assert_eq!(arrange(&[0, 1]).unwrap(), b"onetwo");
    assert_eq!(arrange(&[0]).unwrap(), b"one");
    for order in [&[1][..], &[1, 0], &[0, 0], &[0, 1, 1]] {
        assert_eq!(arrange(order).unwrap_err().kind(), io::ErrorKind::InvalidData, "{order:?}");
    }
    let (session, bytes, way) = sent(&[b"one"]);
    let error = read(session, &way, &bytes[..frame - 1]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let (session, bytes, way) = sent(&[]);
    assert!(bytes.is_empty());
    let error = read(session, &way, &[0, 3, 1, 2, 3]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "shorter than its tag");
}
