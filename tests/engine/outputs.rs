//! `--output`: archives and directories on this machine.

use std::fs;
use std::path::Path;
use std::time::Duration;

use onebuild::parts::Digest;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Project, Running, docker, paths_below, until};

const BOTH: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }";
const TWO: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1, 2] }";
const FILE: &str = "FROM scratch\nARG TARGETARCH\nCOPY Dockerfile /etc/$TARGETARCH\n";
/// Fails when much of the result may have been sent already.
const FAILING: &str = "FROM alpine:3.20\nRUN exit 3\n";

fn unpacked(archive: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let mut tar = std::process::Command::new("tar");
    tar.arg("-xf").arg(archive).arg("-C").arg(folder.path());
    Running::start(tar).end().success();
    folder
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn an_oci_archive_is_a_layout_with_correct_blob_digests() {
    let project = Project::new("oci", BOTH, FILE);
    let run = project.run(&["build", "--output", "type=oci,dest=image.tar"]).success();
    let layout = unpacked(&project.path("image.tar"));
    let at = |path: &str| layout.path().join(path);
    assert_eq!(json(&at("oci-layout"))["imageLayoutVersion"], "1.0.0");
    let blobs = at("blobs/sha256");
    for name in paths_below(&blobs) {
        let digest = Digest::of(&fs::read(blobs.join(&name)).unwrap());
        assert_eq!(digest.to_string(), format!("sha256:{name}"));
    }
    let entry = &json(&at("index.json"))["manifests"][0];
    assert_eq!(entry["digest"], run.digest().as_str());
    let index = json(&blobs.join(run.digest().trim_start_matches("sha256:")));
    let platforms: Vec<_> = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|manifest| manifest["platform"]["architecture"].as_str().unwrap())
        .collect();
    assert_eq!(platforms, ["amd64", "arm64"]);
}

#[test]
fn an_output_of_none_runs_every_step_and_keeps_no_image() {
    let file = "FROM alpine:3.20\nARG TARGETARCH\nRUN echo ran-on-$TARGETARCH\n";
    let project = Project::new("none", BOTH, file);
    let all = ["--output", "none", "--no-cache", "--provenance", "--cache-to", "type=inline"];
    for command in ["build", "matrix"] {
        let run = project.run(&[&[command], &all[..]].concat()).success();
        let run = run.says(&["> ran-on-amd64", "> ran-on-arm64", "1 built, in"]);
        let run = run.never_says(&["inline", "provenance"]);
        assert_eq!(run.stdout, "", "{command}");
    }
    let stored = docker(&["image", "ls", "--quiet", &project.repository()]);
    assert_eq!(stored, "", "the engine's store has an image");
    project.file("context/Dockerfile", "FROM alpine:3.20\nRUN exit 3\n");
    project.run(&["build", "--output", "none"]).exits(1).says(&["exit code 3"]);
    project.run(&["build", "--output", "none", "--push"]).exits(2).says(&["cannot be used with"]);
}

#[test]
fn docker_load_accepts_a_docker_archive() {
    let project = Project::single("dockerload", "FROM alpine:3.20\nCMD echo loaded\n");
    let archive = project.path("image.tar");
    project.run(&["build", "--output", "type=docker,dest=image.tar"]).success();
    let image = format!("{}:v1", project.repository());
    docker(&["load", "--quiet", "--input", archive.to_str().unwrap()]);
    assert_eq!(docker(&["run", "--rm", "--pull", "never", &image]).trim(), "loaded");
    docker(&["image", "rm", &image]);
}

#[test]
fn unsupported_parts_of_an_output_are_refused_or_omitted_with_a_note() {
    let project = Project::single("holds", FILE);
    for (output, holds) in [
        ("type=docker,dest=x.tar", "a type=docker archive cannot hold provenance"),
        ("type=tar,dest=x.tar", "a root file system cannot hold provenance"),
        ("type=local,dest=x", "a root file system cannot hold provenance"),
    ] {
        let run = project.run(&["build", "--provenance", "--output", output]).exits(4);
        run.says(&[holds, "remove --provenance"]).never_says(&["| started"]);
        assert!(!project.path("x.tar").exists() && !project.path("x").exists());
    }
    let inline = ["--cache-to", "type=inline", "--annotation", "a=b"];
    for (output, noted) in [("type=tar,dest=x.tar", true), ("type=docker,dest=y.tar", false)] {
        let run = project.run(&[&["build", "--output", output], &inline[..]].concat()).success();
        assert_eq!(run.stderr.contains("note: the inline cache is skipped"), noted, "{run}");
        assert_eq!(run.stderr.contains("note: the annotations are skipped"), noted, "{run}");
    }
}

#[test]
fn a_tar_file_holds_the_root_file_system() {
    let project = Project::single("tar", FILE);
    project.run(&["build", "--output", "type=tar,dest=root.tar"]).success();
    let root = unpacked(&project.path("root.tar"));
    assert_eq!(paths_below(root.path()), ["etc", "etc/amd64"]);
    assert_eq!(fs::read_to_string(root.path().join("etc/amd64")).unwrap(), FILE);
}

#[test]
fn a_directory_contains_the_root_file_system_of_each_platform() {
    let project = Project::new("local", BOTH, FILE);
    project.run(&["build", "--output", "type=local,dest=both"]).success();
    assert_eq!(
        paths_below(&project.path("both")),
        [
            "linux_amd64",
            "linux_amd64/etc",
            "linux_amd64/etc/amd64",
            "linux_arm64",
            "linux_arm64/etc",
            "linux_arm64/etc/arm64"
        ]
    );
    let one = ["build", "--output", "type=local,dest=one", "--platform", "linux/arm64"];
    project.run(&one).success();
    assert_eq!(paths_below(&project.path("one")), ["etc", "etc/arm64"]);
}

#[test]
fn several_cells_are_written_into_one_directory_under_their_names() {
    let project = Project::new("several", TWO, FILE);
    project.run(&["matrix", "--output", "type=oci,dest=out/archives/"]).success();
    assert_eq!(
        paths_below(&project.path("out")),
        ["archives", "archives/v1.tar", "archives/v2.tar"]
    );
    project.run(&["matrix", "--output", "type=local,dest=trees/"]).success();
    let trees = paths_below(&project.path("trees"));
    assert_eq!(trees, ["v1", "v1/etc", "v1/etc/amd64", "v2", "v2/etc", "v2/etc/amd64"]);
}

#[test]
fn stdout_only_receives_the_archive() {
    let project = Project::single("stdout", FILE);
    let output = project.command(&["build", "--output", "type=tar,dest=-"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let archive = project.file("piped.tar", &output.stdout);
    let root = unpacked(&archive);
    assert_eq!(paths_below(root.path()), ["etc", "etc/amd64"]);
    // Blocks of zeros end an archive; anything after them would not belong to it.
    assert!(output.stdout.len().is_multiple_of(512) && output.stdout.ends_with(&[0; 512]));
}

#[test]
fn an_impossible_output_is_refused_before_anything_starts() {
    let project = Project::new("refused", TWO, FILE);
    for (args, wanted) in [
        (
            &["matrix", "--output", "type=oci,dest=one.tar"][..],
            &["2 cells cannot all be written to one.tar", "dest=one.tar/"][..],
        ),
        (
            &[
                "matrix",
                "--output",
                "type=docker,dest=out/",
                "--platform",
                "linux/amd64,linux/arm64",
            ],
            &["type=docker supports only one platform", "--platform"],
        ),
        (
            &["build", "--only", "n=1", "--output", "type=oci,dest=nowhere/one.tar"],
            &["the directory nowhere does not exist", "create it first"],
        ),
        (
            &["build", "--output", "type=zip,dest=a"],
            &["`zip` is not one of oci, docker, tar, local"],
        ),
        (&["build", "--output", "type=oci"], &["the destination is missing"]),
        (
            &["build", "--only", "n=1", "--output", "type=local,dest=-"],
            &["a directory cannot be written to stdout", "dest=PATH"],
        ),
    ] {
        let mut command = project.command(args);
        // Even without any engine.
        command.env("DOCKER_HOST", "unix:///nowhere.sock");
        Running::start(command).end().exits(2).says(wanted);
    }
    assert_eq!(paths_below(&project.path("")).len(), 5, "nothing was written");
}

#[test]
fn a_failed_build_leaves_its_destination_unchanged() {
    let project = Project::single("failing", FAILING);
    for kind in ["oci", "docker", "tar"] {
        let dest = format!("type={kind},dest=new.tar");
        project.run(&["build", "--output", &dest]).exits(1).says(&["exit code 3"]);
        assert!(!project.path("new.tar").exists(), "{kind}");
        project.file("old.tar", "old");
        let dest = format!("type={kind},dest=old.tar");
        project.run(&["build", "--output", &dest]).exits(1);
        assert_eq!(fs::read_to_string(project.path("old.tar")).unwrap(), "old", "{kind}");
    }
    project.run(&["build", "--output", "type=local,dest=tree"]).exits(1);
    // Transferred files are recorded in the home directory.
    let left = paths_below(&project.path("")).into_iter().filter(|path| !path.starts_with("home"));
    let left: Vec<_> = left.collect();
    assert_eq!(left, ["context", "context/Dockerfile", "matrix.yaml", "old.tar", "tmp"]);
}

/// Large enough that a test can stop the transfer.
const LARGE: &str =
    "FROM alpine:3.20\nRUN head -c 300000000 /dev/zero >/large && echo new >/etc/issue\n";

/// Starts a build into `tree`, and stops it while its result arrives.
fn stopped_in_the_middle(project: &Project, signal: Signal, code: i32) {
    let running = project.start(&["build", "--output", "type=local,dest=tree"]);
    let staged = || {
        let names = fs::read_dir(project.path("tree")).into_iter().flatten();
        let mut names = names.map(|entry| entry.unwrap().path());
        names.any(|path| path.join("large").exists())
    };
    until("the result is being received", Duration::from_secs(60), staged);
    running.signal(signal);
    running.end().exits(code);
}

#[test]
fn an_interrupted_build_leaves_the_files_that_were_at_its_destination() {
    let project = Project::single("local-stopped", LARGE);
    project.run(&["build"]).success();
    stopped_in_the_middle(&project, Signal::INT, 130);
    assert!(!project.path("tree").exists(), "it was created for the result");

    project.file("tree/etc/issue", "old");
    project.file("tree/mine", "mine");
    let before = ["etc", "etc/issue", "mine"];
    stopped_in_the_middle(&project, Signal::INT, 130);
    assert_eq!(paths_below(&project.path("tree")), before);
    assert_eq!(fs::read_to_string(project.path("tree/etc/issue")).unwrap(), "old");

    // A killed run cannot clean up; the next run does.
    stopped_in_the_middle(&project, Signal::KILL, -9);
    let left = paths_below(&project.path("tree"));
    assert!(left.len() > before.len(), "{left:?}");
    assert_eq!(fs::read_to_string(project.path("tree/etc/issue")).unwrap(), "old");
    project.run(&["build", "--output", "type=local,dest=tree"]).success();
    assert_eq!(fs::read_to_string(project.path("tree/etc/issue")).unwrap(), "new\n");
    assert_eq!(fs::read_to_string(project.path("tree/mine")).unwrap(), "mine");
    let names: Vec<_> = fs::read_dir(project.path("tree")).unwrap().flatten().collect();
    assert!(!names.iter().any(|name| name.file_name().as_encoded_bytes().starts_with(b".")));
}

#[test]
fn a_build_that_fails_leaves_the_files_that_were_at_its_destination() {
    let project = Project::single("local-failed", FAILING);
    project.file("tree/etc/issue", "old");
    project.run(&["build", "--output", "type=local,dest=tree"]).exits(1);
    assert_eq!(paths_below(&project.path("tree")), ["etc", "etc/issue"]);
    assert_eq!(fs::read_to_string(project.path("tree/etc/issue")).unwrap(), "old");
}
