//! `onebuild build` and `onebuild matrix`: the cells, built.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{engine, inputs, output, prepare, render};
use crate::cli::{BuildArgs, OutputSpec};
use crate::docker::{Engine, EngineFacts};
use crate::driver::{self, EngineBuilder, Environment, Verified, preflight};
use crate::error::{Error, ErrorKind};
use crate::image::Platform;
use crate::matrix::{Cell, Matrix, Unnamed};
use crate::outcome::{CellResult, Outcome};
use crate::plan::{self, BuildOptions, BuildRequest, FileOutput, Network, Output};
use crate::progress::{self, Mode, Settings};
use crate::registry::{Patience, RegistryClient};
use crate::report;
use crate::schedule;
use crate::text::Paint;

/// Events that wait for the display before the work is slowed.
const EVENTS: usize = 1024;

/// Cells at once for each processor: more made BuildKit slower.
const JOBS_PER_CORE: usize = 4;

/// What an axis that is not named stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Its default: `build`.
    One,
    /// All its values: `matrix`.
    All,
}

pub(super) fn run(matrix: &Matrix, args: &BuildArgs, scope: Scope) -> Result<ExitCode, Error> {
    let unnamed = match scope {
        Scope::One => Unnamed::Defaults,
        Scope::All => Unnamed::Everything,
    };
    let cells = prepare::cells(matrix, &args.select, unnamed)?;
    let options = Arc::new(options(args));
    let mut requests = prepare::requests(matrix, &cells, &args.select, &options)?;
    inputs::add(&mut requests, &args.inputs, args.run.network)?;
    if let Some(spec) = &args.output.output {
        give_each_its_file(&mut requests, spec, args.output.dry_run)?;
    }
    if args.output.dry_run {
        return Ok(dry_run(&cells));
    }
    // One thread serves the connections; walking folders and drawing have threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Bug, format!("no runtime: {error}")))?;
    let done = runtime.block_on(build(requests, args));
    // A thread that reads a file which never ends must not hold the program.
    runtime.shutdown_background();
    done
}

fn dry_run(cells: &[Cell]) -> ExitCode {
    output::stdout(&plan::table(cells));
    ExitCode::SUCCESS
}

fn options(args: &BuildArgs) -> BuildOptions {
    BuildOptions {
        output: match (args.output.push, args.output.load) {
            (true, true) => Output::StoreAndPush,
            (true, false) => Output::Push,
            (false, _) => Output::Store,
        },
        no_cache: args.run.no_cache,
        pull: args.run.pull,
        network: Network::Default,
        provenance: args.run.provenance,
        history: args.run.history,
    }
}

/// Sets where each request's file goes.
fn give_each_its_file(
    requests: &mut [BuildRequest],
    spec: &OutputSpec,
    dry_run: bool,
) -> Result<(), Error> {
    let to_stdout = spec.dest == Path::new("-");
    if to_stdout && (spec.kind == FileOutput::Local || output::stdout_is_terminal()) {
        let message = match spec.kind {
            FileOutput::Local => "a folder cannot be written to stdout",
            _ => "stdout is a terminal, and an archive would garble it",
        };
        return Err(Error::new(ErrorKind::Usage, message).help("name a place: dest=PATH"));
    }
    let folder = spec.dest.as_os_str().as_encoded_bytes().ends_with(b"/") || spec.dest.is_dir();
    let folder = folder && (requests.len() > 1 || spec.kind != FileOutput::Local);
    if requests.len() > 1 && !folder {
        let message =
            format!("{} cells cannot all be written to {}", requests.len(), spec.dest.display());
        let help = format!("name a folder: dest={}/", spec.dest.display());
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    let several = requests.iter().find(|request| request.platforms.len() > 1);
    if let (FileOutput::Docker, Some(request)) = (spec.kind, several) {
        let message = format!("type=docker holds one platform, and `{}` has several", request.cell);
        let help = "choose one with --platform, or write type=oci";
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    if let Some(parent) = spec.dest.parent().filter(|parent| *parent != Path::new(""))
        && !folder
        && !parent.is_dir()
    {
        let message = format!("there is no folder {} to write into", parent.display());
        return Err(Error::new(ErrorKind::Usage, message).help("make it first"));
    }
    if folder && !dry_run {
        std::fs::create_dir_all(&spec.dest).map_err(|error| {
            let message = format!("{} cannot be made", spec.dest.display());
            Error::new(ErrorKind::Environment, message).caused_by(error)
        })?;
    }
    for request in requests {
        let name = render::file_name(&request.cell);
        let dest = match spec.kind {
            _ if !folder => spec.dest.clone(),
            FileOutput::Local => spec.dest.join(name),
            FileOutput::Oci | FileOutput::Docker | FileOutput::Tar => {
                spec.dest.join(format!("{name}.tar"))
            }
        };
        let output = Output::File { kind: spec.kind, dest };
        request.options = Arc::new(BuildOptions { output, ..(*request.options).clone() });
    }
    Ok(())
}

async fn build(requests: Vec<BuildRequest>, args: &BuildArgs) -> Result<ExitCode, Error> {
    let started = Instant::now();
    let credentials = Arc::new(engine::credentials()?);
    for request in &requests {
        if !request.context.is_dir() && request.context != Path::new("") {
            let message = format!("there is no context folder {}", request.context.display());
            return Err(Error::new(ErrorKind::Matrix, message));
        }
    }
    let environment: Environment = |name| std::env::var_os(name);
    if let Some(obstacle) = driver::missing(&requests, environment).into_iter().next() {
        return Err(Error::new(ErrorKind::Environment, obstacle.message).help(obstacle.help));
    }
    if driver::without_runner(&requests, environment) {
        output::stderr(
            "note: the gha cache is left out, since no runner of GitHub Actions said where it is\n",
        );
    }
    let engine = engine::connect(args.run.host.as_deref()).await?;
    let facts = engine.facts().await?;
    let builder = EngineBuilder::open(engine.clone(), credentials.clone(), environment).await?;
    let platforms =
        builder.platforms().await.map_err(|reason| Error::new(ErrorKind::Environment, reason))?;
    if let Some(obstacle) = preflight(&requests, &facts, &platforms).into_iter().next() {
        return Err(Error::new(ErrorKind::Environment, obstacle.message).help(obstacle.help));
    }

    let paint = Paint { colour: output::stderr_has_colour() };
    let settings = Settings {
        mode: args.run.progress,
        paint,
        is_terminal: output::stderr_is_terminal(),
        size: progress::terminal_size,
    };
    let mode = settings.resolved();
    if mode != Mode::Quiet {
        output::stderr(&facts_line(&engine, &facts, &requests));
    }
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let jobs = args.run.jobs.or(NonZeroUsize::new(cores * JOBS_PER_CORE));
    let options = schedule::Options {
        jobs: jobs.expect("a machine has at least one core"),
        fail_fast: args.run.fail_fast,
    };

    let cancel = CancellationToken::new();
    let (events, received) = mpsc::channel(EVENTS);
    let display = progress::start(settings, std::io::stderr(), received);
    let signals = tokio::spawn(stop_at_a_signal(cancel.clone()));
    let registry = RegistryClient::new(credentials, Patience::default());
    let builder = Arc::new(Verified::new(builder, registry));
    let outcomes = schedule::run(requests, builder.clone(), options, events, cancel.clone()).await;
    // The report comes after all that the display still has to say; that its terminal went away
    // is no reason to fail.
    let _ = display.await;
    builder.inner().close().await;
    signals.abort();

    let style = report::Style {
        width: progress::terminal_size().map(|size| size.columns),
        paint,
        table: mode == Mode::Plain,
    };
    output::stderr(&match mode {
        Mode::Quiet => report::failures(&outcomes, paint).join("\n"),
        _ => report::closing(&outcomes, started.elapsed(), style),
    });
    // On a terminal the report says it all; digests in full would push it off the screen.
    let taken = matches!(&args.output.output, Some(spec) if spec.dest == Path::new("-"));
    if !taken && !output::stdout_is_terminal() {
        output::stdout(&report::images(&outcomes));
    }
    Ok(exit_code(&outcomes, cancel.is_cancelled()))
}

/// One line that makes a log explain itself later.
fn facts_line(engine: &Engine, facts: &EngineFacts, requests: &[BuildRequest]) -> String {
    let mut wanted: Vec<&Platform> = requests.iter().flat_map(|r| &r.platforms).collect();
    wanted.sort();
    wanted.dedup();
    let runs = |platform: &&Platform| {
        let how = if **platform == facts.native { "native" } else { "emulated" };
        format!("{} {how}", platform.short())
    };
    let platforms: Vec<String> = wanted.iter().map(runs).collect();
    format!(
        "onebuild {} · Docker Engine {} at {} · {}\n",
        env!("CARGO_PKG_VERSION"),
        facts.version,
        engine.endpoint(),
        platforms.join(", ")
    )
}

/// The first signal cancels and lets the engine clean up; the second ends the program.
async fn stop_at_a_signal(cancel: CancellationToken) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if cancel.is_cancelled() {
            std::process::exit(ErrorKind::Interrupted.exit_code().into());
        }
        cancel.cancel();
    }
}

fn exit_code(outcomes: &[Outcome], cancelled: bool) -> ExitCode {
    let failed = outcomes.iter().any(|outcome| matches!(outcome.result, CellResult::Failed(_)));
    let kind = match (cancelled, failed) {
        (true, _) => ErrorKind::Interrupted,
        (false, true) => ErrorKind::CellFailed,
        (false, false) => return ExitCode::SUCCESS,
    };
    ExitCode::from(kind.exit_code())
}
