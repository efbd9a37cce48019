//! The process: the signals that stop it, the terminal that it writes to, the engine that it finds.

mod deadline;
pub(crate) mod engine;
mod last_resort;
mod signals;
mod stop;
pub(crate) mod terminal;

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, ErrorKind, why};

pub use stop::Stop;

/// A runtime with one thread, which serves all connections. Work that blocks has threads of its own.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| {
        Error::new(ErrorKind::Bug, format!("cannot create an async runtime: {}", why(&error)))
    })
}
