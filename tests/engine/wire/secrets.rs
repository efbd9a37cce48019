//! Secrets of build steps.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Project, Running, paths_below, until};

/// The value of every secret here starts with this.
fn canary(project: &Project) -> String {
    format!("canary-{}", project.nonce())
}

/// Whether a process of this machine has `word` on its command line.
fn on_a_command_line(word: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("/proc is there").flatten();
    // A process that has just ended has no command line.
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).contains(word))
}

#[test]
fn a_secret_reaches_its_step_and_is_not_stored_anywhere() {
    let project = Project::new(
        "secret",
        "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }",
        "FROM alpine:3.20\nARG NONCE\n\
         RUN --mount=type=secret,id=file,required=true \
         --mount=type=secret,id=variable,required=true,env=TOKEN \
         sha256sum < /run/secrets/file > /file && printf %s \"$TOKEN\" | sha256sum > /variable && \
         ! grep -lF -f /run/secrets/file /proc/[0-9]*/cmdline\n\
         RUN ! grep -rlF canary- /run /etc /tmp && env > /env\n",
    );
    let canary = canary(&project);
    project.file("value", format!("{canary}-file"));
    let nonce = format!("NONCE={}", project.nonce());
    let secrets =
        ["--secret", "id=file,src=value", "--secret", "id=variable,env=ONEBUILD_TEST_VALUE"];
    let start = |args: &[&str]| {
        let args = [&["build", "--build-arg", &nonce], args, &secrets].concat();
        let mut command = project.command(&args);
        command.env("ONEBUILD_TEST_VALUE", format!("{canary}-variable"));
        Running::start(command)
    };
    let mut running = start(&["--push", "--provenance", "--history"]);
    while !running.ended() {
        assert!(!on_a_command_line(&canary), "a process had the secret on its command line");
    }
    running.end().success().never_says(&[&canary]);
    let words = project.store().words("v1");
    assert!(words.contains("/run/secrets/file") && !words.contains(&canary), "{words}");

    start(&["--output", "type=local,dest=tree", "--platform", "linux/amd64"]).end().success();
    for name in ["file", "variable"] {
        let sum = fs::read_to_string(project.path("tree").join(name)).unwrap();
        let wanted = onebuild::parts::Digest::of(format!("{canary}-{name}").as_bytes()).to_string();
        assert_eq!(sum.split_whitespace().next(), wanted.strip_prefix("sha256:"), "{name}");
    }
    // `paths_below` lists dangling links too.
    let tree = project.path("tree");
    let held = paths_below(&tree).into_iter().filter(|path| {
        let content = fs::read(tree.join(path)).unwrap_or_default();
        content.windows(canary.len()).any(|window| window == canary.as_bytes())
    });
    assert_eq!(held.collect::<Vec<_>>(), [] as [String; 0]);
    let environment = fs::read_to_string(project.path("tree/env")).unwrap();
    assert!(!environment.contains("canary"), "{environment}");
    assert_eq!(fs::read_dir(project.path("tree/run")).map_or(0, Iterator::count), 0);
}

#[test]
fn a_missing_secret_is_reported_with_help() {
    let step = "FROM alpine:3.20\nRUN --mount=type=secret,id=token,required=true true\n";
    let project = Project::single("nosecret", step);
    project.run(&["build"]).exits(1).says(&[
        "secret token: not found",
        "Dockerfile:2",
        "--secret id=token,src=FILE",
    ]);
    // A secret of another name, and a variable that is not set.
    project.file("other", "x");
    project.run(&["build", "--secret", "id=other"]).exits(1).says(&["--secret id=token,src=FILE"]);
    // A step that does not require the secret runs without it.
    project.file("context/Dockerfile", step.replace(",required=true", ""));
    project.run(&["build"]).success();
}

#[test]
fn an_unreadable_secret_is_reported_before_anything_is_built() {
    let project = Project::single("badsecret", "FROM alpine:3.20\nRUN true\n");
    project
        .run(&["build", "--secret", "id=token,src=gone"])
        .exits(4)
        .says(&["the secret `token` cannot be read: gone", "--secret id=token,src=PATH"]);
    let canary = canary(&project);
    project.run(&["build", "--secret", &canary]).exits(2).says(&["write id=ID,src=FILE"]);
}

#[test]
fn a_secret_that_is_too_large_for_buildkit_is_refused_without_reading_it() {
    let step = "FROM alpine:3.20\nRUN --mount=type=secret,id=token,required=true true\n";
    let project = Project::single("bigsecret", step);
    let canary = canary(&project);
    project.file("big", canary.repeat(600 * 1024 / canary.len()));
    let run = project.run(&["build", "--secret", "id=token,src=big"]).exits(4);
    run.says(&["big: it is larger than 500 KiB"]).never_says(&[&canary]);
}

/// A matrix of six steps that show a secret, without its image.
const SIX: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: 1..3 }";
const SHOWS: &str = "FROM alpine:3.20\n\
    RUN --mount=type=secret,id=s --mount=type=secret,id=same \
    echo \"<%n%> sees [$(sha256sum < /run/secrets/s)] [$(sha256sum < /run/secrets/same)]\"\n";

/// What each of the six steps of `project` saw of `value`, which is written into a pipe once.
#[track_caller]
fn six_see(project: &Project, mut command: std::process::Command, value: &str) {
    command.args(["matrix", "--no-cache", "--progress", "plain"]);
    let run = Running::start(command).end().success().never_says(&[value]);
    let digest = onebuild::parts::Digest::of(value.as_bytes()).to_string();
    let seen = digest.strip_prefix("sha256:").unwrap();
    let shown = format!("sees [{seen}  -] [{seen}  -]");
    assert_eq!(run.stderr.matches(&shown).count(), 6, "{run}");
    assert!(!on_a_command_line(value), "{}", project.nonce());
}

#[test]
fn a_secret_from_a_pipe_reaches_every_step() {
    let project = Project::new("pipesecret", SIX, SHOWS);
    let canary = canary(&project);
    let value = project.file("value", &canary);
    let onebuild = |flags: &str| {
        let mut shell = project.program(std::path::Path::new("bash"), &["-c"]);
        let program = env!("CARGO_BIN_EXE_onebuild");
        shell.arg(format!("exec {program} \"$@\" {flags}")).arg("bash");
        shell
    };
    let value = value.display();
    for flags in [
        // Two pipes, one pipe under two names, and standard input.
        format!("--secret id=s,src=<(cat {value}) --secret id=same,src=<(cat {value})"),
        format!(
            "--secret id=s,src=/dev/fd/9 --secret id=same,src=/proc/self/fd/9 9< <(cat {value})"
        ),
        format!("--secret id=s,src=/dev/stdin --secret id=same,src=/dev/fd/0 < <(cat {value})"),
    ] {
        six_see(&project, onebuild(&flags), &canary);
    }
}

#[test]
fn a_secret_from_a_named_pipe_in_the_matrix_reaches_tests_too() {
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: 1..2 }\n\
                  secrets: { s: { file: pipe } }\ntest: cat /sum";
    let step = "FROM alpine:3.20\nRUN --mount=type=secret,id=s,required=true \
                sha256sum < /run/secrets/s > /sum && test -s /run/secrets/s; : <%n%>\n";
    let project = Project::new("fifosecret", matrix, step);
    let canary = canary(&project);
    let pipe = project.path("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    // Without a build, nothing is read.
    project.run(&["plan"]).success();
    project.run(&["lint"]);
    project.run(&["matrix", "--dry-run"]).success();
    let writer = std::thread::spawn({
        let (pipe, canary) = (pipe.clone(), canary.clone());
        move || fs::write(pipe, canary).unwrap()
    });
    project.run(&["matrix", "--no-cache"]).success().says(&["2 built"]).never_says(&[&canary]);
    writer.join().unwrap();
}

/// The test keeps the pipe open, so that it never ends.
#[test]
fn an_interrupt_ends_a_run_that_waits_for_a_pipe() {
    use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
    let project = Project::single("stuckpipe", "FROM alpine:3.20\nRUN true\n");
    let pipe = project.path("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, 0o600.into(), 0).unwrap();
    let running = project.start(&["build", "--secret", "id=s,src=pipe"]);
    let mut writer = None;
    until("the pipe is read", Duration::from_secs(60), || {
        // Fails until there is a reader.
        writer = open(&pipe, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()).ok();
        writer.is_some()
    });
    running.signal(Signal::INT);
    running.end().exits(-(Signal::INT.as_raw()));
}

#[test]
fn a_secret_that_is_not_set_stops_the_run_unless_it_is_optional() {
    let matrix = |optional: &str| {
        format!(
            "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: {{ n: [1] }}\n\
             secrets: {{ s: {{ env: NOT_SET_ANYWHERE{optional} }}, f: {{ file: gone{optional} }} }}"
        )
    };
    let step = "FROM alpine:3.20\nRUN --mount=type=secret,id=s --mount=type=secret,id=f \
                ls -A /run/secrets > /secrets; true\n";
    let project = Project::new("unsetsecret", &matrix(""), step);
    project.run(&["build"]).exits(4).says(&[
        "the secret `s` cannot be read: the variable NOT_SET_ANYWHERE is not set",
        "matrix.yaml:7:22",
        "the secret `f` cannot be read: gone: no such file",
        "`optional: true`",
    ]);
    project.matrix(&matrix(", optional: true"));
    assert_eq!(project.built("secrets", &["--no-cache"]), "");
    // A step that requires it reports why it is missing.
    project.file("context/Dockerfile", step.replace("id=s", "id=s,required=true"));
    project.run(&["build"]).exits(1).says(&["NOT_SET_ANYWHERE, which is not set"]);
}

#[test]
fn an_empty_secret_is_an_empty_file_and_a_warning() {
    let step = "FROM alpine:3.20\nRUN --mount=type=secret,id=s,required=true wc -c < /run/secrets/s > /n\n";
    let project = Project::single("emptysecret", step);
    let run = |flags: &[&str]| {
        let build = ["build", "--no-cache", "--secret", "id=s,env=ONEBUILD_TEST_VALUE"];
        let mut command = project.command(&[&build, flags].concat());
        command.env("ONEBUILD_TEST_VALUE", "");
        Running::start(command).end()
    };
    let run_once = run(&["--output", "type=local,dest=tree"]).success();
    run_once.says(&["warning[empty-secret]: the secret `s` is empty"]);
    assert_eq!(fs::read_to_string(project.path("tree/n")).unwrap().trim(), "0");
    run(&["--strict"]).exits(3).says(&["error[empty-secret]: the secret `s` is empty"]);
}

/// Neither UTF-8 nor text.
#[test]
fn a_variable_may_hold_any_bytes() {
    use std::os::unix::ffi::OsStrExt as _;
    let step = "FROM alpine:3.20\nRUN --mount=type=secret,id=s od -An -tx1 /run/secrets/s > /hex\n";
    let project = Project::single("bytesecret", step);
    let output = ["build", "--no-cache", "--output", "type=local,dest=tree"];
    let mut command = project.command(&[&output[..], &["--secret", "id=s,env=BYTES"]].concat());
    command.env("BYTES", std::ffi::OsStr::from_bytes(&[0xff, 0xfe, 0x80]));
    Running::start(command).end().success();
    assert_eq!(fs::read_to_string(project.path("tree/hex")).unwrap().trim(), "ff fe 80");
}
