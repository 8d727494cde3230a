//! The rooms of `raft-nostd/src` and their ranks. An import may only point to the same or a lower
//! one.

use super::text::{code_only, identifier, line_of, words};
use std::collections::BTreeMap;

/// Each rank's modules, from the words at the bottom to those who stand before the front door.
const RANKS: [&[&str]; 6] = [
    &["types", "time", "rand", "error", "manifest"],
    &["crc", "frame", "wire", "journal", "vault"],
    &["config", "log", "narrate", "state"],
    &["recv", "election", "propose", "read", "replicate", "room", "snapshot", "speak", "timeouts"],
    &["raft"],
    &["driver", "invariants"],
];
/// Modules of this rank know each other as methods of the node, never by path.
const BEHAVIOUR: usize = 3;
const SOURCES: &str = "raft-nostd/src/";

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|modules| modules.contains(&module))
}

/// The module of `raft-nostd/src` that the file `name` belongs to.
pub fn module_of(name: &str) -> Option<&str> {
    let path = name.strip_prefix(SOURCES)?;
    let module = path.split('/').next()?;
    Some(module.strip_suffix(".rs").unwrap_or(module)).filter(|module| *module != "lib")
}

/// What `lib.rs` re-exports, and from which module.
pub fn re_exports(lib: &str) -> BTreeMap<String, String> {
    let code = code_only(lib);
    let mut found = BTreeMap::new();
    for statement in code.split(';').filter_map(|one| one.trim().strip_prefix("pub use ")) {
        let module = identifier(statement);
        for name in statement.split(|c: char| !c.is_alphanumeric() && c != '_') {
            found.insert(name.to_string(), module.to_string());
        }
    }
    found
}

/// Complaints about the paths in one file of `module`.
pub fn check(
    name: &str,
    module: &str,
    text: &str,
    exports: &BTreeMap<String, String>,
) -> Vec<String> {
    let Some(own) = rank(module) else {
        return vec![format!(
            "{name}:1: `{module}` has no rank; give it one in tests/tidy/rank.rs"
        )];
    };
    let code = code_only(text);
    let mut found = Vec::new();
    for (at, target) in paths(name, &code) {
        let line = line_of(&code, at);
        let known = rank(&target).map(|rank| (rank, &target));
        let known = known.or_else(|| exports.get(&target).and_then(|m| Some((rank(m)?, m))));
        found.extend(match known {
            None => Some(format!("{name}:{line}: `{target}` has no rank")),
            Some((theirs, other)) if theirs > own => Some(format!(
                "{name}:{line}: rank {own} ({module}) uses rank {theirs} ({other}); imports point down"
            )),
            Some((BEHAVIOUR, other)) if own == BEHAVIOUR && other != module => Some(format!(
                "{name}:{line}: {module} names a sibling of its rank ({other}); call its methods"
            )),
            Some(_) => None,
        });
    }
    found
}

/// Where a path starts at the root of the crate, and the first name of it.
fn paths(name: &str, code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let is_top = name.strip_prefix(SOURCES).is_some_and(|path| !path.contains('/'));
    let tests = code.find("mod tests").unwrap_or(code.len());
    let roots = words(code, "crate").map(|at| (at, "crate"));
    let parents = words(code, "super").filter(|&at| is_top && at < tests).map(|at| (at, "super"));
    for (at, root) in roots.chain(parents) {
        if let Some(rest) = code[at + root.len()..].strip_prefix("::") {
            found.extend(first_names(rest).into_iter().map(|name| (at, name.to_string())));
        }
    }
    found
}

/// `a` of `a::b`, or `a` and `c` of `{a::b, c::{d, e}}`.
fn first_names(path: &str) -> Vec<&str> {
    let Some(group) = path.trim_start().strip_prefix('{') else {
        return vec![identifier(path)];
    };
    let (mut depth, mut names, mut start) = (0, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(identifier(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
        if c == '}' && start == at + 1 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}
