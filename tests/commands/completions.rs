//! `completions`, `man` and `schema`.

use std::process::Command;

use crate::project::{Project, Run};

/// Types `keys` into an interactive bash with the completion of onebuild, and returns the arguments of
/// each command line. `onebuild` is a function that records them; the completion calls the program.
fn typed(project: &Project, keys: &[&str]) -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_onebuild")).parent().unwrap();
    let script = format!(
        "PATH={}:/usr/bin:/bin\nsource <(command onebuild completions bash)\n\
         onebuild() {{ echo \"$*\" >> {}; }}\n",
        folder.display(),
        project.path("typed").display()
    );
    project.file("bashrc", script);
    project.file("keys", keys.join("\n") + "\n");
    let bash = "exec /bin/bash --noprofile --rcfile bashrc -i < keys";
    let mut command = Command::new("/bin/sh");
    let run = Run::with(command.args(["-c", bash]), &project.path("."), &[("TERM", "dumb")]);
    run.exits(0);
    project.read("typed").lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_the_values_of_the_matrix_that_the_command_line_would_use() {
    let project = Project::family();
    let other = "image: me/b\ntag: <%kind%>\nplatforms: linux/arm64\naxes: { kind: [x1, y2] }\n";
    project.file("other/matrix.yaml", other);
    project.file("broken/matrix.yaml", "axes: [\n");
    project.file("empty/sub/file", "");
    project.file(".git/HEAD", "");
    let lines = [
        ("onebuild mat\t--os u\t", "matrix --os ubuntu"),
        ("onebuild build --os=al\t", "build --os=alpine"),
        ("onebuild matrix --os ubuntu,al\t", "matrix --os ubuntu,alpine"),
        ("onebuild matrix --only os=al\t", "matrix --only os=alpine"),
        ("onebuild matrix --only=os=al\t", "matrix --only=os=alpine"),
        ("onebuild matrix --only version=1.0,1.\t", "matrix --only version=1.0,1.1"),
        ("onebuild matrix --skip ver\t1.0", "matrix --skip version=1.0"),
        (
            "onebuild build --platform linux/amd64,linux/arm6\t",
            "build --platform linux/amd64,linux/arm64",
        ),
        ("onebuild explain 1.1-u\t", "explain 1.1-ubuntu"),
        ("onebuild plan --form\tjs\t", "plan --format json"),
        ("onebuild plan --os u\t--version 1.1", "plan --os ubuntu --version 1.1"),
        // Other commands of the line, and spaces before it.
        ("true;  onebuild plan  --os   u\t", "plan --os ubuntu"),
        ("onebuild plan -f other/matrix.yaml --kind x\t", "plan -f other/matrix.yaml --kind x1"),
        ("onebuild plan --kind=x\t", "plan --kind=x"),
        ("cd empty/sub", ""),
        ("onebuild plan --os al\t", "plan --os alpine"),
        ("cd ../../other", ""),
        ("onebuild plan --os u\t", "plan --os u"),
        ("onebuild plan --kind y\t", "plan --kind y2"),
        ("cd ../broken", ""),
        ("onebuild plan --os u\t", "plan --os u"),
        ("onebuild mat\t--prog\tqui\t", "matrix --progress quiet"),
    ];
    let keys: Vec<&str> = lines.iter().map(|(keys, _)| *keys).collect();
    let wanted = lines.iter().map(|(_, wanted)| *wanted).filter(|line| !line.is_empty());
    assert_eq!(typed(&project, &keys), wanted.collect::<Vec<_>>());
}

#[test]
fn a_tab_prints_nothing_but_candidates_and_changes_nothing() {
    let project = Project::family();
    project
        .file("bad/matrix.yaml", "axes: { os: [a], v: { from: https://192.0.2.1/x } }\nfoo: 1\n");
    let set = [("ONEBUILD_COMPLETE", "fish"), ("ONEBUILD_LOG", "debug.log"), ("PATH", "")];
    for (words, wanted) in [
        ("-- onebuild build --os u", "ubuntu\n"),
        ("-- onebuild build --nope u", ""),
        ("-- onebuild build -f bad/matrix.yaml --os ", "a\n"),
        ("-- onebuild build -f none.yaml --os u", ""),
        ("-- onebuild build -f - --os u", ""),
        ("-- onebuild build -f /dev/stdin --os u", ""),
        ("-- nothing", ""),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onebuild"));
        let run = Run::with(command.args(words.split(' ')), &project.path("."), &set).exits(0);
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), (wanted, ""), "{words}");
    }
    assert!(!project.path("debug.log").exists());
    // The variable alone does not change a command.
    let mut command = Command::new(env!("CARGO_BIN_EXE_onebuild"));
    let run = Run::with(command.arg("plan"), &project.path("."), &set[..1]).exits(0);
    assert!(run.stdout.starts_with("cell"), "{}", run.stdout);
}

#[test]
fn man_writes_to_stdout_or_one_page_per_command_into_a_directory() {
    let project = Project::empty();
    assert!(project.run(&["man"]).exits(0).stdout.contains(".TH onebuild"));
    project.run(&["man", "--out", "man/man1"]).exits(0);
    for page in ["onebuild", "onebuild-build", "onebuild-lint", "onebuild-man"] {
        assert!(project.read(&format!("man/man1/{page}.1")).contains(".SH NAME"), "{page}");
    }
    project.file("file", "");
    project.run(&["man", "--out", "file"]).exits(4).says(&["file cannot be written"]);
}

#[test]
fn the_schema_is_the_file_in_the_repository() {
    let schema = Project::empty().run(&["schema"]).exits(0).stdout;
    assert_eq!(schema, include_str!("../../matrix.schema.json"));
}
