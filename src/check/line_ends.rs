//! Line ends that Docker does not read as people expect: carriage returns in here-documents, and without
//! a line feed.

use std::collections::HashSet;

use super::groups::Group;
use super::read::Files;
use super::subject::Subject;
use crate::dockerfile::Dockerfile;
use crate::error::{Diagnostic, Diagnostics};

const RULE: &str = "line-ends";

/// Warns about each here-document with Windows line ends, and the first line with another carriage return.
pub(super) fn find<'r>(
    subject: Subject<'r>,
    groups: &[Group<'r>],
    files: &mut Files<'r>,
    found: &mut Diagnostics,
) {
    let mut seen = HashSet::new();
    for group in groups {
        let recipe = &group.first().recipe;
        if !recipe.dockerfile.mentions("\r") {
            continue;
        }
        let file = files.of(recipe);
        for (line, warning) in warnings(&file.parsed, &group.text()) {
            if let Some(place) = subject.sources.line(&recipe.dockerfile, line)
                && seen.insert(place.clone())
            {
                found.push(warning.rule(RULE).at(&place, ""));
            }
        }
    }
}

fn warnings(file: &Dockerfile, text: &str) -> Vec<(u32, Diagnostic)> {
    let mut found = Vec::new();
    for one in &file.instructions {
        if one.heredocs.iter().any(|heredoc| heredoc.content.contains("\r\n")) {
            let message = "this here-document has Windows line ends (CRLF)";
            let warning = Diagnostic::warning(message)
                .note("Docker keeps them: each of its lines ends with a carriage return")
                .help("save the file with the line ends of Unix (LF)");
            found.push((one.first, warning));
        }
    }
    let in_heredoc = |line: u32| {
        let with = file.instructions.iter().filter(|one| !one.heredocs.is_empty());
        with.into_iter().any(|one| one.first < line && line <= one.last)
    };
    let mut lines = (1_u32..).zip(text.split('\n'));
    let lone = lines
        .find(|(number, line)| line.trim_end_matches('\r').contains('\r') && !in_heredoc(*number));
    if let Some((number, _)) = lone {
        let message = "this line has carriage returns (CR) inside, which end no line for Docker";
        let warning = Diagnostic::warning(message)
            .note("everything up to the next line feed (LF) is one line")
            .help("save the file with the line ends of Unix (LF)");
        found.push((number, warning));
    }
    found
}
