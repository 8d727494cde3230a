//! A node that is kept from running for longer than an election timeout.

mod support;

use adapter_mio::mio::event::Event as Readiness;
use adapter_mio::{Node, Service};
use raft_nostd::journal::Medium;
use raft_nostd::{Event, Position};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, thread};
use support::{Member, Sum, eventually, leader, millis, propose, seats};

/// Blocks the loop at the end of its next turn for so many milliseconds, once.
#[derive(Clone, Default)]
struct Sleeper {
    bed: Arc<AtomicU64>,
    /// How often the node was something else than before.
    changes: Arc<AtomicU64>,
}

impl<D: Medium> Service<D> for Sleeper {
    type Machine = Sum;

    fn start(&mut self, _: &mut Node<Sum, D>) -> io::Result<()> {
        Ok(())
    }

    fn ready(&mut self, _: &mut Node<Sum, D>, _: &Readiness) {}

    fn applied(&mut self, _: &mut Node<Sum, D>, _: Position, _: u64) {}

    fn event(&mut self, _: &mut Node<Sum, D>, event: Event) {
        if matches!(event, Event::Status(_)) {
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn turn_ends(&mut self, _: &mut Node<Sum, D>) {
        thread::sleep(millis(self.bed.swap(0, Ordering::Relaxed)));
    }
}

#[test]
fn a_follower_that_overslept_reads_its_mail_before_it_stands_for_election() {
    let sleepers: Vec<_> = (0..3).map(|_| Sleeper::default()).collect();
    let seats = seats(3).into_iter().zip(&sleepers);
    let members: Vec<_> = seats.map(|(seat, one)| Member::start(seat, one.clone())).collect();
    assert_eq!(propose(&members, 1), Ok(1));
    let place = (leader(&members) + 1) % 3;
    let (follower, sleeper) = (&members[place], &sleepers[place]);
    eventually("it follows", || follower.view().status.leader);
    let before = (follower.view().status, sleeper.changes.load(Ordering::Relaxed));
    // Election timeouts are 600 to 1,200 ms.
    for _ in 0..3 {
        sleeper.bed.store(1_500, Ordering::Relaxed);
        eventually("it sleeps", || (sleeper.bed.load(Ordering::Relaxed) == 0).then_some(()));
        thread::sleep(millis(1_600));
    }
    assert_eq!(propose(&members, 1), Ok(2));
    let after = (follower.view().status, sleeper.changes.load(Ordering::Relaxed));
    assert_eq!(after, before);
    members.into_iter().for_each(Member::stop);
}
