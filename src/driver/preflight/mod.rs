//! Checks for what would stop every build, before any build starts.

pub(crate) mod access;
pub(crate) mod local;

use std::collections::BTreeSet;

use crate::docker::EngineFacts;
use crate::image::Platform;
use crate::plan::BuildRequest;

use super::caches::idle::IdleCaches;
use super::obstacle::Obstacle;
use super::{caches, capabilities};

/// The parts of `requests` that an engine with these facts and platforms cannot build. The caches in
/// `idle` need no support. Pure.
pub(crate) fn preflight(
    requests: &[BuildRequest],
    idle: &IdleCaches,
    facts: &EngineFacts,
    platforms: &[Platform],
) -> Vec<Obstacle> {
    let mut obstacles: Vec<Obstacle> =
        requests.iter().find_map(caches::obstacles).into_iter().collect();
    for obstacle in requests
        .iter()
        .flat_map(|request| capabilities::lacking(request, &idle.without(request), facts))
    {
        // Each kind is reported once, for the first cell that has it.
        if !obstacles.iter().any(|known| known.help == obstacle.help) {
            obstacles.push(obstacle);
        }
    }
    let wanted: BTreeSet<&Platform> = requests.iter().flat_map(|r| &r.recipe.platforms).collect();
    let missing: Vec<&Platform> = wanted.into_iter().filter(|p| !platforms.contains(p)).collect();
    if !missing.is_empty() {
        obstacles.push(Obstacle {
            message: format!(
                "this engine cannot run {}; it runs {}",
                list(&missing),
                list(&known(platforms))
            ),
            help: "register QEMU on the engine's machine (Debian and Ubuntu: apt-get install \
                   qemu-user-static binfmt-support), or select other platforms with --platform"
                .to_owned(),
        });
    }
    obstacles
}

/// Without variants, such as linux/amd64/v3, of platforms that are listed themselves.
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

#[cfg(test)]
mod tests {
    use super::super::samples::{facts, request};
    use super::*;
    use crate::input::Cache;
    use crate::plan::{FileOutput, Output};

    #[test]
    fn what_only_the_containerd_store_supports_is_reported_before_a_build() {
        let reported = |request: &BuildRequest, containerd_store: bool| {
            let (idle, facts) = (IdleCaches::default(), facts(containerd_store));
            let platforms = ["linux/amd64", "linux/arm64"].map(|name| name.parse().unwrap());
            let obstacles = preflight(std::slice::from_ref(request), &idle, &facts, &platforms);
            obstacles.into_iter().map(|obstacle| obstacle.message).collect::<Vec<_>>().join("; ")
        };
        let with = |change: &dyn Fn(&mut BuildRequest)| {
            let mut request = request();
            change(&mut request);
            request
        };
        let into = |output: Output| with(&|request| request.delivery.output = output.clone());
        let file = |kind| into(Output::File { kind, dest: "x".into() });
        let both = ["linux/amd64", "linux/arm64"].map(|name| name.parse().unwrap());
        let on =
            |platforms: &[Platform]| with(&|request| request.recipe.platforms = platforms.into());
        let proven = with(&|request| request.recipe.provenance = true);
        let to = Cache::parse("type=local,src=x").unwrap();
        let nowhere = with(&|request| request.policy.caches.to = to.clone());
        for (request, older, newer) in [
            (request(), "", ""),
            (on(&both), "one platform at a time", ""),
            (into(Output::Push), "cannot push", ""),
            (into(Output::StoreAndPush), "cannot push", ""),
            (file(FileOutput::Oci), "cannot write image archives", ""),
            (file(FileOutput::Docker), "cannot write image archives", ""),
            (file(FileOutput::Tar), "", ""),
            (file(FileOutput::Local), "", ""),
            (proven, "cannot add provenance", ""),
            (nowhere, "needs `dest`", "needs `dest`"),
            (
                on(&["linux/s390x".parse().unwrap()]),
                "cannot run linux/s390x",
                "cannot run linux/s390x",
            ),
        ] {
            for (store, wanted) in [(false, older), (true, newer)] {
                let given = reported(&request, store);
                assert!(given.contains(wanted), "{given}, not {wanted}");
                assert_eq!(given.is_empty(), wanted.is_empty(), "{given}");
            }
        }
    }
}
