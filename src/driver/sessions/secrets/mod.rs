//! The secrets of a run. Missing ones are reported before anything is built.
//!
//! Regular files and variables are read when a step requests them, so a token renewed during a long run
//! is current. Other files, such as pipes, can be read only once: they are read at the start and held in
//! memory.

mod file;
mod pipe;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::file::{FileId, content};
use self::pipe::{PipeError, Pipes, Value};
use crate::buildkit::session::{MAX_SECRET, SecretLookup};
use crate::debug;
use crate::driver::environment::Environment;
use crate::error::{Diagnostic, Diagnostics, why};
use crate::input::{Secret, SecretSource};
use crate::plan::BuildRequest;
use crate::regular;

/// The secrets that can be read only once, by path. Dropping the last clone wipes them from memory.
#[derive(Clone, Default)]
pub struct HeldSecrets(Arc<HashMap<PathBuf, Arc<Value>>>);

/// How long reading a secret from a pipe may take.
const PIPE_TIMEOUT: Duration = Duration::from_secs(30);

/// Checks secrets at the start of a run.
pub(crate) struct SecretReader<'a> {
    pub environment: Environment,
    /// Called with a message when the run waits for a pipe.
    pub waiting: &'a mut dyn FnMut(&str),
}

impl SecretReader<'_> {
    /// Reads the secrets of `requests` that can be read only once, and checks the others. An error means
    /// that the run must not start.
    pub(crate) fn read(&mut self, requests: &[BuildRequest]) -> (HeldSecrets, Diagnostics) {
        self.read_within(requests, PIPE_TIMEOUT)
    }

    fn read_within(
        &mut self,
        requests: &[BuildRequest],
        timeout: Duration,
    ) -> (HeldSecrets, Diagnostics) {
        let mut found = Diagnostics::default();
        let mut pipes = Pipes::default();
        let mut waiting = Vec::new();
        let mut seen = HashSet::new();
        for (id, secret) in requests.iter().flat_map(|request| &request.recipe.inputs.secrets) {
            // Most cells have the same ones.
            if !seen.insert((id, &secret.source, secret.optional)) {
                continue;
            }
            match self.look(secret) {
                Ok(Look::Fine) => {}
                Ok(Look::Empty) => found.push(empty(id, secret)),
                Ok(Look::Once(path, file)) => {
                    pipes.start(path, file);
                    waiting.push((id, secret, path));
                }
                Err(wrong) => found.push(unusable(id, secret, &wrong)),
            }
        }
        pipes.wait(timeout, self.waiting);
        for (id, secret, path) in waiting {
            match pipes.content(path) {
                Ok(content) if content.is_empty() => found.push(empty(id, secret)),
                Ok(content) if content.len() > MAX_SECRET => {
                    found.push(unusable(id, secret, &Unusable::TooLarge));
                }
                Ok(_) => {}
                Err(error) => found.push(unusable(id, secret, &Unusable::Pipe(error))),
            }
        }
        (HeldSecrets(Arc::new(pipes.into_contents())), found)
    }

    fn look<'s>(&self, secret: &'s Secret) -> Result<Look<'s>, Unusable> {
        match &secret.source {
            SecretSource::Variable(name) => match (self.environment)(name) {
                Some(value) if value.is_empty() => Ok(Look::Empty),
                Some(value) if value.len() > MAX_SECRET => Err(Unusable::TooLarge),
                Some(_) => Ok(Look::Fine),
                None if secret.optional => Ok(Look::Fine),
                None => Err(Unusable::Unset),
            },
            SecretSource::File(path) => match fs::metadata(path) {
                Ok(found) => look_at(path, &found),
                Err(error) if is_missing(&error) && secret.optional => Ok(Look::Fine),
                Err(error) => Err(error.into()),
            },
        }
    }
}

/// The result of checking a secret's source.
enum Look<'s> {
    Fine,
    Empty,
    /// Can be read only once.
    Once(&'s Path, FileId),
}

/// Why a secret cannot be used.
enum Unusable {
    Unset,
    TooLarge,
    Socket,
    File(io::Error),
    Pipe(PipeError),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

fn look_at<'s>(path: &'s Path, found: &fs::Metadata) -> Result<Look<'s>, Unusable> {
    if found.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
    }
    if found.file_type().is_socket() {
        return Err(Unusable::Socket);
    }
    if !found.is_file() {
        return Ok(Look::Once(path, (found.dev(), found.ino())));
    }
    let mut file = File::open(path)?;
    if found.len() > MAX_SECRET as u64 {
        return Err(Unusable::TooLarge);
    }
    // Virtual files, such as those in /proc, have content but no size.
    let is_empty = found.len() == 0 && file.read(&mut [0])? == 0;
    Ok(if is_empty { Look::Empty } else { Look::Fine })
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn empty(id: &str, secret: &Secret) -> Diagnostic {
    let message = format!("the secret `{id}` is empty: {}", secret.source);
    let finding = Diagnostic::warning(message).rule("empty-secret");
    let help = match &secret.source {
        SecretSource::Variable(name) => format!("set {name} to its value"),
        SecretSource::File(path) => format!("check what writes {}", path.display()),
    };
    placed(finding, secret).help(help)
}

fn unusable(id: &str, secret: &Secret, wrong: &Unusable) -> Diagnostic {
    let place = match &secret.source {
        SecretSource::File(path) => path.display().to_string(),
        SecretSource::Variable(name) => format!("the variable {name}"),
    };
    let why = match wrong {
        Unusable::Unset => format!("{place} is not set"),
        Unusable::TooLarge => format!("{place}: it is larger than {} KiB", MAX_SECRET >> 10),
        Unusable::Socket => format!("{place}: it is a socket"),
        Unusable::File(error) => format!("{place}: {}", why(error)),
        Unusable::Pipe(error) => format!("{place}: {error}"),
    };
    let do_without = match secret.span {
        Some(_) => "add `optional: true` to it",
        None => "add optional=true to --secret",
    };
    // With only an ID, the variable was looked up first.
    let only_id = secret.span.is_none()
        && matches!(wrong, Unusable::File(error) if is_missing(error))
        && matches!(&secret.source, SecretSource::File(path) if path == Path::new(id));
    let why = match only_id {
        true => "there is no variable and no file of this name".to_owned(),
        false => why,
    };
    let help = match (wrong, &secret.source) {
        (Unusable::Unset, SecretSource::Variable(name)) => {
            format!("set {name}; if the build can do without it, {do_without}")
        }
        _ if only_id => {
            format!(
                "set the variable {id}, or use a file: --secret id={id},src=PATH; if the build can \
                 do without it, {do_without}"
            )
        }
        (Unusable::File(error), _) if is_missing(error) => format!(
            "create the file, or use another one: --secret id={id},src=PATH; if the build can do \
             without it, {do_without}"
        ),
        (Unusable::TooLarge, _) => "BuildKit does not accept larger secrets".to_owned(),
        (Unusable::Pipe(PipeError::TimedOut(_)), _) => {
            format!("check what writes to it, or use a variable: --secret id={id},env=VARIABLE")
        }
        _ => format!("use a file: --secret id={id},src=PATH"),
    };
    let finding = Diagnostic::error(format!("the secret `{id}` cannot be read: {why}"));
    placed(finding, secret).help(help)
}

fn placed(finding: Diagnostic, secret: &Secret) -> Diagnostic {
    secret.span.iter().fold(finding, |finding, span| finding.at(span, ""))
}

/// The secrets of a session.
pub(crate) struct Secrets {
    pub(crate) sources: HashMap<String, SecretSource>,
    /// The IDs that are optional: a step runs without them if their source is missing.
    pub(crate) optional: HashSet<String>,
    pub(crate) held: HeldSecrets,
    pub(crate) environment: Environment,
}

impl SecretLookup for Secrets {
    async fn lookup(&self, id: &str) -> Result<Option<Vec<u8>>, String> {
        let found = self.find(id).await;
        if let Ok(Some(value)) = &found {
            std::str::from_utf8(value).into_iter().for_each(debug::hide);
        }
        found
    }
}

impl Secrets {
    async fn find(&self, id: &str) -> Result<Option<Vec<u8>>, String> {
        let path = match self.sources.get(id) {
            None => return Ok(None),
            Some(SecretSource::Variable(name)) => {
                return Ok((self.environment)(name).map(OsString::into_vec));
            }
            Some(SecretSource::File(path)) => path.clone(),
        };
        if let Some(content) = self.held.0.get(&path) {
            return Ok(Some(content.to_vec()));
        }
        // A disk may block its reader. A file that became a pipe during the run is rejected.
        let shown = path.display().to_string();
        let read = tokio::task::spawn_blocking(move || content(regular::open(&path)?));
        match read.await.map_err(|error| error.to_string())? {
            Ok(content) => Ok(Some(content)),
            Err(error) if is_missing(&error) && self.optional.contains(id) => Ok(None),
            Err(error) => Err(format!("{shown}: {}", why(&error))),
        }
    }
}
