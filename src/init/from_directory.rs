//! Drafts a matrix from Dockerfiles and a Compose file.

use super::carried::UNKNOWN;
use super::compose::Service;
use super::notes::{Notes, unfinished};
use super::part::{self, Part, source};
use super::sections::{HEAD, pairs, placeholders, platforms, service, target, unread, vars};
use super::{Draft, Found, yaml};

const USUAL: &[&str] = &["Dockerfile", "dockerfile", "Containerfile"];

/// The build context, the template in it, and the values of `<%os%>` in its path.
struct Place {
    context: String,
    file: String,
    values: Vec<String>,
}

pub(super) fn draft(found: &Found, mut notes: Notes) -> Draft {
    let service = service(found, &mut notes);
    let image = if service.repository.is_empty() {
        notes.add("image", None, "replace example/app with your repository".to_owned());
        "example/app"
    } else {
        &service.repository
    };
    let version = service.tag.as_deref().unwrap_or_else(|| {
        notes.add("version", None, format!("replace {UNKNOWN} with your versions"));
        UNKNOWN
    });
    let Place { context, file, values } = place(found, &service, &mut notes);
    let path = joined(&context, &file);
    let files: Vec<String> = match values.as_slice() {
        [] => vec![path],
        values => values.iter().map(|value| path.replace("<%os%>", value)).collect(),
    };
    let (used, left): (Vec<_>, Vec<_>) =
        found.files.iter().partition(|(path, _)| files.contains(path));
    if used.is_empty() {
        notes.add("dockerfile", None, "this file was not found".to_owned());
    }
    for (path, _) in left {
        notes.add("", None, format!("`{path}` was left out"));
    }
    unread(found, &mut notes);

    let tag = if values.is_empty() { "<%version%>" } else { "<%version%>-<%os%>" };
    let mut text = HEAD.to_owned();
    text += &notes.comments("image", "");
    text += &format!("image: {} # the repository\n", yaml::scalar(image));
    text += &format!("tag: {tag} # must contain every axis\n");
    text += &platforms(&service.platforms, &notes);
    text += &notes.comments("context", "");
    text += &format!("context: {} # the build context\n", yaml::scalar(&context));
    text += &notes.comments("dockerfile", "");
    let file = yaml::scalar(&file);
    text += &format!("dockerfile: {file} # a template, relative to the context\n");
    text += &target(service.target.as_ref(), &notes);
    text += "\naxes:\n";
    if !values.is_empty() {
        text += &notes.comments("os", "  ");
        text += &format!("  os: {}\n", yaml::list(&values));
    }
    text += &notes.comments("version", "  ");
    text += &format!("  version: [{}] # or a range: 1.0.0..1.0.9\n", yaml::scalar(version));
    let texts: Vec<&str> = used.iter().map(|(_, text)| text.as_str()).collect();
    let is_axis = |name: &str| name == "version" || name == "os" && !values.is_empty();
    let names = placeholders(&texts).into_iter().filter(|name| !is_axis(name));
    text += &vars(names.map(|name| (name, None)), &mut notes);
    text += &pairs("args", &service.args, &notes);
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

fn place(found: &Found, service: &Service, notes: &mut Notes) -> Place {
    let exists = |path: &str| found.files.iter().any(|(known, _)| known == path);
    let usual = |context: &str| USUAL.iter().find(|name| exists(&joined(context, name)));
    let here = || ".".to_owned();
    if service.context.is_some() || service.dockerfile.is_some() {
        let given = service.context.as_deref().unwrap_or(".");
        let mut context = joined(".", given);
        if context != "." && !found.directories.contains(&context) {
            notes.add("context", None, format!("`{given}` is no directory below this one"));
            context = here();
        }
        let file = service.dockerfile.as_deref().map(|path| joined(".", path));
        let file = file.or_else(|| usual(&context).map(|name| (*name).to_owned()));
        let file = file.unwrap_or_else(|| "Dockerfile".to_owned());
        return Place { context, file, values: Vec::new() };
    }
    if let Some(name) = usual(".") {
        return Place { context: here(), file: (*name).to_owned(), values: Vec::new() };
    }
    let text = "check it: it can also be the directory of the Dockerfile";
    notes.add("context", None, text.to_owned());
    let mut directories: Vec<(&str, &str)> = Vec::new();
    for (path, _) in &found.files {
        directories.extend(path.split_once('/').filter(|(_, name)| USUAL.contains(name)));
    }
    match directories.as_slice() {
        [(_, name), _, ..] => {
            let same = directories.iter().filter(|(_, other)| other == name);
            let values = same.map(|(directory, _)| (*directory).to_owned()).collect();
            let text = "its values are the directories that contain a Dockerfile";
            notes.add("os", None, text.to_owned());
            Place { context: here(), file: format!("<%os%>/{name}"), values }
        }
        [(directory, name)] => {
            Place { context: here(), file: format!("{directory}/{name}"), values: Vec::new() }
        }
        [] => Place { context: here(), file: found.files[0].0.clone(), values: Vec::new() },
    }
}

/// A path in a directory.
fn joined(directory: &str, path: &str) -> String {
    let text = |text: &str| [Part::Text(text.to_owned())];
    source(&part::joined(&text(directory), &text(path)))
}
