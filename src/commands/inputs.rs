//! What flags add to every cell: labels, contexts, secrets, caches.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::{CacheFlag, InputArgs, NetworkArg, SecretFlag};
use crate::error::{Error, ErrorKind};
use crate::input::{NamedContext, Network, Root, Secret, SecretSource, SharedPlace};
use crate::matrix::Overrides;

/// Adds what `args` say to what goes before the matrix in `root`.
pub(super) fn add(overrides: &mut Overrides, args: &InputArgs, root: &Root) {
    overrides.labels.extend(texts(&args.label));
    overrides.annotations.extend(texts(&args.annotation));
    overrides.target.clone_from(&args.target);
    let here = |path: &Path| from_here(path, root);
    overrides.network = args.network.map(|network| match network {
        NetworkArg::Default => Network::Default,
        NetworkArg::None => Network::None,
        NetworkArg::Host => Network::Host,
    });
    let contexts = args.build_context.iter().map(|one| {
        let context = match &one.context {
            NamedContext::Folder(folder) => NamedContext::Folder(here(folder)),
            other => other.clone(),
        };
        (one.name.clone(), context)
    });
    overrides.contexts.extend(contexts);
    let secrets = args.secret.iter().map(|flag| {
        let source = match source(flag) {
            SecretSource::File(path) => SecretSource::File(here(&path)),
            variable => variable,
        };
        (flag.id.clone(), Secret { source, optional: flag.optional, span: None })
    });
    overrides.secrets.extend(secrets);
    let ssh = args.ssh.iter();
    overrides.ssh.extend(
        ssh.map(|flag| (flag.id.clone(), flag.places.iter().map(|place| here(place)).collect())),
    );
    let caches = |flags: &[CacheFlag]| {
        flags.iter().flat_map(|flag| &flag.0).map(|cache| cache.with_folder(here)).collect()
    };
    overrides.cache_from = caches(&args.cache_from);
    overrides.cache_to = caches(&args.cache_to);
}

/// Refuses what cannot be for so many cells.
pub(super) fn check(args: &InputArgs, cells: usize) -> Result<(), Error> {
    let mut caches = args.cache_to.iter().flat_map(|flag| &flag.0);
    match caches.find_map(|cache| cache.shared_place()).filter(|_| cells > 1) {
        Some(shared) => Err(one_place(&shared, cells)),
        None => Ok(()),
    }
}

/// A path of the command line is counted from the current folder, one of the matrix from its own.
fn from_here(path: &Path, root: &Root) -> PathBuf {
    match root.is_here() {
        true => path.to_owned(),
        false => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
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

fn texts(pairs: &[(String, String)]) -> impl Iterator<Item = (Arc<str>, Arc<str>)> {
    pairs.iter().map(|(name, text)| (name.as_str().into(), text.as_str().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_flag_stays_one_of_the_current_folder_wherever_the_matrix_is() {
        let root = |file: &str| Root::of(Path::new(file));
        for here in ["matrix.yaml", "./matrix.yaml"] {
            assert_eq!(from_here(Path::new("token"), &root(here)), Path::new("token"));
        }
        let found = from_here(Path::new("token"), &root("sub/matrix.yaml"));
        assert_eq!(Path::new("sub").join(found), env::current_dir().unwrap().join("token"));
    }
}
