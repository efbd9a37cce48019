//! Ctrl-C in the middle of a matrix.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Project, Running, commands_with, paths_below, until};

fn stops(name: &str, signal: Signal, args: &[&str], more: &str) {
    let code = 128 + signal.as_raw();
    // The user who runs the tests may ignore SIGHUP.
    let onebuild = ["--default-signal=HUP", env!("CARGO_BIN_EXE_onebuild")];
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: 1..6 }\n";
    let project = Project::new(name, &(matrix.to_owned() + more), "");
    let nonce = project.nonce().to_owned();
    let sleeper = format!("FROM alpine:3.20\nRUN echo {nonce}-<%n%>; sleep 600; true\n");
    project.file("context/Dockerfile", sleeper);
    let args = [&onebuild, &["matrix", "--jobs", "4"][..], args].concat();
    let running = Running::start(project.program(Path::new("env"), &args));
    until("four cells run", Duration::from_secs(60), || commands_with(&nonce) >= 8);

    let started = Instant::now();
    running.signal(signal);
    until("no cell runs", Duration::from_secs(2), || commands_with(&nonce) == 0);
    let run = running.end().exits(code).says(&["stopping", "press Ctrl-C again", "6 cancelled"]);
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
fn an_interrupt_leaves_no_incomplete_archives() {
    stops("archives", Signal::INT, &["--output", "type=oci,dest=out/"], "");
}

#[test]
fn sigterm_stops_a_run() {
    // Results that a smoke test would need are not kept either.
    stops("terminated", Signal::TERM, &[], "test: \"true\"");
}

#[test]
fn a_terminal_that_closes_stops_a_run() {
    stops("hungup", Signal::HUP, &[], "");
}

/// Two signals at once leave no time to handle the first one.
#[test]
fn a_second_signal_leaves_no_incomplete_archive() {
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: 1..2 }";
    let project = Project::new("twice", matrix, "");
    let nonce = project.nonce().to_owned();
    let large = "RUN head -c 200000000 /dev/zero >/large";
    project.file("context/Dockerfile", format!("FROM alpine:3.20\n{large}; : {nonce}-<%n%>\n"));
    let running = project.start(&["matrix", "--output", "type=tar,dest=out/"]);
    let out = project.path("out");
    let parts = || if out.exists() { paths_below(&out) } else { Vec::new() };
    until("an archive is being written", Duration::from_secs(90), || {
        parts().iter().any(|path| path.ends_with(".part"))
    });
    running.signal(Signal::INT);
    running.signal(Signal::INT);
    running.end().exits(130);
    let unfinished: Vec<String> = parts().into_iter().filter(|p| !p.ends_with(".tar")).collect();
    assert_eq!(unfinished, [""; 0]);
    assert_eq!(paths_below(&project.path("tmp")), [""; 0]);
}

#[test]
fn one_interrupt_is_enough_even_if_stderr_is_not_read() {
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }";
    let project = Project::new("stuck", matrix, "");
    let nonce = project.nonce().to_owned();
    let sleeper = format!("FROM alpine:3.20\nRUN seq 1 30000; echo {nonce}; sleep 600; true\n");
    project.file("context/Dockerfile", sleeper);
    // A stopped terminal, or a pager that is not scrolled.
    let pager = project.path("pager");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pager, 0o600.into()).unwrap();
    let unread = std::fs::File::options().read(true).write(true).open(&pager).unwrap();
    let mut command = project.program(Path::new("sh"), &["-c", "exec \"$@\" 2>pager", "sh"]);
    command.args([env!("CARGO_BIN_EXE_onebuild"), "build", "--progress", "plain"]);
    let running = Running::start(command);
    // A pipe holds 64 KiB, minus incompletely filled pages; there is half a MiB of output.
    until("the pipe is almost full", Duration::from_secs(60), || {
        rustix::io::ioctl_fionread(&unread).unwrap() > 40_000
    });

    running.signal(Signal::INT);
    until("the cell is cancelled", Duration::from_secs(5), || commands_with(&nonce) == 0);
    // One is enough, although the rest of the output is never read.
    running.end().exits(130);
    assert_eq!(paths_below(&project.path("tmp")), [""; 0]);
}
