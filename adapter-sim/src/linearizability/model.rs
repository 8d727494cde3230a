//! What a state machine does with one key, one operation at a time.

use std::fmt::{Debug, Display};
use std::hash::Hash;

/// What one key of a state machine does, one call at a time. The value of the type is the state
/// of the key, and its [`Default`] the state every key has at first.
///
/// The checker clones states, compares them and keeps them in hash maps: make all three cheap
/// (an [`Arc`](std::sync::Arc) around what can be large). [`Display`] is for the person who reads
/// a [`Violation`](super::Violation).
///
/// ```
/// use std::fmt;
///
/// use adapter_sim::linearizability::Model;
///
/// /// A number that can be added to; every call is answered with the sum.
/// #[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
/// struct Counter(u64);
///
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// struct Add(u64);
///
/// impl Model for Counter {
///     type Call = Add;
///     type Reply = u64;
///
///     fn apply(&mut self, call: &Add) -> u64 {
///         self.0 += call.0;
///         self.0
///     }
///
///     fn is_read(call: &Add) -> bool {
///         call.0 == 0
///     }
/// }
///
/// impl fmt::Display for Add {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write!(f, "add {}", self.0)
///     }
/// }
///
/// impl fmt::Display for Counter {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         self.0.fmt(f)
///     }
/// }
///
/// assert_eq!(Counter::default().apply(&Add(3)), 3);
/// ```
pub trait Model: Clone + Default + Eq + Hash + Debug + Display {
    /// What a client asks for.
    type Call: Clone + Eq + Hash + Debug + Display;
    /// What it is answered.
    type Reply: Clone + Eq + Debug + Display;

    /// Does `call`, and answers it. The same state and call must always give the same.
    fn apply(&mut self, call: &Self::Call) -> Self::Reply;

    /// Whether `call` changes no state, whatever the state. A read that was not answered tells
    /// nothing, and is left out of what is shown; no verdict depends on it.
    fn is_read(call: &Self::Call) -> bool {
        let _ = call;
        false
    }

    /// Does `call`, and says whether its answer is `reply`. To be overridden where an answer is
    /// large, and can be compared without being made. What it does is of no account if the
    /// answer differs.
    fn explains(&mut self, call: &Self::Call, reply: &Self::Reply) -> bool {
        self.apply(call) == *reply
    }

    /// Whether some calls might lead from this state to one in which `call` is answered `reply`.
    ///
    /// Yes is always right. A no where it is certain spares the search what is hopeless, which a
    /// model needs whose states never come again: those of a register do, those of a
    /// [list](super::models::list) that once has a wrong item do not. It is asked often, so it
    /// should take constant time.
    fn may_yet_answer(&self, call: &Self::Call, reply: &Self::Reply) -> bool {
        let _ = (call, reply);
        true
    }
}
