//! One platform of an image, tried in a container.

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
use crate::driver::stalled::waiting::{Whom, patiently};
use crate::event::{Event, Step, StepId, StepState};
use crate::image::{Platform, Program};
use crate::input::SmokeCommand;

/// What a test does, in front of the platform.
const TESTING: &str = "testing";

/// Where a script lies in the container.
const SCRIPT: &str = "onebuild-test";

/// How often the engine is asked whether a container is healthy.
const LOOK: Duration = Duration::from_millis(200);

/// How long the output of a container that has ended, and the news of that, may still be on their way.
const DRAIN: Duration = Duration::from_secs(1);

/// What the engine did not do in time.
const NOT_MADE: &str = "no container was made";
const NOT_STARTED: &str = "the container was not started";

/// How long the programs that a test runs may be looked at.
const INSPECTION: Duration = Duration::from_secs(60);

/// How long a container that is being made is waited for when the run is cancelled.
const RELUCTANCE: Duration = Duration::from_secs(2);

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
    /// What the engine has not done yet, before the test itself runs.
    undone: Mutex<Option<&'static str>>,
}

/// Which platform is tried, and where.
pub(crate) struct TrialSubject<'a> {
    /// The name of the container to be.
    pub(crate) container: &'a str,
    /// Tells this test from the others of the run.
    pub(crate) number: u32,
    pub(crate) platform: &'a Platform,
    pub(crate) is_emulated: bool,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(
        cell: &'a SmokeRun<'a>,
        engine: &'a Engine,
        names: &'a Names,
        subject: TrialSubject<'a>,
    ) -> Self {
        let TrialSubject { container, number, platform, is_emulated } = subject;
        let step = StepId(SMOKE_STEPS | number);
        Self {
            cell,
            engine,
            container,
            platform,
            is_emulated,
            step,
            names,
            log: Mutex::default(),
            undone: Mutex::new(Some(NOT_MADE)),
        }
    }

    /// Waits for a slot, and tells that it waits if it has to.
    pub(crate) async fn wait_for<'s>(
        &self,
        slots: &'s SmokeSlots,
    ) -> Result<SmokeSlot<'s>, SmokeStop> {
        if let Some(slot) = slots.try_take(self.is_emulated) {
            return Ok(slot);
        }
        self.tell("waiting to test", StepState::Running).await;
        let taken = slots.take(self.is_emulated);
        match self.cell.cancel.run_until_cancelled(taken).await {
            Some(slot) => Ok(slot),
            None => {
                self.tell("waiting to test", StepState::Cancelled).await;
                Err(SmokeStop::Cancelled)
            }
        }
    }

    /// Makes the container. Engines unpack an image for it while they may be removing another one
    /// with the same layers, and then miss a layer that the next attempt unpacks.
    async fn create(&self) -> Result<(), ContainerError> {
        const ATTEMPTS: usize = 3;
        let launch = self.launch();
        let mut attempt = 1;
        loop {
            match self.engine.create_container(&launch).await {
                Err(error) if attempt < ATTEMPTS && error.message.contains("parent snapshot") => {
                    attempt += 1;
                }
                made => return made,
            }
        }
    }

    /// Makes the container and tries it. Whoever calls removes it, whatever comes of this.
    pub(crate) async fn run(&self, cancel: &CancellationToken) -> Result<(), SmokeStop> {
        if cancel.is_cancelled() {
            return Err(SmokeStop::Cancelled);
        }
        self.tell(TESTING, StepState::Running).await;
        let since = Instant::now();
        let limit = SmokeLimit::new(self.cell.test.timeout, self.is_emulated);
        let making = self.patiently("making a container", self.create());
        let making = tokio::time::timeout(limit.duration(), making);
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
            Some(Ok(Ok(()))) => {
                let left = limit.duration().saturating_sub(since.elapsed());
                let tried = tokio::time::timeout(left, self.attempt());
                let tried = cancel.run_until_cancelled(tried).await;
                tried.map(|tried| tried.unwrap_or_else(|_| Err(self.late(limit))))
            }
            Some(Err(_)) => Some(Err(self.late(limit))),
            Some(Ok(Err(error))) => Some(Err(refused("no container could be made")(error))),
            None => None,
        };
        let took = since.elapsed();
        let rest = self.log().finish();
        self.show(rest).await;
        match done {
            None => {
                self.tell(TESTING, StepState::Cancelled).await;
                Err(SmokeStop::Cancelled)
            }
            Some(Ok(())) => {
                self.tell(TESTING, StepState::Done { took }).await;
                Ok(())
            }
            Some(Err(trouble)) => {
                self.tell(TESTING, StepState::Failed { took }).await;
                Err(SmokeStop::Failed(Box::new(trouble.failure(
                    self.cell.test,
                    self.platform,
                    self.log().tail(),
                    took,
                ))))
            }
        }
    }

    /// The time is used up.
    fn late(&self, limit: SmokeLimit) -> Trouble {
        match *self.undone.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(what) => Trouble::EngineTooLong { what, limit },
            None => Trouble::TooLong { limit },
        }
    }

    fn undone(&self, what: Option<&'static str>) {
        *self.undone.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// Waits for the engine, and says so when that takes long.
    async fn patiently<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let SmokeRun { request, events, .. } = self.cell;
        patiently(Some(events), Whom::engine(&request.cell, what), work).await
    }

    /// Starts the container that was made, and tries it.
    async fn attempt(&self) -> Result<(), Trouble> {
        let (engine, container) = (self.engine, self.container);
        self.undone(Some(NOT_STARTED));
        if let Some(script) = &self.cell.request.policy.script {
            let sent = engine.upload(container, archive(script)).await;
            sent.map_err(refused("the script could not be copied into the container"))?;
        }
        let lost = || refused("the engine lost the container");
        if self.cell.test.healthy.is_some() && !self.state().await?.is_checked {
            return Err(Trouble::Unchecked);
        }
        if let Ok(Some(found)) = tokio::time::timeout(INSPECTION, self.foreign()).await {
            return Err(Trouble::Foreign(found));
        }
        let output = engine.attach(container).await.map_err(lost())?;
        let starting = engine.start_container(container);
        let started = self.patiently("starting a container", starting).await;
        started.map_err(refused("the container did not start"))?;
        self.undone(None);
        self.started(output).await
    }

    /// The first program that the test runs and that is made for another platform.
    async fn foreign(&self) -> Option<ForeignProgram> {
        let start = self.engine.start_of(self.container).await.ok()?;
        // What the container starts, what runs inside of it, and the first word of a line for the
        // shell, which is what the line is about.
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

    /// Tries the container that runs.
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

    /// Waits until the container is healthy. `unhealthy` is the end on a native platform, unless the
    /// last check did not end in time. Elsewhere it is not: the times of a HEALTHCHECK are those of
    /// a native machine that is not busy, and a container that misses them may still become healthy.
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
                _ => tokio::time::sleep(LOOK).await,
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

    fn log(&self) -> std::sync::MutexGuard<'_, SmokeLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn show(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            let cell = self.cell.request.cell.clone();
            let _ = self.cell.events.send(Event::Log { cell, step: self.step, line }).await;
        }
    }

    async fn tell(&self, doing: &str, state: StepState) {
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
        Launch {
            name: self.container.to_owned(),
            image: self.cell.image.clone(),
            platform: self.platform.clone(),
            command: if test.healthy.is_some() { None } else { self.command() },
            env: test.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
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

/// A tar archive that holds the script alone.
fn archive(script: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(script.len() as u64);
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(Vec::new());
    let appended = archive.append_data(&mut header, SCRIPT, script);
    appended.and_then(|()| archive.into_inner()).expect("writing to the memory cannot fail")
}
