//! `onebuild build` and `onebuild matrix`: build the cells.

pub(super) mod again;
mod destination;
mod listed;
mod native;
mod recorded;
mod repeat;
mod stream;

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use self::again::{Before, Kept};
use self::listed::Listed;
use self::native::{found, on_engine, resolved};
use self::recorded::{NoRecord, Record};
use self::repeat::Repeat;
use super::reports::Reports;
use super::{prepare, shown};
use crate::config::{BuildConfig, OutputFile};
use crate::docker::{Credentials, DockerConfig};
use crate::driver::{
    self, EngineBuilder, EngineDisk, Environment, Hashed, Hashes, HeldSecrets, IdleCaches, Limited,
    Obstacle, Outage, REGISTRY_TIMEOUT, Redacted, Retried, SecretReader, SmokeTested, Verified,
    preflight,
};
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind, visible, why};
use crate::failure::Kind;
use crate::image::Platform;
use crate::matrix::{Cell, Matrix, Unnamed};
use crate::node::{Address, Node, Product};
use crate::outcome::{CellResult, Outcome};
use crate::plan::{BuildRequest, Output};
use crate::progress::{self, DisplaySettings, Mode, Past};
use crate::record::Timestamp;
use crate::registry::{Patience, RegistryClient};
use crate::report;
use crate::run::node::Found;
use crate::run::{self, Stop, engine, terminal};
use crate::schedule;
use crate::workspace::needs::{self, Purpose};

/// Capacity of the queue of events for the display. A full queue slows the builds.
const EVENTS: usize = 1024;

/// Number of concurrent cells for each core. More of them made BuildKit slower.
const JOBS_PER_CORE: usize = 4;

/// How long a blocked terminal may delay a run that was asked to stop.
const OUTPUT_GRACE: Duration = Duration::from_secs(2);

/// How long the remaining work may take after the run.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// How often a run with `--wait` looks whether it is its turn.
const TURN_PULSE: Duration = Duration::from_millis(500);

const NOT_STARTED: &str = "note: stopped before a cell started\n";
const NOT_CLEANED_UP: &str =
    "note: quit without cleaning up; the next run on this engine removes the remaining objects\n";

/// The environment for secrets, agents and the cache of a CI runner.
const ENVIRONMENT: Environment = |name| std::env::var_os(name);

pub(super) fn run(
    matrix: &Matrix,
    config: &BuildConfig,
    before: Option<Before>,
) -> Result<ExitCode, Error> {
    let options = destination::options(config);
    let purpose = if config.dry_run { Purpose::Plan } else { Purpose::Build };
    let prepare::Prepared { cells, requests, mut allows, needs, .. } =
        prepare::prepared(matrix, &config.cells, &options, purpose)?.buildable()?;
    let runtime = run::runtime()?;
    let hashes = Arc::new(Hashes::new());
    let mut kept = Vec::new();
    let (cells, requests) = match before {
        None => (cells, requests),
        Some(before) => {
            let requests = match before.compares() {
                true => runtime.block_on(native::known(requests, config, ENVIRONMENT))?,
                false => requests,
            };
            let left = runtime.block_on(before.left(cells, requests, &hashes));
            if !config.progress.is_silent() {
                terminal::stderr(&left.note);
            }
            if left.requests.is_empty() {
                return nothing_left(config, &left.kept);
            }
            kept = left.kept;
            (left.cells, left.requests)
        }
    };
    destination::check_caches(&cells, &requests)?;
    tell_unset(config);
    if let Some(output) = &config.output {
        destination::check(&requests, output, &options, config)?;
    }
    if config.dry_run {
        needs::tell(&needs);
        return Ok(dry_run(&cells, &requests, config));
    }
    let reports = Reports::of_step(&config.reports, ENVIRONMENT)?;
    let (secrets, found) = secrets(&requests, config.progress);
    let secrets = (secrets, allows.filter(found));
    let moves_alone = options.is_one_for_each(cells.len()) && !options.is_one_for_each(1);
    let repeat = Repeat::new(&config.typed, &cells, moves_alone);
    let done = runtime.block_on(build(
        (&cells, &kept, hashes),
        requests,
        secrets,
        (repeat, reports),
        config,
    ));
    // Threads that write remove their unfinished files. A thread that is blocked while reading must not
    // keep the program running.
    runtime.shutdown_timeout(LAST_MOMENT);
    done
}

/// Writes the reports of a run that has nothing to build: who starts it may expect its files.
fn nothing_left(config: &BuildConfig, kept: &[Kept]) -> Result<ExitCode, Error> {
    let reports = match config.dry_run {
        true => None,
        false => Some(Reports::of_step(&config.reports, ENVIRONMENT)?),
    };
    let wanted = reports.and_then(|reports| Some((reports.wanted()?, reports)));
    let Some((steps, reports)) = wanted else { return Ok(ExitCode::SUCCESS) };
    let jobs = config.jobs.map_or(1, NonZeroUsize::get);
    let start = recorded::start(config, (&[], kept), &[], ("", None), jobs);
    reports.written(&recorded::ended(&start, steps)?)
}

fn dry_run(cells: &[Cell], requests: &[BuildRequest], config: &BuildConfig) -> ExitCode {
    if config.progress.is_silent() {
        shown::table(cells);
        return ExitCode::SUCCESS;
    }
    shown::summary(cells);
    terminal::stderr(&format!("{}\n", visible(&destination::sentence(requests, config))));
    ExitCode::SUCCESS
}

/// Names the build arguments that have no value.
fn tell_unset(config: &BuildConfig) {
    for name in config.cells.unset_args.iter().filter(|_| !config.progress.is_silent()) {
        let text = format!("--build-arg {name} has no effect: the variable {name} is not set");
        terminal::stderr(&format!("note: {}\n", visible(&text)));
    }
}

/// Reads the secrets of `requests` that can be read only once. This happens before signals are handled, so
/// that Ctrl-C ends a read that blocks.
fn secrets(requests: &[BuildRequest], progress: Mode) -> (HeldSecrets, Diagnostics) {
    let waiting = &mut |text: &str| {
        if !progress.is_silent() {
            terminal::stderr(&format!("note: {}\n", visible(text)));
        }
    };
    SecretReader { environment: ENVIRONMENT, waiting }.read(requests)
}

async fn build(
    (cells, kept, hashes): (&[Cell], &[Kept], Arc<Hashes>),
    mut requests: Vec<BuildRequest>,
    secrets: (HeldSecrets, Diagnostics),
    (repeat, reports): (Repeat, Reports),
    config: &BuildConfig,
) -> Result<ExitCode, Error> {
    let mut stop = Stop::listen().map_err(|error| {
        Error::new(ErrorKind::Environment, format!("cannot listen for signals: {}", why(&error)))
    })?;
    let docker = engine::docker_config(config.cells.strict)?;
    let credentials = Arc::new(engine::credentials(docker.clone()));
    let (idle, notes) = IdleCaches::find(&requests, ENVIRONMENT);
    if !config.progress.is_silent() {
        notes.iter().for_each(|note| terminal::stderr(&format!("note: {}\n", visible(note))));
    }
    let registry = RegistryClient::new(credentials.clone(), Patience::default(), engine::proxies());
    let machine = (&docker, credentials.clone());
    let opening = open(&requests, secrets, idle, config, machine, &registry);
    let Some(opened) = stop.until_signal(opening).await else {
        return Ok(leave(&stop, NOT_STARTED).await);
    };
    let Opened { builder, outage, disk, native, facts_line, lacking } = opened?;
    let engine = facts_line.trim_end().split(" · ").skip(1).collect::<Vec<_>>().join(" · ");
    let head = [facts_line, lacking, native_note(&requests, &native, config)].concat();
    on_engine(&mut requests, &native);

    let paint = terminal::stderr_paint();
    let settings = DisplaySettings {
        mode: config.progress,
        paint,
        is_terminal: terminal::stderr_is_terminal(),
        is_github: ENVIRONMENT("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
        size: progress::terminal_size,
    };
    let mode = settings.resolved();
    let head = if mode.is_silent() { String::new() } else { head };
    let options = schedule::Options { jobs: jobs(config), fail_fast: config.fail_fast };

    let (events, received) = mpsc::channel(EVENTS);
    let jobs = options.jobs.get();
    let mut start =
        recorded::start(config, (cells, kept), &requests, (&engine, Some(&native)), jobs);
    let past = match mode {
        Mode::Tty => recorded::past(config, &start, ENVIRONMENT),
        _ => Past::default(),
    };
    let mut is_waiting = false;
    let mut record = loop {
        start.time = Timestamp::now();
        let token = stop.token();
        match Record::start(config, &start, reports.wanted(), token, ENVIRONMENT) {
            Ok(record) => break record,
            Err(NoRecord::Failed(error)) => return Err(error),
            Err(NoRecord::Held(held)) if !config.wait => return Err(held.error()),
            Err(NoRecord::Held(held)) => {
                if !is_waiting && !mode.is_silent() {
                    terminal::stderr(&held.note());
                }
                is_waiting = true;
            }
        }
        if stop.until_signal(sleep(TURN_PULSE)).await.is_none() {
            return Ok(leave(&stop, NOT_STARTED).await);
        }
    };
    let received = record.relay(received);
    let display = progress::start(settings, terminal::stderr_stream(), (head, past), received);
    let gates = registry.gates();
    let builder = Verified::new(builder, registry, config.cells.strict)
        .with_gates(gates.clone())
        .with_images(reports.shows_images());
    let builder = Redacted::new(Limited::new(builder, config.limits), credentials);
    let builder = Retried::new(builder, gates, outage, disk);
    let builder = Hashed::new(builder, record.is_on().then_some(hashes));
    // On a terminal, the report is enough; full digests would fill the screen.
    let shown = mode != Mode::Json
        && !config.output.as_ref().is_some_and(OutputFile::is_stdout)
        && !terminal::stdout_is_terminal();
    let (builder, listing) = Listed::new(builder, shown);
    let builder = Arc::new(builder);
    let cancel = stop.token().clone();
    let work = async {
        let cells = schedule::run(requests, builder.clone(), options, events, cancel.clone());
        let verified = builder.inner().inner().inner().inner().inner();
        let tested = verified.inner();
        let (outcomes, swept) = tested.beside(cells, &cancel).await;
        let left = tested.close().await;
        // This ends the list.
        drop(builder);
        (outcomes, swept, left)
    };
    let Some((outcomes, swept, left)) = stop.guard(work).await else {
        let recorded = timeout(LAST_MOMENT, record.finish(stopped(&stop), Timestamp::now()));
        let (shown, _) = tokio::join!(timeout(LAST_MOMENT, display), recorded);
        return Ok(leave(&stop, if shown.is_ok() { NOT_CLEANED_UP } else { "" }).await);
    };
    // The report follows the last output of the display. A closed terminal is not an error.
    let code = stop.exit_code().unwrap_or_else(|| exit_code(&outcomes));
    let logs = record.logs(&outcomes);
    let time = Timestamp::now();
    let ended = async { tokio::join!(display, record.finish(code, time)) };
    let ended = stop.guard_output(ended, OUTPUT_GRACE).await;

    let mut closing: String =
        left.iter().map(|left| format!("warning: {}\n", visible(left))).collect();
    let style = report::Style {
        width: progress::terminal_size().map(|size| size.columns),
        paint,
        table: matches!(mode, Mode::Plain | Mode::Github),
    };
    closing += &match mode {
        Mode::Quiet | Mode::Json => {
            let warnings = report::unverified(&outcomes, paint);
            [warnings, report::failures(&outcomes, paint)].concat().join("\n")
        }
        _ => report::closing(&outcomes, time.since(start.time), style),
    };
    closing += &logs;
    closing += &repeat.line(&outcomes).unwrap_or_default();
    if let Some(note) = swept.note().filter(|_| !mode.is_silent()) {
        closing += &format!("note: {note}\n");
    }
    if let Some(late) = stop.signal().and_then(|_| report::too_late(&outcomes)) {
        closing += &format!("note: {late}\n");
    }
    let mut code = code;
    if let Some((_, (recorded, incomplete))) = ended {
        closing += &incomplete.unwrap_or_default();
        for error in recorded.iter().flat_map(|run| reports.write(run)) {
            closing += &error.render(terminal::stderr_has_colour());
            code = if code == 0 { error.kind().exit_code() } else { code };
        }
        let annotations: String = recorded.iter().map(|run| reports.annotations(run)).collect();
        let printed = spawn_blocking(move || {
            terminal::stderr(&closing);
            terminal::workflow_commands(&annotations);
        });
        stop.guard_output(printed, OUTPUT_GRACE).await;
    }
    stop.guard_output(listing, OUTPUT_GRACE).await;
    Ok(ExitCode::from(stop.exit_code().unwrap_or(code)))
}

/// Ends a run that was asked to stop, and prints `note` unless the terminal is blocked.
async fn leave(stop: &Stop, note: &'static str) -> ExitCode {
    let _ = timeout(LAST_MOMENT, spawn_blocking(move || terminal::stderr(note))).await;
    ExitCode::from(stopped(stop))
}

/// The exit code of a run that was stopped.
fn stopped(stop: &Stop) -> u8 {
    stop.exit_code().unwrap_or(ErrorKind::CellFailed.exit_code())
}

/// An engine that can build the requests.
struct Opened {
    builder: SmokeTested,
    outage: Outage,
    disk: EngineDisk,
    /// The platform that it runs without emulation.
    native: Platform,
    /// One line for logs.
    facts_line: String,
    /// A note about what the engine cannot do, or nothing.
    lacking: String,
}

/// How to build faster while developing: on a terminal of a person who builds one image for several
/// platforms.
fn native_note(requests: &[BuildRequest], native: &Platform, config: &BuildConfig) -> String {
    let is_ci = ENVIRONMENT("CI").is_some_and(|value| !value.is_empty() && value != "false");
    let is_build = config.cells.selection.unnamed == Unnamed::Defaults;
    let several = requests.iter().map(|request| request.recipe.platforms.len()).max();
    match several {
        Some(count)
            if count > 1 && is_build && !is_ci && config.cells.overrides.platforms.is_empty() =>
        {
            format!(
                "note: builds for {count} platforms; `--platform native` builds for {native} only\n"
            )
        }
        _ => String::new(),
    }
}

/// How many cells are built at the same time, and how many registries are asked before that.
fn jobs(config: &BuildConfig) -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let jobs = config.jobs.or(NonZeroUsize::new(cores * JOBS_PER_CORE));
    jobs.expect("a machine has at least one core")
}

/// Connects to the engine and checks that it and this machine can build the requests.
async fn open(
    requests: &[BuildRequest],
    (secrets, found): (HeldSecrets, Diagnostics),
    idle: IdleCaches,
    config: &BuildConfig,
    machine: (&DockerConfig, Arc<Credentials>),
    registry: &RegistryClient,
) -> Result<Opened, Error> {
    stop_at(driver::missing(requests, ENVIRONMENT), found, config.cells.strict)?;
    // Concurrent with the search for the engine.
    let (opened, refused) = tokio::join!(
        open_engine(requests, secrets, idle, config, machine),
        driver::refused(requests, registry, jobs(config))
    );
    let opened = opened?;
    stop(refused)?;
    Ok(opened)
}

async fn open_engine(
    requests: &[BuildRequest],
    secrets: HeldSecrets,
    idle: IdleCaches,
    config: &BuildConfig,
    (docker, credentials): (&DockerConfig, Arc<Credentials>),
) -> Result<Opened, Error> {
    let verbose = config.progress == Mode::Plain;
    let Found { mut node, reason, rejected } =
        found(requests, &idle, config, docker, verbose).await?;
    if let (Product::Buildkitd, Some((what, help))) = (node.facts().product, in_docker(requests)) {
        node = engine::with_docker(node, docker, &what, help).await?;
    }
    let facts = node.facts();
    let requests = resolved(requests, facts);
    let beside = match facts.product {
        Product::Buildkitd => node.docker().map(|(_, facts)| facts),
        Product::DockerEngine => None,
    };
    if let Some(rejected) = rejected {
        terminal::stderr(&format!("note: {}\n", visible(&rejected)));
    }
    stop(preflight(&requests, &idle, facts, beside))?;
    let (facts_line, native) =
        (facts_line(&node, reason.as_deref(), &requests), facts.native().clone());
    let lacking = facts.without_lint().map_or_else(String::new, |lacking| {
        format!("note: BuildKit's own checks are skipped: {}\n", visible(&lacking))
    });
    let proxies = match node.address() {
        Address::Docker(endpoint) => docker.proxies(Some(endpoint)),
        Address::Buildkitd(_) => docker.proxies(None),
    };
    let builder = EngineBuilder::new(node, credentials, ENVIRONMENT, secrets, REGISTRY_TIMEOUT);
    let builder = builder.skipping(idle).with_proxies(proxies);
    let (outage, disk) = (builder.outage(config.engine_wait), builder.disk(config.reclaim));
    let builder = SmokeTested::new(builder, config.test_jobs);
    Ok(Opened { builder, outage, disk, native, facts_line, lacking })
}

/// What of `requests` needs a Docker Engine beside a buildkitd, and what to do if there is none.
fn in_docker(requests: &[BuildRequest]) -> Option<(String, &'static str)> {
    let request = requests.iter().find(|request| request.needs_store())?;
    let cell = &request.cell;
    Some(match request.delivery.output {
        Output::Store | Output::StoreAndPush => (
            format!("a buildkitd has no image store, so `{cell}` needs a Docker Engine"),
            "name a Docker Engine with DOCKER_HOST, or send the image elsewhere: --push, or --output \
             type=oci,dest=FILE",
        ),
        Output::Push | Output::Digest | Output::Nothing | Output::File { .. } => (
            format!("the smoke test of `{cell}` needs a Docker Engine"),
            "name a Docker Engine with DOCKER_HOST, or build without smoke tests: --skip-test",
        ),
    })
}

fn stop(obstacles: Vec<Obstacle>) -> Result<(), Error> {
    stop_at(obstacles, Diagnostics::default(), false)
}

/// Fails with all obstacles, if there are any. `found` only causes warnings, unless it contains errors.
fn stop_at(obstacles: Vec<Obstacle>, found: Diagnostics, strict: bool) -> Result<(), Error> {
    if obstacles.is_empty() && !found.has_errors() {
        return terminal::warn(&found, strict);
    }
    let mut errors = Diagnostics::default();
    for Obstacle { message, help } in obstacles {
        errors.push(Diagnostic::error(message).help(help));
    }
    errors.extend(found);
    Err(Error::found(ErrorKind::Environment, errors))
}

/// The first line of a run: the engine, why it is the one, and how it runs the platforms.
fn facts_line(node: &Node, reason: Option<&str>, requests: &[BuildRequest]) -> String {
    let facts = node.facts();
    let mut wanted: Vec<&Platform> = requests.iter().flat_map(|r| &r.recipe.platforms).collect();
    wanted.sort();
    wanted.dedup();
    let runs = |platform: &&Platform| {
        let how = match () {
            () if facts.native().runs_natively(platform) => "native",
            () if facts.platforms.contains(platform) => "emulated",
            // `preflight` accepts it if it only gets files.
            () => "without emulation",
        };
        format!("{} {how}", platform.short())
    };
    let platforms: Vec<String> = wanted.iter().map(runs).collect();
    let beside = match (facts.product, node.docker()) {
        (Product::Buildkitd, Some((engine, facts))) => {
            let (name, endpoint) = (facts.name(), engine.endpoint());
            format!(" · images go to {} at {endpoint}", visible(&name))
        }
        _ => String::new(),
    };
    format!(
        "onebuild {} · {} at {}{}{beside} · {}\n",
        crate::VERSION,
        visible(&facts.name()),
        node.address(),
        visible(&reason.map(|reason| format!(" ({reason})")).unwrap_or_default()),
        platforms.join(", ")
    )
}

/// A bug in onebuild, then failed cells.
fn exit_code(outcomes: &[Outcome]) -> u8 {
    let mut failures = outcomes.iter().filter_map(|outcome| match &outcome.result {
        CellResult::Failed(failure) => Some(failure),
        _ => None,
    });
    let kind = match failures.next() {
        None => return 0,
        Some(first) if first.kind == Kind::Bug || failures.any(|f| f.kind == Kind::Bug) => {
            ErrorKind::Bug
        }
        Some(_) => ErrorKind::CellFailed,
    };
    kind.exit_code()
}
