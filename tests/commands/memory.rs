//! Total memory is bounded: ten thousand cells with long values, or with a large template.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Number of cells of each matrix, or fewer if the output is long.
const CELLS: usize = 10_000;
/// Address space in KiB. With one copy per cell, these runs would need more.
const LIMIT: usize = 160 << 10;

/// Writes a matrix of many cells, with `settings`, and its template.
fn project(folder: &Path, cells: usize, settings: &str, template: &str) {
    let head = "image: me/app\ntag: v<%n%>\nplatforms: linux/amd64\n";
    let text = format!("{head}axes: {{ n: 1..{cells} }}\n{settings}\n");
    fs::write(folder.join("matrix.yaml"), text).expect("a matrix");
    fs::write(folder.join("Dockerfile"), template).expect("a template");
}

/// Runs onebuild with little memory and discards its output.
fn run(folder: &Path, args: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_onebuild");
    let script = format!("ulimit -v {LIMIT}; exec {program} {args} >/dev/null");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).current_dir(folder).env_clear().env("HOME", folder);
    command.output().expect("a shell starts")
}

#[track_caller]
fn ends(folder: &Path, args: &str, code: i32) -> String {
    let output = run(folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args}: {stderr}");
    stderr
}

#[test]
fn values_that_all_cells_share_are_stored_once() {
    let folder = tempfile::tempdir().expect("a directory");
    let long = "x".repeat(100_000);
    for (settings, template) in [
        (format!("labels: {{ big: {long}, n: \"<%n%>\" }}"), "FROM a:<%n%>\n"),
        (format!("annotations: {{ big: {long} }}"), "FROM a:<%n%>\n"),
        (
            format!("vars: {{ big: {long} }}\nargs: {{ A: \"<%big%>\" }}"),
            "FROM a:<%n%>\nARG A\nRUN $A\n",
        ),
        (format!("vars: {{ big: {long} }}"), "FROM a:<%n%>\nRUN <%big%>\n"),
        (format!("test: {{ run: [sh, -c, {long}] }}"), "FROM a:<%n%>\n"),
    ] {
        project(folder.path(), CELLS / 5, &settings, template);
        ends(folder.path(), "plan", 0);
    }
    let settings = format!("labels: {{ big: {long} }}");
    project(folder.path(), CELLS / 10, &settings, "FROM a:<%n%>\n");
    for args in ["plan --format json", "plan --format bake", "plan --format github", "explain v7"] {
        ends(folder.path(), args, 0);
    }
}

#[test]
fn a_large_template_is_in_memory_once() {
    let folder = tempfile::tempdir().expect("a directory");
    let step = format!("RUN echo {}\n", "y".repeat(70));
    let steps = step.repeat(800);
    project(folder.path(), CELLS * 3 / 10, "", &format!("FROM a:<%n%>\n{steps}CMD [\"<%n%>\"]\n"));
    for args in ["render", "plan"] {
        ends(folder.path(), args, 0);
    }
    let few = "--out out --only n=1..3";
    ends(folder.path(), &format!("render {few}"), 0);
    ends(folder.path(), &format!("render {few} --check"), 0);
    let written =
        fs::read_to_string(folder.path().join("out/v2.Dockerfile")).expect("it is written");
    assert_eq!(written, format!("FROM a:2\n{steps}CMD [\"2\"]\n"));
}

#[test]
fn too_many_unshared_values_are_refused_with_their_total() {
    let folder = tempfile::tempdir().expect("a directory");
    let long = "x".repeat(100_000);
    project(folder.path(), CELLS, &format!("labels: {{ big: \"<%n%>{long}\" }}"), "FROM a\n");
    let output = Command::new(env!("CARGO_BIN_EXE_onebuild"))
        .arg("plan")
        .current_dir(folder.path())
        .env_clear()
        .output()
        .expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    let said = "of 10000 cells have 512 MiB of distinct values; the maximum is 512 MiB";
    assert!(stderr.contains(said) && stderr.contains("--only axis=value"), "{stderr}");
}
