//! Kills and power cuts around a snapshot's seal.

use crate::support::{Solo, World};
use adapter_std::memory::Fate;

/// A node killed while it sealed a snapshot leaves an end record that only the page cache may have.
/// The next run builds on it (it compacts the journal), so it must make it durable first.
#[test]
fn what_a_killed_node_left_unsynced_is_not_built_upon() {
    for budget in 0..400 {
        let mut solo = Solo::open(World::new(), 5).unwrap();
        solo.run(6);
        let sum = solo.world().sum;
        assert_eq!(sum, 6 * u64::from(b'a'));
        solo.world().snapshots.borrow_mut().cut_after(budget);
        solo.driver.compact();
        solo.run(0);
        // Killed: what was written can be read, and need not be durable.
        let (journal, snapshots) = (solo.world().journal.copy(), solo.world().snapshots.copy());
        for medium in [&journal, &snapshots] {
            medium.borrow_mut().restart();
        }
        let mut solo = Solo::open(World::on(journal, snapshots), 6).unwrap();
        solo.run(0);
        assert_eq!(solo.world().sum, sum);
        let (journal, snapshots) = (solo.world().journal.copy(), solo.world().snapshots.copy());
        for medium in [&journal, &snapshots] {
            medium.borrow_mut().crash(|_| Fate::Dropped);
        }
        let mut solo = Solo::open(World::on(journal, snapshots), 7)
            .unwrap_or_else(|error| panic!("after {budget} bytes: {error}"));
        solo.run(0);
        assert_eq!(solo.world().sum, sum, "after {budget} bytes");
    }
}
