//! The process: the signals that stop it, the terminal and the debug log that it writes to, the engine
//! that it finds, and what a panic does.

mod bug;
mod deadline;
pub(crate) mod debug_log;
pub(crate) mod engine;
mod last_resort;
mod runtime;
mod signals;
mod stop;
pub(crate) mod terminal;

pub use bug::guard;
pub(crate) use runtime::runtime;
pub use stop::Stop;
