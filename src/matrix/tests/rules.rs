use super::{cell, cells, family, matrix, names, warnings, wrong};
use crate::matrix::{Cell, Overrides, Pick, Selection};

#[test]
fn overrides_change_the_matching_cells() {
    let text = family(
        "dockerfile: <%os%>/Dockerfile
target: full
args: { A: base, B: <%package%> }
vars: { package: <%os%>-pkg, other: <%package%>! }
overrides:
  - { os: [centos, ubuntu], version: \"<2.0.2\", platforms: [linux/amd64, linux/arm64], target: slim }
  - os: centos
    dockerfile: rpm/Dockerfile
    context: rpm
    network: host
    args: { A: <%version%>, C: \"3\" }
    labels: { l: <%tag%> }
    bases: { alpine: quay.io/a/alpine:3 }
    vars: { package: rpm-<%os%> }
  - { os: \"*\", version: 2.0.1..2.0.2, args: { A: last } }
",
    );
    let cells = cells(&text);
    let args = |cell: &Cell| cell.inputs.args.values().cloned().collect::<Vec<_>>().join(" ");
    let first = cell(&cells, "centos-2.0.0");
    assert_eq!(args(first), "2.0.0 rpm-centos 3");
    assert_eq!((first.platforms.len(), first.inputs.target.as_deref()), (2, Some("slim")));
    assert_eq!((&*first.context, &*first.dockerfile), ("rpm", "rpm/Dockerfile"));
    assert_eq!(&*first.inputs.labels["l"], "centos-2.0.0");
    assert_eq!(first.scope.get("other").unwrap().as_text(), Some("rpm-centos!"));
    assert_eq!(first.inputs.bases["alpine"].to_string(), "quay.io/a/alpine:3");
    assert_eq!(first.inputs.network.unwrap().to_string(), "host");
    assert_eq!(args(cell(&cells, "centos-2.0.2")), "last rpm-centos 3");
    assert_eq!(cell(&cells, "centos-2.0.2").inputs.target.as_deref(), Some("full"));
    let other = cell(&cells, "alpine-2.0.0");
    assert_eq!(
        (args(other).as_str(), &*other.dockerfile),
        ("base alpine-pkg", "alpine/Dockerfile")
    );
}

#[test]
fn rules_apply_to_a_value_that_a_flag_adds() {
    let text = family(
        "exclude: [{ os: centos, version: \">=3\" }]\noverrides: [{ version: \">=3\", target: new }]\n",
    );
    let matrix = matrix(&text);
    let add = vec![Pick::parse("version=3.1").unwrap()];
    let overrides = Overrides::default();
    let selection = Selection { add, ..Default::default() };
    let cells = matrix.select(&selection, &overrides).unwrap().expand().unwrap().cells;
    assert_eq!(names(&cells), "ubuntu-3.1 alpine-3.1");
    assert!(cells.iter().all(|cell| cell.inputs.target.as_deref() == Some("new")));
}

#[test]
fn rules_without_effect_are_warnings() {
    for (more, place, words) in [
        ("overrides: [{ os: debian, target: x }]", "7:19", "matches no value of `os`"),
        ("include: [{ os: [alpine, debain], target: x }]", "7:26", "matches no value of `os`"),
        ("include: [{ os: alpine, version: 2.0.1 }]", "7:11", "adds nothing"),
        ("exclude: [{ os: alpine }]\noverrides: [{ os: alpine, target: x }]", "8:13", "no cell"),
        ("exclude: [{ os: alpine }]\ninclude: [{ os: alpine, target: x }]", "8:11", "no cell"),
    ] {
        let shown = warnings(&family(more));
        assert!(shown.contains(&format!("--> matrix.yaml:{place}\n")), "{more}\n{shown}");
        assert!(shown.contains(words), "{more}\n{shown}");
        assert_eq!(shown.matches("warning:").count(), 1, "{more}\n{shown}");
    }
    assert_eq!(warnings(&family("include: [{ os: debian, version: 1, target: x }]")), "");
}

#[test]
fn every_error_in_a_rule_has_its_place() {
    for (more, place, words) in [
        ("overrides: { os: alpine }", "7:12", "a list of rules"),
        ("overrides: [{ target: x }]", "7:13", "at least one axis"),
        ("overrides: [{ os: alpine }]", "7:13", "changes nothing"),
        ("overrides: [{ os: alpine, tagret: x }]", "7:27", "did you mean `target`?"),
        ("overrides: [{ so: alpine, target: x }]", "7:15", "did you mean `os`?"),
        ("overrides: [{ os: { alpine: {} }, target: x }]", "7:19", "must be a string or a list"),
        ("overrides: [{ os: alpine, image: x }]", "7:27", "neither an axis nor a setting"),
        ("overrides: [{ os: alpine, vars: { x: y } }]", "7:35", "no var `x` to override"),
        ("vars: { xy: a }\noverrides: [{ os: alpine, vars: { xz: y } }]", "8:35", "mean `xy`?"),
        ("overrides: [{ os: alpine, target: <%no%> }]", "7:37", "`no` is not defined"),
        ("overrides: [{ os: alpine, platforms: [x] }]", "7:39", "write os/architecture"),
        ("overrides: [{ os: alpine, network: hots }]", "7:36", "did you mean `host`?"),
        ("overrides: [{ os: alpine, dockerfile: x/.. }]", "7:39", "a directory, not a file"),
        ("overrides: [{ os: alpine, bases: { a: B } }]", "7:39", "upper-case"),
        ("include: [{ os: debian }]", "7:11", "a new cell also requires: version"),
        ("include: [{ os: debian, version: \"3.*\" }]", "7:11", "a new cell requires plain values"),
        ("include: [{ os: debian, version: [[3]] }]", "7:35", "this is a list"),
        ("include: [{ os: \"a\\tb\", version: 3 }]", "7:17", "cannot be a value"),
        ("include: [{ target: x }]", "7:11", "at least one axis"),
        (
            "include: [{ os: debian, version: 1 }, { os: Debian, version: 1 }]\ntags: x",
            "8:1",
            "cannot be combined",
        ),
    ] {
        let shown = wrong(&family(more));
        assert!(shown.contains(&format!("--> matrix.yaml:{place}\n")), "{more}\n{shown}");
        assert!(shown.contains(words), "{more}\n{shown}");
    }
    let shown = wrong("image: a\ntag: x\nplatforms: linux/amd64\naxes: { target: [a] }\n");
    assert!(shown.contains("`target` cannot name an axis"), "{shown}");
}

#[test]
fn cells_that_share_a_tag_are_listed_with_their_places() {
    let text = "image: a\ntags:\n  - tag: <%os%>\n  - { tag: x, when: latest }\n  - { tag: <%version%>, when: not latest }\nplatforms: linux/amd64\naxes: { os: [y, x], version: [1, 2] }\n";
    let shown = wrong(text);
    assert!(shown.contains("two cells have the tag `y`"), "{shown}");
    assert!(shown.contains("one is os=y version=1"), "{shown}");
    assert!(shown.contains("the other is os=y version=2"), "{shown}");
    let text = text.replace("<%os%>\n", "<%os%>-<%version%>\n");
    let shown = wrong(&text);
    assert!(shown.contains("two cells have the tag `x`"), "{shown}");
    assert!(shown.contains("--> matrix.yaml:4:12"), "{shown}");
    assert!(shown.contains("os=y") && shown.contains("os=x"), "{shown}");
}
