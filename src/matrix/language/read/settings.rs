//! Reads the keys that are allowed at the top and in rules.

use std::sync::Arc;

use crate::error::{Diagnostic, Span, listed};
use crate::image::Platform;
use crate::input::{MediaTypes, Network, host, host_name, ulimit, ulimit_name};
use crate::matrix::language::reader::Reader;
use crate::matrix::model::{
    Agent, AutoLabels, Axis, CacheRule, Declared, DeclaredKind, Given, SecretPlace, SecretRule,
    Settings, Texts, Var, VarValue,
};
use crate::yaml::{Entry, Node, NodeKind};

/// Splits a string into a name and a value.
type Split = fn(&str) -> Result<(&str, &str), String>;

/// The cache types of BuildKit.
const CACHES: [&str; 4] = ["registry", "inline", "local", "gha"];

impl Reader<'_> {
    /// Reads the settings in these entries; other keys are read elsewhere.
    pub(crate) fn settings(&mut self, entries: &[Entry], axes: &[Axis]) -> Settings {
        let mut found = Settings::default();
        for entry in entries {
            let (key, node) = (entry.key.as_str(), &entry.value);
            let span = &node.span;
            match key {
                "platforms" => {
                    let value: Arc<[Platform]> = self.platforms(node).into();
                    found.platforms = Some(Given { value, span: span.clone() });
                }
                "context" => found.context = self.template(node, key),
                "dockerfile" => found.dockerfile = self.template(node, key),
                "dockerignore" => found.dockerignore = self.template(node, key),
                "template" => found.template = self.is_template(node),
                "target" => found.target = self.template(node, key),
                "network" => found.network = self.network(node),
                "shm_size" => found.shm_size = self.template(node, key),
                "cgroup_parent" => found.cgroup_parent = self.template(node, key),
                "ulimits" => found.ulimits = self.named(node, key, ulimit, ulimit_name),
                "add_hosts" => found.add_hosts = self.named(node, key, host, host_name),
                "media_types" => found.media_types = self.media_types(node),
                "vars" => found.vars = self.vars(node, axes),
                "args" => found.args = self.templates(node, key),
                "labels" => (found.labels, found.auto_labels) = self.labels(node, key),
                "annotations" => {
                    (found.annotations, found.auto_annotations) = self.labels(node, key);
                }
                "bases" => found.bases = self.templates(node, key),
                "contexts" => found.contexts = self.templates(node, key),
                "secrets" => found.secrets = self.secrets(node),
                "ssh" => found.ssh = self.ssh(node),
                "cache_from" => found.cache_from = Some(self.caches(node, key)),
                "cache_to" => found.cache_to = Some(self.caches(node, key)),
                "test" => found.smoke = self.smoke(entry),
                "retry" => found.retry = self.retry(node),
                _ => {}
            }
            found.declared.extend(declared(key, &entry.value));
        }
        found
    }

    fn platforms(&mut self, node: &Node) -> Vec<Platform> {
        let mut found: Vec<Platform> = Vec::new();
        let mut places: Vec<&Span> = Vec::new();
        let texts = self.texts(node, "platforms");
        if texts.is_empty() && matches!(node.kind, NodeKind::List(_)) {
            let help = "add one, such as `linux/amd64`";
            self.wrong(&node.span, "`platforms` requires at least one entry", help);
        }
        for (text, span) in texts {
            if let Some(comment) = comment(text, span) {
                let message =
                    "a string has no comments: its lines that start with `#` are part of it";
                let help = "write a list, which can have comments: `platforms: [linux/amd64, linux/arm64]`";
                self.wrong(&comment, message, help);
                continue;
            }
            let mut named = Platform::list(text).peekable();
            if named.peek().is_none() {
                self.error(span, "`platforms` requires at least one entry");
            }
            for platform in named {
                match platform {
                    Ok(platform) => match found.iter().position(|known| *known == platform) {
                        Some(first) => {
                            let finding = Diagnostic::error(listed_twice(text, &platform));
                            let finding = finding.at(span, "again").at(places[first], "first");
                            self.errors.push(finding.help("remove one of them"));
                        }
                        None => {
                            found.push(platform);
                            places.push(span);
                        }
                    },
                    Err(error) => self.error(span, error.to_string()),
                }
            }
        }
        found
    }

    fn vars(&mut self, node: &Node, axes: &[Axis]) -> Vec<Var> {
        let mut found = Vec::new();
        for entry in self.map(node, "vars") {
            self.name(&entry.key, &entry.key_span, "a var");
            if let Some(axis) = axes.iter().find(|axis| *axis.name == *entry.key) {
                self.errors.push(
                    Diagnostic::error(format!("`{}` is an axis already", entry.key))
                        .at(&entry.key_span, "")
                        .at(&axis.span, "the axis")
                        .help("choose another name for the var"),
                );
            }
            let value = match &entry.value.kind {
                NodeKind::Empty => self.inline("", &entry.key_span).map(VarValue::Text),
                NodeKind::List(items) => {
                    let what = format!("vars.{}", entry.key);
                    let items = items.iter().filter_map(|item| self.template(item, &what));
                    Some(VarValue::List(items.collect()))
                }
                _ => {
                    self.template(&entry.value, &format!("vars.{}", entry.key)).map(VarValue::Text)
                }
            };
            // An invalid value is kept as an empty one, because its name is defined nevertheless.
            let value = value.unwrap_or(VarValue::List(Vec::new()));
            found.push(Var {
                name: entry.key.as_str().into(),
                span: entry.key_span.clone(),
                value,
            });
        }
        found
    }

    /// A map, `auto`, or a map in which `auto` is one of the keys.
    fn labels(&mut self, node: &Node, what: &str) -> (Texts, Option<Given<AutoLabels>>) {
        match &node.kind {
            NodeKind::Scalar(text) if text == "auto" => {
                (Vec::new(), Some(Given { value: AutoLabels::ALL, span: node.span.clone() }))
            }
            NodeKind::Scalar(_) | NodeKind::List(_) => {
                self.misfit(node, what, "a map of `key: value`, or `auto`");
                (Vec::new(), None)
            }
            NodeKind::Empty => (Vec::new(), None),
            NodeKind::Map(entries) => {
                let (auto, others): (Vec<_>, Vec<_>) =
                    entries.iter().partition(|entry| entry.key == "auto");
                let auto = auto.first().map(|entry| {
                    let value = self.wanted(&entry.value);
                    Given { value, span: entry.key_span.clone() }
                });
                (self.texts_by_name(others, what), auto)
            }
        }
    }

    /// `true`, `false`, or one or more words for the labels to fill in.
    fn wanted(&mut self, node: &Node) -> AutoLabels {
        let mut wanted = AutoLabels::default();
        let words = match &node.kind {
            NodeKind::Scalar(text) if text == "true" => return AutoLabels::ALL,
            NodeKind::Scalar(text) if text == "false" => return wanted,
            NodeKind::Scalar(_) | NodeKind::List(_) => self.texts(node, "auto"),
            kind => {
                let list = AutoLabels::WORDS.join(", ");
                let expected = format!("true, false, or a list of {list}");
                self.unfit(&node.span, "auto", &expected, kind);
                Vec::new()
            }
        };
        for (word, span) in words {
            match wanted.and(word) {
                Some(more) => wanted = more,
                None => self.errors.push(
                    Diagnostic::error(format!("`auto` does not support `{word}`"))
                        .at(span, "")
                        .help(format!(
                            "write true, false, or a list of {}",
                            AutoLabels::WORDS.join(", ")
                        ))
                        .help_nearest(word, AutoLabels::WORDS),
                ),
            }
        }
        wanted
    }

    fn network(&mut self, node: &Node) -> Option<Given<Network>> {
        let (text, span) = self.text(node, "network")?;
        let value = match text {
            "default" => Network::Default,
            "none" => Network::None,
            "host" => Network::Host,
            _ => {
                let known = ["default", "none", "host"];
                self.errors.push(
                    Diagnostic::error(format!("there is no network `{text}`"))
                        .at(span, "")
                        .help(format!("networks: {}", listed(known)))
                        .help_nearest(text, known),
                );
                return None;
            }
        };
        Some(Given { value, span: span.clone() })
    }

    /// A map of `name: value`, or strings that `split` splits into a name and a value, as in flags. `check`
    /// checks a name.
    fn named(
        &mut self,
        node: &Node,
        what: &str,
        split: Split,
        check: fn(&str) -> Result<(), String>,
    ) -> Texts {
        if let NodeKind::Map(entries) = &node.kind {
            for entry in entries {
                if let Err(why) = check(&entry.key) {
                    self.error(&entry.key_span, why);
                }
            }
            return self.texts_by_name(entries, what);
        }
        let mut found: Texts = Vec::new();
        for (text, span) in self.texts(node, what) {
            let (name, value) = match split(text) {
                Ok(parts) => parts,
                Err(why) => {
                    self.error(span, why);
                    continue;
                }
            };
            if found.iter().any(|(known, _)| **known == *name) {
                self.error(span, format!("`{name}` is listed twice"));
            }
            found.extend(self.inline(value, span).map(|template| (name.into(), template)));
        }
        found
    }

    fn is_template(&mut self, node: &Node) -> Option<Given<bool>> {
        let (text, span) = self.text(node, "template")?;
        match text.parse() {
            Ok(value) => Some(Given { value, span: span.clone() }),
            Err(_) => {
                let help = "name the file with `dockerfile`; `template: false` copies it unchanged";
                self.wrong(span, "`template` must be true or false", help);
                None
            }
        }
    }

    fn media_types(&mut self, node: &Node) -> Option<Given<MediaTypes>> {
        let (text, span) = self.text(node, "media_types")?;
        let known = MediaTypes::ALL.map(|(name, _)| name);
        let found = MediaTypes::ALL.into_iter().find(|(name, _)| *name == text);
        let Some((_, value)) = found else {
            self.errors.push(
                Diagnostic::error(format!("`{text}` is not a known kind of media types"))
                    .at(span, "")
                    .help(format!("known kinds: {}", listed(known)))
                    .help_nearest(text, known),
            );
            return None;
        };
        Some(Given { value, span: span.clone() })
    }

    /// `id: { file: PATH }` or `id: { env: VARIABLE }`, optionally with `optional`; never the
    /// secret itself.
    fn secrets(&mut self, node: &Node) -> Vec<(String, SecretRule)> {
        const HELP: &str = "write the place of the secret: `{ env: VARIABLE }` or `{ file: PATH }`";
        let mut found = Vec::new();
        for entry in self.map(node, "secrets") {
            self.key(entry, "secrets");
            let NodeKind::Map(fields) = &entry.value.kind else {
                let span = match entry.value.kind {
                    NodeKind::Empty => &entry.key_span,
                    _ => &entry.value.span,
                };
                // The string itself may be the secret: the note has its place, without the line.
                let message =
                    format!("the value of the secret `{}` does not belong in this file", entry.key);
                let finding = Diagnostic::error(message).help(HELP);
                let empty = span.file.span(span.start..span.start);
                self.errors.push(match entry.value.kind {
                    NodeKind::Empty => finding.at(&empty, ""),
                    _ => finding.note(format!("at {span}")),
                });
                continue;
            };
            let mut sources = Vec::new();
            let (mut named, mut optional) = (0, false);
            for field in fields {
                let kind = match field.key.as_str() {
                    "file" => SecretPlace::File,
                    "env" => SecretPlace::Variable,
                    "optional" => {
                        let given = self.truth(&field.value, "optional");
                        optional = given.is_some_and(|given| given.value);
                        continue;
                    }
                    _ => {
                        named += 1;
                        self.unknown(field, &["file", "env", "optional"]);
                        continue;
                    }
                };
                named += 1;
                let what = format!("secrets.{}.{}", entry.key, field.key);
                sources.extend(self.template(&field.value, &what).map(kind));
            }
            if named != 1 {
                let message = format!("the secret `{}` requires exactly one source", entry.key);
                let finding = Diagnostic::error(message).at(&entry.value.span, "").help(HELP);
                self.errors.push(finding);
            }
            let rule = sources.pop().map(|source| SecretRule { source, optional });
            found.extend(rule.map(|rule| (entry.key.clone(), rule)));
        }
        found
    }

    /// `default`, `ID=PATH`, a list of these, or `id: PATH`.
    fn ssh(&mut self, node: &Node) -> Vec<(String, Agent)> {
        let mut found: Vec<(String, Agent)> = Vec::new();
        if let NodeKind::Map(entries) = &node.kind {
            for entry in entries {
                self.key(entry, "ssh");
                let socket = match entry.value.kind {
                    NodeKind::Empty => None,
                    _ => self.template(&entry.value, &format!("ssh.{}", entry.key)),
                };
                found.push((entry.key.clone(), Agent { socket, span: entry.key_span.clone() }));
            }
            return found;
        }
        for (text, span) in self.texts(node, "ssh") {
            let (id, socket) = text.split_once('=').unwrap_or((text, ""));
            if id.is_empty() || id.chars().any(char::is_control) {
                let help = "write an agent as `default` or `ID=PATH`";
                self.wrong(span, format!("`{text}` is not an SSH agent"), help);
            } else if found.iter().any(|(known, _)| known == id) {
                let message = format!("the agent `{id}` is listed twice");
                self.wrong(span, message, "remove one of them, or choose another ID");
            }
            let socket = (!socket.is_empty()).then(|| self.inline(socket, span)).flatten();
            found.push((id.to_owned(), Agent { socket, span: span.clone() }));
        }
        found
    }

    /// A string as in flags, a map, or a list of these.
    fn caches(&mut self, node: &Node, what: &str) -> Given<Vec<CacheRule>> {
        let nodes = match &node.kind {
            NodeKind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let value = nodes.iter().filter_map(|node| self.cache(node, what)).collect();
        Given { value, span: node.span.clone() }
    }

    fn cache(&mut self, node: &Node, what: &str) -> Option<CacheRule> {
        let NodeKind::Map(entries) = &node.kind else {
            let template = self.template(node, what)?;
            if template.is_literal() {
                match crate::input::Cache::parse(template.text()) {
                    Ok(caches) => {
                        caches.iter().for_each(|cache| self.cache_kind(&cache.kind, node));
                    }
                    Err(why) => self.error(&node.span, why),
                }
            }
            return Some(CacheRule::Line(template));
        };
        let mut kind = None;
        for entry in entries.iter().filter(|entry| entry.key == "type") {
            let (text, _) = self.text(&entry.value, "type")?;
            self.cache_kind(text, &entry.value);
            kind = Some(text.to_owned());
        }
        let Some(kind) = kind else {
            self.errors.push(
                Diagnostic::error("a cache requires a `type`")
                    .at(&node.span, "")
                    .help(format!("types: {}", listed(CACHES))),
            );
            return None;
        };
        let others = entries.iter().filter(|entry| entry.key != "type");
        Some(CacheRule::Map { kind, attributes: self.texts_by_name(others, what) })
    }

    fn cache_kind(&mut self, kind: &str, node: &Node) {
        if !CACHES.contains(&kind) {
            self.errors.push(
                Diagnostic::error(format!("there is no cache of type `{kind}`"))
                    .at(&node.span, "")
                    .help(format!("types: {}", listed(CACHES)))
                    .help_nearest(kind, CACHES),
            );
        }
    }
}

/// The names that an entry declares, with their places.
fn declared(key: &str, node: &Node) -> Vec<Declared> {
    let kind = match key {
        "args" => DeclaredKind::Arg,
        "bases" => DeclaredKind::Base,
        "contexts" => DeclaredKind::Context,
        "secrets" => DeclaredKind::Secret,
        "ssh" => DeclaredKind::Ssh,
        _ => return Vec::new(),
    };
    let one =
        |name: &str, span: &Span| Declared { kind, name: name.to_owned(), span: span.clone() };
    let agent = |node: &Node| match &node.kind {
        NodeKind::Scalar(text) => Some(one(text.split('=').next().unwrap_or_default(), &node.span)),
        _ => None,
    };
    match &node.kind {
        NodeKind::Map(entries) => entries.iter().map(|e| one(&e.key, &e.key_span)).collect(),
        NodeKind::List(items) if kind == DeclaredKind::Ssh => {
            items.iter().filter_map(agent).collect()
        }
        NodeKind::Scalar(_) if kind == DeclaredKind::Ssh => agent(node).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The first line of a text with several lines that looks like a comment.
fn comment(text: &str, span: &Span) -> Option<Span> {
    let line = text.lines().map(str::trim).find(|line| line.starts_with('#'))?;
    let at = span.text().find(line)?;
    Some(span.part(at..at + line.len()))
}

/// The same platform may be written in several ways: `linux/x86_64` is linux/amd64.
fn listed_twice(text: &str, platform: &Platform) -> String {
    if text == platform.to_string() || Platform::list(text).count() > 1 {
        format!("platform {platform} is listed twice")
    } else {
        format!("`{text}` is the same platform as {platform}, which is listed already")
    }
}
