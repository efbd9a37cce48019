//! Every onebuild command line in a page is run, or at least parsed.

use super::{pages, read, split};
use crate::fence::Fence;

/// The axes of the examples, which are flags there.
const AXES: [&str; 6] = ["os", "version", "edition", "type", "python", "variant"];

/// Whether the program accepts `command`, which starts with its name.
fn is_understood(command: &str) -> Result<(), clap::Error> {
    let axis =
        |name: &&str| onebuild::parts::AxisFlag { name: (*name).to_owned(), values: String::new() };
    let axes: Vec<_> = AXES.iter().map(axis).collect();
    let words = crate::program::words(command);
    match onebuild::parts::command(&axes).try_get_matches_from(words) {
        // A request for help.
        Err(error) if error.use_stderr() => Err(error),
        _ => Ok(()),
    }
}

/// The code spans of a line of prose.
fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn a_command_line_in_a_sentence_is_one_that_the_program_understands() {
    for page in pages() {
        let text = read(&page);
        let (prose, _) = split(&text);
        // A code span may continue on the next line.
        let paragraphs = prose.join("\n");
        for paragraph in paragraphs.split("\n\n").filter(|text| !text.starts_with("    ")) {
            let paragraph = paragraph.replace('\n', " ");
            for span in code_spans(&paragraph).filter(|span| span.starts_with("onebuild ")) {
                // Redirections and pipes are the shell's.
                let command = span.split(" > ").next().and_then(|span| span.split(" \\| ").next());
                if let Err(error) = is_understood(command.unwrap_or(span)) {
                    panic!("{page}: `{span}`\n{error}");
                }
            }
        }
    }
}

/// The onebuild command in a line of a workflow or a script.
fn run_by(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches("- ");
    let line = line.strip_prefix("run: ").unwrap_or(line);
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let line = line.strip_prefix("$ ").unwrap_or(line);
    line.starts_with("onebuild ").then_some(line)
}

#[test]
fn a_command_line_in_a_block_is_run_or_belongs_to_a_file() {
    // A block without a language contains figures or output.
    let is_run = |fence: &Fence| {
        fence.is_session() || fence.is_list() || (fence.language.is_empty() && !fence.is_file())
    };
    for page in pages() {
        let text = read(&page);
        let (prose, fences) = split(&text);
        // The tests with an engine check whether these have the right effect.
        for command in fences.iter().filter(|fence| fence.is_list()).flat_map(Fence::commands) {
            is_understood(command).unwrap_or_else(|e| panic!("{page}: {command}\n{e}"));
        }
        for fence in fences.iter().filter(|fence| !is_run(fence)) {
            for command in fence.body.lines().filter_map(run_by) {
                assert!(fence.is_file(), "{page}: nothing runs {command}");
                // Values that a workflow or a shell would fill in are removed.
                let plain = command.split(" $").next().unwrap_or(command);
                is_understood(plain).unwrap_or_else(|e| panic!("{page}: {command}\n{e}"));
            }
        }
        for line in prose.iter().filter(|line| line.starts_with("    ")) {
            assert_eq!(run_by(line), None, "{page}: nothing runs this line");
        }
    }
}

#[test]
fn an_invalid_command_would_be_detected() {
    assert!(is_understood("onebuild matrix --push --os alpine").is_ok());
    assert!(is_understood("onebuild --help").is_ok());
    assert!(is_understood("onebuild matrix --pusch").is_err());
    assert_eq!(run_by("      - run: onebuild plan # so"), Some("onebuild plan"));
    assert_eq!(run_by("    docker run onebuild"), None);
}
