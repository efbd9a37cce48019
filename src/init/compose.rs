//! Reads which image a Compose file builds.

use crate::error::SourceFile;
use crate::yaml::{self, Language, Node, NodeKind};

const LANGUAGE: Language = Language {
    single: "only Compose files with one YAML document are supported",
    least: "a Compose file requires at least `services`",
    tags: &["!reset", "!override"],
};

/// A service whose image is built.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub name: String,
    /// Empty, if `image` is missing or has unknown variables.
    pub repository: String,
    /// Without variables.
    pub tag: Option<String>,
    pub context: Option<String>,
    pub dockerfile: Option<String>,
    pub target: Option<String>,
    pub args: Vec<(String, String)>,
    pub platforms: Vec<String>,
    /// Keys of `build` that are not read.
    pub others: Vec<String>,
}

/// The services that have `build`. If none has it, the only service. `None`: the file cannot be read.
pub(super) fn services(name: &str, text: &str) -> Option<Vec<Service>> {
    let file = SourceFile::new(name, text);
    let document = yaml::read(&file, &LANGUAGE).ok()?;
    let services = get(&document.root, "services")?;
    let NodeKind::Map(entries) = &services.kind else { return None };
    let is_built = |node: &Node| get(node, "build").is_some();
    let is_only = entries.len() == 1;
    let entries = entries.iter().filter(|entry| is_only || is_built(&entry.value));
    Some(entries.map(|entry| service(&entry.key, &entry.value)).collect())
}

fn service(name: &str, node: &Node) -> Service {
    let mut service = Service { name: name.to_owned(), ..Service::default() };
    let image = get(node, "image").and_then(scalar).and_then(with_defaults).unwrap_or_default();
    let image = image.split('@').next().unwrap_or_default();
    let (repository, tag) = match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag.to_owned())),
        _ => (image, None),
    };
    if repository.parse::<crate::image::Repository>().is_ok() {
        service.repository = repository.to_owned();
        service.tag = tag;
    }
    let Some(build) = get(node, "build") else { return service };
    match &build.kind {
        NodeKind::Scalar(text) => match with_defaults(text) {
            Some(context) => service.context = Some(context),
            None => service.others.push("context".to_owned()),
        },
        NodeKind::Map(entries) => {
            for entry in entries {
                service.setting(&entry.key, &entry.value);
            }
        }
        _ => {}
    }
    service
}

impl Service {
    /// A key of `build`.
    fn setting(&mut self, key: &str, value: &Node) {
        match (key, scalar(value).and_then(with_defaults), &value.kind) {
            ("context", Some(path), _) => self.context = Some(path),
            ("dockerfile", Some(path), _) => self.dockerfile = Some(path),
            ("target", Some(stage), _) => self.target = Some(stage),
            ("args", _, NodeKind::Map(entries)) => {
                for entry in entries {
                    self.arg(&entry.key, scalar(&entry.value));
                }
            }
            ("args", _, NodeKind::List(items)) => {
                for item in items.iter().filter_map(scalar) {
                    let (name, value) = item.split_once('=').unzip();
                    self.arg(name.unwrap_or(item), value);
                }
            }
            ("platforms", _, NodeKind::List(items)) => {
                let platform = |item: &Node| with_defaults(scalar(item)?);
                let platforms: Option<Vec<String>> = items.iter().map(platform).collect();
                let is_known = |one: &String| one.parse::<crate::image::Platform>().is_ok();
                match platforms.filter(|all| all.iter().all(is_known)) {
                    Some(platforms) => self.platforms = platforms,
                    None => self.others.push(key.to_owned()),
                }
            }
            _ => self.others.push(key.to_owned()),
        }
    }

    /// An argument without a value is one of the environment.
    fn arg(&mut self, name: &str, value: Option<&str>) {
        match value.and_then(with_defaults) {
            Some(value) => self.args.push((name.to_owned(), value)),
            None => self.others.push(format!("args.{name}")),
        }
    }
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
