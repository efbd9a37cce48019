//! Checks for what would stop every build, before any build starts.

pub(crate) mod access;
pub(crate) mod local;

use std::collections::BTreeSet;

use crate::image::Platform;
use crate::node::{NodeFacts, Store};
use crate::plan::{BuildRequest, RunsOn};

use super::caches::idle::IdleCaches;
use super::obstacle::Obstacle;
use super::{caches, capabilities};

/// The parts of `requests` that an engine with these facts cannot build. The caches in
/// `idle` need no support. `beside` are the facts of the Docker Engine beside a buildkitd. Pure.
pub(crate) fn preflight(
    requests: &[BuildRequest],
    idle: &IdleCaches,
    facts: &NodeFacts,
    beside: Option<&NodeFacts>,
) -> Vec<Obstacle> {
    let mut obstacles: Vec<Obstacle> =
        requests.iter().find_map(caches::obstacles).into_iter().collect();
    let lacking = |request: &BuildRequest| {
        let mut found = capabilities::lacking(request, &idle.without(request), facts);
        found.extend(
            beside.into_iter().flat_map(|docker| capabilities::unloadable(request, docker)),
        );
        found
    };
    for obstacle in requests.iter().flat_map(lacking) {
        // Each kind is reported once, for the first cell that has it.
        if !obstacles.iter().any(|known| known.help == obstacle.help) {
            obstacles.push(obstacle);
        }
    }
    obstacles.extend(without_emulator(requests, facts));
    obstacles.extend(beside.and_then(|docker| untestable(requests, docker)));
    obstacles
}

/// The platforms of smoke tests that the Docker Engine beside a buildkitd cannot run, if any.
fn untestable(requests: &[BuildRequest], docker: &NodeFacts) -> Option<Obstacle> {
    let tested = requests.iter().filter(|request| request.test().is_some());
    let untestable = |request: &BuildRequest| {
        let platforms = request.recipe.platforms.iter();
        platforms.filter(|one| !docker.platforms.contains(one)).cloned().collect::<BTreeSet<_>>()
    };
    let (first, _) =
        tested.clone().map(|one| (one, untestable(one))).find(|(_, p)| !p.is_empty())?;
    let missing: Vec<Platform> =
        tested.flat_map(untestable).collect::<BTreeSet<_>>().into_iter().collect();
    let (engine, cell) = (docker.name(), &first.cell);
    let (missing, runs) = (list(&missing), list(&known(&docker.platforms)));
    Some(Obstacle {
        message: format!(
            "{engine}, which runs the smoke tests, cannot run {missing}; it runs {runs} (needed for the \
             smoke test of `{cell}`)"
        ),
        help: format!("{EMULATE}; or build without smoke tests (--skip-test)"),
    })
}

/// What to do if the engine cannot run a platform.
const EMULATE: &str = "register QEMU on the engine's machine (Debian and Ubuntu: apt-get install \
     qemu-user-static binfmt-support), or select other platforms with --platform";

/// The platforms on which a step or a smoke test runs and which the engine cannot run, if any. A platform
/// that only gets files needs no emulator.
fn without_emulator(requests: &[BuildRequest], facts: &NodeFacts) -> Option<Obstacle> {
    let (native, platforms) = (facts.native(), &facts.platforms);
    // A buildkitd runs no smoke tests.
    let has_tests = facts.store != Store::None;
    let mut missing: BTreeSet<Platform> = BTreeSet::new();
    let mut first: Option<(&BuildRequest, RunsOn)> = None;
    for request in requests {
        // Only a `FROM` may name a platform that no request has.
        let may_differ = request.recipe.dockerfile.mentions("--platform");
        if !may_differ && request.recipe.platforms.iter().all(|one| platforms.contains(one)) {
            continue;
        }
        for one in request.runs_on(native).into_iter().filter(|one| has_tests || one.line.is_some())
        {
            if !platforms.contains(&one.platform) {
                missing.insert(one.platform.clone());
                first.get_or_insert((request, one));
            }
        }
    }
    let (request, RunsOn { line, .. }) = first?;
    let (by, also) = match line.map(|line| request.recipe.dockerfile.origin(line)) {
        Some(Some(origin)) => (
            format!("RUN in {}:{}", origin.file, origin.line),
            "; a step that runs on the engine's own platform needs neither: `FROM \
             --platform=$BUILDPLATFORM`",
        ),
        Some(None) => (format!("RUN of `{}`", request.cell), ""),
        None => (
            format!("smoke test of `{}`", request.cell),
            "; without the smoke test (--skip-test), nothing runs",
        ),
    };
    let missing: Vec<Platform> = missing.into_iter().collect();
    let help = match missing.iter().all(Platform::is_linux) {
        true => format!("{EMULATE}{also}"),
        false => "this engine runs Linux, and no emulator runs another system: such an image can \
                  get files, but no RUN and no smoke test; select other platforms with --platform"
            .to_owned(),
    };
    let (missing, runs) = (list(&missing), list(&known(platforms)));
    let message = format!("this engine cannot run {missing}; it runs {runs} (needed for the {by})");
    Some(Obstacle { message, help })
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
    use std::sync::Arc;

    use super::super::samples::{buildkitd, facts, request, smoke};
    use super::*;
    use crate::input::{Cache, NamedContext};
    use crate::plan::{FileOutput, Output};
    use crate::template::Rendered;

    #[test]
    fn what_the_docker_engine_beside_a_buildkitd_cannot_do_is_reported_by_its_name() {
        use Output::{Push, Store, StoreAndPush};
        let with = |output: Output, platforms: &[&str], change: &dyn Fn(&mut BuildRequest)| {
            let mut request = request();
            request.delivery.output = output;
            request.recipe.platforms = platforms.iter().map(|name| name.parse().unwrap()).collect();
            change(&mut request);
            request
        };
        let (one, both) = (&["linux/amd64"][..], &["linux/amd64", "linux/arm64"][..]);
        let proven = |request: &mut BuildRequest| request.recipe.provenance = true;
        let annotated = |request: &mut BuildRequest| {
            request.recipe.inputs.annotations = [("a".into(), "b".into())].into();
        };
        let tested = |request: &mut BuildRequest| request.policy.smoke = Some(smoke().into());
        let skipped = |request: &mut BuildRequest| {
            request.policy.smoke = Some(smoke().into());
            request.policy.skip_smoke = true;
        };
        let stores_one = "stores one platform of an image, but `v1` needs linux/amd64, linux/arm64";
        let cannot_test = "Docker Engine 28, which runs the smoke tests, cannot run linux/s390x; it runs \
                           linux/amd64, linux/arm64 (needed for the smoke test of `v1`)";
        for (request, older, newer) in [
            (with(Store, one, &|_| {}), "", ""),
            (with(Store, both, &|_| {}), stores_one, ""),
            (with(StoreAndPush, both, &|_| {}), stores_one, ""),
            (with(Push, both, &|_| {}), "", ""),
            (with(Push, both, &tested), "", ""),
            (with(Store, one, &proven), "cannot store the provenance", ""),
            (with(Store, one, &annotated), "cannot store the annotations", ""),
            (with(Push, both, &proven), "", ""),
            (with(Push, &["linux/s390x"], &tested), cannot_test, cannot_test),
            (with(Push, &["linux/s390x"], &skipped), "", ""),
        ] {
            for (store, wanted) in [(false, older), (true, newer)] {
                let (buildkitd, docker) = (buildkitd(), facts(store));
                let requests = std::slice::from_ref(&request);
                let found = preflight(requests, &IdleCaches::default(), &buildkitd, Some(&docker));
                let found: Vec<_> = found.into_iter().map(|obstacle| obstacle.message).collect();
                assert_eq!(found.len(), usize::from(!wanted.is_empty()), "{found:?}");
                assert!(found.concat().contains(wanted), "{found:?}, not {wanted}");
            }
        }
    }

    #[test]
    fn what_only_the_containerd_store_supports_is_reported_before_a_build() {
        let reported = |request: &BuildRequest, containerd_store: bool| {
            let (idle, facts) = (IdleCaches::default(), facts(containerd_store));
            let obstacles = preflight(std::slice::from_ref(request), &idle, &facts, None);
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
        let runs = |platforms: &[&str]| {
            with(&|request| {
                let text = "FROM a\nRUN x\n";
                request.recipe.dockerfile = Arc::new(Rendered::verbatim("Dockerfile", text));
                request.recipe.platforms =
                    platforms.iter().map(|name| name.parse().unwrap()).collect();
            })
        };
        let proven = with(&|request| request.recipe.provenance = true);
        let to = Cache::parse("type=local,src=x").unwrap();
        let nowhere = with(&|request| request.policy.caches.to = to.clone());
        let layout: NamedContext = "oci-layout://x".parse().unwrap();
        let layout = with(&|request| {
            request.recipe.inputs.contexts = [("a".to_owned(), layout.clone())].into();
        });
        for (request, older, newer) in [
            (request(), "", ""),
            (layout, "(oci-layout://) as a context", ""),
            (on(&both), "one platform at a time", ""),
            (into(Output::Push), "cannot push", ""),
            (into(Output::StoreAndPush), "cannot push", ""),
            (file(FileOutput::Oci), "cannot write image archives", ""),
            (file(FileOutput::Docker), "cannot write image archives", ""),
            (file(FileOutput::Tar), "", ""),
            (file(FileOutput::Local), "", ""),
            (proven, "cannot add provenance", ""),
            (nowhere, "needs `dest`", "needs `dest`"),
            (on(&["linux/s390x".parse().unwrap()]), "", ""),
            (
                runs(&["linux/s390x"]),
                "cannot run linux/s390x; it runs linux/amd64, linux/arm64 (needed for the RUN in \
                 Dockerfile:2)",
                "cannot run linux/s390x",
            ),
            (runs(&["linux/arm64"]), "", ""),
            (runs(&["windows/amd64"]), "cannot run windows/amd64", "cannot run windows/amd64"),
        ] {
            for (store, wanted) in [(false, older), (true, newer)] {
                let given = reported(&request, store);
                assert!(given.contains(wanted), "{given}, not {wanted}");
                assert_eq!(given.is_empty(), wanted.is_empty(), "{given}");
            }
        }
    }
}
