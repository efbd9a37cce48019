//! What the program says, to the letter: stdout, stderr and exit code of the real binary.
//!
//! The cases are the transcripts in `cases/`, in `wrong/`, and in the documentation. After a change
//! that is intended, `SNAPSHOTS=overwrite cargo test --test cli` writes the outputs anew: read the
//! diff before you commit it.

mod bug;
mod debug;
mod documentation;
mod fence;
mod pipes;
mod program;
mod signals;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};

use snapbox::{Assert, Data};

/// The transcripts in a folder, in the order of their names.
pub(crate) fn transcripts(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).expect("a folder of transcripts");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    assert!(!found.is_empty(), "no transcripts in {}", folder.display());
    found
}

/// Replays all before it fails, so that one run shows all that has changed.
pub(crate) fn hold(paths: &[PathBuf]) {
    let assert = Assert::new().action_env("SNAPSHOTS");
    let mut changed = Vec::new();
    for path in paths {
        let text = fs::read_to_string(path).expect("a transcript");
        let runs = ["\n$ onebuild", "\n```bash\n"].iter().any(|start| text.contains(start));
        assert!(runs, "{} runs nothing", path.display());
        let now = Data::text(transcript::replay(&text)).raw();
        let name = path.file_name().expect("a transcript has a name").to_string_lossy();
        if let Err(difference) = assert.try_eq(Some(&name), now, Data::read_from(path, None).raw())
        {
            changed.push(difference.to_string());
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

#[test]
fn every_case_says_what_it_said() {
    hold(&transcripts("tests/cli/cases"));
}

#[test]
fn every_wrong_input_is_told_as_it_was() {
    hold(&transcripts("tests/cli/wrong"));
}
