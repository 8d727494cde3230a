//! Inline commands: a line of words, as a person types it, with the quotes of Redis.

use super::gate::ProtocolError;
use std::borrow::Cow;

/// The words of a line. `"a b\n\x00"` is one word, with escapes; so is `'a b'`, where only `\'` is
/// one. What is closed must be followed by a space.
///
/// # Errors
/// When a quote is not closed, or something follows a closed one at once.
pub(super) fn split(line: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, ProtocolError> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len());
        let (plain, after) = rest.split_at(end);
        rest = if plain.iter().any(|byte| matches!(byte, b'"' | b'\'')) {
            let mut word = Vec::new();
            let after = quoted(rest, &mut word)?;
            words.push(Cow::Owned(word));
            after
        } else {
            words.push(Cow::Borrowed(plain));
            after
        }
        .trim_ascii_start();
    }
    Ok(words)
}

fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// Takes a word with quotes in it from the front of `rest`, and returns what comes after it.
fn quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
    while let Some((byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' => double(after, word)?,
            b'\'' => single(after, word)?,
            byte if is_end(*byte) => break,
            byte => {
                word.push(*byte);
                after
            }
        };
    }
    Ok(rest)
}

fn double<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
    loop {
        let (byte, after) = match rest {
            [b'"', after @ ..] => return closed(after),
            [b'\\', b'x', high, low, after @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
                let digits = hex(*high).zip(hex(*low));
                (digits.map_or(0, |(high, low)| high << 4 | low), after)
            }
            [b'\\', escaped, after @ ..] => (unescaped(*escaped), after),
            [byte, after @ ..] => (*byte, after),
            [] => return Err(ProtocolError::UnbalancedQuotes),
        };
        word.push(byte);
        rest = after;
    }
}

fn single<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
    loop {
        let (byte, after) = match rest {
            [b'\'', after @ ..] => return closed(after),
            [b'\\', b'\'', after @ ..] => (b'\'', after),
            [byte, after @ ..] => (*byte, after),
            [] => return Err(ProtocolError::UnbalancedQuotes),
        };
        word.push(byte);
        rest = after;
    }
}

/// After a closing quote.
fn closed(after: &[u8]) -> Result<&[u8], ProtocolError> {
    match after.first() {
        Some(byte) if !is_end(*byte) => Err(ProtocolError::UnbalancedQuotes),
        _ => Ok(after),
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_as_redis_splits_them() {
        let cases: [(&str, &[&str]); 12] = [
            ("", &[]),
            ("  PING\r\n", &["PING"]),
            ("SET a\tb", &["SET", "a", "b"]),
            (r#"SET a "hello world""#, &["SET", "a", "hello world"]),
            (r#"SET a "" "#, &["SET", "a", ""]),
            (r"SET a 'it\'s \n'", &["SET", "a", r"it's \n"]),
            (r#"a "\"\\\n\r\t\b\a\q""#, &["a", "\"\\\n\r\t\u{8}\u{7}q"]),
            (r#"a "\x41\x4a\x0A\xzz""#, &["a", "AJ\nxzz"]),
            (r#"pre"fix ed" x"#, &["prefix ed", "x"]),
            (r#""it's" '"'"#, &["it's", "\""]),
            (r"back\slash", &[r"back\slash"]),
            ("'a' \"b\"\r\n", &["a", "b"]),
        ];
        for (line, words) in cases {
            let found = split(line.as_bytes()).expect(line);
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            assert_eq!(found, words, "{line}");
        }
        assert_eq!(split(br#"a "\xff""#).unwrap()[1], vec![0xff]);
    }

    #[test]
    fn quotes_that_do_not_balance() {
        for line in [r#"SET a "b"#, "SET a 'b", r#"SET a "b"c"#, "SET 'a'b", r#""\"#, r#""\""#] {
            let error = split(line.as_bytes()).expect_err(line);
            assert_eq!(error.to_string(), "unbalanced quotes in request");
        }
    }
}
