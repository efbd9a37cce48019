//! Shows a run in progress: receives events and writes to a given output.
//!
//! Nothing here reads the environment: whether there is a terminal, its size and colour are passed
//! in. A display never fails the run: if its output is closed, it still receives events, so that
//! builds are not blocked.

mod activity;
mod cells;
mod display;
mod estimate;
mod frame;
mod github;
mod plain;
mod queue;
mod quiet;
mod region;
mod settings;
mod start;
mod transcript;
mod tty;

pub(crate) use settings::{DisplaySettings, Mode, terminal_size};
pub(crate) use start::start;
pub(crate) use transcript::Transcript;
