//! Every rule over every file.

use super::rank;
use super::text::{code_only, identifier, line_of, words};

/// Lines in the longest file, and in the longest function.
const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

pub struct File {
    /// Its path from the workspace's root, with slashes.
    pub name: String,
    pub text: String,
}

/// What is not tidy, each as `file:line: rule`.
pub fn check(files: &[File]) -> Vec<String> {
    let lib = files.iter().find(|file| file.name == "raft-nostd/src/lib.rs");
    let exports = lib.map(|lib| rank::re_exports(&lib.text)).unwrap_or_default();
    let mut found = Vec::new();
    for File { name, text } in files {
        let lines = text.lines().count();
        if lines > FILE_LINES {
            found.push(format!("{name}:{lines}: a file of {lines} lines; at most {FILE_LINES}"));
        }
        found.extend(long_functions(name, text));
        if let Some(module) = rank::module_of(name) {
            found.extend(rank::check(name, module, text, &exports));
        }
    }
    found
}

fn long_functions(name: &str, text: &str) -> Vec<String> {
    let code = code_only(text);
    let mut found = Vec::new();
    for at in words(&code, "fn") {
        let function = identifier(&code[at + 2..]);
        let Some(end) = body_end(&code[at..]).filter(|_| !function.is_empty()) else { continue };
        let (first, last) = (line_of(&code, at), line_of(&code, at + end));
        let lines = last - first + 1;
        if lines > FUNCTION_LINES {
            found.push(format!(
                "{name}:{first}: `{function}` has {lines} lines; at most {FUNCTION_LINES}"
            ));
        }
    }
    found
}

/// The closing brace of the function at the start of `code`; `None` when it has no body.
fn body_end(code: &str) -> Option<usize> {
    let (mut braces, mut others) = (0, 0);
    for (at, c) in code.char_indices() {
        match c {
            ';' if braces == 0 && others == 0 => return None,
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        if c == '}' && braces <= 0 {
            return (braces == 0).then_some(at);
        }
    }
    None
}
