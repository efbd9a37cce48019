//! Inspects services and volumes, key by key. A key with the wrong type is an error if a rule needs
//! it; Compose itself checks the other keys.

use super::hit::{Hit, Taken};
use super::mount;
use super::rules::{
    CAPABILITIES, CAPABILITY, DOCKER_SOCKET, HOST, HOST_DEVICE, PRIVILEGED, UNCONFINED,
};
use crate::dockerfile::{Lex, Quotes, Unset, Variable};
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::yaml::{Entry, Node, NodeKind};

/// The result for one file.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) hits: Vec<Hit>,
    pub(super) taken: Vec<Taken>,
    pub(super) errors: Diagnostics,
}

pub(super) fn look(root: &Node) -> Seen {
    let mut seen = Seen::default();
    for entry in seen.map(root, "a Compose file") {
        match entry.key.as_str() {
            "services" => {
                for service in seen.map(&entry.value, "services") {
                    for entry in seen.map(&service.value, "a service") {
                        seen.service(entry);
                    }
                }
            }
            "volumes" => {
                for volume in seen.map(&entry.value, "volumes") {
                    seen.volume(&volume.value);
                }
            }
            "include" => seen.include(&entry.value),
            _ => {}
        }
    }
    seen
}

impl Seen {
    fn service(&mut self, entry: &Entry) {
        let (key, value) = (entry.key.as_str(), &entry.value);
        match key {
            "privileged" => self.privileged(entry),
            "use_api_socket" => {
                if self.is_true(entry) {
                    self.hit(DOCKER_SOCKET, &place(entry), mount::SOCKET);
                }
            }
            "cap_add" => {
                for (text, span) in self.texts(value, key) {
                    self.capability(&with_defaults(text), span);
                }
            }
            "security_opt" => {
                for (text, span) in self.texts(value, key) {
                    self.option(&with_defaults(text), span);
                }
            }
            "devices" => {
                for item in self.list(value, key) {
                    self.device(item);
                }
            }
            "device_cgroup_rules" => {
                for (text, span) in self.texts(value, key) {
                    if with_defaults(text).trim_start().starts_with(['a', 'b']) {
                        let message = "the container can create and open device nodes of disks";
                        self.hit(HOST_DEVICE, span, message);
                    }
                }
            }
            "volumes" => {
                for item in self.list(value, key) {
                    self.mount(item);
                }
            }
            "post_start" | "pre_stop" => {
                for item in self.list(value, key) {
                    let hook = self.map(item, key);
                    let privileged = hook.iter().filter(|entry| entry.key == "privileged");
                    privileged.for_each(|entry| self.privileged(entry));
                }
            }
            // A string is a directory.
            "build" if matches!(value.kind, NodeKind::Map(_)) => {
                for entry in self.map(value, key) {
                    match entry.key.as_str() {
                        "privileged" => self.privileged(entry),
                        "entitlements" => self.entitlements(entry),
                        _ => {}
                    }
                }
            }
            "extends" => self.extends(value),
            _ => {
                let host = HOST.iter().find(|(known, ..)| *known == key);
                if let Some((_, rule, message)) = host
                    && self.text(value, key).is_some_and(|text| with_defaults(text) == "host")
                {
                    self.hit(rule, &place(entry), *message);
                }
            }
        }
    }

    fn privileged(&mut self, entry: &Entry) {
        if self.is_true(entry) {
            let message =
                "the container gets every device and every permission of root on the host";
            self.hit(PRIVILEGED, &place(entry), message);
        }
    }

    fn entitlements(&mut self, entry: &Entry) {
        for (text, span) in self.texts(&entry.value, &entry.key) {
            if with_defaults(text) == "security.insecure" {
                let message = "steps of the build can use every permission of root on the host";
                self.hit(PRIVILEGED, span, message);
            }
        }
    }

    fn capability(&mut self, text: &str, span: &Span) {
        let name = text.trim().to_uppercase();
        let name = name.strip_prefix("CAP_").unwrap_or(&name);
        if let Some((_, allows)) = CAPABILITIES.iter().find(|(known, _)| *known == name) {
            self.hit(CAPABILITY, span, format!("`{name}` allows {allows}"));
        }
    }

    fn option(&mut self, text: &str, span: &Span) {
        let (name, value) = text.split_once([':', '=']).unwrap_or((text, ""));
        let message = match (name.trim(), value.trim()) {
            ("seccomp", "unconfined") => {
                "the container can make every system call to the host's kernel"
            }
            ("apparmor", "unconfined") => "no AppArmor profile confines the container",
            ("label", "disable") => "SELinux does not protect the host's files from the container",
            ("systempaths", "unconfined") => {
                "the container can write to those parts of /proc and /sys that affect the host"
            }
            _ => return,
        };
        self.hit(UNCONFINED, span, message);
    }

    fn device(&mut self, item: &Node) {
        let (text, span) = match &item.kind {
            NodeKind::Map(entries) => {
                let Some(source) = entries.iter().find(|entry| entry.key == "source") else {
                    return;
                };
                match self.text(&source.value, "source") {
                    Some(text) => (text, &source.value.span),
                    None => return,
                }
            }
            _ => match self.text(item, "devices") {
                Some(text) => (text, &item.span),
                None => return,
            },
        };
        let parts = mount::parts(text);
        let Some(source) = parts.first().map(|part| with_defaults(part)) else { return };
        if let Some(what) = mount::device(&source) {
            let message =
                format!("the container can read and write {what}, regardless of permissions");
            self.hit(HOST_DEVICE, span, message);
        }
    }

    /// An item of `volumes`, in short or long form.
    fn mount(&mut self, item: &Node) {
        let NodeKind::Map(entries) = &item.kind else {
            let Some(text) = self.text(item, "volumes") else { return };
            let parts = mount::parts(text);
            // A single part is a directory of the container itself.
            if let [source, target, options @ ..] = parts.as_slice() {
                let read_only =
                    options.iter().flat_map(|text| text.split(',')).any(|word| word == "ro");
                self.source(source, target, read_only, &item.span);
            }
            return;
        };
        let find = |key: &str| entries.iter().find(|entry| entry.key == key);
        let mut text = |key: &str| match find(key) {
            Some(entry) => self.text(&entry.value, key).map(|text| (text, &entry.value.span)),
            None => None,
        };
        let kind = text("type").map_or("bind", |(kind, _)| kind);
        let target = text("target").map_or("", |(target, _)| target);
        let source = text("source");
        let read_only = find("read_only").is_some_and(|entry| self.is_true(entry));
        if let (true, Some((source, span))) = (matches!(kind, "bind" | "npipe"), source) {
            self.source(source, target, read_only, span);
        }
    }

    /// A named volume that is a bind mount of a host directory.
    fn volume(&mut self, node: &Node) {
        let NodeKind::Map(entries) = &node.kind else { return };
        let options = entries.iter().filter(|entry| entry.key == "driver_opts");
        let options: Vec<&Entry> =
            options.flat_map(|entry| self.map(&entry.value, "driver_opts")).collect();
        let mut text = |key: &str| {
            let entry = options.iter().find(|entry| entry.key == key)?;
            self.text(&entry.value, key).map(|text| (text, &entry.value.span))
        };
        let (words, device) = (text("o").map_or("", |(words, _)| words), text("device"));
        let has = |word: &str| words.split(',').any(|known| known.trim() == word);
        if let (true, Some((device, span))) = (has("bind") || has("rbind"), device) {
            self.source(device, "", has("ro"), span);
        }
    }

    fn source(&mut self, source: &str, target: &str, read_only: bool, span: &Span) {
        let judged = mount::judged(&with_defaults(source), &with_defaults(target), read_only);
        if let Some(mount::Judged { rule, message, note }) = judged {
            self.hits.push(Hit { note, ..hit(rule, span, message) });
        }
    }

    fn extends(&mut self, node: &Node) {
        // A string is a service of the same file.
        let NodeKind::Map(entries) = &node.kind else { return };
        for entry in entries.iter().filter(|entry| entry.key == "file") {
            self.take(&entry.value, "file");
        }
    }

    /// `- path`, or `- path: [path, …]`.
    fn include(&mut self, node: &Node) {
        for item in self.list(node, "include") {
            let NodeKind::Map(entries) = &item.kind else {
                self.take(item, "include");
                continue;
            };
            for entry in entries.iter().filter(|entry| entry.key == "path") {
                match &entry.value.kind {
                    NodeKind::List(paths) => paths.iter().for_each(|path| self.take(path, "path")),
                    _ => self.take(&entry.value, "path"),
                }
            }
        }
    }

    fn take(&mut self, node: &Node, what: &str) {
        if let Some(text) = self.text(node, what) {
            self.taken.push(Taken { path: with_defaults(text), span: node.span.clone() });
        }
    }

    fn hit(&mut self, rule: &'static str, span: &Span, message: impl Into<String>) {
        self.hits.push(hit(rule, span, message));
    }

    /// Whether it is true, in any of the allowed spellings.
    fn is_true(&mut self, entry: &Entry) -> bool {
        let text = self.text(&entry.value, &entry.key).map(with_defaults).unwrap_or_default();
        matches!(text.to_lowercase().as_str(), "true" | "yes" | "on" | "y" | "1")
    }

    fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.kind {
            NodeKind::Scalar(text) => Some(text),
            NodeKind::Empty => None,
            _ => self.unfit(node, what, "a string"),
        }
    }

    fn texts<'n>(&mut self, node: &'n Node, what: &str) -> Vec<(&'n str, &'n Span)> {
        let items = self.list(node, what).iter();
        items.filter_map(|item| Some((self.text(item, what)?, &item.span))).collect()
    }

    fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.kind {
            NodeKind::List(items) => items,
            NodeKind::Empty => &[],
            _ => self.unfit(node, what, "a list").unwrap_or_default(),
        }
    }

    fn map<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Entry] {
        match &node.kind {
            NodeKind::Map(entries) => entries,
            NodeKind::Empty => &[],
            _ => self.unfit(node, what, "a map of `key: value`").unwrap_or_default(),
        }
    }

    fn unfit<T>(&mut self, node: &Node, what: &str, wanted: &str) -> Option<T> {
        let what = if what.contains(' ') { what.to_owned() } else { format!("`{what}`") };
        let message = format!("{what} must be {wanted}");
        self.errors.push(Diagnostic::error(message).at(&node.span, node.kind.described()));
        None
    }
}

fn hit(rule: &'static str, span: &Span, message: impl Into<String>) -> Hit {
    Hit { rule, message: message.into(), span: span.clone(), note: None }
}

/// The span of key and value if they are adjacent.
fn place(entry: &Entry) -> Span {
    let (key, value) = (&entry.key_span, &entry.value.span);
    let between = key.file.text().get(key.end..value.start);
    match between.is_some_and(|text| text.trim_start().starts_with(':') && !text.contains('\n')) {
        true => key.file.span(key.start..value.end),
        false => key.clone(),
    }
}

/// Expands variables that have defaults; others stay as written.
fn with_defaults(text: &str) -> String {
    const LEX: Lex =
        Lex { escape: None, quotes: Quotes::Ignore, keep_escapes: false, unset: Unset::Unknown };
    LEX.expand(text, &|_| Variable::Unset).unwrap_or_else(|_| text.to_owned())
}
