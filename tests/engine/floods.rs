//! Steps that print very much, and output that is not read.

use std::fs::{self, File};
use std::io::{PipeReader, Read, Write as _, pipe};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::{Project, engine_with, until, usage_of};

/// Largest use of memory in KiB, besides the program itself.
const MEMORY: usize = 64_000;

const LINES: usize = 200_000;
const LINE: usize = 10_000_000;

/// What a terminal must not be sent: it clears the screen, sets the title, writes over other lines, rings.
const HOSTILE: &str =
    r"\033[2J\033[H\033]0;title\007\033[31mred\033[0m \342\202 \377 \033[9Aup\r\b\bshown";

fn dockerfile(nonce: &str) -> String {
    format!(
        "FROM alpine:3.20\n\
         RUN : {nonce}; seq {LINES}\n\
         RUN head -c {LINE} /dev/zero | tr '\\0' x; echo; echo after the long line\n\
         RUN for i in $(seq 100); do printf '{HOSTILE}\\n'; done\n"
    )
}

/// The text that steps printed, as their log has it.
fn printed(log: &str) -> impl Iterator<Item = &str> {
    log.lines().filter_map(|line| line.split_once("] > ")).map(|(_, line)| line)
}

/// A terminal of 80 columns; its second end is for a program.
fn terminal() -> (File, File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let program = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, 0.into()).unwrap();
    (terminal.into(), program.into())
}

fn reading(mut terminal: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut text, mut part) = (Vec::new(), [0; 8192]);
        // A terminal without a program is an error for its reader, not an end.
        while let Ok(count @ 1..) = terminal.read(&mut part) {
            text.extend_from_slice(&part[..count]);
        }
        String::from_utf8(text).expect("a terminal is sent text")
    })
}

/// Starts `command` on a terminal.
fn on_terminal(mut command: Command) -> (Child, File) {
    let (terminal, program) = terminal();
    command.env("TERM", "xterm").stdin(Stdio::null());
    command.stdout(program.try_clone().unwrap()).stderr(program);
    (command.spawn().unwrap(), terminal)
}

/// What `command` prints on a terminal.
fn shown(command: Command) -> String {
    let (mut child, terminal) = on_terminal(command);
    let text = reading(terminal);
    let mut most = 0;
    until("it has ended", Duration::from_secs(300), || {
        most = most.max(usage_of(child.id()).map_or(0, |usage| usage.memory));
        child.try_wait().unwrap().is_some()
    });
    assert!(child.wait().unwrap().success());
    assert!(most < MEMORY, "{most}");
    text.join().unwrap()
}

#[track_caller]
fn is_clean(shown: &str) {
    for hostile in ["\x1b[2J", "\x1b[H", "\x1b]", "\x07", "\x1b[9A", "\x08"] {
        assert!(!shown.contains(hostile), "{hostile:?} was sent to the terminal");
    }
}

/// BuildKit itself leaves out what a step prints beyond 2 MiB, or 200 KiB in a second, and says so.
#[test]
fn what_buildkit_sends_of_a_flood_is_shown_and_recorded() {
    let project = Project::single("flood", "");
    project.file("context/Dockerfile", dockerfile(project.nonce()));
    let mut build = project.start(&["build", "--output", "none", "--progress", "plain"]);
    let mut most = 0;
    while !build.ended() {
        most = most.max(build.usage().map_or(0, |usage| usage.memory));
        sleep(Duration::from_millis(10));
    }
    let run = build.end().success();
    assert!(most < MEMORY, "{most}");
    assert!(!run.stderr.contains(|c: char| c.is_control() && c != '\n'));
    let log = project.run(&["logs", "v1"]).exits(0).stdout;
    for text in [&run.stderr, &log] {
        let lines: Vec<&str> = printed(text).collect();
        let clipped = |line: &&&str| line.starts_with("[output clipped, log limit ");
        assert_eq!(lines.iter().filter(clipped).count(), 2, "{:?}", lines.first());
        let count = lines.iter().zip(1..).take_while(|(line, n)| **line == n.to_string()).count();
        assert!(count > 10_000, "{count}");
        assert_eq!(lines.iter().filter(|line| line.ends_with("shown")).count(), 100);
    }
    is_clean(&shown(project.command(&["logs", "v1"])));
}

#[test]
fn a_flood_that_buildkit_does_not_limit_is_recorded_to_its_last_line() {
    let limits = ["BUILDKIT_STEP_LOG_MAX_SIZE", "BUILDKIT_STEP_LOG_MAX_SPEED"];
    let engine = engine_with("flood", &limits.map(|name| (name, "-1")));
    let project = Project::single("flood-unlimited", "");
    project.file("context/Dockerfile", dockerfile(project.nonce()));
    let mut build = project.command(&["build", "--output", "none"]);
    build.env("DOCKER_HOST", &engine.host);
    let screen = shown(build);
    is_clean(&screen);
    assert!(screen.contains("1 built") && screen.len() < 1 << 20, "{}", screen.len());

    let log = project.run(&["logs", "v1"]).exits(0).stdout;
    let lines: Vec<&str> = printed(&log).collect();
    let (numbers, rest) = lines.split_at(LINES);
    assert!((1..).zip(numbers).all(|(n, line)| *line == n.to_string()));
    let (long, rest) = rest.split_at(rest.iter().take_while(|line| line.starts_with('x')).count());
    assert_eq!(long.iter().map(|line| line.len()).sum::<usize>(), LINE);
    assert_eq!(rest.iter().filter(|line| line.ends_with("shown")).count(), 100);
}

const CELLS: usize = 6;

/// Cells that print more than a pipe or a terminal takes.
fn talkative(name: &str) -> Project {
    let matrix = format!("tag: v<%n%>\nplatforms: [linux/amd64]\naxes: {{ n: 1..{CELLS} }}");
    let project = Project::in_new_repository(name, &matrix, "");
    let step = format!("RUN : {}-<%n%>; seq 20000; touch /done", project.nonce());
    project.file("context/Dockerfile", format!("FROM alpine:3.20\n{step}\n"));
    project
}

fn record(project: &Project) -> Option<String> {
    let runs = fs::read_dir(project.path("home/.local/state/onebuild/runs")).ok()?;
    let mut runs = runs.map(|entry| entry.unwrap().path()).filter(|path: &PathBuf| path.is_dir());
    fs::read_to_string(runs.next()?.join("run.jsonl")).ok()
}

/// Waits for the end of the run, of which nobody reads the output.
fn finishes(project: &Project, child: &mut Child) {
    let ended =
        || record(project).is_some_and(|record| record.contains(r#""type":"run-finished""#));
    until("the run is recorded to its end", Duration::from_secs(120), ended);
    assert!(record(project).unwrap().contains(&format!(r#""pushed":{CELLS}"#)));
    let store = project.store();
    assert!((1..=CELLS).all(|n| store.has(&format!("v{n}"))));
    for n in 1..=CELLS {
        let log = project.run(&["logs", &format!("v{n}")]).exits(0).stdout;
        assert_eq!(printed(&log).count(), 20_000);
    }
    // It waits with its report.
    assert!(child.try_wait().unwrap().is_none());
}

#[test]
fn a_terminal_that_is_not_read_delays_only_the_report() {
    let project = talkative("unread-terminal");
    let progress = ["matrix", "--push", "--progress", "plain"];
    let (mut child, terminal) = on_terminal(project.command(&progress));
    finishes(&project, &mut child);
    let text = reading(terminal);
    assert!(child.wait().unwrap().success());
    assert!(text.join().unwrap().contains(&format!("{CELLS} pushed")));
}

/// A pipe that takes no byte more.
fn full() -> (PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[b'.'; 512]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

#[test]
fn pipes_that_are_not_read_delay_only_the_report() {
    let project = talkative("unread-pipes");
    let (stdout, stderr) = (full(), full());
    let mut command = project.command(&["matrix", "--push"]);
    command.stdin(Stdio::null()).stdout(stdout.1).stderr(stderr.1);
    let mut child = command.spawn().unwrap();
    drop(command);
    finishes(&project, &mut child);
    let (stdout, stderr) = (reading(stdout.0), reading(stderr.0));
    assert!(child.wait().unwrap().success());
    assert_eq!(stdout.join().unwrap().matches("@sha256:").count(), CELLS);
    assert!(stderr.join().unwrap().contains(&format!("{CELLS} pushed")));
}
