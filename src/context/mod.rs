//! The build context: the files in the user's directory that a build can see.
//!
//! [`patterns`] is pure. [`Folder`] reads the disk, but never outside of its root: symlinks are sent
//! as symlinks and never followed. This module does not depend on how files are sent.

mod folder;
mod follow;
mod glob;
pub(crate) mod patterns;
mod walk;

pub(crate) use folder::{FileState, Folder, Identity};
pub(crate) use walk::{Entry, EntryKind, LeftOut, Selection};
