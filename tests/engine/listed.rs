//! The list of images on stdout.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Project, until};

/// The first cell waits until the test ends it, the second one finishes at once.
const ONE_WAITS: &str = "FROM alpine:3.20\nRUN [ <%n%> = 2 ] || sleep 600; echo NONCE >/nonce\n";
const TWO: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1, 2] }";
const LIMIT: Duration = Duration::from_secs(60);

fn project(name: &str, dockerfile: &str) -> Project {
    let project = Project::new(name, TWO, "");
    project.file("context/Dockerfile", dockerfile.replace("NONCE", project.nonce()));
    project
}

#[test]
fn a_killed_run_has_listed_the_images_that_it_pushed() {
    let project = project("listed", ONE_WAITS);
    let running = project.start(&["matrix", "--push"]);
    until("an image is listed", LIMIT, || running.stdout().ends_with('\n'));
    running.signal(Signal::KILL);
    let run = running.end().exits(-9);
    let image = format!("{}:v2", project.repository());
    assert_eq!(run.images(), [(image, project.store().digest("v2"))]);
    assert!(!project.store().has("v1"));
}

#[test]
fn a_reader_that_closes_stdout_after_the_first_image_does_not_stop_the_run() {
    let project = project("listed-head", "FROM alpine:3.20\nRUN echo NONCE-<%n%> >/nonce\n");
    let mut command = project.command(&["matrix", "--push", "--jobs", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    // The reader, and with it the pipe, is dropped at the end of this statement.
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with(&format!("{}:v1@", project.repository())), "{first}");
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("2 pushed") && project.store().has("v2"), "{stderr}");
}

#[test]
fn a_full_disk_below_stdout_is_an_error_but_does_not_stop_the_run() {
    let project = project("listed-full", "FROM scratch\nCOPY Dockerfile /\n# NONCE\n");
    let mut command = project.command(&["matrix", "--push"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("2 pushed"), "{stderr}");
    assert!(stderr.contains("error: stdout cannot be written: no space left"), "{stderr}");
}

#[test]
fn an_interrupt_ends_a_run_whose_stdout_is_not_read() {
    let project = project("listed-unread", ONE_WAITS);
    let prefix = format!("{}-", project.nonce());
    let mut command = project.command(&["matrix", "--push", "--tag-prefix", &prefix]);
    // A pipe that is full before the first image is listed.
    let (reader, writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut &writer, &[b'\n'; 64 << 10]).unwrap();
    let mut child = command.stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    until("an image is pushed", LIMIT, || project.store().has(&format!("{prefix}v2")));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::INT).unwrap();
    until("it has ended", Duration::from_secs(20), || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(reader);
}
