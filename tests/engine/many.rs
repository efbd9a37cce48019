//! A run of hundreds of cells: what it uses does not grow with the cells that ended.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::support::{Fault, FaultyRegistry, Project, Sender, Usage};

const CELLS: usize = 200;

/// The largest use while between `from` and `to` cells had ended.
fn largest(samples: &[(usize, Usage)], from: usize, to: usize) -> Usage {
    let part = samples.iter().filter(|(ended, _)| (from..to).contains(ended)).map(|(_, one)| one);
    let largest = |of: fn(&Usage) -> usize| part.clone().map(of).max().expect("it was sampled");
    Usage { memory: largest(|one| one.memory), files: largest(|one| one.files) }
}

#[test]
fn memory_and_open_files_do_not_grow_with_the_cells_that_ended() {
    let matrix = format!("tag: v<%n%>\nplatforms: [linux/amd64]\naxes: {{ n: 1..{CELLS} }}");
    let dockerfile = "FROM scratch\nCOPY Dockerfile /\nLABEL n=<%n%>\n";
    let project = Project::in_new_repository("many", &matrix, dockerfile);
    let mut running = project.start(&["matrix", "--push", "--jobs", "8"]);
    let mut samples = Vec::new();
    while !running.ended() {
        let ended = running.stdout().lines().count();
        samples.extend(running.usage().map(|usage| (ended, usage)));
        sleep(Duration::from_millis(20));
    }
    let run = running.end().success();
    assert_eq!(run.images().len(), CELLS);
    let store = project.store();
    assert!((1..=CELLS).all(|n| store.has(&format!("v{n}"))));

    let (early, late) = (largest(&samples, 20, 80), largest(&samples, 140, CELLS));
    assert!(late.files <= early.files + 4, "{early:?}, {late:?}");
    // Each cell keeps its outcome for the report, a few KiB.
    assert!(late.memory <= early.memory + 2_000, "{early:?}, {late:?}");
    assert!(late.memory < 20_000, "{late:?}");

    let listed = project.run(&["runs"]).exits(0).stdout;
    assert!(listed.contains(&format!("{CELLS} pushed")), "{listed}");
    let record = project.path("home/.local/state/onebuild/runs");
    let run = fs::read_dir(record).unwrap().map(|entry| entry.unwrap().path());
    let run = run.into_iter().find(|path| path.is_dir()).unwrap();
    assert_eq!(fs::read_dir(run.join("logs")).unwrap().count(), CELLS);
}

#[test]
fn the_limit_of_jobs_is_one_for_builds_and_for_requests_to_registries() {
    const JOBS: usize = 2;
    let registry = FaultyRegistry::start();
    // Requests that could overlap do.
    registry.rule(|asked| {
        (asked.sender == Sender::Onebuild).then_some(Fault::Late(Duration::from_millis(50)))
    });
    let project = Project::new("limit", "", "");
    // The registry is asked what it has while the step runs; a question that the end of the build cancels may
    // still be open there.
    let step = format!("RUN : {}-<%n%>; sleep 1", project.nonce());
    project.file("context/Dockerfile", format!("FROM alpine:3.20\n{step}\n"));
    let image = format!("{}/{}", registry.host, project.repository_name());
    project.file(
        "matrix.yaml",
        format!(
            "image: [{image}-<%n%>, {image}-other-<%n%>]\ntags: [v<%n%>, also-<%n%>]\n\
             platforms: [linux/amd64]\ncontext: context\naxes: {{ n: 1..8 }}\n"
        ),
    );
    let jobs = JOBS.to_string();
    project.run(&["matrix", "--push", "--jobs", &jobs]).success();
    let asked = registry.seen(Sender::Onebuild);
    let count =
        |method, part| asked.iter().filter(|one| one.is_of(Sender::Onebuild, method, part)).count();
    // Before the builds, of each repository; and of each tag after its push.
    assert!(count("POST", "/blobs/uploads/") >= 16 && count("HEAD", "/manifests/") >= 64);
    assert_eq!(registry.most_open(), JOBS);
}
