//! What an engine can do, decided in one place from its version and from what it says of itself.
//!
//! An engine leaves out what it does not know and reports success: a BuildKit that is too old takes
//! the list of exporters for an unknown field, and one that keeps images in the engine's older store
//! drops attestations. So all that a run needs is compared with this before anything is built.
//! [`preflight`](super::preflight()) does that for the requests.

use crate::docker::{EngineFacts, EngineVersion};
use crate::image::Digest;
use crate::outcome::Failure;
use crate::plan::{BuildRequest, FileOutput, Output};

use super::obstacle::Obstacle;

/// Docker Engine 26.0 and the API that came with it. It is the first one whose BuildKit (0.13) takes
/// a list of exporters.
///
/// Source: <https://docs.docker.com/reference/api/engine/#api-version-matrix>
const MINIMUM: (u32, &str) = (26, "26.0");
const MINIMUM_API: ((u32, u32), &str) = ((1, 45), "1.45");

/// Why this engine cannot be used at all; none where it can. `endpoint` names it. Pure.
///
/// The version of the API decides. The text of the version does so only where the API is not known:
/// distributions and developers write there what they like.
pub fn unusable(found: &EngineVersion, endpoint: &str) -> Option<Obstacle> {
    let EngineVersion { version, api, is_podman } = found;
    let named = |name: &str| [name, version].join(" ").trim().to_owned();
    if *is_podman {
        return Some(Obstacle {
            message: format!("{} answers at {endpoint}, and it has no BuildKit", named("Podman")),
            help: format!(
                "start a Docker Engine, {} or newer, or name one with --host unix:///path/to/docker.sock",
                MINIMUM.1
            ),
        });
    }
    is_older(found, MINIMUM_API.0, MINIMUM.0).then(|| Obstacle {
        message: format!(
            "the engine at {endpoint} is too old: it is {}{}, and onebuild needs {} or newer (API {})",
            named("Docker Engine"),
            if api.is_empty() { String::new() } else { format!(" (API {api})") },
            MINIMUM.1,
            MINIMUM_API.1
        ),
        help: "update Docker on the engine's machine (https://docs.docker.com/engine/install/), or \
               name another engine with --host"
            .to_owned(),
    })
}

/// Whether BuildKit in this engine finds faults in Dockerfiles by itself: it does so from 0.14 on, in
/// Docker Engine 27.0.
pub fn has_lint(found: &EngineVersion) -> bool {
    !is_older(found, (1, 46), 27)
}

/// Whether an engine is older than the one with this API and this first number.
fn is_older(found: &EngineVersion, api: (u32, u32), engine: u32) -> bool {
    match (numbers(&found.api), numbers(&found.version)) {
        (Some((major, Some(minor))), _) => (major, minor) < api,
        (_, Some((major, _))) => major < engine,
        // Nothing can be read. What it builds is looked at all the same: see `named_image`.
        (_, None) => false,
    }
}

/// The first two numbers of a version; `28.5.2+dfsg4` has 28 and 5.
fn numbers(version: &str) -> Option<(u32, Option<u32>)> {
    let mut parts = version.trim().trim_start_matches('v').split(['.', '-', '+', '~']);
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next().and_then(|minor| minor.parse().ok())))
}

/// Without the containerd image store the engine's BuildKit writes into the engine's older store, and
/// files.
const TURN_ON: &str = "turn on the containerd image store: put \"features\": \
     {\"containerd-snapshotter\": true} into the engine's daemon.json and restart it (in Docker \
     Desktop: Settings, General)";

/// What `request` asks for and this engine, or the form of the output, cannot keep. BuildKit reports
/// success in most of these cases, and what comes out lacks what was asked for.
pub(crate) fn lacking(request: &BuildRequest, facts: &EngineFacts) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let mut lacks = |message: &str, help: String| {
        found.push(Obstacle { message: message.to_owned(), help });
    };
    let form = form(&request.delivery.output);
    if request.recipe.provenance && form != Form::Image {
        let output = match form {
            Form::DockerArchive => "a type=docker archive",
            Form::Files | Form::Image => "a root file system",
        };
        lacks(
            &format!("{output} holds no provenance"),
            "leave --provenance out, or write type=oci".to_owned(),
        );
    }
    if facts.containerd_store {
        return found;
    }
    if request.recipe.platforms.len() > 1 {
        let platforms: Vec<_> = request.recipe.platforms.iter().map(ToString::to_string).collect();
        let (cell, platforms) = (&request.cell, platforms.join(", "));
        lacks(
            &format!("this engine builds one platform at a time, and `{cell}` wants {platforms}"),
            format!("{TURN_ON}; or build one with --platform"),
        );
    }
    let beyond = match &request.delivery.output {
        Output::Push | Output::StoreAndPush => Some("push what it builds"),
        Output::File { .. } if form != Form::Files => Some("write images into archives"),
        Output::Store | Output::Nothing | Output::File { .. } => None,
    };
    if let Some(what) = beyond {
        lacks(&format!("this engine's own BuildKit cannot {what}"), TURN_ON.to_owned());
    }
    if request.policy.caches.to.iter().any(|cache| cache.kind != "inline") {
        lacks(
            "this engine writes no cache but the inline one",
            format!("{TURN_ON}; or write --cache-to type=inline"),
        );
    }
    if is_annotated(request) && form != Form::Files {
        lacks(
            "this engine gives images no annotations",
            format!("{TURN_ON}; or leave the annotations out"),
        );
    }
    if request.recipe.provenance && form == Form::Image {
        lacks(
            "this engine gives images no provenance",
            format!("{TURN_ON}; or leave --provenance out"),
        );
    }
    found
}

/// Whether the image gets annotations; the digest of a base is added later.
pub(crate) fn is_annotated(request: &BuildRequest) -> bool {
    !request.recipe.inputs.annotations.is_empty()
        || request.recipe.pin.as_ref().is_some_and(|pin| pin.annotations)
}

/// The digest of the image that the answer to a solve names: none for an output that holds files
/// alone. An answer that names no image is a failure, whatever BuildKit says of its success.
pub(crate) fn named_image(
    output: &Output,
    answered: Option<&str>,
) -> Result<Option<Digest>, Box<Failure>> {
    if form(output) == Form::Files {
        return Ok(None);
    }
    let said = match answered.map(str::parse) {
        Some(Ok(digest)) => return Ok(Some(digest)),
        Some(Err(_)) => "an invalid digest",
        None => "no digest",
    };
    let help = "the engine may have dropped the output: its log may say why; another engine can be \
                named with --host";
    Err(Box::new(Failure {
        message: format!("the engine reported success, and named no image: its answer has {said}"),
        help: Some(help.to_owned()),
        ..Failure::default()
    }))
}

/// What an output can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// An image with its index: attestations, annotations, several platforms.
    Image,
    /// One manifest: no attestation.
    DockerArchive,
    /// Files alone: no configuration, so no labels either.
    Files,
}

/// What `output` can hold.
pub(crate) fn form(output: &Output) -> Form {
    match output {
        Output::Store | Output::Push | Output::StoreAndPush | Output::Nothing => Form::Image,
        Output::File { kind, .. } => match kind {
            FileOutput::Oci => Form::Image,
            FileOutput::Docker => Form::DockerArchive,
            FileOutput::Tar | FileOutput::Local => Form::Files,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::request;
    use super::*;
    use crate::input::Cache;

    #[test]
    fn an_engine_is_as_old_as_its_api() {
        for (version, api, usable) in [
            ("20.10.24+dfsg1", "1.41", false),
            ("23.0.6", "1.42", false),
            ("24.0.7-ce", "1.43", false),
            ("25.0.5", "1.44", false),
            ("26.0.0", "1.45", true),
            ("26.1.5+dfsg1", "1.45", true),
            ("27.5.1", "1.47", true),
            ("28.5.2+dfsg4", "1.51", true),
            ("29.0.0-rc.1", "1.52", true),
            ("30.0.0", "2.0", true),
            // The text says nothing, or the wrong thing.
            ("dev", "1.51", true),
            ("dev", "1.43", false),
            ("0.0.0-20240101", "1.47", true),
            ("v24.0.7", "1.47", true),
            ("", "1.44", false),
            // No API, or none that can be read.
            ("20.10.24+dfsg1", "", false),
            ("v25.0.5", "", false),
            ("25", "", false),
            ("29.0.0-rc.1", "", true),
            ("24.0.7-ce", "new", false),
            ("dev", "", true),
            ("", "", true),
        ] {
            let found =
                EngineVersion { version: version.into(), api: api.into(), is_podman: false };
            let obstacle = unusable(&found, "unix:///x.sock");
            assert_eq!(obstacle.is_none(), usable, "{version} {api}");
            assert_eq!(has_lint(&found), usable && !version.starts_with("26."), "{version} {api}");
            if let Some(Obstacle { message, help }) = obstacle {
                for part in [version, api, "unix:///x.sock", "26.0", "1.45"] {
                    assert!(message.contains(part), "{part}: {message}");
                }
                assert!(!message.contains("  ") && !message.contains("()"), "{message}");
                assert!(help.contains("update Docker"), "{help}");
            }
        }
    }

    #[test]
    fn podman_is_named_whatever_its_version_is() {
        for (version, named) in
            [("4.3.1", "Podman 4.3.1 answers at x"), ("", "Podman answers at x")]
        {
            let found =
                EngineVersion { version: version.into(), api: "1.99".into(), is_podman: true };
            let Obstacle { message, help } = unusable(&found, "x").unwrap();
            assert!(message.contains(named) && message.contains("no BuildKit"), "{message}");
            assert!(help.contains("Docker Engine, 26.0"), "{help}");
        }
    }

    #[test]
    fn an_answer_without_an_image_is_no_success_where_there_should_be_one() {
        use FileOutput::{Docker, Local, Oci, Tar};
        let digest = Digest::of(b"1");
        let file = |kind| Output::File { kind, dest: "x".into() };
        let images = [Output::Store, Output::Push, Output::StoreAndPush, file(Oci), file(Docker)];
        for output in images {
            let found = named_image(&output, Some(&digest.to_string())).unwrap();
            assert_eq!(found.as_ref(), Some(&digest));
            for answered in [None, Some(""), Some("sha256:1")] {
                let failure = named_image(&output, answered).unwrap_err();
                assert!(failure.message.contains("named no image"), "{failure:?}");
            }
        }
        for output in [file(Tar), file(Local)] {
            assert_eq!(named_image(&output, None).unwrap(), None);
        }
    }

    #[test]
    fn what_an_engine_or_an_output_would_drop_is_refused() {
        use FileOutput::{Docker, Local, Oci, Tar};
        let file = |kind| Output::File { kind, dest: "x".into() };
        let with = |output: &Output, provenance: bool| {
            let mut request = request();
            request.delivery.output = output.clone();
            request.recipe.provenance = provenance;
            request
        };
        let proven = |output: Output| with(&output, true);
        let annotated = |output: Output| {
            let mut request = with(&output, false);
            request.recipe.inputs.annotations = [("a".into(), "b".into())].into();
            request
        };
        let cached = |spec: &str| {
            let mut request = request();
            request.policy.caches.to = Cache::parse(spec).unwrap();
            request
        };
        let both = ["linux/amd64", "linux/arm64"].map(|name| name.parse().unwrap());
        let mut several = request();
        several.recipe.platforms = both.to_vec();
        // What is refused with the older store, and what with the newer one.
        for (request, older, newer) in [
            (request(), "", ""),
            (cached("type=inline"), "", ""),
            (cached("r.example/a:b"), "no cache but the inline one", ""),
            (cached("type=local,dest=x"), "no cache but the inline one", ""),
            (cached("type=gha"), "no cache but the inline one", ""),
            (several, "one platform at a time, and `v1` wants linux/amd64, linux/arm64", ""),
            (with(&Output::Push, false), "cannot push", ""),
            (with(&Output::StoreAndPush, false), "cannot push", ""),
            (with(&file(Oci), false), "cannot write images into archives", ""),
            (with(&file(Docker), false), "cannot write images into archives", ""),
            (with(&file(Tar), false), "", ""),
            (annotated(Output::Store), "no annotations", ""),
            (annotated(Output::Push), "no annotations", ""),
            (annotated(Output::StoreAndPush), "no annotations", ""),
            (annotated(file(Oci)), "no annotations", ""),
            (annotated(file(Docker)), "no annotations", ""),
            (annotated(file(Tar)), "", ""),
            (annotated(file(Local)), "", ""),
            (proven(Output::Store), "images no provenance", ""),
            (proven(Output::Push), "images no provenance", ""),
            (proven(Output::StoreAndPush), "images no provenance", ""),
            (proven(file(Oci)), "images no provenance", ""),
            (proven(file(Docker)), "archive holds no provenance", "archive holds no provenance"),
            (proven(file(Tar)), "file system holds no provenance", "system holds no provenance"),
            (proven(file(Local)), "file system holds no provenance", "system holds no provenance"),
        ] {
            for (containerd_store, wanted) in [(false, older), (true, newer)] {
                let facts = super::super::samples::facts(containerd_store);
                let given = lacking(&request, &facts);
                let given: Vec<_> = given.into_iter().map(|obstacle| obstacle.message).collect();
                let is_told = given.iter().any(|message| message.contains(wanted));
                assert_eq!(is_told, !wanted.is_empty(), "{wanted}: {given:?}");
                assert_eq!(given.is_empty(), wanted.is_empty(), "{given:?}");
            }
        }
    }
}
