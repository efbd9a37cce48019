//! A builder with time limits: for an attempt to build a cell, and for RUN steps without output.

use std::time::Duration;

use indexmap::IndexMap;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::build::failure::place;
use super::tail::Tail;
use crate::dockerfile::Dockerfile;
use crate::event::{Event, Step, StepId, StepState};
use crate::failure::{Failure, Kind};
use crate::input::TimeLimits;
use crate::outcome::CellResult;
use crate::plan::BuildRequest;
use crate::schedule::{Builder, Job};

/// Events buffered here, in addition to the display's own bounded channel.
const BUFFERED_EVENTS: usize = 16;

/// Cancels cells that exceed a limit.
pub(crate) struct Limited<B> {
    builder: B,
    limits: TimeLimits,
}

impl<B> Limited<B> {
    /// Wraps `builder`.
    pub(crate) fn new(builder: B, limits: TimeLimits) -> Self {
        Self { builder, limits }
    }

    /// The inner builder.
    pub(crate) fn inner(&self) -> &B {
        &self.builder
    }
}

impl<B: Builder> Builder for Limited<B> {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        if self.limits == TimeLimits::default() {
            return self.builder.build(job).await;
        }
        let (sender, mut received) = mpsc::channel(BUFFERED_EVENTS);
        let (stop, mut watch) = (job.cancel.child_token(), Watch::new(job.request, self.limits));
        let build = async {
            // The watch ends with the last sender.
            let sender = sender;
            let job = Job { events: &sender, cancel: &stop, ..*job };
            Box::pin(self.builder.build(&job)).await
        };
        let watching = async {
            let mut exceeded = None;
            loop {
                let deadline = watch.deadline();
                tokio::select! {
                    biased;
                    event = received.recv() => {
                        let Some(event) = event else { break };
                        watch.event(&event);
                        // A closed display does not stop the build.
                        let _ = job.events.send(event).await;
                    }
                    () = sleep_until(deadline), if exceeded.is_none() => {
                        exceeded = watch.exceeded();
                        if exceeded.is_some() {
                            stop.cancel();
                        }
                    }
                }
            }
            exceeded
        };
        match tokio::join!(build, watching) {
            (CellResult::Cancelled, Some(failure)) => CellResult::Failed(failure),
            (result, _) => result,
        }
    }
}

/// The running steps of a cell.
struct Watch<'r> {
    request: &'r BuildRequest,
    limits: TimeLimits,
    started: Instant,
    /// Oldest first.
    running: IndexMap<StepId, Running>,
}

struct Running {
    step: Step,
    /// When it started, or last wrote output.
    heard: Instant,
    tail: Tail,
}

impl<'r> Watch<'r> {
    fn new(request: &'r BuildRequest, limits: TimeLimits) -> Self {
        Self { request, limits, started: Instant::now(), running: IndexMap::new() }
    }

    fn event(&mut self, event: &Event) {
        let heard = Instant::now();
        match event {
            Event::Step { step, .. } if step.state == StepState::Running => {
                let started = || Running { step: step.clone(), heard, tail: Tail::default() };
                self.running.entry(step.id).or_insert_with(started);
            }
            Event::Step { step, .. } => drop(self.running.shift_remove(&step.id)),
            Event::Log { step, line, .. } => {
                if let Some(running) = self.running.get_mut(step) {
                    running.heard = heard;
                    running.tail.push(line.clone());
                }
            }
            _ => {}
        }
    }

    /// When a limit may be exceeded next.
    fn deadline(&self) -> Instant {
        let cell = self.limits.cell.map(|limit| self.started + limit.duration());
        let idle = self.limits.idle.and_then(|limit| {
            let oldest = self.runs().map(|running| running.heard).min()?;
            Some(oldest + limit.duration())
        });
        let never = || Instant::now() + Duration::from_secs(60 * 60);
        cell.into_iter().chain(idle).min().unwrap_or_else(never)
    }

    /// The failure, if a limit is exceeded.
    fn exceeded(&self) -> Option<Box<Failure>> {
        let now = Instant::now();
        if let Some(limit) = self.limits.cell
            && now >= self.started + limit.duration()
        {
            let message = format!("timed out: not finished within {limit}");
            return Some(self.failure(self.running.values().next(), message, "--timeout"));
        }
        let limit = self.limits.idle?;
        let silent = self.runs().find(|running| now >= running.heard + limit.duration())?;
        let message = format!("timed out: no output for {limit}");
        Some(self.failure(Some(silent), message, "--idle-timeout"))
    }

    /// The running RUN steps. Other instructions write no output.
    fn runs(&self) -> impl Iterator<Item = &Running> {
        self.running.values().filter(|running| {
            running.step.position.is_some() && running.step.name.starts_with("RUN")
        })
    }
    fn failure(&self, running: Option<&Running>, message: String, flag: &str) -> Box<Failure> {
        let step = running.map(|running| &running.step);
        Box::new(Failure {
            kind: Kind::TimedOut,
            message,
            platform: step.and_then(|step| step.platform.clone()),
            stage: step.and_then(|step| step.stage.clone()),
            place: step.and_then(|step| place(self.request, line_of(self.request, step)?)),
            instruction: step.map(|step| step.name.clone()),
            log_tail: running.map(|running| running.tail.lines()).unwrap_or_default(),
            help: Some(format!("check what the step waits for, or raise {flag}")),
            ..Failure::default()
        })
    }
}

/// The line of a step in the rendered Dockerfile, from its position in its stage: BuildKit says the line only
/// of a step that fails.
fn line_of(request: &BuildRequest, step: &Step) -> Option<u32> {
    let dockerfile = Dockerfile::parse(&request.recipe.dockerfile.text());
    if dockerfile.is_foreign(&request.recipe.inputs.args) {
        return None;
    }
    let (number, total) = step.position?;
    let line = dockerfile.line_of_step(step.stage.as_deref(), total.checked_sub(number)?)?;
    let keyword = step.name.split(' ').next()?;
    (line.keyword == keyword).then_some(line.first)
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::super::samples::request;
    use super::*;
    use crate::input::TimeLimit;
    use crate::outcome::Built;
    use crate::schedule::Slot;
    use crate::template::Rendered;

    /// Runs a step that writes a line every second for `lines` seconds, and then nothing for an hour.
    struct Slow {
        name: &'static str,
        lines: u32,
    }

    impl Builder for Slow {
        async fn build(&self, job: &Job<'_>) -> CellResult {
            let (cell, id) = (job.request.cell.clone(), StepId(1));
            let step = Step {
                id,
                name: self.name.to_owned(),
                platform: Some("linux/arm64".parse().unwrap()),
                stage: None,
                position: Some((3, 4)),
                is_output: false,
                state: StepState::Running,
            };
            job.events.send(Event::Step { cell: cell.clone(), step }).await.unwrap();
            let work = async {
                for number in 0..self.lines {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    let line = format!("line {number}");
                    job.events
                        .send(Event::Log { cell: cell.clone(), step: id, line })
                        .await
                        .unwrap();
                }
                tokio::time::sleep(Duration::from_secs(3_600)).await;
            };
            match job.cancel.run_until_cancelled(work).await {
                Some(()) => CellResult::Built(Built::default()),
                None => CellResult::Cancelled,
            }
        }
    }

    async fn built(slow: Slow, cell: &str, idle: &str) -> (CellResult, u64) {
        let limit = |text: &str| TimeLimit::of_cell(text).ok();
        let limited = Limited::new(slow, TimeLimits { cell: limit(cell), idle: limit(idle) });
        let (mut request, cancel, slot) = (request(), CancellationToken::new(), Slot::alone());
        let text = "FROM alpine\nCOPY . .\nRUN make\nRUN two\n";
        request.recipe.dockerfile = Rendered::verbatim("t/Dockerfile", text).into();
        let (events, mut received) = mpsc::channel(1);
        tokio::spawn(async move { while received.recv().await.is_some() {} });
        let job = Job { request: &request, events: &events, cancel: &cancel, slot: &slot };
        let started = Instant::now();
        let result = limited.build(&job).await;
        assert!(!cancel.is_cancelled());
        (result, started.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_cancels_the_cell_and_the_failure_has_the_last_output() {
        let run = "RUN make";
        for (name, lines, cell, idle, expected) in [
            (run, 100, "30s", "", Some((30, "not finished within 30s", "line 28", "--timeout"))),
            (run, 40, "", "10s", Some((50, "no output for 10s", "line 39", "--idle-timeout"))),
            (run, 40, "20s", "10s", Some((20, "not finished within 20s", "line 18", "--timeout"))),
            (run, 5, "2h", "2h", None),
            // Nothing but RUN writes output.
            ("COPY . .", 0, "", "10s", None),
        ] {
            let (result, seconds) = built(Slow { name, lines }, cell, idle).await;
            let Some((after, message, last, flag)) = expected else {
                assert!(matches!(result, CellResult::Built(_)), "{result:?}");
                continue;
            };
            let CellResult::Failed(failure) = result else { panic!("{result:?}") };
            assert_eq!((seconds, failure.kind), (after, Kind::TimedOut));
            assert!(failure.message.ends_with(message), "{}", failure.message);
            assert_eq!(failure.instruction.as_deref(), Some(name));
            let place = failure.place.expect("a line of the template");
            assert_eq!((place.line, &*place.text), (3, "RUN make"));
            assert!(failure.log_tail.len() <= Tail::LINES);
            assert_eq!(failure.log_tail.last().map(String::as_str), Some(last));
            assert!(failure.help.unwrap().ends_with(flag));
        }
    }
}
