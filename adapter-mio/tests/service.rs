//! A service beside the node: its sockets, its deadlines, its proposals.

mod support;

use adapter_mio::mio::event::Event as Readiness;
use adapter_mio::mio::net::{TcpListener, TcpStream};
use adapter_mio::mio::{Interest, Token};
use adapter_mio::{FIRST_TOKEN, NoService, Node, RunError, Service};
use raft_nostd::journal::Medium;
use raft_nostd::{Duration, Event, Instant, Position, ProposeError, ReadId};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::{thread, time};
use support::{Member, PATIENCE, Sum, add, eventually, leader, millis, propose, seats};

/// Sends back what it is sent. One connection at a time.
struct Echo {
    listener: TcpListener,
    stream: Option<TcpStream>,
}

impl Echo {
    fn bind() -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        (Self { listener, stream: None }, address)
    }

    fn echo(&mut self) {
        let mut buf = [0; 1_024];
        while let Some(stream) = &mut self.stream {
            match stream.read(&mut buf) {
                Ok(0) => self.stream = None,
                Ok(len) => stream.write_all(&buf[..len]).unwrap(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.stream = None,
            }
        }
    }
}

impl<D: Medium> Service<D> for Echo {
    type Machine = Sum;

    fn start(&mut self, node: &mut Node<Sum, D>) -> io::Result<()> {
        let interest = Interest::READABLE;
        node.registry().register(&mut self.listener, Token(FIRST_TOKEN), interest)
    }

    fn ready(&mut self, node: &mut Node<Sum, D>, readiness: &Readiness) {
        if readiness.token() == Token(FIRST_TOKEN) {
            while let Ok((mut stream, _)) = self.listener.accept() {
                let token = Token(FIRST_TOKEN + 1);
                node.registry().register(&mut stream, token, Interest::READABLE).unwrap();
                self.stream = Some(stream);
            }
        }
        self.echo();
    }

    fn applied(&mut self, _: &mut Node<Sum, D>, _: Position, _: u64) {}

    fn event(&mut self, _: &mut Node<Sum, D>, _: Event) {}
}

#[test]
fn a_listener_on_the_loop_is_served_while_the_node_is_busy() {
    let mut addresses = Vec::new();
    let members: Vec<_> = seats(3)
        .into_iter()
        .map(|seat| {
            let (echo, address) = Echo::bind();
            addresses.push(address);
            Member::start(seat, echo)
        })
        .collect();
    assert_eq!(propose(&members, 0), Ok(0));
    let leads = leader(&members);
    let handle = members[leads].handle.clone();
    let busy = thread::spawn(move || {
        for _ in 0..200 {
            let waiting: Vec<_> = (0..16).map(|_| handle.propose(add(1))).collect();
            for pending in waiting {
                // Its log will be full at some time; it is as busy with that.
                let _ = pending.wait(PATIENCE);
            }
        }
    });
    let mut stream = std::net::TcpStream::connect(addresses[leads]).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut longest = time::Duration::ZERO;
    for number in 0..200_u32 {
        let start = time::Instant::now();
        stream.write_all(&number.to_le_bytes()).unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(u32::from_le_bytes(answer), number);
        longest = longest.max(start.elapsed());
    }
    assert!(longest < time::Duration::from_secs(2), "{longest:?}");
    busy.join().unwrap();
    members.into_iter().for_each(Member::stop);
}

#[test]
fn an_idle_loop_sleeps() {
    let members: Vec<_> =
        seats(3).into_iter().map(|seat| Member::start(seat, NoService::new())).collect();
    assert_eq!(propose(&members, 1), Ok(1));
    let turns = || members.iter().map(|member| member.view().counters.turns);
    let before: Vec<_> = turns().collect();
    thread::sleep(time::Duration::from_secs(1));
    for (before, after) in before.into_iter().zip(turns()) {
        // 33 heartbeats a second; at most one turn for each peer's datagram and one for the timer.
        let spent = after - before;
        assert!((10..=200).contains(&spent), "{spent} turns in an idle second");
    }
    members.into_iter().for_each(Member::stop);
}

/// Alone in its cluster, it proposes at each of its deadlines, and again in each callback for a
/// while; then it reads.
struct Chain {
    next: Option<Instant>,
    ticks: u64,
    open: Vec<Position>,
    read: Option<ReadId>,
    done: Sender<u64>,
}

const TICKS: u64 = 5;
const CHAIN: u64 = 100;

impl<D: Medium> Service<D> for Chain {
    type Machine = Sum;

    fn start(&mut self, node: &mut Node<Sum, D>) -> io::Result<()> {
        assert_eq!(node.propose(b""), Err(ProposeError::NotLeader { hint: None }));
        self.next = Some(node.now().plus(Duration::from_millis(10)));
        Ok(())
    }

    fn ready(&mut self, _: &mut Node<Sum, D>, _: &Readiness) {
        panic!("no sockets");
    }

    fn applied(&mut self, node: &mut Node<Sum, D>, position: Position, response: u64) {
        let place = self.open.iter().position(|open| *open == position).expect("not ours");
        self.open.remove(place);
        if response < CHAIN {
            self.open.push(node.propose(&add(1)).unwrap());
        } else if self.open.is_empty() {
            self.read = Some(node.read().unwrap());
        }
    }

    fn event(&mut self, node: &mut Node<Sum, D>, event: Event) {
        if let Event::ReadReady(id) = event
            && self.read.is_some_and(|read| read <= id)
        {
            self.done.send(node.machine().0).unwrap();
            node.stop();
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.next
    }

    fn turn_ends(&mut self, node: &mut Node<Sum, D>) {
        let Some(next) = self.next.filter(|next| *next <= node.now()) else { return };
        self.next = Some(next.plus(Duration::from_millis(10)));
        if let Ok(position) = node.propose(&add(1)) {
            self.open.push(position);
            self.ticks += 1;
        }
        if self.ticks == TICKS {
            self.next = None;
        }
    }
}

#[test]
fn deadlines_and_callbacks_propose_and_a_service_stops_the_loop() {
    let (done, result) = channel();
    let chain = Chain { next: None, ticks: 0, open: Vec::new(), read: None, done };
    let member = Member::start(seats(1).remove(0), chain);
    let sum = result.recv_timeout(PATIENCE).unwrap();
    assert!(sum >= CHAIN, "{sum}");
    member.join().unwrap();
}

/// Refuses to start.
struct Broken;

impl<D: Medium> Service<D> for Broken {
    type Machine = Sum;

    fn start(&mut self, _: &mut Node<Sum, D>) -> io::Result<()> {
        Err(io::Error::new(ErrorKind::AddrInUse, "taken"))
    }

    fn ready(&mut self, _: &mut Node<Sum, D>, _: &Readiness) {}

    fn applied(&mut self, _: &mut Node<Sum, D>, _: Position, _: u64) {}

    fn event(&mut self, _: &mut Node<Sum, D>, _: Event) {}
}

#[test]
fn a_service_that_cannot_start_ends_the_loop() {
    let seat = seats(1).remove(0);
    let again = seat.again();
    let ended = Member::start(seat, Broken).join();
    assert!(matches!(&ended, Err(RunError::Start(error)) if error.to_string() == "taken"));
    assert_eq!(ended.unwrap_err().to_string(), "the service cannot start: taken");
    // The journal is fine.
    let members = [Member::start(again, NoService::new())];
    assert_eq!(propose(&members, 1), Ok(1));
    members.into_iter().for_each(Member::stop);
}

/// Counts what it is told.
struct Order(Arc<Mutex<Vec<String>>>);

impl<D: Medium> Service<D> for Order {
    type Machine = Sum;

    fn start(&mut self, _: &mut Node<Sum, D>) -> io::Result<()> {
        Ok(())
    }

    fn ready(&mut self, _: &mut Node<Sum, D>, _: &Readiness) {}

    fn applied(&mut self, _: &mut Node<Sum, D>, position: Position, response: u64) {
        self.0.lock().unwrap().push(format!("{} {response}", position.index));
    }

    fn event(&mut self, _: &mut Node<Sum, D>, _: Event) {}
}

#[test]
fn responses_of_handles_go_to_handles_and_all_others_to_the_service() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let seat = seats(1).remove(0);
    let again = seat.again();
    let members = [Member::start(seat, Order(Arc::clone(&told)))];
    assert_eq!(propose(&members, 3), Ok(3));
    assert_eq!(propose(&members, 4), Ok(7));
    assert!(told.lock().unwrap().is_empty());
    members.into_iter().for_each(Member::stop);

    // After a restart nobody waits for them: the service has them all.
    let member = Member::start(again, Order(Arc::clone(&told)));
    eventually("both", || (told.lock().unwrap().len() == 2).then_some(()));
    assert_eq!(*told.lock().unwrap(), ["2 3", "3 7"]);
    member.stop();
    thread::sleep(millis(1));
}
