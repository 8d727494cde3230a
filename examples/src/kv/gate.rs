//! Walks over what a client sends, byte by byte and only once, and tells where a command ends.

use std::fmt;

/// The longest inline command, as in Redis.
pub(super) const INLINE_MAX: usize = 64 << 10;
/// The most arguments, as in Redis.
const ARGUMENTS_MAX: u64 = 1 << 20;
/// The longest argument that is even walked over, as in Redis.
const ARGUMENT_MAX: u64 = 512 << 20;
/// The longest line with a count or a length: a sign, 20 digits, CR and LF fit.
pub(super) const COUNT_LINE_MAX: usize = 32;

/// Why bytes are not RESP2; worded as Redis does. The connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// More than 64 KiB without a line's end.
    InlineTooLong,
    /// The line with the number of arguments does not end.
    CountTooLong,
    /// The line with the length of an argument does not end.
    LengthTooLong,
    /// The number of arguments is none, or too large.
    Count,
    /// The length of an argument is none, or too large.
    Length,
    /// An argument that is not a bulk string.
    NotABulkString(u8),
    /// In an inline command.
    UnbalancedQuotes,
    /// Anything else.
    Malformed,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InlineTooLong => f.write_str("too big inline request"),
            Self::CountTooLong => f.write_str("too big mbulk count string"),
            Self::LengthTooLong => f.write_str("too big bulk count string"),
            Self::Count => f.write_str("invalid multibulk length"),
            Self::Length => f.write_str("invalid bulk length"),
            Self::NotABulkString(byte) => {
                write!(f, "expected '$', got '{}'", byte.escape_ascii())
            }
            Self::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
            Self::Malformed => f.write_str("malformed command"),
        }
    }
}

/// Where in a command the next byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gate {
    /// Before its first byte.
    #[default]
    Start,
    /// In an inline command.
    Inline,
    /// Before a bulk string, with so many to come.
    Argument {
        /// How many.
        left: u64,
    },
    /// In a bulk string with so many bytes to come, CR and LF included, and so many more after.
    Bytes {
        /// How many bytes.
        bytes: u64,
        /// How many bulk strings after it.
        left: u64,
    },
    /// After its last byte.
    End,
}

/// What one step of the gate needs.
pub enum Step {
    /// It went so many bytes ahead.
    Ahead(usize),
    /// There are too few bytes.
    Starved,
}

impl Gate {
    /// Goes one element further in `bytes`, of which it has not seen any, `before` bytes after
    /// the start of the command.
    ///
    /// # Errors
    /// When they are not RESP2.
    pub fn step(&mut self, bytes: &[u8], before: u64) -> Result<Step, ProtocolError> {
        match *self {
            Self::Start => match bytes.first() {
                None => Ok(Step::Starved),
                Some(b'*') => self.count(bytes),
                Some(_) => {
                    *self = Self::Inline;
                    Ok(Step::Ahead(0))
                }
            },
            Self::Inline => self.inline(bytes, before),
            Self::Argument { left } => self.length(bytes, left),
            Self::Bytes { bytes: wanted, left } => {
                let taken = wanted.min(bytes.len() as u64);
                *self = match wanted - taken {
                    0 => Self::after(left),
                    more => Self::Bytes { bytes: more, left },
                };
                Ok(if taken == 0 { Step::Starved } else { Step::Ahead(taken as usize) })
            }
            Self::End => Ok(Step::Starved),
        }
    }

    const fn after(left: u64) -> Self {
        if left == 0 { Self::End } else { Self::Argument { left } }
    }

    fn inline(&mut self, bytes: &[u8], before: u64) -> Result<Step, ProtocolError> {
        let ahead = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                *self = Self::End;
                at.saturating_add(1)
            }
            None => bytes.len(),
        };
        if before.saturating_add(ahead as u64) > INLINE_MAX as u64 {
            return Err(ProtocolError::InlineTooLong);
        }
        Ok(if ahead == 0 { Step::Starved } else { Step::Ahead(ahead) })
    }

    fn count(&mut self, bytes: &[u8]) -> Result<Step, ProtocolError> {
        let Some(line) = line(bytes).ok_or(ProtocolError::CountTooLong)? else {
            return Ok(Step::Starved);
        };
        // Redis takes a negative number for zero.
        let count = number(line).ok_or(ProtocolError::Count)?.max(0).unsigned_abs();
        if count > ARGUMENTS_MAX {
            return Err(ProtocolError::Count);
        }
        *self = Self::after(count);
        Ok(Step::Ahead(line.len().saturating_add(3)))
    }

    fn length(&mut self, bytes: &[u8], left: u64) -> Result<Step, ProtocolError> {
        match bytes.first() {
            None => return Ok(Step::Starved),
            Some(b'$') => {}
            Some(other) => return Err(ProtocolError::NotABulkString(*other)),
        }
        let Some(line) = line(bytes).ok_or(ProtocolError::LengthTooLong)? else {
            return Ok(Step::Starved);
        };
        let length = number(line).and_then(|length| u64::try_from(length).ok());
        let length =
            length.filter(|length| *length <= ARGUMENT_MAX).ok_or(ProtocolError::Length)?;
        *self = Self::Bytes { bytes: length.saturating_add(2), left: left.saturating_sub(1) };
        Ok(Step::Ahead(line.len().saturating_add(3)))
    }
}

/// The line after the first byte, without CR and LF; `Some(None)` when it has not ended yet,
/// `None` when it should have.
fn line(bytes: &[u8]) -> Option<Option<&[u8]>> {
    let start = bytes.get(1..bytes.len().min(COUNT_LINE_MAX)).unwrap_or_default();
    match start.windows(2).position(|pair| pair == b"\r\n") {
        Some(end) => Some(start.get(..end)),
        None if bytes.len() < COUNT_LINE_MAX => Some(None),
        None => None,
    }
}

/// A decimal number with at most a minus before it.
fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    if text.starts_with('+') { None } else { text.parse().ok() }
}
