//! One node of the real core in the hands of the explorer: what may happen to it, and what comes of
//! that.

use super::disk::{Disk, Written, entries};
use super::judge::Summary;
use super::log::Log;
use raft_nostd::invariants::Witness;
use raft_nostd::journal::Sink;
use raft_nostd::wire::{Datagram, Message, Verdict, Vote, decode};
use raft_nostd::{
    ClusterId, Config, Duration, Event, HardState, Index, Instant, Life, Loading, NodeId, Output,
    Position, ProposeError, Raft, Received, Role, Start, Term,
};

/// Bytes for a log of sixteen entries, of which no more than eight are used.
const MEMORY: usize = 448;
/// What each client proposes: the core never looks at it, so one is as good as another.
const COMMAND: &[u8] = b"x";
/// A node's heartbeat and election timeout, in microseconds of its own clock. So far apart that no number
/// of heartbeats adds up to an election timeout: how long a silence is, is for the explorer to say.
const HEARTBEAT: Duration = Duration::from_micros(1);
const ELECTION_TIMEOUT: Duration = Duration::from_micros(1 << 40);

pub(super) type Core<const N: usize> = Raft<[u8; MEMORY], N>;

/// What may happen to one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Input {
    /// The datagram of this number comes.
    Datagram(u32),
    /// Two election timeouts pass, and its timer fires.
    Silence,
    /// One heartbeat passes, and its timer fires.
    Beat,
    /// The ticket comes back.
    Persisted,
    /// A client comes.
    Proposal,
    /// The process dies, and starts again.
    Crash(Fate),
}

/// When a batch is durable that something leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pace {
    /// Before anything else happens.
    Prompt,
    /// At some time.
    Slow,
}

/// What becomes of a batch whose ticket is out when its node dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    Lost,
    Kept,
    /// Lost, and with it all that ever was on the disk.
    Wiped,
}

/// A node, its medium and its clock.
#[derive(Clone, Debug)]
pub(super) struct Place<const N: usize> {
    pub(super) raft: Core<N>,
    pub(super) now: Instant,
    pub(super) disk: Disk,
    pub(super) written: Option<Written>,
    witness: Witness,
    pub(super) log: Log,
    /// As far as appends of the leader of this term have proven the log.
    pub(super) proven: (Term, Index),
}

/// What a node said, or what is wrong with it.
pub(super) type Said = Result<Vec<Vec<u8>>, String>;

/// The node with this number, from 0 on.
pub(super) fn id(number: usize) -> NodeId {
    NodeId::new(number as u32 + 1).expect("more than zero")
}

impl<const N: usize> Place<N> {
    /// A node that has never run.
    pub(super) fn blank(number: usize) -> Self {
        Self::start(id(number), Disk::default(), Life { incarnation: 1, boot: 1, nonce: 1 })
    }

    fn start(node: NodeId, disk: Disk, life: Life) -> Self {
        let voters: [NodeId; N] = std::array::from_fn(id);
        let mut config = Config::new(ClusterId(1), node, &voters).with_max_datagram(512);
        (config.log_entries, config.max_command) = (16, COMMAND.len() as u32);
        (config.heartbeat, config.election_timeout) = (HEARTBEAT, ELECTION_TIMEOUT);
        let mut loading = Loading::new::<N>(&config, [0; MEMORY]).expect("a good configuration");
        for entry in entries(disk.bytes()) {
            assert!(Sink::append(&mut loading, entry.frame), "there was room for it before");
        }
        let now = Instant::ORIGIN;
        let start = Start { hard_state: disk.hard, life, applied: Index::ZERO, seed: 0, now };
        let raft = loading.start::<N>(start).expect("nothing is applied yet");
        let log = disk.log;
        let (witness, proven) = (Witness::default(), Default::default());
        Self { raft, now, disk, written: None, witness, log, proven }
    }

    /// What the checks of the whole cluster need to know.
    pub(super) fn summary(&self) -> Summary<N> {
        let status = self.raft.status();
        let matched = |number| self.raft.matched(id(number)).map_or(0, |index| index.0);
        Summary {
            role: status.role,
            term: status.term.0,
            log: self.log,
            commit: self.raft.commit().0,
            matched: std::array::from_fn(matched),
            writes: self.written.is_some(),
            disk: self.disk.log,
            disk_term: self.disk.hard.term.0,
            disk_vote: self.disk.hard.vote.map(|node| node.get() as usize - 1),
        }
    }

    /// Its number, from 0 on.
    #[cfg(test)]
    pub(super) fn number(&self) -> usize {
        self.raft.id().get() as usize - 1
    }

    /// Whether it makes sense to try `input`: whether it could change anything.
    pub(super) fn admits(&self, input: Input) -> bool {
        let status = self.raft.status();
        match input {
            Input::Beat => status.role != Role::Follower,
            Input::Persisted | Input::Crash(Fate::Kept) => self.written.is_some(),
            Input::Proposal => status.role == Role::Leader,
            Input::Datagram(_) | Input::Silence | Input::Crash(_) => true,
        }
    }

    /// What becomes of the node, and what it says. `datagram` goes with [`Input::Datagram`].
    pub(super) fn after(&self, input: Input, pace: Pace, datagram: &[u8]) -> (Self, Said) {
        let mut next = self.clone();
        let mut said = next.step(input, datagram);
        while pace == Pace::Prompt && next.written.is_some() {
            said = said.and_then(|mut said| {
                said.extend(next.step(Input::Persisted, &[])?);
                Ok(said)
            });
            if said.is_err() {
                break;
            }
        }
        let entries = (1..=next.raft.last().index.0).map_while(|at| next.raft.entry(Index(at)));
        next.log = Log::of(entries);
        (next, said)
    }

    fn step(&mut self, input: Input, datagram: &[u8]) -> Said {
        let commit = self.raft.commit();
        self.undergo(input, datagram)?;
        let (now, leads) = (self.raft.commit(), self.raft.status().role == Role::Leader);
        if now > commit && !leads && now > self.proven_now() {
            return Err(format!("{now} is committed, proven is {}", self.proven_now()));
        }
        let said = self.drain()?;
        self.witness.observe(&self.raft).map_err(|broken| broken.to_string())?;
        Ok(said)
    }

    fn undergo(&mut self, input: Input, datagram: &[u8]) -> Result<(), String> {
        match input {
            Input::Datagram(_) => {
                // To be loyal to a leader is to lose some datagrams: that happens anyway.
                if self.raft.status().role == Role::Follower {
                    self.now = self.now.plus(ELECTION_TIMEOUT);
                }
                // One that is refused changes nothing.
                match self.raft.handle_datagram(self.now, datagram) {
                    Ok(Received::Heard) => self.learn(datagram)?,
                    Ok(Received::Chunk(_)) => return Err("a snapshot comes from nowhere".into()),
                    Err(_) => {}
                }
            }
            Input::Silence => {
                self.now = self.now.plus(ELECTION_TIMEOUT.times(2));
                self.raft.handle_timeout(self.now);
            }
            Input::Beat => {
                self.now = self.now.plus(HEARTBEAT);
                self.raft.handle_timeout(self.now);
            }
            Input::Persisted => {
                self.finish_write()?;
                let ticket = self.raft.outstanding_ticket().ok_or("the ticket is forgotten")?;
                let taken = self.raft.handle_persisted(self.now, ticket);
                taken.map_err(|error| error.to_string())?;
            }
            Input::Proposal => match self.raft.propose(self.now, COMMAND) {
                Ok(_) | Err(ProposeError::LogFull(_)) => {}
                Err(error) => return Err(format!("a leader refuses a command: {error}")),
            },
            Input::Crash(fate) => {
                if fate == Fate::Kept {
                    self.finish_write()?;
                }
                let mut life = self.raft.life();
                life.boot += 1;
                if fate == Fate::Wiped {
                    self.disk = Disk::default();
                    life = Life { incarnation: life.incarnation + 1, boot: 1, ..life };
                }
                life.nonce = life.boot;
                *self = Self::start(self.raft.id(), self.disk.clone(), life);
            }
        }
        Ok(())
    }

    /// An append of the leader of this term proves what it holds, and what is before that, where the log
    /// agrees with it.
    fn learn(&mut self, datagram: &[u8]) -> Result<(), String> {
        let datagram = decode(datagram).map_err(|error| error.to_string())?;
        let Message::Append(append) = datagram.message else { return Ok(()) };
        let (term, prev) = (self.raft.term(), append.prev);
        if append.term == term && self.raft.term_at(prev.index) == Some(prev.term) {
            let through = prev.index.plus(append.count.into()).min(self.raft.last().index);
            self.proven = (term, through.max(self.proven_now()));
        }
        Ok(())
    }

    fn proven_now(&self) -> Index {
        let (term, index) = self.proven;
        if term == self.raft.term() { index } else { Index::ZERO }
    }

    fn finish_write(&mut self) -> Result<(), String> {
        let batch = self.written.take().ok_or("nothing was written")?;
        self.disk.take(&batch)
    }

    /// Does what the outputs say until there are none.
    fn drain(&mut self) -> Said {
        let (mut buf, mut said, mut applied) = ([0; 512], Vec::new(), self.raft.applied());
        loop {
            match self.raft.poll_output(self.now, &mut buf) {
                Output::Transmit(out) => {
                    let datagram = out.datagram.to_vec();
                    self.check_said(&decode(&datagram).map_err(|error| error.to_string())?)?;
                    said.push(datagram);
                }
                Output::Persist(persist) => {
                    if self.written.is_some() {
                        return Err("two batches are out at once".into());
                    }
                    self.written = Some(Written::of(&persist.batch));
                }
                Output::Apply(committed) => {
                    let at = committed.position;
                    if at.index <= applied || committed.command != COMMAND {
                        return Err(format!("{at} is applied again, or is another command"));
                    }
                    applied = at.index;
                    if !self.holds(at) {
                        return Err(format!("{at} is applied, and not durable here"));
                    }
                }
                Output::Event(Event::Halted(reason)) => {
                    return Err(format!("the node stops for good: {reason:?}"));
                }
                Output::Event(_) => {}
                Output::TransmitChunk(_) | Output::Install(_) => {
                    return Err("a snapshot comes from nowhere".into());
                }
                Output::Idle { .. } => return Ok(said),
            }
        }
    }

    fn holds(&self, at: Position) -> bool {
        self.disk.holds(at.term.0, at.index.0)
    }

    /// Nothing is said that a crash could take back.
    fn check_said(&self, datagram: &Datagram<'_>) -> Result<(), String> {
        let (message, hard) = (datagram.message, self.disk.hard);
        let vote = |candidate| HardState { term: message.term(), vote: Some(candidate) };
        let (durable, what) = match message {
            Message::PreVoteRequest { last, .. } => (self.holds(last), "the end of its log"),
            Message::VoteRequest { last, .. } => {
                let own = hard == vote(self.raft.id());
                (own && self.holds(last), "the vote for itself, or the end of its log")
            }
            Message::VoteReply { vote: Vote::Granted, .. } => {
                (hard == vote(datagram.envelope.receiver), "the vote")
            }
            Message::AppendReply(reply) => match reply.verdict {
                Verdict::Matched { durable: index, received } => {
                    let term = self.raft.term_at(index).unwrap_or_default();
                    if received > self.proven_now() || index > received {
                        return Err(format!("what is acknowledged was not proven: {message:?}"));
                    }
                    (self.holds(Position { term, index }), "what it acknowledges")
                }
                Verdict::Conflict { .. } => (true, ""),
            },
            _ => (true, ""),
        };
        if message.term() > hard.term {
            return Err(format!("the term of what is said is not durable: {message:?}"));
        }
        if durable { Ok(()) } else { Err(format!("{what} is not durable: {message:?}")) }
    }
}
