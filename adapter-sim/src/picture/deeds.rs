//! What nodes do: marks on their lanes, and a few words beside.

use super::arrows::cross;
use super::brief::{self, Glyph, Mark};
use super::plan::{Placed, Plan, breadth};
use super::svg::{Anchor, Canvas, Point, at};
use crate::story::{Deed, Said, What};
use raft_nostd::{Index, NodeId, Role};

/// Labels begin so far beside their lane, and writes are drawn so far.
const LABEL: f64 = 15.0;
const WRITE: f64 = 9.0;
/// The side of an entry of a log.
const CELL: f64 = 12.0;

pub fn draw(plan: &Plan<'_>, canvas: &mut Canvas) {
    let mut lanes = vec![Lane::default(); plan.nodes.len()];
    for placed in &plan.placed {
        match placed.what {
            What::Does(node, deed) => {
                let number = plan.lane(*node);
                canvas.titled(&title(placed), |canvas| {
                    lanes[number].deed(plan, number, placed, deed, canvas);
                });
            }
            What::Says(datagram) => {
                let number = plan.lane(datagram.from);
                lanes[number].says(plan, number, placed, &datagram.said, canvas);
            }
            What::Network(_) | What::Failed(_) => {}
        }
    }
}

fn title(placed: &Placed<'_>) -> String {
    let mut lines = Vec::new();
    for what in &placed.run {
        if let What::Does(node, deed) = what {
            lines.push(format!("{} {node:?} {deed}", placed.at));
        }
    }
    lines.join("\n")
}

/// What has to be remembered of a node until something later is drawn.
#[derive(Clone, Default)]
struct Lane {
    /// Where it began to write, and for whom it votes with that.
    writes: Option<(f64, Option<NodeId>)>,
    /// What it said to be committed, since it leads.
    commit: Option<Index>,
    role: Role,
}

impl Lane {
    fn deed(
        &mut self,
        plan: &Plan<'_>,
        number: usize,
        placed: &Placed<'_>,
        deed: &Deed,
        canvas: &mut Canvas,
    ) {
        let place = at(plan.x(number), placed.y);
        match deed {
            Deed::Begins { hard, .. } => {
                self.writes = Some((placed.y, hard.and_then(|hard| hard.vote)));
            }
            Deed::Durable => self.durable(place, canvas),
            Deed::Restarts => self.role = Role::Follower,
            Deed::HasLog { terms, commit, base } => {
                log(plan.room(number), place, base.index, terms, *commit, canvas);
            }
            _ if deed.is_end() || *deed == Deed::StorageFull => self.writing_ends(place, canvas),
            _ => {}
        }
        if let Some(mut mark) = brief::deed(deed, &placed.run) {
            if let Deed::Status(status) = deed {
                let before = std::mem::replace(&mut self.role, status.role);
                self.commit = None;
                if before == Role::Leader && status.role == Role::Follower {
                    mark.label = format!("steps down: {}", mark.label);
                }
            }
            mark.draw(place, plan.room(number), canvas);
        }
    }

    /// A leader's commit index moves when it first says so.
    fn says(
        &mut self,
        plan: &Plan<'_>,
        number: usize,
        placed: &Placed<'_>,
        said: &Said,
        canvas: &mut Canvas,
    ) {
        let (Said::Append { commit, .. } | Said::Notice { commit, .. }) = said else { return };
        self.role = Role::Leader;
        let before = self.commit.replace(*commit);
        if before.is_some_and(|before| before < *commit) {
            let words =
                format!("{} {:?} has committed through {commit}", placed.at, plan.nodes[number]);
            let mark =
                Mark { glyph: Glyph::Commit, colour: "leader", label: format!("commits {commit}") };
            canvas.titled(&words, |canvas| {
                mark.draw(at(plan.x(number), placed.y), plan.room(number), canvas);
            });
        }
    }

    fn durable(&mut self, place: Point, canvas: &mut Canvas) {
        let vote = self.writes.and_then(|(_, vote)| vote);
        self.writing_ends(place, canvas);
        canvas.circle("f-disk", at(place.x + WRITE, place.y), 3.0);
        if let Some(vote) = vote {
            let label = format!("votes for {vote:?}");
            Mark { glyph: Glyph::Diamond, colour: "vote", label }.draw(place, 200.0, canvas);
        }
    }

    fn writing_ends(&mut self, place: Point, canvas: &mut Canvas) {
        if let Some((from, _)) = self.writes.take() {
            canvas.line("s-disk w2", at(place.x + WRITE, from), at(place.x + WRITE, place.y));
        }
    }
}

impl Plan<'_> {
    /// How broad a label beside a lane may be.
    fn room(&self, lane: usize) -> f64 {
        if lane + 1 == self.nodes.len() { 150.0 } else { 0.62 * self.spacing }
    }
}

impl Mark {
    fn draw(&self, place: Point, room: f64, canvas: &mut Canvas) {
        self.glyph.draw(self.colour, place, canvas);
        let mut label = self.label.clone();
        if breadth(&label) > room {
            let most = (room / breadth("x")) as usize;
            label = label.chars().take(most.saturating_sub(1)).chain(['…']).collect();
        }
        let bold = match self.glyph {
            Glyph::Star | Glyph::Cross | Glyph::Commit => " b",
            _ => "",
        };
        let colour = if self.colour == "follower" { "muted" } else { self.colour };
        let class = format!("f-{colour} halo{bold}");
        canvas.text(&class, at(place.x + LABEL, place.y + 4.0), Anchor::Start, &label);
    }
}

impl Glyph {
    pub fn draw(self, colour: &str, place: Point, canvas: &mut Canvas) {
        let Point { x, y } = place;
        let solid = format!("f-{colour} s-back");
        match self {
            Self::None => {}
            Self::Star => canvas.path(&solid, &star(place, 9.0), "Z"),
            Self::Diamond => {
                let corners = [at(x, y - 6.5), at(x + 6.5, y), at(x, y + 6.5), at(x - 6.5, y)];
                canvas.path(&solid, &corners, "Z");
            }
            Self::Cross => cross(place, 6.0, canvas),
            Self::Ring => canvas.circle(&format!("f-back s-{colour} w2"), place, 5.0),
            Self::Square => canvas.rect(&solid, at(x - 4.5, y - 4.5), 9.0, 9.0, 1.5),
            Self::Commit => {
                let tick = [at(x - 5.0, y), at(x - 1.5, y + 4.0), at(x + 6.0, y - 5.0)];
                canvas.circle("f-back s-leader", place, 7.5);
                canvas.path("n s-leader w2", &tick, "");
            }
            Self::Client => {
                let corners = [at(x - 4.0, y), at(x - 12.0, y - 4.5), at(x - 12.0, y + 4.5)];
                canvas.path(&solid, &corners, "Z");
            }
            Self::Bang => {
                let corners = [at(x, y - 6.5), at(x + 6.5, y + 5.0), at(x - 6.5, y + 5.0)];
                canvas.path(&solid, &corners, "Z");
            }
        }
    }
}

/// A star of five points, of this radius: multiples of sine and cosine of 36 degrees.
fn star(middle: Point, radius: f64) -> Vec<Point> {
    const OUTER: [(f64, f64); 5] =
        [(0.0, -1.0), (0.951, -0.309), (0.588, 0.809), (-0.588, 0.809), (-0.951, -0.309)];
    let inner = |place: usize| {
        let (x, y) = OUTER[(place + 3) % 5];
        (-0.45 * x, -0.45 * y)
    };
    let point = |(x, y): (f64, f64)| at(middle.x + radius * x, middle.y + radius * y);
    (0..5).flat_map(|place| [point(OUTER[place]), point(inner(place))]).collect()
}

/// A log as cells, each with the term of its entry; filled as far as it is committed.
fn log(room: f64, place: Point, base: Index, terms: &[u64], commit: Index, canvas: &mut Canvas) {
    let most = (room / CELL) as usize - 1;
    let skipped = terms.len().saturating_sub(most);
    let mut x = place.x + LABEL;
    if base > Index::ZERO || skipped > 0 {
        canvas.text("f-muted small", at(x, place.y + 3.5), Anchor::Start, "…");
        x += 11.0;
    }
    if terms.is_empty() {
        canvas.text("f-muted small", at(x, place.y + 3.5), Anchor::Start, "empty log");
    }
    for (entry, term) in terms.iter().enumerate().skip(skipped) {
        let committed = base.plus(entry as u64 + 1) <= commit;
        let fill = if committed { "f-committed" } else { "f-back" };
        let width = CELL.max(6.0 * term.to_string().len() as f64 + 4.0);
        canvas.rect(&format!("{fill} s-disk"), at(x, place.y - 6.0), width, CELL, 0.0);
        let text = at(x + width / 2.0, place.y + 3.5);
        canvas.text("f-ink small", text, Anchor::Middle, &term.to_string());
        x += width;
    }
}
