//! The README and the pages in `docs/`: their examples are run, their links are valid, and their
//! statements about flags, variables, keys and messages are correct.

mod commands;
mod links;
mod messages;
mod reference;
mod wording;

use std::fs;
use std::path::{Path, PathBuf};

use crate::fence::{Fence, Piece, pieces};
use crate::{hold, transcripts};

/// A path inside the checkout.
fn in_checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(in_checkout(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The README and every page, as paths inside the checkout.
fn pages() -> Vec<String> {
    let docs = transcripts("docs").into_iter().filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        name.ends_with(".md").then(|| format!("docs/{name}"))
    });
    std::iter::once("README.md".to_owned()).chain(docs).collect()
}

/// The lines of a page outside of its code blocks, and its code blocks.
fn split(text: &str) -> (Vec<&str>, Vec<Fence>) {
    let (mut prose, mut fences) = (Vec::new(), Vec::new());
    for piece in pieces(text) {
        match piece {
            Piece::Section => {}
            Piece::Line(line) => prose.push(line.trim_end()),
            Piece::Fence(fence, ..) => fences.push(fence),
        }
    }
    (prose, fences)
}

#[test]
fn every_example_of_the_documentation_is_true() {
    let has_examples =
        |page: &String| split(&read(page)).1.iter().any(|f| f.is_session() || f.is_list());
    let paths: Vec<PathBuf> =
        pages().iter().filter(|page| has_examples(page)).map(|page| in_checkout(page)).collect();
    assert!(paths.len() > 2, "{paths:?}");
    hold(&paths);
}
