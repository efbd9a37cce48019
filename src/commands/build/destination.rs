//! Checks the destinations of `--output` and of caches.

use std::path::Path;

use indexmap::IndexSet;

use crate::config::{BuildConfig, OutputFile};
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind, listed};
use crate::input::parent;
use crate::matrix::Cell;
use crate::plan::{BuildOptions, BuildRequest, FileOutput, Output};
use crate::progress::Mode;
use crate::run::terminal;
use crate::workspace::targets;
use crate::workspace::write::unwritable;

/// The options of `config`, with its output to a file or directory.
pub(super) fn options(config: &BuildConfig) -> BuildOptions {
    let options = config.options.clone();
    let Some(OutputFile { kind, dest }) = config.output.clone() else { return options };
    let output_is_directory = dest.as_os_str().as_encoded_bytes().ends_with(b"/") || dest.is_dir();
    BuildOptions { output: Output::File { kind, dest }, output_is_directory, ..options }
}

/// Where the images of a dry run would go.
pub(super) fn sentence(requests: &[BuildRequest], config: &BuildConfig) -> String {
    if requests.is_empty() {
        return "nothing would be built".to_owned();
    }
    let references = requests.iter().flat_map(|request| &request.delivery.references);
    let repositories: IndexSet<String> =
        references.map(|reference| reference.repository.to_string()).collect();
    let repositories = listed(repositories.iter().map(String::as_str));
    let store = "the engine's store";
    match (&config.output, &config.options.output) {
        (Some(file), _) if file.is_stdout() => "would write to stdout".to_owned(),
        (Some(OutputFile { dest, .. }), _) => format!("would write to {}", dest.display()),
        (None, Output::Push) => format!("would push to {repositories}"),
        (None, Output::StoreAndPush) => {
            format!("would push to {repositories}, and load into {store}")
        }
        (None, Output::Nothing) => "would keep no image".to_owned(),
        (None, Output::Store | Output::Digest | Output::File { .. }) => {
            format!("would load into {store}")
        }
    }
}

/// Checks that the results can be written to the destination in `spec`. Creates a directory for several
/// results, except for a dry run.
pub(super) fn check(
    requests: &[BuildRequest],
    spec: &OutputFile,
    options: &BuildOptions,
    config: &BuildConfig,
) -> Result<(), Error> {
    if spec.is_stdout() && (spec.kind == FileOutput::Local || terminal::stdout_is_terminal()) {
        let message = match spec.kind {
            FileOutput::Local => "a directory cannot be written to stdout",
            _ => "stdout is a terminal, and an archive is binary data",
        };
        return Err(Error::new(ErrorKind::Usage, message).help("name a path: dest=PATH"));
    }
    if spec.is_stdout() && config.progress == Mode::Json {
        let message = "--progress json prints the events on stdout, and so does --output the image";
        return Err(Error::new(ErrorKind::Usage, message).help("name a path: dest=PATH"));
    }
    if !spec.is_stdout() {
        targets::check_flag(&spec.dest)?;
    }
    let folder = options.is_one_for_each(requests.len());
    if requests.len() > 1 && !folder {
        let message =
            format!("{} cells cannot all be written to {}", requests.len(), spec.dest.display());
        let help = format!("name a directory: dest={}/", spec.dest.display());
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    let several = requests.iter().find(|request| request.recipe.platforms.len() > 1);
    if let (FileOutput::Docker, Some(request)) = (spec.kind, several) {
        let message =
            format!("type=docker supports only one platform, but `{}` has several", request.cell);
        let help = "select one with --platform, or use type=oci";
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    let parent = parent(&spec.dest);
    if !folder && !parent.is_dir() {
        let message = format!("the directory {} does not exist", parent.display());
        return Err(Error::new(ErrorKind::Usage, message).help("create it first"));
    }
    if folder && !config.dry_run {
        std::fs::create_dir_all(&spec.dest).map_err(|error| unwritable(&spec.dest, &error))?;
    }
    if folder {
        let names = requests.iter().filter_map(|request| match &request.delivery.output {
            Output::File { dest, .. } => dest.file_name()?.to_str(),
            _ => None,
        });
        targets::check_files(&spec.dest, names, "cannot be written")?;
    }
    Ok(())
}

/// Refuses directories that caches must not be written to. Access to those of the matrix has been checked.
pub(super) fn check_caches(cells: &[Cell], requests: &[BuildRequest]) -> Result<(), Error> {
    let mut wrong = Diagnostics::default();
    for (cell, request) in cells.iter().zip(requests) {
        let own = request.policy.caches.to.len().saturating_sub(cell.overrides().caches.to.len());
        for (number, cache) in request.policy.caches.to.iter().enumerate() {
            let Some(folder) = cache.folder("dest") else { continue };
            match cell.cache_to_span().filter(|_| number < own) {
                None => targets::check_flag(Path::new(folder))?,
                Some(span) => {
                    if let Err(why) = targets::check_granted(Path::new(folder)) {
                        let message = format!("a cache cannot be written to {folder}");
                        wrong.push(Diagnostic::error(message).at(span, why));
                    }
                }
            }
        }
    }
    Ok(wrong.check(())?)
}
