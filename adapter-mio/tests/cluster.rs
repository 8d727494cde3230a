//! Three nodes on loopback, used through handles.

mod support;

use adapter_mio::NoService;
use adapter_std::handle::{HandleError, Pending};
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use support::{Member, PATIENCE, Seat, add, eventually, leader, propose, read, seats};

fn start(seats: Vec<Seat>) -> Vec<Member> {
    seats.into_iter().map(|seat| Member::start(seat, NoService::new())).collect()
}

#[test]
fn they_elect_a_leader_replicate_and_read() {
    let members = start(seats(3));
    for number in 1..=50_u64 {
        assert_eq!(propose(&members, number), Ok(number * (number + 1) / 2));
        assert_eq!(read(&members), Ok(number * (number + 1) / 2));
    }
    let leads = leader(&members);
    let follower = &members[(leads + 1) % 3];
    let hint = Some(members[leads].id);
    assert_eq!(
        follower.handle.propose(add(1)).wait(PATIENCE),
        Err(HandleError::NotLeader { hint })
    );
    assert_eq!(follower.handle.read(vec![]).wait(PATIENCE), Err(HandleError::NotLeader { hint }));
    // Followers apply what they did not propose, and tell their services.
    eventually("followers catch up", || {
        let caught_up =
            |member: &Member| member.id == members[leads].id || member.view().applied == 50;
        members.iter().all(caught_up).then_some(())
    });
    members.into_iter().for_each(Member::stop);
}

#[test]
fn many_threads_share_a_handle() {
    let members = start(seats(3));
    assert_eq!(propose(&members, 0), Ok(0));
    let handle = members[leader(&members)].handle.clone();
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let handle = handle.clone();
            thread::spawn(move || {
                let sums: Vec<_> =
                    (0..50).map(|_| handle.propose(add(1)).wait(PATIENCE).unwrap()).collect();
                assert!(sums.is_sorted());
                sums
            })
        })
        .collect();
    let mut sums: Vec<_> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    sums.sort_unstable();
    assert_eq!(sums, (1..=400).collect::<Vec<_>>());
    let syncs = members[leader(&members)].view().metrics.syncs;
    assert!(syncs < 400, "one sync covers several proposals: {syncs}");
    assert_eq!(handle.waiting(), 0);
    members.into_iter().for_each(Member::stop);
}

#[test]
fn the_others_go_on_without_the_leader_and_it_comes_back() {
    let seats: Vec<_> = seats(3).into_iter().map(Seat::hasty).collect();
    let spare: Vec<_> = seats.iter().map(Seat::again).collect();
    let mut members = start(seats);
    assert_eq!(propose(&members, 5), Ok(5));

    let gone = members.remove(leader(&members));
    let (id, handle) = (gone.id, gone.handle.clone());
    gone.stop();
    assert_eq!(handle.propose(add(9)).wait(PATIENCE), Err(HandleError::Stopped));
    assert_eq!(propose(&members, 6), Ok(11));
    assert_eq!(read(&members), Ok(11));

    // It finds its journal, and what it missed is sent to it.
    let seat = spare.into_iter().find(|seat| seat.id == id).unwrap();
    members.push(Member::start(seat, NoService::new()));
    eventually("it catches up", || (members[2].view().applied == 2).then_some(()));

    // Now it counts: without another node, the two of them are a majority.
    members.remove(0).stop();
    assert_eq!(propose(&members, 7), Ok(18));
    members.into_iter().for_each(Member::stop);
}

/// An executor of one future: sleeps until woken.
fn block_on<R>(pending: Pending<R>) -> Result<R, HandleError> {
    struct Bell(Sender<()>);
    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }
    let (sender, bell) = channel();
    let waker = Waker::from(Arc::new(Bell(sender)));
    let mut pending = Box::pin(pending);
    loop {
        if let Poll::Ready(outcome) = pending.as_mut().poll(&mut Context::from_waker(&waker)) {
            return outcome;
        }
        bell.recv_timeout(PATIENCE).expect("never woken");
    }
}

#[test]
fn a_request_is_a_future_of_any_executor() {
    let members = start(seats(3));
    assert_eq!(propose(&members, 1), Ok(1));
    let handle = &members[leader(&members)].handle;
    assert_eq!(block_on(handle.propose(add(2))), Ok(3));
    assert_eq!(block_on(handle.read(vec![])), Ok(3));
    let too_long = block_on(handle.propose(vec![0; 2_000]));
    assert!(matches!(too_long, Err(HandleError::ProposeRefused(_))), "{too_long:?}");
    members.into_iter().for_each(Member::stop);
}
