//! Requests and responses on a stream: a length as an unsigned varint, then so
//! many bytes.
//!
//! A message that is too long or makes no sense ends its stream; a message
//! takes memory only as its bytes arrive.

use std::io;

use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use libp2p::{StreamProtocol, request_response};

use super::wire::{self, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, Request, Response, WireError};

/// Reads and writes both.
#[derive(Clone, Copy, Debug, Default)]
pub struct Codec;

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let bytes = read_frame(io, REQUEST_BYTES_MAX).await?;
        wire::decode_request(&bytes).map_err(invalid)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        let bytes = read_frame(io, RESPONSE_BYTES_MAX).await?;
        wire::decode_response(&bytes).map_err(invalid)
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Request,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&wire::frame_request(&request)).await?;
        io.flush().await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&wire::frame_response(&response)).await?;
        io.flush().await
    }
}

fn invalid(error: WireError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A message of at most so many bytes, without its length.
async fn read_frame<T>(io: &mut T, bytes_max: u64) -> io::Result<Vec<u8>>
where
    T: AsyncRead + Unpin + Send,
{
    let length = read_length(io, bytes_max).await?;
    let mut bytes = Vec::new();
    io.take(length).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// A message's length in bytes, at most this.
async fn read_length<T>(io: &mut T, bytes_max: u64) -> io::Result<u64>
where
    T: AsyncRead + Unpin + Send,
{
    let mut length = 0;
    let mut shift = 0;
    loop {
        let mut byte = [0];
        io.read_exact(&mut byte).await?;
        length |= u64::from(byte[0] & 0x7f) << shift;
        shift += 7;
        let is_last = byte[0] & 0x80 == 0;
        // Three groups of seven bits hold more than the longest length.
        if length > bytes_max || (!is_last && shift >= 21) {
            return Err(invalid(WireError::TooLong));
        }
        if is_last {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::io::Cursor;
    use libp2p::request_response::Codec as _;

    use super::*;

    async fn read(bytes: &[u8]) -> io::Result<Request> {
        Codec.read_request(&super::super::PROTOCOL, &mut Cursor::new(bytes)).await
    }

    #[tokio::test]
    async fn a_request_is_as_long_as_it_says() {
        let discover = [0x07, 0x08, 0x03, 0x2a, 0x03, 0x0a, 0x01, b'n'];
        let request = read(&discover).await.expect("it is whole");
        assert!(matches!(request, Request::Discover { namespace, .. } if namespace == "n"));
        for end in 0..discover.len() {
            let error = read(&discover[..end]).await.expect_err("it is cut off");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "after {end} bytes");
        }
    }

    #[tokio::test]
    async fn lengths_beyond_the_limit_are_refused_before_anything_is_read() {
        let endless = [0x80; 16];
        let too_long = [0x81, 0x80, 0x01];
        for bytes in [&endless[..], &too_long, &[0xff, 0xff, 0xff, 0x7f]] {
            let error = read(bytes).await.expect_err("it is too long");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bytes:?}");
        }
        let longest = [0x80, 0x80, 0x01];
        let error = read(&longest).await.expect_err("nothing follows");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn what_is_written_is_read() {
        let request = Request::Discover { namespace: "n".into(), limit: Some(7), cookie: None };
        let protocol = super::super::PROTOCOL;
        let mut io = Cursor::new(Vec::new());
        Codec.write_request(&protocol, &mut io, request.clone()).await.expect("there is room");
        io.set_position(0);
        let read = Codec.read_request(&protocol, &mut io).await;
        assert_eq!(read.expect("it is whole"), request);
        let response = Response::Registered { ttl_s: 60 };
        let mut io = Cursor::new(Vec::new());
        Codec.write_response(&protocol, &mut io, response.clone()).await.expect("there is room");
        io.set_position(0);
        let read = Codec.read_response(&protocol, &mut io).await;
        assert_eq!(read.expect("it is whole"), response);
    }
}
