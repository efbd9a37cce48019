//! Errors: their kinds with exit codes, and their places in files.
//!
//! There are two types. A [`Diagnostic`] points into a file that the user wrote; the pure core
//! collects all of them in [`Diagnostics`]. An [`Error`] ends a command: it has a kind, which
//! determines the exit code, and either a message with its causes or diagnostics. One renderer
//! draws both; printing is left to the owner of the terminal.

mod diagnostic;
mod kind;
mod render;
mod source;
mod suggest;
mod why;

pub use diagnostic::Diagnostics;
pub(crate) use diagnostic::{Diagnostic, Severity};
pub(crate) use kind::{Error, ErrorKind};
pub(crate) use render::{spelled_out, visible};
pub use source::SourceFile;
pub(crate) use source::{COMMAND_LINE, Span};
pub(crate) use suggest::{control_character, listed, nearest, nearest_name};
pub(crate) use why::why;
