//! What the benchmark asks of a contender.

/// One replicated command.
pub type Command = [u8; 32];

/// A cluster of three nodes in one thread.
///
/// Time is not simulated: nothing ticks while commands are committed, so a measurement holds no
/// heartbeats and no elections, only replication.
pub trait Cluster {
    /// Builds three nodes that know each other, with no leader yet.
    fn new() -> Self;

    /// Elects a leader; returns once all three nodes have applied the leader's first entry (its
    /// no-op, if it writes one).
    fn elect(&mut self);

    /// Proposes one command on the leader; returns once all three nodes have applied it.
    fn commit_one(&mut self, command: &Command);

    /// Proposes all the commands on the leader, all in flight at once; returns once all three
    /// nodes have applied all of them.
    fn commit_batch(&mut self, commands: &[Command]);

    /// Messages sent so far between the nodes.
    fn messages(&self) -> u64;

    /// Commands applied so far by the node that has applied fewest.
    fn applied(&self) -> u64;

    /// The digest of one node's [`Machine`](crate::Machine).
    fn digest(&self) -> u64;

    /// Panics unless all three nodes have applied the same commands in the same order.
    fn check(&self);
}
