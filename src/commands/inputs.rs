//! What flags add to every cell: labels, contexts, secrets, caches.

use std::env;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::{CacheFlag, InputArgs, NetworkArg, SecretFlag};
use crate::error::{Error, ErrorKind};
use crate::input::{Caches, Inputs, Network, Root, Secret, SecretSource, SharedPlace};
use crate::matrix::Overrides;

/// Adds what `args` say to `overrides`. `root` is the directory of the matrix.
pub(super) fn add(overrides: &mut Overrides, args: &InputArgs, root: &Root) {
    let here = |path: &Path| from_here(path, root);
    let secrets = args.secret.iter().map(|flag| {
        let secret = Secret { source: source(flag), optional: flag.optional, span: None };
        (flag.id.clone(), secret)
    });
    let flags = Inputs {
        labels: texts(&args.label).collect(),
        annotations: texts(&args.annotation).collect(),
        target: args.target.as_deref().map(Arc::from),
        network: args.network.map(|network| match network {
            NetworkArg::Default => Network::Default,
            NetworkArg::None => Network::None,
            NetworkArg::Host => Network::Host,
        }),
        contexts: args
            .build_context
            .iter()
            .map(|flag| (flag.name.clone(), flag.context.clone()))
            .collect(),
        secrets: secrets.collect(),
        ssh: args.ssh.iter().map(|flag| (flag.id.clone(), flag.places.clone())).collect(),
        ..Inputs::default()
    };
    overrides.inputs = mem::take(&mut overrides.inputs).overlaid(&flags.with_paths(here));
    let caches = |flags: &[CacheFlag]| flags.iter().flat_map(|flag| flag.0.clone()).collect();
    let caches = Caches { from: caches(&args.cache_from), to: caches(&args.cache_to) };
    overrides.caches = caches.map(|cache| cache.with_folder(here));
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
