//! Plain English: phrases that confused readers must not come back.

use super::reference::GENERATED;
use super::{pages, read, split};

/// Translated idioms, each with its replacement.
const IDIOMS: &[(&str, &str)] = &[
    ("told", "reported, shown"),
    ("at hand", "this, current, available"),
    ("comes to", "is, results in"),
    ("come to", "are, result in"),
    ("nobody", "no one, anonymous"),
    ("whoever", "anyone who"),
    ("asked of", "applied to"),
    ("mend", "fix"),
    ("stands for", "means, is replaced by"),
    ("stand for", "mean"),
    ("is content", "is healthy, passes"),
    ("no more", "no longer, only"),
    ("any more", "no longer"),
    ("folder", "directory"),
    ("folders", "directories"),
    ("counted from", "relative to"),
    ("for once", "for this run"),
    ("what there is", "list"),
    ("as they are", "unchanged"),
    ("of its own", "own, separate"),
    ("all else", "everything else"),
    ("wants", "needs, requires"),
    ("its kin", "the other"),
    ("and its like", "and similar"),
    ("and their like", "and similar"),
    ("mean nothing", "have no effect"),
    ("lies in", "is in"),
];

/// The words of a line without its code spans.
fn words(line: &str) -> String {
    let prose: Vec<&str> = line.split('`').step_by(2).collect();
    let word = |c: char| if c.is_alphanumeric() || c == '\'' || c == '-' { c } else { ' ' };
    let text: String = prose.join(" ").to_lowercase().chars().map(word).collect();
    format!(" {} ", text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn the_documentation_uses_plain_english() {
    let mut found = Vec::new();
    // architecture.md is for developers.
    for page in pages().iter().filter(|page| *page != "docs/architecture.md") {
        let text = read(page);
        // Help texts and lint findings are checked as part of the program.
        let own = text.split(GENERATED).next().unwrap_or_default();
        let (mut prose, _) = split(own);
        prose.retain(|line| page != "docs/lint.md" || !line.starts_with("| `"));
        for paragraph in prose.join("\n").split("\n\n") {
            let said = words(&paragraph.replace("no more than", "at most"));
            for (idiom, plain) in IDIOMS.iter().filter(|(i, _)| said.contains(&format!(" {i} "))) {
                let at = said.find(&format!(" {idiom} ")).unwrap_or_default();
                let near: String = said.chars().skip(at.saturating_sub(40)).take(100).collect();
                found.push(format!("{page}: `{idiom}` ({plain}): …{near}…"));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
