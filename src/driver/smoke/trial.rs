//! Tests one platform of an image in a container.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::foreign::{ContainerRoot, ForeignProgram, first_word, foreign};
use super::limit::SmokeLimit;
use super::log::SmokeLog;
use super::relay::SMOKE_STEPS;
use super::run::{SmokeRun, SmokeStop};
use super::slots::{SmokeSlot, SmokeSlots};
use super::trouble::{Trouble, refused};
use crate::docker::{Bind, ContainerError, Engine, Launch, Output, State};
use crate::driver::leftovers::Names;
use crate::driver::stalled::waiting::{WaitingFor, report_wait};
use crate::event::{Event, Step, StepId, StepState};
use crate::failure::Failure;
use crate::image::{Platform, Program};
use crate::input::SmokeCommand;

/// The name of the step, before the platform.
const TESTING: &str = "testing";

/// The name of a script in the root directory of the container.
const SCRIPT: &str = "onebuild-test";

/// How often the state of a container is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How long the output and the exit of an ended container may take to arrive.
const EXIT_GRACE: Duration = Duration::from_secs(1);

/// What the engine did not do in time.
const NOT_CREATED: &str = "no container was created";
const NOT_STARTED: &str = "the container was not started";

/// How long inspecting the programs of a test may take.
const INSPECTION_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a cancelled run waits for a container that is being created.
const CREATE_GRACE: Duration = Duration::from_secs(2);

/// The trial of one platform.
pub(crate) struct Trial<'a> {
    cell: &'a SmokeRun<'a>,
    engine: &'a Engine,
    container: &'a str,
    platform: &'a Platform,
    is_emulated: bool,
    step: StepId,
    names: &'a Names,
    log: Mutex<SmokeLog>,
    /// What the engine has not yet done, until the test itself runs.
    pending: Mutex<Option<&'static str>>,
}

/// The platform and the container of a test.
pub(crate) struct TrialSubject<'a> {
    /// The name of the container.
    pub(crate) container: &'a str,
    /// Unique among the tests of the run.
    pub(crate) number: u32,
    pub(crate) platform: &'a Platform,
    pub(crate) is_emulated: bool,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(cell: &'a SmokeRun<'a>, names: &'a Names, subject: TrialSubject<'a>) -> Self {
        let TrialSubject { container, number, platform, is_emulated } = subject;
        let step = StepId(SMOKE_STEPS | number);
        Self {
            cell,
            engine: cell.engine,
            container,
            platform,
            is_emulated,
            step,
            names,
            log: Mutex::new(SmokeLog::new(cell.request.policy.retry.clone())),
            pending: Mutex::new(Some(NOT_CREATED)),
        }
    }

    /// Waits for a slot, and reports the wait.
    pub(crate) async fn wait_for<'s>(
        &self,
        slots: &'s SmokeSlots,
    ) -> Result<SmokeSlot<'s>, SmokeStop> {
        if let Some(slot) = slots.try_take(self.is_emulated) {
            return Ok(slot);
        }
        self.report("waiting to test", StepState::Running).await;
        let taken = slots.take(self.is_emulated);
        match self.cell.cancel.run_until_cancelled(taken).await {
            Some(slot) => Ok(slot),
            None => {
                self.report("waiting to test", StepState::Cancelled).await;
                Err(SmokeStop::Cancelled)
            }
        }
    }

    /// Creates the container. An engine that removes another image with the same layers at the same time
    /// may miss a layer; another attempt unpacks it.
    async fn create(&self) -> Result<(), ContainerError> {
        const ATTEMPTS: usize = 3;
        let launch = self.launch();
        let mut attempt = 1;
        loop {
            match self.engine.create_container(&launch).await {
                Err(error) if attempt < ATTEMPTS && error.message.contains("parent snapshot") => {
                    attempt += 1;
                }
                created => return created,
            }
        }
    }

    /// Creates the container and tests it. The caller always removes it.
    pub(crate) async fn run(&self, cancel: &CancellationToken) -> Result<(), SmokeStop> {
        if cancel.is_cancelled() {
            return Err(SmokeStop::Cancelled);
        }
        self.report(TESTING, StepState::Running).await;
        let since = Instant::now();
        let limit = SmokeLimit::new(self.cell.test.timeout, self.is_emulated);
        let creating = self.report_wait("creating a container", self.create());
        let creating = tokio::time::timeout(limit.duration(), creating);
        // When cancelled, wait briefly for `create`, so that the container can be removed.
        let given_up = async {
            cancel.cancelled().await;
            tokio::time::sleep(CREATE_GRACE).await;
        };
        let created = tokio::select! {
            created = creating => Some(created),
            () = given_up => None,
        };
        let done = match created {
            Some(Ok(Ok(()))) => {
                let left = limit.duration().saturating_sub(since.elapsed());
                let tested = tokio::time::timeout(left, self.attempt());
                let tested = cancel.run_until_cancelled(tested).await;
                tested.map(|tested| tested.unwrap_or_else(|_| Err(self.timed_out(limit))))
            }
            Some(Err(_)) => Some(Err(self.timed_out(limit))),
            Some(Ok(Err(error))) => Some(Err(refused("the container could not be created")(error))),
            None => None,
        };
        let took = since.elapsed();
        let rest = self.log().finish();
        self.show(rest).await;
        match done {
            None => {
                self.report(TESTING, StepState::Cancelled).await;
                Err(SmokeStop::Cancelled)
            }
            Some(Ok(())) => {
                self.report(TESTING, StepState::Done { took }).await;
                Ok(())
            }
            Some(Err(trouble)) => {
                self.report(TESTING, StepState::Failed { took }).await;
                let tail = self.log().tail();
                let retry_pattern = self.log().retry_pattern();
                let failure = trouble.failure(self.cell.test, self.platform, tail, took);
                Err(Box::new(Failure { retry_pattern, ..failure }).into())
            }
        }
    }

    /// The failure when the time is used up.
    fn timed_out(&self, limit: SmokeLimit) -> Trouble {
        match *self.pending.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(what) => Trouble::EngineTooLong { what, limit },
            None => Trouble::TooLong { limit },
        }
    }

    fn set_pending(&self, what: Option<&'static str>) {
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// Waits for the engine, and reports a long wait.
    async fn report_wait<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let SmokeRun { request, events, .. } = self.cell;
        report_wait(Some(events), WaitingFor::engine(&request.cell, what), work).await
    }

    /// Starts the created container and tests it.
    async fn attempt(&self) -> Result<(), Trouble> {
        let (engine, container) = (self.engine, self.container);
        self.set_pending(Some(NOT_STARTED));
        if let Some(script) = &self.cell.request.policy.script {
            let sent = engine.upload(container, archive(script)).await;
            sent.map_err(refused("the script could not be copied into the container"))?;
        }
        let lost = || refused("the engine lost the container");
        if self.cell.test.healthy.is_some() && !self.state().await?.is_checked {
            return Err(Trouble::Unchecked);
        }
        if let Ok(Some(found)) = tokio::time::timeout(INSPECTION_TIMEOUT, self.foreign()).await {
            return Err(Trouble::Foreign(found));
        }
        let output = engine.attach(container).await.map_err(lost())?;
        let starting = engine.start_container(container);
        let started = self.report_wait("starting the container", starting).await;
        started.map_err(refused("the container did not start"))?;
        self.set_pending(None);
        self.started(output).await
    }

    /// The first program of the test that is built for another platform.
    async fn foreign(&self) -> Option<ForeignProgram> {
        let start = self.engine.start_of(self.container).await.ok()?;
        // The program of the container, the command that runs in it, and the first word of a shell
        // command line.
        let command = self.command().unwrap_or_default();
        let mut programs = vec![start.program.clone()];
        programs.extend(command.into_iter().next());
        if let Some(SmokeCommand::Shell(line)) = &self.cell.test.command {
            programs.extend(first_word(line).map(str::to_owned));
        }
        programs.dedup();
        for program in programs {
            let found = foreign(self, &start, &program, self.platform).await;
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Tests the running container.
    async fn started(&self, output: Output) -> Result<(), Trouble> {
        let (engine, container) = (self.engine, self.container);
        let Some(wait) = &self.cell.test.healthy else {
            self.follow(output).await;
            let lost = refused("the engine lost the container");
            let code = engine.wait(container).await.map_err(lost)?;
            return self.ended(code).await;
        };
        let limit = SmokeLimit::new(wait.limit, self.is_emulated);
        let mut following = std::pin::pin!(self.follow(output));
        let mut testing = std::pin::pin!(async {
            self.until_healthy(limit).await?;
            self.inside().await
        });
        let mut output_ended = false;
        let done = loop {
            tokio::select! {
                () = &mut following, if !output_ended => output_ended = true,
                done = &mut testing => break done,
            }
        };
        if !output_ended && matches!(done, Err(Trouble::Ended { .. } | Trouble::Died { .. })) {
            let _ = tokio::time::timeout(EXIT_GRACE, following).await;
        }
        done
    }

    /// Waits until the container is healthy. On a native platform, `unhealthy` is final, unless the last
    /// check timed out. On an emulated one it is not: the times of a HEALTHCHECK are for a native machine
    /// that is not busy, and the container may still become healthy.
    async fn until_healthy(&self, limit: SmokeLimit) -> Result<(), Trouble> {
        let since = Instant::now();
        loop {
            let state = self.state().await?;
            let State { running, exit_code, healthy, check_output, check_timed_out, .. } = state;
            let is_final = !self.is_emulated && !check_timed_out;
            match healthy {
                _ if !running => return Err(Trouble::Ended { code: exit_code }),
                Some(true) => return Ok(()),
                Some(false) if is_final => return Err(Trouble::Unhealthy { check: check_output }),
                _ if since.elapsed() >= limit.duration() => {
                    return Err(Trouble::NotHealthy { limit, check: check_output });
                }
                _ => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
    }

    /// Runs the command, if any, in the running container. If the container exits, the command is killed
    /// with it, and the exit of the container is reported instead.
    async fn inside(&self) -> Result<(), Trouble> {
        let done = self.command_inside().await;
        let is_killed = match &done {
            Ok(()) => return Ok(()),
            Err(Trouble::Exit { code, .. }) => *code > 128,
            Err(_) => true,
        };
        // The engine may report the exit of the container after that of the command.
        let since = Instant::now();
        loop {
            if let Ok(State { running: false, exit_code: code, .. }) = self.state().await {
                return Err(Trouble::Died { code });
            }
            if !is_killed || since.elapsed() >= EXIT_GRACE {
                return done;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn command_inside(&self) -> Result<(), Trouble> {
        let Some(command) = self.command() else { return Ok(()) };
        let engine = self.engine;
        let begun = engine.exec(self.container, command, self.cell.test.privileged).await;
        let not_run = || refused("the command could not be run in the container");
        let (id, output) = begun.map_err(not_run())?;
        self.follow(output).await;
        // The output may end before the command, and the engine may report the exit later still.
        let code = loop {
            match engine.exec_exit(&id).await.map_err(not_run())? {
                Some(code) => break code,
                None => tokio::time::sleep(POLL_INTERVAL).await,
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

    /// Shows the output until it ends.
    async fn follow(&self, mut output: Output) {
        // An interrupted output is not a failure: the exit code decides.
        while let Some(Ok(piece)) = output.next().await {
            let lines = self.log().push(&piece);
            self.show(lines).await;
        }
    }

    fn log(&self) -> std::sync::MutexGuard<'_, SmokeLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn show(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            let cell = self.cell.request.cell.clone();
            let _ = self.cell.events.send(Event::Log { cell, step: self.step, line }).await;
        }
    }

    async fn report(&self, doing: &str, state: StepState) {
        let step = Step {
            id: self.step,
            name: format!("{doing} on {}", self.platform),
            platform: None,
            stage: None,
            position: None,
            is_output: false,
            state,
        };
        let cell = self.cell.request.cell.clone();
        let _ = self.cell.events.send(Event::Step { cell, step }).await;
    }

    fn launch(&self) -> Launch {
        let test = self.cell.test;
        let bind = |volume: &crate::input::Volume| Bind {
            host: volume.host.clone(),
            container: volume.container.clone(),
            read_only: volume.read_only,
        };
        let own = test.env.iter().map(|(name, value)| format!("{name}={value}"));
        let names = test.env.keys().map(|name| &**name);
        Launch {
            name: self.container.to_owned(),
            image: self.cell.image.clone(),
            platform: self.platform.clone(),
            command: if test.healthy.is_some() { None } else { self.command() },
            env: own.chain(self.cell.proxies.variables(names)).collect(),
            binds: test.volumes.iter().map(bind).collect(),
            privileged: test.privileged,
            labels: self.names.labels(&self.cell.request.cell),
        }
    }

    fn command(&self) -> Option<Vec<String>> {
        Some(match self.cell.test.command.as_ref()? {
            SmokeCommand::Words(words) => words.clone(),
            SmokeCommand::Shell(line) => ["/bin/sh", "-c", line].map(str::to_owned).to_vec(),
            SmokeCommand::Script(_) => vec![format!("/{SCRIPT}")],
        })
    }
}

/// The engine reads the files of the container.
impl ContainerRoot for Trial<'_> {
    async fn executable(&self, path: &str) -> Option<Vec<u8>> {
        let found = self.engine.executable(self.container, path, Program::HEAD).await;
        found.ok().flatten()
    }
}

/// A tar archive with only the script.
fn archive(script: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(script.len() as u64);
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(Vec::new());
    let appended = archive.append_data(&mut header, SCRIPT, script);
    appended.and_then(|()| archive.into_inner()).expect("writing to memory cannot fail")
}
