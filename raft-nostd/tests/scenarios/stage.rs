//! The stage: nodes, a network on which each datagram takes 5 ms, disks that take 2 ms.

use crate::common::{Disk, Member, Options, Step, Storage, id, ids};
use adapter_sim::story::{Arrival, Datagram, Deed, Net, Said, Story, USUAL_WAY, What, Words};
use raft_nostd::journal::PersistFailure;
use raft_nostd::{Duration, HardState, Instant, NodeId, Position, wire};

const WAY: Duration = Duration::from_micros(100 * USUAL_WAY);
const WRITE: Duration = Duration::from_millis(2);

/// A datagram on its way.
struct Flying {
    arrives: Instant,
    from: NodeId,
    to: NodeId,
    bytes: Vec<u8>,
}

/// A node, and what surrounds it.
struct Actor {
    member: Member,
    alive: bool,
    /// When what it writes is on disk.
    written: Option<Instant>,
    hard: HardState,
    disk_is_full: bool,
}

pub struct Stage {
    now: Instant,
    options: Options,
    actors: Vec<Actor>,
    flying: Vec<Flying>,
    cut: Vec<(NodeId, NodeId)>,
    lose_next: Option<(NodeId, NodeId)>,
    /// To whom datagrams take how much longer.
    slow: Option<(NodeId, Duration)>,
    story: Story,
}

impl Stage {
    pub fn new(nodes: u32) -> Self {
        let options = Options {
            heartbeat_ms: 400,
            log_entries: 64,
            log_bytes: 16 * 1_024,
            max_command: 200,
            ..Options::default()
        };
        let mut stage = Self {
            now: Instant::ORIGIN,
            options,
            actors: Vec::new(),
            flying: Vec::new(),
            cut: Vec::new(),
            lose_next: None,
            slow: None,
            story: Story::default(),
        };
        stage.cast(vec![Disk::default(); nodes as usize]);
        stage
    }

    /// Nodes that start from these disks, and logs of so many entries.
    pub fn cast_with(&mut self, log_entries: u32, disks: Vec<Disk>) {
        self.options.log_entries = log_entries;
        self.cast(disks);
    }

    fn cast(&mut self, disks: Vec<Disk>) {
        let voters = ids(disks.len() as u32);
        let actors = disks.into_iter().zip(1..);
        self.actors = actors
            .map(|(disk, n)| Actor::new(Member::start(n, &voters, &self.options, disk)))
            .collect();
    }

    pub fn story(self) -> Story {
        self.story
    }

    /// A sentence of the story.
    pub fn scene(&mut self, sentence: &str) {
        self.story.scene(sentence);
    }

    fn does(&mut self, node: u32, deed: Deed) {
        self.story.line(self.now, What::Does(id(node), deed));
    }

    fn actor(&mut self, node: u32) -> &mut Actor {
        &mut self.actors[node as usize - 1]
    }

    pub fn member(&self, node: u32) -> &Member {
        &self.actors[node as usize - 1].member
    }

    // What the author of a play does.

    pub fn propose(&mut self, node: u32, command: &str) -> Position {
        let now = self.now;
        let position = self.actor(node).member.raft.propose(now, command.as_bytes()).unwrap();
        self.does(node, Deed::Asked { command: Words::command(command.as_bytes()), at: position });
        self.play(node);
        position
    }

    /// Proposes what will be refused.
    pub fn propose_in_vain(&mut self, node: u32, command: &str) {
        let now = self.now;
        let why = self.actor(node).member.raft.propose(now, command.as_bytes()).unwrap_err();
        let (command, why) = (Words::command(command.as_bytes()), Words::new(&why.to_string()));
        self.does(node, Deed::Refuses { command, why });
        self.play(node);
    }

    pub fn read(&mut self, node: u32) {
        let now = self.now;
        let read = self.actor(node).member.raft.read(now).unwrap();
        self.does(node, Deed::AskedToRead(read.get()));
        self.play(node);
    }

    pub fn kill(&mut self, node: u32) {
        self.does(node, Deed::Dies);
        self.actor(node).alive = false;
    }

    pub fn restart(&mut self, node: u32) {
        self.options.boot += 1;
        let options = Options { now: self.now, ..self.options.clone() };
        let disk = self.actor(node).member.disk.clone();
        let voters = ids(self.actors.len() as u32);
        *self.actor(node) = Actor::new(Member::start(node, &voters, &options, disk));
        self.does(node, Deed::Restarts);
        self.show(node);
        self.play(node);
    }

    /// Nothing gets through between these and the others.
    pub fn cut_off(&mut self, nodes: &[u32]) {
        let others: Vec<u32> =
            (1..=self.actors.len() as u32).filter(|n| !nodes.contains(n)).collect();
        for one in nodes {
            for other in &others {
                self.cut.extend([(id(*one), id(*other)), (id(*other), id(*one))]);
            }
        }
        let sides = [nodes, &others].map(|side| side.iter().copied().map(id).collect());
        self.story.line(self.now, What::Network(Net::Splits(sides.into())));
    }

    pub fn heal(&mut self) {
        self.cut.clear();
        self.story.line(self.now, What::Network(Net::Heals));
    }

    /// The next datagram from one to the other is lost.
    pub fn lose_next(&mut self, from: u32, to: u32) {
        self.lose_next = Some((id(from), id(to)));
    }

    /// From now on datagrams to `node` take so much longer.
    pub fn slow(&mut self, node: u32, millis: u64) {
        self.slow = Some((id(node), Duration::from_millis(millis)));
    }

    pub fn disk_is_full(&mut self, node: u32, full: bool) {
        self.actor(node).disk_is_full = full;
    }

    /// Writes down what a log looks like.
    pub fn show(&mut self, node: u32) {
        let member = self.member(node);
        let (base, terms) = (member.raft.base(), member.terms());
        let commit = member.raft.commit();
        self.does(node, Deed::HasLog { base, terms, commit });
    }

    pub fn show_all(&mut self) {
        for node in 1..=self.actors.len() as u32 {
            self.show(node);
        }
    }

    // Time.

    /// Lets things happen until `done`, which comes within ten seconds.
    #[track_caller]
    pub fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let end = self.now.plus(Duration::from_millis(10_000));
        self.wake_all();
        while !done(self) {
            assert!(self.now < end, "it does not happen:\n{}", self.story);
            self.happen();
        }
    }

    /// Until nothing is on its way any more, neither to a node nor to a disk.
    #[track_caller]
    pub fn settle(&mut self) {
        self.until(|stage| {
            let idle = |actor: &Actor| !actor.alive || actor.written.is_none();
            stage.flying.is_empty() && stage.actors.iter().all(idle)
        });
    }

    /// The election at the start, without the lines that `first_election.trace` has.
    pub fn opening(&mut self) -> u32 {
        let leader = self.until_led();
        self.story.entries.clear();
        self.scene("A leader is elected, as in first_election.trace.");
        self.show_all();
        leader
    }

    /// Until there is a leader whose no-op everybody alive and connected has applied.
    #[track_caller]
    pub fn until_led(&mut self) -> u32 {
        self.until(|stage| stage.leader().is_some());
        self.settle();
        self.leader().unwrap()
    }

    /// The node that leads the newest term.
    pub fn leader(&self) -> Option<u32> {
        let alive = || self.actors.iter().filter(|actor| actor.alive).map(|actor| &actor.member);
        let newest = alive().map(|member| member.raft.term()).max()?;
        let leads = |member: &&Member| member.is_leader() && member.raft.term() == newest;
        alive().find(leads).map(|member| member.raft.id().get())
    }

    fn wake_all(&mut self) {
        for node in 1..=self.actors.len() as u32 {
            self.play(node);
        }
    }

    fn next_time(&self) -> Instant {
        let arrivals = self.flying.iter().map(|flying| flying.arrives);
        let alive = || self.actors.iter().filter(|actor| actor.alive);
        let written = alive().filter_map(|actor| actor.written);
        let deadlines = alive().map(|actor| actor.member.wake_at);
        arrivals.chain(written).chain(deadlines).min().unwrap_or(Instant::NEVER)
    }

    /// The next thing happens: first what arrives, then what is written, then what is due.
    fn happen(&mut self) {
        self.now = self.now.max(self.next_time());
        let now = self.now;
        if let Some(place) = self.flying.iter().position(|flying| flying.arrives <= now) {
            let Flying { from, to, bytes, .. } = self.flying.remove(place);
            self.arrive(from, to, &bytes);
            return;
        }
        let is_written = |actor: &Actor| actor.alive && actor.written.is_some_and(|at| at <= now);
        if let Some(place) = self.actors.iter().position(is_written) {
            let actor = &mut self.actors[place];
            actor.written = None;
            if actor.disk_is_full {
                actor.member.persist_failed(now, PersistFailure::Full);
            } else {
                actor.member.persisted(now);
            }
            self.play(place as u32 + 1);
            return;
        }
        let is_due = |actor: &Actor| actor.alive && actor.member.wake_at <= now;
        if let Some(place) = self.actors.iter().position(is_due) {
            self.actors[place].member.raft.handle_timeout(now);
            self.play(place as u32 + 1);
        }
    }

    fn arrive(&mut self, from: NodeId, to: NodeId, bytes: &[u8]) {
        let now = self.now;
        let actor = self.actor(to.get());
        if !actor.alive {
            return;
        }
        if let Err(why) = actor.member.raft.handle_datagram(now, bytes) {
            self.does(to.get(), Deed::Drops { from, why: Words::new(&why.to_string()) });
        }
        self.play(to.get());
    }

    /// Does and writes down all that a node says and does.
    fn play(&mut self, node: u32) {
        let now = self.now;
        let actor = self.actor(node);
        if !actor.alive {
            return;
        }
        actor.member.drain(now);
        let steps = std::mem::take(&mut actor.member.story);
        let mut outbox = std::mem::take(&mut actor.member.outbox).into_iter();
        for step in steps {
            match step {
                Step::Say { .. } => {
                    let (to, bytes) = outbox.next().unwrap();
                    self.send(id(node), to, bytes);
                }
                deed => self.deed(node, deed),
            }
        }
    }

    /// Anything but what is said to others.
    fn deed(&mut self, node: u32, step: Step) {
        let now = self.now;
        let actor = self.actor(node);
        let deed = match step {
            Step::Persist { hard, entries } => {
                let before = std::mem::replace(&mut actor.hard, hard);
                actor.written = Some(now.plus(WRITE));
                Deed::begins(before, hard, entries)
            }
            Step::Durable => Deed::Durable,
            Step::Tell(event) => Deed::told(&event),
            Step::Apply(at, command) => Deed::Applies { at, command: Words::command(&command) },
            Step::Say { .. } => unreachable!("said to somebody"),
        };
        self.does(node, deed);
    }

    fn send(&mut self, from: NodeId, to: NodeId, bytes: Vec<u8>) {
        let said = Said::of(&wire::decode(&bytes).unwrap());
        let unlucky = self.lose_next == Some((from, to));
        if unlucky {
            self.lose_next = None;
        }
        let lost = unlucky || self.cut.contains(&(from, to));
        let slow = self.slow.filter(|(node, _)| *node == to).map(|(_, longer)| longer);
        let arrives = self.now.plus(WAY).plus(slow.unwrap_or_default());
        let arrivals = if lost { vec![] } else { vec![Arrival::whole(arrives)] };
        self.story.line(self.now, What::Says(Datagram { from, to, said, arrivals }));
        if !lost {
            self.flying.push(Flying { arrives, from, to, bytes });
        }
    }
}

impl Actor {
    fn new(mut member: Member) -> Self {
        member.storage = Storage::Waits;
        let hard = member.disk.hard;
        Self { member, alive: true, written: None, hard, disk_is_full: false }
    }
}
