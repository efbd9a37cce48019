//! `plan --format github` and `plan --format bake`.

use serde_json::Value;

use crate::project::Project;

#[test]
fn a_strategy_matrix_is_one_line_and_each_job_builds_its_cells() {
    let project = Project::family();
    let run = project.run(&["plan", "--format", "github", "--group-by", "os"]).exits(0);
    assert_eq!(run.stderr, "note: 4 cells in 2 jobs, grouped by os\n");
    assert_eq!(run.stdout.lines().count(), 1);
    let strategy: Value = serde_json::from_str(&run.stdout).unwrap();
    for (job, wanted) in strategy["include"].as_array().unwrap().iter().zip(["ubuntu", "alpine"]) {
        assert_eq!(job["platforms"], "linux/amd64,linux/arm64");
        let mut args = vec!["matrix", "--dry-run"];
        args.extend(job["args"].as_str().unwrap().split(' '));
        let run = project.run(&args).exits(0);
        let cells: Vec<&str> = run.stdout.lines().skip(1).collect();
        assert_eq!(cells.len(), 2, "{run:?}");
        assert!(cells.iter().all(|line| line.contains(wanted)), "{run:?}");
    }
}

#[test]
fn too_many_jobs_are_merged_with_a_note() {
    let project = Project::family();
    let matrix = project.read("matrix.yaml").replace("1.0..1.1", "1.0..1.199");
    project.file("matrix.yaml", matrix);
    let run = project.run(&["plan", "--format", "github"]).exits(0);
    let run =
        run.says(&["400 cells in 200 jobs, grouped by version (GitHub allows at most 256 jobs"]);
    let strategy: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(strategy["include"].as_array().unwrap().len(), 200);
}

#[test]
fn an_unknown_axis_and_groups_in_another_format_are_wrong_usage() {
    let project = Project::family();
    let run = project.run(&["plan", "--format", "github", "--group-by", "so"]);
    run.exits(2).says(&["there is no axis `so`", "did you mean `os`?"]);
    let run = project.run(&["plan", "--group-by", "os"]);
    run.exits(2).says(&["--format github"]);
}

#[test]
fn a_bake_file_has_a_target_for_each_cell() {
    let project = Project::family();
    project.file("templates/alpine/Dockerfile", "FROM alpine AS it\n\tRUN echo <%version%>\n");
    let args =
        ["plan", "--format", "bake", "--os", "alpine", "--target", "it", "--network", "none"];
    let run = project.run(&args).exits(0);
    assert_eq!(run.stderr, "");
    let file: Value = serde_json::from_str(&run.stdout).unwrap();
    let names: Vec<_> = file["target"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["1_0-alpine", "1_1-alpine"]);
    let target = &file["target"]["1_1-alpine"];
    assert_eq!(target["dockerfile-inline"], "FROM alpine AS it\n\tRUN echo 1.1\n");
    assert_eq!((&target["target"], &target["network"]), (&"it".into(), &"none".into()));
    assert_eq!(target["context"], "templates");
}
