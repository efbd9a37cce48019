//! Engines that are killed, stopped or full while a matrix is built.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Project, Run, Running, commands_with, lab_script, started_engine, until};

/// Six cells; each runs a command for some seconds.
const SIX: &str = "tag: v<%n%>\nplatforms: linux/amd64\naxes: { n: [1, 2, 3, 4, 5, 6] }\n";

fn engine_script(args: &[&str]) -> Run {
    let mut command: Command = lab_script("engine");
    command.args(args);
    Running::start(command).end().success()
}

fn signal(engine: &str, signal: Signal) {
    let pid = engine_script(&["pid", engine]).stdout;
    kill_process(Pid::from_raw(pid.trim().parse().unwrap()).unwrap(), signal).unwrap();
}

fn slow(project: &Project, seconds: u32) -> String {
    format!("FROM alpine:3.20\nRUN echo {}; sleep {seconds}; echo <%n%> >/n\n", project.nonce())
}

const BUILDS: Duration = Duration::from_secs(90);

#[test]
fn cells_wait_for_an_engine_that_is_killed_and_started_again() {
    let engine = started_engine("killed", &[]);
    let project = Project::new("killed", SIX, "");
    project.file("context/Dockerfile", slow(&project, 4));
    let args = ["matrix", "--push", "--host", &engine.host, "--jobs", "2", "--progress", "plain"];
    let running = project.start(&args);
    until("two cells are built", BUILDS, || commands_with(project.nonce()) > 1);
    signal("killed", Signal::KILL);
    until("the cells wait", Duration::from_secs(10), || {
        running.stderr().matches("retry 1 of 2 when the engine answers: ").count() == 2
    });
    engine_script(&["start", "killed"]);
    let run = running.end().success();
    let run = run.says(&["the connection to the engine was lost", "6 pushed"]);
    assert_eq!(run.stderr.matches("| waiting for the engine (").count(), 2, "{run}");
    assert_eq!(project.store().images("v6").len(), 1);
}

#[test]
fn an_engine_that_does_not_come_back_fails_all_cells_once() {
    let engine = started_engine("gone", &[]);
    let project = Project::new("gone", SIX, "");
    project.file("context/Dockerfile", slow(&project, 600));
    let wait = ["--engine-wait", "5s", "--jobs", "2", "--progress", "plain"];
    let running =
        project.start(&[&["matrix", "--push", "--host", &engine.host], &wait[..]].concat());
    until("two cells are built", BUILDS, || commands_with(project.nonce()) > 1);
    signal("gone", Signal::KILL);
    let killed = Instant::now();
    let run = running.end().exits(1);
    assert!(killed.elapsed() < Duration::from_secs(20), "{run}");
    run.says(&[
        "the engine did not come back within 5s",
        "and 5 more cells in the same way",
        "--engine-wait sets how long to wait for it",
        "6 failed",
    ]);
}

/// Cells with layers of 40 MB each, which need twice as much on the engine's disk.
#[test]
fn no_cell_starts_on_a_full_disk_unless_build_cache_may_be_removed() {
    let engine = started_engine("small", &["--disk", "300m"]);
    let matrix = "tag: v<%n%>\nplatforms: linux/amd64\naxes: { n: [1, 2, 3, 4, 5] }\n";
    let large = "FROM alpine:3.20\nRUN head -c 40000000 /dev/urandom >/large; echo <%n%>\n";
    let project = Project::new("small", matrix, large);
    let args = ["matrix", "--push", "--no-cache", "--host", &engine.host, "--jobs", "1"];
    let args = [&args[..], &["--progress", "plain"]].concat();
    let run = project.run(&args).exits(1);
    run.says(&[
        "not started, because the engine's disk is full",
        "docker builder prune",
        " pushed, 1 failed, ",
        " not started",
    ]);
    let run = project.run(&[&args[..], &["--reclaim"]].concat()).success();
    run.says(&["retry 1 of 2 ", "the engine's disk", "5 pushed"]);
}

#[test]
fn a_paused_engine_is_named_within_10_s_and_the_run_goes_on_when_it_continues() {
    let engine = started_engine("paused", &[]);
    let project = Project::new("paused", SIX, "");
    project.file("context/Dockerfile", slow(&project, 4));
    let args = ["matrix", "--push", "--host", &engine.host, "--jobs", "2", "--progress", "plain"];
    let running = project.start(&args);
    until("two cells are built", BUILDS, || commands_with(project.nonce()) > 1);
    signal("paused", Signal::STOP);
    let paused = Instant::now();
    until("the engine is named", Duration::from_secs(12), || {
        running.stderr().contains("| waiting for the engine (")
    });
    let named = paused.elapsed();
    while paused.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(100));
    }
    signal("paused", Signal::CONT);
    running.end().success().says(&["6 pushed"]).never_says(&["retry ", "failed"]);
    assert!(named < Duration::from_secs(10), "{named:?}");
}
