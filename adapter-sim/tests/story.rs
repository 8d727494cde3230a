//! The trace format: what is written is read back, and what is none of it is refused in words.

mod tales;

use adapter_sim::story::{ParseError, Story};
use tales::{Random, everything, golden, mangled};

#[track_caller]
fn comes_back(story: &Story) {
    let text = story.to_string();
    let read: Story = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    for (got, want) in read.entries.iter().zip(&story.entries) {
        assert_eq!(got, want);
    }
    assert_eq!(&read, story);
}

#[test]
fn golden_scenarios_come_back_to_the_byte() {
    for (name, text) in golden() {
        let story: Story = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(story.to_string(), text, "{name}");
        comes_back(&story);
    }
}

#[test]
fn everything_that_can_happen_comes_back() {
    comes_back(&everything());
}

/// Whatever stands there, it is read or refused. What is read is a story like any other.
#[test]
fn mangled_text_is_read_or_refused() {
    let mut texts: Vec<_> = golden().into_iter().map(|(_, text)| text).collect();
    texts.push(everything().to_string());
    let mut random = Random(0x5eed);
    let (mut read, mut refused) = (0, 0);
    for round in 0..4_000 {
        let text = mangled(&texts[round % texts.len()], &mut random);
        match text.parse::<Story>() {
            Ok(story) => {
                comes_back(&story);
                read += 1;
            }
            Err(error) => {
                assert!((1..=text.lines().count()).contains(&error.line), "{error}");
                let line = text.lines().nth(error.line - 1).unwrap();
                assert!(line.contains(&error.found), "{error}: {line:?}");
                refused += 1;
            }
        }
    }
    assert!(read > 100 && refused > 1_000, "{read} read, {refused} refused: a dull test");
}

#[track_caller]
fn refused(text: &str, line: usize, expected: &str, found: &str) {
    let error: ParseError = text.parse::<Story>().unwrap_err();
    assert_eq!((error.line, error.found.as_str()), (line, found), "{error}");
    assert!(error.expected.contains(expected), "{error}");
}

#[test]
fn what_is_wrong_is_told() {
    refused("nonsense", 1, "a time such as 1348.0", "nonsense");
    refused("# A scene.\n 1.05  n1 dies", 2, "a time", "1.05  n1 dies");
    refused(" 2.0  n1 dies\n 1.0  n2 dies", 2, "no earlier", "1.0  n2 dies");
    refused(" 1.0  n0 dies", 1, "n1, n1 to n2", "n0 dies");
    refused(" 1.0  n1 dies young", 1, "what a node does", "dies young");
    refused(" 1.0  n1 begins to write 2-1", 1, "2@1", "2-1");
    refused(" 1.0  n1 to n2  hello", 1, "what a node says", "hello");
    refused(" 1.0  n1 to n2  term 2: hello", 1, "said in a term", "hello");
    refused(" 1.0  n1 to n2  my vote in term 2 is yours   (eaten)", 1, "(lost)", "(eaten)");
    refused(" 9.0  n1 to n2  my vote in term 2 is yours   (arrives 8.9)", 1, "no earlier", "8.9)");
    refused(" 9.0  n1 to n2  my vote in term 2 is yours indeed", 1, "(lost)", "indeed");
    refused(" 1.0  network  melts", 1, "heals", "melts");
    refused(" 1.0", 1, "a blank", "");
    let error = " 1.0  n1".parse::<Story>().unwrap_err();
    assert_eq!(error.to_string(), "line 1: expected a blank, and the line ends");
}
