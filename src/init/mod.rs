//! A first matrix.yaml, from what a folder holds. Pure: text in, text out.
//!
//! [`draft`] is handed a Makefile and the Dockerfiles that were found, and gives the files to be
//! written with what they could not take over. A Makefile says what a matrix says: `sed` over
//! `{%name%}` placeholders, an `<os>/Dockerfile` chosen by a variable, a tag made of variables, and
//! loops over values.

mod carried;
mod draft;
mod makefile;
#[cfg(test)]
mod tests;
mod yaml;

pub use draft::draft;

/// What a folder holds.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub makefile: Option<String>,
    /// `DIR/Dockerfile` by the name of its folder, and the text; in order.
    pub dockerfiles: Vec<(String, String)>,
    /// The folder's own `Dockerfile`.
    pub dockerfile: Option<String>,
}

/// Files to be written, and what a person has to know of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Path, counted from the folder, and text; matrix.yaml first.
    pub files: Vec<(String, String)>,
    /// What could not be taken over, one sentence each.
    pub notes: Vec<String>,
}
