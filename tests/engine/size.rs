//! Contexts of many files, and long lists of patterns and paths.

use std::fmt::Write as _;
use std::fs;

use crate::support::{Project, paths_below};

/// As many as in a node_modules directory, in both directions: each file is sent to the engine and
/// received again.
#[test]
fn thirty_thousand_small_files_are_sent_and_received() {
    const FILES: usize = 30_000;
    const FOLDERS: usize = 300;
    let project = Project::single("small-files", "FROM scratch\nCOPY files /\n");
    let files = project.path("context/files");
    for n in 0..FOLDERS {
        fs::create_dir_all(files.join(n.to_string())).unwrap();
    }
    for n in 0..FILES {
        fs::write(files.join(format!("{}/{n}", n % FOLDERS)), n.to_string()).unwrap();
    }
    let tree = project.tree(&[]);
    assert_eq!(paths_below(&tree).len(), FILES + FOLDERS);
    let last = FILES - 1;
    let content = fs::read_to_string(tree.join(format!("{}/{last}", last % FOLDERS))).unwrap();
    assert_eq!(content, last.to_string());
}

/// BuildKit sends each pattern as a header of one call.
#[test]
fn a_dockerignore_may_have_thousands_of_lines() {
    for lines in [220, 2_000] {
        let project = Project::single("long-dockerignore", "FROM scratch\nCOPY . /\n");
        let mut ignore = String::new();
        for n in 0..lines {
            writeln!(ignore, "packages/some-package-{n}/build/**/*.map").unwrap();
        }
        project.file("context/.dockerignore", ignore);
        project.file("context/packages/some-package-7/build/a/b.map", "left out");
        project.file("context/packages/some-package-7/build/a/b.js", "kept");
        let tree = project.tree(&[]);
        let found = paths_below(&tree.join("packages/some-package-7/build/a"));
        assert_eq!(found, ["b.js"], "{lines} lines");
    }
}

/// The same for each path.
#[test]
fn a_copy_may_name_hundreds_of_files() {
    const FILES: usize = 300;
    let project = Project::single("long-copy", "");
    let mut copy = "COPY".to_owned();
    for n in 0..FILES {
        let name = format!("modules/a-module-with-a-long-name-{n}/package.json");
        project.file(&format!("context/{name}"), n.to_string());
        write!(copy, " \\\n  {name}").unwrap();
    }
    project.file("context/Dockerfile", format!("FROM scratch\n{copy} /\n"));
    assert_eq!(project.built("package.json", &[]), (FILES - 1).to_string());
}
