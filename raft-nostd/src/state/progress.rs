//! How far a leader knows one follower to be (`nextIndex` and `matchIndex`, dissertation §3.5).

use super::transfer::Transfer;
use crate::time::Instant;
use crate::types::{Index, Life, Position};
use crate::wire::{Room, Verdict};

/// Whether something is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Due {
    #[default]
    No,
    Yes,
}

/// How a leader sends entries to a follower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It does not know where the logs agree: one append at a time, and it is due.
    #[default]
    Probe,
    /// One append is out to find out; an answer or the next heartbeat comes first.
    Wait,
    /// It knows: appends follow each other without waiting for answers, up to the window.
    Stream,
}

/// Whether what is asked again takes its entries along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Luggage {
    #[default]
    Entries,
    /// Long datagrams may be what gets lost, or what the follower refuses: every second time it is
    /// but a heartbeat, so that the follower hears its leader.
    Nothing,
}

/// Whether a follower was found to lack what it had acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Loss {
    #[default]
    None,
    /// The application is to be told.
    Found,
    Told,
}

/// A follower has not said how much room it has: any amount.
pub(crate) const ROOM_UNTOLD: Room = Room { entries: u32::MAX, bytes: u32::MAX };

#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Durable there and equal to this log, through this index.
    pub(crate) matched: Index,
    /// The life of the follower that acknowledged that.
    acknowledged_by: Life,
    pub(crate) loss: Loss,
    /// In the follower's memory and equal to this log, through this index, as far as heard.
    pub(crate) received: Index,
    /// The next entry to send.
    pub(crate) next: Index,
    pub(crate) mode: Mode,
    /// The last entry of the probe that is out, or the one before the first of that which is due: an
    /// answer that proves less does not tell where the logs agree.
    probed: Index,
    /// In [`Mode::Wait`].
    pub(crate) luggage: Luggage,
    pub(crate) beat: Due,
    /// The commit index it must know of, if nothing was lost.
    pub(crate) noted: Index,
    /// The newest quorum round it has answered in this term.
    pub(crate) round: u64,
    /// When something new was last acknowledged, or the first of what is unanswered was sent.
    pub(crate) advanced_at: Instant,
    /// What its log has room for beyond `received`.
    pub(crate) room: Room,
    /// How far the newest snapshot was sent, where the follower needs it.
    pub(crate) transfer: Transfer,
}

impl Progress {
    /// What a new leader assumes: the follower has all but what comes next; probe.
    pub(crate) fn of_new_leader(next: Index, now: Instant) -> Self {
        let probed = next.previous();
        Self {
            next,
            probed,
            room: ROOM_UNTOLD,
            beat: Due::Yes,
            advanced_at: now,
            ..Self::default()
        }
    }

    /// Whether what the follower needs next is not in a log that begins behind `base` any more.
    pub(crate) fn is_behind(&self, base: Index) -> bool {
        self.next <= base
    }

    /// The follower has entries equal to ours through `durable`, and in memory through `received`,
    /// and `room` behind that.
    pub(crate) fn matched(&mut self, durable: Index, received: Index, room: Room, now: Instant) {
        let received = received.max(durable);
        let advanced = received > self.received;
        if durable > self.matched || advanced {
            self.advanced_at = now;
        }
        if received >= self.received {
            self.room = room; // That of an answer which was overtaken counts from elsewhere.
        }
        self.matched = self.matched.max(durable);
        self.received = self.received.max(received);
        self.next = self.next.max(self.received.next());
        if received >= self.probed {
            self.mode = Mode::Stream;
        } else if self.mode != Mode::Stream && advanced {
            // Less than the probe brought, but more than before: it has taken what it could.
            self.probe();
        }
    }

    /// The follower speaks in `life`: acknowledges through `durable`, or has no entry at `prev`. Where
    /// it had acknowledged that in an earlier life it has lost it. (In the same life it is an answer
    /// that comes late or twice.)
    pub(crate) fn recognise(&mut self, life: Life, verdict: &Verdict) {
        match verdict {
            Verdict::Matched { durable, .. } if *durable > self.matched => {
                self.acknowledged_by = life;
            }
            Verdict::Conflict { prev, .. }
                if *prev <= self.matched && life.is_after(self.acknowledged_by) =>
            {
                // It counts for nothing of what an earlier life acknowledged, and is sent all of it.
                (self.matched, self.received) = (Index::ZERO, Index::ZERO);
                self.acknowledged_by = life;
                if self.loss == Loss::None {
                    self.loss = Loss::Found;
                }
            }
            Verdict::Matched { .. } | Verdict::Conflict { .. } => {}
        }
    }

    /// One append is due, to find out whether the logs agree before `next`.
    fn probe(&mut self) {
        self.mode = Mode::Probe;
        self.probed = self.next.previous();
    }

    /// The follower has no entry at `prev`; the logs may agree at `candidate`. An old refusal, of
    /// something that is proven since or was asked before the current probe, changes nothing.
    pub(crate) fn conflict(&mut self, prev: Index, candidate: Position) {
        let stale = match self.mode {
            Mode::Stream => prev >= self.next,
            Mode::Probe | Mode::Wait => prev != self.next.previous(),
        };
        if stale || prev <= self.matched {
            return;
        }
        self.next = candidate.index.next().min(prev).max(self.matched.next());
        self.received = self.matched;
        self.probe();
    }

    /// `count` entries from `next` on were sent.
    pub(crate) fn sent(&mut self, count: u64, now: Instant) {
        if count > 0 && self.received.next() == self.next {
            self.advanced_at = now;
        }
        match self.mode {
            Mode::Stream => self.next = self.next.plus(count),
            Mode::Probe | Mode::Wait => {
                let again = self.mode == Mode::Wait && count > 0;
                self.luggage = if again { Luggage::Nothing } else { Luggage::Entries };
                self.probed = self.probed.max(self.next.previous().plus(count));
                self.mode = Mode::Wait;
            }
        }
    }

    /// A heartbeat is due. What was sent a whole heartbeat ago and is not known to have arrived is
    /// sent again, after a probe.
    pub(crate) fn beat(&mut self, overdue_before: Instant) {
        self.beat = Due::Yes;
        self.transfer.beat(overdue_before);
        let unanswered = self.next > self.received.max(self.matched).next();
        if self.mode == Mode::Stream && unanswered && self.advanced_at <= overdue_before {
            self.next = self.received.max(self.matched).next();
            self.probe();
        }
    }
}
