//! BuildKit's progress of one cell: told on as events, and remembered for the outcome.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::buildkit::{Progress, Update, VertexId, VertexName, VertexState};
use crate::event::{CellName, Event, Step, StepId, StepState, Transfer, Warning};
use crate::schedule::Events;
use crate::template::Rendered;

/// How many lines of each step are remembered, in case it fails.
const TAIL: usize = 20;

/// What was seen of a cell's vertices.
#[derive(Debug, Default)]
pub(super) struct Seen {
    vertices: BTreeMap<VertexId, Vertex>,
    by_digest: HashMap<String, VertexId>,
}

/// What was seen of one vertex.
#[derive(Debug, Default)]
pub(super) struct Vertex {
    pub(super) name: VertexName,
    pub(super) state: Option<VertexState>,
    /// The last lines it wrote, oldest first.
    pub(super) tail: VecDeque<String>,
}

impl Seen {
    /// The vertex that an error names.
    pub(super) fn vertex(&self, digest: &str) -> Option<&Vertex> {
        self.vertices.get(self.by_digest.get(digest)?)
    }

    /// The one vertex that failed, for an error that names none.
    pub(super) fn failed(&self) -> Option<&Vertex> {
        self.vertices
            .values()
            .find(|vertex| matches!(vertex.state, Some(VertexState::Failed { .. })))
    }

    /// The image that the stage of `vertex` is built on, with the digest that it has now.
    pub(super) fn base_of(&self, vertex: &Vertex) -> Option<&str> {
        let of = &vertex.name;
        self.vertices.values().find_map(|Vertex { name, .. }| {
            let is_same = name.stage == of.stage && name.platform == of.platform;
            let from = name.text.strip_prefix("FROM ").filter(|_| is_same)?;
            from.split(' ').next()
        })
    }

    /// (from the cache, in all), counting the instructions that make layers or run commands.
    ///
    /// BuildKit can show one instruction as several vertices, when cells share its work.
    pub(super) fn steps(&self) -> (u32, u32) {
        let mut steps: HashMap<_, bool> = HashMap::new();
        for Vertex { name, state, .. } in self.vertices.values() {
            if name.position.is_some() && !name.text.starts_with("FROM ") {
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

    fn remember(&mut self, progress: &Progress) {
        self.by_digest.entry(progress.digest.clone()).or_insert(progress.vertex);
        let vertex = self.vertices.entry(progress.vertex).or_default();
        match &progress.update {
            Update::Vertex { name, state } => {
                vertex.name = name.clone();
                vertex.state = Some(*state);
            }
            Update::Line(line) => {
                if vertex.tail.len() == TAIL {
                    vertex.tail.pop_front();
                }
                vertex.tail.push_back(line.clone());
            }
            Update::Transfer { .. } | Update::Warning { .. } => {}
        }
    }
}

impl Vertex {
    /// How long it ran, where that is known.
    pub(super) fn took(&self) -> Option<Duration> {
        match self.state {
            Some(VertexState::Done { took } | VertexState::Failed { took }) => Some(took),
            _ => None,
        }
    }
}

/// Tells `events` what `progress` brings until it ends, and returns what was seen.
pub(super) async fn watch(
    cell: &CellName,
    dockerfile: &Rendered,
    mut progress: mpsc::Receiver<Progress>,
    events: &Events,
) -> Seen {
    let mut seen = Seen::default();
    while let Some(change) = progress.recv().await {
        seen.remember(&change);
        // A display that is gone does not stop the build.
        let _ = events.send(event(cell, dockerfile, change)).await;
    }
    seen
}

fn event(cell: &CellName, dockerfile: &Rendered, progress: Progress) -> Event {
    let cell = cell.clone();
    let step = StepId(progress.vertex.0);
    match progress.update {
        Update::Line(line) => Event::Log { cell, step, line },
        Update::Transfer { name, current, total, done } => {
            Event::Transfer { cell, step, transfer: Transfer { name, current, total, done } }
        }
        Update::Warning { message, url, line } => {
            // It ends in the line of what was rendered, which is not always the template's.
            let message = match (message.rsplit_once(" (line "), line) {
                (Some((head, tail)), Some(_)) if tail.ends_with(')') => head.to_owned(),
                _ => message,
            };
            let line = line.map(|line| dockerfile.origin(line).map_or(line, |origin| origin.line));
            Event::Warning { cell, warning: Warning { line, message, url } }
        }
        Update::Vertex { name, state } => Event::Step {
            cell,
            step: Step {
                id: step,
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
            seen.remember(&Progress {
                vertex: VertexId(*id),
                digest: format!("sha256:{id}"),
                update: Update::Vertex { name: VertexName::parse(name), state: *state },
            });
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
    fn the_base_of_a_step_is_that_of_its_stage_and_platform() {
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
    fn the_last_lines_of_a_step_are_remembered() {
        let mut seen = seen(&[(0, "[1/1] RUN a", VertexState::Failed { took: Duration::ZERO })]);
        for number in 0..100 {
            seen.remember(&Progress {
                vertex: VertexId(0),
                digest: "sha256:0".into(),
                update: Update::Line(number.to_string()),
            });
        }
        let vertex = seen.vertex("sha256:0").unwrap();
        assert_eq!((vertex.tail.len(), vertex.tail[0].as_str()), (TAIL, "80"));
        assert_eq!(seen.failed().unwrap().tail[TAIL - 1], "99");
    }
}
