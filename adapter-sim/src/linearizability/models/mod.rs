//! Sequential models.

pub mod kv;
