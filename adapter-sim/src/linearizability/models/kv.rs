//! The sequential key-value store, reduced to one key.

use std::fmt;
use std::sync::Arc;

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
    /// To [`Call::Incr`]: the value is not an `i64`, or is the greatest one. Nothing was
    /// written. Unlike [`Completion::Failed`] this says something about the value, and is
    /// checked.
    Refused,
}

/// The value of the key; `None` is absent.
pub type State = Option<Arc<str>>;

/// What the store does with `call` in `state`: the new state and the answer.
pub fn apply(state: &State, call: &Call) -> (State, Reply) {
    match call {
        Call::Set(value) => (Some(Arc::from(value.as_str())), Reply::Done),
        Call::Get => (state.clone(), Reply::Value(state.as_deref().map(str::to_owned))),
        Call::Incr => match incremented(state) {
            Some(number) => (Some(Arc::from(number.to_string())), Reply::Number(number)),
            None => (state.clone(), Reply::Refused),
        },
        Call::Del => (None, Reply::Removed(u64::from(state.is_some()))),
    }
}

/// One more than the number in `state`, if there is such an `i64`.
fn incremented(state: &State) -> Option<i64> {
    let number = match state {
        Some(text) => text.parse::<i64>().ok()?,
        None => 0,
    };
    number.checked_add(1)
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

    fn text(value: &str) -> State {
        Some(Arc::from(value))
    }

    #[test]
    fn incr_counts_from_zero_and_refuses_what_it_cannot_count() {
        assert_eq!(apply(&None, &Call::Incr), (text("1"), Reply::Number(1)));
        assert_eq!(apply(&text("-1"), &Call::Incr), (text("0"), Reply::Number(0)));
        assert_eq!(apply(&text("x"), &Call::Incr), (text("x"), Reply::Refused));
        let greatest = text(&i64::MAX.to_string());
        assert_eq!(apply(&greatest, &Call::Incr), (greatest.clone(), Reply::Refused));
    }

    #[test]
    fn set_get_and_del() {
        let set = Call::Set("a".to_owned());
        assert_eq!(apply(&text("b"), &set), (text("a"), Reply::Done));
        let value = Reply::Value(Some("a".to_owned()));
        assert_eq!(apply(&text("a"), &Call::Get), (text("a"), value));
        assert_eq!(apply(&None, &Call::Get), (None, Reply::Value(None)));
        assert_eq!(apply(&text("a"), &Call::Del), (None, Reply::Removed(1)));
        assert_eq!(apply(&None, &Call::Del), (None, Reply::Removed(0)));
    }
}
