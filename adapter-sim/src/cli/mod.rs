//! What the binary does.

pub mod fleet;
pub mod options;
pub mod quiet;

/// Something was found; it has been told.
#[derive(Debug)]
pub struct Failed;
