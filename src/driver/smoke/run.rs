//! The smoke test of one cell, and why it may end early.

use tokio_util::sync::CancellationToken;

use crate::docker::{Engine, PassedProxies};
use crate::driver::build::destination::BuildSession;
use crate::image::Reference;
use crate::input::SmokeTest;
use crate::outcome::Failure;
use crate::plan::BuildRequest;
use crate::schedule::Events;

/// Why the smoke test of a cell ended before it passed.
pub(crate) enum SmokeStop {
    Cancelled,
    Failed(Box<Failure>),
}

impl From<Box<Failure>> for SmokeStop {
    fn from(failure: Box<Failure>) -> Self {
        Self::Failed(failure)
    }
}

/// The context of the smoke test of one cell.
pub(crate) struct SmokeRun<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) request: &'a BuildRequest,
    pub(crate) test: &'a SmokeTest,
    pub(crate) opened: &'a BuildSession,
    pub(crate) image: &'a Reference,
    pub(crate) proxies: &'a PassedProxies,
    pub(crate) events: &'a Events,
    pub(crate) cancel: &'a CancellationToken,
}
