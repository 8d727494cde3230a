//! The models to try the checker with, and for each a second model that shares nothing with it.

use std::sync::Arc;

use super::super::Model;
use super::super::models::kv::{self, Text};
use super::super::models::list::{self, List};
use super::super::models::register::{self, Register};
use super::dice::Dice;

/// A model with a second one.
pub trait Subject: Model {
    /// The state of the second model.
    type Value: Clone + Default + PartialEq + std::fmt::Debug;

    /// What the second model does and answers.
    fn serve(value: &Self::Value, call: &Self::Call) -> (Self::Value, Self::Reply);

    /// The state of the first model as one of the second.
    fn value(&self) -> Self::Value;

    /// A call with values of which there are so many.
    fn random_call(dice: &mut Dice, values: u64) -> Self::Call;

    /// An answer of the right kind, but otherwise arbitrary.
    fn random_reply(dice: &mut Dice, call: &Self::Call) -> Self::Reply;
}

impl Subject for Text {
    type Value = Option<String>;

    fn serve(old: &Self::Value, call: &kv::Call) -> (Self::Value, kv::Reply) {
        match (call, old) {
            (kv::Call::Set(new), _) => (Some(new.clone()), kv::Reply::Done),
            (kv::Call::Get, _) => (old.clone(), kv::Reply::Value(old.clone())),
            (kv::Call::Del, None) => (None, kv::Reply::Removed(0)),
            (kv::Call::Del, Some(_)) => (None, kv::Reply::Removed(1)),
            (kv::Call::Incr, None) => (Some("1".to_owned()), kv::Reply::Number(1)),
            (kv::Call::Incr, Some(text)) => match text.parse::<i64>().map(|n| n.checked_add(1)) {
                Ok(Some(number)) => (Some(number.to_string()), kv::Reply::Number(number)),
                Ok(None) | Err(_) => (old.clone(), kv::Reply::Refused),
            },
        }
    }

    fn value(&self) -> Self::Value {
        self.0.as_deref().map(str::to_owned)
    }

    fn random_call(dice: &mut Dice, values: u64) -> kv::Call {
        match dice.below(8) {
            0..3 => kv::Call::Set(text(dice, values)),
            3..5 => kv::Call::Get,
            5..7 => kv::Call::Incr,
            _ => kv::Call::Del,
        }
    }

    fn random_reply(dice: &mut Dice, call: &kv::Call) -> kv::Reply {
        match call {
            kv::Call::Set(_) => kv::Reply::Done,
            kv::Call::Get if dice.one_in(4) => kv::Reply::Value(None),
            kv::Call::Get => kv::Reply::Value(Some(text(dice, 3))),
            kv::Call::Incr if dice.one_in(4) => kv::Reply::Refused,
            kv::Call::Incr => kv::Reply::Number(i64::try_from(dice.below(4)).unwrap() + 1),
            kv::Call::Del => kv::Reply::Removed(dice.below(2)),
        }
    }
}

/// Most are numbers.
fn text(dice: &mut Dice, values: u64) -> String {
    match dice.below(values) {
        0 => "x".to_owned(),
        number => number.to_string(),
    }
}

impl Subject for Register<u64> {
    type Value = Vec<u64>;

    /// The register as a list of at most one value.
    fn serve(old: &Vec<u64>, call: &register::Call<u64>) -> (Vec<u64>, register::Reply<u64>) {
        match call {
            register::Call::Read => (old.clone(), register::Reply::Value(old.first().copied())),
            register::Call::Write(new) => (vec![*new], register::Reply::Written),
            register::Call::CompareAndSet { expected, new } => {
                let expected: Vec<u64> = expected.iter().copied().collect();
                if expected == *old {
                    (vec![*new], register::Reply::Written)
                } else {
                    (old.clone(), register::Reply::Differs)
                }
            }
        }
    }

    fn value(&self) -> Vec<u64> {
        Vec::from_iter(self.0)
    }

    fn random_call(dice: &mut Dice, values: u64) -> register::Call<u64> {
        match dice.below(8) {
            0..2 => register::Call::Write(dice.below(values)),
            2..5 => register::Call::Read,
            _ => register::Call::CompareAndSet {
                expected: number(dice, values),
                new: dice.below(values),
            },
        }
    }

    fn random_reply(dice: &mut Dice, call: &register::Call<u64>) -> register::Reply<u64> {
        match call {
            register::Call::Read => register::Reply::Value(number(dice, 3)),
            register::Call::CompareAndSet { .. } if dice.one_in(2) => register::Reply::Differs,
            register::Call::CompareAndSet { .. } | register::Call::Write(_) => {
                register::Reply::Written
            }
        }
    }
}

fn number(dice: &mut Dice, values: u64) -> Option<u64> {
    dice.below(values + 1).checked_sub(1)
}

impl Subject for List<u64> {
    /// Shared, so that long lists can be tried out.
    type Value = Arc<Vec<u64>>;

    fn serve(old: &Self::Value, call: &list::Call<u64>) -> (Self::Value, list::Reply<u64>) {
        match call {
            list::Call::Read => (Arc::clone(old), list::Reply::Items(old.to_vec())),
            list::Call::Append(item) => {
                let mut items = old.to_vec();
                items.push(*item);
                let length = items.len();
                (Arc::new(items), list::Reply::Length(length))
            }
        }
    }

    fn value(&self) -> Self::Value {
        Arc::new(self.items())
    }

    fn random_call(dice: &mut Dice, values: u64) -> list::Call<u64> {
        if dice.one_in(2) { list::Call::Read } else { list::Call::Append(dice.below(values)) }
    }

    fn random_reply(dice: &mut Dice, call: &list::Call<u64>) -> list::Reply<u64> {
        match call {
            list::Call::Read => {
                list::Reply::Items((0..dice.below(3)).map(|_| dice.below(3)).collect())
            }
            list::Call::Append(_) => {
                list::Reply::Length(usize::try_from(1 + dice.below(3)).unwrap())
            }
        }
    }
}
