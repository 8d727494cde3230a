//! This project: every datagram encoded, CRC-checked and decoded; durability granted as soon as it
//! is asked for, since the journal counts apart.

use crate::{Cluster, Command, Machine};
use raft_nostd::{
    ClusterId, Config, HardState, Index, Instant, Life, Loading, NodeId, Output, Raft, Role, Start,
    Ticket,
};

const NODES: usize = 3;
/// Without compaction the log holds all that is ever proposed to it.
const LOG_ENTRIES: u32 = 1 << 17;
/// Room for 64 commands of 32 bytes in one datagram.
const DATAGRAM: u32 = 8_192;

/// One node and its state machine.
struct Member {
    raft: Raft<Box<[u8]>, NODES>,
    machine: Machine,
    ticket: Option<Ticket>,
}

/// Three nodes of this project.
pub struct Ours {
    members: [Member; NODES],
    leader: usize,
    now: Instant,
    messages: u64,
    buf: Box<[u8]>,
}

impl Member {
    fn new(id: NodeId, voters: &[NodeId]) -> Self {
        let mut config = Config::new(ClusterId(1), id, voters).with_max_datagram(DATAGRAM);
        config.log_entries = LOG_ENTRIES;
        let memory = vec![0; config.log_bytes(32) as usize].into_boxed_slice();
        let start = Start {
            hard_state: HardState::default(),
            life: Life::default(),
            applied: Index::ZERO,
            seed: 1,
            now: Instant::ORIGIN,
        };
        let loading = Loading::new::<NODES>(&config, memory).expect("a good configuration");
        let raft = loading.start(start).expect("nothing is applied yet");
        Self { raft, machine: Machine::default(), ticket: None }
    }
}

/// What a node did when it was polled.
enum Did {
    Send(usize, usize),
    Something,
    Nothing,
}

impl Ours {
    /// Does what nodes say until none says anything.
    fn settle(&mut self) {
        let mut quiet = 0;
        let mut at = self.leader;
        while quiet < NODES {
            quiet += 1;
            while self.turn(at) {
                quiet = 0;
            }
            at = (at + 1) % NODES;
        }
    }

    fn turn(&mut self, at: usize) -> bool {
        match self.poll(at) {
            Did::Send(to, len) => {
                self.messages += 1;
                let datagram = &self.buf[..len];
                self.members[to].raft.handle_datagram(self.now, datagram).expect("a good datagram");
                true
            }
            Did::Something => true,
            Did::Nothing => false,
        }
    }

    fn poll(&mut self, at: usize) -> Did {
        let member = &mut self.members[at];
        match member.raft.poll_output(self.now, &mut self.buf) {
            Output::Transmit(t) => Did::Send(t.to.get() as usize - 1, t.datagram.len()),
            Output::Persist(persist) => {
                member.ticket = Some(persist.ticket);
                Did::Something
            }
            Output::TransmitChunk(_) | Output::Install(_) => panic!("nobody takes snapshots"),
            Output::Event(_) => Did::Something,
            Output::Apply(committed) => {
                member.machine.apply(committed.command);
                Did::Something
            }
            Output::Idle { .. } => match member.ticket.take() {
                Some(ticket) => {
                    member.raft.handle_persisted(self.now, ticket).expect("its own ticket");
                    Did::Something
                }
                None => Did::Nothing,
            },
        }
    }

    fn propose(&mut self, command: &Command) {
        self.members[self.leader].raft.propose(self.now, command).expect("a leader with room");
    }
}

impl Cluster for Ours {
    fn new() -> Self {
        let voters = [1, 2, 3].map(|id| NodeId::new(id).expect("not zero"));
        let members = voters.map(|id| Member::new(id, &voters));
        let buf = vec![0; DATAGRAM as usize].into_boxed_slice();
        Self { members, leader: 0, now: Instant::ORIGIN, messages: 0, buf }
    }

    fn elect(&mut self) {
        while self.members[self.leader].raft.status().role != Role::Leader {
            self.now = self.now.plus(raft_nostd::Duration::from_millis(3_000));
            self.members[self.leader].raft.handle_timeout(self.now);
            self.settle();
        }
        assert!(self.members.iter().all(|member| member.raft.applied() == Index(1)));
    }

    fn commit_one(&mut self, command: &Command) {
        self.propose(command);
        self.settle();
    }

    fn commit_batch(&mut self, commands: &[Command]) {
        for command in commands {
            self.propose(command);
        }
        self.settle();
    }

    fn messages(&self) -> u64 {
        self.messages
    }

    fn applied(&self) -> u64 {
        self.members.iter().map(|member| member.machine.applied()).min().unwrap_or(0)
    }

    fn digest(&self) -> u64 {
        self.members[0].machine.digest()
    }

    fn check(&self) {
        let first = self.members[0].machine;
        assert!(self.members.iter().all(|member| member.machine == first));
    }
}
