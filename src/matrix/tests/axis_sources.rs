use super::{family, names, select};
use crate::error::{Diagnostics, SourceFile};
use crate::matrix::{Files, Matrix, ResolvedAxes};

/// The values that `axis` takes from `text`.
fn taken(axis: &str, text: &str) -> Result<String, Diagnostics> {
    let head = "image: a\ntag: <%v%>\nplatforms: linux/amd64\n";
    let file = SourceFile::new("matrix.yaml", format!("{head}axes: {{ v: {axis} }}\n"));
    let sheet = Files::new(file)?.merged()?;
    let outside = sheet.axis_sources();
    let Some(outside) = outside.first() else {
        return sheet.read(&ResolvedAxes::default()).map(|_| String::new());
    };
    let values = outside.values(text)?;
    let matrix = sheet.read(&[(outside.axis.clone(), values)].into())?;
    Ok(names(&select(&matrix, &[])?))
}

#[test]
fn values_from_a_source_are_sorted_and_limited() {
    let releases = r#"[{"tag_name":"v2.0.9"},{"tag_name":"v2.0.10"},{"tag_name":"v1.9"},
                       {"tag_name":"nightly"},{"tag_name":null},{"tag_name":"v2.1.0-rc.1"}]"#;
    let marked = r#"[{"tag_name":"2.0","prerelease":true},{"tag_name":"1.0","prerelease":false},
                     {"tag_name":"3.0","draft":true}]"#;
    for (axis, text, wanted) in [
        ("{ from: latest }", "v2.0.13\n", "v2.0.13"),
        ("{ from: latest, pattern: v<version> }", "v2.0.13\r\n", "2.0.13"),
        ("{ from: x, limit: 2 }", "1.9\n\n1.10\n1.2\n1.10\n", "1.9 1.10"),
        (
            "{ from: x, path: \".[].tag_name\", pattern: v<version> }",
            releases,
            "1.9 2.0.9 2.0.10 2.1.0-rc.1",
        ),
        (
            "{ from: x, path: \"[].tag_name\", pattern: v<version>, limit: 2, skip: \"*-*\", only: \">=2\" }",
            releases,
            "2.0.9 2.0.10",
        ),
        // Pre-releases and strings that are not versions do not count towards the limit.
        (
            "{ from: x, path: \".[].tag_name\", pattern: v<version>, limit: 2 }",
            releases,
            "2.0.9 2.0.10",
        ),
        ("{ from: x, limit: 2 }", "3.0-rc1\nedge\n2.1\n", "2.1"),
        ("{ from: x, limit: 2 }", "3.0-rc1\n3.0-rc10\nedge\n3.0-rc9\n", "3.0-rc9 3.0-rc10"),
        ("{ from: x, limit: 1 }", "edge\n", "edge"),
        ("{ from: x, limit: 1 }", "8u92-b14\n8u412-b08\n8u402-b06", "8u412-b08"),
        // A pre-release mark in JSON counts like one in the name; a draft is left out.
        ("{ from: x, path: \"[].tag_name\", limit: 1 }", marked, "1.0"),
        ("{ from: x, path: \"[].tag_name\" }", marked, "1.0 2.0"),
        (
            "{ from: x, path: \".v[]\" }",
            r#"{"v":[3.8,3.10,20241231235959999999,1e3]}"#,
            "1e3 3.8 3.10 20241231235959999999",
        ),
        // Several pages.
        (
            "{ from: x, path: \"[].t\", limit: 2 }",
            "[{\"t\":\"1.2\"}]\u{1e}[{\"t\":\"1.10\"}]\u{1e}[]",
            "1.2 1.10",
        ),
        ("{ from: x }", "1.2\n\u{1e}1.10\n", "1.2 1.10"),
        ("{ from: x, path: \".a.b[1]\" }", r#"{"a":{"b":["1",2]}}"#, "2"),
        ("{ from: x, path: \".a[]\" }", r#"{"a":{"x":"1","y":"2"}}"#, "1 2"),
    ] {
        let found = taken(axis, text).unwrap_or_else(|errors| panic!("{axis}\n{errors}"));
        assert_eq!(found, wanted, "{axis}");
    }
}

#[test]
fn unusable_values_from_a_source_have_specific_errors() {
    for (axis, text, words) in [
        ("{ from: x }", "", "the source is empty"),
        ("{ from: x }", "<html>\n", "`<html>` cannot be part of a tag"),
        ("{ from: x }", "1.0\u{1b}[2J\n", "cannot be part of a tag"),
        ("{ from: x }", "--privileged\n", "cannot be part of a tag"),
        (
            "{ from: x, pattern: r<version> }",
            "v1\n",
            "none of 1 strings matches; the first is `v1`",
        ),
        ("{ from: x, path: .a }", "<html>", "not JSON"),
        ("{ from: x, path: .a }", "{}", "there is no `a`"),
        ("{ from: x, path: .a }", "[]", "not an object"),
        ("{ from: x, path: \".[]\" }", "[[]]", "neither a string nor a number"),
        ("{ from: x, path: \".[3]\" }", "[]", "index 3 is out of range"),
        ("{ from: x, path: a }", "", "write a path"),
        ("{ from: x, path: .a..b }", "", "write a path"),
        ("{ from: x, pattern: v }", "", "contain `<version>` exactly once"),
        ("{ from: x, limit: 0 }", "", "greater than zero"),
        ("{ from: x, limti: 1 }", "", "did you mean `limit`?"),
        ("{ from: x, only: \">a\" }", "", "not a version"),
        ("{ from: \"\" }", "", "a URL or a file"),
        ("{ from: ftp://x }", "", "http or https"),
        ("{ from: \"https://me:pw@x/y\" }", "", "do not put a password"),
        ("{ from: \"https:///y\" }", "", "no host"),
        ("{ from: [a] }", "", "must be a string"),
    ] {
        let shown = taken(axis, text).expect_err(axis).to_string();
        assert!(shown.contains(words) && shown.contains("matrix.yaml:4:"), "{axis}\n{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
    let file = SourceFile::new("matrix.yaml", family("").replace("2.0.0..2.0.2", "{ from: x }"));
    let shown = Matrix::parse(file).unwrap_err().to_string();
    assert!(shown.contains("the values of `version` were not loaded"), "{shown}");
}
