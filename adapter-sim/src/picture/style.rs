//! Colours, by name: `f-leader` fills with the leader's, `s-leader` strokes with it. Both have a
//! value for a light and one for a dark background.

use super::svg::Canvas;

/// Name, on light, on dark.
const COLOURS: [(&str, &str, &str); 18] = [
    ("back", "#ffffff", "#0d1117"),
    ("ink", "#1f2328", "#e6edf3"),
    ("muted", "#656d76", "#8b949e"),
    ("hair", "#d8dee4", "#30363d"),
    ("scene", "#eef2f6", "#1b222c"),
    // Roles.
    ("follower", "#8c96a3", "#6e7681"),
    ("precandidate", "#e0b000", "#d2b022"),
    ("candidate", "#d9730d", "#f0883e"),
    ("leader", "#1a7f37", "#3fb950"),
    // What is said.
    ("vote", "#8250df", "#a98bf5"),
    ("append", "#0969da", "#58a6ff"),
    ("heartbeat", "#8c96a3", "#7d8590"),
    ("reply", "#1b8389", "#39c5cf"),
    ("snapshot", "#bf3989", "#f778ba"),
    // Deeds.
    ("disk", "#57606a", "#afb8c1"),
    ("trouble", "#cf222e", "#ff7b72"),
    ("ontrouble", "#ffffff", "#0d1117"),
    ("committed", "#b7dfc1", "#1d4d2b"),
];

const SHAPES: &str = "\
text{font:11px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}\
.b{font-weight:600}.small{font-size:9.5px}.big{font-size:15px;font-weight:600}.m{text-anchor:middle}.e{text-anchor:end}\
.halo{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}\
.n{fill:none}.w1{stroke-width:1}.w15{stroke-width:1.5}.w2{stroke-width:2}.w4{stroke-width:4}.w7{stroke-width:7}\
.dash{stroke-dasharray:5 3}.dots{stroke-dasharray:1 5;stroke-linecap:round}.faint{opacity:.4}";

pub fn write(canvas: &mut Canvas) {
    let sheet = |colour: fn(&(&str, &'static str, &'static str)) -> &'static str| {
        let rules = COLOURS.iter().map(|entry| {
            let (name, colour) = (entry.0, colour(entry));
            format!(".f-{name}{{fill:{colour}}}.s-{name}{{stroke:{colour}}}")
        });
        let back = colour(&COLOURS[0]);
        rules.chain([format!(".halo{{stroke:{back}}}")]).collect::<String>()
    };
    canvas.raw("<style>");
    canvas.raw(SHAPES);
    canvas.raw(&sheet(|entry| entry.1));
    canvas.raw(&format!("@media(prefers-color-scheme:dark){{{}}}", sheet(|entry| entry.2)));
    canvas.raw("</style>");
}
