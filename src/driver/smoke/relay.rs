//! Forwards only the export and push events of a repeated build. Its other steps were already reported.

use std::collections::HashSet;

use tokio::sync::mpsc;

use crate::event::{Event, StepId};
use crate::schedule::Events;

/// Bits in step numbers that a solve never sets: for tests, and for second solves.
pub(crate) const SMOKE_STEPS: u32 = 1 << 30;
const OUTPUTS: u32 = 1 << 29;

/// Forwards the output events of `relayed` to `events`.
pub(crate) async fn outputs(mut relayed: mpsc::Receiver<Event>, events: &Events) {
    let mut known = HashSet::new();
    let renumbered = |step: StepId| StepId(step.0 | OUTPUTS);
    while let Some(event) = relayed.recv().await {
        let event = match event {
            Event::Step { cell, mut step } if step.is_output => {
                known.insert(step.id);
                step.id = renumbered(step.id);
                Event::Step { cell, step }
            }
            Event::Log { cell, step, line } if known.contains(&step) => {
                Event::Log { cell, step: renumbered(step), line }
            }
            Event::Transfer { cell, step, transfer } if known.contains(&step) => {
                Event::Transfer { cell, step: renumbered(step), transfer }
            }
            Event::Waiting { cell, step, wait } if known.contains(&step) => {
                Event::Waiting { cell, step: renumbered(step), wait }
            }
            Event::Answered { cell, step } if known.contains(&step) => {
                Event::Answered { cell, step: renumbered(step) }
            }
            // BuildKit's warnings have a line or a URL and were already reported. Warnings about
            // caches have neither.
            Event::Warning { cell, warning } if warning.line.is_none() && warning.url.is_none() => {
                Event::Warning { cell, warning }
            }
            _ => continue,
        };
        // A closed display does not stop the build.
        let _ = events.send(event).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Step, StepState, Warning};

    #[tokio::test]
    async fn only_events_of_outputs_are_forwarded() {
        let step = |id: u32, name: &str| Event::Step {
            cell: "v1".into(),
            step: Step {
                id: StepId(id),
                name: name.to_owned(),
                platform: None,
                stage: None,
                position: None,
                is_output: id > 1,
                state: StepState::Running,
            },
        };
        let line = |id: u32| Event::Log { cell: "v1".into(), step: StepId(id), line: "x".into() };
        let (sender, relayed) = mpsc::channel(8);
        let warning = |line: Option<u32>| Event::Warning {
            cell: "v1".into(),
            warning: Warning { file: None, line, message: "x".into(), url: None },
        };
        let out = [step(2, "exporting to image"), line(2), warning(None)];
        for event in [step(1, "RUN a"), line(1), warning(Some(1))].into_iter().chain(out) {
            sender.send(event).await.unwrap();
        }
        drop(sender);
        let (events, mut received) = mpsc::channel(8);
        outputs(relayed, &events).await;
        drop(events);
        let mut ids = Vec::new();
        while let Some(event) = received.recv().await {
            match event {
                Event::Step { step, .. } => ids.push(step.id.0),
                Event::Log { step, .. } => ids.push(step.0),
                Event::Warning { warning, .. } => assert_eq!(warning.line, None),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(ids, [2 | OUTPUTS, 2 | OUTPUTS]);
    }
}
