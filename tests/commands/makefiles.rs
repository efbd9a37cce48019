//! `init` in repositories with a Makefile: `plan` has the images that make builds, or a note names the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::project::Project;

/// What decides an image, and its names.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Image {
    names: BTreeSet<String>,
    args: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    platforms: BTreeSet<String>,
    target: String,
    context: PathBuf,
    dockerfile: String,
}

/// A directory of tests/fixtures/makefiles in a directory of its own.
fn copied(name: &str) -> Project {
    fn copy(from: &Path, to: &str, project: &Project) {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = format!("{to}{}", entry.file_name().to_str().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => copy(&entry.path(), &format!("{to}/"), project),
                false => project.file(&to, fs::read(entry.path()).unwrap()),
            }
        }
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let project = Project::empty();
    copy(&fixtures.join("makefiles").join(name), "", &project);
    project.file(".bin/.keep", "");
    symlink(fixtures.join("helpers/record-docker"), project.path(".bin/docker")).unwrap();
    project
}

/// The images that `make GOALS` builds, each line of goals after the other.
fn made(project: &Project, goals: &[&str]) -> BTreeSet<Image> {
    let record = project.path(".bin/record");
    for goals in goals {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", project.path(".bin").display());
        let mut make = Command::new("make");
        make.args(goals.split(' ')).current_dir(project.path(""));
        make.env_clear().env("PATH", path).env("RECORD", &record);
        let output = make.output().expect("make is installed");
        assert!(output.status.success(), "make {goals}: {output:?}");
    }
    let mut images: Vec<Image> = Vec::new();
    for line in fs::read_to_string(record).unwrap().lines() {
        let (what, text) = line.split_once(' ').unwrap_or((line, ""));
        if what == "build" {
            images.push(Image::default());
        }
        let image = images.last_mut().unwrap();
        let pair = || text.split_once('=').map(|(name, value)| (name.into(), value.into()));
        match what {
            "tag" => _ = image.names.insert(full(text)),
            "arg" => image.args.extend(pair()),
            "label" => image.labels.extend(pair()),
            "platform" => image.platforms.extend(text.split(',').map(str::to_owned)),
            "target" => image.target = text.to_owned(),
            "context" => image.context = text.into(),
            "dockerfile" => image.dockerfile += &format!("{text}\n"),
            "retag" => {
                let (from, to) = text.split_once(' ').unwrap();
                for image in images.iter_mut().filter(|image| image.names.contains(&full(from))) {
                    image.names.insert(full(to));
                }
            }
            _ => {}
        }
    }
    images.into_iter().collect()
}

/// The images of `onebuild plan`, with the Dockerfiles of `onebuild render`.
fn planned(project: &Project) -> BTreeSet<Image> {
    let plan: Value =
        serde_json::from_str(&project.run(&["plan", "--format", "json"]).exits(0).stdout).unwrap();
    project.run(&["render", "--out", ".bin/out"]).exits(0);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| value.as_array().unwrap().iter().map(text).collect::<BTreeSet<_>>();
    let pairs = |value: &Value| {
        let pairs = value.as_object().unwrap().iter();
        pairs.map(|(name, value)| (name.clone(), text(value))).collect()
    };
    let cells = plan["cells"].as_array().unwrap().iter();
    let image = |cell: &Value| Image {
        names: texts(&cell["references"]).iter().map(|name| full(name)).collect(),
        args: pairs(&cell["args"]),
        labels: pairs(&cell["labels"]),
        platforms: texts(&cell["platforms"]).into_iter().filter(|name| name != "native").collect(),
        target: text(&cell["target"]),
        context: project.path(&text(&cell["context"])).canonicalize().unwrap(),
        dockerfile: project.read(&format!(".bin/out/{}.Dockerfile", text(&cell["cell"]))),
    };
    cells.map(image).collect()
}

/// A reference with its default parts.
fn full(reference: &str) -> String {
    let reference = reference.strip_prefix("docker.io/").unwrap_or(reference);
    let name = reference.rsplit('/').next().unwrap_or_default();
    if name.contains(':') { reference.to_owned() } else { format!("{reference}:latest") }
}

#[test]
fn a_converted_makefile_plans_the_images_that_make_builds() {
    for (name, goals) in [
        ("bases", &["all"][..]),
        ("loop", &["all"]),
        ("multiarch", &["release"]),
        ("names", &["build"]),
        ("newest", &["all"]),
        ("pattern", &["all"]),
        ("sed", &["build-all"]),
        ("splitting", &["all"]),
        ("stages", &["all"]),
        ("runtimes", &["all push"]),
        ("services", &["images"]),
        ("static", &["all"]),
        ("variants", &["all"]),
        ("wildcard", &["all"]),
    ] {
        let project = copied(name);
        let stderr = project.run(&["init"]).exits(0).stderr;
        assert!(stderr.lines().count() == 2, "{name}\n{stderr}");
        let matrix = project.read("matrix.yaml");
        assert_eq!(planned(&project), made(&project, goals), "{name}\n{matrix}");
    }
}

/// In these directories, the plan differs from what make builds.
#[test]
fn what_is_not_converted_has_a_note_with_its_line() {
    for (name, notes) in [
        (
            "bake",
            &[
                "the Makefile runs no `docker build` that can be read",
                "image: the Makefile contains no repository: replace example/app",
                "Makefile:5: `docker buildx bake --load` was not converted",
                "Makefile:8: `docker buildx bake --push` was not converted",
                "`docker-bake.hcl` builds images and was not converted: see docs/from-bake.md",
            ][..],
        ),
        (
            "describe",
            &[
                "Makefile:1: vars.version: `$(shell cat VERSION)` was not converted: replace CHANGE-ME",
                "Makefile:2: vars.commit: `$(shell git rev-parse --short HEAD)` was not converted: \
                 replace CHANGE-ME",
            ],
        ),
        (
            "words",
            &[
                "Makefile:5: `sed` replaces `%%VERSION%%`: write `<%version%>` in its place in Dockerfile.in",
            ],
        ),
    ] {
        let project = copied(name);
        let stderr = project.run(&["init"]).exits(0).stderr;
        let found = stderr.lines().filter_map(|line| line.strip_prefix("note: "));
        assert_eq!(found.collect::<Vec<_>>(), notes, "{name}");
        project.run(&["plan"]).exits(0);
    }
}
