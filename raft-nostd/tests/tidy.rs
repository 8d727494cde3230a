//! The house rules as a test: how long a file and a function may be, and which way imports point.

mod tidy {
    pub mod checker;
    pub mod rank;
    pub mod text;
}

use std::path::{Path, PathBuf};
use tidy::checker::{File, check};

/// All `.rs` files below `folder`, except what cargo builds.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            rust_files(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = Vec::new();
    rust_files(&root, &mut paths);
    paths.sort();
    let files: Vec<File> = paths
        .iter()
        .map(|path| File {
            name: path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/"),
            text: std::fs::read_to_string(path).unwrap(),
        })
        .collect();
    assert!(files.iter().any(|file| file.name == "raft-nostd/src/lib.rs"), "wrong folder");
    let found = check(&files);
    assert!(found.is_empty(), "{} places are not tidy:\n{}", found.len(), found.join("\n"));
}

/// The rules, as they fail: a checker that lets everything pass would pass the test above.
mod planted {
    use super::tidy::checker::{File, check};

    const LIB: &str = "pub use state::role::Role;\npub use raft::{Output, Raft};\n";

    fn complaints(name: &str, text: &str) -> Vec<String> {
        let lib = File { name: "raft-nostd/src/lib.rs".into(), text: LIB.into() };
        check(&[lib, File { name: name.into(), text: text.into() }])
    }

    #[track_caller]
    fn complains(name: &str, text: &str, about: &str) {
        let found = complaints(name, text);
        assert!(found.iter().any(|line| line.contains(about)), "{about:?} not in {found:?}");
    }

    #[track_caller]
    fn passes(name: &str, text: &str) {
        assert_eq!(complaints(name, text), Vec::<String>::new());
    }

    #[test]
    fn a_file_of_501_lines() {
        passes("examples/src/a.rs", &"\n".repeat(500));
        complains("examples/src/a.rs", &"\n".repeat(501), "examples/src/a.rs:501: a file of 501");
    }

    #[test]
    fn a_function_of_71_lines() {
        let function = |lines: usize| format!("//!\nfn long() {{{}}}\n", "\n".repeat(lines - 1));
        passes("bench/src/a.rs", &function(70));
        complains("bench/src/a.rs", &function(71), "bench/src/a.rs:2: `long` has 71 lines");
    }

    #[test]
    fn braces_in_text_do_not_end_a_function() {
        let body =
            "let a = (\"}\", '}', r#\"}\"}\"#, b'}', '\\'', \"\\\"}\"); // }\n/* } /* } */ */\n";
        let text = format!("fn a<'a>(x: &'a str) {{\n{body}{}}}\n", "\n".repeat(70));
        complains("bench/src/a.rs", &text, "bench/src/a.rs:1: `a` has 74 lines");
    }

    #[test]
    fn an_import_that_points_up() {
        let up = "use crate::types::Term;\nuse crate::state::Node;\n";
        complains("raft-nostd/src/wire/message.rs", up, "message.rs:2: rank 1 (wire) uses rank 2");
        let up = "use crate::{\n    types::Term,\n    driver::{Host, Driver},\n};\n";
        complains("raft-nostd/src/raft/mod.rs", up, "mod.rs:1: rank 4 (raft) uses rank 5 (driver)");
        let up = "fn a() {\n    crate::recv::go();\n}\n";
        complains("raft-nostd/src/time.rs", up, "time.rs:2: rank 0 (time) uses rank 3 (recv)");
        complains("raft-nostd/src/crc.rs", "use super::log::Log;", "rank 1 (crc) uses rank 2");
    }

    #[test]
    fn a_re_export_does_not_hide_it() {
        let up = "fn a(role: crate::Role) {}\n";
        complains("raft-nostd/src/frame/mod.rs", up, "uses rank 2 (state)");
        complains("raft-nostd/src/log/mod.rs", "use crate::Raft;", "uses rank 4 (raft)");
        complains("raft-nostd/src/log/mod.rs", "use crate::Nobody;", "`Nobody` has no rank");
        passes("raft-nostd/src/raft/mod.rs", up);
    }

    #[test]
    fn behaviour_uses_its_siblings_only_by_methods() {
        let sibling = "use crate::election::stand;\n";
        complains("raft-nostd/src/recv/append.rs", sibling, "a sibling of its rank (election)");
        passes("raft-nostd/src/recv/append.rs", "use crate::recv::Standing;\n");
    }

    #[test]
    fn a_file_without_a_rank() {
        complains("raft-nostd/src/news.rs", "", "`news` has no rank");
    }

    #[test]
    fn what_points_down_or_is_only_said() {
        passes("raft-nostd/src/log/mod.rs", "use crate::config::Config;\n");
        passes("raft-nostd/src/types.rs", "//! See [`Raft`](crate::Raft).\n/* crate::driver */\n");
        passes("raft-nostd/src/types.rs", "const A: &str = \"crate::driver\";\n");
        passes("raft-nostd/src/rand.rs", "mod tests {\n    use super::*;\n}\n");
        passes("raft-nostd/tests/a.rs", "use crate::driver;\n");
    }
}
