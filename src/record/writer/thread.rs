//! The thread that writes.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

use super::directory::{self, Created, Start};
use super::lost::Lost;
use crate::cell_name::CellName;
use crate::error::why;
use crate::event::{Event, Step, StepId};
use crate::progress::Transcript;
use crate::record::event::{self, RunFinished, Totals};
use crate::record::log::{LOGS, Logs};
use crate::record::retention::Retention;
use crate::record::run_file::RunFile;
use crate::record::run_id::RunId;
use crate::record::timestamp::Timestamp;

/// What happened is in the files after this time, so that a run that is killed loses no more.
const FLUSH: Duration = Duration::from_secs(1);

/// The disk is asked this often at most to have what was written: a sync may take longer than a cell.
const SYNC: Duration = Duration::from_millis(200);

/// What the thread is given.
#[derive(Debug)]
pub(super) enum Item {
    Event { event: Box<Event>, at: Instant, time: Timestamp, cost: u32 },
    End { exit_code: u8, time: Timestamp, done: oneshot::Sender<()> },
}

/// Writes the files of one run.
pub(super) struct Writer {
    place: PathBuf,
    path: PathBuf,
    id: RunId,
    retention: Retention,
    started: Timestamp,
    file: RunFile,
    logs: Logs,
    transcript: Transcript,
    /// What was last recorded of each step of the cells that are being built.
    steps: HashMap<CellName, HashMap<StepId, Step>>,
    totals: Totals,
    /// Whether the disk must have what was written, and when it last had.
    wants_sync: bool,
    synced: Instant,
    flushed: Instant,
    room: Arc<Semaphore>,
    lost: Lost,
}

impl Writer {
    pub(super) fn new(created: Created, start: &Start, room: Arc<Semaphore>, lost: Lost) -> Self {
        let Created { place, path, file, started, head } = created;
        Self {
            place,
            logs: Logs::new(path.join(LOGS)),
            path,
            id: head.id,
            retention: start.retention,
            started,
            file,
            transcript: Transcript::new(),
            steps: HashMap::new(),
            totals: Totals {
                cells: start.cells.len(),
                kept: start.kept.len(),
                ..Totals::default()
            },
            wants_sync: false,
            synced: Instant::now(),
            flushed: Instant::now(),
            room,
            lost,
        }
    }

    /// Writes until the run ends. After an error, nothing is recorded any more.
    pub(super) fn run(mut self, items: &Receiver<Item>) {
        if let Err(error) = self.begin().and_then(|()| self.write(items)) {
            self.lost.set(|| why(&error));
        }
        // Whoever waits for room learns that recording has stopped.
        self.room.close();
        // The lock on the file says that the run goes on, so it is held until then.
        for item in items {
            if let Item::End { .. } = item {
                break;
            }
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        self.file.sync()?;
        directory::sync(&self.path);
        directory::sync(&self.place);
        // What cannot be removed now is removed by a later run.
        let _ = self.retention.apply(&self.place, &self.id, self.started);
        Ok(())
    }

    fn write(&mut self, items: &Receiver<Item>) -> io::Result<()> {
        loop {
            match items.recv_timeout(self.until_due()) {
                Ok(item) => {
                    if self.item(item)? {
                        return Ok(());
                    }
                    while let Ok(item) = items.try_recv() {
                        if self.item(item)? {
                            return Ok(());
                        }
                        if self.until_due().is_zero() {
                            break;
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The run was dropped without an end: the record has what there was.
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
            if self.wants_sync && self.synced.elapsed() >= SYNC {
                self.file.sync()?;
                self.wants_sync = false;
                self.synced = Instant::now();
            }
            if self.flushed.elapsed() >= FLUSH {
                self.flush()?;
            }
        }
    }

    /// The time until something has to be written.
    fn until_due(&self) -> Duration {
        let flush = FLUSH.saturating_sub(self.flushed.elapsed());
        match self.wants_sync {
            true => flush.min(SYNC.saturating_sub(self.synced.elapsed())),
            false => flush,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = Instant::now();
        self.logs.flush()?;
        self.file.flush()
    }

    /// Whether it was the last one.
    fn item(&mut self, item: Item) -> io::Result<bool> {
        match item {
            Item::Event { event, at, time, cost } => {
                self.event(&event, at, time)?;
                self.room.add_permits(cost as usize);
                Ok(false)
            }
            Item::End { exit_code, time, done } => {
                self.logs.flush()?;
                let elapsed = time.since(self.started);
                let end = RunFinished { exit_code, elapsed, totals: self.totals };
                self.file.event(time, event::Event::RunFinished(end))?;
                self.file.sync()?;
                let _ = done.send(());
                Ok(true)
            }
        }
    }

    fn event(&mut self, event: &Event, at: Instant, time: Timestamp) -> io::Result<()> {
        let lines = self.transcript.lines(event, at);
        if let Some(cell) = event.cell() {
            self.logs.add(cell, &lines)?;
        }
        if let Event::Step { cell, step } = event
            && !self.is_new(cell, step)
        {
            return Ok(());
        }
        let Some(recorded) = event::Event::of(event) else { return Ok(()) };
        if let event::Event::CellFinished(finished) = &recorded {
            self.totals.add(&finished.result);
        }
        if let Event::CellFinished(outcome) = event {
            self.steps.remove(&outcome.cell);
            // The log of a cell that ended is complete.
            self.logs.end(&outcome.cell)?;
            self.wants_sync = true;
        }
        self.file.event(time, recorded)
    }

    /// Whether a step is not as it was recorded last.
    fn is_new(&mut self, cell: &CellName, step: &Step) -> bool {
        let known = match self.steps.get_mut(cell) {
            Some(known) => known,
            None => self.steps.entry(cell.clone()).or_default(),
        };
        known.insert(step.id, step.clone()).is_none_or(|before| before != *step)
    }
}

impl Drop for Writer {
    /// A bug in this thread stops recording, like an error.
    fn drop(&mut self) {
        self.room.close();
    }
}
