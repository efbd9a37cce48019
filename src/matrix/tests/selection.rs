//! Tests of expansion and selection.

use crate::error::{Diagnostics, SourceFile};
use crate::input::Inputs;
use crate::matrix::cells::expand::Expansion;
use crate::matrix::{Matrix, Overrides, Pick, Selection, Unnamed};

/// The matrix of the 1Panel images.
const FAMILY: &str = "\
image: caijiamx/1panel
tag: dood-<%version%>-<%os%><%type.suffix%>
platforms: [linux/amd64, linux/arm64]
context: templates
dockerfile: <%os%>/Dockerfile

axes:
  os: [ubuntu, centos, alpine]
  version: 2.0.0..2.0.13
  type:
    pro: { hack: hack,    suffix: \"\" }
    cn:  { hack: hack_cn, suffix: -cn }

defaults: { type: pro }

vars:
  OnePanel_Version: <%version%>
  OnePanel_Type: <%type.hack%>
";

/// A minimal matrix, with more lines below it.
fn small(more: &str) -> String {
    let head = "image: me/app\ntag: <%os%>-<%version%>\nplatforms: linux/amd64\n";
    let axes = "axes:\n  os: [ubuntu, alpine]\n  version: [\"1.9\", 1.10, 2.0]\n";
    format!("{head}{axes}{more}")
}

fn matrix(text: &str) -> Matrix {
    let file = SourceFile::new("matrix.yaml", text);
    Matrix::parse(file).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

fn expand_with(
    matrix: &Matrix,
    selection: &Selection,
    overrides: &Overrides,
) -> Result<Expansion, Diagnostics> {
    matrix.select(selection, overrides)?.expand()
}

fn expand(text: &str) -> Result<Expansion, Diagnostics> {
    let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text))?;
    expand_with(&matrix, &Selection::default(), &Overrides::default())
}

fn names(expansion: Result<Expansion, Diagnostics>) -> Vec<String> {
    let expansion = expansion.unwrap_or_else(|errors| panic!("{errors}"));
    expansion.cells.iter().map(|cell| cell.name.to_string()).collect()
}

fn picks(texts: &[&str]) -> Vec<Pick> {
    texts.iter().map(|text| Pick::parse(text).unwrap()).collect()
}

fn selected(only: &[&str], skip: &[&str], add: &[&str], unnamed: Unnamed) -> Vec<String> {
    let selection = Selection {
        only: picks(only),
        skip: picks(skip),
        add: picks(add),
        unnamed,
        cells: Vec::new(),
    };
    names(expand_with(
        &matrix(&small("defaults: { version: 2.0 }\n")),
        &selection,
        &Overrides::default(),
    ))
}

#[test]
fn the_whole_family_has_84_cells_in_file_order() {
    let cells = expand(FAMILY).unwrap().cells;
    assert_eq!(cells.len(), 84);
    let names: Vec<&str> = cells.iter().take(3).map(|cell| &*cell.name).collect();
    assert_eq!(names, ["dood-2.0.0-ubuntu", "dood-2.0.0-ubuntu-cn", "dood-2.0.1-ubuntu"]);
    let last = &cells[83];
    assert_eq!(last.describe(), "os=alpine version=2.0.13 type=cn");
    assert_eq!(last.references[0].to_string(), "docker.io/caijiamx/1panel:dood-2.0.13-alpine-cn");
    assert_eq!(last.scope.get("OnePanel_Type").unwrap().as_text(), Some("hack_cn"));
    assert_eq!((&*last.context, &*last.dockerfile), ("templates", "alpine/Dockerfile"));
    assert_eq!(last.platforms.len(), 2);
}

#[test]
fn scalars_stay_strings() {
    let text = small("args: { A: 2.0, B: yes, C: ~, D: null, E: 0x10, F: , G: 1e3, H: \"\" }\n");
    let cell = expand(&text).unwrap().cells.remove(0);
    let args: Vec<&str> = cell.inputs.args.values().map(|text| &**text).collect();
    assert_eq!(args, ["2.0", "yes", "~", "null", "0x10", "", "1e3", ""]);
    assert_eq!(names(expand(&small("")))[..3], ["ubuntu-1.9", "ubuntu-1.10", "ubuntu-2.0"]);
}

#[test]
fn selection_picks_values_globs_lists_and_comparisons() {
    let all = Unnamed::Everything;
    for (only, skip, add, unnamed, wanted) in [
        (&["os=alpine", "version=1.*"][..], &[][..], &[][..], all, "alpine-1.9 alpine-1.10"),
        (&["version=1.9,2.0", "os=u*"], &[], &[], all, "ubuntu-1.9 ubuntu-2.0"),
        (&["version=>=1.10 <2"], &[], &[], all, "ubuntu-1.10 alpine-1.10"),
        (&["version=2.0", "version=1.9", "os=alpine"], &[], &[], all, "alpine-1.9 alpine-2.0"),
        (&["version=1.9"], &["os=ubuntu"], &[], all, "alpine-1.9"),
        (&[], &[], &[], Unnamed::Defaults, "ubuntu-2.0 alpine-2.0"),
        (&["version=1.9"], &[], &[], Unnamed::Defaults, "ubuntu-1.9 alpine-1.9"),
        (&["os=alpine"], &[], &["version=9.9"], Unnamed::Defaults, "alpine-9.9"),
        (&["os=alpine", "version=2.0"], &[], &["version=9.9"], all, "alpine-2.0 alpine-9.9"),
    ] {
        assert_eq!(selected(only, skip, add, unnamed).join(" "), wanted, "{only:?}");
    }
}

#[test]
fn an_unknown_value_in_a_selection_lists_the_known_ones() {
    let matrix = matrix(FAMILY);
    for (only, words) in [
        ("version=2.0.99", "known: 2.0.0 to 2.0.13"),
        ("version=2.0.99", "or build it once with `--add version=2.0.99`"),
        ("version=>3", "has no value matching `>3`"),
        ("os=ubunut", "did you mean `ubuntu`?"),
        ("verison=1", "did you mean `version`?"),
        ("type=zz", "add it under `axes.type`"),
        ("version=>x", "`x` is not a version"),
    ] {
        let selection = Selection { only: picks(&[only]), ..Default::default() };
        let shown = matrix.select(&selection, &Overrides::default()).unwrap_err().to_string();
        assert!(shown.contains(words), "{only}\n{shown}");
    }
    for only in ["version=>3", "version=2.0.20..2.0.30", "os=", "os=x*", "os=a\u{7}"] {
        let selection = Selection { only: picks(&[only]), ..Default::default() };
        let shown = matrix.select(&selection, &Overrides::default()).unwrap_err().to_string();
        assert!(!shown.contains("add"), "cannot be a value: {only}\n{shown}");
    }
    let selection = Selection { add: picks(&["type=x"]), ..Default::default() };
    let shown = matrix.select(&selection, &Overrides::default()).unwrap_err().to_string();
    assert!(shown.contains("cannot be added by flag"), "{shown}");
    let overrides =
        Overrides { vars: [("Onepanel_Type".into(), "x".into())].into(), ..Default::default() };
    let shown = matrix.select(&Selection::default(), &overrides).unwrap_err().to_string();
    assert!(shown.contains("did you mean `OnePanel_Type`?"), "{shown}");
}

#[test]
fn excluded_cells_are_removed_and_a_rule_without_effect_is_a_warning() {
    let rules = "exclude:\n  - { os: alpine, version: \"<2\" }\n  - { version: [1.9, 1.7] }\n";
    let matrix = matrix(&small(rules));
    let expansion = expand_with(&matrix, &Selection::default(), &Overrides::default()).unwrap();
    let warnings = matrix.warnings().to_string();
    assert!(warnings.starts_with("warning: this rule matches no value of `version`"), "{warnings}");
    assert!(warnings.contains("--> matrix.yaml:9:22"), "{warnings}");
    assert_eq!(names(Ok(expansion)), ["ubuntu-1.10", "ubuntu-2.0", "alpine-2.0"]);
    let shown = expand(&small("exclude: [{ os: \"*\" }]\n")).unwrap_err().to_string();
    assert!(shown.contains("no cell is left"), "{shown}");
}

#[test]
fn floating_tags_come_with_the_newest_version_whatever_is_selected() {
    let text = "\
image: [me/app, quay.io/me/app]
tags:
  - <%os%>-<%version%>
  - { tag: <%os%>, when: latest }
  - { tag: latest, when: latest and os == \"ubuntu\" }
platforms: linux/amd64
axes: { os: [ubuntu, alpine], version: [1.10, 1.9] }
";
    let matrix = matrix(text);
    let shown = |only: &[&str]| {
        let selection = Selection { only: picks(only), ..Default::default() };
        let cells = expand_with(&matrix, &selection, &Overrides::default()).unwrap().cells;
        cells[0].references.iter().map(|r| r.familiar()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        shown(&["os=ubuntu", "version=1.10"]),
        "me/app:ubuntu-1.10 me/app:ubuntu me/app:latest \
         quay.io/me/app:ubuntu-1.10 quay.io/me/app:ubuntu quay.io/me/app:latest"
    );
    assert_eq!(shown(&["version=1.9"]), "me/app:ubuntu-1.9 quay.io/me/app:ubuntu-1.9");
}

#[test]
fn flags_override_the_file_and_are_literal() {
    let text = small(
        "vars: { a: x, b: \"<%a%>y\" }\nargs: { A: <%b%>, K: k }\nbases: { ubuntu: quay.io/u }\n",
    );
    let overrides = Overrides {
        images: vec!["other/app".parse().unwrap()],
        tag_prefix: "test-".into(),
        platforms: vec!["linux/arm64".parse().unwrap()],
        vars: [("a".into(), "<%os%>".into())].into(),
        inputs: Inputs {
            args: [("K".into(), "<%os%>".into())].into(),
            bases: [("alpine".into(), "mirror.example/alpine:3".parse().unwrap())].into(),
            ..Inputs::default()
        },
        ..Default::default()
    };
    let cells = expand_with(&matrix(&text), &Selection::default(), &overrides).unwrap().cells;
    assert_eq!(cells[0].references[0].familiar(), "other/app:test-ubuntu-1.9");
    assert_eq!(cells[0].platforms[0].to_string(), "linux/arm64");
    assert_eq!(&*cells[0].inputs.args["A"], "<%os%>y");
    assert_eq!(&*cells[0].inputs.args["K"], "<%os%>");
    assert_eq!(cells[0].inputs.bases.len(), 2);
}

#[test]
fn vars_may_be_lists_and_use_axes_and_earlier_vars() {
    let text = small("vars:\n  a: <%os%>1\n  l: [<%a%>, x]\n  j: <%l|join(\"+\")%>\n  c: <%l%>\n");
    let cell = expand(&text).unwrap().cells.remove(0);
    assert_eq!(cell.scope.get("j").unwrap().as_text(), Some("ubuntu1+x"));
    assert_eq!(cell.scope.get("c"), cell.scope.get("l"));
}

#[test]
fn cells_with_the_same_tag_are_an_error() {
    let text = small("").replace("<%os%>-<%version%>", "<%version%>");
    let shown = expand(&text).unwrap_err().to_string();
    for words in [
        "two cells have the tag `1.9`",
        "matrix.yaml:2:6",
        "one is os=ubuntu version=1.9",
        "the other is os=alpine version=1.9",
        "`<%os%>`",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    let apart = text.replace("me/app", "me/<%os%>");
    assert_eq!(names(expand(&apart))[..2], ["ubuntu__1.9", "ubuntu__1.10"]);
}

#[test]
fn a_matrix_that_is_too_large_is_rejected_before_it_is_expanded() {
    let axes: String = (0..10).map(|axis| format!("  a{axis}: 1..100\n")).collect();
    let text = format!("image: me/app\ntag: x\nplatforms: linux/amd64\naxes:\n{axes}");
    let shown = expand(&text).unwrap_err().to_string();
    assert!(shown.contains("100000000000000000000 cells"), "{shown}");
}

#[test]
fn invalid_yaml_is_rejected_with_its_place() {
    let deep = "[".repeat(200_000);
    let mut bomb = "x-a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n".to_owned();
    for (next, last) in ["b", "c", "d", "e", "f", "g", "h", "i"].into_iter().zip('a'..) {
        bomb += &format!("x-{next}: &{next} [{}]\n", vec![format!("*{last}"); 9].join(", "));
    }
    let large = "#".repeat(2 << 20);
    for (text, words) in [
        (deep.as_str(), "invalid YAML"),
        (&bomb, "aliases expanded"),
        (&large, "larger than 1 MiB"),
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("a: b\n---\nc: d\n", "a second one starts here"),
        ("a: [b", "invalid YAML"),
        ("a: b\n  c: d\n", "matrix.yaml:2:4"),
        ("a: *b\n", "invalid YAML"),
        ("a: &b [*b]\n", "inside its own anchor"),
        ("a: !!python/x y\n", "YAML"),
        ("a: !x y\n", "the YAML tag `!x` is not supported"),
        ("? [a]\n: b\n", "a key must be a string"),
        ("- a\n", "must be a map"),
        ("image", "must be a map"),
    ] {
        let shown = expand(text).unwrap_err().to_string();
        assert!(shown.contains(words), "{:.60}\n{shown:.500}", text);
    }
}

#[test]
fn anchors_and_merges_are_expanded() {
    let text = small("x-common: &c { A: \"1\", B: \"2\" }\nargs: { <<: *c, B: \"3\" }\n");
    let args = expand(&text).unwrap().cells.remove(0).inputs.args;
    assert_eq!((&*args["A"], &*args["B"]), ("1", "3"));
}

#[test]
fn every_error_has_its_place() {
    for (line, place, words) in [
        ("platfroms: x", "7:1", "did you mean `platforms`?"),
        ("zebra: x", "7:1", "known keys: onebuild, image, tag"),
        ("image: b", "7:1", "`image` is given twice"),
        ("args: [a]", "7:7", "this is a list"),
        ("args: { A: [x] }", "7:12", "`args.A` must be a string"),
        ("defaults: { so: x }", "7:13", "did you mean `os`?"),
        ("defaults: { os: ubunut }", "7:17", "did you mean `ubuntu`?"),
        ("vars: { os: x }", "7:9", "is an axis already"),
        ("vars: { tag: x }", "7:9", "every cell defines"),
        ("vars: { a-b: x }", "7:9", "letters, digits and `_`"),
        ("vars: { a: <%b%>, b: x }", "7:14", "the vars above it"),
        ("vars: { a: \"<%oss%>\" }", "7:15", "did you mean `os`?"),
        ("vars: { a: \"\\u0041<%oss%>\" }", "7:12", "did you mean `os`?"),
        ("labels: { a: <%tga%> }", "7:16", "did you mean `tag`?"),
        ("context: [a]", "7:10", "`context` must be a string"),
        ("target:", "7:7", "the value is empty"),
        ("exclude: { os: x }", "7:10", "a list of rules"),
        ("exclude: [{ so: x }]", "7:13", "did you mean `os`?"),
        ("exclude: [{ os: \"<x\" }]", "7:17", "not a version"),
        ("exclude: [{}]", "7:11", "at least one axis"),
        ("exclude: [x]", "7:11", "must be a map"),
        ("bases: { a: \"B:c\" }", "7:14", "upper-case"),
        ("args: { A: <%os.x%> }", "7:17", "no property `x`"),
        ("dockerfile: ../Dockerfile/", "7:13", "a directory, not a file"),
        ("dockerfile: <%os%>/..", "7:13", "a directory, not a file"),
        ("context: \"\"", "7:10", "the path is empty"),
        ("vars: { v: \"a\\nb\" }\nargs: { A: <%v%> }", "8:14", "a line break"),
    ] {
        let shown = expand(&small(line)).expect_err(line).to_string();
        assert!(shown.contains(&format!("--> matrix.yaml:{place}\n")), "{line}\n{shown}");
        assert!(shown.contains(words), "{line}\n{shown}");
    }
}

#[test]
fn every_error_in_the_required_keys_has_its_place() {
    for (from, to, place, words) in [
        ("image: me/app\n", "", "1:1", "`image` is missing"),
        ("tag: <%os%>-<%version%>\n", "", "1:1", "use every axis"),
        ("platforms: linux/amd64", "platforms: [amd65]", "3:13", "write os/architecture"),
        ("platforms: linux/amd64", "platforms: []", "3:12", "at least one entry"),
        (
            "platforms: linux/amd64",
            "platforms: [linux/arm64, linux/aarch64]",
            "3:26",
            "is the same platform as linux/arm64",
        ),
        ("me/app", "Me/App", "1:8", "write `me/app`"),
        ("me/app", "[]", "1:8", "at least one entry"),
        ("<%os%>-<%version%>", "a b", "2:6", "not allowed in a tag"),
        ("<%os%>-", "<%os%>+", "2:6", "it renders to `ubuntu+1.9`"),
        ("<%os%>-", "<%so%>-", "2:8", "did you mean `os`?"),
        ("tag: <%os%>-", "tags: [x]\ntag: <%os%>-", "2:1", "cannot be combined"),
        ("tag: <%os%>-<%version%>", "tags: [{ when: latest }]", "2:8", "requires a `tag`"),
        ("tag: <%os%>-<%version%>", "tags: [{ tag: x, wehn: a }]", "2:18", "did you mean `when`?"),
        ("tag: <%os%>-<%version%>", "tags: [{ tag: x, when: os = 1 }]", "2:27", "write `==`"),
        ("tag: <%os%>-<%version%>", "tags: [{ tag: x, when: so == 1 }]", "2:24", "did you mean"),
        ("tag: <%os%>-<%version%>", "tags: [{ tag: x, when: false }]", "2:15", "has no tag"),
        ("  os: [ubuntu, alpine]", "  os:", "5:3", "the value is empty"),
        ("  os: [ubuntu, alpine]", "  os: []", "5:7", "has no values"),
        ("  os: [ubuntu, alpine]", "  os: [a, a]", "5:11", "listed twice"),
        ("  os: [ubuntu, alpine]", "  os: [[a]]", "5:8", "this is a list"),
        ("  os: [ubuntu, alpine]", "  os: { a: b }", "5:12", "must be a map"),
        ("  os: [ubuntu, alpine]", "  os: { a: { x-y: b } }", "5:14", "cannot name a property"),
        ("  os: [ubuntu, alpine]", "  os: 3..1", "5:7", "backwards"),
        ("  os: [ubuntu, alpine]", "  os: [1..3, 2]", "5:14", "listed twice"),
        ("  os: [ubuntu, alpine]", "  o-s: [a]", "5:3", "cannot name an axis"),
        ("  os: [ubuntu, alpine]", "  not: [a]", "5:3", "cannot name an axis"),
        ("  os: [ubuntu, alpine]", "  os: [\"a\\nb\"]", "5:8", "contains a line break"),
        ("  os: [ubuntu, alpine]", "  os: [\"a\\u0007\"]", "5:8", "control character U+0007"),
    ] {
        let text = small("").replacen(from, to, 1);
        let shown = expand(&text).expect_err(to).to_string();
        assert!(shown.contains(&format!("--> matrix.yaml:{place}\n")), "{to}\n{shown}");
        assert!(shown.contains(words), "{to}\n{shown}");
    }
}

#[test]
fn all_errors_of_a_file_come_at_once_in_file_order() {
    let text = small("zebra: x\nargs: [a]\nvars: { a: <%oss%> }\nimage: x\n");
    let errors = Matrix::parse(SourceFile::new("matrix.yaml", text)).unwrap_err();
    let lines: Vec<usize> = errors.iter().map(|e| e.labels[0].span.line_column().0).collect();
    assert_eq!(lines, [7, 8, 9, 10], "{errors}");
}

proptest::proptest! {
    #[test]
    fn no_file_causes_a_panic(
        more in "(image|tag|axes|vars|defaults|exclude|: |\n|  |- |\\[|\\]|\\{|\\}|,|<%os%>|\"|é|&a|\\*a|<<|[a-z0-9.]){0,40}"
    ) {
        let _ = expand(&small(&more));
        let _ = expand(&more);
    }
}
