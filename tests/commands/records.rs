//! The records of runs, prepared as a run writes them: `runs` and `logs`.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::project::{Project, Run};

pub const LAST: &str = "20261128T181044Z-3f2a";
pub const FIRST: &str = "20261127T101010Z-00aa";

/// A directory with two runs of its matrix: in the last one, of a moment ago, v2 failed.
pub fn recorded() -> Project {
    let project = Project::empty();
    project.file("matrix.yaml", "a matrix that cannot be read has records, too: [");
    run(&project, FIRST, "matrix.yaml", &["old", "v1"], &[]);
    run(
        &project,
        LAST,
        "matrix.yaml",
        &["v1", "v2", "v3"],
        &[
            json!({"type": "cell-started", "cell": "v1"}),
            json!({"type": "cell-started", "cell": "v2"}),
            json!({"type": "step", "cell": "v2", "step": 1, "name": "RUN x", "platform": null,
                "stage": null, "position": null, "state": "running"}),
            json!({"type": "of-a-later-version", "cell": "v2"}),
            json!({"type": "cell-finished", "cell": "v1", "elapsed": 2.5, "result": "built",
                "digest": null, "pushed": ["me/app:v1"], "unchanged": false, "verified": true,
                "cached_steps": 1, "total_steps": 2, "smoke_test": {"result": "none"}}),
            json!({"type": "cell-finished", "cell": "v2", "elapsed": 1.25, "result": "failed",
                "failure": {"kind": "command", "phase": "build", "temporary": false,
                "message": "exit\u{1b}[2J code 3", "platform": null, "stage": null, "place": null,
                "instruction": null, "exit_code": 3, "help": null, "pushed": []}}),
        ],
    );
    log(&project, LAST, "v1", &["00:00 v1 | started\n", "00:01 v1 | [1/1] > one\n"]);
    log(&project, LAST, "v2", &["00:00 v2 | started\n", "00:01 v2 | [1/1] > \x1b[31mtwo\n"]);
    log(&project, FIRST, "v1", &["00:00 v1 | first\n"]);
    log(&project, FIRST, "old", &["00:00 old | first\n"]);
    project
}

fn directory(project: &Project, id: &str) -> PathBuf {
    project.path(".local/state/onebuild/runs").join(id)
}

/// Records a run without an end.
pub fn run(project: &Project, id: &str, matrix: &str, cells: &[&str], events: &[Value]) {
    let here = fs::canonicalize(project.path("")).unwrap();
    let path = here.join(matrix);
    let mut text = json!({"version": 1, "type": "run", "id": id, "onebuild": "0.2.0",
        "time": "2026-11-28T18:10:44.120Z", "command": {"name": "matrix", "arguments": [],
        "text": "onebuild matrix --push"}, "matrix": {"file": matrix, "path": path},
        "directory": here, "engine": "an engine", "jobs": 2, "process": {"pid": 1, "host": "h"}})
    .to_string()
        + "\n";
    let cells = cells.iter().map(|cell| {
        json!({"type": "cell", "cell": cell, "axes": {}, "platforms": ["linux/amd64"],
            "references": [format!("me/app:{cell}")]})
    });
    for (seq, mut event) in (1..).zip(cells.chain(events.iter().cloned())) {
        event["seq"] = seq.into();
        event["time"] = "2026-11-28T18:11:44.120Z".into();
        text += &format!("{event}\n");
    }
    fs::create_dir_all(directory(project, id).join("logs")).unwrap();
    fs::write(directory(project, id).join("run.jsonl"), text).unwrap();
}

pub fn append(project: &Project, id: &str, event: &Value) {
    let path = directory(project, id).join("run.jsonl");
    let mut file = fs::File::options().append(true).open(path).unwrap();
    let mut event = event.clone();
    event["seq"] = 99.into();
    event["time"] = "2026-11-28T18:12:44.120Z".into();
    file.write_all(format!("{event}\n").as_bytes()).unwrap();
}

/// Adds chunks to the log of a cell.
fn log(project: &Project, id: &str, cell: &str, chunks: &[&str]) {
    let path = directory(project, id).join(format!("logs/{cell}.log.gz"));
    let mut file = fs::File::options().create(true).append(true).open(path).unwrap();
    for chunk in chunks {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(chunk.as_bytes()).unwrap();
        file.write_all(&encoder.finish().unwrap()).unwrap();
    }
}

pub fn end(exit_code: u8) -> Value {
    let totals = json!({"cells": 3, "pushed": 1, "built": 0, "failed": 1, "cancelled": 1,
        "not_started": 0});
    json!({"type": "run-finished", "exit_code": exit_code, "elapsed": 61.5, "totals": totals})
}

/// The rows of a table without its header, each as its words.
fn rows(run: &Run) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    run.stdout.lines().skip(1).map(words).collect()
}

#[test]
fn runs_are_listed_newest_first_with_their_results() {
    let project = recorded();
    for (last, result, time) in [
        (None, "killed: 1 pushed, 1 failed", "1m00s"),
        (Some(json!({"type": "cancelling"})), "interrupted: 1 pushed, 1 failed", "2m00s"),
        (Some(end(130)), "interrupted: 1 pushed, 1 failed", "1m02s"),
        (Some(end(1)), "1 pushed, 1 failed", "1m02s"),
    ] {
        last.iter().for_each(|event| append(&project, LAST, event));
        let run = project.run(&["runs"]).exits(0);
        assert!(run.stdout.starts_with("run  "), "{run:?}");
        let rows = rows(&run);
        assert_eq!(rows.len(), 2);
        assert!(rows[0].starts_with(LAST) && rows[1].starts_with(FIRST), "{rows:?}");
        assert!(rows[0].ends_with(&format!("matrix --push {result} {time}")), "{rows:?}");
        assert!(rows[1].ends_with("matrix --push killed 1m00s"), "{rows:?}");
    }
    let json: Value =
        serde_json::from_str(&project.run(&["runs", "--format", "json"]).exits(0).stdout).unwrap();
    let first = &json["runs"][0];
    assert_eq!((&json["version"], &first["id"]), (&json!(1), &json!(LAST)));
    assert_eq!((&first["result"], &first["exit_code"]), (&json!("finished"), &json!(1)));
    assert_eq!(first["totals"]["failed"], 1);
}

#[test]
fn only_the_runs_of_this_matrix_are_listed_without_all() {
    let project = recorded();
    run(&project, "20261128T190000Z-0001", "other.yaml", &["v1"], &[]);
    assert_eq!(rows(&project.run(&["runs"])).len(), 2);
    assert_eq!(rows(&project.run(&["runs", "-f", "other.yaml"])).len(), 1);
    let all = rows(&project.run(&["runs", "--all"]));
    assert!(all.len() == 3 && all[0].ends_with("/other.yaml"), "{all:?}");
    // A link leads to the same matrix.
    std::os::unix::fs::symlink("matrix.yaml", project.path("link.yaml")).unwrap();
    assert_eq!(rows(&project.run(&["runs", "-f", "link.yaml"])).len(), 2);
    let none = project.run(&["runs", "-f", "no.yaml"]).exits(0);
    assert_eq!(none.stdout, "");
    none.says(&["no run of no.yaml is recorded", "onebuild runs --all"]);
    let empty = Project::empty();
    empty.run(&["runs", "--all"]).exits(0).says(&["no run is recorded in"]);
}

#[test]
fn a_damaged_record_is_named_and_the_others_are_listed() {
    let project = recorded();
    for (id, content) in [
        ("20261128T190000Z-0001", "{\"version\": 2, \"type\": \"run\"}\n"),
        ("20261128T190000Z-0002", "nonsense"),
        ("20261128T190000Z-0003", ""),
    ] {
        fs::create_dir_all(directory(&project, id)).unwrap();
        fs::write(directory(&project, id).join("run.jsonl"), content).unwrap();
    }
    fs::create_dir_all(directory(&project, "20261128T190000Z-0004")).unwrap();
    fs::create_dir_all(directory(&project, "notes")).unwrap();
    let run = project.run(&["runs"]).exits(0);
    assert_eq!(rows(&run).len(), 2);
    assert_eq!(run.stderr.matches("warning: ").count(), 3, "{}", run.stderr);
    run.says(&["version 2 of the format", "its first line is not that of a record"]);
}

#[test]
fn a_log_is_that_of_the_last_run_that_has_the_cell() {
    let project = recorded();
    for (args, expected) in [
        (&["v1"][..], "00:00 v1 | started\n00:01 v1 | [1/1] > one\n"),
        (&["old"], "00:00 old | first\n"),
        (&["v1", "--run", "2"], "00:00 v1 | first\n"),
        (&["v1", "--run", FIRST], "00:00 v1 | first\n"),
        (&["me/app:v2"], "00:00 v2 | started\n00:01 v2 | [1/1] > two\n"),
        (&["v[12]", "v*"], ""),
        (
            &["v*"],
            "00:00 v1 | started\n00:01 v1 | [1/1] > one\n00:00 v2 | started\n00:01 v2 | [1/1] > two\n",
        ),
    ] {
        let run = project.run(&[&["logs"][..], args].concat());
        assert_eq!(run.stdout, expected, "{args:?} {run:?}");
        assert_eq!(run.code, if expected.is_empty() { 2 } else { 0 });
    }
    project.run(&["logs", "v3"]).exits(0).says(&[LAST, "`v3` has no log: not started"]);
    // The log of a run that was killed, up to where it is cut off.
    let path = directory(&project, LAST).join("logs/v1.log.gz");
    let content = fs::read(&path).unwrap();
    fs::write(&path, &content[..content.len() - 1]).unwrap();
    let run = project.run(&["logs", "v1"]).exits(0);
    assert_eq!(run.stdout, "00:00 v1 | started\n00:01 v1 | [1/1] > one\n");
}

#[test]
fn without_a_name_the_cells_are_listed() {
    let run = recorded().run(&["logs"]).exits(0);
    assert_eq!(rows(&run), ["v1 2.5s pushed", "v2 1.3s failed: exit code 3", "v3 not started"]);
}

#[test]
fn what_is_not_recorded_is_an_error_that_says_what_is() {
    let project = recorded();
    for (args, parts) in [
        (&["v9"][..], &["has no cell `v9`", LAST, "did you mean `v1`?"][..]),
        (&["olt"], &["has no cell `olt`", "its cells: v1, v2, v3"]),
        (&["olt", "--run", "2"], &["did you mean `old`?"]),
        (&["old", "--run", "1"], &["has no cell `old`"]),
        (&["--run", "3"], &["only 2 runs of this matrix are recorded", "onebuild runs"]),
        (&["--run", "20260101T000000Z-0000"], &["no record of the run 20260101T000000Z-0000"]),
        (&["--run", "yesterday"], &["it must be a number from 1, or a name"]),
        (&["--follow"], &["<CELL>"]),
        (&["-f", "no.yaml"], &["no run of no.yaml is recorded"]),
        (&["--record", "off"], &["runs are not recorded"]),
        (&["--record", ""], &["name a directory"]),
        (&["--record", "matrix.yaml/x"], &["matrix.yaml/x cannot be read"]),
    ] {
        let run = project.run(&[&["logs"][..], args].concat());
        let is_disk = args.contains(&"matrix.yaml/x");
        run.exits(if is_disk { 4 } else { 2 }).says(parts);
    }
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onebuild"));
        Run::with(command.arg("logs"), &project.path(""), variables)
    };
    run(&[("ONEBUILD_RECORD", "off")]).exits(2).says(&["runs are not recorded"]);
    run(&[("HOME", "")]).exits(2).says(&["HOME is not set"]);
    run(&[("XDG_STATE_HOME", "/nowhere")]).exits(2).says(&["no run of matrix.yaml is recorded"]);
}

#[test]
fn what_is_kept_is_checked_before_a_run() {
    let project = Project::family();
    let mut command = Command::new(env!("CARGO_BIN_EXE_onebuild"));
    let variables = [("ONEBUILD_RECORD_KEEP", "all")];
    let run = Run::with(command.arg("matrix"), &project.path(""), &variables);
    run.exits(2).says(&["ONEBUILD_RECORD_KEEP: `all` is not", "write a list such as 20,30d,1g"]);
}

#[test]
fn a_log_is_followed_until_its_cell_ends() {
    let project = recorded();
    let path = directory(&project, LAST).join("run.jsonl");
    let lock = fs::File::open(&path).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let listed = rows(&project.run(&["runs"]));
    assert!(listed[0].contains("running: 2 of 3 cells, 1 failed"), "{listed:?}");
    assert_eq!(rows(&project.run(&["logs"]))[2], "v3 waiting");

    let mut command = Command::new(env!("CARGO_BIN_EXE_onebuild"));
    command.args(["logs", "v3", "--follow"]).current_dir(project.path("")).env_clear();
    command.env("HOME", project.path("")).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let mut out = child.stdout.take().unwrap();
    let mut read = |expected: &str| {
        let mut text = vec![0; expected.len()];
        std::io::Read::read_exact(&mut out, &mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    };
    append(&project, LAST, &json!({"type": "cell-started", "cell": "v3"}));
    for line in ["00:02 v3 | started\n", "00:03 v3 | [1/1] > three\n"] {
        log(&project, LAST, "v3", &[line]);
        read(line);
    }
    log(&project, LAST, "v3", &["00:04 v3 | cancelled\n"]);
    let finished =
        json!({"type": "cell-finished", "cell": "v3", "elapsed": 1, "result": "cancelled"});
    append(&project, LAST, &finished);
    read("00:04 v3 | cancelled\n");
    assert!(child.wait().unwrap().success());
    assert!(started.elapsed() < Duration::from_secs(30));
}
