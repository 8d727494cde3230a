//! A client's connection to a node, in the Redis protocol.

use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::encode::encode;
use redis_protocol::resp2::types::{OwnedFrame, Resp2Frame};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What a node answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A status such as `OK`.
    Status(String),
    /// A value, or none.
    Value(Option<String>),
    /// A number.
    Number(i64),
    /// Several answers in one.
    Many(Vec<Answer>),
    /// An error, with its code: `MOVED`, `CLUSTERDOWN`, `UNKNOWN` ...
    Error(String),
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects within `patience`, which also bounds the wait for each answer.
    ///
    /// # Errors
    /// When nobody answers there.
    pub fn open(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends one command and waits for its answer.
    ///
    /// # Errors
    /// When the connection broke or nothing came in time: the command may have had its effect.
    pub fn ask(&mut self, words: &[&str]) -> io::Result<Answer> {
        self.send(words)?;
        self.receive()
    }

    fn send(&mut self, words: &[&str]) -> io::Result<()> {
        let words = words.iter().map(|word| OwnedFrame::BulkString(word.as_bytes().to_vec()));
        let frame = OwnedFrame::Array(words.collect());
        let mut bytes = vec![0; frame.encode_len(false)];
        let len = encode(&mut bytes, &frame, false).map_err(io::Error::other)?;
        self.stream.write_all(bytes.get(..len).unwrap_or_default())
    }

    fn receive(&mut self) -> io::Result<Answer> {
        loop {
            if let Some((frame, used)) = decode(&self.buffer).map_err(io::Error::other)? {
                self.buffer.drain(..used);
                return Ok(Answer::from(frame));
            }
            let mut piece = [0; 4_096];
            let read = self.stream.read(&mut piece)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(piece.get(..read).unwrap_or_default());
        }
    }
}

impl From<OwnedFrame> for Answer {
    fn from(frame: OwnedFrame) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match frame {
            OwnedFrame::SimpleString(bytes) => Self::Status(text(&bytes)),
            OwnedFrame::Error(error) => Self::Error(error),
            OwnedFrame::Integer(number) => Self::Number(number),
            OwnedFrame::BulkString(bytes) => Self::Value(Some(text(&bytes))),
            OwnedFrame::Null => Self::Value(None),
            OwnedFrame::Array(frames) => Self::Many(frames.into_iter().map(Self::from).collect()),
        }
    }
}

impl Answer {
    /// Where a `-MOVED` points to.
    pub fn moved_to(&self) -> Option<SocketAddr> {
        let Self::Error(error) = self else { return None };
        error.strip_prefix("MOVED ")?.split(' ').nth(1)?.parse().ok()
    }

    /// Whether it says that the command had no effect and may be tried again.
    pub fn is_refusal(&self) -> bool {
        let Self::Error(error) = self else { return false };
        ["MOVED", "CLUSTERDOWN", "TRYAGAIN"].iter().any(|code| error.starts_with(code))
    }
}
