//! The proxy on real sockets. Senders wait until the relay has taken what they sent, and receivers
//! empty their sockets in time, so that the kernel drops nothing however slow the machine is.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Counters, Faults, MAX_DATAGRAM, NodeId, PerMille, Proxy};

/// Far longer than anything should take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many datagrams to have in a kernel buffer at most.
const BATCH: usize = 40;

fn ms(range: RangeInclusive<u64>) -> RangeInclusive<Duration> {
    Duration::from_millis(*range.start())..=Duration::from_millis(*range.end())
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// Nodes with all links between them.
struct Net {
    nodes: Vec<UdpSocket>,
    proxy: Proxy,
}

impl Net {
    fn new(count: usize, seed: u64, faults: Faults) -> Self {
        let nodes: Vec<_> = (0..count).map(|_| socket()).collect();
        let mut links = Vec::new();
        for from in 0..count {
            for (to, target) in nodes.iter().enumerate().filter(|&(to, _)| to != from) {
                links.push((id(from), id(to), target.local_addr().unwrap()));
            }
        }
        Self { nodes, proxy: Proxy::start(links, seed, faults).unwrap() }
    }

    /// Sends, and waits until the relay has taken it.
    fn send(&self, from: usize, to: usize, datagrams: &[Vec<u8>]) {
        let address = self.proxy.addr(id(from), id(to));
        let taken = self.proxy.counters().received;
        for datagram in datagrams {
            assert_eq!(self.nodes[from].send_to(datagram, address).unwrap(), datagram.len());
        }
        let expected = taken + u64::try_from(datagrams.len()).unwrap();
        self.wait_until(|counters| counters.received == expected);
    }

    fn wait_until(&self, condition: impl Fn(&Counters) -> bool) {
        let start = Instant::now();
        while !condition(&self.proxy.counters()) {
            assert!(start.elapsed() < PATIENCE, "{:?}", self.proxy.counters());
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// What has arrived at a node.
    fn arrived(&self, node: usize) -> Vec<Vec<u8>> {
        let mut buffer = vec![0; MAX_DATAGRAM];
        let mut datagrams = Vec::new();
        loop {
            match self.nodes[node].recv(&mut buffer) {
                Ok(length) => datagrams.push(buffer[..length].to_vec()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return datagrams,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Sends all from node 0 to node 1 and returns what arrived, in order.
    fn relay(&self, datagrams: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let before = self.proxy.counters().forwarded;
        let mut all = Vec::new();
        for batch in datagrams.chunks(BATCH) {
            self.send(0, 1, batch);
            self.collect(&mut all, |_, under_way| under_way <= BATCH);
        }
        self.collect(&mut all, |arrived, under_way| {
            let forwarded = self.proxy.counters().forwarded - before;
            under_way == 0 && u64::try_from(arrived).unwrap() == forwarded
        });
        all
    }

    /// Adds to `all` what arrives at node 1, until the numbers of datagrams in it and of those
    /// under way are as wanted.
    fn collect(&self, all: &mut Vec<Vec<u8>>, is_enough: impl Fn(usize, usize) -> bool) {
        let start = Instant::now();
        loop {
            let under_way = self.proxy.under_way();
            all.extend(self.arrived(1));
            if is_enough(all.len(), under_way) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{:?}", self.proxy.counters());
            thread::sleep(Duration::from_micros(200));
        }
    }
}

fn id(index: usize) -> NodeId {
    NodeId::try_from(index).unwrap() + 1
}

/// Distinct datagrams of a few bytes.
fn numbered(count: u32) -> Vec<Vec<u8>> {
    (0..count).map(|number| number.to_be_bytes().to_vec()).collect()
}

#[test]
fn without_faults_everything_arrives_intact_and_in_order() {
    let net = Net::new(2, 1, Faults::NONE);
    let sent = numbered(1000);
    assert_eq!(net.relay(&sent), sent);
    let counters = net.proxy.counters();
    assert_eq!(counters, Counters { received: 1000, forwarded: 1000, ..Counters::default() });
}

#[test]
fn datagrams_of_all_sizes_pass() {
    let net = Net::new(2, 1, Faults::NONE);
    for length in [0, 1, 1472, 9000, MAX_DATAGRAM] {
        let datagram: Vec<u8> = (0..=250).cycle().take(length).collect();
        assert_eq!(net.relay(std::slice::from_ref(&datagram)), [datagram]);
    }
}

#[test]
fn each_link_leads_to_its_target() {
    let net = Net::new(3, 1, Faults::NONE);
    for from in 0..3 {
        for to in (0..3).filter(|&to| to != from) {
            net.send(from, to, &[vec![u8::try_from(10 * from + to).unwrap()]]);
        }
    }
    net.wait_until(|counters| counters.forwarded == 6);
    let expected: [[&[u8]; 2]; 3] = [[&[10], &[20]], [&[1], &[21]], [&[2], &[12]]];
    for (node, expected) in expected.iter().enumerate() {
        let mut arrived = net.arrived(node);
        arrived.sort();
        assert_eq!(arrived, expected);
    }
}

#[test]
fn about_the_asked_share_is_lost_and_the_seed_says_which() {
    let run = |seed| {
        let faults = Faults { loss: PerMille::new(250), ..Faults::NONE };
        let net = Net::new(2, seed, faults);
        let arrived = net.relay(&numbered(2000));
        let Counters { lost, forwarded, .. } = net.proxy.counters();
        assert_eq!((lost + forwarded, arrived.len()), (2000, usize::try_from(forwarded).unwrap()));
        assert!((400..600).contains(&lost), "{lost}");
        arrived
    };
    let first = run(1);
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));
}

#[test]
fn duplicates_are_counted() {
    let net = Net::new(2, 1, Faults { duplicate: PerMille::ALWAYS, ..Faults::NONE });
    let arrived = net.relay(&numbered(200));
    let twice: Vec<_> = numbered(200).into_iter().flat_map(|d| [d.clone(), d]).collect();
    assert_eq!(arrived, twice);
    let Counters { forwarded, duplicated, .. } = net.proxy.counters();
    assert_eq!((forwarded, duplicated), (400, 200));
}

#[test]
fn flips_invert_one_bit_and_are_counted() {
    let net = Net::new(2, 1, Faults { flip: PerMille::new(300), ..Faults::NONE });
    let sent = numbered(1000);
    let arrived = net.relay(&sent);
    assert_eq!(arrived.len(), sent.len());
    let mut differing = 0;
    for (sent, arrived) in sent.iter().zip(&arrived) {
        let bits: u32 = sent.iter().zip(arrived).map(|(a, b)| (a ^ b).count_ones()).sum();
        assert!(bits <= 1 && sent.len() == arrived.len());
        differing += u64::from(bits);
    }
    assert!((200..400).contains(&differing), "{differing}");
    assert_eq!(net.proxy.counters().flipped, differing);
}

#[test]
fn an_empty_datagram_cannot_be_flipped() {
    let net = Net::new(2, 1, Faults { flip: PerMille::ALWAYS, ..Faults::NONE });
    assert_eq!(net.relay(&[vec![]]), [vec![0; 0]]);
    assert_eq!(net.proxy.counters().flipped, 0);
}

#[test]
fn delay_takes_time_and_keeps_the_order() {
    let net = Net::new(2, 1, Faults { delay: ms(20..=60), ..Faults::NONE });
    let start = Instant::now();
    assert_eq!(net.relay(&numbered(1)), numbered(1));
    assert!(start.elapsed() >= Duration::from_millis(20));
    net.proxy.set_faults(Faults { delay: ms(0..=10), ..Faults::NONE });
    let sent = numbered(300);
    assert_eq!(net.relay(&sent), sent);
    let Counters { delayed, reordered, .. } = net.proxy.counters();
    assert!(delayed > 200 && reordered == 0, "{delayed} {reordered}");
}

#[test]
fn reordered_datagrams_are_overtaken() {
    let net = Net::new(2, 1, Faults { reorder: PerMille::new(200), ..Faults::NONE });
    let sent = numbered(500);
    let mut arrived = net.relay(&sent);
    let mut greatest = 0;
    let mut overtaken = 0;
    for datagram in &arrived {
        let number = u32::from_be_bytes(datagram.as_slice().try_into().unwrap());
        overtaken += u64::from(number < greatest);
        greatest = greatest.max(number);
    }
    assert!(overtaken > 0);
    assert_eq!(net.proxy.counters().reordered, overtaken);
    arrived.sort();
    assert_eq!(arrived, sent);
}

#[test]
fn a_cut_stops_one_direction_until_healed() {
    let net = Net::new(3, 1, Faults::NONE);
    net.proxy.cut(id(0), id(1));
    net.send(0, 1, &numbered(5));
    net.send(1, 0, &numbered(6));
    net.send(0, 2, &numbered(7));
    net.wait_until(|counters| counters.blocked == 5 && counters.forwarded == 13);
    let lengths = [0, 1, 2].map(|node| net.arrived(node).len());
    assert_eq!(lengths, [6, 0, 7]);
    net.proxy.heal();
    net.send(0, 1, &numbered(5));
    net.wait_until(|counters| counters.forwarded == 18);
    assert_eq!(net.arrived(1), numbered(5));
}

#[test]
fn isolation_cuts_both_directions_of_all_links_of_a_node() {
    let net = Net::new(3, 1, Faults::NONE);
    net.proxy.isolate(id(0));
    for (from, to) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
        net.send(from, to, &numbered(1));
    }
    net.wait_until(|counters| counters.blocked == 4 && counters.forwarded == 2);
    let lengths = [0, 1, 2].map(|node| net.arrived(node).len());
    assert_eq!(lengths, [0, 1, 1]);
}

#[test]
fn a_cut_loses_what_is_under_way() {
    let net = Net::new(2, 1, Faults { delay: ms(200..=200), ..Faults::NONE });
    net.send(0, 1, &numbered(3));
    net.proxy.cut(id(0), id(1));
    net.wait_until(|counters| counters.blocked == 3);
    assert_eq!((net.arrived(1).len(), net.proxy.counters().forwarded), (0, 0));
}

#[test]
fn all_faults_together_all_take_effect() {
    let often = PerMille::new(200);
    let faults =
        Faults { loss: often, duplicate: often, flip: often, reorder: often, delay: ms(0..=5) };
    let net = Net::new(2, 7, faults);
    let arrived = net.relay(&numbered(1000));
    net.proxy.cut(id(0), id(1));
    net.send(0, 1, &numbered(1));
    let counters = net.proxy.counters();
    println!("{counters:?}");
    let Counters { received, forwarded, lost, blocked, undelivered, .. } = counters;
    let Counters { duplicated, delayed, reordered, flipped, errors, .. } = counters;
    let all = [received, forwarded, lost, blocked, duplicated, delayed, reordered, flipped];
    assert!(all.iter().all(|&count| count > 0), "{counters:?}");
    assert_eq!((undelivered, errors), (0, 0));
    assert_eq!(received + duplicated, forwarded + lost + blocked);
    assert_eq!(arrived.len(), usize::try_from(forwarded).unwrap());
}

#[test]
fn only_127_0_0_1_is_ever_used() {
    let elsewhere = ["192.0.2.1:9", "127.0.0.2:9", "0.0.0.0:9", "[::1]:9", "[::ffff:127.0.0.1]:9"];
    for target in elsewhere {
        let links = vec![(1, 2, target.parse::<SocketAddr>().unwrap())];
        let error = Proxy::start(links, 1, Faults::NONE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{target}");
    }
    let net = Net::new(3, 1, Faults::NONE);
    let mut ports = BTreeSet::new();
    for (from, to) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)] {
        let address = net.proxy.addr(from, to);
        assert_eq!(address.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
        ports.insert(address.port());
    }
    assert_eq!(ports.len(), 6);
}

#[test]
fn links_must_make_sense() {
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    for links in [vec![(1, 1, target)], vec![(1, 2, target), (1, 2, target)]] {
        let error = Proxy::start(links, 1, Faults::NONE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn a_target_that_is_down_does_no_harm() {
    let mut net = Net::new(2, 1, Faults::NONE);
    let address = net.nodes[1].local_addr().unwrap();
    net.nodes[1] = socket();
    net.send(0, 1, &numbered(10));
    net.wait_until(|counters| counters.forwarded + counters.undelivered == 10);
    net.nodes[1] = UdpSocket::bind(address).unwrap();
    net.nodes[1].set_nonblocking(true).unwrap();
    let before = net.proxy.counters().forwarded;
    net.send(0, 1, &numbered(1));
    net.wait_until(|counters| counters.forwarded == before + 1);
    assert_eq!((net.arrived(1), net.proxy.counters().errors), (numbered(1), 0));
}

#[test]
fn dropping_stops_the_thread() {
    let faults = Faults { delay: ms(10_000..=10_000), ..Faults::NONE };
    let net = Net::new(2, 1, faults);
    net.send(0, 1, &numbered(1));
    let control = Arc::clone(&net.proxy.control);
    let start = Instant::now();
    drop(net);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(Arc::strong_count(&control), 1, "the thread has let go of it");
}
