//! The Dockerfile reference as tables: <https://docs.docker.com/reference/dockerfile/>

use std::sync::Arc;

use indexmap::IndexMap;

use super::instruction::{CommandForm, Copy};
use super::*;
use crate::image::Platform;

/// The first instruction of a file.
fn first(text: &str) -> Instruction {
    Dockerfile::parse(text).instructions.remove(0)
}

fn platform(text: &str) -> Platform {
    text.parse().expect("a valid platform")
}

/// Evaluates a file for linux/arm64 on linux/amd64.
fn evaluated(text: &str, args: &[(&str, &str)], target: Option<&str>) -> Evaluated {
    let args: IndexMap<Arc<str>, Arc<str>> =
        args.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let (arm, amd) = (platform("linux/arm64"), platform("linux/amd64"));
    Dockerfile::parse(text).evaluate(&Given {
        args: &args,
        target,
        platform: Some(&arm),
        build_platform: Some(&amd),
        is_replaced: &|name| name == "replaced",
    })
}

/// A source in short form.
fn shown(source: &Source) -> String {
    match source {
        Source::Stage(number) => format!("#{number}"),
        Source::Scratch => "scratch".to_owned(),
        Source::Named(name) => name.clone(),
        Source::Unknown(Unexpanded::Unknown) => "?".to_owned(),
        Source::Unknown(Unexpanded::Invalid(_)) => "!".to_owned(),
    }
}

/// The references of all stages: line and source.
fn uses(text: &str, args: &[(&str, &str)]) -> Vec<String> {
    let stages = evaluated(text, args, None).stages;
    let uses = stages.iter().flat_map(|stage| &stage.uses);
    uses.map(|used| format!("{} {:?} {}", used.line, used.by, shown(&used.source))).collect()
}

#[test]
fn every_instruction_is_parsed() {
    let exec =
        |words: &[&str]| CommandForm::Exec(words.iter().map(|word| (*word).to_owned()).collect());
    let shell = |text: &str| CommandForm::Shell(text.to_owned());
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (text, wanted) in [
        ("CMD [\"a\", \"b c\"]", InstructionKind::Cmd(exec(&["a", "b c"]))),
        ("CMD a b", InstructionKind::Cmd(shell("a b"))),
        ("CMD ['a']", InstructionKind::Cmd(shell("['a']"))),
        ("ENTRYPOINT [\"a\"]", InstructionKind::Entrypoint(exec(&["a"]))),
        ("entrypoint exec a", InstructionKind::Entrypoint(shell("exec a"))),
        ("HEALTHCHECK NONE", InstructionKind::Healthcheck(None)),
        (
            "HEALTHCHECK --interval=5m --timeout=3s CMD curl -f x || exit 1",
            InstructionKind::Healthcheck(Some(shell("curl -f x || exit 1"))),
        ),
        ("HEALTHCHECK cmd [\"a\"]", InstructionKind::Healthcheck(Some(exec(&["a"])))),
        (
            "SHELL [\"powershell\", \"-command\"]",
            InstructionKind::Shell(list(&["powershell", "-command"])),
        ),
        ("SHELL powershell", InstructionKind::Other),
        ("WORKDIR /a b", InstructionKind::Workdir("/a b".to_owned())),
        ("USER a:b", InstructionKind::User("a:b".to_owned())),
        ("VOLUME [\"/a b\"]", InstructionKind::Volume(list(&["/a b"]))),
        ("VOLUME /a /b", InstructionKind::Volume(list(&["/a", "/b"]))),
        ("EXPOSE 80/tcp 443", InstructionKind::Expose(list(&["80/tcp", "443"]))),
        ("STOPSIGNAL SIGTERM", InstructionKind::Stopsignal("SIGTERM".to_owned())),
        ("MAINTAINER a <b>", InstructionKind::Maintainer("a <b>".to_owned())),
        (
            "LABEL a=b \"c d\"='e f'",
            InstructionKind::Label(vec![pair("a", "b"), pair("\"c d\"", "'e f'")]),
        ),
        ("LABEL a b c", InstructionKind::Label(vec![pair("a", "b c")])),
        (
            "ENV A=1 B=\"2 3\" C=4\\ 5",
            InstructionKind::Env(vec![pair("A", "1"), pair("B", "\"2 3\""), pair("C", "4\\ 5")]),
        ),
        ("ENV A 1 2 = 3", InstructionKind::Env(vec![pair("A", "1 2 = 3")])),
        ("ENV", InstructionKind::Other),
        (
            "ARG A B=1 C=\"x y\" D=",
            InstructionKind::Arg(vec![
                ("A".to_owned(), None),
                ("B".to_owned(), Some("1".to_owned())),
                ("C".to_owned(), Some("\"x y\"".to_owned())),
                ("D".to_owned(), Some(String::new())),
            ]),
        ),
        ("HELLO a", InstructionKind::Other),
        ("FROM", InstructionKind::Other),
        (
            "COPY a",
            InstructionKind::Copy(Copy {
                from: None,
                sources: vec![],
                destination: "a".to_owned(),
            }),
        ),
        ("COPY", InstructionKind::Other),
        ("ONBUILD FROM a", InstructionKind::Other),
        ("ONBUILD ONBUILD RUN a", InstructionKind::Other),
        ("ONBUILD MAINTAINER a", InstructionKind::Other),
        ("ONBUILD", InstructionKind::Other),
        ("ONBUILD USER a", InstructionKind::Onbuild(Box::new(first("USER a")))),
    ] {
        assert_eq!(first(text).kind, wanted, "{text}");
    }
}

#[test]
fn from_names_a_base_a_stage_and_a_platform() {
    for (text, base, name, platform) in [
        ("FROM alpine", "alpine", None, None),
        ("from alpine:3.20 as Build", "alpine:3.20", Some("build"), None),
        ("FROM a@sha256:x AS b", "a@sha256:x", Some("b"), None),
        ("FROM --platform=linux/arm64 a", "a", None, Some("linux/arm64")),
        ("FROM --platform=\"$BUILDPLATFORM\" a aS b", "a", Some("b"), Some("$BUILDPLATFORM")),
        ("FROM\t--platform=$P\ta\tAS\tb", "a", Some("b"), Some("$P")),
        ("FROM \"${A}\"", "\"${A}\"", None, None),
        ("FROM alpine:\\\n3.20 AS x", "alpine:3.20", Some("x"), None),
        ("FROM \\\n  # why\n\n  --platform=$P \\\n a", "a", None, Some("$P")),
    ] {
        let InstructionKind::From(found) = first(text).kind else { panic!("{text}") };
        let found = (&*found.base, found.name.as_deref(), found.platform.as_deref());
        assert_eq!(found, (base, name, platform), "{text}");
    }
}

#[test]
fn copies_name_their_source_and_paths() {
    for (text, from, sources, destination) in [
        ("COPY a b", None, &["a"][..], "b"),
        ("COPY --from=build a b /c/", Some("build"), &["a", "b"], "/c/"),
        ("COPY --from='build' a b", Some("build"), &["a"], "b"),
        (
            "COPY --link --chown=1:2 --chmod=755 --from=0 --parents --exclude=*.x a b",
            Some("0"),
            &["a"],
            "b",
        ),
        ("COPY [\"a b\", \"c\"]", None, &["a b"], "c"),
        ("COPY --from=x [\"a\", \"b\"]", Some("x"), &["a"], "b"),
        ("COPY <<E a /b\nx\nE", None, &["a"], "/b"),
        ("COPY --from= a b", None, &["a"], "b"),
        ("ADD --checksum=sha256:x https://x.example/a /b", None, &["https://x.example/a"], "/b"),
        ("ADD --keep-git-dir=true --unpack git@x.example:a /b", None, &["git@x.example:a"], "/b"),
        ("ADD --from=x a b", None, &["a"], "b"),
    ] {
        let InstructionKind::Copy(found) = first(text).kind else { panic!("{text}") };
        let sources_found: Vec<&str> = found.sources.iter().map(String::as_str).collect();
        assert_eq!(
            (found.from.as_deref(), sources_found.as_slice(), &*found.destination),
            (from, sources, destination),
            "{text}"
        );
    }
}

#[test]
fn steps_have_mounts_and_rights() {
    let text = "RUN --mount=type=cache,target=/c,sharing=locked,id=x --mount=from=b,src=/s,dst=/d,rw \
                --network=none --security=insecure --device=vendor/a --device=vendor/b,required make";
    let InstructionKind::Run(run) = first(text).kind else { panic!() };
    assert_eq!((run.network.as_deref(), run.security.as_deref()), (Some("none"), Some("insecure")));
    assert_eq!(run.devices, ["vendor/a", "vendor/b,required"]);
    assert_eq!(run.command, CommandForm::Shell("make".to_owned()));
    let [cache, bind] = run.mounts.as_slice() else { panic!("{:?}", run.mounts) };
    assert_eq!(cache.kind.as_deref(), Some("cache"));
    assert_eq!((cache.id.as_deref(), cache.sharing.as_deref()), (Some("x"), Some("locked")));
    assert_eq!((bind.kind.as_deref(), bind.from.as_deref()), (None, Some("b")));
    assert_eq!((bind.source.as_deref(), bind.target.as_deref()), (Some("/s"), Some("/d")));
    assert_eq!(bind.read_only.as_deref(), Some("false"));
    let InstructionKind::Run(run) = first("RUN [\"a\", \"b\"]").kind else { panic!() };
    assert_eq!(run.command, CommandForm::Exec(vec!["a".to_owned(), "b".to_owned()]));
    let InstructionKind::Onbuild(inner) = first("ONBUILD RUN --mount=from=x,target=/y a").kind
    else {
        panic!()
    };
    let InstructionKind::Run(run) = inner.kind else { panic!() };
    assert_eq!(run.mounts[0].from.as_deref(), Some("x"));
}

#[test]
fn mounts_have_ids() {
    let text = "FROM scratch\nARG K=secret ID=i T=true\nENV NONE=\nRUN";
    for (mount, kind, id, required) in [
        ("type=secret,id=a", "secret", Some("a"), false),
        ("id=a,type=secret,required", "secret", Some("a"), true),
        ("type=secret,src=a,required=true", "secret", Some("a"), true),
        ("type=secret,source=a,required=false", "secret", Some("a"), false),
        ("type=secret,target=/run/b/c", "secret", Some("c"), false),
        ("type=SECRET,id=a,env=TOKEN,required=1", "SECRET", Some("a"), true),
        ("type=$K,id=$ID,required=$T", "secret", Some("i"), true),
        ("'type=secret,\"id=a,b\"'", "secret", Some("a,b"), false),
        ("type=ssh", "ssh", Some("default"), false),
        ("type=ssh,id=a,required", "ssh", Some("a"), true),
        ("type=cache,target=/a/../b/./c/", "cache", Some("/b/c"), false),
        ("type=cache,dst=/a,id=", "cache", Some("/a"), false),
        ("type=cache,destination=/a,id=x-$TARGETARCH", "cache", Some("x-"), false),
        ("type=cache,target=rel", "cache", Some("rel"), false),
        ("type=tmpfs,target=/a", "tmpfs", None, false),
        ("target=/a", "bind", None, false),
    ] {
        let stages = evaluated(&format!("{text} --mount={mount} x"), &[], None).stages;
        let found = &stages[0].mounts[0];
        let id_found = found.id.as_ref().and_then(Text::known);
        assert_eq!(
            (found.kind.known(), id_found, found.is_required),
            (Some(kind), id, required),
            "{mount}"
        );
    }
    // An open environment can contain any variable.
    let stages = evaluated("FROM a\nRUN --mount=type=cache,target=/a,id=$X x", &[], None).stages;
    let mount = &stages[0].mounts[0];
    assert!(mount.is("cache") && mount.id.as_ref().unwrap().known().is_none());
}

#[test]
fn bases_are_expanded_as_buildkit_expands_them() {
    for (text, args, wanted) in [
        ("FROM alpine:3.20", &[][..], "alpine:3.20"),
        ("ARG V=3.20\nFROM alpine:$V", &[], "alpine:3.20"),
        ("ARG V=3.20\nFROM alpine:$V", &[("V", "3.21")], "alpine:3.21"),
        ("ARG V=3.20\nFROM alpine:$V", &[("V", "")], "alpine:"),
        ("ARG V\nFROM alpine:${V:-edge}", &[], "alpine:edge"),
        ("ARG V=1 B=alpine:$V\nFROM ${B}", &[], "alpine:1"),
        ("ARG V=1.2.3\nARG W=${V%.*}\nFROM a:$W", &[], "a:1.2"),
        ("ARG P\nARG V=1.0\nFROM ${P}:${V%.*}", &[("P", "r.example/p")], "r.example/p:1"),
        ("ARG V=1\nARG V\nFROM a:$V", &[], "a:1"),
        ("FROM a$NONE", &[], "a"),
        ("FROM $NONE", &[], "!"),
        ("FROM ${NONE:?give it}", &[], "!"),
        ("FROM \"alpine\"", &[], "alpine"),
        ("FROM a-$TARGETARCH", &[], "a-arm64"),
        ("FROM a-$BUILDARCH", &[], "a-amd64"),
        ("FROM a-$TARGETOS-$TARGETVARIANT-$BUILDOS", &[], "a-linux--linux"),
        ("FROM a-$TARGETSTAGE", &[], "a-default"),
        ("FROM a-$TARGETSTAGE AS last", &[], "a-last"),
        ("ARG TARGETARCH=riscv64\nFROM a-$TARGETARCH", &[], "a-riscv64"),
        ("FROM a-$TARGETARCH", &[("TARGETARCH", "s390x")], "a-s390x"),
        ("FROM a-$HTTP_PROXY", &[("HTTP_PROXY", "x")], "a-"),
        ("FROM scratch", &[], "scratch"),
        ("FROM Scratch", &[], "Scratch"),
        ("FROM x AS replaced", &[], "replaced"),
        // ENV and ARG of a stage do not reach FROM.
        ("FROM scratch\nARG V=1\nENV W=2\nFROM a:$V$W", &[], "a:"),
    ] {
        let stages = evaluated(text, args, None).stages;
        assert_eq!(shown(&stages.last().unwrap().base), wanted, "{text}");
    }
}

#[test]
fn the_platform_of_the_engine_can_be_unknown() {
    let args = IndexMap::new();
    let given = Given {
        args: &args,
        target: None,
        platform: None,
        build_platform: None,
        is_replaced: &|_| false,
    };
    for (text, wanted) in [
        ("FROM a-$BUILDARCH", "?"),
        ("FROM a-$TARGETARCH", "?"),
        ("FROM a-${TARGETARCH:-x}", "?"),
        ("ARG A=$BUILDOS\nFROM a-$A", "?"),
        ("FROM a-$OTHER", "a-"),
    ] {
        let found = Dockerfile::parse(text).evaluate(&given);
        assert_eq!(shown(&found.stages[0].base), wanted, "{text}");
    }
}

#[test]
fn a_name_is_a_stage_then_a_context_then_an_image() {
    for (text, wanted) in [
        ("FROM a AS x\nFROM x", &["1 From a", "2 From #0"][..]),
        ("FROM a AS X\nFROM x", &["1 From a", "2 From #0"]),
        ("FROM a AS a\nFROM a", &["1 From a", "2 From #0"]),
        ("FROM x\nFROM a AS x", &["1 From x", "2 From a"]),
        ("FROM a AS x\nFROM b AS x\nFROM x", &["1 From a", "2 From b", "3 From #1"]),
        (
            "FROM a AS x\nFROM scratch\nCOPY --from=x a b",
            &["1 From a", "2 From scratch", "3 Copy #0"],
        ),
        ("FROM a\nFROM scratch\nCOPY --from=0 a b", &["1 From a", "2 From scratch", "3 Copy #0"]),
        ("FROM a\nCOPY --from=7 a b", &["1 From a", "2 Copy !"]),
        ("FROM a\nCOPY --from=$X a b", &["1 From a", "2 Copy !"]),
        ("FROM a\nCOPY --from=node:20 a b", &["1 From a", "2 Copy node:20"]),
        ("FROM a\nCOPY --from=scratch a b", &["1 From a", "2 Copy scratch"]),
        (
            "FROM a AS x\nRUN --mount=from=busybox:1.36,target=/b b",
            &["1 From a", "2 Mount busybox:1.36"],
        ),
        (
            "FROM a AS x\nFROM b\nRUN --mount=from=x,target=/b b",
            &["1 From a", "2 From b", "3 Mount #0"],
        ),
        ("FROM a\nRUN --mount=type=cache,from=x,target=/b b", &["1 From a", "2 Mount x"]),
        ("FROM a\nRUN --mount=type=secret,id=x b", &["1 From a"]),
        ("FROM a\nRUN --mount=type=tmpfs,from=x,target=/b b", &["1 From a"]),
        // Numbers do not refer to stages here.
        ("FROM a\nFROM b\nRUN --mount=from=0,target=/b b", &["1 From a", "2 From b", "3 Mount 0"]),
        ("FROM a\nRUN --mount=from=$X,target=/b b", &["1 From a", "2 Mount !"]),
        // A stage that a named context replaces is not built.
        ("FROM a AS replaced\nCOPY --from=x a b", &["1 From replaced"]),
        // A trigger belongs only to the stages that are based on this one.
        (
            "FROM a AS x\nONBUILD COPY --from=c a b\nFROM x AS y\nFROM y",
            &["1 From a", "3 From #0", "2 Copy c", "4 From #1"],
        ),
    ] {
        assert_eq!(uses(text, &[]), wanted, "{text}");
    }
}

#[test]
fn variables_of_a_stage_come_from_arg_env_and_the_stage_before() {
    // The id of a cache is expanded in the stage.
    for (text, args, wanted) in [
        ("ARG A=1\nFROM scratch\nRUN", &[][..], Some("")),
        ("ARG A=1\nFROM scratch\nARG A\nRUN", &[], Some("1")),
        ("ARG A=1\nFROM scratch\nARG A=2\nRUN", &[], Some("2")),
        ("ARG A=1\nFROM scratch\nARG A=2\nRUN", &[("A", "3")], Some("3")),
        ("FROM scratch\nARG A\nRUN", &[("A", "3")], Some("3")),
        ("FROM scratch\nRUN", &[("A", "3")], Some("")),
        ("FROM scratch\nENV A=1\nRUN", &[("A", "3")], Some("1")),
        ("FROM scratch\nARG A=2\nENV A=1\nRUN", &[("A", "3")], Some("1")),
        ("FROM scratch\nARG B=1\nARG A=$B$B\nRUN", &[], Some("11")),
        ("FROM scratch\nENV B=1\nENV B=2 A=$B\nRUN", &[], Some("1")),
        ("FROM scratch\nENV A 1 2\nRUN", &[], Some("1 2")),
        ("FROM scratch\nENV A='$B' \\\n  C=3\nRUN", &[], Some("$B")),
        ("FROM scratch AS b\nENV A=1\nFROM b\nRUN", &[], Some("1")),
        ("FROM scratch AS b\nARG A=1\nFROM b\nRUN", &[], Some("1")),
        ("FROM scratch AS b\nONBUILD ENV A=1\nFROM b\nRUN", &[], Some("1")),
        ("FROM scratch AS b\nONBUILD ENV A=1\nRUN", &[], Some("")),
        ("FROM scratch\nARG TARGETARCH\nARG A=$TARGETARCH\nRUN", &[], Some("arm64")),
        ("FROM scratch\nARG A=$TARGETARCH\nRUN", &[], Some("")),
        ("FROM scratch\nARG TARGETARCH=x\nARG A=$TARGETARCH\nRUN", &[], Some("x")),
        // The variables of a base image are unknown.
        ("FROM alpine\nRUN", &[], None),
        ("FROM alpine\nENV A=1\nRUN", &[], Some("1")),
        ("FROM alpine\nENV A=$B\nRUN", &[], None),
        ("FROM alpine\nARG A=${B:-1}\nRUN", &[], None),
        ("FROM alpine AS b\nFROM b\nRUN", &[], None),
        ("FROM scratch\nARG A=$PATH\nRUN", &[], None),
        ("FROM x AS replaced\nENV A=1\nFROM replaced\nRUN", &[], None),
    ] {
        let text = format!("{text} --mount=type=cache,target=/x,id=a-$A x");
        let stages = evaluated(&text, args, None).stages;
        let id = stages.last().unwrap().mounts[0].id.clone().unwrap();
        let wanted = wanted.map(|value| format!("a-{value}"));
        assert_eq!(id.known(), wanted.as_deref(), "{text}");
    }
}

#[test]
fn only_the_dependencies_of_the_target_are_built() {
    let text = "FROM a AS base\nFROM base AS build\nFROM b AS tools\nFROM c AS unused\n\
                FROM scratch AS out\nCOPY --from=build /a /\nRUN --mount=from=tools,target=/t x\n\
                FROM out AS last\n";
    for (target, wanted) in [
        (None, &["base", "build", "tools", "out", "last"][..]),
        (Some("out"), &["base", "build", "tools", "out"]),
        (Some("BUILD"), &["base", "build"]),
        // BuildKit knows no targets by number.
        (Some("3"), &[][..]),
        (Some("missing"), &[]),
    ] {
        let stages = evaluated(text, &[], target).stages;
        let built: Vec<&str> =
            stages.iter().filter(|s| s.is_reachable).map(|s| s.name.as_deref().unwrap()).collect();
        assert_eq!(built, wanted, "{target:?}");
    }
    assert_eq!(evaluated("", &[], None).target, None);
    // BuildKit rejects stages that depend on each other.
    let circle = "FROM a AS x\nCOPY --from=y a b\nFROM a AS y\nCOPY --from=x a b\n";
    assert!(evaluated(circle, &[], None).stages.iter().all(|stage| stage.is_reachable));
}

#[test]
fn comments_belong_to_the_instruction_below_or_around_them() {
    let text = "# syntax=x\n# far\n\n# one\n# two\nFROM a\n\nRUN a \\\n  # within\n  b\n# end\n";
    let file = Dockerfile::parse(text);
    let of = |line: u32| -> Vec<u32> { file.comments_of(line).iter().map(|c| c.line).collect() };
    assert_eq!((of(6), of(8), of(10)), (vec![4, 5], vec![9], vec![9]));
    assert_eq!(file.directive("syntax"), Some("x"));
    assert_eq!(Dockerfile::parse("# c\nFROM a").comments_of(2).len(), 1);
    assert_eq!(Dockerfile::parse("FROM a\nFROM b\n# c").comments_of(2).len(), 0);
}

#[test]
fn declarations_and_uses_have_their_scopes() {
    let text = "ARG V=1\nFROM a:$V$W AS x\nARG A B=${V:-$C}\nENV E=$A \"F G\"=1\n\
                RUN echo \"$A\" '$NOT' \\$NOT ${B%x} $$ $1 ${#D} && awk '{print $NF}'\n\
                COPY --chown=$U $S $T\nCOPY <<E <<'R' /\n$H \"$I\"\nE\n$NOT\nR\n\
                ONBUILD USER $O\nRUN --mount=type=cache,target=$M <<'E'\n$K\nE\n\
                RUN cat <<'E'\n$NOT\nE\nCMD echo $NOT\n";
    let file = Dockerfile::parse(text);
    let declared: Vec<_> =
        file.declarations().into_iter().map(|d| (d.line, d.name, d.scope, d.is_env)).collect();
    let stage = VariableScope::Stage(0);
    assert_eq!(
        declared,
        [
            (1, "V", VariableScope::Global, false),
            (3, "A", stage, false),
            (3, "B", stage, false),
            (4, "E", stage, true),
            (4, "F G", stage, true),
        ]
        .map(|(line, name, scope, is_env)| (line, name.to_owned(), scope, is_env))
    );
    let used: Vec<String> = file
        .variable_uses()
        .into_iter()
        .map(|used| format!("{} {} {:?} {:?}", used.line, used.name, used.by, used.scope))
        .collect();
    assert_eq!(
        used,
        [
            "2 V Builder Global",
            "2 W Builder Global",
            "3 C Builder Stage(0)",
            "3 V Builder Stage(0)",
            "4 A Builder Stage(0)",
            "5 A Step Stage(0)",
            "5 B Step Stage(0)",
            "5 D Step Stage(0)",
            "6 S Builder Stage(0)",
            "6 T Builder Stage(0)",
            "6 U Builder Stage(0)",
            "7 H Builder Stage(0)",
            "7 I Builder Stage(0)",
            "12 O Builder Trigger(0)",
            "13 M Builder Stage(0)",
            "13 K Step Stage(0)",
        ]
    );
}

#[test]
fn another_frontend_is_recognised() {
    for (text, argument, wanted) in [
        ("FROM a", None, false),
        ("# syntax=docker/dockerfile:1", None, false),
        ("# syntax=docker/dockerfile-upstream:master-labs", None, false),
        ("# syntax=mirror.example:5000/docker/dockerfile:1.7@sha256:x", None, false),
        ("# syntax=dockerfile.v0", None, false),
        ("# syntax=me/frontend:1", None, true),
        ("# syntax=me/frontend:1", Some("docker/dockerfile"), false),
        ("FROM a", Some("me/frontend"), true),
    ] {
        let args = argument.map(|value: &str| ("BUILDKIT_SYNTAX".into(), value.into()));
        let args = args.into_iter().collect();
        assert_eq!(Dockerfile::parse(text).is_foreign(&args), wanted, "{text} {argument:?}");
    }
}

#[test]
fn stages_are_the_same_with_and_without_their_variables() {
    let text = "ARG V=1\nFROM a:$V AS x\nARG K=cache\nENV E=1\nRUN --mount=type=$K,from=b,target=/m x\n\
                ONBUILD COPY --from=c a b\nFROM x AS y\nCOPY --from=x a b\n";
    let (arm, args) = (platform("linux/arm64"), IndexMap::new());
    let given = Given {
        args: &args,
        target: None,
        platform: Some(&arm),
        build_platform: None,
        is_replaced: &|_| false,
    };
    let file = Dockerfile::parse(text);
    let mut wanted = file.evaluate(&given);
    assert_eq!(wanted.stages[0].mounts.len(), 1);
    wanted.stages.iter_mut().for_each(|stage| stage.mounts.clear());
    assert_eq!(file.stages(&given), wanted);
}

#[test]
fn predefined_arguments_are_recognised() {
    for name in ["HTTP_PROXY", "no_proxy", "BUILDKIT_INLINE_CACHE", "SOURCE_DATE_EPOCH"] {
        assert!(is_predefined(name), "{name}");
    }
    for name in ["Http_Proxy", "TARGETARCH", "BUILDKIT_OTHER", "VERSION", ""] {
        assert!(!is_predefined(name), "{name}");
    }
}

#[test]
fn no_file_causes_a_panic() {
    let text = "# escape=`\nARG A=${B:-'x\nFROM --platform=\"$P a AS b\nCOPY --from=-1 <<E x y\n$\nE\n\
                RUN --mount=type=cache,\"id=a --mount= --mount <<-\"E\" `\n\nE\nONBUILD COPY <<X\nHEALTHCHECK\nÄ";
    let ends = text.char_indices().map(|(at, _)| at);
    for end in ends {
        for piece in [&text[..end], &text[end..]] {
            let file = Dockerfile::parse(piece);
            let _ = (file.declarations(), file.variable_uses(), file.comments_of(2));
            evaluated(piece, &[], None);
        }
    }
}

#[test]
fn the_line_of_a_step_follows_from_its_position() {
    let text = "ARG A=1\nFROM alpine AS One\nRUN a\nENV X=1\nWORKDIR /x\nRUN b \\\n  c\nFROM one\nCOPY a b\n\
        RUN d\nCMD e\n";
    let dockerfile = Dockerfile::parse(text);
    let line = |stage, after| dockerfile.line_of_step(stage, after).map(|one| one.first);
    assert_eq!(
        [0, 1, 2, 3].map(|after| line(Some("one"), after)),
        [Some(6), Some(5), Some(3), None]
    );
    assert_eq!([0, 1, 2].map(|after| line(Some("stage-1"), after)), [Some(10), Some(9), None]);
    assert_eq!((line(None, 0), line(Some("other"), 0)), (None, None));
    let one = Dockerfile::parse("FROM scratch\nADD a b\n");
    assert_eq!(one.line_of_step(None, 0).map(|one| one.first), Some(2));
}
