//! The list of images on stdout. Each line is written as soon as its image is pushed or stored, so that a
//! killed run has listed the images that it pushed.

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::outcome::CellResult;
use crate::report;
use crate::run::terminal;
use crate::schedule::{Builder, Job};

/// A builder that lists the images of the inner builder.
pub(super) struct Listed<B> {
    builder: B,
    /// One line per cell at most, so the queue needs no limit of its own.
    lines: Option<mpsc::UnboundedSender<String>>,
}

impl<B> Listed<B> {
    /// Wraps `builder`. The task writes the list and ends when `self` is dropped. Without `shown`, nothing
    /// is listed.
    pub(super) fn new(builder: B, shown: bool) -> (Self, JoinHandle<()>) {
        let (sender, mut lines) = mpsc::unbounded_channel::<String>();
        // On its own thread, because a reader that stops reading must not block the builds.
        let writing = tokio::task::spawn_blocking(move || {
            while let Some(line) = lines.blocking_recv() {
                terminal::stdout(&line);
            }
        });
        (Self { builder, lines: shown.then_some(sender) }, writing)
    }

    /// The inner builder.
    pub(super) fn inner(&self) -> &B {
        &self.builder
    }
}

impl<B: Builder> Builder for Listed<B> {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        let result = self.builder.build(job).await;
        if let (Some(lines), Some(line)) =
            (&self.lines, report::image(&job.request.delivery.references, &result))
        {
            // The writer ends after the last sender, so this fails only if it panicked.
            let _ = lines.send(line);
        }
        result
    }
}
