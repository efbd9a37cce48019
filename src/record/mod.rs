//! The record of a run: what happened, event by event, and the complete log of each cell.
//!
//! A run has one directory: `run.jsonl` has one event a line ([`event`] has their form, and
//! `run.schema.json` its schema), and `logs/CELL.log.gz` the lines of a cell. [`writer`] writes both while the
//! run goes on. [`reader`] reads them, also while the run goes on, and after it was killed. [`retention`]
//! removes old ones. All that looks back at a run is made from its record.

mod cell_state;
pub(crate) mod event;
mod follow;
mod log;
mod outcomes;
mod past;
mod place;
mod reader;
mod recorded;
mod retention;
mod run_file;
mod run_id;
mod timestamp;
mod writer;

pub(crate) use cell_state::CellState;
pub(crate) use event::Argument;
pub(crate) use follow::Follow;
pub(crate) use log::LogReader;
pub(crate) use past::past;
pub(crate) use place::{Place, Wanted, place};
pub(crate) use reader::{Entry, entries};
pub(crate) use recorded::{Recorded, RecordedCell, RecordedStep, State, Steps};
pub(crate) use retention::Retention;
pub(crate) use run_id::RunId;
pub(crate) use timestamp::Timestamp;
pub(crate) use writer::{Collected, NotStarted, Recorder, Start, relay};
