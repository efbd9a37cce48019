//! Reads which image a Compose file builds.

use crate::error::SourceFile;
use crate::yaml::{self, Language, Node, NodeKind};

const LANGUAGE: Language = Language {
    single: "only Compose files with one YAML document are supported",
    least: "a Compose file requires at least `services`",
    tags: &["!reset", "!override"],
};

/// A service with an image of its own.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub repository: String,
    /// Without variables.
    pub tag: Option<String>,
    pub context: Option<String>,
    pub dockerfile: Option<String>,
    /// Keys of `build` that are not read.
    pub others: Vec<String>,
}

/// The services that have both `image` and `build`. If none has `build`, the only service.
pub(super) fn services(name: &str, text: &str) -> Vec<Service> {
    let file = SourceFile::new(name, text);
    let Ok(document) = yaml::read(&file, &LANGUAGE) else { return Vec::new() };
    let Some(services) = get(&document.root, "services") else { return Vec::new() };
    let NodeKind::Map(entries) = &services.kind else { return Vec::new() };
    let built = entries.iter().filter(|entry| get(&entry.value, "build").is_some());
    let found: Vec<Service> = built.filter_map(|entry| service(&entry.value)).collect();
    match entries.as_slice() {
        [only] if found.is_empty() && get(&only.value, "build").is_none() => {
            service(&only.value).into_iter().collect()
        }
        _ => found,
    }
}

fn service(node: &Node) -> Option<Service> {
    let image = with_defaults(scalar(get(node, "image")?)?)?;
    let image = image.split('@').next().unwrap_or_default();
    let (repository, tag) = match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag.to_owned())),
        _ => (image, None),
    };
    repository.parse::<crate::image::Repository>().ok()?;
    let mut service = Service { repository: repository.to_owned(), tag, ..Service::default() };
    let Some(build) = get(node, "build") else { return Some(service) };
    match &build.kind {
        NodeKind::Scalar(context) => service.context = with_defaults(context),
        NodeKind::Map(entries) => {
            for entry in entries {
                match (entry.key.as_str(), scalar(&entry.value).and_then(with_defaults)) {
                    ("context", Some(path)) => service.context = Some(path),
                    ("dockerfile", Some(path)) => service.dockerfile = Some(path),
                    (other, _) => service.others.push(other.to_owned()),
                }
            }
        }
        _ => {}
    }
    Some(service)
}

fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let NodeKind::Map(entries) = &node.kind else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

fn scalar(node: &Node) -> Option<&str> {
    match &node.kind {
        NodeKind::Scalar(text) => Some(text),
        _ => None,
    }
}

/// `${NAME:-default}` and `${NAME-default}` with the default; nothing for other variables.
fn with_defaults(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        let (inner, after) = after.strip_prefix('{')?.split_once('}')?;
        let (_, default) = inner.split_once(":-").or_else(|| inner.split_once('-'))?;
        if default.contains(['$', '{']) {
            return None;
        }
        out += before;
        out += default;
        rest = after;
    }
    Some(out + rest)
}
