//! A medium without space just when the log is compacted.

use crate::support::{config, me};
use raft_nostd::journal::PersistFailure;
use raft_nostd::{
    Duration, HardState, Index, Instant, Life, Loading, Output, Persist, Raft, Role, Start,
};

/// A batch that holds nothing but a new base is tried again like any other.
#[test]
fn a_base_that_found_no_space_is_tried_again() {
    let voters = [me()];
    let loading = Loading::new::<1>(&config(&voters), vec![0_u8; 1 << 16]).unwrap();
    let start = Start {
        hard_state: HardState::default(),
        life: Life { incarnation: 1, boot: 1, nonce: 1 },
        applied: Index::ZERO,
        seed: 1,
        now: Instant::from_micros(0),
    };
    let mut raft = loading.start::<1>(start).unwrap();
    let (mut now, mut proposed, mut refusals) = (Instant::from_micros(0), 0, 0);
    for _ in 0..400 {
        match raft.poll_output(now, &mut [0; 1_200]) {
            Output::Persist(Persist { batch, ticket }) => {
                let only_base = batch.frames.is_empty() && batch.base.index > Index::ZERO;
                if only_base && refusals == 0 {
                    refusals += 1;
                    raft.handle_persist_failed(now, ticket, PersistFailure::Full).unwrap();
                } else {
                    raft.handle_persisted(now, ticket).unwrap();
                }
            }
            Output::Idle { wake_at } => {
                now = next(&mut raft, now, wake_at, &mut proposed, refusals)
            }
            _ => {}
        }
    }
    assert_eq!(refusals, 1);
    let later = raft.propose(now, b"later");
    assert!(later.is_ok(), "{:?}: {later:?}", raft.status());
}

/// Proposes, then takes a snapshot, then lets time pass.
fn next(
    raft: &mut Raft<Vec<u8>, 1>,
    now: Instant,
    wake_at: Instant,
    proposed: &mut u32,
    refusals: u32,
) -> Instant {
    let leads = raft.status().role == Role::Leader;
    if leads && *proposed < 12 {
        raft.propose(now, b"command").unwrap();
        *proposed += 1;
        return now;
    }
    if leads && refusals == 0 && raft.applied() >= Index(13) {
        let manifest = raft.snapshot_due().unwrap();
        raft.handle_snapshot_taken(now, &manifest).unwrap();
        return now;
    }
    let now = wake_at.max(now.plus(Duration::from_millis(1)));
    raft.handle_timeout(now);
    now
}
