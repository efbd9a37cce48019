//! The files of the user: the matrix, templates, scripts and Compose files, read and written.

pub(crate) mod access;
pub(crate) mod axis_sources;
pub(crate) mod compose;
pub(crate) mod debug_log;
pub(crate) mod drift;
pub(crate) mod git;
pub(crate) mod matrix;
mod needed;
pub(crate) mod needs;
pub(crate) mod rendered_files;
pub(crate) mod scripts;
pub(crate) mod targets;
pub(crate) mod templates;
pub(crate) mod text;
pub(crate) mod write;
