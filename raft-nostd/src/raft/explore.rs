//! For testing by bounded exploration, and for nothing else (feature `explore`).
//!
//! An explorer tries everything that may happen to a node, so it clones it (which [`Raft`] allows under
//! this feature only), brings the ticket back in one clone and loses it in another, and asks whether
//! two nodes are as good as one.

use super::Raft;
use crate::log::Log;
use crate::state::Node;
use crate::state::durability::Ticket;
use crate::state::peers::Peer;
use crate::state::role::Role;
use crate::time::Instant;
use crate::types::NodeId;
use core::fmt::Write;
use core::hash::{Hash, Hasher};

/// What decides what a node will do, in hashes that do not depend on how nodes are called: two nodes
/// of equal sketches do the same, whatever comes in, if the clock moves on for both in the same way.
///
/// Left out is what only tells (events, metrics, whose proposals are open), which peer is served first,
/// all that is a point in time, what a node that does not lead knew of its followers when it led, and
/// snapshots, of which there must be none. Of time only this remains: whether the node is loyal to a
/// leader. (A leader must not be let wait for an election timeout without a `handle_timeout`, by which it steps
/// down: it takes the room of who was not heard for none.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch<const VOTERS: usize> {
    /// All but what follows.
    pub own: u64,
    /// Whom it means: itself, its leader, its vote, its durable vote, the vote on its way to the medium.
    pub named: [Option<NodeId>; 5],
    /// Each peer, with all that is known of it.
    pub peers: heapless::Vec<(NodeId, u64), VOTERS>,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Raft<B, VOTERS> {
    /// The ticket that is out, once more.
    pub fn outstanding_ticket(&self) -> Option<Ticket> {
        let node = &self.node;
        node.durability.outstanding(node.id, node.life.nonce).map(|(ticket, _, _)| ticket)
    }

    /// What decides what this node will do from `now` on, by hashers that `H` makes. O(bytes).
    pub fn sketch<H: Hasher + Default>(&self, now: Instant) -> Sketch<VOTERS> {
        // A new field stops this from compiling, until somebody has decided whether it belongs here.
        let Node {
            cluster: _,
            id,
            life,
            limits: _,
            rand: _,
            hard,
            role,
            leader,
            contact: _,
            led,
            own_ballot,
            log,
            commit,
            applied,
            verified,
            heard_round,
            durability,
            peers,
            turn: _,
            campaign_at: _,
            full_since: _,
            beat_at: _,
            proposals: _,
            reads,
            snapshots: _,
            news: _,
            metrics: _,
            halted,
            stirred,
        } = &self.node;
        let durable = durability.hard_state();
        let out = durability.outstanding(*id, life.nonce).map(|(_, hard, through)| (hard, through));
        let mut text = Text(H::default());
        let _ = write!(text, "{life:?} {led} {role:?} {own_ballot:?} {halted:?} {stirred:?}");
        let _ = write!(text, " {commit} {applied} {verified} {heard_round} {reads:?}");
        let _ = write!(text, " {} {} {}", hard.term, durable.term, durability.base());
        let _ = write!(text, " {} {}", durability.through(), durability.written());
        let _ = write!(text, " {:?}", out.map(|(hard, through)| (hard.term, through)));
        let _ = write!(text, " {:?} {}", durability.retry_at(), self.node.is_loyal(now));
        hash_log(log, &mut text.0);
        let on_its_way = out.and_then(|(hard, _)| hard.vote);
        let named = [Some(*id), *leader, hard.vote, durable.vote, on_its_way];
        let peers = peers.iter().map(|peer| (peer.id, sketch_of_peer::<H>(peer, *role))).collect();
        Sketch { own: text.0.finish(), named, peers }
    }
}

fn hash_log<B: AsRef<[u8]> + AsMut<[u8]>>(log: &Log<B>, hasher: &mut impl Hasher) {
    log.base().hash(hasher);
    for entry in &log.frames(log.first(), log.last().index) {
        entry.frame.hash(hasher);
    }
}

fn sketch_of_peer<H: Hasher + Default>(peer: &Peer, role: Role) -> u64 {
    let Peer { id: _, ballot, owed, progress, heard_at: _ } = peer;
    let mut text = Text(H::default());
    let _ = write!(text, "{ballot:?} {owed:?}");
    // What a leader knew is forgotten when it leads again.
    if role == Role::Leader {
        let mut progress = progress.clone();
        progress.advanced_at = Instant::ORIGIN;
        let _ = write!(text, "{progress:?}");
    }
    text.0.finish()
}

/// Hashes what is written.
struct Text<H>(H);

impl<H: Hasher> Write for Text<H> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
