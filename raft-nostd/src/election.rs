//! Leader election (dissertation §3.4), with PreVote (§9.6), leader stickiness (§4.2.3) and a
//! leader that steps down without a majority (§6.2).

use crate::error::{Halt, LogFull};
use crate::frame::{self, EntryKind};
use crate::state::metrics::count;
use crate::state::peers::{Ballot, Owed};
use crate::state::progress::Progress;
use crate::state::quorum::{majority, reached_by_majority};
use crate::state::role::Role;
use crate::state::{Node, Speech};
use crate::time::Instant;
use crate::types::{HardState, Index, Term};
use crate::wire::Vote;

impl From<Vote> for Ballot {
    fn from(vote: Vote) -> Self {
        match vote {
            Vote::Granted => Self::Granted,
            Vote::Refused => Self::Refused,
        }
    }
}

/// Whether a leader's log has an entry of its own term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TermOpened {
    Yes,
    /// Not before a majority has the rest of the log.
    Later,
    /// There is no room for one.
    No,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// Whether this node leads, or heard a leader within the shortest election timeout: then it
    /// helps nobody to depose that leader.
    pub(crate) fn is_loyal(&self, now: Instant) -> bool {
        let heard = self.contact.plus(self.limits.election_timeout);
        self.role == Role::Leader || (self.leader.is_some() && now < heard)
    }

    /// A newer term: follow whoever leads it, and forget what belonged to the older one.
    pub(crate) fn adopt_term(&mut self, now: Instant, term: Term) {
        self.hard = HardState { term, vote: None };
        self.leader = None;
        self.verified = Index::ZERO;
        self.heard_round = 0;
        for peer in &mut self.peers {
            peer.owed = Owed::Nothing;
        }
        self.become_follower(now);
    }

    /// Gives up leadership or candidacy, within the term.
    pub(crate) fn become_follower(&mut self, now: Instant) {
        if self.role == Role::Leader {
            self.leader = None;
            self.lose_reads();
        }
        if self.role != Role::Follower {
            self.campaign_at = self.draw_timeout(now);
        }
        self.role = Role::Follower;
        self.withdraw_ballots();
    }

    /// The election timeout passed without a leader: would I be elected?
    pub(crate) fn campaign(&mut self, now: Instant) {
        self.campaign_at = self.draw_timeout(now);
        if self.role == Role::Candidate && self.may_speak() == Speech::Withheld {
            return; // Its own vote is still being written: nobody was asked for another one yet.
        }
        // Not heard for an election timeout: it may be dead, so nobody is to be sent there.
        self.leader = None;
        if self.durability.retry_at().is_some() || self.snapshots.is_installing() {
            return; // Without storage, or state, a leader could do nothing.
        }
        if self.term().next().is_none() {
            self.halt(Halt::TermsExhausted);
            return;
        }
        self.role = Role::PreCandidate;
        self.ask_all(now);
        self.own_ballot = Ballot::Granted;
        self.count_ballots(now);
    }

    /// A majority would elect this node: it stands, in a new term. Nobody hears of it before term
    /// and vote are durable, and the own vote does not count before.
    fn stand(&mut self, now: Instant) {
        let Some(term) = self.term().next() else {
            self.halt(Halt::TermsExhausted);
            return;
        };
        count(&mut self.metrics.elections);
        self.adopt_term(now, term);
        self.hard.vote = Some(self.id);
        self.role = Role::Candidate;
        self.campaign_at = self.draw_timeout(now);
        self.ask_all(now);
        self.own_ballot = Ballot::Asked;
    }

    /// Term and vote have become durable: a candidate's own vote counts.
    pub(crate) fn count_own_vote(&mut self, now: Instant) {
        let durable = self.durability.hard_state() == self.hard;
        if self.role == Role::Candidate && durable && self.own_ballot == Ballot::Asked {
            self.own_ballot = Ballot::Granted;
            self.count_ballots(now);
        }
    }

    fn ask_all(&mut self, now: Instant) {
        for peer in &mut self.peers {
            peer.ballot = Ballot::Due;
        }
        self.beat_at = now.plus(self.limits.heartbeat);
    }

    /// Asks again who has not answered: a datagram may be lost.
    pub(crate) fn ask_again(&mut self, now: Instant) {
        for peer in &mut self.peers {
            if peer.ballot == Ballot::Asked {
                peer.ballot = Ballot::Due;
            }
        }
        self.beat_at = now.plus(self.limits.heartbeat);
    }

    fn withdraw_ballots(&mut self) {
        for peer in &mut self.peers {
            peer.ballot = Ballot::Idle;
        }
        self.own_ballot = Ballot::Idle;
    }

    /// Goes on once a majority has granted what was asked.
    pub(crate) fn count_ballots(&mut self, now: Instant) {
        let granted = self.peers.iter().map(|peer| peer.ballot).chain([self.own_ballot]);
        let granted = granted.filter(|ballot| *ballot == Ballot::Granted).count();
        if granted < majority(self.voters()) {
            return;
        }
        match self.role {
            Role::PreCandidate => self.stand(now),
            Role::Candidate => self.lead(now),
            Role::Follower | Role::Leader => {}
        }
    }

    /// Elected. The term is opened at once, but not with the last room that there is
    /// ([`Node::open_term`]). A log that a run of failed leaderships has filled all the same leads
    /// without: once every voter has all of it, it is committed, and makes way.
    fn lead(&mut self, now: Instant) {
        let next = self.log.last().index.next();
        count(&mut self.metrics.elections_won);
        self.withdraw_ballots();
        self.snapshots.incoming = None;
        self.role = Role::Leader;
        self.led = self.term();
        self.full_since = Instant::NEVER;
        self.leader = Some(self.id);
        self.campaign_at = Instant::NEVER;
        self.beat_at = now.plus(self.limits.heartbeat);
        for peer in &mut self.peers {
            peer.progress = Progress::of_new_leader(next, now);
            peer.heard_at = now;
        }
        if self.open_term() == TermOpened::No {
            self.news.log_full = Some(LogFull::Capacity);
        }
        self.advance_commit();
    }

    /// A leader opens its term with a no-op, by which all earlier entries are committed too (§5.4.2
    /// of the paper, §6.4). In a log that is half full that waits until a majority has all the
    /// rest, so that it will soon be committed: leaderships that reach nobody leave nothing there.
    pub(crate) fn open_term(&mut self) -> TermOpened {
        if self.log.last().term == self.term() {
            return TermOpened::Yes;
        }
        let room = self.log.room();
        let some = room.entries > 0 && room.bytes >= frame::OVERHEAD_MAX as u32;
        if self.is_half_full() && some && self.held_by_majority() < self.log.last().index {
            return TermOpened::Later;
        }
        match self.log.create(self.term(), EntryKind::Noop, &[]) {
            Ok(_) => TermOpened::Yes,
            Err(_) => TermOpened::No,
        }
    }

    /// A leader lets the others elect one of themselves: it stands itself only when they had the time
    /// to, of which they need two election timeouts at most.
    pub(crate) fn make_way(&mut self, now: Instant) {
        self.become_follower(now);
        self.campaign_at = self.draw_timeout(now.plus(self.limits.election_timeout.times(2)));
        self.news.log_full = Some(LogFull::Capacity);
    }

    /// When a leader must have heard from a majority again (CheckQuorum, §6.2).
    pub(crate) fn abdicate_at(&self, now: Instant) -> Instant {
        let mut heard: heapless::Vec<Instant, VOTERS> = heapless::Vec::new();
        for at in self.peers.iter().map(|peer| peer.heard_at).chain([now]) {
            let _ = heard.push(at); // As many as there are voters, this node included.
        }
        let latest = reached_by_majority(&mut heard).unwrap_or(now);
        latest.plus(self.limits.election_timeout)
    }
}
