//! Each rule: what it finds and where, and what it leaves alone.

use super::{Subject, acknowledge, check};
use crate::allow::Asked;
use crate::error::{Diagnostics, SourceFile};
use crate::matrix::{Matrix, Overrides, Pick, Selection};
use crate::plan::{BuildRequest, Root, Templates, plan};

/// A matrix, its templates by their names, and a command line.
#[derive(Default)]
struct Project<'t> {
    matrix: &'t str,
    templates: &'t [(&'t str, &'t str)],
    only: &'t str,
    flags: Overrides,
    /// The other cells have a template that is wrong.
    is_broken: bool,
}

impl Project<'_> {
    fn requests(
        &self,
        matrix: &Matrix,
        selection: &Selection,
        flags: &Overrides,
    ) -> (Vec<crate::matrix::Cell>, Templates, Vec<BuildRequest>) {
        let cells = matrix.select(selection, flags).unwrap().expand().unwrap().cells;
        let mut templates = Templates::default();
        loop {
            let needed = templates.needed(&cells);
            if needed.is_empty() {
                break;
            }
            for file in needed {
                let find = self.templates.iter().find(|(name, _)| *name == file.path);
                let (name, text) = find.unwrap_or_else(|| panic!("no {}", file.path));
                templates.insert(&file.path, SourceFile::new(*name, *text)).unwrap();
            }
        }
        let plan = plan(matrix, &cells, &templates, &Root::default(), &Default::default()).unwrap();
        (cells, templates, plan.requests)
    }

    fn warnings(&self) -> Diagnostics {
        let matrix = Matrix::parse(SourceFile::new("matrix.yaml", self.matrix)).unwrap();
        let only = self.only.split_whitespace().map(|pick| Pick::parse(pick).unwrap()).collect();
        let selection = Selection { only, ..Selection::default() };
        let (cells, templates, requests) = self.requests(&matrix, &selection, &self.flags);
        let sources = templates.sources();
        let whole = || {
            let (all, none) = (Selection::default(), Overrides::default());
            (!self.is_broken).then(|| self.requests(&matrix, &all, &none).2)
        };
        let (cells, requests) = (&cells, &requests);
        let found = check(Subject {
            matrix: &matrix,
            cells,
            requests,
            sources: &sources,
            whole: Some(&whole),
        });
        let mut allows = matrix.allows().clone();
        acknowledge(requests, &sources, &mut allows);
        let mut left = allows.filter(found);
        left.extend(allows.wrong().clone());
        left.extend(allows.unused(Asked::default()));
        left
    }

    /// `rule place`, in order.
    fn found(&self) -> Vec<String> {
        let warnings = self.warnings();
        let line = |told: &crate::error::Diagnostic| {
            let place = told.labels.first().map(|label| label.span.to_string());
            format!("{} {}", told.rule.unwrap(), place.unwrap_or_default()).trim().to_owned()
        };
        warnings.iter().map(line).collect()
    }
}

/// What is found with these settings in the matrix's fifth line, and this Dockerfile.
fn found(settings: &str, dockerfile: &str) -> Vec<String> {
    let matrix = format!(
        "image: me/app\ntag: <%v%>\nplatforms: [linux/amd64, linux/arm64]\naxes: {{ v: [\"1\"] }}\n{settings}"
    );
    let templates = [("Dockerfile", dockerfile)];
    Project { matrix: &matrix, templates: &templates, ..Project::default() }.found()
}

const NOTHING: [&str; 0] = [];

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
        // A context stands for the stage of its name.
        ("contexts: { base: . }", "FROM a AS base\nFROM base\n", &[]),
        // Another frontend may use anything.
        ("contexts: { tools: . }", "# syntax=me/frontend\nFROM a\n", &[]),
        (
            "contexts: { tools: . }",
            "# syntax=docker/dockerfile:1.7-labs\nFROM a\n",
            &["unused-context matrix.yaml:5:13"],
        ),
        // What depends on the engine may be any name.
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
fn a_name_is_judged_by_all_cells_and_one_of_a_flag_by_the_selected_ones() {
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
        bases: [("x:1".to_owned(), "q:1".parse().unwrap())].into(),
        args: [("V".to_owned(), "1".to_owned())].into(),
        ..Overrides::default()
    };
    // The matrix has this base too, for a cell that uses it.
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
fn the_nearest_name_helps() {
    let help = |settings: &str, dockerfile: &str| {
        let matrix = format!(
            "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: {{ v: [\"1\"] }}\n{settings}"
        );
        let templates = [("Dockerfile", dockerfile)];
        let project = Project { matrix: &matrix, templates: &templates, ..Project::default() };
        let warnings = project.warnings();
        let told = warnings.iter().next().unwrap();
        let help = told.help.clone().unwrap();
        let end = help.find([';', '?']).unwrap();
        (help[..end].to_owned(), told.notes.join("; "))
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
            &format!("write the digest here too: `{digest}`"),
            &format!("the Dockerfile says `{digest}`: a name with a digest is another name"),
        ),
    ] {
        assert_eq!(help(settings, dockerfile), (wanted.to_owned(), note.to_owned()));
    }
}

#[test]
fn a_secret_that_is_not_given_is_found_where_it_is_asked_for() {
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
        // Nothing builds this stage.
        ("", "FROM a AS b\nRUN --mount=type=secret,id=t x\nFROM c\n", &[]),
        ("secrets: { t: { env: T } }", "FROM a\nRUN --mount=type=secret,id=t x\n", &[]),
        ("ssh: default", "FROM a\nRUN --mount=type=ssh x\n", &[]),
    ] {
        assert_eq!(found(settings, dockerfile), wanted, "{settings}\n{dockerfile}");
    }
}

#[test]
fn an_argument_of_no_stage_is_found_where_it_is_used() {
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
        // The shell of the image reads this, not the build.
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

#[test]
fn a_value_that_hides_the_platform_is_found() {
    for (settings, dockerfile, wanted) in [
        ("", "FROM a\nARG TARGETARCH=amd64\n", &["platform-arg-default Dockerfile:2:1"][..]),
        ("", "FROM a\nARG TARGETARCH=\n", &["platform-arg-default Dockerfile:2:1"]),
        (
            "",
            "FROM a\nARG X Y=1 TARGETPLATFORM=\"linux/amd64\"\n",
            &["platform-arg-default Dockerfile:2:1"],
        ),
        ("", "FROM a\nARG TARGETOS=linux\n", &["platform-arg-default Dockerfile:2:1"]),
        (
            "",
            "FROM a\nARG TARGETARCH=amd64 TARGETVARIANT=v8\n",
            &["platform-arg-default Dockerfile:2:1", "platform-arg-default Dockerfile:2:1"],
        ),
        ("", "FROM a\nARG BUILDPLATFORM=linux/amd64\n", &["platform-arg-default Dockerfile:2:1"]),
        (
            "",
            "ARG TARGETARCH=amd64\nFROM a\nARG TARGETARCH\n",
            &["platform-arg-default Dockerfile:1:1"],
        ),
        // Only before the first FROM does the default see BuildKit's value.
        ("", "ARG TARGETARCH=${TARGETARCH:-amd64}\nFROM a\n", &[]),
        (
            "",
            "FROM a\nARG TARGETARCH=${TARGETARCH:-amd64}\n",
            &["platform-arg-default Dockerfile:2:1"],
        ),
        ("", "FROM a\nARG TARGETARCH\n", &[]),
        ("", "FROM a\nENV TARGETARCH=amd64\n", &["platform-arg-default Dockerfile:2:1"]),
        ("", "FROM a\nENV TARGETARCH amd64\n", &["platform-arg-default Dockerfile:2:1"]),
        ("", "FROM a\nARG TARGETARCH\nENV TARGETARCH=$TARGETARCH\n", &[]),
        ("", "FROM a\nENV TARGETARCH=${TARGETARCH:-amd64}\n", &[]),
        ("", "FROM a\nONBUILD ENV TARGETARCH=amd64\n", &[]),
        ("", "FROM a\nARG ARCH=amd64\nARG X=$TARGETARCH\n", &[]),
        (
            "args: { TARGETARCH: amd64 }",
            "FROM a\nARG TARGETARCH\n",
            &["platform-arg-default matrix.yaml:5:9"],
        ),
    ] {
        assert_eq!(found(settings, dockerfile), wanted, "{settings}\n{dockerfile}");
    }
    let one = |platform: &str, dockerfile: &str| {
        let flags =
            Overrides { platforms: vec![platform.parse().unwrap()], ..Overrides::default() };
        let matrix = "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: { v: [\"1\"] }\n";
        let templates = [("Dockerfile", dockerfile)];
        Project { matrix, templates: &templates, flags, ..Project::default() }.found()
    };
    assert_eq!(one("linux/amd64", "FROM a\nARG TARGETARCH=amd64\n"), NOTHING);
    let wanted = ["platform-arg-default Dockerfile:2:1"];
    assert_eq!(one("linux/arm64", "FROM a\nARG TARGETARCH=amd64\n"), wanted);
    assert_eq!(one("linux/arm/v6", "FROM a\nARG TARGETVARIANT=v7\n"), wanted);
    assert_eq!(one("linux/arm64", "FROM a\nARG BUILDARCH=amd64\n"), NOTHING);
    let flags = Overrides {
        args: [("TARGETARCH".to_owned(), "amd64".to_owned())].into(),
        ..Overrides::default()
    };
    let matrix =
        "image: me/app\ntag: <%v%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { v: [\"1\"] }\n";
    let templates = [("Dockerfile", "FROM a\nARG TARGETARCH\n")];
    let project = Project { matrix, templates: &templates, flags, ..Project::default() };
    assert_eq!(project.found(), ["platform-arg-default"]);
}

#[test]
fn a_cache_mount_that_platforms_share_is_found() {
    let found_at = |line: u32| vec![format!("shared-cache-mount Dockerfile:{line}:1")];
    for (dockerfile, wanted) in [
        ("FROM a\nRUN --mount=type=cache,target=/build x\n", found_at(2)),
        ("FROM a\nRUN --mount=type=cache,id=b,target=/build x\n", found_at(2)),
        ("from a\nrun --mount=type=CACHE,target=/build x\n", found_at(2)),
        ("FROM a\nRUN --mount=target=/b,type=cache,sharing=locked x\n", found_at(2)),
        // The next build takes one of them, whatever platform it is of.
        ("FROM a\nRUN --mount=type=cache,target=/b,sharing=private x\n", found_at(2)),
        ("FROM a\nARG TARGETARCH\nRUN --mount=type=cache,id=b-$TARGETARCH,target=/b x\n", vec![]),
        (
            "FROM a\nARG TARGETPLATFORM\nRUN --mount=type=cache,id=b-$TARGETPLATFORM,target=/b x\n",
            vec![],
        ),
        // Without an ARG it is empty.
        ("FROM scratch\nRUN --mount=type=cache,id=b-$TARGETARCH,target=/b x\n", found_at(2)),
        ("FROM a\nRUN --mount=type=cache,id=b-${TARGETARCH},target=/b x\n", found_at(2)),
        ("FROM a\nRUN --mount=type=cache,target=/b/$TARGETPLATFORM x\n", found_at(2)),
        // The image may have others.
        ("FROM a\nRUN --mount=type=cache,id=b-$OWN,target=/b x\n", vec![]),
        ("FROM a\nENV PIP_CACHE_DIR=/b\nRUN --mount=type=cache,target=/b x\n", vec![]),
        ("FROM a\nARG TARGETOS\nRUN --mount=type=cache,id=b-$TARGETOS,target=/b x\n", found_at(3)),
        ("FROM --platform=$BUILDPLATFORM a\nRUN --mount=type=cache,target=/b x\n", vec![]),
        ("FROM --platform=linux/amd64 a\nRUN --mount=type=cache,target=/b x\n", vec![]),
        ("FROM --platform=$TARGETPLATFORM a\nRUN --mount=type=cache,target=/b x\n", found_at(2)),
        (
            "FROM --platform=$BUILDPLATFORM a AS b\nFROM b\nRUN --mount=type=cache,target=/b x\n",
            vec![],
        ),
        ("FROM a AS b\nRUN --mount=type=cache,target=/b x\nFROM c\n", vec![]),
        ("FROM a\nRUN --mount=type=cache,from=c,target=/b x\n", vec![]),
        ("FROM a\nRUN --mount=type=cache,target=/root/.cache/pip x\n", vec![]),
        ("FROM a\nRUN --mount=type=cache,target=/var/cache/apt,sharing=locked x\n", vec![]),
        ("FROM a\nRUN --mount=type=cache,target=/var/cache/apt x\n", found_at(2)),
    ] {
        assert_eq!(found("", dockerfile), wanted, "{dockerfile}");
    }
    let variants = |dockerfile: &str| {
        let matrix = "image: me/app\ntag: <%v%>\nplatforms: [linux/arm/v6, linux/arm/v7]\naxes: { v: [\"1\"] }\n";
        let templates = [("Dockerfile", dockerfile)];
        Project { matrix, templates: &templates, ..Project::default() }.found()
    };
    let with = |id: &str| {
        format!(
            "FROM a\nARG TARGETARCH TARGETVARIANT\nRUN --mount=type=cache,id={id},target=/b x\n"
        )
    };
    assert_eq!(variants(&with("b-$TARGETARCH")), found_at(3));
    assert_eq!(variants(&with("b-$TARGETARCH$TARGETVARIANT")), NOTHING);
}

#[test]
fn a_cache_mount_that_cells_of_other_systems_or_platforms_share_is_found() {
    let matrix =
        "image: me/app\ntag: <%os%>\nplatforms: linux/amd64\naxes: { os: [debian, ubuntu] }\n";
    let found = |matrix: &str, dockerfile: &str| {
        let templates = [("Dockerfile", dockerfile)];
        Project { matrix, templates: &templates, ..Project::default() }.found()
    };
    let wanted = ["shared-cache-mount Dockerfile:2:1"];
    for (dockerfile, shared) in [
        ("FROM <%os%>\nRUN --mount=type=cache,target=/var/cache/apt x\n", true),
        ("FROM <%os%>\nRUN --mount=type=cache,target=/var/cache/apt,sharing=locked x\n", false),
        ("FROM <%os%>\nRUN --mount=type=cache,target=/b x\n", true),
        ("FROM <%os%>\nRUN --mount=type=cache,id=<%os%>,target=/b x\n", false),
        ("FROM python:<%os == \"ubuntu\"%>-alpine\nRUN --mount=type=cache,target=/b x\n", false),
    ] {
        let wanted = if shared { &wanted[..] } else { &[] };
        assert_eq!(found(matrix, dockerfile), wanted, "{dockerfile}");
    }
    let by_cell = "image: me/app\ntag: <%arch%>\nplatforms: linux/amd64\naxes: { arch: [amd64, arm64] }\n\
                   overrides: [{ arch: arm64, platforms: linux/arm64 }]\n";
    assert_eq!(found(by_cell, "FROM a\nRUN --mount=type=cache,target=/b x\n"), wanted);
}

#[test]
fn an_axis_that_changes_the_tag_alone_is_found() {
    let found = |settings: &str, dockerfile: &str| {
        let matrix = format!(
            "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: {{ v: [1.0, 1.1] }}\n{settings}"
        );
        let templates = [
            ("Dockerfile", dockerfile),
            ("1.0/Dockerfile", "FROM a\n"),
            ("1.1/Dockerfile", "FROM a\n"),
        ];
        let project = Project { matrix: &matrix, templates: &templates, ..Project::default() };
        let same = |line: &String| line.starts_with("same-image");
        project.found().into_iter().filter(same).collect::<Vec<_>>()
    };
    let wanted = ["same-image matrix.yaml:4:9"];
    for (settings, dockerfile) in [
        ("", "FROM a\n"),
        ("", "FROM a\n# <%v%>\n"),
        ("", "FROM a\nLABEL version=<%v%>\n"),
        ("", "FROM a\nMAINTAINER <%v%>\n"),
        ("labels: { v: <%v%> }", "FROM a\n"),
        ("labels: auto\nannotations: auto", "FROM a\n"),
        ("test: { run: [a, <%v%>] }", "FROM a\n"),
        ("cache_to: me/cache:<%v%>", "FROM a\n"),
        // An argument that nothing uses makes no difference, and is a warning of its own.
        ("args: { V: <%v%> }", "FROM a\n"),
        ("args: { V: <%v%> }", "ARG V\nFROM a\n"),
        ("args: { V: <%v%> }", "FROM a\nRUN x\nARG V\n"),
        ("args: { V: <%v%> }", "FROM a\nRUN x\nARG V\nLABEL v=$V\n"),
        ("args: { V: <%v%> }", "FROM a AS b\nARG V\nRUN x\nFROM a\n"),
        ("bases: { b:<%v|major%>: c:<%v%> }", "FROM a\n"),
        ("contexts: { b: <%v%> }", "FROM a\n"),
        // Nothing builds this stage.
        ("", "FROM x AS b\nRUN <%v%>\nFROM a\n"),
        ("target: b", "FROM x AS b\nFROM a:<%v%>\n"),
    ] {
        assert_eq!(found(settings, dockerfile), wanted, "{settings}\n{dockerfile}");
    }
    for (settings, dockerfile) in [
        ("", "FROM a:<%v%>\n"),
        ("", "FROM a\nRUN x <%v%>\n"),
        ("", "FROM a\nENV V=<%v%>\n"),
        ("", "FROM a\nRUN <<E\n<%v%>\nE\n"),
        ("", "FROM a\nCOPY --chown=<%v%> a b\n"),
        ("", "# syntax=me/frontend\nFROM a\n# <%v%>\n"),
        ("args: { V: <%v%> }", "FROM a\nARG V\nRUN x\n"),
        ("args: { V: <%v%> }", "FROM a\nARG V\nENV X=$V\n"),
        ("args: { V: <%v%> }", "ARG V\nFROM a:$V\n"),
        ("args: { V: <%v%> }", "FROM a AS b\nARG V\nFROM b\nRUN x\n"),
        ("args: { HTTP_PROXY: http://<%v%> }", "FROM a\n"),
        ("contexts: { b: <%v%> }", "FROM a\nCOPY --from=b x y\n"),
        ("bases: { a: c:<%v%> }", "FROM a\n"),
        ("context: <%v%>", "FROM a\n"),
        ("target: s<%v|replace(\".\", \"\")%>", "FROM a AS s10\nRUN x\nFROM a AS s11\nRUN y\n"),
        ("overrides: [{ v: 1.1, platforms: linux/arm64 }]", "FROM a\n"),
        ("overrides: [{ v: 1.1, network: none }]", "FROM a\n"),
        (
            "secrets: { t: { env: T<%v|major%><%v|minor%> } }",
            "FROM a\nRUN --mount=type=secret,id=t x\n",
        ),
    ] {
        assert_eq!(found(settings, dockerfile), NOTHING, "{settings}\n{dockerfile}");
    }
}

#[test]
fn one_image_for_several_registries_is_meant() {
    let found = |image: &str, values: &str| {
        let matrix =
            format!("image: {image}\ntag: x\nplatforms: linux/amd64\naxes: {{ to: [{values}] }}\n");
        let templates = [("Dockerfile", "FROM a\n")];
        Project { matrix: &matrix, templates: &templates, ..Project::default() }.found()
    };
    assert_eq!(found("<%to%>/me/app", "ghcr.io, quay.io"), NOTHING);
    assert_eq!(found("me/<%to%>", "one, two"), ["same-image matrix.yaml:4:9"]);
}

#[test]
fn each_axis_that_makes_no_difference_is_told_once() {
    let matrix = "image: me/app\ntag: <%os%>-<%v%>-<%t%>\nplatforms: linux/amd64\n\
                  axes:\n  os: [a, b]\n  v: 1.1..1.20\n  t: [x, y]\n";
    for (dockerfile, wanted) in [
        ("FROM <%os%>\n", &["same-image matrix.yaml:6:3", "same-image matrix.yaml:7:3"][..]),
        ("FROM <%os%>:<%v%>\n", &["same-image matrix.yaml:7:3"]),
        (
            "FROM <%os%>:<%v%>\n#% if os == \"a\"\nRUN <%t%>\n#% endif\n",
            &["same-image matrix.yaml:7:3"],
        ),
        ("FROM <%os%>:<%v%><%t%>\n", &[]),
    ] {
        let templates = [("Dockerfile", dockerfile)];
        let project = Project { matrix, templates: &templates, ..Project::default() };
        assert_eq!(project.found(), wanted, "{dockerfile}");
    }
    // Cells of `include` differ by two values at once.
    let matrix = "image: me/app\ntag: <%os%>-<%v%>\nplatforms: linux/amd64\naxes: { os: [a], v: [\"1\"] }\n\
                  include: [{ os: b, v: \"2\" }]\n";
    let templates = [("Dockerfile", "FROM x\n")];
    let project = Project { matrix, templates: &templates, ..Project::default() };
    assert_eq!(project.found(), ["same-image matrix.yaml:4:9"]);
}

#[test]
fn a_comment_in_a_template_acknowledges_what_is_found_there() {
    let allow = "# onebuild: allow shared-cache-mount (one builder)";
    for (dockerfile, wanted) in [
        (format!("FROM a\n{allow}\nRUN --mount=type=cache,target=/b x\n"), &[][..]),
        (format!("FROM a\n{allow}\n# and more\nRUN --mount=type=cache,target=/b x\n"), &[]),
        (
            format!("FROM a\nRUN y && \\\n  {allow}\n  --mount=x\nRUN z\n"),
            &["unused-allow Dockerfile:3:21"],
        ),
        (format!("FROM a\nRUN --mount=type=cache,target=/b \\\n  {allow}\n  x\n"), &[]),
        (
            format!(
                "FROM a\n{allow}\n#% if v == \"1\"\nRUN --mount=type=cache,target=/b x\n#% endif\n"
            ),
            &[],
        ),
        (
            format!("FROM a\n{allow}\n\nRUN --mount=type=cache,target=/b x\n"),
            &["shared-cache-mount Dockerfile:4:1", "unused-allow Dockerfile:2:19"],
        ),
        (
            format!("{allow}\nFROM a\nRUN --mount=type=cache,target=/b x\n"),
            &["shared-cache-mount Dockerfile:3:1", "unused-allow Dockerfile:1:19"],
        ),
        (
            "FROM a\n# onebuild: allow shared-cache-mount\nRUN x\n".to_owned(),
            &["wrong-allow Dockerfile:2:1"],
        ),
        (
            "FROM a\n# onebuild: allow shared-cash (x)\nRUN x\n".to_owned(),
            &["wrong-allow Dockerfile:2:19"],
        ),
        // A document of a step is no comment.
        (format!("FROM a\nRUN <<E\n{allow}\nE\n"), &[]),
    ] {
        assert_eq!(found("", &dockerfile), wanted, "{dockerfile}");
    }
    // In the matrix it is the same.
    let settings = "# onebuild: allow unused-base (for a branch)\nbases: { x: y }\n";
    assert_eq!(found(settings, "FROM a\n"), NOTHING);
    let settings = "bases:\n  # onebuild: allow unused-base (for a branch)\n  x: y\n  z: y\n";
    assert_eq!(found(settings, "FROM a\n"), ["unused-base matrix.yaml:8:3"]);
}

#[test]
fn thousands_of_versions_are_looked_at_like_a_few() {
    let matrix = "image: me/app\ntag: <%v%>-<%os%>\nplatforms: [linux/amd64, linux/arm64]\n\
                  axes: { os: [a, b], v: 1.0..1.1499 }\nargs: { V: <%v%>, UNUSED: x }\n";
    let dockerfile = "ARG V\nFROM <%os%>:<%v%>\nRUN --mount=type=cache,target=/b echo $V\n\
                      RUN --mount=type=secret,id=t x\nARG TARGETARCH=amd64\n";
    let templates = [("Dockerfile", dockerfile)];
    let found = Project { matrix, templates: &templates, ..Project::default() }.found();
    assert_eq!(
        found,
        [
            "unused-build-arg matrix.yaml:5:19",
            "missing-secret Dockerfile:4:1",
            "platform-arg-default Dockerfile:5:1",
            "arg-before-from Dockerfile:3:1",
            "shared-cache-mount Dockerfile:3:1",
        ]
    );
}
