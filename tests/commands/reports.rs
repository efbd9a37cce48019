//! The report of a recorded run, and the files that describe it.

use std::fs;

use serde_json::{Value, json};

use crate::project::{Project, Run};
use crate::records::{FIRST, LAST, append, end, recorded, run};

const LATER: &str = "20261129T090000Z-0b0b";

/// A cell that was built, by an earlier run if it has a name.
fn built(cell: &str, kept_from: Option<&str>) -> Value {
    let mut event = json!({"type": "cell-finished", "cell": cell, "elapsed": 2.5, "result": "built",
        "digest": null, "pushed": [], "unchanged": false, "verified": false, "cached_steps": 1,
        "total_steps": 2, "smoke_test": {"result": "none"}});
    if let Some(id) = kept_from {
        event["kept_from"] = id.into();
    }
    event
}

fn lines(run: &Run) -> Vec<&str> {
    run.stdout.lines().collect()
}

#[test]
fn the_report_of_a_run_is_printed_again() {
    let project = recorded();
    append(&project, LAST, &end(1));
    for args in [&["runs", "show"][..], &["runs", "show", "1"], &["runs", "show", LAST]] {
        let shown = project.run(args).exits(0);
        assert_eq!(shown.stderr, "");
        let lines = lines(&shown);
        assert!(lines[0].starts_with(&format!("run:     {LAST}, ")), "{lines:?}");
        assert_eq!(
            lines[1..4],
            [
                "command: onebuild matrix --push",
                "engine:  an engine",
                "result:  1 pushed, 1 failed",
            ]
        );
        let last = lines.len() - 2;
        assert_eq!(lines[last], "1 pushed, 1 failed, 1 not started, in 1m02s");
        assert!(lines[last + 1].ends_with(" v2  exit code 3"), "{lines:?}");
        assert!(!shown.stdout.contains('\u{1b}'), "{shown:?}");
    }
    let first = project.run(&["runs", "show", "2"]).exits(0);
    assert!(first.stdout.starts_with(&format!("run:     {FIRST}, ")), "{first:?}");
}

#[test]
fn a_run_that_was_killed_and_one_that_goes_on_are_shown_as_far_as_they_came() {
    let project = recorded();
    let killed = project.run(&["runs", "show"]).exits(0).stdout;
    assert!(killed.contains("\nresult:  killed: 1 pushed, 1 failed\n"), "{killed}");
    assert!(killed.contains("\n1 pushed, 1 failed, 1 not started, in 1m00s\n"), "{killed}");

    let record = project.path(&format!(".local/state/onebuild/runs/{LAST}/run.jsonl"));
    let lock = fs::File::open(record).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let runs = project.run(&["runs", "show"]).exits(0).stdout;
    assert!(runs.contains("\nresult:  running: 2 of 3 cells, 1 failed\n"), "{runs}");
    assert!(runs.contains("\n1 pushed, 1 failed, in "), "{runs}");
}

#[test]
fn cells_that_a_run_left_out_are_named() {
    let project = recorded();
    let events = [built("v1", Some(FIRST)), built("v2", Some(FIRST)), built("v3", None)];
    run(&project, LATER, "matrix.yaml", &["v1", "v2", "v3"], &events);
    let shown = project.run(&["runs", "show"]).exits(0).stdout;
    assert!(shown.contains(&format!("\nkept:    2 cells of the run {FIRST}: v1, v2\n")), "{shown}");
    assert!(shown.contains("\n1 built, in "), "{shown}");
}

#[test]
fn a_run_that_is_not_there_is_an_error() {
    let project = recorded();
    for (name, said) in [
        ("3", "there is no run 3: 2 runs of this matrix are recorded"),
        ("20261128T181044Z-ffff", "there is no record of the run 20261128T181044Z-ffff"),
        ("0", "0"),
        ("last", "last"),
    ] {
        project.run(&["runs", "show", name]).exits(2).says(&[said]);
    }
    fs::write(project.path(&format!(".local/state/onebuild/runs/{LAST}/run.jsonl")), "{}\n")
        .unwrap();
    let unreadable = project.run(&["runs", "show", LAST]).exits(4);
    unreadable.says(&["cannot be read", "`onebuild runs` lists them"]);
}

#[test]
fn every_form_can_be_made_from_a_record() {
    let project = recorded();
    append(&project, LAST, &end(1));
    let shown = project.run(&[
        "runs",
        "show",
        "--junit",
        "new/run.xml",
        "--metadata-file",
        "new/run.json",
        "--summary",
        "new/run.md",
        "--timings",
        "new/run.html",
        "--timings",
        "new/trace.json",
    ]);
    let shown = shown.exits(0);
    assert_eq!((&*shown.stdout, &*shown.stderr), ("", ""));
    let metadata: Value = serde_json::from_str(&project.read("new/run.json")).unwrap();
    assert_eq!(metadata["onebuild:run"]["id"], LAST);
    assert_eq!(metadata["v1"]["image.name"], "me/app:v1");
    assert_eq!(metadata["v2"]["onebuild.failure"]["exit_code"], 3);
    let junit = project.read("new/run.xml");
    assert!(
        junit.contains("<testcase name=\"v2\" classname=\"images\" time=\"1.250\">"),
        "{junit}"
    );
    for file in ["new/run.md", "new/run.html", "new/trace.json"] {
        assert!(project.path(file).is_file(), "{file}");
    }
}

#[test]
fn a_run_that_has_nothing_left_to_build_writes_its_reports() {
    let project = Project::empty();
    project.file(
        "matrix.yaml",
        "image: me/app\ntag: v<%n%>\nplatforms: linux/amd64\naxes: { n: [1, 2] }\n",
    );
    project.file("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
    run(&project, LAST, "matrix.yaml", &["v1", "v2"], &[built("v1", None), built("v2", None)]);
    let ended = project.run(&[
        "matrix",
        "--failed",
        "--junit",
        "out/run.xml",
        "--metadata-file",
        "out/run.json",
    ]);
    ended.exits(0).says(&["0 cells of the run "]);
    let metadata: Value = serde_json::from_str(&project.read("out/run.json")).unwrap();
    assert_eq!(metadata["onebuild:run"]["totals"]["kept"], 2);
    assert_eq!(metadata["onebuild:run"]["exit_code"], 0);
    assert_eq!(metadata["v2"]["onebuild.kept_from"], LAST);
    assert!(project.read("out/run.xml").contains("tests=\"2\" skipped=\"0\" failures=\"0\""));

    let refused = project.run(&["matrix", "--failed", "--junit", "out"]).exits(4);
    refused.says(&["out cannot be written", "this is a directory"]);
    fs::remove_dir_all(project.path("out")).unwrap();
    project.run(&["matrix", "--failed", "-n", "--junit", "out/run.xml"]).exits(0);
    assert!(!project.path("out").exists());
}
