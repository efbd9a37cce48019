//! Full disks: errors distinguish this machine's disk from the engine's.

use std::process::Command;

use crate::support::{Project, Run, Running, paths_below, started_engine};

/// A layer that does not fit on the small disk of these tests, compressed or not.
const LARGE: &str = "FROM alpine:3.20\nRUN head -c 4000000 /dev/urandom >/large\n";

/// Help that only applies to the engine's machine.
const PRUNE: &str = "prune";

/// onebuild with a small disk at `small`, which no other process sees.
fn on_small_disk(project: &Project, options: &str, args: &[&str]) -> Run {
    std::fs::create_dir_all(project.path("small")).unwrap();
    let script = format!(
        "mount -t tmpfs -o {options} tmpfs small && \"$@\"; code=$?; ls -A small >left; exit $code"
    );
    in_shell(project, &["unshare", "--mount"], &script, args)
}

/// Runs a script with onebuild and `args` as its arguments.
fn in_shell(project: &Project, prefix: &[&str], script: &str, args: &[&str]) -> Run {
    let inner = project.command(args);
    let words = [prefix, &["sh", "-c", script, "sh"]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(project.path("")).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Running::start(command).end()
}

fn left(project: &Project) -> String {
    std::fs::read_to_string(project.path("left")).unwrap()
}

#[test]
fn a_full_disk_of_this_machine_is_named_with_its_directory() {
    let project = Project::single("full-here", LARGE);
    for (output, file) in [
        ("type=oci,dest=small/x.tar", "small/x.tar"),
        ("type=docker,dest=small/x.tar", "small/x.tar"),
        ("type=tar,dest=small/x.tar", "small/x.tar"),
        ("type=local,dest=small/tree", "small/tree/"),
    ] {
        let run = on_small_disk(&project, "size=1m", &["build", "--output", output]).exits(1);
        run.says(&[
            file,
            "it could not be written: no space left on device",
            "free up disk space on this machine for small",
            "or write the result to another disk",
        ])
        .never_says(&[PRUNE, "the engine's"]);
        assert_eq!(left(&project), "", "{output}");
    }
    let args = ["build", "--output", "type=oci,dest=small/x.tar"];
    on_small_disk(&project, "ro", &args)
        .exits(1)
        .says(&["read-only file system", "small is on a disk that is mounted read-only"])
        .never_says(&[PRUNE]);
}

#[test]
fn a_full_disk_below_stdout_is_named() {
    let project = Project::single("full-stdout", LARGE);
    let args = ["build", "--output", "type=tar,dest=-"];
    in_shell(&project, &[], "exec \"$@\" >/dev/full", &args).exits(1).says(&[
        "stdout: it could not be written: no space left on device",
        "free up disk space on this machine for stdout",
    ]);
}

#[test]
fn a_full_disk_below_a_cache_directory_is_named() {
    let project = Project::single("full-cache", LARGE);
    let cache = "type=local,dest=small/cache,mode=max";
    let run = on_small_disk(&project, "size=1m", &["build", "--cache-to", cache]).exits(1);
    run.says(&[
        "the cache in small/cache: cannot be written: no space left on device",
        "free up disk space on this machine for small/cache",
        "add ignore-error=true",
    ])
    .never_says(&[PRUNE, "the engine's"]);

    let cache = format!("{cache},ignore-error=true");
    on_small_disk(&project, "size=1m", &["build", "--cache-to", &cache])
        .success()
        .says(&["the cache was not written", "no space left on device"])
        .never_says(&[PRUNE]);
}

#[test]
fn a_build_does_not_fail_if_its_records_cannot_be_written() {
    let project = Project::single("full-records", "FROM scratch\nCOPY Dockerfile /\n");
    let script = "mount -t tmpfs -o size=64k tmpfs home && head -c 1m /dev/zero >home/fill; \"$@\"";
    let args = ["build", "--output", "type=local,dest=tree"];
    in_shell(&project, &["unshare", "--mount"], script, &args).success();
    assert_eq!(paths_below(&project.path("tree")), ["Dockerfile"]);
}

#[test]
fn a_full_disk_of_the_engine_is_reported_as_the_engines() {
    let engine = started_engine("full", &["--disk", "200m"]);
    let project = Project::single("full-there", "");
    let run = |dockerfile: &str, args: &[&str]| {
        project.file("context/Dockerfile", dockerfile);
        project.run(&[&["build", "-H", &engine.host], args].concat()).exits(1)
    };
    // A step that fills the disk reports that itself.
    run("FROM alpine:3.20\nRUN dd if=/dev/zero of=/large bs=1M count=400\n", &[])
        .says(&["No space left on device", "free space on the engine's machine"])
        .never_says(&["disk space on this machine"]);
    // The export of a layer; its result would fit on this machine's disk.
    let mut large = vec![0; 60_000_000];
    let mut random = std::fs::File::open("/dev/urandom").unwrap();
    std::io::Read::read_exact(&mut random, &mut large).unwrap();
    project.file("context/large", large);
    run("FROM alpine:3.20\nCOPY large /\n", &["--output", "type=oci,dest=x.tar"])
        .says(&["the engine's disk is full", "docker builder prune"])
        .never_says(&["disk space on this machine"]);
    assert!(!project.path("x.tar").exists());
}

#[test]
fn a_disk_that_is_mounted_inside_of_a_destination_is_written_to() {
    let project = Project::single(
        "mounted",
        "FROM scratch\nCOPY Dockerfile /small/new/file\nCOPY Dockerfile /small/old\n",
    );
    std::fs::create_dir_all(project.path("small")).unwrap();
    let script = "mount -t tmpfs tmpfs small && echo old >small/old && \"$@\" && ls -AR small >left \
                  && cat small/old small/new/file >content";
    let args = ["build", "--output", "type=local,dest=."];
    in_shell(&project, &["unshare", "--mount"], script, &args).success();
    assert_eq!(left(&project), "small:\nnew\nold\n\nsmall/new:\nfile\n");
    let content = std::fs::read_to_string(project.path("content")).unwrap();
    assert_eq!(
        content,
        std::fs::read_to_string(project.path("context/Dockerfile")).unwrap().repeat(2)
    );
}
