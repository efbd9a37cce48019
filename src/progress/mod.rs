//! Shows a run while it goes on: consumes events, writes to what it is given.
//!
//! Nothing here reads the environment: whether there is a terminal, its size and colour are handed
//! in. A display never fails the work: when its output goes away, it goes on taking events, so
//! that builders are not held up.

mod activity;
mod cells;
mod display;
mod estimate;
mod frame;
mod plain;
mod queue;
mod quiet;
mod region;
mod settings;
mod start;
mod tty;

pub use settings::{Mode, Settings, terminal_size};
pub use start::start;
