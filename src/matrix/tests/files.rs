use super::{names, select};
use crate::error::{Diagnostics, SourceFile};
use crate::matrix::{Files, Matrix, ResolvedAxes, Source};

/// Reads `matrix.yaml` of these files.
fn read(files: &[(&str, &str)]) -> Result<Matrix, Diagnostics> {
    let source = |path: &str| {
        let (name, text) = files.iter().find(|(name, _)| *name == path).expect(path);
        SourceFile::new(*name, *text)
    };
    let mut found = Files::new(source(files[0].0))?;
    loop {
        let needed = found.needed();
        if needed.is_empty() {
            return found.merged()?.read(&ResolvedAxes::default());
        }
        for file in needed {
            found.insert(&file.path, &source(&file.path))?;
        }
    }
}

const BASE: &str = "image: me/app
tag: <%os%>-<%version%>
platforms: [linux/amd64]
axes: { os: { ubuntu: { k: a }, alpine: { k: b } }, version: [1, 2] }
args: { A: a, B: b }
exclude: [{ os: alpine, version: 1 }]
";

#[test]
fn a_file_extends_others_key_by_key() {
    let above = "extends: [../base.yaml, more/other.yaml]
axes: { os: { alpine: { k: c }, debian: {} }, version: [3] }
platforms+: [linux/arm64]
args: { B: <%os.k|default(\"-\")%> }
exclude+: [{ os: ubuntu }]
tags: [{ tag: <%os%> }]
";
    let other = "args: { C: c }\nimage: you/app\nx-note: [a]\n";
    let files =
        [("sub/matrix.yaml", above), ("sub/../base.yaml", BASE), ("sub/more/other.yaml", other)];
    let matrix = read(&files).unwrap_or_else(|errors| panic!("{errors}"));
    let cells = select(&matrix, &[]).unwrap();
    assert_eq!(names(&cells), "alpine debian");
    assert_eq!(cells[0].references[0].familiar(), "you/app:alpine");
    assert_eq!(cells[0].platforms.len(), 2);
    let args: Vec<&str> = cells[0].inputs.args.values().map(|text| &**text).collect();
    assert_eq!(args, ["a", "c", "c"]);
    let place = |key: &str| {
        let origins = cells[0].origins();
        let origin = origins.iter().find(|origin| origin.key == key).unwrap();
        let Source::File(span) = &origin.source else { panic!("{origin:?}") };
        span.to_string()
    };
    assert_eq!(place("args.A"), "sub/../base.yaml:5:12");
    assert_eq!(place("args.B"), "sub/matrix.yaml:4:12");
    assert_eq!(place("args.C"), "sub/more/other.yaml:1:12");
    let rule = (
        "a.yaml",
        "extends: base.yaml\ntags+: [{ tag: latest, when: latest and os == \"ubuntu\" }]\n",
    );
    let matrix = read(&[rule, ("base.yaml", BASE)]).unwrap();
    let cells = select(&matrix, &["os=ubuntu"]).unwrap();
    assert_eq!(cells[1].references.len(), 2);
}

#[test]
fn a_key_of_another_file_is_removed_or_redefined() {
    let above = "extends: base.yaml
exclude-:
axes: { os: { ubuntu-: }, version-: , version: [7] }
args: { A-: , B-: , B: new, D-: x }
";
    let matrix = read(&[("a.yaml", above), ("base.yaml", BASE)]).unwrap_or_else(|e| panic!("{e}"));
    let cells = select(&matrix, &[]).unwrap();
    assert_eq!(names(&cells), "alpine-7");
    assert_eq!(format!("{:?}", cells[0].inputs.args), r#"{"B": "new", "D-": "x"}"#);
}

#[test]
fn a_sign_before_a_map_belongs_to_the_name() {
    let above = "extends: base.yaml\naxes: { os: { c++: { k: d }, c-: { k: e } } }\n";
    let matrix = read(&[("a.yaml", above), ("base.yaml", BASE)]).unwrap_or_else(|e| panic!("{e}"));
    let values: Vec<&str> = matrix.axes()[0].values.iter().map(|value| &*value.text).collect();
    assert_eq!(values, ["ubuntu", "alpine", "c++", "c-"]);
}

/// Each file is merged once: otherwise 16 files that each extend the next one eight times would
/// take 8^15 merges.
#[test]
fn files_that_are_extended_many_times_are_merged_once() {
    let name = |number: usize| format!("{number}.yaml");
    let text = |number: usize| match number {
        15 => BASE.to_owned(),
        _ => format!("extends: [{}]\n", vec![name(number + 1); 8].join(", ")),
    };
    let files: Vec<(String, String)> = (0..16).map(|number| (name(number), text(number))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    assert_eq!(read(&files).unwrap().axes().len(), 2);
}

#[test]
fn errors_in_several_files_point_into_the_right_one() {
    for (files, place, words) in [
        (
            &[("a.yaml", "extends: b.yaml\n"), ("b.yaml", "extends: ./a.yaml\n")][..],
            "b.yaml:1:10",
            "extend each other",
        ),
        (&[("a.yaml", "extends: a.yaml\n")], "a.yaml:1:10", "extend each other"),
        (&[("a.yaml", "extends: \"\"\n")], "a.yaml:1:10", "requires a file path"),
        (&[("a.yaml", "extends: { a: b }\n")], "a.yaml:1:10", "a string or a list"),
        (&[("a.yaml", "extends: https://x/y\n")], "a.yaml:1:10", "requires a file path"),
        (&[("a.yaml", "extends: b.yaml\n"), ("b.yaml", "a: [\n")], "b.yaml:1:4", "invalid YAML"),
        (
            &[("a.yaml", "extends: b.yaml\nargs: { A: <%x%> }\n"), ("b.yaml", BASE)],
            "a.yaml:2:14",
            "`x`",
        ),
        (
            &[("a.yaml", "extends: b.yaml\n"), ("b.yaml", "platfroms: a\n")],
            "b.yaml:1:1",
            "did you mean `platforms`?",
        ),
        (
            &[("a.yaml", "extends: b.yaml\naxes: { os: [a] }\n"), ("b.yaml", BASE)],
            "b.yaml:6:17",
            "matches no value",
        ),
        (&[("a.yaml", "tags+: [x]\n")], "a.yaml:1:1", "it extends none: write `tags`"),
        (&[("a.yaml", "tags-:\n")], "a.yaml:1:1", "remove `tags`"),
        (
            &[("a.yaml", "extends: b.yaml\nargs: { AA-: }\n"), ("b.yaml", BASE)],
            "a.yaml:2:9",
            "did you mean `A`?",
        ),
        (
            &[("a.yaml", "extends: b.yaml\nlabels-:\n"), ("b.yaml", BASE)],
            "a.yaml:2:1",
            "there is no `labels` to remove",
        ),
    ] {
        let shown = match read(files) {
            Ok(matrix) => matrix.warnings().to_string(),
            Err(errors) => errors.to_string(),
        };
        assert!(shown.contains(&format!("{place}\n")), "{files:?}\n{shown}");
        assert!(shown.contains(words), "{files:?}\n{shown}");
    }
}
