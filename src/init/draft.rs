//! Writes the draft of matrix.yaml, with comments.

use super::notes::{Notes, unfinished};
use super::sections::{HEAD, unread};
use super::{Draft, Found, from_directory, from_makefile};

const TEMPLATE: &str = "\
# A template: `<%version%>` is replaced by a value of the matrix, and a line that starts with `#%`
# is a control line of onebuild. Everything else is a normal Dockerfile.
FROM alpine:<%version%>
RUN echo \"hello from Alpine <%version%>\" > /hello
CMD [\"cat\", \"/hello\"]
";

/// Drafts a matrix for the files that were found, or an example for a directory without a Dockerfile.
pub(crate) fn draft(found: &Found) -> Draft {
    match &found.makefile {
        _ if found.files.is_empty() => example(found),
        Some(text) => from_makefile::draft(found, text),
        None => from_directory::draft(found, Notes::default()),
    }
}

/// The draft for an empty directory.
fn example(found: &Found) -> Draft {
    let mut notes = Notes::default();
    let compose = found.compose.iter().map(|(name, _)| name.as_str());
    for name in found.makefile.iter().map(|_| "the Makefile").chain(compose) {
        let text = format!("{name} was not converted: there is no Dockerfile here or below");
        notes.add("", None, text);
    }
    unread(found, &mut notes);
    let mut text = HEAD.to_owned();
    text += "image: example/app # the repository\n\
             tag: <%version%> # must contain every axis\n\
             platforms: [linux/amd64, linux/arm64]\n\
             context: templates # the build context\n\
             dockerfile: Dockerfile # a template inside the context\n\n\
             # There is one image for each combination of values.\n\
             axes:\n  version: 3.19..3.20 # a range includes both ends\n\n\
             defaults: { version: 3.20 } # what `build` uses if no value is selected\n";
    let rest = notes.comments("", "");
    if !rest.is_empty() {
        text += &format!("\n{rest}");
    }
    let unfinished = unfinished(&text);
    let files = vec![
        ("matrix.yaml".to_owned(), text),
        ("templates/Dockerfile".to_owned(), TEMPLATE.to_owned()),
    ];
    Draft { files, notes: notes.sentences(), unfinished }
}
