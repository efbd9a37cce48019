//! What would stop every build, found out before any is started.

use std::collections::BTreeSet;

use crate::docker::EngineFacts;
use crate::image::Platform;
use crate::plan::BuildRequest;

/// Something that the engine cannot do and a request wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What is in the way.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

/// What of `requests` an engine with these facts and platforms cannot build. Pure.
pub fn preflight(
    requests: &[BuildRequest],
    facts: &EngineFacts,
    platforms: &[Platform],
) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    let several = requests.iter().find(|request| request.platforms.len() > 1);
    if let Some(request) = several.filter(|_| !facts.containerd_store) {
        obstacles.push(Obstacle {
            message: format!(
                "this engine builds one platform at a time, and `{}` wants {}",
                request.cell,
                list(&request.platforms)
            ),
            help: "turn on the containerd image store: put \"features\": \
                   {\"containerd-snapshotter\": true} into the engine's daemon.json and restart it \
                   (in Docker Desktop: Settings, General); or build one with --platform"
                .to_owned(),
        });
    }
    let wanted: BTreeSet<&Platform> = requests.iter().flat_map(|r| &r.platforms).collect();
    let missing: Vec<&Platform> = wanted.into_iter().filter(|p| !platforms.contains(p)).collect();
    if !missing.is_empty() {
        obstacles.push(Obstacle {
            message: format!(
                "this engine cannot run {}; it runs {}",
                list(&missing),
                list(platforms)
            ),
            help: "register QEMU on the engine's machine (Debian and Ubuntu: apt-get install \
                   qemu-user-static binfmt-support), or leave the platform out with --platform"
                .to_owned(),
        });
    }
    obstacles
}

fn list<T: ToString>(platforms: &[T]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
