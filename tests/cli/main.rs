//! The exact output of the program: stdout, stderr and exit code of the real binary.
//!
//! The cases are the transcripts in `cases/`, in `wrong/`, and in the documentation. After an
//! intended change, `SNAPSHOTS=overwrite cargo test --test cli` rewrites the outputs: read the diff
//! before you commit it.

mod below;
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

/// The transcripts in a directory, sorted by name.
pub(crate) fn transcripts(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).expect("a directory of transcripts");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    assert!(!found.is_empty(), "no transcripts in {}", folder.display());
    found
}

/// Replays all of them before it fails, so that one run shows all changes.
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
fn all_transcripts_are_up_to_date() {
    hold(&transcripts("tests/cli/cases"));
}

#[test]
fn all_transcripts_of_wrong_input_are_up_to_date() {
    hold(&transcripts("tests/cli/wrong"));
}
