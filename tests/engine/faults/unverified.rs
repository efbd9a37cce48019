//! Pushes that succeed but cannot be verified.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Asked, Fault, FaultyRegistry, Project, Sender, until};

/// A project with a registry that fails when onebuild requests a manifest.
struct Unverified {
    project: Project,
    registry: FaultyRegistry,
    image: String,
}

fn verifies(asked: &Asked) -> bool {
    asked.sender == Sender::Onebuild && asked.path.contains("/manifests/")
}

impl Unverified {
    fn new(name: &str) -> Self {
        let project = Project::single(name, "FROM scratch\nCOPY Dockerfile /\n");
        let registry = FaultyRegistry::start();
        let image = format!("{}/{}", registry.host, project.repository_name());
        Self { project, registry, image }
    }

    fn rule(&self, fault: Fault) {
        self.registry.rule(move |asked| verifies(asked).then(|| fault.clone()));
    }

    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["build", "--push", "--retries", "0", "--image", &self.image], more].concat()
    }

    /// Pushes with all kinds of progress output; `said` is the reason.
    fn is_said(&self, said: &str) {
        let warning = "warning: v1: pushed, not verified";
        let run = self.project.run(&self.args(&[])).success();
        assert_eq!(self.project.store().digest("v1"), run.digest(), "{run}");
        let run = run.says(&[warning, said, "1 pushed, not verified, in "]);
        let row = run.stderr.lines().find(|line| line.starts_with(" ✓ v1"));
        assert!(row.is_some_and(|row| row.ends_with("pushed, not verified")), "{run}");
        let line = run.stderr.lines().find(|line| line.contains(" v1 | pushed"));
        assert!(line.is_some_and(|line| line.contains("pushed, not verified in ")), "{run}");

        let quiet = self.project.run(&self.args(&["--progress", "quiet"])).success();
        quiet.says(&[warning, said]).never_says(&["1 pushed"]);
        let strict = self.project.run(&self.args(&["--strict"])).exits(1);
        let failed = "error: v1 failed";
        strict.says(&[failed, "the push could not be verified", said]).never_says(&["1 pushed"]);
    }
}

#[test]
fn a_registry_that_cannot_be_read_leaves_the_push_unverified() {
    let pushes = Unverified::new("unasked");
    let host = pushes.registry.host.clone();
    let again = format!("http://{host}/v2/onebuild-tests/unasked/manifests/v1");
    for (fault, said) in [
        (Fault::status(403), "denied access to"),
        (Fault::status(503), "answered 503 Service Unavailable"),
        (Fault::status(429).header("retry-after", "600"), "retry after 600 s"),
        (Fault::Reset, "was lost"),
        (Fault::other_bytes(5 * 1024 * 1024), "sent more than 4096 KiB"),
        (Fault::status(307).header("location", &again), "redirects too many times"),
    ] {
        pushes.rule(fault);
        pushes.is_said(said);
    }
}

#[test]
fn a_rejected_token_leaves_the_push_unverified() {
    let pushes = Unverified::new("untokened");
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"lab\"", pushes.registry.host);
    pushes.registry.rule(move |asked| match asked.path.starts_with("/token") {
        true => Some(Fault::status(403)),
        false => verifies(asked).then(|| Fault::status(401).header("www-authenticate", &realm)),
    });
    pushes.is_said("not logged in to");
}

#[test]
fn a_registry_that_lost_an_accepted_push_fails_the_cell() {
    let pushes = Unverified::new("vanished");
    let accepted =
        format!("{} accepted the push of {}:v1, but ", pushes.registry.host, pushes.image);
    for (fault, but) in [
        (Fault::status(404), "does not have it"),
        (Fault::other_bytes(7), "sent a response that is not a manifest"),
    ] {
        pushes.rule(fault);
        let run = pushes.project.run(&pushes.args(&[])).exits(1);
        run.says(&[&accepted, but, "push again"]);
        assert!(pushes.registry.seen(Sender::Onebuild).len() > 3, "it is polled for some seconds");
    }
}

#[test]
fn a_missing_tag_takes_precedence_over_an_unverified_one() {
    let pushes = Unverified::new("bothnames");
    let second = format!("{}-second", pushes.image);
    pushes.registry.rule(|asked| {
        let missing = asked.path.contains("-second/");
        verifies(asked).then(|| Fault::status(if missing { 404 } else { 403 }))
    });
    let run = pushes.project.run(&pushes.args(&["--image", &second])).exits(1);
    run.says(&[&format!("accepted the push of {second}:v1, but does not have it")]);
}

#[test]
fn an_interrupt_ends_the_verification_at_once() {
    let pushes = Unverified::new("interruptedverify");
    pushes.rule(Fault::Hang);
    let running = pushes.project.start(&pushes.args(&[]));
    // The first request is about an earlier image; it ends with the build.
    until("the registry is polled", Duration::from_secs(60), || {
        pushes.registry.seen(Sender::Onebuild).iter().filter(|asked| verifies(asked)).count() > 1
    });
    let started = Instant::now();
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}: {run}", started.elapsed());
    assert_eq!(pushes.project.store().digest("v1"), run.digest(), "{run}");
    run.says(&["v1: pushed, not verified", "the run was interrupted"])
        .says(&["note: nothing was cancelled: all images are pushed"]);
}
