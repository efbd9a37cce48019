//! Values and caches that platforms or systems share by mistake.

use super::*;
use crate::input::Inputs;

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
    let args = [("TARGETARCH".into(), "amd64".into())].into();
    let inputs = Inputs { args, ..Inputs::default() };
    let flags = Overrides { inputs, ..Overrides::default() };
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
        // The next build uses one of them, whatever its platform.
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
        // The image may define other variables.
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
fn a_step_on_another_system_than_linux_is_found() {
    const CROSS: &str =
        "FROM --platform=$BUILDPLATFORM a AS b\nRUN x\nFROM scratch\nCOPY --from=b a b\n";
    let with = |platforms: &str, more: &str, dockerfile: &str| {
        let matrix = &format!(
            "image: me/app\ntag: <%v%>\nplatforms: {platforms}\naxes: {{ v: [\"1\"] }}\n{more}"
        );
        Project { matrix, templates: &[("Dockerfile", dockerfile)], ..Project::default() }.found()
    };
    const STEP: &str = "FROM a\nRUN x\n";
    let step = ["foreign-system Dockerfile:2:1"];
    assert_eq!(with("windows/amd64", "", STEP), step);
    assert_eq!(with("linux/amd64, darwin/arm64", "", STEP), step);
    for (platforms, dockerfile) in [
        ("linux/amd64", STEP),
        ("linux/riscv64", STEP),
        ("native", STEP),
        ("windows/amd64", CROSS),
        ("windows/amd64", "FROM a\nCOPY a b\n"),
    ] {
        assert_eq!(with(platforms, "", dockerfile), NOTHING, "{platforms}\n{dockerfile}");
    }
    let tested = with("windows/amd64", "test: true\n", CROSS);
    assert_eq!(tested, ["foreign-system matrix.yaml:5:1"]);
}

#[test]
fn the_platform_of_the_engine_may_be_any() {
    let with = |dockerfile: &str| {
        let matrix = "image: me/app\ntag: <%v%>\nplatforms: native\naxes: { v: [\"1\"] }\n";
        Project { matrix, templates: &[("Dockerfile", dockerfile)], ..Project::default() }.found()
    };
    for dockerfile in [
        "FROM --platform=linux/amd64 a\nRUN x\n",
        "FROM --platform=$BUILDPLATFORM a\nRUN x\n",
        "FROM a-$TARGETARCH\nARG TARGETARCH\nRUN x $TARGETARCH\n",
    ] {
        assert_eq!(with(dockerfile), NOTHING, "{dockerfile}");
    }
}
