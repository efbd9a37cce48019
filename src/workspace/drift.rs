//! `onebuild render --check`: how the existing files differ from the rendered ones.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::error::{Error, ErrorKind, visible, why};
use crate::regular;
use crate::run::terminal;
use crate::text::{escaped, safe, unescaped};

/// Maximum size of a file to compare, in bytes.
const LARGEST: usize = 16 << 20;

/// Prints the differences from the existing files to the rendered ones as a unified diff, and counts the
/// files of each kind.
pub(crate) struct Drift {
    out: terminal::Buffered,
    pub changed: usize,
    pub missing: usize,
    pub stale: usize,
}

impl Drift {
    pub(crate) fn new() -> Self {
        Self { out: terminal::buffered(), changed: 0, missing: 0, stale: 0 }
    }

    /// Compares the existing files with the rendered ones.
    pub(crate) fn compare(&mut self, path: &Path, wanted: &str) -> Result<(), Error> {
        let wanted = unescaped(wanted);
        match present(path) {
            Ok(present) if present == *wanted => {}
            Ok(present) => {
                self.changed += 1;
                self.add(path, Some(&present), Some(&wanted));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.missing += 1;
                self.add(path, None, Some(&wanted));
            }
            Err(error) => return Err(unreadable(path, &error)),
        }
        Ok(())
    }

    /// Adds the Dockerfiles of a directory that are not in `known`.
    pub(crate) fn add_stale(
        &mut self,
        folder: &Path,
        known: &HashSet<PathBuf>,
    ) -> Result<(), Error> {
        for path in dockerfiles(folder)?.into_iter().filter(|path| !known.contains(path)) {
            self.stale += 1;
            let present = present(&path).map_err(|error| unreadable(&path, &error))?;
            self.add(&path, Some(&present), None);
        }
        Ok(())
    }

    /// `None` if nothing differs. `what` is for example `out is`; `command` updates the files.
    pub(crate) fn summary(&self, what: &str, command: &str) -> Option<Error> {
        let counts = [(self.changed, "differ"), (self.missing, "missing"), (self.stale, "stale")];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        if parts.is_empty() {
            return None;
        }
        let message = format!("{what} out of date: {}", parts.join(", "));
        let mut help = command.to_owned();
        if self.changed + self.missing == 0 {
            "delete the stale files: they belong to no cell".clone_into(&mut help);
        } else if self.stale > 0 {
            help += ", and delete the stale files, which belong to no cell";
        }
        Some(Error::new(ErrorKind::CellFailed, message).help(help))
    }

    fn add(&mut self, path: &Path, present: Option<&[u8]>, wanted: Option<&[u8]>) {
        let name = visible(&path.display().to_string());
        let from = if present.is_some() { &*name } else { "/dev/null" };
        let to = if wanted.is_some() { &*name } else { "/dev/null" };
        let texts = (text(present.unwrap_or_default()), text(wanted.unwrap_or_default()));
        let (Some(present), Some(wanted)) = (&texts.0, &texts.1) else {
            self.out.text(&format!("Binary files {from} and {to} differ\n"));
            return;
        };
        if present != wanted && unix_lines(present) == unix_lines(wanted) {
            self.out
                .text(&format!("{name}: line ends differ ({} in the file)\n", line_ends(present)));
            return;
        }
        let diff = TextDiff::from_lines(present, wanted);
        let drawn = diff.unified_diff().context_radius(3).header(from, to).to_string();
        if drawn.is_empty() {
            // A diff does not distinguish an empty file from a missing one.
            self.out.text(&format!("--- {from}\n+++ {to}\n"));
        }
        for line in drawn.lines() {
            // Tabs are common in Dockerfiles; other control characters are escaped.
            let words: Vec<_> = line.split('\t').map(visible).collect();
            self.out.text(&safe(&words.join("\t")));
            self.out.text("\n");
        }
    }
}

fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn line_ends(text: &str) -> &'static str {
    let windows = text.matches("\r\n").count();
    match text.matches('\n').count() - windows {
        0 => "CRLF",
        _ if windows == 0 => "LF",
        _ => "LF and CRLF",
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    (!bytes.contains(&0)).then(|| escaped(bytes.to_vec()))
}

/// The files of a directory whose names end in `.Dockerfile`, sorted.
fn dockerfiles(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        if entry.file_name().as_encoded_bytes().ends_with(b".Dockerfile") && entry.path().is_file()
        {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// The content of an existing file.
fn present(path: &Path) -> io::Result<Vec<u8>> {
    let content = regular::read(path, LARGEST)?;
    content.ok_or_else(|| io::Error::other(format!("it is larger than {} MiB", LARGEST >> 20)))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let message = format!("{} cannot be read: {}", path.display(), why(error));
    Error::new(ErrorKind::Environment, message)
}
