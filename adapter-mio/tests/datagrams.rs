//! What comes over UDP that should not, and what goes nowhere.

mod support;

use adapter_mio::NoService;
use raft_nostd::{Metrics, Refused};
use std::net::UdpSocket;
use support::{Member, add, eventually, leader, propose, read, seats};

fn start(count: u32) -> Vec<Member> {
    seats(count).into_iter().map(|seat| Member::start(seat, NoService::new())).collect()
}

fn all_refused(metrics: &Metrics) -> u64 {
    metrics.refused.iter().sum()
}

#[test]
fn garbage_is_counted_and_nothing_else_happens() {
    let members = start(3);
    assert_eq!(propose(&members, 1), Ok(1));
    let target = &members[leader(&members)];
    let before = target.view();
    let stranger = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let send = |bytes: &[u8]| stranger.send_to(bytes, target.address).unwrap();
    let refused = |reason| target.view().metrics.refused(reason);

    // One at a time, so that none is lost to a full buffer.
    let mut count = 0;
    let mut expect = |bytes: &[u8]| {
        send(bytes);
        count += 1;
        let seen = || (all_refused(&target.view().metrics) == count).then_some(());
        eventually("it is counted", seen);
    };
    expect(&[]);
    expect(&[0]);
    expect(&[0xff; 100]);
    expect(&[0; 1_200]);
    for len in [1_201, 1_202, 9_000, 65_507] {
        expect(&vec![0xaa; len]);
    }
    assert_eq!(target.view().counters.oversize - before.counters.oversize, 4);
    assert!(refused(Refused::Length) >= 4);
    assert!(refused(Refused::Magic) >= 1);

    assert_eq!(propose(&members, 2), Ok(3));
    assert_eq!(target.view().status.term, before.status.term);
    members.into_iter().for_each(Member::stop);
}

#[test]
fn datagrams_of_another_receiver_or_copied_ones_change_nothing() {
    // A proxy that doubles everything to everybody: each node hears what is for the others too.
    let mut seats = seats(3);
    let real: Vec<_> = seats.iter().map(|seat| seat.socket.local_addr().unwrap()).collect();
    let proxy = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    proxy.set_read_timeout(Some(support::millis(50))).unwrap();
    for seat in &mut seats {
        for (_, address) in &mut seat.peers {
            *address = proxy.local_addr().unwrap();
        }
    }
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let mut buf = [0; 2_000];
        while is_done.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {
            if let Ok((len, _)) = proxy.recv_from(&mut buf) {
                for address in real.iter().chain(&real) {
                    let _ = proxy.send_to(&buf[..len], address);
                }
            }
        }
    });
    let members: Vec<_> =
        seats.into_iter().map(|seat| Member::start(seat, NoService::new())).collect();
    for number in 1..=20_u64 {
        assert_eq!(propose(&members, 1), Ok(number));
        assert_eq!(read(&members), Ok(number));
    }
    let view = members[0].view();
    assert!(view.metrics.refused(Refused::Receiver) > 20, "{view:?}");
    members.into_iter().for_each(Member::stop);
    drop(done);
    thread.join().unwrap();
}

#[test]
fn a_closed_port_stops_nobody() {
    // Two of three: the third's port is closed, so that the kernel answers for it.
    let mut seats = seats(3);
    drop(seats.pop());
    let members: Vec<_> =
        seats.into_iter().map(|seat| Member::start(seat, NoService::new())).collect();
    for number in 1..=200_u64 {
        assert_eq!(propose(&members, 1), Ok(number));
    }
    let leads = &members[leader(&members)];
    assert!(leads.view().counters.sent > 200);
    members.into_iter().for_each(Member::stop);
}

#[test]
fn an_address_that_cannot_be_sent_to_stops_nobody() {
    // Port zero is refused by the kernel in every send.
    let mut seats = seats(3);
    drop(seats.pop());
    for seat in &mut seats {
        // First in the list, too.
        let nowhere = (support::node(3), "127.0.0.1:0".parse().unwrap());
        seat.peers.retain(|(node, _)| *node != nowhere.0);
        seat.peers.insert(0, nowhere);
    }
    let members: Vec<_> =
        seats.into_iter().map(|seat| Member::start(seat, NoService::new())).collect();
    for number in 1..=200_u64 {
        assert_eq!(propose(&members, 1), Ok(number));
    }
    let counters = members[leader(&members)].view().counters;
    assert!(counters.send_errors > 0 && counters.sent > 200, "{counters:?}");
    members.into_iter().for_each(Member::stop);
}

#[test]
fn a_flood_beyond_the_budget_starves_neither_timers_nor_clients() {
    let mut seats = seats(3);
    for seat in &mut seats {
        seat.receive_budget = 4;
    }
    let members: Vec<_> =
        seats.into_iter().map(|seat| Member::start(seat, NoService::new())).collect();
    assert_eq!(propose(&members, 0), Ok(0));
    let target = &members[leader(&members)];
    let stranger = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    for _ in 0..20 {
        for _ in 0..60 {
            stranger.send_to(&[0; 64], target.address).unwrap();
        }
        let answered = target.handle.propose(add(1)).wait(support::PATIENCE);
        assert!(answered.is_ok(), "{answered:?}");
    }
    // All that the kernel kept was read, though it told of it only now and then.
    let counters = eventually("the budget is spent", || {
        let counters = target.view().counters;
        (counters.budget_spent > 0).then_some(counters)
    });
    assert!(counters.received > 20, "{counters:?}");
    assert_eq!(propose(&members, 1), Ok(21));
    members.into_iter().for_each(Member::stop);
}
