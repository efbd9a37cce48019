//! Pushes that fail at the end: onebuild finds out which tags refer to the new image, and reports
//! them.

use crate::support::{Asked, Fault, FaultyRegistry, Project, Sender, Store, lab_env};

const ONE: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }";
const BOTH: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }";

/// A project whose image has not been pushed before.
fn project(name: &str, matrix: &str) -> Project {
    let project = Project::new(name, matrix, "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /\n");
    for platform in ["amd64", "arm64"] {
        project.file(&format!("context/{platform}"), format!("{platform} {}", project.nonce()));
    }
    project
}

fn puts_tag(asked: &Asked) -> bool {
    asked.is_of(Sender::Engine, "PUT", "/manifests/v1")
}

/// Pushes while each request that writes the tag meets `fault`, after the registry has processed
/// it.
fn is_pushed(registry: &FaultyRegistry, name: &str, fault: &Fault, matrix: &str, args: &[&str]) {
    let project = project(name, matrix);
    let image = format!("{}/{}", registry.host, project.repository_name());
    let fault = fault.clone();
    registry.rule(move |asked| puts_tag(asked).then(|| fault.clone()));
    let args = [&["build", "--push", "--image", &image], args].concat();
    let run = project.run(&args).success().says(&["1 pushed"]);
    assert_eq!(project.store().digest("v1"), run.digest(), "{run}");
    run.never_says(&["not verified"]);
}

#[test]
fn a_moved_tag_counts_as_pushed_although_the_answer_was_lost() {
    let registry = FaultyRegistry::start();
    let ways = [
        (BOTH, &[][..]),
        (ONE, &[]),
        (BOTH, &["--strict"]),
        (BOTH, &["--load"]),
        (ONE, &["--provenance"]),
        (BOTH, &["--cache-to", "type=inline"]),
    ];
    for (number, (matrix, args)) in ways.into_iter().enumerate() {
        is_pushed(&registry, &format!("lost-{number}"), &Fault::LostAnswer, matrix, args);
        is_pushed(&registry, &format!("otherdigest-{number}"), &Fault::OtherDigest, matrix, args);
    }
}

/// The engine does not report the digest that it pushed, so the image is built again.
#[test]
fn a_moved_tag_counts_as_pushed_for_any_status() {
    let registry = FaultyRegistry::start();
    let ways = [
        (BOTH, &[][..]),
        (ONE, &[]),
        (BOTH, &["--strict", "--annotation", "a.b=c"]),
        (ONE, &["--annotation", "a.b=c", "--no-cache"]),
        (BOTH, &["--load"]),
    ];
    for (number, (matrix, args)) in ways.into_iter().enumerate() {
        is_pushed(
            &registry,
            &format!("otherstatus-{number}"),
            &Fault::OtherStatus(403),
            matrix,
            args,
        );
    }
}

#[test]
fn an_unmoved_tag_fails_even_if_other_content_was_pushed() {
    let registry = FaultyRegistry::start();
    let project = project("unmoved", BOTH);
    let image = format!("{}/{}", registry.host, project.repository_name());
    registry.rule(|asked| puts_tag(asked).then_some(Fault::Reset));
    let lost = format!("push failed: the connection to {} was lost", registry.host);
    let run = project.run(&["build", "--push", "--image", &image]).exits(1);
    run.says(&[&lost]).never_says(&["pushed already"]);
    assert!(!project.store().has("v1"));
}

#[test]
fn with_two_repositories_the_report_names_the_tags_that_moved() {
    let registry = FaultyRegistry::start();
    for (name, first) in [("openfirst", true), ("refusingfirst", false)] {
        let project = project(name, BOTH);
        let open = project.repository();
        let other = format!("{}-refusing", project.repository_name());
        let refusing = format!("{}/{other}", registry.host);
        registry.rule(|asked| puts_tag(asked).then(|| Fault::status(403)));
        let images = if first { [&open, &refusing] } else { [&refusing, &open] };
        let args = ["build", "--push", "--image", images[0], "--image", images[1]];
        let run = project.run(&args).exits(1).says(&["denied access to"]);
        let moved = project.store().has("v1");
        assert!(moved || !first, "{run}");
        let note = format!("pushed already: {open}:v1\n");
        assert_eq!(run.stderr.contains(&note), moved, "{run}");
        assert_eq!(run.stdout, "", "{run}");
        assert!(!Store::new(lab_env("ONEBUILD_LAB_REGISTRY"), other).has("v1"));
    }
}

#[test]
fn a_failed_cache_push_fails_the_cell_but_the_image_is_pushed() {
    let registry = FaultyRegistry::start();
    let project = project("cachefails", BOTH);
    let cache =
        format!("type=registry,ref={}/{}-cache:v1", registry.host, project.repository_name());
    registry.rule(|asked| {
        let is_it = asked.sender == Sender::Engine && asked.path.contains("-cache/");
        is_it.then(|| Fault::envelope(403, "DENIED", "requested access to the resource is denied"))
    });
    let run = project.run(&["build", "--push", "--cache-to", &cache]).exits(1);
    let denied = format!("push failed: {} denied access to", registry.host);
    let run = run.says(&[&denied, "the cache could not be written"]);
    let moved = project.store().has("v1");
    assert_eq!(run.stderr.contains("pushed already"), moved, "{run}");
}

#[test]
fn if_the_engine_gives_no_reason_the_registry_is_asked() {
    let registry = FaultyRegistry::start();
    let project = project("unsaid", ONE);
    let image = format!("{}/{}", registry.host, project.repository_name());
    let (begun, full) = (
        |asked: &Asked| asked.path.contains("/blobs/uploads/"),
        || Fault::envelope(507, "UNKNOWN", "unknown error"),
    );
    registry.rule(move |asked| begun(asked).then(full));
    let said = format!("push failed: {} answered 507 Insufficient Storage", registry.host);
    project.run(&["build", "--push", "--image", &image]).exits(1).says(&[&said]);
}
