//! Translates a recipe for BuildKit's Dockerfile frontend and exporters. Pure.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::buildkit::{Exporter, Solve};
use crate::image::short_name;
use crate::input::{
    ByteSize, Cache, HostAddresses, MediaTypes, NamedContext, Network, RunSettings,
};
use crate::plan::{FileOutput, Output, Recipe};

use super::options::{IntoStore, SolveOptions};
use crate::driver::caches;
use crate::driver::environment::Environment;

/// What a session offers to one build, under the names in the session.
pub(crate) struct Offered<'a> {
    pub(crate) session: &'a str,
    /// The Dockerfile.
    pub(crate) filename: &'a str,
    /// Named contexts on this machine, by their names.
    pub(crate) contexts: HashMap<&'a str, String>,
    /// Caches; those in directories under the names that BuildKit uses.
    pub(crate) cache_from: &'a [Cache],
    pub(crate) cache_to: &'a [Cache],
    /// The address of the engine's machine as containers see it, if the request needs it.
    pub(crate) gateway: Option<IpAddr>,
}

/// The solve of `recipe`.
pub(crate) fn solve(
    recipe: &Recipe,
    options: &SolveOptions<'_>,
    offered: &Offered<'_>,
    environment: Environment,
) -> Solve {
    let mut attributes = HashMap::from([
        ("filename".to_owned(), offered.filename.to_owned()),
        ("platform".to_owned(), join(&recipe.platforms)),
    ]);
    let prefixed = |prefix: &'static str| {
        move |(key, value): (&Arc<str>, &Arc<str>)| (format!("{prefix}{key}"), value.to_string())
    };
    attributes.extend(recipe.inputs.args.iter().map(prefixed("build-arg:")));
    let others = recipe.inputs.args.keys().map(|name| &**name);
    attributes.extend(
        options
            .proxies
            .build_args(others)
            .map(|(name, value)| (format!("build-arg:{name}"), value.to_owned())),
    );
    attributes.extend(recipe.inputs.labels.iter().map(prefixed("label:")));
    attributes.extend(recipe.inputs.bases.iter().map(|(name, base)| {
        (format!("context:{}", short_name(name)), format!("docker-image://{base}"))
    }));
    attributes.extend(recipe.inputs.contexts.iter().filter_map(|(name, context)| {
        let value = match context {
            NamedContext::Image(image) => format!("docker-image://{image}"),
            NamedContext::Folder(_) | NamedContext::Layout(_) => {
                offered.contexts.get(&**name)?.clone()
            }
            NamedContext::Url(url) => url.clone(),
        };
        Some((format!("context:{}", short_name(name)), value))
    }));
    let mut set = |key: &str, value: &str| attributes.insert(key.to_owned(), value.to_owned());
    if !recipe.inputs.bases.is_empty() || !recipe.inputs.contexts.is_empty() {
        // A frontend of `# syntax=` that does not support named contexts then fails instead of
        // ignoring them.
        set("frontend.caps", "moby.buildkit.frontend.contexts+forward");
    }
    if let Some(imports) = caches::imports(offered.cache_from, environment) {
        set("cache-imports", &imports);
    }
    if let Some(target) = &recipe.inputs.target {
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
    let network = recipe.inputs.network.unwrap_or_default();
    if network == Network::Host || recipe.privileges.network_host.is_some() {
        entitlements.push("network.host".to_owned());
    }
    if recipe.privileges.insecure.is_some() {
        entitlements.push("security.insecure".to_owned());
    }
    match network {
        Network::Default => {}
        Network::None => {
            set("force-network-mode", "none");
        }
        Network::Host => {
            set("force-network-mode", "host");
        }
    }
    let run = &recipe.inputs.run;
    if let Some(ByteSize(bytes)) = run.shm_size.filter(|size| size.0 > 0) {
        set("shm-size", &bytes.to_string());
    }
    if !run.ulimits.is_empty() {
        let limits = run.ulimits.iter().map(|(name, limit)| format!("{name}={limit}"));
        set("ulimit", &limits.collect::<Vec<_>>().join(","));
    }
    if let Some(parent) = &run.cgroup_parent {
        set("cgroup-parent", parent);
    }
    if !run.add_hosts.is_empty() {
        set("add-hosts", &hosts(run, offered.gateway));
    }
    if options.provenance {
        set("attest:provenance", "mode=min,inline-only=true");
    }
    Solve {
        session: offered.session.to_owned(),
        attributes,
        exporters: exporters(recipe, options),
        cache_exports: caches::exports(offered.cache_to, environment),
        entitlements,
        internal: !options.history,
    }
}

/// `NAME=IP,NAME=IP`. `gateway` is the address of the engine's machine, if a name needs it.
fn hosts(run: &RunSettings, gateway: Option<IpAddr>) -> String {
    let mut found = Vec::new();
    for (name, addresses) in &run.add_hosts {
        let addresses = match addresses {
            HostAddresses::Gateway => gateway.as_slice(),
            HostAddresses::Known(known) => known.as_slice(),
        };
        found.extend(addresses.iter().map(|address| format!("{name}={address}")));
    }
    found.join(",")
}

/// Kind and attributes of the exporters.
type Kinds = &'static [(&'static str, &'static [(&'static str, &'static str)])];

/// Straight from BuildKit's own content to the registry: no image in a store.
const PUSHED: (&str, &[(&str, &str)]) = ("image", &[("push", "true"), ("store", "false")]);

fn kinds(output: &Output, into_store: IntoStore) -> Kinds {
    match (output, into_store) {
        // Like `docker buildx`: unpacks into the engine's store, then pushes.
        (Output::Store, IntoStore::Itself) => &[("moby", &[])],
        (Output::StoreAndPush, IntoStore::Itself) => &[("moby", &[("push", "true")])],
        // A buildkitd has no store of its own: the archive comes back, and is loaded.
        (Output::Store, IntoStore::OciArchive) => &[("oci", &[])],
        (Output::Store, IntoStore::DockerArchive) => &[("docker", &[])],
        (Output::StoreAndPush, IntoStore::OciArchive) => &[PUSHED, ("oci", &[])],
        (Output::StoreAndPush, IntoStore::DockerArchive) => &[PUSHED, ("docker", &[])],
        (Output::Push, _) => &[PUSHED],
        (Output::Digest, _) => &[("image", &[("push", "false"), ("store", "false")])],
        (Output::Nothing, _) => &[],
        (Output::File { kind, .. }, _) => match kind {
            FileOutput::Oci => &[("oci", &[])],
            FileOutput::Docker => &[("docker", &[])],
            FileOutput::Tar => &[("tar", &[])],
            FileOutput::Local => &[("local", &[])],
        },
    }
}

fn exporters(recipe: &Recipe, options: &SolveOptions<'_>) -> Vec<Exporter> {
    let kinds = kinds(&options.delivery.output, options.into_store);
    kinds.iter().map(|(kind, flags)| exporter(kind, flags, recipe, options)).collect()
}

fn exporter(
    kind: &'static str,
    flags: &[(&str, &str)],
    recipe: &Recipe,
    options: &SolveOptions<'_>,
) -> Exporter {
    let is_file = matches!(options.delivery.output, Output::File { .. });
    let mut attributes: HashMap<String, String> =
        flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    if matches!(kind, "moby" | "image" | "docker") || (kind == "oci" && !is_file) {
        // Engines have different defaults. Docker's types are also unsafe with registries that convert
        // an index for clients that accept those types: the engine then assumes that the tag is already
        // pushed, and does not move it.
        let is_oci = recipe.media_types == MediaTypes::Oci;
        attributes.insert("oci-mediatypes".to_owned(), is_oci.to_string());
    }
    if !matches!(kind, "tar" | "local") {
        attributes.insert("name".to_owned(), join(&options.delivery.references));
        attributes.extend(annotations(recipe, options));
    }
    Exporter { kind, attributes }
}

/// The annotations as exporter attributes: for each manifest, and for the index if there is one, so that
/// registries and users find them in both.
///
/// Source: <https://github.com/moby/buildkit/blob/master/docs/annotations.md>
fn annotations(
    recipe: &Recipe,
    options: &SolveOptions<'_>,
) -> impl Iterator<Item = (String, String)> {
    // A single platform has an index only with an attestation.
    let has_index = recipe.platforms.len() > 1 || options.provenance;
    let places: &[&str] =
        if has_index { &["annotation-manifest", "annotation-index"] } else { &["annotation"] };
    recipe.inputs.annotations.iter().flat_map(move |(key, value)| {
        places.iter().map(move |place| (format!("{place}.{key}"), value.to_string()))
    })
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::docker::DockerConfig;
    use crate::driver::samples::request;
    use crate::plan::BuildRequest;

    fn solved(request: &BuildRequest) -> Solve {
        let contexts = HashMap::from([("directory", "local:folder-1".to_owned())]);
        let (cache_from, cache_to) = (&request.policy.caches.from, &request.policy.caches.to);
        let filename = "v1.Dockerfile";
        let gateway = Some("172.17.0.1".parse().unwrap());
        let offered = Offered { session: "s", filename, contexts, cache_from, cache_to, gateway };
        solve(&request.recipe, &SolveOptions::of(request), &offered, |_| None)
    }

    #[test]
    fn a_minimal_request_sets_only_required_attributes() {
        let Solve { attributes, exporters, cache_exports, entitlements, .. } = solved(&request());
        let mut attributes: Vec<_> = attributes.into_iter().collect();
        attributes.sort();
        let wanted = [("filename", "v1.Dockerfile"), ("platform", "linux/amd64")];
        assert_eq!(attributes, wanted.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!((exporters.len(), cache_exports.len(), entitlements.len()), (1, 0, 0));
    }

    #[test]
    fn contexts_use_the_short_names_of_images() {
        let mut request = request();
        request.recipe.inputs.bases =
            [("nothing:1".to_owned(), "r.example/b:1".parse().unwrap())].into();
        let contexts = [
            ("docker.io/library/base:latest", NamedContext::Image("r.example/c".parse().unwrap())),
            ("directory", NamedContext::Folder("x".into())),
            ("git", NamedContext::Url("https://x.example/a.git#v1".to_owned())),
        ];
        request.recipe.inputs.contexts =
            contexts.map(|(name, context)| (name.to_owned(), context)).into();
        let attributes = solved(&request).attributes;
        for (key, value) in [
            ("context:nothing:1", "docker-image://r.example/b:1"),
            ("context:base", "docker-image://r.example/c"),
            ("context:directory", "local:folder-1"),
            ("context:git", "https://x.example/a.git#v1"),
            ("frontend.caps", "moby.buildkit.frontend.contexts+forward"),
        ] {
            assert_eq!(attributes.get(key).map(String::as_str), Some(value), "{key}");
        }
    }

    #[test]
    fn proxies_of_docker_are_arguments_unless_the_request_has_them() {
        let config = br#"{"proxies": {"default": {"httpProxy": "http://p", "noProxy": "n"}}}"#;
        let config = DockerConfig::parse(Path::new("config.json"), config).unwrap();
        let mut request = request();
        request.recipe.inputs.args = [("no_proxy".into(), "mine".into())].into();
        let proxies = Arc::new(config.proxies(None));
        let options = SolveOptions { proxies, ..SolveOptions::of(&request) };
        let (filename, contexts) = ("Dockerfile", HashMap::new());
        let offered = Offered {
            session: "s",
            filename,
            contexts,
            cache_from: &[],
            cache_to: &[],
            gateway: None,
        };
        let solve = solve(&request.recipe, &options, &offered, |_| None);
        let mut found: Vec<_> =
            solve.attributes.iter().filter(|(key, _)| key.starts_with("build-arg:")).collect();
        found.sort();
        let [first, second] = found[..] else { panic!("{found:?}") };
        assert_eq!((&**first.0, &**first.1), ("build-arg:HTTP_PROXY", "http://p"));
        assert_eq!((&**second.0, &**second.1), ("build-arg:no_proxy", "mine"));
    }

    #[test]
    fn only_a_network_that_is_not_the_default_is_set() {
        for (own, mode) in [
            (None, None),
            (Some(Network::Default), None),
            (Some(Network::None), Some("none")),
            (Some(Network::Host), Some("host")),
        ] {
            let mut request = request();
            request.recipe.inputs.network = own;
            let solve = solved(&request);
            let found = solve.attributes.get("force-network-mode").map(String::as_str);
            assert_eq!(found, mode, "{own:?}");
            // The entitlement is requested only with the host network.
            assert_eq!(!solve.entitlements.is_empty(), mode == Some("host"));
        }
    }

    #[test]
    fn the_settings_of_steps_have_the_names_of_the_frontend() {
        let mut request = request();
        request.recipe.inputs.run = RunSettings {
            shm_size: Some("64m".parse().unwrap()),
            ulimits: [("nofile", "1024:2048"), ("core", "0")]
                .map(|(name, limit)| (name.to_owned(), limit.parse().unwrap()))
                .into(),
            cgroup_parent: Some("/builds".into()),
            add_hosts: [("db", "10.0.0.1,::1"), ("engine", "host-gateway")]
                .map(|(name, addresses)| (name.to_owned(), addresses.parse().unwrap()))
                .into(),
        };
        let attributes = solved(&request).attributes;
        for (key, value) in [
            ("shm-size", "67108864"),
            ("ulimit", "core=0:0,nofile=1024:2048"),
            ("cgroup-parent", "/builds"),
            ("add-hosts", "db=10.0.0.1,db=::1,engine=172.17.0.1"),
        ] {
            assert_eq!(attributes.get(key).map(String::as_str), Some(value), "{key}");
        }
    }

    #[test]
    fn the_media_types_are_set_for_every_image() {
        let file = |kind| Output::File { kind, dest: "x".into() };
        for (output, is_set) in [
            (Output::Store, true),
            (Output::Push, true),
            (Output::StoreAndPush, true),
            (Output::Digest, true),
            (file(FileOutput::Docker), true),
            // OCI archives always have OCI types; the others have no media types.
            (file(FileOutput::Oci), false),
            (file(FileOutput::Tar), false),
            (file(FileOutput::Local), false),
        ] {
            for (media_types, value) in [(MediaTypes::Oci, "true"), (MediaTypes::Docker, "false")] {
                let mut request = request();
                request.recipe.media_types = media_types;
                request.delivery.output = output.clone();
                let attributes = solved(&request).exporters.remove(0).attributes;
                let found = attributes.get("oci-mediatypes").map(String::as_str);
                assert_eq!(found, is_set.then_some(value), "{output:?}");
            }
        }
    }

    #[test]
    fn an_image_of_a_buildkitd_comes_back_as_an_archive_for_the_store() {
        for (output, into_store, wanted) in [
            (Output::Store, IntoStore::Itself, &["moby"][..]),
            (Output::Store, IntoStore::OciArchive, &["oci"]),
            (Output::Store, IntoStore::DockerArchive, &["docker"]),
            (Output::StoreAndPush, IntoStore::Itself, &["moby push=true"]),
            (Output::StoreAndPush, IntoStore::OciArchive, &["image push=true store=false", "oci"]),
            (
                Output::StoreAndPush,
                IntoStore::DockerArchive,
                &["image push=true store=false", "docker"],
            ),
            (Output::Push, IntoStore::OciArchive, &["image push=true store=false"]),
            (Output::Digest, IntoStore::DockerArchive, &["image push=false store=false"]),
            (Output::Nothing, IntoStore::OciArchive, &[]),
        ] {
            let mut request = request();
            request.recipe.media_types = MediaTypes::Docker;
            request.delivery.output = output;
            let options = SolveOptions { into_store, ..SolveOptions::of(&request) };
            let found = exporters(&request.recipe, &options);
            let shown = |Exporter { kind, attributes }: &Exporter| {
                // The digest in the store is that in the registry.
                assert_eq!(attributes["oci-mediatypes"], "false", "{kind}");
                assert_eq!(attributes["name"], "r.example/a:v1", "{kind}");
                let set = |key: &str| Some(format!(" {key}={}", attributes.get(key)?));
                let set = ["push", "store"].into_iter().filter_map(set);
                std::iter::once((*kind).to_owned()).chain(set).collect::<String>()
            };
            assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), wanted);
        }
    }

    #[test]
    fn a_build_that_keeps_nothing_has_no_exporter() {
        let mut request = request();
        request.recipe.inputs.annotations = [("a.b".into(), "c".into())].into();
        request.delivery.output = Output::Nothing;
        assert!(solved(&request).exporters.is_empty());
    }

    #[test]
    fn annotations_are_also_set_on_an_index() {
        let annotated = |platforms: &[&str], provenance: bool, output: Output| {
            let mut request = request();
            request.recipe.platforms = platforms.iter().map(|text| text.parse().unwrap()).collect();
            request.recipe.inputs.annotations = [("a.b".into(), "c".into())].into();
            request.recipe.provenance = provenance;
            request.delivery.output = output;
            let attributes = solved(&request).exporters.remove(0).attributes;
            let mut keys: Vec<_> =
                attributes.into_keys().filter(|k| k.starts_with("ann")).collect();
            keys.sort();
            keys
        };
        let both = ["annotation-index.a.b", "annotation-manifest.a.b"];
        let (one, two) = (["linux/amd64"], ["linux/amd64", "linux/arm64"]);
        assert_eq!(annotated(&one, false, Output::Push), ["annotation.a.b"]);
        assert_eq!(annotated(&one, true, Output::Push), both);
        assert_eq!(annotated(&two, false, Output::Store), both);
        let tar = Output::File { kind: FileOutput::Tar, dest: "x".into() };
        assert_eq!(annotated(&two, false, tar), [] as [&str; 0]);
    }

    #[test]
    fn imports_go_to_the_frontend_and_exports_to_the_solve() {
        let mut request = request();
        request.policy.caches.from = Cache::parse("r.example/c:1").unwrap();
        request.policy.caches.to = Cache::parse("type=inline").unwrap();
        let solve = solved(&request);
        assert!(solve.attributes["cache-imports"].contains("r.example/c:1"));
        assert_eq!(solve.cache_exports[0].kind, "inline");
    }
}
