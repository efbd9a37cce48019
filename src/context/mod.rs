//! The build context: what a person's folder shows to a build.
//!
//! [`patterns`] is pure. [`Folder`] reads the disk, never beyond its root:
//! links are links, and no path is resolved through one. How it is sent is not known here.

mod folder;
mod follow;
mod glob;
pub mod patterns;
mod walk;

pub use folder::{FileState, Folder, Identity};
pub use walk::{Entry, Kind, Selection};
