//! The sequential key-value store, reduced to one key.

use std::sync::Arc;

use super::super::history::{Call, Reply};

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
