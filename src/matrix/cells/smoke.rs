//! The smoke test of one cell.

use super::made::Made;
use crate::error::Diagnostic;
use crate::input::{HealthWait, SmokeCommand, SmokeTest, TimeLimit};
use crate::matrix::model::{SmokeRule, Words, script, unusable};

impl Made<'_> {
    /// The test of this cell.
    pub(crate) fn smoke(&mut self, rule: &Option<SmokeRule>) -> Option<SmokeTest> {
        let rule = rule.as_ref().filter(|rule| !rule.off)?;
        let healthy = rule.healthy.as_ref();
        let span = match (&rule.command, healthy) {
            (Some(command), _) => command.place.clone(),
            (None, Some(given)) => given.span.clone(),
            (None, None) => {
                self.errors.push(
                    Diagnostic::error("this test does nothing")
                        .at(&rule.span, "")
                        .help("add `run`, `script` or `healthy`; or write `test: none`"),
                );
                return None;
            }
        };
        let timeout = rule.timeout.as_ref().map_or(TimeLimit::DEFAULT, |given| given.value);
        if let Some(given) = healthy.filter(|given| given.value > timeout) {
            let message =
                format!("the timeout of the whole test is {timeout}, which is shorter than this");
            let help = format!("set `timeout` to {} or more", given.value);
            self.errors.push(Diagnostic::error(message).at(&given.span, "").help(help));
        }
        let command = rule.command.as_ref().and_then(|command| match &command.words {
            Words::List(items) => {
                Some(SmokeCommand::Words(items.iter().map(|item| self.text(item)).collect()))
            }
            Words::Line(line) => Some(SmokeCommand::Shell(self.text(line))),
            Words::Script(path) => {
                let text = self.text(path);
                let path = script(&text).map_err(|why| unusable(path, &text, why));
                self.keep(path).map(|path| SmokeCommand::Script(path.into()))
            }
        });
        let is_empty = match &command {
            Some(SmokeCommand::Words(words)) => words.first().is_none_or(String::is_empty),
            Some(SmokeCommand::Shell(line)) => line.trim().is_empty(),
            Some(SmokeCommand::Script(_)) | None => false,
        };
        if is_empty && !self.errors.has_errors() {
            let finding = Diagnostic::error("the command of this test is empty");
            self.errors.push(finding.at(&span, ""));
        }
        let mut volumes = Vec::new();
        for template in rule.volumes.iter().flatten() {
            let text = self.text(template);
            let volume = text.parse().map_err(|why| unusable(template, &text, why));
            volumes.extend(self.keep(volume));
        }
        Some(SmokeTest {
            span,
            command,
            healthy: healthy
                .map(|given| HealthWait { limit: given.value, span: given.span.clone() }),
            timeout,
            env: self.texts(&rule.env),
            volumes,
            privileged: rule.privileged.as_ref().is_some_and(|given| given.value),
        })
    }
}
