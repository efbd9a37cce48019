//! The runtime that a command waits in.

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, ErrorKind, why};

/// A runtime with one thread for all connections. Blocking work runs on separate threads.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    current_thread().map_err(|error| {
        Error::new(ErrorKind::Bug, format!("cannot create an async runtime: {}", why(&error)))
    })
}

/// The same, for a thread beside that of the command.
pub(super) fn current_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
