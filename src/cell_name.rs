//! How a cell is named in all that people read, in tags of caches and in names of files.
//!
//! A name depends on the matrix and on the values of the cell, and on nothing else: not on which other cells
//! a run selects, and not on `--image` or `--tag-prefix`.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// The name by which people know a cell, unique in a matrix. It is a valid tag, also after the `cache-` of a
/// cache, and a valid file name.
pub(crate) type CellName = Arc<str>;

/// Maximum length of a name: a tag has at most 128 characters, and `cache-` precedes the name in one.
const LONGEST: usize = 120;

/// Between the repository and the tag.
const SEPARATOR: &str = "__";

/// The name of the cell with this tag. `repository` is the part of its repository that differs between
/// cells, if there is one: then several cells may have the same tag.
///
/// Different pairs have different names. The characters of a repository that cannot be in a tag are written
/// so that none of them results in the separator: a component of a repository does not start with `-`, `.`
/// or `_`. What cannot be written in this way ends in a hash instead.
pub(crate) fn cell_name(repository: Option<&str>, tag: &str) -> CellName {
    let mut name = String::with_capacity(tag.len());
    let mut is_exact = true;
    for c in repository.unwrap_or_default().chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => name.push(c),
            '/' => name.push('_'),
            '_' => name.push_str("_-"),
            ':' => name.push_str("_."),
            _ => {
                is_exact = false;
                name.push('-');
            }
        }
    }
    if repository.is_some() {
        name += SEPARATOR;
    }
    name += tag;
    // The tag may need the prefix of a flag to be valid.
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        name.insert(0, '_');
    }
    if !is_exact || name.len() > LONGEST {
        let hash = Sha256::digest(format!("{}:{tag}", repository.unwrap_or_default()));
        let hash: String = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        name.truncate(LONGEST - hash.len() - 1);
        name += &format!("-{hash}");
    }
    name.into()
}

/// The name of the Dockerfile of a cell.
pub(crate) fn dockerfile_name(cell: &str) -> String {
    format!("{cell}.Dockerfile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_tag_after_the_part_of_the_repository_that_differs() {
        for (repository, tag, wanted) in [
            (None, "2.0-alpine", "2.0-alpine"),
            (Some("api"), "1.0", "api__1.0"),
            (Some("my-api.x"), "_1", "my-api.x___1"),
            (Some("q/a"), "1", "q_a__1"),
            (Some("q_a"), "1", "q_-a__1"),
            (Some("q__a"), "1", "q_-_-a__1"),
            (Some("localhost:5000/a"), "1", "localhost_.5000_a__1"),
            (Some("[::1]:5000/a"), "1", "_-_._.1-_.5000_a__1-a5ff1c32c5dd"),
            (None, "-alpine", "_-alpine"),
            (None, "", "_"),
        ] {
            assert_eq!(&*cell_name(repository, tag), wanted);
        }
    }

    #[test]
    fn a_long_name_is_shortened_and_stays_unique() {
        let long = "x".repeat(LONGEST);
        assert_eq!(&*cell_name(None, &long), long);
        let (one, other) = (format!("{long}1"), format!("{long}2"));
        let (one, other) = (cell_name(None, &one), cell_name(None, &other));
        assert_ne!(one, other);
        assert!(one.len() == LONGEST && other.len() == LONGEST, "{one} {other}");
        assert_eq!(cell_name(Some(&long), "1").len(), LONGEST);
    }
}
