//! A build request in the terms of BuildKit's Dockerfile frontend and exporters. Pure.

use std::collections::HashMap;

use crate::buildkit::{Exporter, Solve};
use crate::image::Reference;
use crate::plan::{BuildRequest, FileOutput, NamedContext, Network, Output};

use super::caches;
use super::machine::Environment;

/// What a session offers to one build, under the names that it is offered by.
pub(super) struct Offered<'a> {
    pub(super) session: &'a str,
    /// The Dockerfile.
    pub(super) filename: &'a str,
    /// Of each named context that is a folder.
    pub(super) folders: HashMap<&'a str, String>,
}

/// The solve of `request`.
pub(super) fn solve(
    request: &BuildRequest,
    offered: &Offered<'_>,
    environment: Environment,
) -> Solve {
    let options = &request.options;
    let mut attributes = HashMap::from([
        ("filename".to_owned(), offered.filename.to_owned()),
        ("platform".to_owned(), join(&request.platforms)),
    ]);
    let prefixed = |prefix: &'static str| {
        move |(key, value): (&String, &String)| (format!("{prefix}{key}"), value.clone())
    };
    attributes.extend(request.args.iter().map(prefixed("build-arg:")));
    attributes.extend(request.labels.iter().map(prefixed("label:")));
    attributes.extend(request.bases.iter().map(|(name, base)| {
        (format!("context:{}", context_name(name)), format!("docker-image://{base}"))
    }));
    attributes.extend(request.contexts.iter().filter_map(|(name, context)| {
        let value = match context {
            NamedContext::Image(image) => format!("docker-image://{image}"),
            NamedContext::Folder(_) => format!("local:{}", offered.folders.get(&**name)?),
            NamedContext::Url(url) => url.clone(),
        };
        Some((format!("context:{}", context_name(name)), value))
    }));
    let mut set = |key: &str, value: &str| attributes.insert(key.to_owned(), value.to_owned());
    if !request.bases.is_empty() || !request.contexts.is_empty() {
        // A frontend of `# syntax=` that knows nothing of named contexts says so, and does not
        // build something else.
        set("frontend.caps", "moby.buildkit.frontend.contexts+forward");
    }
    if let Some(imports) = caches::imports(&request.cache_from, environment) {
        set("cache-imports", &imports);
    }
    if let Some(target) = &request.target {
        set("target", target);
    }
    if options.no_cache {
        // Empty means every stage.
        set("no-cache", "");
    }
    if options.pull {
        set("image-resolve-mode", "pull");
    }
    let mut entitlements = Vec::new();
    match request.network.unwrap_or(options.network) {
        Network::Default => {}
        Network::None => {
            set("force-network-mode", "none");
        }
        Network::Host => {
            set("force-network-mode", "host");
            entitlements.push("network.host".to_owned());
        }
    }
    if options.provenance {
        set("attest:provenance", "mode=min,inline-only=true");
    }
    Solve {
        session: offered.session.to_owned(),
        attributes,
        exporters: vec![exporter(request)],
        cache_exports: caches::exports(&request.cache_to, environment),
        entitlements,
        internal: !options.history,
    }
}

/// The name under which the frontend looks for a replacement of the image `name`: the short form
/// that people write, without the tag that is understood.
///
/// Source: <https://github.com/moby/buildkit/blob/master/frontend/dockerui/namedcontext.go>
fn context_name(name: &str) -> String {
    let familiar = match name.parse::<Reference>() {
        Ok(reference) => reference.familiar(),
        Err(_) => name.to_owned(),
    };
    familiar.strip_suffix(":latest").map(str::to_owned).unwrap_or(familiar)
}

fn exporter(request: &BuildRequest) -> Exporter {
    let (kind, flags): (_, &[(&str, &str)]) = match &request.options.output {
        // What `docker buildx` uses too: unpacks into the engine's store, then pushes.
        Output::Store => ("moby", &[]),
        Output::StoreAndPush => ("moby", &[("push", "true")]),
        // Straight from BuildKit's own content to the registry: no image in the engine's store.
        Output::Push => ("image", &[("push", "true"), ("store", "false")]),
        Output::File { kind, .. } => match kind {
            FileOutput::Oci => ("oci", &[]),
            FileOutput::Docker => ("docker", &[]),
            FileOutput::Tar => ("tar", &[]),
            FileOutput::Local => ("local", &[]),
        },
    };
    let mut attributes: HashMap<String, String> =
        flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    if !matches!(kind, "tar" | "local") {
        attributes.insert("name".to_owned(), join(&request.references));
        attributes.extend(annotations(request));
    }
    Exporter { kind, attributes }
}

/// The annotations as attributes of an exporter: of each manifest, and of the index if there is one,
/// so that they are found wherever a registry or a person looks.
///
/// Source: <https://github.com/moby/buildkit/blob/master/docs/annotations.md>
fn annotations(request: &BuildRequest) -> impl Iterator<Item = (String, String)> {
    // A single platform has no index, unless an attestation stands beside its manifest.
    let has_index = request.platforms.len() > 1 || request.options.provenance;
    let places: &[&str] =
        if has_index { &["annotation-manifest", "annotation-index"] } else { &["annotation"] };
    request.annotations.iter().flat_map(move |(key, value)| {
        places.iter().map(move |place| (format!("{place}.{key}"), value.clone()))
    })
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
