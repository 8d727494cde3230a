//! One key of a store of texts that can also count, as Redis does: set, get, incr, del.

use std::fmt;
use std::sync::Arc;

use super::super::Model;

/// What a client asked for, on one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Call {
    /// Write this value.
    Set(String),
    /// Read the value.
    Get,
    /// Read the value as a decimal `i64` (an absent key counts as 0) and write it plus one.
    Incr,
    /// Remove the key.
    Del,
}

/// What the store answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reply {
    /// To [`Call::Set`]: written.
    Done,
    /// To [`Call::Get`]: the value, or `None` if the key is absent.
    Value(Option<String>),
    /// To [`Call::Incr`]: the number written.
    Number(i64),
    /// To [`Call::Del`]: how many keys were removed, 0 or 1.
    Removed(u64),
    /// To [`Call::Incr`]: the value is not an `i64`, or is the greatest one. Nothing was written.
    /// Unlike [`Completion::Failed`](super::super::Completion::Failed) this says something about
    /// the value, and is checked.
    Refused,
}

/// The value of the key; `None` is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Text(pub Option<Arc<str>>);

impl Model for Text {
    type Call = Call;
    type Reply = Reply;

    fn apply(&mut self, call: &Call) -> Reply {
        match call {
            Call::Set(value) => {
                self.0 = Some(Arc::from(value.as_str()));
                Reply::Done
            }
            Call::Get => Reply::Value(self.0.as_deref().map(str::to_owned)),
            Call::Incr => {
                let Some(number) = self.incremented() else { return Reply::Refused };
                self.0 = Some(Arc::from(number.to_string()));
                Reply::Number(number)
            }
            Call::Del => Reply::Removed(u64::from(self.0.take().is_some())),
        }
    }

    fn is_read(call: &Call) -> bool {
        *call == Call::Get
    }
}

impl Text {
    /// One more than the number it is, if there is such an `i64`.
    fn incremented(&self) -> Option<i64> {
        let number = match &self.0 {
            Some(text) => text.parse::<i64>().ok()?,
            None => 0,
        };
        number.checked_add(1)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "{text:?}"),
            None => write!(f, "absent"),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(value) => write!(f, "set {value:?}"),
            Self::Get => write!(f, "get"),
            Self::Incr => write!(f, "incr"),
            Self::Del => write!(f, "del"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "done"),
            Self::Value(Some(value)) => write!(f, "{value:?}"),
            Self::Value(None) => write!(f, "absent"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Removed(count) => write!(f, "removed {count}"),
            Self::Refused => write!(f, "refused"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Text {
        Text(Some(Arc::from(value)))
    }

    #[track_caller]
    fn becomes(before: Text, call: &Call, after: &Text, reply: &Reply) {
        let mut state = before;
        assert_eq!((&state.apply(call), &state), (reply, after));
    }

    #[test]
    fn incr_counts_from_zero_and_refuses_what_it_cannot_count() {
        becomes(Text(None), &Call::Incr, &text("1"), &Reply::Number(1));
        becomes(text("-1"), &Call::Incr, &text("0"), &Reply::Number(0));
        becomes(text("x"), &Call::Incr, &text("x"), &Reply::Refused);
        let greatest = text(&i64::MAX.to_string());
        becomes(greatest.clone(), &Call::Incr, &greatest, &Reply::Refused);
    }

    #[test]
    fn set_get_and_del() {
        becomes(text("b"), &Call::Set("a".to_owned()), &text("a"), &Reply::Done);
        becomes(text("a"), &Call::Get, &text("a"), &Reply::Value(Some("a".to_owned())));
        becomes(Text(None), &Call::Get, &Text(None), &Reply::Value(None));
        becomes(text("a"), &Call::Del, &Text(None), &Reply::Removed(1));
        becomes(Text(None), &Call::Del, &Text(None), &Reply::Removed(0));
    }
}
