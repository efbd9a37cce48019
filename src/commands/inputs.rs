//! What flags add to every request: labels, contexts, secrets, caches.

use std::env;

use crate::cli::{InputArgs, NetworkArg, SecretFlag};
use crate::error::{Error, ErrorKind};
use crate::plan::{BuildRequest, Cache, Network, SecretSource, SharedPlace};

/// Adds what `args` say to all of `requests`, in place of what the matrix says under the same name.
pub(super) fn add(
    requests: &mut [BuildRequest],
    args: &InputArgs,
    network: Option<NetworkArg>,
) -> Result<(), Error> {
    let cache_to = args.cache_to.iter().flat_map(|flag| &flag.0);
    if let Some(shared) = cache_to.clone().find_map(Cache::shared_place)
        && requests.len() > 1
    {
        return Err(one_place(&shared, requests.len()));
    }
    for request in requests {
        request.labels.extend(args.label.iter().cloned());
        request.annotations.extend(args.annotation.iter().cloned());
        if let Some(target) = &args.target {
            request.target = Some(target.clone());
        }
        let contexts = args.build_context.iter();
        request.contexts.extend(contexts.map(|one| (one.name.clone(), one.context.clone())));
        request.secrets.extend(args.secret.iter().map(|flag| (flag.id.clone(), source(flag))));
        let agents = args.ssh.iter();
        request.ssh.extend(agents.map(|flag| (flag.id.clone(), flag.places.clone())));
        if let Some(network) = network {
            request.network = Some(match network {
                NetworkArg::Default => Network::Default,
                NetworkArg::None => Network::None,
                NetworkArg::Host => Network::Host,
            });
        }
        let cache_from = args.cache_from.iter().flat_map(|flag| &flag.0);
        let cell = &request.cell;
        request.cache_from.extend(cache_from.map(|cache| cache.of_cell(cell)));
        request.cache_to.extend(cache_to.clone().map(|cache| cache.of_cell(cell)));
    }
    Ok(())
}

fn source(flag: &SecretFlag) -> SecretSource {
    let id = &flag.id;
    flag.source.clone().unwrap_or_else(|| match env::var_os(id) {
        Some(_) => SecretSource::Variable(id.clone()),
        None => SecretSource::File(id.into()),
    })
}

/// The last cell to be done would have overwritten all the others' caches.
fn one_place(shared: &SharedPlace, cells: usize) -> Error {
    let SharedPlace { named_by, place } = shared;
    let message = format!("{cells} cells would overwrite each other's cache at `{place}`");
    let help = format!("leave the {named_by} out of --cache-to: each cell then gets its own");
    Error::new(ErrorKind::Usage, message).help(help)
}
