//! The journal on a medium that tears, forgets, fills up and rots.

mod batches;
mod bounded;
mod crash;
mod damage;
mod faults;
mod forged;
mod golden;
mod refuse;
mod support;
