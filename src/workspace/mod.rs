//! The files of the user: the matrix, templates, scripts and Compose files, read and written.
//!
//! Reading is bounded. [`access`] decides which paths a matrix may reach, and [`needs`] lists the grants
//! that a run asks for. [`targets`] refuses to write into a Git directory or out of the repository.

pub(crate) mod access;
pub(crate) mod axis_sources;
pub(crate) mod compose;
pub(crate) mod debug_log;
pub(crate) mod drift;
pub(crate) mod found;
pub(crate) mod git;
pub(crate) mod matrix;
mod needed;
pub(crate) mod needs;
pub(crate) mod plan_files;
pub(crate) mod rendered_files;
pub(crate) mod reports;
pub(crate) mod targets;
pub(crate) mod text;
pub(crate) mod write;
