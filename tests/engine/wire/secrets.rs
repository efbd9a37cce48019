//! Values that only one step sees.

use std::fs;

use crate::support::{Project, Running, paths_below};

/// The value of every secret here starts with this.
fn canary(project: &Project) -> String {
    format!("canary-{}", project.nonce())
}

/// Whether a process of this machine has `word` on its command line.
fn on_a_command_line(word: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("/proc is there").flatten();
    // A process that has just ended has no command line any more.
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).contains(word))
}

#[test]
fn a_secret_reaches_its_step_and_stays_nowhere() {
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
        assert!(!on_a_command_line(&canary), "a process was told the secret");
    }
    running.end().success().never_says(&[&canary]);
    let words = project.store().words("v1");
    assert!(words.contains("/run/secrets/file") && !words.contains(&canary), "{words}");

    start(&["--output", "type=local,dest=tree", "--platform", "linux/amd64"]).end().success();
    for name in ["file", "variable"] {
        let sum = fs::read_to_string(project.path("tree").join(name)).unwrap();
        let wanted = onebuild::image::Digest::of(format!("{canary}-{name}").as_bytes()).to_string();
        assert_eq!(sum.split_whitespace().next(), wanted.strip_prefix("sha256:"), "{name}");
    }
    // `paths_below` names links too, which may lead nowhere.
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
fn a_secret_that_nobody_gave_says_how_to_give_it() {
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
    let unset = ["build", "--secret", "id=token,env=NOT_SET_ANYWHERE"];
    project.run(&unset).exits(1).says(&["NOT_SET_ANYWHERE", "not set"]);
    // A step that can do without does without.
    project.file("context/Dockerfile", step.replace(",required=true", ""));
    project.run(&["build"]).success();
}

#[test]
fn a_secret_that_cannot_be_read_is_told_before_anything_is_built() {
    let project = Project::single("badsecret", "FROM alpine:3.20\nRUN true\n");
    project
        .run(&["build", "--secret", "id=token,src=gone"])
        .exits(4)
        .says(&["the secret `token` cannot be read: gone", "--secret id=token,src=PATH"]);
    let canary = canary(&project);
    project.run(&["build", "--secret", &canary]).exits(2).says(&["write id=ID,src=FILE"]);
}

#[test]
fn a_secret_beyond_what_buildkit_takes_is_refused_unread() {
    let step = "FROM alpine:3.20\nRUN --mount=type=secret,id=token,required=true true\n";
    let project = Project::single("bigsecret", step);
    let canary = canary(&project);
    project.file("big", canary.repeat(600 * 1024 / canary.len()));
    let run = project.run(&["build", "--secret", "id=token,src=big"]).exits(1);
    run.says(&["the secret `token` is larger than 500 KiB"]).never_says(&[&canary]);
}
