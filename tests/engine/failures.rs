//! Failures, and how they are reported to the user.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Project, Running, wrong_in_sessions};

const THREE: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1, 2, 3] }";

#[test]
fn a_typo_in_a_placeholder_is_reported_with_its_position_before_anything_starts() {
    let project = Project::new("typo", THREE, "FROM alpine:3.20\nRUN echo <%m%>\n");
    let mut command = project.command(&["matrix", "--push"]);
    // It fails before onebuild looks for an engine.
    command.env("DOCKER_HOST", "unix:///nowhere.sock");
    let run = Running::start(command).end().exits(3);
    run.says(&["`m` is not defined", "context/Dockerfile:2:12", "did you mean `n`?"])
        .never_says(&["nowhere.sock"]);
}

#[test]
fn a_bad_instruction_is_shown_with_its_line_in_the_template() {
    let template = "#% if n == 9\nRUN never\n#% endif\nFROM alpine:3.20\nFORM x\n";
    let project = Project::new("form", THREE, template);
    project.run(&["matrix"]).exits(1).says(&[
        "error: v1 failed, and 2 more cells in the same way",
        "context/Dockerfile:5:1",
        "5 | FORM x",
        "unknown instruction: FORM (did you mean FROM?)",
        "3 failed",
    ]);
}

#[test]
fn one_failing_cell_of_twelve_is_reported_in_full_and_the_others_are_pushed() {
    let dockerfile = "FROM alpine:3.20 AS tools\n\
        ARG TARGETARCH\n\
        RUN for i in $(seq 30); do echo \"line $i\"; done; \\\n    \
            [ $TARGETARCH-<%n%> != arm64-7 ] || exit 3\n\
        FROM scratch\n\
        COPY --from=tools /etc/os-release /\n\
        LABEL n=<%n%>\n";
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: 1..12 }";
    let project = Project::in_new_repository("twelve", matrix, dockerfile);
    let run = project.run(&["matrix", "--push"]).exits(1);
    let images = run.images();
    assert_eq!(images.len(), 11);
    for (reference, digest) in &images {
        let tag = reference.rsplit(':').next().unwrap();
        assert_eq!(&project.store().digest(tag), digest, "{tag}");
        assert_eq!(project.store().platforms(tag), ["linux/amd64", "linux/arm64"]);
    }
    assert!(!project.store().has("v7"));
    let last: Vec<&str> = run.stderr.trim_end().rsplit('\n').take(3).collect();
    assert!(last[2].starts_with("  ✗ v7  exit code 3 on arm64 (context/Dockerfile:3)"), "{run}");
    assert_eq!(last[1], "its log: onebuild logs v7");
    assert_eq!(last[0], "to repeat what failed: onebuild matrix --push v7");
    let run = run.says(&[
        "error: v7 failed on linux/arm64 in stage `tools`",
        "--> context/Dockerfile:3:1",
        "exit code 3 after",
        "RUN for i in $(seq 30)",
        "[ arm64-7 != arm64-7 ] || exit 3",
        "= log: line 11\n",
        "11 pushed, 1 failed",
    ]);
    let (_, report) = run.stderr.split_once("error: v7").unwrap();
    assert!(report.contains(" line 30\n"), "{run}");
}

#[test]
fn the_command_that_the_report_prints_repeats_only_what_failed() {
    let dockerfile =
        "FROM alpine:3.20\nARG TOKEN\nRUN [ <%n%> = 2 ] || [ \"$TOKEN\" = right-canary ]\n";
    let project = Project::new("repeat", THREE, dockerfile);
    let args = ["matrix", "--push", "--only", "n=>=2", "--build-arg", "TOKEN=wrong-canary"];
    for more in [&[][..], &["--progress", "quiet"]] {
        let run = project.run(&[&args[..], more].concat()).exits(1);
        let (_, command) = run.stderr.split_once("to repeat what failed: ").expect("a command");
        let command = command.lines().next().unwrap().to_owned();
        let (_, report) = run.stderr.split_once("to repeat").unwrap();
        assert!(!report.contains("canary"), "{report}");
        assert!(run.stderr.contains("\nset TOKEN in the shell first: "), "{run}");
        assert_eq!(command, "onebuild matrix --build-arg TOKEN=\"${TOKEN:?}\" --push v3");
        let script = command.replace("onebuild", env!("CARGO_BIN_EXE_onebuild"));
        let shell = |token: Option<&str>| {
            let mut shell = project.program(std::path::Path::new("sh"), &["-c", &script]);
            shell.envs(token.map(|token| ("TOKEN", token)));
            Running::start(shell).end()
        };
        // A shell refuses the command as long as the value is missing.
        let run = shell(None);
        assert!(run.stdout.is_empty() && run.stderr.contains("TOKEN"), "{run}");
        let run = shell(Some("right-canary")).success();
        assert_eq!(run.images().len(), 1, "{run}");
        run.never_says(&["to repeat"]);
    }
}

#[test]
fn cells_that_fail_in_one_line_are_one_report_with_their_names_and_last_outputs() {
    let dockerfile = "FROM alpine:3.20\n\
        RUN set -u; \\\n    \
            [ <%n%> = 2 ] || { echo \"no package-<%n%> × 1\"; exit 4; }\n";
    let project = Project::new("alike", THREE, dockerfile);
    let run = project.run(&["matrix"]).exits(1).says(&[
        "error: v1 failed on linux/amd64, and 1 more cell in the same way",
        "= cells: v1, v3\n",
        "= log of v1: no package-1 × 1\n",
        "/3, 1 failed): exit code 4 on amd64",
        "/3, 2 failed): exit code 4 on amd64",
        " ✗ v3    amd64",
        "  ✗ v1  exit code 4 on amd64 (context/Dockerfile:2): no package-1 × 1\n",
        "  ✗ v3  exit code 4 on amd64 (context/Dockerfile:2): no package-3 × 1\n",
    ]);
    assert_eq!(run.stderr.matches("context/Dockerfile:2:1").count(), 1, "{run}");

    let mut command = project.command(&["matrix"]);
    command.env("LC_ALL", "C");
    let run = Running::start(command).end().exits(1);
    let line = "  x v1  exit code 4 on amd64 (context/Dockerfile:2): no package-1 x 1\n";
    let run = run.says(&[line]);
    assert!(run.stderr.is_ascii(), "{run}");
}

#[test]
fn a_missing_base_image_is_named_with_its_registry() {
    let project = Project::new("nobase", THREE, "FROM onebuild-nowhere:<%n%>\n");
    project.run(&["build", "--only", "n=2"]).exits(1).says(&[
        "context/Dockerfile:1:1",
        "onebuild-nowhere:2 does not exist on docker.io",
        "--base onebuild-nowhere:2=OTHER",
    ]);
}

#[test]
fn a_misspelt_stage_gets_a_suggestion() {
    let project = Project::single("stage", "FROM alpine:3.20 AS tools\nFROM tool\n");
    project
        .run(&["build"])
        .exits(1)
        .says(&["tool does not exist on docker.io", "the stage `tools`"]);
}

#[test]
fn a_step_does_not_get_the_engines_network_without_permission() {
    let project = Project::single("takes", "FROM alpine:3.20\nRUN --network=host true\n");
    project.run(&["build"]).exits(2).says(&["Dockerfile:2:1", "add --allow network.host"]);
    project.run(&["build", "--allow", "network.host"]).success();
    project.run(&["build", "--network", "host"]).success();
    // Only BuildKit finds such a step in a base image.
    let base = Project::single("trigger", "FROM alpine:3.20\nONBUILD RUN --network=host true\n");
    let reference = format!("{}:v1", base.repository());
    base.run(&["build", "--push"]).success();
    project.file("context/Dockerfile", format!("FROM {reference}\n"));
    let run = project.run(&["build", "--no-cache", "--allow", "network.host"]).exits(1);
    run.says(&["RUN --network=host needs", "--network host"]);
}

#[test]
fn a_missing_frontend_is_not_reported_as_a_base_image() {
    let dockerfile = "# syntax=onebuild-nowhere:1\nFROM alpine:3.20\n";
    let project = Project::single("syntax", dockerfile);
    let run = project.run(&["build"]).exits(1);
    run.says(&["Dockerfile:1:1", "onebuild-nowhere:1 does not exist", "remove the line"])
        .never_says(&["--base"]);
}

#[test]
fn a_warning_names_the_template_and_its_line_once() {
    let template = "#% if n == 9\nRUN never\n#% endif\nFROM alpine:3.20\nWORKDIR there\n";
    let project = Project::single("warning", template);
    let run = project
        .run(&["build"])
        .success()
        .says(&["v1 | warning: context/Dockerfile:5: WorkdirRelativePath: "]);
    let line = run.stderr.lines().find(|line| line.contains("WorkdirRelativePath")).unwrap();
    assert!(!line.contains("(line "), "{line}");
}

#[test]
fn a_registry_that_is_down_fails_the_push_in_one_sentence() {
    let project = Project::new("down", THREE, "FROM scratch\nCOPY Dockerfile /\n");
    // Nothing listens on port 1 by accident.
    let run = project.run(&["matrix", "--push", "--image", "127.0.0.1:1/a"]).exits(1).says(&[
        "error: v1 failed, and 2 more cells in the same way",
        "push failed: 127.0.0.1:1 refused the connection",
        "check that a registry is running there",
        "v3  push failed: 127.0.0.1:1 refused the connection",
    ]);
    assert_eq!(run.stdout, "");
    let project = Project::single("frombelow", "FROM 127.0.0.1:1/base:1\n");
    project
        .run(&["build"])
        .exits(1)
        .says(&["127.0.0.1:1 refused the connection", "Dockerfile:1:1"]);
}

#[test]
fn a_file_that_copy_cannot_find_is_named() {
    let project = Project::single("nofile", "FROM alpine:3.20\nCOPY not/there /\n");
    project.run(&["build"]).exits(1).says(&[
        "context/Dockerfile:2:1",
        "the build context has no not/there",
        ".dockerignore",
    ]);
    let project = Project::single(
        "nofrom",
        "FROM alpine:3.20 AS tools\nFROM scratch\nCOPY --from=tools /not/there /\n",
    );
    project.run(&["build"]).exits(1).says(&["`tools` has no not/there", "Dockerfile:3:1"]);
}

#[test]
fn fail_fast_cancels_running_cells_and_starts_no_others() {
    let dockerfile = "FROM alpine:3.20\nRUN case <%n%> in 1) exit 3;; 2) sleep 600;; esac\n";
    let project = Project::new("failfast", THREE, dockerfile);
    let run = project.run(&["matrix", "--fail-fast", "--jobs", "2"]).exits(1);
    run.says(&["1 failed, 1 cancelled, 1 not started", "v2 | cancelled", "v3 | not started"]);
}

#[test]
fn one_job_builds_one_cell_after_the_other() {
    let project = Project::in_new_repository("onejob", THREE, "FROM alpine:3.20\nRUN echo <%n%>\n");
    let run = project.run(&["matrix", "--jobs", "1", "--push"]).success();
    let order: Vec<_> = run
        .stderr
        .lines()
        .filter(|line| line.ends_with("| started") || line.contains("| pushed in"))
        .map(|line| line.split_once(" in").map_or(line, |(head, _)| head))
        .map(|line| line.split_once(' ').map_or(line, |(_, line)| line))
        .collect();
    let each = |n| [format!("v{n} | started"), format!("v{n} | pushed")];
    assert_eq!(order, [1, 2, 3].map(each).concat());
}

#[test]
fn an_image_of_another_platform_is_reported_when_it_cannot_run() {
    let dockerfile = "FROM alpine:3.20\nCOPY strange /strange\nRUN [\"/strange\"]\n";
    let project = Project::single("strange", dockerfile);
    // The header of an ELF file for s390x: 64 bits, big-endian, executable, machine 22.
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 2, 1, 0];
    elf.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 22, 0, 0, 0, 1]);
    elf.resize(64, 0);
    let strange = project.file("context/strange", elf);
    fs::set_permissions(strange, fs::Permissions::from_mode(0o755)).unwrap();
    project.run(&["build"]).exits(1).says(&["built for another platform", "Dockerfile:3:1"]);
}

#[test]
fn output_of_builds_and_tests_cannot_contain_workflow_commands() {
    let says = "printf '::error::a\\n  ::b::c\\nx ##[error]d\\n'; exit 3";
    let built = Project::single("obeyrun", &format!("FROM alpine:3.20\nRUN {says}\n"));
    let matrix =
        format!("tag: v1\nplatforms: [linux/amd64]\naxes: {{ n: [1] }}\ntest: |\n  {says}");
    let tested = Project::new("obeytest", &matrix, "FROM alpine:3.20\n");
    for (project, progress) in [(&built, "plain"), (&built, "quiet"), (&tested, "plain")] {
        let run = project.run(&["build", "--no-cache", "--progress", progress]).exits(1);
        for line in run.stderr.lines() {
            assert!(!line.trim_start().starts_with("::"), "{line}");
            assert!(!line.contains("##["), "{line}");
        }
        run.says(&[": :error::a", ": :b::c", "x ## [error]d"]);
    }
}

/// BuildKit sends the Dockerfile with the error.
#[test]
fn a_failure_in_a_very_long_dockerfile_is_shown_like_any_other() {
    let comment = format!("# {}\n", "a long comment ".repeat(10));
    let dockerfile = format!("FROM alpine:3.20\n{}RUN exit 3\n", comment.repeat(2_000));
    let project = Project::single("long-dockerfile", &dockerfile);
    project.run(&["build"]).exits(1).says(&["context/Dockerfile:2002:1", "exit code 3"]);
}

#[test]
fn a_session_that_onebuild_closed_is_not_blamed_on_the_engine() {
    let project = Project::single("ended-here", "FROM scratch\nCOPY Dockerfile /\n");
    let mut command = project.command(&["build"]);
    command.env("DOCKER_HOST", wrong_in_sessions(project.path("docker.sock")));
    Running::start(command)
        .end()
        .exits(70)
        .says(&[
            "onebuild closed its session with the engine: ",
            "protocol error",
            "help: this is a bug in onebuild, not in the engine",
        ])
        .never_says(&["the connection to the engine was lost", "check that the engine is running"]);
}
