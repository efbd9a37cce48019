//! What would stop every build, found out before any is started.

use std::collections::BTreeSet;

use crate::docker::EngineFacts;
use crate::image::Platform;
use crate::plan::{BuildRequest, FileOutput, Output};

use super::caches;

/// Something that the engine cannot do and a request wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What is in the way.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

/// Without that store the engine's BuildKit exports into the engine's older store, and files.
const TURN_ON: &str = "turn on the containerd image store: put \"features\": \
     {\"containerd-snapshotter\": true} into the engine's daemon.json and restart it (in Docker \
     Desktop: Settings, General)";

/// What of `requests` an engine with these facts and platforms cannot build. Pure.
pub fn preflight(
    requests: &[BuildRequest],
    facts: &EngineFacts,
    platforms: &[Platform],
) -> Vec<Obstacle> {
    let mut obstacles: Vec<Obstacle> =
        requests.iter().find_map(caches::obstacles).into_iter().collect();
    if !facts.containerd_store {
        obstacles.extend(requests.iter().find_map(beyond_the_older_store));
    }
    let several = requests.iter().find(|request| request.platforms.len() > 1);
    if let Some(request) = several.filter(|_| !facts.containerd_store) {
        obstacles.push(Obstacle {
            message: format!(
                "this engine builds one platform at a time, and `{}` wants {}",
                request.cell,
                list(&request.platforms)
            ),
            help: format!("{TURN_ON}; or build one with --platform"),
        });
    }
    let beyond = requests.iter().find_map(|request| match &request.options.output {
        Output::Push | Output::StoreAndPush => Some("push what it builds"),
        Output::File { kind: FileOutput::Oci | FileOutput::Docker, .. } => {
            Some("write images into archives")
        }
        Output::Store | Output::Nothing | Output::File { .. } => None,
    });
    if let Some(what) = beyond.filter(|_| !facts.containerd_store) {
        obstacles.push(Obstacle {
            message: format!("this engine's own BuildKit cannot {what}"),
            help: TURN_ON.to_owned(),
        });
    }
    let wanted: BTreeSet<&Platform> = requests.iter().flat_map(|r| &r.platforms).collect();
    let missing: Vec<&Platform> = wanted.into_iter().filter(|p| !platforms.contains(p)).collect();
    if !missing.is_empty() {
        obstacles.push(Obstacle {
            message: format!(
                "this engine cannot run {}; it runs {}",
                list(&missing),
                list(&known(platforms))
            ),
            help: "register QEMU on the engine's machine (Debian and Ubuntu: apt-get install \
                   qemu-user-static binfmt-support), or leave the platform out with --platform"
                .to_owned(),
        });
    }
    obstacles
}

/// Without the variants of what is listed itself, such as linux/amd64/v3.
fn known(platforms: &[Platform]) -> Vec<String> {
    let all: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    let is_variant = |name: &str| match name.rsplit_once('/') {
        Some((base, _)) => all.iter().any(|other| other == base),
        None => false,
    };
    all.iter().filter(|name| !is_variant(name)).cloned().collect()
}

/// What of `request` an engine without the containerd image store cannot do, besides platforms.
fn beyond_the_older_store(request: &BuildRequest) -> Option<Obstacle> {
    if request.cache_to.iter().any(|cache| cache.kind != "inline") {
        return Some(Obstacle {
            message: "this engine writes no cache but the inline one".to_owned(),
            help: format!("{TURN_ON}; or write --cache-to type=inline"),
        });
    }
    use FileOutput::{Local, Tar};
    let files = matches!(request.options.output, Output::File { kind: Local | Tar, .. });
    (!request.annotations.is_empty() && !files).then(|| Obstacle {
        message: "this engine gives images no annotations".to_owned(),
        help: format!("{TURN_ON}; or leave the annotations out"),
    })
}

fn list<T: ToString>(platforms: &[T]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::samples::request;
    use super::*;
    use crate::plan::{BuildOptions, Cache};

    #[test]
    fn what_only_the_newer_store_can_do_is_known_beforehand() {
        let told = |request: &BuildRequest, containerd_store: bool| {
            let native: Platform = "linux/amd64".parse().unwrap();
            let facts =
                EngineFacts { version: "28".to_owned(), containerd_store, native: native.clone() };
            let obstacles = preflight(std::slice::from_ref(request), &facts, &[native]);
            obstacles.into_iter().map(|obstacle| obstacle.message).collect::<Vec<_>>().join("; ")
        };
        let cached =
            |spec: &str| BuildRequest { cache_to: Cache::parse(spec).unwrap(), ..request() };
        let annotated = |output: Output| {
            let options = BuildOptions { output, ..BuildOptions::default() };
            let annotations = [("a".to_owned(), "b".to_owned())].into();
            BuildRequest { annotations, options: options.into(), ..request() }
        };
        let tar = Output::File { kind: FileOutput::Tar, dest: "x".into() };
        for (request, older, newer) in [
            (request(), "", ""),
            (cached("type=inline"), "", ""),
            (cached("r.example/a:b"), "no cache but the inline one", ""),
            (cached("type=local,dest=x"), "no cache but the inline one", ""),
            (cached("type=local,src=x"), "lacks its place", "lacks its place"),
            (annotated(Output::Push), "no annotations", ""),
            (annotated(tar), "", ""),
        ] {
            for (store, wanted) in [(false, older), (true, newer)] {
                let given = told(&request, store);
                assert!(given.contains(wanted), "{given}, not {wanted}");
                assert_eq!(given.is_empty(), wanted.is_empty(), "{given}");
            }
        }
    }
}
