//! Signals at any moment of a run: its exit code, and its leftovers.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{
    Project, Random, Run, Running, campaign_number, commands_with, docker, left_on_disk, lines,
    paths_below, processes_in, records, runs, silent_to, until,
};

/// The number of moments to test. `tests/lab/signals` tests more.
const MOMENTS: usize = 20;
const SEED: u64 = 18;

/// Longer than the clean-up of a stopped run may take.
const END: Duration = Duration::from_secs(15);

/// The signals to send, and whether the last of them ends the program immediately.
const SEQUENCES: [(&[Signal], bool); 9] = [
    (&[Signal::INT], false),
    (&[Signal::TERM], false),
    (&[Signal::HUP], false),
    (&[Signal::INT, Signal::INT], true),
    (&[Signal::INT, Signal::TERM], false),
    (&[Signal::TERM, Signal::INT], true),
    (&[Signal::TERM, Signal::HUP], false),
    (&[Signal::HUP, Signal::TERM], false),
    (&[Signal::INT, Signal::TERM, Signal::INT], true),
];

/// The kinds of runs: push after smoke tests, push, load, write archives.
const RUNS: [&[&str]; 4] = [
    &["matrix", "--push"],
    &["matrix", "--push", "--skip-test"],
    &["matrix"],
    &["matrix", "--output", "type=oci,dest=out/"],
];

/// A moment: after how many lines on stderr and how many milliseconds, which signals in which run,
/// and the interval between them.
#[derive(Debug)]
struct Moment {
    lines: usize,
    delay: Duration,
    signals: &'static [Signal],
    leaves: bool,
    gap: Duration,
    args: &'static [&'static str],
}

impl Moment {
    fn random(random: &mut Random) -> Self {
        let (signals, leaves) = SEQUENCES[random.below(SEQUENCES.len() as u64) as usize];
        Self {
            lines: random.below(45) as usize,
            delay: Duration::from_millis(random.below(150)),
            signals,
            leaves,
            gap: Duration::from_millis(random.below(300)),
            args: RUNS[random.below(RUNS.len() as u64) as usize],
        }
    }

    /// The kernel delivers signals that are pending at the same time in the order of their numbers, so on a
    /// busy machine, the second of two that are sent at once may be the first that arrives.
    fn allows(&self, code: i32) -> bool {
        let is_at_once = self.gap < Duration::from_millis(100);
        let mut others = self.signals.iter().map(|signal| 128 + signal.as_raw());
        code == self.exit_code() || is_at_once && others.any(|other| other == code)
    }

    /// 128 plus the number of the first signal.
    fn exit_code(&self) -> i32 {
        128 + self.signals[0].as_raw()
    }
}

/// Two images for two platforms, with smoke tests.
fn project(name: &str) -> Project {
    let project = Project::new(name, "", "");
    let nonce = project.nonce().to_owned();
    project.matrix(&format!(
        "tag: v<%n%>\nlabels: {{ nonce: {nonce} }}\nplatforms: [linux/amd64, linux/arm64]\n\
         axes: {{ n: [1, 2] }}\ntest: \"sleep 0.3\"\n"
    ));
    project.file(
        "context/Dockerfile",
        format!(
            "FROM alpine:3.20\nRUN echo {nonce}-<%n%>; sleep 0.2; true\n\
             RUN head -c 3000000 /dev/urandom >/large\n"
        ),
    );
    project
}

/// The containers of smoke tests of this project, and the names of images that only tests need.
fn left_on_the_engine(project: &Project) -> Vec<String> {
    let filter = format!("label=nonce={}", project.nonce());
    let containers = docker(&["ps", "--all", "--quiet", "--filter", &filter]);
    let format = "{{.Repository}}:{{.Tag}}";
    let images = docker(&["image", "ls", "--filter", &filter, "--format", format]);
    let own = project.repository();
    let images = images.lines().filter(|name| !name.starts_with(&own) && !name.contains("<none>"));
    containers.lines().chain(images).map(str::to_owned).collect()
}

/// Sends the signals of `moment` to a run, and returns what is wrong afterwards.
fn try_moment(project: &Project, moment: &Moment) -> String {
    let mut wrong = String::new();
    let before = runs(&records(project));
    let args = [moment.args, &["--no-cache", "--progress", "plain"]].concat();
    // The user who runs the tests may ignore SIGHUP.
    let env = ["--default-signal=HUP", env!("CARGO_BIN_EXE_onebuild")];
    let mut running =
        Running::start(project.program(Path::new("env"), &[&env, &args[..]].concat()));
    until("enough lines are written, or the run ended", Duration::from_secs(90), || {
        running.ended() || running.stderr().lines().count() >= moment.lines.max(1)
    });
    std::thread::sleep(moment.delay);
    for signal in moment.signals {
        if running.ended() {
            break;
        }
        running.signal(*signal);
        std::thread::sleep(moment.gap);
    }
    let asked = Instant::now();
    let run: Run = running.end();
    let took = asked.elapsed();
    if took > END {
        let _ = writeln!(wrong, "it ended after {took:?}");
    }
    // A run may have ended before the signal arrived.
    if !moment.allows(run.code) && run.code != 0 {
        let _ = writeln!(wrong, "exit code {}, not {}", run.code, moment.exit_code());
    }
    if run.stderr.contains("panicked") || run.stderr.contains("a bug in onebuild") {
        let _ = writeln!(wrong, "it panicked");
    }
    let nonce = project.nonce();
    let solved = Instant::now();
    while commands_with(nonce) > 0 {
        if solved.elapsed() > Duration::from_secs(10) {
            let _ = writeln!(wrong, "a build is still running");
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let files = left_on_disk(project);
    if !files.is_empty() {
        let _ = writeln!(wrong, "left on the disk: {files:?}");
    }
    if processes_in(&project.path("")) > 0 {
        let _ = writeln!(wrong, "a process is left");
    }
    // A run that was stopped before it began has none.
    if let Some(record) = runs(&records(project)).into_iter().find(|run| !before.contains(run)) {
        let last = lines(&record).pop().unwrap_or_default();
        // A signal during the report comes after the end of the record.
        let is_code = last["exit_code"] == run.code || last["exit_code"] == 0;
        if last["type"] != "run-finished" || !is_code {
            let _ = writeln!(wrong, "its record ends with {last}");
        }
    }
    let out = project.path("out");
    if out.exists() {
        let is_whole = |path: &String| path.ends_with(".tar");
        let parts: Vec<String> =
            paths_below(&out).into_iter().filter(|path| !is_whole(path)).collect();
        if !parts.is_empty() {
            let _ = writeln!(wrong, "half-written: {parts:?}");
        }
    }
    let left = left_on_the_engine(project);
    // A program that quits immediately leaves this to a later run.
    if !left.is_empty() && !moment.leaves {
        let _ = writeln!(wrong, "left on the engine: {left:?}");
    }
    match wrong.is_empty() {
        true => wrong,
        false => format!("{moment:?}:\n{wrong}{run}\n"),
    }
}

/// Tests the moments of a seed, on two projects at a time.
fn campaign(name: &str, moments: usize, seed: u64) {
    let mut random = Random(seed);
    let moments: Vec<Moment> = (0..moments).map(|_| Moment::random(&mut random)).collect();
    let half = moments.len().div_ceil(2);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let halves = moments.chunks(half).enumerate();
        let running: Vec<_> = halves
            .map(|(number, moments)| {
                let name = format!("{name}{number}");
                scope.spawn(move || {
                    let project = project(&name);
                    let wrong = moments.iter().map(|moment| try_moment(&project, moment)).collect();
                    project.run(&["matrix", "--resume"]).success();
                    // The next run removes the leftovers of programs that quit immediately.
                    project.run(&["build", "--only", "n=1"]).success();
                    until("a later run removed the leftovers", Duration::from_secs(20), || {
                        left_on_the_engine(&project).is_empty()
                    });
                    wrong
                })
            })
            .collect();
        let ended = running.into_iter().flat_map(|half| -> Vec<String> { half.join().unwrap() });
        ended.filter(|wrong| !wrong.is_empty()).collect()
    });
    let all = wrong.join("\n");
    assert!(wrong.is_empty(), "seed {seed}, {} of {} moments:\n{all}", wrong.len(), moments.len());
}

/// Waits until a smoke test of this project runs.
fn until_a_test_runs(project: &Project) {
    let filter = format!("label=nonce={}", project.nonce());
    until("a test runs", Duration::from_secs(90), || {
        !docker(&["ps", "--quiet", "--filter", &filter]).is_empty()
    });
}

/// `onebuild` with `args`, and a pipe as its stderr that is full from the start and never read.
fn unread(project: &Project, args: &[&str]) -> (Running, std::fs::File) {
    let path = project.path("unread");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut options = std::fs::File::options();
    let mut pipe = options.read(true).write(true).custom_flags(nonblocking).open(&path).unwrap();
    while pipe.write(&[b'\n'; 4096]).is_ok() {}
    while pipe.write(b"\n").is_ok() {}
    let mut command = project.program(Path::new("sh"), &["-c", "exec \"$@\" 2>unread", "sh"]);
    command.arg(env!("CARGO_BIN_EXE_onebuild")).args(args);
    (Running::start(command), pipe)
}

#[test]
fn a_blocked_terminal_does_not_slow_a_build_and_one_interrupt_ends_the_run() {
    let project = Project::single("unread", "FROM alpine:3.20\nRUN true\n");
    let tag = format!("v1-{}", project.nonce());
    project.matrix(&format!("tag: {tag}\nplatforms: [linux/amd64]\naxes: {{ n: [1] }}"));
    let (mut running, _pipe) = unread(&project, &["build", "--push", "--progress", "plain"]);
    until("the image is pushed", Duration::from_secs(90), || project.store().has(&tag));
    assert!(!running.ended(), "it still has to write its report");
    running.signal(Signal::INT);
    running.end().exits(130);
}

#[test]
fn one_interrupt_is_enough_even_if_the_engine_removes_nothing() {
    let project = project("unremoved");
    let host = silent_to(project.path("engine.sock"), "DELETE /");
    let mut command = project.command(&["build", "--only", "n=1", "--progress", "plain"]);
    command.env("DOCKER_HOST", host);
    let running = Running::start(command);
    until_a_test_runs(&project);
    let asked = Instant::now();
    running.signal(Signal::INT);
    let run = running.end().exits(130).says(&["stopping", "quit without cleaning up"]);
    assert!(asked.elapsed() < END, "{:?}: {run}", asked.elapsed());
    // The next run has an engine that removes objects again.
    project.run(&["build", "--only", "n=2", "--skip-test"]).success();
    until("a later run removed the leftovers", Duration::from_secs(20), || {
        left_on_the_engine(&project).is_empty()
    });
}

#[test]
fn a_signal_at_any_moment_ends_the_run_and_leaves_nothing_incomplete() {
    campaign("signals", MOMENTS, SEED);
}

/// `tests/lab/signals` runs it, with these variables.
#[test]
#[ignore = "a campaign of many minutes: tests/lab/signals"]
fn signals_at_many_moments() {
    let moments = usize::try_from(campaign_number("ONEBUILD_SIGNAL_MOMENTS")).unwrap();
    campaign("manysignals", moments, campaign_number("ONEBUILD_SIGNAL_SEED"));
}
