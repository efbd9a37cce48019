//! The promises of the language beyond a plain product: rules, labels, inputs, several files.

use super::{Cell, Facts, Files, Matrix, Overrides, Pick, Resolved, Selection, Source};
use crate::error::{Diagnostics, SourceFile};

/// Three systems, three versions, and what follows.
fn family(more: &str) -> String {
    let head = "image: me/app\ntag: <%os%>-<%version%>\nplatforms: linux/amd64\n";
    let axes = "axes:\n  os: [ubuntu, centos, alpine]\n  version: 2.0.0..2.0.2\n";
    format!("{head}{axes}{more}")
}

fn matrix(text: &str) -> Matrix {
    let file = SourceFile::new("matrix.yaml", text);
    Matrix::parse(file).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

fn select(matrix: &Matrix, only: &[&str]) -> Result<Vec<Cell>, Diagnostics> {
    let only = only.iter().map(|text| Pick::parse(text).unwrap()).collect();
    let selection = Selection { only, ..Default::default() };
    Ok(matrix.select(&selection, &Overrides::default())?.expand()?.cells)
}

fn cells(text: &str) -> Vec<Cell> {
    select(&matrix(text), &[]).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

fn names(cells: &[Cell]) -> String {
    cells.iter().map(|cell| &*cell.name).collect::<Vec<_>>().join(" ")
}

fn cell<'c>(cells: &'c [Cell], name: &str) -> &'c Cell {
    cells.iter().find(|cell| &*cell.name == name).unwrap_or_else(|| panic!("no cell {name}"))
}

/// All warnings, those of the file and those of its cells.
fn warnings(text: &str) -> String {
    let matrix = matrix(text);
    let overrides = Overrides::default();
    let expansion = matrix.select(&Selection::default(), &overrides).unwrap().expand().unwrap();
    let mut all = matrix.warnings().clone();
    all.extend(expansion.warnings);
    all.to_string()
}

fn wrong(text: &str) -> String {
    let found = Matrix::parse(SourceFile::new("matrix.yaml", text));
    let found = found.and_then(|matrix| select(&matrix, &[]));
    found.err().unwrap_or_else(|| panic!("nothing wrong with\n{text}")).to_string()
}

#[test]
fn overrides_change_what_they_say_for_the_cells_that_match() {
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
    let args = |cell: &Cell| cell.args.values().cloned().collect::<Vec<_>>().join(" ");
    let first = cell(&cells, "centos-2.0.0");
    assert_eq!(args(first), "2.0.0 rpm-centos 3");
    assert_eq!((first.platforms.len(), first.target.as_deref()), (2, Some("slim")));
    assert_eq!((&*first.context, &*first.dockerfile), ("rpm", "rpm/Dockerfile"));
    assert_eq!(first.labels["l"], "centos-2.0.0");
    assert_eq!(first.scope.get("other").unwrap().as_text(), Some("rpm-centos!"));
    assert_eq!(first.bases["alpine"].to_string(), "quay.io/a/alpine:3");
    assert_eq!(first.network.unwrap().to_string(), "host");
    assert_eq!(args(cell(&cells, "centos-2.0.2")), "last rpm-centos 3");
    assert_eq!(cell(&cells, "centos-2.0.2").target.as_deref(), Some("full"));
    let other = cell(&cells, "alpine-2.0.0");
    assert_eq!(
        (args(other).as_str(), &*other.dockerfile),
        ("base alpine-pkg", "alpine/Dockerfile")
    );
}

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
fn a_version_that_only_include_names_is_never_the_latest() {
    let text = family("include: [{ os: alpine, version: 3.0.0-rc.1 }]\nargs: { L: <%latest%> }\n");
    let latest: Vec<String> = cells(&text)
        .iter()
        .filter(|cell| cell.args["L"] == "true")
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
        let found = (&*cell.labels["libc"], &*cell.labels["kind"], &*cell.args["A"]);
        assert_eq!(found, (libc, kind, arg), "{name}");
    }
}

#[test]
fn a_value_added_for_one_run_meets_the_rules_that_match_it() {
    let text = family(
        "exclude: [{ os: centos, version: \">=3\" }]\noverrides: [{ version: \">=3\", target: new }]\n",
    );
    let matrix = matrix(&text);
    let add = vec![Pick::parse("version=3.1").unwrap()];
    let overrides = Overrides::default();
    let selection = Selection { add, ..Default::default() };
    let cells = matrix.select(&selection, &overrides).unwrap().expand().unwrap().cells;
    assert_eq!(names(&cells), "ubuntu-3.1 alpine-3.1");
    assert!(cells.iter().all(|cell| cell.target.as_deref() == Some("new")));
}

#[test]
fn rules_that_do_nothing_are_warnings_with_their_place() {
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
fn every_slip_in_a_rule_is_told_with_its_place() {
    for (more, place, words) in [
        ("overrides: { os: alpine }", "7:12", "a list of rules"),
        ("overrides: [{ target: x }]", "7:13", "at least one axis"),
        ("overrides: [{ os: alpine }]", "7:13", "changes nothing"),
        ("overrides: [{ os: alpine, tagret: x }]", "7:27", "did you mean `target`?"),
        ("overrides: [{ so: alpine, target: x }]", "7:15", "did you mean `os`?"),
        ("overrides: [{ os: { alpine: {} }, target: x }]", "7:19", "takes a text or a list"),
        ("overrides: [{ os: alpine, image: x }]", "7:27", "neither an axis nor a setting"),
        ("overrides: [{ os: alpine, vars: { x: y } }]", "7:35", "no var `x` to override"),
        ("vars: { xy: a }\noverrides: [{ os: alpine, vars: { xz: y } }]", "8:35", "mean `xy`?"),
        ("overrides: [{ os: alpine, target: <%no%> }]", "7:37", "`no` is not defined"),
        ("overrides: [{ os: alpine, platforms: [x] }]", "7:39", "write os/architecture"),
        ("overrides: [{ os: alpine, network: hots }]", "7:36", "did you mean `host`?"),
        ("overrides: [{ os: alpine, dockerfile: ../x }]", "7:39", "inside the context"),
        ("overrides: [{ os: alpine, bases: { a: B } }]", "7:39", "upper-case"),
        ("include: [{ os: debian }]", "7:11", "a new cell also needs: version"),
        ("include: [{ os: debian, version: \"3.*\" }]", "7:11", "a new cell needs plain values"),
        ("include: [{ os: debian, version: [[3]] }]", "7:35", "this is a list"),
        ("include: [{ os: \"a\\tb\", version: 3 }]", "7:17", "cannot be a value"),
        ("include: [{ target: x }]", "7:11", "at least one axis"),
        (
            "include: [{ os: debian, version: 1 }, { os: Debian, version: 1 }]\ntags: x",
            "8:1",
            "exclude",
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
fn cells_that_share_a_tag_are_named_with_their_places() {
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

#[test]
fn labels_are_filled_in_from_git_and_the_cell_when_asked() {
    let facts = Facts {
        revision: Some("abc".to_owned()),
        is_dirty: true,
        created: Some(0),
        remote: Some("git@github.com:me/app.git".to_owned()),
    };
    let labelled = |more: &str, facts: &Facts| {
        let matrix = matrix(&family(more));
        let overrides = Overrides::default();
        let selected = matrix.select(&Selection::default(), &overrides).unwrap();
        (matrix.wants_facts().is_some(), selected.with_facts(facts.clone()).expand().unwrap().cells)
    };
    let shown = |map: &indexmap::IndexMap<String, String>| {
        let short = |(key, value): (&String, &String)| {
            format!("{}={value}", key.trim_start_matches("org.opencontainers.image."))
        };
        map.iter().map(short).collect::<Vec<_>>().join(" ")
    };
    let all = "title=app version=2.0.0 created=1970-01-01T00:00:00Z \
               source=https://github.com/me/app revision=abc-dirty ref.name=ubuntu-2.0.0";
    let (wants, cells) = labelled("labels: auto\n", &facts);
    assert!(wants && cells[0].base_name.labels && !cells[0].base_name.annotations);
    assert_eq!(shown(&cells[0].labels), all);
    let more = "labels: { auto: true, a: <%os%>, org.opencontainers.image.title: T }\n\
                annotations: auto\noverrides: [{ os: alpine, labels: { auto: false } }]\n";
    let (_, cells) = labelled(more, &facts);
    assert_eq!(shown(&cells[0].labels), all.replace("title=app", "title=T") + " a=ubuntu");
    assert_eq!(shown(&cells[0].annotations), all);
    assert_eq!(shown(&cells[6].labels), "a=alpine title=T");
    let (_, cells) = labelled("labels: auto\n", &Facts::default());
    assert_eq!(shown(&cells[0].labels), "title=app version=2.0.0 ref.name=ubuntu-2.0.0");
    let (wants, cells) = labelled("labels: { auto: false }\n", &facts);
    assert!(!wants && cells[0].labels.is_empty());
}

#[test]
fn contexts_secrets_agents_and_caches_are_read() {
    let text = family(
        "contexts: { shared: ../<%os%>, base: \"docker-image://alpine:<%version%>\", src: https://x.example/a.git }
secrets: { token: { env: TOKEN }, rc: { file: <%os%>/.npmrc } }
ssh: [default, \"deploy=/run/<%os%>.sock\"]
cache_from: [me/cache, { type: gha }]
cache_to: \"type=registry,ref=me/cache:<%tag%>,mode=max\"
overrides:
  - { os: alpine, ssh: { deploy: /run/other.sock }, cache_to: { type: inline }, secrets: { token: { file: t } } }
",
    );
    let cells = cells(&text);
    let shown = |cell: &Cell| {
        let contexts = cell.contexts.iter().map(|(name, context)| format!("{name}={context}"));
        let secrets = cell.secrets.iter().map(|(id, secret)| format!("{id}={secret}"));
        let ssh = cell.ssh.iter().map(|(id, sockets)| format!("{id}={sockets:?}"));
        let caches = cell.cache_from.iter().chain(&cell.cache_to).map(ToString::to_string);
        contexts.chain(secrets).chain(ssh).chain(caches).collect::<Vec<_>>()
    };
    assert_eq!(
        shown(&cells[0]),
        [
            "shared=../ubuntu",
            "base=docker-image://alpine:2.0.0",
            "src=https://x.example/a.git",
            "token=the variable TOKEN",
            "rc=the file ubuntu/.npmrc",
            "default=[]",
            "deploy=[\"/run/ubuntu.sock\"]",
            "type=registry,ref=me/cache",
            "type=gha",
            "type=registry,ref=me/cache:ubuntu-2.0.0,mode=max",
        ]
    );
    let last = shown(cell(&cells, "alpine-2.0.0"));
    for wanted in ["token=the file t", "deploy=[\"/run/other.sock\"]", "type=inline"] {
        assert!(last.iter().any(|shown| shown == wanted), "{wanted}: {last:?}");
    }
}

#[test]
fn every_slip_in_an_input_is_told_with_its_place() {
    for (more, place, words) in [
        ("labels: x", "7:9", "a map of `key: value`, or `auto`"),
        ("labels: { auto: yes }", "7:17", "`auto` is true or false"),
        ("annotations: [a]", "7:14", "this is a list"),
        ("network: x", "7:10", "networks: default, none, host"),
        ("contexts: { a: \"docker-image://A\" }", "7:17", "upper-case"),
        ("contexts: { a: oci-layout://x }", "7:16", "no context known here"),
        ("contexts: { a: \"docker-image://<%os%>:A:b\" }", "7:17", "here it is"),
        ("secrets: { a: { value: x } }", "7:17", "known keys: file, env"),
        ("secrets: { a: { file: x, env: y } }", "7:15", "needs one source"),
        ("secrets: { a: {} }", "7:15", "needs one source"),
        ("secrets: { a: { env: \"a=b\" } }", "7:23", "not the name of a variable"),
        ("secrets: { a: }", "7:12", "say where it is found"),
        ("ssh: [a, a]", "7:10", "listed twice"),
        ("ssh: \"=x\"", "7:6", "`default` or `ID=PATH`"),
        ("cache_to: \"mode=max\"", "7:11", "lacks type="),
        ("cache_to: { mode: max }", "7:11", "types: registry"),
        ("cache_to: { type: registy }", "7:19", "did you mean `registry`?"),
        ("cache_from: [\"type=lcoal,src=x\"]", "7:14", "did you mean `local`?"),
        ("cache_from: \"<%os%>,,\"", "7:14", "here it is `ubuntu,,`"),
    ] {
        let shown = wrong(&family(more));
        assert!(shown.contains(&format!("--> matrix.yaml:{place}\n")), "{more}\n{shown}");
        assert!(shown.contains(words), "{more}\n{shown}");
    }
}

#[test]
fn a_secret_written_into_the_file_is_not_shown() {
    for more in ["secrets: { a: hunter2 }", "secrets: { a: [hunter2] }"] {
        let shown = wrong(&family(more));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("matrix.yaml:7:15") && shown.contains("env: VARIABLE"), "{shown}");
    }
}

#[test]
fn every_value_of_a_cell_tells_where_it_came_from() {
    let text = family(
        "args: { A: a, B: b, C: c }\nlabels: auto\nvars: { v: <%os%>, w: x }\noverrides:\n  - { os: ubuntu, args: { B: <%tag%> }, target: t }\n",
    );
    let matrix = matrix(&text);
    let overrides = Overrides {
        images: vec!["you/app".parse().unwrap()],
        platforms: vec!["linux/arm64".parse().unwrap()],
        args: [("C".to_owned(), "flag".to_owned())].into(),
        vars: [("w".to_owned(), "y".to_owned())].into(),
        environment: vec!["ONEBUILD_IMAGE".to_owned()],
        ..Default::default()
    };
    let add = vec![Pick::parse("version=9").unwrap()];
    let selection = Selection { add, ..Default::default() };
    let cells = matrix.select(&selection, &overrides).unwrap().expand().unwrap().cells;
    let origins = cells[0].origins();
    let shown: Vec<String> = origins
        .iter()
        .map(|origin| {
            let source = match &origin.source {
                Source::File(span) => span.to_string(),
                Source::Flag(flag) => flag.clone(),
                Source::Environment(variable) => variable.clone(),
                Source::Default => "default".to_owned(),
            };
            format!("{} {} {source}", origin.key, origin.value)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "axes.os ubuntu matrix.yaml:5:8",
            "axes.version 9 --add",
            "vars.v ubuntu matrix.yaml:9:12",
            "vars.w y --var",
            "image you/app ONEBUILD_IMAGE",
            "tag ubuntu-9 matrix.yaml:2:6",
            "platforms linux/arm64 --platform",
            "context . default",
            "dockerfile Dockerfile default",
            "target t matrix.yaml:11:49",
            "network default default",
            "args.A a matrix.yaml:7:12",
            "args.B ubuntu-9 matrix.yaml:11:30",
            "args.C flag --build-arg",
            "labels.org.opencontainers.image.title app matrix.yaml:8:9",
            "labels.org.opencontainers.image.version 9 matrix.yaml:8:9",
            "labels.org.opencontainers.image.ref.name ubuntu-9 matrix.yaml:8:9",
        ]
    );
}

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
            return found.merged()?.read(&Resolved::default());
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
    let args: Vec<&str> = cells[0].args.values().map(String::as_str).collect();
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
fn what_is_wrong_with_several_files_is_told_in_the_right_one() {
    for (files, place, words) in [
        (
            &[("a.yaml", "extends: b.yaml\n"), ("b.yaml", "extends: ./a.yaml\n")][..],
            "b.yaml:1:10",
            "in a circle",
        ),
        (&[("a.yaml", "extends: a.yaml\n")], "a.yaml:1:10", "in a circle"),
        (&[("a.yaml", "extends: \"\"\n")], "a.yaml:1:10", "takes a file"),
        (&[("a.yaml", "extends: { a: b }\n")], "a.yaml:1:10", "a text or a list"),
        (&[("a.yaml", "extends: https://x/y\n")], "a.yaml:1:10", "takes a file"),
        (&[("a.yaml", "extends: b.yaml\n"), ("b.yaml", "a: [\n")], "b.yaml:1:4", "not YAML"),
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
        (&[("a.yaml", "tags+: [x]\n")], "a.yaml:1:1", "unknown key `tags+`"),
    ] {
        let shown = match read(files) {
            Ok(matrix) => matrix.warnings().to_string(),
            Err(errors) => errors.to_string(),
        };
        assert!(shown.contains(&format!("{place}\n")), "{files:?}\n{shown}");
        assert!(shown.contains(words), "{files:?}\n{shown}");
    }
}

/// The values that `axis` says to take of `text`.
fn taken(axis: &str, text: &str) -> Result<String, Diagnostics> {
    let head = "image: a\ntag: <%v%>\nplatforms: linux/amd64\n";
    let file = SourceFile::new("matrix.yaml", format!("{head}axes: {{ v: {axis} }}\n"));
    let sheet = Files::new(file)?.merged()?;
    let outside = sheet.outside();
    let Some(outside) = outside.first() else {
        return sheet.read(&Resolved::default()).map(|_| String::new());
    };
    let values = outside.values(text)?;
    let matrix = sheet.read(&[(outside.axis.clone(), values)].into())?;
    Ok(names(&select(&matrix, &[])?))
}

#[test]
fn values_come_from_elsewhere_with_an_order_and_a_limit() {
    let releases = r#"[{"tag_name":"v2.0.9"},{"tag_name":"v2.0.10"},{"tag_name":"v1.9"},
                       {"tag_name":"nightly"},{"tag_name":null},{"tag_name":"v2.1.0-rc.1"}]"#;
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
        ("{ from: x, path: \".a.b[1]\" }", r#"{"a":{"b":["1",2]}}"#, "2"),
        ("{ from: x, path: \".a[]\" }", r#"{"a":{"x":"1","y":"2"}}"#, "1 2"),
    ] {
        let found = taken(axis, text).unwrap_or_else(|errors| panic!("{axis}\n{errors}"));
        assert_eq!(found, wanted, "{axis}");
    }
}

#[test]
fn values_from_elsewhere_that_cannot_be_used_say_why() {
    for (axis, text, words) in [
        ("{ from: x }", "", "nothing was there"),
        ("{ from: x }", "<html>\n", "`<html>` cannot be part of a tag"),
        ("{ from: x }", "1.0\u{1b}[2J\n", "cannot be part of a tag"),
        ("{ from: x }", "--privileged\n", "cannot be part of a tag"),
        ("{ from: x, pattern: r<version> }", "v1\n", "none of 1 texts fits, the first being `v1`"),
        ("{ from: x, path: .a }", "<html>", "not JSON"),
        ("{ from: x, path: .a }", "{}", "there is no `a`"),
        ("{ from: x, path: .a }", "[]", "no object"),
        ("{ from: x, path: \".[]\" }", "[[]]", "no text"),
        ("{ from: x, path: \".[3]\" }", "[]", "no item 3"),
        ("{ from: x, path: a }", "", "a path is written"),
        ("{ from: x, path: .a..b }", "", "a path is written"),
        ("{ from: x, pattern: v }", "", "holds `<version>` once"),
        ("{ from: x, limit: 0 }", "", "1 or more"),
        ("{ from: x, limti: 1 }", "", "did you mean `limit`?"),
        ("{ from: x, only: \">a\" }", "", "not a version"),
        ("{ from: \"\" }", "", "a URL or a file"),
        ("{ from: ftp://x }", "", "http or https"),
        ("{ from: \"https://me:pw@x/y\" }", "", "a password does not belong"),
        ("{ from: \"https:///y\" }", "", "no host"),
        ("{ from: [a] }", "", "takes a text"),
    ] {
        let shown = taken(axis, text).expect_err(axis).to_string();
        assert!(shown.contains(words) && shown.contains("matrix.yaml:4:"), "{axis}\n{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
    let file = SourceFile::new("matrix.yaml", family("").replace("2.0.0..2.0.2", "{ from: x }"));
    let shown = Matrix::parse(file).unwrap_err().to_string();
    assert!(shown.contains("the values of `version` were not read"), "{shown}");
}

#[test]
fn a_matrix_too_large_is_refused_before_it_is_made() {
    let axes: String = (0..10).map(|axis| format!("  a{axis}: 1..100\n")).collect();
    let text = format!("image: a\ntag: x\nplatforms: linux/amd64\naxes:\n{axes}");
    let started = std::time::Instant::now();
    let shown = wrong(&text);
    assert!(shown.contains("the matrix has 100000000000000000000 cells"), "{shown}");
    let more = format!("{}include:\n  - {{ {} }}\n", text.replace("1..100", "1..2"), {
        let lists: Vec<String> =
            (0..10).map(|axis| format!("a{axis}: [3,4,5,6,7,8,9,10,11,12]")).collect();
        lists.join(", ")
    });
    let shown = wrong(&more);
    assert!(shown.contains("this entry adds 10000000000 cells"), "{shown}");
    assert!(started.elapsed().as_secs() < 2);
}

#[test]
fn thousands_of_cells_named_one_by_one_cost_no_more_than_they_are() {
    let entries: String = (0..4_000)
        .map(|n| format!("  - {{ os: debian, version: 3.{n}, args: {{ A: x }} }}\n"))
        .collect();
    let started = std::time::Instant::now();
    assert_eq!(cells(&family(&format!("include:\n{entries}"))).len(), 9 + 4_000);
    assert!(started.elapsed().as_secs() < 4, "{:?}", started.elapsed());
}
