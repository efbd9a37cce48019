//! `--failed` and `--resume`: what is left of a recorded run.

use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::path::Path;

use crate::commands::records;
use crate::config::{Again, BuildConfig, RunChoice};
use crate::driver::Hashes;
use crate::error::{Error, ErrorKind, visible};
use crate::matrix::Cell;
use crate::plan::BuildRequest;
use crate::record::event::{Built, CellFinished, CellResult};
use crate::record::{Argument, Recorded, State};
use crate::text::counted;

/// Flags that change neither what is built nor where it goes. They may differ from those of the recorded
/// run.
const FREE: &[&str] = &[
    "allow",
    "builder",
    "fail-fast",
    "file",
    "host",
    "idle-timeout",
    "jobs",
    "keep-going",
    "retries",
    "test-jobs",
    "timeout",
    "wait",
];

/// The recorded run of which the rest is built.
#[derive(Debug)]
pub(crate) struct Before {
    run: Recorded,
    is_resumed: bool,
}

/// The run that `config` names, and the command line with its flags: `args` without `--failed` and
/// `--resume`, and with what was recorded.
pub(crate) fn repeated(
    args: &[OsString],
    config: &BuildConfig,
    again: &Again,
) -> Result<(Vec<OsString>, Before), Error> {
    let run = chosen(config, again)?;
    let head = &run.head;
    if run.state == State::Running {
        let message = format!(
            "the run {} is still running, as process {} on {}",
            head.id, head.process.pid, head.process.host
        );
        let help = "wait for its end, or stop it; `onebuild logs --follow CELL` shows what it does";
        return Err(Error::new(ErrorKind::Environment, message).help(help));
    }
    if head.command.name != config.typed.command {
        let message = format!("the run {} was `onebuild {}`", head.id, head.command.name);
        let flag = if matches!(again, Again::Failed) { "--failed" } else { "--resume" };
        let help = format!("write `onebuild {} {flag}`", head.command.name);
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    let here = env::current_dir().unwrap_or_default();
    if here != Path::new(&head.directory) {
        let message = format!("the run {} was started in {}", head.id, head.directory);
        let help = "its paths are relative to that directory: change to it";
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    let recorded = arguments(&run, &config.typed.arguments)?;
    let is_own = |arg: &&OsString| {
        let text = arg.to_string_lossy();
        text != "--failed" && text != "--resume" && !text.starts_with("--resume=")
    };
    let mut own = args.iter().filter(is_own).cloned();
    let mut all: Vec<OsString> = Vec::new();
    for word in own.by_ref() {
        let is_command = !all.is_empty() && word.to_str() == Some(&config.typed.command);
        all.push(word);
        if is_command {
            break;
        }
    }
    all.extend(recorded);
    all.extend(own);
    Ok((all, Before { is_resumed: matches!(again, Again::Resume(_)), run }))
}

fn chosen(config: &BuildConfig, again: &Again) -> Result<Recorded, Error> {
    let directory = records::directory(&config.record)?;
    let all = records::all(&directory)?;
    let entry = match again {
        Again::Resume(RunChoice::Id(id)) => all.into_iter().find(|entry| entry.id == *id),
        Again::Resume(RunChoice::Number(number)) => {
            records::of_matrix(all, &config.cells.file).into_iter().nth(number.get() - 1)
        }
        Again::Failed => records::of_matrix(all, &config.cells.file).into_iter().next(),
    };
    entry.as_ref().and_then(records::record).ok_or_else(|| {
        let message = "there is no record of such a run of this matrix";
        let help = "`onebuild runs` lists the recorded runs; build without this flag";
        Error::new(ErrorKind::Usage, message).help(help)
    })
}

/// The recorded arguments as words of a command line. `own` are those of this command line.
fn arguments(run: &Recorded, own: &[Argument]) -> Result<Vec<OsString>, Error> {
    let (id, recorded) = (&run.head.id, &run.head.command.arguments);
    for argument in own {
        let is_free = argument.flag.as_deref().is_some_and(|flag| FREE.contains(&flag));
        if is_free || recorded.contains(argument) {
            continue;
        }
        let text = shown(argument);
        let message =
            format!("`{}` contradicts the run {id}, which had other flags", visible(&text));
        let help = format!("leave it out, or start a new run; it was: {}", run.head.command.text);
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    let mut words = Vec::new();
    for argument in recorded {
        if argument.flag.as_deref() == Some("file") {
            continue;
        }
        if argument.hidden {
            if own.contains(argument) {
                continue;
            }
            let text = shown(argument);
            let message = format!(
                "the value of `{}` was not recorded, because it could be secret",
                visible(&text)
            );
            let help = "add the flag with its value to this command";
            return Err(Error::new(ErrorKind::Usage, message).help(help));
        }
        words.push(match (&argument.flag, &argument.value) {
            (Some(flag), Some(value)) => format!("--{flag}={value}").into(),
            (Some(flag), None) => format!("--{flag}").into(),
            (None, value) => value.clone().unwrap_or_default().into(),
        });
    }
    Ok(words)
}

fn shown(argument: &Argument) -> String {
    let flag = argument.flag.as_ref().map(|flag| format!("--{flag}"));
    let parts = flag.into_iter().chain(argument.value.clone());
    parts.collect::<Vec<_>>().join(" ")
}

/// A cell that is left out, and how it ended.
pub(super) type Kept = (Cell, BuildRequest, CellFinished);

/// What is left to build, and what is not built again.
pub(super) struct Left {
    pub(super) cells: Vec<Cell>,
    pub(super) requests: Vec<BuildRequest>,
    /// The cells that are left out, as their run recorded them.
    pub(super) kept: Vec<Kept>,
    /// What is said about it.
    pub(super) note: String,
}

impl Before {
    /// Whether what was pushed is compared with what would be built.
    pub(super) fn compares(&self) -> bool {
        self.is_resumed
    }

    /// Leaves out the cells that need not be built again.
    pub(super) async fn left(
        &self,
        cells: Vec<Cell>,
        requests: Vec<BuildRequest>,
        hashes: &Hashes,
    ) -> Left {
        let (mut left, mut kept) = ((Vec::new(), Vec::new()), Vec::new());
        let mut changed = Vec::new();
        let mut known: HashSet<&str> = HashSet::new();
        for (cell, request) in cells.into_iter().zip(requests) {
            let recorded = self.run.cells.get(&*cell.name);
            let finished = recorded.and_then(|known| known.finished.as_ref());
            let built = finished.and_then(|finished| match &finished.result {
                CellResult::Built(built) => Some(built),
                _ => None,
            });
            known.extend(recorded.map(|recorded| recorded.cell.cell.as_str()));
            let is_left = match (built, self.is_resumed) {
                (Some(built), true) => match differs(built, &request, hashes).await {
                    Some(why) => {
                        changed.push(format!("{}: {why}", cell.name));
                        true
                    }
                    None => false,
                },
                (Some(_), false) => false,
                // A cell that the run did not have did not fail in it.
                (None, is_resumed) => is_resumed || recorded.is_some(),
            };
            match (is_left, finished) {
                (false, Some(finished)) => kept.push((cell, request, self.kept(finished))),
                (false, None) => {}
                (true, _) => {
                    left.0.push(cell);
                    left.1.push(request);
                }
            }
        }
        let gone = self.run.cells.keys().filter(|name| !known.contains(name.as_str())).count();
        let note = self.note(left.0.len(), kept.len(), &changed, gone);
        let (cells, requests) = left;
        Left { cells, requests, kept, note }
    }

    fn kept(&self, finished: &CellFinished) -> CellFinished {
        let mut finished = finished.clone();
        if let CellResult::Built(built) = &mut finished.result {
            built.kept_from.get_or_insert_with(|| self.run.head.id.clone());
        }
        finished
    }

    fn note(&self, left: usize, kept: usize, changed: &[String], gone: usize) -> String {
        let id = &self.run.head.id;
        let mut note = match self.is_resumed {
            true => format!(
                "note: {} of the run {id} {} left out: pushed, verified and unchanged; {left} to build\n",
                counted(kept, "cell"),
                if kept == 1 { "is" } else { "are" },
            ),
            false => format!("note: {} of the run {id} to build again\n", counted(left, "cell")),
        };
        for line in changed {
            note += &format!("note: {}\n", visible(line));
        }
        if gone > 0 {
            let cells = counted(gone, "cell");
            note += &format!(
                "note: {cells} of that run {} not in the matrix any more\n",
                if gone == 1 { "is" } else { "are" }
            );
        }
        note
    }
}

/// Why a cell that was built has to be built again.
async fn differs(built: &Built, request: &BuildRequest, hashes: &Hashes) -> Option<&'static str> {
    if built.pushed.is_empty() {
        return Some("built, but not pushed");
    }
    if !built.verified {
        return Some("pushed, but not verified");
    }
    let (Some(recipe), Some(context)) = (&built.recipe, &built.context) else {
        return Some("pushed, but its files changed during that run");
    };
    match hashes.of(request).await {
        None => Some("its context cannot be read, or changes"),
        Some(now) if now.recipe.as_str() != recipe => Some("its recipe has changed"),
        Some(now) if now.context.as_str() != context => Some("its context has changed"),
        Some(_) => None,
    }
}
