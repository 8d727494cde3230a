//! What a client sends: RESP2 arrays of bulk strings, and inline commands.
//!
//! The crate `redis-protocol` decodes; but it starts anew with every byte that comes, and recurses
//! as deep as the bytes say. So a [`Gate`] walks over the bytes first, once, and lets only whole
//! commands through: flat, and within bounds. A command that is too long is walked over without
//! being kept, so that its sender gets an error and keeps its connection.

pub use super::gate::ProtocolError;
use super::gate::{Gate, Step};
use super::inline;
use redis_protocol::resp2::decode::decode_range;
use redis_protocol::resp2::types::RangeFrame;
use std::borrow::Cow;

/// The longest command that is kept, in bytes.
pub const COMMAND_MAX: u64 = (1 << 20) + (64 << 10);
/// A buffer that grew beyond this is given back once it is empty.
const BUFFER_KEPT: usize = 64 << 10;

/// What is at the start of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Too few bytes.
    Incomplete,
    /// A whole command: see [`Input::arguments`], then [`Input::consume`] it.
    Command,
    /// A whole command of so many bytes, too long to be kept. [`Input::consume`] it.
    TooLong(u64),
}

/// Whether the bytes of the current command are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Keeping {
    #[default]
    Kept,
    Dropped,
}

/// Bytes from a client that were not understood yet.
#[derive(Debug, Default)]
pub struct Input {
    buffer: Vec<u8>,
    /// Where the current command begins, or what is left of it.
    start: usize,
    /// How far the gate has seen the current command.
    seen: u64,
    keeping: Keeping,
    gate: Gate,
}

impl Input {
    /// More bytes came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 && self.start >= self.buffer.len() >> 1 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Looks what there is. O(bytes that came since).
    ///
    /// # Errors
    /// When it is not RESP2. So it is for ever.
    pub fn poll(&mut self) -> Result<Found, ProtocolError> {
        loop {
            let ahead = match self.keeping {
                Keeping::Kept => usize::try_from(self.seen).unwrap_or(usize::MAX),
                Keeping::Dropped => 0,
            };
            let unseen = self.buffer.get(self.start.saturating_add(ahead)..).unwrap_or_default();
            match self.gate.step(unseen, self.seen)? {
                Step::Starved => break,
                Step::Ahead(bytes) => self.advance(bytes),
            }
        }
        Ok(match (self.gate, self.keeping) {
            (Gate::End, Keeping::Kept) => Found::Command,
            (Gate::End, Keeping::Dropped) => Found::TooLong(self.seen),
            _ => Found::Incomplete,
        })
    }

    fn advance(&mut self, bytes: usize) {
        self.seen = self.seen.saturating_add(bytes as u64);
        let whole = match self.gate {
            Gate::Bytes { bytes, .. } => self.seen.saturating_add(bytes),
            _ => self.seen,
        };
        match self.keeping {
            Keeping::Dropped => self.start = self.start.saturating_add(bytes),
            Keeping::Kept if whole > COMMAND_MAX => {
                self.keeping = Keeping::Dropped;
                let seen = usize::try_from(self.seen).unwrap_or(usize::MAX);
                self.start = self.start.saturating_add(seen);
            }
            Keeping::Kept => return,
        }
        if self.start >= self.buffer.len() {
            self.clear();
        }
    }

    /// The name and arguments of the command that [`Input::poll`] found; empty for an empty line.
    ///
    /// # Errors
    /// When it is not RESP2 after all.
    pub fn arguments(&self) -> Result<Vec<Cow<'_, [u8]>>, ProtocolError> {
        let end = self.start.saturating_add(usize::try_from(self.seen).unwrap_or(usize::MAX));
        let bytes = self.buffer.get(self.start..end).unwrap_or_default();
        if bytes.first() != Some(&b'*') {
            return inline::split(bytes);
        }
        match decode_range(bytes) {
            Ok(Some((RangeFrame::Array(items), _))) => {
                let items = items.iter().map(|item| match item {
                    RangeFrame::BulkString((from, to)) => bytes.get(*from..*to).map(Cow::Borrowed),
                    _ => None,
                });
                items.collect::<Option<_>>().ok_or(ProtocolError::Malformed)
            }
            Ok(Some((RangeFrame::Null, _))) => Ok(Vec::new()),
            _ => Err(ProtocolError::Malformed),
        }
    }

    /// The command that [`Input::poll`] found is done with.
    pub fn consume(&mut self) {
        if self.keeping == Keeping::Kept {
            let seen = usize::try_from(self.seen).unwrap_or(usize::MAX);
            self.start = self.start.saturating_add(seen);
        }
        self.seen = 0;
        self.keeping = Keeping::Kept;
        self.gate = Gate::Start;
        if self.start >= self.buffer.len() {
            self.clear();
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.start = 0;
        self.buffer.clear();
        if self.buffer.capacity() > BUFFER_KEPT {
            self.buffer = Vec::new();
        }
    }

    /// Bytes held.
    #[cfg(test)]
    fn held(&self) -> usize {
        self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::gate::{COUNT_LINE_MAX, INLINE_MAX};
    use super::*;

    fn words(input: &Input) -> Vec<String> {
        let arguments = input.arguments().unwrap();
        arguments.iter().map(|word| String::from_utf8_lossy(word).into()).collect()
    }

    fn all(input: &mut Input) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        while input.poll().unwrap() == Found::Command {
            found.push(words(input));
            input.consume();
        }
        found
    }

    #[test]
    fn pipelines_cut_anywhere() {
        let bytes =
            b"*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING hi  there\r\n\r\n*0\r\n*-1\r\n*1\r\n$0\r\n\r\n";
        let whole: [&[&str]; 6] = [&["GET", "a"], &["PING", "hi", "there"], &[], &[], &[], &[""]];
        for cut in 0..=bytes.len() {
            let mut input = Input::default();
            input.push(&bytes[..cut]);
            let mut found = all(&mut input);
            input.push(&bytes[cut..]);
            found.extend(all(&mut input));
            assert_eq!(found, whole, "cut at {cut}");
            assert_eq!(input.held(), 0);
        }
    }

    #[test]
    fn byte_by_byte() {
        let mut input = Input::default();
        for byte in b"*3\r\n$3\r\nSET\r\n$2\r\n\r\n\r\n$3\r\na\0b\r\n" {
            assert_eq!(input.poll(), Ok(Found::Incomplete));
            input.push(&[*byte]);
        }
        assert_eq!(input.poll(), Ok(Found::Command));
        assert_eq!(words(&input), ["SET", "\r\n", "a\0b"]);
    }

    #[test]
    fn what_is_not_resp_is_refused_in_the_words_of_redis() {
        let long_line = [b'x'; INLINE_MAX + 1];
        let long_count = [b"*".as_slice(), &[b'1'; COUNT_LINE_MAX]].concat();
        let cases: [(&[u8], &str); 11] = [
            (b"*x\r\n", "invalid multibulk length"),
            (b"*+1\r\n", "invalid multibulk length"),
            (b"*1048577\r\n", "invalid multibulk length"),
            (b"*99999999999999999999\r\n", "invalid multibulk length"),
            (b"*1\r\n:", "expected '$', got ':'"),
            (b"*1\r\n*1\r\n*1\r\n", "expected '$', got '*'"),
            (b"*1\r\n$-1\r\n", "invalid bulk length"),
            (b"*1\r\n$536870913\r\n", "invalid bulk length"),
            (b"*1\r\n$00000000000000000000000000000000001", "too big bulk count string"),
            (&long_count, "too big mbulk count string"),
            (&long_line, "too big inline request"),
        ];
        for (bytes, error) in cases {
            let mut input = Input::default();
            input.push(bytes);
            let found = input.poll().expect_err(error);
            assert_eq!(found.to_string(), error);
        }
    }

    #[test]
    fn a_long_command_is_passed_over_in_little_memory() {
        let mut input = Input::default();
        let length = 3 << 20;
        input.push(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${length}\r\n").as_bytes());
        let mut left = length;
        while left > 0 {
            let piece = left.min(10_000);
            assert_eq!(input.poll(), Ok(Found::Incomplete));
            input.push(&vec![b'v'; piece]);
            assert!(input.held() <= 20_000, "{} bytes held", input.held());
            left -= piece;
        }
        input.push(b"\r\nPING\r\n");
        let header = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${length}\r\n\r\n").len();
        assert_eq!(input.poll(), Ok(Found::TooLong((length + header) as u64)));
        input.consume();
        assert_eq!(all(&mut input), [["PING"]]);
    }

    #[test]
    fn many_short_arguments_are_bounded_too() {
        let mut input = Input::default();
        input.push(b"*1000000\r\n");
        let mut most = 0;
        for _ in 0..1_000 {
            input.push(&b"$1\r\nx\r\n".repeat(1_000));
            let _ = input.poll().unwrap();
            most = most.max(input.held());
        }
        assert!(most as u64 <= COMMAND_MAX + 7_000);
        assert!(matches!(input.poll(), Ok(Found::TooLong(_))));
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut state = 7_u64;
        let alphabet = b"*$+-:0123456789\r\n\r\n\r\nax\0\xff\"'\\";
        for _ in 0..5_000 {
            let mut input = Input::default();
            for _ in 0..20 {
                let mut piece = Vec::new();
                for _ in 0..5 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                    piece.push(alphabet[(state >> 33) as usize % alphabet.len()]);
                }
                input.push(&piece);
                match input.poll() {
                    Ok(Found::Incomplete) => {}
                    Ok(Found::Command | Found::TooLong(_)) => {
                        match input.arguments() {
                            Ok(_) | Err(ProtocolError::UnbalancedQuotes) => {}
                            Err(error) => panic!("{error}"),
                        }
                        input.consume();
                    }
                    Err(_) => break,
                }
            }
        }
    }
}
