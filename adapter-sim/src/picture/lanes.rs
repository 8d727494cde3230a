//! The nodes' lanes: coloured by role, broken while a node is down.

use super::brief;
use super::plan::{Placed, Plan};
use super::svg::{Anchor, Canvas, at};
use crate::story::{Deed, Said, What};
use raft_nostd::Role;

/// How a node is from some height on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Up(Role),
    Paused(Role),
    Down,
}

pub struct Lanes {
    /// For each lane, from where on it is how.
    states: Vec<Vec<(f64, State)>>,
}

impl Lanes {
    pub fn new(plan: &Plan<'_>) -> Self {
        let states = (0..plan.nodes.len()).map(|lane| history(plan, lane)).collect();
        Self { states }
    }

    /// Whether nobody is there to hear what arrives.
    pub fn is_down(&self, lane: usize, y: f64) -> bool {
        let states = &self.states[lane];
        let next = states.partition_point(|(from, _)| *from <= y);
        next.checked_sub(1).is_some_and(|now| states[now].1 == State::Down)
    }

    pub fn draw(&self, plan: &Plan<'_>, canvas: &mut Canvas) {
        for (lane, states) in self.states.iter().enumerate() {
            let ends = states.iter().skip(1).map(|(y, _)| *y).chain([plan.bottom]);
            for ((from, state), to) in states.iter().zip(ends) {
                let (from, to) = (at(plan.x(lane), *from), at(plan.x(lane), to));
                canvas.line(&class(*state), from, to);
            }
        }
    }
}

fn class(state: State) -> String {
    match state {
        State::Up(Role::Leader) => "s-leader w7".into(),
        State::Up(role) => format!("s-{} w4", brief::role(role)),
        State::Paused(role) => format!("s-{} w4 dash faint", brief::role(role)),
        State::Down => "s-trouble w15 dots".into(),
    }
}

fn history(plan: &Plan<'_>, lane: usize) -> Vec<(f64, State)> {
    let acts = || plan.placed.iter().filter_map(|placed| act(placed, plan, lane));
    let mut state = acts().find_map(before).unwrap_or(State::Up(Role::Follower));
    let mut states = vec![(plan.top + 24.0, state)];
    for (y, act) in acts() {
        let next = after(state, act);
        if next != state {
            states.push((y, next));
        }
        state = next;
    }
    states
}

/// What a node does, or says, and where.
fn act<'a>(placed: &Placed<'a>, plan: &Plan<'_>, lane: usize) -> Option<(f64, &'a What)> {
    let node = match placed.what {
        What::Does(node, _) => *node,
        What::Says(datagram) => datagram.from,
        What::Network(_) | What::Failed(_) => return None,
    };
    (node == plan.nodes[lane]).then_some((placed.y, placed.what))
}

/// How a node was before the first act that tells.
const fn before((_, what): (f64, &What)) -> Option<State> {
    match what {
        What::Says(datagram) => match &datagram.said {
            Said::Append { .. } | Said::Notice { .. } | Said::Install { .. } => {
                Some(State::Up(Role::Leader))
            }
            Said::VoteRequest { .. } => Some(State::Up(Role::Candidate)),
            Said::PreVoteRequest { .. } => Some(State::Up(Role::PreCandidate)),
            _ => None,
        },
        What::Does(_, Deed::Restarts) => Some(State::Down),
        What::Does(_, Deed::Status(_)) => Some(State::Up(Role::Follower)),
        _ => None,
    }
}

fn after(state: State, what: &What) -> State {
    let What::Does(_, deed) = what else { return state };
    match (deed, state) {
        (Deed::Status(status), _) => State::Up(status.role),
        (Deed::Restarts, _) => State::Up(Role::Follower),
        (Deed::Pauses, State::Up(role)) => State::Paused(role),
        (Deed::GoesOn, State::Paused(role)) => State::Up(role),
        (Deed::Halted(_) | Deed::CannotStart(_), _) => State::Down,
        (deed, _) if deed.is_end() => State::Down,
        _ => state,
    }
}

/// The nodes' names, wherever there is a place for them.
pub fn names(plan: &Plan<'_>, canvas: &mut Canvas) {
    for y in &plan.names {
        for (lane, node) in plan.nodes.iter().enumerate() {
            let x = plan.x(lane);
            canvas.rect("f-back s-hair", at(x - 15.0, y - 9.0), 30.0, 18.0, 9.0);
            canvas.text("f-ink b", at(x, y + 4.0), Anchor::Middle, &format!("{node:?}"));
        }
    }
}
