//! The smoke test of one cell.

use super::made::Made;
use crate::error::Diagnostic;
use crate::input::{Test, TestCommand, TimeLimit, Wait};
use crate::matrix::model::{SmokeRule, Words, script, unusable};

impl Made<'_> {
    /// The test of this cell.
    pub(crate) fn test(&mut self, rule: &Option<SmokeRule>) -> Option<Test> {
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
