//! Where everything goes: time downward, a lane for each node.
//!
//! Time runs in *stops*, one for each moment at which something happens. Short spans between stops
//! are drawn to scale, long ones are broken. At a stop each lane has rows, one below the other, for
//! what its node does and says then.

use crate::story::{Datagram, Entry, Moment, Story, What, Words};
use raft_nostd::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Pixels.
pub const ROW: f64 = 14.0;
pub const GUTTER: f64 = 84.0;
const MARGIN: f64 = 176.0;
const SCENE_LINE: f64 = 17.0;
/// Between two rows of the lanes' names, at least under headings, at most elsewhere.
const NAMES: (f64, f64) = (100.0, 900.0);
const BREAK: f64 = 34.0;
/// Longer spans without anything are broken: 30 ms, in tenths.
const QUIET: u64 = 300;
/// Arrivals so long after the last line are not shown any more: 20 ms, in tenths.
const BEYOND: u64 = 200;

/// A moment at which something happens.
pub struct Stop<'a> {
    pub at: Moment,
    pub y: f64,
    /// The headings above it, in lines, each with the top of its text.
    pub scenes: Vec<(f64, Vec<String>)>,
    sentences: Vec<&'a Words>,
    rows: usize,
}

/// A line of the story, in its place.
pub struct Placed<'a> {
    pub at: Moment,
    pub y: f64,
    pub what: &'a What,
    /// The lines that share its row: the same deed again, to be told in one breath.
    pub run: Vec<&'a What>,
    stop: usize,
    row: usize,
}

pub struct Plan<'a> {
    pub nodes: Vec<NodeId>,
    pub stops: Vec<Stop<'a>>,
    pub placed: Vec<Placed<'a>>,
    /// Where long spans begin to be broken, and how long they are in tenths.
    pub breaks: Vec<(f64, u64)>,
    /// Where the lanes are named.
    pub names: Vec<f64>,
    pub spacing: f64,
    pub width: f64,
    pub top: f64,
    pub bottom: f64,
}

impl<'a> Plan<'a> {
    /// The plan of a story. `header` tells how high title and legend are, by their width.
    pub fn new(story: &'a Story, header: fn(f64) -> f64) -> Self {
        let nodes = cast(story);
        let spacing = spacing(nodes.len());
        let width = width(nodes.len());
        let header = header(width);
        let mut draft = Draft::new(story, nodes.len());
        for entry in &story.entries {
            match entry {
                Entry::Scene(sentence) => draft.scenes.push(sentence),
                Entry::Line { at, what } => draft.line(*at, what, &nodes),
            }
        }
        let (stops, placed) = draft.finish();
        let mut plan = Self {
            nodes,
            stops,
            placed,
            breaks: Vec::new(),
            names: vec![header + 12.0],
            spacing,
            width,
            top: header,
            bottom: header,
        };
        plan.stack();
        plan
    }

    /// Gives everything its height.
    fn stack(&mut self) {
        let mut y = self.top + 30.0;
        let mut named = self.top;
        let mut earlier = None;
        for stop in &mut self.stops {
            if let Some(earlier) = earlier {
                let span = stop.at.since(earlier);
                if span > QUIET {
                    self.breaks.push((y, span));
                    y += BREAK;
                } else {
                    y += 4.0 + 0.24 * span as f64;
                }
            }
            for sentence in &stop.sentences {
                let lines = wrapped(sentence.as_str(), self.width - 40.0);
                y += 12.0;
                let height = SCENE_LINE * lines.len() as f64;
                stop.scenes.push((y, lines));
                y += height + 12.0;
            }
            let (least, most) = NAMES;
            if y - named > if stop.scenes.is_empty() { most } else { least } {
                named = y + 8.0;
                self.names.push(named);
                y = named + 16.0;
            }
            stop.y = y + 4.0;
            y += ROW * stop.rows as f64;
            earlier = Some(stop.at);
        }
        self.bottom = (y + 24.0).ceil();
        for placed in &mut self.placed {
            placed.y = self.stops[placed.stop].y + ROW * placed.row as f64;
        }
    }

    /// Whether a heading is there.
    pub fn is_heading(&self, y: f64) -> bool {
        let below = self.stops.partition_point(|stop| stop.y < y);
        self.stops.get(below).is_some_and(|stop| {
            let spans = |(top, lines): &(f64, Vec<String>)| {
                (top - 6.0..top + 10.0 + SCENE_LINE * lines.len() as f64).contains(&y)
            };
            stop.scenes.iter().any(spans)
        })
    }

    /// The middle of a lane.
    pub fn x(&self, lane: usize) -> f64 {
        GUTTER + self.spacing * lane as f64
    }

    pub fn lane(&self, node: NodeId) -> usize {
        self.nodes.binary_search(&node).expect("all nodes have lanes")
    }

    /// The height at which what `sender` sent arrives; `None` when that is after the end.
    pub fn arrival(&self, sender: &Placed<'_>, at: Moment) -> Option<f64> {
        let later = &self.stops[sender.stop..];
        let stop = later.get(later.partition_point(|stop| stop.at < at))?;
        Some(if stop.at == sender.at { sender.y + ROW / 2.0 } else { stop.y })
    }
}

/// All nodes that are named, in order.
fn cast(story: &Story) -> Vec<NodeId> {
    let mut nodes = BTreeSet::new();
    for (_, what) in story.lines() {
        match what {
            What::Says(Datagram { from, to, .. }) => nodes.extend([*from, *to]),
            What::Does(node, _) => nodes.extend([*node]),
            What::Network(_) | What::Failed(_) => {}
        }
    }
    nodes.into_iter().collect()
}

const fn spacing(lanes: usize) -> f64 {
    match lanes {
        0..=3 => 280.0,
        4 => 240.0,
        _ => 215.0,
    }
}

pub fn width(lanes: usize) -> f64 {
    (GUTTER + spacing(lanes) * lanes.saturating_sub(1) as f64 + MARGIN).max(640.0)
}

/// The width of `text` in pixels, roughly.
pub fn breadth(text: &str) -> f64 {
    6.1 * text.chars().count() as f64
}

/// Lines in bold, no broader than `most` pixels, unless a single word is.
pub fn wrapped(text: &str, most: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && 1.15 * (breadth(&line) + breadth(word)) > most {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Stops and rows, before they have a height.
struct Draft<'a> {
    stops: Vec<Stop<'a>>,
    placed: Vec<Placed<'a>>,
    /// Headings whose first line is still to come.
    scenes: Vec<&'a Words>,
    /// Moments at which something only arrives.
    arrivals: BTreeSet<Moment>,
    /// The next row of each lane at the last stop.
    next: Vec<usize>,
    /// The line last placed in each lane at the last stop.
    latest: BTreeMap<usize, usize>,
}

impl<'a> Draft<'a> {
    fn new(story: &'a Story, lanes: usize) -> Self {
        let end = story.lines().last().map_or(Moment::default(), |(at, _)| at).plus(BEYOND);
        let arrivals = story.datagrams().flat_map(|(_, datagram)| &datagram.arrivals);
        let arrivals = arrivals.map(|arrival| arrival.at).filter(|at| *at <= end).collect();
        Self {
            stops: Vec::new(),
            placed: Vec::new(),
            scenes: Vec::new(),
            arrivals,
            next: vec![0; lanes],
            latest: BTreeMap::new(),
        }
    }

    fn line(&mut self, at: Moment, what: &'a What, nodes: &[NodeId]) {
        if !self.scenes.is_empty() || self.stops.last().is_none_or(|stop| stop.at != at) {
            let later = self.arrivals.split_off(&at);
            for arrival in std::mem::replace(&mut self.arrivals, later) {
                self.stop(arrival);
            }
            self.arrivals.remove(&at);
            let sentences = std::mem::take(&mut self.scenes);
            self.stop(at).sentences = sentences;
        }
        let node = match what {
            What::Says(datagram) => datagram.from,
            What::Does(node, _) => *node,
            What::Network(_) | What::Failed(_) => return self.across(at, what),
        };
        let lane = nodes.binary_search(&node).expect("all nodes have lanes");
        let latest = self.latest.get(&lane).map(|&place| &mut self.placed[place]);
        if let Some(latest) = latest.filter(|latest| share_a_row(latest.what, what)) {
            latest.run.push(what);
            return;
        }
        let row = self.next[lane];
        self.next[lane] += 1;
        self.latest.insert(lane, self.placed.len());
        self.place(at, what, row);
    }

    /// Something that concerns all lanes.
    fn across(&mut self, at: Moment, what: &'a What) {
        let row = self.next.iter().copied().max().unwrap_or(0);
        self.next.fill(row + 1);
        self.latest.clear();
        self.place(at, what, row);
    }

    fn place(&mut self, at: Moment, what: &'a What, row: usize) {
        let stop = self.stops.len() - 1;
        self.stops[stop].rows = self.stops[stop].rows.max(row + 1);
        self.placed.push(Placed { at, y: 0.0, what, run: vec![what], stop, row });
    }

    fn stop(&mut self, at: Moment) -> &mut Stop<'a> {
        self.next.fill(0);
        self.latest.clear();
        self.stops.push(Stop { at, y: 0.0, scenes: Vec::new(), sentences: Vec::new(), rows: 0 });
        self.stops.last_mut().expect("just pushed")
    }

    fn finish(mut self) -> (Vec<Stop<'a>>, Vec<Placed<'a>>) {
        for arrival in std::mem::take(&mut self.arrivals) {
            if self.stops.last().is_none_or(|stop| stop.at < arrival) {
                self.stop(arrival);
            }
        }
        if !self.scenes.is_empty() {
            let at = self.stops.last().map_or(Moment::default(), |stop| stop.at);
            let sentences = std::mem::take(&mut self.scenes);
            self.stop(at).sentences = sentences;
        }
        (self.stops, self.placed)
    }
}

/// Whether two lines of one node at one time are told in one breath: the same words to several, or
/// several commands applied.
fn share_a_row(one: &What, other: &What) -> bool {
    use crate::story::Deed::Applies;
    match (one, other) {
        (What::Says(one), What::Says(other)) => one.said == other.said && one.to != other.to,
        (What::Does(_, Applies { .. }), What::Does(_, Applies { .. })) => true,
        _ => false,
    }
}
