//! Smoke tests of images before they are pushed.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Project, Running, docker, paths_below, until};

const BOTH: &str = "platforms: [linux/amd64, linux/arm64]\naxes: { n: [1, 2] }\n";

/// A project whose images and containers are identified by its nonce.
fn project(name: &str, matrix: &str, dockerfile: &str) -> Project {
    let project = Project::in_new_repository(name, "", "");
    let nonce = project.nonce().to_owned();
    project.matrix(&format!("tag: v<%n%>\nlabels: {{ nonce: {nonce} }}\n{matrix}"));
    project.file("context/Dockerfile", dockerfile);
    project
}

/// The names in the engine's store of this project's images.
fn stored(project: &Project) -> Vec<String> {
    let filter = format!("label=nonce={}", project.nonce());
    let names =
        docker(&["image", "ls", "--filter", &filter, "--format", "{{.Repository}}:{{.Tag}}"]);
    names.lines().map(str::to_owned).collect()
}

/// The containers of images of this project, running or not.
fn containers(project: &Project) -> Vec<String> {
    let filter = format!("label=nonce={}", project.nonce());
    docker(&["ps", "--all", "--quiet", "--filter", &filter]).lines().map(str::to_owned).collect()
}

#[track_caller]
fn nothing_is_left(project: &Project) {
    assert_eq!(stored(project), [""; 0]);
    assert_eq!(containers(project), [""; 0]);
}

#[test]
fn a_cell_that_fails_on_one_platform_is_not_pushed_and_the_others_are() {
    let matrix = "test:\n  run: |-\n    echo \"this is $(uname -m), $WORD\"\n    \
                  test \"$(uname -m)-<%n%>\" != aarch64-2 || exit 3\n  env: { WORD: <%tag%> }\n";
    let dockerfile = "FROM alpine:3.20\nENTRYPOINT [\"/bin/false\"]\nVOLUME /data\n";
    let project = project("triedfail", &format!("{BOTH}{matrix}"), dockerfile);
    let run = project.run(&["matrix", "--push"]).exits(1).says(&[
        "v1 | testing on linux/amd64",
        "v1 | [testing on linux/arm64] > this is aarch64, v1",
        "error: v2 failed its test on linux/arm64",
        "--> matrix.yaml:9:3",
        "exit code 3 after",
        "= log: this is aarch64, v2",
        "1 tested on amd64 arm64",
        "1 pushed, 1 failed",
        "✗ v2  test failed: exit code 3 on arm64 (matrix.yaml:9)",
    ]);
    assert_eq!(run.digest(), project.store().digest("v1"));
    assert_eq!(project.store().platforms("v1"), ["linux/amd64", "linux/arm64"]);
    assert!(!project.store().has("v2"));
    nothing_is_left(&project);
}

#[test]
fn the_pushed_image_is_the_tested_one_even_if_it_is_rebuilt_meanwhile() {
    let matrix = "test: \"cat /random; until [ -e /go ]; do sleep 0.05; done\"\n";
    let dockerfile = "FROM alpine:3.20\nCOPY nonce /\n\
                      RUN cat /proc/sys/kernel/random/uuid > /random\nRUN cp /random /later\n";
    let project = project("triedheld", &format!("{BOTH}{matrix}"), dockerfile);
    project.file("context/nonce", project.nonce());
    let mut tested = project.start(&["build", "--only", "n=1", "--push"]);
    let goes_on = |tested: &mut Running, gone: &str| {
        let mut waiting = Vec::new();
        until("the next test runs", Duration::from_secs(60), || {
            waiting = containers(&project);
            waiting.retain(|container| container != gone);
            !waiting.is_empty() || tested.ended()
        });
        waiting.pop().expect("the test did not run")
    };
    let first = goes_on(&mut tested, "");
    let other = project.run(&["build", "--only", "n=1", "--no-cache", "--skip-test"]).success();
    let other = other.says(&["1 not tested (--skip-test)"]);
    docker(&["exec", &first, "touch", "/go"]);
    let second = goes_on(&mut tested, &first);
    docker(&["exec", &second, "touch", "/go"]);
    let run = tested.end().success().says(&["0 of 6 steps cached", "1 tested on amd64 arm64"]);
    assert_ne!(run.digest(), other.digest());
    assert_eq!(run.digest(), project.store().digest("v1"));
    let image = format!("{}@{}", project.repository(), run.digest());
    for (platform, short) in [("linux/amd64", "amd64"), ("linux/arm64", "arm64")] {
        let command = ["run", "--rm", "--quiet", "--platform", platform, &image, "cat", "/later"];
        let line = format!("[testing on linux/{short}] > {}", docker(&command).trim());
        assert!(run.stderr.contains(&line), "{line}\n{run}");
    }
    docker(&["image", "rm", "--force", &image]);
    let stored = stored(&project);
    assert_eq!(stored, [format!("{}:v1", project.repository())], "the result of the other build");
    docker(&["image", "rm", "--force", &stored[0]]);
    nothing_is_left(&project);
}

#[test]
fn a_test_waits_until_the_container_is_healthy_up_to_its_timeout() {
    let check = "HEALTHCHECK --interval=200ms --timeout=1s --retries=2";
    // A machine under load starts programs late: a container that is not ready yet is not
    // unhealthy.
    let starts =
        "HEALTHCHECK --interval=200ms --timeout=5s --start-period=60s --start-interval=200ms";
    let never = "HEALTHCHECK --interval=1h --start-interval=1h";
    let template = format!(
        "FROM alpine:3.20\n\
         #% if n in [\"good\", \"mute\"]\n{starts} CMD cat /ready\n\
         CMD echo begins; sleep 0.5; echo $ADDED > /ready; sleep 600\n\
         #% elif n == \"dies\"\n{starts} CMD cat /ready\n\
         CMD echo x > /ready; until [ -e /go ]; do sleep 0.1; done; echo gives up; exit 9\n\
         #% elif n == \"sick\"\n{check} CMD echo no pulse; false\nCMD sleep 600\n\
         #% elif n == \"ends\"\n{never} CMD true\nCMD echo port taken >&2; exit 7\n\
         #% elif n == \"slow\"\n{never} CMD true\nCMD sleep 600\n\
         #% else\nCMD sleep 600\n#% endif\n"
    );
    let matrix = "platforms: [linux/amd64]\naxes: { n: [good, mute, dies, sick, ends, slow, bare] }\n\
                  test:\n  healthy: 20s\n  run: [grep, x, /ready]\n  env: { ADDED: x }\n\
                  overrides:\n  - { n: slow, test: { healthy: 1s } }\n  \
                  - { n: dies, test: { run: \"touch /go; sleep 60\" } }\n  \
                  - { n: mute, test: { run: \"exec > /dev/null 2>&1; sleep 1; true\" } }\n";
    let project = project("triedhealth", matrix, &template);
    project.run(&["matrix"]).exits(1).says(&[
        "vgood | [testing on linux/amd64] > begins",
        "2 tested on amd64",
        "2 built, 5 failed",
        "✗ vdies  test failed: the container exited with code 9 while it was tested",
        "= log: gives up",
        "✗ vsick  test failed: the container is unhealthy on amd64 (matrix.yaml:9)",
        "= log: health check: no pulse",
        "✗ vends  test failed: the container exited with code 7 before it was healthy",
        "= log: port taken",
        "✗ vslow  test failed: not healthy within 1s",
        "✗ vbare  test failed: the image has no HEALTHCHECK",
        "add a HEALTHCHECK to its Dockerfile",
    ]);
    let good = ["vgood", "vmute"].map(|tag| format!("{}:{tag}", project.repository()));
    assert_eq!(stored(&project), good, "the requested names");
    assert_eq!(containers(&project), [""; 0]);
    docker(&["image", "rm", &good[0], &good[1]]);
}

#[test]
fn tests_that_cannot_run_are_reported_and_slow_ones_time_out() {
    let matrix = "platforms: [linux/amd64]\naxes: { n: [script, gone, path, long, off, priv] }\n\
                  test: { script: tests/smoke.sh, env: { NAME: <%n%> } }\n\
                  overrides:\n\
                  \x20 - { n: gone, test: [no-such-program, x] }\n\
                  \x20 - { n: path, test: { volumes: [\"/nowhere/of/onebuild:/x\"] } }\n\
                  \x20 - { n: long, test: { run: \"echo waits; sleep 600\", timeout: 5s } }\n\
                  \x20 - { n: \"off\", test: none }\n\
                  \x20 - n: priv\n    test:\n      volumes: /etc/os-release:/x:ro\n      \
                  privileged: true\n      run: |-\n        test -s /x\n        \
                  grep ' /sys sysfs rw' /proc/mounts\n";
    let project = project("triedlimits", matrix, "FROM alpine:3.20\nUSER nobody\nCMD false\n");
    project.file("tests/smoke.sh", "#!/bin/sh -e\necho \"$0 for $NAME by $(id -un)\"\n");
    project
        .run(&["matrix", "--push"])
        .exits(2)
        .says(&["add --allow test.privileged --allow test.volumes=/etc/os-release \
         --allow test.volumes=/nowhere/of/onebuild"]);
    let granted = "test.privileged,test.volumes=/etc/os-release,test.volumes=/nowhere/of/onebuild";
    project.run(&["matrix", "--push", "--allow", granted]).exits(1).says(&[
        "vscript | [testing on linux/amd64] > /onebuild-test for script by nobody",
        "✗ vgone  test failed: the container did not start on amd64 (matrix.yaml:10)",
        "the image does not have the program",
        "✗ vpath  test failed: the container could not be created",
        "create this one there",
        "✗ vlong  test failed: timed out after 5s",
        "= log: waits",
        "3 pushed, 3 failed",
        "2 tested on amd64\n",
    ]);
    for (tag, pushed) in [
        ("vscript", true),
        ("vgone", false),
        ("vpath", false),
        ("vlong", false),
        ("voff", true),
        ("vpriv", true),
    ] {
        assert_eq!(project.store().has(tag), pushed, "{tag}");
    }
    nothing_is_left(&project);
}

#[test]
fn an_output_is_written_only_if_the_test_passed() {
    let matrix = "platforms: [linux/amd64]\naxes: { n: [1, 2] }\n\
                  test: \"grep -q x /word; echo seen; exit <%n%>\"\n\
                  overrides: [{ n: 1, test: [grep, -q, x, /word] }]\n";
    let dockerfile = "FROM alpine:3.20\nCOPY word /word\nRUN cat /word > /copy\n";
    let project = project("triedfiles", matrix, dockerfile);
    project.file("context/word", "x\n");
    for (kind, more) in
        [("oci", &["--no-cache"][..]), ("docker", &[]), ("tar", &["--no-cache"]), ("local", &[])]
    {
        let output = format!("type={kind},dest=out-{kind}/");
        let args = [&["matrix", "--output", &output][..], more].concat();
        project.run(&args).exits(1).says(&[
            "exit code 2",
            "1 tested on amd64",
            "1 built, 1 failed",
        ]);
        let top = fs::read_dir(project.path(&format!("out-{kind}"))).unwrap();
        let mut top: Vec<_> = top.map(|entry| entry.unwrap().file_name()).collect();
        top.sort();
        assert_eq!(top, [if kind == "local" { "v1" } else { "v1.tar" }]);
    }
    assert_eq!(fs::read_to_string(project.path("out-local/v1/copy")).unwrap(), "x\n");
    let nothing = project.run(&["matrix", "--output", "none", "--no-cache"]).exits(1);
    nothing.says(&["exit code 2", "1 tested on amd64", "1 built, 1 failed"]);
    nothing_is_left(&project);
    // Provenance is stored beside the same image, and an inline cache belongs to it.
    let pushed = |more: &[&str]| {
        let args = [&["build", "--only", "n=1", "--push"][..], more].concat();
        let run = project.run(&args).success().says(&["1 tested on amd64"]);
        assert_eq!(project.store().digest("v1"), run.digest());
        run.digest()
    };
    let config = || project.store().images("v1").remove(0).1["config"]["digest"].clone();
    let alone = (pushed(&[]), config());
    assert_ne!(pushed(&["--provenance"]), alone.0);
    assert_eq!(config(), alone.1);
    pushed(&["--cache-to", "type=inline", "--no-cache"]);
    nothing_is_left(&project);
}

#[test]
fn an_interrupt_in_the_middle_of_a_test_leaves_no_container_and_no_image() {
    let matrix = format!("{BOTH}test: {{ run: \"echo sleeps; sleep 600\" }}\n");
    let project = project("triedctrlc", &matrix, "FROM alpine:3.20\nVOLUME /data\n");
    let running = project.start(&["matrix", "--push", "--test-jobs", "2"]);
    until("two tests run", Duration::from_secs(60), || containers(&project).len() == 2);
    let volumes = |container: &String| {
        docker(&["inspect", "--format", "{{range .Mounts}}{{.Name}}{{end}}", container])
    };
    let volumes: Vec<String> = containers(&project).iter().map(volumes).collect();
    assert!(volumes.iter().all(|name| name.trim().len() == 64), "{volumes:?}");
    running.signal(Signal::INT);
    let run = running.end().exits(130).says(&["stopping", "2 cancelled"]);
    assert_eq!(run.stdout, "");
    assert!(!project.store().has("v1") && !project.store().has("v2"));
    assert_eq!(paths_below(&project.path("tmp")), [""; 0]);
    nothing_is_left(&project);
    let known = docker(&["volume", "ls", "--quiet"]);
    assert!(volumes.iter().all(|name| !known.contains(name.trim())), "{volumes:?}");
}
