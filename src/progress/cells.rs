//! The run's state for a terminal display: finished, active and waiting cells.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indexmap::IndexMap;

use crate::cell_name::CellName;
use crate::event::{CellSummary, Event, Retry, Step, StepId, StepState, Transfer, Wait};
use crate::image::Platform;
use crate::outcome::{CellResult, Outcome};
use crate::text::width;

/// The state of a run, updated by its events.
#[derive(Default)]
pub(super) struct Cells {
    pub(super) total: usize,
    /// The column widths of a terminal.
    pub(super) longest_name: usize,
    pub(super) jobs: usize,
    pub(super) finished: usize,
    /// Failed cells, in the order in which they ended.
    pub(super) failed: Vec<CellName>,
    pub(super) cancelling: bool,
    pub(super) started: Option<Instant>,
    /// The duration of each built cell, for the estimate.
    pub(super) built: Vec<Duration>,
    /// Active cells, oldest first.
    pub(super) active: IndexMap<CellName, Active>,
    /// All cells of the run.
    cells: Arc<[CellSummary]>,
}

/// A cell that is being built.
pub(super) struct Active {
    pub(super) since: Instant,
    pub(super) platforms: Vec<Platform>,
    /// Running steps, oldest first.
    pub(super) running: IndexMap<StepId, Running>,
    /// Shown between two steps, so that the line is not blank for a moment.
    pub(super) last: Option<Step>,
    pub(super) transfers: IndexMap<(StepId, String), Transfer>,
    /// The waits of steps and when they began, oldest first.
    pub(super) waits: IndexMap<StepId, (Wait, Instant)>,
    /// The next attempt, while the cell waits for it, and when that began.
    pub(super) retry: Option<(Retry, Instant)>,
}

/// A running step.
pub(super) struct Running {
    pub(super) step: Step,
    pub(super) since: Instant,
    /// When it last wrote output or transferred data.
    pub(super) heard: Instant,
}

impl Cells {
    pub(super) fn event(&mut self, event: &Event, now: Instant) {
        match event {
            Event::RunStarted { cells, jobs } => {
                self.total = cells.len();
                self.longest_name = cells.iter().map(|c| width(&c.cell)).max().unwrap_or(0);
                self.jobs = *jobs;
                self.started = Some(now);
                self.cells = cells.clone();
            }
            Event::CellStarted { cell } => {
                let known = self.cells.iter().find(|known| known.cell == *cell);
                let platforms = known.map(|known| known.platforms.clone()).unwrap_or_default();
                self.active.insert(cell.clone(), Active::new(platforms, now));
            }
            Event::Step { cell, step } => {
                if let Some(active) = self.active.get_mut(cell) {
                    active.step(step, now);
                }
            }
            Event::Transfer { cell, step, transfer } => {
                if let Some(active) = self.active.get_mut(cell) {
                    active.heard(*step, now);
                    active.transfers.insert((*step, transfer.name.clone()), transfer.clone());
                }
            }
            Event::Waiting { cell, step, wait } => {
                if let Some(active) = self.active.get_mut(cell) {
                    let began = now.checked_sub(wait.since).unwrap_or(now);
                    active.waits.insert(*step, (wait.clone(), began));
                }
            }
            Event::Answered { cell, step } => {
                if let Some(active) = self.active.get_mut(cell) {
                    active.waits.shift_remove(step);
                }
            }
            Event::Retrying { cell, retry } => {
                if let Some(active) = self.active.get_mut(cell) {
                    let (platforms, since) = (std::mem::take(&mut active.platforms), active.since);
                    *active = Active::new(platforms, since);
                    active.retry = Some((retry.clone(), now));
                }
            }
            Event::Resumed { cell } => {
                if let Some(active) = self.active.get_mut(cell) {
                    active.retry = None;
                }
            }
            Event::CellFinished(outcome) => self.finish(outcome),
            Event::Cancelling => self.cancelling = true,
            Event::Log { cell, step, .. } => {
                if let Some(active) = self.active.get_mut(cell) {
                    active.heard(*step, now);
                }
            }
            Event::Warning { .. } => {}
        }
    }

    /// Records that output was dropped, so that no step is reported as silent because of it.
    pub(super) fn dropped(&mut self, now: Instant) {
        for running in self.active.values_mut().flat_map(|cell| cell.running.values_mut()) {
            running.heard = now;
        }
    }

    /// `2/12, 1 failed`
    pub(super) fn count(&self) -> String {
        let failed = match self.failed.len() {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        format!("{}/{}{failed}", self.finished, self.total)
    }

    pub(super) fn waiting(&self) -> usize {
        self.total.saturating_sub(self.finished + self.active.len())
    }

    fn finish(&mut self, outcome: &Outcome) {
        self.active.shift_remove(&outcome.cell);
        self.finished += 1;
        match outcome.result {
            CellResult::Built(_) => self.built.push(outcome.elapsed),
            CellResult::Failed(_) => self.failed.push(outcome.cell.clone()),
            CellResult::NotStarted(_) | CellResult::Cancelled => {}
        }
    }
}

impl Active {
    fn new(platforms: Vec<Platform>, since: Instant) -> Self {
        let (running, transfers, waits) = Default::default();
        Self { since, platforms, running, last: None, transfers, waits, retry: None }
    }

    fn heard(&mut self, step: StepId, now: Instant) {
        if let Some(running) = self.running.get_mut(&step) {
            running.heard = now;
        }
    }

    fn step(&mut self, step: &Step, now: Instant) {
        if step.state == StepState::Running {
            let started = || Running { step: step.clone(), since: now, heard: now };
            self.running.entry(step.id).or_insert_with(started).step = step.clone();
        } else {
            self.running.shift_remove(&step.id);
            self.waits.shift_remove(&step.id);
            // A cached step took no time, so it was never the current step.
            if step.state != StepState::Cached {
                self.transfers.retain(|(id, _), _| *id != step.id);
                self.last = Some(step.clone());
            }
        }
    }
}

/// `6 cells, amd64 arm64, 8 at once`.
pub(super) fn headline(cells: &[CellSummary], jobs: usize) -> String {
    let count = match cells.len() {
        1 => "1 cell".to_owned(),
        count => format!("{count} cells"),
    };
    let mut platforms: Vec<&Platform> = Vec::new();
    for platform in cells.iter().flat_map(|c| &c.platforms) {
        if !platforms.contains(&platform) {
            platforms.push(platform);
        }
    }
    let platforms: Vec<_> = platforms.into_iter().map(Platform::short).collect();
    let at_once = if cells.len() > 1 { format!(", {jobs} at once") } else { String::new() };
    format!("{count}, {}{at_once}", platforms.join(" "))
}

#[cfg(test)]
pub(crate) mod samples;
