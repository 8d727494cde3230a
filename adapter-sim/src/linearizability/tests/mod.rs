//! The checker against the definition, against stores with faults, and against its limits.

mod by_hand;
mod clients;
mod dice;
mod faults;
mod long;
mod oracle;
mod small;
mod subject;
mod witness;
