//! Forwards BuildKit's progress of one cell as events, and records it for the outcome.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::buildkit::{Client, Progress, Update, VertexId, VertexKind, VertexName, VertexState};
use crate::cell_name::CellName;
use crate::event::{Event, Step, StepId, StepState, Transfer, Warning};
use crate::input::Retry;
use crate::plan::BuildRequest;
use crate::schedule::Events;
use crate::template::Rendered;

use super::options::SolveOptions;
use crate::driver::stalled::limit::{GivenUp, RegistryLimit};
use crate::driver::stalled::standstill::Standstill;
use crate::driver::tail::Tail;

/// The recorded vertices of a cell.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    vertices: BTreeMap<VertexId, Vertex>,
    by_digest: HashMap<String, VertexId>,
}

/// A recorded vertex.
#[derive(Debug, Default)]
pub(crate) struct Vertex {
    pub(crate) name: VertexName,
    pub(crate) state: Option<VertexState>,
    /// The last lines of its output.
    pub(crate) tail: Tail,
    /// The first pattern of `retry: when` in its output.
    pub(crate) retry_pattern: Option<String>,
}

impl Seen {
    /// The vertex that an error names.
    pub(crate) fn vertex(&self, digest: &str) -> Option<&Vertex> {
        self.vertices.get(self.by_digest.get(digest)?)
    }

    /// The first failed vertex, for an error that names none.
    pub(crate) fn failed(&self) -> Option<&Vertex> {
        self.vertices
            .values()
            .find(|vertex| matches!(vertex.state, Some(VertexState::Failed { .. })))
    }

    /// The base image of the stage of `vertex`, with its current digest.
    pub(crate) fn base_of(&self, vertex: &Vertex) -> Option<&str> {
        let of = &vertex.name;
        self.vertices.values().find_map(|Vertex { name, .. }| {
            let is_same = name.stage == of.stage && name.platform == of.platform;
            match &name.kind {
                VertexKind::Image { image, is_from: true } if is_same => Some(image.as_str()),
                _ => None,
            }
        })
    }

    /// The number of cached steps and of all steps: instructions that create layers or run commands.
    ///
    /// BuildKit can report one instruction as several vertices when cells share its work.
    pub(crate) fn steps(&self) -> (u32, u32) {
        let mut steps: HashMap<_, bool> = HashMap::new();
        for Vertex { name, state, .. } in self.vertices.values() {
            if name.kind == VertexKind::Instruction {
                let cached = *state == Some(VertexState::Cached);
                steps
                    .entry((&name.platform, &name.stage, name.position))
                    .and_modify(|all_cached| *all_cached &= cached)
                    .or_insert(cached);
            }
        }
        let from_cache = steps.values().filter(|cached| **cached).count();
        (
            u32::try_from(from_cache).unwrap_or(u32::MAX),
            u32::try_from(steps.len()).unwrap_or(u32::MAX),
        )
    }

    fn remember(&mut self, progress: &Progress, retry: &Retry) {
        self.by_digest.entry(progress.digest.clone()).or_insert(progress.vertex);
        let vertex = self.vertices.entry(progress.vertex).or_default();
        match &progress.update {
            Update::Vertex { name, state } => {
                vertex.name = name.clone();
                vertex.state = Some(*state);
            }
            Update::Line(line) => {
                if vertex.retry_pattern.is_none() {
                    vertex.retry_pattern = retry.pattern_in(line).map(str::to_owned);
                }
                vertex.tail.push(line.clone());
            }
            Update::Transfer { .. } | Update::Warning { .. } => {}
        }
    }
}

impl Vertex {
    /// How long it ran, if known.
    pub(crate) fn took(&self) -> Option<Duration> {
        match self.state {
            Some(VertexState::Done { took } | VertexState::Failed { took }) => Some(took),
            _ => None,
        }
    }
}

/// A display that takes longer than this has delayed the updates of a build.
const SLOW_DISPLAY: Duration = Duration::from_secs(1);

/// Watches one build.
pub(crate) struct Watch<'w> {
    pub(crate) request: &'w BuildRequest,
    pub(crate) options: &'w SolveOptions<'w>,
    pub(crate) events: &'w Events,
    pub(crate) client: &'w Client,
    pub(crate) limit: &'w RegistryLimit,
    /// Fires when a step waits too long for a registry.
    pub(crate) stop: &'w CancellationToken,
}

impl Watch<'_> {
    /// Forwards `progress` until it ends. Returns the recorded vertices, and a step that timed out.
    pub(crate) async fn follow(
        self,
        mut progress: mpsc::Receiver<Progress>,
    ) -> (Seen, Option<GivenUp>) {
        let (mut seen, mut standstill) = (Seen::default(), Standstill::default());
        let mut given_up = None;
        let mut look = Instant::now() + self.limit.timeout;
        loop {
            let report = standstill.next_report().unwrap_or(look);
            tokio::select! {
                biased;
                change = progress.recv() => {
                    let Some(change) = change else { break };
                    self.change(change, &mut seen, &mut standstill).await;
                }
                () = sleep_until(report), if report < look => {
                    for (vertex, wait) in standstill.reports(self.options, Instant::now()) {
                        let (cell, step) = (self.request.cell.clone(), StepId(vertex.0));
                        let _ = self.events.send(Event::Waiting { cell, step, wait }).await;
                    }
                }
                () = sleep_until(look), if given_up.is_none() => {
                    given_up = self.overdue(&standstill).await;
                    look = Instant::now() + self.limit.timeout / 20;
                    if given_up.is_some() {
                        self.stop.cancel();
                    }
                }
            }
        }
        self.limit.transfers(&self.request.cell, &[], Instant::now());
        (seen, given_up)
    }

    async fn change(&self, change: Progress, seen: &mut Seen, standstill: &mut Standstill) {
        let now = Instant::now();
        let cell = &self.request.cell;
        seen.remember(&change, &self.request.policy.retry);
        if standstill.apply(&change, now) {
            let (cell, step) = (cell.clone(), StepId(change.vertex.0));
            let _ = self.events.send(Event::Answered { cell, step }).await;
        }
        if let Update::Transfer { .. } = change.update {
            self.limit.transfers(cell, &standstill.waiting(self.options), now);
        }
        // A closed display does not stop the build.
        let _ = self.events.send(event(cell, &self.request.recipe.dockerfile, change)).await;
        if now.elapsed() > SLOW_DISPLAY {
            standstill.restart(Instant::now());
        }
    }

    /// A step that has waited too long.
    async fn overdue(&self, standstill: &Standstill) -> Option<GivenUp> {
        for waiting in standstill.waiting(self.options) {
            if waiting.since.elapsed() < self.limit.timeout
                || waiting.since.elapsed() < self.limit.allowed(self.client, &waiting).await
            {
                continue;
            }
            let after = waiting.since.elapsed();
            let (image, phase) = (waiting.asked.image, waiting.asked.phase);
            return Some(GivenUp { image, phase, after });
        }
        None
    }
}

fn event(cell: &CellName, dockerfile: &Rendered, progress: Progress) -> Event {
    let cell = cell.clone();
    let step = StepId(progress.vertex.0);
    match progress.update {
        Update::Line(line) => Event::Log { cell, step, line },
        Update::Transfer { name, current, total, done } => {
            let (is_blob, name) = (name.has_digest(), name.text);
            let transfer = Transfer { name, is_blob, current, total, done };
            Event::Transfer { cell, step, transfer }
        }
        Update::Warning { message, url, line } => {
            // It ends with the line in the rendered file, which may differ from that in the template.
            let message = match (message.rsplit_once(" (line "), line) {
                (Some((head, tail)), Some(_)) if tail.ends_with(')') => head.to_owned(),
                _ => message,
            };
            let origin = line.and_then(|line| dockerfile.origin(line));
            let (file, line) = match origin {
                Some(origin) => (Some(origin.file.to_string()), Some(origin.line)),
                None => (None, line),
            };
            Event::Warning { cell, warning: Warning { file, line, message, url } }
        }
        Update::Vertex { name, state } => Event::Step {
            cell,
            step: Step {
                id: step,
                is_output: name.kind.is_output(),
                name: name.text,
                platform: name.platform.and_then(|platform| platform.parse().ok()),
                stage: name.stage,
                position: name.position,
                state: match state {
                    VertexState::Running => StepState::Running,
                    VertexState::Cached => StepState::Cached,
                    VertexState::Done { took } => StepState::Done { took },
                    VertexState::Failed { took } => StepState::Failed { took },
                },
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(changes: &[(u32, &str, VertexState)]) -> Seen {
        let mut seen = Seen::default();
        for (id, name, state) in changes {
            seen.remember(
                &Progress {
                    vertex: VertexId(*id),
                    digest: format!("sha256:{id}"),
                    update: Update::Vertex { name: VertexName::parse(name), state: *state },
                },
                &Retry::default(),
            );
        }
        seen
    }

    #[test]
    fn only_instructions_beyond_from_are_counted_as_steps() {
        let done = VertexState::Done { took: Duration::ZERO };
        let seen = seen(&[
            (0, "[internal] load build definition from x", done),
            (1, "[1/3] FROM ubuntu", VertexState::Cached),
            (2, "[2/3] RUN a", VertexState::Running),
            (2, "[2/3] RUN a", done),
            (5, "[2/3] RUN a", VertexState::Cached),
            (3, "[3/3] RUN b", VertexState::Cached),
            (4, "exporting to image", done),
        ]);
        assert_eq!(seen.steps(), (1, 2));
    }

    #[test]
    fn the_base_of_a_step_has_the_same_stage_and_platform() {
        let done = VertexState::Cached;
        let seen = seen(&[
            (0, "[linux/amd64 tools 1/2] FROM a:1@sha256:x", done),
            (1, "[linux/arm64 tools 1/2] FROM b:1", done),
            (2, "[linux/arm64 tools 2/2] COPY c /", done),
            (3, "exporting to image", done),
        ]);
        let base = |id| seen.base_of(seen.vertex(&format!("sha256:{id}")).unwrap());
        assert_eq!([base(0), base(2), base(3)], [Some("a:1@sha256:x"), Some("b:1"), None]);
    }

    #[test]
    fn the_last_lines_of_a_step_are_stored() {
        let mut seen = seen(&[(0, "[1/1] RUN a", VertexState::Failed { took: Duration::ZERO })]);
        for number in 0..100 {
            seen.remember(
                &Progress {
                    vertex: VertexId(0),
                    digest: "sha256:0".into(),
                    update: Update::Line(number.to_string()),
                },
                &Retry::default(),
            );
        }
        let vertex = seen.vertex("sha256:0").unwrap();
        let tail = vertex.tail.lines();
        assert_eq!((tail.len(), tail[0].as_str()), (Tail::LINES, "80"));
        assert_eq!(seen.failed().unwrap().tail.lines()[Tail::LINES - 1], "99");
    }
}
