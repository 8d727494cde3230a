//! Datagrams: arrows from where they are sent to where they arrive.

use super::brief;
use super::lanes::Lanes;
use super::plan::{Placed, Plan, breadth};
use super::svg::{Canvas, Point, at};
use crate::story::{Arrival, Damage, Datagram, What};

/// Labels lie so far into the space between two lanes, of which the first part is for deeds. The
/// first place that is free is taken; with none there is no label.
const LABELS: [f64; 5] = [0.68, 0.8, 0.56, 0.74, 0.62];
/// So many labels before may be in the way of one.
const NEAR: usize = 60;
/// What never arrives goes down so far, in pixels.
const LOST: f64 = 34.0;

pub fn draw(plan: &Plan<'_>, lanes: &Lanes, canvas: &mut Canvas) {
    for placed in &plan.placed {
        for what in &placed.run {
            if let What::Says(datagram) = what {
                let arrow = Arrow { plan, lanes, placed, datagram };
                canvas.titled(&arrow.title(), |canvas| arrow.draw(canvas));
            }
        }
    }
}

/// What is said on the arrows; once where several go the same way.
pub fn label(plan: &Plan<'_>, canvas: &mut Canvas) {
    let mut labels = Labels { plan, taken: Vec::new() };
    for placed in &plan.placed {
        let (mut right, mut left): (Option<Line>, Option<Line>) = (None, None);
        for what in &placed.run {
            let What::Says(datagram) = what else { continue };
            let line = line(plan, placed, datagram, datagram.arrivals.first());
            let side = if line.to.x > line.from.x { &mut right } else { &mut left };
            if side.as_ref().is_none_or(|other| line.is_above(other)) {
                *side = Some(line);
            }
        }
        let What::Says(datagram) = placed.what else { continue };
        for line in [right, left].into_iter().flatten() {
            line.label(datagram, &mut labels, canvas);
        }
    }
}

struct Arrow<'a> {
    plan: &'a Plan<'a>,
    lanes: &'a Lanes,
    placed: &'a Placed<'a>,
    datagram: &'a Datagram,
}

/// From lane to lane.
#[derive(Clone, Copy)]
struct Line {
    from: Point,
    to: Point,
}

fn line(
    plan: &Plan<'_>,
    placed: &Placed<'_>,
    datagram: &Datagram,
    arrival: Option<&Arrival>,
) -> Line {
    let (from, to) = (plan.x(plan.lane(datagram.from)), plan.x(plan.lane(datagram.to)));
    let y = match arrival {
        Some(arrival) => plan.arrival(placed, arrival.at).unwrap_or(plan.bottom),
        None => placed.y + LOST,
    };
    Line { from: at(from, placed.y), to: at(to, y) }
}

impl Line {
    fn is_above(&self, other: &Self) -> bool {
        let slope = |line: &Self| (line.to.y - line.from.y) / (line.to.x - line.from.x).abs();
        slope(self) < slope(other)
    }

    /// In the space beside the sender: off the deeds, and where no other label is.
    fn label(&self, datagram: &Datagram, labels: &mut Labels<'_>, canvas: &mut Canvas) {
        let text = brief::said(&datagram.said);
        if text.is_empty() {
            return;
        }
        let rightward = self.to.x > self.from.x;
        let (left, right) = if rightward { (self.from, self.to) } else { (self.to, self.from) };
        let along = left.direction(right);
        let way = (right.x - left.x) / labels.plan.spacing;
        for place in LABELS {
            let part = if rightward { place } else { 1.0 - place };
            let on = self.from.towards(self.to, part / way);
            if labels.has_room(on, breadth(&text)) {
                // Three pixels above the line.
                let place = at(on.x + 3.0 * along.y, on.y - 3.0 * along.x);
                let class = format!("f-{} halo small", brief::kind(&datagram.said));
                canvas.text_along(&class, place, along, &text);
                return;
            }
        }
    }
}

/// Where labels are already.
struct Labels<'a> {
    plan: &'a Plan<'a>,
    /// Their middles, and how broad they are; oldest first.
    taken: Vec<(Point, f64)>,
}

impl Labels<'_> {
    /// Takes the place for a label, if it is free and not on a heading.
    fn has_room(&mut self, middle: Point, breadth: f64) -> bool {
        let clashes = |(other, broad): &(Point, f64)| {
            (other.y - middle.y).abs() < 10.0
                && (other.x - middle.x).abs() < 0.45 * (breadth + broad)
        };
        let latest = self.taken.iter().rev().take(NEAR);
        let room = !self.plan.is_heading(middle.y) && !latest.into_iter().any(clashes);
        if room {
            self.taken.push((middle, breadth));
        }
        room
    }
}

impl Arrow<'_> {
    fn title(&self) -> String {
        let Datagram { from, to, said, arrivals } = self.datagram;
        let fate = match arrivals.as_slice() {
            [] => "lost".to_string(),
            arrivals => {
                let all: Vec<_> = arrivals.iter().map(Arrival::to_string).collect();
                format!("arrives {}", all.join(", again "))
            }
        };
        format!("{} {from:?} to {to:?}: {said} ({fate})", self.placed.at)
    }

    fn draw(&self, canvas: &mut Canvas) {
        if self.datagram.arrivals.is_empty() {
            let line = line(self.plan, self.placed, self.datagram, None);
            // About midway, between two lanes.
            let lanes = (line.to.x - line.from.x).abs() / self.plan.spacing;
            let part = ((lanes / 2.0 + 0.01).floor() + 0.5) / lanes;
            let half = Line { to: line.from.towards(line.to, part), ..line };
            self.stroke(half, "dash", canvas);
            cross(half.to, 4.0, canvas);
        }
        for (place, arrival) in self.datagram.arrivals.iter().enumerate() {
            let again = if place == 0 { "" } else { "dash faint" };
            self.arrive(arrival, again, canvas);
        }
    }

    fn arrive(&self, arrival: &Arrival, style: &str, canvas: &mut Canvas) {
        let line = line(self.plan, self.placed, self.datagram, Some(arrival));
        let along = line.from.direction(line.to);
        if self.plan.arrival(self.placed, arrival.at).is_none() {
            // Still on its way when the story ends.
            let line = Line { to: line.from.towards(line.to, 0.5), ..line };
            self.stroke(line, style, canvas);
            return;
        }
        let lane = self.plan.lane(self.datagram.to);
        let tip = at(line.to.x - 5.0 * along.x, line.to.y - 5.0 * along.y);
        let line = Line { to: tip, ..line };
        if self.lanes.is_down(lane, line.to.y) {
            self.stroke(line, "faint", canvas);
            cross(tip, 3.0, canvas);
            return;
        }
        self.stroke(line, style, canvas);
        self.head(tip, along, canvas);
        if arrival.damage != Damage::None {
            cross(at(tip.x - 9.0 * along.x, tip.y - 9.0 * along.y), 3.5, canvas);
        }
    }

    fn stroke(&self, line: Line, style: &str, canvas: &mut Canvas) {
        let kind = brief::kind(&self.datagram.said);
        let weight = if kind == "heartbeat" { "w1" } else { "w15" };
        canvas.line(&format!("s-{kind} {weight} {style}"), line.from, line.to);
    }

    fn head(&self, tip: Point, along: Point, canvas: &mut Canvas) {
        let class = format!("f-{}", brief::kind(&self.datagram.said));
        head(&class, tip, along, canvas);
    }
}

pub fn head(class: &str, tip: Point, along: Point, canvas: &mut Canvas) {
    let back = at(tip.x - 7.0 * along.x, tip.y - 7.0 * along.y);
    let one = at(back.x - 3.2 * along.y, back.y + 3.2 * along.x);
    let other = at(back.x + 3.2 * along.y, back.y - 3.2 * along.x);
    canvas.path(class, &[tip, one, other], "Z");
}

pub fn cross(middle: Point, arm: f64, canvas: &mut Canvas) {
    let Point { x, y } = middle;
    canvas.line("s-trouble w2", at(x - arm, y - arm), at(x + arm, y + arm));
    canvas.line("s-trouble w2", at(x - arm, y + arm), at(x + arm, y - arm));
}
