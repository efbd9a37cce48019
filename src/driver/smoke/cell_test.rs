//! The smoke test of one cell, and how it ends early.

use tokio_util::sync::CancellationToken;

use crate::driver::build::builder::BuildSession;
use crate::image::Reference;
use crate::input::Test;
use crate::outcome::Failure;
use crate::plan::BuildRequest;
use crate::schedule::Events;

/// Why a cell's way ended early.
pub(crate) enum Stop {
    Cancelled,
    Failed(Box<Failure>),
}

impl From<Box<Failure>> for Stop {
    fn from(failure: Box<Failure>) -> Self {
        Self::Failed(failure)
    }
}

/// What stays the same while one cell is tried.
pub(crate) struct CellTest<'a> {
    pub(crate) request: &'a BuildRequest,
    pub(crate) test: &'a Test,
    pub(crate) opened: &'a BuildSession,
    pub(crate) image: &'a Reference,
    pub(crate) events: &'a Events,
    pub(crate) cancel: &'a CancellationToken,
}
