//! Models of common state machines: see [`Model`](super::Model) for how to write another.

pub mod kv;
pub mod list;
pub mod register;
