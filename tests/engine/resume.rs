//! `--failed` and `--resume`, and runs that push the same tags.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Project, Run, Running, until};

const FOUR: &str = "tag: v<%n%>\nplatforms: linux/amd64\naxes: { n: [1, 2, 3, 4] }\n";

/// Cell 3 fails as long as the context has a file `broken`.
const BREAKABLE: &str = "FROM alpine:3.20\nCOPY . /\n\
                         RUN : <%n%>; [ <%n%> != 3 ] || [ ! -e /broken ] || exit 7\n";

fn project(name: &str, dockerfile: &str) -> Project {
    let project = Project::in_new_repository(name, FOUR, dockerfile);
    project.file("context/nonce", project.nonce());
    project
}

fn matrix(project: &Project, more: &[&str]) -> Run {
    project.run(&[&["matrix", "--push", "--progress", "plain"], more].concat())
}

fn only(project: &Project, flag: &str) -> Run {
    project.run(&["matrix", flag, "--progress", "plain"])
}

#[test]
fn failed_builds_only_what_failed_with_the_flags_of_the_run() {
    let project = project("againfailed", BREAKABLE);
    project.file("context/broken", "");
    matrix(&project, &["--skip", "n=4"]).exits(1).says(&["2 pushed, 1 failed"]);
    let run = only(&project, "--failed").exits(1);
    run.says(&[
        "1 cell of the run ",
        " to build again",
        "1 cell, amd64",
        "exit code 7",
        "1 failed",
    ]);
    std::fs::remove_file(project.path("context/broken")).unwrap();
    only(&project, "--failed").success().says(&["v3 | pushed", "1 pushed, in "]);
    assert!(project.store().has("v3") && !project.store().has("v4"));
    only(&project, "--failed").success().says(&["0 cells of the run "]);
}

#[test]
fn resume_leaves_out_what_was_pushed_unless_its_inputs_have_changed() {
    let project = project("againresumed", BREAKABLE);
    project.file("context/broken", "");
    matrix(&project, &[]).exits(1).says(&["3 pushed, 1 failed"]);
    let run = only(&project, "--resume").exits(1);
    run.says(&["3 cells of the run ", "1 to build", "1 cell, amd64", "1 failed"]);

    // Nothing but the context has changed, and all cells have it.
    std::fs::remove_file(project.path("context/broken")).unwrap();
    let run = only(&project, "--resume").success();
    run.says(&["v1: its context has changed", "4 cells, amd64", "4 pushed"]);
    only(&project, "--resume").success().says(&["4 cells of the run ", "0 to build"]);

    // The template of one cell.
    let changed = FOUR.replace("axes:", "overrides: [{ n: 2, labels: { a: b } }]\naxes:");
    project.matrix(&changed);
    let run = only(&project, "--resume").success();
    run.says(&["v2: its recipe has changed", "1 cell, amd64", "v2 | pushed"]);
    let runs = project.run(&["runs"]).success();
    assert!(runs.stdout.contains("1 pushed, 3 kept"), "{runs}");
}

#[test]
fn the_platform_native_is_that_of_the_engine() {
    let project = project("againnative", BREAKABLE);
    let native = FOUR.replace("platforms: linux/amd64\n", "");
    project.matrix(&native);
    matrix(&project, &["--skip", "n=4"]).success();
    only(&project, "--resume").success().says(&["3 cells of the run ", "0 to build"]);
    // The same by name, and then another one.
    project.matrix(FOUR);
    only(&project, "--resume").success().says(&["3 cells of the run ", "0 to build"]);
    project.matrix(&native.replace("axes:", "platforms: [native, linux/arm64]\naxes:"));
    let run = project.run(&["matrix", "--resume", "--dry-run"]).success();
    run.says(&["v1: its recipe has changed", "3 cells"]);
    // What is kept has the platform of the engine in its record, too.
    project.matrix(&native.replace("axes:", "overrides: [{ n: 2, labels: { a: b } }]\naxes:"));
    only(&project, "--resume").success().says(&["v2: its recipe has changed", "1 pushed"]);
    only(&project, "--resume").success().says(&["3 cells of the run ", "0 to build"]);
    // Only the engine knows its platform.
    let nowhere = ["matrix", "--resume", "--host", "unix:///nowhere/docker.sock"];
    project.run(&nowhere).exits(4).never_says(&["its recipe has changed"]);
}

#[test]
fn what_contradicts_the_recorded_run_is_an_error() {
    let project = project("againother", BREAKABLE);
    only(&project, "--failed").exits(2).says(&["there is no record of such a run"]);
    let arg = ["--build-arg", "A=1", "--skip", "n=4"];
    matrix(&project, &arg).success();
    for (args, said) in [
        (&["build", "--failed"][..], "was `onebuild matrix`"),
        (&["matrix", "--resume", "--load"], "`--load` contradicts the run "),
        (&["matrix", "--resume", "--skip", "n=1"], "`--skip n=1` contradicts the run "),
        (&["matrix", "--resume"], "the value of `--build-arg A` was not recorded"),
        (&["matrix", "--resume", "--failed"], "cannot be used with"),
        (&["matrix", "--resume=20200101T000000Z-0000"], "there is no record of such a run"),
    ] {
        project.run(args).exits(2).says(&[said]);
    }
    let run = project.run(&["matrix", "--resume", "--jobs", "1", "--build-arg", "A=1"]).success();
    run.says(&["3 cells of the run ", "0 to build"]);
    let run = project.run(&["matrix", "--resume", "--build-arg", "A=2"]).success();
    run.says(&["v1: its recipe has changed", "3 unchanged"]);
}

/// A step that runs for some time.
fn waiting(nonce: &str) -> String {
    format!("FROM alpine:3.20\nCOPY nonce /\nRUN : {nonce}; echo waits-<%n%>; sleep 20\n")
}

fn waits(running: &mut Running, cell: usize) {
    until("the step runs", Duration::from_secs(60), || {
        assert!(!running.ended(), "{}", running.stderr());
        running.stderr().contains(&format!("waits-{cell}"))
    });
}

#[test]
fn a_killed_run_is_resumed_and_builds_nothing_twice() {
    let project = project("againkilled", "");
    let steps = format!(
        "FROM alpine:3.20\nRUN : {}; [ <%n%> -lt 3 ] || {{ echo waits-<%n%>; sleep 20; }}\n",
        project.nonce()
    );
    project.file("context/Dockerfile", steps);
    let mut running = project.start(&["matrix", "--push", "--progress", "plain", "--jobs", "2"]);
    waits(&mut running, 3);
    until("both are recorded", Duration::from_secs(60), || {
        project.run(&["runs"]).success().stdout.contains("running: 2 of 4 cells")
    });
    running.signal(Signal::KILL);
    running.end();
    let killed = project.run(&["runs"]).success();
    assert!(killed.stdout.contains("killed: 2 pushed"), "{killed}");
    let run = only(&project, "--resume").success();
    run.says(&["2 cells of the run ", "2 to build", "2 cells, amd64", "2 pushed"])
        .never_says(&["v1 |", "v2 |"]);
    for tag in ["v1", "v2", "v3", "v4"] {
        assert!(project.store().has(tag), "{tag}");
    }
}

#[test]
fn a_second_run_that_pushes_the_same_tags_ends_or_waits() {
    let project = project("againheld", "");
    project.file("context/Dockerfile", waiting(project.nonce()));
    let mut running = project.start(&["build", "--only", "n=1", "--push", "--progress", "plain"]);
    waits(&mut running, 1);
    let said = format!("process {} on ", running.pid());
    let other = matrix(&project, &[]).exits(4);
    other.says(&[&said, ":v1 for ", "wait for its end, or let this run wait: --wait"]);
    let resumed = project.run(&["build", "--resume"]).exits(4);
    resumed.says(&["is still running, as process "]);
    // Other tags, and the same tags without a push, are no conflict.
    let mut beside = project.start(&["build", "--only", "n=2", "--push", "--progress", "plain"]);
    waits(&mut beside, 2);
    let mut waiting = project.start(&["matrix", "--push", "--wait", "--progress", "plain"]);
    until("it waits", Duration::from_secs(30), || {
        waiting.stderr().contains("note: waiting: process ")
    });
    assert!(!waiting.ended());
    running.end().success();
    beside.end().success();
    waiting.end().success().says(&["4 cells, amd64"]);
}
