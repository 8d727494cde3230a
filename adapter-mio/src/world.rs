//! What the driver is lent: medium, link and machine, and a queue for what it has to tell.

use crate::link::Link;
use raft_nostd::journal::{Medium, WriteError};
use raft_nostd::vault::ChunkError;
use raft_nostd::{Event, Host, Position, StateMachine};
use std::collections::VecDeque;

/// The [`Host`] of the driver. Nothing is called back from inside a drain: it is queued here, and
/// the loop tells it afterwards.
pub(crate) struct World<M: StateMachine, D> {
    pub(crate) machine: M,
    pub(crate) medium: D,
    pub(crate) snapshots: Option<D>,
    pub(crate) link: Link,
    /// At most as many as one drain has outputs.
    pub(crate) told: VecDeque<Told<M::Response>>,
    /// What the medium complained of last.
    pub(crate) storage_error: Option<String>,
    /// What went wrong with a snapshot last.
    pub(crate) snapshot_error: Option<String>,
    /// What kept the newest snapshot from being sent last.
    pub(crate) unreadable: Option<Unreadable>,
}

/// Why a chunk of the newest snapshot could not be read when a peer was to be sent it. A new snapshot
/// is taken in place of that one; [`Event::SnapshotTaken`] or [`Event::SnapshotFailed`] tells how it
/// went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// How often that was so since the loop was opened, of any snapshot and any chunk. Saturates.
    pub times: u64,
    /// The last time: the segment of the snapshots' medium, where one is damaged.
    pub segment: Option<u32>,
    /// The last time: what was wrong, in words.
    pub why: String,
}

/// Something to tell, in the order it happened.
pub(crate) enum Told<R> {
    Applied(Position, R),
    Event(Event),
}

impl<M: StateMachine, D: Medium> Host for World<M, D> {
    type Memory = Box<[u8]>;
    type Medium = D;
    type Snapshots = Option<D>;
    type Transport = Link;
    type Machine = M;

    fn medium(&mut self) -> &mut D {
        &mut self.medium
    }

    fn snapshots(&mut self) -> &mut Option<D> {
        &mut self.snapshots
    }

    fn transport(&mut self) -> &mut Link {
        &mut self.link
    }

    fn machine(&mut self) -> &mut M {
        &mut self.machine
    }

    fn applied(&mut self, position: Position, response: M::Response) {
        self.told.push_back(Told::Applied(position, response));
    }

    fn event(&mut self, event: Event) {
        self.told.push_back(Told::Event(event));
    }

    fn storage_error(&mut self, error: WriteError<D::Error>) {
        self.storage_error = Some(error.to_string());
    }

    fn snapshot_error(&mut self, error: &dyn std::fmt::Display) {
        self.snapshot_error = Some(error.to_string());
    }

    fn snapshot_unreadable(&mut self, error: &ChunkError<D::Error>) {
        let segment = match error {
            ChunkError::Damaged { segment, .. } => Some(*segment),
            _ => None,
        };
        let before = self.unreadable.as_ref().map_or(0, |before| before.times);
        let times = before.saturating_add(1);
        self.unreadable = Some(Unreadable { times, segment, why: error.to_string() });
    }
}
