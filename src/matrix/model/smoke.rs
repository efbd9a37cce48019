//! What the file says of the test of images, and what it comes to in one cell.

use super::given::{Given, Texts, merge};
use crate::error::Span;
use crate::input::{Test, TimeLimit};
use crate::template::Template;

/// `test:` at the top or in a rule.
#[derive(Debug, Clone)]
pub(crate) struct SmokeRule {
    pub(crate) span: Span,
    /// `none`: nothing is tried.
    pub(crate) off: bool,
    pub(crate) command: Option<Command>,
    pub(crate) healthy: Option<Given<TimeLimit>>,
    pub(crate) timeout: Option<Given<TimeLimit>>,
    pub(crate) env: Texts,
    pub(crate) volumes: Option<Vec<Template>>,
    pub(crate) privileged: Option<Given<bool>>,
}

/// What is run, and where it is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) words: Words,
    /// Of the words themselves.
    pub(crate) span: Span,
    /// Where a failure points: at the key, since the text of a block begins a line later; at the
    /// name of a script.
    pub(crate) place: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum Words {
    List(Vec<Template>),
    Line(Template),
    Script(Template),
}

impl SmokeRule {
    /// A test that says nothing yet.
    pub(crate) fn new(span: Span) -> Self {
        let (off, command, healthy, timeout, env) = Default::default();
        Self { span, off, command, healthy, timeout, env, volumes: None, privileged: None }
    }

    /// This rule where it says something, else `below`, key by key.
    pub(crate) fn over(&self, below: Option<&Self>) -> Self {
        let mut all = self.clone();
        let Some(below) = below.filter(|below| !below.off && !self.off) else { return all };
        all.command = all.command.or_else(|| below.command.clone());
        all.healthy = all.healthy.or_else(|| below.healthy.clone());
        all.timeout = all.timeout.or_else(|| below.timeout.clone());
        all.volumes = all.volumes.or_else(|| below.volumes.clone());
        all.privileged = all.privileged.or_else(|| below.privileged.clone());
        all.env.clone_from(&below.env);
        merge(&mut all.env, &self.env);
        all
    }

    /// All texts with placeholders.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let words = self.command.iter().flat_map(|command| match &command.words {
            Words::List(items) => items.as_slice(),
            Words::Line(one) | Words::Script(one) => std::slice::from_ref(one),
        });
        let env = self.env.iter().map(|(_, template)| template);
        words.chain(env).chain(self.volumes.iter().flatten())
    }
}

impl SmokeRule {
    /// What `test`, which was made of this rule, comes to: each value with its key and its place.
    pub(crate) fn told(&self, test: &Test) -> Vec<(String, String, Option<Span>)> {
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
