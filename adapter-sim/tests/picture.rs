//! Pictures: well-formed, whole, and the one in the documentation as the code draws it.

mod tales;

use adapter_sim::picture::draw;
use adapter_sim::story::{Datagram, Deed, Story};
use raft_nostd::Role;
use roxmltree::{Document, Node};
use std::path::PathBuf;
use tales::{Random, everything, golden, mangled, text};

fn stories() -> Vec<(String, Story)> {
    let golden = golden().into_iter().map(|(name, text)| (name, text.parse().unwrap()));
    golden.chain([("everything".into(), everything())]).collect()
}

fn number(node: Node<'_, '_>, attribute: &str) -> Option<f64> {
    Some(node.attribute(attribute)?.parse().unwrap())
}

fn has_class(node: &Node<'_, '_>, class: &str) -> bool {
    node.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class))
}

/// What is told when the mouse is over something.
fn titles<'a>(picture: &'a Document<'_>) -> Vec<(&'a str, Node<'a, 'a>)> {
    let groups = picture.descendants().filter(|node| node.has_tag_name("g"));
    groups.map(|group| (group.first_element_child().unwrap().text().unwrap(), group)).collect()
}

/// What a person finds in it is there, once for each line; and nothing lies outside.
#[test]
fn a_picture_tells_the_whole_story() {
    for (name, story) in stories() {
        let svg = draw(&story, &name);
        let picture = Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        let told: String = titles(&picture).iter().map(|(title, _)| format!("{title}\n")).collect();
        for (at, node, deed) in story.deeds() {
            let line = format!("{at} {node:?} {deed}");
            assert!(told.lines().any(|told| told == line), "{name}: no {line}");
        }
        for (at, Datagram { from, to, said, .. }) in story.datagrams() {
            let line = format!("{at} {from:?} to {to:?}: {said} (");
            assert!(told.contains(&line), "{name}: no {line}");
        }
        assert!(!svg.contains("<script") && !svg.contains("href"), "{name}");
        lies_within(&picture, &name);
    }
}

fn lies_within(picture: &Document<'_>, name: &str) {
    let root = picture.root_element();
    let (width, height) = (number(root, "width").unwrap(), number(root, "height").unwrap());
    for node in picture.descendants() {
        for (attribute, most) in [
            ("x", width),
            ("x1", width),
            ("x2", width),
            ("cx", width),
            ("y", height),
            ("y1", height),
            ("y2", height),
            ("cy", height),
        ] {
            let value = number(node, attribute).unwrap_or(0.0);
            assert!((0.0..=most).contains(&value), "{name}: {attribute}={value} of {most}");
        }
    }
}

/// Arrows: as many as there are arrivals, never upward, and lost ones end in a cross.
#[test]
fn arrows_go_where_datagrams_go() {
    for (name, story) in stories() {
        let svg = draw(&story, &name);
        let picture = Document::parse(&svg).unwrap();
        let (mut heads, mut lost) = (0, 0);
        for (title, group) in titles(&picture) {
            if !title.contains(" to n") || !title.ends_with(')') {
                continue;
            }
            let lines: Vec<_> = group.children().filter(|node| node.has_tag_name("line")).collect();
            let shafts = lines.iter().filter(|line| !has_class(line, "s-trouble"));
            for shaft in shafts {
                assert!(number(*shaft, "y1") <= number(*shaft, "y2"), "{name}: {title} goes up");
            }
            heads += group.children().filter(|node| node.has_tag_name("path")).count();
            if title.ends_with("(lost)") {
                assert_eq!(lines.len(), 3, "{name}: {title} does not end in a cross");
                lost += 1;
            }
        }
        let datagrams = || story.datagrams().map(|(_, datagram)| datagram);
        let arrivals: usize = datagrams().map(|datagram| datagram.arrivals.len()).sum();
        assert_eq!(lost, datagrams().filter(|datagram| datagram.arrivals.is_empty()).count());
        // Some arrive where nobody is, or after the end.
        assert!(heads <= arrivals && (arrivals == 0 || heads > 0), "{name}: {heads} of {arrivals}");
    }
}

/// Each election, and no other, is a star in the leader's colour.
#[test]
fn leaders_shine() {
    for (name, story) in stories() {
        let elected = story
            .deeds()
            .filter(|(_, _, deed)| matches!(deed, Deed::Status(now) if now.role == Role::Leader));
        let elected: Vec<_> =
            elected.map(|(at, node, deed)| format!("{at} {node:?} {deed}")).collect();
        let svg = draw(&story, &name);
        let picture = Document::parse(&svg).unwrap();
        let is_star = |node: Node<'_, '_>| {
            let corners = node.attribute("d").map_or(0, |d| d.matches('L').count());
            has_class(&node, "f-leader") && corners == 9
        };
        let starred: Vec<_> = titles(&picture)
            .into_iter()
            .filter(|(_, group)| group.children().any(is_star))
            .map(|(title, _)| title)
            .collect();
        assert_eq!(starred, elected, "{name}");
    }
}

#[test]
fn a_failure_is_told_at_the_end() {
    let svg = draw(&everything(), "everything");
    let picture = Document::parse(&svg).unwrap();
    let last = picture.descendants().rfind(|node| node.has_tag_name("text")).unwrap();
    assert!(last.text().unwrap().contains("FAILED  State Machine Safety"), "{last:?}");
    let lowest = picture.descendants().filter_map(|node| number(node, "y")).fold(0.0, f64::max);
    assert_eq!(number(last, "y"), Some(lowest));
}

#[test]
fn whatever_can_be_read_can_be_drawn() {
    let texts: Vec<_> = stories().into_iter().map(|(_, story)| story.to_string()).collect();
    let mut random = Random(0xd0);
    let mut drawn = 0;
    for round in 0..2_000 {
        if let Ok(story) = mangled(&texts[round % texts.len()], &mut random).parse::<Story>() {
            let svg = draw(&story, "\"<mangled> & worse\u{7}\u{fffe}");
            Document::parse(&svg).unwrap_or_else(|error| panic!("{error}\n{story}"));
            drawn += 1;
        }
    }
    assert!(drawn > 50, "{drawn} drawn: a dull test");
    Document::parse(&draw(&Story::default(), "nothing")).unwrap();
}

/// `BLESS=1 cargo test -p adapter-sim --test picture` draws it anew.
#[test]
fn the_picture_in_the_documentation_is_what_is_drawn() {
    let (_, story) = stories().into_iter().find(|(name, _)| name == "two_leaders").unwrap();
    let svg = draw(&story, "Two leaders");
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "docs", "two_leaders.svg"].iter().collect();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &svg).unwrap();
    }
    assert!(text(&path) == svg, "docs/two_leaders.svg is not what is drawn; BLESS=1 draws it anew");
}

/// A leader that is deposed steps down. One that starts again does not: it had gone down before.
#[test]
fn only_a_living_leader_steps_down() {
    let draw_with = |between: &str| {
        let text = format!(
            "1.0 n1 leads term 2\n{between}3.0 n1 follows nobody in term 3\n4.0 n1 follows nobody in term 4\n"
        );
        draw(&text.parse().unwrap(), "one of them").matches("steps down").count()
    };
    assert_eq!(draw_with(""), 1);
    assert_eq!(draw_with("2.0 n1 dies\n2.5 n1 starts again from its disk\n"), 0);
}
