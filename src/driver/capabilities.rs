//! Compares what a run needs with what the engine can do.
//!
//! An engine ignores what it does not support and still reports success: a BuildKit that is too old
//! treats the list of exporters as an unknown field, and one with the older image store drops
//! attestations. So everything that a run needs is checked before anything is built.
//! [`preflight`](super::preflight()) does that for the requests.

use crate::image::Digest;
use crate::input::{Caches, NamedContext};
use crate::node::{Ability, NodeFacts, Store};
use crate::outcome::Failure;
use crate::plan::{BuildRequest, FileOutput, Output};

use super::obstacle::Obstacle;

/// Without the containerd image store, the engine's BuildKit can only write to the engine's older
/// store and to files.
const TURN_ON: &str = "enable the containerd image store: set \"features\": \
     {\"containerd-snapshotter\": true} in the engine's daemon.json and restart the engine (in Docker \
     Desktop: Settings, General)";

/// The same for what goes elsewhere than into the engine's store.
fn turn_on(output: &Output) -> String {
    match output {
        Output::Push | Output::File { .. } | Output::Nothing => {
            format!("{TURN_ON}, or use --builder onebuild, which runs BuildKit in a container")
        }
        Output::Store | Output::StoreAndPush | Output::Digest => TURN_ON.to_owned(),
    }
}

/// What `request` needs and this engine, or the form of the output, does not support. In most of these
/// cases BuildKit would ignore it and report success.
pub(crate) fn lacking(request: &BuildRequest, caches: &Caches, facts: &NodeFacts) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let mut lacks = |message: &str, help: String| {
        found.push(Obstacle { message: message.to_owned(), help });
    };
    let form = form(&request.delivery.output);
    if request.recipe.provenance && matches!(form, Form::DockerArchive | Form::Files) {
        let output = match form {
            Form::DockerArchive => "a type=docker archive",
            Form::Files | Form::Nothing | Form::Image => "a root file system",
        };
        lacks(
            &format!("{output} cannot hold provenance"),
            "remove --provenance, or use type=oci".to_owned(),
        );
    }
    let turn_on = turn_on(&request.delivery.output);
    if request.recipe.platforms.len() > 1 && !facts.has(Ability::Platforms) {
        let platforms: Vec<_> = request.recipe.platforms.iter().map(ToString::to_string).collect();
        let (cell, platforms) = (&request.cell, platforms.join(", "));
        lacks(
            &format!("this engine builds one platform at a time, but `{cell}` needs {platforms}"),
            format!("{turn_on}; or build one with --platform"),
        );
    }
    let beyond = match &request.delivery.output {
        Output::Push | Output::StoreAndPush if !facts.has(Ability::Push) => Some("push images"),
        Output::File { .. } if form != Form::Files && !facts.has(Ability::Archives) => {
            Some("write image archives")
        }
        Output::Push
        | Output::StoreAndPush
        | Output::Store
        | Output::Digest
        | Output::Nothing
        | Output::File { .. } => None,
    };
    if let Some(what) = beyond {
        lacks(&format!("this engine's BuildKit cannot {what}"), turn_on.clone());
    }
    if caches.to.iter().any(|cache| cache.kind != "inline") && !facts.has(Ability::Caches) {
        lacks(
            "this engine can write only the inline cache",
            format!("{turn_on}; or use --cache-to type=inline"),
        );
    }
    let mut contexts = request.recipe.inputs.contexts.values();
    let has_layout = contexts.any(|context| matches!(context, NamedContext::Layout(_)));
    if has_layout && !facts.has(Ability::Layouts) {
        lacks(
            "this engine cannot use an image in a directory (oci-layout://) as a context",
            format!("{turn_on}; or push the image, and name it as docker-image://REF"),
        );
    }
    let is_image = !matches!(form, Form::Files | Form::Nothing);
    if is_annotated(request) && is_image && !facts.has(Ability::Annotations) {
        lacks(
            "this engine cannot add annotations to images",
            format!("{turn_on}; or remove the annotations"),
        );
    }
    if request.recipe.provenance && form == Form::Image && !facts.has(Ability::Attestations) {
        lacks(
            "this engine cannot add provenance to images",
            format!("{turn_on}; or remove --provenance"),
        );
    }
    found
}

/// What `request` needs and the store of this Docker Engine, into which a buildkitd's images are loaded, does
/// not support.
pub(crate) fn unloadable(request: &BuildRequest, docker: &NodeFacts) -> Vec<Obstacle> {
    let is_stored = matches!(request.delivery.output, Output::Store | Output::StoreAndPush);
    if docker.store != Store::Docker || !is_stored {
        return Vec::new();
    }
    let (engine, cell) = (docker.name(), &request.cell);
    let mut found = Vec::new();
    let mut lacks = |message: String, other: &str| {
        let help = format!("{TURN_ON}; or {other}, or send the image elsewhere: --push, --output");
        found.push(Obstacle { message, help });
    };
    if let platforms @ [_, _, ..] = &request.recipe.platforms[..] {
        let platforms: Vec<_> = platforms.iter().map(ToString::to_string).collect();
        let platforms = platforms.join(", ");
        lacks(
            format!("{engine} stores one platform of an image, but `{cell}` needs {platforms}"),
            "build one with --platform",
        );
    }
    if is_annotated(request) {
        lacks(format!("{engine} cannot store the annotations of `{cell}`"), "remove them");
    }
    if request.recipe.provenance {
        lacks(format!("{engine} cannot store the provenance of `{cell}`"), "remove --provenance");
    }
    found
}

/// Whether the image gets annotations. The one for the digest of a base is added later.
pub(crate) fn is_annotated(request: &BuildRequest) -> bool {
    !request.recipe.inputs.annotations.is_empty()
        || request.recipe.pin.as_ref().is_some_and(|pin| pin.annotations)
}

/// The image digest in the answer to a solve, or `None` if the output has only files. A missing digest
/// is a failure even if BuildKit reports success.
pub(crate) fn named_image(
    output: &Output,
    answered: Option<&str>,
) -> Result<Option<Digest>, Box<Failure>> {
    if matches!(form(output), Form::Files | Form::Nothing) {
        return Ok(None);
    }
    let said = match answered.map(str::parse) {
        Some(Ok(digest)) => return Ok(Some(digest)),
        Some(Err(_)) => "an invalid image digest",
        None => "no image digest",
    };
    let help = "the engine may have dropped the output: check its log, or select another engine with \
                --host";
    Err(Box::new(Failure {
        message: format!("the engine reported success but returned {said}"),
        help: Some(help.to_owned()),
        ..Failure::default()
    }))
}

/// What an output can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// An image with its index: attestations, annotations, several platforms.
    Image,
    /// One manifest, without attestations.
    DockerArchive,
    /// Only files: no configuration, so no labels either.
    Files,
    /// Nothing at all.
    Nothing,
}

/// What `output` can hold.
pub(crate) fn form(output: &Output) -> Form {
    match output {
        Output::Store | Output::Push | Output::StoreAndPush | Output::Digest => Form::Image,
        Output::Nothing => Form::Nothing,
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
    fn an_answer_without_an_image_digest_is_a_failure() {
        use FileOutput::{Docker, Local, Oci, Tar};
        let digest = Digest::of(b"1");
        let file = |kind| Output::File { kind, dest: "x".into() };
        let images = [Output::Store, Output::Push, Output::StoreAndPush, file(Oci), file(Docker)];
        for output in images {
            let found = named_image(&output, Some(&digest.to_string())).unwrap();
            assert_eq!(found.as_ref(), Some(&digest));
            for answered in [None, Some(""), Some("sha256:1")] {
                let failure = named_image(&output, answered).unwrap_err();
                assert!(failure.message.contains("image digest"), "{failure:?}");
            }
        }
        for output in [file(Tar), file(Local)] {
            assert_eq!(named_image(&output, None).unwrap(), None);
        }
    }

    #[test]
    fn the_builder_onebuild_is_named_where_it_helps() {
        for (output, helps) in [
            (Output::Push, true),
            (Output::File { kind: FileOutput::Oci, dest: "x".into() }, true),
            (Output::Store, false),
            (Output::StoreAndPush, false),
        ] {
            let mut request = request();
            request.recipe.platforms =
                ["linux/amd64", "linux/arm64"].map(|name| name.parse().unwrap()).to_vec();
            request.delivery.output = output.clone();
            let facts = super::super::samples::facts(false);
            let lacking = lacking(&request, &request.policy.caches, &facts);
            let named = |one: &Obstacle| one.help.contains("or use --builder onebuild");
            assert!(lacking.iter().all(|one| named(one) == helps), "{output:?}: {lacking:?}");
        }
    }

    #[test]
    fn a_request_that_needs_unsupported_features_is_rejected() {
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
        // What is rejected with the older store, and what with the newer one.
        for (request, older, newer) in [
            (request(), "", ""),
            (cached("type=inline"), "", ""),
            (cached("r.example/a:b"), "only the inline cache", ""),
            (cached("type=local,dest=x"), "only the inline cache", ""),
            (cached("type=gha"), "only the inline cache", ""),
            (several, "one platform at a time, but `v1` needs linux/amd64, linux/arm64", ""),
            (with(&Output::Push, false), "cannot push", ""),
            (with(&Output::StoreAndPush, false), "cannot push", ""),
            (with(&file(Oci), false), "cannot write image archives", ""),
            (with(&file(Docker), false), "cannot write image archives", ""),
            (with(&file(Tar), false), "", ""),
            (annotated(Output::Store), "cannot add annotations", ""),
            (annotated(Output::Push), "cannot add annotations", ""),
            (annotated(Output::StoreAndPush), "cannot add annotations", ""),
            (annotated(file(Oci)), "cannot add annotations", ""),
            (annotated(file(Docker)), "cannot add annotations", ""),
            (annotated(file(Tar)), "", ""),
            (annotated(file(Local)), "", ""),
            (proven(Output::Store), "cannot add provenance", ""),
            (proven(Output::Push), "cannot add provenance", ""),
            (proven(Output::StoreAndPush), "cannot add provenance", ""),
            (proven(file(Oci)), "cannot add provenance", ""),
            (
                proven(file(Docker)),
                "archive cannot hold provenance",
                "archive cannot hold provenance",
            ),
            (
                proven(file(Tar)),
                "file system cannot hold provenance",
                "system cannot hold provenance",
            ),
            (
                proven(file(Local)),
                "file system cannot hold provenance",
                "system cannot hold provenance",
            ),
        ] {
            for (containerd_store, wanted) in [(false, older), (true, newer)] {
                let facts = super::super::samples::facts(containerd_store);
                let given = lacking(&request, &request.policy.caches, &facts);
                let given: Vec<_> = given.into_iter().map(|obstacle| obstacle.message).collect();
                let is_reported = given.iter().any(|message| message.contains(wanted));
                assert_eq!(is_reported, !wanted.is_empty(), "{wanted}: {given:?}");
                assert_eq!(given.is_empty(), wanted.is_empty(), "{given:?}");
            }
        }
    }
}
