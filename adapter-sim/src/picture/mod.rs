//! A story as a space-time diagram: an SVG that any browser opens.
//!
//! Time runs downward; each node has a lane, in the colour of its role, dotted while it is down.
//! Arrows are datagrams, in the colour of what they say: they begin where they are sent and end where
//! they arrive, in a cross when they never do. Marks on the lanes are votes, elections, writes,
//! commits and crashes; whatever is under the mouse tells its line of the story. Long spans in which
//! nothing happens are cut out. There are no scripts in it, and it follows the reader's choice of a
//! light or a dark background.
//!
//! ```
//! let story = "# Hardly a story.\n    12.5  n1        dies\n".parse()?;
//! let svg = adapter_sim::picture::draw(&story, "A short life");
//! assert!(svg.starts_with("<svg ") && svg.contains("12.5 n1 dies"));
//! # Ok::<(), adapter_sim::story::ParseError>(())
//! ```

mod arrows;
mod brief;
mod deeds;
mod frame;
mod lanes;
mod plan;
mod style;
mod svg;

use crate::story::Story;
use lanes::Lanes;
use plan::Plan;
use svg::{Canvas, at};

/// Draws a story. The same story gives the same bytes, on any machine. O(nodes * lines + bytes).
pub fn draw(story: &Story, title: &str) -> String {
    let mut top = Canvas::default();
    let plan = Plan::new(story, frame::header);
    let mut body = Canvas::default();
    let lanes = Lanes::new(&plan);
    lanes.draw(&plan, &mut body);
    frame::breaks(&plan, &mut body);
    frame::times(&plan, &mut body);
    frame::headings(&plan, &mut body);
    lanes::names(&plan, &mut body);
    arrows::draw(&plan, &lanes, &mut body);
    frame::network(&plan, &mut body);
    arrows::label(&plan, &mut body);
    deeds::draw(&plan, &mut body);
    let height = plan.bottom + frame::failure(&plan, &mut body);
    let width = plan.width;
    top.raw(&format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}">"#
    ));
    top.raw(&format!("<title>{}</title>", svg::escaped(title)));
    style::write(&mut top);
    top.rect("f-back", at(0.0, 0.0), width, height, 0.0);
    frame::draw_header(title, width, &mut top);
    top.raw(&body.into_text());
    top.raw("</svg>");
    top.into_text()
}
