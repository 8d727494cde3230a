//! Snapshots on a medium that tears, forgets, fills up and rots.

mod crash;
mod damage;
mod faults;
mod forge;
mod golden;
mod passes;
mod refuse;
mod resume;
mod roundtrip;
mod support;
mod unsealed;
