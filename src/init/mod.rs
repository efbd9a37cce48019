//! Drafts a matrix.yaml from the files of a directory. Pure: strings in, strings out.
//!
//! [`draft()`] gets a Makefile, a Compose file and Dockerfiles, and returns files to write and notes about
//! everything that it could not convert. Makefiles contain the same information as a matrix: `sed` for
//! `{%name%}` placeholders, an `<os>/Dockerfile` selected by a variable, a tag with variables, and
//! loops over values.
//!
//! The data goes from `make` (assignments and recipes) and `shell` (words and loops) to `builds` and
//! `makefile` (what is built). `chosen` joins the builds of one image and, with `variants`, those of
//! several targets; `computed` finds what depends on one axis. From there it goes through `carried` (axes
//! and vars) to the text of the draft. What is not understood stays a [`part::Part::Unknown`] on this
//! way and becomes a note with its line: a draft is never wrong and looks right.

mod builds;
mod calls;
mod carried;
mod chosen;
mod compose;
mod computed;
mod draft;
mod files;
mod from_directory;
mod from_makefile;
mod make;
mod makefile;
mod notes;
mod part;
mod reference;
mod retagged;
mod sections;
mod sed;
mod shell;
#[cfg(test)]
mod tests;
mod values;
mod variants;
mod yaml;

pub(crate) use draft::draft;

/// The files of a directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub makefile: Option<String>,
    /// Dockerfiles: path, relative to the directory, and text; in order.
    pub files: Vec<(String, String)>,
    /// Directories below it.
    pub directories: Vec<String>,
    /// The name and the text of the Compose file.
    pub compose: Option<(String, String)>,
    /// The paths of other files that build images: bake files, workflows, scripts.
    pub unread: Vec<String>,
}

/// Files to write, and notes for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// Path, relative to the directory, and text; matrix.yaml first.
    pub files: Vec<(String, String)>,
    /// Everything that could not be converted, one sentence each.
    pub notes: Vec<String>,
    /// The lines of matrix.yaml that a user has to finish.
    pub unfinished: Vec<usize>,
}
