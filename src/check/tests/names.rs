//! Unused names, and missing secrets, agents and arguments.

use super::*;
use crate::input::Inputs;

#[test]
fn a_base_or_context_that_no_dockerfile_uses_is_found() {
    for (settings, dockerfile, wanted) in [
        (
            "bases: { alpine:3.2: m/a:1 }",
            "FROM alpine:3.20\n",
            &["unused-base matrix.yaml:5:10"][..],
        ),
        ("bases: { alpine:3.20: m/a:1 }", "FROM alpine:3.20\n", &[]),
        ("bases: { docker.io/library/alpine:3.20: m/a:1 }", "FROM alpine:3.20\n", &[]),
        ("bases: { alpine: m/a:1 }", "FROM docker.io/library/alpine:latest\n", &[]),
        ("bases: { alpine: m/a:1 }", "FROM alpine:3.20\n", &["unused-base matrix.yaml:5:10"]),
        ("bases: { alpine:3: m/a:1 }", "ARG V=3\nFROM alpine:${V}\n", &[]),
        ("args: { V: \"3\" }\nbases: { alpine:3: m/a:1 }", "ARG V=2\nFROM alpine:$V\n", &[]),
        ("bases: { alpine:3: m/a:1 }", "FROM scratch\nCOPY --from=alpine:3 / /\n", &[]),
        ("bases: { alpine:3: m/a:1 }", "FROM a AS b\nFROM b\nRUN --mount=from=alpine:3 x\n", &[]),
        ("bases: { alpine:3: m/a:1 }", "FROM \\\n  alpine:\\\n3\n", &[]),
        ("bases: { a-arm64: m/a:1 }", "FROM a-$TARGETARCH\n", &[]),
        ("contexts: { tols: . }", "FROM a\n", &["unused-context matrix.yaml:5:13"]),
        ("contexts: { tools: . }", "FROM a\nCOPY --from=tools a b\n", &[]),
        (
            "contexts: { Tools: . }",
            "FROM a AS tools\nFROM tools\n",
            &["unused-context matrix.yaml:5:13"],
        ),
        // A context replaces the stage of its name.
        ("contexts: { base: . }", "FROM a AS base\nFROM base\n", &[]),
        // Another frontend can use any name.
        ("contexts: { tools: . }", "# syntax=me/frontend\nFROM a\n", &[]),
        (
            "contexts: { tools: . }",
            "# syntax=docker/dockerfile:1.7-labs\nFROM a\n",
            &["unused-context matrix.yaml:5:13"],
        ),
        // A name that depends on the engine can be any name.
        ("bases: { a-arm64: m/a:1 }", "FROM a-$BUILDARCH\n", &[]),
    ] {
        assert_eq!(found(settings, dockerfile), wanted, "{settings}\n{dockerfile}");
    }
}

#[test]
fn an_argument_secret_or_agent_that_nothing_uses_is_found() {
    for (settings, dockerfile, wanted) in [
        (
            "args: { VERSOIN: x }",
            "FROM a\nARG VERSION\n",
            &["unused-build-arg matrix.yaml:5:9"][..],
        ),
        ("args: { V: x }", "FROM a\nARG W V=1\n", &[]),
        ("args: { V: x }", "ARG V\nFROM a\n", &[]),
        ("args: { V: x }", "FROM a\nENV V=1\n", &["unused-build-arg matrix.yaml:5:9"]),
        ("args: { V: x }", "FROM a\nONBUILD ARG V\n", &[]),
        (
            "args: { HTTP_PROXY: x, no_proxy: y, SOURCE_DATE_EPOCH: \"0\", BUILDKIT_INLINE_CACHE: \"1\" }",
            "FROM a\n",
            &[],
        ),
        ("secrets: { tokn: { env: T } }", "FROM a\n", &["unused-secret matrix.yaml:5:12"]),
        ("secrets: { t: { env: T } }", "FROM a\nRUN --mount=type=secret,id=t x\n", &[]),
        ("secrets: { t: { env: T } }", "FROM a\nRUN --mount=type=secret,target=/run/t x\n", &[]),
        ("secrets: { t: { env: T } }", "FROM a\nARG S=t\nRUN --mount=type=secret,id=$S x\n", &[]),
        ("secrets: { GIT_AUTH_TOKEN: { env: T } }", "FROM a\n", &[]),
        ("secrets: { GIT_AUTH_TOKEN.example.com: { env: T } }", "FROM a\n", &[]),
        (
            "ssh: [default, k=x]",
            "FROM a\nRUN --mount=type=ssh x\n",
            &["unused-ssh matrix.yaml:5:16"],
        ),
        ("ssh: { k: x }", "FROM a\nRUN --mount=type=ssh,id=k x\n", &[]),
        ("ssh: default", "FROM a\nADD git@example.com:me/app /\n", &[]),
        ("ssh: default\ncontexts: { c: ssh://git@h/x }", "FROM a\nCOPY --from=c a b\n", &[]),
    ] {
        assert_eq!(found(settings, dockerfile), wanted, "{settings}\n{dockerfile}");
    }
}

#[test]
fn names_are_checked_against_all_cells_and_flags_against_the_selected_ones() {
    let matrix = "image: me/app\ntag: <%os%>\nplatforms: linux/amd64\naxes: { os: [a, b] }\n\
                  dockerfile: <%os%>\noverrides:\n  - { os: b, bases: { x:1: y:1 } }\n\
                  bases: { z: y }\n";
    let templates = [("a", "FROM w\n"), ("b", "FROM x:1\n")];
    let project = |only: &'static str, flags: Overrides| {
        Project { matrix, templates: &templates, only, flags, is_broken: false }.found()
    };
    let broken = Project {
        matrix,
        templates: &templates,
        only: "os=a",
        is_broken: true,
        ..Project::default()
    };
    assert_eq!(broken.found(), NOTHING);
    assert_eq!(project("", Overrides::default()), ["unused-base matrix.yaml:8:10"]);
    assert_eq!(project("os=a", Overrides::default()), ["unused-base matrix.yaml:8:10"]);
    let flags = Overrides {
        inputs: Inputs {
            bases: [("x:1".to_owned(), "q:1".parse().unwrap())].into(),
            args: [("V".into(), "1".into())].into(),
            ..Inputs::default()
        },
        ..Overrides::default()
    };
    // The matrix also has this base, for a cell that uses it.
    assert_eq!(project("os=a", flags), ["unused-build-arg", "unused-base matrix.yaml:8:10"]);
}

#[test]
fn a_name_is_used_by_a_cell_that_has_it() {
    let found = |settings: &str| {
        let matrix = format!(
            "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: {{ v: [1, 2] }}\n{settings}"
        );
        let dockerfile = "FROM a:<%v%>\n#% if v == \"2\"\nARG X\nCOPY --from=t x y\n\
                          RUN --mount=type=ssh --mount=type=secret,id=s,required=false x\n#% endif\n";
        let templates = [("Dockerfile", dockerfile)];
        let project = Project { matrix: &matrix, templates: &templates, ..Project::default() };
        let unused = |line: &String| line.starts_with("unused");
        project.found().into_iter().filter(unused).collect::<Vec<_>>()
    };
    for (setting, rule) in [
        ("bases: { a:2: b:2 }", "unused-base"),
        ("contexts: { t: docker-image://b }", "unused-context"),
        ("args: { X: y }", "unused-build-arg"),
        ("secrets: { s: { env: S } }", "unused-secret"),
        ("ssh: { default: }", "unused-ssh"),
    ] {
        assert_eq!(found(setting), NOTHING, "{setting}");
        assert_eq!(found(&format!("overrides: [{{ v: 2, {setting} }}]")), NOTHING, "{setting}");
        let wrong = found(&format!("overrides: [{{ v: 1, {setting} }}]"));
        assert!(wrong.len() == 1 && wrong[0].starts_with(rule), "{setting}: {wrong:?}");
    }
}

#[test]
fn the_help_suggests_the_nearest_name() {
    let help = |settings: &str, dockerfile: &str| {
        let matrix = format!(
            "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: {{ v: [\"1\"] }}\n{settings}"
        );
        let templates = [("Dockerfile", dockerfile)];
        let project = Project { matrix: &matrix, templates: &templates, ..Project::default() };
        let warnings = project.warnings();
        let warning = warnings.iter().next().unwrap();
        let help = warning.help.clone().unwrap();
        let end = help.find([';', '?']).unwrap();
        (help[..end].to_owned(), warning.notes.join("; "))
    };
    let digest = format!("alpine:3.20@sha256:{}", "a".repeat(64));
    for (settings, dockerfile, wanted, note) in [
        ("bases: { alpine:3.2: m }", "FROM alpine:3.20\n", "did you mean `alpine:3.20`", ""),
        ("contexts: { tols: . }", "FROM a\nCOPY --from=tools a b\n", "did you mean `tools`", ""),
        ("args: { VERSOIN: x }", "FROM a\nARG VERSION\n", "did you mean `VERSION`", ""),
        ("secrets: { tokn: { env: T } }", "FROM a\n", "remove it", ""),
        (
            "bases: { alpine:3.20: m }",
            &format!("FROM {digest}\n"),
            &format!("write the digest here, too: `{digest}`"),
            &format!(
                "the Dockerfile uses `{digest}`, and a name with a digest does not match one without"
            ),
        ),
    ] {
        assert_eq!(help(settings, dockerfile), (wanted.to_owned(), note.to_owned()));
    }
}

#[test]
fn a_missing_secret_is_found_at_the_step_that_needs_it() {
    for (settings, dockerfile, wanted) in [
        ("", "FROM a\nRUN --mount=type=secret,id=t x\n", &["missing-secret Dockerfile:2:1"][..]),
        (
            "",
            "FROM a\nRUN --mount=type=secret,id=t,required=true x\n",
            &["missing-secret Dockerfile:2:1"],
        ),
        ("", "FROM a\nRUN --mount=type=secret,id=t,env=T x\n", &["missing-secret Dockerfile:2:1"]),
        ("", "FROM a\nRUN --mount=type=secret,target=/x/t x\n", &["missing-secret Dockerfile:2:1"]),
        ("", "FROM a\nRUN --mount=type=SECRET,id=t x\n", &["missing-secret Dockerfile:2:1"]),
        ("", "FROM a\nRUN --mount=type=ssh x\n", &["missing-ssh Dockerfile:2:1"]),
        ("", "FROM a\nRUN echo secret ssh\n", &[]),
        // This stage is not built.
        ("", "FROM a AS b\nRUN --mount=type=secret,id=t x\nFROM c\n", &[]),
        ("secrets: { t: { env: T } }", "FROM a\nRUN --mount=type=secret,id=t x\n", &[]),
        ("ssh: default", "FROM a\nRUN --mount=type=ssh x\n", &[]),
    ] {
        assert_eq!(found(settings, dockerfile), wanted, "{settings}\n{dockerfile}");
    }
}

#[test]
fn an_undeclared_argument_is_found_where_it_is_used() {
    for (dockerfile, wanted) in [
        ("ARG V=1\nFROM a:$V\nRUN echo $V\n", &["arg-before-from Dockerfile:3:1"][..]),
        ("ARG V=1\nFROM a:$V\nENV X=${V}\n", &["arg-before-from Dockerfile:3:1"]),
        (
            "ARG V=1\nFROM a:$V\nRUN echo && \\\n  echo ${V%.*}\n",
            &["arg-before-from Dockerfile:4:3"],
        ),
        ("ARG V=1\nFROM a:$V\nRUN <<E\necho $V\nE\n", &["arg-before-from Dockerfile:4:1"]),
        (
            "ARG V=1\nFROM a:$V AS x\nARG V\nFROM b\nCOPY $V /\n",
            &["arg-before-from Dockerfile:5:1"],
        ),
        ("ARG V=1\nFROM a\nRUN echo $V\nARG V\n", &["arg-before-from Dockerfile:3:1"]),
        ("ARG V=1\nFROM a:$V\nARG V\nRUN echo $V\n", &[]),
        ("ARG V=1\nFROM a:$V\nENV V=2\nRUN echo $V\n", &[]),
        ("ARG V=1\nFROM a AS x\nARG V\nFROM x\nRUN echo $V\n", &[]),
        ("ARG V=1\nFROM a:$V\nRUN V=2; echo $V\n", &[]),
        ("ARG V=1\nFROM a:$V\nRUN for V in 1 2; do echo $V; done\n", &[]),
        ("ARG V=1\nFROM a:$V\nRUN echo '$V' \\$V ${V:-2}\n", &[]),
        ("ARG V=1\nFROM a:$V\nRUN [\"echo\", \"$V\"]\n", &[]),
        (
            "ARG V=1\nFROM a:$V\nRUN [\"/bin/sh\", \"-c\", \"echo $V\"]\n",
            &["arg-before-from Dockerfile:3:1"],
        ),
        // The shell in the container reads this, not the build.
        ("ARG V=1\nFROM a:$V\nCMD echo $V\n", &[]),
        ("ARG HTTP_PROXY\nFROM a\nRUN echo $HTTP_PROXY $TARGETARCH\n", &[]),
        ("ARG TARGETARCH\nFROM a\nRUN echo $TARGETARCH\n", &[]),
        // These images set it.
        ("ARG NODE_VERSION=20\nFROM node:$NODE_VERSION\nRUN echo $NODE_VERSION\n", &[]),
        ("# syntax=me/frontend\nARG V=1\nFROM a:$V\nRUN echo $V\n", &[]),
    ] {
        assert_eq!(found("", dockerfile), wanted, "{dockerfile}");
    }
}
