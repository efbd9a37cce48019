//! The process of a run: the signals that stop it, its terminal, and the engine to use.

pub(crate) mod engine;
mod last_resort;
mod signals;
mod stop;
pub(crate) mod terminal;

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, ErrorKind, why};

pub use stop::Stop;

/// A runtime with one thread for all connections. Blocking work runs on separate threads.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| {
        Error::new(ErrorKind::Bug, format!("cannot create an async runtime: {}", why(&error)))
    })
}
