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
    if !facts.containerd_store
        && requests.iter().any(|request| request.cache_to.iter().any(|c| c.kind != "inline"))
    {
        obstacles.push(Obstacle {
            message: "this engine writes no cache but the inline one".to_owned(),
            help: format!("{TURN_ON}, or write --cache-to type=inline"),
        });
    }
    if !facts.containerd_store && requests.iter().any(|request| !request.annotations.is_empty()) {
        obstacles.push(Obstacle {
            message: "this engine's images have no annotations".to_owned(),
            help: format!("{TURN_ON}, or leave the annotations out"),
        });
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
        Output::Store | Output::File { .. } => None,
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

fn list<T: ToString>(platforms: &[T]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
