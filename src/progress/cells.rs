//! The run's state for a terminal display: finished, active and waiting cells.

use std::time::{Duration, Instant};

use indexmap::IndexMap;

use crate::cell_name::CellName;
use crate::event::{CellSummary, Event, Step, StepId, StepState, Transfer, Wait};
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
    pub(super) failed: usize,
    pub(super) cancelling: bool,
    pub(super) started: Option<Instant>,
    /// The duration of each built cell, for the estimate.
    pub(super) built: Vec<Duration>,
    /// Active cells, oldest first.
    pub(super) active: IndexMap<CellName, Active>,
    platforms: IndexMap<CellName, Vec<Platform>>,
}

/// A cell that is being built.
pub(super) struct Active {
    pub(super) since: Instant,
    pub(super) platforms: Vec<Platform>,
    /// Running steps, oldest first.
    pub(super) running: IndexMap<StepId, Step>,
    /// Shown between two steps, so that the line is not blank for a moment.
    pub(super) last: Option<Step>,
    pub(super) transfers: IndexMap<(StepId, String), Transfer>,
    /// The waits of steps and when they began, oldest first.
    pub(super) waits: IndexMap<StepId, (Wait, Instant)>,
}

impl Cells {
    pub(super) fn event(&mut self, event: &Event, now: Instant) {
        match event {
            Event::RunStarted { cells, jobs } => {
                self.total = cells.len();
                self.longest_name = cells.iter().map(|c| width(&c.cell)).max().unwrap_or(0);
                self.jobs = *jobs;
                self.started = Some(now);
                let known = |c: &CellSummary| (c.cell.clone(), c.platforms.clone());
                self.platforms = cells.iter().map(known).collect();
            }
            Event::CellStarted { cell } => {
                let platforms = self.platforms.get(cell).cloned().unwrap_or_default();
                self.active.insert(cell.clone(), Active::new(platforms, now));
            }
            Event::Step { cell, step } => {
                if let Some(active) = self.active.get_mut(cell) {
                    active.step(step);
                }
            }
            Event::Transfer { cell, step, transfer } => {
                if let Some(active) = self.active.get_mut(cell) {
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
            Event::CellFinished(outcome) => self.finish(outcome),
            Event::Cancelling => self.cancelling = true,
            Event::Log { .. } | Event::Warning { .. } => {}
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.total.saturating_sub(self.finished + self.active.len())
    }

    fn finish(&mut self, outcome: &Outcome) {
        self.active.shift_remove(&outcome.cell);
        self.finished += 1;
        match outcome.result {
            CellResult::Built(_) => self.built.push(outcome.elapsed),
            CellResult::Failed(_) => self.failed += 1,
            CellResult::NotStarted | CellResult::Cancelled => {}
        }
    }
}

impl Active {
    fn new(platforms: Vec<Platform>, since: Instant) -> Self {
        let (running, transfers, waits) = Default::default();
        Self { since, platforms, running, last: None, transfers, waits }
    }

    fn step(&mut self, step: &Step) {
        if step.state == StepState::Running {
            self.running.insert(step.id, step.clone());
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
