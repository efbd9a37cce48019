//! Workflow commands that create annotations on GitHub.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::path::{Component, Path, PathBuf};

/// The line of a file that an annotation is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Annotated<'a> {
    pub file: &'a str,
    /// From 1, like the column.
    pub line: usize,
    pub column: Option<usize>,
}

/// A line with the command `command`: `error`, `warning` or `notice`. No part of the other texts starts another
/// command, nor sets another property. What cannot be seen in them is for the caller to replace.
pub(crate) fn annotation(
    command: &str,
    place: Option<Annotated>,
    title: &str,
    message: &str,
) -> String {
    let mut properties = Vec::new();
    if let Some(Annotated { file, line, column }) = place {
        properties.push(format!("file={},line={line}", property(file)));
        properties.extend(column.map(|column| format!("col={column}")));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{command} {}::{}\n", properties.join(","), data(message))
}

/// The path of `file` in the repository, where GitHub looks for it. `directory` is the one that it is relative to. A
/// file outside of the repository stays as it is.
pub(crate) fn in_repository(directory: &Path, file: &str) -> String {
    let mut path = PathBuf::new();
    for part in directory.join(file).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if !path.pop() => return file.to_owned(),
            Component::ParentDir => {}
            part => path.push(part),
        }
    }
    path.to_str().unwrap_or(file).to_owned()
}

/// A message on one line. Older commands, which are allowed anywhere in a line, are made inert.
fn data(text: &str) -> String {
    let text = text.replace("##[", "## [");
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_starts_a_command_or_sets_a_property() {
        let place = Annotated { file: "a,line=2::b%", line: 7, column: Some(3) };
        assert_eq!(
            annotation("error", Some(place), "t:\r,x=y", "50%\n::stop ##[error]z"),
            "::error file=a%2Cline=2%3A%3Ab%25,line=7,col=3,title=t%3A%0D%2Cx=y\
             ::50%25%0A::stop ## [error]z\n"
        );
        assert_eq!(annotation("notice", None, "t", ""), "::notice title=t::\n");
    }

    #[test]
    fn files_are_found_from_the_root_of_the_repository() {
        for (directory, file, expected) in [
            ("", "context/Dockerfile", "context/Dockerfile"),
            ("", "./Dockerfile", "Dockerfile"),
            ("images/a", "Dockerfile", "images/a/Dockerfile"),
            ("images/a", "../b/Dockerfile", "images/b/Dockerfile"),
            ("images", "../../Dockerfile", "../../Dockerfile"),
            ("images", "/elsewhere/Dockerfile", "/elsewhere/Dockerfile"),
        ] {
            assert_eq!(in_repository(Path::new(directory), file), expected);
        }
    }
}
