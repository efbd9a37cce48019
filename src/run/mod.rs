//! The process of a run: the signals that stop it, its terminal and debug log, the engine to use,
//! and the handling of panics.

mod bug;
pub(crate) mod builder;
mod deadline;
pub(crate) mod debug_log;
pub(crate) mod engine;
mod last_resort;
pub(crate) mod node;
mod runtime;
mod signals;
mod stop;
pub(crate) mod terminal;

pub use bug::guard;
pub(crate) use runtime::runtime;
pub(crate) use stop::Stop;
