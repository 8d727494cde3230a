//! How a loop does not open, and how it ends.

mod support;

use adapter_mio::{NoService, OpenError, Options, RunError, open, open_with_socket};
use adapter_std::handle::{HandleError, Unknown};
use raft_nostd::{ClusterId, Config, ConfigError, Duration, Halt, NodeId};
use std::net::{SocketAddr, UdpSocket};
use support::{Disk, Member, PATIENCE, Sum, add, leader, millis, node, propose, seats};

fn here() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn refused(peers: Vec<(NodeId, SocketAddr)>) -> String {
    let voters = [1, 2].map(node);
    let config = Config::new(ClusterId::from_name("ends"), voters[0], &voters);
    let memory = config.log_bytes(100);
    let error =
        open(&config, Options::new(here(), peers), Sum(0), Disk::blank(), memory).unwrap_err();
    error.to_string()
}

#[test]
fn addresses_are_checked() {
    let other = "127.0.0.1:1".parse().unwrap();
    assert_eq!(refused(vec![]), "no address is given for voter 2");
    assert_eq!(refused(vec![(node(1), other)]), "no address is given for voter 2");
    let twice = vec![(node(2), other), (node(2), other)];
    assert_eq!(refused(twice), "two addresses are given for node 2");
    let stranger = vec![(node(2), other), (node(3), other)];
    assert_eq!(refused(stranger), "an address is given for node 3, which is not a voter");
    let family = refused(vec![(node(2), "[::1]:1".parse().unwrap())]);
    assert!(family.starts_with("node 2 at [::1]:1 cannot be reached from 127.0.0.1:"), "{family}");
}

#[test]
fn a_taken_address_is_named() {
    let taken = UdpSocket::bind(here()).unwrap();
    let bind = taken.local_addr().unwrap();
    let voters = [node(1)];
    let config = Config::new(ClusterId::from_name("ends"), voters[0], &voters);
    let options = Options::new(bind, vec![]);
    let result = open(&config, options, Sum(0), Disk::blank(), config.log_bytes(9));
    assert!(matches!(result, Err(OpenError::Socket { bind: at, .. }) if at == bind));
}

#[test]
fn the_nodes_own_refusals_come_through() {
    let voters = [node(1)];
    let config = Config::new(ClusterId::from_name("ends"), voters[0], &voters);
    let try_open = |config: &Config<'_>, memory| {
        open(config, Options::new(here(), vec![]), Sum(0), Disk::blank(), memory).map(drop)
    };
    let too_small = try_open(&config, 1);
    assert!(matches!(
        too_small,
        Err(OpenError::Node(raft_nostd::OpenError::Config(ConfigError::Memory { given: 1, .. })))
    ));
    let too_large = try_open(&config, u64::MAX);
    assert!(too_large.is_err());
    let timeouts = Config { heartbeat: Duration::ZERO, ..config };
    assert!(matches!(
        try_open(&timeouts, 1),
        Err(OpenError::Node(raft_nostd::OpenError::Config(ConfigError::Timeouts)))
    ));
}

#[test]
fn a_stopper_works_before_during_and_after_a_run() {
    let seat = seats(1).remove(0);
    let again = seat.again();
    let config = seat.config();
    let options = Options::new(seat.socket.local_addr().unwrap(), vec![]);
    let node = open_with_socket(
        &config,
        options,
        seat.socket.try_clone().unwrap(),
        Sum(0),
        seat.disk.clone(),
        config.log_bytes(9),
    )
    .unwrap();
    let (stopper, handle) = (node.stopper(), node.handle());
    stopper.stop();
    let pending = handle.propose(add(1));
    node.run(&mut NoService::default()).unwrap();
    assert_eq!(pending.wait(PATIENCE), Err(HandleError::Stopped));
    stopper.stop();

    let member = Member::start(again, NoService::new());
    let stopper = member.stopper.clone();
    std::thread::sleep(millis(20));
    member.stop();
    stopper.stop();
}

#[test]
fn a_stop_leaves_no_request_without_an_answer() {
    // Two of three are gone: nothing can be committed.
    let mut members: Vec<_> =
        seats(3).into_iter().map(|seat| Member::start(seat, NoService::new())).collect();
    assert_eq!(propose(&members, 1), Ok(1));
    let alone = members.remove(leader(&members));
    members.into_iter().for_each(Member::stop);
    let proposal = alone.handle.propose(add(1));
    let query = alone.handle.read(vec![]);
    assert_eq!(alone.handle.waiting(), 2);
    // A deadline of one's own ends the waiting, not the request.
    let impatient = alone.handle.propose(add(1)).wait(millis(5));
    assert_eq!(impatient, Err(HandleError::Unknown(Unknown::Deadline)));
    alone.stop();
    assert_eq!(proposal.wait(PATIENCE), Err(HandleError::Unknown(Unknown::Stopped)));
    let answer = query.wait(PATIENCE);
    // Should the machine be so slow that it ceased to lead meanwhile, it says that.
    let ended = [HandleError::Unknown(Unknown::Stopped), HandleError::NotLeader { hint: None }];
    assert!(ended.map(Err).contains(&answer), "{answer:?}");
}

#[test]
fn a_failed_medium_halts_the_node_and_says_why() {
    let seat = seats(1).remove(0);
    let disk = seat.disk.clone();
    let member = Member::start(seat, NoService::new());
    let members = [member];
    assert_eq!(propose(&members, 1), Ok(1));
    let [member] = members;
    disk.0.lock().unwrap().fail_syncs();
    let handle = member.handle.clone();
    let waiting = handle.propose(add(1));
    let ended = member.join();
    assert!(
        matches!(
            &ended,
            Err(RunError::Halted { reason: Halt::StorageFailed, storage: Some(why) })
                if why.contains("sync failed")
        ),
        "{ended:?}"
    );
    let text = ended.unwrap_err().to_string();
    assert!(text.starts_with("the node has halted: the storage failed: "), "{text}");
    let fate = waiting.wait(PATIENCE);
    assert_eq!(fate, Err(HandleError::Unknown(Unknown::Halted)));
    assert_eq!(handle.propose(add(1)).wait(PATIENCE), Err(HandleError::Stopped));
}
