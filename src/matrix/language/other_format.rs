//! Recognises files of other tools that are given as a matrix.

use crate::error::{Diagnostic, SourceFile};

/// How many lines decide what a file is.
const LINES: usize = 200;

/// What a file is instead of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Compose,
    Bake,
    Workflow,
    Dockerfile,
    Makefile,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Compose => "a Compose file",
            Self::Bake => "a file for docker buildx bake",
            Self::Workflow => "a workflow of GitHub Actions",
            Self::Dockerfile => "a Dockerfile",
            Self::Makefile => "a Makefile",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Bake => "docs/from-bake.md shows the same family as a matrix.yaml, key by key",
            Self::Workflow => {
                "docs/github-actions.md shows the matrix.yaml and the workflow for it; `onebuild init` \
                 reads Dockerfiles, a Makefile and a Compose file"
            }
            Self::Compose | Self::Dockerfile | Self::Makefile => {
                "`onebuild init` writes a matrix.yaml from it; leave out --file then"
            }
        }
    }
}

/// The error for a file of another tool, with the line that shows it.
pub(super) fn other_format(file: &SourceFile) -> Option<Diagnostic> {
    let (format, index) = found(file.text())?;
    let message = format!("`{}` is {}, not a matrix", file.name(), format.name());
    let error = Diagnostic::error(message).help(format.help());
    Some(match file.line_range(index + 1) {
        Some(range) => error.at(&file.span(range), ""),
        None => error,
    })
}

/// What the text is, and the index of the line that shows it.
fn found(text: &str) -> Option<(Format, usize)> {
    let lines: Vec<&str> = text.lines().take(LINES).collect();
    let at = |test: &dyn Fn(&str) -> bool| lines.iter().position(|line| test(line));
    let key =
        |name: &str| at(&|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')));
    if ["image", "tag", "tags", "extends", "axes"].into_iter().any(|name| key(name).is_some()) {
        return None;
    }
    let first = at(&|line| !line.trim().is_empty() && !line.trim().starts_with('#'))?;
    let word = lines[first].split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    if matches!(word.as_str(), "FROM" | "ARG") {
        return Some((Format::Dockerfile, first));
    }
    let block = at(&|line| {
        let mut names = ["target \"", "group \"", "variable \""].into_iter();
        names.any(|name| line.starts_with(name)) && line.contains('{')
    });
    let bake = block.or_else(|| {
        let is_json = lines[first].starts_with('{');
        at(&|line| is_json && line.contains("\"target\""))
    });
    // In a rule, the line after the target starts with a tab, which no YAML does.
    let rule = || {
        let is_target = |line: &str| {
            line.contains(':')
                && line.starts_with(|c: char| c.is_ascii_alphanumeric() || "%.$".contains(c))
        };
        let recipe = |pair: &[&str]| is_target(pair[0]) && pair[1].starts_with('\t');
        lines.windows(2).position(recipe)
    };
    let found = |format: Format, line: Option<usize>| Some((format, line?));
    found(Format::Bake, bake)
        .or_else(|| found(Format::Compose, key("services")))
        .or_else(|| found(Format::Workflow, key("jobs")))
        .or_else(|| found(Format::Makefile, rule()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_tools_are_recognised_and_a_matrix_is_not_one() {
        for (text, expected) in [
            ("services:\n  web:\n    build: .\n", Some(Format::Compose)),
            ("# x\nname: ci\non: push\njobs:\n  a: {}\n", Some(Format::Workflow)),
            ("target \"app\" {\n  tags = []\n}\n", Some(Format::Bake)),
            ("variable \"V\" {}\n", Some(Format::Bake)),
            ("{\n  \"target\": {\"app\": {\"context\": \".\"}}\n}\n", Some(Format::Bake)),
            ("# syntax=docker/dockerfile:1\nFROM alpine\n", Some(Format::Dockerfile)),
            ("arg V=1\nfrom alpine:$V\n", Some(Format::Dockerfile)),
            ("V = 1\nall: a\n\tdocker build .\n", Some(Format::Makefile)),
            ("build-%:\n\tdocker build .\n", Some(Format::Makefile)),
            ("image: a\ntag: b\n", None),
            ("image: a\ntag: b\nservices:\n  x: y\n", None),
            ("extends: base.yaml\njobs: 1\n", None),
            ("image: a\n", None),
            ("from: x\n", None),
            ("", None),
        ] {
            assert_eq!(found(text).map(|(format, _)| format), expected, "{text}");
        }
    }

    #[test]
    fn the_error_names_the_file_and_the_format() {
        let file = SourceFile::new("compose.yaml", "name: a\nservices:\n  web: {}\n");
        let error = other_format(&file).unwrap();
        let shown = format!("{error:?}");
        assert!(shown.contains("`compose.yaml` is a Compose file, not a matrix"), "{shown}");
    }
}
