//! What is around the lanes: title, legend, headings, times, breaks, and how it ended.

use super::arrows::{cross, head};
use super::brief::Glyph;
use super::plan::{GUTTER, Plan, breadth, wrapped};
use super::svg::{Anchor, Canvas, Point, at};
use crate::story::{Net, What};

/// Pixels from one row of the legend to the next.
const LEGEND_ROW: f64 = 20.0;
const TITLE: f64 = 40.0;

/// A sample, and what it means.
struct Item {
    sample: Sample,
    meaning: &'static str,
}

enum Sample {
    Lane(&'static str),
    Arrow(&'static str),
    Lost,
    Again,
    Mark(Glyph, &'static str),
    Write,
    Cell,
}

const LEGEND: [Item; 20] = [
    item(Sample::Lane("s-follower w4"), "follower"),
    item(Sample::Lane("s-precandidate w4"), "pre-candidate"),
    item(Sample::Lane("s-candidate w4"), "candidate"),
    item(Sample::Lane("s-leader w7"), "leader"),
    item(Sample::Lane("s-trouble w15 dots"), "down"),
    item(Sample::Arrow("vote"), "vote"),
    item(Sample::Arrow("append"), "append"),
    item(Sample::Arrow("heartbeat"), "heartbeat"),
    item(Sample::Arrow("reply"), "reply"),
    item(Sample::Arrow("snapshot"), "snapshot"),
    item(Sample::Lost, "lost"),
    item(Sample::Again, "duplicate"),
    item(Sample::Mark(Glyph::Star, "leader"), "elected"),
    item(Sample::Mark(Glyph::Diamond, "vote"), "vote on disk"),
    item(Sample::Write, "write, durable"),
    item(Sample::Mark(Glyph::Commit, "leader"), "commit"),
    item(Sample::Mark(Glyph::Square, "leader"), "apply"),
    item(Sample::Mark(Glyph::Cross, "trouble"), "crash"),
    item(Sample::Mark(Glyph::Ring, "follower"), "restart"),
    item(Sample::Cell, "log: terms, committed"),
];

const fn item(sample: Sample, meaning: &'static str) -> Item {
    Item { sample, meaning }
}

impl Item {
    fn width(&self) -> f64 {
        breadth(self.meaning) + 38.0
    }

    fn draw(&self, Point { x, y }: Point, canvas: &mut Canvas) {
        let (from, to, middle) = (at(x, y), at(x + 20.0, y), at(x + 12.0, y));
        match self.sample {
            Sample::Lane(class) => canvas.line(class, from, to),
            Sample::Arrow(kind) => {
                canvas.line(&format!("s-{kind} w15"), from, to);
                head(&format!("f-{kind}"), to, at(1.0, 0.0), canvas);
            }
            Sample::Lost => {
                canvas.line("s-append w15 dash", from, middle);
                cross(middle, 4.0, canvas);
            }
            Sample::Again => canvas.line("s-append w15 dash faint", from, to),
            Sample::Mark(glyph, colour) => glyph.draw(colour, middle, canvas),
            Sample::Write => {
                canvas.line("s-disk w2", at(x + 12.0, y - 6.0), at(x + 12.0, y + 4.0));
                canvas.circle("f-disk", at(x + 12.0, y + 4.0), 3.0);
            }
            Sample::Cell => {
                canvas.rect("f-committed s-disk", at(x - 4.0, y - 6.0), 12.0, 12.0, 0.0);
                canvas.text("f-ink small", at(x + 2.0, y + 3.5), Anchor::Middle, "1");
                canvas.rect("f-back s-disk", at(x + 8.0, y - 6.0), 12.0, 12.0, 0.0);
                canvas.text("f-ink small", at(x + 14.0, y + 3.5), Anchor::Middle, "2");
            }
        }
        canvas.text("f-muted", at(x + 26.0, y + 4.0), Anchor::Start, self.meaning);
    }
}

/// Where each item of the legend goes.
fn legend(width: f64) -> impl Iterator<Item = (Point, &'static Item)> {
    let mut place = at(20.0, TITLE + 12.0);
    LEGEND.iter().map(move |item| {
        if place.x + item.width() > width - 10.0 {
            place = at(20.0, place.y + LEGEND_ROW);
        }
        let here = place;
        place.x += item.width();
        (here, item)
    })
}

/// The height of title and legend.
pub fn header(width: f64) -> f64 {
    legend(width).last().map_or(TITLE, |(place, _)| place.y) + 22.0
}

pub fn draw_header(title: &str, width: f64, canvas: &mut Canvas) {
    canvas.text("f-ink big", at(20.0, 28.0), Anchor::Start, title);
    for (place, item) in legend(width) {
        item.draw(place, canvas);
    }
}

/// Headings, over the lanes.
pub fn headings(plan: &Plan<'_>, canvas: &mut Canvas) {
    for (y, lines) in plan.stops.iter().flat_map(|stop| &stop.scenes) {
        let height = 17.0 * lines.len() as f64 + 8.0;
        canvas.rect("f-scene", at(0.0, *y - 4.0), plan.width, height, 0.0);
        for (number, line) in lines.iter().enumerate() {
            let place = at(20.0, *y + 12.0 + 17.0 * number as f64);
            canvas.text("f-ink b", place, Anchor::Start, line);
        }
    }
}

/// The times at the left, where there is room for them.
pub fn times(plan: &Plan<'_>, canvas: &mut Canvas) {
    let mut free = 0.0;
    for stop in &plan.stops {
        let (left, lane) = (GUTTER - 26.0, GUTTER - 14.0);
        canvas.line("s-hair w1", at(left + 4.0, stop.y), at(lane, stop.y));
        if stop.y >= free {
            let place = at(left, stop.y + 4.0);
            canvas.text("f-muted small", place, Anchor::End, &stop.at.to_string());
            free = stop.y + 11.0;
        }
    }
    canvas.text("f-muted small", at(GUTTER - 26.0, plan.top + 16.0), Anchor::End, "ms");
}

/// Where nothing happens for long, time is cut out.
pub fn breaks(plan: &Plan<'_>, canvas: &mut Canvas) {
    for (top, span) in &plan.breaks {
        let y = top + 17.0;
        canvas.rect("f-back", at(0.0, y - 4.0), plan.width, 8.0, 0.0);
        for side in [-4.0, 4.0] {
            let steps = ((plan.width - GUTTER) / 7.0) as usize;
            let zigzag: Vec<_> = (0..steps)
                .map(|step| {
                    let up = if step % 2 == 0 { -2.5 } else { 2.5 };
                    at(GUTTER - 20.0 + 7.0 * step as f64, y + side + up)
                })
                .collect();
            canvas.path("n s-hair w1", &zigzag, "");
        }
        let words = format!("{} ms", span / 10);
        canvas.text("f-muted small b", at(GUTTER - 26.0, y + 3.5), Anchor::End, &words);
    }
}

/// What befalls the network, across all lanes.
pub fn network(plan: &Plan<'_>, canvas: &mut Canvas) {
    for placed in &plan.placed {
        let What::Network(net) = placed.what else { continue };
        let colour = if *net == Net::Heals { "leader" } else { "trouble" };
        let words = format!("network {net}");
        canvas.titled(&format!("{} {words}", placed.at), |canvas| {
            let (from, to) = (at(GUTTER - 14.0, placed.y), at(plan.width - 14.0, placed.y));
            canvas.line(&format!("s-{colour} w15 dash"), from, to);
            let place = at(plan.width - 18.0, placed.y - 4.0);
            canvas.text(&format!("f-{colour} halo b"), place, Anchor::End, &words);
        });
    }
}

/// The judge's words at the end; the height they need.
pub fn failure(plan: &Plan<'_>, canvas: &mut Canvas) -> f64 {
    let mut y = plan.bottom;
    for placed in &plan.placed {
        let What::Failed(words) = placed.what else { continue };
        let (from, to) = (at(GUTTER - 14.0, placed.y), at(plan.width - 14.0, placed.y));
        canvas.line("s-trouble w2", from, to);
        let lines = wrapped(&format!("{}  FAILED  {words}", placed.at), plan.width - 40.0);
        canvas.rect("f-trouble", at(0.0, y), plan.width, 17.0 * lines.len() as f64 + 16.0, 0.0);
        for line in lines {
            y += 17.0;
            canvas.text("f-ontrouble b", at(20.0, y + 4.0), Anchor::Start, &line);
        }
        y += 16.0;
    }
    y - plan.bottom
}
