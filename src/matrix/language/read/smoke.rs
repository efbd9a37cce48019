//! Reads `test`, at the top and in rules.

use crate::error::Diagnostic;
use crate::input::TimeLimit;
use crate::matrix::language::reader::Reader;
use crate::matrix::model::{Command, Given, SmokeRule, Words};
use crate::yaml::{Entry, Node, NodeKind};

/// The help for a command that is missing.
const COMMAND: &str = "write a command, such as `run: app --version`; or `test: none` for no test";

const KEYS: [&str; 7] = ["run", "script", "healthy", "timeout", "env", "volumes", "privileged"];

impl Reader<'_> {
    /// `none`, a command, or a map.
    pub(crate) fn smoke(&mut self, entry: &Entry) -> Option<SmokeRule> {
        let node = &entry.value;
        let mut rule = SmokeRule::new(node.span.clone());
        match &node.kind {
            NodeKind::Scalar(text) if text == "none" || text == "false" => rule.off = true,
            NodeKind::Scalar(_) | NodeKind::List(_) => rule.command = self.run(entry, "test"),
            NodeKind::Empty => {
                self.unfit(&node.span, "test", "a command, a map or `none`", &node.kind);
                return None;
            }
            NodeKind::Map(entries) => {
                for entry in entries {
                    let (node, what) = (&entry.value, format!("test.{}", entry.key));
                    match entry.key.as_str() {
                        "run" => rule.command = self.run(entry, &what),
                        "script" => {
                            rule.command = self.template(node, &what).map(|path| Command {
                                words: Words::Script(path),
                                span: node.span.clone(),
                                place: node.span.clone(),
                            });
                        }
                        "healthy" => rule.healthy = self.time(node, &what),
                        "timeout" => rule.timeout = self.time(node, &what),
                        "env" => {
                            self.variables(node);
                            rule.env = self.templates(node, &what);
                        }
                        "volumes" => {
                            let texts = self.texts(node, &what).into_iter();
                            let volumes = texts.filter_map(|(text, span)| self.inline(text, span));
                            rule.volumes = Some(volumes.collect());
                        }
                        "privileged" => rule.privileged = self.truth(node, &what),
                        _ => self.unknown(entry, &KEYS),
                    }
                }
                let of = |key: &str| entries.iter().find(|entry| entry.key == key);
                if let (Some(run), Some(script)) = (of("run"), of("script")) {
                    let finding = Diagnostic::error("a test can have `run` or `script`, not both");
                    let finding = finding.at(&run.key_span, "").at(&script.key_span, "");
                    self.errors.push(finding.help("move the command of `run` into the script"));
                }
            }
        }
        Some(rule)
    }

    /// Rejects names that no environment variable can have; others are reported with all names.
    fn variables(&mut self, node: &Node) {
        let NodeKind::Map(entries) = &node.kind else { return };
        for entry in entries.iter().filter(|entry| entry.key.contains('=')) {
            let message = format!("`{}` is not a valid variable name", entry.key);
            self.wrong(&entry.key_span, message, "a name has no `=`");
        }
    }

    /// A list is a program with arguments, a string is for the shell.
    fn run(&mut self, entry: &Entry, what: &str) -> Option<Command> {
        let node = &entry.value;
        let words = match &node.kind {
            NodeKind::List(items) if items.is_empty() => {
                self.wrong(&node.span, format!("`{what}` requires at least one entry"), COMMAND);
                return None;
            }
            NodeKind::List(items) => {
                Words::List(items.iter().filter_map(|item| self.template(item, what)).collect())
            }
            NodeKind::Scalar(text) if text.trim().is_empty() => {
                self.wrong(&node.span, format!("`{what}` is empty"), COMMAND);
                return None;
            }
            NodeKind::Scalar(text) => Words::Line(self.inline(text, &node.span)?),
            kind => {
                self.unfit(&node.span, what, "a string or a list of strings", kind);
                return None;
            }
        };
        Some(Command { words, span: node.span.clone(), place: entry.key_span.clone() })
    }

    fn time(&mut self, node: &Node, what: &str) -> Option<Given<TimeLimit>> {
        let (text, span) = self.text(node, what)?;
        match text.parse() {
            Ok(value) => Some(Given { value, span: span.clone() }),
            Err(why) => {
                let message = format!("`{what}` cannot be `{text}`");
                self.errors.push(Diagnostic::error(message).at(span, "").help(why));
                None
            }
        }
    }

    pub(crate) fn truth(&mut self, node: &Node, what: &str) -> Option<Given<bool>> {
        let (text, span) = self.text(node, what)?;
        if !matches!(text, "true" | "false") {
            self.error(span, format!("`{what}` must be true or false"));
            return None;
        }
        Some(Given { value: text == "true", span: span.clone() })
    }
}
