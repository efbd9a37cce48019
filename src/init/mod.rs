//! Drafts a matrix.yaml from the files of a directory. Pure: strings in, strings out.
//!
//! [`draft()`] gets a Makefile and Dockerfiles, and returns files to write and notes about everything
//! that it could not convert. Makefiles contain the same information as a matrix: `sed` for
//! `{%name%}` placeholders, an `<os>/Dockerfile` selected by a variable, a tag with variables, and
//! loops over values.

mod carried;
mod draft;
mod makefile;
#[cfg(test)]
mod tests;
mod yaml;

pub(crate) use draft::draft;

/// The files of a directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub makefile: Option<String>,
    /// `DIR/Dockerfile` by the name of its directory, with its text; in order.
    pub dockerfiles: Vec<(String, String)>,
    /// The `Dockerfile` in the directory itself.
    pub dockerfile: Option<String>,
}

/// Files to write, and notes for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// Path, relative to the directory, and text; matrix.yaml first.
    pub files: Vec<(String, String)>,
    /// Everything that could not be converted, one sentence each.
    pub notes: Vec<String>,
}
