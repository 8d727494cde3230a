//! What is watched while time passes: that it does pass, that a leader is heard, and that nothing is
//! applied to a machine that is being replaced.

use crate::place::Place;
use crate::place::host::Deeds;
use crate::place::machine::Step;
use raft_nostd::wire::{Datagram, Message};
use raft_nostd::{Duration, Instant, Role, Term};

/// Steps that may be made at one instant.
const STEPS_AT_ONCE: u32 = 100_000;

/// Election timeouts after which a leader that no majority answers must have stepped down.
const UNHEARD: u64 = 2;

pub struct Watch {
    at: Instant,
    steps: u32,
    /// When each node, as a leader, was last answered by each, by its own clock.
    heard: Vec<Vec<Instant>>,
    /// The term each node leads, and since when, by its own clock.
    leads: Vec<(Term, Instant)>,
}

impl Watch {
    pub fn new(nodes: usize) -> Self {
        Self {
            at: Instant::ORIGIN,
            steps: 0,
            heard: vec![vec![Instant::ORIGIN; nodes]; nodes],
            leads: vec![(Term::ZERO, Instant::ORIGIN); nodes],
        }
    }

    /// A node does something: not too often without time passing.
    pub fn step(&mut self, now: Instant, place: &Place) {
        if self.at != now {
            (self.at, self.steps) = (now, 0);
        }
        self.steps += 1;
        assert!(self.steps < STEPS_AT_ONCE, "{:?} is busy, and no time passes", place.id);
    }

    /// A node took a datagram for true at `local`, by its own clock.
    pub fn taken(&mut self, at: usize, place: &Place, said: &Datagram<'_>, local: Instant) {
        let id = place.id;
        assert!(said.envelope.receiver == id, "{id:?} takes a datagram for another node");
        let Some(raft) = place.raft() else { return };
        let answers = matches!(said.message, Message::AppendReply(_) | Message::InstallReply(_));
        if answers && said.message.term() == raft.term() {
            let from = said.envelope.sender.get() as usize - 1;
            self.heard[at][from] = local;
        }
    }

    /// A node was called at `local`, by its own clock, since it was time to: as a leader it has stepped
    /// down if no majority answers (§6.2).
    pub fn called(&mut self, at: usize, place: &Place, election: Duration, local: Instant) {
        let Some(raft) = place.raft() else { return };
        if raft.status().role != Role::Leader {
            self.leads[at] = (Term::ZERO, local);
            return;
        }
        if self.leads[at].0 != raft.term() {
            self.leads[at] = (raft.term(), local);
            self.heard[at].fill(Instant::ORIGIN);
        }
        let mut heard = self.heard[at].clone();
        heard[at] = local;
        heard.sort_unstable();
        let by_majority = heard[(heard.len() - 1) / 2].max(self.leads[at].1);
        let late = local > by_majority.plus(election.times(UNHEARD));
        assert!(!late, "{:?} leads, and no majority answers it", place.id);
    }

    /// A node that had begun to replace its machine, and has not come to an end, has applied nothing.
    pub fn replacing(place: &Place, deeds: &Deeds) {
        let applied = deeds.steps.iter().any(|step| matches!(step, Step::Applied(..)));
        let ended = deeds.steps.iter().any(|step| matches!(step, Step::Restored(_)));
        assert!(!applied || ended, "{:?} applies to a machine that is being replaced", place.id);
    }
}
