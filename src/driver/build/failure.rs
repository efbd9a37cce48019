//! Explains a failed solve in terms of the user's Dockerfile.

use crate::buildkit::session::fault::LocalFault;
use crate::buildkit::{Connection, Detail, SolveError, VertexKind};
use crate::input::{NamedContext, SecretSource};
use crate::outcome::{Failure, Place};
use crate::plan::{BuildRequest, Pin};

use super::watch::{Seen, Vertex};
use crate::driver::classify::{Classified, FailedStep, NO_EMULATOR, classify};
use crate::failure::{Kind, Phase, disk_help};

/// What failed, where, and what to do about it. `had_login` is whether there was a login for the registry
/// in the error.
pub(crate) fn failure(
    error: &SolveError,
    seen: &Seen,
    request: &BuildRequest,
    filename: &str,
    had_login: bool,
) -> Failure {
    let named = error.details.iter().find_map(|detail| match detail {
        Detail::Vertex { digest } => seen.vertex(digest),
        _ => None,
    });
    let vertex = named.or_else(|| seen.failed());
    let exit_code = error.details.iter().find_map(|detail| match detail {
        Detail::Exit { code } => Some(*code),
        _ => None,
    });
    let place = error.details.iter().find_map(|detail| match detail {
        Detail::Source { filename: name, first, .. } if name == filename => place(request, *first),
        _ => None,
    });
    let instruction = vertex
        .filter(|vertex| vertex.name.position.is_some() || exit_code.is_some())
        .map(|vertex| vertex.name.text.clone());
    let log_tail = vertex.map(|vertex| vertex.tail.lines()).unwrap_or_default();
    let Classified { kind, phase, message, help, verbatim } = match exit_code {
        _ if error.connection == Connection::EndedHere => Classified {
            kind: Kind::Bug,
            phase: Phase::Build,
            message: "onebuild closed its connection to the engine".to_owned(),
            help: Some(ENDED.to_owned()),
            verbatim: Some(error.message.clone()),
        },
        _ if error.connection == Connection::Silent => Classified {
            kind: Kind::EngineLost,
            phase: Phase::Build,
            message: error.message.clone(),
            help: Some(SILENT.to_owned()),
            verbatim: None,
        },
        _ if error.connection == Connection::Lost => Classified {
            kind: Kind::EngineLost,
            phase: Phase::Build,
            message: "the connection to the engine was lost during the build".to_owned(),
            help: Some(
                "check that the engine is running; its log may say why it stopped".to_owned(),
            ),
            verbatim: Some(error.message.clone()),
        },
        Some(code) => {
            let wrote = |word: &str| log_tail.iter().any(|line| line.contains(word));
            let help = match () {
                () if wrote("exec format error") => Some(NO_EMULATOR.to_owned()),
                () if wrote("No space left on device") => Some(STEP_DISK_FULL.to_owned()),
                () => None,
            };
            let is_own_disk = instruction.as_deref().is_some_and(|run| run.contains("type=tmpfs"));
            let kind = match wrote("No space left on device") && !is_own_disk {
                true => Kind::EngineDiskFull,
                false => Kind::Command { exit_code: code },
            };
            let message = format!("exit code {code}");
            Classified { kind, message, help, ..Classified::default() }
        }
        None => {
            let base = vertex.and_then(|vertex| seen.base_of(vertex));
            let step = FailedStep { instruction: instruction.as_deref(), base };
            classify(&error.message, had_login, step)
        }
    };
    let is_syntax = place.as_ref().is_some_and(|place| place.text.starts_with('#'));
    Failure {
        help: match unanswered(&error.message, request).or_else(|| match kind {
            // A full disk is more important than what was being written.
            Kind::EngineDiskFull => None,
            _ => unwritten(&error.message, vertex),
        }) {
            Some(help) => Some(help),
            None if is_syntax => help.map(|_| NO_FRONTEND.to_owned()),
            None => help,
        },
        kind,
        phase,
        message,
        verbatim,
        platform: vertex.and_then(|v| v.name.platform.as_ref()?.parse().ok()).or_else(|| {
            // With several platforms, the vertex names that of a command; other failures concern all.
            let only_one = request.recipe.platforms.len() == 1 && exit_code.is_some();
            request.recipe.platforms.first().filter(|_| only_one).cloned()
        }),
        stage: vertex.and_then(|v| v.name.stage.clone()),
        place,
        instruction,
        exit_code,
        // The duration is useful only for commands.
        elapsed: vertex.and_then(Vertex::took).filter(|_| exit_code.is_some()),
        log_tail,
        pushed: Vec::new(),
        retry_pattern: vertex.and_then(|v| v.retry_pattern.clone()),
        earlier: Vec::new(),
        is_interrupted: false,
    }
}

/// A failure that is not caused by the Dockerfile.
pub(crate) fn failed(kind: Kind, error: impl std::fmt::Display) -> Box<Failure> {
    Box::new(Failure { kind, message: error.to_string(), ..Failure::default() })
}

/// The failure if the digest of a base image cannot be resolved.
pub(crate) fn unresolved(
    error: &SolveError,
    request: &BuildRequest,
    pin: &Pin,
    had_login: bool,
) -> Failure {
    let found = failure(error, &Seen::default(), request, "", had_login);
    Failure { place: place(request, pin.base.line), ..found }
}

/// The failure if onebuild ended the session, which BuildKit reports as a lost connection. `why` is the
/// reason. A command with an exit code failed by itself.
pub(crate) fn session_ended(failure: Failure, error: &SolveError, why: &str) -> Failure {
    if failure.exit_code.is_some() {
        return failure;
    }
    Failure {
        kind: Kind::Bug,
        message: format!("onebuild closed its session with the engine: {why}"),
        verbatim: Some(error.message.clone()),
        help: Some(ENDED.to_owned()),
        ..failure
    }
}

/// For an engine that does not answer.
pub(crate) const SILENT: &str = "check that it responds (docker version) and that the network to it \
     works; its log may say why";

/// A result that this machine could not write.
pub(crate) fn output_not_written(fault: &LocalFault) -> Failure {
    not_written(fault, "write the result to another disk", None)
}

/// A cache that this machine could not write.
pub(crate) fn cache_not_written(fault: &LocalFault) -> Failure {
    let instead = "add ignore-error=true to the cache to continue without it";
    not_written(fault, instead, Some(UNWRITTEN))
}

fn not_written(fault: &LocalFault, instead: &str, otherwise: Option<&str>) -> Failure {
    let LocalFault { sentence, directory, kind } = fault;
    let help = kind.and_then(|kind| disk_help(kind, directory.as_deref(), instead));
    Failure {
        kind: Kind::Output,
        message: sentence.clone(),
        help: help.or_else(|| otherwise.map(str::to_owned)),
        ..Failure::default()
    }
}

/// For a session that onebuild ended.
const ENDED: &str = "this is a bug in onebuild, not in the engine: run again with --debug FILE, and \
     report it with that file and this output";

/// For a command whose output says that a disk is full.
const STEP_DISK_FULL: &str = "free space on the engine's machine (docker builder prune, docker image \
     prune), unless the command filled a tmpfs mount of its own";

/// For the image in a `# syntax=` line, which `--base` does not replace.
const NO_FRONTEND: &str = "check the name, or remove the line: the engine can build Dockerfiles \
     without it";

/// What to do when the image was built but its cache could not be written.
fn unwritten(message: &str, vertex: Option<&Vertex>) -> Option<String> {
    let writing =
        vertex.is_some_and(|vertex| matches!(vertex.name.kind, VertexKind::CacheExport { .. }));
    (writing || message.contains(" cache exporter: ")).then(|| UNWRITTEN.to_owned())
}

const UNWRITTEN: &str = "the cache could not be written: check --cache-to, or add \
     ignore-error=true to continue without it";

/// The location in the template of line `line` of the rendered Dockerfile, with the rendered line, which
/// BuildKit's message refers to.
pub(crate) fn place(request: &BuildRequest, line: u32) -> Option<Place> {
    let origin = request.recipe.dockerfile.origin(line)?;
    let text = request.recipe.dockerfile.text();
    let text = text.lines().nth(line as usize - 1)?;
    Some(Place { file: origin.file.to_string(), line: origin.line, text: text.to_owned() })
}

/// What to do when `message` says that a secret, an agent or a context is missing.
fn unanswered(message: &str, request: &BuildRequest) -> Option<String> {
    // BuildKit 0.25 reports only this for a URL that is not a Git repository.
    let url = |context: &NamedContext| matches!(context, NamedContext::Url(_));
    if message.ends_with("invalid argument") && request.recipe.inputs.contexts.values().any(url) {
        let help = "this engine's BuildKit may support only Git repositories as context URLs: \
                    download the file into a directory, and use the directory";
        return Some(help.to_owned());
    }
    if let Some(id) = asked(message, "secret ", ": not found") {
        return Some(match request.recipe.inputs.secrets.get(id).map(|secret| &secret.source) {
            Some(SecretSource::Variable(name)) => {
                format!(
                    "the secret `{id}` is read from the variable {name}, which is not set: set it"
                )
            }
            _ => format!("provide it: --secret id={id},src=FILE or --secret id={id},env=VARIABLE"),
        });
    }
    let id = asked(message, "no SSH agent is forwarded as `", "`")?;
    Some(format!(
        "forward one: --ssh {id} for the running agent, or --ssh {id}=PATH for a socket or a private \
         key"
    ))
}

/// The one word between `before` and `after`.
fn asked<'m>(message: &'m str, before: &str, after: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(before)?;
    let (id, _) = rest.split_once(after)?;
    (!id.is_empty() && !id.contains(char::is_whitespace)).then_some(id)
}
