//! A node that is kept from running for longer than an election timeout.

mod support;

use adapter_mio::mio::event::Event as Readiness;
use adapter_mio::{NoService, Node, Options, Service, open_with_socket};
use raft_nostd::journal::{Geometry, Medium, PersistFailure};
use raft_nostd::{Event, Position};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, thread, time};
use support::{Disk, Member, Sum, eventually, leader, millis, propose, seats};

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

/// A disk that takes its time to be read, as a large journal does.
struct Slow(Disk, time::Duration);

impl Medium for Slow {
    type Error = <Disk as Medium>::Error;

    fn geometry(&self) -> Geometry {
        self.0.geometry()
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), Self::Error> {
        thread::sleep(std::mem::take(&mut self.1));
        self.0.read(segment, offset, into)
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.write(segment, offset, bytes)
    }

    fn erase(&mut self, segment: u32) -> Result<(), Self::Error> {
        self.0.erase(segment)
    }

    fn sync(&mut self) -> Result<(), Self::Error> {
        self.0.sync()
    }

    fn failure(error: &Self::Error) -> PersistFailure {
        Disk::failure(error)
    }
}

#[test]
fn a_node_that_took_long_to_open_hears_the_others_out_before_it_stands_for_election() {
    let mut seats = seats(2);
    let (other, seat) = (seats.pop().unwrap(), seats.pop().unwrap());
    let config = seat.config();
    let options = Options::new(seat.socket.local_addr().unwrap(), seat.peers.clone());
    let socket = seat.socket.try_clone().unwrap();
    // Election timeouts are 600 to 1,200 ms.
    let disk = Slow(seat.disk.clone(), millis(1_500));
    let node =
        open_with_socket(&config, options, socket, Sum(0), disk, config.log_bytes(16)).unwrap();
    let opened = time::Instant::now();
    let stopper = node.stopper();
    let thread = thread::spawn(move || node.run(&mut NoService::new()));
    other.socket.set_read_timeout(Some(millis(20_000))).unwrap();
    other.socket.recv(&mut [0; 2_000]).expect("it asks for votes in the end");
    let waited = opened.elapsed();
    stopper.stop();
    thread.join().unwrap().unwrap();
    assert!(waited >= millis(590), "it stood {waited:?} after it was open");
}
