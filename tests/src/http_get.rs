//! One plain HTTP request, byte for byte, as a stranger would send it.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The longest answer that is read, in bytes.
pub const ANSWER_BYTES_MAX: u64 = 32 << 20;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The head's lines after the first.
    pub head: String,
    /// The body as it was sent, compressed if the head says so.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value; `None` where there is no such header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// Gets a path with further header lines (each ending in `\r\n`). The error is
/// a sentence.
pub async fn get(to: SocketAddr, path: &str, headers: &str) -> Result<Answer, String> {
    let failed = |error: std::io::Error| format!("{to} did not answer: {error}");
    let mut socket = TcpStream::connect(to).await.map_err(failed)?;
    // Of version 1.0, so that the body comes in one piece.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {to}\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::new();
    socket.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await.map_err(failed)?;
    read(&answer).ok_or_else(|| format!("{to} answered something that is no HTTP"))
}

fn read(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = str::from_utf8(&answer[..end]).ok()?;
    let (first, head) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = first.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: answer[end + 4..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = read(b"HTTP/1.0 200 OK\r\nContent-Encoding: br\r\n\r\n\xff\r\n\r\n");
        let answer = answer.expect("it is one");
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"\xff\r\n\r\n".as_slice()));
        assert_eq!(answer.header("content-encoding"), Some("br"));
        assert!(read(b"SSH-2.0-x\r\n").is_none());
    }
}
