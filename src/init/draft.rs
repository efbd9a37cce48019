//! Writes the draft of matrix.yaml, with comments.

use super::notes::{Notes, unfinished};
use super::sections::{HEAD, PLATFORMS, placeholders, service, vars};
use super::{Draft, Found, from_makefile, yaml};

const TEMPLATE: &str = "\
# A template: `<%version%>` is replaced by a value of the matrix, and a line that starts with `#%`
# is a control line of onebuild. Everything else is a normal Dockerfile.
FROM alpine:<%version%>
RUN echo \"hello from Alpine <%version%>\" > /hello
CMD [\"cat\", \"/hello\"]
";

/// Drafts a matrix for the files that were found, or an example for an empty directory.
pub(crate) fn draft(found: &Found) -> Draft {
    match &found.makefile {
        Some(text) if !found.files.is_empty() => from_makefile::draft(found, text),
        _ => from_directory(found),
    }
}

fn from_directory(found: &Found) -> Draft {
    let mut notes = Notes::default();
    if found.files.is_empty() {
        return example();
    }
    let service = service(found, &mut notes);
    if service.is_none() {
        notes.add("image", None, "replace example/app with your repository".to_owned());
    }
    let service = service.unwrap_or_default();
    let image = if service.repository.is_empty() { "example/app" } else { &service.repository };
    let version = service.tag.as_deref().unwrap_or("1.0.0");
    if service.tag.is_none() {
        notes.add("version", None, "replace 1.0.0 with your versions".to_owned());
    }
    let top = USUAL.iter().find(|name| found.files.iter().any(|(path, _)| path == *name));
    let mut directories: Vec<(&str, &str)> = Vec::new();
    for (path, _) in &found.files {
        let split = path.split_once('/');
        directories.extend(split.filter(|(_, name)| USUAL.contains(name)));
    }
    directories.dedup_by_key(|(directory, _)| *directory);
    let mut values: Vec<String> = Vec::new();
    let (context, file) = match (top, directories.as_slice()) {
        _ if service.context.is_some() || service.dockerfile.is_some() => {
            let clean = |path: &str| path.trim_start_matches("./").trim_end_matches('/').to_owned();
            let context = service.context.as_deref().map(clean).filter(|path| !path.is_empty());
            let context = context.unwrap_or_else(|| ".".to_owned());
            let file = service.dockerfile.as_deref().map(clean);
            let inside = |name: &str| {
                if context == "." { name.to_owned() } else { format!("{context}/{name}") }
            };
            let exists = |name: &&&str| found.files.iter().any(|(path, _)| *path == inside(name));
            let file = file.or_else(|| USUAL.iter().find(exists).map(|name| (*name).to_owned()));
            (context, file.unwrap_or_else(|| "Dockerfile".to_owned()))
        }
        (Some(name), _) => (".".to_owned(), (*name).to_owned()),
        (None, []) => (".".to_owned(), found.files[0].0.clone()),
        (None, [(directory, name)]) => (".".to_owned(), format!("{directory}/{name}")),
        (None, [(_, name), ..]) => {
            let same = directories.iter().filter(|(_, other)| other == name);
            values = same.map(|(directory, _)| (*directory).to_owned()).collect();
            (".".to_owned(), format!("<%os%>/{name}"))
        }
    };
    let is_used = |path: &str| {
        let at = |value: &str| file.replace("<%os%>", value) == path;
        let inside = context == "." || path == format!("{context}/{file}");
        if values.is_empty() {
            inside && (context != "." || path == file)
        } else {
            values.iter().any(|value| at(value))
        }
    };
    let (used, unused): (Vec<_>, Vec<_>) = found.files.iter().partition(|(path, _)| is_used(path));
    for (path, _) in unused {
        notes.add("", None, format!("`{path}` was left out"));
    }
    let tag = if values.is_empty() { "<%version%>" } else { "<%version%>-<%os%>" };
    let mut text = HEAD.to_owned();
    text += &notes.comments("image", "");
    text += &format!("image: {} # the repository\n", yaml::scalar(image));
    text += &format!("tag: {tag} # must contain every axis\n");
    text += PLATFORMS;
    text += &format!("context: {} # the build context\n", yaml::scalar(&context));
    let file = yaml::scalar(&file);
    text += &format!("dockerfile: {file} # a template inside the context\n\naxes:\n");
    if !values.is_empty() {
        text += &format!("  os: {}\n", yaml::list(&values));
    }
    text += &notes.comments("version", "  ");
    text += &format!("  version: [{}] # or a range: 1.0.0..1.0.9\n", yaml::scalar(version));
    let texts: Vec<&str> = used.iter().map(|(_, text)| text.as_str()).collect();
    let is_axis = |name: &str| name == "version" || name == "os" && !values.is_empty();
    let names = placeholders(&texts).into_iter().filter(|name| !is_axis(name));
    text += &vars(names.map(|name| (name, None)), &mut notes);
    let rest = notes.comments("", "");
    if !rest.is_empty() {
        text += &format!("\n{rest}");
    }
    Draft {
        unfinished: unfinished(&text),
        files: vec![("matrix.yaml".to_owned(), text)],
        notes: notes.sentences(),
    }
}

const USUAL: &[&str] = &["Dockerfile", "dockerfile", "Containerfile"];

/// The draft for an empty directory.
fn example() -> Draft {
    let mut text = HEAD.to_owned();
    text += "image: example/app # the repository\n\
             tag: <%version%> # must contain every axis\n\
             platforms: [linux/amd64, linux/arm64]\n\
             context: templates # the build context\n\
             dockerfile: Dockerfile # a template inside the context\n\n\
             # There is one image for each combination of values.\n\
             axes:\n  version: 3.19..3.20 # a range includes both ends\n\n\
             defaults: { version: 3.20 } # what `build` uses if no value is selected\n";
    let files = vec![
        ("matrix.yaml".to_owned(), text),
        ("templates/Dockerfile".to_owned(), TEMPLATE.to_owned()),
    ];
    Draft { files, notes: Vec::new(), unfinished: Vec::new() }
}
