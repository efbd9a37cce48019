//! The record of a run, and the logs of its cells.

use std::fs;
use std::io::Read as _;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    ONE, Project, Running, commands_with, lines, paths_below, records, runs, until,
};

const TWO: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1, 2] }";

/// The lines of the only record, without those of steps.
fn record(project: &Project) -> Vec<Value> {
    let directories = runs(&records(project));
    assert_eq!(directories.len(), 1);
    lines(&directories[0]).into_iter().filter(|line| line["type"] != "step").collect()
}

/// What the steps of a cell printed.
fn printed(log: &str) -> Vec<&str> {
    log.lines().filter_map(|line| line.split_once("] > ")).map(|(_, line)| line).collect()
}

#[test]
fn the_log_of_a_failed_cell_is_complete_and_the_report_names_it() {
    let step = "RUN echo <%n%>; [ <%n%> = 1 ] || { \
        for i in $(seq 3000); do printf '\\033[31mline\\033[0m %s\\t\\342x\\n' $i; done; exit 3; }";
    let project = Project::new("record-failed", TWO, &format!("FROM alpine:3.20\n{step}\n"));
    let run = project.run(&["matrix", "--output", "none", "--progress", "quiet", "--no-cache"]);
    run.exits(1).says(&["its log: onebuild logs v2\n"]);

    let log = project.run(&["logs", "v2"]).exits(0).stdout;
    let lines = printed(&log);
    assert_eq!(lines.len(), 3001, "{log}");
    for (number, line) in (1..).zip(&lines[1..]) {
        assert!(line.starts_with(&format!("line {number} ")) && line.ends_with('x'), "{line:?}");
    }
    assert!(log.lines().last().unwrap().contains("failed after"), "{log}");
    let listed = project.run(&["runs"]).exits(0).stdout;
    assert!(listed.contains("1 built, 1 failed"), "{listed}");

    let record = record(&project);
    assert_eq!((&record[0]["type"], &record[0]["version"]), (&"run".into(), &1.into()));
    let failed = record.iter().find(|line| line["result"] == "failed").unwrap();
    assert_eq!((&failed["cell"], &failed["failure"]["exit_code"]), (&"v2".into(), &3.into()));
    assert_eq!(failed["failure"]["place"]["line"], 2);
    let end = record.last().unwrap();
    assert_eq!((&end["type"], &end["exit_code"]), (&"run-finished".into(), &1.into()));
}

#[test]
fn a_log_is_followed_while_its_cell_runs_and_a_killed_run_keeps_it() {
    let project = Project::new("record-killed", ONE, "");
    let nonce = project.nonce();
    let step = format!("RUN echo {nonce} begins; sleep 5; echo more; sleep 600; true");
    project.file("context/Dockerfile", format!("FROM alpine:3.20\n{step}\n"));
    let build = project.start(&["build", "--output", "none"]);
    until("the run is recorded", Duration::from_secs(60), || !runs(&records(&project)).is_empty());
    let follow = project.start(&["logs", "v1", "--follow"]);
    let shows = |running: &Running, text: &str| running.stdout().contains(&format!("> {text}"));
    until("the log is followed", Duration::from_secs(60), || shows(&follow, "more"));
    let listed = project.run(&["runs"]).exits(0).stdout;
    assert!(listed.contains("running: 0 of 1 cell"), "{listed}");

    build.signal(Signal::KILL);
    build.end().exits(-9);
    let followed = follow.end().exits(0).stdout;
    let log = project.run(&["logs", "v1"]).exits(0).stdout;
    assert_eq!(followed, log);
    assert_eq!(printed(&log), [&format!("{nonce} begins"), "more"]);
    assert!(project.run(&["runs"]).exits(0).stdout.contains(" killed "));
    until("the solve is gone", Duration::from_secs(60), || commands_with(nonce) == 0);
}

#[test]
fn an_interrupted_run_is_recorded_to_its_end() {
    let project = Project::new("record-interrupted", TWO, "");
    let nonce = project.nonce();
    project.file(
        "context/Dockerfile",
        format!("FROM alpine:3.20\nRUN echo {nonce}-<%n%>; sleep 600; true\n"),
    );
    let build = project.start(&["matrix", "--output", "none", "--jobs", "1"]);
    until("a cell runs", Duration::from_secs(60), || commands_with(nonce) > 0);
    build.signal(Signal::INT);
    build.end().exits(130);
    let record = record(&project);
    let types: Vec<&str> = record.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types[..3], ["run", "cell", "cell"]);
    assert!(types.contains(&"cancelling"), "{types:?}");
    assert_eq!(record.last().unwrap()["exit_code"], 130);
    let listed = project.run(&["runs"]).exits(0).stdout;
    assert!(listed.contains("interrupted: 2 cancelled"), "{listed}");
}

#[test]
fn no_secret_is_recorded_or_reported() {
    let dockerfile = "FROM alpine:3.20\nARG TOKEN\n\
        RUN --mount=type=secret,id=key --mount=from=other,target=/other \
        cat /run/secrets/key | grep -q file && echo \"$TOKEN\" | grep -q arg\n";
    let project = Project::single("record-secret", dockerfile);
    project.file("key", "canary-7f3a-file");
    // The context is not reachable, so the second run fails with the URL in its message.
    let contexts =
        ["alpine:3.20", "https://me:canary-7f3a-url@127.0.0.1:1/x.git?token=canary-7f3a-q"];
    for (context, code) in contexts.into_iter().zip([0, 1]) {
        let context = match code {
            0 => format!("other=docker-image://{context}"),
            _ => format!("other={context}"),
        };
        let reports = [
            ("--summary", "md"),
            ("--metadata-file", "json"),
            ("--junit", "xml"),
            ("--timings", "html"),
            ("--timings", "trace.json"),
        ];
        let reports: Vec<String> = reports
            .into_iter()
            .flat_map(|(flag, end)| [flag.to_owned(), format!("reports/{code}.{end}")])
            .collect();
        let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
        let args = ["--build-arg", "TOKEN=canary-7f3a-arg", "--secret", "id=key,src=key"];
        let args = [
            &["build", "--no-cache", "--output", "none", "--progress", "json"],
            &["--build-context", &context][..],
            &args,
            &reports,
        ];
        project.run(&args.concat()).exits(code).never_says(&["canary"]);
    }
    let reports = paths_below(&project.path("reports"));
    assert_eq!(reports.len(), 10, "{reports:?}");
    for path in reports {
        let text = fs::read_to_string(project.path("reports").join(&path)).unwrap();
        assert!(!text.contains("canary") && !text.is_empty(), "{path}\n{text}");
    }
    let place = records(&project);
    let mut read = 0;
    for path in paths_below(&place) {
        let file = place.join(&path);
        if file.is_dir() {
            continue;
        }
        let mut text = fs::read(&file).unwrap();
        if path.ends_with(".gz") {
            let packed = std::mem::take(&mut text);
            MultiGzDecoder::new(&packed[..]).read_to_end(&mut text).unwrap();
        }
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("canary"), "{path}\n{text}");
        read += 1;
    }
    // Among them the file for the lock of all runs.
    assert_eq!(read, 5);
    let text = fs::read_to_string(runs(&place)[0].join("run.jsonl")).unwrap();
    assert!(text.contains(r#"{"flag":"build-arg","value":"TOKEN","hidden":true}"#), "{text}");
}

#[test]
fn a_place_that_cannot_be_written_is_one_warning_and_the_run_goes_on() {
    let project = Project::single("record-unwritable", "FROM scratch\nCOPY Dockerfile /\n");
    let file = project.file("file", "");
    let at = file.join("runs");
    let run = project.run(&["build", "--output", "none", "--record", at.to_str().unwrap()]);
    let run = run.exits(0).says(&["warning: this run is not recorded in", "--no-record"]);
    assert_eq!(run.stderr.matches("not recorded").count(), 1, "{run}");
    let mut homeless = project.command(&["build", "--output", "none"]);
    homeless.env_remove("HOME");
    let run = Running::start(homeless).end().exits(0);
    run.says(&["note: this run is not recorded, because HOME is not set"]);
}

#[test]
fn only_runs_are_recorded_and_never_sent_with_a_context() {
    let project = Project::single("record-context", "FROM scratch\nCOPY . /all/\n");
    for args in [&["--no-record"][..], &["--dry-run"], &["--record", "off"]] {
        project.run(&[&["build", "--output", "none"], args].concat()).exits(0);
        assert!(runs(&records(&project)).is_empty(), "{args:?}");
    }
    for number in 1..=3 {
        let tree = project.tree(&["--record", "context/runs", "--quiet"]);
        assert_eq!(paths_below(&tree.join("all")), ["Dockerfile"]);
        assert_eq!(runs(&project.path("context/runs")).len(), number);
    }
}

#[test]
fn old_runs_are_removed_when_a_run_starts() {
    let project = Project::single("record-old", "FROM scratch\nCOPY Dockerfile /\n");
    for expected in [1, 2, 2] {
        let mut command = project.command(&["build", "--output", "none"]);
        command.env("ONEBUILD_RECORD_KEEP", "2");
        Running::start(command).end().exits(0);
        assert_eq!(runs(&records(&project)).len(), expected);
    }
}
