//! One platform of an image, tried in a container.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::log::Log;
use super::relay::TESTS;
use super::{Cell, Stop};
use crate::docker::{Bind, ContainerError, Engine, Launch, Output, State};
use crate::driver::classify::NO_EMULATOR;
use crate::error::Span;
use crate::event::{Event, Step, StepId, StepState};
use crate::failure::{Kind, Phase};
use crate::image::Platform;
use crate::outcome::{Failure, Place};
use crate::plan::{TestCommand, TimeLimit, Wait};

/// Where a script lies in the container.
const SCRIPT: &str = "onebuild-test";

/// How often the engine is asked whether a container is healthy.
const LOOK: Duration = Duration::from_millis(200);

/// How long the output of a container that has ended, and the news of that, may still be on their way.
const DRAIN: Duration = Duration::from_secs(1);

/// How long a container that is being made is waited for when the run is cancelled.
const RELUCTANCE: Duration = Duration::from_secs(2);

/// The trial of one platform.
pub(super) struct Trial<'a> {
    cell: &'a Cell<'a>,
    engine: &'a Engine,
    container: &'a str,
    platform: &'a Platform,
    step: StepId,
    run: &'a str,
    log: Mutex<Log>,
}

/// What went wrong.
enum Trouble {
    /// A command ended so.
    Exit {
        code: i64,
        out_of_memory: bool,
    },
    /// The engine did not do it.
    Refused {
        what: &'static str,
        error: ContainerError,
    },
    Unchecked,
    Unhealthy {
        check: String,
    },
    /// The container ended while it was waited for.
    Ended {
        code: i64,
    },
    /// The container ended while the command ran inside of it.
    Died {
        code: i64,
    },
    NotHealthy {
        limit: TimeLimit,
        check: String,
    },
    TooLong,
}

fn refused(what: &'static str) -> impl FnOnce(ContainerError) -> Trouble {
    move |error| Trouble::Refused { what, error }
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        cell: &'a Cell<'a>,
        engine: &'a Engine,
        run: &'a str,
        container: &'a str,
        number: u32,
        platform: &'a Platform,
    ) -> Self {
        let step = StepId(TESTS | number);
        Self { cell, engine, container, platform, step, run, log: Mutex::default() }
    }

    /// Makes the container and tries it. Whoever calls removes it, whatever comes of this.
    pub(super) async fn run(&self, cancel: &CancellationToken) -> Result<(), Stop> {
        if cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        self.tell(StepState::Running).await;
        let since = Instant::now();
        let work = async {
            let (tried, limit) = (self.attempt(), self.cell.test.timeout.duration());
            tokio::time::timeout(limit, tried).await.unwrap_or(Err(Trouble::TooLong))
        };
        let launch = self.launch();
        let making = self.engine.create_container(&launch);
        // Whether there is a container should be known: the making is given up reluctantly.
        let given_up = async {
            cancel.cancelled().await;
            tokio::time::sleep(RELUCTANCE).await;
        };
        let made = tokio::select! {
            made = making => Some(made),
            () = given_up => None,
        };
        let done = match made {
            Some(Ok(())) => cancel.run_until_cancelled(work).await,
            Some(Err(error)) => Some(Err(refused("no container could be made")(error))),
            None => None,
        };
        let took = since.elapsed();
        let rest = self.log().finish();
        self.show(rest).await;
        match done {
            None => {
                self.tell(StepState::Cancelled).await;
                Err(Stop::Cancelled)
            }
            Some(Ok(())) => {
                self.tell(StepState::Done { took }).await;
                Ok(())
            }
            Some(Err(trouble)) => {
                self.tell(StepState::Failed { took }).await;
                Err(Stop::Failed(Box::new(self.failure(trouble, took))))
            }
        }
    }

    async fn attempt(&self) -> Result<(), Trouble> {
        let (engine, container) = (self.engine, self.container);
        if let Some(script) = &self.cell.request.script {
            let sent = engine.upload(container, archive(script)).await;
            sent.map_err(refused("the script could not be copied into the container"))?;
        }
        let lost = || refused("the engine lost the container");
        if self.cell.test.healthy.is_some() && !self.state().await?.is_checked {
            return Err(Trouble::Unchecked);
        }
        let output = engine.attach(container).await.map_err(lost())?;
        let started = engine.start_container(container).await;
        started.map_err(refused("the container did not start"))?;
        let Some(Wait { limit, .. }) = self.cell.test.healthy else {
            self.follow(output).await;
            let code = engine.wait(container).await.map_err(lost())?;
            return self.ended(code).await;
        };
        let mut following = std::pin::pin!(self.follow(output));
        let mut trying = std::pin::pin!(async {
            self.until_healthy(limit).await?;
            self.inside().await
        });
        let mut silent = false;
        let done = loop {
            tokio::select! {
                () = &mut following, if !silent => silent = true,
                done = &mut trying => break done,
            }
        };
        if !silent && matches!(done, Err(Trouble::Ended { .. } | Trouble::Died { .. })) {
            let _ = tokio::time::timeout(DRAIN, following).await;
        }
        done
    }

    async fn until_healthy(&self, limit: TimeLimit) -> Result<(), Trouble> {
        let since = Instant::now();
        loop {
            let State { running, exit_code, healthy, check_output, .. } = self.state().await?;
            match healthy {
                _ if !running => return Err(Trouble::Ended { code: exit_code }),
                Some(true) => return Ok(()),
                Some(false) => return Err(Trouble::Unhealthy { check: check_output }),
                None if since.elapsed() >= limit.duration() => {
                    return Err(Trouble::NotHealthy { limit, check: check_output });
                }
                None => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Runs the command in the container that runs, where there is one. A container that ended takes
    /// the command with it, which is then not to blame.
    async fn inside(&self) -> Result<(), Trouble> {
        let done = self.command_inside().await;
        let is_killed = match &done {
            Ok(()) => return Ok(()),
            Err(Trouble::Exit { code, .. }) => *code > 128,
            Err(_) => true,
        };
        // The engine may hear of the container's end after that of what ran inside of it.
        let since = Instant::now();
        loop {
            if let Ok(State { running: false, exit_code: code, .. }) = self.state().await {
                return Err(Trouble::Died { code });
            }
            if !is_killed || since.elapsed() >= DRAIN {
                return done;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn command_inside(&self) -> Result<(), Trouble> {
        let Some(command) = self.command() else { return Ok(()) };
        let engine = self.engine;
        let begun = engine.exec(self.container, command, self.cell.test.privileged).await;
        let not_run = || refused("the command could not be run in the container");
        let (id, output) = begun.map_err(not_run())?;
        self.follow(output).await;
        // Its output may end before it does, and the engine hears of its end later still.
        let code = loop {
            match engine.exec_exit(&id).await.map_err(not_run())? {
                Some(code) => break code,
                None => tokio::time::sleep(LOOK).await,
            }
        };
        self.ended(code).await
    }

    async fn ended(&self, code: i64) -> Result<(), Trouble> {
        match code {
            0 => Ok(()),
            code => {
                let out_of_memory = self.state().await.is_ok_and(|state| state.out_of_memory);
                Err(Trouble::Exit { code, out_of_memory })
            }
        }
    }

    async fn state(&self) -> Result<State, Trouble> {
        let state = self.engine.state(self.container).await;
        state.map_err(refused("the engine lost the container"))
    }

    /// Reads what is written until its end.
    async fn follow(&self, mut output: Output) {
        // An output that breaks off says nothing of the test, whose exit code is still to come.
        while let Some(Ok(piece)) = output.next().await {
            let lines = self.log().push(&piece);
            self.show(lines).await;
        }
    }

    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn show(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            let cell = self.cell.request.cell.clone();
            let _ = self.cell.events.send(Event::Log { cell, step: self.step, line }).await;
        }
    }

    async fn tell(&self, state: StepState) {
        let step = Step {
            id: self.step,
            name: format!("testing on {}", self.platform),
            platform: None,
            stage: None,
            position: None,
            state,
        };
        let cell = self.cell.request.cell.clone();
        let _ = self.cell.events.send(Event::Step { cell, step }).await;
    }

    fn launch(&self) -> Launch {
        let test = self.cell.test;
        let bind = |volume: &crate::plan::Volume| Bind {
            host: volume.host.clone(),
            container: volume.container.clone(),
            read_only: volume.read_only,
        };
        let labels = [("onebuild.run", self.run), ("onebuild.cell", &self.cell.request.cell)];
        Launch {
            name: self.container.to_owned(),
            image: self.cell.image.clone(),
            platform: self.platform.clone(),
            command: if test.healthy.is_some() { None } else { self.command() },
            env: test.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            binds: test.volumes.iter().map(bind).collect(),
            privileged: test.privileged,
            labels: HashMap::from(labels.map(|(key, value)| (key.to_owned(), value.to_owned()))),
        }
    }

    fn command(&self) -> Option<Vec<String>> {
        Some(match self.cell.test.command.as_ref()? {
            TestCommand::Words(words) => words.clone(),
            TestCommand::Shell(line) => ["/bin/sh", "-c", line].map(str::to_owned).to_vec(),
            TestCommand::Script(_) => vec![format!("/{SCRIPT}")],
        })
    }

    fn failure(&self, trouble: Trouble, took: Duration) -> Failure {
        let mut log_tail = self.log().tail();
        let (mut help, mut verbatim, mut exit_code) = (None, None, None);
        let mut checked = |check: String| {
            let lines = check.lines().map(|line| format!("health check: {line}"));
            log_tail.extend(lines.collect::<Vec<_>>());
        };
        // What was refused, or has used up its time, need not say how long it took.
        let timed = matches!(
            trouble,
            Trouble::Exit { .. }
                | Trouble::Unhealthy { .. }
                | Trouble::Ended { .. }
                | Trouble::Died { .. }
        );
        let test = self.cell.test;
        let asked = match (&trouble, &test.healthy) {
            (Trouble::Exit { .. } | Trouble::Refused { .. } | Trouble::TooLong, _) => &test.span,
            (_, wait) => wait.as_ref().map_or(&test.span, |wait| &wait.span),
        };
        let what = match trouble {
            Trouble::Exit { code, out_of_memory } => {
                exit_code = i32::try_from(code).ok();
                let why = if out_of_memory { ": out of memory" } else { "" };
                format!("exit code {code}{why}")
            }
            Trouble::Refused { what, error } => {
                help = refused_help(&error.message);
                verbatim = Some(error.message);
                what.to_owned()
            }
            Trouble::Unchecked => {
                help = Some("give its Dockerfile a HEALTHCHECK, or leave `healthy` out".to_owned());
                "the image has no HEALTHCHECK".to_owned()
            }
            Trouble::Unhealthy { check } => {
                checked(check);
                "the container is unhealthy".to_owned()
            }
            Trouble::Ended { code } => {
                exit_code = i32::try_from(code).ok();
                format!("the container ended with exit code {code} before it was healthy")
            }
            Trouble::Died { code } => {
                exit_code = i32::try_from(code).ok();
                format!("the container ended with exit code {code} while it was tested")
            }
            Trouble::NotHealthy { limit, check } => {
                checked(check);
                format!("not healthy within {limit}")
            }
            Trouble::TooLong => {
                let help_text = "find out what it waits for, or give it more with `timeout`";
                help = Some(help_text.to_owned());
                format!("not done within {}", test.timeout)
            }
        };
        if log_tail.iter().any(|line| line.contains("exec format error")) {
            help = Some(NO_EMULATOR.to_owned());
        }
        Failure {
            message: what,
            kind: Kind::SmokeTest,
            phase: Phase::Test,
            verbatim,
            platform: Some(self.platform.clone()),
            place: Some(place(asked)),
            exit_code,
            elapsed: timed.then_some(took),
            log_tail,
            help,
            ..Failure::default()
        }
    }
}

/// What to do when the engine refuses, as its sentence tells.
fn refused_help(message: &str) -> Option<String> {
    let help = if message.contains("bind source path does not exist") {
        "`volumes` are paths of the engine's own machine: make this one there"
    } else if message.contains("executable file not found")
        || message.contains("no such file or directory")
    {
        "the image has no such program, or not the one that a `#!` line names"
    } else if message.contains("exec format error") {
        NO_EMULATOR
    } else if message.contains("permission denied") {
        "the image's user may not run it"
    } else {
        return None;
    };
    Some(help.to_owned())
}

/// A tar archive that holds the script alone.
fn archive(script: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(script.len() as u64);
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(Vec::new());
    let appended = archive.append_data(&mut header, SCRIPT, script);
    appended.and_then(|()| archive.into_inner()).expect("writing to the memory cannot fail")
}

fn place(span: &Span) -> Place {
    let (line, _) = span.line_column();
    let text = span.file.line_range(line).map(|range| &span.file.text()[range]);
    Place {
        file: span.file.name().to_string(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        text: text.unwrap_or_default().to_owned(),
    }
}
