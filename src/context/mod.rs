//! The build context: what a person's folder shows to a build.
//!
//! [`dockerignore`] and [`patterns`] are pure. [`Folder`] reads the disk, never beyond its root:
//! links are sent as links, and no path is resolved through one. Sending is BuildKit's protocol,
//! in `buildkit::session::filesync`, whose `FileSource` a `Folder` is.

pub mod dockerignore;
mod folder;
mod follow;
mod glob;
pub mod patterns;
mod source;
mod walk;

pub use folder::Folder;
