//! From one state to the next.

use super::Bounds;
use super::catalogue::{Catalogue, Memory, Move, receiver_of};
use super::judge::Summary;
use super::permute::{Lanes, add, mix, subtract};
use super::place::{Input, Pace};
use super::world::{Happening, Left, World};
use raft_nostd::Role;

/// When answers are given that change nothing but the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    /// As soon as they can be.
    Ahead,
    /// When the datagram comes, as everything else: many more states, in which nothing else happens.
    /// Tests compare.
    InTurn,
}

/// Whether something has led to another state within the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Somewhere,
    Nowhere,
}

pub(super) struct Step<'a, const N: usize, const F: usize> {
    bounds: &'a Bounds,
    catalogue: &'a Catalogue<N, F>,
    memory: Memory<'a, N, F>,
    /// What an election contributes to a state's hash, by term and node.
    elections: &'a [Lanes<F>],
    answers: Answers,
    /// Datagrams that were not on the network before the step.
    new: Vec<u32>,
    /// Datagrams whose answers are still to be looked at.
    open: Vec<u32>,
}

impl<'a, const N: usize, const F: usize> Step<'a, N, F> {
    pub(super) fn new(
        bounds: &'a Bounds,
        catalogue: &'a Catalogue<N, F>,
        elections: &'a [Lanes<F>],
        answers: Answers,
    ) -> Self {
        let (memory, new, open) = (Memory::of(catalogue), Vec::new(), Vec::new());
        Self { bounds, catalogue, memory, elections, answers, new, open }
    }

    fn summary(&self, place: u32) -> &'a Summary<N> {
        &self.catalogue.spot(place).summary
    }

    pub(super) fn summaries(&self, world: &World<N>) -> [&'a Summary<N>; N] {
        world.places.map(|place| self.summary(place))
    }

    /// Whether the bounds let this happen to a node as it is: nobody campaigns in the last term.
    pub(super) fn is_within(&self, world: &World<N>, happening: Happening) -> bool {
        let one = self.summary(world.places[happening.node]);
        let last_term = one.term >= u64::from(self.bounds.terms);
        happening.input != Input::Silence || one.role == Role::Leader || !last_term
    }

    /// While a batch is out, anything but its ticket leaves it there. Otherwise what is to be made
    /// durable is so at once, or, for one of a few times, it is not.
    pub(super) fn paces(
        &mut self,
        world: &World<N>,
        prompt: Happening,
        left: Left,
    ) -> [Option<(Happening, Left)>; 2] {
        let from = world.places[prompt.node];
        let slow = Happening { pace: Pace::Slow, ..prompt };
        let ends_it = matches!(prompt.input, Input::Persisted | Input::Crash(_));
        if self.summary(from).writes && !ends_it {
            return [Some((slow, left)), None];
        }
        let less = left.slow.checked_sub(1).map(|fewer| Left { slow: fewer, ..left });
        let writes = less.is_some()
            && match self.memory.outcome(from, slow.input, Pace::Slow) {
                Move::To(to, _) => self.summary(*to).writes,
                Move::Nothing => false,
                Move::Broken(_) => true,
            };
        [Some((prompt, left)), less.filter(|_| writes).map(|less| (slow, less))]
    }

    /// Makes `next` of `world` what it is after that.
    ///
    /// # Errors
    /// What must not happen.
    pub(super) fn take(
        &mut self,
        world: &World<N>,
        happening: Happening,
        left: Left,
        next: &mut World<N>,
    ) -> Result<Taken, String> {
        let Happening { node, input, pace } = happening;
        let from = world.places[node];
        let (to, said) = match self.memory.outcome(from, input, pace) {
            Move::Nothing => return Ok(Taken::Nowhere),
            Move::Broken(what) => return Err(what.clone()),
            Move::To(to, said) => (*to, said),
        };
        // Who only answers has done so already.
        if (to == from && self.answers == Answers::Ahead)
            || self.summary(to).term > u64::from(self.bounds.terms)
        {
            return Ok(Taken::Nowhere);
        }
        (next.places, next.left) = (world.places, left);
        next.network.clone_from(&world.network);
        next.places[node] = to;
        next.history = world.history.after(node, self.summary(from), &self.summaries(next))?;
        self.spread(next, node, said);
        Ok(Taken::Somewhere)
    }

    /// Puts `said` on the network, after something has happened to `node`, and all answers that change
    /// nothing but the network: a state in which they were given can do all that one can in which they
    /// were not yet, since nothing that was said needs to be delivered.
    fn spread(&mut self, world: &mut World<N>, node: usize, said: &[u32]) {
        self.new.clear();
        self.open.clear();
        if self.answers == Answers::InTurn {
            said.iter().for_each(|number| self.put(&mut world.network, *number));
            return;
        }
        self.open.extend(world.network.iter().filter(|number| receiver_of(**number) == node));
        said.iter().for_each(|number| self.put(&mut world.network, *number));
        while let Some(number) = self.open.pop() {
            let place = world.places[receiver_of(number)];
            let pace = if self.summary(place).writes { Pace::Slow } else { Pace::Prompt };
            if let Move::To(to, answers) = self.memory.outcome(place, Input::Datagram(number), pace)
                && *to == place
            {
                answers.iter().for_each(|number| self.put(&mut world.network, *number));
            }
        }
    }

    fn put(&mut self, network: &mut Vec<u32>, number: u32) {
        if let Err(at) = network.binary_search(&number) {
            network.insert(at, number);
            self.open.push(number);
            self.new.push(number);
        }
    }

    /// The sum of the hashes of places and datagrams.
    pub(super) fn sum(&self, world: &World<N>) -> Lanes<F> {
        let mut sum = [0; F];
        world.places.iter().for_each(|place| add(&mut sum, &self.catalogue.spot(*place).lanes));
        for number in &world.network {
            add(&mut sum, &self.catalogue.letter(*number).lanes);
        }
        sum
    }

    pub(super) fn hash(&self, world: &World<N>) -> u64 {
        self.canonical(self.sum(world), world)
    }

    /// The hash of the state that the last step led to, from `world` with `sum`.
    pub(super) fn hash_after(&self, world: &World<N>, sum: &Lanes<F>, next: &World<N>) -> u64 {
        let mut sum = *sum;
        for (before, after) in world.places.iter().zip(&next.places) {
            if before != after {
                subtract(&mut sum, &self.catalogue.spot(*before).lanes);
                add(&mut sum, &self.catalogue.spot(*after).lanes);
            }
        }
        for number in &self.new {
            add(&mut sum, &self.catalogue.letter(*number).lanes);
        }
        self.canonical(sum, next)
    }

    /// The hash that all states have which differ in names, or in what is left, alone. `sum` is of places
    /// and datagrams, `world` has the rest.
    fn canonical(&self, mut sum: Lanes<F>, world: &World<N>) -> u64 {
        for term in 1..=self.bounds.terms {
            if let Some(node) = world.history.leader(u64::from(term)) {
                add(&mut sum, &self.elections[usize::from(term) * N + node]);
            }
        }
        let [_, committed, committed_in] = world.history.to_words();
        let rest = mix(u64::from(committed) << 32 | u64::from(committed_in));
        sum.iter().map(|lane| mix(lane ^ rest)).min().unwrap_or_default()
    }
}
