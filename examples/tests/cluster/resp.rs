//! As much of the Redis protocol as the clients of this test need, over a blocking socket with
//! deadlines.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What a node said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `+OK` and the like.
    Status(String),
    /// `-CODE words`.
    Error(String),
    /// `:1`.
    Number(i64),
    /// A string, or that there is none.
    Bulk(Option<String>),
}

/// A connection to a node. After an error it is out of step: drop it.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    patience: Duration,
}

impl Connection {
    /// Connects; this and each call may take as long as `patience`.
    pub fn open(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self { stream, patience })
    }

    /// Sends one command and waits for its answer.
    pub fn call(&mut self, words: &[&str]) -> io::Result<Answer> {
        let deadline = Instant::now() + self.patience;
        self.stream.write_all(&encode(words))?;
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            let length = match self.stream.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
            };
            received.extend_from_slice(&buffer[..length]);
            if let Some((answer, length)) = parse(&received) {
                assert_eq!(length, received.len(), "more than was asked for: {received:?}");
                return Ok(answer);
            }
        }
    }
}

fn encode(words: &[&str]) -> Vec<u8> {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    text.into_bytes()
}

/// The answer at the start of `bytes` and its length, if it is there in full.
///
/// # Panics
///
/// If it is none that a node may give to the commands of this test.
fn parse(bytes: &[u8]) -> Option<(Answer, usize)> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let line = text(&bytes[1..end]);
    let after = end + 2;
    let number = || line.parse::<i64>().unwrap_or_else(|_| panic!("no number: {line:?}"));
    let answer = match bytes[0] {
        b'+' => Answer::Status(line),
        b'-' => Answer::Error(line),
        b':' => Answer::Number(number()),
        b'$' if number() == -1 => Answer::Bulk(None),
        b'$' => {
            let length = usize::try_from(number()).expect("a length");
            let content = bytes.get(after..after + length)?;
            let ending = bytes.get(after + length..after + length + 2)?;
            assert_eq!(ending, b"\r\n", "{bytes:?}");
            return Some((Answer::Bulk(Some(text(content))), after + length + 2));
        }
        _ => panic!("no answer: {:?}", String::from_utf8_lossy(bytes)),
    };
    Some((answer, after))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("nobody wrote anything but text")
}

#[test]
fn answers_are_parsed_once_they_are_complete() {
    let cases = [
        ("+OK\r\n", Answer::Status("OK".to_owned())),
        ("-MOVED 0 127.0.0.1:1\r\n", Answer::Error("MOVED 0 127.0.0.1:1".to_owned())),
        (":-12\r\n", Answer::Number(-12)),
        ("$-1\r\n", Answer::Bulk(None)),
        ("$0\r\n\r\n", Answer::Bulk(Some(String::new()))),
        ("$4\r\na\r\nb\r\n", Answer::Bulk(Some("a\r\nb".to_owned()))),
    ];
    for (bytes, answer) in cases {
        for length in 0..bytes.len() {
            assert_eq!(parse(&bytes.as_bytes()[..length]), None, "{bytes:?} {length}");
        }
        assert_eq!(parse(bytes.as_bytes()), Some((answer, bytes.len())));
    }
    assert_eq!(encode(&["GET", "k"]), b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
}
