//! Transcripts: Markdown files whose examples are run.
//!
//! A fence with a path after its language is a file, `sh` prepares the directory, and `console` is
//! a terminal session: each line that starts with `$ ` is run, and its output follows. `bash` is a
//! list of commands without output: each must succeed. A second-level heading starts an empty
//! directory, into which the files before the first such heading are copied too. Everything else is
//! prose.
//!
//! Blocks that need an engine (`console engine`, and lines of lists that build) are run by
//! `tests/engine/documentation.rs`.
//!
//! ````text
//! ```yaml matrix.yaml
//! image: me/app
//! ```
//!
//! ```console
//! $ onebuild plan
//! what stdout holds
//! [stderr]
//! what stderr holds
//! [exit 3]
//! ```
//! ````

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::fence::{Fence, Piece, builds, pieces};
use crate::program;

/// The transcript with its current outputs.
pub fn replay(text: &str) -> String {
    let mut shared: Vec<Fence> = Vec::new();
    let mut in_section = false;
    let mut folder = Folder::new();
    let mut replayed = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Section => {
                in_section = true;
                folder = Folder::new();
                shared.iter().for_each(|fence| folder.lay(fence));
            }
            Piece::Line(line) => replayed += line,
            Piece::Fence(fence, open, close) => {
                replayed += open;
                if fence.is_session() && !fence.needs_engine() {
                    replayed += &folder.run(&fence.body);
                } else {
                    folder.lay(&fence);
                    replayed += &fence.body;
                }
                replayed += close;
                if !in_section && !fence.is_session() {
                    shared.push(fence);
                }
            }
        }
    }
    replayed
}

/// A separate directory for each section, removed when it ends.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory for a transcript"))
    }

    fn lay(&self, fence: &Fence) {
        if fence.language == "sh" && fence.path.is_empty() {
            program::shell(self.0.path(), &fence.body);
        } else if fence.is_list() {
            fence.commands().filter(|command| !builds(command)).for_each(|line| self.succeed(line));
        } else if fence.is_file() {
            let path = self.0.path().join(&fence.path);
            let parent = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(parent).expect("a directory for a file of a transcript");
            fs::write(&path, &fence.body).expect("a file of a transcript");
        }
    }

    fn succeed(&self, line: &str) {
        let output = program::run(self.0.path(), line);
        assert!(output.status.success(), "{line}\n{}", printed(&output));
    }

    /// The commands in `body`, each with its output.
    fn run(&self, body: &str) -> String {
        let mut shown = String::new();
        for line in body.lines().filter(|line| line.starts_with("$ ")) {
            shown += &format!("{line}\n");
            shown += &printed(&program::run(self.0.path(), &line[2..]));
        }
        shown
    }
}

fn printed(output: &Output) -> String {
    let mut printed = ended(&output.stdout);
    if !output.stderr.is_empty() {
        printed += &format!("[stderr]\n{}", ended(&output.stderr));
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => printed += &format!("[exit {code}]\n"),
        None => printed += &format!("[{}]\n", output.status),
    }
    printed
}

/// Text with a final newline; a missing one is marked, because some outputs must not have it.
fn ended(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).replace('\r', "␍");
    if !text.is_empty() && !text.ends_with('\n') {
        text += "⏎\n";
    }
    text
}
