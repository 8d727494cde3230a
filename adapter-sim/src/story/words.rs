//! Free text that cannot break the format.

use std::fmt;

/// So many bytes of a command are shown.
const SHOWN: usize = 32;

/// Text on one line: words with one blank between them, no control characters, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(String);

impl Words {
    /// The words of `text`: any white space, line breaks too, becomes one blank; control characters
    /// are escaped; nothing becomes `-`.
    pub fn new(text: &str) -> Self {
        let mut clean = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            if !clean.is_empty() {
                clean.push(' ');
            }
            for c in word.chars() {
                if c.is_control() { clean.extend(c.escape_unicode()) } else { clean.push(c) }
            }
        }
        if clean.is_empty() {
            clean.push('-');
        }
        Self(clean)
    }

    /// A command in words: ASCII as it is, other bytes as `\xNN`, and so is a blank where it would
    /// end a word of the sentence around it; the first 32 bytes, and how many more there are.
    pub fn command(bytes: &[u8]) -> Self {
        let (shown, more) = bytes.split_at(bytes.len().min(SHOWN));
        let mut text = String::new();
        for (place, byte) in shown.iter().enumerate() {
            let before = place.checked_sub(1).map(|before| shown[before]);
            let at_the_end = place == shown.len() - 1;
            match byte {
                b' ' if at_the_end || matches!(before, None | Some(b' ' | b',' | b':')) => {
                    text.push_str("\\x20");
                }
                b' ' => text.push(' '),
                b'\\' => text.push_str("\\\\"),
                byte if byte.is_ascii_graphic() => text.push(char::from(*byte)),
                byte => text.push_str(&format!("\\x{byte:02x}")),
            }
        }
        match (shown, more) {
            ([], _) => Self("(empty)".into()),
            (_, []) => Self(text),
            (_, more) => Self(format!("{text}...+{}", more.len())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_one_line() {
        assert_eq!(Words::new(" a\n b\t\u{7}c  ").as_str(), "a b \\u{7}c");
        assert_eq!(Words::new(" \n").as_str(), "-");
    }

    #[test]
    fn a_command_can_be_told_from_the_sentence_around_it() {
        assert_eq!(Words::command(b"x=1").as_str(), "x=1");
        assert_eq!(Words::command(b"set a 1").as_str(), "set a 1");
        assert_eq!(Words::command(b"").as_str(), "(empty)");
        assert_eq!(
            Words::command(b" a, and: b\\\n ").as_str(),
            "\\x20a,\\x20and:\\x20b\\\\\\x0a\\x20"
        );
        let long = Words::command(&[b'a'; 100]);
        assert_eq!(long.as_str(), format!("{}...+68", "a".repeat(32)));
    }
}
