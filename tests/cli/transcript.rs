//! Transcripts: Markdown files whose examples are run.
//!
//! A fence with a path after its language is a file, `sh` prepares the folder further, and `console`
//! is what a person sees: each line that starts with `$ ` is run, and what it prints is written
//! below it. A heading of the second level starts with a fresh folder, into which the files above
//! the first such heading are laid as well. Everything else is prose.
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

use crate::program;

/// The transcript with its outputs as they are now.
pub fn replay(text: &str) -> String {
    let mut shared: Vec<Fence> = Vec::new();
    let mut in_section = false;
    let mut folder = Folder::new();
    let mut replayed = String::new();
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        replayed += line;
        if line.starts_with("## ") {
            in_section = true;
            folder = Folder::new();
            shared.iter().for_each(|fence| folder.lay(fence));
        }
        let Some(fence) = Fence::open(line) else { continue };
        let (fence, close) = fence.read(&mut lines);
        match fence.language.as_str() {
            "console" => replayed += &folder.run(&fence.body),
            _ => {
                folder.lay(&fence);
                replayed += &fence.body;
                if !in_section {
                    shared.push(fence);
                }
            }
        }
        replayed += close;
    }
    replayed
}

struct Fence {
    marks: String,
    language: String,
    /// The file that it is, if any.
    path: String,
    body: String,
}

impl Fence {
    fn open(line: &str) -> Option<Self> {
        let rest = line.trim_end().trim_start_matches('`');
        let marks = line[..line.trim_end().len() - rest.len()].to_owned();
        let (language, path) = rest.split_once(' ').unwrap_or((rest, ""));
        (marks.len() >= 3).then(|| Self {
            marks,
            language: language.to_owned(),
            path: path.to_owned(),
            body: String::new(),
        })
    }

    /// Its text, and the line that closes it.
    fn read<'t>(mut self, lines: &mut impl Iterator<Item = &'t str>) -> (Self, &'t str) {
        for line in lines {
            if line.trim_end() == self.marks {
                return (self, line);
            }
            self.body += line;
        }
        panic!("a fence is not closed:\n{}", self.body);
    }
}

/// A folder of its own for a section, gone when it ends.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for a transcript"))
    }

    fn lay(&self, fence: &Fence) {
        if fence.language == "sh" && fence.path.is_empty() {
            program::shell(self.0.path(), &fence.body);
        } else if !fence.path.is_empty() {
            let path = self.0.path().join(&fence.path);
            let parent = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(parent).expect("a folder for a file of a transcript");
            fs::write(&path, &fence.body).expect("a file of a transcript");
        }
    }

    /// The commands in `body`, each with what it printed.
    fn run(&self, body: &str) -> String {
        let mut shown = String::new();
        for line in body.lines().filter(|line| line.starts_with("$ ")) {
            shown += &format!("{line}\n");
            shown += &told(&program::run(self.0.path(), &line[2..]));
        }
        shown
    }
}

fn told(output: &Output) -> String {
    let mut told = ended(&output.stdout);
    if !output.stderr.is_empty() {
        told += &format!("[stderr]\n{}", ended(&output.stderr));
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => told += &format!("[exit {code}]\n"),
        None => told += &format!("[{}]\n", output.status),
    }
    told
}

/// Text whose last line ends; a missing end is shown, since it is a promise of some outputs.
fn ended(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).replace('\r', "␍");
    if !text.is_empty() && !text.ends_with('\n') {
        text += "⏎\n";
    }
    text
}
