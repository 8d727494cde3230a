//! What happens, told as a story, for those who look at one run.

use super::World;
use super::mischief::Ending;
use super::network::Partition;
use crate::place::host::{self, Deeds};
use crate::place::machine::Step;
use crate::story::{Arrival, Datagram, Deed, Net, Said, Story, What, Words};
use raft_nostd::{Duration, HardState, Index, Instant, NodeId, Position, wire};
use std::cell::RefCell;
use std::rc::Rc;

/// Writes a story down, if there is one to be written.
#[derive(Default)]
pub struct Teller {
    story: Option<Rc<RefCell<Story>>>,
    /// What of each node was told: its durable term and vote, the last durable entry, and whether it pauses.
    told: Vec<Told>,
}

#[derive(Clone, Copy, Default)]
struct Told {
    hard: HardState,
    durable: Index,
    paused: bool,
}

impl Teller {
    /// Tells a story of so many nodes.
    pub fn new(story: Option<Rc<RefCell<Story>>>, nodes: usize) -> Self {
        Self { story, told: vec![Told::default(); nodes] }
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.story.is_some()
    }

    pub fn tell(&self, now: Instant, what: What) {
        if let Some(story) = &self.story {
            story.borrow_mut().line(now, what);
        }
    }

    pub fn scene(&self, sentence: &str) {
        if let Some(story) = &self.story {
            story.borrow_mut().scene(sentence);
        }
    }
}

impl World {
    fn does(&self, at: usize, deed: Deed) {
        self.teller.tell(self.now, What::Does(self.places[at].id, deed));
    }

    /// A node ends.
    pub fn tell_end(&mut self, at: usize, way: Ending) {
        self.teller.told[at].paused = false;
        self.does(
            at,
            match way {
                Ending::Sealed => Deed::Stops,
                Ending::Killed => Deed::Dies,
                Ending::PowerCut => Deed::LosesPower,
            },
        );
    }

    /// A node runs, or does not.
    pub fn tell_start(&mut self, at: usize, refused: Option<&str>) {
        if !self.teller.is_heard() {
            return;
        }
        match (refused, self.places[at].raft()) {
            (Some(why), _) => self.does(at, Deed::CannotStart(Words::new(why))),
            (None, Some(raft)) => {
                let told = Told {
                    hard: raft.durable_hard_state(),
                    durable: raft.durable(),
                    paused: false,
                };
                let terms = (raft.base().index.0 + 1..=raft.last().index.0)
                    .filter_map(|index| raft.term_at(Index(index)))
                    .map(|term| term.0);
                let (base, terms, commit) = (raft.base(), terms.collect(), raft.commit());
                let first = raft.life().boot <= 1;
                self.teller.told[at] = told;
                if !first {
                    self.does(at, Deed::Restarts);
                    if let Some(newest) = raft.snapshot() {
                        self.does(at, Deed::SnapshotInstalled(newest.last));
                    }
                    self.does(at, Deed::HasLog { base, terms, commit });
                }
            }
            (None, None) => {}
        }
    }

    pub fn tell_pause(&mut self, at: usize) {
        self.teller.told[at].paused = true;
        self.does(at, Deed::Pauses);
    }

    pub fn tell_disk(&self, at: usize, words: &str) {
        if self.teller.is_heard() {
            self.does(at, Deed::Disk(Words::new(words)));
        }
    }

    pub fn tell_jump(&self, at: usize, by: Duration) {
        if self.teller.is_heard() {
            let millis = by.as_micros() as f64 / 1_000.0;
            self.does(at, Deed::Clock(Words::new(&format!("jumps ahead by {millis:.1} ms"))));
        }
    }

    pub fn tell_cut(&self, partition: Partition, until: Instant, flap: Option<Duration>) {
        if !self.teller.is_heard() {
            return;
        }
        let links: Vec<_> = self.network.links_cut_until(until);
        let links: Vec<_> = links
            .into_iter()
            .map(|(from, to)| (self.places[from].id, self.places[to].id))
            .collect();
        if !links.is_empty() {
            self.teller.tell(self.now, What::Network(Net::Cuts(links)));
        }
        let flaps =
            flap.map_or(String::new(), |flap| format!(", flapping every {} us", flap.as_micros()));
        let until = crate::story::Moment::from(until);
        let words = format!("{} until {until}{flaps}", self.words_for(partition));
        self.teller.tell(self.now, What::Network(Net::Notes(Words::new(&words))));
    }

    fn words_for(&self, partition: Partition) -> String {
        let n = |at: usize| format!("n{}", self.places[at].id.get());
        match partition {
            Partition::Split => "two sides".into(),
            Partition::Bridge(at) => format!("two sides, and {} between them", n(at)),
            Partition::Alone(at) => format!("{} by itself", n(at)),
            Partition::Pair(one, other) => format!("{} and {} by themselves", n(one), n(other)),
            Partition::Deaf(at) => format!("{} hears nobody", n(at)),
            Partition::Mute(at) => format!("{} is not heard", n(at)),
            Partition::OneWay(from, to) => format!("{} does not hear {}", n(to), n(from)),
        }
    }

    pub fn tell_asked(&self, at: usize, command: &[u8], position: Position) {
        if self.teller.is_heard() {
            let command = Words::new(&(self.kind.describe)(command));
            self.does(at, Deed::Asked { command, at: position });
        }
    }

    pub fn tell_read(&self, at: usize, read: u64) {
        self.does(at, Deed::AskedToRead(read));
    }

    /// A node refuses a datagram.
    pub fn tell_refused(&self, at: usize, bytes: &[u8], why: &dyn std::fmt::Display) {
        if self.teller.is_heard()
            && let Ok(said) = wire::decode(bytes)
        {
            let why = Words::new(&why.to_string());
            self.does(at, Deed::Drops { from: said.envelope.sender, why });
        }
    }

    /// What a node has done since it was last looked at.
    pub fn tell_deeds(&mut self, at: usize, deeds: &Deeds) {
        if !self.teller.is_heard() {
            return;
        }
        self.tell_durable(at);
        for host::Told { event, .. } in &deeds.events {
            self.does(at, Deed::told(event));
        }
        for step in &deeds.steps {
            if let Step::Applied(position, command, _) = step {
                let command = Words::new(&(self.kind.describe)(command));
                self.does(at, Deed::Applies { at: *position, command });
            }
        }
    }

    fn tell_durable(&mut self, at: usize) {
        let told = self.teller.told[at];
        if told.paused {
            self.teller.told[at].paused = false;
            self.does(at, Deed::GoesOn);
        }
        let Some(raft) = self.places[at].raft() else { return };
        let (hard, durable) = (raft.durable_hard_state(), raft.durable());
        if (hard, durable) == (told.hard, told.durable) {
            return;
        }
        let first = told.durable.min(durable).0 + 1;
        let entries: Vec<_> = (first..=durable.0)
            .filter_map(|index| {
                let index = Index(index);
                Some(Position { term: raft.term_at(index)?, index })
            })
            .collect();
        (self.teller.told[at].hard, self.teller.told[at].durable) = (hard, durable);
        if hard != told.hard || !entries.is_empty() {
            self.does(at, Deed::begins(told.hard, hard, entries));
            self.does(at, Deed::Durable);
        }
    }

    /// A datagram leaves, and arrives at these times.
    pub fn tell_datagram(&self, from: usize, to: usize, bytes: &[u8], arrivals: Vec<Arrival>) {
        if self.teller.is_heard()
            && let Ok(said) = wire::decode(bytes)
        {
            let (from, to) = (self.places[from].id, self.places[to].id);
            let datagram = Datagram { from, to, said: Said::of(&said), arrivals };
            self.teller.tell(self.now, What::Says(datagram));
        }
    }
}

/// So that a reader knows who is who.
pub fn cast(nodes: &[NodeId]) -> String {
    let names: Vec<_> = nodes.iter().map(|node| format!("{node:?}")).collect();
    format!("{} start with empty disks.", names.join(", "))
}
