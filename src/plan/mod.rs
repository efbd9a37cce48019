//! Cells to build: from a matrix, a selection and the templates to build requests. Pure.

mod request;

pub use request::{BuildOptions, BuildRequest, FileOutput, Network, Output};
