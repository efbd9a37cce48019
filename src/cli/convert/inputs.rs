//! Labels, contexts, secrets and caches that flags add to every cell.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::args::InputArgs;
use crate::cli::flags::{CacheFlag, HostFlag, SecretFlag, UlimitFlag};
use crate::cli::surroundings::Surroundings;
use crate::input::{Caches, HostAddresses, Inputs, RunSettings, Secret, SecretSource, TextMap};

pub(crate) fn inputs(args: InputArgs, surroundings: Surroundings<'_>) -> Inputs {
    // The caches are added to those of the matrix instead.
    let InputArgs {
        label,
        annotation,
        target,
        build_context,
        secret,
        ssh,
        cache_from: _,
        cache_to: _,
        network,
        shm_size,
        ulimit,
        cgroup_parent,
        add_host,
    } = args;
    let mut add_hosts = BTreeMap::new();
    for HostFlag(name, addresses) in add_host {
        // As in Docker, a name can have several addresses.
        match (add_hosts.get_mut(&name), addresses) {
            (Some(HostAddresses::Known(all)), HostAddresses::Known(more)) => all.extend(more),
            (_, addresses) => drop(add_hosts.insert(name, addresses)),
        }
    }
    let run = RunSettings {
        shm_size,
        ulimits: ulimit.into_iter().map(|UlimitFlag(name, limit)| (name, limit)).collect(),
        cgroup_parent: cgroup_parent.filter(|path| !path.is_empty()).map(Arc::from),
        add_hosts,
    };
    Inputs {
        labels: texts(label),
        annotations: texts(annotation),
        // As for `docker buildx build`: `--target "$TARGET"` with an empty variable is none.
        target: target.filter(|target| !target.is_empty()).map(Arc::from),
        network,
        run,
        contexts: build_context.into_iter().map(|flag| (flag.name, flag.context)).collect(),
        secrets: secret.into_iter().map(|flag| to_secret(flag, surroundings)).collect(),
        ssh: ssh.into_iter().map(|flag| (flag.id, flag.places)).collect(),
        ..Inputs::default()
    }
}

pub(crate) fn caches(args: &InputArgs) -> Caches {
    let caches = |flags: &[CacheFlag]| flags.iter().flat_map(|flag| flag.0.clone()).collect();
    Caches { from: caches(&args.cache_from), to: caches(&args.cache_to) }
}

fn to_secret(flag: SecretFlag, surroundings: Surroundings<'_>) -> (String, Secret) {
    let SecretFlag { id, source, optional } = flag;
    let source = source.unwrap_or_else(|| match (surroundings.variable)(&id) {
        Some(_) => SecretSource::Variable(id.clone()),
        None => SecretSource::File(id.clone().into()),
    });
    (id, Secret { source, optional, span: None })
}

fn texts(pairs: Vec<(String, String)>) -> TextMap {
    pairs.into_iter().map(|(name, text)| (name.into(), text.into())).collect()
}
