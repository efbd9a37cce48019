use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::samples;
use super::*;
use crate::input::{EngineWait, Reclaim, Retry as Wanted};
use crate::outcome::Built;
use crate::plan::Output;
use crate::schedule::Slot;

/// Fails with each failure in turn, and then succeeds. Records `no_cache` of each attempt.
struct Fake {
    failures: Mutex<Vec<Failure>>,
    no_cache: Mutex<Vec<bool>>,
    gates: Gates,
    /// With each failure, the registry asks its clients to wait for so many seconds.
    asked: Option<u64>,
}

impl Builder for Fake {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        self.no_cache.lock().unwrap().push(job.request.policy.no_cache);
        match self.failures.lock().unwrap().pop() {
            Some(failure) => {
                if let Some(seconds) = self.asked {
                    close(&self.gates, seconds);
                }
                CellResult::Failed(Box::new(failure))
            }
            None => CellResult::Built(Built::default()),
        }
    }
}

fn registry(phase: Phase, fault: RegistryFault) -> Failure {
    let kind = Kind::Registry { image: "r.example/a:1".parse().unwrap(), fault };
    Failure { kind, phase, ..Failure::default() }
}

fn close(gates: &Gates, seconds: u64) {
    let fault = RegistryFault::RateLimited { wait: None };
    gates.close("r.example", Duration::from_secs(seconds), fault);
}

fn unavailable(phase: Phase) -> Failure {
    registry(phase, RegistryFault::Status { status: Some(503), errors: Vec::new() })
}

/// What one cell did.
struct Ran {
    result: CellResult,
    no_cache: Vec<bool>,
    events: Vec<Event>,
    seconds: u64,
}

impl Ran {
    /// The number of failed attempts before the last one.
    fn earlier(&self) -> usize {
        match &self.result {
            CellResult::Built(built) => built.earlier.len(),
            CellResult::Failed(failure) => failure.earlier.len(),
            _ => panic!("{:?}", self.result),
        }
    }
}

/// `before` are the seconds that the registry asked for earlier, `asked` those of each failure.
async fn ran(
    failures: &[Failure],
    retries: u32,
    asked: (Option<u64>, Option<u64>),
    cancel_after: Option<u64>,
) -> Ran {
    ran_with(failures, retries, asked, cancel_after, None).await
}

async fn ran_with(
    failures: &[Failure],
    retries: u32,
    (before, asked): (Option<u64>, Option<u64>),
    cancel_after: Option<u64>,
    reclaim: Option<Reclaim>,
) -> Ran {
    let gates = Gates::default();
    if let Some(seconds) = before {
        close(&gates, seconds);
    }
    let failures = failures.iter().rev().cloned().collect();
    let (failures, no_cache) = (Mutex::new(failures), Mutex::default());
    let fake = Fake { failures, no_cache, gates: gates.clone(), asked };
    let answers = Box::new(|| -> BoxFuture<'static, bool> { Box::pin(async { true }) });
    let outage = Outage::asking(answers, Box::new(|| Duration::ZERO), EngineWait::default());
    let prune = Box::new(|_| -> BoxFuture<'static, u64> { Box::pin(async { 1 }) });
    let disk = EngineDisk::pruned_by(prune, None, reclaim);
    let retried = Retried::new(fake, gates, outage, disk);
    let (mut request, cancel, slot) = (samples::request(), CancellationToken::new(), Slot::alone());
    request.policy.no_cache = true;
    request.delivery.output = Output::Push;
    request.policy.retry = Wanted { retries: Some(retries), ..Wanted::default() };
    let (events, mut received) = mpsc::channel(100);
    let job = Job { request: &request, events: &events, cancel: &cancel, slot: &slot };
    let started = Instant::now();
    let stop = async {
        if let Some(seconds) = cancel_after {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            cancel.cancel();
        }
    };
    let (result, ()) = tokio::join!(retried.build(&job), stop);
    let seconds = started.elapsed().as_secs();
    let mut events = Vec::new();
    while let Ok(event) = received.try_recv() {
        events.push(event);
    }
    let no_cache = retried.inner().no_cache.lock().unwrap().clone();
    Ran { result, no_cache, events, seconds }
}

#[tokio::test(start_paused = true)]
async fn temporary_failures_are_retried_as_often_as_the_limit_allows() {
    let lost = Failure { kind: Kind::EngineLost, ..Failure::default() };
    let refused = registry(Phase::Push, RegistryFault::Denied { with_login: true });
    let pull = || unavailable(Phase::Pull);
    let command = Failure { kind: Kind::Command { exit_code: 1 }, ..Failure::default() };
    let declared = Failure { retry_pattern: Some("Hash Sum".to_owned()), ..command.clone() };
    for (failures, retries, earlier, is_built) in [
        (vec![pull()], 2, 1, true),
        (vec![pull(), lost], 2, 2, true),
        (vec![pull(), pull(), pull()], 2, 2, false),
        (vec![pull()], 0, 0, false),
        (vec![pull(), refused.clone()], 2, 1, false),
        (vec![command], 2, 0, false),
        (vec![declared], 2, 1, true),
    ] {
        let ran = ran(&failures, retries, (None, None), None).await;
        assert_eq!(ran.earlier(), earlier, "{failures:?}");
        assert_eq!(matches!(ran.result, CellResult::Built(_)), is_built, "{failures:?}");
        let numbers: Vec<(u32, u32)> = ran
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Retrying { retry, .. } => Some((retry.number, retry.of)),
                _ => None,
            })
            .collect();
        let expected: Vec<(u32, u32)> =
            (1..).take(earlier).map(|number| (number, retries)).collect();
        assert_eq!(numbers, expected);
        let resumed = |event: &&Event| matches!(event, Event::Resumed { .. });
        assert_eq!(ran.events.iter().filter(resumed).count(), earlier);
    }
}

#[tokio::test(start_paused = true)]
async fn what_this_run_has_built_is_not_built_again() {
    for (phase, expected) in [
        (Phase::Pull, [true, true]),
        (Phase::Build, [true, true]),
        (Phase::Push, [true, false]),
        (Phase::Verify, [true, false]),
    ] {
        let ran = ran(&[unavailable(phase)], 2, (None, None), None).await;
        assert_eq!(ran.no_cache, expected, "{phase:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_is_asked_again_when_its_gate_opens_unless_that_takes_too_long() {
    for (asked, is_built) in [(1, true), (299, true), (301, false)] {
        let ran = ran(&[unavailable(Phase::Push)], 2, (None, Some(asked)), None).await;
        assert_eq!(matches!(ran.result, CellResult::Built(_)), is_built, "{asked}");
        match &ran.result {
            CellResult::Failed(failure) => {
                let help = failure.help.as_deref().unwrap();
                assert_eq!(help, "the registry asks to wait 5m01s: run it again then");
            }
            _ => assert!((asked + 1..=asked + 4).contains(&ran.seconds), "{}", ran.seconds),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cell_that_is_cancelled_while_it_waits_keeps_its_failure() {
    let ran = ran(&[unavailable(Phase::Push)], 2, (None, Some(200)), Some(7)).await;
    assert!(matches!(&ran.result, CellResult::Failed(failure) if failure.is_interrupted));
    assert_eq!((ran.seconds, ran.no_cache.len()), (7, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cell_does_not_start_while_its_registry_asks_to_wait() {
    let ran = ran(&[], 2, (Some(40), None), None).await;
    assert_eq!((ran.seconds, ran.no_cache.len()), (40, 1));
    assert!(matches!(&ran.events[0], Event::Waiting { wait, .. } if wait.host == "r.example"));
    assert!(matches!(ran.events[1], Event::Answered { .. }));
}

#[tokio::test(start_paused = true)]
async fn after_a_full_disk_a_cell_is_built_once_more_if_build_cache_was_removed() {
    let full = || Failure { kind: Kind::EngineDiskFull, ..Failure::default() };
    let all: Reclaim = "all".parse().unwrap();
    for (failures, reclaim, earlier, is_built) in [
        (vec![full()], None, 0, false),
        (vec![full()], Some(all), 1, true),
        (vec![full(), full()], Some(all), 1, false),
    ] {
        for retries in [0, 2] {
            let ran = ran_with(&failures, retries, (None, None), None, reclaim).await;
            assert_eq!(ran.earlier(), earlier, "{failures:?}");
            assert_eq!(matches!(ran.result, CellResult::Built(_)), is_built, "{failures:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_lost_a_result_is_not_used_again() {
    let failed = |kind, phase| Failure { kind, phase, ..Failure::default() };
    let failures =
        [failed(Kind::TagConflict, Phase::Push), failed(Kind::DamagedCache, Phase::Build)];
    let ran = ran(&failures, 2, (None, None), None).await;
    assert!(matches!(ran.result, CellResult::Built(_)));
    assert_eq!(ran.no_cache, [true, false, true]);
}
