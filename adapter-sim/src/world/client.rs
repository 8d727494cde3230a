//! What the clients were promised: every proposal ends in exactly one way, every read sees all that
//! was known to be committed when it was asked, and all that they were answered is linearizable.

use crate::judge::Judge;
use crate::linearizability::{CheckError, History, Limits, OperationId, check_witnessed};
use crate::place::host::{Deeds, Told};
use crate::place::machine::Step;
use crate::registers::{Call, KEYS, Register, answered};
use raft_nostd::{Event, Index, Instant, NodeId, Position, Proposed, ReadId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// Steps that are taken to find out whether what clients saw of one number is linearizable.
const STEPS: u64 = 400_000;

#[derive(Default)]
pub struct Clients {
    /// Open proposals of each node's present run.
    open: BTreeMap<(NodeId, Position), Proposal>,
    /// Reads of each node's present run.
    reads: BTreeMap<(NodeId, ReadId), Vec<Read>>,
    /// Proposals that were told to be lost: nobody may ever apply them.
    lost: HashSet<Position>,
    /// Calls that were refused: nobody may ever apply them.
    refused: HashSet<Vec<u8>>,
    /// What they asked of numbers, and what they were answered.
    history: History<Register>,
    /// Where in the log each call would be.
    calls: HashMap<Position, OperationId>,
    /// The reads that were answered, and through where whoever answered had applied the log.
    views: Vec<(Index, OperationId)>,
    /// What they may ask again, since they do not know what became of it, or it was lost.
    again: Vec<(u8, Call)>,
    /// What each number was when it was last answered.
    seen: [u32; KEYS as usize],
    pub applied: u64,
    pub lost_count: u64,
    pub reads_answered: u64,
}

struct Proposal {
    command: Vec<u8>,
    /// When it asks something of a number.
    operation: Option<(OperationId, u8, Call)>,
}

struct Read {
    must_see: Index,
    key: u8,
    operation: OperationId,
}

/// What came of a look at all that clients saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The order of the log explains it.
    ByLog,
    /// That does not, and the search has found another order.
    BySearch,
    /// It would take too long to find out.
    Open,
}

impl Clients {
    pub fn proposed(&mut self, now: Instant, node: NodeId, position: Position, command: Vec<u8>) {
        let operation = Call::parse(&command).map(|(key, call)| {
            (
                self.history.invoke(u64::from(node.get()), key.to_string(), call, true_time(now)),
                key,
                call,
            )
        });
        self.calls.extend(operation.map(|(operation, ..)| (position, operation)));
        let before = self.open.insert((node, position), Proposal { command, operation });
        assert!(before.is_none(), "two proposals at {position}");
    }

    /// A node did not take a command.
    pub fn refused(&mut self, command: Vec<u8>) {
        // (No two calls are the same.)
        if Call::parse(&command).is_some() {
            self.refused.insert(command);
        }
    }

    pub fn asked(&mut self, now: Instant, node: NodeId, read: ReadId, key: u8, judge: &Judge) {
        let must_see = judge.committed_command();
        let client = u64::from(node.get());
        let operation = self.history.invoke(client, key.to_string(), Call::Read, true_time(now));
        self.reads.entry((node, read)).or_default().push(Read { must_see, key, operation });
    }

    /// Something that is asked once more.
    pub fn again(&mut self) -> Option<(u8, Call)> {
        self.again.pop()
    }

    /// What a number probably is.
    pub fn seen(&self, key: u8) -> u32 {
        self.seen[usize::from(key)]
    }

    /// Hears what a node has applied and told.
    pub fn hear(&mut self, now: Instant, id: NodeId, deeds: &Deeds) {
        for step in &deeds.steps {
            if let Step::Applied(position, command, answer) = step
                && let Some(proposal) = self.open.remove(&(id, *position))
            {
                assert_eq!(proposal.command, *command, "another command at {position}");
                self.applied += 1;
                self.answer(now, &proposal, answer);
            }
        }
        for Told { event, applied, answers } in &deeds.events {
            match *event {
                Event::ProposalsLost(range) => self.lose(id, range),
                Event::ProposalsUnknown(range) => {
                    let unknown = self.take(id, range);
                    self.again.extend(unknown.into_iter().filter_map(|(_, one)| one.call()));
                }
                Event::ReadReady(through) => {
                    self.answer_reads(now, (id, through), *applied, answers);
                }
                Event::ReadsLost(through) => {
                    self.reads.retain(|(node, read), _| *node != id || *read > through);
                }
                _ => {}
            }
        }
    }

    fn answer(&mut self, now: Instant, proposal: &Proposal, answer: &str) {
        if let (Some((operation, key, call)), Some(reply)) = (proposal.operation, answered(answer))
        {
            self.history.respond(operation, reply, true_time(now));
            let mut register = Register(reply);
            register.perform(call);
            self.seen[usize::from(key)] = register.0;
        }
    }

    fn lose(&mut self, id: NodeId, range: Proposed) {
        for (position, proposal) in self.take(id, range) {
            self.lost_count += 1;
            self.lost.insert(position);
            self.again.extend(proposal.call());
            if let Some((operation, ..)) = proposal.operation {
                self.history.fail(operation);
            }
        }
    }

    fn answer_reads(
        &mut self,
        now: Instant,
        (id, through): (NodeId, ReadId),
        applied: Index,
        answers: &[String],
    ) {
        let ready = |(node, read): &(NodeId, ReadId)| *node == id && *read <= through;
        let ready: Vec<_> = self.reads.keys().copied().filter(ready).collect();
        for read in ready.iter().filter_map(|read| self.reads.remove(read)).flatten() {
            let must_see = read.must_see;
            assert!(applied >= must_see, "{id} answers a read at {applied}, not {must_see}");
            self.reads_answered += 1;
            let answer = answers.get(usize::from(read.key)).and_then(|text| answered(text));
            if let Some(reply) = answer {
                self.history.respond(read.operation, reply, true_time(now));
                self.views.push((applied, read.operation));
            }
        }
    }

    fn take(&mut self, id: NodeId, range: Proposed) -> Vec<(Position, Proposal)> {
        let inside =
            |(node, position): &(NodeId, Position)| *node == id && range.contains(*position);
        let inside: Vec<_> = self.open.keys().copied().filter(inside).collect();
        inside.into_iter().filter_map(|at| Some((at.1, self.open.remove(&at)?))).collect()
    }

    /// A node is gone: its clients do not know what became of what they asked.
    pub fn gone(&mut self, id: NodeId) {
        let theirs: Vec<_> = self.open.keys().copied().filter(|(node, _)| *node == id).collect();
        let unknown = theirs.into_iter().filter_map(|at| self.open.remove(&at)?.call());
        self.again.extend(unknown.collect::<Vec<_>>());
        self.reads.retain(|(node, _), _| *node != id);
    }

    /// Nothing that was called lost was applied.
    pub fn nothing_lost_was_applied(&self, judge: &Judge) {
        for (position, command) in judge.commands() {
            assert!(!self.lost.contains(&position), "lost, and yet applied at {position}");
            assert!(!self.refused.contains(command), "refused, and yet applied at {position}");
        }
    }

    /// What all clients were answered can be explained by numbers that change one call at a time.
    pub fn check_linearizability(&self, judge: &Judge) -> Verdict {
        let limits = Limits { max_steps: STEPS };
        match check_witnessed(self.history.operations(), &self.log_order(judge), limits) {
            Ok(summary) if summary.witnessed == summary.keys => Verdict::ByLog,
            Ok(_) => Verdict::BySearch,
            Err(CheckError::TooLarge { .. }) => Verdict::Open,
            Err(violation) => panic!("not linearizable: {violation}"),
        }
    }

    /// The order in which the log has all that was applied, with each read behind what it has seen.
    fn log_order(&self, judge: &Judge) -> Vec<OperationId> {
        let call = |position: Position| Some((position.index, *self.calls.get(&position)?));
        let calls = judge.commands().filter_map(|(position, _)| call(position));
        let mut order: Vec<_> = calls.chain(self.views.iter().copied()).collect();
        // At one index this keeps the call first, and then the reads as they were answered.
        order.sort_by_key(|(index, _)| *index);
        order.into_iter().map(|(_, operation)| operation).collect()
    }

    /// What has not come to an end yet, in a few words.
    pub fn open(&self) -> String {
        let proposals: Vec<_> = self.open.keys().take(8).collect();
        let (more, reads) = (self.open.len() - proposals.len(), self.reads.len());
        format!("open are {proposals:?}, {more} more, and {reads} reads")
    }

    pub fn nothing_is_open(&self) -> bool {
        self.open.is_empty() && self.reads.is_empty()
    }
}

impl Proposal {
    fn call(&self) -> Option<(u8, Call)> {
        self.operation.map(|(_, key, call)| (key, call))
    }
}

fn true_time(now: Instant) -> Duration {
    Duration::from_micros(now.as_micros())
}
