//! Caches in local directories.

use std::fs;
use std::path::Path;
use std::process::Command;

use onebuild::parts::Digest;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Project, Run, Running, lab_script, paths_below, started_engine, until};

const TWO_BY_TWO: &str =
    "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1, 2] }\n";

/// Two stages: only a cache with `mode=max` has the first stage's step. All steps have different
/// results in each cell and platform: a cache stores identical content once, with the time of one
/// of them.
const STAGES: &str = "FROM alpine:3.20 AS made\n\
                      RUN cat /proc/sys/kernel/random/uuid > /made; : <%n%>\n\
                      FROM alpine:3.20\nCOPY --from=made /made /random\n\
                      RUN cat /proc/sys/kernel/random/uuid > /n; : <%n%>\n";

/// Checks that everything listed in the directory exists, and that every blob matches its digest;
/// returns the tags.
#[track_caller]
fn whole(folder: &Path) -> Vec<String> {
    let read = |path: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join(path)).unwrap()).unwrap()
    };
    let has = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap();
        let path = format!("blobs/{}", digest.replace(':', "/"));
        assert!(folder.join(&path).exists(), "{digest} is listed but does not exist");
        path
    };
    for path in paths_below(&folder.join("blobs/sha256")) {
        let content = fs::read(folder.join("blobs/sha256").join(&path)).unwrap();
        assert_eq!(Digest::of(&content).to_string(), format!("sha256:{path}"));
    }
    assert_eq!(paths_below(&folder.join("ingest")), [""; 0]);
    let mut tags = Vec::new();
    for entry in read("index.json")["manifests"].as_array().unwrap() {
        let manifest = read(&has(entry));
        // BuildKit before 0.21 writes an index, whose last entry is the configuration.
        let is_index = manifest["layers"].is_null();
        let layers = manifest[if is_index { "manifests" } else { "layers" }].as_array().unwrap();
        layers.iter().for_each(|layer| drop(has(layer)));
        if !is_index {
            has(&manifest["config"]);
        }
        let tag = &entry["annotations"]["org.opencontainers.image.ref.name"];
        tags.push(tag.as_str().unwrap().to_owned());
    }
    tags.sort();
    tags
}

fn buildx(host: &str, project: &Project, args: &[&str]) -> Run {
    let mut command = lab_script("in");
    command.args(["docker", "--host", host, "buildx", "build"]).args(args);
    let context = project.path("context");
    command.arg(context).env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1");
    Running::start(command).end().success()
}

#[test]
fn another_engine_uses_the_cached_steps_in_one_directory() {
    let other = started_engine("folder", &[]);
    let caches = "cache_from: { type: local, src: steps }\n\
                  cache_to: { type: local, dest: steps, mode: max }\n";
    let project = Project::new("cachefolder", &format!("{TWO_BY_TWO}{caches}"), STAGES);
    let first = project.run(&["matrix", "--push", "--no-cache"]).success();
    let first = first.says(&["note: the cache in steps has no entry for 2 cells yet"]);
    assert_eq!(whole(&project.path("steps")), ["cache-v1", "cache-v2"]);

    // The other engine has never seen these steps, and onebuild runs in another directory: the
    // cache path is relative to matrix.yaml.
    let file = project.path("matrix.yaml");
    let args = ["matrix", "--push", "-H", &other.host, "--file", file.to_str().unwrap()];
    let mut command = project.command(&args);
    command.current_dir("/");
    let second = Running::start(command).end().success().never_says(&["note:"]);
    let sorted = |run: &Run| {
        let mut images = run.images();
        images.sort();
        images
    };
    assert_eq!(sorted(&second), sorted(&first));
    assert_eq!(whole(&project.path("steps")), ["cache-v1", "cache-v2"]);
}

#[test]
fn buildx_and_onebuild_read_what_the_other_wrote() {
    let other = started_engine("folderx", &[]);
    let plain = STAGES.replace("<%n%>", "1");
    let project = Project::single("buildxfolder", &plain);
    let steps = project.path("steps").display().to_string();
    let tree = project.path("theirs").display().to_string();

    let to = format!("type=local,dest={steps},mode=max");
    let ours = project.built("random", &["--no-cache", "--cache-to", &to]);
    let from = format!("type=local,src={steps},tag=cache-v1");
    let (read, out) = (["--cache-from", &from], format!("type=local,dest={tree}"));
    buildx(&other.host, &project, &[&read[..], &["--output", &out]].concat());
    assert_eq!(fs::read_to_string(project.path("theirs/random")).unwrap(), ours);

    project.file("context/Dockerfile", plain.replace("/n", "/m").replace("/made", "/done"));
    let to = format!("type=local,dest={steps},mode=max,tag=theirs");
    buildx(&other.host, &project, &["--no-cache", "--cache-to", &to, "--output", &out]);
    let theirs = fs::read_to_string(project.path("theirs/random")).unwrap();
    assert_ne!(theirs, ours);
    let from = format!("type=local,src={steps},tag=theirs");
    assert_eq!(project.built("random", &["--cache-from", &from]), theirs);
    assert_eq!(whole(&project.path("steps")), ["cache-v1", "theirs"]);
}

#[test]
fn a_cancelled_export_leaves_the_directory_unchanged() {
    let project = Project::single("cutcache", "FROM scratch\nCOPY Dockerfile /\n");
    let to = ["--cache-to", "type=local,dest=steps,mode=max"];
    project.run(&[&["build"], &to[..]].concat()).success();
    let index = fs::read(project.path("steps/index.json")).unwrap();

    // Random bytes take time to be compressed and sent.
    let big = "FROM alpine:3.20\nRUN head -c 60000000 /dev/urandom > /big\n";
    project.file("context/Dockerfile", big);
    let running = project.start(&[&["build", "--no-cache"], &to[..]].concat());
    let ingest = project.path("steps/ingest");
    let is_writing = || ingest.exists() && !paths_below(&ingest).is_empty();
    until("a blob is being written", std::time::Duration::from_secs(60), is_writing);
    running.signal(Signal::INT);
    running.end().exits(130);
    assert_eq!(fs::read(project.path("steps/index.json")).unwrap(), index);
    assert_eq!(whole(&project.path("steps")), ["cache-v1"]);
}

/// onebuild with a file size limit of one megabyte: the closest simulation of a full disk.
fn cramped(project: &Project, args: &[&str]) -> Run {
    let mut command = Command::new("env");
    let onebuild = project.command(args);
    let limited = ["--ignore-signal=XFSZ", "prlimit", "--fsize=1000000"];
    command.args(limited).arg(onebuild.get_program()).args(onebuild.get_args());
    let environment = onebuild.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(environment).current_dir(project.path(""));
    Running::start(command).end()
}

#[test]
fn a_full_disk_fails_the_cell_unless_errors_are_ignored() {
    let project = Project::single("fullcache", "FROM alpine:3.20\nRUN echo > /x\n");
    let cached = |cache: &str| cramped(&project, &["build", "--cache-to", cache]);
    let why = "the cache in steps: cannot be written: file too large";
    cached("type=local,dest=steps").exits(1).says(&[why, "ignore-error=true"]);
    assert!(!project.path("steps/index.json").exists());
    let forgiven = cached("type=local,dest=steps,ignore-error=true").success();
    forgiven.says(&["warning: the cache was not written: ", why]);
    assert!(!project.path("steps/index.json").exists());
    assert_eq!(paths_below(&project.path("steps/ingest")), [""; 0]);

    for output in ["type=oci,dest=x.tar", "type=local,dest=tree"] {
        let run = cramped(&project, &["build", "--output", output]).exits(1);
        run.says(&["it could not be written: file too large"]);
    }
    assert!(!project.path("x.tar").exists());
}

#[test]
fn an_unusable_directory_is_reported_before_anything_is_built() {
    let project = Project::single("badfolder", "FROM scratch\nCOPY Dockerfile /\n");
    project.file("steps/index.json", "{");
    project.file("file", "");
    for (flag, spec, words) in [
        (
            "--cache-from",
            "type=local,src=steps",
            ["steps/index.json: invalid JSON", "it is created again"],
        ),
        (
            "--cache-to",
            "type=local,dest=steps",
            ["steps/index.json: invalid JSON", "it is created again"],
        ),
        (
            "--cache-to",
            "type=local,dest=file",
            ["the cache file is not a directory", "use a directory"],
        ),
        ("--cache-to", "type=local", ["needs `dest`", "--cache-to type=local,dest=DIRECTORY"]),
        ("--cache-from", "type=local,dest=x", ["needs `src`", "--cache-from type=local,src="]),
    ] {
        project.run(&["build", flag, spec]).exits(4).says(&words);
    }
    project.run(&["build", "--cache-to", "type=local,dest=steps,ignore-error=true"]).success();
}
