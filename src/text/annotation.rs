//! Workflow commands that create annotations on GitHub.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

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
}
