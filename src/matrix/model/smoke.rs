//! The test of images in the file and in one cell.

use super::given::{Given, Texts, merge};
use crate::error::Span;
use crate::input::{SmokeTest, TimeLimit};
use crate::template::Template;

/// `test:` at the top or in a rule.
#[derive(Debug, Clone)]
pub(crate) struct SmokeRule {
    pub(crate) span: Span,
    /// `none`: images are not tested.
    pub(crate) off: bool,
    pub(crate) command: Option<Command>,
    pub(crate) healthy: Option<Given<TimeLimit>>,
    pub(crate) timeout: Option<Given<TimeLimit>>,
    pub(crate) env: Texts,
    pub(crate) volumes: Option<Vec<Template>>,
    pub(crate) privileged: Option<Given<bool>>,
}

/// The command of a test, and its place.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) words: Words,
    /// The place of the words themselves.
    pub(crate) span: Span,
    /// The place for errors: the key, since the text of a block starts one line later, or the name
    /// of a script.
    pub(crate) place: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum Words {
    List(Vec<Template>),
    Line(Template),
    Script(Template),
}

impl SmokeRule {
    /// An empty test.
    pub(crate) fn new(span: Span) -> Self {
        let (off, command, healthy, timeout, env) = Default::default();
        Self { span, off, command, healthy, timeout, env, volumes: None, privileged: None }
    }

    /// This rule merged over `below`, key by key.
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

    /// All strings with placeholders.
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
    /// The effective values of `test`, which was created from this rule, each with its key and
    /// place.
    pub(crate) fn origins(&self, test: &SmokeTest) -> Vec<(String, String, Option<Span>)> {
        let place = |given: &Option<Given<TimeLimit>>| given.as_ref().map(|g| g.span.clone());
        let mut values = Vec::new();
        let mut add = |key: &str, value: String, span| values.push((key.to_owned(), value, span));
        if let (Some(command), Some(asked)) = (&test.command, &self.command) {
            let key = if matches!(asked.words, Words::Script(_)) { "script" } else { "run" };
            add(key, command.to_string(), Some(asked.span.clone()));
        }
        if let Some(wait) = &test.healthy {
            add("healthy", wait.limit.to_string(), place(&self.healthy));
        }
        add("timeout", test.timeout.to_string(), place(&self.timeout));
        for ((name, value), (_, template)) in test.env.iter().zip(&self.env) {
            add(&format!("env.{name}"), value.clone(), Some(template.span()));
        }
        for (volume, template) in test.volumes.iter().zip(self.volumes.iter().flatten()) {
            add("volumes", volume.to_string(), Some(template.span()));
        }
        if test.privileged {
            let span = self.privileged.as_ref().map(|given| given.span.clone());
            add("privileged", "true".to_owned(), span);
        }
        values
    }
}
