//! The metadata of a run: JSON as `docker buildx bake --metadata-file` writes it, one object for each cell.
//!
//! Keys of buildx have its names and meanings: `docs/reports.md` lists them. Ours start with `onebuild.`, and the
//! run itself is at a key with a `:`, which no name of a cell has. `metadata.schema.json` is the schema.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::plan::{escaped, redacted};
use crate::record::event::{Built, CellResult, Failure, Retrying, Warning};
use crate::record::{CellState, Recorded, RecordedCell, State};

/// The version of the format. A version only gains keys.
const VERSION: u32 = 1;

/// The key of the run.
const RUN: &str = "onebuild:run";

pub(super) fn metadata(run: &Recorded) -> String {
    let mut all = Map::new();
    all.insert(RUN.to_owned(), of_run(run));
    all.extend(run.cells.iter().map(|(name, cell)| (name.clone(), of_cell(run, cell))));
    let text = serde_json::to_string_pretty(&redacted(Value::Object(all)))
        .expect("strings, lists and maps with string keys always serialize");
    escaped(&text).into_owned() + "\n"
}

fn of_run(run: &Recorded) -> Value {
    let head = &run.head;
    let (result, exit_code) = match &run.state {
        State::Running => ("running", None),
        State::Ended(end) => ("finished", Some(end.exit_code)),
        State::Killed => ("killed", None),
    };
    json!({
        "version": VERSION,
        "onebuild": head.onebuild,
        "id": head.id,
        "time": head.time,
        "last": run.last,
        "elapsed": seconds(run.elapsed()),
        "command": head.command.text,
        "matrix": head.matrix,
        "engine": head.engine,
        "jobs": head.jobs,
        "result": result,
        "exit_code": exit_code,
        "totals": run.totals(),
    })
}

fn of_cell(run: &Recorded, known: &RecordedCell) -> Value {
    let RecordedCell { cell, started, ended, retries, warnings, finished, .. } = known;
    let (built, failure) = match finished.as_ref().map(|finished| &finished.result) {
        Some(CellResult::Built(built)) => (Some(built), None),
        Some(CellResult::Failed { failure }) => (None, Some(failure)),
        Some(CellResult::NotStarted | CellResult::Cancelled) | None => (None, None),
    };
    let pushed = built.map(|built| &built.pushed).or(failure.map(|failure| &failure.pushed));
    let pushed = pushed.map_or(&[][..], Vec::as_slice);
    // The names under which it was exported.
    let names = if pushed.is_empty() { &cell.references } else { pushed };
    let attempts = retries.len() + usize::from(started.is_some());
    let earlier: Vec<Value> = retries.iter().map(self::earlier).collect();
    let warnings: Vec<Value> = warnings.iter().map(warning).collect();
    let of_built = |value: fn(&Built) -> Value| built.map(value);
    let fields = [
        ("containerimage.digest", built.and_then(|one| one.digest.as_ref()).map(|one| json!(one))),
        ("image.name", built.map(|_| json!(names.join(",")))),
        ("onebuild.result", Some(json!(word(run.cell_state(known))))),
        ("onebuild.axes", Some(json!(cell.axes))),
        ("onebuild.platforms", Some(json!(cell.platforms))),
        ("onebuild.references", Some(json!(cell.references))),
        ("onebuild.pushed", Some(json!(pushed))),
        ("onebuild.started", started.map(|time| json!(time))),
        ("onebuild.ended", ended.map(|time| json!(time))),
        ("onebuild.elapsed", finished.as_ref().map(|one| json!(seconds(one.elapsed)))),
        ("onebuild.attempts", Some(json!(attempts))),
        ("onebuild.earlier", (!earlier.is_empty()).then(|| json!(earlier))),
        ("onebuild.warnings", (!warnings.is_empty()).then(|| json!(warnings))),
        ("onebuild.unchanged", of_built(|built| json!(built.unchanged))),
        ("onebuild.verified", of_built(|built| json!(built.verified))),
        (
            "onebuild.unverified",
            built.and_then(|one| one.unverified.as_ref()).map(|one| json!(one)),
        ),
        ("onebuild.cached_steps", of_built(|built| json!(built.cached_steps))),
        ("onebuild.total_steps", of_built(|built| json!(built.total_steps))),
        (
            "onebuild.images",
            built.map(|one| &one.images).filter(|one| !one.is_empty()).map(|one| json!(one)),
        ),
        ("onebuild.smoke_test", of_built(|built| json!(built.smoke_test))),
        ("onebuild.kept_from", built.and_then(|one| one.kept_from.as_ref()).map(|one| json!(one))),
        ("onebuild.failure", failure.map(|failure| json!(failure))),
    ];
    let named = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(named.collect())
}

/// One word for the result of a cell. Other keys say whether it was verified and unchanged.
fn word(state: CellState) -> &'static str {
    match state {
        CellState::Pushed | CellState::Unchanged | CellState::Unverified => "pushed",
        CellState::NotStarted => "not-started",
        other => other.word(),
    }
}

/// An attempt that failed and was followed by another one.
fn earlier(retrying: &Retrying) -> Value {
    let failure: &Failure = &retrying.failure;
    let elapsed = retrying.took.map(seconds);
    json!({ "elapsed": elapsed, "failure": failure })
}

fn warning(warning: &Warning) -> Value {
    let Warning { cell: _, file, line, message, url } = warning;
    json!({ "file": file, "line": line, "message": message, "url": url })
}

/// To the millisecond.
fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::event::samples::HOSTILE;
    use crate::record::event::schema::{faults, valid};
    use crate::reporters::samples::{family, foreign};

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../metadata.schema.json")).unwrap()
    }

    fn read(text: &str) -> Value {
        let value = serde_json::from_str(text).unwrap();
        valid(&schema(), &value);
        value
    }

    #[test]
    fn cells_have_the_keys_of_buildx_and_ours() {
        let run = family();
        let all = read(&metadata(&run));
        assert_eq!(all.as_object().unwrap().len(), 1 + run.cells.len());
        assert_eq!(all[RUN]["version"], VERSION);
        assert_eq!(all[RUN]["exit_code"], 1);
        assert_eq!(all[RUN]["totals"]["cells"], run.cells.len());

        let pushed = &all["dood-2.0.0-ubuntu"];
        let digest = pushed["containerimage.digest"].as_str().unwrap();
        assert!(digest.starts_with("sha256:"), "{digest}");
        assert_eq!(pushed["image.name"], "docker.io/me/panel:dood-2.0.0-ubuntu");
        assert_eq!(pushed["onebuild.result"], "pushed");
        assert_eq!(pushed["onebuild.axes"]["version"], "2.0.0");
        assert_eq!(pushed["onebuild.smoke_test"]["result"], "passed");
        assert_eq!(pushed["onebuild.attempts"], 1);

        let failed = &all["dood-2.0.11-centos"];
        assert_eq!(failed["onebuild.result"], "failed");
        assert_eq!(failed.get("image.name"), None);
        let failure = &failed["onebuild.failure"];
        assert_eq!(failure["place"]["file"], "templates/centos/Dockerfile");
        assert_eq!(failure["place"]["line"], 14);
        assert_eq!(failed["onebuild.warnings"][0]["message"], "FROM has no digest");

        let retried = run.cells.values().find(|cell| !cell.retries.is_empty()).unwrap();
        let retried = &all[&retried.cell.cell];
        assert_eq!(retried["onebuild.attempts"], 2);
        assert_eq!(retried["onebuild.earlier"][0]["elapsed"], 3.0);
        assert_eq!(all["dood-2.0.27-alpine"]["onebuild.result"], "not-started");
    }

    #[test]
    fn a_run_without_an_end_is_described_too() {
        let mut run = foreign("x");
        for (state, word) in [(State::Running, "running"), (State::Killed, "killed")] {
            run.state = state;
            let all = read(&metadata(&run));
            assert_eq!((&all[RUN]["result"], &all[RUN]["exit_code"]), (&json!(word), &Value::Null));
            assert_eq!(all["began"]["onebuild.result"], word);
        }
    }

    #[test]
    fn foreign_text_stays_in_its_strings_and_acts_on_nobody() {
        for text in HOSTILE {
            let written = metadata(&foreign(text));
            let acts =
                |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!written.contains(acts) && !written.contains("##["), "{written}");
            assert!(!written.lines().any(|line| line.starts_with("::")), "{written}");
            let all = read(&written);
            assert_eq!(all.as_object().unwrap().len(), 4);
            assert_eq!(all["failed"]["onebuild.failure"]["message"], **text);
            assert_eq!(all[RUN]["command"], **text);
        }
    }

    #[test]
    fn a_password_in_a_url_is_hidden() {
        let written = metadata(&foreign("https://me:secret@example.com/x"));
        assert!(!written.contains("secret"), "{written}");
    }

    #[test]
    fn the_schema_refuses_what_is_not_written() {
        let good = read(&metadata(&foreign("x")));
        for (path, value) in [
            ("/onebuild:run/version", json!(2)),
            ("/pushed/onebuild.result", json!("done")),
            ("/pushed/onebuild.pushed", json!("a,b")),
            ("/failed/onebuild.failure", Value::Null),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(path).unwrap() = value;
            assert!(faults(&schema(), &bad).is_some(), "{path}");
        }
    }
}
