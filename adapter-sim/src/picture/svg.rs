//! SVG as text: few elements, classes for all colours, the same bytes on every machine.

use std::fmt::Write;

/// A point, in pixels from the top left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

pub const fn at(x: f64, y: f64) -> Point {
    Point { x, y }
}

impl Point {
    /// The point at a `part` of the way to `other`.
    pub fn towards(self, other: Self, part: f64) -> Self {
        at(self.x + part * (other.x - self.x), self.y + part * (other.y - self.y))
    }

    /// Unit vector to `other`; to the right when that is the same point.
    pub fn direction(self, other: Self) -> Self {
        let (x, y) = (other.x - self.x, other.y - self.y);
        let length = (x * x + y * y).sqrt();
        if length > 0.0 { at(x / length, y / length) } else { at(1.0, 0.0) }
    }
}

/// Where a text lies about its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// Elements, in the order they are drawn.
#[derive(Default)]
pub struct Canvas {
    out: String,
}

impl Canvas {
    pub fn into_text(self) -> String {
        self.out
    }

    pub fn raw(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Draws a group that tells `title` when the mouse is over it.
    pub fn titled(&mut self, title: &str, draw: impl FnOnce(&mut Self)) {
        self.raw(&format!("<g><title>{}</title>", escaped(title)));
        draw(self);
        self.raw("</g>");
    }

    pub fn line(&mut self, class: &str, from: Point, to: Point) {
        let (x1, y1, x2, y2) = (short(from.x), short(from.y), short(to.x), short(to.y));
        self.raw(&format!(r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#));
    }

    pub fn rect(&mut self, class: &str, corner: Point, width: f64, height: f64, round: f64) {
        let (x, y, width, height) = (short(corner.x), short(corner.y), short(width), short(height));
        let round = if round > 0.0 { format!(r#" rx="{}""#, short(round)) } else { String::new() };
        self.raw(&format!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"{round}/>"#
        ));
    }

    pub fn circle(&mut self, class: &str, centre: Point, radius: f64) {
        let (x, y, radius) = (short(centre.x), short(centre.y), short(radius));
        self.raw(&format!(r#"<circle class="{class}" cx="{x}" cy="{y}" r="{radius}"/>"#));
    }

    /// A line through points; closed when its class fills it.
    pub fn path(&mut self, class: &str, points: &[Point], end: &str) {
        let mut d = String::new();
        for (place, point) in points.iter().enumerate() {
            let letter = if place == 0 { 'M' } else { 'L' };
            write!(d, "{letter}{} {}", short(point.x), short(point.y)).expect("memory");
        }
        self.raw(&format!(r#"<path class="{class}" d="{d}{end}"/>"#));
    }

    pub fn text(&mut self, class: &str, place: Point, anchor: Anchor, text: &str) {
        let attributes = format!(r#"x="{}" y="{}""#, short(place.x), short(place.y));
        self.text_with(class, &attributes, anchor, text);
    }

    /// Text that lies in the direction of `along`, a unit vector to the right.
    pub fn text_along(&mut self, class: &str, place: Point, along: Point, text: &str) {
        let (cos, sin) = (fine(along.x), fine(along.y));
        let (x, y) = (short(place.x), short(place.y));
        let attributes =
            format!(r#"transform="matrix({cos} {sin} {} {cos} {x} {y})""#, fine(-along.y));
        self.text_with(class, &attributes, Anchor::Middle, text);
    }

    fn text_with(&mut self, class: &str, attributes: &str, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " m",
            Anchor::End => " e",
        };
        self.raw(&format!(
            r#"<text class="{class}{anchor}" {attributes}>{}</text>"#,
            escaped(text)
        ));
    }
}

/// Pixels with a tenth at most.
fn short(pixels: f64) -> String {
    let text = format!("{pixels:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_string)
}

fn fine(part: f64) -> String {
    format!("{part:.4}")
}

/// Text as XML may contain it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            '\n' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
