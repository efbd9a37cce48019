//! One request: the solve, its events, and its failure in terms of the Dockerfile. Also BuildKit's own
//! lint.

pub(crate) mod builder;
pub(crate) mod destination;
pub(crate) mod failure;
pub(crate) mod lint;
mod loading;
pub(crate) mod options;
pub(crate) mod request;
pub(crate) mod unplaced;
pub(crate) mod watch;
