//! The repository's own matrix: what it builds runs, and releases that are broken are told.

use std::path::Path;
use std::process::Command;

use crate::support::{Project, Run, Running, Store, docker, lab_env};

fn checkout(project: &Project, args: &[&str]) -> Run {
    let releases = format!("RELEASES={}", lab_env("ONEBUILD_LAB_RELEASES"));
    let image = project.repository();
    let always = ["--network", "host", "--build-arg", &releases, "--image", &image];
    let mut command: Command = project.command(&[args, &always].concat());
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    Running::start(command).end()
}

#[test]
fn one_version_in_both_editions_is_pushed_and_says_its_version_on_both_platforms() {
    let project = Project::single("family", "");
    let run = checkout(&project, &["matrix", "--push", "--os", "alpine", "--version", "2.0.11"]);
    let run = run.success().says(&["2 pushed"]);
    let tags = ["dood-2.0.11-alpine", "dood-2.0.11-alpine-cn"];
    for ((tag, edition), (reference, digest)) in tags.iter().zip(["pro", "cn"]).zip(run.images()) {
        let store: Store = project.store();
        assert_eq!(reference, format!("{}:{tag}", project.repository()));
        assert_eq!(store.digest(tag), digest);
        assert_eq!(store.platforms(tag), ["linux/amd64", "linux/arm64"]);
        for platform in ["amd64", "arm64"] {
            let on = format!("linux/{platform}");
            let image = format!("{}@{digest}", project.repository());
            let said =
                docker(&["run", "--rm", "--quiet", "--platform", &on, &image, "1panel", "version"]);
            for part in ["2.0.11", edition, platform] {
                assert!(said.contains(part), "{tag} on {platform} says {said}");
            }
        }
    }
}

#[test]
fn a_release_that_is_broken_fails_in_the_words_of_the_script_that_found_it() {
    let project = Project::single("broken", "");
    let broken = ["--add", "version=9.9.1,9.9.2,9.9.3", "--only", "version=9.9.*"];
    let args =
        [&["matrix", "--os", "alpine", "--type", "pro", "--platform", "linux/amd64"], &broken[..]];
    checkout(&project, &args.concat()).exits(1).says(&[
        "quick_start: wrong checksum of 1panel-v9.9.1-linux-amd64.tar.gz",
        "quick_start: 1panel-v9.9.2-linux-amd64.tar.gz is truncated",
        "quick_start: 1panel-v9.9.3-linux-amd64.tar.gz is hostile",
        "exit code 1 after",
        "templates/alpine/Dockerfile:13:1",
        "3 failed",
    ]);
}
