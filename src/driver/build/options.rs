//! How one solve uses a recipe. A request with a smoke test is solved several times.

use std::borrow::Cow;
use std::sync::Arc;

use crate::docker::PassedProxies;
use crate::image::Reference;
use crate::input::Caches;
use crate::node::{Node, Store};
use crate::plan::{BuildRequest, Delivery, Output};

/// How an image gets into the store of a Docker Engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum IntoStore {
    /// BuildKit is part of that engine.
    #[default]
    Itself,
    /// As an OCI archive, which only the containerd image store reads.
    OciArchive,
    /// As an archive of `docker save`, which holds one platform.
    DockerArchive,
}

impl IntoStore {
    /// Into the Docker Engine that `node` is part of, or that is beside it.
    pub(crate) fn of(node: &Node) -> Self {
        let store = node.docker().map(|(_, facts)| facts.store);
        match (node.facts().store, store) {
            (Store::Containerd | Store::Docker, _) => Self::Itself,
            (Store::None, Some(Store::Docker)) => Self::DockerArchive,
            (Store::None, _) => Self::OciArchive,
        }
    }
}

/// How a recipe is solved, and where the result goes.
#[derive(Debug, Clone)]
pub(crate) struct SolveOptions<'a> {
    pub(crate) delivery: Cow<'a, Delivery>,
    pub(crate) into_store: IntoStore,
    pub(crate) caches: Cow<'a, Caches>,
    pub(crate) provenance: bool,
    pub(crate) no_cache: bool,
    pub(crate) pull: bool,
    pub(crate) history: bool,
    /// The proxies for RUN steps.
    pub(crate) proxies: Arc<PassedProxies>,
}

impl<'a> SolveOptions<'a> {
    /// As `request` says.
    pub(crate) fn of(request: &'a BuildRequest) -> Self {
        let policy = &request.policy;
        Self {
            delivery: Cow::Borrowed(&request.delivery),
            into_store: IntoStore::default(),
            caches: Cow::Borrowed(&policy.caches),
            provenance: request.recipe.provenance,
            no_cache: policy.no_cache,
            pull: policy.pull,
            history: policy.history,
            proxies: Arc::default(),
        }
    }

    /// The same image, only for the engine's store. An inline cache is part of the image; other caches are
    /// written with the final output.
    pub(crate) fn into_store(mut self, image: &Reference) -> Self {
        let references = vec![image.clone()];
        self.delivery = Cow::Owned(Delivery { references, output: Output::Store });
        self.caches.to_mut().to.retain(|cache| cache.kind == "inline");
        self.provenance = false;
        self.history = false;
        self
    }

    /// The same image, only for its digest.
    pub(crate) fn only_digest(mut self) -> Self {
        self.delivery.to_mut().output = Output::Digest;
        self
    }

    /// The same, with the cache.
    pub(crate) fn cached(mut self) -> Self {
        self.no_cache = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::samples::request;
    use crate::input::Cache;

    #[test]
    fn a_trial_is_the_same_image_and_only_in_the_engine() {
        let mut wanted = request();
        wanted.policy.caches.from = Cache::parse("r.example/c:1").unwrap();
        wanted.policy.caches.to = Cache::parse("r.example/c:1").unwrap();
        wanted.policy.caches.to.extend(Cache::parse("type=inline").unwrap());
        wanted.recipe.provenance = true;
        wanted.delivery.output = Output::StoreAndPush;
        (wanted.policy.no_cache, wanted.policy.pull, wanted.policy.history) = (true, true, true);
        let image: Reference = "onebuild.invalid/test:x-1".parse().unwrap();
        let trial = SolveOptions::of(&wanted).into_store(&image);
        assert_eq!(trial.delivery.references, [image]);
        assert_eq!(trial.delivery.output, Output::Store);
        assert_eq!(trial.caches.from, wanted.policy.caches.from);
        assert_eq!(trial.caches.to, Cache::parse("type=inline").unwrap());
        let set = |one: &SolveOptions| (one.no_cache, one.pull, one.history, one.provenance);
        assert_eq!(set(&trial), (true, true, false, false));
        assert_eq!(set(&trial.cached()), (false, true, false, false));
        assert_eq!(set(&SolveOptions::of(&wanted)), (true, true, true, true));
    }
}
