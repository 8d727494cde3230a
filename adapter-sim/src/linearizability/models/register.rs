//! A register: read, write, compare-and-set.

use std::fmt::{self, Debug};
use std::hash::Hash;

use super::super::Model;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Call<V> {
    /// Read the value.
    Read,
    /// Write this value.
    Write(V),
    /// Write `new` if the value is `expected`.
    CompareAndSet {
        /// The value that it has to be; `None` is absent.
        expected: Option<V>,
        /// The value that it becomes then.
        new: V,
    },
}

/// What it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reply<V> {
    /// To [`Call::Read`]: the value; `None` is absent.
    Value(Option<V>),
    /// To [`Call::Write`]; to [`Call::CompareAndSet`] if the value was the expected one.
    Written,
    /// To [`Call::CompareAndSet`] if the value was another one.
    Differs,
}

/// The value of the register; `None` is absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Register<V>(pub Option<V>);

impl<V> Default for Register<V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<V: Clone + Eq + Hash + Debug> Model for Register<V> {
    type Call = Call<V>;
    type Reply = Reply<V>;

    fn apply(&mut self, call: &Call<V>) -> Reply<V> {
        match call {
            Call::Read => Reply::Value(self.0.clone()),
            Call::CompareAndSet { expected, .. } if *expected != self.0 => Reply::Differs,
            Call::Write(new) | Call::CompareAndSet { new, .. } => {
                self.0 = Some(new.clone());
                Reply::Written
            }
        }
    }

    fn is_read(call: &Call<V>) -> bool {
        *call == Call::Read
    }
}

impl<V: Debug> fmt::Display for Register<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0.as_ref(), f)
    }
}

impl<V: Debug> fmt::Display for Call<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => write!(f, "read"),
            Self::Write(value) => write!(f, "write {value:?}"),
            Self::CompareAndSet { expected, new } => {
                write!(f, "if ")?;
                show(expected.as_ref(), f)?;
                write!(f, " write {new:?}")
            }
        }
    }
}

impl<V: Debug> fmt::Display for Reply<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => show(value.as_ref(), f),
            Self::Written => write!(f, "written"),
            Self::Differs => write!(f, "differs"),
        }
    }
}

fn show<V: Debug>(value: Option<&V>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Some(value) => write!(f, "{value:?}"),
        None => write!(f, "absent"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_writes_and_compares() {
        let mut register = Register(None);
        assert_eq!(register.apply(&Call::Read), Reply::Value(None));
        let set = |expected, new| Call::CompareAndSet { expected, new };
        assert_eq!(register.apply(&set(Some(1), 2)), Reply::Differs);
        assert_eq!(register.apply(&set(None, 2)), Reply::Written);
        assert_eq!(register.apply(&set(None, 3)), Reply::Differs);
        assert_eq!(register.apply(&Call::Read), Reply::Value(Some(2)));
        assert_eq!(register.apply(&Call::Write(4)), Reply::Written);
        assert_eq!(register.apply(&set(Some(4), 5)), Reply::Written);
        assert_eq!(register, Register(Some(5)));
    }

    #[test]
    fn calls_are_readable() {
        let call = Call::CompareAndSet { expected: None, new: 2 };
        assert_eq!(call.to_string(), "if absent write 2");
        assert_eq!(Call::CompareAndSet { expected: Some(1), new: 2 }.to_string(), "if 1 write 2");
    }
}
