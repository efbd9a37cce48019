use super::{cell, cells, family, matrix, names, select};

#[test]
fn an_entry_that_names_every_axis_is_a_cell() {
    for (more, only, wanted) in [
        (
            "exclude: [{ os: [ubuntu, centos] }, { version: 2.0.0..2.0.1 }]
include:
  - { os: debian, version: 2.1.0-rc.1 }
  - { os: [ubuntu, alpine], version: [2.0.0, 2.0.2] }
",
            &[][..],
            "alpine-2.0.2 debian-2.1.0-rc.1 ubuntu-2.0.0 ubuntu-2.0.2 alpine-2.0.0",
        ),
        ("include: [{ os: debian, version: 2.0.1 }]\n", &["os=debian"], "debian-2.0.1"),
        (
            "include: [{ os: debian, version: 2.0.1 }]\n",
            &["version=2.0.1"],
            "ubuntu-2.0.1 centos-2.0.1 alpine-2.0.1 debian-2.0.1",
        ),
        (
            "include: [{ os: debian, version: 9 }, { os: debian, version: 9, target: x }]\n",
            &["os=debian"],
            "debian-9",
        ),
    ] {
        let cells = select(&matrix(&family(more)), only).unwrap();
        assert_eq!(names(&cells), wanted, "{more}");
    }
}

#[test]
fn a_version_that_only_include_adds_is_never_the_latest() {
    let text = family("include: [{ os: alpine, version: 3.0.0-rc.1 }]\nargs: { L: <%latest%> }\n");
    let latest: Vec<String> = cells(&text)
        .iter()
        .filter(|cell| &*cell.inputs.args["L"] == "true")
        .map(|cell| cell.name.to_string())
        .collect();
    assert_eq!(latest, ["ubuntu-2.0.2", "centos-2.0.2", "alpine-2.0.2"]);
}

#[test]
fn an_entry_of_include_adds_to_the_cells_that_match() {
    let text = family(
        "args: { A: \"0\" }
labels: { libc: <%libc|default(\"glibc\")%>, kind: <%os.kind|default(\"-\")%> }
include:
  - { os: alpine, vars: { libc: musl }, args: { A: \"1\" } }
  - { os: { alpine: { kind: small }, debian: { kind: new } }, version: 2.0.2, args: { A: \"2\" } }
overrides:
  - { os: debian, args: { A: \"3\" } }
",
    );
    let cells = cells(&text);
    for (name, libc, kind, arg) in [
        ("ubuntu-2.0.0", "glibc", "-", "0"),
        ("alpine-2.0.0", "musl", "-", "1"),
        ("alpine-2.0.2", "musl", "small", "2"),
        ("debian-2.0.2", "glibc", "new", "3"),
    ] {
        let cell = cell(&cells, name);
        let found =
            (&*cell.inputs.labels["libc"], &*cell.inputs.labels["kind"], &*cell.inputs.args["A"]);
        assert_eq!(found, (libc, kind, arg), "{name}");
    }
}
