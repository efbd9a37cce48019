//! A build request in the terms of BuildKit's Dockerfile frontend and exporters. Pure.

use std::collections::HashMap;

use crate::buildkit::{Exporter, Solve};
use crate::image::Reference;
use crate::plan::{BuildRequest, FileOutput, Network, Output};

/// The solve of `request`, whose Dockerfile the session serves as `filename`.
pub(super) fn solve(request: &BuildRequest, filename: &str, session: &str) -> Solve {
    let options = &request.options;
    let mut attributes = HashMap::from([
        ("filename".to_owned(), filename.to_owned()),
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
    let mut set = |key: &str, value: &str| attributes.insert(key.to_owned(), value.to_owned());
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
    match options.network {
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
        session: session.to_owned(),
        attributes,
        exporters: vec![exporter(&options.output, &request.references)],
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

fn exporter(output: &Output, references: &[Reference]) -> Exporter {
    let (kind, flags): (_, &[(&str, &str)]) = match output {
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
        attributes.insert("name".to_owned(), join(references));
    }
    Exporter { kind, attributes }
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
