//! Breadth first: all states that one happening leads to, then all that two do, on several threads.

use super::catalogue::Catalogue;
use super::permute::{Lanes, mix};
use super::place::{Input, Pace, Place};
use super::prose;
use super::step::{Answers, Step, Taken};
use super::world::{Happening, Left, World};
use super::{Bounds, Ending, Failure, Progress, Report, Violation};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// States in one piece of work.
const CHUNK: usize = 4_096;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// States of one depth, as words, and how each was reached.
#[derive(Default)]
struct Chunk {
    words: Vec<u32>,
    links: Vec<Link>,
    /// The number of the first of them among those of its depth.
    first: u32,
}

/// A state's number among those of the depth before, and what happened there.
type Link = (u32, u32);

/// The hashes of all states seen, each with what was left, in shards that are locked one at a time.
struct Seen(Vec<Mutex<FxHashMap<u64, [u8; 6]>>>);

impl Seen {
    fn new() -> Self {
        Self((0..256).map(|_| Mutex::default()).collect())
    }

    /// Whether a state is new, or was seen only where less of something was left.
    fn insert(&self, mut hash: u64, left: Left) -> bool {
        let mut shard = lock(&self.0[(hash >> 40) as usize % self.0.len()]);
        let left = left.to_bytes();
        loop {
            match shard.entry(hash) {
                Entry::Vacant(place) => {
                    place.insert(left);
                    return true;
                }
                Entry::Occupied(seen) if is_within(&left, seen.get()) => return false,
                Entry::Occupied(mut seen) if is_within(seen.get(), &left) => {
                    seen.insert(left);
                    return true;
                }
                // Neither has more of everything: both count.
                Entry::Occupied(_) => hash = mix(hash),
            }
        }
    }
}

fn is_within(less: &[u8; 6], more: &[u8; 6]) -> bool {
    less.iter().zip(more).all(|(less, more)| less <= more)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something that must not happen, after the state of this number.
struct Finding {
    parent: u32,
    happening: u32,
    what: String,
}

pub(super) struct Search<'a, const N: usize, const F: usize> {
    bounds: &'a Bounds,
    answers: Answers,
    pub(super) catalogue: Catalogue<N, F>,
    /// What an election contributes to a state's hash, by term and node.
    elections: Vec<Lanes<F>>,
    seen: Seen,
    states: AtomicU64,
    steps: AtomicU64,
    todo: Mutex<Vec<Chunk>>,
    done: Mutex<Vec<Chunk>>,
    finding: Mutex<Option<Finding>>,
    stop: AtomicBool,
    started: Instant,
    /// How each state was reached, by depth.
    links: Vec<Vec<Link>>,
}

impl<'a, const N: usize, const F: usize> Search<'a, N, F> {
    pub(super) fn new(bounds: &'a Bounds, answers: Answers) -> Self {
        let catalogue = Catalogue::new();
        let election =
            |number| catalogue.renamings().of_election(number / N as u64, number as usize % N);
        let elections = (0..8 * N as u64).map(election).collect();
        Self {
            bounds,
            answers,
            catalogue,
            elections,
            seen: Seen::new(),
            states: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            todo: Mutex::default(),
            done: Mutex::default(),
            finding: Mutex::default(),
            stop: AtomicBool::new(false),
            started: Instant::now(),
            links: Vec::new(),
        }
    }

    /// All states within the bounds.
    pub(super) fn run(&mut self, tell: &mut dyn FnMut(&Progress)) -> Result<Report, Failure> {
        let first = self.first();
        let step = Step::new(self.bounds, &self.catalogue, &self.elections, self.answers);
        self.seen.insert(step.hash(&first), first.left);
        self.states.store(1, Relaxed);
        let mut chunk = Chunk { links: vec![(0, 0)], ..Chunk::default() };
        first.write(&mut chunk.words);
        let mut level = vec![chunk];
        let mut reached = [[0; 9]; 8];
        let ending = loop {
            let mut links = Vec::new();
            for chunk in &mut level {
                chunk.first = links.len() as u32;
                links.append(&mut chunk.links);
            }
            self.links.push(links);
            level.reverse();
            *lock(&self.todo) = level;
            self.explore_level(tell, &mut reached);
            if let Some(finding) = lock(&self.finding).take() {
                return Err(Failure::Violation(Box::new(self.violation(&finding))));
            }
            level = std::mem::take(&mut *lock(&self.done));
            if self.stop.load(Relaxed) {
                break Ending::StatesSpent;
            }
            if level.is_empty() {
                break Ending::Closed;
            }
            if self.links.len() as u32 > self.bounds.depth {
                break Ending::DepthReached;
            }
        };
        Ok(Report {
            ending,
            states: self.states.load(Relaxed),
            steps: self.steps.load(Relaxed),
            levels: self.links.iter().map(|links| links.len() as u64).collect(),
            nodes_as_they_may_be: self.catalogue.spots(),
            datagrams: self.catalogue.letters(),
            reached,
            elapsed: self.started.elapsed(),
        })
    }

    fn first(&self) -> World<N> {
        let places = std::array::from_fn(|number| {
            // A heartbeat means nothing to a follower, which is but polled once, as after a crash.
            let (place, said) = Place::blank(number).after(Input::Beat, Pace::Prompt, &[]);
            assert_eq!(said, Ok(Vec::new()), "a follower has nothing to say");
            self.catalogue.spot_number(place)
        });
        World::first(places, self.bounds)
    }

    /// Everything that may happen in the states of one depth.
    fn explore_level(&self, tell: &mut dyn FnMut(&Progress), reached: &mut [[u64; 9]; 8]) {
        let depth = self.links.len() as u32 - 1;
        std::thread::scope(|scope| {
            let work = || {
                let mut worker = Worker::new(self);
                worker.work();
                worker.reached
            };
            let threads: Vec<_> =
                (0..self.bounds.threads.max(1)).map(|_| scope.spawn(work)).collect();
            let mut told = Instant::now();
            while !threads.iter().all(|thread| thread.is_finished()) {
                std::thread::sleep(Duration::from_millis(1));
                if told.elapsed() >= TELL_EVERY {
                    told = Instant::now();
                    tell(&self.progress(depth));
                }
            }
            for thread in threads {
                let found = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
                for (sum, count) in reached.as_flattened_mut().iter_mut().zip(found.as_flattened())
                {
                    *sum += count;
                }
            }
        });
    }

    fn progress(&self, depth: u32) -> Progress {
        let queued = |chunks: &Mutex<Vec<Chunk>>| lock(chunks).len() as u64 * CHUNK as u64;
        Progress {
            depth,
            states: self.states.load(Relaxed),
            steps: self.steps.load(Relaxed),
            queued: queued(&self.todo),
            next: queued(&self.done),
            nodes_as_they_may_be: self.catalogue.spots(),
            datagrams: self.catalogue.letters(),
            elapsed: self.started.elapsed(),
        }
    }

    /// The way to a finding, in prose.
    fn violation(&self, finding: &Finding) -> Violation {
        let mut happenings = vec![finding.happening];
        let mut at = finding.parent;
        for links in self.links.iter().skip(1).rev() {
            let (parent, happening) = links[at as usize];
            happenings.push(happening);
            at = parent;
        }
        happenings.reverse();
        let mut step = Step::new(self.bounds, &self.catalogue, &self.elections, self.answers);
        let mut world = self.first();
        let mut path = Vec::new();
        for number in happenings {
            let happening = Happening::from_number(number);
            path.push(prose::tell(&self.catalogue, &world, happening));
            let left = world.left.after(happening).unwrap_or(world.left);
            let mut next = world.clone();
            if step.take(&world, happening, left, &mut next) == Ok(Taken::Somewhere) {
                world = next;
            }
        }
        Violation { what: finding.what.clone(), path }
    }
}

struct Worker<'a, 'b, const N: usize, const F: usize> {
    search: &'a Search<'b, N, F>,
    step: Step<'a, N, F>,
    /// The state after a step, kept for its memory.
    next: World<N>,
    out: Chunk,
    reached: [[u64; 9]; 8],
}

impl<'a, 'b, const N: usize, const F: usize> Worker<'a, 'b, N, F> {
    fn new(search: &'a Search<'b, N, F>) -> Self {
        let step = Step::new(search.bounds, &search.catalogue, &search.elections, search.answers);
        Self { search, step, next: search.first(), out: Chunk::default(), reached: [[0; 9]; 8] }
    }

    fn work(&mut self) {
        loop {
            let next = lock(&self.search.todo).pop();
            let Some(chunk) = next.filter(|_| !self.search.stop.load(Relaxed)) else { break };
            let (mut words, mut number) = (&chunk.words[..], chunk.first);
            while let Some(world) = World::read(&mut words) {
                self.expand(&world, number);
                number += 1;
            }
        }
        self.hand_in();
    }

    fn hand_in(&mut self) {
        if !self.out.links.is_empty() {
            lock(&self.search.done).push(std::mem::take(&mut self.out));
        }
    }

    fn expand(&mut self, world: &World<N>, number: u32) {
        let (elected, committed) = world.history.reached();
        self.reached[elected][committed] += 1;
        let sum = self.step.sum(world);
        let mut steps = 0;
        world.happenings(|prompt, left| {
            if !self.step.is_within(world, prompt) {
                return;
            }
            for (happening, left) in self.step.paces(world, prompt, left).into_iter().flatten() {
                steps += 1;
                if let Err(what) = self.try_one(world, &sum, happening, left, number) {
                    let happening = happening.to_number();
                    *lock(&self.search.finding) = Some(Finding { parent: number, happening, what });
                    self.search.stop.store(true, Relaxed);
                }
            }
        });
        self.search.steps.fetch_add(steps, Relaxed);
    }

    fn try_one(
        &mut self,
        world: &World<N>,
        sum: &Lanes<F>,
        happening: Happening,
        left: Left,
        number: u32,
    ) -> Result<(), String> {
        if self.step.take(world, happening, left, &mut self.next)? == Taken::Nowhere {
            return Ok(());
        }
        let hash = self.step.hash_after(world, sum, &self.next);
        if self.search.seen.insert(hash, left) {
            self.next.history.check(&self.step.summaries(&self.next))?;
            self.keep((number, happening.to_number()));
        }
        Ok(())
    }

    fn keep(&mut self, link: Link) {
        self.next.write(&mut self.out.words);
        self.out.links.push(link);
        if self.out.links.len() >= CHUNK {
            self.hand_in();
        }
        if self.search.states.fetch_add(1, Relaxed) + 1 >= self.search.bounds.states {
            self.search.stop.store(true, Relaxed);
        }
    }
}
