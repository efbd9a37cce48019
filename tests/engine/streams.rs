//! The forms of progress that programs read: the events on stdout, and the log of GitHub Actions.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{ONE, Project, records, runs, until};

const TWO: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1, 2] }";

fn types(stdout: &str) -> Vec<String> {
    let of = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["type"].as_str().map(str::to_owned)
    };
    stdout.lines().filter_map(of).collect()
}

#[test]
fn the_events_on_stdout_are_the_record_and_replace_the_images() {
    let project =
        Project::in_new_repository("stream-json", TWO, "FROM alpine:3.20\nRUN [ <%n%> = 1 ]\n");
    let run = project.run(&["matrix", "--push", "--progress", "json"]).exits(1);
    let recorded = runs(&records(&project)).remove(0).join("run.jsonl");
    assert_eq!(run.stdout, fs::read_to_string(recorded).unwrap());
    let types = types(&run.stdout);
    assert_eq!(
        (types.first().unwrap(), types.last().unwrap()),
        (&"run".into(), &"run-finished".into())
    );
    // Failures are shown to people, too.
    run.says(&["error: v2 failed", "exit code 1"]);
}

#[test]
fn a_run_that_is_not_recorded_has_events_and_leaves_no_file() {
    let project = Project::new("stream-unrecorded", ONE, "FROM alpine:3.20\n");
    let args = ["build", "--output", "none", "--progress", "json", "--no-record"];
    let run = project.run(&args).exits(0);
    assert_eq!(types(&run.stdout).last().unwrap(), "run-finished");
    assert!(!records(&project).exists());
    let left: Vec<_> = fs::read_dir(project.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_reader_that_does_not_read_delays_nothing_and_gets_every_event() {
    let steps: String =
        (0..40).map(|number| format!("RUN : {number} {}\n", "x".repeat(3_000))).collect();
    let dockerfile = format!("FROM alpine:3.20\n{steps}");
    let project = Project::in_new_repository("stream-blocked", ONE, &dockerfile);
    let mut command = project.command(&["build", "--push", "--progress", "json"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let pushed = || project.store().has("v1");
    until("the image is pushed", Duration::from_secs(120), pushed);
    // It waits for its reader.
    assert!(child.try_wait().unwrap().is_none());
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(stdout.len() > 100 << 10, "{}", stdout.len());
    let numbers = stdout
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap());
    assert!(numbers.eq(1..stdout.lines().count() as u64));
    assert_eq!(types(&stdout).last().unwrap(), "run-finished");
}

#[test]
fn in_github_actions_each_cell_has_a_group() {
    let dockerfile = "FROM alpine:3.20\nRUN echo '::error::from a step'; [ <%n%> = 1 ]\n";
    let project = Project::new("stream-github", TWO, dockerfile);
    let mut command = project.command(&["matrix", "--output", "none", "--no-cache"]);
    command.env("GITHUB_ACTIONS", "true");
    let run = crate::support::Running::start(command).end().exits(1);
    let lines: Vec<&str> = run.stderr.lines().collect();
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((count("::group::"), count("::endgroup::")), (2, 2), "{run}");
    assert_eq!(
        (count("::group::v1 built in "), count("::group::v2 failed after ")),
        (1, 1),
        "{run}"
    );
    assert_eq!(count("::error::from a step"), 0, "{run}");
    run.says(&[": :error::from a step"]);
}
