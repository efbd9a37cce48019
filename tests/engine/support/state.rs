//! What runs write on this machine: their records, the cache of contexts, and nothing else.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use super::{Project, paths_below};

/// In the home directory.
const RECORDS: &str = ".local/state/onebuild/runs/";
const CONTEXTS: &str = ".cache/onebuild/contexts/";

/// The directory of records of a project.
pub fn records(project: &Project) -> PathBuf {
    project.path("home").join(RECORDS)
}

/// The directories of recorded runs, oldest first.
pub fn runs(records: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(records).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut runs: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    runs.sort();
    runs
}

/// The lines of the record of a run; the last one of a run that was killed may be cut off.
pub fn lines(run: &Path) -> Vec<Value> {
    let text = fs::read(run.join("run.jsonl")).unwrap_or_default();
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// What a project's runs, which have ended, left in TMPDIR and in the home directory beside complete records;
/// and locks that are still held.
pub fn left_on_disk(project: &Project) -> Vec<String> {
    let mut left = paths_below(&project.path("tmp"));
    let home = project.path("home");
    let paths = paths_below(&home);
    left.extend(paths.into_iter().filter(|path| !is_expected(&home, path)));
    let files = runs(&records(project)).into_iter().map(|run| run.join("run.jsonl"));
    for file in files.chain([records(project).join(".lock")]) {
        let Ok(opened) = File::options().append(true).open(&file) else { continue };
        if flock(&opened, FlockOperation::NonBlockingLockExclusive).is_err() {
            left.push(format!("a lock on {}", file.display()));
        }
    }
    left
}

fn is_expected(home: &Path, path: &str) -> bool {
    if let Some(own) = path.strip_prefix(RECORDS) {
        return match own.split_once('/') {
            None => own == ".lock" || home.join(path).join("run.jsonl").is_file(),
            Some((_, file)) => file == "run.jsonl" || file == "logs" || file.ends_with(".log.gz"),
        };
    }
    // One file for each context, which the next run uses again.
    let is_context = path.strip_prefix(CONTEXTS).is_some_and(|file| file.ends_with("-0"));
    is_context || [RECORDS, CONTEXTS].iter().any(|known| known.starts_with(&format!("{path}/")))
}
