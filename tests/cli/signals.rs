//! Signals before the first cell starts. `tests/engine` has those after that.

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::onebuild;

/// `onebuild build` with the engine at `socket`, and the default handling of SIGHUP.
fn build(folder: &Path, socket: &str, args: &[&str]) -> Command {
    let matrix = "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: { v: [1] }\n";
    fs::write(folder.join("matrix.yaml"), matrix).unwrap();
    fs::write(folder.join("Dockerfile"), "FROM scratch\n").unwrap();
    let plain = onebuild(folder);
    let mut command = Command::new("/usr/bin/env");
    command.arg("--default-signal=HUP").arg(plain.get_program()).arg("build").args(args);
    command.current_dir(folder).env_clear().env("HOME", folder).env("PATH", "");
    command.env("DOCKER_HOST", format!("unix://{}", folder.join(socket).display()));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn a_signal_before_the_engine_answers_ends_the_run_with_its_exit_code() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let folder = tempfile::tempdir().unwrap();
        // An engine that accepts connections but does not answer.
        let engine = UnixListener::bind(folder.path().join("engine.sock")).unwrap();
        let mut command = build(folder.path(), "engine.sock", &[]);
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        let _connection = engine.accept().unwrap();
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "note: stopped before a cell started\n");
    }
}

/// A full pipe.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = io::pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'x'; 4096]).is_ok() {}
    while writer.write(b"x").is_ok() {}
    fcntl_setfl(&writer, flags).unwrap();
    (reader, writer)
}

/// Whether a process has its own handler for SIGINT.
fn handles_interrupts(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    mask & (1 << (Signal::INT.as_raw() - 1)) != 0
}

/// The run writes a note before it connects to the engine, and blocks until the note is read.
#[test]
fn one_interrupt_ends_a_run_whose_main_thread_is_blocked() {
    let folder = tempfile::tempdir().unwrap();
    let (_reader, writer) = full_pipe();
    let mut command = build(folder.path(), "none.sock", &["--cache-to", "type=gha"]);
    let mut child = command.stderr(writer).spawn().unwrap();
    while !handles_interrupts(&child) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
