//! One stream each way: frames with a length before them (unsigned varint, as
//! everywhere in libp2p), the first of which is the opening.

use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, SinkExt, StreamExt,
    channel::{mpsc, oneshot},
    future::{Either, select},
    pin_mut,
};

use super::{MOVE_MS, OPENING_MS, sessions::StreamNews};
use crate::{
    identity::IonId,
    network::wire::{LINK_FRAME_BYTES_MAX, Room},
    platform::Platform,
};

/// What an inbound stream answers to a wrong proof before it closes.
const REFUSED: &[u8] = b"refused";
/// The last frame of a stream whose successor carries on. Rooms say nothing in
/// an empty frame.
const MOVED: &[u8] = &[];
/// Bytes of frames that are handed to the stream at once, unless one is more: a
/// direct link makes a message of each such part, and full ones cost least.
const TOGETHER_BYTES: usize = 256 << 10;
/// Bytes that are made ready for a frame of which only the length has come.
const READY_BYTES_MAX: usize = 80 << 10;
/// Bytes of a length before a frame.
const LENGTH_BYTES_MAX: usize = 5;

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error("the stream ended: {0}")]
    Io(#[from] std::io::Error),
    #[error("a frame of {0} bytes is longer than the room takes")]
    TooLong(usize),
    #[error("a frame's length is no number")]
    Length,
    #[error("the stream said nothing in time")]
    Silent,
}

impl StreamError {
    /// Whether it is the sender's doing: no working ion says such a thing, and
    /// no network makes it of what one says.
    fn is_offence(&self) -> bool {
        match self {
            Self::TooLong(_) | Self::Length => true,
            Self::Io(_) | Self::Silent => false,
        }
    }
}

/// How an outbound stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteEnd {
    /// All was sent and nobody wants to send more.
    Done,
    /// The other side shut us out.
    Refused,
    /// It broke.
    Broken,
}

/// What a writer writes, and where it goes on when its stream is replaced.
pub(super) struct Source {
    /// The first frame of every stream.
    pub(super) opening: Vec<u8>,
    /// The frames; their end is that of the writing.
    pub(super) frames: mpsc::Receiver<Vec<u8>>,
    /// Streams that replace the present one.
    pub(super) moves: mpsc::Receiver<libp2p::Stream>,
}

/// Writes the opening and every frame until there are no more, the other side
/// ends, or it breaks. `sent` hears the length of every frame that is gone, and
/// is waited for.
///
/// A stream that is replaced says so with an empty frame and ends; what follows
/// goes over its successor, which opens in the same way.
pub(super) async fn write_all(
    mut stream: libp2p::Stream,
    mut source: Source,
    sent: impl AsyncFn(usize),
) -> WriteEnd {
    loop {
        match write_on(stream, &mut source, &sent).await {
            Ok(successor) => stream = successor,
            Err(end) => return end,
        }
    }
}

/// Writes to one stream; its successor, or how the writing ended.
async fn write_on(
    stream: libp2p::Stream,
    source: &mut Source,
    sent: &impl AsyncFn(usize),
) -> Result<libp2p::Stream, WriteEnd> {
    let (read, write) = stream.split();
    let writing = write_frames(write, source, sent);
    let watching = watch(read);
    pin_mut!(writing, watching);
    match select(writing, watching).await {
        Either::Left((Ok(Some(successor)), _)) => Ok(successor),
        Either::Left((Ok(None), _)) => Err(WriteEnd::Done),
        Either::Left((Err(_), watching)) => match watching.await {
            WriteEnd::Refused => Err(WriteEnd::Refused),
            _ => Err(WriteEnd::Broken),
        },
        Either::Right((end, _)) => Err(end),
    }
}

async fn write_frames(
    mut stream: impl AsyncWrite + Unpin,
    source: &mut Source,
    sent: &impl AsyncFn(usize),
) -> Result<Option<libp2p::Stream>, StreamError> {
    stream.write_all(&framed(&source.opening)).await?;
    stream.flush().await?;
    loop {
        let next = select(source.frames.next(), source.moves.next()).await;
        let frame = match next {
            Either::Left((Some(frame), _)) => frame,
            Either::Right((Some(successor), _)) => {
                stream.write_all(&framed(MOVED)).await?;
                stream.close().await?;
                return Ok(Some(successor));
            }
            Either::Left((None, _)) | Either::Right((None, _)) => break,
        };
        let (mut bytes, mut lengths) = (framed(&frame), vec![frame.len()]);
        // What is there already goes along.
        while bytes.len() < TOGETHER_BYTES
            && let Ok(frame) = source.frames.try_recv()
        {
            put_frame(&mut bytes, &frame);
            lengths.push(frame.len());
        }
        stream.write_all(&bytes).await?;
        for length in lengths {
            sent(length).await;
        }
        stream.flush().await?;
    }
    stream.close().await?;
    Ok(None)
}

/// A frame with its length before it.
fn framed(frame: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LENGTH_BYTES_MAX + frame.len());
    put_frame(&mut bytes, frame);
    bytes
}

fn put_frame(bytes: &mut Vec<u8>, frame: &[u8]) {
    let mut rest = frame.len();
    while rest >= 0x80 {
        bytes.push(u8::try_from(rest & 0x7f).expect("seven bits fit") | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).expect("seven bits fit"));
    bytes.extend_from_slice(frame);
}

/// The other side says nothing on our stream unless it refuses us.
async fn watch(mut stream: impl AsyncRead + Unpin) -> WriteEnd {
    let mut said = [0; REFUSED.len()];
    match stream.read_exact(&mut said).await {
        Ok(()) if said == REFUSED => WriteEnd::Refused,
        _ => WriteEnd::Broken,
    }
}

/// What a reader needs to know of its stream.
pub(super) struct Target {
    pub(super) ion: IonId,
    pub(super) room: Room,
    /// The number under which it tells of the stream.
    pub(super) number: u64,
    /// Comes when the stream is refused.
    pub(super) refused: oneshot::Receiver<()>,
    /// Comes when the stream that this one replaces has ended.
    pub(super) go: oneshot::Receiver<()>,
}

/// Reads the opening and every frame, and tells of them, until the stream ends
/// or is refused.
pub(super) async fn read_all<P: Platform>(
    platform: P,
    target: Target,
    stream: libp2p::Stream,
    mut news: mpsc::Sender<StreamNews>,
) {
    let (mut read, mut write) = stream.split();
    let Target { ion, room, number, refused, go } = target;
    let mut is_offence = false;
    {
        let reading = read_frames(&platform, (ion, room, number), &mut read, go, &mut news);
        pin_mut!(reading);
        match select(reading, refused).await {
            Either::Left((Err(why), _)) => is_offence = why.is_offence(),
            Either::Right((Ok(()), _)) => {
                // Told once, in bounded time; whoever does not read it learns by the close.
                let telling = async {
                    if write.write_all(REFUSED).await.is_ok() {
                        let _ = write.close().await;
                    }
                };
                let patience = platform.sleep(OPENING_MS);
                pin_mut!(telling);
                let _ = select(telling, patience).await;
            }
            Either::Left((Ok(()), _)) | Either::Right((Err(_), _)) => {}
        }
    }
    if is_offence {
        let _ = news.send(StreamNews::Malformed { ion }).await;
    }
    let _ = news.send(StreamNews::Ended { ion, number }).await;
}

async fn read_frames<P: Platform>(
    platform: &P,
    (ion, room, number): (IonId, Room, u64),
    stream: &mut (impl AsyncRead + Unpin),
    go: oneshot::Receiver<()>,
    news: &mut mpsc::Sender<StreamNews>,
) -> Result<(), StreamError> {
    let bytes = {
        let opening = read_frame(stream, LINK_FRAME_BYTES_MAX);
        let patience = platform.sleep(OPENING_MS);
        pin_mut!(opening);
        match select(opening, patience).await {
            Either::Left((opening, _)) => opening?,
            Either::Right(_) => return Err(StreamError::Silent),
        }
    };
    let _ = news.send(StreamNews::Opened { ion, room, number, bytes }).await;
    // What the older stream still carries is read first. A stream that nobody
    // lets go on any more is not wanted.
    if let Either::Left((Err(_), _)) = select(go, platform.sleep(MOVE_MS)).await {
        return Ok(());
    }
    loop {
        let bytes = read_frame(stream, room.frame_bytes_max()).await?;
        if bytes == MOVED {
            let _ = news.send(StreamNews::Moved { ion, number }).await;
            return Ok(());
        }
        let _ = news.send(StreamNews::Frame { ion, room, number, bytes }).await;
    }
}

async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    bytes_max: usize,
) -> Result<Vec<u8>, StreamError> {
    let length = read_length(stream).await?;
    if length > bytes_max {
        return Err(StreamError::TooLong(length));
    }
    // Grows as bytes come, so that a length alone costs little.
    // One more, in which the end is looked for.
    let mut frame = Vec::with_capacity(length.min(READY_BYTES_MAX) + 1);
    let wanted = u64::try_from(length).map_err(|_| StreamError::Length)?;
    stream.take(wanted).read_to_end(&mut frame).await?;
    if frame.len() < length {
        return Err(StreamError::Io(std::io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(frame)
}

async fn read_length(stream: &mut (impl AsyncRead + Unpin)) -> Result<usize, StreamError> {
    let mut length = 0;
    for position in 0..LENGTH_BYTES_MAX {
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        length |= usize::from(byte[0] & 0x7f) << (7 * position);
        if byte[0] & 0x80 == 0 {
            return Ok(length);
        }
    }
    Err(StreamError::Length)
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        io,
        pin::Pin,
        task::{Context, Poll},
    };

    use futures::{executor::block_on, io::Cursor};

    use super::*;

    fn read(bytes: &[u8], bytes_max: usize) -> Result<Vec<u8>, StreamError> {
        block_on(read_frame(&mut Cursor::new(bytes), bytes_max))
    }

    #[test]
    fn frames_of_every_length_read_back() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
            let frame = vec![7; length];
            assert_eq!(read(&framed(&frame), 70_000).expect("it was just written"), frame);
        }
    }

    /// Takes everything and notes the length of each write.
    #[derive(Default)]
    struct Noting(Vec<usize>);

    impl AsyncWrite for Noting {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(bytes.len());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn frames_that_wait_go_together_up_to_a_bound() {
        let (mut frames, waiting) = mpsc::channel(16);
        let (_moves, moves) = mpsc::channel(1);
        for length in [100, 100, TOGETHER_BYTES, 50] {
            frames.try_send(vec![7; length]).expect("there is room");
        }
        drop(frames);
        let mut source = Source { opening: vec![1], frames: waiting, moves };
        let (mut stream, sent) = (Noting::default(), Cell::new(0));
        let note = async |bytes: usize| sent.set(sent.get() + bytes);
        let ended = block_on(write_frames(&mut stream, &mut source, &note));
        assert!(matches!(ended, Ok(None)));
        let together = 2 * 101 + TOGETHER_BYTES + 3;
        assert_eq!((stream.0, sent.get()), (vec![2, together, 51], TOGETHER_BYTES + 250));
    }

    #[test]
    fn a_long_frame_is_refused_by_its_length_alone() {
        assert!(matches!(read(&[0x81, 0x01], 128), Err(StreamError::TooLong(129))));
    }

    /// A stream may break at any place, for reasons of the network.
    #[test]
    fn only_what_a_sender_chose_to_say_is_an_offence() {
        let offends = |bytes: &[u8]| read(bytes, 128).expect_err("it is no frame").is_offence();
        assert!(offends(&[0x81, 0x01]));
        assert!(offends(&[0xff; 8]));
        assert!(!offends(&[5, 1, 2]) && !offends(&[0x81]) && !offends(&[]));
        assert!(!StreamError::Silent.is_offence());
    }

    #[test]
    fn garbage_and_cut_frames_end_the_stream() {
        assert!(matches!(read(&[0xff; 8], 1 << 20), Err(StreamError::Length)));
        assert!(matches!(read(&[5, 1, 2], 8), Err(StreamError::Io(_))));
        assert!(matches!(read(&[], 8), Err(StreamError::Io(_))));
    }
}
