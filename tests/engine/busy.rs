//! Smoke tests of images on an overloaded machine.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Project, docker, until};

/// The containers of images with this project's nonce.
fn containers(project: &Project) -> usize {
    let filter = format!("label=nonce={}", project.nonce());
    docker(&["ps", "--all", "--quiet", "--filter", &filter]).lines().count()
}

fn project(name: &str, matrix: &str, dockerfile: &str) -> Project {
    let project = Project::new(name, "", dockerfile);
    let nonce = project.nonce().to_owned();
    project.matrix(&format!("tag: v<%n%>\nlabels: {{ nonce: {nonce} }}\n{matrix}"));
    project
}

#[test]
fn waiting_for_a_slot_does_not_count_against_the_timeout_of_a_test() {
    // Together they take 6 s, more than the timeout of each.
    let matrix = "platforms: [linux/amd64]\naxes: { n: [1, 2, 3] }\n\
                  test: { run: \"sleep 2\", timeout: 5s }\n";
    let project = project("turns", matrix, "FROM alpine:3.20\n");
    let args = ["matrix", "--test-jobs", "1", "--output", "type=tar,dest=out/"];
    let run = project.run(&args).success().says(&["3 tested on amd64", "3 built"]);
    let waited = run.stderr.matches("| waiting to test on linux/amd64").count();
    assert_eq!(waited, 2, "{run}");
}

#[test]
fn a_waiting_test_is_cancelled_with_the_run_and_leaves_nothing() {
    let matrix = "platforms: [linux/amd64, linux/arm64]\naxes: { n: [1, 2, 3] }\n\
                  test: sleep 600; true\n";
    let project = project("waits", matrix, "FROM alpine:3.20\n");
    let running = project.start(&["matrix", "--test-jobs", "1", "--push"]);
    until("the others wait", Duration::from_secs(60), || {
        running.stderr().matches("| waiting to test on linux/amd64").count() == 2
    });
    until("one test runs", Duration::from_secs(60), || containers(&project) > 0);
    assert_eq!(containers(&project), 1, "a slot for one test");
    running.signal(Signal::INT);
    running.end().exits(130).says(&["3 cancelled", "waiting to test on linux/amd64] cancelled"]);
    assert_eq!(containers(&project), 0);
}

#[test]
fn an_emulated_platform_has_a_longer_timeout_which_the_message_states() {
    let never = "HEALTHCHECK --interval=1h --start-interval=1h CMD true\nCMD sleep 600\n";
    let matrix = "platforms: [linux/arm64]\naxes: { n: [fits, long, slow] }\n\
                  test: { run: \"sleep 3\", timeout: 3s }\n\
                  overrides:\n  - { n: long, test: { run: \"sleep 60\", timeout: 3s } }\n  \
                  - { n: slow, test: { healthy: 1s, timeout: 1m } }\n";
    let project = project("factor", matrix, &format!("FROM alpine:3.20\n{never}"));
    project.run(&["matrix", "--output", "type=tar,dest=out/"]).exits(1).says(&[
        "1 tested on arm64",
        "✗ vlong  test failed: timed out after 12s (3s × 4 for an emulated platform) on arm64",
        "✗ vslow  test failed: not healthy within 4s (1s × 4 for an emulated platform) on arm64",
    ]);
}

#[test]
fn an_early_or_slow_health_check_gets_more_time() {
    // Unhealthy at first, healthy two seconds later.
    let early = "HEALTHCHECK --interval=100ms --retries=1 CMD test -e /ready\n";
    let slow = "HEALTHCHECK --interval=100ms --timeout=300ms --retries=1 \
                CMD test -e /ready || sleep 60\n";
    let dockerfile = format!(
        "FROM alpine:3.20\n#% if n == \"slow\"\n{slow}#% else\n{early}#% endif\n\
         CMD sleep 2; touch /ready; sleep 600\n"
    );
    let matrix = "platforms: [linux/arm64]\naxes: { n: [emulated, slow, native] }\n\
                  test: { healthy: 30s }\n\
                  overrides: [{ n: [slow, native], platforms: [linux/amd64] }]\n";
    let project = project("recovers", matrix, &dockerfile);
    project.run(&["matrix", "--output", "type=tar,dest=out/"]).exits(1).says(&[
        "vemulated | built",
        "vslow     | built",
        "✗ vnative  test failed: the container is unhealthy on amd64",
        "2 built, 1 failed",
    ]);
}
