//! `completions`, `man` and `schema`.

use std::process::Command;

use crate::project::{Project, Run};

/// The completions that bash offers after these words, with the functions of the script.
fn offered(project: &Project, words: &str) -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_onebuild")).parent().unwrap();
    let script = format!(
        "PATH={}:/usr/bin:/bin\nsource <(onebuild completions bash)\nCOMP_WORDS=({words})\n\
         COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n_onebuild_reload onebuild \
         \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        folder.display()
    );
    let run = Run::of(Command::new("/bin/bash").args(["-c", &script]), &project.path("."));
    assert_eq!(run.stderr, "");
    run.exits(0).stdout.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_the_values_of_the_current_matrix() {
    let project = Project::family();
    assert_eq!(offered(&project, "onebuild build --os ''"), ["ubuntu", "alpine"]);
    assert_eq!(offered(&project, "onebuild matrix --version 1.1"), ["1.1"]);
    assert_eq!(offered(&project, "onebuild plan --only os=u"), ["os=ubuntu"]);
    // Another directory has another matrix.
    let other = Project::empty();
    assert!(!offered(&other, "onebuild build --o").contains(&"--os".to_owned()));
    assert!(offered(&project, "onebuild plan --form").contains(&"--format".to_owned()));
}

#[test]
fn a_script_is_generated_without_a_matrix_too() {
    let project = Project::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = project.run(&["completions", shell]).exits(0);
        assert!(run.stdout.contains("--push") || run.stdout.contains("-l push"), "{shell}");
        assert_eq!(run.stderr, "");
    }
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
