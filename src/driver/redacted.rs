//! A builder that never repeats a password: a registry may echo what it was sent, BuildKit passes
//! the registry's messages on, and it names a step by the URL that the step reads. Nor does it repeat the
//! value of a build argument that is named like a secret: BuildKit shows a step with the values of its
//! arguments.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::docker::Credentials;
use crate::event::Event;
use crate::failure::Failure;
use crate::input::names_secret;
use crate::outcome::CellResult;
use crate::plan::BuildRequest;
use crate::schedule::{Builder, Job};
use crate::text::{redact, redact_login};

/// Events buffered here, in addition to the display's own bounded channel.
const BUFFERED_EVENTS: usize = 16;

/// A shorter value of an argument is part of too many other words.
const SHORTEST_VALUE: usize = 6;

/// Redacts every login looked up in this run, and the secrets in URLs, from the output of the inner builder.
pub(crate) struct Redacted<B> {
    builder: B,
    credentials: Arc<Credentials>,
}

impl<B> Redacted<B> {
    /// Wraps `builder`, which uses the logins of `credentials`.
    pub(crate) fn new(builder: B, credentials: Arc<Credentials>) -> Self {
        Self { builder, credentials }
    }

    /// The inner builder.
    pub(crate) fn inner(&self) -> &B {
        &self.builder
    }

    /// What removes logins, and the secrets of `request`, from a text.
    fn for_request<'r>(&'r self, request: &'r BuildRequest) -> Redaction<'r> {
        let args = &request.recipe.inputs.args;
        let is_secret = |(name, value): &(&Arc<str>, &Arc<str>)| {
            names_secret(name) && value.len() >= SHORTEST_VALUE
        };
        let mut values: Vec<&str> =
            args.iter().filter(is_secret).map(|(_, value)| &**value).collect();
        // One may be part of another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Redaction { credentials: &self.credentials, values }
    }
}

struct Redaction<'r> {
    credentials: &'r Credentials,
    /// BuildKit shows a step with the values of its build arguments.
    values: Vec<&'r str>,
}

impl Redaction<'_> {
    fn text(&self, text: &mut String) {
        if let Some(redacted) = self.credentials.redacted(text) {
            *text = redacted;
        }
        for value in &self.values {
            if text.contains(value) {
                *text = text.replace(value, "[redacted]");
            }
        }
        if let Cow::Owned(redacted) = redact(text) {
            *text = redacted;
        }
    }

    fn event(&self, event: &mut Event) {
        match event {
            Event::Step { step, .. } => self.text(&mut step.name),
            Event::Log { line, .. } => self.text(line),
            Event::Transfer { transfer, .. } => self.text(&mut transfer.name),
            Event::Warning { warning, .. } => {
                self.text(&mut warning.message);
                warning.file.iter_mut().for_each(|file| self.text(file));
                warning.url.iter_mut().for_each(|url| self.text(url));
            }
            Event::Waiting { wait, .. } => self.text(&mut wait.what),
            Event::Retrying { retry, .. } => self.failure(&mut retry.failure),
            Event::Answered { .. }
            | Event::Resumed { .. }
            | Event::RunStarted { .. }
            | Event::CellStarted { .. }
            | Event::CellFinished(_)
            | Event::Cancelling => {}
        }
    }

    fn failure(&self, failure: &mut Failure) {
        failure.earlier.iter_mut().for_each(|one| self.failure(&mut one.failure));
        let Failure { message, verbatim, stage, instruction, log_tail, help, place, .. } = failure;
        stage.iter_mut().chain(log_tail).for_each(|text| self.text(text));
        let texts =
            [message].into_iter().chain([verbatim, instruction, help].into_iter().flatten());
        texts.chain(place.iter_mut().map(|place| &mut place.text)).for_each(|text| {
            self.text(text);
            if let Cow::Owned(redacted) = redact_login(text) {
                *text = redacted;
            }
        });
    }
}

impl<B: Builder> Builder for Redacted<B> {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        let redaction = self.for_request(job.request);
        let (sender, mut received) = mpsc::channel(BUFFERED_EVENTS);
        let relay = async {
            while let Some(mut event) = received.recv().await {
                redaction.event(&mut event);
                // A closed display does not stop the build.
                let _ = job.events.send(event).await;
            }
        };
        let build = async {
            // The relay ends with the last sender.
            let sender = sender;
            self.builder.build(&Job { events: &sender, ..*job }).await
        };
        let (mut result, ()) = tokio::join!(build, relay);
        match &mut result {
            CellResult::Failed(failure) => redaction.failure(failure),
            CellResult::Built(built) => {
                built.unverified.iter_mut().for_each(|why| redaction.text(why));
                built.earlier.iter_mut().for_each(|one| redaction.failure(&mut one.failure));
            }
            CellResult::NotStarted(_) | CellResult::Cancelled => {}
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use tokio_util::sync::CancellationToken;

    use super::super::samples::request;
    use super::*;
    use crate::docker::DockerConfig;
    use crate::event::{Step, StepId, StepState, Transfer, Warning};
    use crate::failure::Place;
    use crate::schedule::Slot;

    /// A registry may echo the password, and the login as it was sent. A step may print its proxy, and
    /// the URL of a file.
    const ECHO: &str = "denied: bob:canary-7f3a or Basic Ym9iOmNhbmFyeS03ZjNh via me:canary-9d@p \
                        at https://bob:canary-5@r.example/a?token=canary-6 with canary-5c";

    struct Echo(Arc<Credentials>);

    impl Builder for Echo {
        async fn build(&self, job: &Job<'_>) -> CellResult {
            self.0.lookup("r.example").await.unwrap();
            let (cell, step, text) = (job.request.cell.clone(), StepId(1), || ECHO.to_owned());
            let one = Step {
                id: step,
                name: text(),
                platform: None,
                stage: None,
                position: None,
                is_output: false,
                state: StepState::Running,
            };
            let transfer =
                Transfer { name: text(), is_blob: false, current: 1, total: 1, done: true };
            let warning =
                Warning { file: Some(text()), line: None, message: text(), url: Some(text()) };
            for event in [
                Event::Step { cell: cell.clone(), step: one },
                Event::Log { cell: cell.clone(), step, line: text() },
                Event::Transfer { cell: cell.clone(), step, transfer },
                Event::Warning { cell, warning },
            ] {
                job.events.send(event).await.unwrap();
            }
            CellResult::Failed(Box::new(Failure {
                message: text(),
                verbatim: Some(text()),
                stage: Some(text()),
                instruction: Some(text()),
                help: Some(text()),
                log_tail: vec![text()],
                place: Some(Place { file: "Dockerfile".to_owned(), line: 1, text: text() }),
                ..Failure::default()
            }))
        }
    }

    #[tokio::test]
    async fn logins_and_secrets_are_redacted_in_events_and_failures() {
        let config = br#"{"auths": {"r.example": {"auth": "Ym9iOmNhbmFyeS03ZjNh"}},
            "proxies": {"default": {"httpProxy": "http://me:canary-9d@p.example:1"}}}"#;
        let config = DockerConfig::parse(Path::new("config.json"), config).unwrap();
        let credentials = Arc::new(Credentials::new(config, OsStr::new("")));
        let builder = Redacted::new(Echo(credentials.clone()), credentials);
        let (events, mut received) = mpsc::channel(8);
        let (mut request, cancel, slot) = (request(), CancellationToken::new(), Slot::alone());
        request.recipe.inputs.args =
            [("NPM_TOKEN".into(), "canary-5c".into()), ("V".into(), "denied".into())].into();
        let job = Job { request: &request, events: &events, cancel: &cancel, slot: &slot };
        let result = builder.build(&job).await;
        drop(events);
        let mut all = vec![format!("{result:?}")];
        while let Some(event) = received.recv().await {
            all.push(format!("{event:?}"));
        }
        assert_eq!(all.len(), 5);
        for text in all {
            assert!(!text.contains("canary") && !text.contains("Ym9iOmNh"), "{text}");
            assert!(
                text.contains("denied: bob:[redacted] or Basic [redacted] via me:[redacted]@p at"),
                "{text}"
            );
            let rest = "at https://bob:***@r.example/a?token=*** with [redacted]";
            assert!(text.contains(rest), "{text}");
        }
    }
}
