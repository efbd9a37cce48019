//! Ctrl-C in the middle of a matrix.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Project, Running, commands_with, paths_below, until};

fn stops(name: &str, signal: Signal, args: &[&str], more: &str) {
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: 1..6 }\n";
    let project = Project::new(name, &(matrix.to_owned() + more), "");
    let nonce = project.nonce().to_owned();
    let sleeper = format!("FROM alpine:3.20\nRUN echo {nonce}-<%n%>; sleep 600; true\n");
    project.file("context/Dockerfile", sleeper);
    let running: Running = project.start(&[&["matrix", "--jobs", "4"], args].concat());
    until("four cells run", Duration::from_secs(60), || commands_with(&nonce) >= 8);

    let started = Instant::now();
    running.signal(signal);
    until("no cell runs", Duration::from_secs(2), || commands_with(&nonce) == 0);
    let run = running.end().exits(130).says(&["stopping", "6 cancelled"]);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}: {run}", started.elapsed());
    assert_eq!(run.stdout, "");
    assert_eq!(paths_below(&project.path("tmp")), [""; 0]);
    assert_eq!(paths_below(&project.path("context")), ["Dockerfile"]);
    if project.path("out").exists() {
        assert_eq!(paths_below(&project.path("out")), [""; 0]);
    }
}

#[test]
fn an_interrupt_ends_every_solve_within_two_seconds_and_leaves_nothing() {
    stops("interrupted", Signal::INT, &["--push"], "");
}

#[test]
fn an_interrupt_leaves_nothing_where_archives_were_to_be() {
    stops("archives", Signal::INT, &["--output", "type=oci,dest=out/"], "");
}

#[test]
fn a_termination_is_an_interrupt() {
    // What a test would need afterwards is not held on to.
    stops("terminated", Signal::TERM, &[], "test: \"true\"");
}
