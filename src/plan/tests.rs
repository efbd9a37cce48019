//! From a matrix and its templates to build requests.

use std::collections::HashMap;
use std::path::Path;

use super::make::Plan;
use super::{FileKind, PlanFiles, plan, table, write_json};
use crate::error::{Diagnostics, SourceFile};
use crate::input::Root;
use crate::matrix::{Cell, Matrix, Overrides, Pick, Selection};
use crate::text::{Paint, escaped};

const MATRIX: &str = "\
image: me/app
tag: <%version%>-<%os%>
platforms: [linux/amd64, linux/arm64]
context: templates
dockerfile: ./<%os%>/Dockerfile
axes: { os: [ubuntu, alpine], version: 1..2 }
vars: { package: curl }
args: { V: <%version%> }
target: final
";

fn cells(text: &str, only: &[&str]) -> (Matrix, Vec<Cell>) {
    let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text)).unwrap();
    let only = only.iter().map(|text| Pick::parse(text).unwrap()).collect();
    let selection = Selection { only, ..Default::default() };
    let overrides = Overrides::default();
    let cells = matrix.select(&selection, &overrides).unwrap().expand().unwrap().cells;
    (matrix, cells)
}

/// Plans with these files, and returns the order in which they were requested.
fn planned(only: &[&str], files: &[(&str, &str)]) -> Result<(Plan, Vec<String>), Diagnostics> {
    planned_of(MATRIX, only, files)
}

fn planned_of(
    matrix: &str,
    only: &[&str],
    files: &[(&str, &str)],
) -> Result<(Plan, Vec<String>), Diagnostics> {
    let (matrix, cells) = cells(matrix, only);
    let files: HashMap<&str, &str> = files.iter().copied().collect();
    let mut read = PlanFiles::default();
    let mut asked = Vec::new();
    loop {
        let needed = read.needed(&cells);
        if needed.is_empty() {
            break;
        }
        for file in needed {
            let text = files.get(file.path.as_str());
            assert!(text.is_some() || file.kind == FileKind::IgnoreFile, "no {}", file.path);
            read.insert(&file, text.map(|text| SourceFile::new(file.path.as_str(), *text)))?;
            asked.push(file.path);
        }
    }
    let root = Root::of(Path::new("sub/matrix.yaml"));
    let plan = plan(&matrix, &cells, &read, &root, &Default::default())?;
    Ok((plan, asked))
}

#[test]
fn each_file_is_requested_once_and_each_cell_gets_a_request() {
    let files = [
        ("templates/ubuntu/Dockerfile", "FROM ubuntu\n#% include \"common/tail\"\n"),
        ("templates/alpine/Dockerfile", "FROM alpine:<%version%>\n#% include \"common/tail\"\n"),
        ("templates/common/tail", "RUN <%package%>\n"),
    ];
    let (plan, asked) = planned(&[], &files).unwrap();
    let wanted = [
        "templates/ubuntu/Dockerfile",
        "templates/alpine/Dockerfile",
        "templates/common/tail",
        "templates/ubuntu/Dockerfile.dockerignore",
        "templates/alpine/Dockerfile.dockerignore",
    ];
    assert_eq!(asked, wanted);
    assert!(plan.warnings.is_empty(), "{}", plan.warnings);
    assert_eq!(plan.requests.len(), 4);
    let last = &plan.requests[3];
    assert_eq!(&*last.cell, "2-alpine");
    assert_eq!(last.recipe.dockerfile.text(), "FROM alpine:2\nRUN curl\n");
    assert_eq!(last.recipe.context, Path::new("sub/templates"));
    assert_eq!(
        (&*last.recipe.inputs.args["V"], last.recipe.inputs.target.as_deref()),
        ("2", Some("final"))
    );
    assert_eq!(&*last.recipe.dockerfile.origin(2).unwrap().file, "templates/common/tail");
}

#[test]
fn a_request_has_the_ignore_file_of_its_template_and_its_script() {
    let matrix = format!("{MATRIX}test: {{ script: test/<%os%>.sh }}\n");
    let latin1 = escaped(b"#!/bin/sh\n# caf\xe9\n".to_vec());
    let mut files = vec![
        ("templates/ubuntu/Dockerfile", "RUN <%package%>"),
        ("templates/alpine/Dockerfile", ""),
        ("templates/alpine/Dockerfile.dockerignore", "*.md\n"),
        ("test/ubuntu.sh", "#!/bin/sh\n"),
        ("test/alpine.sh", "#!/bin/ash\n"),
    ];
    let (plan, asked) = planned_of(&matrix, &[], &files).unwrap();
    // No file is requested twice.
    assert_eq!(asked.len(), 6, "{asked:?}");
    let found = plan.requests.iter().map(|request| {
        let script = str::from_utf8(request.policy.script.as_deref().unwrap()).unwrap();
        (&*request.cell, request.recipe.dockerignore.as_ref().map(SourceFile::text), script)
    });
    let found: Vec<_> = found.collect();
    let wanted = [
        ("1-ubuntu", None, "#!/bin/sh\n"),
        ("2-ubuntu", None, "#!/bin/sh\n"),
        ("1-alpine", Some("*.md\n"), "#!/bin/ash\n"),
        ("2-alpine", Some("*.md\n"), "#!/bin/ash\n"),
    ];
    assert_eq!(found, wanted);

    files.last_mut().unwrap().1 = &latin1;
    let (plan, _) = planned_of(&matrix, &[], &files).unwrap();
    assert_eq!(plan.requests[2].policy.script.as_deref(), Some(&b"#!/bin/sh\n# caf\xe9\n"[..]));

    for (text, message) in [
        ("echo\n", "the script test/alpine.sh has no `#!` line"),
        ("#!/bin/sh\r\n", "the script test/alpine.sh has Windows line endings"),
    ] {
        files.last_mut().unwrap().1 = text;
        let errors = planned_of(&matrix, &[], &files).unwrap_err().to_string();
        assert!(errors.contains(message) && errors.contains("matrix.yaml:"), "{errors}");
    }
}

#[test]
fn there_is_no_plan_without_a_file_that_it_needs() {
    let (matrix, cells) = cells(&format!("{MATRIX}test: {{ script: a.sh }}\n"), &["os=ubuntu"]);
    let mut files = PlanFiles::default();
    for (path, kind) in [("ubuntu/Dockerfile", FileKind::Template), ("a.sh", FileKind::Script)] {
        let errors = plan(&matrix, &cells, &files, &Root::default(), &Default::default());
        let errors = errors.unwrap_err().to_string();
        assert!(errors.contains(&format!("`{path}` was not read")), "{errors}");
        let needed = files.needed(&cells).remove(0);
        assert_eq!(needed.kind, kind);
        assert!(files.insert(&needed, None).is_err());
        files.insert(&needed, Some(SourceFile::new(path, "#!/bin/sh\n#"))).unwrap();
    }
    assert!(plan(&matrix, &cells, &files, &Root::default(), &Default::default()).is_ok());
}

#[test]
fn an_unused_var_is_a_warning_if_all_templates_were_read() {
    let files = [("templates/ubuntu/Dockerfile", ""), ("templates/alpine/Dockerfile", "")];
    let (plan, _) = planned(&[], &files).unwrap();
    let warnings = plan.warnings.to_string();
    assert!(warnings.starts_with("warning: the var `package` is not used"), "{warnings}");
    let (plan, _) = planned(&["os=ubuntu"], &files).unwrap();
    assert!(plan.warnings.is_empty(), "{}", plan.warnings);
}

#[test]
fn a_mistake_in_a_template_is_reported_once_even_in_an_unused_branch() {
    let bad = "#% if os == \"never\"\n<%verison%>\n#% endif\n<%pakage%>\n";
    let errors = planned(&["os=ubuntu"], &[("templates/ubuntu/Dockerfile", bad)]).unwrap_err();
    assert_eq!(errors.len(), 2, "{errors}");
    let shown = errors.to_string();
    assert!(shown.contains("--> templates/ubuntu/Dockerfile:2:3"), "{shown}");
    assert!(shown.contains("did you mean `package`?"), "{shown}");
}

#[test]
fn a_plan_is_shown_as_a_table_and_as_json() {
    let (_, cells) = cells(MATRIX, &["os=ubuntu"]);
    assert_eq!(
        table(&cells, None, Paint::default()).text,
        "\
cell      platforms    dockerfile         images
1-ubuntu  amd64 arm64  ubuntu/Dockerfile  me/app:1-ubuntu
2-ubuntu  amd64 arm64  ubuntu/Dockerfile  me/app:2-ubuntu
"
    );
    let mut json = Vec::new();
    write_json(&cells, &Default::default(), &mut json).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["cells"].as_array().unwrap().len(), 2);
    assert_eq!(json["cells"][1]["axes"]["version"], "2");
    assert_eq!(json["cells"][1]["references"][0], "docker.io/me/app:2-ubuntu");
}
