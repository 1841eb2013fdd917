//! The stream protocols of the tests, as `tests/js/src/echo.js` has them.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    AsyncReadExt, AsyncWriteExt, StreamExt,
    future::{join, poll_fn},
    task::AtomicWaker,
};
use libp2p::{PeerId, Stream, StreamProtocol};
use libp2p_stream::Control;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wasm_bindgen_futures::spawn_local;

use crate::{clock::Clock, seen::Seen};

/// Sends everything back.
const ECHO: StreamProtocol = StreamProtocol::new("/ionosphere-test/echo/1");
/// Takes everything and says how much it was.
const SINK: StreamProtocol = StreamProtocol::new("/ionosphere-test/sink/1");
/// Bytes that may be under way, sent but not back yet.
const WINDOW_BYTES: usize = 1 << 20;
/// Bytes that are written or read at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Serves both protocols for as long as the swarm lives.
#[expect(clippy::disallowed_methods, reason = "each inbound stream has a task of its own")]
pub(crate) fn serve(mut control: Control, seen: &Rc<RefCell<Seen>>) -> Result<(), String> {
    for protocol in [ECHO, SINK] {
        let mut inbound = control.accept(protocol.clone()).map_err(|why| why.to_string())?;
        let seen = seen.clone();
        spawn_local(async move {
            while let Some((peer, stream)) = inbound.next().await {
                let index = seen.borrow().served.len();
                let record = json!({ "peer": peer.to_string(), "bytes": 0, "end": "open" });
                seen.borrow_mut().served.push(record);
                let (seen, is_echo) = (seen.clone(), protocol == ECHO);
                spawn_local(async move {
                    let (bytes, end) = serve_one(stream, is_echo).await;
                    let end = end.map_or_else(|why| why.to_string(), |()| "clean".to_owned());
                    let record = &mut seen.borrow_mut().served[index];
                    record["bytes"] = json!(bytes);
                    record["end"] = json!(end);
                });
            }
        });
    }
    Ok(())
}

async fn serve_one(mut stream: Stream, is_echo: bool) -> (u64, std::io::Result<()>) {
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    let end = async {
        loop {
            let length = stream.read(&mut piece).await?;
            if length == 0 {
                break;
            }
            bytes += length as u64;
            if is_echo {
                stream.write_all(&piece[..length]).await?;
                stream.flush().await?;
            }
        }
        if !is_echo {
            stream.write_all(&bytes.to_be_bytes()).await?;
        }
        stream.close().await
    }
    .await;
    (bytes, end)
}

/// What has come back, and who waits for it.
#[derive(Default)]
struct Returned {
    count: Cell<usize>,
    is_over: Cell<bool>,
    sender: AtomicWaker,
}

impl Returned {
    fn set(&self, count: usize, is_over: bool) {
        self.count.set(count);
        self.is_over.set(is_over);
        self.sender.wake();
    }

    async fn until(&self, count: usize) {
        poll_fn(|cx| {
            self.sender.register(cx.waker());
            let is_there = self.count.get() >= count || self.is_over.get();
            if is_there { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

/// Sends `length` bytes and takes them back; times in milliseconds.
pub(crate) async fn exchange(
    mut control: Control,
    peer: PeerId,
    length: usize,
) -> Result<Value, String> {
    let clock = Clock::new();
    let start = clock.now();
    let stream = control.open_stream(peer, ECHO).await.map_err(|why| why.to_string())?;
    let open_ms = clock.now() - start;
    let (mut reader, mut writer) = stream.split();
    let (bytes, returned) = (pattern(length), Returned::default());
    let send = async {
        for (number, piece) in bytes.chunks(PIECE_BYTES).enumerate() {
            let end = number * PIECE_BYTES + piece.len();
            returned.until(end.saturating_sub(WINDOW_BYTES)).await;
            writer.write_all(piece).await?;
            writer.flush().await?;
        }
        writer.close().await
    };
    let receive = async {
        let back = read_all(&mut reader, length, &returned).await;
        returned.set(returned.count.get(), true);
        back
    };
    let (sending, receiving) = join(send, receive).await;
    sending.map_err(|why| format!("sending: {why}"))?;
    let (back, last) = receiving.map_err(|why| format!("receiving: {why}"))?;
    let close_ms = clock.now() - last;
    Ok(json!({
        "bytes": back.len(),
        "sent": hash(&bytes),
        "back": hash(&back),
        "openMs": open_ms,
        "ms": last - start,
        "closeMs": close_ms,
        "end": "clean",
    }))
}

/// Reads to the end; what came and when the last of it did.
async fn read_all(
    reader: &mut (impl futures::AsyncRead + Unpin),
    length_max: usize,
    returned: &Returned,
) -> std::io::Result<(Vec<u8>, f64)> {
    let (clock, mut back) = (Clock::new(), Vec::with_capacity(length_max));
    let (mut piece, mut last) = (vec![0; PIECE_BYTES], clock.now());
    loop {
        let length = reader.read(&mut piece).await?;
        if length == 0 {
            return Ok((back, last));
        }
        last = clock.now();
        back.extend_from_slice(&piece[..length]);
        if back.len() > length_max {
            return Err(std::io::Error::other("more came back than was sent"));
        }
        returned.set(back.len(), false);
    }
}

/// Milliseconds from the first byte until the other side says it has all.
pub(crate) async fn transfer(
    mut control: Control,
    peer: PeerId,
    length: usize,
) -> Result<f64, String> {
    let clock = Clock::new();
    let mut stream = control.open_stream(peer, SINK).await.map_err(|why| why.to_string())?;
    let piece = vec![0; PIECE_BYTES];
    let start = clock.now();
    let work = async {
        for _ in 0..length / PIECE_BYTES {
            stream.write_all(&piece).await?;
        }
        stream.close().await?;
        let mut count = [0; 8];
        stream.read_exact(&mut count).await?;
        std::io::Result::Ok(u64::from_be_bytes(count))
    };
    let count = work.await.map_err(|why| why.to_string())?;
    if count == length as u64 {
        return Ok(clock.now() - start);
    }
    Err(format!("{count} of {length} bytes arrived"))
}

/// The milliseconds of each round trip, on one stream.
pub(crate) async fn round_trips(
    mut control: Control,
    peer: PeerId,
    count: usize,
    bytes: usize,
) -> Result<Vec<f64>, String> {
    let clock = Clock::new();
    let mut stream = control.open_stream(peer, ECHO).await.map_err(|why| why.to_string())?;
    let (message, mut back, mut took) = (vec![0; bytes], vec![0; bytes], Vec::new());
    let work = async {
        for _ in 0..count {
            let start = clock.now();
            stream.write_all(&message).await?;
            stream.flush().await?;
            stream.read_exact(&mut back).await?;
            took.push(clock.now() - start);
        }
        stream.close().await
    };
    work.await.map_err(|why| why.to_string())?;
    Ok(took)
}

/// xorshift32 from 1, four bytes a step, the lowest first.
fn pattern(length: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut bytes = Vec::with_capacity(length + 4);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
