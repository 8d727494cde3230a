//! The medium in memory forgets what page caches forget.

use adapter_std::memory::{Behaviour, Fate, MemoryError, MemoryMedium};
use raft_nostd::journal::{Geometry, Medium};

#[test]
fn a_sync_that_loses_writes_fails_once_and_later_ones_do_not_bring_them_back() {
    let geometry = Geometry { segments: 2, segment_bytes: 1_024, granularity: 1, erased: 0 };
    let mut medium = MemoryMedium::new(geometry, Behaviour::File);
    medium.write(0, 0, b"lost").unwrap();
    medium.lose_writes();
    assert_eq!(medium.sync(), Err(MemoryError::Sync));
    medium.write(1, 0, b"kept").unwrap();
    assert_eq!(medium.sync(), Ok(()));
    assert!(medium.has_lost_writes());
    assert_eq!(&medium.bytes(0)[..4], b"lost", "reads show it");

    medium.crash(|_| Fate::Kept);
    assert_eq!(&medium.bytes(0)[..4], [0; 4]);
    assert_eq!(&medium.bytes(1)[..4], b"kept");
}
