//! The troubleshooting page: each message that it quotes exists.

use std::fs;
use std::path::Path;

use super::{in_checkout, read, split};

/// All sources of messages, ours and recorded ones of engines, with the lines of each string
/// joined.
fn texts(folder: &Path, found: &mut String) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            // These tests contain the messages themselves.
            if name != "documentation" {
                texts(&path, found);
            }
        } else if [".rs", ".md", ".txt", ".snap"].iter().any(|end| name.ends_with(end)) {
            *found += &joined(&fs::read_to_string(&path).expect("a text file"));
            found.push('\n');
        }
    }
}

/// `text` with multi-line strings joined, and escaped quotes unescaped.
fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut continued = false;
    for line in text.lines() {
        let line = if continued { line.trim_start() } else { line };
        continued = line.ends_with('\\');
        joined += line.strip_suffix('\\').unwrap_or(line);
        if !continued {
            joined.push('\n');
        }
    }
    joined.replace("\\\"", "\"")
}

/// The messages that the page quotes: its headings in backticks. `…` is a part that varies.
fn quoted(page: &str) -> Vec<String> {
    let heading = |line: &&str| Some(line.strip_prefix("### `")?.strip_suffix('`')?.to_owned());
    split(page).0.iter().filter_map(heading).collect()
}

#[test]
fn every_message_that_the_troubleshooting_page_quotes_exists() {
    let page = read("docs/troubleshooting.md");
    let quoted = quoted(&page);
    assert!(quoted.len() >= 20, "{quoted:?}");
    let mut known = String::new();
    ["src", "tests/cli", "tests/commands", "tests/engine", "tests/fixtures/phrases"]
        .iter()
        .for_each(|folder| texts(&in_checkout(folder), &mut known));
    for message in quoted {
        for part in message.split('…').map(str::trim).filter(|part| !part.is_empty()) {
            assert!(known.contains(part), "no message has `{part}` any longer: {message}");
        }
    }
}

#[test]
fn a_message_is_found_over_the_lines_of_its_string() {
    let source = "let help = \"start Docker, or name \\\n    its socket: \\\"x\\\"\";";
    assert!(joined(source).contains("name its socket: \"x\""), "{}", joined(source));
}
