//! What the file says of the test of images, and what it comes to in one cell.

use super::make::{Made, is_variable, unusable};
use super::settings::{Given, Texts};
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::input::{Test, TestCommand, TimeLimit, Wait};
use crate::template::Template;

/// `test:` at the top or in a rule.
#[derive(Debug, Clone)]
pub(super) struct TestRule {
    pub(super) span: Span,
    /// `none`: nothing is tried.
    pub(super) off: bool,
    pub(super) command: Option<Command>,
    pub(super) healthy: Option<Given<TimeLimit>>,
    pub(super) timeout: Option<Given<TimeLimit>>,
    pub(super) env: Texts,
    pub(super) volumes: Option<Vec<Template>>,
    pub(super) privileged: Option<Given<bool>>,
}

/// What is run, and where it is asked for.
#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) words: Words,
    /// Of the words themselves.
    pub(super) span: Span,
    /// Where a failure points: at the key, since the text of a block begins a line later; at the
    /// name of a script.
    pub(super) place: Span,
}

#[derive(Debug, Clone)]
pub(super) enum Words {
    List(Vec<Template>),
    Line(Template),
    Script(Template),
}

impl TestRule {
    /// A test that says nothing yet.
    pub(super) fn new(span: Span) -> Self {
        let (off, command, healthy, timeout, env) = Default::default();
        Self { span, off, command, healthy, timeout, env, volumes: None, privileged: None }
    }

    /// This rule where it says something, else `below`, key by key.
    pub(super) fn over(&self, below: Option<&Self>) -> Self {
        let mut all = self.clone();
        let Some(below) = below.filter(|below| !below.off && !self.off) else { return all };
        all.command = all.command.or_else(|| below.command.clone());
        all.healthy = all.healthy.or_else(|| below.healthy.clone());
        all.timeout = all.timeout.or_else(|| below.timeout.clone());
        all.volumes = all.volumes.or_else(|| below.volumes.clone());
        all.privileged = all.privileged.or_else(|| below.privileged.clone());
        all.env.clone_from(&below.env);
        super::settings::merge(&mut all.env, &self.env);
        all
    }

    /// All texts with placeholders.
    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        let words = self.command.iter().flat_map(|command| match &command.words {
            Words::List(items) => items.as_slice(),
            Words::Line(one) | Words::Script(one) => std::slice::from_ref(one),
        });
        let env = self.env.iter().map(|(_, template)| template);
        words.chain(env).chain(self.volumes.iter().flatten())
    }
}

impl TestRule {
    /// What `test`, which was made of this rule, comes to: each value with its key and its place.
    pub(super) fn told(&self, test: &Test) -> Vec<(String, String, Option<Span>)> {
        let place = |given: &Option<Given<TimeLimit>>| given.as_ref().map(|g| g.span.clone());
        let mut told = Vec::new();
        let mut tell = |key: &str, value: String, span| told.push((key.to_owned(), value, span));
        if let (Some(command), Some(asked)) = (&test.command, &self.command) {
            let key = if matches!(asked.words, Words::Script(_)) { "script" } else { "run" };
            tell(key, command.to_string(), Some(asked.span.clone()));
        }
        if let Some(wait) = &test.healthy {
            tell("healthy", wait.limit.to_string(), place(&self.healthy));
        }
        tell("timeout", test.timeout.to_string(), place(&self.timeout));
        for ((name, value), (_, template)) in test.env.iter().zip(&self.env) {
            tell(&format!("env.{name}"), value.clone(), Some(template.span()));
        }
        for (volume, template) in test.volumes.iter().zip(self.volumes.iter().flatten()) {
            tell("volumes", volume.to_string(), Some(template.span()));
        }
        if test.privileged {
            let span = self.privileged.as_ref().map(|given| given.span.clone());
            tell("privileged", "true".to_owned(), span);
        }
        told
    }
}

impl Made<'_> {
    /// The test of this cell.
    pub(super) fn test(&mut self, rule: &Option<TestRule>) -> Option<Test> {
        let rule = rule.as_ref().filter(|rule| !rule.off)?;
        let healthy = rule.healthy.as_ref();
        let span = match (&rule.command, healthy) {
            (Some(command), _) => command.place.clone(),
            (None, Some(given)) => given.span.clone(),
            (None, None) => {
                self.errors.push(
                    Diagnostic::error("this test does nothing").at(&rule.span, "").help(
                        "say what it is: `run`, `script` or `healthy`; or write `test: none`",
                    ),
                );
                return None;
            }
        };
        let timeout = rule.timeout.as_ref().map_or(TimeLimit::DEFAULT, |given| given.value);
        if let Some(given) = healthy.filter(|given| given.value > timeout) {
            let message = format!("the whole test may take {timeout}: less than it waits here");
            let help = format!("add `timeout: {}` or more", given.value);
            self.errors.push(Diagnostic::error(message).at(&given.span, "").help(help));
        }
        let command = rule.command.as_ref().and_then(|command| match &command.words {
            Words::List(items) => {
                Some(TestCommand::Words(items.iter().map(|item| self.text(item)).collect()))
            }
            Words::Line(line) => Some(TestCommand::Shell(self.text(line))),
            Words::Script(path) => {
                let text = self.text(path);
                let path = script(&text).map_err(|why| unusable(path, &text, why));
                self.keep(path).map(|path| TestCommand::Script(path.into()))
            }
        });
        let is_empty = match &command {
            Some(TestCommand::Words(words)) => words.first().is_none_or(String::is_empty),
            Some(TestCommand::Shell(line)) => line.trim().is_empty(),
            Some(TestCommand::Script(_)) | None => false,
        };
        if is_empty && !self.errors.has_errors() {
            let finding = Diagnostic::error("the command of this test is empty here");
            self.errors.push(finding.at(&span, ""));
        }
        let mut volumes = Vec::new();
        for template in rule.volumes.iter().flatten() {
            let text = self.text(template);
            let volume = text.parse().map_err(|why| unusable(template, &text, why));
            volumes.extend(self.keep(volume));
        }
        Some(Test {
            span,
            command,
            healthy: healthy.map(|given| Wait { limit: given.value, span: given.span.clone() }),
            timeout,
            env: self.texts(&rule.env),
            volumes,
            privileged: rule.privileged.as_ref().is_some_and(|given| given.value),
        })
    }
}

/// The path of a script, which stays in the folder of matrix.yaml.
fn script(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let inside = !text.starts_with('/') && !text.ends_with('/') && !parts.contains(&"..");
    if parts.is_empty() || !inside || text.chars().any(char::is_control) {
        return Err("this path does not name a file in the folder of the matrix".to_owned());
    }
    Ok(parts.join("/"))
}

/// What holds no placeholder is checked before any cell is made.
pub(super) fn literals(rule: &TestRule, errors: &mut Diagnostics) {
    let mut wrong = |template: &Template, found: Result<(), String>| {
        if let (true, Err(why)) = (template.is_literal(), found) {
            errors.push(Diagnostic::error(why).at(&template.span(), ""));
        }
    };
    for volume in rule.volumes.iter().flatten() {
        wrong(volume, volume.text().parse::<crate::input::Volume>().map(drop));
    }
    if let Some(Command { words: Words::Script(path), .. }) = &rule.command {
        wrong(path, script(path.text()).map(drop));
    }
    for (name, template) in rule.env.iter().filter(|(name, _)| !is_variable(name)) {
        let message = format!("`{name}` is not the name of a variable");
        errors.push(Diagnostic::error(message).at(&template.span(), ""));
    }
}
