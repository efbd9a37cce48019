//! What can go wrong, told so that it helps: kinds with their exit codes, and places in files.
//!
//! Two shapes. A [`Diagnostic`] points into a file that the person wrote; the pure core collects
//! them, all at once, in [`Diagnostics`]. An [`Error`] is what ends a command: a kind, which picks
//! the exit code, with a message and its causes, or with the diagnostics. Both are drawn by one
//! renderer; printing is left to whoever owns the terminal.

mod diagnostic;
mod kind;
mod render;
mod source;
mod suggest;
mod why;

pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity};
pub use kind::{Error, ErrorKind};
pub use render::{spelled_out, visible};
pub use source::{SourceFile, Span};
pub use suggest::{listed, nearest};
pub use why::why;
