//! What the binary does.

pub mod fleet;
pub mod options;

/// Something was found; it has been told.
#[derive(Debug)]
pub struct Failed;
