//! Line ends of Dockerfiles, and targets that they do not have.

use super::*;
use crate::check::wrong_targets;

#[test]
fn line_ends_that_docker_keeps_are_found() {
    for (dockerfile, wanted) in [
        ("FROM a\nRUN <<EOF\nx\nEOF\n", &NOTHING[..]),
        // Docker drops them at the end of an instruction.
        ("FROM a\r\nRUN x \\\r\n  y\r\nCOPY a b\r\n", &NOTHING),
        ("FROM a\r\nRUN <<EOF\r\nx\r\nEOF\r\n", &["line-ends Dockerfile:2:1"]),
        ("FROM a\nRUN <<EOF\nx\r\nEOF\n", &["line-ends Dockerfile:2:1"]),
        ("FROM a\r\nCOPY <<A <<B /x/\r\na\r\nA\r\nb\r\nB\r\n", &["line-ends Dockerfile:2:1"]),
        ("FROM a\r\nRUN <<EOF\r\nEOF\r\n", &NOTHING),
        (
            "FROM a\r\nRUN <<E\r\nx\r\nE\r\nRUN <<E\r\nx\r\nE\r\n",
            &["line-ends Dockerfile:2:1", "line-ends Dockerfile:5:1"],
        ),
        ("FROM a\rRUN x\r", &["line-ends Dockerfile:1:1"]),
        ("# comment\rFROM a\rRUN x", &["line-ends Dockerfile:1:1"]),
        ("FROM a\nRUN x\rRUN y\n", &["line-ends Dockerfile:2:1"]),
        // It may be meant.
        ("FROM a\nCOPY <<EOF /x\na\rb\nEOF\n", &NOTHING),
    ] {
        assert_eq!(found("", dockerfile), wanted, "{dockerfile:?}");
    }
}

/// The errors in the targets, with their places.
fn targets(matrix: &str, templates: &[(&str, &str)], flag: Option<&str>) -> Vec<String> {
    let mut flags = Overrides::default();
    flags.inputs.target = flag.map(Into::into);
    let project = Project { matrix, templates, ..Project::default() };
    let matrix = Matrix::parse(SourceFile::new("matrix.yaml", matrix)).unwrap();
    let (cells, files, requests) = project.requests(&matrix, &Selection::default(), &flags);
    let sources = files.sources();
    let found = wrong_targets(Subject {
        matrix: &matrix,
        cells: &cells,
        requests: &requests,
        sources: &sources,
        whole: None,
    });
    found.iter().map(|one| Diagnostics::from(one.clone()).render(false)).collect()
}

#[test]
fn a_target_must_be_a_stage_of_its_own_template() {
    const STAGES: &str = "FROM a AS Build\nFROM b AS test\nFROM scratch\n";
    let one = |target: &str, flag| {
        let matrix = &format!(
            "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: {{ v: [x] }}\n{target}"
        );
        targets(matrix, &[("Dockerfile", STAGES)], flag)
    };
    for fits in ["", "target: build", "target: BUILD", "target: test"] {
        assert!(one(fits, None).is_empty(), "{fits}");
    }
    for (target, flag, parts) in [
        (
            "target: biuld",
            None,
            &[
                "Dockerfile has no stage `biuld`",
                "matrix.yaml:5:9",
                "build, test",
                "did you mean `build`?",
            ][..],
        ),
        ("target: \"0\"", None, &["has no stage `0`", "matrix.yaml:5:10"]),
        (
            "target: build",
            Some("tset"),
            &["has no stage `tset`", "--target", "did you mean `test`?"],
        ),
        ("overrides: [{ v: x, target: deploy }]", None, &["`deploy`", "matrix.yaml:5:29"]),
        ("target: <%v%>", None, &["has no stage `x`", "matrix.yaml:5:9"]),
    ] {
        let errors = one(target, flag);
        assert_eq!(errors.len(), 1, "{target}");
        for part in parts {
            assert!(errors[0].contains(part), "{part}: {}", errors[0]);
        }
    }
}

#[test]
fn only_the_cells_without_the_stage_are_named() {
    let matrix = "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: { v: [x, y, z] }\n\
                  dockerfile: <%v%>.Dockerfile\ntarget: build\n";
    let templates = [
        ("x.Dockerfile", "FROM a AS build\n"),
        ("y.Dockerfile", "FROM a AS final\n"),
        ("z.Dockerfile", "# syntax=example.com/other\nFROM a\n"),
    ];
    let errors = targets(matrix, &templates, None);
    assert_eq!(errors.len(), 1);
    for part in ["y.Dockerfile has no stage `build`", "affected cells: y", "its stages: final"] {
        assert!(errors[0].contains(part), "{part}: {}", errors[0]);
    }
    let errors = targets(matrix, &[("x.Dockerfile", "FROM a\n"), templates[1], templates[2]], None);
    assert_eq!(errors.len(), 2);
    assert!(errors[0].contains("`FROM … AS build`"), "{}", errors[0]);
}
