use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::samples;
use super::*;
use crate::schedule::Slot;

/// An engine that answers after `down` seconds, and the number of questions to it.
fn outage(down: u64, limit: &str) -> (Outage, Arc<AtomicUsize>) {
    let (up, asked) = (Instant::now() + Duration::from_secs(down), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    let answers = move || -> BoxFuture<'static, bool> {
        count.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Instant::now() >= up })
    };
    (Outage::asking(Box::new(answers), Box::new(|| Duration::ZERO), limit.parse().unwrap()), asked)
}

#[tokio::test(start_paused = true)]
async fn all_cells_wait_for_one_answer_of_the_engine() {
    let (outage, asked) = outage(7, "2m");
    assert!(outage.end().await.is_ok());
    outage.lost();
    let (started, waits) = (Instant::now(), (0..100).map(|_| outage.end()));
    assert!(futures::future::join_all(waits).await.iter().all(Result::is_ok));
    assert_eq!((started.elapsed().as_secs(), asked.load(Ordering::Relaxed)), (7, 7));
}

#[tokio::test(start_paused = true)]
async fn after_the_limit_all_cells_fail_in_the_same_way_and_none_waits_again() {
    for (limit, seconds, message) in [
        ("2m", 120, "the engine did not come back within 2m"),
        ("0s", 1, "the engine does not answer any more"),
    ] {
        let (outage, _) = outage(1_000, limit);
        outage.lost();
        let started = Instant::now();
        let waits = (0..100).map(|_| outage.end());
        for waited in futures::future::join_all(waits).await {
            let failure = waited.unwrap_err();
            assert_eq!((failure.kind, failure.message.as_str()), (Kind::EngineLost, message));
        }
        assert_eq!(started.elapsed().as_secs(), seconds);
        outage.lost();
        outage.end().await.unwrap_err();
        assert_eq!(started.elapsed().as_secs(), seconds);
    }
}

/// Another cell asks in place of one that was cancelled.
#[tokio::test(start_paused = true)]
async fn a_cell_that_asks_and_is_cancelled_stops_no_other_cell() {
    let (outage, _) = outage(9, "2m");
    outage.lost();
    let started = Instant::now();
    let cancelled = timeout(Duration::from_secs(3), outage.end());
    let (cancelled, waited) = tokio::join!(cancelled, outage.end());
    assert!(cancelled.is_err() && waited.is_ok());
    assert!(started.elapsed().as_secs() <= 10);
}

#[tokio::test(start_paused = true)]
async fn a_silent_engine_is_named_within_10_s_until_it_answers() {
    let (request, cancel, slot) = (samples::request(), CancellationToken::new(), Slot::alone());
    let (events, mut received) = mpsc::channel(8);
    let job = Job { request: &request, events: &events, cancel: &cancel, slot: &slot };
    // Silent from second 5 to second 20.
    let began = Instant::now();
    let silence = move || match began.elapsed().as_secs() {
        5..20 => began.elapsed() - Duration::from_secs(5),
        _ => Duration::ZERO,
    };
    let answers = Box::new(|| -> BoxFuture<'static, bool> { Box::pin(async { true }) });
    let outage = Outage::asking(answers, Box::new(silence), EngineWait::default());
    outage.named(&job, sleep(Duration::from_secs(60))).await;
    let Event::Waiting { wait, .. } = received.recv().await.unwrap() else { panic!() };
    assert_eq!(wait.host, "the engine");
    assert!((8..=10).contains(&wait.since.as_secs()), "{wait:?}");
    assert!(matches!(received.recv().await, Some(Event::Answered { .. })));
    assert!(received.try_recv().is_err());
}
