//! Cells that are built again after a temporary failure, and time limits.

use std::time::{Duration, Instant};

use crate::support::{Asked, Fault, FaultyRegistry, Project, Sender, docker};

/// A project that pushes to a registry that fails.
struct Pushes {
    project: Project,
    registry: FaultyRegistry,
    image: String,
}

impl Pushes {
    fn new(name: &str, matrix: &str, dockerfile: &str) -> Self {
        let (project, registry) = (Project::new(name, matrix, dockerfile), FaultyRegistry::start());
        let image = format!("{}/{}", registry.host, project.repository_name());
        Self { project, registry, image }
    }

    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["matrix", "--push", "--progress", "plain", "--image", &self.image], more].concat()
    }

    /// The engine's requests that put a manifest under this tag fail until `time` has passed since the
    /// first of them.
    fn fails_for(&self, tag: &'static str, time: Duration, fault: Fault) {
        let first = std::sync::OnceLock::new();
        self.registry.rule(move |asked| {
            let is_it = is_put(asked, tag);
            let is_early = is_it && first.get_or_init(Instant::now).elapsed() < time;
            is_early.then(|| fault.clone())
        });
    }
}

fn is_put(asked: &Asked, tag: &str) -> bool {
    asked.is_of(Sender::Engine, "PUT", "/manifests/") && asked.path.ends_with(tag)
}

/// How long BuildKit itself repeats a request that failed with 503.
const BUILDKIT_RETRIES: Duration = Duration::from_secs(9);

const ONE: &str = "tag: v<%n%>\nplatforms: linux/amd64\naxes: { n: [1] }\n";

/// A step with a result of its own each time it runs. BuildKit shares equal steps of tests that run at the same
/// time, so it names the test.
fn random(test: &str) -> String {
    format!("FROM alpine:3.20\nRUN : {test}-<%n%>; cat /proc/sys/kernel/random/uuid > /a\n")
}

#[test]
fn a_failed_push_is_pushed_again_and_not_built_again() {
    let pushes = Pushes::new("pushedagain", ONE, &random("pushedagain"));
    let fault = Fault::status(503).header("retry-after", "2");
    pushes.fails_for("v1", BUILDKIT_RETRIES, fault);
    let run = pushes.project.run(&pushes.args(&["--no-cache"])).success();
    let run = run.says(&[
        "retry 1 of 2 in ",
        "push failed: ",
        "answered 503 Service Unavailable",
        "v1 | trying again",
        "retried: v1, pushed in attempt 2: push failed: ",
        "1 pushed, in ",
    ]);
    // Each run of the step has another result.
    assert!(run.stderr.contains(&format!("\"manifest-{}\"", run.digest())), "{run}");
    assert_eq!(pushes.project.store().digest("v1"), run.digest(), "{run}");
}

#[test]
fn after_the_last_attempt_the_report_lists_all_of_them() {
    let pushes = Pushes::new("lastattempt", ONE, &random("lastattempt"));
    pushes.fails_for("v1", Duration::from_secs(600), Fault::Reset);
    let run = pushes.project.run(&pushes.args(&["--no-cache", "--retries", "1"])).exits(1);
    run.says(&[
        "retry 1 of 1 in ",
        "= attempts: 1. push failed: ",
        "2. as above",
        "✗ v1  push failed: ",
        ", 2 attempts",
        "--push --retries 1 --no-cache\n",
    ]);
    let run = pushes.project.run(&pushes.args(&["--retries", "0"])).exits(1);
    run.never_says(&["retry 1", " attempts"]);
}

#[test]
fn a_cell_that_waits_leaves_its_slot_to_another() {
    let two = ONE.replace("[1]", "[1, 2]");
    let pushes = Pushes::new("slots", &two, &random("slots"));
    let fault = Fault::status(429).header("retry-after", "6");
    // BuildKit does not repeat this one itself.
    pushes.fails_for("v1", Duration::from_secs(3), fault);
    let args = pushes.args(&["--no-cache", "--jobs", "1", "--retries", "9"]);
    let run = pushes.project.run(&args).success();
    let order: Vec<String> = run.images().into_iter().map(|(name, _)| name).collect();
    assert!(order[0].ends_with(":v2") && order[1].ends_with(":v1"), "{run}");
}

#[test]
fn a_registry_that_asks_for_too_long_a_wait_is_not_asked_again() {
    let pushes = Pushes::new("toolong", ONE, &random("toolong"));
    // The engine and onebuild get the same answer.
    let fault = Fault::status(429).header("retry-after", "3600");
    pushes.registry.rule(move |asked| {
        (asked.path.contains("/manifests/") || asked.path.contains("/uploads/"))
            .then(|| fault.clone())
    });
    let started = Instant::now();
    let run = pushes.project.run(&pushes.args(&["--no-cache"])).exits(1);
    let run = run.says(&["rate limiting us", "the registry asks to wait ", ": run it again then"]);
    run.never_says(&["retry 1"]);
    assert!(started.elapsed() < Duration::from_secs(120));
}

#[test]
fn declared_output_makes_a_failure_of_a_command_temporary() {
    let flaky = |id: &str, what: &str| {
        format!(
            "FROM alpine:3.20\nRUN --mount=type=cache,id={id},target=/c \
             if [ -e /c/{id} ]; then echo second; else touch /c/{id}; {what}; exit 7; fi\n"
        )
    };
    let matrix = format!("{ONE}retry: {{ when: [\"Hash Sum mismatch\"], retries: 1 }}\n");
    let many = "echo 'E: Hash Sum mismatch'; for n in $(seq 50); do echo $n; done";
    for (name, what, is_retried) in
        [("declared", many, true), ("undeclared", "echo hash sum mismatch", false)]
    {
        let project = Project::new(name, &matrix, "");
        project.file("context/Dockerfile", flaky(&format!("{name}{}", project.nonce()), what));
        let run = project.run(&["matrix", "--push", "--progress", "plain"]);
        if is_retried {
            run.success().says(&["retry 1 of 1 in ", "exit code 7", "> second", "1 pushed"]);
        } else {
            run.exits(1).says(&["exit code 7"]).never_says(&["retry 1 of"]);
        }
    }
}

#[test]
fn a_smoke_test_is_repeated_only_if_its_output_is_declared() {
    let test = "test:\n  run: 'echo tested >> /log/x; [ $(wc -l < /log/x) = 2 ] || { echo $WORD; exit 4; }'\n  \
                env: { WORD: WHAT }\n  volumes: [\"LOG:/log\"]\n";
    for (name, word, is_retried) in [("retested", "flaky", true), ("nottested", "broken", false)] {
        let project = Project::new(name, "", &random(name));
        let log = format!("/tmp/onebuild-{}", project.nonce());
        let test = test.replace("LOG", &log).replace("WHAT", word);
        project.matrix(&format!("{ONE}retry: {{ when: [flaky] }}\n{test}"));
        docker(&["run", "--rm", "--volume", "/tmp:/tmp", "alpine:3.20", "mkdir", &log]);
        let args = ["matrix", "--push", "--progress", "plain", "--allow", "test.volumes=*"];
        let run = project.run(&args);
        docker(&["run", "--rm", "--volume", "/tmp:/tmp", "alpine:3.20", "rm", "-r", &log]);
        let run = match is_retried {
            true => run.success().says(&["test failed: exit code 4", "retry 1 of 2", "1 pushed"]),
            false => run.exits(1).says(&["test failed: exit code 4"]).never_says(&["retry 1"]),
        };
        assert!(run.stderr.matches("done in").count() > 0, "{run}");
    }
}

#[test]
fn an_image_that_passed_its_test_is_not_tested_again_after_a_failed_push() {
    let matrix = format!("{ONE}test: \"echo was-tested\"\n");
    let pushes = Pushes::new("testedonce", &matrix, &random("testedonce"));
    pushes.fails_for("v1", BUILDKIT_RETRIES, Fault::status(503));
    let run = pushes.project.run(&pushes.args(&["--no-cache"])).success();
    let run = run.says(&["retry 1 of 2 in ", "1 tested on amd64", "1 pushed"]);
    assert_eq!(run.stderr.matches("> was-tested").count(), 1, "{run}");
    assert!(run.stderr.contains(&format!("\"manifest-{}\"", run.digest())), "{run}");
}

#[test]
fn time_limits_cancel_a_cell_and_show_the_last_output() {
    let dockerfile = |nonce: &str, run: &str| format!("FROM alpine:3.20\nRUN : {nonce}; {run}\n");
    for (name, run, flag, said) in [
        (
            "silent",
            "echo last words; sleep 600",
            "--idle-timeout=5s",
            "timed out: no output for 5s",
        ),
        (
            "endless",
            "while true; do echo more words; sleep 1; done",
            "--timeout=12s",
            "timed out: not finished within 12s",
        ),
    ] {
        let project = Project::new(name, ONE, "");
        project.file("context/Dockerfile", dockerfile(project.nonce(), run));
        let started = Instant::now();
        let run = project.run(&["matrix", "--push", flag]).exits(1);
        assert!(started.elapsed() < Duration::from_secs(60), "{run}");
        let flag = flag.split('=').next().unwrap();
        let run = run.says(&[said, "words", "check what the step waits for, or raise ", flag]);
        run.never_says(&["retry 1"]);
    }
}
