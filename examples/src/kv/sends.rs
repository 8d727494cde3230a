//! What a leader knows of the snapshots that it sends: one at most to each peer.

use super::saves::Size;
use raft_nostd::{Duration, Index, Instant, Manifest, NodeId, Raft, VOTERS_MAX};
use std::fmt;

/// The snapshots under way, and a count of those that arrived.
#[derive(Debug)]
pub struct Sends {
    /// How long a peer may get no further before it counts as silent.
    patience: Duration,
    under_way: Vec<Send>,
    done: u64,
}

/// One under way.
#[derive(Clone, Copy, Debug)]
struct Send {
    peer: NodeId,
    manifest: Manifest,
    /// Chunks that it has.
    chunks: u32,
    /// From when on it takes time; silence is left out.
    begun: Instant,
    /// When it last told of other chunks.
    heard: Instant,
    answer: Answer,
}

/// Whether a peer takes what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Heard,
    Silent,
}

/// What there is to see of one peer.
#[derive(Clone, Copy, Debug)]
enum Found {
    /// It has so many chunks of that one.
    Needs(u32, Manifest),
    /// It needs none: its log is known to match through here.
    Has(Index),
    /// This node does not lead.
    Nothing,
}

/// One that arrived.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    peer: NodeId,
    bytes: u64,
    took: Duration,
}

/// What is worth a line.
#[derive(Clone, Copy, Debug)]
pub enum News {
    /// A snapshot arrived.
    Done(Done),
    /// The node that is sent one takes nothing of it.
    Silent(NodeId),
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(done) => done.fmt(f),
            Self::Silent(peer) => write!(
                f,
                "node {peer} needs a snapshot and takes none: it does not answer, or has no place for \
                 it, which its own log tells"
            ),
        }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (peer, size, micros) = (self.peer, Size(self.bytes), self.took.as_micros());
        write!(f, "sent a snapshot: node {peer} has it, {size} in ")?;
        let tenths = micros / 100_000;
        if tenths == 0 {
            return f.write_str("less than 0.1 s");
        }
        let rate = u128::from(self.bytes) * 1_000_000 / u128::from(micros);
        let rate = Size(u64::try_from(rate).unwrap_or(u64::MAX));
        write!(f, "{}.{} s, {rate}/s", tenths / 10, tenths % 10)
    }
}

impl Sends {
    /// None yet. Whoever gets no further for so long counts as silent.
    pub fn new(patience: Duration) -> Self {
        Self { patience, under_way: Vec::new(), done: 0 }
    }

    /// How many arrived.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Whether `peer` has taken nothing for a long while.
    pub fn is_silent(&self, peer: NodeId) -> bool {
        let mut under_way = self.under_way.iter();
        under_way.any(|send| send.peer == peer && send.answer == Answer::Silent)
    }

    /// Looks at all peers; `tell` is given what arrived, and who does not take what it needs.
    pub fn look(
        &mut self,
        now: Instant,
        raft: &Raft<Box<[u8]>, VOTERS_MAX>,
        mut tell: impl FnMut(News),
    ) {
        for peer in raft.peers() {
            let found = match (raft.transfer(peer), raft.snapshot(), raft.matched(peer)) {
                (Some(chunks), Some(manifest), _) => Found::Needs(chunks, *manifest),
                (_, _, Some(matched)) => Found::Has(matched),
                _ => Found::Nothing,
            };
            let was_silent = self.is_silent(peer);
            if let Some(done) = self.found(now, peer, found) {
                tell(News::Done(done));
            }
            if self.is_silent(peer) && !was_silent {
                tell(News::Silent(peer));
            }
        }
    }

    fn found(&mut self, now: Instant, peer: NodeId, found: Found) -> Option<Done> {
        let at = self.under_way.iter().position(|send| send.peer == peer);
        let before = at.map(|at| self.under_way.swap_remove(at));
        match (found, before) {
            (Found::Needs(chunks, manifest), before) => {
                let send = match before {
                    Some(send) => send.follow(now, chunks, manifest),
                    None => {
                        let answer = Answer::Heard;
                        Send { peer, manifest, chunks, begun: now, heard: now, answer }
                    }
                };
                self.under_way.push(send.judge(now, self.patience));
                None
            }
            (Found::Has(matched), Some(send)) if matched >= send.manifest.last.index => {
                self.done = self.done.saturating_add(1);
                // Whoever was silent to the end took it all at once.
                let begun = if send.answer == Answer::Silent { now } else { send.begun };
                Some(Done { peer, bytes: send.manifest.bytes, took: now.since(begun) })
            }
            _ => None,
        }
    }
}

impl Send {
    /// Goes on to so many chunks, perhaps of another snapshot.
    fn follow(self, now: Instant, chunks: u32, manifest: Manifest) -> Self {
        let other = manifest != self.manifest;
        // (Another snapshot is sent from its beginning: that is no answer.)
        let before = if other { 0 } else { self.chunks };
        if chunks == before {
            let begun = if other { now } else { self.begun };
            return Self { chunks, manifest, begun, ..self };
        }
        let begun = match self.answer {
            Answer::Silent => self.begun.plus(now.since(self.heard)).min(now),
            Answer::Heard if other => now,
            Answer::Heard => self.begun,
        };
        Self { chunks, manifest, begun, heard: now, answer: Answer::Heard, ..self }
    }

    /// Whoever has all of it takes it in, and need not answer meanwhile.
    fn judge(self, now: Instant, patience: Duration) -> Self {
        let late = now.since(self.heard) > patience && self.chunks < self.manifest.chunks;
        Self { answer: if late { Answer::Silent } else { Answer::Heard }, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft_nostd::Position;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    fn manifest(bytes: u64) -> Manifest {
        Manifest { last: Position::new(1, 9), chunks: 4, bytes, ..Manifest::default() }
    }

    #[test]
    fn silence_is_noticed_and_takes_no_time() {
        let peer = NodeId::new(3).unwrap();
        let mut sends = Sends::new(Duration::from_millis(3_000));
        let whole = manifest(70 << 20);
        let mut needs = |millis, chunks| {
            assert!(sends.found(at(millis), peer, Found::Needs(chunks, whole)).is_none());
            sends.is_silent(peer)
        };
        assert!(!needs(0, 0));
        assert!(!needs(3_000, 0));
        assert!(needs(3_001, 0) && needs(60_000, 0));
        assert!(!needs(60_100, 1));
        assert!(!needs(61_000, 4));
        assert!(!needs(70_000, 4), "it takes it in");
        let done = sends.found(at(70_200), peer, Found::Has(Index(9))).unwrap();
        assert_eq!(
            done.to_string(),
            "sent a snapshot: node 3 has it, 70 MiB in 10.1 s, 7097 KiB/s"
        );
        assert_eq!(sends.done(), 1);
        assert!(sends.found(at(70_300), peer, Found::Has(Index(9))).is_none());
    }

    #[test]
    fn who_leads_no_more_has_sent_nothing() {
        let peer = NodeId::new(3).unwrap();
        let mut sends = Sends::new(Duration::from_millis(3_000));
        assert!(sends.found(at(0), peer, Found::Needs(4, manifest(9))).is_none());
        assert!(sends.found(at(1), peer, Found::Nothing).is_none());
        assert!(sends.found(at(2), peer, Found::Has(Index(9))).is_none());
        assert_eq!(sends.done(), 0);
    }

    #[test]
    fn what_took_no_time_has_no_rate() {
        let done = |micros| Done {
            peer: NodeId::new(2).unwrap(),
            bytes: 12 << 10,
            took: Duration::from_micros(micros),
        };
        let words = "sent a snapshot: node 2 has it, 12 KiB in ";
        assert_eq!(News::Done(done(0)).to_string(), format!("{words}less than 0.1 s"));
        assert_eq!(News::Done(done(99_999)).to_string(), format!("{words}less than 0.1 s"));
        assert_eq!(News::Done(done(100_000)).to_string(), format!("{words}0.1 s, 120 KiB/s"));
    }
}
